/**
 * PeerJS's messages over event streams, long poll and POST, as docs/peerjs.md has them: ours alone, so
 * there is no released server to hold it against.
 */

import assert from 'node:assert/strict';

import { EventStream, overServers, raw, request } from './harness.mjs';
import { Peer, newId, newToken, withPeers } from './peerjs.mjs';
import { until } from './proc.mjs';

/** @typedef {import('./harness.mjs').Stage} Stage */

/** @param {string | undefined} dst @param {any} [payload] */
const offer = (dst, payload = 'sdp') => ({ type: 'OFFER', dst, payload });

/** A scene for withPeers. @param {Stage} stage @param {'sse' | 'poll'} [wire] */
const over = ({ server }, wire = 'sse') => ({ server, wire });

/** @param {import('./http.mjs').Answer} answer @param {number} status @param {RegExp} [detail] */
function problem({ status: got, headers, json, text }, status, detail = /./) {
  assert.equal(got, status, text);
  assert.equal(headers['content-type'], 'application/problem+json');
  assert.equal(json.status, status);
  assert.match(json.detail, detail);
}

/** @param {Peer} peer @param {string} [more] of the query */
const poll = (peer, more = '') => request(peer.server.url(`/peerjs?${peer.query}&transport=poll${more}`), { timeout: 20_000 });

overServers('an event stream for a peer', {}, {
  'has a comment, retry and an id at once, then OPEN': async ({ server }) => {
    const peer = new Peer(server, { wire: 'sse' });
    const stream = await EventStream.open(peer.address);
    assert.equal(stream.status, 200);
    assert.equal(stream.headers['content-type'], 'text/event-stream');
    assert.equal(stream.headers['cache-control'], 'no-cache, no-transform');
    assert.equal(stream.headers['access-control-allow-origin'], '*');
    const first = await stream.next();
    assert.deepEqual([first?.event, first?.data, first?.id], [undefined, '{"type":"OPEN"}', undefined]);
    assert.ok(stream.blocks[0].comments.length > 0);
    assert.ok(stream.retry >= 50 && stream.retry <= 100);
    assert.match(stream.lastEventId, /^[0-9a-f]{16}-\d+$/);
    await stream.close();
  },

  'names no type, with or without Accept, with a slash or without': async ({ server }) => {
    for (const path of ['/peerjs', '/peerjs/']) {
      const peer = new Peer(server, { wire: 'sse' });
      const url = server.url(`${path}?${peer.query}&version=1.5.5`);
      const stream = await EventStream.open(url, { headers: { Accept: '*/*' } });
      assert.equal((await stream.next())?.data, '{"type":"OPEN"}');
      await stream.close();
    }
  },

  'has an id for each message, and the payload as its sender wrote it': (stage) =>
    withPeers(over(stage), 2, async (one, two) => {
      const payload = '{"n":12345678901234567890123,"u":"\\ud800","z":-0, "e":1E2,"a":[ ]}';
      const first = two.down.cursor();
      await one.say(`{"payload":${payload},"dst":"${two.id}","type":"OFFER"}`);
      const { raw: text, id } = await two.down.hear();
      assert.equal(text, `{"type":"OFFER","src":"${one.id}","dst":"${two.id}","payload":${payload}}`);
      assert.notEqual(id, first);
      assert.equal(id, two.down.cursor());
    }),

  'ends for good when the same token opens another': (stage) => withPeers(over(stage), 1, async (one) => {
    const again = new Peer(stage.server, { wire: 'sse', id: one.id, token: one.token });
    await again.connect();
    const { event, data } = await until('the end of the first', () => one.down.ending);
    assert.equal(event, 'superseded');
    assert.equal(typeof data.reason, 'string');
    await staysAway(one);
    await again.drop();
  }),

  'ends for good when its peer leaves': (stage) => withPeers(over(stage), 1, async (one) => {
    assert.deepEqual(await one.say({ type: 'LEAVE' }), { result: 'left' });
    const { event, data } = await until('the end', () => one.down.ending);
    assert.equal(event, 'close');
    assert.equal(data.code, 1000);
    await staysAway(one);
    problem(/** @type {any} */ (await one.send(offer(newId()))), 401);
  }),

  'ends for good for a key nobody knows, an id that is taken': (stage) => withPeers(over(stage), 1, async (one) => {
    for (const who of [{ key: 'nobody' }, { id: one.id }, { token: '' }]) {
      const { peer } = await Peer.refused(stage.server, { wire: 'sse', ...who });
      await staysAway(peer);
    }
  }),
});

