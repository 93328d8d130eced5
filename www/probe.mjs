/**
 * What gets through between this browser and a server, found out by trying: for each way down, a source
 * of sigver is opened, takes a key that nobody else has, and waits for the word that it has it. So what
 * is timed is a message that goes up by POST, through the database and down again, after the way was
 * open. It knows no document.
 *
 * @typedef {object} Finding
 * @property {'open' | 'held' | 'none'} state open: it works; held: it opens, or seems to, and nothing comes of it;
 *   none: it does not open
 * @property {number} [firstMs] from asking to the first sign
 * @property {number} [messageMs] from sending a message to its answer
 * @property {number} [status] of HTTP, of a request that was refused
 */

/** What works has shown itself long before. */
export const PATIENCE_MS = 6000;

const HELD = /** @type {const} */ ({ state: 'held' });

/** A key for a moment. */
const newKey = () => `status page ${crypto.randomUUID?.() ?? Math.random()}`;
const opening = () => JSON.stringify({ open: newKey() });

/** @param {unknown} data */
const isAnswer = (data) => /"isKeyOk":true/.test(String(data));

class Clock {
  #began = performance.now();

  /** Since the last time. */
  lap() {
    const now = performance.now();
    const ms = now - this.#began;
    this.#began = now;
    return ms;
  }
}

/** @param {AbortSignal} signal @returns {Promise<Finding>} */
function heldAfter(signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(HELD), PATIENCE_MS);
    signal.addEventListener('abort', () => clearTimeout(timer));
  });
}

/**
 * @param {(signal: AbortSignal) => Promise<Finding>} attempt gives up at the signal
 * @returns {Promise<Finding>}
 */
async function within(attempt) {
  const end = new AbortController();
  try {
    return await Promise.race([attempt(end.signal), heldAfter(end.signal)]);
  } catch {
    return { state: 'none' };
  } finally {
    end.abort();
  }
}

/** @param {URL} server */
const channel = (server) => new URL('sigver', server);

/**
 * @param {URL} server
 * @param {string} auth
 * @param {AbortSignal} signal
 */
function open(server, auth, signal) {
  return fetch(channel(server), { method: 'POST', body: `${auth}@${opening()}`, signal });
}

/**
 * By EventSource: most of what holds streams back lets its head through, and keeps its bytes.
 * @param {URL} server a mount path
 */
export const tryStream = (server) => within((signal) => new Promise((resolve, reject) => {
  const clock = new Clock();
  const source = new EventSource(channel(server));
  let firstMs = 0;
  source.addEventListener('auth', ({ data }) => {
    firstMs = clock.lap();
    open(server, data, signal).catch(reject);
  });
  source.addEventListener('message', ({ data }) => {
    if (isAnswer(data)) {
      resolve({ state: 'open', firstMs, messageMs: clock.lap() });
    }
  });
  source.addEventListener('error', () => {
    if (source.readyState === source.CLOSED) {
      resolve({ state: 'none' });
    }
  });
  signal.addEventListener('abort', () => source.close());
}));

/** By two polls: the first is answered at once, the second when there is something to say. @param {URL} server */
export const tryPoll = (server) => within(async (signal) => {
  const clock = new Clock();
  const url = channel(server);
  url.search = '?transport=poll';
  const first = await fetch(url, { signal });
  if (!first.ok) {
    return { state: 'none', status: first.status };
  }
  const { auth, cursor } = await first.json();
  const firstMs = clock.lap();
  const second = fetch(url, { signal, headers: { 'Last-Event-ID': cursor } });
  await open(server, auth, signal);
  const { messages } = await (await second).json();
  return messages.some((/** @type {any} */ it) => isAnswer(JSON.stringify(it)))
    ? { state: 'open', firstMs, messageMs: clock.lap() } : HELD;
});

/** @param {URL} server */
export const trySocket = (server) => within((signal) => new Promise((resolve) => {
  const clock = new Clock();
  const url = channel(server);
  url.protocol = url.protocol.replace('http', 'ws');
  const socket = new WebSocket(url);
  let firstMs = 0;
  socket.addEventListener('open', () => {
    firstMs = clock.lap();
    socket.send(opening());
  });
  socket.addEventListener('message', ({ data }) => {
    if (isAnswer(data)) {
      resolve({ state: 'open', firstMs, messageMs: clock.lap() });
    }
  });
  socket.addEventListener('close', () => resolve({ state: 'none' }));
  signal.addEventListener('abort', () => socket.close());
}));

/**
 * How long a stream lasts before somebody ends it.
 * @param {URL} server
 * @param {number} mostMs
 * @returns {Promise<{ms: number, ended: boolean}>} ended: somebody did, before that
 */
export async function holdOpen(server, mostMs) {
  const clock = new Clock();
  const signal = AbortSignal.timeout(mostMs);
  try {
    const { body } = await fetch(channel(server), { headers: { Accept: 'text/event-stream' }, cache: 'no-store', signal });
    const reader = /** @type {ReadableStream<Uint8Array>} */ (body).getReader();
    while (!(await reader.read()).done) {
      // comments, which keep it open
    }
  } catch {
    // ended, by them or by us
  }
  return { ms: clock.lap(), ended: !signal.aborted };
}

/**
 * What a server says of itself, and how long that took. `status` is that of HTTP, 0 where nobody answered;
 * `health` is undefined where what came is not from sigpost, or it does not tell.
 * @param {URL} server
 * @param {Record<string, string>} [headers]
 */
export async function askHealth(server, headers = {}) {
  const clock = new Clock();
  const url = new URL('health', server);
  try {
    const answer = await fetch(url, { headers, cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS) });
    const text = await answer.text();
    return { ms: clock.lap(), status: answer.status, health: parse(text) };
  } catch {
    return { ms: clock.lap(), status: 0, health: undefined };
  }
}

/** @param {string} text @returns {any} */
function parse(text) {
  try {
    const value = JSON.parse(text);
    return value?.status === 'pass' || value?.status === 'fail' ? value : undefined;
  } catch {
    return undefined;
  }
}
