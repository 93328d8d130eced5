/**
 * The way up: messages posted in order until the server has taken them.
 */

import { HttpError, Pause, backoff, byteLength, withParam } from './http.mjs';

/** No answer to a POST: the connection is dead. `n` makes the repetition safe. */
const POST_MS = 30_000;
/**
 * Together in one POST: with what stands between them, less than the 128 kB that mod_fcgid takes by default (it
 * answers 500 to more), and half of what sigpost does.
 */
const BATCH_BYTES = 126 * 1024;
/** A POST up to this size outlives its page; browsers allow 64 kB for all of them together. */
const KEEPALIVE_BYTES = 30 * 1024;

/**
 * @typedef {object} Delivery
 * @property {number} ms from the first POST to the answer
 * @property {number} attempts
 */

/**
 * @typedef {object} Parcel
 * @property {string} text
 * @property {number} bytes
 * @property {number} since when it was given to us
 * @property {Promise<Delivery>} done when the server has it
 * @property {(value: Delivery) => void} resolve
 * @property {(reason: Error) => void} reject
 */

/**
 * How a protocol writes messages into a POST.
 * @typedef {object} Envelope
 * @property {number} most messages in one POST
 * @property {number} patience milliseconds after which a message that is refused for the moment is
 *   refused for good
 * @property {(texts: string[], token: string) => string} body
 * @property {() => number} [number] the next `n`; without it, it counts from 1 under each token
 * @property {(answer: string) => (Error | undefined)[]} [refusals] of each message
 * @property {(error: Error) => boolean} [lapses] the server does not know the token (any more)
 */

/** sigver: one message a POST, its token before an `@`. @type {Envelope} */
export const SIGVER = {
  most: 1,
  patience: Infinity,
  body: ([text], token) => `${token}@${text}`,
};

/**
 * Messages on their way up: one POST at a time, in order, again and again until the server has
 * answered. What comes meanwhile waits and leaves together, as far as the envelope allows. Each
 * POST carries `?n=`, rising under one token, so that a repetition of what had arrived after all is
 * stored once. Nothing leaves before there is a token.
 */
export class Outbox {
  /** @type {Parcel[]} */
  #queue = [];
  /** On their way now. @type {Parcel[]} */
  #batch = [];
  /** The `n` of the batch, and whether it waits for its next try. */
  #batchN = 0;
  #waiting = false;
  #token = '';
  #n = 0;
  #most;
  #busy = false;
  #pause = new Pause();
  /** @type {AbortController | undefined} */
  #post;

  /**
   * @param {string} url
   * @param {{fetch?: typeof fetch, envelope?: Envelope, onsend?: (parcel: Parcel) => void,
   *   onlapse?: (error: Error) => void}} [options] onsend: it leaves for the first time;
   *   onlapse: the server does not know the token, and nothing leaves before the next authorize()
   */
  constructor(url, options = {}) {
    this.url = url;
    this.fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.envelope = options.envelope ?? SIGVER;
    this.onsend = options.onsend ?? (() => {});
    this.onlapse = options.onlapse ?? (() => {});
    this.#most = this.envelope.most;
  }

