/**
 * An answer that comes as a link opens a window of its own, while its offer waits in another one. The new window passes
 * it on to that.
 */

import { newName } from './page.mjs';

const NAME = 'sigpost qr';
/** Windows in the background take their time. */
const ASK_MS = 1000;

/** @typedef {{kind: 'ask' | 'have' | 'answer', from: string, to?: string, tag?: string, text?: string}} Note */

export class Tabs {
  #channel = new BroadcastChannel(NAME);
  #name = newName(4);
  #waitsFor;
  #take;
  /** @type {(name: string | undefined) => void} */
  #found = () => {};

  /**
   * @param {{waitsFor: (tag: string | undefined) => boolean, take: (text: string) => void}} mine waitsFor: this window
   *   has the offer; take: its answer came
   */
  constructor({ waitsFor, take }) {
    this.#waitsFor = waitsFor;
    this.#take = take;
    this.#channel.addEventListener('message', ({ data }) => this.#hear(data));
  }

  /**
   * @param {string} text an answer
   * @param {string | undefined} tag of the offer it is for; none: any
   * @returns {Promise<boolean>} whether a window has taken it
   */
  async pass(text, tag) {
    const to = await new Promise((resolve) => {
      this.#found = resolve;
      setTimeout(() => resolve(undefined), ASK_MS);
      this.#post({ kind: 'ask', tag });
    });
    if (to !== undefined) {
      this.#post({ kind: 'answer', to, text });
    }
    return to !== undefined;
  }

  /** @param {Omit<Note, 'from'>} note */
  #post(note) {
    this.#channel.postMessage({ ...note, from: this.#name });
  }

  /** @param {Note} note of this page in another window */
  #hear(note) {
    if (note.kind === 'ask' && this.#waitsFor(note.tag)) {
      this.#post({ kind: 'have', to: note.from });
    } else if (note.kind === 'have' && note.to === this.#name) {
      this.#found(note.from);
    } else if (note.kind === 'answer' && note.to === this.#name && note.text !== undefined) {
      this.#take(note.text);
    }
  }
}
