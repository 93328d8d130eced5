/** The format text/event-stream. */

/** Splits a text/event-stream into events (WHATWG HTML, 9.2.6). Fed in pieces of any size. */
export class SseParser {
  #onevent;
  #first = true;
  #afterCr = false;
  #rest = '';
  #type = '';
  /** @type {string[]} */
  #data = [];
  #id;

  /**
   * @param {(event: {type: string, data: string, lastEventId: string}) => void} onevent
   * @param {string} [lastEventId]
   */
  constructor(onevent, lastEventId = '') {
    this.#onevent = onevent;
    this.#id = lastEventId;
    this.lastEventId = lastEventId;
    /** @type {number | undefined} What the server asked for, in ms. */
    this.retry = undefined;
  }

  /** @param {string} chunk */
  push(chunk) {
    if (chunk === '') {
      return;
    }
    let text = this.#first ? chunk.replace(/^\uFEFF/, '') : chunk;
    text = this.#afterCr ? text.replace(/^\n/, '') : text;
    this.#first = false;
    this.#afterCr = chunk.endsWith('\r');
    const lines = (this.#rest + text).split(/\r\n|\r|\n/);
    this.#rest = /** @type {string} */ (lines.pop());
    lines.forEach((line) => this.#line(line));
  }

  /** @param {string} line */
  #line(line) {
    if (line === '') {
      this.#dispatch();
      return;
    }
    const [, name, value] = /** @type {string[]} */ (/^([^:]*)(?:: ?)?(.*)$/s.exec(line));
    if (name === 'data') {
      this.#data.push(value);
    } else if (name === 'event') {
      this.#type = value;
    } else if (name === 'id' && !value.includes('\0')) {
      this.#id = value;
    } else if (name === 'retry' && /^\d+$/.test(value)) {
      this.retry = Number(value);
    }
  }

  #dispatch() {
    const event = { type: this.#type || 'message', data: this.#data.join('\n') };
    const empty = this.#data.length === 0;
    this.#type = '';
    this.#data = [];
    this.lastEventId = this.#id;
    if (!empty) {
      this.#onevent({ ...event, lastEventId: this.#id });
    }
  }
}
