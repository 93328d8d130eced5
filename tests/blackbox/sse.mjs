/**
 * An event stream as the wire shows it: every block, comment and field is kept, so that tests can
 * look at what an EventSource hides.
 */

import http from 'node:http';

import { within } from './proc.mjs';

/**
 * @typedef {object} Block what lies between two empty lines
 * @property {string} [event]
 * @property {string} [data] lines joined by LF
 * @property {string} [id]
 * @property {number} [retry]
 * @property {string[]} comments
 */

/**
 * @param {string} text without the empty line
 * @returns {Block}
 */
export function parseBlock(text) {
  /** @type {any} */
  const block = { comments: [] };
  for (const line of text.split('\n')) {
    const [, name, value] = /** @type {string[]} */ (/^([^:]*)(?:: ?(.*))?$/s.exec(line));
    if (line.startsWith(':')) {
      block.comments.push(line.slice(1).trim());
    } else if (name === 'data' && block.data !== undefined) {
      block.data += `\n${value ?? ''}`;
    } else {
      block[name] = name === 'retry' ? Number(value) : value ?? '';
    }
  }
  return block;
}

export class EventStream {
  /** @type {Block[]} everything so far */
  blocks = [];
  /** @type {Block[]} events not yet fetched with next() */
  #queue = [];
  #rest = '';
  /** @type {(() => void)[]} */
  #waiting = [];
  lastEventId = '';
  retry = 0;
  status = 0;
  /** @type {http.IncomingHttpHeaders} */
  headers = {};
  closed = false;
  /** what came instead of a stream */
  body = '';

  /**
   * @param {string | URL} url
   * @param {{lastEventId?: string, headers?: Record<string, string>}} [options]
   */
  constructor(url, { lastEventId = '', headers = {} } = {}) {
    this.lastEventId = lastEventId;
    const all = { Accept: 'text/event-stream', ...headers };
    if (lastEventId) {
      Object.assign(all, { 'Last-Event-ID': lastEventId });
    }
    this.request = http.get(url, { headers: all, agent: false });
    /** Resolves at the head of the answer. */
    this.head = new Promise((resolve, reject) => {
      this.request.on('response', (res) => resolve(this.#begin(res)));
      this.request.on('error', reject);
    });
    this.head.catch(() => {});
    /** Resolves when the stream is over, whoever ended it; true if it ended in good order. */
    this.ended = new Promise((resolve) => {
      this.request.on('error', () => resolve(false));
      this.request.on('close', () => resolve(this.whole === true));
    });
    this.ended.then(() => this.#end());
  }

  /**
   * Opens a stream and waits for its head.
   * @param {string | URL} url
   * @param {{lastEventId?: string, headers?: Record<string, string>}} [options]
   */
  static async open(url, options) {
    const stream = new EventStream(url, options);
    await within(`the head of GET ${url}`, stream.head);
    return stream;
  }

  /** @param {http.IncomingMessage} res */
  #begin(res) {
    this.status = res.statusCode ?? 0;
    this.headers = res.headers;
    res.setEncoding('utf8');
    res.on('data', (text) => this.#feed(text));
    res.on('end', () => { this.whole = res.complete; });
    res.on('error', () => {});
  }

  /** @param {string} text */
  #feed(text) {
    if (this.status !== 200) {
      this.body += text;
      return;
    }
    this.#rest += text.replace(/\r\n?/g, '\n');
    const parts = this.#rest.split('\n\n');
    this.#rest = /** @type {string} */ (parts.pop());
    parts.filter((it) => it !== '').forEach((it) => this.#take(parseBlock(it)));
  }

  /** @param {Block} block */
  #take(block) {
    this.blocks.push(block);
    this.lastEventId = block.id ?? this.lastEventId;
    this.retry = block.retry ?? this.retry;
    if (block.data !== undefined) {
      this.#queue.push(block);
    }
    this.#wake();
  }

  #end() {
    this.closed = true;
    this.#wake();
  }

  #wake() {
    this.#waiting.splice(0).forEach((go) => go());
  }

  /**
   * The next event in order; undefined if the stream ends before.
   * @param {number} [timeout] in ms
   * @returns {Promise<Block | undefined>}
   */
  async next(timeout = 10_000) {
    await this.sees('an event', () => this.#queue.length > 0, timeout);
    return this.#queue.shift();
  }

  /**
   * Waits until something is true of the stream, or the stream is over.
   * @param {string} what
   * @param {() => boolean} ask
   * @param {number} [timeout] in ms
   */
  async sees(what, ask, timeout = 10_000) {
    const seen = (async () => {
      while (!ask() && !this.closed) {
        await new Promise((resolve) => { this.#waiting.push(() => resolve(undefined)); });
      }
      return ask();
    })();
    const said = `${what}; the stream has said ${JSON.stringify(this.blocks.slice(-5))}`;
    return within(said, seen, timeout);
  }

  close() {
    this.request.destroy();
    return this.ended;
  }
}
