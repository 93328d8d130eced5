/** webrtc-star over event streams and POST, as docs/star.md has it. */

import assert from 'node:assert/strict';

import { EventSource } from 'eventsource';

import { EventStream, KINDS, kind, onSite, overServers, request, until } from './harness.mjs';
import { Node, handshake, newAddr, withNodes } from './star.mjs';

const TWO = ['lighttpd FastCGI', 'lighttpd CGI'].map(kind);
const QUICK = { star_tick_ms: 400 };
const PRESENT = { result: 'present' };
const QUEUED = { result: 'queued' };

/** @param {import('./http.mjs').Answer} answer @param {number} status @param {RegExp} detail */
function problem({ status: got, headers, json, text }, status, detail) {
  assert.equal(got, status, text);
  assert.equal(headers['content-type'], 'application/problem+json');
  assert.match(json.detail, detail);
}

/** A final event, and 204 for who comes again. @param {Node} node @param {string} event @param {RegExp} reason */
async function ended(node, event, reason) {
  await node.broken();
  assert.equal(node.ending?.event, event);
  assert.match(node.ending?.data.reason, reason);
  assert.equal(node.lastEventId, 'final');
  const again = await EventStream.open(node.url(), { lastEventId: 'final' });
  assert.equal(again.status, 204);
  await again.close();
}

// ---- over every web server

overServers('webrtc-star', { settings: QUICK, kinds: KINDS }, {
  'introduces two to each other': ({ server }) => withNodes(server, 2, async (one, two) => {
    await until('each to know of the other', () => one.peers.has(two.addr) && two.peers.has(one.addr));
    const data = `{"intentId":"i", "srcMultiaddr":"${one.addr}","dstMultiaddr":"${two.addr}","signal":{"type":"offer",`
      + '"sdp":"v=0\\r\\n"},"n":12345678901234567890123,"u":"\\ud800"}';
    assert.deepEqual(await one.say(`{"event":"ss-handshake","data":${data}}`), PRESENT);
    assert.equal(await two.raw(), data);
    const answer = handshake(one.addr, two.addr, { signal: { type: 'answer' }, answer: true });
    assert.deepEqual(await two.say(answer), PRESENT);
    assert.deepEqual(await one.hear(), answer.data);
    problem(await two.post(handshake(one.addr, two.addr)), 403, /srcMultiaddr/);
    assert.deepEqual([one, two].flatMap((it) => [it.inbox, it.gaps]), [[], [], [], []]);
    assert.ok(!one.peers.has(one.addr) && !two.peers.has(two.addr), 'nobody is told of itself');
  }),
});

// ---- in full

