/** What one sees of the page of codes. It knows the document and is told everything else. */

import { byId, keepToEnd, now, pill, say } from './page.mjs';
import { grouped, meet } from './qr-known.mjs';
import { draw } from './qr-image.mjs';

/** @typedef {import('./qr-meeting.mjs').Meeting} Meeting */

/** @type {Record<Meeting['step'], {title: string, status: string, at: string, word: string, tone: import('./page.mjs').Tone}>} */
const STEPS = {
  making: { title: 'Your code', status: 'Making your code …', at: 'offer', word: 'Not connected', tone: 'idle' },
  offer: {
    title: 'Your code', at: 'offer', word: 'Not connected', tone: 'idle',
    status: 'Let the other device read your code, or read theirs. It does not matter who begins.',
  },
  answer: {
    title: 'Your answer', at: 'answer', word: 'Show your answer', tone: 'wait',
    status: 'You have read their code. Now let the other device read your answer.',
  },
  code: {
    title: 'Your digits', at: 'answer', word: 'Waiting', tone: 'wait',
    status: 'Tell the other side these digits. They are good for ten minutes.',
  },
  connecting: { title: 'Your code', status: 'Connecting …', at: 'answer', word: 'Connecting', tone: 'wait' },
  connected: { title: 'Your code', status: 'Connected. You talk directly.', at: 'connected', word: 'Connected', tone: 'good' },
};

const ORDER = ['offer', 'answer', 'connected'];

/** @param {string} at */
function showSteps(at) {
  ORDER.forEach((name, place) => {
    const item = byId(`step-${name}`);
    item.dataset.done = String(place < ORDER.indexOf(at) || at === 'connected');
    item.toggleAttribute('aria-current', name === at);
    if (name === at) {
      item.setAttribute('aria-current', 'step');
    }
  });
}

let drawn = '';

/** @param {string} code @param {boolean} answer */
async function showPlate(code, answer) {
  if (code === drawn) {
    return;
  }
  drawn = code;
  const label = `QR code: your ${answer ? 'answer' : 'offer'}, ${code.length} characters. The field below holds them as text.`;
  const svg = code === '' ? undefined : await draw(code, label);
  if (code === drawn) {
    byId('plate').replaceChildren(...(svg ? [svg] : []));
    byId('plate').dataset.empty = String(svg === undefined);
  }
}

/** @param {string | undefined} link */
function showLink(link) {
  const url = new URL(location.href);
  url.hash = link ?? '';
  byId('link').value = link === undefined ? '' : url.href;
  byId('elsewhere').toggleAttribute('aria-disabled', link === undefined);
  if (link === undefined) {
    byId('elsewhere').removeAttribute('href');
  } else {
    byId('elsewhere').href = url.href;
  }
}

/** @param {Meeting} meeting */
export function showMeeting({ step, code, link, digits }) {
  const { title, status, at, word, tone } = STEPS[step];
  byId('show-title').textContent = title;
  say(status);
  showSteps(at);
  pill(word, tone);
  showPlate(code ?? '', step === 'answer');
  byId('code').value = code ?? '';
  showLink(link);
  byId('elsewhere').hidden = step === 'answer';
  byId('digits').hidden = digits === undefined;
  byId('digits').textContent = (digits ?? '').replace(/(.{3})(?=.)/g, '$1 ');
  byId('get-digits').textContent = digits === undefined ? 'Get six digits' : 'Get others';
  byId('main').dataset.step = step;
  byId('anew').hidden = step !== 'connected';
}

/** QR code, link or digits: what was chosen. */
export function showWay() {
  const chosen = /** @type {HTMLInputElement} */ (document.querySelector('input[name="as"]:checked')).value;
  ['qr', 'link', 'digits'].forEach((way) => { byId(`as-${way}`).hidden = way !== chosen; });
}

/** @param {boolean} on */
export function showCamera(on) {
  byId('finder').dataset.on = String(on);
  byId('scan').textContent = on ? 'Stop the camera' : 'Scan with the camera';
}

/** @param {string} text what is wrong, and what to do; empty: nothing is */
export function problem(text) {
  byId('problem').textContent = text;
}

/** @param {string} text */
export function storageLacks(text) {
  byId('no-keys').textContent = text;
  byId('no-keys').hidden = false;
}

/** @param {HTMLElement} line */
function append(line) {
  byId('chat-empty').hidden = true;
  keepToEnd(byId('lines'), () => byId('lines').append(line));
}

const short = (/** @type {string} */ id) => id.slice(0, 4);

/** A line of chat. @param {string} text @param {string} [id] of its sender; none: it is mine */
export function addLine(text, id) {
  const line = document.createElement('div');
  const words = document.createElement('p');
  const small = document.createElement('small');
  line.className = 'line';
  line.dataset.mine = String(id === undefined);
  words.textContent = text;
  small.textContent = `${id === undefined ? 'You' : short(id)} · ${now()}`;
  line.append(words, small);
  append(line);
}

/** @param {string} text @param {import('./page.mjs').Tone} tone */
function mark(text, tone) {
  const line = document.createElement('p');
  line.className = 'mark';
  line.dataset.tone = tone;
  line.textContent = text;
  append(line);
}

/** @param {import('./qr-known.mjs').Known} known */
function metBefore({ times, last }) {
  return `Met ${times === 1 ? 'once' : `${times} times`} before, last on ${new Date(last).toLocaleDateString()}`;
}

/**
 * Somebody has come, or gone.
 * @param {string} id
 * @param {boolean} [gone]
 */
export function told(id, gone = false) {
  if (gone) {
    mark(`${short(id)} is gone · ${now()}`, 'bad');
    return;
  }
  const before = meet(id);
  mark(`Connected with ${short(id)} · ${now()}`, 'good');
  const row = document.createElement('div');
  const term = document.createElement('dt');
  const detail = document.createElement('dd');
  const code = document.createElement('code');
  term.textContent = before === undefined ? 'New to you' : metBefore(before);
  code.textContent = grouped(id);
  detail.append(code);
  row.append(term, detail);
  row.dataset.id = id;
  byId('known').querySelector(`[data-id="${CSS.escape(id)}"]`)?.remove();
  byId('known').append(row);
}

/**
 * @param {import('./peer.js').RemotePeer[]} peers who is connected
 * @param {string} [own] the own id, when it is known
 */
export function showPeers(peers, own) {
  if (own !== undefined) {
    byId('own-id').textContent = grouped(own);
  }
  byId('peers').replaceChildren(...peers.map((it) => {
    const item = document.createElement('li');
    const close = document.createElement('button');
    close.type = 'button';
    close.className = 'bare';
    close.textContent = 'Close';
    close.addEventListener('click', () => it.close());
    item.append(short(it.id), close);
    return item;
  }));
  byId('text').disabled = peers.length === 0;
  byId('send').disabled = peers.length === 0;
}
