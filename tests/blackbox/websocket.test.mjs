/** PeerJS over WebSockets: what they add to the scenarios every wire has (peerjs-relay.test.mjs). */

import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';

import { TEXT, frame } from './frames.mjs';
import { SOCKET_KINDS, kind, onSite, processesOf, request, signal, until } from './harness.mjs';
import { CALM, Peer, newToken } from './peerjs.mjs';

/** @typedef {import('./site.mjs').Server} Server */

const wire = 'websocket';
/** After this a hub has stored what a stream took; what it took later may come again after a kill. */
const SAVED_MS = 700;
const BEATS = { heartbeat_min_ms: 400, heartbeat_max_ms: 500 };
const TAKEN = { type: 'ID-TAKEN', payload: { msg: 'ID is taken' } };

/** @param {string | undefined} dst @param {any} [payload] */
const offer = (dst, payload = 'sdp') => ({ type: 'OFFER', dst, payload });

/** @param {string} title @param {import('./site.mjs').Settings} settings @param {Record<string, (server: Server) => Promise<void>>} scenarios */
function overSockets(title, settings, scenarios) {
  for (const kind of SOCKET_KINDS) {
    onSite(`${title} · ${kind.name}`, { settings: { ...CALM, ...settings } }, (site) => site.serve(kind), scenarios);
  }
}

/** @param {Server} server @param {number} count @param {(...peers: Peer[]) => Promise<void>} act */
async function withPeers(server, count, act) {
  const peers = await Promise.all(Array.from({ length: count }, () => Peer.open(server, { wire })));
  await act(...peers);
  await Promise.all(peers.map((it) => it.down.end()));
}

/** The peer says goodbye as a page does that goes. @param {Peer} peer */
async function close(peer, code = 1000) {
  peer.down.socket.close(code);
  await until('the end of a closed WebSocket', () => peer.down.over);
}

overSockets('peers on WebSockets', BEATS, {
  'find each other, and others on event streams and polls': (server) => withPeers(server, 2, async (one, two) => {
    const others = await Promise.all([Peer.open(server, { wire: 'sse' }), Peer.open(server, { wire: 'poll' })]);
    for (const other of [two, ...others]) {
      await one.say(offer(other.id, 'offered'));
      assert.deepEqual(await other.value(), { type: 'OFFER', src: one.id, dst: other.id, payload: 'offered' });
      await other.say({ type: 'ANSWER', dst: one.id, payload: 'answered' });
      assert.deepEqual(await one.value(), { type: 'ANSWER', src: other.id, dst: one.id, payload: 'answered' });
    }
    await Promise.all(others.map((it) => it.leave()));
  }),

  'hear a burst whole and in order': (server) => withPeers(server, 2, async (one, two) => {
    for (let n = 0; n < 500; n += 1) {
      await one.say(offer(two.id, n));
    }
    for (let n = 0; n < 500; n += 1) {
      assert.equal((await two.value()).payload, n);
    }
    await two.nothingElse();
  }),

  'are known to get through, once something was heard': (server) => withPeers(server, 1, async (one) => {
    await one.say({ type: 'HEARTBEAT' });
    await until('health to say so', async () => (await request(server.url('/health'))).json.websocket === 'yes');
  }),

  'may say many things in one message': (server) => withPeers(server, 2, async (one, two) => {
    await one.say([offer(two.id, 1), { type: 'HEARTBEAT' }, 'nonsense', offer(two.id, 2)]);
    assert.deepEqual([(await two.value()).payload, (await two.value()).payload], [1, 2]);
    await one.nothingElse();
  }),

  'stay as long as they answer pings': (server) => withPeers(server, 1, async (one) => {
    await delay(4 * BEATS.heartbeat_max_ms);
    await one.nothingElse();
  }),

  'are refused with a word and a close frame': async (server) => {
    const one = await Peer.open(server, { wire });
    for (const [who, told] of /** @type {[any, any][]} */ ([
      [{ id: one.id }, TAKEN],
      [{ key: 'nobody-has-this' }, { type: 'ERROR', payload: { msg: 'Invalid key provided' } }],
      [{ token: '' }, { type: 'ERROR', payload: { msg: 'No id, token, or key supplied to websocket server' } }],
    ])) {
      const refused = new Peer(server, { wire, ...who });
      await refused.connect();
      const closed = new Promise((resolve) => { refused.down.socket.on('close', resolve); });
      assert.deepEqual(await refused.value(), told);
      assert.equal(await closed, 1000, 'a close frame came');
    }
    await close(one);
  },
});

/** lighttpd passes CONNECT of HTTP/2 (RFC 8441) on as an upgrade; browsers use that where they have HTTP/2 already. */
onSite('over HTTP/2', { settings: CALM }, (site) => site.serve(kind('lighttpd CGI, upgrading')), {
  'a WebSocket is one all the same': async (server) => {
    const two = await Peer.open(server, { wire });
    const who = new Peer(server, { wire });
    const session = http2.connect(server.origin);
    const stream = session.request({
      ':method': 'CONNECT', ':protocol': 'websocket', ':path': who.address.replace(server.origin, ''), 'sec-websocket-version': '13',
    });
    let heard = '';
    stream.on('data', (bytes) => { heard += bytes; });
    await until('OPEN', () => heard.includes('{"type":"OPEN"}'));
    stream.write(frame(TEXT, JSON.stringify(offer(two.id))));
    assert.deepEqual(await two.value(), { type: 'OFFER', src: who.id, dst: two.id, payload: 'sdp' });
    await two.say({ type: 'ANSWER', dst: who.id });
    await until('the answer', () => heard.includes('ANSWER'));
    session.destroy();
    await two.leave();
  },
});

