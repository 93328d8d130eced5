/**
 * Candidates of a description: their lines, and their digits. docs/sdp.md is the specification.
 *
 * Foundation and priority are not carried: the first is made of what the candidate is, the second
 * of its type and place (RFC 8445, section 5.1).
 */

import { FAMILIES } from './sdp-address.mjs';
import { DescriptionError } from './sdp-number.mjs';

/** @typedef {import('./sdp-number.mjs').Digits} Digits */
/** @typedef {import('./sdp-number.mjs').DigitReader} DigitReader */

/**
 * @typedef {object} Endpoint
 * @property {string} address an IP address or a name
 * @property {number} port
 */

/**
 * @typedef {object} CandidateFields
 * @property {string} type host, srflx, prflx or relay
 * @property {string} transport udp, or tcp with its tcptype after a blank
 * @property {Endpoint} [related] none: it is hidden, or the candidate is a host's
 */

/** @typedef {Endpoint & CandidateFields} Candidate */

const PORTS = 65536;
const NAME_MAX = 255;
/** Printable ASCII but the blank: what a name is made of here. */
const NAME_FIRST = 0x21;
const NAME_RADIX = 94;

const TYPES = ['host', 'srflx', 'prflx', 'relay'];
const TRANSPORTS = ['udp', 'tcp active', 'tcp passive', 'tcp so'];
/** Kinds of addresses of unusual candidates. */
const ADDRESSES = ['ipv4', 'ipv6', 'mdns', 'name'];

/** The usual candidates, all of them UDP. The kind after these is any other candidate. */
const KINDS = [
  { type: 'host', family: 'ipv4' },
  { type: 'host', family: 'mdns' },
  { type: 'host', family: 'ipv6' },
  { type: 'srflx', family: 'ipv4' },
  { type: 'srflx', family: 'ipv6' },
  { type: 'relay', family: 'ipv4' },
  { type: 'relay', family: 'ipv6' },
];

/** What is known of the related address: hidden, that of a candidate before, or its own. */
const RELATED = ['hidden', 'before', 'ipv4', 'ipv6'];

/** RFC 8445, section 5.1.2.2; for TCP lower, as RFC 6544 wants it. */
const PREFERENCES = {
  udp: { host: 126, prflx: 110, srflx: 100, relay: 2 },
  tcp: { host: 90, prflx: 80, srflx: 70, relay: 1 },
};

const LINE = new RegExp('^a=candidate:[\\w+/]+ 1 (udp|tcp) (\\d+) (\\S+) (\\d+)'
  + ' typ (host|srflx|prflx|relay)(?: raddr (\\S+) rport (\\d+))?(?: tcptype (active|passive|so))?((?: \\S+ \\S*)*)$', 'i');

/** Extensions that say nothing to another peer. */
const SILENT = /^( (generation|network-id|network-cost) \d+)*$/;

/** @param {string} address */
function familyOf(address) {
  return ADDRESSES.find((name) => name === 'name'
    || FAMILIES[/** @type {'ipv4'} */ (name)].value(address) !== undefined) ?? 'name';
}

/** @param {Endpoint} it */
function isHidden({ address, port }) {
  return port === 0 && /^(0\.0\.0\.0|::)$/.test(address);
}

/**
 * @param {string[]} fields address and port
 * @returns {Endpoint}
 */
function endpoint([address, port]) {
  const family = FAMILIES[/** @type {'ipv4'} */ (familyOf(address))];
  const text = family ? family.text(family.value(address) ?? 0n) : address;
  return { address: text, port: Number(port) };
}

/** @param {string} name */
const isName = (name) => name.length <= NAME_MAX && /^[\x21-\x7e]+$/.test(name);

/**
 * @param {Candidate} it
 * @returns {boolean} whether digits can tell it
 */
function isTellable({ address, port, type, transport, related }) {
  return isName(address) && port < PORTS && /^(udp|tcp .+)$/.test(transport)
    && (!related || (type !== 'host' && related.port < PORTS && familyOf(related.address) !== 'name'
      && familyOf(related.address) !== 'mdns'));
}

/**
 * @param {string} line
 * @returns {{priority: number, candidate: Candidate} | undefined} nothing where it is unknown
 */
export function parseCandidate(line) {
  const match = LINE.exec(line);
  if (!match || !SILENT.test(match[9])) {
    return undefined;
  }
  const [, protocol, priority, address, port, type, raddr, rport, tcptype] = match;
  const related = raddr === undefined ? undefined : endpoint([raddr, rport]);
  const candidate = {
    ...endpoint([address, port]),
    type: type.toLowerCase(),
    transport: [protocol, tcptype].filter(Boolean).join(' ').toLowerCase(),
    ...(related && !isHidden(related) ? { related } : {}),
  };
  return isTellable(candidate) ? { priority: Number(priority), candidate } : undefined;
}

/**
 * Nobody connects to it: an active TCP candidate is where connections come from, and its port is
 * always the same (RFC 6544, section 4.5).
 * @param {Candidate} it
 */
export const isSilent = ({ type, transport, port }) => (
  type === 'host' && transport === 'tcp active' && port === 9);

/** @param {Candidate} it */
function preference({ type, transport }) {
  const [protocol] = /** @type {['udp' | 'tcp']} */ (transport.split(' '));
  return PREFERENCES[protocol][/** @type {'host'} */ (type)];
}

/**
 * The best first: by type and protocol, and among those of one by what they were given.
 * @param {{priority: number, candidate: Candidate}[]} candidates
 */
