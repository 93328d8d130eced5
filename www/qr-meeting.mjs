/**
 * How two devices get together by hand: what this one has to show, and what is done with what it reads.
 * Knows no document.
 *
 * Both sides begin alike, with an offer to show. Who reads the other's has an answer to show instead, and still takes
 * one to the offer: should both have read the other's, either answer will do.
 */

import { DescriptionError, compact } from './sdp.js';
import { bare, linked, parse, spoken, tagOf } from './qr-code.mjs';

/**
 * - `making`: the offer, or the answer, is not ready
 * - `offer`: an offer can be shown
 * - `answer`: somebody else's offer was read; the answer can be shown
 * - `code`: the server has given a code to tell the other side
 * - `connecting`: the other side's answer, or its code, was read
 * - `connected`
 * @typedef {'making' | 'offer' | 'answer' | 'code' | 'connecting' | 'connected'} Step
 */

/** A code of the server's, as people write it. */
const DIGITS = /^\d{3}[\s-]?\d{3}$/;

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
  unreachable: 'No way was found to the other device. The answer may have been one to another offer; or a network is in between that lets nothing through.',
  closed: 'The other device has closed.',
  proof: 'The other side did not show who it is. Somebody may be in between: look at where the code came from.',
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

const ITSELF = 'That is the code of this very device. Read the one the other device shows.';
const ANOTHERS = 'That answers another code than the one here: an older one, or one in another window. Paste it where that code is shown, or let the other device read the one that is shown here now.';
const UNASKED = 'That is an answer, but this device waits for none.';

/** @typedef {import('./peer.js').Link} Link */

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
  /** What an answer may be to. @type {{link: Link, tag: string, answered: boolean} | undefined} */
  #offer;
  /** By which theirs was answered, or which the server brings. @type {Link | undefined} */
  #other;
  /** Rises when something is begun: what is not ready by then is given up. */
  #turn = 0;

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
    this.#drop();
    this.#step('making');
    let tag = '';
    const link = await this.#begin(async () => {
      const it = await this.#peer.newConnection('offerer');
      tag = await tagOf(it.description);
      return it;
    });
    if (link) {
      this.#offer = { link, tag, answered: false };
      this.#watch(link);
      this.#show('offer', link);
    }
  }

  /**
   * What a camera, a person or a link brought.
   * @param {string} text
   * @throws Error it changes nothing; sentence() says why
   */
  async read(text) {
    const read = bare(text);
    if (DIGITS.test(read)) {
      await this.#meet(read);
      return;
    }
    const { code, type, tag } = parse(read);
    if (type === 'answer') {
      await this.#accept(read, code, tag);
    } else {
      await this.#answer(code, await tagOf(code));
    }
  }

  /** Whether an answer is waited for: one with this tag. @param {string | undefined} tag */
  waitsFor(tag) {
    return this.#offer?.answered === false && (tag ?? this.#offer.tag) === this.#offer.tag;
  }

  /** A code of the server's, to tell the other side. @throws PeerError */
  async getDigits() {
    const link = await this.#begin(() => this.#peer.newConnection({ carrier: this.#carrier }));
    if (link) {
      this.#drop();
      this.#other = link;
      this.digits = link.code;
      this.#watch(link);
      this.#step('code');
    }
  }

  /** @param {string} code of an offer @param {string} tag its own */
  async #answer(code, tag) {
    if (tag === this.#offer?.tag) {
      throw new Error(ITSELF);
    }
    const link = await this.#meanwhile('making', () => this.#describe(code));
    if (link) {
      const before = this.#other;
      this.#other = link;
      before?.close();
      this.#watch(link);
      this.#show('answer', link, tag);
    }
  }

  /** @param {string} code of an offer */
  async #describe(code) {
    const link = await this.#peer.newConnection('answerer');
    try {
      await link.connect(code);
      return link;
    } catch (error) {
      link.close();
      throw error;
    }
  }

  /** @param {string} read an answer @param {string} code in it @param {string | undefined} tag of the offer it is for */
  async #accept(read, code, tag) {
    const offer = this.#offer;
    if (read === this.code || read === this.link) {
      throw new Error(ITSELF);
    }
    if (offer?.answered || (tag === undefined && !offer)) {
      throw new Error(UNASKED);
    }
    if (!offer || (tag ?? offer.tag) !== offer.tag) {
      throw new Error(ANOTHERS);
    }
    offer.answered = true;
    offer.link.connect(code).catch((error) => this.#lost(offer.link, error));
    this.#step('connecting');
  }

  /** @param {string} code of the server's */
  async #meet(code) {
    const link = await this.#meanwhile('connecting', () => this.#peer.newConnection({ carrier: this.#carrier, code }));
    if (link) {
      this.#drop();
      this.#other = link;
      this.#watch(link);
    }
  }

  /**
   * As #begin(); if it comes to nothing, everything is as before.
   * @template {Link} L
   * @param {Step} step
   * @param {() => Promise<L>} make
   */
  async #meanwhile(step, make) {
    const before = this.step;
    this.#step(step);
    try {
      return await this.#begin(make);
    } catch (error) {
      this.#step(before);
      throw error;
    }
  }

  /**
   * @template {Link} L
   * @param {() => Promise<L>} make
   * @returns {Promise<L | undefined>} undefined: something else was begun meanwhile
   */
  async #begin(make) {
    this.#turn += 1;
    const turn = this.#turn;
    const link = await make();
    if (turn === this.#turn) {
      return link;
    }
    link.close();
    return undefined;
  }

  /** @param {Link} link */
  #watch(link) {
    link.connected.then(() => this.#met(link), (error) => this.#lost(link, error));
  }

  /** @param {Link} link */
  #isOurs(link) {
    return link === this.#offer?.link || link === this.#other;
  }

  /**
   * It goes on by itself. Should both sides have read both codes, there will be two connections, and neither side knows
   * which of them the other takes for the first: none is closed.
   * @param {Link} link
   */
  #met(link) {
    if (this.#isOurs(link)) {
      this.#other = undefined;
      this.#offer = this.#offer?.answered ? undefined : this.#offer;
      this.#drop();
      this.#step('connected');
    }
  }

  /** @param {Link} link @param {unknown} error */
  #lost(link, error) {
    if (this.#isOurs(link)) {
      this.#drop();
      this.#failed(error);
    }
  }

  #drop() {
    const links = [this.#offer?.link, this.#other];
    this.#turn += 1;
    this.#offer = undefined;
    this.#other = undefined;
    this.code = undefined;
    this.link = undefined;
    this.digits = undefined;
    links.forEach((it) => it?.close());
  }

  /** @param {'offer' | 'answer'} step @param {Link} link @param {string} [tag] */
  #show(step, { connection, description }, tag) {
    const local = /** @type {RTCSessionDescription} */ (connection.localDescription);
    this.digits = undefined;
    this.code = spoken(String(description), tag);
    this.link = linked(compact(local, { alphabet: 'url' }), tag);
    this.#step(step);
  }

  /** @param {Step} step */
  #step(step) {
    this.step = step;
    this.#changed();
  }
}
