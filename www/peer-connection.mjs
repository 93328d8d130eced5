/**
 * Two peers, one connection, no identities: what goes on between them is named messages.
 */

import { Emitter, PeerError, messageOf, messageText } from './peer-events.mjs';
import { Wire } from './peer-wire.mjs';

export class PeerConnection extends Emitter {
  #wire;
  /** Whether it was connected; then it tells that it is not any more. */
  #opened = false;
  /** @type {Promise<void>} */
  #connected;

  /** @param {Wire} wire */
  constructor(wire) {
    super();
    this.#wire = wire;
    this.#connected = new Promise((resolve, reject) => {
      wire.on('open', () => resolve());
      wire.on('close', (error) => reject(error ?? new PeerError('closed', 'it was closed')));
    });
    this.#connected.catch(() => {}); // whoever calls connect() is told
    wire.on('open', () => this.#open());
    wire.on('text', (text) => this.#hear(text));
    wire.on('close', (error) => this.#end(error));
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
    return this.type === 'answerer' ? this.description : this.#connected;
  }

  /**
   * @param {string} name
   * @param {import('./peer.d.ts').Json} [value]
   */
  send(name, value = null) {
    this.#wire.send(messageText(name, value));
  }

  close() {
    this.#wire.close();
  }

  #open() {
    this.#opened = true;
    this.emit('connect', this.#wire.channel);
  }

  /** @param {unknown} text */
  #hear(text) {
    try {
      const { name, value } = messageOf(text);
      this.emit(name, value);
    } catch (error) {
      this.emit('error', error);
    }
  }

  /** @param {Error | undefined} error */
  #end(error) {
    if (error) {
      this.emit('error', error);
    }
    if (this.#opened) {
      this.emit('disconnect');
    }
  }
}

/**
 * @param {'offerer' | 'answerer'} type
 * @param {import('./peer.d.ts').ConnectionOptions} options
 */
export async function newWire(type, options) {
  if (type !== 'offerer' && type !== 'answerer') {
    throw new TypeError('a connection is an offerer or an answerer');
  }
  const wire = new Wire(type, options);
  try {
    await (type === 'offerer' ? wire.offer() : undefined);
    return wire;
  } catch (error) {
    wire.close();
    throw error;
  }
}

/**
 * @param {'offerer' | 'answerer'} type
 * @param {import('./peer.d.ts').ConnectionOptions} [options]
 * @returns {Promise<any>} as peer.d.ts has it, of either type
 */
export async function createPeerConnection(type, options = {}) {
  return new PeerConnection(await newWire(type, options));
}