export function inOrder(candidates) {
  return candidates.sort((one, other) => (
    preference(other.candidate) - preference(one.candidate) || other.priority - one.priority))
    .map(({ candidate }) => candidate);
}

/**
 * The related address as a line has it.
 * @param {Candidate} it
 * @returns {Endpoint}
 */
function relatedOf({ address, related }) {
  return related ?? { address: familyOf(address) === 'ipv6' ? '::' : '0.0.0.0', port: 0 };
}

/**
 * What candidates of one foundation have in common.
 * @param {Candidate} it
 */
function origin(it) {
  const { address } = it.type === 'host' ? it : relatedOf(it);
  return `${it.type} ${it.transport} ${address}`;
}

/**
 * @param {Candidate} candidate
 * @param {number} index
 * @param {Candidate[]} all
 */
export function candidateLine(candidate, index, all) {
  const { address, port, type, transport } = candidate;
  const [protocol, tcptype] = transport.split(' ');
  const priority = preference(candidate) * 2 ** 24 + (65535 - index) * 2 ** 8 + 255;
  const related = relatedOf(candidate);
  const foundation = all.findIndex((it) => origin(it) === origin(candidate)) + 1;
  return [
    `a=candidate:${foundation} 1 ${protocol} ${priority} ${address} ${port} typ ${type}`,
    ...(type === 'host' ? [] : [`raddr ${related.address} rport ${related.port}`]),
    ...(tcptype ? [`tcptype ${tcptype}`] : []),
  ].join(' ');
}

// ---- digits

/**
 * @param {Digits} digits
 * @param {string} name
 */
function putName(digits, name) {
  digits.put(name.length - 1, NAME_MAX);
  [...name].forEach((char) => digits.put(char.charCodeAt(0) - NAME_FIRST, NAME_RADIX));
}

/** @param {DigitReader} reader */
function takeName(reader) {
  const codes = Array.from({ length: reader.take(NAME_MAX) + 1 }, () => reader.take(NAME_RADIX));
  return String.fromCharCode(...codes.map((code) => code + NAME_FIRST));
}

/**
 * @param {Digits} digits
 * @param {string} family one of ADDRESSES
 * @param {Endpoint} it
 */
function putEndpoint(digits, family, { address, port }) {
  const known = FAMILIES[/** @type {'ipv4'} */ (family)];
  if (known) {
    digits.put(known.value(address) ?? 0n, known.size);
  } else {
    putName(digits, address);
  }
  digits.put(port, PORTS);
}

/**
 * @param {DigitReader} reader
 * @param {string} family one of ADDRESSES
 */
function takeEndpoint(reader, family) {
  const known = FAMILIES[/** @type {'ipv4'} */ (family)];
  const address = known ? known.text(reader.takeLarge(known.size)) : takeName(reader);
  return { address, port: reader.take(PORTS) };
}

/**
 * @param {Digits} digits
 * @param {Endpoint | undefined} related
 * @param {Candidate[]} before
 */
function putRelated(digits, related, before) {
  const same = before.findIndex(({ address, port }) => (
    address === related?.address && port === related?.port));
  if (!related || same >= 0) {
    digits.put(RELATED.indexOf(related ? 'before' : 'hidden'), RELATED.length);
    digits.put(Math.max(same, 0), related ? before.length : 1);
  } else {
    const family = familyOf(related.address);
    digits.put(RELATED.indexOf(family), RELATED.length);
    putEndpoint(digits, family, related);
  }
}

/**
 * @param {DigitReader} reader
 * @param {Candidate[]} before
 */
function takeRelated(reader, before) {
  const how = RELATED[reader.take(RELATED.length)];
  if (how === 'hidden') {
    return {};
  }
  if (how !== 'before') {
    return { related: takeEndpoint(reader, how) };
  }
  if (before.length === 0) {
    throw new DescriptionError('content', 'a candidate is related to one before the first');
  }
  const { address, port } = before[reader.take(before.length)];
  return { related: { address, port } };
}

/**
 * @param {Digits} digits
 * @param {Candidate} candidate
 * @param {Candidate[]} before
 */
export function putCandidate(digits, candidate, before) {
  const { type, transport, address, related } = candidate;
  const family = familyOf(address);
  const usual = KINDS.findIndex((it) => (
    transport === 'udp' && it.type === type && it.family === family));
  digits.put(usual < 0 ? KINDS.length : usual, KINDS.length + 1);
  if (usual < 0) {
    digits.put(TYPES.indexOf(type), TYPES.length);
    digits.put(TRANSPORTS.indexOf(transport), TRANSPORTS.length);
    digits.put(ADDRESSES.indexOf(family), ADDRESSES.length);
  }
  putEndpoint(digits, family, candidate);
  if (type !== 'host') {
    putRelated(digits, related, before);
  }
}

/** @param {DigitReader} reader */
function takeKind(reader) {
  const usual = KINDS[reader.take(KINDS.length + 1)];
  return usual ? { ...usual, transport: 'udp' } : {
    type: TYPES[reader.take(TYPES.length)],
    transport: TRANSPORTS[reader.take(TRANSPORTS.length)],
    family: ADDRESSES[reader.take(ADDRESSES.length)],
  };
}

/**
 * @param {DigitReader} reader
 * @param {Candidate[]} before
 * @returns {Candidate}
 */
export function takeCandidate(reader, before) {
  const { type, transport, family } = takeKind(reader);
  const where = takeEndpoint(reader, family);
  return { ...where, type, transport, ...(type === 'host' ? {} : takeRelated(reader, before)) };
}