overServers('a stream of webrtc-star', { settings: QUICK, kinds: TWO }, {
  'has a comment, retry and an id at once, then what it joined': async ({ server }) => {
    const node = new Node(server);
    const stream = await EventStream.open(node.url());
    assert.equal(stream.headers['content-type'], 'text/event-stream');
    assert.equal(stream.headers['cache-control'], 'no-cache, no-transform');
    assert.equal(stream.headers['access-control-allow-origin'], '*');
    assert.deepEqual(await stream.next(), { comments: [], event: 'joined', data: `{"addr":"${node.addr}"}` });
    assert.ok(stream.blocks[0].comments.length > 0 && stream.retry >= 50);
    assert.match(stream.lastEventId, /^[0-9a-f]{16}-\d+$/);
    await stream.close();
  },

  'goes on from its cursor': ({ server }) => withNodes(server, 2, async (one, two) => {
    await one.say(handshake(one.addr, two.addr, { n: 1 }));
    assert.equal((await two.hear()).n, 1);
    await two.drop();
    await one.say([2, 3].map((n) => handshake(one.addr, two.addr, { n })));
    await two.connect();
    assert.deepEqual([(await two.hear()).n, (await two.hear()).n], [2, 3]);
    await two.nothingElse();
    assert.deepEqual([two.joins, two.gaps], [1, []]);
  }),

  'loses nothing when the process is killed before it is delivered': ({ server }) =>
    withNodes(server, 2, async (one, two) => {
      await two.drop();
      await one.say(handshake(one.addr, two.addr, { n: 1 }), '&n=1');
      await server.kill9();
      await one.broken();
      await one.say(handshake(one.addr, two.addr, { n: 2 }), '&n=2');
      assert.deepEqual(await one.say(handshake(one.addr, two.addr, { n: 1 }), '&n=1'), { result: 'repeated' });
      await Promise.all([one, two].map((it) => it.connect()));
      assert.deepEqual([(await two.hear()).n, (await two.hear()).n], [1, 2]);
      await Promise.all([one, two].map((it) => it.nothingElse()));
      assert.deepEqual([one.gaps, two.gaps, one.joins, two.joins], [[], [], 1, 1]);
    }),

  'is superseded by the same token': ({ server }) => withNodes(server, 1, async (one) => {
    const again = await Node.open(server, one);
    await ended(one, 'superseded', /another stream/);
    await again.nothingElse();
    await again.drop();
  }),

  'is told who is there, again and again, but not of itself': ({ server }) => withNodes(server, 3, async (...all) => {
    await until('all to know', () => all.every((it) => it.peers.size >= 2));
    all.forEach((it) => it.peers.clear());
    await until('all to hear again', () => all.every((it) => it.peers.size >= 2));
    const [gone, ...left] = all;
    await gone.say({ event: 'ss-leave', data: gone.addr });
    await ended(gone, 'close', /left/);
    await until('nobody to hear of who left', async () => {
      left.forEach((it) => it.peers.clear());
      await until('a tick', () => left.every((it) => it.peers.size > 0));
      return left.every((it) => !it.peers.has(gone.addr));
    });
    assert.ok(all.every((it) => !it.peers.has(it.addr)));
  }),
});

// Where the listening socket outlives the process: EventSource gives up on a 503.
overServers('an EventSource of webrtc-star', { settings: QUICK, kinds: ['nginx FastCGI', 'lighttpd CGI'].map(kind) }, {
  'without any token comes back after a kill, as the same node': ({ server }) => withNodes(server, 1, async (one) => {
    const node = new Node(server, { token: '' });
    const source = new EventSource(node.url());
    /** @type {any[]} */
    const said = [];
    try {
      for (const name of ['joined', 'ws-handshake', 'gap']) {
        source.addEventListener(name, (/** @type {any} */ it) => said.push([name, JSON.parse(it.data)]));
      }
      const [, joined] = await until('what it joined', () => said[0]);
      assert.equal(joined.addr, node.addr);
      await one.say(handshake(one.addr, node.addr, { n: 1 }));
      await until('a handshake', () => said.length === 2);
      await server.kill9();
      await one.broken();
      await one.say(handshake(one.addr, node.addr, { n: 2 }));
      await until('another', () => said.length === 3);
      assert.deepEqual(said.slice(1).map(([name, { n }]) => [name, n]), [['ws-handshake', 1], ['ws-handshake', 2]]);
      node.token = joined.token;
      await one.connect();
      assert.deepEqual(await node.say(handshake(node.addr, one.addr, { n: 3 })), PRESENT);
      assert.equal((await one.hear()).n, 3);
    } finally {
      source.close();
    }
  }),
});

