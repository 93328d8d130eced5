/**
 * Ways down: an event stream or a long poll, read from a cursor.
 *
 * A source here looks like an EventSource (readyState, close(), `open`, `error` and named events
 * with `data` and `lastEventId`), with two differences: it can start at a cursor, and a web server
 * that answers 502 for a while does not end it. Only a status that will not change does, and the
 * `error` event then carries it as `status`. Whoever has to choose among ways down also hears
 * `flow` (in this turn, something has come) and `held` (nothing has, and it should have).
 */

import { HttpError, Pause, backoff, withParam } from './http.mjs';
import { SseParser } from './sse.mjs';

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 2;

/** Two heartbeats of the server (one every 15 to 25 s) missed: the connection is dead. */
const SILENCE_MS = 60_000;
/** Between two tries to come back. */
const AWAY_MAX_MS = 5000;

/**
 * Where and how a request asks for what comes after the cursor.
 * @typedef {(transport: string, cursor: string) =>
 *   {url: string, headers?: Record<string, string>}} Ask
 *
 * @typedef {object} SourceOptions
 * @property {string} [lastEventId] the cursor to start at
 * @property {typeof fetch} [fetch]
 * @property {Ask} [ask] without one, the cursor goes into the header Last-Event-ID
 * @property {number} [firstMs] a turn without a byte for this long is told as `held`
 */

/**
 * @param {string} url
 * @returns {Ask}
 */
function inHeader(url) {
  return (transport, cursor) => ({
    url: transport === 'poll' ? withParam(url, 'transport', 'poll') : url,
    headers: /** @type {Record<string, string>} */ (cursor ? { 'Last-Event-ID': cursor } : {}),
  });
}

/** Somewhere between three and five quarters of it. */
const about = (/** @type {number} */ ms) => ms * (0.75 + Math.random() * 0.5);

/**
 * The life all sources share: turn after turn, until closed or refused for good. A turn is one
 * request from its head to its end.
 */
export class Source extends EventTarget {
  #pause = new Pause();
  #failures = 0;
  #stay = 0;
  #firstMs;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #watch;
  /** @type {AbortController | undefined} */
  #turn;
  /** @type {number | undefined} Milliseconds before coming back, if the server said so. */
  retry;

  /**
   * @param {string} url
   * @param {SourceOptions} [options]
   */
  constructor(url, options = {}) {
    super();
    this.url = url;
    this.lastEventId = options.lastEventId ?? '';
    this.fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.ask = options.ask ?? inHeader(url);
    this.#firstMs = options.firstMs;
    this.readyState = CONNECTING;
    this.#run();
  }

  close() {
    this.readyState = CLOSED;
    clearTimeout(this.#watch);
    this.#turn?.abort();
    this.#pause.end();
  }

  async #run() {
    await undefined; // the caller adds its listeners first, as with EventSource
    while (this.readyState !== CLOSED) {
      const wait = await this.#once();
      if (wait > 0 && this.readyState !== CLOSED) { // no timer for nothing: hidden pages wait long
        await this.#pause.wait(wait);
      }
    }
  }

  /**
   * @param {AbortSignal} signal
   * @returns {Promise<number>} milliseconds until the next turn
   */
  turn(signal) {
    return Promise.reject(signal.reason);
  }

