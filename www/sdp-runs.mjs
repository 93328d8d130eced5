/**
 * Runs of characters that are like each other, as digits: numbers, keys, identifiers.
 * docs/sdp.md is the specification.
 */

/** @typedef {import('./sdp-number.mjs').Digits} Digits */
/** @typedef {import('./sdp-number.mjs').DigitReader} DigitReader */

/**
 * @typedef {object} Run
 * @property {(text: string, at: number) => number[]} match lengths of what could be one there
 * @property {(length: number) => number} bits it takes
 * @property {(digits: Digits, text: string) => void} put
 * @property {(reader: DigitReader) => string} take
 */

const DECIMAL = '0123456789';
const HEX = '0123456789abcdef';
const BASE64 = `ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz${DECIMAL}+/`;
const UUID_SIZE = 1n << 128n;

/**
 * Up to `most` of these characters.
 * @param {string} chars
 * @param {number} most
 * @returns {Run}
 */
function runOf(chars, most) {
  const pattern = new RegExp(`[${chars}]{1,${most}}`, 'y');
  return {
    match(text, at) {
      pattern.lastIndex = at;
      const length = pattern.exec(text)?.[0].length ?? 0;
      return Array.from({ length }, (_, i) => i + 1);
    },
    bits: (length) => Math.log2(most) + length * Math.log2(chars.length),
    put(digits, text) {
      digits.put(text.length - 1, most);
      [...text].forEach((char) => digits.put(chars.indexOf(char), chars.length));
    },
    take(reader) {
      const length = reader.take(most) + 1;
      return Array.from({ length }, () => chars[reader.take(chars.length)]).join('');
    },
  };
}

/** @param {RegExp} pattern sticky @returns {Run['match']} */
function matchOf(pattern) {
  return (text, at) => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    return match ? [match[0].length] : [];
  };
}

/** @type {Run} */
const uuid = {
  match: matchOf(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/y),
  bits: () => 128,
  put: (digits, text) => digits.put(BigInt(`0x${text.replace(/-/g, '')}`), UUID_SIZE),
  take: (reader) => reader.takeLarge(UUID_SIZE).toString(16).padStart(32, '0')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
};

/** 32 bytes, as a fingerprint of SHA-256 has them. @type {Run} */
const fingerprint = {
  match: matchOf(/[0-9A-F]{2}(:[0-9A-F]{2}){31}/y),
  bits: () => 256,
  put: (digits, text) => digits.put(BigInt(`0x${text.replace(/:/g, '')}`), 1n << 256n),
  take: (reader) => reader.takeLarge(1n << 256n).toString(16).padStart(64, '0').toUpperCase()
    .replace(/..\B/g, '$&:'),
};

/** Any character up to U+00FF. @type {Run} */
const character = {
  match: () => [1],
  bits: () => 8,
  put: (digits, text) => digits.put(text.charCodeAt(0), 256),
  take: (reader) => String.fromCharCode(reader.take(256)),
};

export const RUNS = [
  runOf(DECIMAL, 20), runOf(HEX, 32), runOf(BASE64, 32), uuid, fingerprint, character,
];
