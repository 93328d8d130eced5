/**
 * A client for sigpost's sigver channel: event stream down, POST up.
 *
 *     const channel = new Sigver('https://example.org/sigpost/');
 *     channel.addEventListener('message', ({ id, data }) => …);
 *     await channel.open('a key'); // the other side: await channel.join('a key')
 *     channel.send({ anything: 'that is JSON' }, id); // the opener names the joining, `id`
 *
 * The server keeps what is for this source while the stream is away, and the stream comes back at
 * its cursor, so a broken connection loses and repeats nothing. Where the web server holds the
 * stream back, the same messages come by long poll. The cursor and the token are credentials:
 * they stay in here.
 *
 * Should the server not know the source any more, there is a new one with a new token. Then what
 * was on its way is dropped (it was meant for partners who knew the old source), every open() and
 * join() is said again, and `state` tells with `fresh`.
 */

import { HttpError, byteLength } from './http.mjs';
import { Outbox } from './outbox.mjs';
import { PollSource, StreamSource } from './source.mjs';

/** Without any event for this long the stream is being held back somewhere: poll instead. */
const FIRST_EVENT_MS = 4000;
/** The same after an error: until a source comes again (Firefox's and ours: 5 s), and then. */
const AFTER_ERROR_MS = FIRST_EVENT_MS + 5000;
/** The generations of the protocol and where they are spoken, below the mount path. */
const PATHS = { D: 'sigver', E: 'sigver/opened' };
/** Generation D says in the status of a POST what WebSocket says in the close code. */
const CODES = {
  520: 4000, 521: 4001, 560: 4010, 561: 4011, 570: 4020, 572: 4022, 573: 4023, 581: 4021,
};
const AUTHENTICATION_ERROR = 4021;
/** Our own: dropped, because the server did not know the source any more. */
const FORGOTTEN = 1001;
/** New sources in a row of which the server wants to know nothing. */
const FORGOTTEN_MAX = 3;

const CLOSED = 2;

class SigverEvent extends Event {
  /**
   * @param {string} type
   * @param {object} fields
   */
  constructor(type, fields) {
    super(type);
    Object.assign(this, fields);
  }
}

/** Why the source ended, or why a message was refused. */
export class SigverError extends Error {
  /**
   * @param {number} code
   * @param {string} reason
   */
  constructor(code, reason) {
    super(reason);
    this.name = 'SigverError';
    this.code = code;
  }
}

/**
 * @param {string} text
 * @returns {any} its value, or undefined
 */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * A promise whose rejection is no accident when nobody looks: `close` and `error` tell as well.
 * @template T
 * @param {Promise<T>} promise
 */
function quiet(promise) {
  promise.catch(() => {});
  return promise;
}

/**
 * An open() or join() under way, or answered; said again to a server that has forgotten.
 * @typedef {object} Claim
 * @property {string} text
 * @property {boolean} opening
 * @property {boolean} answered
 * @property {Promise<boolean>} done
 * @property {(opened: boolean) => void} resolve
 * @property {(reason: Error) => void} reject
 */

export class Sigver extends EventTarget {
  #transport;
  #preferred;
  #fetch;
  #EventSource;
  #outbox;
  /** @type {any} EventSource, StreamSource or PollSource */
  #source;
  #state = 'connecting';
  #auth = '';
  #cursor = '';
  #heard = false;
  #native = true;
  #misses = 0;
  /** @type {Claim[]} */
  #claims = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #watch;

