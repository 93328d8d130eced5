/**
 * A second reader of codes, written after docs/sdp.md and not after www/sdp.js, with which it has
 * no line in common but the dictionary. It reads well-formed codes and throws at anything else.
 */

import { WORDS } from '../../www/sdp-words.mjs';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const BASE64 = `${LETTERS}${LETTERS.toLowerCase()}0123456789+/`;
const SYMBOLS = new Map([
  ['A', `0123456789${LETTERS}$%*+-./:`], ['a', `0123456789${LETTERS}${LETTERS.toLowerCase()}`],
]);
const IPV4 = 0;
const IPV6 = 1;
const MDNS = 2;

/** @param {boolean} wrong @param {string} why */
function refuse(wrong, why) {
  if (wrong) {
    throw new Error(why);
  }
}

class Code {
  /** @param {string} code */
  constructor(code) {
    const symbols = SYMBOLS.get(code[0]) ?? '';
    let n = 0n;
    for (const symbol of code.slice(1)) {
      refuse(!symbols.includes(symbol), 'symbol');
      n = n * BigInt(symbols.length) + BigInt(symbols.indexOf(symbol));
    }
    refuse(n % 16777213n !== 1n || code[1] === '0' || code.length > 32768, 'checksum');
    this.m = n / 16777213n;
  }

  /** @param {bigint} radix */
  big(radix) {
    const digit = this.m % radix;
    this.m /= radix;
    return digit;
  }

  /** @param {number} radix */
  of(radix) {
    return Number(this.big(BigInt(radix)));
  }

  more() {
    const follows = this.m > 0n;
    this.m -= follows ? 1n : 0n;
    return follows;
  }

  /** @param {number} count @param {string} from */
  chars(count, from) {
    let text = '';
    while (text.length < count) {
      text += from[this.of(from.length)];
    }
    return text;
  }

  /** ASCII from `first` on. @param {number} count @param {number} first @param {number} radix */
  ascii(count, first, radix) {
    return this.chars(count, String.fromCharCode(...Array.from({ length: radix }, (_, i) => first + i)));
  }

  /** @param {string} usual */
  word(usual) {
    return this.of(2) ? this.ascii(this.of(65), 32, 95) : usual;
  }

  /** Digits of hex. @param {number} bytes */
  hex(bytes) {
    return this.big(1n << BigInt(8 * bytes)).toString(16).padStart(2 * bytes, '0');
  }
}

/** @param {string} hex */
const colons = (hex) => /** @type {string[]} */ (hex.toUpperCase().match(/../g)).join(':');

/** @param {string} hex */
const uuid = (hex) => [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20),
  hex.slice(20)].join('-');

/** @param {Code} code @param {number} family */
function address(code, family) {
  if (family === IPV4) {
    return colons(code.hex(4)).split(':').map((byte) => parseInt(byte, 16)).join('.');
  }
  if (family === IPV6) { // URLs have them as RFC 5952 says
    const groups = /** @type {string[]} */ (code.hex(16).match(/..../g));
    return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
  }
  if (family === MDNS) {
    const bits = code.big(1n << 122n).toString(2).padStart(122, '0');
    const whole = `${bits.slice(0, 48)}0100${bits.slice(48, 60)}10${bits.slice(60)}`;
    return `${uuid(BigInt(`0b${whole}`).toString(16).padStart(32, '0'))}.local`;
  }
  return code.ascii(code.of(255) + 1, 33, 94);
}

const TYPES = ['host', 'srflx', 'prflx', 'relay'];
/** @type {[type: number, family: number][]} */
const USUAL = [[0, IPV4], [0, MDNS], [0, IPV6], [1, IPV4], [1, IPV6], [3, IPV4], [3, IPV6]];
const PREFERENCES = { udp: [126, 100, 110, 2], tcp: [90, 70, 80, 1] };

/** @param {Code} code @param {any[]} before */
function candidate(code, before) {
  const kind = code.of(8);
  const [type, family, protocol] = kind < 7 ? [...USUAL[kind], 0]
    : ((t, p, f) => [t, f, p])(code.of(4), code.of(4), code.of(4));
  const it = { type, protocol, address: address(code, family), port: code.of(65536), raddr: '', rport: 0 };
  if (type !== 0) {
    const related = code.of(4);
    refuse(related === 1 && before.length === 0, 'before');
    const other = related === 1 ? before[code.of(before.length)] : undefined;
    it.raddr = other?.address
      ?? (related === 0 ? (family === IPV6 ? '::' : '0.0.0.0') : address(code, related === 2 ? IPV4 : IPV6));
    it.rport = other?.port ?? (related === 0 ? 0 : code.of(65536));
  }
  return it;
}

