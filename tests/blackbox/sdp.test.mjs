/** www/sdp.js: what was recorded from browsers, what is unusual, and what is no code at all. */

import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { DescriptionError, compact, expand } from '../../www/sdp.js';
import { WORDS } from '../../www/sdp-words.mjs';
import { RECORDED, told } from '../descriptions/recorded.mjs';
import { secondExpand } from '../descriptions/second.mjs';
import { dataTable, mediaTable } from '../descriptions/table.mjs';

const ALPHABETS = /** @type {const} */ ({
  qr: /^A[0-9A-Z$%*+\-./:]+$/,
  url: /^a[0-9A-Za-z]+$/,
});
const NAMES = /** @type {('qr' | 'url')[]} */ (Object.keys(ALPHABETS));

describe('recorded descriptions', () => {
  /** Characters at most, by the number of candidates: QR versions 4 and 5 at level L hold 114, 154. */
  const DATA_MOST = [0, 110, 150];

  for (const { name, what, type, sdp } of RECORDED) {
    test(`${name} ${type}`, () => {
      const codes = NAMES.map((alphabet) => compact({ type, sdp }, { alphabet }));
      const [qr, url] = codes;
      NAMES.forEach((alphabet, i) => assert.match(codes[i], ALPHABETS[alphabet]));
      assert.ok(url.length <= qr.length, 'the alphabet for links is no longer');
      const found = expand(qr);
      assert.deepEqual(expand(url), found);
      codes.forEach((code) => assert.deepEqual(secondExpand(code), found));
      assert.equal(found.type, type);
      if (what === 'data') {
        const { candidates } = told(sdp);
        assert.ok(qr.length <= DATA_MOST[candidates.length], `${qr.length} characters`);
        assert.deepEqual(told(found.sdp), told(sdp));
      } else {
        assert.ok(qr.length * 2 <= sdp.length, `${qr.length} characters`);
        assert.equal(found.sdp, sdp);
      }
    });
  }

  test('there are all kinds of them', () => {
    for (const maker of ['chromium', 'firefox']) {
      for (const type of ['offer', 'answer']) {
        const kinds = RECORDED.filter((it) => it.maker === maker && it.type === type);
        assert.deepEqual([...new Set(kinds.map(({ network }) => network))].sort(),
          ['dual', 'dual-mdns', 'ipv4', 'mdns', 'stun', 'stun-mdns']);
      }
    }
  });
});

describe('sizes', () => {
  const HOSTS = ['255.255.255.255', 'ffffffff-ffff-4fff-bfff-ffffffffffff.local'];
  const HIGH = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
  /** Credentials and the limit of messages, the greatest there are. @type {[string, string, string][]} */
  const MAKERS = [
    ['/'.repeat(4), '/'.repeat(24), '262144'], ['f'.repeat(8), 'f'.repeat(32), '1073741823'],
  ];

  /** @param {string} type @param {[string, string, string]} maker @param {string[]} addresses */
  function greatest(type, [ufrag, pwd, limit], addresses) {
    const lines = ['v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=-', 't=0 0', 'a=group:BUNDLE 0',
      'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0',
      ...addresses.map((it, i) => `a=candidate:1 1 udp ${2 ** 31 - 1 - i} ${it} 65535 typ host`),
      `a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`, 'a=ice-options:trickle',
      `a=fingerprint:sha-256 ${Array(32).fill('FF').join(':')}`,
      `a=setup:${type === 'offer' ? 'actpass' : 'active'}`, 'a=mid:0', 'a=sctp-port:5000',
      `a=max-message-size:${limit}`];
    return { type, sdp: lines.map((line) => `${line}\r\n`).join('') };
  }

  test('no values make more than 110 or 150 characters', () => {
    for (const type of ['offer', 'answer']) {
      for (const maker of MAKERS) {
        for (const host of HOSTS) {
          const one = compact(greatest(type, maker, [host]));
          const two = HOSTS.concat(HIGH).map((it) => compact(greatest(type, maker, [host, it])));
          assert.ok(one.length <= 110, `${one.length} characters`);
          two.forEach((code) => assert.ok(code.length <= 150, `${code.length} characters`));
        }
      }
    }
  });

  /** Payload types that are free to choose. */
  const FREE = [...Array(128).keys()].filter((it) => it >= 96 || (it >= 35 && it <= 63));
  const other = (/** @type {string} */ type) => (
    FREE.includes(Number(type)) ? String(FREE[(FREE.indexOf(Number(type)) * 7 + 13) % FREE.length]) : type);

  /** @param {string} sdp */
  function renumbered(sdp) {
    return sdp.replace(/^(a=(?:rtpmap|fmtp|rtcp-fb):)(\d+)/gm, (_, name, it) => name + other(it))
      .replace(/apt=(\d+)/g, (_, it) => `apt=${other(it)}`)
      .replace(/^(m=\w+ \d+ UDP\/TLS\/RTP\/SAVPF)(.*)$/gm, (_, begin, types) => (
        begin + types.replace(/\d+/g, other)))
      .replace(/^(a=fmtp:\d+) (\d+)\/(\d+)/gm, (_, begin, it, too) => `${begin} ${other(it)}/${other(too)}`);
  }

  test('of browsers that number their codecs otherwise, it is at most a third', () => {
    for (const { type, sdp } of RECORDED.filter(({ what }) => what !== 'data')) {
      const changed = { type, sdp: renumbered(sdp) };
      const code = compact(changed);
      assert.notEqual(changed.sdp, sdp);
      assert.deepEqual(expand(code), changed);
      assert.ok(code.length * 3 <= sdp.length, `${code.length} of ${sdp.length}`);
    }
  });
});

