/**
 * PeerJS over HTTP (docs/peerjs.md), as a socket speaks it: what a request asks for, what a POST
 * holds, and what becomes of what comes.
 */

import { Identity } from './identity.mjs';

/** A server takes 256 in one POST. */
const MOST = 256;
/** A message that is refused for the moment is of no use to its peer later than this. */
const PATIENCE_MS = 30_000;
/** The server's last words. */
const LAST = new Set(['ID-TAKEN', 'ERROR']);
const FAREWELL = JSON.stringify({ type: 'LEAVE' });

/**
 * What a socket has to do with something that came.
 * @typedef {object} Verdict
 * @property {boolean} [open] the server knows us: speak
 * @property {string} [deliver] a message for the page
 * @property {object} [gap]
 * @property {{code: number, reason: string}} [end] for good
 */

/**
 * @param {string} text
 * @returns {any} its value, or undefined
 */
export function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Says which messages of an event stream have been there before, by their ids. */
export class Repeats {
  #prefix = '';
  #seq = -1;

  /**
   * @param {string} id of the form `…-seq`; seq rises, and what precedes it names the order it is
   *   of
   * @returns {boolean} whether it, or a later one, was asked about before
   */
  has(id) {
    const [, prefix, digits] = /^(.*)-(\d+)$/.exec(id) ?? [];
    if (prefix === undefined) {
      return false;
    }
    const seq = Number(digits);
    if (prefix === this.#prefix && seq <= this.#seq) {
      return true;
    }
    [this.#prefix, this.#seq] = [prefix, seq];
    return false;
  }
}

/**
 * What the server said of each message of a POST.
 * @param {string} answer
 * @returns {(Error | undefined)[]}
 */
function refusals(answer) {
  return [parse(answer)].flat().map((it) => {
    if (it?.result !== 'refused') {
      return undefined;
    }
    const { status, reason } = it;
    const error = new Error(reason ?? `status ${status}`);
    return Object.assign(error, { name: 'RefusedError', status, passing: status === 429 });
  });
}

export class PeerjsTalk {
  /** Where the cursor may go: the address, since it is no credential. */
  inAddress = true;
  farewell = FAREWELL;
  #identity;
  #repeats = new Repeats();
  #opened = false;

  /** @param {import('./address.mjs').Address} address */
  constructor(address) {
    this.address = address;
    this.#identity = new Identity(address);
    /** @type {import('./outbox.mjs').Envelope} */
    this.envelope = {
      most: MOST,
      patience: PATIENCE_MS,
      body: (texts) => (texts.length === 1 ? texts[0] : `[${texts.join(',')}]`),
      number: () => this.#identity.next(),
      refusals,
      lapses: (/** @type {any} */ error) => error.status === 401,
    };
  }

  /** Names the way up of this socket among those of its page. */
  get name() {
    const { base, key, id } = this.address;
    return `${base} ${key} ${id}`;
  }

  get token() {
    return this.#identity.token;
  }

  /** Before the first request: resolves when the token is known. */
  prepare() {
    return this.#identity.claim();
  }

  /**
   * We take leave: a reload is somebody new, whom our goodbye, if it comes late, does not concern.
   */
  forget() {
    this.#identity.forget();
  }

  release() {
    this.#identity.release();
  }

  get up() {
    return this.#url({});
  }

  /** @type {import('./source.mjs').Ask} */
  ask(transport, cursor) {
    const order = String(this.#identity.next());
    return { url: this.#url({ transport, ...(cursor ? { cursor } : {}), order }) };
  }

  /** @param {Record<string, string>} more */
  #url(more) {
    const { endpoint, key, id } = this.address;
    return `${endpoint}?${new URLSearchParams({ key, id, token: this.token, ...more })}`;
  }

  /**
   * Whether the page sends its goodbye. Throws a SyntaxError if it is not JSON.
   * @param {string} text
   */
  leaves(text) {
    const { type, dst } = JSON.parse(text) ?? {};
    return type === 'LEAVE' && (dst ?? null) === null;
  }

  /**
   * Whether a message of the page is for the server: a heartbeat is not, since our stream shows
   * that we are here.
   * @param {string} text
   */
  passes(text) {
    return JSON.parse(text)?.type !== 'HEARTBEAT';
  }

  /**
   * A POST was refused because of its token: we were away for too long. The stream, when it comes
   * back, makes us known again.
   * @returns {Verdict}
   */
  lapsed() {
    return {};
  }

  /**
   * @param {string} type
   * @param {string} data
   * @param {string} lastEventId
   * @returns {Verdict}
   */
  hear(type, data, lastEventId) {
    const value = parse(data);
    if (type === 'message') {
      return this.#message(value, data, lastEventId);
    }
    if (type === 'gap') {
      return { gap: value ?? {} };
    }
    return { end: { code: value?.code ?? 1000, reason: value?.reason ?? type } };
  }

  /**
   * PeerJS takes every OPEN for a new beginning, so it is given the first one only.
   * @param {any} value
   * @param {string} data
   * @param {string} lastEventId
   * @returns {Verdict}
   */
  #message(value, data, lastEventId) {
    if (value?.type === 'OPEN') {
      const first = !this.#opened;
      this.#opened = true;
      return { open: true, ...(first ? { deliver: data } : {}) };
    }
    if (LAST.has(value?.type)) {
      const reason = String(value.payload?.msg ?? value.type);
      return { open: true, deliver: data, end: { code: 1000, reason } };
    }
    return this.#repeats.has(lastEventId) ? {} : { deliver: data };
  }
}
