/**
 * sigver over HTTP (docs/sigver.md), as a socket speaks it. The cursor is a credential and goes
 * into a header only, so EventSource, which can set none, is not for it.
 */

import { SIGVER } from './outbox.mjs';
import { Repeats, parse } from './talk-peerjs.mjs';

/** Generation D says in the status of a POST what the stream says as well, but for this. */
const UNKNOWN_TOKEN = 581;
const AUTHENTICATION_ERROR = 4021;
/** The keys are gone with it; whoever has to open them again sees a broken WebSocket. */
const FORGOTTEN = { code: 1006, reason: 'the server has forgotten this source' };

export class SigverTalk {
  inAddress = false;
  /** Its sources end by themselves, when they have been away for a while. */
  farewell = '';
  token = '';
  #repeats = new Repeats();

  /** @param {import('./address.mjs').Address} address */
  constructor(address) {
    this.address = address;
    /** @type {import('./outbox.mjs').Envelope} */
    this.envelope = {
      ...SIGVER,
      lapses: (/** @type {any} */ error) => (
        error.status === UNKNOWN_TOKEN || error.code === AUTHENTICATION_ERROR),
    };
    this.up = address.endpoint;
  }

  get name() {
    return this.token;
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

  /** @type {import('./source.mjs').Ask} */
  ask(transport, cursor) {
    const { endpoint } = this.address;
    return {
      url: transport === 'sse' ? endpoint : `${endpoint}?transport=${transport}`,
      headers: cursor ? { 'Last-Event-ID': cursor } : {},
    };
  }

  leaves() {
    return false;
  }

  /** @param {string} text */
  passes(text) {
    return text !== '';
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
    const value = parse(data);
    switch (type) {
      case 'auth':
        return this.#authorized(data);
      case 'message':
        return this.#repeats.has(lastEventId) ? {} : { deliver: data };
      case 'gap':
        return { gap: value ?? {} };
      default:
        return { end: { code: value?.code ?? 1000, reason: value?.reason ?? type } };
    }
  }

  /**
   * A second token means that the server has forgotten the first, and the keys with it.
   * @param {string} token
   */
  #authorized(token) {
    if (this.token && this.token !== token) {
      return { end: FORGOTTEN };
    }
    this.token = token;
    return { open: true };
  }
}
