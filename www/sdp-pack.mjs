/**
 * Digits of descriptions of a data channel. docs/sdp.md is the specification.
 *
 * What Chromium or Firefox says as usual takes no digits but those of the profile; then follow
 * credentials, fingerprint and candidates.
 */

import { putCandidate, takeCandidate } from './sdp-candidate.mjs';
import { HASHES, HASH_BYTES, SETUPS, isTellable } from './sdp-data.mjs';
import { DescriptionError } from './sdp-number.mjs';

/** @typedef {import('./sdp-data.mjs').Data} Data */
/** @typedef {import('./sdp-number.mjs').Digits} Digits */
/** @typedef {import('./sdp-number.mjs').DigitReader} DigitReader */

/** Characters of credentials (RFC 8839: ice-char), and those of Firefox. */
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const HEX = '0123456789abcdef';

/** Lengths of credentials and what they are made of, by maker. */
const CREDENTIALS = [
  { ufrag: 4, pwd: 24, chars: BASE64 },
  { ufrag: 8, pwd: 32, chars: HEX },
];
const UFRAG = { least: 4, most: 256 };
const PWD = { least: 22, most: 256 };

/** Limits of what a message may have, by maker; then nothing said, and any other. */
const MAX_MESSAGES = [262144n, 1073741823n, -1n];

/** Texts of our own: the mid and ICE options. */
const WORD_MAX = 64;
const WORD_RADIX = 95;

/** What both browsers say, and what is said where nothing else is. */
const USUAL = { hash: 'sha-256', sctpPort: 5000, mid: '0', options: 'trickle' };
/** @type {Record<'offer' | 'answer', string>} */
const USUAL_SETUP = { offer: 'actpass', answer: 'active' };

/**
 * @param {Digits} digits
 * @param {string} text of these characters
 * @param {string} chars
 */
function putChars(digits, text, chars) {
  [...text].forEach((char) => digits.put(chars.indexOf(char), chars.length));
}

/**
 * @param {DigitReader} reader
 * @param {number} length
 * @param {string} chars
 */
function takeChars(reader, length, chars) {
  return Array.from({ length }, () => chars[reader.take(chars.length)]).join('');
}

/**
 * @param {Digits} digits
 * @param {string} word
 * @param {string} usual
 */
function putWord(digits, word, usual) {
  digits.put(word === usual ? 0 : 1, 2);
  if (word !== usual) {
    digits.put(word.length, WORD_MAX + 1);
    [...word].forEach((char) => digits.put(char.charCodeAt(0) - 0x20, WORD_RADIX));
  }
}

/**
 * @param {DigitReader} reader
 * @param {string} usual
 */
function takeWord(reader, usual) {
  if (reader.take(2) === 0) {
    return usual;
  }
  const codes = Array.from({ length: reader.take(WORD_MAX + 1) }, () => reader.take(WORD_RADIX));
  return String.fromCharCode(...codes.map((code) => code + 0x20));
}

/** @param {Data} data @returns {number} which of CREDENTIALS; -1: none of them */
function makerOf({ ufrag, pwd }) {
  return CREDENTIALS.findIndex((it) => ufrag.length === it.ufrag && pwd.length === it.pwd
    && [...ufrag + pwd].every((char) => it.chars.includes(char)));
}

/** @param {Data} data @param {'offer' | 'answer'} type @returns {number} as makerOf() */
function profileOf(data, type) {
  const maker = makerOf(data);
  const usual = data.setup === USUAL_SETUP[type] && data.maxMessage === MAX_MESSAGES[maker]
    && Object.entries(USUAL).every(([name, value]) => data[/** @type {'mid'} */ (name)] === value);
  return usual ? maker : -1;
}

