/**
 * www/sdp.js with descriptions at random, and codes that are damaged or made by nobody. More of
 * them, or others, with FUZZ_ROUNDS and FUZZ_SEED in the environment.
 */

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { DescriptionError, compact, expand } from '../../www/sdp.js';
import { write } from '../../www/sdp-number.mjs';
import { Random } from '../descriptions/random.mjs';
import { RECORDED, told } from '../descriptions/recorded.mjs';
import { secondExpand } from '../descriptions/second.mjs';

const ROUNDS = Number(process.env.FUZZ_ROUNDS ?? 500);
const SEED = Number(process.env.FUZZ_SEED ?? 1);

const SYMBOLS = {
  qr: '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ$%*+-./:',
  url: '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
};
const ALPHABETS = /** @type {('qr' | 'url')[]} */ (Object.keys(SYMBOLS));

/** A code of each form by each browser, in each alphabet. */
const CODES = RECORDED.filter(({ network, what }) => (
  what === 'data' || (network === 'ipv4' && what === 'audio'))).flatMap((it) => (
  ALPHABETS.map((alphabet) => ({ alphabet, code: compact(it, { alphabet }) }))));

/**
 * Runs it; an error must be a DescriptionError.
 * @template T
 * @param {() => T} run
 * @returns {{value?: T, refused?: string}} one of both
 */
function attempt(run) {
  try {
    return { value: run() };
  } catch (error) {
    assert.ok(error instanceof DescriptionError, String(/** @type {any} */ (error).stack));
    return { refused: error.code };
  }
}

/** @param {number} rounds @param {(random: Random) => void} body */
function times(rounds, body) {
  for (let i = 0; i < rounds; i += 1) {
    try {
      body(new Random(SEED * 1_000_003 + i));
    } catch (error) {
      throw new Error(`round ${i} of seed ${SEED}: ${error}`, { cause: error });
    }
  }
}

/** @param {string} name @param {number} rounds @param {(random: Random) => void} body */
function repeat(name, rounds, body) {
  test(name, () => times(rounds, body));
}

/** Refused, because of what the checksum says. @param {string} code */
const misread = (code) => attempt(() => expand(code)).refused === 'checksum';

// ---- what goes in comes out

/** The best first. */
const KINDS = ['host udp', 'prflx udp', 'srflx udp', 'host tcp', 'prflx tcp', 'srflx tcp',
  'relay udp', 'relay tcp'];

/** Without what may be said in several ways, candidates type by type. @param {string} sdp */
function toldAtLeast(sdp) {
  const all = told(sdp);
  const rank = (/** @type {{type: string, protocol: string}} */ it) => (
    KINDS.indexOf(`${it.type} ${it.protocol}`));
  const candidates = all.candidates.sort((one, other) => rank(one) - rank(other)).map((it) => ({
    ...it, more: it.more.replace(/^raddr (0\.0\.0\.0|::) rport 0/, 'hidden'),
  }));
  return { ...all, candidates, sctpPort: all.sctpPort ?? '5000' };
}

repeat('any description of a data channel comes back', ROUNDS, (random) => {
  const description = random.data();
  for (const alphabet of ALPHABETS) {
    const found = expand(compact(description, { alphabet }));
    assert.equal(found.type, description.type);
    assert.deepEqual(toldAtLeast(found.sdp), toldAtLeast(description.sdp));
    assert.notEqual(found.sdp, description.sdp, 'the small form was taken');
  }
});

repeat('what a code says has the same code again, and is what the specification says', ROUNDS, (random) => {
  const code = compact(random.data());
  assert.equal(compact(expand(code)), code);
  assert.deepEqual(secondExpand(code), expand(code));
});

repeat('an unusual line is kept, with all others', ROUNDS / 10, (random) => {
  const { type, sdp } = random.data();
  const lines = sdp.split('\r\n').slice(0, -1);
  lines.splice(5 + random.below(lines.length - 5), 0, random.of(
    ['a=x-unknown:1', 'a=tls-id:a81e3ad5c0f24b7c', 'b=AS:30', 'a=ice-lite', 'a=recvonly', 'a=ä€𐍈']));
  const unusual = { type, sdp: lines.map((line) => `${line}\r\n`).join('') };
  assert.deepEqual(expand(compact(unusual)), unusual);
});

// ---- misread

test('each single misread character is refused', () => {
  for (const { code, alphabet } of CODES.filter((_, i) => i % 9 === 0)) {
    for (let at = 1; at < code.length; at += 1) {
      for (const symbol of SYMBOLS[alphabet].replace(code[at], '')) {
        assert.ok(misread(code.slice(0, at) + symbol + code.slice(at + 1)), `${code}, ${at}: ${symbol}`);
      }
    }
  }
});

test('any two that are exchanged are refused', () => {
  for (const { code } of CODES.filter((_, i) => i % 9 === 0)) {
    for (let at = 1; at < code.length; at += 1) {
      for (let to = at + 1; to < code.length; to += 1) {
        const other = [...code];
        [other[at], other[to]] = [other[to], other[at]];
        assert.ok(code[at] === code[to] || misread(other.join('')), `${code}, ${at}, ${to}`);
      }
    }
  }
});

repeat('up to four neighbours that are misread are refused', ROUNDS, (random) => {
  const { code, alphabet } = random.of(CODES);
  const length = 1 + random.below(4);
  const at = 1 + random.below(code.length - length);
  const other = code.slice(0, at) + random.text(length, SYMBOLS[alphabet]) + code.slice(at + length);
  assert.ok(other === code || misread(other), other);
});

repeat('up to three too many or too few at the end are refused', ROUNDS, (random) => {
  const { code, alphabet } = random.of(CODES);
  const length = 1 + random.below(3);
  assert.ok(misread(code + random.text(length, SYMBOLS[alphabet])));
  assert.ok(misread(code.slice(0, -length)));
});

// ---- nobody's

repeat('a damaged code is refused', ROUNDS * 4, (random) => {
  const { code, alphabet } = random.of(CODES);
  const other = random.damage(code, random.once(4) ? `${SYMBOLS.url}${SYMBOLS.qr} ä\0` : SYMBOLS[alphabet]);
  const { refused } = attempt(() => expand(other));
  assert.ok(refused || other.trim() === code, other);
});

/**
 * A number is refused, by the other reader too, or a description that says the same when it has
 * been through once more.
 * @param {bigint} number
 */
function isAccepted(number) {
  const code = write(number, 'url');
  const { value, refused } = attempt(() => expand(code));
  if (!value) {
    assert.equal(refused, 'content');
    assert.throws(() => secondExpand(code));
    return false;
  }
  assert.deepEqual(secondExpand(code), value);
  assert.match(value.sdp, /^v=0\r\n([a-z]=[^\r\n]+\r\n)*$/);
  const again = expand(compact(value));
  assert.deepEqual(toldAtLeast(again.sdp), toldAtLeast(value.sdp));
  assert.deepEqual(expand(compact(again)), again);
  return true;
}

test('any number is a description or refused', () => {
  let accepted = 0;
  times(ROUNDS * 2, (random) => {
    accepted += isAccepted(random.large(random.below(2000))) ? 1 : 0;
  });
  assert.ok(accepted > ROUNDS / 10, `${accepted} are descriptions`);
});

repeat('a damaged description is refused or comes back', ROUNDS / 2, (random) => {
  const { type, sdp } = random.once(3) ? random.of(RECORDED) : random.data();
  const { value } = attempt(() => compact({ type, sdp: random.damage(sdp, '\r\n= :0a\0ä') }));
  if (value !== undefined) {
    assert.equal(compact(expand(value)), value);
  }
});
