/** Addresses of candidates as numbers, and back. docs/sdp.md is the specification. */

const IPV4_BITS = 32n;
const GROUP_BITS = 16n;

/** What a version 4 UUID has in these places anyway (RFC 9562): as a mask of their bits. */
const UUID_LOW_BITS = 62n;
const UUID_MIDDLE_BITS = 12n;
const UUID4 = /^([0-9a-f]{8}-[0-9a-f]{4})-4([0-9a-f]{3})-([89ab][0-9a-f]{3}-[0-9a-f]{12})\.local$/;

/** @param {string} text */
function ipv4Value(text) {
  if (!/^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(text)) {
    return undefined;
  }
  const bytes = text.split('.').map(Number);
  const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  return bytes.every((byte) => byte < 256) ? BigInt(value) : undefined;
}

/** @param {bigint} value */
function ipv4Text(value) {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
}

/**
 * @param {string} text
 * @returns {string[] | undefined} eight groups, `::` filled with zeros
 */
function groupsOf(text) {
  const [head, tail, ...more] = text.split('::').map((half) => (half ? half.split(':') : []));
  if (tail === undefined) {
    return head.length === 8 ? head : undefined;
  }
  const gap = 8 - head.length - tail.length;
  return more.length === 0 && gap > 0 ? [...head, ...Array(gap).fill('0'), ...tail] : undefined;
}

/** @param {string} text without a zone, without an IPv4 address in it */
function ipv6Value(text) {
  const groups = groupsOf(text);
  if (!groups?.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) {
    return undefined;
  }
  return groups.reduce((sum, group) => (sum << GROUP_BITS) | BigInt(`0x${group}`), 0n);
}

/**
 * RFC 5952: the first longest run of two or more zeros is `::`.
 * @param {bigint} value
 */
function ipv6Text(value) {
  const shifts = [7n, 6n, 5n, 4n, 3n, 2n, 1n, 0n];
  const text = shifts.map((n) => ((value >> (n * GROUP_BITS)) & 0xffffn).toString(16)).join(':');
  const runs = text.match(/\b0(:0)+\b/g) ?? [];
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  if (!longest) {
    return text;
  }
  const at = text.search(new RegExp(`\\b${longest}\\b`));
  const [head, tail] = [text.slice(0, at), text.slice(at + longest.length)];
  return `${head.replace(/:$/, '')}::${tail.replace(/^:/, '')}`;
}

/** @param {string} text */
function mdnsValue(text) {
  const match = UUID4.exec(text);
  if (!match) {
    return undefined;
  }
  const [high, middle, low] = match.slice(1).map((part) => BigInt(`0x${part.replace(/-/g, '')}`));
  const low62 = low & ((1n << UUID_LOW_BITS) - 1n);
  return (((high << UUID_MIDDLE_BITS) | middle) << UUID_LOW_BITS) | low62;
}

/** @param {bigint} value */
function mdnsText(value) {
  const low = (value & ((1n << UUID_LOW_BITS) - 1n)) | (2n << UUID_LOW_BITS);
  const high = value >> UUID_LOW_BITS;
  const middle = (high & 0xfffn) | 0x4000n;
  const hex = [high >> UUID_MIDDLE_BITS, middle, low]
    .map((part, i) => part.toString(16).padStart([12, 4, 16][i], '0')).join('');
  return `${hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}.local`;
}

/**
 * Kinds of addresses that are a number less than `size`.
 * @typedef {object} Family
 * @property {bigint} size
 * @property {(text: string) => bigint | undefined} value nothing where the text is of another kind
 * @property {(value: bigint) => string} text
 */

/** @type {Record<'ipv4' | 'ipv6' | 'mdns', Family>} */
export const FAMILIES = {
  ipv4: { size: 1n << IPV4_BITS, value: ipv4Value, text: ipv4Text },
  ipv6: { size: 1n << 128n, value: ipv6Value, text: ipv6Text },
  mdns: { size: 1n << 122n, value: mdnsValue, text: mdnsText },
};