/** @param {Digits} digits @param {Data} data */
function putUnusual(digits, data) {
  const maker = makerOf(data);
  digits.put(maker < 0 ? CREDENTIALS.length : maker, CREDENTIALS.length + 1);
  if (maker < 0) {
    digits.put(data.ufrag.length - UFRAG.least, UFRAG.most - UFRAG.least + 1);
    digits.put(data.pwd.length - PWD.least, PWD.most - PWD.least + 1);
  }
  digits.put(SETUPS.indexOf(data.setup), SETUPS.length);
  digits.put(HASHES.indexOf(data.hash), HASHES.length);
  const limit = MAX_MESSAGES.indexOf(data.maxMessage);
  digits.put(limit < 0 ? MAX_MESSAGES.length : limit, MAX_MESSAGES.length + 1);
  if (limit < 0) {
    digits.put(data.maxMessage, 1n << 64n);
  }
  digits.put(data.sctpPort === USUAL.sctpPort ? 0 : 1, 2);
  if (data.sctpPort !== USUAL.sctpPort) {
    digits.put(data.sctpPort, 65536);
  }
  putWord(digits, data.mid, USUAL.mid);
  putWord(digits, data.options, USUAL.options);
}

/**
 * @param {DigitReader} reader
 * @returns {Omit<Data, 'fingerprint' | 'candidates'>}
 */
function takeUnusual(reader) {
  const maker = CREDENTIALS[reader.take(CREDENTIALS.length + 1)];
  const { ufrag, pwd, chars } = maker ?? {
    ufrag: reader.take(UFRAG.most - UFRAG.least + 1) + UFRAG.least,
    pwd: reader.take(PWD.most - PWD.least + 1) + PWD.least,
    chars: BASE64,
  };
  const setup = SETUPS[reader.take(SETUPS.length)];
  const hash = HASHES[reader.take(HASHES.length)];
  const limit = reader.take(MAX_MESSAGES.length + 1);
  const maxMessage = MAX_MESSAGES[limit] ?? reader.takeLarge(1n << 64n);
  const sctpPort = reader.take(2) === 0 ? USUAL.sctpPort : reader.take(65536);
  const mid = takeWord(reader, USUAL.mid);
  const options = takeWord(reader, USUAL.options);
  const words = { ufrag: takeChars(reader, ufrag, chars), pwd: takeChars(reader, pwd, chars) };
  return { ...words, setup, hash, maxMessage, sctpPort, mid, options };
}

/**
 * @param {Digits} digits
 * @param {Data} data
 * @param {'offer' | 'answer'} type
 */
export function putData(digits, data, type) {
  const profile = profileOf(data, type);
  digits.put(profile < 0 ? CREDENTIALS.length : profile, CREDENTIALS.length + 1);
  if (profile < 0) {
    putUnusual(digits, data);
  }
  const { chars } = CREDENTIALS[makerOf(data)] ?? { chars: BASE64 };
  putChars(digits, data.ufrag + data.pwd, chars);
  digits.put(data.fingerprint, 1n << BigInt(HASH_BYTES[HASHES.indexOf(data.hash)] * 8));
  data.candidates.forEach((it, i) => {
    digits.more();
    putCandidate(digits, it, data.candidates.slice(0, i));
  });
}

/**
 * @param {DigitReader} reader
 * @param {'offer' | 'answer'} type
 * @returns {Data}
 */
export function takeData(reader, type) {
  const profile = reader.take(CREDENTIALS.length + 1);
  const { ufrag, pwd, chars } = CREDENTIALS[profile] ?? {};
  const said = chars === undefined ? takeUnusual(reader) : {
    ...USUAL,
    setup: USUAL_SETUP[type],
    maxMessage: MAX_MESSAGES[profile],
    ufrag: takeChars(reader, ufrag, chars),
    pwd: takeChars(reader, pwd, chars),
  };
  const bytes = HASH_BYTES[HASHES.indexOf(said.hash)];
  const fingerprint = reader.takeLarge(1n << BigInt(bytes * 8));
  /** @type {Data['candidates']} */
  const candidates = [];
  while (reader.more()) {
    candidates.push(takeCandidate(reader, candidates));
  }
  const data = { ...said, fingerprint, candidates };
  if (!isTellable(data)) {
    throw new DescriptionError('content', 'the code says what no description can');
  }
  return data;
}