  /**
   * @param {string | URL} base the mount path of sigpost, a slash at its end or not
   * @param {import('./sigver.d.mts').SigverOptions} [options]
   */
  constructor(base, options = {}) {
    super();
    const root = new URL(base, globalThis.location?.href);
    root.pathname = root.pathname.replace(/\/*$/, `/${PATHS[options.generation ?? 'E']}`);
    this.url = root.href;
    this.#preferred = options.transport ?? 'auto';
    this.#transport = this.#preferred === 'poll' ? 'poll' : 'sse';
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.#EventSource =
      options.EventSource === undefined ? globalThis.EventSource : options.EventSource;
    this.#outbox = new Outbox(this.url, {
      fetch: this.#fetch,
      onsend: (parcel) => this.#leaves(parcel),
    });
    this.#connect();
  }

  get state() {
    return this.#state;
  }

  get transport() {
    return this.#transport;
  }

  /**
   * Opens a key and waits there for others.
   * @param {string} key
   */
  open(key) {
    return this.#claim({ open: key }, true);
  }

  /**
   * Joins whoever opened the key. Resolves with true if nobody had and the key is now ours.
   * @param {string} key
   */
  join(key) {
    return this.#claim({ join: key }, false);
  }

  /**
   * Resolves when the server has it.
   * @param {import('./sigver.d.mts').Json} data any JSON value
   * @param {number} [id] of the joining it is for; none: it is for the opener
   */
  send(data, id) {
    return this.#post(JSON.stringify(id === undefined ? { data } : { id, data }));
  }

  /** Lets the stream go and keeps the cursor; the server keeps the messages. */
  pause() {
    if (this.#state !== 'closed' && this.#state !== 'paused') {
      this.#disconnect();
      this.#become('paused');
    }
  }

  /** Comes back from pause(), where it was. */
  resume() {
    if (this.#state === 'paused') {
      this.#become(this.#auth ? 'reconnecting' : 'connecting');
      this.#connect();
    }
  }

  close() {
    this.#finish(new SigverError(1000, 'closed'));
  }

  #connect() {
    this.#source = this.#newSource();
    this.#listen(this.#source);
    this.#watchFirst(FIRST_EVENT_MS);
  }

  #disconnect() {
    clearTimeout(this.#watch);
    this.#cursor = this.#source.lastEventId || this.#cursor;
    this.#source.close();
  }

  /** An EventSource cannot be told where to start, so it is for the first time only. */
  #newSource() {
    const options = { lastEventId: this.#cursor, fetch: this.#fetch };
    if (this.#transport === 'poll') {
      return new PollSource(this.url, options);
    }
    if (this.#EventSource && this.#native && !this.#cursor) {
      return new this.#EventSource(this.url);
    }
    return new StreamSource(this.url, options);
  }

  /** @param {any} source */
  #listen(source) {
    const on = (/** @type {string} */ type, /** @type {(event: any) => void} */ handle) => {
      source.addEventListener(type, (/** @type {any} */ event) => {
        if (source === this.#source && this.#state !== 'closed' && this.#state !== 'paused') {
          handle(event);
        }
      });
    };
    const heard = (/** @type {string} */ type, /** @type {(text: string) => void} */ handle) => {
      on(type, (event) => {
        this.#hear(event);
        handle(event.data);
      });
    };
    on('open', () => this.#connected());
    on('error', (event) => this.#lost(source, event));
    on('poll', () => this.#preferred === 'auto' && this.#fallBack()); // streams are full at the server
    heard('auth', (text) => this.#authorized(text));
    heard('message', (text) => this.#received(text));
    heard('gap', (text) => this.#emit('gap', parse(text) ?? {}));
    heard('close', (text) => this.#ended(text));
    heard('superseded', () => this.#end(1000, 'superseded'));
  }

  /** @param {number} ms */
  #watchFirst(ms) {
    clearTimeout(this.#watch);
    if (this.#preferred === 'auto' && this.#transport === 'sse' && !this.#heard) {
      this.#watch = setTimeout(() => this.#fallBack(), ms);
    }
  }

  #fallBack() {
    this.#source.close();
    this.#transport = 'poll';
    this.#connect();
  }

  /** @param {any} event */
  #hear({ lastEventId }) {
    this.#heard = true;
    clearTimeout(this.#watch);
    this.#cursor = lastEventId || this.#cursor;
  }

  #connected() {
    if (this.#auth) {
      this.#become('open');
    }
  }

  /**
   * @param {any} source
   * @param {any} event
   */
  #lost(source, event) {
    if (event.status !== undefined) {
      this.#end(event.status, `HTTP ${event.status}`);
      return;
    }
    this.#become(this.#auth ? 'reconnecting' : 'connecting');
    if (source.readyState === CLOSED) { // an EventSource that gave up; ours tells why, or does not
      this.#native = false;
      this.#connect();
    } else {
      this.#watchFirst(AFTER_ERROR_MS);
    }
  }

  /** @param {string} token */
  #authorized(token) {
    const renewed = this.#auth !== '';
    this.#auth = token;
    if (renewed) {
      this.#outbox.clear(new SigverError(FORGOTTEN, 'the server has forgotten this source'));
      this.#claims.forEach((claim) => this.#say(claim));
    }
    this.#outbox.authorize(token);
    this.#become('open', renewed);
  }

  /** A POST found no source. The stream knows more: how ours ended, or a new one. */
  #forgotten() {
    const error = new SigverError(FORGOTTEN, 'the server has forgotten this source');
    this.#misses += 1;
    if (this.#misses > FORGOTTEN_MAX) {
      this.#end(AUTHENTICATION_ERROR, 'the server knows none of its sources');
    } else {
      this.#outbox.clear(error);
    }
    if (this.#state === 'open') {
      this.#disconnect();
      this.#become('reconnecting');
      this.#connect();
    }
    return error;
  }

  /** @param {string} text */
  #received(text) {
    const message = parse(text);
    this.#emit('wire', { direction: 'down', text, bytes: byteLength(text) });
    if (message === null || typeof message !== 'object') {
      return;
    }
    if ('opened' in message || 'isKeyOk' in message) {
      this.#answered(message);
    } else if ('unavailable' in message) {
      this.#emit('unavailable', { id: message.id ?? message.unavailable });
    } else if ('data' in message) {
      this.#emit('message', { id: message.id, data: message.data });
    }
  }

  /**
   * Answers come in the order of their questions. A `{"isKeyOk":false}` is followed by its error.
   * @param {{opened?: boolean, isKeyOk?: boolean}} message
   */
  #answered({ opened, isKeyOk }) {
    const claim = this.#claims.find((it) => !it.answered);
    if (claim === undefined || isKeyOk === false) {
      return;
    }
    claim.answered = true;
    claim.resolve(opened ?? claim.opening);
    this.#emit('opened', { opened: opened ?? claim.opening });
  }

  /**
   * @param {object} message
   * @param {boolean} opening
   */
  #claim(message, opening) {
    const text = JSON.stringify(message);
    const known = this.#claims.find((it) => it.text === text);
    if (known) {
      return known.done;
    }
    /** @type {any} */
    const claim = { text, opening, answered: false };
    claim.done = quiet(new Promise((resolve, reject) => {
      Object.assign(claim, { resolve, reject });
    }));
    this.#claims.push(claim);
    this.#say(claim);
    return claim.done;
  }