describe('what is refused', () => {
  const [{ type, sdp }] = RECORDED;
  const code = compact({ type, sdp });

  /** @param {string} why @param {() => unknown} run */
  const refuses = (why, run) => assert.throws(run, (error) => (
    error instanceof DescriptionError && error.name === 'DescriptionError' && error.code === why
    && error.message.length > 0));

  const FOREIGN = Array.from({ length: 10000 }, (_, i) => String.fromCodePoint(0x100 + i * 7 % 50000));

  /** @type {[string, string, any][]} */
  const DESCRIPTIONS = [
    ['nothing', 'description', undefined], ['null', 'description', null],
    ['a text', 'description', sdp], ['no type', 'description', { sdp }],
    ['a rollback', 'description', { type: 'rollback', sdp: '' }],
    ['a provisional answer', 'description', { type: 'pranswer', sdp }],
    ['no lines', 'description', { type, sdp: '' }],
    ['another beginning', 'description', { type, sdp: `s=-\r\n${sdp}` }],
    ['a line that is none', 'description', { type, sdp: `${sdp}hello\r\n` }],
    ['an empty line', 'description', { type, sdp: `${sdp}\r\na=x\r\n` }],
    ['a zero byte', 'description', { type, sdp: `${sdp}a=\0\r\n` }],
    ['half a character', 'description', { type, sdp: `${sdp}a=\ud800\r\n` }],
    ['far too long', 'description', { type, sdp: `${sdp}${'a=x\r\n'.repeat(9000)}` }],
    ['long, and nothing like a description', 'description',
      { type, sdp: `v=0\r\ns=${FOREIGN.join('')}\r\n` }],
  ];
  for (const [name, why, description] of DESCRIPTIONS) {
    test(`as a description: ${name}`, () => refuses(why, () => compact(description)));
  }

  /** @type {[string, string, any][]} */
  const CODES = [
    ['nothing', 'alphabet', undefined], ['an empty one', 'alphabet', ''], ['a number', 'alphabet', 7],
    ['a link', 'version', 'https://example.org/'], ['a digit', 'alphabet', '12345'],
    ['the next version', 'version', `B${code.slice(1)}`], ['the tag alone', 'checksum', 'A'],
    ['small letters', 'alphabet', code.toLowerCase()], ['a blank in it', 'alphabet', code.replace(/.{9}$/, ' $&')],
    ['a zero before it', 'checksum', `A0${code.slice(1)}`], ['one with its last half only', 'checksum', `A${code.slice(50)}`],
    ['far too long', 'content', `A${'1'.repeat(40000)}`],
  ];
  for (const [name, why, text] of CODES) {
    test(`as a code: ${name}`, () => refuses(why, () => expand(text)));
  }

  test('an alphabet that is none', () => {
    refuses('alphabet', () => compact({ type, sdp }, { alphabet: /** @type {any} */ ('constructor') }));
  });

  test('blanks around a code are none of it', () => {
    assert.deepEqual(expand(` \r\n${code}\n`), expand(code));
  });
});

describe('docs/sdp.md', () => {
  const page = readFileSync(new URL('../../docs/sdp.md', import.meta.url), 'utf8');

  test('has the tables', () => {
    const table = (/** @type {string} */ name) => (
      new RegExp(`<!-- ${name} -->\\n([^]*?)\\n<!-- -->`).exec(page)?.[1]);
    assert.equal(table('data'), dataTable());
    assert.equal(table('media'), mediaTable());
  });

  test('has codes and what they say', () => {
    const found = [...page.matchAll(/```code\n([^]*?)\n```\n\n```sdp (\w+)\n([^]*?)```/g)];
    assert.equal(found.length, 3);
    for (const [, codes, type, sdp] of found) {
      for (const code of codes.split('\n')) {
        assert.deepEqual(expand(code), { type, sdp: sdp.replaceAll('\n', '\r\n') });
        assert.equal(compact(expand(code), { alphabet: code.startsWith('A') ? 'qr' : 'url' }), code);
      }
    }
  });

  test('names the dictionary', () => {
    assert.ok(page.includes(`${WORDS.length} ASCII characters`));
    assert.ok(page.includes(createHash('sha256').update(WORDS).digest('hex')));
    assert.match(WORDS, /^[\n\x20-\x7e]+\n$/);
  });
});
