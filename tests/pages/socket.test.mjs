/**
 * SigpostSocket for PeerJS against the server at $SIGPOST_URL, through a proxy that breaks what a
 * network and a web server break. The ways down; socket-up.test.mjs has the way up.
 */

import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { WebSocket as Ws } from 'ws';
import { SigpostSocket, sockets } from '../../www/sigpost.mjs';
import {
  EventSource, Peer, SERVER, TRANSPORTS, addressOf, closeConnections, isPoll, isStream, listenTo,
  newId, params, skip, until, withOne, withPair,
} from './sockets.mjs';

closeConnections();

const ALL = { transports: ['sse', 'fetch', 'poll'], EventSource };

for (const [name, options] of Object.entries(TRANSPORTS)) {
  describe(name, () => {
    withPair('carries messages both ways, in order', options, async ({ far, near }) => {
      const payloads = [0, '', null, { a: [1, { b: 'ä€𝄞\r\n' }] }, 'x'.repeat(20000)];
      payloads.forEach((it) => far.say(near, it));
      payloads.forEach((it) => near.say(far, it));
      await near.gets(payloads);
      await far.gets(payloads);
      assert.equal(near.socket.transport, name);
      await until('all is taken', () => near.socket.bufferedAmount === 0);
      assert.deepEqual(near.heard.messages[1],
        { type: 'CANDIDATE', src: far.id, dst: near.id, payload: 0 });
    });

    withPair('comes back from a broken connection, nothing lost or twice', options,
      async ({ far, near, proxy }) => {
        for (let i = 0; i < 4; i += 1) {
          far.say(near, 2 * i);
          await until('a stream to break', () => proxy.cut() > 0);
          far.say(near, 2 * i + 1);
          await until('both', () => near.got.length >= 2 * i + 2);
        }
        await near.gets([0, 1, 2, 3, 4, 5, 6, 7]);
        assert.equal(near.heard.messages.filter(({ type }) => type === 'OPEN').length, 1);
        assert.equal(near.socket.readyState, SigpostSocket.OPEN);
      });

    withPair('cut() breaks it as well, for as long as it says', options,
      async ({ far, near }) => {
        const lost = Date.now();
        near.socket.cut(1500);
        await until('the loss', () => near.heard.events.includes('lost'));
        assert.equal(near.socket.connected, false);
        far.say(near, 'meanwhile');
        near.say(far, 'still speaks');
        await far.gets(['still speaks']);
        await near.gets(['meanwhile']);
        assert.ok(Date.now() - lost >= 1500);
        assert.equal(near.socket.connected, true);
        assert.deepEqual(near.heard.events, [name, 'open', 'lost', 'resumed']);
      });

    withPair('comes back from a server that answers 502 for a while', options,
      async ({ far, near, proxy }) => {
        let refused = 0;
        proxy.rule = ({ method }) => {
          refused += method === 'GET' ? 1 : 0;
          return method === 'GET' && refused < 4 ? { status: 502 } : undefined;
        };
        await until('a stream to break', () => proxy.cut() > 0);
        far.say(near, 'after');
        await near.gets(['after']);
        assert.ok(refused >= 4);
      });

    withPair('names its cursor and a rising order in each address', options,
      async ({ far, near, proxy }) => {
        for (let i = 0; i < 3; i += 1) {
          far.say(near, i);
          await until('it', () => near.got.length === i + 1);
          await until('a stream to break', () => proxy.cut() > 0);
        }
        far.say(near, 3);
        await near.gets([0, 1, 2, 3]);
        const gets = proxy.seen.filter(({ method }) => method === 'GET').map(params);
        const orders = gets.map(({ order }) => Number(order));
        assert.ok(gets.length >= 4);
        assert.deepEqual(orders, [...new Set(orders)].sort((a, b) => a - b));
        assert.equal(gets[0].cursor, undefined);
        assert.ok(gets.slice(1).every(({ cursor }) => /^\w+-\d+$/.test(cursor)));
      });

    withPair('ends with a reason where another one takes over', options, async ({ near }) => {
      const { key, id, token } = params({ url: near.socket.url });
      const other = await fetch(`${SERVER}/peerjs?key=${key}&id=${id}&token=${token}`,
        { headers: { Accept: 'text/event-stream' } });
      await until('the end', () => near.heard.close);
      assert.equal(near.heard.close.code, 1000);
      assert.match(near.heard.close.reason, /another stream/);
      assert.equal(near.heard.close.wasClean, true);
      await other.body.cancel();
    });

    withPair('a LEAVE of the page ends it', options, async ({ near }) => {
      near.socket.send('{"type":"LEAVE"}');
      await until('the end', () => near.heard.close);
      assert.deepEqual(near.heard.close, { code: 1000, reason: 'left', wasClean: true });
      assert.equal(near.heard.events.includes('error'), false);
    });

    withPair('an id that is taken: the message, then the end', options, async ({ far }) => {
      const other = new Peer(SERVER, options, far.id, 'another');
      await until('the end', () => other.heard.close);
      const message = { type: 'ID-TAKEN', payload: { msg: 'ID is taken' } };
      assert.deepEqual(other.heard.messages, [message]);
      assert.deepEqual(other.heard.events, [name, 'open', 'close']);
      assert.deepEqual(other.heard.close, { code: 1000, reason: 'ID is taken', wasClean: true });
    });

    test('a wrong key: the same with ERROR', { skip }, async () => {
      const socket = new SigpostSocket(addressOf(SERVER, newId(), 't', 'no-such-key'), [], options);
      const heard = listenTo(socket);
      await until('the end', () => heard.close);
      assert.equal(heard.messages[0].type, 'ERROR');
      assert.equal(heard.close.reason, heard.messages[0].payload.msg);
    });

    withPair('tells of a gap', options, async ({ far, near, proxy }) => {
      far.say(near, 1);
      await near.gets([1]);
      const bad = '0123456789abcdef-7';
      const rewrite = proxy.rewrite;
      proxy.rewrite = (url) => url.replace(/cursor=[^&]*/, `cursor=${bad}`);
      await until('a stream to break', () => proxy.cut() > 0);
      await until('the gap', () => near.heard.gaps.length > 0);
      proxy.rewrite = rewrite;
      assert.equal(near.heard.gaps[0].from, bad);
      assert.equal(near.socket.readyState, SigpostSocket.OPEN);
    });
  });
}

