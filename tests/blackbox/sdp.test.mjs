/** www/sdp.js: what was recorded from browsers, what is unusual, and what is no code at all. */

import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { DescriptionError, compact, expand } from '../../www/sdp.js';
import { RECORDED, told } from '../descriptions/recorded.mjs';

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