/** A final end: a long retry, an id that is answered 204. @param {Peer} peer */
async function staysAway(peer) {
  await until('the end of the stream', () => peer.down.over);
  assert.equal(peer.down.stream.retry, 86_400_000);
  assert.equal(peer.down.stream.lastEventId, 'final');
  const headers = { Accept: 'text/event-stream', 'Last-Event-ID': 'final' };
  const again = await request(peer.address, { headers });
  assert.deepEqual([again.status, again.text], [204, '']);
}

overServers('a long poll for a peer', {}, {
  'answers OPEN and a cursor at once': async ({ server }) => {
    const peer = new Peer(server, { wire: 'poll' });
    const began = performance.now();
    const { status, headers, json } = await poll(peer);
    assert.equal(status, 200);
    assert.match(headers['content-type'] ?? '', /^application\/json/);
    assert.deepEqual(json.messages, [{ type: 'OPEN' }]);
    assert.match(json.cursor, /^[0-9a-f]{16}-\d+$/);
    assert.ok(performance.now() - began < 1500);
  },

  'answers nothing when the hold time is over': (stage) => withPeers(over(stage), 1, async (one) => {
    const peer = new Peer(one.server, { wire: 'poll' });
    const { cursor } = (await poll(peer)).json;
    const began = performance.now();
    const { json } = await poll(peer, `&cursor=${cursor}`);
    assert.deepEqual(json.messages, []);
    assert.ok(performance.now() - began > 1500, 'hold_ms is 2000 here');
  }),

  'answers what waits, and then what comes': (stage) => withPeers(over(stage), 1, async (one) => {
    const peer = new Peer(one.server, { wire: 'poll' });
    let { cursor } = (await poll(peer)).json;
    await one.say([offer(peer.id, 1), offer(peer.id, 2)]);
    const both = await poll(peer, `&cursor=${cursor}`);
    assert.deepEqual(both.json.messages.map((/** @type {any} */ it) => it.payload), [1, 2]);
    ({ cursor } = both.json);
    const [later] = await Promise.all([poll(peer, `&last_event_id=${cursor}`), one.say(offer(peer.id, 3))]);
    assert.deepEqual(later.json.messages, [{ type: 'OFFER', src: one.id, dst: peer.id, payload: 3 }]);
  }),

  'gives the same again for the same cursor': (stage) => withPeers(over(stage), 1, async (one) => {
    const peer = new Peer(one.server, { wire: 'poll' });
    const { cursor } = (await poll(peer)).json;
    await one.say(offer(peer.id, 'lost on its way'));
    const first = await poll(peer, `&cursor=${cursor}`);
    assert.deepEqual((await poll(peer, `&cursor=${cursor}`)).json.messages, first.json.messages);
  }),

  'ends with final: true, and 204 to who comes again': (stage) => withPeers(over(stage), 1, async (one) => {
    for (const [who, type] of /** @type {const} */ ([[{ id: one.id }, 'ID-TAKEN'], [{ key: 'nobody' }, 'ERROR']])) {
      const peer = new Peer(stage.server, { wire: 'poll', ...who });
      const { status, json } = await poll(peer);
      assert.equal(status, 200);
      assert.deepEqual([json.messages.length, json.messages[0].type], [1, type]);
      assert.deepEqual([json.cursor, json.final], ['final', true]);
      assert.equal((await poll(peer, '&cursor=final')).status, 204);
    }
  }),

  'is told when another one with the same token takes over': async ({ server }) => {
    const peer = new Peer(server, { wire: 'poll' });
    const { cursor } = (await poll(peer)).json;
    const first = poll(peer, `&cursor=${cursor}`);
    const stream = new Peer(server, { wire: 'sse', id: peer.id, token: peer.token });
    await new Promise((resolve) => { setTimeout(resolve, 300); });  // behind CGI nothing shows that it is held
    await stream.connect();
    const { json } = await first;
    assert.deepEqual([json.cursor, json.final, json.event], ['final', true, 'superseded']);
    await stream.drop();
  },

  'is told when its peer has left, even if it comes after': async ({ server }) => {
    const peer = new Peer(server, { wire: 'poll' });
    const { cursor } = (await poll(peer)).json;
    await peer.say({ type: 'LEAVE' });
    const { json } = await poll(peer, `&cursor=${cursor}`);
    assert.deepEqual([json.cursor, json.final, json.event], ['final', true, 'close']);
    const next = await Peer.open(server, { wire: 'sse', id: peer.id });
    await next.drop();
  },
});

