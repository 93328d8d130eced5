/**
 * Any text as digits: descriptions of audio and video, and what else is unusual. Most of it has
 * been said before, further above or in sdp-words.mjs, and is copied; the rest is numbers,
 * identifiers and keys. docs/sdp.md is the specification.
 */

import { DescriptionError } from './sdp-number.mjs';
import { RUNS } from './sdp-runs.mjs';
import { WORDS } from './sdp-words.mjs';

/** @typedef {import('./sdp-number.mjs').Digits} Digits */
/** @typedef {import('./sdp-number.mjs').DigitReader} DigitReader */

/** Characters of a text. It grows by copying, so it needs a limit. */
export const TEXT_MAX = 32768;

/** Kinds of tokens: a copy from anywhere, one from as far away as the last, and the runs. */
const COPY = 0;
const AGAIN = 1;
const FIRST_RUN = 2;
const KINDS = FIRST_RUN + RUNS.length;

/** Lengths of copies: from LEAST on, this many in one digit; those after in two. */
const LEAST = 2;
const SHORT = 63;
const LONG = 4096;
const MOST = LEAST + SHORT + LONG - 1;

/** Copies from elsewhere begin with as many characters as these; shorter ones do not pay. */
const SEED = 4;
/** What limits the search for them: the latest places, up to one that is good enough. */
const PLACES = 256;
const GOOD = 256;

/**
 * @typedef {object} Token
 * @property {number} kind
 * @property {number} length characters
 * @property {number} distance of a copy: how far before here
 * @property {number} bits
 */

const KIND_BITS = Math.log2(KINDS);
const lengthBits = (/** @type {number} */ length) => (
  Math.log2(SHORT + 1) + (length < LEAST + SHORT ? 0 : Math.log2(LONG)));

/** A text behind WORDS: what in it has been said before a place. */
class Said {
  #seeds = new Map();
  #indexed = 0;

  /** @param {string} text */
  constructor(text) {
    this.text = WORDS + text;
  }

  /**
   * @param {number} at
   * @param {number} distance
   */
  #lengthOf(at, distance) {
    let length = 0;
    while (length < MOST && at + length < this.text.length
      && this.text[at + length] === this.text[at + length - distance]) {
      length += 1;
    }
    return length;
  }

  /** @param {number} end */
  #index(end) {
    for (; this.#indexed < end; this.#indexed += 1) {
      const seed = this.text.slice(this.#indexed, this.#indexed + SEED);
      const places = this.#seeds.get(seed);
      if (places) {
        places.push(this.#indexed);
      } else {
        this.#seeds.set(seed, [this.#indexed]);
      }
    }
  }

  /**
   * The longest copy from anywhere before.
   * @param {number} at
   * @returns {Token[]} one or none
   */
  #copies(at) {
    this.#index(at);
    const places = this.#seeds.get(this.text.slice(at, at + SEED)) ?? [];
    const bits = KIND_BITS + Math.log2(at);
    let best = { kind: COPY, length: 0, distance: 0, bits };
    const last = Math.max(0, places.length - PLACES);
    for (let i = places.length - 1; i >= last && best.length < GOOD; i -= 1) {
      const distance = at - places[i];
      const length = this.#lengthOf(at, distance);
      if (length > best.length) {
        best = { kind: COPY, length, distance, bits: bits + lengthBits(length) };
      }
    }
    return best.length >= SEED ? [best] : [];
  }

  /**
   * @param {number} at
   * @param {number} distance
   * @returns {Token[]} one or none
   */
  #again(at, distance) {
    const length = distance > 0 ? this.#lengthOf(at, distance) : 0;
    const token = { kind: AGAIN, length, distance, bits: KIND_BITS + lengthBits(length) };
    return length >= LEAST ? [token] : [];
  }

  /**
   * @param {number} at
   * @param {number} distance
   * @returns {Token[]}
   */
  #runs(at, distance) {
    return RUNS.flatMap(({ match, bits }, i) => match(this.text, at).map((length) => (
      { kind: FIRST_RUN + i, length, distance, bits: KIND_BITS + bits(length) })));
  }

  /**
   * @param {number} at
   * @param {number} distance of the last copy; 0: there was none
   */
  tokens(at, distance) {
    const copies = [...this.#again(at, distance), ...this.#copies(at)];
    const good = copies.filter(({ length }) => length >= GOOD);
    return good.length > 0 ? good : [...copies, ...this.#runs(at, distance)];
  }
}

/**
 * The cheapest tokens, by the cheapest way to each place.
 * @param {Said} said
 * @returns {Token[]}
 */
function tokenize(said) {
  const end = said.text.length;
  /** @type {({cost: number, token?: Token} | undefined)[]} */
  const ways = Array(end + 1);
  ways[WORDS.length] = { cost: 0 };
  for (let at = WORDS.length; at < end; at += 1) {
    const way = ways[at];
    for (const token of way ? said.tokens(at, way.token?.distance ?? 0) : []) {
      const cost = (way?.cost ?? 0) + token.bits;
      const known = ways[at + token.length];
      if (!known || cost < known.cost) {
        ways[at + token.length] = { cost, token };
      }
    }
  }
  /** @type {Token[]} */
  const tokens = [];
  for (let at = end; at > WORDS.length; at -= tokens[tokens.length - 1].length) {
    tokens.push(/** @type {Token} */ (ways[at]?.token));
  }
  return tokens.reverse();
}

/**
 * @param {Digits} digits
 * @param {number} length of a copy
 */
function putLength(digits, length) {
  digits.put(Math.min(length - LEAST, SHORT), SHORT + 1);
  if (length >= LEAST + SHORT) {
    digits.put(length - LEAST - SHORT, LONG);
  }
}

/** @param {DigitReader} reader */
function takeLength(reader) {
  const short = reader.take(SHORT + 1);
  return LEAST + short + (short === SHORT ? reader.take(LONG) : 0);
}

/**
 * @param {Digits} digits
 * @param {string} text of characters up to U+00FF
 */
export function putText(digits, text) {
  const said = new Said(text);
  let at = WORDS.length;
  for (const { kind, length, distance } of tokenize(said)) {
    digits.more();
    digits.put(kind, KINDS);
    if (kind === COPY) {
      digits.put(distance - 1, at);
    }
    if (kind < FIRST_RUN) {
      putLength(digits, length);
    } else {
      RUNS[kind - FIRST_RUN].put(digits, said.text.slice(at, at + length));
    }
    at += length;
  }
}

/**
 * @param {string} said
 * @param {number} distance
 * @param {number} length
 */
function copy(said, distance, length) {
  const from = said.length - distance;
  let text = said.slice(from, from + length);
  while (text.length < length) { // it repeats itself
    text += text.slice(0, length - text.length);
  }
  return text;
}

/**
 * @param {DigitReader} reader
 * @returns {string}
 */
export function takeText(reader) {
  let said = WORDS;
  let distance = 0;
  while (reader.more()) {
    const kind = reader.take(KINDS);
    if (kind >= FIRST_RUN) {
      said += RUNS[kind - FIRST_RUN].take(reader);
    } else {
      distance = kind === COPY ? reader.take(said.length) + 1 : distance;
      said += distance > 0 ? copy(said, distance, takeLength(reader)) : '';
    }
    if (distance === 0 && kind === AGAIN || said.length > WORDS.length + TEXT_MAX) {
      throw new DescriptionError('content', 'the code copies what is not there, or too much');
    }
  }
  return said.slice(WORDS.length);
}
