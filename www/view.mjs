/**
 * What one sees of the sigver page, but for the wire log. It knows the document and is told
 * everything else.
 */

import { byId, fact, keepToEnd, now } from './page.mjs';

/** @typedef {import('./page.mjs').Tone} Tone */

/** @type {Record<string, {word: string, tone: Tone, way: string}>} */
const STREAM = {
  none: { word: 'none', tone: 'idle', way: 'none' },
  connecting: { word: 'connecting', tone: 'wait', way: 'wait' },
  open: { word: '', tone: 'good', way: 'on' },
  reconnecting: { word: 'reconnecting', tone: 'wait', way: 'wait' },
  paused: { word: 'cut', tone: 'bad', way: 'cut' },
  closed: { word: 'closed', tone: 'idle', way: 'none' },
};

/**
 * @param {string} state of the channel, or `none`
 * @param {string} transport
 */
export function showStream(state, transport) {
  const { word, tone, way } = STREAM[state];
  const by = transport === 'poll' ? 'long poll' : 'event stream';
  fact('fact-stream', word || by, tone);
  byId('way-server').dataset.way = way;
  byId('node-server').dataset.lit = String(state === 'open');
  byId('cut').disabled = !['open', 'reconnecting', 'paused'].includes(state);
  byId('cut').textContent = `${state === 'paused' ? 'Resume' : 'Cut'} the ${by}`;
}

/**
 * @param {string} word
 * @param {string} good
 * @returns {Tone}
 */
function toneOf(word, good) {
  if (word === good) {
    return 'good';
  }
  return word === 'none' || word === 'closed' ? 'idle' : 'wait';
}

/**
 * @param {{connection: string, channel: string, known: boolean, awaited: boolean}} partner
 *   connection and channel as WebRTC names their states, or `none`
 */
export function showPartner({ connection, channel, known, awaited }) {
  const open = channel === 'open';
  fact('fact-peer', connection, toneOf(connection, 'connected'));
  fact('fact-channel', channel, toneOf(channel, 'open'));
  byId('way-direct').dataset.way = open ? 'on' : connection === 'none' ? 'none' : 'wait';
  byId('way-other').dataset.way = known ? 'on' : awaited ? 'wait' : 'none';
  byId('node-other').dataset.lit = String(known);
  byId('elsewhere').classList.toggle('primary', !known);
  showComposer(known, open);
}

/**
 * Which ways a line of chat can go; directly, as soon as that is one.
 * @param {boolean} known
 * @param {boolean} open
 */
function showComposer(known, open) {
  const direct = byId('via-direct');
  const server = byId('via-server');
  if (open && direct.disabled) {
    direct.checked = true;
  } else if (!open) {
    server.checked = true;
  }
  direct.disabled = !open;
  server.disabled = !known;
  byId('text').disabled = !known && !open;
  byId('send').disabled = !known && !open;
}

/** @param {{key: string, role: string, link?: string} | undefined} session */
export function showSession(session) {
  const focused = byId('start').contains(document.activeElement);
  byId('start').hidden = Boolean(session);
  byId('session').hidden = !session;
  if (session) {
    byId('role').textContent = session.role;
    byId('held-key').textContent = session.key;
    byId('invitation').hidden = !session.link;
    byId('elsewhere').hidden = !session.link;
    byId('link').value = session.link ?? '';
    byId('elsewhere').href = session.link ?? '';
  }
  if (focused && session) {
    byId('leave').focus(); // where it was is hidden now
  }
}

/**
 * @param {string} text
 * @param {boolean} mine
 * @param {string} how
 */
export function addLine(text, mine, how) {
  const line = document.createElement('div');
  const words = document.createElement('p');
  const small = document.createElement('small');
  line.className = 'line';
  line.dataset.mine = String(mine);
  words.textContent = text;
  small.textContent = `${mine ? 'You' : 'The other'} · ${now()} · ${how}`;
  line.append(words, small);
  byId('chat-empty').hidden = true;
  keepToEnd(byId('lines'), () => byId('lines').append(line));
}
