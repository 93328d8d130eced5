/**
 * How two devices get together by hand: what this one has to show, and what is done with what it reads.
 * Knows no document.
 *
 * Both sides begin alike, with an offer to show. Who reads the other's first has an answer to show instead.
 */

import { DescriptionError, compact, expand } from './sdp.js';

/**
 * - `making`: the offer is not ready
 * - `offer`: an offer can be shown
 * - `answer`: somebody else's offer was read; the answer can be shown
 * - `code`: the server has given a code to tell the other side
 * - `connecting`: the other side's answer, or its code, was read
 * - `connected`
 * @typedef {'making' | 'offer' | 'answer' | 'code' | 'connecting' | 'connected'} Step
 */

/** A code of the server's, as people write it. */
const DIGITS = /^\d{3}[\s-]?\d{3}$/;

/** No description fits into fewer characters; a word that begins like one is not taken for one. */
const SHORTEST = 40;

/** What a person can do about it, by DescriptionError's codes. @type {Record<string, string>} */
const MISREAD = {
  alphabet: 'That is no code of this page. Show it the code of the other device.',
  version: 'That code was made by another version of this page. Load it again on both devices.',
  checksum: 'That code was misread, or is cut off. Try again.',
  content: 'That is no code of this page. Show it the code of the other device.',
  description: 'That is no code of this page. Show it the code of the other device.',
};

/** By PeerError's codes. @type {Record<string, string>} */
const FAILED = {
  unreachable: 'No way was found to the other device. The answer may have been one to another offer; or a network is in between that lets nothing through. Here is a new offer.',
  closed: 'The other device has closed. Here is a new offer.',
  proof: 'The other side did not show who it is. Somebody may be in between: look at where the code came from. Here is a new offer.',
  self: 'That is this very device, in another window. Another window of the same browser has the same identity.',
  carrier: 'The server cannot be reached. A code or a link needs none.',
  expired: 'Nobody came to the code in time. Get another one.',
  taken: 'Somebody else came to that code first. Ask for another one.',
  unanswered: 'Who waited at that code does not answer. Ask for another one.',
  storage: 'This browser keeps no keys for this page: it needs https, or localhost.',
};

/** A sentence for people. @param {unknown} error */
export function sentence(error) {
  const { code, message } = /** @type {any} */ (error);
  const known = error instanceof DescriptionError ? MISREAD : FAILED;
  return known[code] ?? message;
}

/** What was read, without the address around it. @param {string} text */
export const bare = (text) => text.trim().replace(/^\S*#/, '');

export class Meeting {
  /** @type {Step} */
  step = 'making';
  /** To be shown, for a QR code. @type {string | undefined} */
  code;
  /** The same for a link. @type {string | undefined} */
  link;
  /** Of the server, to be told. @type {string | undefined} */
  digits;
  #peer;
  #carrier;
  #changed;
  #failed;
  /** @type {import('./peer.js').Link | undefined} */
  #connection;

  /**
   * @param {import('./peer.js').Peer} peer
   * @param {import('./peer.js').Carrier} carrier
   * @param {{changed: () => void, failed: (error: unknown) => void}} told changed: read it anew; failed:
   *   what was going on came to nothing
   */
  constructor(peer, carrier, { changed, failed }) {
    this.#peer = peer;
    this.#carrier = carrier;
    this.#changed = changed;
    this.#failed = failed;
  }

  /** A new offer, instead of whatever there was. */
  async offer() {
    this.#step('making');
    this.#take(await this.#peer.newConnection('offerer'));
    this.#show('offer');
  }

  /**
   * What a camera, a person or a link brought.
   * @param {string} text
   * @throws Error it changes nothing; sentence() says why
   */
  async read(text) {
    const code = bare(text);
    if (DIGITS.test(code)) {
      await this.#meet(code);
      return;
    }
    if (code.length < SHORTEST) {
      throw new Error(MISREAD.alphabet);
    }
    const { type } = expand(code);
    if (code === this.code || code === this.link) {
      throw new Error('That is the code of this very device. Read the one the other device shows.');
    }
    await (type === 'offer' ? this.#answer(code) : this.#accept(code));
  }

  /** Whether an answer is waited for. */
  get awaitsAnswer() {
    return this.step === 'offer';
  }

  /** A code of the server's, to tell the other side. @throws PeerError */
  async getDigits() {
    const connection = await this.#peer.newConnection({ carrier: this.#carrier });
    this.#take(connection);
    this.digits = connection.code;
    this.#step('code');
  }

  /** @param {string} code of an offer */
  async #answer(code) {
    const connection = await this.#peer.newConnection('answerer');
    try {
      await connection.connect(code);
    } catch (error) {
      connection.close();
      throw error;
    }
    this.#take(connection);
    this.#show('answer');
  }

  /** @param {string} code of an answer */
  async #accept(code) {
    if (this.step !== 'offer') {
      throw new Error(this.step === 'answer'
        ? 'That is an answer, and so is yours. One of you has to begin anew.'
        : 'That is an answer, but this device waits for none.');
    }
    const connection = /** @type {import('./peer.js').Link} */ (this.#connection);
    connection.connect(code).catch((error) => this.#lost(connection, error));
    this.#step('connecting');
  }

  /** @param {string} code of the server's */
  async #meet(code) {
    const before = this.step;
    this.#step('connecting');
    try {
      this.#take(await this.#peer.newConnection({ carrier: this.#carrier, code }));
      this.#step('connecting');
    } catch (error) {
      this.#step(before);
      throw error;
    }
  }

  /** @param {import('./peer.js').Link} connection */
  #take(connection) {
    this.#drop();
    this.#connection = connection;
    connection.connected.then(() => {
      if (connection === this.#connection) {
        this.#connection = undefined; // it goes on by itself
        this.#step('connected');
      }
    }, (error) => this.#lost(connection, error));
  }

  /** @param {import('./peer.js').Link} connection @param {unknown} error */
  #lost(connection, error) {
    if (connection === this.#connection) {
      this.#drop();
      this.#failed(error);
    }
  }

  #drop() {
    const connection = this.#connection;
    this.#connection = undefined;
    this.code = undefined;
    this.link = undefined;
    this.digits = undefined;
    connection?.close();
  }

  /** @param {'offer' | 'answer'} step */
  #show(step) {
    const { connection, description } = /** @type {import('./peer.js').Link} */ (this.#connection);
    this.code = description;
    this.link = compact(/** @type {RTCSessionDescription} */ (connection.localDescription), { alphabet: 'url' });
    this.#step(step);
  }

  /** @param {Step} step */
  #step(step) {
    this.step = step;
    this.#changed();
  }
}
