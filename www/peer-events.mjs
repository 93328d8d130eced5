/**
 * Named events and named messages, by one on(). What connects, ends or fails has names of its own,
 * which no message can have, so nobody on the other side can call what is meant for those.
 */

/** Names that are no message's. */
export const EVENTS = ['connect', 'disconnect', 'error'];
/** A name, in UTF-16 units. */
export const NAME_MAX = 64;
/** A message as it goes over the channel, in bytes of UTF-8: every browser takes as much. */
export const MESSAGE_MAX = 65536;

/** Whatever goes wrong with a connection; a description that is none is a DescriptionError. */
export class PeerError extends Error {
  /**
   * @param {import('./peer.d.ts').PeerErrorCode} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.name = 'PeerError';
    this.code = code;
  }
}

/** @param {unknown} name */
const isName = (name) => (
  typeof name === 'string' && name !== '' && name.length <= NAME_MAX && !EVENTS.includes(name));

/**
 * @param {string} name
 * @param {import('./peer.d.ts').Json} value
 * @returns {string} what goes over the channel
 */
export function messageText(name, value) {
  if (!isName(name)) {
    throw new PeerError('message', `a name has 1 to ${NAME_MAX} characters, and is none of ${EVENTS}`);
  }
  const text = JSON.stringify([name, value === undefined ? null : value]);
  if (new TextEncoder().encode(text).length > MESSAGE_MAX) {
    throw new PeerError('message', `a message has at most ${MESSAGE_MAX} bytes`);
  }
  return text;
}

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

/**
 * @param {unknown} text what came over the channel
 * @returns {{name: string, value: import('./peer.d.ts').Json}}
 */
export function messageOf(text) {
  const message = typeof text === 'string' && text.length <= MESSAGE_MAX ? parse(text) : undefined;
  if (!Array.isArray(message) || message.length !== 2 || !isName(message[0])) {
    throw new PeerError('message', 'what came is no message');
  }
  return { name: message[0], value: message[1] };
}

export class Emitter {
  /** @type {Map<string, Set<(...given: any[]) => void>>} */
  #listeners = new Map();

  /**
   * @param {string} name
   * @param {(...given: any[]) => void} listener
   * @returns {() => void} stops it
   */
  on(name, listener) {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => {
      listeners.delete(listener);
    };
  }

  /**
   * What a listener throws is the page's affair: it is reported there and stops nobody else.
   * @param {string} name
   * @param {...any} given
   */
  emit(name, ...given) {
    for (const listener of [...this.#listeners.get(name) ?? []]) {
      try {
        listener(...given);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
