/**
 * What one sees of the PeerJS page. It knows the document and is told everything else.
 */

import { append } from './chat.mjs';
import { byId, fact, keepToEnd, now } from './page.mjs';

/** @typedef {import('./page.mjs').Tone} Tone */

/** @type {Record<string, string>} */
const TRANSPORTS = {
  sse: 'event stream',
  fetch: 'event stream by fetch',
  poll: 'long poll',
  websocket: 'WebSocket',
};

/** @type {Record<string, {word: string, tone: Tone, way: string}>} */
const STATES = {
  connecting: { word: 'connecting', tone: 'wait', way: 'wait' },
  online: { word: '', tone: 'good', way: 'on' },
  cut: { word: 'cut', tone: 'bad', way: 'cut' },
  away: { word: 'away', tone: 'wait', way: 'wait' },
  ended: { word: 'none', tone: 'idle', way: 'none' },
};

/** @param {number} bytes */
export function size(bytes) {
  const units = ['B', 'kB', 'MB'];
  const power = Math.min(2, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const digits = power > 0 && bytes / 1000 ** power < 100 ? 1 : 0;
  return `${(bytes / 1000 ** power).toFixed(digits)}\u00a0${units[power]}`;
}

/** @param {{id: string, link: string}} you */
export function showYou({ id, link }) {
  byId('id').value = id;
  byId('link').value = link;
  byId('elsewhere').href = link;
}

/**
 * @param {string} state of the signalling
 * @param {string} transport
 */
export function showSignalling(state, transport) {
  const { word, tone, way } = STATES[state];
  fact('fact-signalling', word || TRANSPORTS[transport], tone);
  byId('way-server').dataset.way = way;
  byId('node-server').dataset.lit = String(state === 'online');
  byId('cut').ariaDisabled = String(state !== 'online');
  for (const radio of byId('transports').querySelectorAll('input')) {
    radio.checked = radio.value === transport;
  }
}

/**
 * What went through the server, in messages.
 * @param {{up: number, down: number}} count
 */
export function showCount({ up, down }) {
  fact('fact-messages', `${up} up, ${down} down`, up + down > 0 ? 'good' : 'idle');
}

/**
 * @param {string} text on the button that cuts
 */
export function showCut(text) {
  byId('cut').textContent = text;
}

/** @param {string[]} states of the conversations there are */
function channel(states) {
  const open = states.filter((it) => it === 'open').length;
  if (open > 0) {
    return { word: open > 1 ? `${open} open` : 'open', tone: /** @type {Tone} */ ('good') };
  }
  const [first] = states;
  return { word: first ?? 'none', tone: /** @type {Tone} */ (first ? 'wait' : 'idle') };
}

/** @param {string[]} states */
export function showChannel(states) {
  const { word, tone } = channel(states);
  const open = tone === 'good';
  fact('fact-channel', word, tone);
  byId('way-direct').dataset.way = open ? 'on' : states.length > 0 ? 'wait' : 'none';
  byId('way-other').dataset.way = open ? 'on' : states.length > 0 ? 'wait' : 'none';
  byId('node-other').dataset.lit = String(open);
  byId('elsewhere').classList.toggle('primary', states.length === 0);
  for (const id of ['text', 'send', 'file']) {
    byId(id).disabled = !open;
  }
}

/**
 * @param {string} peer
 * @param {() => void} disconnect
 * @returns {(state: string) => void} shows its state; `gone` takes it away
 */
export function addPeer(peer, disconnect) {
  const copy = byId('peer-chip').content.cloneNode(true);
  const chip = /** @type {HTMLElement} */ (copy.firstElementChild);
  const button = /** @type {HTMLElement} */ (chip.querySelector('button'));
  const put = (/** @type {string} */ part, /** @type {string} */ text) => {
    /** @type {HTMLElement} */ (chip.querySelector(part)).textContent = text;
  };
  put('code', peer);
  put('.unseen', `Disconnect from ${peer}`);
  button.addEventListener('click', disconnect);
  byId('peers').append(chip);
  return (state) => {
    chip.dataset.tone = state === 'open' ? 'good' : 'wait';
    if (state === 'gone') {
      const focused = chip.contains(document.activeElement);
      chip.remove();
      if (focused) {
        byId('other').focus(); // its button is gone
      }
    }
  };
}

/** @param {any} transfer done @param {string | undefined} from */
function outcome({ url, name }, from) {
  if (from === undefined) {
    return 'Received';
  }
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.className = 'button quiet';
  link.textContent = 'Save';
  link.setAttribute('aria-label', `Save ${name}`);
  return link;
}

/**
 * A file on its way, in either direction.
 * @param {any} transfer
 * @param {() => void} stop
 * @param {string} [from] nobody: it is our own
 */
export function addFile(transfer, stop, from) {
  const copy = byId('file-line').content.cloneNode(true);
  const line = /** @type {HTMLElement} */ (copy.firstElementChild);
  const part = (/** @type {string} */ name) => /** @type {any} */ (line.querySelector(name));
  line.dataset.mine = String(from === undefined);
  part('b').textContent = transfer.name;
  part('small').textContent = `${from ?? 'You'} · ${now()}`;
  part('progress').setAttribute('aria-label', `Progress of ${transfer.name}`);
  part('button').setAttribute('aria-label', `Stop ${transfer.name}`);
  part('button').addEventListener('click', stop);
  const show = () => {
    const { state, bytes, reason } = transfer;
    const going = state === 'going';
    line.dataset.state = state;
    part('.amount').textContent = going ? `${size(bytes)} of ${size(transfer.size)}`
      : size(transfer.size);
    part('progress').value = transfer.size ? bytes / transfer.size : 1;
    if (!going && document.activeElement === part('button')) {
      byId('lines').focus(); // it is hidden now
    }
    part('progress').hidden = part('button').hidden = !going;
    part('.outcome').replaceChildren(...{
      going: [], done: [outcome(transfer, from)], stopped: [`Stopped: ${reason}`],
    }[/** @type {'going'} */ (state)]);
  };
  transfer.addEventListener('change', () => keepToEnd(byId('lines'), show));
  show();
  append(line);
}
