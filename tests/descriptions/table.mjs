/**
 * The tables of docs/sdp.md: how long the recorded descriptions are, whole, as the original
 * reduces them, and as ours, and how short they could be at best.
 *
 *     node tests/descriptions/table.mjs
 */

import { fileURLToPath } from 'node:url';
import { compact } from '../../www/sdp.js';
import { RECORDED, told } from './recorded.mjs';

/** What QR codes of version 1, 2, … hold at level L (ISO/IEC 18004): bytes, alphanumeric. */
const BYTES = [17, 32, 53, 78, 106, 134, 154, 192, 230, 271, 321, 367, 425, 458, 520, 586, 644, 718,
  792, 858, 929, 1003, 1091, 1171, 1273, 1367, 1465, 1528, 1628, 1732, 1840, 1952, 2068, 2188, 2303,
  2431, 2563, 2699, 2809, 2953];
const ALPHANUMERIC = [25, 47, 77, 114, 154, 195, 224, 279, 335, 395, 468, 535, 619, 667, 758, 854,
  938, 1046, 1153, 1249, 1352, 1460, 1588, 1704, 1853, 1990, 2132, 2223, 2369, 2520, 2677, 2840,
  3009, 3183, 3351, 3537, 3729, 3927, 4087, 4296];

/** @param {number[]} sizes @param {number} length */
const version = (sizes, length) => sizes.findIndex((size) => size >= length) + 1 || '–';

/** @typedef {import('./recorded.mjs').Recorded} Recorded */

/**
 * The reduction of p2signal, of its description: a letter for the type, four lines dropped, the
 * fingerprint without its name and colons, no line ends.
 * @param {Recorded} description
 */
export function original({ type, sdp }) {
  const dropped = ['v=0', 'a=mid:0', 'a=sctp-port:5000', 'a=max-message-size:262144'];
  const lines = sdp.split('\r\n').filter((line) => !dropped.includes(line)).map((line) => (
    line.startsWith('a=fingerprint:sha-256 ') ? `f=${line.slice(22).replaceAll(':', '')}` : line));
  return (type === 'offer' ? 'O' : 'A') + lines.join('');
}

/** Bits of one character. @param {string} text */
const bitsOf = (text) => (/^[0-9a-f]{8,}$/.test(text) ? 4 : 6);

/** @param {string} address */
function addressBits(address) {
  return address.endsWith('.local') ? 122 : address.includes(':') ? 128 : 32;
}

/**
 * What nobody can know beforehand: offer or answer, credentials, a fingerprint of SHA-256, addresses
 * and ports. Which candidates those are, the DTLS role and who made it count nothing here.
 * @param {string} sdp
 */
export function floorBits(sdp) {
  const { ufrag = '', pwd = '', candidates } = told(sdp);
  return candidates.reduce((sum, { address }) => sum + addressBits(address) + 16,
    1 + ufrag.length * bitsOf(ufrag) + pwd.length * bitsOf(pwd) + 256);
}

/** @param {(string | number)[]} cells */
const row = (cells) => `| ${cells.join(' | ')} |`;

/** @param {string[]} names */
const head = (names) => [row(names), row(names.map((_, i) => (i < 2 ? '---' : '--:')))];

/** @param {string} maker @param {string} type */
const who = (maker, type) => `${maker === 'chromium' ? 'Chromium' : 'Firefox'}, ${type}`;

/** Of answers those to the same browser: to the other one they differ by a character at most. @param {Recorded} it */
const toItself = ({ name, maker, type }) => type === 'offer' || name.endsWith(`${maker}-${maker}`);

const NETWORKS = {
  ipv4: 'IPv4', mdns: 'mDNS', stun: 'IPv4, reflexive', 'stun-mdns': 'mDNS, reflexive',
  dual: 'IPv4, IPv6', 'dual-mdns': 'two mDNS',
};

/** @param {Recorded} it */
function dataRow(it) {
  const { network, maker, type, sdp } = it;
  const first = original(it).length;
  const [qr, url] = /** @type {const} */ (['qr', 'url']).map((alphabet) => compact(it, { alphabet }).length);
  const bits = floorBits(sdp);
  return row([
    NETWORKS[/** @type {'ipv4'} */ (network)], who(maker, type), sdp.length,
    `${first} (${version(BYTES, first)})`, `${qr} (${version(ALPHANUMERIC, qr)})`, url,
    bits, Math.ceil(bits / Math.log2(45)), Math.ceil(bits / Math.log2(66)),
  ]);
}

/** Data channels: characters, and in brackets the version of the QR code. */
export function dataTable() {
  const rows = Object.keys(NETWORKS).flatMap((network) => (
    RECORDED.filter((it) => it.network === network && it.what === 'data' && toItself(it))
      .sort((one, other) => one.maker.localeCompare(other.maker) || other.type.localeCompare(one.type))
      .map(dataRow)));
  return [...head(['candidates', 'by', 'raw', 'original (QR)', 'ours (QR)', 'ours (link)', 'floor, bits',
    'floor (QR)', 'floor (link)']), ...rows].join('\n');
}

const WHATS = {
  audio: 'audio', video: 'audio, video', watch: 'audio, video, received only',
  all: 'audio, video, data', apart: 'the same, not bundled',
};

/** @param {Recorded} it */
function mediaRow(it) {
  const { what, maker, type, sdp } = it;
  const [qr, url] = /** @type {const} */ (['qr', 'url']).map((alphabet) => compact(it, { alphabet }).length);
  return row([
    WHATS[/** @type {'audio'} */ (what)], who(maker, type), sdp.length,
    `${qr} (${version(ALPHANUMERIC, qr)})`, url, `${Math.round((qr / sdp.length) * 100)} %`,
  ]);
}

/** Audio and video, with one IPv4 candidate a transport. */
export function mediaTable() {
  const rows = Object.keys(WHATS).flatMap((what) => (
    RECORDED.filter((it) => it.network === 'ipv4' && it.what === what && toItself(it))
      .sort((one, other) => one.maker.localeCompare(other.maker) || other.type.localeCompare(one.type))
      .map(mediaRow)));
  return [...head(['what', 'by', 'raw', 'ours (QR)', 'ours (link)', 'of raw']), ...rows].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(`${dataTable()}\n\n${mediaTable()}`);
}