describe('the choice of a transport', () => {
  const hold = (it) => (isStream(it) ? { hold: true } : undefined);
  for (const first of ['sse', 'fetch']) {
    const options = { transports: [first, 'fetch', 'poll'], EventSource, firstMs: 2000 };
    withOne(`${first} held back by a proxy: poll, within seconds`, options, hold,
      async ({ near, proxy }) => {
        const begun = Date.now();
        await near.open();
        assert.equal(near.socket.transport, 'poll');
        assert.ok(Date.now() - begun >= 1900 && Date.now() - begun < 5000);
        assert.deepEqual(near.heard.events, ['poll', 'open']);
        assert.equal(proxy.seen.filter(isStream).length, 1, 'no other stream is tried');
      });
  }

  withOne('an EventSource that is refused: fetch sees why and waits as it is told', ALL, (() => {
    const refused = [];
    return (it) => {
      if (isStream(it) && refused.length < 2) {
        refused.push(Date.now());
        return { status: 503, headers: { 'Retry-After': '2' } };
      }
      return undefined;
    };
  })(), async ({ near, proxy }) => {
    const begun = Date.now();
    await near.open();
    assert.equal(near.socket.transport, 'fetch');
    assert.equal(proxy.seen.filter(isStream).length, 3);
    assert.ok(Date.now() - begun >= 2000);
  });

  withPair('a stream that flowed and is held back later: poll, at its cursor', ALL,
    async ({ far, near, proxy }) => {
      far.say(near, 1);
      await near.gets([1]);
      proxy.rule = (it) => (isStream(it) ? { status: 500 } : undefined); // on to fetch
      await until('a stream to break', () => proxy.cut() > 0);
      await until('fetch tries', () => proxy.seen.filter(isStream).length > 2);
      proxy.rule = hold;
      far.say(near, 2);
      await near.gets([1, 2]);
      assert.equal(near.socket.transport, 'poll');
    });

  withPair('an EventSource that says nothing for a while: fetch, which sees heartbeats',
    { ...ALL, silentMs: 1000 }, async ({ far, near, proxy }) => {
      await until('fetch', () => near.socket.transport === 'fetch');
      far.say(near, 1);
      await near.gets([1]);
      assert.deepEqual(near.heard.events, ['sse', 'open', 'fetch']);
      const [, second] = proxy.seen.filter(isStream).map(params);
      assert.match(second.cursor, /-\d+$/);
    });

  withPair('a poll is connected while it is held', TRANSPORTS.poll, async ({ near }) => {
    near.socket.cut();
    await until('its return', () => near.heard.events.includes('resumed'), 3000);
    assert.equal(near.socket.connected, true);
  });

  withPair('the next socket starts with what worked', ALL, async ({ near, proxy }) => {
    proxy.rule = (it) => (isStream(it) ? { status: 500 } : undefined);
    await until('a stream to break', () => proxy.cut() > 0);
    await until('its return', () => proxy.seen.filter(isStream).length > 1);
    proxy.rule = () => undefined;
    await until('fetch', () => near.socket.transport === 'fetch');
    const next = await new Peer(proxy.url, ALL).open();
    assert.deepEqual(next.heard.events, ['fetch', 'open']);
    next.socket.close();
  });

  const websocket = { transports: ['websocket', 'sse', 'poll'], WebSocket: Ws, EventSource };
  withOne('WebSocket where there is none', websocket, undefined, async ({ near, proxy }) => {
    const begun = Date.now();
    await near.open();
    assert.ok(Date.now() - begun < 2000);
    assert.equal(near.socket.transport, 'sse');
    assert.deepEqual(proxy.seen.map((it) => params(it).transport), ['websocket', 'sse']);
  });

  withOne('none that exists', { transports: ['pigeon'] }, undefined, async ({ near }) => {
    await until('the end', () => near.heard.close);
    assert.deepEqual(near.heard.close, { code: 1006, reason: 'no transport', wasClean: false });
    assert.deepEqual(near.heard.events, ['error', 'close']);
  });
});

