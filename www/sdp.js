/**
 * Session descriptions, small enough for a QR code, a link or a line of chat.
 *
 *     const code = compact(connection.localDescription); // all candidates gathered
 *     await connection.setRemoteDescription(expand(code));
 *
 * What a data channel needs is about a hundred characters. Descriptions of audio and video, and
 * unusual ones, are kept as they are, and are a few hundred. docs/sdp.md is the specification.
 *
 * A code has no secret in it and proves nothing: who can replace it can put himself in its place.
 */

import { dataLines, parseData } from './sdp-data.mjs';
import { DescriptionError, DigitReader, Digits, read, write } from './sdp-number.mjs';
import { putData, takeData } from './sdp-pack.mjs';
import { TEXT_MAX, putText, takeText } from './sdp-text.mjs';

export { DescriptionError };

/** @type {('offer' | 'answer')[]} */
const TYPES = ['offer', 'answer'];
/** What the rest of the number is. */
const FORMS = ['data', 'text'];

/** Of each line (RFC 8866): a letter, =, and no control character. */
const LINE = /^[a-z]=[^\0-\x1f]+$/;

/** @param {string[]} lines */
const isDescription = (lines) => lines[0] === 'v=0' && lines.every((line) => LINE.test(line));

/** UTF-8, each byte as a character: the text form knows no others. @param {string} text */
function bytesOf(text) {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > TEXT_MAX) {
    throw new DescriptionError('description', 'this description is too long');
  }
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}

/** @param {string} bytes */
function textOf(bytes) {
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return decoder.decode(Uint8Array.from(bytes, (char) => char.charCodeAt(0)));
  } catch {
    throw new DescriptionError('content', 'the code is no text');
  }
}

/**
 * @param {unknown} description
 * @returns {{type: 'offer' | 'answer', lines: string[]}}
 */
function check(description) {
  const { type, sdp } = /** @type {any} */ (description ?? {});
  if (!TYPES.includes(type) || typeof sdp !== 'string') {
    throw new DescriptionError('description', 'this is neither an offer nor an answer');
  }
  const lines = sdp.replace(/\r?\n$/, '').split(/\r?\n/);
  if (!isDescription(lines) || /[\ud800-\udfff]/u.test(sdp)) {
    throw new DescriptionError('description', 'this is no session description');
  }
  return { type, lines };
}

/**
 * @param {import('./sdp.d.ts').Description} description
 * @param {import('./sdp.d.ts').CompactOptions} [options]
 * @returns {string}
 */
export function compact(description, options) {
  const { type, lines } = check(description);
  const data = parseData(lines);
  const digits = new Digits();
  digits.put(TYPES.indexOf(type), TYPES.length);
  digits.put(FORMS.indexOf(data ? 'data' : 'text'), FORMS.length);
  if (data) {
    putData(digits, data, type);
  } else {
    putText(digits, bytesOf(lines.join('\n')));
  }
  return write(digits.number(), options?.alphabet ?? 'qr');
}

/** @param {DigitReader} reader */
function takeLines(reader) {
  const lines = textOf(takeText(reader)).split('\n');
  if (!isDescription(lines)) {
    throw new DescriptionError('content', 'the code is no session description');
  }
  return lines;
}

/**
 * @param {string} code
 * @returns {{type: 'offer' | 'answer', sdp: string}}
 */
export function expand(code) {
  const reader = new DigitReader(read(typeof code === 'string' ? code.trim() : ''));
  const type = TYPES[reader.take(TYPES.length)];
  const form = FORMS[reader.take(FORMS.length)];
  const lines = form === 'data' ? dataLines(takeData(reader, type)) : takeLines(reader);
  return { type, sdp: lines.map((line) => `${line}\r\n`).join('') };
}
