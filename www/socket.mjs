/**
 * A WebSocket to PeerJS, sigver or Socket.IO at a sigpost server, made of what works there: an event stream or
 * long poll down, POST up, or a WebSocket where the server offers one.
 *
 *     const socket = new SigpostSocket('wss://example.org/peerjs?key=peerjs&id=me&token=secret');
 *
 * It has the interface of WebSocket. In addition it comes back by itself: while the connection is
 * away it stays OPEN, what is sent waits, and what the server has for it comes when it is back, in
 * order, once. `close` is for what cannot be mended.
 *
 * Further events: `transport` (another way down is in use), `lost` and `resumed`, `gap` (messages
 * expired or went over a quota before they were fetched), `refused` (the server does not take one
 * message).
 */

import { parseAddress } from './address.mjs';
import { byteLength } from './http.mjs';
import { Link } from './link.mjs';
import { Outbox } from './outbox.mjs';
import { PeerjsTalk } from './talk-peerjs.mjs';
import { SigverTalk } from './talk-sigver.mjs';
import { SioTalk } from './talk-sio.mjs';

const CONNECTING = /** @type {const} */ (0);
const OPEN = /** @type {const} */ (1);
const CLOSING = /** @type {const} */ (2);
const CLOSED = /** @type {const} */ (3);

/** For the last messages, after close(). */
const FAREWELL_MS = 5000;
/** POSTs in a row for which the server does not know us, though our stream came back. */
const LAPSES_MAX = 3;

/**
 * The event stream first: it needs one request for everything that comes. EventSource before fetch,
 * because what wraps fetch on a page (monitoring, service workers) tends to read answers to their
 * end before it hands them on, and leaves EventSource alone. Long poll works wherever HTTP does, at
 * a request for each few messages. WebSocket is not among them: few web servers let it through, and it
 * has no cursor; where one does, a page can put it first.
 */
const DEFAULTS = {
  transports: ['sse', 'fetch', 'poll'],
  connectMs: 20_000,
  giveUpMs: 60_000,
  firstMs: 5000, // above the grace of an id whose holder is away, 3 s
  fullMs: 60_000,
  silentMs: 60_000,
};

/**
 * Under this name a patched WebSocket (install.mjs) keeps the native one; null where there is none.
 */
export const NATIVE = Symbol.for('sigpost: the native WebSocket');

/** All that are not closed. @type {Set<SigpostSocket>} */
export const sockets = new Set();

const TALKS = { peerjs: PeerjsTalk, sigver: SigverTalk, 'socket.io': SioTalk };

/** Peers that are being taken leave of: the same one may come again only then. */
const leaving = new Map();

/**
 * @param {number | undefined} code
 * @param {string} reason
 */
function checkClose(code, reason) {
  if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999)) {
    throw new DOMException('The code is neither 1000 nor from 3000 to 4999', 'InvalidAccessError');
  }
  if (byteLength(reason) > 123) {
    throw new DOMException('The reason is longer than 123 bytes', 'SyntaxError');
  }
}

/**
 * @param {string} type
 * @param {object} fields
 */
const eventWith = (type, fields) => Object.assign(new Event(type), fields);

/** @param {{code: number, reason: string, wasClean: boolean}} fields */
function closeEvent(fields) {
  return typeof CloseEvent === 'function' ? new CloseEvent('close', fields)
    : eventWith('close', fields);
}

/** @param {any} WebSocket patched or not */
export function nativeOf(WebSocket) {
  const native = WebSocket?.[NATIVE];
  return native === undefined ? WebSocket : native;
}

/** @param {import('./sigpost.d.mts').SigpostOptions} options */
function linkOptions(options) {
  const { fetch, EventSource, WebSocket } = /** @type {any} */ (globalThis);
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  );
  return {
    ...DEFAULTS,
    fetch: fetch.bind(globalThis),
    EventSource,
    WebSocket: nativeOf(WebSocket),
    ...given,
  };
}

export class SigpostSocket extends EventTarget {
  static get CONNECTING() { return CONNECTING; }
  static get OPEN() { return OPEN; }
  static get CLOSING() { return CLOSING; }
  static get CLOSED() { return CLOSED; }

  static #watching = false;

  binaryType = 'blob';
  /** @type {0 | 1 | 2 | 3} */
  #state = CONNECTING;
  #address;
  #talk;
  #link;
  #outbox;
  #asked = false;
  #lapses = 0;
  /** @type {Record<string, ((event: any) => void) | null>} */
  #handlers = {};

