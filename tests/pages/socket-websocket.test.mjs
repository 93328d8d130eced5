/**
 * SigpostSocket with transport `websocket` against the server at $SIGPOST_URL, which has it, and against
 * web servers where it gets through no more.
 */

import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { WebSocket as Ws } from 'ws';

import { kind } from '../blackbox/kinds.mjs';
import { Site } from '../blackbox/site.mjs';
import { SigpostSocket } from '../../www/sigpost.mjs';
import { Peer, SERVER, TRANSPORTS, closeConnections, newId, skip, until } from './sockets.mjs';

closeConnections();

const options = { transports: ['websocket'], WebSocket: Ws };

const closed = ({ heard }) => until('the end', () => heard.close);

describe('WebSocket from sigpost', { skip }, () => {
  test('carries messages both ways, in order', async () => {
    const far = await new Peer(SERVER, TRANSPORTS.fetch).open();
    const near = await new Peer(SERVER, options).open();
    const numbers = Array.from({ length: 300 }, (_, n) => n);
    numbers.forEach((n) => near.say(far, n));
    numbers.forEach((n) => far.say(near, n));
    await Promise.all([near.gets(numbers), far.gets(numbers)]);
    assert.equal(near.socket.transport, 'websocket');
    near.socket.close();
    far.socket.close();
    await Promise.all([closed(near), closed(far)]);
    assert.deepEqual(near.heard.close, { code: 1005, reason: '', wasClean: true });
  });

  test('goes on where an event stream was', async () => {
    const far = await new Peer(SERVER, TRANSPORTS.fetch).open();
    const first = await new Peer(SERVER, TRANSPORTS.fetch).open();
    far.say(first, 1);
    await first.gets([1]);
    const again = new Peer(SERVER, options, first.id);
    await again.open();
    await closed(first);
    far.say(again, 2);
    await again.gets([2]);
    far.socket.close();
    again.socket.close();
    await Promise.all([closed(far), closed(again)]);
  });

  test('close() frees the id at once, LEAVE as well', async () => {
    for (const bye of [(it) => it.socket.close(), (it) => it.socket.send('{"type":"LEAVE"}')]) {
      const id = newId();
      for (let n = 0; n < 2; n += 1) {
        const began = Date.now();
        const peer = await new Peer(SERVER, options, id, `token-${n}`).open();
        assert.ok(Date.now() - began < 2000);
        bye(peer);
        await closed(peer);
        assert.equal(peer.heard.close.wasClean, true);
      }
    }
  });

  test('its end has a code and a reason', async () => {
    const holder = await new Peer(SERVER, options).open();
    const other = new Peer(SERVER, options, holder.id, 'another');
    await closed(other);
    assert.deepEqual(other.heard.close, { code: 1000, reason: 'ID is taken', wasClean: true });
    const again = await new Peer(SERVER, options, holder.id).open();
    await closed(holder);
    assert.equal(holder.heard.close.code, 1000);
    assert.match(holder.heard.close.reason, /another stream/);
    again.socket.close();
    await closed(again);
  });
});

/** Where it does not get through, the next way is taken, and soon. */
for (const name of ['nginx FastCGI', 'Apache mod_cgid', 'Apache mod_proxy_fcgi', 'lighttpd CGI']) {
  test(`WebSocket through ${name}: an event stream instead`, { timeout: 60_000 }, async () => {
    const site = new Site();
    try {
      const server = await site.serve(kind(name));
      const began = Date.now();
      const peer = await new Peer(server.base, { ...options, transports: ['websocket', 'fetch'] }).open();
      assert.equal(peer.socket.transport, 'fetch');
      assert.ok(Date.now() - began < 3000);
      peer.socket.close();
      await closed(peer);
      assert.equal(peer.socket.readyState, SigpostSocket.CLOSED);
    } finally {
      await site.end();
    }
  });
}
