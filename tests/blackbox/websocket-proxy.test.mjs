/**
 * nginx and Apache pass no WebSocket on to FastCGI or CGI, but to another server of HTTP: `sigpost serve`
 * behind them. All else goes the same way.
 */

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

import { Channel, PROXY_KINDS, kind as row, newKey, onSite, raw, request } from './harness.mjs';
import { RawSocket, TEXT, closing, frame, handshake } from './frames.mjs';
import { CALM, Peer, newId, newToken } from './peerjs.mjs';

/** @typedef {import('./site.mjs').Server} Server */

const BEATS = { heartbeat_min_ms: 600, heartbeat_max_ms: 800, grace_ms: 1500 };

/** A raw WebSocket. @param {Server} server @param {string} path */
const open = (server, path) => RawSocket.open(server.url(path));

for (const kind of PROXY_KINDS) {
  onSite(`WebSockets through ${kind.name}`, { settings: BEATS }, (site) => site.serve(kind), {
    'carry messages both ways, in order, also to event streams': async (server) => {
      const [one, two] = await Promise.all([0, 1].map(() => Peer.open(server, { wire: 'websocket' })));
      const other = await Peer.open(server, { wire: 'sse' });
      for (let n = 0; n < 200; n += 1) {
        await one.say({ type: 'OFFER', dst: two.id, payload: n });
      }
      for (let n = 0; n < 200; n += 1) {
        assert.equal((await two.value()).payload, n);
      }
      await other.say({ type: 'OFFER', dst: one.id, payload: 'posted' });
      assert.equal((await one.value()).payload, 'posted');
      await one.say({ type: 'ANSWER', dst: other.id, payload: 'framed' });
      assert.equal((await other.value()).payload, 'framed');
      await Promise.all([one, two, other].map((it) => it.leave()));
    },

    'stay, pings pass': async (server) => {
      const peer = await Peer.open(server, { wire: 'websocket' });
      await delay(4 * BEATS.heartbeat_max_ms);
      await peer.nothingElse();
      await peer.leave();
    },

    'close with a code and its reason': async (server) => {
      const socket = await open(server, '/sigver/opened');
      socket.send(frame(TEXT, '{"data":1}'));
      const { code, reason } = await socket.closed();
      assert.equal(code, 4011);
      assert.match(reason, /^TRANSMIT_BEFORE_JOIN=4011: /);
      socket.send(closing(4011));
      await socket.ended();
    },

    'free an id at once when they close, and soon when they break': async (server) => {
      const first = await Peer.open(server, { wire: 'websocket' });
      await first.leave();
      const began = Date.now();
      const second = await Peer.open(server, { wire: 'websocket', id: first.id });
      assert.ok(Date.now() - began < 1000);
      await second.drop();
      await (await Peer.open(server, { wire: 'websocket', id: first.id })).leave();
    },

    'are refused with a status where the handshake is wrong': async (server) => {
      const { pathname } = new URL(server.url('/sigver'));
      const lines = ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 8'];
      const answer = await raw(server.port, handshake(pathname, lines), { done: (text) => text.includes('\r\n\r\n') });
      assert.match(answer, /^HTTP\/1\.1 426 /);
    },

    'do not stand in the way of all else': async (server) => {
      const key = newKey();
      const opener = await Channel.open(server.url('/sigver'));
      await opener.say({ open: key });
      assert.deepEqual(await opener.value(), { isKeyOk: true });
      await opener.abandon();
      assert.equal((await request(server.url('/'), { headers: { Accept: 'text/html' } })).headers.location
        ?.replace(server.origin, ''), `${kind.mount}/www/`);
      assert.match((await request(server.url('/www/'))).text, /<html/i);
    },
  });
}

/** A request for a WebSocket as a server sees it that gets no header Upgrade from the one before it. */
const STRIPPED = {
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version': '13', Connection: 'close',
};

onSite('a proxy that passes no Upgrade on to sigpost serve', { settings: CALM }, (site) => site.serve(row('sigpost serve')), {
  'has its clients told that there is no WebSocket': async (server) => {
    const query = new URLSearchParams({ key: 'peerjs', id: newId(), token: newToken(), version: '1.5.5' });
    const answer = await request(server.url(`/peerjs?${query}`), { headers: STRIPPED });
    assert.equal(answer.status, 501, answer.text);
    assert.equal(answer.headers['content-type'], 'application/problem+json');
  },
});
