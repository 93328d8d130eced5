/** What became of each message of a POST, as docs/peerjs.md has it: ours alone. */

import assert from 'node:assert/strict';

import { overServers, request } from './harness.mjs';
import { Peer, newId, withPeers } from './peerjs.mjs';
import { until } from './proc.mjs';

/** @typedef {import('./harness.mjs').Stage} Stage */

/** @param {string | undefined} dst @param {any} [payload] */
const offer = (dst, payload = 'sdp') => ({ type: 'OFFER', dst, payload });

/** A scene for withPeers. @param {Stage} stage */
const over = ({ server }) => ({ server, wire: /** @type {const} */ ('sse') });

/** @param {Peer} peer @param {any} message @param {string} [query] */
async function answer(peer, message, query) {
  return /** @type {import('./http.mjs').Answer} */ (await peer.send(message, { query }));
}

/** @param {import('./http.mjs').Answer} got @param {number} status @param {RegExp} [detail] */
function problem({ status: is, headers, json, text }, status, detail = /./) {
  assert.equal(is, status, text);
  assert.equal(headers['content-type'], 'application/problem+json');
  assert.equal(json.status, status);
  assert.match(json.detail, detail);
}

const present = { result: 'present' };
const queued = { result: 'queued' };
const dropped = { result: 'dropped' };

overServers('a message is answered', {}, {
  'present: its peer has a stream': (stage) => withPeers(over(stage), 2, async (one, two) => {
    const { status, headers, json } = await answer(one, offer(two.id));
    assert.equal(status, 200);
    assert.match(headers['content-type'] ?? '', /^application\/json/);
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['access-control-allow-origin'], '*');
    assert.deepEqual(json, present);
    assert.deepEqual(await one.say({ type: 'LEAVE', dst: two.id }), present);
    assert.deepEqual(await one.say({ type: 'EXPIRE', dst: two.id }), present);
    for (const type of ['OFFER', 'LEAVE', 'EXPIRE']) {
      assert.equal((await two.value()).type, type);
    }
  }),

  'queued: its peer is away, or has not come': (stage) => withPeers(over(stage), 2, async (one, two) => {
    for (const type of ['OFFER', 'ANSWER', 'CANDIDATE']) {
      assert.deepEqual(await one.say({ type, dst: newId() }), queued);
    }
    await two.drop();
    await until('the server to notice', async () => (await one.say(offer(two.id))).result === 'queued');
  }),

  'dropped: LEAVE or EXPIRE for who is not there': (stage) => withPeers(over(stage), 1, async (one) => {
    assert.deepEqual(await one.say({ type: 'LEAVE', dst: newId() }), dropped);
    assert.deepEqual(await one.say({ type: 'EXPIRE', dst: newId() }), dropped);
  }),

  'heard: a heartbeat': (stage) => withPeers(over(stage), 1, async (one) => {
    assert.deepEqual(await one.say({ type: 'HEARTBEAT' }), { result: 'heard' });
  }),

  'by a problem, if it is refused': (stage) => withPeers(over(stage), 1, async (one) => {
    problem(await answer(one, { type: 'HELLO', dst: one.id }), 400, /OFFER/);
    problem(await answer(one, { type: 'OFFER' }), 400, /dst/);
  }),

  'the same as text/plain, and with anything else as its type': (stage) => withPeers(over(stage), 2, async (one, two) => {
    for (const type of ['text/plain', 'text/plain;charset=UTF-8', 'application/json; charset=utf-8']) {
      const { json } = await /** @type {Promise<any>} */ (one.send(offer(two.id, type), { headers: { 'Content-Type': type } }));
      assert.deepEqual(json, present);
      assert.equal((await two.value()).payload, type);
    }
  }),
});