overServers('a multiaddr', { settings: QUICK, kinds: TWO }, {
  'is not given to somebody else while its holder is there': ({ server }) => withNodes(server, 2, async (one, two) => {
    const thief = new Node(server, { addr: one.addr });
    await thief.connect();
    await ended(thief, 'addr-taken', /somebody else/);
    problem(await thief.post(handshake(one.addr, two.addr)), 401, /not that of who joined/);
    problem(await two.post({ event: 'ss-join', data: one.addr }), 409, /somebody else/);
    problem(await two.post({ event: 'ss-leave', data: one.addr }), 403, /has not joined/);
    await Promise.all([one, two].map((it) => it.nothingElse()));
  }),

  'passes on to a page that was loaded again, with what waits for it': ({ server }) => withNodes(server, 2, async (one, two) => {
    await two.drop();
    await until('the server to notice', async () =>
      (await one.say(handshake(one.addr, two.addr))).result === 'queued');
    const again = await Node.open(server, { addr: two.addr });
    while ((await one.say(handshake(one.addr, two.addr, { last: true }))).result !== 'present') {
      // what it sends meanwhile waits, too
    }
    for (let last; !last;) {
      ({ last } = await again.hear());
    }
    problem(await two.post(handshake(two.addr, one.addr)), 401, /not that of who joined/);
    await two.connect();
    await ended(two, 'close', /passed on/);
    await again.drop();
  }),

  'may be one of several': ({ server }) => withNodes(server, 2, async (one, two) => {
    const more = [newAddr(), newAddr()];
    assert.deepEqual(await one.say(more.map((data) => ({ event: 'ss-join', data }))), [{ result: 'joined' }, { result: 'joined' }]);
    assert.deepEqual(await two.say(handshake(two.addr, more[1], { n: 1 })), PRESENT);
    assert.equal((await one.hear()).n, 1);
    assert.deepEqual(await one.say(handshake(more[0], two.addr, { n: 2 })), PRESENT);
    assert.equal((await two.hear()).n, 2);
    assert.deepEqual(await one.say({ event: 'ss-leave', data: more[0] }), { result: 'left' });
    problem(await one.post(handshake(more[0], two.addr)), 403, /srcMultiaddr/);
    await Promise.all([one, two].map((it) => it.nothingElse()));
  }),
});

overServers('events of webrtc-star', { settings: QUICK, kinds: TWO }, {
  'that are bad are refused, each with a reason, and disturb nobody': ({ server }) => withNodes(server, 2, async (one, two) => {
    const ok = handshake(one.addr, two.addr, { n: 1 });
    /** @type {[any, number, RegExp][]} */
    const bad = [
      ['{event:1}', 400, /not JSON/], ['', 400, /not JSON/], ['"ss-join"', 400, /an event is an object/],
      [{ event: 'ws-peer', data: one.addr }, 400, /event is ss-join/], [{ event: 'ss-join' }, 400, /data is missing/],
      [{ event: 'ss-join', data: null }, 400, /not a multiaddr/], [{ event: 'ss-join', data: 'x' }, 400, /slash/],
      [{ event: 'ss-join', data: '/x\n' }, 400, /control/], [{ event: 'ss-handshake', data: 'garbage' }, 400, /not a JSON object/],
      [{ event: 'ss-handshake', data: null }, 400, /not a JSON object/], [{ event: 'ss-handshake', data: [ok.data] }, 400, /not a JSON object/],
      [{ event: 'ss-handshake', data: { srcMultiaddr: one.addr } }, 400, /dstMultiaddr/],
      [handshake(two.addr, one.addr), 403, /srcMultiaddr/], [handshake(one.addr, two.addr, { answer: true }), 403, /dstMultiaddr/],
      ['['.repeat(1000), 400, /nested too deep/], ['\u0000\u0001', 400, /not JSON/],
    ];
    for (const [body, status, reason] of bad) {
      problem(await one.post(body), status, reason);
    }
    const events = bad.map(([body]) => body).filter((it) => typeof it !== 'string');
    const results = await one.say([ok, ...events, ok]);
    assert.deepEqual([results.shift(), results.pop()], [PRESENT, PRESENT]);
    assert.ok(results.every((/** @type {any} */ it) => it.result === 'refused' && it.status >= 400 && it.reason), JSON.stringify(results));
    assert.deepEqual([(await two.hear()).n, (await two.hear()).n], [1, 1]);
    await Promise.all([one, two].map((it) => it.nothingElse()));
  }),

  'for nobody come back': ({ server }) => withNodes(server, 1, async (one) => {
    const lost = handshake(one.addr, newAddr(), { intentId: 'i' });
    assert.deepEqual(await one.say(lost), { result: 'returned' });
    assert.deepEqual(await one.hear(), { ...lost.data, err: 'peer is not available' });
  }),

  'need an address and a token': async ({ server }) => {
    const cases = /** @type {[string, RegExp][]} */ ([
      ['', /addr is missing/], ['?addr=', /addr is missing/], ['?addr=ip4', /slash/], ['?addr=/a&token=', /token is 1 to/],
      [`?addr=/a&token=${'t'.repeat(256)}`, /token is 1 to/],
    ]);
    for (const [query, reason] of cases) {
      problem(await request(server.url(`/star${query}`)), 400, reason);
      problem(await request(server.url(`/star${query}`), { method: 'POST', body: '{}' }), 400, reason);
    }
    for (const query of ['?addr=/a%0Ab', '?addr=/a%00b', '?addr=/%ff', '?addr=/a&token=%0d']) {
      assert.equal((await request(server.url(`/star${query}`))).status, 400, query);  // some by the web server
    }
    problem(await request(server.url('/star?addr=/a'), { method: 'POST', body: '{}' }), 400, /token is missing/);
    problem(await request(server.url('/star?addr=/a&token=t'), { method: 'POST', body: '{}' }), 401, /nobody has joined/);
    assert.equal((await request(server.url('/star'), { method: 'PUT', body: '{}' })).status, 405);
  },

  'take a multiaddr of 512 bytes and none longer': ({ server }) => withNodes(server, 1, async (one) => {
    const longest = newAddr().padEnd(512, 'x');
    const node = await Node.open(server, { addr: longest });
    assert.deepEqual(await one.say(handshake(one.addr, longest, { n: 1 })), PRESENT);
    assert.equal((await node.hear()).n, 1);
    problem(await request(new Node(server, { addr: `${longest}x` }).url()), 413, /too long/);
    problem(await one.post({ event: 'ss-join', data: `${longest}x` }), 413, /too long/);
    await node.drop();
  }),

  'have a number, and are carried out once': ({ server }) => withNodes(server, 2, async (one, two) => {
    const events = [1, 2].map((n) => handshake(one.addr, two.addr, { n }));
    assert.deepEqual(await one.say(events, '&n=1'), [PRESENT, PRESENT]);
    assert.deepEqual(await one.say(events, '&n=1'), [{ result: 'repeated' }, { result: 'repeated' }]);
    assert.deepEqual([(await two.hear()).n, (await two.hear()).n], [1, 2]);
    await two.nothingElse();
  }),
});

