/**
 * The way down of a socket, whichever works: one source at a time (source.mjs, native.mjs), the
 * next one in the page's order where one does not work, the cursor kept from one to the other.
 *
 * What does not work shows in one of these ways:
 * - nothing has come of a stream in time, not even the comment it begins with: something on the way
 *   holds it back, and would hold any stream back. On to what is no stream;
 * - an EventSource or WebSocket ends without having opened. Why, they do not say; the next one may
 *   know (a status, Retry-After);
 * - an EventSource says nothing for a minute. It may be idle or dead; a stream read with fetch sees
 *   the heartbeats.
 * There is no way back to an earlier one, but the next socket starts with what worked.
 *
 * A server that has no stream to spare just now says `poll` on the one that was asked for. That is obeyed for
 * `fullMs`; then the stream is tried again.
 */

import { Countdown } from './http.mjs';
import { BlindError, EventSourceSource, WebSocketSource } from './native.mjs';
import { PollSource, StreamSource } from './source.mjs';

/** A way that has never worked may break off this often before the next one is tried. */
const BREAKS_MAX = 3;
/** So long one stays away from streams that are full, where the page wants no polls. */
const FULL_MS = 5000;
const OPEN = 1;
const CLOSED = 2;
const STREAMS = new Set(['sse', 'fetch']);
const TYPES = ['message', 'auth', 'gap', 'close', 'superseded'];

/** @type {Record<string, new (url: string, options: any) => any>} */
const SOURCES = {
  websocket: WebSocketSource,
  sse: EventSourceSource,
  fetch: StreamSource,
  poll: PollSource,
};

/** What last worked at a server, by its mount path. @type {Map<string, string>} */
const worked = new Map();

/**
 * @typedef {object} LinkOptions
 * @property {string[]} transports in the order in which they are tried
 * @property {typeof fetch} fetch
 * @property {any} EventSource
 * @property {any} WebSocket
 * @property {number} connectMs to the first sign of the server
 * @property {number} giveUpMs without one, later
 * @property {number} firstMs without a byte for this long, a stream is held back
 * @property {number} fullMs polls for this long, and up to a half longer, where streams are full
 * @property {number} silentMs without an event for this long, an EventSource may be dead
 *
 * @typedef {object} LinkHandlers
 * @property {(type: string, data: string, lastEventId: string) => void} event
 * @property {(transport: string) => void} transport another one is in use
 * @property {() => void} lost
 * @property {() => void} resumed it was lost and is back
 * @property {(reason: string) => void} end it will not come back
 */

/**
 * The transports there are here for this protocol. An event stream can be read in two ways, and
 * where EventSource is none of them, fetch takes its place.
 * @param {LinkOptions} options
 * @param {{inAddress: boolean}} talk
 */
function usable({ transports, EventSource, WebSocket }, { inAddress }) {
  const names = transports.map((name) => (
    name === 'sse' && !(EventSource && inAddress) ? 'fetch' : name));
  const here = (/** @type {string} */ name) => (
    name in SOURCES && (name !== 'websocket' || Boolean(WebSocket && inAddress)));
  return [...new Set(names)].filter(here);
}

export class Link {
  #talk;
  #options;
  #on;
  #names;
  #at;
  /** @type {any} */
  #source;
  #cursor = '';
  #countdown = new Countdown();
  #transport = '';
  #proved = false;
  #lost = false;
  #ended = false;
  #asleep = false;
  #breaks = 0;
  /** Until streams are tried again. @type {ReturnType<typeof setTimeout> | undefined} */
  #full;
  #back = 0;

  /**
   * @param {any} talk
   * @param {LinkOptions} options
   * @param {LinkHandlers} on
   */
  constructor(talk, options, on) {
    this.#talk = talk;
    this.#options = options;
    this.#on = on;
    this.#names = usable(options, talk);
    this.#at = Math.max(0, this.#names.indexOf(worked.get(talk.address.base) ?? ''));
  }

  /** What is in use; empty before the first sign of the server. */
  get transport() {
    return this.#transport;
  }

  get flowing() {
    return !this.#lost && this.#transport !== '' && !this.#ended;
  }

  start() {
    if (this.#names.length === 0) {
      this.#end('no transport');
      return;
    }
    this.#countdown.start(this.#options.connectMs, () => this.#end('no answer'));
    this.#use(this.#at);
  }