  /** @param {Claim} claim */
  #say(claim) {
    claim.answered = false;
    this.#post(claim.text).catch((/** @type {any} */ error) => {
      if (error.code !== FORGOTTEN) {
        this.#claims = this.#claims.filter((it) => it !== claim);
        claim.reject(error);
      }
    });
  }

  /** @param {string} text */
  #post(text) {
    if (this.#state === 'closed') {
      return quiet(Promise.reject(new SigverError(1000, 'closed')));
    }
    return quiet(this.#outbox.add(text).then(
      (delivery) => {
        this.#misses = 0;
        return delivery;
      },
      (/** @type {any} */ error) => this.#refused(error),
    ));
  }

  /**
   * @param {any} error
   * @returns {never}
   */
  #refused(error) {
    if (!(error instanceof HttpError)) {
      throw error;
    }
    const code = error.code ?? /** @type {Record<number, number>} */ (CODES)[error.status];
    if (code === AUTHENTICATION_ERROR) {
      throw this.#forgotten();
    }
    const refusal = new SigverError(code ?? error.status, error.message);
    if (code === undefined) {
      this.#emit('error', { error: refusal });
    } else {
      this.#end(code, error.message);
    }
    throw refusal;
  }

  /** @param {import('./outbox.mjs').Parcel} parcel */
  #leaves({ text, done }) {
    this.#emit('wire', { direction: 'up', text, bytes: byteLength(text), done });
  }

  /** @param {string} text */
  #ended(text) {
    const { code = 1000, reason = '' } = parse(text) ?? {};
    this.#end(code, reason);
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #end(code, reason) {
    if (this.#finish(new SigverError(code, reason))) {
      this.#emit('close', { code, reason });
    }
  }

  /** @param {SigverError} error */
  #finish(error) {
    if (this.#state === 'closed') {
      return false;
    }
    this.#disconnect();
    this.#become('closed');
    this.#outbox.clear(error);
    this.#claims.forEach((claim) => claim.reject(error));
    return true;
  }

  /**
   * @param {string} state
   * @param {boolean} [fresh]
   */
  #become(state, fresh = false) {
    if (state !== this.#state || fresh) {
      this.#state = state;
      this.#emit('state', { state, fresh, transport: this.#transport });
    }
  }

  /**
   * @param {string} type
   * @param {object} fields
   */
  #emit(type, fields) {
    this.dispatchEvent(new SigverEvent(type, fields));
  }
}