  /**
   * @param {string | URL} url
   * @param {string | string[]} [protocols] has no meaning here
   * @param {import('./sigpost.d.mts').SigpostOptions} [options]
   */
  constructor(url, protocols = [], options = {}) {
    super();
    const address = parseAddress(url);
    if (!address) {
      throw new DOMException(`No address of PeerJS, sigver or Socket.IO: ${url}`, 'SyntaxError');
    }
    this.#address = address;
    this.#talk = new TALKS[address.protocol](address);
    const settings = linkOptions(options);
    this.#link = new Link(this.#talk, settings, {
      event: (type, data, id) => this.#hear(type, data, id),
      transport: (transport) => this.#emit('transport', { transport }),
      lost: () => this.#emit('lost', {}),
      resumed: () => this.#resumed(),
      end: (reason) => this.#finish(1006, reason, false),
    });
    this.#outbox = new Outbox(this.#talk.up, {
      fetch: settings.fetch,
      envelope: this.#talk.envelope,
      onlapse: () => this.#lapsed(),
    });
    sockets.add(this);
    SigpostSocket.#watchPage();
    this.#start();
  }

  get CONNECTING() { return CONNECTING; }
  get OPEN() { return OPEN; }
  get CLOSING() { return CLOSING; }
  get CLOSED() { return CLOSED; }

  get url() {
    return this.#address.url;
  }

  get readyState() {
    return this.#state;
  }

  get protocol() {
    return '';
  }

  get extensions() {
    return '';
  }

  /** Bytes the server has not taken yet. */
  get bufferedAmount() {
    return this.#outbox.bytes;
  }

  /** Empty before the first sign of the server. */
  get transport() {
    return /** @type {import('./sigpost.d.mts').Transport | ''} */ (this.#link.transport);
  }

  /** Whether the connection is there now; it may be away while readyState is OPEN. */
  get connected() {
    return this.#link.flowing;
  }

  get onopen() { return this.#handlers.open ?? null; }
  set onopen(handler) { this.#handle('open', handler); }
  get onmessage() { return this.#handlers.message ?? null; }
  set onmessage(handler) { this.#handle('message', handler); }
  get onerror() { return this.#handlers.error ?? null; }
  set onerror(handler) { this.#handle('error', handler); }
  get onclose() { return this.#handlers.close ?? null; }
  set onclose(handler) { this.#handle('close', handler); }

  /** @param {string} data */
  send(data) {
    if (typeof data !== 'string') {
      throw new DOMException('All protocols here are text', 'NotSupportedError');
    }
    if (this.#state === CONNECTING) {
      throw new DOMException('Still connecting', 'InvalidStateError');
    }
    if (this.#state === OPEN && !this.#link.send(data)) {
      this.#post(data);
    }
  }

  /** @param {string} text */
  #post(text) {
    try {
      if (this.#talk.leaves(text)) {
        this.#close(1000, 'left');
      } else if (this.#talk.passes(text)) {
        this.#outbox.add(text).then(() => {
          this.#lapses = 0;
        }, (error) => this.#refused(text, error));
      } else {
        this.#answer(text);
      }
    } catch (error) {
      this.#refused(text, error);
    }
  }

  /**
   * What does not pass may be answered here.
   * @param {string} text
   */
  async #answer(text) {
    const answer = 'answer' in this.#talk && this.#talk.answer(text);
    await undefined; // as from a network
    if (answer) {
      this.#deliver(answer, '');
    }
  }

  /**
   * Sends what waits, says goodbye (a PeerJS id is free at once) and closes.
   * @param {number} [code]
   * @param {string} [reason]
   */
  close(code, reason = '') {
    checkClose(code, reason);
    if (this.#state === CONNECTING) {
      this.#state = CLOSING;
      this.#leave().then(() => this.#finish(1006, '', false));
    } else if (this.#state === OPEN) {
      this.#close(code ?? 1005, reason);
    }
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #close(code, reason) {
    this.#state = CLOSING;
    this.#leave().then(() => this.#finish(code, reason, true));
  }

  /**
   * Breaks the connection as if the network had; it comes back by itself. To see that nothing is
   * lost.
   * @param {number} [ms] it stays away for at least that long
   */
  cut(ms = 0) {
    this.#link.drop(ms);
  }

  async #start() {
    await leaving.get(this.#talk.name);
    await this.#talk.prepare();
    if (this.#state === CONNECTING) {
      this.#asked = true;
      this.#link.start();
    }
  }

  /** What waits may leave, in the name of whom the server knows. */
  #authorize() {
    this.#outbox.url = this.#talk.up;
    this.#outbox.authorize(this.#talk.token);
  }

  /**
   * @param {string} text
   * @param {any} error
   */
  #refused(text, { message, status }) {
    if (this.#state === OPEN) {
      this.#emit('refused', { text, reason: message, status });
    }
  }

  /** The server does not know our token (any more). */
  #lapsed() {
    this.#lapses += 1;
    if (this.#state !== OPEN) {
      this.#outbox.clear(new Error('closed'));
      return;
    }
    const { end } = this.#lapses > LAPSES_MAX
      ? { end: { code: 1006, reason: 'the server does not know this peer' } } : this.#talk.lapsed();
    if (end) {
      this.#finish(end.code, end.reason, false);
    } else {
      this.#link.drop();
    }
  }

  #resumed() {
    if (this.#state === OPEN) {
      this.#authorize();
    }
    this.#emit('resumed', {});
  }

  /**
   * @param {string} type
   * @param {string} data
   * @param {string} lastEventId
   */
  #hear(type, data, lastEventId) {
    const { open, deliver, gap, end } = this.#talk.hear(type, data, lastEventId);
    if (open && this.#state === CONNECTING) {
      this.#state = OPEN;
      this.#authorize();
      this.#emit('open', {});
    }
    if (gap && this.#state === OPEN) {
      this.#emit('gap', gap);
    }
    if (deliver !== undefined) {
      this.#deliver(deliver, lastEventId);
    }
    if (end) {
      this.#finish(end.code, end.reason, end.code !== 1006);
    }
  }

  /**
   * @param {string} data
   * @param {string} lastEventId
   */
  #deliver(data, lastEventId) {
    if (this.#state === OPEN) {
      const { origin } = new URL(this.#address.url);
      this.dispatchEvent(new MessageEvent('message', { data, origin, lastEventId }));
    }
  }

  /** Resolves when the server knows, or cannot be told in time. */
  #leave() {
    const { farewell, name } = this.#talk;
    const direct = this.#link.transport === 'websocket';
    this.#link.close();
    if (!farewell || direct || !this.#asked) {
      return this.#outbox.bytes > 0 ? this.#delivered(this.#outbox.idle()) : Promise.resolve();
    }
    this.#authorize();
    this.#talk.forget();
    const left = this.#delivered(this.#outbox.add(farewell));
    leaving.set(name, left);
    left.then(() => leaving.get(name) === left && leaving.delete(name));
    return left;
  }

  /** @param {Promise<unknown>} promise */
  async #delivered(promise) {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const late = new Promise((resolve) => { timer = setTimeout(resolve, FAREWELL_MS); });
    await Promise.race([promise.catch(() => {}), late]);
    clearTimeout(timer);
  }

  /**
   * @param {number} code
   * @param {string} reason
   * @param {boolean} wasClean
   */
  #finish(code, reason, wasClean) {
    if (this.#state === CLOSED) {
      return;
    }
    this.#state = CLOSED;
    this.#link.close();
    this.#outbox.clear(new Error('closed'));
    this.#talk.release();
    sockets.delete(this);
    if (!wasClean) {
      this.#emit('error', {});
    }
    this.dispatchEvent(closeEvent({ code, reason, wasClean }));
  }

  /**
   * @param {string} type
   * @param {object} fields
   */
  #emit(type, fields) {
    this.dispatchEvent(eventWith(type, fields));
  }

  /**
   * @param {string} type
   * @param {any} handler
   */
  #handle(type, handler) {
    if (!(type in this.#handlers)) {
      this.addEventListener(type, (event) => this.#handlers[type]?.call(this, event));
    }
    this.#handlers[type] = typeof handler === 'function' ? handler : null;
  }

  /** What happens to the page happens to all of them. */
  static #watchPage() {
    if (SigpostSocket.#watching || typeof globalThis.addEventListener !== 'function') {
      return;
    }
    SigpostSocket.#watching = true;
    const all = (/** @type {string} */ type, /** @type {(it: SigpostSocket) => void} */ act) => (
      globalThis.addEventListener(type, () => sockets.forEach(act)));
    all('online', (it) => it.#link.hurry());
    all('pagehide', (it) => {
      it.#outbox.flush();
      it.#link.sleep();
    });
    all('pageshow', (it) => it.#link.wake());
  }
}