describe('events that were there before', () => {
  /** Streams that begin with the last message once more. */
  for (const name of ['sse', 'fetch']) {
    const options = TRANSPORTS[name];
    withPair(`are dropped by their ids: ${name}`, options, async ({ far, near, proxy }) => {
      const ids = [];
      near.socket.addEventListener('message', ({ lastEventId }) => ids.push(lastEventId));
      [1, 2].forEach((it) => far.say(near, it));
      await near.gets([1, 2]);
      const again = ids.map((id, i) => (
        `id: ${id}\ndata: {"type":"CANDIDATE","src":"x","dst":"y","payload":${i + 1}}\n\n`));
      proxy.rule = (it) => (isStream(it) ? { before: again.join('') } : undefined);
      await until('a stream to break', () => proxy.cut() > 0);
      far.say(near, 3);
      await near.gets([1, 2, 3]);
    });
  }
});

describe('a server that is not there', () => {
  test('at first: error and close in time', { skip, timeout: 20000 }, async () => {
    const url = addressOf('http://127.0.0.1:9', newId());
    const gone = new SigpostSocket(url, [], { connectMs: 2000 });
    const heard = listenTo(gone);
    const begun = Date.now();
    await until('the end', () => heard.close);
    assert.ok(Date.now() - begun < 4000);
    assert.deepEqual(heard.close, { code: 1006, reason: 'no answer', wasClean: false });
    assert.deepEqual(heard.events, ['error', 'close']);
    assert.equal(sockets.has(gone), false);
  });

  test('later: it is given up after a while', { skip, timeout: 30000 }, async () => {
    const { Proxy } = await import('./proxy.mjs');
    const proxy = await new Proxy(SERVER).listen();
    const near = await new Peer(proxy.url, { ...TRANSPORTS.fetch, giveUpMs: 3000 }).open();
    const begun = Date.now();
    await proxy.close();
    await until('the end', () => near.heard.close);
    assert.ok(Date.now() - begun >= 2900);
    assert.deepEqual(near.heard.close,
      { code: 1006, reason: 'the connection is lost', wasClean: false });
    assert.deepEqual(near.heard.events, ['fetch', 'open', 'lost', 'error', 'close']);
  });

  withOne('nothing at that path', ALL, () => ({ status: 404, body: '' }), async ({ near }) => {
    const begun = Date.now();
    await until('the end', () => near.heard.close);
    assert.ok(Date.now() - begun < 3000);
    assert.equal(near.heard.close.code, 1006);
    assert.match(near.heard.close.reason, /404/);
  });

  const soon = { ...TRANSPORTS.poll, connectMs: 1000 };
  withOne('a server that asks to come later is not given up', soon,
    (() => {
      const begun = Date.now();
      return (it) => (isPoll(it) && Date.now() - begun < 2500
        ? { status: 429, headers: { 'Retry-After': '2' } } : undefined);
    })(), async ({ near }) => {
      await near.open();
    });
});
