/** What the numbers of a server and the findings of a browser mean, in words. It knows no document. */

/** @typedef {import('./page.mjs').Tone} Tone */
/** @typedef {import('./probe.mjs').Finding} Finding */

const GATES = { fastcgi: 'FastCGI', cgi: 'CGI' };
/** @type {Record<string, string>} */
const PROTOCOLS = { peerjs: 'PeerJS', 'socket.io': 'Socket.IO' };
/** At this the server stops counting. */
const WAITING_MAX = 1000;

const count = new Intl.NumberFormat('en');

/** @param {number} ms */
export function time(ms) {
  const digits = ms < 10 ? 1 : 0;
  return ms < 1000 ? `${ms.toFixed(digits)}\u00a0ms` : `${(ms / 1000).toFixed(1)}\u00a0s`;
}

/** The two greatest units. @param {number} seconds */
export function duration(seconds) {
  const units = [['d', 86_400], ['h', 3600], ['min', 60], ['s', 1]];
  const parts = [];
  let rest = seconds;
  for (const [name, size] of /** @type {[string, number][]} */ (units)) {
    const n = Math.floor(rest / size);
    rest -= n * size;
    if (n > 0 || parts.length > 0 || size === 1) {
      parts.push(`${n}\u00a0${name}`);
    }
  }
  return parts.slice(0, 2).join(' ');
}

/**
 * The facts there are, by the ids of their elements.
 * @param {any} health
 * @param {number | undefined} rate messages a second
 * @returns {Record<string, string>}
 */
export function facts({ version, gate, process, peers, messages, store, protocols }, rate) {
  const all = {
    version,
    gate: gate && GATES[/** @type {'cgi'} */ (gate)],
    uptime: process && duration(process.uptime_s),
    streams: process && `${count.format(process.streams)} of ${count.format(process.max_streams)}`,
    peerjs: peers && count.format(peers.peerjs),
    star: peers && count.format(peers.star),
    waiting: messages && `${count.format(messages.waiting)}${
      messages.waiting >= WAITING_MAX ? ' or more' : ''}`,
    total: messages && `${count.format(messages.total)}${
      rate === undefined ? '' : `, ${rate.toFixed(1)} a second`}`,
    store: store && `SQLite, journal\u00a0${store.journal}, schema\u00a0${store.schema}`,
    protocols: protocols?.map((/** @type {string} */ it) => PROTOCOLS[it] ?? it).join(', '),
  };
  return Object.fromEntries(Object.entries(all).filter(([, text]) => text !== undefined));
}

/**
 * What a server's answer says of it.
 * @param {{status: number, health: any}} answer
 * @returns {{word: string, tone: Tone, sentence: string}}
 */
export function verdict({ status, health }) {
  if (health?.status === 'pass') {
    return { word: 'Well', tone: 'good', sentence: 'This server is well.' };
  }
  if (health) {
    const why = health.output ?? 'It cannot store anything.';
    return { word: 'Not well', tone: 'bad', sentence: `This server is not well. ${why}` };
  }
  if (status === 0) {
    return { word: 'No answer', tone: 'bad', sentence: 'Nobody answers.' };
  }
  if (status === 429) {
    return { word: 'Busy', tone: 'wait', sentence: 'This server wants fewer requests from here.' };
  }
  if (status === 404) {
    return { word: 'Reticent', tone: 'idle', sentence: 'This server does not say how it is.' };
  }
  return {
    word: 'No answer',
    tone: 'bad',
    sentence: `The web server answers with ${status}, sigpost does not.`,
  };
}

/** @type {Record<string, Record<'open' | 'held' | 'none', string>>} */
const MEANINGS = {
  sse: {
    open: 'Gets through at once, byte by byte.',
    held: 'Something on the way holds it back: a buffer of the web server, a proxy, compression. '
      + 'Clients here take long poll instead.',
    none: 'Is refused.',
  },
  poll: {
    open: 'A request that waits is answered when there is something to say.',
    held: 'A request that waits is not answered.',
    none: 'Is refused.',
  },
  websocket: {
    open: 'Gets through. PeerJS and Socket.IO need no script here.',
    held: 'Opens, but nothing comes of it.',
    none: 'Does not get through. PeerJS, Socket.IO and libp2p need one script, sigpost.js.',
  },
};

/** What does not work is no fault of a server that has another way. @param {string} way @param {string} state */
function toneOf(way, state) {
  return /** @type {Tone} */ (state === 'open' ? 'good' : way === 'websocket' ? 'idle' : 'bad');
}

/**
 * @param {string} way
 * @param {Finding} finding
 * @returns {{figure: string, meaning: string, tone: Tone}}
 */
export function found(way, { state, firstMs = 0, messageMs = 0, status }) {
  const figure = state === 'open' ? time(messageMs) : state === 'held' ? 'held back' : 'no';
  const opened = state === 'open' ? ` Its first sign came after ${time(firstMs)}.` : '';
  const refused = status ? ` The answer was ${status}.` : '';
  return { figure, meaning: MEANINGS[way][state] + opened + refused, tone: toneOf(way, state) };
}

/**
 * What one can do here, now that all ways were tried.
 * @param {Record<string, Finding>} findings
 */
export function advice({ sse, poll, websocket }) {
  if (websocket.state === 'open') {
    return 'Everything works here, also PeerJS as it is, with this host and no script.';
  }
  if (sse.state === 'open') {
    return 'Everything works here; what asks for a WebSocket does with the script sigpost.js.';
  }
  return poll.state === 'open'
    ? 'Everything works here by long poll; what asks for a WebSocket does with the script sigpost.js.'
    : 'Nothing comes down here: clients of this browser cannot hear this server.';
}
