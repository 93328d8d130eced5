/**
 * A stay at one key, from opening or joining it until leaving: the channel to the server, and a
 * peer for everybody met there. It knows no document.
 *
 * The joining makes the offer. An opener may have several guests; a guest has the opener only.
 *
 * Events: `phase` (with `phase` and what PHASES says), `stream` (the channel's state changed),
 * `partner` (so did something about a peer), `line` (with `text` and `how`: chat from the other
 * side), `wire` (as Sigver's), `mark` (with `text` and `tone`: something happened to the stream).
 *
 * @typedef {'asking' | 'waiting' | 'meeting' | 'connected' | 'parted' | 'ended'} Phase
 */

import { Sigver } from './sigver.mjs';
import { Direct } from './direct.mjs';

/** The opener among a joining's partners; joinings have ids from 1. */
const OPENER = 0;

export class Visit extends EventTarget {
  #channel;
  #iceServers;
  /** @type {Map<number, Direct>} */
  #peers = new Map();
  /** @type {Set<number>} */
  #partners = new Set();
  #met = 0;
  #cutAt = 0;

  /**
   * @param {URL} base sigpost's mount path
   * @param {{key: string, opening: boolean, transport: 'auto' | 'sse' | 'poll',
   *   iceServers: RTCIceServer[]}} options
   */
  constructor(base, { key, opening, transport, iceServers }) {
    super();
    this.key = key;
    this.opening = opening;
    /** @type {boolean | undefined} known when the server has answered */
    this.opener = undefined;
    this.#iceServers = iceServers;
    this.#channel = new Sigver(base, { transport });
    this.#listen();
    const asked = opening ? this.#channel.open(key) : this.#channel.join(key);
    asked.catch(() => {}); // `close` tells
  }

  get state() {
    return this.#channel.state;
  }

  get transport() {
    return this.#channel.transport;
  }

  /** What to show of the other side: of several guests, the one furthest on its way. */
  get partner() {
    const peer = this.#foremost();
    return {
      connection: peer?.connection ?? 'none',
      channel: peer?.channel ?? 'none',
      known: this.#partners.size > 0,
      awaited: this.state !== 'closed',
    };
  }

  async route() {
    return this.#foremost()?.route();
  }

  /**
   * @param {string} text
   * @param {boolean} direct over the data channel, not by the server
   */
  write(text, direct) {
    if (direct) {
      this.#peers.forEach((peer) => peer.channel === 'open' && peer.send(text));
    } else {
      this.#partners.forEach((id) => this.#tell({ type: 'note', text }, id));
    }
  }

  cutOrResume() {
    if (this.state === 'paused') {
      this.#channel.resume();
    } else {
      this.#channel.pause();
      this.#cutAt = performance.now();
      this.#emit('mark', { text: `${this.#stream()} cut`, tone: 'bad' });
    }
  }

  leave() {
    this.#channel.close();
    this.#peers.forEach((peer) => peer.close());
  }

  #listen() {
    const on = this.#channel.addEventListener.bind(this.#channel);
    on('opened', ({ opened }) => this.#opened(opened));
    on('message', ({ id, data }) => this.#received(id ?? OPENER, data));
    on('unavailable', ({ id }) => this.#missed(Math.max(id, OPENER)));
    on('state', ({ state, fresh }) => this.#changed(state, fresh));
    on('wire', ({ direction, text, bytes, done }) => {
      this.#emit('wire', { direction, text, bytes, done });
    });
    on('gap', () => this.#emit('mark', { text: 'messages were lost on the server', tone: 'bad' }));
    on('error', ({ error }) => this.#emit('mark', { text: error.message, tone: 'bad' }));
    on('close', ({ code, reason }) => this.#phase('ended', { reason: reason || `code ${code}` }));
  }

  #stream() {
    return this.transport === 'poll' ? 'long poll' : 'event stream';
  }

  #foremost() {
    const peers = [...this.#peers.values()];
    return peers.find((peer) => peer.channel === 'open') ?? peers.at(-1);
  }

  /** @param {boolean} opener */
  #opened(opener) {
    this.opener = opener;
    if (opener) {
      this.#phase('waiting', { instead: !this.opening });
    } else if (this.#foremost()?.channel !== 'open') { // else only the server had forgotten us
      this.#meet(OPENER);
    }
  }

  /**
   * @param {number} id
   * @param {any} data
   */
  #received(id, data) {
    this.#partners.add(id);
    if (data?.type === 'note') {
      this.#emit('line', { text: String(data.text), how: 'via the server' });
    } else if (data?.type === 'offer' && id !== OPENER) {
      this.#meet(id).accept(data);
    } else if (data !== null && typeof data === 'object') {
      this.#peers.get(id)?.accept(data);
    }
    this.#emit('partner');
  }

  /** @param {number} id of a partner who has left */
  #missed(id) {
    this.#partners.delete(id);
    this.#peers.get(id)?.close();
    this.#part();
  }

  /**
   * @param {string} state
   * @param {boolean} fresh
   */
  #changed(state, fresh) {
    if (fresh) {
      this.#emit('mark', { text: 'the server began anew with this window', tone: 'bad' });
    }
    if (state === 'open' && this.#cutAt > 0) {
      const seconds = ((performance.now() - this.#cutAt) / 1000).toFixed(1);
      this.#cutAt = 0;
      this.#emit('mark', { text: `back after ${seconds} s, where it was`, tone: 'good' });
    }
    this.#emit('stream');
  }

  /** @param {number} id */
  #meet(id) {
    const former = this.#peers.get(id);
    const peer = new Direct({
      offering: id === OPENER,
      iceServers: this.#iceServers,
      signal: (data) => this.#tell(data, id),
    });
    this.#peers.set(id, peer);
    this.#partners.add(id);
    this.#met = performance.now();
    former?.close();
    peer.addEventListener('state', () => this.#emit('partner'));
    peer.addEventListener('open', () => this.#connected());
    peer.addEventListener('gone', () => this.#gone(id, peer));
    peer.addEventListener('text', (/** @type {any} */ { text }) => {
      this.#emit('line', { text, how: 'directly' });
    });
    this.#phase('meeting');
    return peer;
  }

  #connected() {
    const ms = Math.round(performance.now() - this.#met);
    this.#phase('connected', { ms, guests: this.#peers.size });
  }

  /**
   * @param {number} id
   * @param {Direct} peer
   */
  #gone(id, peer) {
    if (this.#peers.get(id) === peer) {
      this.#peers.delete(id);
      this.#part();
    }
  }

  #part() {
    if (this.#peers.size === 0) {
      this.#partners.clear(); // whoever comes back says so
      this.#phase('parted');
    }
    this.#emit('partner');
  }

  /**
   * @param {any} data
   * @param {number} id
   */
  #tell(data, id) {
    this.#channel.send(data, id === OPENER ? undefined : id);
  }

  /**
   * @param {Phase} phase
   * @param {object} [fields]
   */
  #phase(phase, fields = {}) {
    this.#emit('phase', { phase, ...fields });
  }

  /**
   * @param {string} type
   * @param {object} [fields]
   */
  #emit(type, fields = {}) {
    this.dispatchEvent(Object.assign(new Event(type), fields));
  }
}
