/**
 * Peers: WebRTC data channels to others whom this page recognises when they come back.
 *
 *     const peer = createPeer({ carrier: sigpostCarrier('https://example.org/sigpost/') });
 *     peer.on('hello', (value, sender) => sender.send('welcome', value));
 *     const { code } = await peer.newConnection(); // tell it; the other: newConnection({ code })
 *
 * Or without any server: newConnection('offerer') has a description to show as a QR code, a link or
 * a line of chat. createPeerConnection() is the same for two who need no identities. docs/peer.md
 * tells what is proved, and how.
 */

import { createPeerConnection, newWire } from './peer-connection.mjs';
import { Emitter, PeerError, messageText } from './peer-events.mjs';
import { Identity } from './peer-identity.mjs';
import { Link } from './peer-link.mjs';
import { RemotePeer } from './peer-remote.mjs';
import { sigpostCarrier } from './peer-sigpost.mjs';
import { DescriptionError } from './sdp.js';

export { DescriptionError, PeerError, createPeerConnection, sigpostCarrier };

/** What a carrier carries is never photographed: the shorter of the alphabets. */
const CARRIED = { alphabet: /** @type {const} */ ('url') };

/**
 * Both descriptions by a carrier.
 * @param {Link} link
 * @param {import('./peer.d.ts').Meeting} meeting
 */
async function exchange(link, meeting) {
  if (link.type === 'offerer') {
    await meeting.send(/** @type {string} */ (link.description));
    await link.connect(await meeting.receive());
  } else {
    await meeting.send(await link.connect(await meeting.receive()));
    await link.connected;
  }
}

class Peer extends Emitter {
  id = '';
  #options;
  #identity;
  /** All that were ever connected. @type {Map<string, RemotePeer>} */
  #known = new Map();
  /** All that are open, or might become so. @type {Set<Link>} */
  #links = new Set();

  /** @param {import('./peer.d.ts').PeerOptions} options */
  constructor(options) {
    super();
    this.#options = options;
    this.#identity = Identity.load(options.identity === undefined ? 'default' : options.identity);
    this.ready = this.#identity.then(({ id }) => {
      this.id = id;
      return id;
    });
    this.ready.catch(() => {}); // newConnection() tells as well
  }

  get connections() {
    return [...this.#known.values()].filter(({ connected }) => connected);
  }

  /**
   * @param {'offerer' | 'answerer' | import('./peer.d.ts').NewConnectionOptions} [type]
   * @param {import('./peer.d.ts').NewConnectionOptions} [options]
   */
  async newConnection(type, options) {
    if (typeof type === 'string') {
      return this.#link(type, { ...this.#options, ...options });
    }
    return this.#meet({ ...this.#options, ...type });
  }

  /**
   * @param {string} name
   * @param {import('./peer.d.ts').Json} [value]
   * @returns {number} of peers it went to
   */
  broadcast(name, value = null) {
    messageText(name, value); // with nobody there it is as wrong
    return this.connections.filter((it) => it.send(name, value)).length;
  }

  close() {
    this.#links.forEach((link) => link.close());
  }

  /** @param {import('./peer.d.ts').NewConnectionOptions} options */
  async #meet({ carrier, code, ...options }) {
    if (!carrier) {
      throw new TypeError('without a carrier, a connection is an offerer or an answerer');
    }
    await this.ready;
    const meeting = await carrier.meet(code);
    try {
      const link = await this.#link(meeting.type, { ...CARRIED, ...options });
      link.code = meeting.code;
      this.#carry(link, meeting);
      return link;
    } catch (error) {
      meeting.close();
      throw error;
    }
  }

  /**
   * @param {Link} link
   * @param {import('./peer.d.ts').Meeting} meeting
   */
  #carry(link, meeting) {
    const done = () => meeting.close();
    exchange(link, meeting).catch((error) => link.close(error));
    link.connected.then(done, done);
  }

  /**
   * @param {'offerer' | 'answerer'} type
   * @param {import('./peer.d.ts').ConnectionOptions} options
   */
  async #link(type, options) {
    const identity = await this.#identity;
    const wire = await newWire(type, options);
    const link = new Link(wire, identity, (id) => this.#admit(id));
    this.#links.add(link);
    link.on('connect', (remote) => this.#connected(link, remote));
    link.on('message', (name, value) => this.emit(name, value, link.peer));
    link.on('error', (error) => this.emit('error', error, link.peer));
    link.on('disconnect', () => this.#disconnected(link));
    wire.on('close', () => this.#links.delete(link));
    return link;
  }

  /** @param {string} id that is proved */
  async #admit(id) {
    if (await this.#options.accept?.(id) === false) {
      throw new PeerError('refused', `${id} is not let in`);
    }
    const remote = this.#known.get(id) ?? new RemotePeer(id);
    this.#known.set(id, remote);
    return remote;
  }

  /**
   * @param {Link} link
   * @param {RemotePeer} remote
   */
  #connected(link, remote) {
    if (remote.add(link)) {
      this.emit('connect', undefined, remote);
    }
  }

  /** @param {Link} link */
  #disconnected(link) {
    const { peer } = link;
    if (peer?.remove(link)) {
      this.emit('disconnect', undefined, peer);
    }
  }
}

/** @type {typeof import('./peer.d.ts').createPeer} */
export function createPeer(options = {}) {
  return /** @type {any} */ (new Peer(options));
}
