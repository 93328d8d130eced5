/** WebSockets that misbehave: they are ended or bounded, and the others notice nothing. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

import { SOCKET_KINDS, onSite, raw, signal, until } from './harness.mjs';
import { CONTINUATION, PING, RawSocket, TEXT, frame, handshake } from './frames.mjs';
import { Peer, newId, newToken } from './peerjs.mjs';
import { Process } from './proc.mjs';
import { QUICK } from './site.mjs';

/** @typedef {import('./site.mjs').Server} Server */

/** Long enough for an answer from a busy machine: two that are missing are the end. */
const BEATS = { heartbeat_min_ms: 600, heartbeat_max_ms: 800 };

/** The path of a peer's WebSocket, for raw clients. */
const path = (id = newId()) => `/peerjs?${new URLSearchParams({ key: 'peerjs', id, token: newToken() })}`;

/** A raw WebSocket of a peer, after its OPEN. @param {Server} server @param {string} [id] */
async function open(server, id) {
  const socket = await RawSocket.open(server.url(path(id)));
  assert.equal(await socket.text(), '{"type":"OPEN"}');
  return socket;
}

/** Two peers that must not be disturbed, while something happens. @param {Server} server @param {() => Promise<void>} act */
async function undisturbed(server, act) {
  const [one, two] = await Promise.all([0, 1].map(() => Peer.open(server, { wire: 'websocket' })));
  await act();
  for (let n = 0; n < 3; n += 1) {
    await one.say({ type: 'OFFER', dst: two.id, payload: n });
    assert.equal((await two.value(2000)).payload, n);
  }
  await Promise.all([one, two].map((it) => it.leave()));
}

/** Resident memory of the hub in bytes. @param {Server} server */
function memory(server) {
  const [pid] = server.backends();
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** @param {Server} server @param {string} text what the backend is asked for @param {string[]} [more] lines */
async function handshakeOf(server, text, more) {
  const { pathname } = new URL(server.url(''));
  const whole = (/** @type {string} */ answer) => answer.includes('\r\n\r\n');
  return raw(server.port, handshake(`${pathname.replace(/\/$/, '')}${text}`, more), { done: whole });
}

for (const row of SOCKET_KINDS) {
  onSite(`bad WebSockets · ${row.name}`, { settings: { max_body_bytes: 65536, ...BEATS } }, (site) => site.serve(row), {
    'a handshake that is wrong is answered and no WebSocket': async (server) => {
      const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
      const old = await handshakeOf(server, path(), [key, 'Sec-WebSocket-Version: 8']);
      assert.match(old, /^HTTP\/1\.1 426 /);
      assert.match(old, /^Sec-WebSocket-Version: 13\r$/mi);
      for (const lines of [['Sec-WebSocket-Version: 13'], ['Sec-WebSocket-Key: short', 'Sec-WebSocket-Version: 13'],
        ['Sec-WebSocket-Key: !!!!IHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13']]) {
        assert.match(await handshakeOf(server, path(), lines), /^HTTP\/1\.1 400 /, lines[0]);
        assert.match(await handshakeOf(server, '/sigver', lines), /^HTTP\/1\.1 400 /, lines[0]);
      }
      assert.match(await handshakeOf(server, '/peerjs/id'), /^HTTP\/1\.1 200 /);
    },

    'garbage': (server) => undisturbed(server, async () => {
      const socket = await open(server);
      socket.send('GET / HTTP/1.1\r\n\r\n'.repeat(100));
      assert.equal((await socket.closed()).code, 1002);
      await socket.ended();
    }),

    'a message above the limit, whole, begun, or in fragments, is 1009': (server) => undisturbed(server, async () => {
      const big = frame(TEXT, 'x'.repeat(1_048_576));
      const parts = Array.from({ length: 70 }, (_, n) =>
        frame(n === 0 ? TEXT : CONTINUATION, 'x'.repeat(1000), { fin: false }));
      for (const bytes of [big, big.subarray(0, 100), Buffer.concat(parts)]) {
        const socket = await open(server);
        socket.send(bytes);
        assert.equal((await socket.closed()).code, 1009);
        await socket.ended();
      }
    }),

    'a message in ten thousand fragments is 1009': (server) => undisturbed(server, async () => {
      const socket = await open(server);
      const next = frame(CONTINUATION, '', { fin: false });
      socket.send(Buffer.concat([frame(TEXT, '', { fin: false }), ...Array.from({ length: 9999 }, () => next)]));
      assert.equal((await socket.closed()).code, 1009);
      await socket.ended();
    }),

    'who answers no ping is cut, and its id is free': (server) => undisturbed(server, async () => {
      const id = newId();
      const socket = await open(server, id);
      const before = Date.now();
      await until('the end of who is silent', async () => socket.over);
      assert.ok(Date.now() - before < 5 * BEATS.heartbeat_max_ms, `after ${Date.now() - before} ms`);
      await (await Peer.open(server, { wire: 'websocket', id })).leave();
    }),

    'who has stopped loses its id to who asks for it': (server) => undisturbed(server, async () => {
      const id = newId();
      const { pathname, search } = new URL(server.url(path(id)));
      const script = `require('net').connect(${server.port}, '127.0.0.1', function () {
        this.on('data', (bytes) => process.stdout.write(bytes)).write(${JSON.stringify(handshake(pathname + search))});
      })`;
      const other = new Process([process.execPath, '-e', script], { cwd: '/' });
      try {
        await until('its OPEN', () => other.output.includes('OPEN'));
        signal(other.pid, 'SIGSTOP');
        const before = Date.now();
        await (await Peer.open(server, { wire: 'websocket', id })).leave();
        assert.ok(Date.now() - before > QUICK.grace_ms / 2, 'it was asked first');
      } finally {
        signal(other.pid, 'SIGKILL');
        await other.ended;
      }
    }),

    'pings without end from who reads nothing stay bounded': (server) => undisturbed(server, async () => {
      const before = memory(server);
      const socket = await open(server);
      socket.socket.pause();
      const many = Buffer.concat(Array.from({ length: 2000 }, () => frame(PING, 'x'.repeat(125))));
      let [sent, takes] = [0, true];
      while (takes && sent < 64 * 1_048_576) {
        const took = new Promise((resolve) => { socket.socket.write(many, () => resolve(true)); });
        takes = await Promise.race([took, delay(500, false)]);
        sent += many.length;
      }
      assert.ok(!takes, 'it is not read either');
      assert.ok(memory(server) - before < 4 * 1_048_576, `${memory(server) - before} bytes more`);
      await socket.end();
    }),

    'messages without end from who reads nothing stay bounded, and in order': (server) => undisturbed(server, async () => {
      const before = memory(server);
      const socket = await open(server);
      const many = Buffer.concat(Array.from({ length: 20_000 }, () => frame(TEXT, '{}')));
      const went = new Promise((resolve) => { socket.socket.write(many, resolve); });
      await went;
      socket.send(frame(PING, 'all'));
      for (let it = await socket.next(); it?.payload.toString() !== 'all'; it = await socket.next()) {
        assert.ok(it, 'the WebSocket goes on');
      }
      assert.ok(memory(server) - before < 16 * 1_048_576, `${memory(server) - before} bytes more`);
      await socket.end();
    }),

    'a head and nothing more, a hundred times, holds nobody': (server) => undisturbed(server, async () => {
      const all = await Promise.all(Array.from({ length: 100 }, () => open(server)));
      all.forEach((it) => it.socket.resetAndDestroy());
      await until('their end', () => all.every((it) => it.over));
    }),
  });
}
