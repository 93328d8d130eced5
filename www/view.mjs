/**
 * What one sees of the page of the two windows, but for the wire log. It knows the document and
 * is told everything else.
 */

/** @typedef {'idle' | 'wait' | 'good' | 'bad'} Tone */

/**
 * @param {string} id
 * @returns {any} the element
 */
export const byId = (id) => document.getElementById(id);

/**
 * Changes a box, and keeps to its end if it stood there.
 * @param {HTMLElement} box
 * @param {() => void} change
 */
export function keepToEnd(box, change) {
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  change();
  if (atEnd) {
    box.scrollTop = box.scrollHeight;
  }
}

/**
 * @param {string} id
 * @param {string} text
 * @param {Tone} tone
 */
export function fact(id, text, tone) {
  byId(id).textContent = text;
  byId(id).dataset.tone = tone;
}

/**
 * How things are: a sentence (a screen reader says it, so only when it is another), and a word.
 * @param {string} sentence
 */
export function say(sentence) {
  if (byId('status').textContent !== sentence) {
    byId('status').textContent = sentence;
  }
}

/**
 * @param {string} word
 * @param {Tone} tone
 */
export function pill(word, tone) {
  byId('pill').dataset.tone = tone;
  byId('pill-text').textContent = word;
  document.title = tone === 'idle' ? 'sigpost: two windows, one key' : `${word}, sigpost`;
}

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

/** @type {Record<string, string>} how WebRTC calls the candidate that won, and how we do */
const ROUTES = { host: 'direct', srflx: 'direct, past a NAT', prflx: 'direct, past a NAT' };

/** @param {{type: string, protocol: string} | undefined} route */
export function showRoute(route) {
  if (route) {
    const { type, protocol } = route;
    fact('fact-route', `${ROUTES[type] ?? type}, ${protocol.toUpperCase()}`, 'good');
  } else {
    fact('fact-route', 'none', 'idle');
  }
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
 * A dot that travels along the message's way.
 * @param {'up' | 'down'} direction
 */
export function travel(direction) {
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) {
    return;
  }
  const ends = [{ transform: 'translate(88px, 118px)' }, { transform: 'translate(150px, 62px)' }];
  byId('mote').dataset.direction = direction;
  byId('mote').animate(
    ends.map((end) => ({ ...end, visibility: 'visible' })),
    { duration: 450, easing: 'ease-in-out', direction: direction === 'up' ? 'normal' : 'reverse' },
  );
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
  const time = new Date().toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  line.className = 'line';
  line.dataset.mine = String(mine);
  words.textContent = text;
  small.textContent = `${mine ? 'You' : 'The other'} · ${time} · ${how}`;
  line.append(words, small);
  byId('chat-empty').hidden = true;
  keepToEnd(byId('lines'), () => byId('lines').append(line));
}
