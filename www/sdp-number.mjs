/**
 * A description as one large number, and the number as text. docs/sdp.md is the specification.
 *
 * The number is a list of digits, each with a radix of its own, the first the least significant:
 * what is one of three takes log2(3) bits and not two. The text is a tag, which names the version
 * and the alphabet, and the number with its checksum in that alphabet.
 */

/**
 * Why something is no description, or no code:
 * - `description`: compact() was given something else than an offer or an answer
 * - `alphabet`: a character that is in no code, or no code at all
 * - `version`: a code of a version that is not known here
 * - `checksum`: misread, or cut off
 * - `content`: well read, but made by something that does not keep to the specification
 */
export class DescriptionError extends Error {
  /**
   * @param {import('./sdp.d.ts').DescriptionErrorCode} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.name = 'DescriptionError';
    this.code = code;
  }
}

/** Longer codes are neither made nor read: several times what the largest QR code holds. */
const CODE_MAX = 32768;

/** The largest prime below 2^24. A number is 1 modulo this. */
const CHECK = 16777213n;

const CAPITALS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Tags of version 1 and symbols, by name. `qr` has QR's alphanumeric ones but the blank. */
const ALPHABETS = {
  qr: { tag: 'A', symbols: `0123456789${CAPITALS}$%*+-./:` },
  url: { tag: 'a', symbols: `0123456789${CAPITALS}${CAPITALS.toLowerCase()}` },
};

/** Gathers digits; they are read back in the same order. */
export class Digits {
  /** @type {[value: bigint, radix: bigint][]} */
  #digits = [];

  /**
   * @param {number | bigint} value from 0, less than the radix
   * @param {number | bigint} radix
   */
  put(value, radix) {
    this.#digits.push([BigInt(value), BigInt(radix)]);
  }

  /** Says that something follows, where the end is possible too. */
  more() {
    this.#digits.push([1n, 1n]);
  }

  number() {
    return this.#digits.reduceRight((rest, [value, radix]) => rest * radix + value, 0n);
  }
}

/** Takes digits from a number. */
export class DigitReader {
  #rest;

  /** @param {bigint} number */
  constructor(number) {
    this.#rest = number;
  }

  /** @param {number | bigint} radix */
  takeLarge(radix) {
    const value = this.#rest % BigInt(radix);
    this.#rest /= BigInt(radix);
    return value;
  }

  /** @param {number} radix */
  take(radix) {
    return Number(this.takeLarge(radix));
  }

  /** Whether something follows: see Digits.more(). */
  more() {
    if (this.#rest === 0n) {
      return false;
    }
    this.#rest -= 1n;
    return true;
  }
}

/**
 * @param {bigint} number
 * @param {'qr' | 'url'} name of an alphabet
 */
export function write(number, name) {
  if (!Object.hasOwn(ALPHABETS, name)) {
    throw new DescriptionError('alphabet', `there is no alphabet "${name}"`);
  }
  const { tag, symbols } = ALPHABETS[name];
  const radix = BigInt(symbols.length);
  let text = '';
  for (let rest = number * CHECK + 1n; rest > 0n; rest /= radix) {
    text = symbols[Number(rest % radix)] + text;
  }
  if (text.length >= CODE_MAX) {
    throw new DescriptionError('description', 'this description is too long');
  }
  return tag + text;
}

/** @param {string} text */
function alphabetOf(text) {
  const found = Object.values(ALPHABETS).find(({ tag }) => text.startsWith(tag));
  if (found) {
    return found;
  }
  if (/^[A-Za-z]/.test(text)) {
    throw new DescriptionError('version', `version "${text[0]}" of codes is not known here`);
  }
  throw new DescriptionError('alphabet', 'this is no code of a description');
}

/**
 * @param {string} text
 * @returns {bigint} what write() was given
 */
export function read(text) {
  const { symbols } = alphabetOf(text);
  if (text.length > CODE_MAX) {
    throw new DescriptionError('content', 'the code is too long');
  }
  const radix = BigInt(symbols.length);
  let number = 0n;
  for (let i = 1; i < text.length; i += 1) {
    const value = symbols.indexOf(text[i]);
    if (value < 0) {
      throw new DescriptionError('alphabet', `character ${i + 1} is in no code: "${text[i]}"`);
    }
    number = number * radix + BigInt(value);
  }
  if (number % CHECK !== 1n || text[1] === symbols[0]) {
    throw new DescriptionError('checksum', 'the code was misread or is not complete');
  }
  return number / CHECK;
}