  /**
   * Hands a message over where the way down is a way up, too.
   * @param {string} text
   * @returns {boolean} whether it is one
   */
  send(text) {
    return Boolean(this.#source?.send?.(text));
  }

  /**
   * Breaks the connection as if the network had.
   * @param {number} [ms] and stays away for that long
   */
  drop(ms) {
    this.#source?.drop(ms);
  }

  /** There is a network again, or may be. */
  hurry() {
    this.#source?.hurry();
  }

  /** The page is put aside, and may come back. */
  sleep() {
    this.#asleep = this.#source !== undefined;
    this.#countdown.stop();
    this.#at = this.#full ? this.#back : this.#at;
    this.#leave();
  }

  wake() {
    if (this.#asleep && !this.#ended) {
      this.#use(this.#at);
    }
    this.#asleep = false;
  }

  close() {
    this.#ended = true;
    this.#countdown.stop();
    this.#leave();
  }

  #leave() {
    clearTimeout(this.#full);
    this.#full = undefined;
    this.#cursor = this.#source?.lastEventId ?? this.#cursor;
    this.#source?.close();
    this.#source = undefined;
  }

  /** @param {number} at */
  #use(at) {
    this.#leave();
    [this.#at, this.#proved, this.#breaks] = [at, false, 0];
    this.#source = new SOURCES[this.#names[at]](this.#talk.address.endpoint, {
      ...this.#options,
      lastEventId: this.#cursor,
      ask: (/** @type {string} */ name, /** @type {string} */ cursor) => (
        this.#talk.ask(name, cursor)),
    });
    this.#listen(this.#source);
  }

  /** @param {any} source */
  #listen(source) {
    const on = (/** @type {string} */ type, /** @type {(event: any) => void} */ handle) => {
      source.addEventListener(type, (/** @type {any} */ event) => {
        if (source === this.#source) {
          handle(event);
        }
      });
    };
    TYPES.forEach((type) => on(type, ({ data, lastEventId }) => {
      this.#on.event(type, data, lastEventId);
    }));
    on('flow', () => this.#flows());
    on('held', () => this.#held());
    on('poll', () => this.#poll());
    on('silent', () => this.#next((name) => name === 'fetch') || source.drop());
    on('error', (event) => this.#broken(event));
  }

  #flows() {
    const name = this.#names[this.#at];
    const back = this.#lost;
    [this.#proved, this.#lost, this.#breaks] = [true, false, 0];
    this.#countdown.stop();
    if (!this.#full) { // else it is not the stream's fault
      worked.set(this.#talk.address.base, name);
    }
    if (name !== this.#transport) {
      this.#transport = name;
      this.#on.transport(name);
    }
    if (back) {
      this.#on.resumed();
    }
  }

  /** Without even the head of an answer, of a way that did work, it is rather the network. */
  #held() {
    const network = this.#proved && this.#source.readyState !== OPEN && this.#breaks < BREAKS_MAX;
    if (network || !this.#next((name) => !STREAMS.has(name))) {
      this.#source.drop();
    }
  }

  /** Streams are full at the server. */
  #poll() {
    const [back, some] = [this.#at, 1 + Math.random() / 2];
    if (this.#next((name) => name === 'poll')) {
      this.#back = back;
      this.#full = setTimeout(() => this.#use(back), this.#options.fullMs * some);
    } else {
      this.#source.drop(FULL_MS * some);
    }
  }

  /**
   * Goes on to the next transport of a kind, if there is one.
   * @param {(name: string) => boolean} fits
   */
  #next(fits) {
    const at = this.#names.findIndex((name, i) => i > this.#at && fits(name));
    if (at >= 0) {
      this.#use(at);
    }
    return at >= 0;
  }

  /** @param {{status?: number, reason?: any}} event */
  #broken({ status, reason }) {
    if (status !== undefined && this.#source.readyState === CLOSED) {
      this.#end(reason.message);
      return;
    }
    this.#away(reason);
    this.#breaks += reason && reason.status === undefined ? 1 : 0;
    const hopeless = !this.#proved && this.#breaks >= BREAKS_MAX;
    if (reason instanceof BlindError || hopeless) {
      this.#next(() => true);
    }
  }

  /**
   * A server that says when to come again is not given up.
   * @param {any} reason
   */
  #away(reason) {
    if (reason?.retryAfter > 0) {
      this.#countdown.stop();
    } else {
      this.#countdown.start(this.#options.giveUpMs, () => this.#end('the connection is lost'));
    }
    if (this.#transport !== '' && !this.#lost) {
      this.#lost = true;
      this.#on.lost();
    }
  }

  /** @param {string} reason */
  #end(reason) {
    if (!this.#ended) {
      this.close();
      this.#on.end(reason);
    }
  }
}
