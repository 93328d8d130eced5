/**
 * Lines of text over a stream of libp2p: UTF-8, each ended by a newline. It knows no document.
 *
 * Events: `text` (with `text`), `gone` (once, with `reason` if something is wrong).
 */

export const PROTOCOL = '/sigpost-chat/1.0.0';

/** A line; what is longer is no chat. */
const BYTES_MAX = 16_384;

export class Talk extends EventTarget {
  /** @type {Uint8Array[]} */
  #waiting = [];
  #wake = () => {};
  #over = false;
  #stream;

  /**
   * @param {any} stream of libp2p
   * @param {string} peer the id of the other side
   */
  constructor(stream, peer) {
    super();
    this.peer = peer;
    this.#stream = stream;
    this.#stream.sink(this.#lines()).catch((/** @type {Error} */ error) => this.#end(error.message));
    this.#read();
  }

  /** @param {string} text one line */
  write(text) {
    this.#waiting.push(new TextEncoder().encode(`${text.replaceAll('\n', ' ')}\n`));
    this.#wake();
  }

  close() {
    this.#end('');
  }

  /** What goes out, as it comes to be written. */
  async* #lines() {
    while (!this.#over) {
      yield* this.#waiting.splice(0);
      if (this.#waiting.length === 0 && !this.#over) {
        await new Promise((resolve) => { this.#wake = () => resolve(undefined); });
      }
    }
  }

  async #read() {
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for await (const bytes of this.#stream.source) {
        const lines = (rest + decoder.decode(bytes.subarray(), { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        lines.forEach((text) => this.#emit('text', { text }));
        if (rest.length > BYTES_MAX) {
          throw new Error('it does not write lines');
        }
      }
      this.#end('');
    } catch (error) {
      this.#end(/** @type {Error} */ (error).message);
    }
  }

  /** @param {string} reason */
  #end(reason) {
    if (!this.#over) {
      this.#over = true;
      this.#wake();
      this.#stream.close();
      this.#emit('gone', { reason });
    }
  }

  /**
   * @param {string} type
   * @param {object} fields
   */
  #emit(type, fields) {
    this.dispatchEvent(Object.assign(new Event(type), fields));
  }
}