  /** One turn. Returns the milliseconds until the next. */
  async #once() {
    this.#turn = new AbortController();
    try {
      const wait = await this.turn(this.#turn.signal);
      this.#failures = 0;
      return Math.max(wait, this.#stay);
    } catch (error) {
      return Math.max(this.#failed(error), this.#stay);
    } finally {
      clearTimeout(this.#watch);
      this.#stay = 0;
    }
  }

  /** @param {any} error */
  #failed(error) {
    if (this.readyState === CLOSED) {
      return 0;
    }
    if (error instanceof HttpError && !error.passing) {
      this.close();
      this.emit('error', { status: error.status, reason: error });
      return 0;
    }
    this.lost(error);
    const wait = backoff(Math.max(0, this.#failures - 1), this.retry, AWAY_MAX_MS);
    this.#failures += 1;
    return Math.max(wait, (error.retryAfter ?? 0) * (1 + Math.random() / 4));
  }

  /**
   * Ends this turn as if the network had.
   * @param {number} [ms] and does not come back sooner
   */
  drop(ms = 0) {
    this.#stay = ms;
    this.#turn?.abort();
  }

  /** Comes back now, if it is waiting to. */
  hurry() {
    this.#pause.end();
  }

  /**
   * @param {string} accept
   * @param {string} transport
   * @param {AbortSignal} signal
   */
  async request(accept, transport, signal) {
    const { url, headers } = this.ask(transport, this.lastEventId);
    const options = { headers: { Accept: accept, ...headers }, signal };
    const response = await this.fetch(url, { ...options, cache: 'no-store' });
    if (response.status !== 200) {
      throw new HttpError(response);
    }
    return response;
  }

  arrived() {
    this.#failures = 0;
    if (this.readyState === CONNECTING) {
      this.readyState = OPEN;
      this.emit('open');
    }
  }

  /** From now on something should come within `firstMs`. */
  expect() {
    clearTimeout(this.#watch);
    if (this.#firstMs !== undefined) {
      this.#watch = setTimeout(() => this.emit('held'), this.#firstMs);
    }
  }

  /** Something has come. */
  flows() {
    clearTimeout(this.#watch);
    this.emit('flow');
  }

  /** @param {unknown} [reason] none: the other side ended it in order */
  lost(reason) {
    if (this.readyState !== CLOSED) {
      this.readyState = CONNECTING;
      this.emit('error', { reason });
    }
  }

  /** Milliseconds before coming back after an end in order. */
  respite() {
    return about(this.retry ?? 1000);
  }

  /**
   * @param {string} type
   * @param {object} [fields]
   */
  emit(type, fields = {}) {
    this.dispatchEvent(Object.assign(new Event(type), fields));
  }
}

/** An event stream read with fetch, from a cursor. */
export class StreamSource extends Source {
  retry = 1000;

  /** @param {AbortSignal} signal */
  async turn(signal) {
    this.expect();
    const response = await this.request('text/event-stream', 'sse', signal);
    const parser = new SseParser((event) => this.#event(event), this.lastEventId);
    this.arrived();
    await this.#read(/** @type {ReadableStream<Uint8Array>} */ (response.body), parser);
    this.lost();
    return this.respite();
  }

  /**
   * @param {ReadableStream<Uint8Array>} body
   * @param {SseParser} parser
   */
  async #read(body, parser) {
    const reader = body.getReader();
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    let first = true;
    let watch;
    try {
      while (this.readyState !== CLOSED) { // an event may have been the last
        watch = setTimeout(() => this.drop(), SILENCE_MS);
        const { done, value } = await reader.read();
        clearTimeout(watch);
        if (done) {
          return;
        }
        if (first) {
          this.flows();
        }
        first = false;
        this.#take(parser, decoder.decode(value, { stream: true }));
      }
    } finally {
      clearTimeout(watch);
    }
  }

  /**
   * @param {SseParser} parser
   * @param {string} text
   */
  #take(parser, text) {
    parser.push(text);
    this.lastEventId = parser.lastEventId;
    this.retry = parser.retry ?? this.retry;
  }

  /** @param {{type: string, data: string, lastEventId: string}} event */
  #event({ type, data, lastEventId }) {
    if (this.readyState !== CLOSED) {
      this.emit(type, { data, lastEventId });
    }
  }
}

/**
 * Long poll: `GET url?transport=poll`. Answers `{cursor, auth?, gap?, messages}`, and at the end
 * `final: true` with `event` and `data`, or with its reason among the messages. Its messages have
 * one cursor together, and so none of their own.
 */
export class PollSource extends Source {
  /** @param {AbortSignal} signal */
  async turn(signal) {
    const begun = Date.now();
    const watch = setTimeout(() => this.drop(), 2 * SILENCE_MS);
    try {
      const response = await this.request('application/json', 'poll', signal);
      this.arrived();
      this.flows(); // the head comes at once, the rest when there is something
      const answer = await response.json();
      this.#deliver(answer);
      const idle = answer.auth === undefined && !answer.messages?.length;
      return idle ? Math.max(0, begun + 1000 - Date.now()) : 0; // a server that holds nothing back
    } finally {
      clearTimeout(watch);
    }
  }

  /** @param {any} answer */
  #deliver(answer) {
    this.lastEventId = answer.cursor ?? this.lastEventId;
    this.#event('auth', answer.auth);
    this.#event('gap', answer.gap);
    (answer.messages ?? []).forEach((/** @type {any} */ it) => this.#event('message', it));
    if (answer.final) {
      this.#event(answer.event ?? 'close', answer.data ?? {});
      this.close();
    }
  }

  /**
   * @param {string} type
   * @param {any} value
   */
  #event(type, value) {
    if (value !== undefined && this.readyState !== CLOSED) {
      const data = typeof value === 'string' ? value : JSON.stringify(value);
      this.emit(type, { data, lastEventId: '' });
    }
  }
}
