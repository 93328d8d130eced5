/**
 * SigpostSocket for PeerJS against the server at $SIGPOST_URL: the way up, the goodbye, and what
 * makes it a WebSocket.
 */

import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { SigpostSocket, sockets } from '../../www/sigpost.mjs';
import {
  Peer, SERVER, TRANSPORTS, addressOf, closeConnections, listenTo, newId, params, skip, until,
  withOne, withPair,
} from './sockets.mjs';

closeConnections();

const FETCH = TRANSPORTS.fetch;

/** What each POST carried: the payloads of its messages. */
function carried(proxy) {
  return proxy.posts().map(({ body }) => [JSON.parse(body)].flat().map((it) => it.payload));
}

/** A promise and what resolves it. */
function gate() {
  let open;
  const closed = new Promise((resolve) => { open = resolve; });
  return { closed, open };
}

/** Applies `how` to the first POSTs, as many as said. */
function first(count, how) {
  let seen = 0;
  return ({ method }) => {
    seen += method === 'POST' ? 1 : 0;
    return method === 'POST' && seen <= count ? how : undefined;
  };
}

describe('messages', () => {
  withPair('wait during a POST and leave together', FETCH, async ({ far, near, proxy }) => {
    const { closed, open } = gate();
    proxy.rule = first(1, { after: closed });
    [0, 1, 2, 3, 4].forEach((it) => near.say(far, it));
    await until('the first POST', () => proxy.posts().length === 1);
    await new Promise((resolve) => { setTimeout(resolve, 100); });
    assert.ok(near.socket.bufferedAmount > 0);
    near.say(far, 5);
    open();
    await far.gets([0, 1, 2, 3, 4, 5]);
    assert.deepEqual(carried(proxy), [[0], [1, 2, 3, 4, 5]]);
    assert.equal(proxy.posts()[1].body[0], '[', 'an array');
    await until('all is taken', () => near.socket.bufferedAmount === 0);
  });

  withPair('a thousand: few POSTs, none of more than 256', FETCH, async ({ far, near, proxy }) => {
    const payloads = Array.from({ length: 1000 }, (_, i) => i);
    payloads.forEach((it) => near.say(far, it));
    await far.gets(payloads);
    const sizes = carried(proxy).map(({ length }) => length);
    assert.ok(sizes.every((it) => it <= 256), sizes.join());
    assert.ok(sizes.length <= 6, sizes.join());
  });

  withPair('large ones are spread over POSTs by size', FETCH, async ({ far, near, proxy }) => {
    const payloads = Array.from({ length: 8 }, (_, i) => `${i}${'x'.repeat(60000)}`);
    payloads.forEach((it) => near.say(far, it));
    await far.gets(payloads);
    assert.ok(proxy.posts().every(({ body }) => body.length <= 132000));
    assert.deepEqual(carried(proxy).map(({ length }) => length), [1, 2, 2, 2, 1]);
  });

  withPair('whose answer is lost are posted again as they were, and stored once', FETCH,
    async ({ far, near, proxy }) => {
      near.say(far, 'x');
      await far.gets(['x']);
      proxy.rule = first(2, { mute: true });
      [1, 2, 3].forEach((it) => near.say(far, it));
      await far.gets(['x', 1, 2, 3]);
      near.say(far, 4);
      await far.gets(['x', 1, 2, 3, 4]);
      const posts = proxy.posts().slice(1).map((it) => `${params(it).n} ${it.body}`);
      assert.equal(posts[0], posts[1]);
      assert.equal(posts[0], posts[2]);
      const numbers = proxy.posts().map((it) => Number(params(it).n));
      assert.equal(new Set(numbers).size, 4, 'x, 1, 2 and 3, 4');
      assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b));
    });

  for (const status of [429, 503]) {
    withPair(`wait for as long as ${status} asks`, FETCH, async ({ far, near, proxy }) => {
      const begun = Date.now();
      proxy.rule = first(1, { status, headers: { 'Retry-After': '1' } });
      [1, 2, 3].forEach((it) => near.say(far, it));
      await far.gets([1, 2, 3]);
      assert.ok(Date.now() - begun >= 1000);
      assert.equal(proxy.posts().length, 3);
      assert.deepEqual(near.heard.refused, []);
    });
  }

  withPair('of which some are refused for the moment: those come again', FETCH,
    async ({ far, near, proxy }) => {
      const { closed, open } = gate();
      let seen = 0;
      const answer = ['{"result":"present"}', '{"result":"refused","status":429,"reason":"full"}',
        '{"result":"refused","status":400,"reason":"odd"}'];
      proxy.rule = ({ method }) => {
        seen += method === 'POST' ? 1 : 0;
        return [undefined, { after: closed }, { status: 200, body: `[${answer}]` }][
          method === 'POST' ? seen : 0];
      };
      [0, 1, 2, 3].forEach((it) => near.say(far, it));
      open();
      await far.gets([0, 2]);
      assert.deepEqual(carried(proxy), [[0], [1, 2, 3], [2]]);
      const [{ text, reason, status }] = near.heard.refused;
      assert.deepEqual([JSON.parse(text).payload, reason, status], [3, 'odd', 400]);
    });

  withPair('too many for one POST of this server: fewer', FETCH, async ({ far, near, proxy }) => {
    proxy.rule = ({ method, body }) => (method === 'POST' && body.length > 400
      ? { status: 413 } : undefined);
    const payloads = Array.from({ length: 20 }, (_, i) => i);
    payloads.forEach((it) => near.say(far, it));
    await far.gets(payloads);
    assert.deepEqual(near.heard.refused, []);
  });

  withPair('the server does not take are told of, and the rest goes on', FETCH,
    async ({ far, near }) => {
      near.socket.send('{"type":"OFFER"}');
      near.say(far, 'x'.repeat(300000));
      near.socket.send('no JSON');
      near.say(far, 'good');
      await far.gets(['good']);
      await until('three refusals', () => near.heard.refused.length === 3);
      const statuses = near.heard.refused.map(({ status }) => status);
      assert.deepEqual(statuses.sort(), [400, 413, undefined]);
      assert.equal(near.socket.readyState, SigpostSocket.OPEN);
    });

  withPair('heartbeats cost no request', FETCH, async ({ far, near, proxy }) => {
    for (let i = 0; i < 5; i += 1) {
      near.socket.send('{"type":"HEARTBEAT"}');
    }
    near.say(far, 1);
    await far.gets([1]);
    assert.deepEqual(carried(proxy), [[1]]);
  });

  withPair('of a token the server does not know any more wait for the stream', FETCH,
    async ({ far, near, proxy }) => {
      proxy.rule = first(1, { status: 401, body: '{"detail":"Invalid token provided"}' });
      near.say(far, 1);
      near.say(far, 2);
      await far.gets([1, 2]);
      assert.deepEqual(near.heard.events, ['fetch', 'open', 'lost', 'resumed']);
    });

  withPair('of a token it never knows end the socket', FETCH, async ({ far, near, proxy }) => {
    proxy.rule = ({ method }) => (method === 'POST' ? { status: 401 } : undefined);
    near.say(far, 1);
    await until('the end', () => near.heard.close);
    assert.equal(near.heard.close.code, 1006);
  });
});