overServers('a handshake nobody takes', { settings: { ...QUICK, star_expire_ms: 500 }, kinds: [TWO[0]] }, {
  'goes back to its sender': ({ server }) => withNodes(server, 2, async (one, two) => {
    await two.drop();
    const lost = handshake(one.addr, two.addr, { n: 1 });
    await until('the server to notice', async () => (await one.say(lost)).result === 'queued');
    assert.deepEqual(await one.hear(15_000), { ...lost.data, err: 'peer is not available' });
  }),
});

onSite('nodes behind lighttpd and nginx, CGI and FastCGI', { settings: QUICK }, async (site) => (
  [await site.serve(TWO[1]), await site.serve(kind('nginx FastCGI'))]
), {
  'are at one place': async ([first, second]) => {
    const one = await Node.open(first);
    const two = await Node.open(second);
    await until('each to know of the other', () => one.peers.has(two.addr) && two.peers.has(one.addr));
    assert.deepEqual(await one.say(handshake(one.addr, two.addr, { n: 1 })), PRESENT);
    assert.equal((await two.hear()).n, 1);
    const thief = new Node(second, { addr: one.addr });
    await thief.connect();
    await ended(thief, 'addr-taken', /somebody else/);
    await second.kill9();
    await two.broken();
    assert.ok([PRESENT.result, QUEUED.result].includes((await one.say(handshake(one.addr, two.addr, { n: 2 }))).result));
    await two.connect();
    assert.equal((await two.hear()).n, 2);
    await Promise.all([one, two].map((it) => it.nothingElse()));
    await Promise.all([one, two].map((it) => it.drop()));
  },
});
