/**
 * Ways down: an event stream or a long poll, read from a cursor.
 *
 * A source here looks like an EventSource (readyState, close(), `open`, `error` and named events
 * with `data` and `lastEventId`), with two differences: it can start at a cursor, and a web server
 * that answers 502 for a while does not end it. Only a status that will not change does, and the
 * `error` event then carries it as `status`.
 */

import { HttpError, Pause, backoff, withParam } from './http.mjs';

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 2;

/** Two heartbeats of the server (one every 15 to 25 s) missed: the connection is dead. */
const SILENCE_MS = 60_000;
/** Between two tries to come back. */
const AWAY_MAX_MS = 5000;

/** Splits a text/event-stream into events (WHATWG HTML, 9.2.6). Fed in pieces of any size. */
export class SseParser {
  #onevent;
  #first = true;
  #afterCr = false;
  #rest = '';
  #type = '';
  /** @type {string[]} */
  #data = [];
  #id;

  /**
   * @param {(event: {type: string, data: string, lastEventId: string}) => void} onevent
   * @param {string} [lastEventId]
   */
  constructor(onevent, lastEventId = '') {
    this.#onevent = onevent;
    this.#id = lastEventId;
    this.lastEventId = lastEventId;
    /** @type {number | undefined} What the server asked for, in ms. */
    this.retry = undefined;
  }

  /** @param {string} chunk */
  push(chunk) {
    if (chunk === '') {
      return;
    }
    let text = this.#first ? chunk.replace(/^\uFEFF/, '') : chunk;
    text = this.#afterCr ? text.replace(/^\n/, '') : text;
    this.#first = false;
    this.#afterCr = chunk.endsWith('\r');
    const lines = (this.#rest + text).split(/\r\n|\r|\n/);
    this.#rest = /** @type {string} */ (lines.pop());
    lines.forEach((line) => this.#line(line));
  }

  /** @param {string} line */
  #line(line) {
    if (line === '') {
      this.#dispatch();
      return;
    }
    const [, name, value] = /** @type {string[]} */ (/^([^:]*)(?:: ?)?(.*)$/s.exec(line));
    if (name === 'data') {
      this.#data.push(value);
    } else if (name === 'event') {
      this.#type = value;
    } else if (name === 'id' && !value.includes('\0')) {
      this.#id = value;
    } else if (name === 'retry' && /^\d+$/.test(value)) {
      this.retry = Number(value);
    }
  }

  #dispatch() {
    const event = { type: this.#type || 'message', data: this.#data.join('\n') };
    const empty = this.#data.length === 0;
    this.#type = '';
    this.#data = [];
    this.lastEventId = this.#id;
    if (!empty) {
      this.#onevent({ ...event, lastEventId: this.#id });
    }
  }
}

/**
 * The life both sources share: turn after turn, until closed or refused for good. A turn is one
 * request from its head to its end.
 */
class Source extends EventTarget {
  #pause = new Pause();
  #failures = 0;
  /** @type {AbortController | undefined} */
  #turn;
  /** @type {number | undefined} Milliseconds before coming back, if the server said so. */
  retry;

  /**
   * @param {string} url
   * @param {{lastEventId?: string, fetch?: typeof fetch}} [options]
   */
  constructor(url, options = {}) {
    super();
    this.url = url;
    this.lastEventId = options.lastEventId ?? '';
    this.fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.readyState = CONNECTING;
    this.#run();
  }

  close() {
    this.readyState = CLOSED;
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
      return wait;
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** @param {any} error */
  #failed(error) {
    if (this.readyState === CLOSED) {
      return 0;
    }
    if (error instanceof HttpError && !error.passing) {
      this.close();
      this.emit('error', { status: error.status });
      return 0;
    }
    this.lost();
    const wait = backoff(Math.max(0, this.#failures - 1), this.retry, AWAY_MAX_MS);
    this.#failures += 1;
    return Math.max(wait, error.retryAfter ?? 0);
  }

  /** Ends this turn as if the network had. */
  drop() {
    this.#turn?.abort();
  }

  /**
   * @param {string} accept
   * @param {string} url
   * @param {AbortSignal} signal
   */
  async request(accept, url, signal) {
    /** @type {Record<string, string>} */
    const headers = { Accept: accept };
    if (this.lastEventId) {
      headers['Last-Event-ID'] = this.lastEventId;
    }
    const response = await this.fetch(url, { headers, signal, cache: 'no-store' });
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

  lost() {
    if (this.readyState !== CLOSED) {
      this.readyState = CONNECTING;
      this.emit('error');
    }
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
    const response = await this.request('text/event-stream', this.url, signal);
    const parser = new SseParser((event) => this.#event(event), this.lastEventId);
    this.arrived();
    await this.#read(/** @type {ReadableStream<Uint8Array>} */ (response.body), parser);
    this.lost();
    return this.retry * (0.75 + Math.random() * 0.5);
  }

  /**
   * @param {ReadableStream<Uint8Array>} body
   * @param {SseParser} parser
   */
  async #read(body, parser) {
    const reader = body.getReader();
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    let watch;
    try {
      while (this.readyState !== CLOSED) { // an event may have been the last
        watch = setTimeout(() => this.drop(), SILENCE_MS);
        const { done, value } = await reader.read();
        clearTimeout(watch);
        if (done) {
          return;
        }
        parser.push(decoder.decode(value, { stream: true }));
        this.lastEventId = parser.lastEventId;
        this.retry = parser.retry ?? this.retry;
      }
    } finally {
      clearTimeout(watch);
    }
  }

  /** @param {{type: string, data: string, lastEventId: string}} event */
  #event({ type, data, lastEventId }) {
    if (this.readyState !== CLOSED) {
      this.emit(type, { data, lastEventId });
    }
  }
}

/**
 * Long poll: `GET url?transport=poll`, the cursor in the header Last-Event-ID and never in the
 * URL. Answers `{cursor, auth?, gap?, messages}`, or `{final: true, event, data}` at the end.
 */
export class PollSource extends Source {
  /** @param {AbortSignal} signal */
  async turn(signal) {
    const begun = Date.now();
    const watch = setTimeout(() => this.drop(), 2 * SILENCE_MS);
    try {
      const url = withParam(this.url, 'transport', 'poll');
      const response = await this.request('application/json', url, signal);
      const answer = await response.json();
      this.arrived();
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
      this.emit(type, { data, lastEventId: this.lastEventId });
    }
  }
}