overSockets('an id on a WebSocket', { grace_ms: 1500 }, {
  'is free at once after a close frame': async (server) => {
    for (const code of [1000, 1001]) {
      const one = await Peer.open(server, { wire });
      const before = Date.now();
      await close(one, code);
      const two = await Peer.open(server, { wire, id: one.id });
      assert.ok(Date.now() - before < 1000, `after ${Date.now() - before} ms`);
      await two.nothingElse();
      await close(two);
    }
  },

  'is free at once after LEAVE': (server) => withPeers(server, 1, async (one) => {
    await one.say({ type: 'LEAVE' });
    await until('the end of its WebSocket', () => one.down.over);
    const two = await Peer.open(server, { wire, id: one.id });
    await close(two);
  }),

  'is nobody else\'s while its holder is there': (server) => withPeers(server, 1, async (one) => {
    for (let n = 0; n < 3; n += 1) {
      const { told } = await Peer.refused(server, { wire, id: one.id });
      assert.deepEqual(told, [TAKEN]);
    }
    await one.nothingElse();
  }),

  'of a connection that broke waits for its holder, then is the next one\'s, with what waits': (server) =>
    withPeers(server, 1, async (sender) => {
      const one = await Peer.open(server, { wire });
      await one.drop();
      await sender.say(offer(one.id, 'waits'));
      const before = Date.now();
      const two = await Peer.open(server, { wire, id: one.id });
      assert.ok(Date.now() - before > 900, `after ${Date.now() - before} ms`);
      assert.deepEqual(await two.value(), { type: 'OFFER', src: sender.id, dst: one.id, payload: 'waits' });
      await close(two);
    }),

  'of a connection that broke stays its holder\'s, if that comes back': (server) => withPeers(server, 1, async (sender) => {
    const one = await Peer.open(server, { wire });
    await one.drop();
    const other = Peer.refused(server, { wire, id: one.id });
    await delay(300);
    await sender.say(offer(one.id, 'waits'));
    await one.connect();
    assert.deepEqual(await one.value(), { type: 'OPEN' });
    assert.equal((await one.value()).payload, 'waits');
    assert.deepEqual((await other).told, [TAKEN]);
    await close(one);
  }),

  'goes to whoever has its token, and the one before is closed': (server) => withPeers(server, 1, async (one) => {
    const again = await Peer.open(server, { wire, id: one.id, token: one.token });
    await until('the end of the one before', () => one.down.over);
    await again.nothingElse();
    await one.down.end();
    await again.nothingElse();
    await close(again);
  }),

  'keeps what nobody took for its next holder, after a close frame': (server) => withPeers(server, 1, async (sender) => {
    const one = await Peer.open(server, { wire });
    one.down.socket.pause();
    one.down.socket.close();
    await delay(100);
    await sender.say(offer(one.id, 'late'));
    await delay(100);
    one.down.socket.resume();
    const two = await Peer.open(server, { wire, id: one.id });
    assert.equal((await two.value()).payload, 'late');
    await close(two);
  }),
});

overSockets('a killed hub', { grace_ms: 3000, peerjs_expire_ms: 5000 }, {
  'loses nothing between offer and answer': (server) => withPeers(server, 2, async (one, two) => {
    await one.say(offer(two.id));
    assert.equal((await two.value()).type, 'OFFER');
    await delay(SAVED_MS);
    await server.kill9();
    await Promise.all([one, two].map((it) => it.broken()));
    await two.connect();
    assert.deepEqual(await two.value(), { type: 'OPEN' });
    await two.say({ type: 'ANSWER', dst: one.id, payload: 'answered' });
    await two.nothingElse();
    await one.connect();
    assert.deepEqual(await one.value(), { type: 'OPEN' });
    assert.deepEqual(await one.value(), { type: 'ANSWER', src: two.id, dst: one.id, payload: 'answered' });
  }),

  'on its way out says 1012, and takes nobody\'s id': (server) => withPeers(server, 1, async (one) => {
    const before = server.backends();
    const closed = new Promise((resolve) => { one.down.socket.on('close', resolve); });
    before.forEach((pid) => signal(pid, 'SIGTERM'));
    assert.equal(await closed, 1012);
    await until('the end of the hub', () => !server.backends().some((pid) => before.includes(pid)));
    const other = Peer.refused(server, { wire, id: one.id });
    await delay(200);
    await until('the peer to be back', () => one.connect().then(() => true));
    assert.deepEqual(await one.value(), { type: 'OPEN' });
    assert.deepEqual((await other).told, [TAKEN]);
    await close(one);
  }),
});

overSockets('a thousand WebSockets', { max_streams: 2000, heartbeat_min_ms: 15_000, heartbeat_max_ms: 25_000 }, {
  'are one process, and each hears its own': async (server) => {
    const token = newToken();
    /** @type {Peer[]} */
    const peers = [];
    while (peers.length < 1000) {
      peers.push(...await Promise.all(Array.from({ length: 50 }, () => Peer.open(server, { wire, token }))));
    }
    assert.equal(server.backends().length, 1);
    await until('the end of every courier', () => processesOf(server.site.root).every((it) => !it.exe.endsWith('.cgi')));
    for (const [n, peer] of peers.entries()) {
      await peer.say(offer(peers[(n + 1) % peers.length].id, n));
    }
    for (const [n, peer] of peers.entries()) {
      assert.equal((await peer.value()).payload, (n + peers.length - 1) % peers.length);
    }
    assert.equal((await request(server.url('/peerjs/id'))).status, 200);
    await Promise.all(peers.map((it) => it.down.end()));
  },
});