/**
 * Several connections and one peer.
 * @param {Stage} stage @param {number[]} orders in which its streams arrive
 */
async function arriveInOrder({ server }, orders) {
  const { query } = new Peer(server, { wire: 'sse' });
  const streams = [];
  for (const order of orders) {
    const stream = await EventStream.open(server.url(`/peerjs?${query}&order=${order}`));
    streams.push(stream);
  }
  return streams;
}

overServers('the order of streams', {}, {
  'one that arrives after a later one takes nothing over': async (stage) => {
    const [late, early] = await arriveInOrder(stage, [5, 4]);
    assert.deepEqual([late.status, early.status], [200, 204]);
    assert.equal(late.closed, false);
    await late.close();
  },

  'a later one takes over': async (stage) => {
    const [first, second] = await arriveInOrder(stage, [1, 2]);
    await until('the end of the first', () => first.closed);
    assert.equal(first.lastEventId, 'final');
    assert.equal((await second.next())?.data, '{"type":"OPEN"}');
    await second.close();
  },
});

overServers('an upgrade to WebSocket', {}, {
  'is refused at once to who says a version or asks for it': async ({ server }) => {
    for (const more of ['version=1.5.5', 'transport=websocket']) {
      const answer = await upgrade(server, more);
      assert.match(answer, /^HTTP\/1\.1 501 /);
      assert.match(answer, /application\/problem\+json/);
    }
  },

  'is left without an answer to who does neither': async ({ server }) => {
    await assert.rejects(upgrade(server, 'x=1', 700), /waited 700 ms/);
    const peer = await Peer.open(server, { wire: 'stream' });
    await peer.nothingElse();
    await peer.drop();
  },

  'so left leaves the id to the stream beside it': async ({ server }) => {
    const who = { wire: /** @type {const} */ ('stream'), id: newId(), token: newToken() };
    const held = upgrade(server, new Peer(server, who).query.toString(), 1200).catch((it) => it);
    const peer = await Peer.open(server, who);
    await peer.nothingElse();
    assert.match(String(await held), /waited/);
    await peer.nothingElse();
    await peer.drop();
  },
});

/** @param {import('./site.mjs').Server} server @param {string} query @param {number} [timeout] in ms */
function upgrade(server, query, timeout) {
  const head = [`GET ${server.kind.mount}/peerjs?key=peerjs&id=a&token=b&${query} HTTP/1.1`, 'Host: x', 'Upgrade: websocket',
    'Connection: Upgrade', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', ''];
  return raw(server.port, head.join('\r\n'), { timeout, done: (text) => text.includes('"status"') });
}
