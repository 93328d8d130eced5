/**
 * A source of sigver's channel, the same over an event stream and over long poll: messages come
 * down in order, sentences go up by POST.
 */

import { EventEmitter, once } from 'node:events';

import { request } from './http.mjs';
import { until, within } from './proc.mjs';
import { EventStream } from './sse.mjs';

/** @typedef {{value: any, raw: string, id: string}} Message raw: the bytes it came in */
/** @typedef {{event: string, data: any}} Ending */

/** What is common: an inbox, what was told beside messages, how it ended. */
class Wire extends EventEmitter {
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
}

/** Down by text/event-stream. */
class SseWire extends Wire {
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
      this.received(JSON.parse(data), data, id);
    } else {
      this.ending = { event, data: JSON.parse(data) };
    }
  }

  cursor() {
    return this.stream?.lastEventId || this.lastEventId;
  }

  /** Its head is here since begin(). */
  async settled() {}

  end() {
    return this.stream?.close();
  }
}

/** Down by long poll: one request after the other, each from the last cursor. */
class PollWire extends Wire {
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
    const url = `${this.url}?transport=poll`;
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

  cursor() {
    return this.lastEventId;
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

export const WIRES = /** @type {const} */ (['sse', 'poll']);

export class Channel {
  /** @type {SseWire | PollWire} */
  // @ts-ignore set by connect()
  down;
  auth = '';

  /**
   * @param {string} url of the channel, e.g. http://127.0.0.1:9000/sigver
   * @param {{wire?: 'sse' | 'poll', headers?: Record<string, string>}} [options]
   */
  constructor(url, { wire = 'sse', headers = {} } = {}) {
    this.url = url;
    this.wire = wire;
    this.headers = headers;
  }

  /**
   * A new source.
   * @param {string} url
   * @param {{wire?: 'sse' | 'poll', headers?: Record<string, string>}} [options]
   */
  static async open(url, options) {
    const channel = new Channel(url, options);
    await channel.connect();
    channel.auth = await until('an auth', () => channel.down.auths[0]);
    return channel;
  }

  /** @param {string} [lastEventId] */
  async connect(lastEventId = '') {
    const Down = this.wire === 'poll' ? PollWire : SseWire;
    const before = this.down;
    this.down = new Down(this.url, { lastEventId, headers: this.headers });
    this.down.inbox.push(...(before?.inbox ?? []));
    await within(`the head of ${this.url}`, /** @type {Promise<any>} */ (this.down.begin()));
  }

  /** Where it would go on. */
  get cursor() {
    return this.down.cursor();
  }

  /** The connection breaks; the source stays. */
  async drop() {
    await this.down.settled();
    await this.down.end();
  }

  /** The same at the end of a test, when nobody comes after. */
  async abandon() {
    await this.down.end();
  }

  /** Comes back where it was; with or without having left first. */
  async resume() {
    await this.connect(this.cursor);
  }

  /** The same as often as it takes, as clients do while a server restarts. */
  async comeBack() {
    const { cursor } = this;
    await until('the source to be back', () => this.connect(cursor).then(() => true));
  }

  /** The other side broke the connection; between two polls there is none. */
  async broken() {
    if (this.wire === 'poll') {
      await this.abandon();
    }
    await until('the end of the connection', () => this.down.over);
  }

  /**
   * Says something to the server.
   * @param {unknown} sentence anything JSON; a string goes as it is
   * @param {{auth?: string, url?: string, headers?: Record<string, string>}} [options]
   */
  post(sentence, { auth = this.auth, url = this.url, headers = {} } = {}) {
    const text = typeof sentence === 'string' ? sentence : JSON.stringify(sentence);
    const all = { 'Content-Type': 'text/plain;charset=UTF-8', ...this.headers, ...headers };
    return request(url, { method: 'POST', headers: all, body: `${auth}@${text}` });
  }

  /**
   * The same, and it must be accepted.
   * @param {unknown} sentence
   */
  async say(sentence) {
    const answer = await this.post(sentence);
    if (answer.status !== 200) {
      throw new Error(`${JSON.stringify(sentence)} was answered ${answer.status} ${answer.text}`);
    }
    return answer;
  }

  /**
   * The next message, in order.
   * @param {number} [timeout] in ms
   * @returns {Promise<Message>}
   */
  async hear(timeout) {
    const { down } = this;
    if (down.inbox.length === 0 && !down.over) {
      await within('a message', once(down, 'something'), timeout);
    }
    const message = down.inbox.shift();
    if (message === undefined) {
      throw new Error(`the way down is over: ${JSON.stringify(down.ending)}`);
    }
    return message;
  }

  /** The value of the next message. */
  async value() {
    return (await this.hear()).value;
  }

  /**
   * Waits for the final event of the source.
   * @returns {Promise<Ending>}
   */
  async close() {
    return until('the final event', () => this.down.ending);
  }
}
