/** What one sees of the webrtc-star page, but for chat and wire log. It knows the document and is told everything else. */

import { byId, fact } from './page.mjs';

/** @typedef {import('./page.mjs').Tone} Tone */

/** @type {Record<string, string>} */
const TRANSPORTS = { sse: 'event stream', fetch: 'event stream', poll: 'long poll', websocket: 'WebSocket' };

/** @type {Record<import('./star-node.mjs').State, {word: string, tone: Tone, way: string}>} */
const STATES = {
  none: { word: 'none', tone: 'idle', way: 'none' },
  loading: { word: 'none', tone: 'idle', way: 'none' },
  connecting: { word: 'connecting', tone: 'wait', way: 'wait' },
  online: { word: '', tone: 'good', way: 'on' },
  away: { word: 'away', tone: 'wait', way: 'wait' },
  ended: { word: 'none', tone: 'idle', way: 'none' },
};

/**
 * @param {import('./star-node.mjs').State} state
 * @param {string} transport
 */
export function showSignalling(state, transport) {
  const { word, tone, way } = STATES[state];
  fact('fact-signalling', word || TRANSPORTS[transport], tone);
  byId('way-server').dataset.way = way;
  byId('node-server').dataset.lit = String(state === 'online');
}

/** @param {{id: string, address: string, link: string} | undefined} node */
export function showNode(node) {
  const focused = byId('start').contains(document.activeElement)
    || byId('running').contains(document.activeElement);
  byId('start').hidden = Boolean(node);
  byId('running').hidden = !node;
  if (node) {
    byId('node-id').textContent = node.id;
    byId('node-address').textContent = node.address;
    byId('elsewhere').href = node.link;
  }
  if (focused) { // where it was is hidden now
    (node ? byId('stop') : byId('start').querySelector('[type="submit"]')).focus();
  }
}

/**
 * @param {number} open streams
 * @param {boolean} dialling
 */
export function showStreams(open, dialling) {
  const tone = open > 0 ? 'good' : dialling ? 'wait' : 'idle';
  fact('fact-streams', open > 0 ? `${open} open` : dialling ? 'dialling' : 'none', tone);
  for (const way of ['way-direct', 'way-other']) {
    byId(way).dataset.way = open > 0 ? 'on' : dialling ? 'wait' : 'none';
  }
  byId('node-other').dataset.lit = String(open > 0);
  byId('elsewhere').classList.toggle('primary', open === 0 && !dialling);
  byId('text').disabled = byId('send').disabled = open === 0;
}

/** How a peer is, and what can be done about it. @type {Record<string, {now: string, verb: string, tone: Tone}>} */
const PEERS = {
  found: { now: '', verb: 'Dial', tone: 'idle' },
  dialling: { now: 'dialling', verb: '', tone: 'wait' },
  open: { now: 'connected', verb: 'Hang up', tone: 'good' },
  failed: { now: 'did not answer', verb: 'Dial again', tone: 'bad' },
};

/**
 * @param {string} name
 * @param {() => void} act on its button
 * @returns {(state: string) => void} shows its state
 */
export function addNode(name, act) {
  const copy = byId('node-row').content.cloneNode(true);
  const row = /** @type {HTMLElement} */ (copy.firstElementChild);
  const part = (/** @type {string} */ it) => /** @type {HTMLElement} */ (row.querySelector(it));
  part('code').textContent = name;
  part('button').addEventListener('click', act);
  byId('nodes').append(row);
  byId('found-empty').hidden = true;
  return (state) => {
    const { now, verb, tone } = PEERS[state];
    row.dataset.tone = tone;
    part('.now').textContent = now;
    part('.verb').textContent = verb || 'Dial';
    part('.unseen').textContent = ` ${name}`;
    part('button').ariaDisabled = String(verb === '');
  };
}

export function clearNodes() {
  byId('nodes').replaceChildren();
  byId('found-empty').hidden = false;
}