/** @param {any} it @param {number} i @param {any[]} all */
function line(it, i, all) {
  const base = (/** @type {any} */ other) => `${other.type} ${other.protocol} ${
    other.type === 0 ? other.address : other.raddr}`;
  const foundation = all.findIndex((other) => base(other) === base(it)) + 1;
  const protocol = it.protocol === 0 ? 'udp' : 'tcp';
  const priority = PREFERENCES[protocol][it.type] * 2 ** 24 + (65535 - i) * 256 + 255;
  return `a=candidate:${foundation} 1 ${protocol} ${priority} ${it.address} ${it.port} typ ${TYPES[it.type]}${
    it.type ? ` raddr ${it.raddr} rport ${it.rport}` : ''}${
    it.protocol ? ` tcptype ${['', 'active', 'passive', 'so'][it.protocol]}` : ''}`;
}

/** @param {Code} code @param {string} type */
function data(code, type) {
  const profile = code.of(3);
  const lengths = { 0: [4, 24, 64], 1: [8, 32, 16] };
  let how = profile === 1 ? lengths[1] : lengths[0];
  let [setup, hash, bytes, limit, port] = [type === 'offer' ? 'actpass' : 'active', 'sha-256', 32,
    profile === 0 ? '262144' : '1073741823', 5000];
  let [mid, options] = ['0', 'trickle'];
  if (profile === 2) {
    const credentials = code.of(3);
    how = credentials === 2 ? [code.of(253) + 4, code.of(235) + 22, 64] : lengths[credentials === 0 ? 0 : 1];
    setup = ['actpass', 'active', 'passive', 'holdconn'][code.of(4)];
    [hash, bytes] = /** @type {[string, number][]} */ (
      [['sha-256', 32], ['sha-1', 20], ['sha-224', 28], ['sha-384', 48], ['sha-512', 64]])[code.of(5)];
    limit = ['262144', '1073741823', ''][code.of(4)] ?? String(code.big(1n << 64n));
    port = code.of(2) ? code.of(65536) : 5000;
    mid = code.word('0');
    options = code.word('trickle');
    refuse(mid === '' || mid.includes(' '), 'mid');
  }
  const chars = how[2] === 64 ? BASE64 : '0123456789abcdef';
  const [ufrag, pwd, fingerprint] = [code.chars(how[0], chars), code.chars(how[1], chars), code.hex(bytes)];
  /** @type {any[]} */
  const candidates = [];
  while (code.more()) {
    candidates.push(candidate(code, candidates));
  }
  return ['v=0', `o=- ${BigInt(`0x${fingerprint}`) % (1n << 62n)} 2 IN IP4 127.0.0.1`, 's=-', 't=0 0',
    `a=group:BUNDLE ${mid}`, 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0',
    ...candidates.map(line), `a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`,
    options && `a=ice-options:${options}`, `a=fingerprint:${hash} ${colons(fingerprint)}`,
    `a=setup:${setup}`, `a=mid:${mid}`, `a=sctp-port:${port}`, limit && `a=max-message-size:${limit}`,
  ].filter(Boolean);
}

/** @param {Code} code */
function text(code) {
  const said = [...Buffer.from(WORDS)];
  const from = said.length;
  let distance = 0;
  const add = (/** @type {string} */ more) => said.push(...Buffer.from(more, 'latin1'));
  const tokens = [
    () => { distance = code.of(said.length) + 1; copy(); },
    () => { refuse(distance === 0, 'again'); copy(); },
    () => add(code.chars(code.of(20) + 1, '0123456789')),
    () => add(code.chars(code.of(32) + 1, '0123456789abcdef')),
    () => add(code.chars(code.of(32) + 1, BASE64)),
    () => add(uuid(code.hex(16))),
    () => add(colons(code.hex(32))),
    () => said.push(code.of(256)),
  ];
  function copy() {
    let length = code.of(64) + 2;
    length += length === 65 ? code.of(4096) : 0;
    for (; length > 0; length -= 1) {
      said.push(said[said.length - distance]);
    }
  }
  while (code.more()) {
    tokens[code.of(8)]();
    refuse(said.length > from + 32768, 'length');
  }
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const lines = decoder.decode(Uint8Array.from(said.slice(from))).split('\n');
  refuse(lines[0] !== 'v=0' || !lines.every((it) => /^[a-z]=[^\0-\x1f]+$/.test(it)), 'line');
  return lines;
}

/** @param {string} code */
export function secondExpand(code) {
  const digits = new Code(code);
  const type = ['offer', 'answer'][digits.of(2)];
  const lines = digits.of(2) ? text(digits) : data(digits, type);
  return { type, sdp: lines.map((it) => `${it}\r\n`).join('') };
}