  /** Of what the server has not taken yet, in UTF-8. */
  get bytes() {
    return [...this.#batch, ...this.#queue].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Resolves when the server has spoken of everything that is here now. */
  idle() {
    return Promise.allSettled([...this.#batch, ...this.#queue].map(({ done }) => done));
  }

  /** @param {string} token of the source that speaks from now on */
  authorize(token) {
    if (token !== this.#token) {
      this.#token = token;
      this.#n = 0;
    }
    this.#pump();
  }

  /**
   * Resolves when the server has the message; rejects with what the server said if it refused it.
   * @param {string} text
   * @returns {Promise<Delivery>}
   */
  add(text) {
    /** @type {any} */
    const parcel = { text, bytes: byteLength(text), since: Date.now() };
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
    const parcels = [...this.#batch, ...this.#queue];
    this.#queue = [];
    this.#batch = [];
    this.#token = '';
    this.#post?.abort();
    this.#pause.end();
    parcels.forEach((parcel) => parcel.reject(reason));
  }

  /**
   * The page goes away: what waits leaves beside the POST that is under way, as much as may outlive
   * a page. Nobody will hear the answer; should the page live on, `n` makes a repetition safe.
   */
  flush() {
    if (!this.#token) {
      return;
    }
    if (this.#waiting && this.#batch.length > 0) {
      this.#farewell(this.#batch, this.#batchN);
    }
    const rest = this.#take(KEEPALIVE_BYTES);
    if (rest.length > 0) {
      this.#farewell(rest, this.#number());
      rest.forEach((parcel) => parcel.resolve({ ms: 0, attempts: 1 }));
    }
  }

  /**
   * @param {Parcel[]} parcels
   * @param {number} n
   */
  #farewell(parcels, n) {
    this.#request(parcels, n).catch(() => {});
  }

  async #pump() {
    if (this.#busy) {
      return;
    }
    this.#busy = true;
    while (this.#token && this.#queue.length > 0) {
      this.#batch = this.#take(BATCH_BYTES);
      this.#batch.forEach((parcel) => this.onsend(parcel));
      this.#batchN = this.#number();
      await this.#deliver(this.#batch, this.#batchN);
      this.#batch = [];
    }
    this.#busy = false;
  }

  #number() {
    this.#n += 1;
    return this.envelope.number?.() ?? this.#n;
  }

  /**
   * Out of the queue: at least one, further ones as far as they fit.
   * @param {number} room in bytes
   */
  #take(room) {
    let [count, bytes] = [0, 0];
    for (const parcel of this.#queue.slice(0, this.#most)) {
      bytes += parcel.bytes + 1;
      if (count > 0 && bytes > room) {
        break;
      }
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  /**
   * @param {Parcel[]} batch
   * @param {number} n
   */
  async #deliver(batch, n) {
    const begun = Date.now();
    for (let attempts = 1; this.#batch === batch; attempts += 1) {
      try {
        const refusals = await this.#send(batch, n);
        await this.#settle(batch, refusals, { ms: Date.now() - begun, attempts });
        return;
      } catch (/** @type {any} */ error) {
        if (this.#batch === batch && !(await this.#again(batch, error, attempts))) {
          return;
        }
      }
    }
  }

  /**
   * The server has spoken of each: those it refused for the moment come again, before all others.
   * @param {Parcel[]} batch
   * @param {(Error | undefined)[]} refusals
   * @param {Delivery} delivery
   */
  async #settle(batch, refusals, delivery) {
    const again = batch.filter((parcel, i) => this.#comesAgain(parcel, refusals[i]));
    batch.filter((parcel) => !again.includes(parcel)).forEach((parcel) => {
      const refusal = refusals[batch.indexOf(parcel)];
      if (refusal) {
        parcel.reject(refusal);
      } else {
        parcel.resolve(delivery);
      }
    });
    if (again.length > 0 && this.#batch === batch) {
      this.#batch = [];
      this.#queue.unshift(...again);
      await this.#pause.wait(backoff(1));
    }
  }

  /**
   * @param {Parcel} parcel
   * @param {any} refusal
   */
  #comesAgain({ since }, refusal) {
    return Boolean(refusal?.passing) && Date.now() - since < this.envelope.patience;
  }

  /**
   * After a failure. Resolves with whether the same POST is to be made again.
   * @param {Parcel[]} batch
   * @param {any} error
   * @param {number} attempts
   */
  async #again(batch, error, attempts) {
    if (this.envelope.lapses?.(error)) {
      this.#token = '';
      this.#queue.unshift(...batch);
      this.onlapse(error);
      return false;
    }
    if (error.status === 413 && batch.length > 1) {
      this.#most = Math.ceil(batch.length / 2);
      this.#queue.unshift(...batch);
      return false;
    }
    if (error instanceof HttpError && !this.#comesAgain(batch[0], error)) {
      batch.forEach((parcel) => parcel.reject(error));
      return false;
    }
    const asked = (error.retryAfter ?? 0) * (1 + Math.random() / 4);
    this.#waiting = true;
    await this.#pause.wait(Math.max(asked, backoff(attempts - 1)));
    this.#waiting = false;
    return true;
  }

  /**
   * @param {Parcel[]} batch
   * @param {number} n
   * @returns {Promise<(Error | undefined)[]>}
   */
  async #send(batch, n) {
    const post = new AbortController();
    this.#post = post;
    const watch = setTimeout(() => post.abort(), POST_MS);
    try {
      const response = await this.#request(batch, n, post.signal);
      const answer = await response.text();
      const refusal = new HttpError(response, answer);
      if (!response.ok || refusal.code !== undefined) {
        throw refusal;
      }
      return this.envelope.refusals?.(answer) ?? [];
    } finally {
      clearTimeout(watch);
    }
  }

  /**
   * @param {Parcel[]} batch
   * @param {number} n
   * @param {AbortSignal} [signal]
   */
  #request(batch, n, signal) {
    const body = this.envelope.body(batch.map(({ text }) => text), this.#token);
    const keepalive = byteLength(body) <= KEEPALIVE_BYTES;
    const url = withParam(this.url, 'n', String(n));
    return this.fetch(url, { method: 'POST', body, signal, keepalive, cache: 'no-store' });
  }
}
