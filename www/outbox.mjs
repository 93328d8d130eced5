/**
 * The way up: messages posted in order until the server has taken them.
 */

import { HttpError, Pause, backoff, withParam } from './http.mjs';

/** No answer to a POST: the connection is dead. `n` makes the repetition safe. */
const POST_MS = 30_000;

/**
 * @typedef {object} Delivery
 * @property {number} ms from the first POST to the answer
 * @property {number} attempts
 */

/**
 * @typedef {object} Parcel
 * @property {string} text
 * @property {Promise<Delivery>} done when the server has it
 * @property {(value: Delivery) => void} resolve
 * @property {(reason: Error) => void} reject
 */

/**
 * Messages on their way up: one POST at a time, in order, `<token>@<text>`, again and again until
 * the server has answered. Each carries `?n=`, rising from 1 under one token, so that a repetition
 * of what had arrived after all is stored once. Nothing leaves before there is a token.
 */
export class Outbox {
  /** @type {Parcel[]} */
  #queue = [];
  #token = '';
  #n = 0;
  #busy = false;
  #pause = new Pause();
  /** @type {AbortController | undefined} */
  #post;

  /**
   * @param {string} url
   * @param {{fetch?: typeof fetch, onsend?: (parcel: Parcel) => void}} [options] onsend: it leaves
   *   for the first time
   */
  constructor(url, options = {}) {
    this.url = url;
    this.fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.onsend = options.onsend ?? (() => {});
  }

  /** @param {string} token of the source that speaks from now on */
  authorize(token) {
    this.#token = token;
    this.#n = 0;
    this.#pump();
  }

  /**
   * Resolves when the server has the message; rejects with what the server said if it refused it.
   * @param {string} text
   * @returns {Promise<Delivery>}
   */
  add(text) {
    /** @type {any} */
    const parcel = { text };
    parcel.done = new Promise((resolve, reject) => Object.assign(parcel, { resolve, reject }));
    this.#queue.push(parcel);
    this.#pump();
    return parcel.done;
  }

  /**
   * Forgets what has not arrived, and the token.
   * @param {Error} reason for those who wait
   */
  clear(reason) {
    const queue = this.#queue;
    this.#queue = [];
    this.#token = '';
    this.#post?.abort();
    this.#pause.end();
    queue.forEach((parcel) => parcel.reject(reason));
  }

  async #pump() {
    if (this.#busy) {
      return;
    }
    this.#busy = true;
    while (this.#token && this.#queue.length > 0) {
      const parcel = this.#queue[0];
      this.#n += 1;
      await this.#deliver(parcel, this.#token, this.#n);
      if (this.#queue[0] === parcel) {
        this.#queue.shift();
      }
    }
    this.#busy = false;
  }

  /**
   * @param {Parcel} parcel
   * @param {string} token
   * @param {number} n
   */
  async #deliver(parcel, token, n) {
    const begun = Date.now();
    this.onsend(parcel);
    for (let attempts = 1; this.#queue[0] === parcel; attempts += 1) {
      try {
        await this.#send(`${token}@${parcel.text}`, n);
        parcel.resolve({ ms: Date.now() - begun, attempts });
        return;
      } catch (/** @type {any} */ error) {
        if (error instanceof HttpError && !error.passing) {
          parcel.reject(error);
          return;
        }
        await this.#retry(parcel, error, attempts);
      }
    }
  }

  /**
   * @param {Parcel} parcel
   * @param {any} error
   * @param {number} attempts
   */
  async #retry(parcel, error, attempts) {
    if (this.#queue[0] === parcel) {
      const asked = (error.retryAfter ?? 0) * (1 + Math.random() / 4);
      await this.#pause.wait(Math.max(asked, backoff(attempts - 1)));
    }
  }

  /**
   * @param {string} body
   * @param {number} n
   */
  async #send(body, n) {
    this.#post = new AbortController();
    const { signal } = this.#post;
    const watch = setTimeout(() => this.#post?.abort(), POST_MS);
    try {
      const url = withParam(this.url, 'n', String(n));
      const response = await this.fetch(url, { method: 'POST', body, signal, cache: 'no-store' });
      const refusal = new HttpError(response, await response.text());
      if (!response.ok || refusal.code !== undefined) {
        throw refusal;
      }
    } finally {
      clearTimeout(watch);
    }
  }
}
