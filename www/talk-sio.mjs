/**
 * Engine.IO over HTTP, for Socket.IO and so for webrtc-star (docs/star.md), as a socket speaks it: each
 * message is a packet, as in a frame of its WebSocket. A session is made by the first request for a
 * stream; its id is the credential, in every address, as Engine.IO has it.
 */

import { Repeats, parse } from './talk-peerjs.mjs';

/** A server takes 256 packets in one POST. */
const MOST = 256;
/** A handshake that is refused for the moment is of no use to its peer later than this. */
const PATIENCE_MS = 30_000;
const UNKNOWN_SESSION = 1;
const CLOSE = '1';
/** Whoever has to join again sees a broken WebSocket. */
const FORGOTTEN = { code: 1006, reason: 'the server has forgotten this session' };

/**
 * Packets as a POST has them: version 4 puts U+001E between two, version 3 the length before each.
 * @param {string} version
 * @returns {(packets: string[]) => string}
 */
const payload = (version) => (version === '4' ? (packets) => packets.join('\x1e')
  : (packets) => packets.map((it) => `${it.length}:${it}`).join(''));

export class SioTalk {
  inAddress = true;
  /** The id of the session. */
  token = '';
  #order = 0;
  #left = false;
  #repeats = new Repeats();
  #lastId = '';

  /** @param {import('./address.mjs').Address} address */
  constructor(address) {
    this.address = address;
    /** @type {import('./outbox.mjs').Envelope} */
    this.envelope = {
      most: MOST,
      patience: PATIENCE_MS,
      body: payload(address.version),
      lapses: (/** @type {any} */ { status, code }) => status === 400 && code === UNKNOWN_SESSION,
    };
  }

  get name() {
    return this.token;
  }

  /** Ends the session, unless the page has done so. */
  get farewell() {
    return this.token && !this.#left ? CLOSE : '';
  }

  async prepare() {
    // the server gives the token
  }

  forget() {
    // nothing is kept
  }

  release() {
    this.token = '';
  }

  get up() {
    return this.#url({ transport: 'sse' });
  }

  /**
   * A cursor belongs to a session. A WebSocket that comes back has none, and says so: it does not
   * want to be probed, as one would that takes over from polls.
   * @type {import('./source.mjs').Ask}
   */
  ask(transport, cursor) {
    this.#order += 1;
    const names = this.token && (cursor || transport === 'websocket');
    const order = String(this.#order);
    return { url: this.#url({ transport, ...(names ? { cursor } : {}), order }) };
  }

  /** @param {Record<string, string>} more */
  #url(more) {
    const { endpoint, version } = this.address;
    const query = new URLSearchParams({ EIO: version, ...more });
    if (this.token) {
      query.set('sid', this.token);
    }
    return `${endpoint}/?${query}`;
  }

  /** @param {string} text */
  leaves(text) {
    return text === CLOSE;
  }

  /**
   * Of the heartbeat nothing goes up: that we are here, our stream shows.
   * @param {string} text
   */
  passes(text) {
    this.#left ||= text === '41';
    return !text.startsWith(this.address.version === '4' ? '3' : '2');
  }

  /**
   * In version 3 it is the client that asks whether somebody is there. While the connection is
   * away, that is us.
   * @param {string} text that does not pass
   * @returns {string} what the page is told; nothing if it is empty
   */
  answer(text) {
    return text.startsWith('2') ? `3${text.slice(1)}` : '';
  }

  /** @returns {import('./talk-peerjs.mjs').Verdict} */
  lapsed() {
    return { end: FORGOTTEN };
  }

  /**
   * @param {string} type
   * @param {string} data
   * @param {string} lastEventId
   * @returns {import('./talk-peerjs.mjs').Verdict}
   */
  hear(type, data, lastEventId) {
    const value = type === 'message' ? undefined : parse(data);
    switch (type) {
      case 'message':
        return this.#packet(data, lastEventId);
      case 'gap':
        return { gap: value ?? {} };
      default:
        return { end: { code: value?.code ?? 1000, reason: value?.reason ?? type } };
    }
  }

  /**
   * @param {string} packet
   * @param {string} lastEventId
   * @returns {import('./talk-peerjs.mjs').Verdict}
   */
  #packet(packet, lastEventId) {
    switch (packet[0]) {
      case '0':
        return this.#opened(packet);
      case CLOSE:
        return { end: { code: 1000, reason: 'the session has ended' } };
      case '2':
        return { deliver: packet };
      default:
        return this.#isRepeat(lastEventId) ? {} : { deliver: packet };
    }
  }

  /**
   * Packets that are not stored have no id of their own, and so that of the one before them.
   * @param {string} id
   */
  #isRepeat(id) {
    const stored = id !== this.#lastId;
    this.#lastId = id;
    return stored && this.#repeats.has(id);
  }

  /**
   * A second session means that the server has forgotten the first.
   * @param {string} packet
   * @returns {import('./talk-peerjs.mjs').Verdict}
   */
  #opened(packet) {
    const { sid } = parse(packet.slice(1)) ?? {};
    if (this.token) {
      return sid === this.token ? {} : { end: FORGOTTEN };
    }
    this.token = String(sid ?? '');
    return { open: true, deliver: packet };
  }
}
