/** Another peer, as long as this page lives: connections come and go, the object stays the same. */

import { messageText } from './peer-events.mjs';

/** @typedef {import('./peer-link.mjs').Link} Link */

export class RemotePeer {
  /** In the order in which they connected. @type {Set<Link>} */
  #links = new Set();

  /** @param {string} id */
  constructor(id) {
    this.id = id;
  }

  get connected() {
    return this.#links.size > 0;
  }

  /**
   * By the newest connection that is open. Nothing is kept for later.
   * @param {string} name
   * @param {import('./peer.d.ts').Json} [value]
   * @returns {boolean} whether it went out
   */
  send(name, value = null) {
    const text = messageText(name, value);
    return [...this.#links].reverse().some((link) => link.send(text));
  }

  close() {
    this.#links.forEach((link) => link.close());
  }

  /** @param {Link} link @returns {boolean} whether it is the first */
  add(link) {
    return this.#links.add(link).size === 1;
  }

  /** @param {Link} link @returns {boolean} whether it was the last */
  remove(link) {
    return this.#links.delete(link) && this.#links.size === 0;
  }
}
