/**
 * The HTTP stream of PeerJS up to 0.3, byte by byte: on peer 0.2.10, for which its clients were
 * made, and on ours. Its clients handle one line at a time and stall on an empty one (see
 * docs/peerjs.md), so ours takes more care than the released server did.
 */

import assert from 'node:assert/strict';

import { Peer, differs, isOurs, newId, overAll, withPeers } from './peerjs.mjs';
import { request } from './http.mjs';
import { Process, signal, until } from './proc.mjs';

/** @typedef {import('./peerjs.mjs').Scene} Scene */

const JSON_TYPE = { 'Content-Type': 'application/json' };
const PADDING = '0'.repeat(2048);
/** Between two lines at least, in ms: on average, and where the first came late and the second did not. */
const PACE_MS = 55;
const PACE_LEAST_MS = 15;

/** @param {string | undefined} dst @param {any} payload */
const offer = (dst, payload) => ({ type: 'OFFER', dst, payload });

/** @param {Scene} scene @param {string} path @param {any} body @param {string} [method] */
function post({ server }, path, body, method = 'POST') {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return request(server.url(path), { method, headers: JSON_TYPE, body: text });
}

/**
 * Streams of the same peer, one after the other, as a client opens them.
 * @param {Scene} scene
 */
async function handOver(scene) {
  const peer = await Peer.open(scene.server, scene);
  const old = peer.down;
  await peer.connect();
  assert.match(peer.address, /\?i=2$/);
  return { peer, old };
}

overAll('the old stream', { wires: ['stream'] }, {
  'begins with 2,048 zeros and OPEN, a line each': (scene) => withPeers(scene, 1, async ({ down }) => {
    assert.equal(down.status, 200);
    assert.match(down.head['content-type'], /^application\/octet-stream/);
    assert.equal(down.head['content-length'], undefined);
    assert.equal(down.padding, PADDING);
    assert.deepEqual(down.lines[0], '{"type":"OPEN"}');
    const all = down.reads.map((/** @type {any} */ it) => it.text).join('');
    assert.ok(all.startsWith(`${PADDING}\n{"type":"OPEN"}\n`), all);
  }),

  'may be read by any page': async ({ server, wire }) => {
    const peer = await Peer.open(server, { wire, headers: { Origin: 'https://app.example' } });
    assert.match(peer.down.head['access-control-allow-origin'], /^(\*|https:\/\/app\.example)$/);
    await peer.drop();
  },

  'has a line for each message': (scene) => withPeers(scene, 2, async (one, two) => {
    for (let n = 0; n < 8; n += 1) {
      await one.say(offer(two.id, { n, text: 'one\ntwo\r\nthree' }));
    }
    for (let n = 0; n < 8; n += 1) {
      assert.equal((await two.value()).payload.n, n);
    }
    const lines = two.down.lines.filter((/** @type {string} */ it) => it !== '{"type":"NOP"}');
    assert.equal(lines.length, 9);
    assert.ok(!two.down.lines.includes(''), 'an empty line stalls its clients for ever');
    if (isOurs(scene.server)) {
      paced(two.down.reads);
    }
  }),

  'is handed over: i=1 goes on where i=0 was': async (scene) => {
    const { peer, old } = await handOver(scene);
    const other = await Peer.open(scene.server, scene);
    await other.say(offer(peer.id, 'to the new one'));
    assert.deepEqual(await peer.value(), { type: 'OFFER', src: other.id, dst: peer.id, payload: 'to the new one' });
    await old.end();
    await other.say(offer(peer.id, 'after the old one'));
    assert.equal((await peer.value()).payload, 'after the old one');
    await peer.say(offer(other.id, 'back'));
    assert.equal((await other.value()).src, peer.id);
    await Promise.all([peer, other].map((it) => it.down.end()));
  },

  'is handed over again and again, and loses nothing': async (scene) => {
    const { peer } = await handOver(scene);
    const other = await Peer.open(scene.server, scene);
    for (let n = 0; n < 6; n += 1) {
      const before = peer.down;
      await Promise.all([other.say(offer(peer.id, n)), peer.connect()]);
      const now = peer.down;
      await until(`message ${n}`, () => [before, now].some((it) => it.inbox.length > 0));
      const heard = [before, now].flatMap((it) => it.inbox.splice(0));
      assert.deepEqual(heard.map((it) => it.value.payload), [n]);
      await before.end();
    }
    await Promise.all([peer, other].map((it) => it.down.end()));
  },

  'begins again with i=0: reconnect()': async (scene) => {
    const peer = await Peer.open(scene.server, scene);
    const old = peer.down;
    await peer.restart();
    const opens = differs(scene.server, {
      why: 'a released server sends no second OPEN, and reconnect() of its clients never opens',
      released: 0, ours: 1,
    });
    for (let n = 0; n < opens; n += 1) {
      assert.deepEqual(await peer.value(), { type: 'OPEN' });
    }
    const other = await Peer.open(scene.server, scene);
    await other.say(offer(peer.id, 'again'));
    assert.equal((await peer.value()).payload, 'again');
    await old.end();
    await Promise.all([peer, other].map((it) => it.down.end()));
  },
});