overServers('an array is answered', {}, {
  'by an array in its order': (stage) => withPeers(over(stage), 2, async (one, two) => {
    const [sent, waits, lost, beat, wrong, wrongToo, last] = await one.say([
      offer(two.id, 1), offer(newId(), 2), { type: 'LEAVE', dst: newId() }, { type: 'HEARTBEAT' },
      { type: 'HELLO' }, 7, offer(two.id, 3),
    ]);
    assert.deepEqual([sent, waits, lost, beat, last], [present, queued, dropped, { result: 'heard' }, present]);
    for (const { result, status, reason } of [wrong, wrongToo]) {
      assert.deepEqual([result, status, typeof reason], ['refused', 400, 'string']);
    }
    assert.deepEqual([(await two.value()).payload, (await two.value()).payload], [1, 3]);
  }),

  'by an empty one, if it is empty': (stage) => withPeers(over(stage), 1, async (one) => {
    assert.deepEqual(await one.say([]), []);
  }),

  'however many it has, up to 256': (stage) => withPeers(over(stage), 2, async (one, two) => {
    const many = Array.from({ length: 256 }, (_, n) => offer(two.id, n));
    assert.deepEqual(await one.say(many), many.map(() => present));
    for (let n = 0; n < 256; n += 1) {
      assert.equal((await two.value()).payload, n);
    }
  }),

  'with a refusal of all of it, if it has more': (stage) => withPeers(over(stage), 2, async (one, two) => {
    for (const length of [257, 4000]) {
      const got = await answer(one, Array.from({ length }, () => ({ type: 'LEAVE', dst: two.id })));
      assert.ok([400, 413].includes(got.status), `${length}: ${got.status}`);
      problem(got, got.status, /256|fewer/i);
    }
    await two.nothingElse();
  }),

  'up to the message with which its sender leaves': (stage) => withPeers(over(stage), 2, async (one, two) => {
    const [before, left, after] = await one.say([offer(two.id, 'before'), { type: 'LEAVE' }, offer(two.id, 'after')]);
    assert.deepEqual([before, left, after.result], [present, { result: 'left' }, 'refused']);
    assert.equal((await two.value()).payload, 'before');
    await two.nothingElse();
  }),
});

overServers('a request with n', {}, {
  'is stored once': (stage) => withPeers(over(stage), 2, async (one, two) => {
    assert.deepEqual(await one.say(offer(two.id, 1), '&n=1'), present);
    assert.deepEqual(await one.say(offer(two.id, 1), '&n=1'), { result: 'repeated' });
    assert.deepEqual(await one.say([offer(two.id, 2), offer(two.id, 3)], '&n=5'), [present, present]);
    assert.deepEqual(await one.say([offer(two.id, 2), offer(two.id, 3)], '&n=5'), [{ result: 'repeated' }, { result: 'repeated' }]);
    assert.deepEqual(await one.say(offer(two.id, 'old'), '&n=4'), { result: 'repeated' });
    assert.deepEqual(await one.say(offer(two.id, 4), '&n=9007199254740991'), present);
    for (const payload of [1, 2, 3, 4]) {
      assert.equal((await two.value()).payload, payload);
    }
    await two.nothingElse();
  }),

  'counts for its sender only': (stage) => withPeers(over(stage), 3, async (one, two, three) => {
    assert.deepEqual(await one.say(offer(three.id, 1), '&n=7'), present);
    assert.deepEqual(await two.say(offer(three.id, 2), '&n=7'), present);
    assert.deepEqual([(await three.value()).payload, (await three.value()).payload], [1, 2]);
  }),

  'that is no number from 1 is refused': (stage) => withPeers(over(stage), 2, async (one, two) => {
    for (const n of ['0', '-1', '1.5', 'x', '', '99999999999999999999', '0x10']) {
      problem(await answer(one, offer(two.id), `&n=${n}`), 400);
    }
    await two.nothingElse();
  }),

  'may be repeated, if it was refused': (stage) => withPeers(over(stage), 2, async (one, two) => {
    problem(await answer(one, { type: 'OFFER' }, '&n=1'), 400);
    assert.deepEqual(await one.say(offer(two.id), '&n=1'), present);
  }),
});

overServers('a POST', {}, {
  'is for who has a stream, and says why not': (stage) => withPeers(over(stage), 2, async (one, two) => {
    /** @param {Record<string, string>} who */
    const say = async (who) => {
      const query = new URLSearchParams({ key: 'peerjs', id: one.id, token: one.token, ...who });
      const body = JSON.stringify(offer(two.id, 'forged'));
      return request(stage.server.url(`/peerjs?${query}`), { method: 'POST', body });
    };
    problem(await say({ key: 'nobody' }), 401, /key/i);
    problem(await say({ id: newId() }), 401, /id/i);
    problem(await say({ token: 'wrong' }), 401, /token/i);
    problem(await say({ token: two.token }), 401, /token/i);
    problem(await say({ token: one.token.toUpperCase() }), 401, /token/i);
    problem(await say({ token: `${one.token}x` }), 401, /token/i);
    for (const lack of ['key', 'id', 'token']) {
      const got = await say({ [lack]: '' });
      assert.ok([400, 401].includes(got.status), `${lack} ${got.status}`);
      problem(got, got.status, /No id, token, or key/);
    }
    await two.nothingElse();
  }),
});
