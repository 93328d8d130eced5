/**
 * An answer that comes as a link opens a window of its own, while the offer waits in another one. The new window
 * passes it on to the one that showed its offer last.
 */

const NAME = 'sigpost qr';
/** Windows in the background take their time. */
const ASK_MS = 600;

/** @typedef {{kind: 'ask' | 'have' | 'answer', from: string, to?: string, since?: number, code?: string}} Note */

export class Tabs {
  #channel = new BroadcastChannel(NAME);
  #name = crypto.randomUUID();
  #waits;
  #take;
  /** @type {Note[]} */
  #have = [];
  #since = 0;

  /**
   * @param {{waits: () => boolean, take: (code: string) => void}} mine waits: this window has an offer that is not
   *   answered; take: an answer came
   */
  constructor({ waits, take }) {
    this.#waits = waits;
    this.#take = take;
    this.#channel.addEventListener('message', ({ data }) => this.#hear(data));
  }

  /** This window has just shown its offer. */
  shown() {
    this.#since = Date.now();
  }

  /**
   * @param {string} code of an answer
   * @returns {Promise<boolean>} whether a window has taken it
   */
  async pass(code) {
    this.#have = [];
    this.#post({ kind: 'ask' });
    await new Promise((resolve) => { setTimeout(resolve, ASK_MS); });
    const [last] = this.#have.sort((a, b) => Number(b.since) - Number(a.since));
    if (last !== undefined) {
      this.#post({ kind: 'answer', to: last.from, code });
    }
    return last !== undefined;
  }

  /** @param {Omit<Note, 'from'>} note */
  #post(note) {
    this.#channel.postMessage({ ...note, from: this.#name });
  }

  /** @param {Note} note of this page in another window */
  #hear(note) {
    if (note.kind === 'ask' && this.#waits()) {
      this.#post({ kind: 'have', to: note.from, since: this.#since });
    } else if (note.kind === 'have' && note.to === this.#name) {
      this.#have.push(note);
    } else if (note.kind === 'answer' && note.to === this.#name && note.code !== undefined) {
      this.#take(note.code);
    }
  }
}
