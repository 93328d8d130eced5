/** What one sees of the page of codes. It knows the document and is told everything else. */

import { addMark } from './chat.mjs';
import { byId, now, pill, say } from './page.mjs';
import { grouped, meet } from './qr-known.mjs';
import { draw } from './qr-image.mjs';

/** @typedef {import('./qr-meeting.mjs').Meeting} Meeting */

/**
 * `focus`: where one looks next, when it comes to that.
 * @type {Record<Meeting['step'], {title: string, status: string, at: string, word: string, tone: import('./page.mjs').Tone, focus?: string}>}
 */
const STEPS = {
  making: { title: 'Your code', status: 'Making your code …', at: 'offer', word: 'Not connected', tone: 'idle' },
  offer: {
    title: 'Your code', at: 'offer', word: 'Not connected', tone: 'idle',
    status: 'Let the other device read your code, then read the answer it shows. Or begin with theirs.',
  },
  answer: {
    title: 'Your answer', at: 'answer', word: 'Show your answer', tone: 'wait', focus: 'show-title',
    status: 'You have their code. Now let the other device read your answer.',
  },
  code: {
    title: 'Your digits', at: 'answer', word: 'Waiting', tone: 'wait',
    status: 'Tell the other side these digits, to be entered under “Their code”. They are good for ten minutes.',
  },
  connecting: { title: 'Your code', status: 'Connecting …', at: 'answer', word: 'Connecting', tone: 'wait' },
  connected: {
    title: 'Your code', at: 'connected', word: 'Connected', tone: 'good', focus: 'chat-title',
    status: 'Connected. You talk directly.',
  },
};

const ORDER = ['offer', 'answer', 'connected'];
const WAYS = ['qr', 'link', 'digits'];

/** @param {string} at */
function showSteps(at) {
  ORDER.forEach((name, place) => {
    const item = byId(`step-${name}`);
    item.dataset.done = String(place < ORDER.indexOf(at) || at === 'connected');
    item.removeAttribute('aria-current');
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
  const url = new URL(location.pathname, location.href);
  url.hash = link ?? '';
  byId('link').value = link === undefined ? '' : url.href;
  url.search = 'second';
  byId('elsewhere').href = url.href;
}

/** @param {Meeting} meeting */
export function showMeeting({ step, code, link, digits }) {
  const { title, status, at, word, tone, focus } = STEPS[step];
  const answer = step === 'answer';
  byId('show-title').textContent = title;
  say(status);
  showSteps(at);
  pill(word, tone);
  showPlate(code ?? '', answer);
  byId('code').value = code ?? '';
  showLink(link);
  showAnswersWay(answer);
  byId('digits').dataset.empty = String(digits === undefined);
  byId('digits').textContent = (digits ?? '······').replace(/(.{3})(?=.)/g, '$1 ');
  byId('get-digits').textContent = digits === undefined ? 'Get six digits' : 'Get others';
  byId('get-digits').className = digits === undefined ? 'primary' : '';
  byId('scan').className = answer ? '' : 'primary';
  byId('waiting').textContent = status;
  lookAt(step, focus);
}

/** What is said of an offer as a link is not true of an answer, and digits are no answer. @param {boolean} answer */
function showAnswersWay(answer) {
  byId('elsewhere').hidden = answer;
  byId('link-label').textContent = answer ? 'Send this back' : 'Send this, by any chat or mail';
  byId('link-hint').textContent = answer
    ? 'Keep this window open until they have opened it. What is after the # is not sent to any server.'
    : 'Open the link that comes back, or paste it under “Their code”. What is after the # is not sent to any server.';
  byId('by-digits').hidden = answer;
  if (answer && way() === 'digits') {
    chooseWay('qr');
  }
}

/** Who has just scanned something is elsewhere on the page. @param {string} step @param {string} [focus] */
function lookAt(step, focus) {
  const before = byId('main').dataset.step;
  byId('main').dataset.step = step;
  if (focus !== undefined && before !== step) {
    byId(focus).focus({ preventScroll: true });
    const { top } = byId(focus).getBoundingClientRect();
    if (top < 0 || top > innerHeight / 2) {
      byId('progress').scrollIntoView();
    }
  }
}

/** @returns {string} QR code, link or digits: what was chosen */
const way = () => /** @type {HTMLInputElement} */ (document.querySelector('input[name="as"]:checked')).value;

export function showWay() {
  WAYS.forEach((it) => { byId(`as-${it}`).hidden = it !== way(); });
}

/** @param {'qr' | 'link' | 'digits'} chosen */
export function chooseWay(chosen) {
  /** @type {HTMLInputElement} */ (document.querySelector(`input[value="${chosen}"]`)).checked = true;
  showWay();
}

/** @param {boolean} on */
export function showCamera(on) {
  byId('finder').dataset.on = String(on);
  byId('scan').textContent = on ? 'Stop the camera' : 'Scan with the camera';
  byId('camera-status').textContent = on ? 'Hold the other device’s code before the camera.' : '';
  if (on) {
    byId('finder').scrollIntoView({ block: 'nearest' });
  }
}

/** Of what was read. @param {string} text what is wrong, and what to do; empty: nothing is */
export function problem(text) {
  byId('problem').textContent = text;
}

/** Of everything else. @param {string} text as of problem() */
export function failure(text) {
  byId('failure').textContent = text;
  byId('failure').hidden = text === '';
}

/** No more can be done here. */
function end() {
  byId('main').classList.add('lacking');
  byId('progress').hidden = true;
}

/** @param {string} text */
export function lacksStorage(text) {
  failure(text);
  end();
}

export function lacksLibrary() {
  byId('no-qr').hidden = false;
  byId('plate').hidden = true;
  chooseWay('link');
}

export function goesOnElsewhere() {
  byId('passed').hidden = false;
  end();
}

/** By which a peer is called. @param {string} id */
export const short = (id) => id.slice(0, 4);

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
  byId('main').dataset.met = 'true';
  if (gone) {
    addMark(`${short(id)} is gone · ${now()}`, 'bad');
    return;
  }
  const before = meet(id);
  addMark(`Connected with ${short(id)}, ${before === undefined ? 'new to you' : 'the same as before'} · ${now()}`, 'good');
  showKnown(id, before);
}

/** @param {string} id @param {import('./qr-known.mjs').Known | undefined} before */
function showKnown(id, before) {
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
    close.setAttribute('aria-label', `Close the connection with ${short(it.id)}`);
    close.addEventListener('click', () => it.close());
    item.append(short(it.id), close);
    return item;
  }));
  byId('text').disabled = peers.length === 0;
  byId('send').disabled = peers.length === 0;
}
