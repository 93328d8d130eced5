/**
 * The ways down that the platform itself offers, as sources (source.mjs): EventSource, and
 * WebSocket, which is a way up as well.
 *
 * Neither is left to come back by itself. An EventSource would ask for the same address again, with
 * the cursor and the order of its first request; so each connection is an object of its own.
 */

import { Source } from './source.mjs';

const TYPES = ['message', 'auth', 'gap', 'close', 'superseded', 'poll'];
/** WebSocket's close codes after which it is right to come again. */
const TEMPORARY = new Set([1001, 1006, 1012, 1013, 1014]);

/** It never opened, and neither EventSource nor WebSocket tells why. */
export class BlindError extends Error {
  name = 'BlindError';
}

/**
 * An event stream by EventSource. After `silentMs` without an event it says `silent`: EventSource
 * does not tell of heartbeats, so the stream may be idle or dead. Whoever reads with fetch would
 * know.
 */
export class EventSourceSource extends Source {
  /** @type {any} */
  #EventSource;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silence;
  #silentMs;

  /**
   * @param {string} url
   * @param {import('./source.mjs').SourceOptions & {EventSource: any, silentMs: number}} options
   */
  constructor(url, options) {
    super(url, options);
    this.#EventSource = options.EventSource;
    this.#silentMs = options.silentMs;
  }

  /** @param {AbortSignal} signal */
  async turn(signal) {
    const source = new this.#EventSource(this.ask('sse', this.lastEventId).url);
    this.expect();
    try {
      await this.#end(source, signal);
      this.lost();
      return this.respite();
    } finally {
      clearTimeout(this.#silence);
      source.close();
    }
  }

  /**
   * @param {any} source
   * @param {AbortSignal} signal
   */
  #end(source, signal) {
    let opened = false;
    TYPES.forEach((type) => source.addEventListener(type, (/** @type {any} */ event) => {
      if (!signal.aborted) {
        this.#event(event);
      }
    }));
    return new Promise((resolve, reject) => {
      source.onopen = () => {
        opened = true;
        this.#opened();
      };
      source.onerror = () => (opened ? resolve(undefined) : reject(new BlindError('no answer')));
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  }

  #opened() {
    this.arrived();
    this.#listen();
    if (this.lastEventId) { // a stream that goes on may have nothing to say, so this must do
      this.flows();
    }
  }

  #listen() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.emit('silent'), this.#silentMs);
  }

  /** @param {MessageEvent} event */
  #event({ type, data, lastEventId }) {
    this.lastEventId = lastEventId || this.lastEventId;
    this.#listen();
    if (type !== 'poll') { // which says that nothing will come
      this.flows();
    }
    this.emit(type, { data, lastEventId });
  }
}

/**
 * Both ways by WebSocket. Its messages have no ids, so whoever comes back by another way starts at
 * what the server knows to be taken. An end in order, for good, is told as `close`.
 */
export class WebSocketSource extends Source {
  /** @type {any} */
  #WebSocket;
  /** @type {any} */
  #socket;

  /**
   * @param {string} url
   * @param {import('./source.mjs').SourceOptions & {WebSocket: any}} options
   */
  constructor(url, options) {
    super(url, options);
    this.#WebSocket = options.WebSocket;
  }

  /** @param {AbortSignal} signal */
  async turn(signal) {
    const socket = this.#new();
    this.expect();
    try {
      await this.#end(socket, signal);
      this.lost();
      return this.respite();
    } finally {
      this.#socket = undefined;
      socket.close();
    }
  }

  #new() {
    const { url } = this.ask('websocket', this.lastEventId);
    try {
      return new this.#WebSocket(url.replace(/^http/, 'ws'));
    } catch { // forbidden to this page
      throw new BlindError('no WebSocket here');
    }
  }

  /**
   * @param {any} socket
   * @param {AbortSignal} signal
   */
  #end(socket, signal) {
    return new Promise((resolve, reject) => {
      socket.onopen = () => {
        this.#socket = socket;
        this.lastEventId = '';
        this.arrived();
      };
      socket.onmessage = (/** @type {MessageEvent} */ { data }) => {
        if (!signal.aborted) {
          this.flows();
          this.emit('message', { data, lastEventId: '' });
        }
      };
      socket.onerror = () => {}; // `close` follows
      socket.onclose = (/** @type {any} */ event) => {
        if (!this.#socket) {
          reject(new BlindError('no WebSocket here'));
          return;
        }
        this.#closed(event);
        resolve(undefined);
      };
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  }

  /** @param {{code: number, reason: string, wasClean: boolean}} event */
  #closed({ code, reason, wasClean }) {
    if (wasClean && !TEMPORARY.has(code) && this.readyState !== 2) {
      this.emit('close', { data: JSON.stringify({ code, reason }), lastEventId: '' });
      this.close();
    }
  }

  /**
   * @param {string} text
   * @returns {boolean} whether it could be handed over
   */
  send(text) {
    const open = this.#socket?.readyState === 1;
    if (open) {
      this.#socket.send(text);
    }
    return open;
  }
}
