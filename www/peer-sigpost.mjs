/**
 * Descriptions by sigpost's sigver channel (generation E): both sides name the same short code, which
 * one has told the other by voice. Who comes first waits, who comes second offers. A code is for one
 * connection; whoever names it later is told that it is taken.
 */

import { PeerError } from './peer-events.mjs';
import { Sigver } from './sigver.mjs';

const EXPIRE_MS = 600000;
/** For a server that does not answer: Sigver by itself tries for ever. */
const JOIN_MS = 20000;
/** Longer than the other side looks for candidates. */
const ANSWER_MS = 20000;
/** The server has a source that left for half a minute more, and its key. */
const LINGER_MS = 30000;
const DIGITS = 6;
const TRIES = 5;
/** So that others who use the server meet under keys of their own. */
const PREFIX = 'peer ';

/** @param {number} length */
function newCode(length) {
  const digits = [];
  while (digits.length < length) {
    const [byte] = crypto.getRandomValues(new Uint8Array(1));
    if (byte < 250) { // each digit as likely as the others
      digits.push(byte % 10);
    }
  }
  return digits.join('');
}

/** As it is heard: blanks, hyphens and capitals do not matter. @param {string} code */
function heard(code) {
  const key = String(code).replace(/[\s-]+/g, '').toLowerCase();
  if (!key) {
    throw new PeerError('carrier', 'this code is empty');
  }
  return key;
}

class Meeting {
  code;
  /** @type {'offerer' | 'answerer'} */
  type = 'answerer';
  #sigver;
  #options;
  /** Whoever offered first. @type {number | undefined} */
  #partner;
  /** @type {PeerError | undefined} */
  #failure;
  /** @type {(description: string) => void} */
  #resolve = () => {};
  /** @type {(error: Error) => void} */
  #reject = () => {};
  /** @type {Promise<string>} */
  #received;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {Sigver} sigver
   * @param {string} code
   * @param {import('./peer.d.ts').SigpostCarrierOptions} options
   */
  constructor(sigver, code, options) {
    this.code = code;
    this.#sigver = sigver;
    this.#options = options;
    this.#received = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#received.catch(() => {}); // receive() tells
    sigver.addEventListener('message', (event) => this.#hear(/** @type {any} */ (event)));
    sigver.addEventListener('unavailable', () => this.#unavailable());
    sigver.addEventListener('close', (event) => (
      this.#fail('carrier', `the server ended it: ${/** @type {any} */ (event).reason}`)));
  }

  /** Comes to the code. Whether this side is the first decides what it is. */
  async join() {
    const opened = await this.#sigver.join(PREFIX + this.code);
    this.type = opened ? 'answerer' : 'offerer';
    this.#sigver.addEventListener('opened', (event) => {
      if (/** @type {any} */ (event).opened !== opened) {
        this.#fail('carrier', 'the server has forgotten this code');
      }
    });
    if (opened) {
      this.#expire('expired', 'nobody came', this.#options.expireMs ?? EXPIRE_MS);
    }
    return opened;
  }

  /** @param {string} description */
  async send(description) {
    if (this.type === 'offerer') {
      this.#expire('unanswered', 'the other side does not answer', ANSWER_MS);
    }
    try {
      await this.#sigver.send(description, this.#partner);
    } catch (error) {
      throw this.#failure // an answer may come before the server's that it has our question
        ?? new PeerError('carrier', `the server did not take the description: ${error}`);
    }
  }

  receive() {
    return this.#received;
  }

  /** Whoever waited stays for a while, to tell others that they are late. */
  close() {
    clearTimeout(this.#timer);
    this.#reject(new PeerError('closed', 'it was closed'));
    if (this.#partner === undefined) {
      this.#sigver.close();
    } else {
      this.#timer = setTimeout(() => this.#sigver.close(), LINGER_MS);
    }
  }

  /** @param {{id?: number, data: any}} event */
  #hear({ id, data }) {
    if (this.type === 'answerer') {
      this.#offered(id, data);
    } else if (typeof data === 'string') {
      this.#take(data);
    } else {
      this.#fail('taken', 'somebody else has used this code');
    }
  }

  /**
   * @param {number | undefined} id
   * @param {any} data
   */
  #offered(id, data) {
    if (this.#partner === undefined && typeof data === 'string') {
      this.#partner = id;
      this.#take(data);
    } else if (id !== this.#partner) {
      this.#sigver.send({ taken: true }, id);
    }
  }

  /** @param {string} description */
  #take(description) {
    clearTimeout(this.#timer);
    this.#resolve(description);
  }

  #unavailable() {
    if (this.type === 'offerer') {
      this.#fail('unanswered', 'the other side has left');
    }
  }

  /**
   * @param {import('./peer.d.ts').PeerErrorCode} code
   * @param {string} message
   * @param {number} ms
   */
  #expire(code, message, ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail(code, message), ms);
  }

  /**
   * @param {import('./peer.d.ts').PeerErrorCode} code
   * @param {string} message
   */
  #fail(code, message) {
    this.#failure = new PeerError(code, message);
    this.#reject(this.#failure);
    this.#sigver.close();
  }
}

/**
 * @param {string | URL} url
 * @param {import('./peer.d.ts').SigpostCarrierOptions} options
 * @param {string} code
 */
async function join(url, options, code) {
  const sigver = new Sigver(url, { generation: 'E', transport: options.transport });
  const meeting = new Meeting(sigver, code, options);
  const timer = setTimeout(() => sigver.close(), options.joinMs ?? JOIN_MS);
  try {
    return { meeting, first: await meeting.join() };
  } catch (error) {
    meeting.close();
    throw new PeerError('carrier', `the server cannot be reached, or does not take it: ${error}`);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A code of its own: nobody may have it yet.
 * @param {string | URL} url
 * @param {import('./peer.d.ts').SigpostCarrierOptions} options
 */
async function open(url, options) {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const { meeting, first } = await join(url, options, newCode(options.digits ?? DIGITS));
    if (first) {
      return meeting;
    }
    meeting.close();
  }
  throw new PeerError('carrier', 'all codes that were tried are in use: use more digits');
}

/** @type {typeof import('./peer.d.ts').sigpostCarrier} */
export function sigpostCarrier(url, options = {}) {
  return {
    meet: async (code) => (
      code === undefined ? open(url, options) : (await join(url, options, heard(code))).meeting),
  };
}
