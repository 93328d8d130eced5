/** www/sdp.js: what was recorded from browsers, what is unusual, and what is no code at all. */

import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { DescriptionError, compact, expand } from '../../www/sdp.js';
import { Digits, write } from '../../www/sdp-number.mjs';
import { putText } from '../../www/sdp-text.mjs';
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

describe('one section of a data channel', () => {
  const { type, sdp } = /** @type {typeof RECORDED[number]} */ (
    RECORDED.find(({ name }) => name === 'ipv4-data-chromium'));
  const [, address] = /** @type {RegExpExecArray} */ (/ udp \d+ (\S+) /.exec(sdp));

  /** Changes, and whether the small form tells what is left. @type {[string, boolean, string | RegExp, string][]} */
  const CHANGES = [
    ['as it is', true, '', ''],
    ['without candidates', true, /a=candidate.*\r\n/g, ''],
    ['without ICE options', true, /a=ice-options.*\r\n/, ''],
    ['without a limit of messages', true, /a=max-message-size.*\r\n/, ''],
    ['without an SCTP port', true, /a=sctp-port.*\r\n/, ''],
    ['with lines that end in LF alone', true, /\r\n/g, '\n'],
    ['without a last line end', true, /\r\n$/, ''],
    ['with its fingerprint at both levels', true, /(t=0 0\r\n)([^]*)(a=fingerprint:.*\r\n)/, '$1$3$2$3'],
    ['with a hash in capitals', true, 'sha-256', 'SHA-256'],
    ['with an active TCP candidate', true, /(a=candidate:)(.*) udp (.*) \d+ typ host/, '$1$2 udp $3 1 typ host\r\n$1$2 tcp $3 9 typ host tcptype active'],
    ['without a group', false, /a=group.*\r\n/, ''],
    ['with a group of others', false, 'BUNDLE 0', 'BUNDLE 0 1'],
    ['without a mid', false, /a=mid.*\r\n/, ''],
    ['without credentials', false, /a=ice-(ufrag|pwd).*\r\n/g, ''],
    ['without a fingerprint', false, /a=fingerprint.*\r\n/, ''],
    ['with a second fingerprint', false, /a=fingerprint.*\r\n/, '$&a=fingerprint:sha-1 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13\r\n'],
    ['with a fingerprint too short', false, /(sha-256 .*):..\r/, '$1\r'],
    ['with a hash nobody knows', false, 'sha-256', 'sha-257'],
    ['with a role nobody knows', false, 'actpass', 'passact'],
    ['with a short password', false, /a=ice-pwd:.{3}/, 'a=ice-pwd:'],
    ['that is rejected', false, /m=application \d+/, 'm=application 0'],
    ['over TCP', false, 'UDP/DTLS', 'TCP/DTLS'],
    ['with a time', false, 't=0 0', 't=1 2'],
    ['for receiving only', false, 'a=mid', 'a=recvonly\r\na=mid'],
    ['with an end of two kinds', false, 'a=mid:0', 'a=mid:0\r\na=mid:1'],
    ['with a candidate of a second component', false, / 1 udp/, ' 2 udp'],
    ['with a candidate that says more', false, 'network-cost', 'network-price'],
    ['with a candidate of another protocol', false, ' udp ', ' sctp '],
    ['with a port nobody has', false, /\d+ typ host/, '65536 typ host'],
    ['with a related address that is a name', false, 'typ host', 'typ srflx raddr a.example rport 1'],
  ];
  for (const [name, small, from, to] of CHANGES) {
    test(name, () => {
      const changed = sdp.replace(from, to);
      const found = expand(compact({ type, sdp: changed })).sdp;
      assert.equal(found.includes('m=application 9 '), small);
      if (!small) {
        assert.notEqual(changed, sdp);
        assert.equal(found, changed);
      }
    });
  }

  /** Addresses as they may be written, and as they come back. @type {[string, string][]} */
  const ADDRESSES = [
    ['0.0.0.0', '0.0.0.0'], ['255.255.255.255', '255.255.255.255'], ['::', '::'], ['::1', '::1'],
    ['0:0:0:0:0:0:0:0', '::'], ['FE80::1', 'fe80::1'], ['1::', '1::'], ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['2001:0DB8:0000:0000:0008:0800:200c:417a', '2001:db8::8:800:200c:417a'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'], ['1:0:0:2:3:0:0:4', '1::2:3:0:0:4'], ['0:1:0:1:0:1:0:1', '0:1:0:1:0:1:0:1'],
    ['10:0:0:1:1:1:1:1', '10::1:1:1:1:1'], // and what is none is a name, kept as it is
    ['1:2:3:4:5:6:7::8', '1:2:3:4:5:6:7::8'], ['1::2::3', '1::2::3'], ['::ffff:1.2.3.4', '::ffff:1.2.3.4'],
    ['fe80::1%eth0', 'fe80::1%eth0'], ['256.1.1.1', '256.1.1.1'], ['01.1.1.1', '01.1.1.1'],
    ['00000000-0000-4000-8000-000000000000.local', '00000000-0000-4000-8000-000000000000.local'],
    ['ffffffff-ffff-4fff-bfff-ffffffffffff.local', 'ffffffff-ffff-4fff-bfff-ffffffffffff.local'],
    ['ffffffff-ffff-1fff-bfff-ffffffffffff.local', 'ffffffff-ffff-1fff-bfff-ffffffffffff.local'],
    ['FFFFFFFF-ffff-4fff-bfff-ffffffffffff.local', 'FFFFFFFF-ffff-4fff-bfff-ffffffffffff.local'],
  ];
  for (const [from, to] of ADDRESSES) {
    test(`at ${from}`, () => {
      const changed = sdp.replace(` ${address} `, ` ${from} `);
      const [candidate] = told(expand(compact({ type, sdp: changed })).sdp).candidates;
      assert.equal(candidate.address, to);
    });
  }
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

  /** A code of the text form. @param {string} text @param {(digits: Digits) => void} [more] */
  function textCode(text, more = () => {}) {
    const digits = new Digits();
    digits.put(0, 2);
    digits.put(1, 2);
    putText(digits, text);
    more(digits);
    return write(digits.number(), 'qr');
  }

  /** As many characters more, as the last copy. @param {Digits} digits @param {number} times */
  function again(digits, times) {
    for (let i = 0; i < times; i += 1) {
      digits.more();
      digits.put(1, 8);
      digits.put(63, 64);
      digits.put(4095, 4096);
    }
  }

  test('a text that is no UTF-8', () => {
    assert.equal(expand(textCode('v=0\ns=\xc3\xa4')).sdp, 'v=0\r\ns=ä\r\n');
    refuses('content', () => expand(textCode('v=0\ns=\xc3')));
  });

  test('a text that grows too long', () => {
    const start = `v=0\ns=${'a'.repeat(99)}`;
    assert.equal(expand(textCode(start, (digits) => again(digits, 7))).sdp.length, 5 + 2 + 99 + 7 * 4160 + 2);
    refuses('content', () => expand(textCode(start, (digits) => again(digits, 8))));
  });

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