describe('close()', () => {
  withPair('sends what waits, says goodbye, and the id is free at once', FETCH,
    async ({ far, near, proxy }) => {
      proxy.rule = first(1, { mute: true });
      [1, 2, 3].forEach((it) => near.say(far, it));
      near.socket.close(3001, 'enough');
      assert.equal(near.socket.readyState, SigpostSocket.CLOSING);
      near.say(far, 'too late');
      await until('the end', () => near.heard.close);
      assert.deepEqual(near.heard.close, { code: 3001, reason: 'enough', wasClean: true });
      await far.gets([1, 2, 3]);
      const other = new Peer(SERVER, FETCH, near.id, 'another token');
      const begun = Date.now();
      await other.open();
      assert.ok(Date.now() - begun < 1000, 'no grace to wait for');
      other.socket.close();
    });

  withPair('the same peer may come again at once, as PeerJS reconnects', FETCH,
    async ({ far, near, proxy }) => {
      const { closed, open } = gate();
      proxy.rule = ({ body }) => (body.includes('LEAVE') ? { after: closed } : undefined);
      near.socket.close();
      const again = new Peer(proxy.url, FETCH, near.id);
      await until('the goodbye', () => proxy.posts().length === 1);
      await new Promise((resolve) => { setTimeout(resolve, 200); });
      const gets = () => proxy.seen.filter(({ method }) => method === 'GET').length;
      assert.equal(gets(), 1, 'not before the goodbye is through');
      open();
      await again.open();
      far.say(again, 'welcome back');
      await again.gets(['welcome back']);
      again.say(far, 'thanks');
      await far.gets(['thanks']);
      again.socket.close();
    });

  withOne('before it was open: error and close, and the id is free', FETCH, () => ({ hold: true }),
    async ({ near, proxy }) => {
      await until('the request', () => proxy.seen.length === 1);
      near.socket.close();
      await until('the end', () => near.heard.close);
      assert.deepEqual(near.heard.events, ['error', 'close']);
      assert.equal(near.heard.close.code, 1006);
      assert.equal(near.heard.close.wasClean, false);
      assert.match(proxy.posts()[0].body, /LEAVE/);
    });

  withPair('does not wait for a server that is silent', FETCH, async ({ far, near, proxy }) => {
    proxy.rule = ({ method }) => (method === 'POST' ? { drop: true } : undefined);
    near.say(far, 1);
    near.socket.close();
    const begun = Date.now();
    await until('the end', () => near.heard.close);
    assert.ok(Date.now() - begun < 6500);
  });
});

