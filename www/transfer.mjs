/**
 * A file on its way over a data channel, in pieces small enough for every browser. The receiver
 * says how much it has, so both sides show the same progress, and the sender is never far ahead.
 *
 * What the two sides tell each other, `file` being the sender's number for it:
 * - `{kind: 'file', file, name, size}`, then `{kind: 'piece', file, bytes}` until that is all
 * - `{kind: 'got', file, bytes}` from the receiver, `bytes` in all
 * - `{kind: 'stop', file}` from the sender, `{kind: 'refuse', file, reason}` from the receiver
 *
 * Both objects have `name`, `size`, `bytes` (what the receiver has) and `state`; event: `change`.
 *
 * @typedef {'going' | 'done' | 'stopped'} State
 * @typedef {(message: {kind: string, file: number, [more: string]: unknown}) => void} Post
 */

/** The receiver keeps a file in memory until it is saved. */
export const SIZE_MAX = 500e6;
const NAME_MAX = 255;
/** With what PeerJS puts around it, it fits into one message of a data channel everywhere. */
const PIECE = 16_000;
/** Read from the disk at once. */
const BLOCK = 8 * PIECE;
/** Sent and not yet known to be there. */
const WINDOW = 8 * BLOCK;

class Transfer extends EventTarget {
  bytes = 0;
  /** @type {State} */
  state = 'going';
  /** Why it stopped. */
  reason = '';

  /**
   * @param {string} name
   * @param {number} size bytes
   */
  constructor(name, size) {
    super();
    this.name = name;
    this.size = size;
  }

  /**
   * @param {State} state
   * @param {string} [reason]
   */
  change(state, reason = '') {
    if (this.state === 'going') {
      Object.assign(this, { state, reason });
      this.dispatchEvent(new Event('change'));
    }
  }
}

export class Outgoing extends Transfer {
  #file;
  #number;
  #post;
  /** @type {() => void} */
  #wake = () => {};

  /**
   * @param {File} file
   * @param {number} number
   * @param {Post} post
   */
  constructor(file, number, post) {
    super(file.name, file.size);
    this.#file = file;
    this.#number = number;
    this.#post = post;
  }

  async start() {
    const { name, size } = this;
    this.#post({ kind: 'file', file: this.#number, name, size });
    try {
      for (let at = 0; at < size && this.state === 'going'; at += BLOCK) {
        const block = await this.#file.slice(at, at + BLOCK).arrayBuffer();
        this.#send(new Uint8Array(block));
        await this.#room(at + block.byteLength);
      }
    } catch { // deleted or changed meanwhile
      this.stop('the file cannot be read');
    }
  }

  /** @param {number} bytes in all, as the receiver says */
  got(bytes) {
    if (bytes > this.bytes && bytes <= this.size) {
      this.bytes = bytes;
    }
    this.change(this.bytes === this.size ? 'done' : 'going');
    this.#wake();
  }

  /** @param {string} reason */
  stop(reason) {
    if (this.state === 'going') {
      this.#post({ kind: 'stop', file: this.#number });
    }
    this.end(reason);
  }

  /** The other side knows, or is gone. @param {string} reason */
  end(reason) {
    this.change('stopped', reason);
    this.#wake();
  }

  /** @param {Uint8Array} block */
  #send(block) {
    for (let at = 0; at < block.length && this.state === 'going'; at += PIECE) {
      const bytes = block.slice(at, at + PIECE);
      this.#post({ kind: 'piece', file: this.#number, bytes });
    }
  }

  /** Until the receiver has so much of what was sent that more may follow. @param {number} sent */
  async #room(sent) {
    while (this.state === 'going' && sent - this.bytes >= WINDOW) {
      await new Promise((resolve) => { this.#wake = () => resolve(undefined); });
    }
  }
}

export class Incoming extends Transfer {
  #number;
  #post;
  #told = 0;
  /** @type {ArrayBuffer[]} */
  #pieces = [];
  /** Where it can be saved from, when it is done. */
  url = '';

  /**
   * @param {any} offer what the sender said, which may be anything
   * @param {Post} post
   */
  constructor({ file, name, size }, post) {
    super(String(name).slice(0, NAME_MAX), Number(size));
    this.#number = file;
    this.#post = post;
  }

  start() {
    if (!Number.isSafeInteger(this.size) || this.size < 0 || this.size > SIZE_MAX) {
      this.refuse(`more than ${SIZE_MAX / 1e6} MB`);
    } else {
      this.#take();
    }
  }

  /** @param {unknown} bytes */
  piece(bytes) {
    if (this.state !== 'going') {
      return; // what was under way when it ended
    }
    if (!(bytes instanceof ArrayBuffer) || this.bytes + bytes.byteLength > this.size) {
      this.refuse('not what was announced');
      return;
    }
    this.#pieces.push(bytes);
    this.bytes += bytes.byteLength;
    if (this.bytes - this.#told >= BLOCK || this.bytes === this.size) {
      this.#take();
    }
  }

  /** @param {string} reason */
  refuse(reason) {
    if (this.state === 'going') {
      this.#post({ kind: 'refuse', file: this.#number, reason });
    }
    this.end(reason);
  }

  /** The other side knows, or is gone. @param {string} reason */
  end(reason) {
    this.#pieces = [];
    this.change('stopped', reason);
  }

  #take() {
    this.#told = this.bytes;
    this.#post({ kind: 'got', file: this.#number, bytes: this.bytes });
    if (this.bytes === this.size) {
      this.#finish();
    } else {
      this.change('going');
    }
  }

  /** Of no type a browser would open: what a stranger sent is to be saved, not shown. */
  #finish() {
    const blob = new Blob(this.#pieces, { type: 'application/octet-stream' });
    this.url = URL.createObjectURL(blob);
    this.#pieces = [];
    this.change('done');
  }
}
