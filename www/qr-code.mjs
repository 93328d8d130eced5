/**
 * What is shown and read: the code of a description, and with an answer the tag of the offer it is for. So an answer
 * to another offer is told at once, instead of after half a minute in which ICE finds nobody.
 *
 * Before the tag is a blank, in links a hyphen: neither is in the alphabet of its codes (docs/sdp.md).
 */

import { DescriptionError, expand } from './sdp.js';

/** No description fits into fewer characters; a word that begins like one is not taken for one. */
const SHORTEST = 40;
const TAG_LENGTH = 4;
const TAG = /^[0-9A-V]{4}$/;

/** @typedef {{code: string, type: 'offer' | 'answer', tag: string | undefined}} Note tag: of an answer, if it has one */

/** What was read, without the address around it. @param {string} text */
export const bare = (text) => text.trim().replace(/^\S*#/, '');

/** @param {string} code @param {string} [tag] for a QR code or a line of text */
export const spoken = (code, tag) => (tag === undefined ? code : `${code} ${tag}`);

/** @param {string} code @param {string} [tag] for a link */
export const linked = (code, tag) => (tag === undefined ? code : `${code}-${tag}`);

/**
 * @param {string} text as bare() returns it
 * @returns {Note}
 * @throws DescriptionError
 */
export function parse(text) {
  const end = text.search(text.startsWith('a') ? /-/ : /\s/);
  const code = end < 0 ? text : text.slice(0, end);
  const tag = end < 0 ? undefined : text.slice(end + 1).trim();
  if (code.length < SHORTEST) {
    throw new DescriptionError('alphabet', 'this is no code of a description');
  }
  const { type } = expand(code);
  if (tag !== undefined && (type === 'offer' || !TAG.test(tag))) {
    throw new DescriptionError('checksum', 'what follows the code is no tag');
  }
  return { code, type, tag };
}

/** @param {string} code of an offer, in either alphabet */
export async function tagOf(code) {
  const lines = expand(code).sdp.match(/^a=(ice-ufrag|fingerprint):.*$/gm) ?? [];
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(lines.join('\n')));
  const five = Array.from(new Uint8Array(hash, 0, TAG_LENGTH), (byte) => (byte % 32).toString(32));
  return five.join('').toUpperCase();
}
