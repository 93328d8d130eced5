/**
 * Each side shows who it is, over the channel, before anything else goes over it (docs/peer.md):
 *
 *     {"peer":1,"key":…,"nonce":…}   both at once, when the channel opens
 *     {"proof":…}                    a signature, when the other's greeting has come
 *
 * What is signed names both certificates of DTLS. Somebody in the middle has two connections with
 * other certificates, so what one side signs is wrong for the other.
 */

import { PeerError, parse } from './peer-events.mjs';
import { base64, bytesOf, idOf, verify } from './peer-identity.mjs';

const VERSION = 1;
const PURPOSE = 'sigpost peer proof 1';
const NONCE_BYTES = 32;
const KEY_BYTES = 65;
const SIGNATURE_BYTES = 64;
/** A greeting or a proof, in characters. */
const FRAME_MAX = 512;

/** @typedef {{key: string, nonce: string}} Greeting */

/**
 * What the side `signer` signs.
 * @param {'offerer' | 'answerer'} signer
 * @param {{fingerprint: string, greeting: Greeting}} offerer
 * @param {{fingerprint: string, greeting: Greeting}} answerer
 */
export function transcript(signer, offerer, answerer) {
  const sides = [offerer, answerer].flatMap(({ fingerprint, greeting }) => (
    [fingerprint, greeting.key, greeting.nonce]));
  return new TextEncoder().encode([PURPOSE, signer, ...sides].join('\n'));
}

/** @param {unknown} text */
function frameOf(text) {
  const frame = typeof text === 'string' && text.length <= FRAME_MAX ? parse(text) : undefined;
  if (frame === null || typeof frame !== 'object') {
    throw new PeerError('proof', 'the other side does not show who it is');
  }
  return frame;
}

export class Proof {
  #identity;
  #wire;
  /** @type {Greeting} */
  #ours;
  /** @type {Greeting | undefined} */
  #theirs;

  /**
   * @param {import('./peer-identity.mjs').Identity} identity
   * @param {import('./peer-wire.mjs').Wire} wire
   */
  constructor(identity, wire) {
    this.#identity = identity;
    this.#wire = wire;
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    this.#ours = { key: base64(identity.key), nonce: base64(nonce) };
  }

  greet() {
    this.#wire.send(JSON.stringify({ peer: VERSION, ...this.#ours }));
  }

  /**
   * @param {unknown} text
   * @returns {Promise<string | undefined>} who the other side is, when that is proved
   */
  async hear(text) {
    const frame = frameOf(text);
    if (!this.#theirs) {
      this.#theirs = this.#greeted(frame);
      const signature = await this.#identity.sign(this.#said(this.#wire.type));
      this.#wire.send(JSON.stringify({ proof: base64(signature) }));
      return undefined;
    }
    return this.#proved(frame);
  }

  /**
   * @param {any} frame
   * @returns {Greeting}
   */
  #greeted({ peer, key, nonce }) {
    if (peer !== VERSION) {
      throw new PeerError('proof', 'the other side speaks another version');
    }
    bytesOf(key, KEY_BYTES);
    bytesOf(nonce, NONCE_BYTES);
    if (key === this.#ours.key) {
      throw new PeerError('self', 'the other side is this peer itself, in another page');
    }
    return { key, nonce };
  }

  /** @param {any} frame */
  async #proved({ proof }) {
    const { key } = /** @type {Greeting} */ (this.#theirs);
    const signature = bytesOf(proof, SIGNATURE_BYTES);
    const signer = this.#wire.type === 'offerer' ? 'answerer' : 'offerer';
    const bytes = bytesOf(key, KEY_BYTES);
    const holds = await verify(bytes, signature, this.#said(signer)).catch(() => false);
    if (!holds) {
      throw new PeerError('proof', 'the other side is not who it says, or somebody is in between');
    }
    return idOf(bytes);
  }

  /** @param {'offerer' | 'answerer'} signer */
  #said(signer) {
    const { ours, theirs } = this.#wire.fingerprints;
    const here = { fingerprint: ours, greeting: this.#ours };
    const there = { fingerprint: theirs, greeting: /** @type {Greeting} */ (this.#theirs) };
    return this.#wire.type === 'offerer' ? transcript(signer, here, there)
      : transcript(signer, there, here);
  }
}
