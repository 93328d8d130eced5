/** What was found out about a host, in plain words, and what follows from it. It knows no document. */

import { duration, found } from './status-words.mjs';

/** @typedef {import('./page.mjs').Tone} Tone */
/** @typedef {import('./probe.mjs').Finding} Finding */
/** @typedef {{figure: string, meaning: string, tone: Tone}} Words */

/** @param {string} figure @param {Tone} tone @param {string} meaning @returns {Words} */
const words = (figure, tone, meaning) => ({ figure, tone, meaning });

const UNTOLD = words('not told', 'idle', 'The server keeps its numbers to itself (the setting health).');

/**
 * Whether programs run here.
 * @param {{status: number, health: any}} answer
 * @returns {Words}
 */
export function program({ status, health }) {
  if (health) {
    return health.gate === 'cgi'
      ? words('CGI', 'good', 'Each request starts a small program. Nothing runs when nobody is there.')
      : words(health.gate ? 'FastCGI' : 'running', 'good', 'A process waits for requests: the quickest way.');
  }
  if (status === 0) {
    return words('no answer', 'bad', 'The web server does not answer.');
  }
  if (status === 500) {
    return words('no', 'bad', 'The web server answers 500. Make sigpost.cgi executable (permissions 755), and look whether '
      + 'the host allows CGI, and every line of .htaccess: INSTRUCTIONS.txt has a table.');
  }
  if (status === 403) {
    return words('no', 'bad', 'The web server answers 403: programs are not allowed in this folder. Take the one the host '
      + 'names for them.');
  }
  return words('no', 'bad', `What answers at this folder is not sigpost (status ${status}). Did .htaccess come along? FTP `
    + 'programs hide it.');
}

/** It takes a moment to start, and tells whole seconds. */
const UNSURE_MS = 2000;

/**
 * Whether the process that holds streams is there, and stays.
 * @param {any} health
 * @param {number} [ms] since when, without a pause, it has had something to do
 * @returns {Words}
 */
export function hub(health, ms = 0) {
  if (!health?.process) {
    return UNTOLD;
  }
  if (!health.process.alone && health.gate === 'cgi' && health.process.uptime_s * 1000 + UNSURE_MS < ms) {
    return words('ended', 'wait', 'The host ends it: it was started anew while this page was busy with it. Clients come back, '
      + 'and miss nothing: slower, and everything works.');
  }
  return health.process.alone
    ? words('no', 'wait', 'The host ends it, or forbids it. Each request does the work itself, and each stream is a process: '
      + 'slower, and everything works.')
    : words(`for ${duration(health.process.uptime_s)}`, 'good', 'It holds all streams.');
}

/** @param {any} health @returns {Words} */
export function database(health) {
  if (!health?.store) {
    return health?.output ? words('fails', 'bad', health.output) : UNTOLD;
  }
  if (health.store.journal === 'wal') {
    return words('SQLite, WAL', 'good', 'Reading and writing do not wait for each other.');
  }
  return words(`SQLite, ${health.store.journal}`, 'wait', health.store.file_system
    ? `It lies on a network file system (${health.store.file_system}), which has no WAL: a rollback journal does, slower. `
      + 'A local disk would be better.'
    : 'A rollback journal, not WAL: slower, and as safe.');
}

/** @param {any} health @returns {Words} */
export function authorization(health) {
  if (health?.authorization === undefined) {
    return UNTOLD;
  }
  return health.authorization
    ? words('passed on', 'good', 'It comes as far as sigpost.')
    : words('kept back', 'idle', 'It does not come as far as sigpost. Nothing here needs it.');
}

/**
 * How long a request lasted.
 * @param {{ms: number, ended: boolean}} result ended: the host ended it
 * @returns {Words}
 */
export function longest({ ms, ended }) {
  const time = duration(Math.round(ms / 1000));
  if (!ended) {
    return words(`over ${time}`, 'good', 'Nobody ended it.');
  }
  return ms < 20_000
    ? words(time, 'wait', 'The host ends requests soon. Clients come back each time, and miss nothing; long poll costs it less.')
    : words(time, 'good', 'Then it is ended, and clients come back.');
}

/**
 * What clients use here.
 * @param {Record<string, Finding>} ways
 * @returns {{sentence: string, tone: Tone, advice: string}}
 */
export function clients({ sse, poll, websocket }) {
  if (websocket.state === 'open') {
    return {
      sentence: 'WebSocket, and event streams.', tone: 'good',
      advice: 'PeerJS needs nothing but this host; sigpost.js may be left away.',
    };
  }
  if (sse.state === 'open') {
    return {
      sentence: 'Event streams.', tone: 'good',
      advice: 'Messages come at once. PeerJS 1.x needs sigpost.js loaded before it.',
    };
  }
  if (poll.state === 'open') {
    return {
      sentence: 'Long polls.', tone: 'wait',
      advice: 'Event streams are held back on the way, and clients find that out by themselves. Messages come as fast, each '
        + 'with a request of its own. PeerJS 1.x needs sigpost.js loaded before it.',
    };
  }
  return { sentence: 'Nothing works yet.', tone: 'bad', advice: 'What is wrong stands under The host.' };
}

export { found };
