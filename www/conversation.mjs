/**
 * What goes over one of PeerJS's data connections: lines of text, and files both ways. It knows no
 * document and no server.
 *
 * Events: `state`, `text` (with `text`), `file` (with `transfer`, an Incoming), `trouble` (with
 * `text`), `gone` (once, with `reason` if something is wrong; the object is of no further use).
 */

import { routeOf } from './route.mjs';
import { Incoming, Outgoing } from './transfer.mjs';

const TEXT_MAX = 4000;

/** How PeerJS names what may end a connection, and how we do. @type {Record<string, string>} */
const REASONS = {
  'negotiation-failed': 'the two browsers found no way to each other',
  'connection-closed': 'it closed',
};

export class Conversation extends EventTarget {
  #connection;
  /** @type {'connecting' | 'open' | 'interrupted' | 'gone'} */
  state = 'connecting';
  /** When it opened, by performance.now(); 0 if it never did. */
  since = 0;
  #sent = 0;
  /** @type {Map<number, Outgoing>} */
  #outgoing = new Map();
  /** @type {Map<number, Incoming>} */
  #incoming = new Map();

  /**
   * @param {any} connection PeerJS's DataConnection
   * @param {boolean} ours whether this side asked for it
   */
  constructor(connection, ours) {
    super();
    this.ours = ours;
    this.#connection = connection;
    connection.on('open', () => this.#change('open'));
    connection.on('data', (/** @type {any} */ data) => this.#hear(data));
    connection.on('close', () => this.#end(''));
    connection.on('error', (/** @type {any} */ error) => this.#failed(error));
    connection.on('iceStateChanged', (/** @type {string} */ state) => this.#ice(state));
  }

  /** The id of the other side. */
  get peer() {
    return this.#connection.peer;
  }

  /** The same on both sides. @returns {string} */
  get id() {
    return this.#connection.connectionId;
  }

  async route() {
    const { peerConnection } = this.#connection;
    return peerConnection ? routeOf(peerConnection) : undefined;
  }

  /** @param {string} text */
  write(text) {
    this.#post({ kind: 'text', text });
  }

  /**
   * @param {File} file
   * @returns {Outgoing} which is on its way
   */
  send(file) {
    this.#sent += 1;
    const transfer = new Outgoing(file, this.#sent, (message) => this.#post(message));
    this.#outgoing.set(this.#sent, transfer);
    transfer.start();
    return transfer;
  }

  close() {
    this.#connection.close();
    this.#end('');
  }

  /** @param {object} message */
  #post(message) {
    if (this.state !== 'gone') {
      this.#connection.send(message);
    }
  }

  /** @param {any} message whatever the other side wants us to believe */
  #hear(message) {
    const { kind, file, text, bytes, reason } = message ?? {};
    if (kind === 'text') {
      this.#emit('text', { text: String(text).slice(0, TEXT_MAX) });
    } else if (kind === 'file') {
      this.#offered(message);
    } else if (kind === 'piece') {
      this.#incoming.get(file)?.piece(bytes);
    } else if (kind === 'got') {
      this.#outgoing.get(file)?.got(Number(bytes));
    } else if (kind === 'stop') {
      this.#incoming.get(file)?.end('broken off by the sender');
    } else if (kind === 'refuse') {
      this.#outgoing.get(file)?.end(`refused: ${String(reason).slice(0, 200)}`);
    }
  }

  /** @param {any} offer */
  #offered(offer) {
    const transfer = new Incoming(offer, (message) => this.#post(message));
    this.#incoming.get(offer.file)?.end('replaced');
    this.#incoming.set(offer.file, transfer);
    this.#emit('file', { transfer });
    transfer.start();
  }

  /** @param {string} state of ICE */
  #ice(state) {
    if (state === 'disconnected' && this.state === 'open') {
      this.#change('interrupted');
    } else if (state === 'connected' && this.state === 'interrupted') {
      this.#change('open');
    }
  }

  /** @param {{type: string, message: string}} error */
  #failed({ type, message }) {
    if (type in REASONS) {
      this.#end(REASONS[type]);
    } else {
      this.#emit('trouble', { text: message });
    }
  }

  /** @param {'open' | 'interrupted' | 'gone'} state */
  #change(state) {
    this.state = state;
    this.since ||= state === 'open' ? performance.now() : 0;
    this.#emit('state');
  }

  /** @param {string} reason */
  #end(reason) {
    if (this.state !== 'gone') {
      this.#change('gone');
      const transfers = [...this.#outgoing.values(), ...this.#incoming.values()];
      transfers.forEach((transfer) => transfer.end('the connection ended'));
      this.#emit('gone', { reason });
    }
  }

  /**
   * @param {string} type
   * @param {object} [fields]
   */
  #emit(type, fields = {}) {
    this.dispatchEvent(Object.assign(new Event(type), fields));
  }
}
