/**
 * The figures of the table that table.mjs prints, and what each ought to be.
 */

/** @typedef {{label?: string, mode: string, [member: string]: any}} Result one line of results */
/** @typedef {(result: Result, member: string) => number | undefined} Read */

/**
 * A row compares a figure of ours with a figure of somebody else, or with a bound.
 * @typedef {object} Row
 * @property {string} what
 * @property {[string, string]} own label and member
 * @property {[string, string] | undefined} [beside] the same of what it is compared with
 * @property {[string, string] | undefined} [nchan] the same of nginx with nchan, for information
 * @property {number} [most] bound of the ratio; of the figure where nothing is beside it, or if absolute
 * @property {number} [least]
 * @property {boolean} [absolute] whatever is beside it, the bound is one of the figure
 * @property {Read} [read]
 */

const KB_PER_MB = 1024;

/** @type {Read} */
export const member = (result, name) => result[name];

/** @type {Read} */
const inMegabytes = (result, name) => result[name] / KB_PER_MB;

/** @type {(streams: number) => Read} */
const at = (streams) => (result, name) => result.steps.find((/** @type {any} */ step) => step.n === streams)?.[name];

/**
 * One of ours in a PeerJS measure; the rivals have the same without batches.
 * @param {string} what
 * @param {string} measure
 * @param {string} name member of the result
 * @param {Partial<Row>} [more]
 * @returns {Row}
 */
function peerjs(what, measure, name, more = {}) {
  const rival = measure.replace(/b$/, '');
  return {
    what,
    own: [`${measure}/sigpost`, name],
    beside: [`${rival}/peerjs`, name],
    nchan: [`${rival}/nchan`, name],
    ...more,
  };
}

/**
 * The same for sigpost by WebSocket, through lighttpd's CGI.
 * @param {string} what
 * @param {string} measure
 * @param {string} name member of the result
 * @param {Partial<Row>} [more]
 * @returns {Row}
 */
function websocket(what, measure, name, more = {}) {
  return peerjs(`WebSocket: ${what}`, measure, name, { own: [`${measure}/websocket`, name], nchan: undefined, ...more });
}

/**
 * How many have joined, and what a tick costs.
 * @param {number} count
 * @returns {Row[]}
 */
function star(count) {
  const both = (/** @type {string} */ what, /** @type {string} */ name) => (/** @type {Row} */ ({
    what: `webrtc-star, ${count.toLocaleString('en')} peers: ${what} (its server)`,
    own: [`star${count}/sigpost`, name],
    beside: [`star${count}/released`, name],
  }));
  return [
    both('joined', 'joined'), both('gone again', 'gone'), both('CPU ms a tick', 'cpu_ms_per_tick'),
    both('kB a tick', 'kb_per_tick'), both('events a tick', 'events_per_tick'),
    both('CPU s until all know of all', 'first_cpu_s'), both('MB until then', 'first_mb'),
    ...['cpu_ms_per_tick', 'kb_per_tick'].map((name) => {
      const row = both(name === 'cpu_ms_per_tick' ? 'by Socket.IO, CPU ms a tick' : 'by Socket.IO, kB a tick', name);
      return { ...row, own: /** @type {[string, string]} */ ([`star${count}/websocket`, name]) };
    }),
  ];
}

const absolute = true;