/**
 * Lines came whole, and one by one.
 * @param {{at: number, text: string}[]} reads
 */
function paced(reads) {
  const after = reads.slice(reads.findIndex(({ text }) => text.includes('"OPEN"')));
  for (const [n, { at, text }] of after.entries()) {
    assert.ok(text.endsWith('\n'), `a line came in pieces: ${JSON.stringify(text)}`);
    const real = text.split('\n').filter((it) => it !== '' && it !== '{"type":"NOP"}' && it !== PADDING);
    assert.ok(real.length <= 1, `two lines came at once: ${JSON.stringify(text)}`);
    const gap = n === 0 ? Infinity : at - after[n - 1].at;
    assert.ok(gap >= PACE_LEAST_MS, `a line came ${gap} ms after the one before`);
  }
  const mean = (after[after.length - 1].at - after[0].at) / (after.length - 1);
  assert.ok(mean >= PACE_MS, `lines came every ${mean} ms`);
}

overAll('messages by the old addresses', { wires: ['stream'] }, {
  'are accepted from their peer': (scene) => withPeers(scene, 2, async (one, two) => {
    for (const type of ['OFFER', 'ANSWER', 'CANDIDATE', 'LEAVE']) {
      const answer = await post(scene, `${one.path}/${type.toLowerCase()}`, { type, dst: two.id, payload: 1 });
      assert.equal(answer.status, 200, answer.text);
      assert.equal((await two.value()).type, type);
    }
  }),

  'are refused with another token': (scene) => withPeers(scene, 2, async (one, two) => {
    for (const token of ['wrong', two.token]) {
      const answer = await post(scene, `/peerjs/${one.id}/${token}/offer`, offer(two.id, 'forged'));
      assert.equal(answer.status, 401);
      if (isOurs(scene.server)) {
        assert.match(answer.text, /Invalid token provided/);
      }
    }
    await two.nothingElse();
  }),

  'are refused from an id nobody holds': (scene) => withPeers(scene, 1, async (one) => {
    const answer = await post(scene, `/peerjs/${newId()}/token/offer`, offer(one.id, 'from nobody'));
    assert.equal(answer.status, 401);
    await one.nothingElse();
  }),

  'are refused under an unknown key': (scene) => withPeers(scene, 1, async (one) => {
    const answer = await post(scene, `/nobody/${one.id}/${one.token}/offer`, offer(one.id, 1));
    assert.equal(answer.status, 401);
    if (isOurs(scene.server)) {
      assert.match(answer.text, /Invalid key provided/);
    }
  }),
});

/**
 * curl, left running.
 * @param {string[]} args
 */
const curl = (...args) => new Process(['curl', '-sS', '-N', ...args], { cwd: '/' });

overAll('plain curl', { wires: ['stream'] }, {
  'speaks the old wire': async ({ server }) => {
    const [one, two] = [newId(), newId()];
    const listening = curl('-d', '', server.url(`/peerjs/${two}/secret-2/id?i=0`));
    const speaking = curl('-d', '', server.url(`/peerjs/${one}/secret-1/id?i=0`));
    for (const it of [listening, speaking]) {
      await until('OPEN', () => /^0{2048}\n\{"type":"OPEN"\}\n/.test(String(it.output)));
    }
    const say = curl('-H', 'Content-Type: application/json', '-w', '%{http_code}', '-d',
      JSON.stringify(offer(two, 'hello')), server.url(`/peerjs/${one}/secret-1/offer`));
    await say.ended;
    assert.match(String(say.output), /200$/);
    const line = `{"type":"OFFER","src":"${one}","dst":"${two}","payload":"hello"}\n`;
    await until('the offer', () => String(listening.output).endsWith(line));
    [listening, speaking].forEach((it) => signal(it.pid, 'SIGTERM'));
  },
});
