/**
 * The list of what went to and came from the server: a line a message, its text behind it.
 */

import { byId, keepToEnd } from './page.mjs';

const ROWS_MAX = 300;
const PEEK_MAX = 160;

/** @param {number} bytes */
function size(bytes) {
  return bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`;
}

/** @param {Date} date */
function clock(date) {
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  const day = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${day}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/**
 * The message in a word.
 * @param {any} message
 * @returns {string}
 */
function title(message) {
  if (Array.isArray(message)) {
    return String(message[0]); // of Socket.IO: the event's name
  }
  const data = message?.data;
  if (data === undefined) {
    return Object.keys(message ?? {})[0] ?? 'message';
  }
  return data?.type ?? (data?.candidate === undefined ? 'data' : 'candidate');
}

export class WireLog {
  #list = byId('messages');
  #empty = byId('wire-empty');
  /** @type {HTMLTemplateElement} */
  #template = byId('message-row');
  #sums = { up: { count: 0, bytes: 0 }, down: { count: 0, bytes: 0 } };

  /**
   * @param {Pick<import('./sigver.d.mts').SigverWireEvent,
   *   'direction' | 'text' | 'bytes' | 'done'>} event
   */
  add({ direction, text, bytes, done }) {
    const row = this.#row(direction, text, bytes);
    const took = /** @type {HTMLElement} */ (row.querySelector('.took'));
    this.#append(row);
    this.#count(direction, bytes);
    done?.then(({ ms, attempts }) => {
      took.textContent = attempts > 1 ? `${ms} ms, try ${attempts}` : `${ms} ms`;
    }, () => {
      took.textContent = 'refused';
    });
  }

  /**
   * A line across: something happened to the stream itself.
   * @param {string} text
   * @param {string} tone
   */
  mark(text, tone) {
    const row = document.createElement('li');
    row.className = 'mark';
    row.dataset.tone = tone;
    row.textContent = text;
    this.#append(row);
  }

  clear() {
    this.#list.replaceChildren();
    this.#empty.hidden = false;
    for (const sum of Object.values(this.#sums)) {
      Object.assign(sum, { count: 0, bytes: 0 });
    }
    this.#count('up', 0, 0);
    this.#count('down', 0, 0);
  }

  /** @param {HTMLElement} row */
  #append(row) {
    this.#empty.hidden = true;
    keepToEnd(byId('rows'), () => {
      this.#list.append(row);
      while (this.#list.childElementCount > ROWS_MAX) {
        this.#list.firstElementChild?.remove();
      }
    });
  }

  /**
   * @param {'up' | 'down'} direction
   * @param {number} bytes
   */
  #count(direction, bytes, messages = 1) {
    const sum = this.#sums[direction];
    sum.count += messages;
    sum.bytes += bytes;
    const amount = sum.count > 0 ? ` · ${size(sum.bytes)}` : '';
    byId(`sum-${direction}`).textContent = `${sum.count} ${direction}${amount}`;
  }

  /**
   * @param {'up' | 'down'} direction
   * @param {string} text
   * @param {number} bytes
   */
  #row(direction, text, bytes) {
    const copy = /** @type {DocumentFragment} */ (this.#template.content.cloneNode(true));
    const row = /** @type {HTMLElement} */ (copy.firstElementChild);
    const message = JSON.parse(text);
    const put = (/** @type {string} */ part, /** @type {string} */ content) => {
      /** @type {HTMLElement} */ (row.querySelector(part)).textContent = content;
    };
    row.className = direction;
    put('time', clock(new Date()));
    put('.unseen', direction);
    put('b', title(message));
    put('summary code', text.slice(0, PEEK_MAX));
    put('.size', size(bytes));
    put('pre', JSON.stringify(message, null, 2).replaceAll('\\r\\n', '\n    '));
    return row;
  }
}