/** @type {Row[]} */
export const ROWS = [
  peerjs('handshake, CPU ms, up to 16 messages a POST', 'hsb', 'cpu_ms_per_hs', { most: 0.7 }),
  peerjs('handshake, CPU ms, one message a POST', 'hs', 'cpu_ms_per_hs', { most: 2 }),
  peerjs('handshake, CPU ms, one at a time', 'hs1', 'cpu_ms_per_hs'),
  peerjs('handshake, ms from first connect, p50, one at a time', 'hs1', 'p50_ms'),
  peerjs('messages per CPU-second, up to 16 a POST', 'tputb', 'msg_per_cpu_s', { least: 1.5 }),
  peerjs('messages per CPU-second, one a POST', 'tput', 'msg_per_cpu_s'),
  peerjs('messages per CPU-second, one under way', 'tput1', 'msg_per_cpu_s'),
  peerjs('POST → event, p50, ms', 'lat', 'p50_ms', { most: 2.5 }),
  peerjs('POST → event, p99, ms', 'lat', 'p99_ms', { most: 4 }),
  {
    what: 'idle stream, kB of the backend, of 8,000',
    own: ['idle/sigpost', 'part_rss_per_stream_kb'],
    most: 0.6,
    read: at(8000),
  },
  peerjs('idle stream, kB with lighttpd, of 8,000', 'idle', 'rss_per_stream_kb', { most: 5, absolute, read: at(8000) }),
  peerjs('idle stream, kB with lighttpd, of 5,000', 'idle', 'rss_per_stream_kb', { read: at(5000) }),
  peerjs('idle stream, kB with lighttpd, of 1,000', 'idle', 'rss_per_stream_kb', { read: at(1000) }),
  peerjs('opening the first 1,000 streams, CPU ms each', 'idle', 'conn_cpu_ms', { read: at(1000) }),
  peerjs('resident before anybody comes, MB with lighttpd', 'idle', 'rss0_kb', { most: 12, absolute, read: inMegabytes }),
  websocket('handshake, CPU ms', 'hs', 'cpu_ms_per_hs'),
  websocket('handshake, CPU ms, one at a time', 'hs1', 'cpu_ms_per_hs'),
  websocket('messages per CPU-second', 'tput', 'msg_per_cpu_s'),
  websocket('messages per CPU-second, one under way', 'tput1', 'msg_per_cpu_s'),
  websocket('message, p50, ms', 'lat', 'p50_ms'),
  websocket('message, p99, ms', 'lat', 'p99_ms'),
  websocket('idle, kB of the backend, of 5,000', 'idle', 'part_rss_per_stream_kb', { beside: undefined, read: at(5000) }),
  websocket('idle, kB with lighttpd, of 5,000', 'idle', 'rss_per_stream_kb', { read: at(5000) }),
  websocket('opening the first 1,000, CPU ms each', 'idle', 'conn_cpu_ms', { read: at(1000) }),
  {
    what: 'sigver: POST → event, p50, ms (PeerJS server)',
    own: ['lat/sigver', 'p50_ms'],
    beside: ['lat/peerjs', 'p50_ms'],
    most: 2.5,
  },
  {
    what: 'sigver: POST → event, p99, ms (PeerJS server)',
    own: ['lat/sigver', 'p99_ms'],
    beside: ['lat/peerjs', 'p99_ms'],
    most: 4,
  },
  {
    what: 'sigver: idle stream, kB of the backend, of 8,000',
    own: ['idle/sigver', 'part_rss_per_stream_kb'],
    most: 0.6,
    read: at(8000),
  },
  {
    what: 'sigver: idle stream, kB with lighttpd, of 8,000',
    own: ['idle/sigver', 'rss_per_stream_kb'],
    read: at(8000),
  },
  {
    what: 'POSTs per CPU-second (empty FastCGI responder)',
    own: ['post/sigpost', 'posts_per_cpu_s'],
    beside: ['post/null', 'posts_per_cpu_s'],
    least: 0.6,
  },
  {
    what: 'POSTs per second (empty FastCGI responder)',
    own: ['post/sigpost', 'posts_per_s'],
    beside: ['post/null', 'posts_per_s'],
    least: 0.6,
  },
  {
    what: 'CGI POST, µs of CPU (empty static C program)',
    own: ['cgi/sigpost', 'cpu_us_per_post'],
    beside: ['cgi/null', 'cpu_us_per_post'],
    most: 2.5,
  },
  {
    what: 'message, µs of CPU, 100,000 stored (none)',
    own: ['flat/stored', 'cpu_us_per_post'],
    beside: ['flat/empty', 'cpu_us_per_post'],
    most: 1.25,
  },
  {
    what: 'message, µs of CPU, 8,000 idle streams (none)',
    own: ['flat/idle', 'cpu_us_per_post'],
    beside: ['flat/empty', 'cpu_us_per_post'],
    most: 1.25,
  },
  ...[100, 300, 1000, 2000].flatMap(star),
];
