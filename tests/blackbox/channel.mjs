/**
 * A source of sigver's channel, the same over an event stream and over long poll: messages come
 * down in order, sentences go up by POST.
 */

import { request } from './http.mjs';
import { until, within } from './proc.mjs';
import { PollWire, SseWire } from './wires.mjs';

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
   */
  hear(timeout) {
    return this.down.hear(timeout);
  }

  /** The value of the next message. */
  async value() {
    return (await this.hear()).value;
  }

  /**
   * Waits for the final event of the source.
   * @returns {Promise<import('./wires.mjs').Ending>}
   */
  async close() {
    return until('the final event', () => this.down.ending);
  }
}
