/**
 * Descriptions with one section, of a data channel: what in their lines has information.
 * docs/sdp.md is the specification.
 */

import { candidateLine, inOrder, isSilent, parseCandidate } from './sdp-candidate.mjs';

/**
 * What a description says.
 * @typedef {object} Data
 * @property {string} ufrag
 * @property {string} pwd
 * @property {string} setup
 * @property {string} hash
 * @property {bigint} fingerprint
 * @property {bigint} maxMessage bytes; 0 is without a limit, -1 where nothing is said
 * @property {number} sctpPort
 * @property {string} mid
 * @property {string} options ICE options with blanks between them; none: empty
 * @property {import('./sdp-candidate.mjs').Candidate[]} candidates the best first
 */

export const SETUPS = ['actpass', 'active', 'passive', 'holdconn'];
/** Hash functions of fingerprints, and the bytes each makes. */
export const HASHES = ['sha-256', 'sha-1', 'sha-224', 'sha-384', 'sha-512'];
export const HASH_BYTES = [32, 20, 28, 48, 64];

/** Lines that say nothing to the other peer, or what they say is said again in expand(). */
const SILENT = new RegExp(`^(${[
  'v=0', 'o=\\S+ \\d+ \\d+ IN IP[46] \\S+', 's=.*', 't=0 0', 'c=IN IP[46] \\S+',
  'm=application [1-9]\\d* UDP/DTLS/SCTP webrtc-datachannel',
  'a=extmap-allow-mixed', 'a=msid-semantic:.*', 'a=sendrecv', 'a=end-of-candidates',
].join('|')})$`);

/** Lines that say something, each at most one thing. */
const TELLING = new RegExp('^a=(group|ice-ufrag|ice-pwd|ice-options|fingerprint|setup|mid|sctp-port'
  + '|max-message-size):(.+)$');

/**
 * @param {string[]} lines
 * @returns {Map<string, string> | undefined} nothing where a line is unknown or contradicts another
 */
function fieldsOf(lines) {
  const fields = new Map();
  for (const line of lines.filter((it) => !SILENT.test(it))) {
    const [, name, value] = TELLING.exec(line) ?? [];
    if (name === undefined || (fields.has(name) && fields.get(name) !== value)) {
      return undefined;
    }
    fields.set(name, value);
  }
  return fields;
}

/** @param {string[]} lines those of candidates */
function candidatesOf(lines) {
  const parsed = lines.map(parseCandidate);
  if (parsed.some((it) => it === undefined)) {
    return undefined;
  }
  const known = /** @type {NonNullable<typeof parsed[number]>[]} */ (parsed);
  return inOrder(known.filter(({ candidate }) => !isSilent(candidate)));
}

/**
 * @param {string} text
 * @returns {{hash: string, fingerprint: bigint} | undefined}
 */
function fingerprintOf(text) {
  const [, hash, hex] = /^(\S+) ([0-9A-F]{2}(?::[0-9A-F]{2})*)$/i.exec(text) ?? [];
  const at = HASHES.indexOf(hash?.toLowerCase());
  if (at < 0 || hex.length !== HASH_BYTES[at] * 3 - 1) {
    return undefined;
  }
  return { hash: HASHES[at], fingerprint: BigInt(`0x${hex.replace(/:/g, '')}`) };
}

/** @param {string} text */
const isNumber = (text) => /^(0|[1-9]\d{0,19})$/.test(text);

/**
 * @param {Data} it
 * @returns {boolean} whether lines and digits can tell it
 */
export function isTellable({ ufrag, pwd, setup, maxMessage, sctpPort, mid, options }) {
  return /^[A-Za-z0-9+/]{4,256}$/.test(ufrag) && /^[A-Za-z0-9+/]{22,256}$/.test(pwd)
    && SETUPS.includes(setup) && maxMessage < 1n << 64n && sctpPort < 65536
    && /^[\x21-\x7e]{1,64}$/.test(mid) && /^[\x20-\x7e]{0,64}$/.test(options);
}

/**
 * @param {Map<string, string>} fields
 * @param {Data['candidates']} candidates
 * @returns {Data | undefined}
 */
function dataOf(fields, candidates) {
  const of = (/** @type {string} */ name, fallback = '') => fields.get(name) ?? fallback;
  const print = fingerprintOf(of('fingerprint'));
  const mid = of('mid');
  const size = of('max-message-size', '0');
  if (!print || of('group') !== `BUNDLE ${mid}` || ![size, of('sctp-port', '0')].every(isNumber)) {
    return undefined;
  }
  const data = {
    ...print, candidates, mid, ufrag: of('ice-ufrag'), pwd: of('ice-pwd'), setup: of('setup'),
    maxMessage: fields.has('max-message-size') ? BigInt(size) : -1n,
    sctpPort: Number(of('sctp-port', '5000')), options: of('ice-options'),
  };
  return isTellable(data) ? data : undefined;
}

/**
 * @param {string[]} lines of a description
 * @returns {Data | undefined} nothing where it is no data channel's, or says anything unusual
 */
export function parseData(lines) {
  const isCandidate = (/** @type {string} */ line) => line.startsWith('a=candidate:');
  const rest = lines.filter((line) => !isCandidate(line));
  const sections = rest.filter((line) => line.startsWith('m='));
  const fields = sections.length === 1 ? fieldsOf(rest) : undefined;
  const candidates = candidatesOf(lines.filter(isCandidate));
  return fields && candidates && dataOf(fields, candidates);
}

/** @param {Data} data */
function fingerprintText({ hash, fingerprint }) {
  const bytes = HASH_BYTES[HASHES.indexOf(hash)];
  const hex = fingerprint.toString(16).padStart(bytes * 2, '0').toUpperCase();
  return `${hash} ${hex.replace(/..\B/g, '$&:')}`;
}

/**
 * @param {Data} data
 * @returns {string[]} the lines of a description that says it
 */
export function dataLines(data) {
  const { ufrag, pwd, setup, mid, options, maxMessage, sctpPort, candidates } = data;
  return [
    'v=0', `o=- ${data.fingerprint & ((1n << 62n) - 1n)} 2 IN IP4 127.0.0.1`, 's=-', 't=0 0',
    `a=group:BUNDLE ${mid}`,
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0',
    ...candidates.map(candidateLine),
    `a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`,
    ...(options ? [`a=ice-options:${options}`] : []),
    `a=fingerprint:${fingerprintText(data)}`, `a=setup:${setup}`, `a=mid:${mid}`,
    `a=sctp-port:${sctpPort}`,
    ...(maxMessage < 0n ? [] : [`a=max-message-size:${maxMessage}`]),
  ];
}
