/**
 * Ways down, one class each: what comes is put into an inbox in order; how it ended is kept.
 * An event stream and long poll are spoken by every protocol here.
 */

import { EventEmitter, once } from 'node:events';

import { request } from './http.mjs';
import { until, within } from './proc.mjs';
import { EventStream } from './sse.mjs';

/** @typedef {{value: any, raw: string, id: string}} Message raw: the bytes it came in */
/** @typedef {{event: string, data: any}} Ending */

/** What is common: an inbox, what was told beside messages, how it ended. */
export class Wire extends EventEmitter {
  /**
   * @param {string} url
   * @param {{lastEventId?: string, headers?: Record<string, string>}} options
   */
  constructor(url, { lastEventId = '', headers = {} } = {}) {
    super();
    this.url = url;
    this.headers = headers;
    this.lastEventId = lastEventId;
    /** @type {Message[]} */
    this.inbox = [];
    /** @type {string[]} */
    this.auths = [];
    /** @type {{from: string, to: string}[]} */
    this.gaps = [];
    /** @type {Ending | undefined} the final event, once it came */
    this.ending = undefined;
    this.over = false;
  }

  /** @param {any} value @param {string} raw @param {string} id */
  received(value, raw, id) {
    this.inbox.push({ value, raw, id });
    this.emit('something');
  }

  finished() {
    this.over = true;
    this.emit('something');
  }

  /**
   * The next message, in order.
   * @param {number} [timeout] in ms
   * @returns {Promise<Message>}
   */
  async hear(timeout) {
    if (this.inbox.length === 0 && !this.over) {
      await within('a message', once(this, 'something'), timeout);
    }
    const message = this.inbox.shift();
    if (message === undefined) {
      throw new Error(`the way down is over: ${JSON.stringify(this.ending)}`);
    }
    return message;
  }

  cursor() {
    return this.lastEventId;
  }

  /** What was asked for has reached the other side. */
  async settled() {}
}

/** Down by text/event-stream. */
export class SseWire extends Wire {
  async begin() {
    this.stream = new EventStream(this.url, this);
    this.#read(this.stream);
    await this.stream.head;
    if (this.stream.status !== 200) {
      throw new Error(`the stream was answered ${this.stream.status}`);
    }
  }

  /** @param {EventStream} stream */
  async #read(stream) {
    await stream.head.catch(() => {});
    for (let it; (it = await stream.next(2 ** 31 - 1)) !== undefined;) {
      this.#take(it);
    }
    this.finished();
  }

  /** @param {import('./sse.mjs').Block} block */
  #take({ event = 'message', data = '', id = '' }) {
    this.lastEventId = id || this.lastEventId;
    if (event === 'auth') {
      this.auths.push(data);
    } else if (event === 'gap') {
      this.gaps.push(JSON.parse(data));
    } else if (event === 'message') {
      this.ending = id === 'final' ? { event, data: JSON.parse(data) } : this.ending;
      this.received(JSON.parse(data), data, id);
    } else {
      this.ending = { event, data: JSON.parse(data) };
    }
  }

  cursor() {
    return this.stream?.lastEventId || this.lastEventId;
  }

  end() {
    return this.stream?.close();
  }
}

/** Down by long poll: one request after the other, each from the last cursor. */
export class PollWire extends Wire {
  #stop = new AbortController();
  #arrived = false;

  begin() {
    return new Promise((resolve, reject) => {
      this.turning = this.#run(() => resolve(undefined), reject);
    });
  }

  /** @param {() => void} first @param {(error: unknown) => void} failed */
  async #run(first, failed) {
    try {
      while (!this.#stop.signal.aborted && this.ending === undefined) {
        await this.#turn();
        first();
      }
    } catch (error) {
      failed(error);
    }
    this.finished();
  }

  async #turn() {
    const headers = { Accept: 'application/json', ...this.headers };
    if (this.lastEventId) {
      Object.assign(headers, { 'Last-Event-ID': this.lastEventId });
    }
    const url = `${this.url}${this.url.includes('?') ? '&' : '?'}transport=poll`;
    this.#arrived = false;
    const answer = await request(url, {
      headers, timeout: 60_000, signal: this.#stop.signal, onhead: () => { this.#arrived = true; },
    });
    if (answer.status !== 200) {
      throw new Error(`a poll was answered ${answer.status} ${answer.text}`);
    }
    this.#take(answer);
  }

  /** @param {import('./http.mjs').Answer} answer */
  #take({ text, json }) {
    const { cursor, auth, gap, messages = [], final, event, data } = json;
    this.lastEventId = cursor ?? this.lastEventId;
    this.auths.push(...(auth === undefined ? [] : [auth]));
    this.gaps.push(...(gap === undefined ? [] : [gap]));
    messages.forEach((/** @type {any} */ it) => this.received(it, text, this.lastEventId));
    if (final) {
      this.ending = { event: event ?? 'close', data };
    }
  }

  /**
   * The poll under way has reached sigpost: it cannot come after the next one any more, as it might
   * behind CGI. A head shows that; where the web server keeps it back, a moment must do.
   */
  async settled() {
    await until('a poll to arrive', () => this.#arrived || this.over, 300).catch(() => {});
  }

  end() {
    this.#stop.abort();
    return this.turning;
  }
}