describe('the interface of WebSocket', () => {
  const url = addressOf('http://127.0.0.1:9', newId());
  const thrown = (name) => (error) => error instanceof DOMException && error.name === name;

  test('constants, and what is fixed', () => {
    const socket = new SigpostSocket(url);
    for (const [i, name] of ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'].entries()) {
      assert.equal(SigpostSocket[name], i);
      assert.equal(socket[name], i);
    }
    assert.equal(socket.readyState, 0);
    assert.equal(socket.url, url);
    assert.deepEqual([socket.protocol, socket.extensions, socket.binaryType, socket.bufferedAmount,
      socket.transport, socket.connected], ['', '', 'blob', 0, '', false]);
    assert.ok(socket instanceof EventTarget);
    assert.equal(socket.onmessage, null);
    assert.ok(sockets.has(socket));
    socket.close();
  });

  test('https is wss, and a slash at the end does not matter', () => {
    const socket = new SigpostSocket('https://example.org/a/peerjs/?key=k&id=i&token=t');
    assert.equal(socket.url, 'wss://example.org/a/peerjs/?key=k&id=i&token=t');
    socket.close();
  });

  for (const bad of ['ws://example.org/', 'ftp://x/peerjs', '/peerjs', 'ws://x/peerjs/id']) {
    test(`no address of ours: ${bad}`, () => {
      assert.throws(() => new SigpostSocket(bad), thrown('SyntaxError'));
    });
  }

  test('what may not be asked of it', () => {
    const socket = new SigpostSocket(url);
    assert.throws(() => socket.send('{}'), thrown('InvalidStateError'));
    assert.throws(() => socket.send(new Uint8Array(1)), thrown('NotSupportedError'));
    assert.throws(() => socket.close(1001), thrown('InvalidAccessError'));
    assert.throws(() => socket.close(5000), thrown('InvalidAccessError'));
    assert.throws(() => socket.close(3000, 'ä'.repeat(62)), thrown('SyntaxError'));
    assert.equal(socket.readyState, 0);
    socket.close();
  });

  withOne('handlers as attributes, in their place, each replaceable', FETCH, undefined,
    async ({ near: { socket } }) => {
      const calls = [];
      socket.onopen = () => calls.push('replaced');
      socket.addEventListener('open', () => calls.push('listener'));
      socket.onopen = function opened(event) {
        calls.push('attribute', this === socket, event.type);
      };
      const message = await new Promise((resolve) => { socket.onmessage = resolve; });
      assert.deepEqual(calls, ['attribute', true, 'open', 'listener']);
      assert.ok(message instanceof MessageEvent);
      assert.equal(message.data, '{"type":"OPEN"}');
      assert.equal(message.origin, SERVER.replace(/^http/, 'ws').replace(/:\d+$/, `:${
        new URL(socket.url).port}`));
      socket.onmessage = 'nothing to call';
      assert.equal(socket.onmessage, null);
      const ended = new Promise((resolve) => { socket.onclose = resolve; });
      socket.close();
      const { code, reason, wasClean, type } = await ended;
      assert.deepEqual([code, reason, wasClean, type], [1005, '', true, 'close']);
      assert.equal(socket.readyState, 3);
      socket.send('{}');
      socket.close();
    });

  test('sockets has those that are not closed', { skip }, async () => {
    const socket = new SigpostSocket(addressOf(SERVER, newId()), [], FETCH);
    const heard = listenTo(socket);
    await until('it is open', () => socket.readyState === 1);
    assert.ok(sockets.has(socket));
    socket.close();
    await until('it is closed', () => heard.close);
    assert.equal(sockets.has(socket), false);
  });
});
