/**
 * One connection to a peer with an identity. Until the other side has shown who it is, nothing that
 * comes is a message, and nothing goes there but our own proof.
 *
 * Events: `connect` (with the peer), `message` (name, value), `disconnect`, `error`.
 */

import { Emitter, PeerError, messageOf } from './peer-events.mjs';
import { Proof } from './peer-proof.mjs';

/** From the open channel to the proof. */
const PROOF_MS = 10000;

/** @typedef {import('./peer-remote.mjs').RemotePeer} RemotePeer */

export class Link extends Emitter {
  /** The other side, once that is proved. @type {RemotePeer | undefined} */
  peer;
  /** Under which it was met, by a carrier that has codes. @type {string | undefined} */
  code;
  #wire;
  #proof;
  #admit;
  /** Ended by us: what still comes is not heard. */
  #stopped = false;
  /** One frame after the other, for to verify one takes a while. */
  #steps = Promise.resolve();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {(peer: RemotePeer) => void} */
  #resolve = () => {};
  /** @type {(error: Error) => void} */
  #reject = () => {};

  /**
   * @param {import('./peer-wire.mjs').Wire} wire
   * @param {import('./peer-identity.mjs').Identity} identity
   * @param {(id: string, link: Link) => Promise<RemotePeer>} admit
   */
  constructor(wire, identity, admit) {
    super();
    this.#wire = wire;
    this.#proof = new Proof(identity, wire);
    this.#admit = admit;
    /** @type {Promise<RemotePeer>} */
    this.connected = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.connected.catch(() => {}); // `error` tells as well
    wire.on('open', () => this.#step(() => this.#opened()));
    wire.on('text', (text) => this.#step(() => this.#hear(text)));
    wire.on('close', (error) => this.#step(() => this.#ended(error), true));
  }

  get type() {
    return this.#wire.type;
  }

  get connection() {
    return this.#wire.connection;
  }

  get description() {
    return this.#wire.description;
  }

  /**
   * @param {string} description of the other side
   * @returns {Promise<any>}
   */
  async connect(description) {
    await this.#wire.accept(description);
    return this.type === 'answerer' ? this.description : this.connected;
  }

  /**
   * @param {string} text of a message
   * @returns {boolean} whether it went out
   */
  send(text) {
    if (!this.peer || this.#stopped || this.#wire.channel.readyState !== 'open') {
      return false;
    }
    this.#wire.send(text);
    return true;
  }

  /** @param {Error} [error] why, if something is wrong */
  close(error) {
    this.#stopped = true;
    this.#wire.close(error);
  }

  /**
   * @param {() => void | Promise<void>} step
   * @param {boolean} [always]
   */
  #step(step, always = false) {
    this.#steps = this.#steps.then(() => (this.#stopped && !always ? undefined : step()))
      .catch((error) => this.close(error));
  }

  #opened() {
    this.#proof.greet();
    this.#timer = setTimeout(() => (
      this.close(new PeerError('proof', 'the other side did not show who it is'))), PROOF_MS);
  }

  /** @param {unknown} text */
  async #hear(text) {
    if (this.peer) {
      this.#message(text);
      return;
    }
    const id = await this.#proof.hear(text);
    if (id !== undefined) {
      await this.#proved(id);
    }
  }

  /** @param {string} id */
  async #proved(id) {
    clearTimeout(this.#timer);
    const peer = await this.#admit(id, this);
    if (!this.#stopped) {
      this.peer = peer;
      this.emit('connect', peer);
      this.#resolve(peer);
    }
  }

  /** @param {unknown} text */
  #message(text) {
    try {
      const { name, value } = messageOf(text);
      this.emit('message', name, value);
    } catch (error) {
      this.emit('error', error);
    }
  }

  /** @param {Error | undefined} error */
  #ended(error) {
    const early = !this.peer && !this.#stopped;
    const why = error ?? (early ? new PeerError('closed', 'the other side has closed') : undefined);
    clearTimeout(this.#timer);
    this.#stopped = true;
    if (why) {
      this.emit('error', why);
    }
    if (this.peer) {
      this.emit('disconnect');
    }
    this.#reject(why ?? new PeerError('closed', 'it was closed'));
  }
}
