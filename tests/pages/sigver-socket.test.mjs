/** SigpostSocket for sigver, generations D and E, against the server at $SIGPOST_URL. */

import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { SigpostSocket } from '../../www/sigpost.mjs';
import { Proxy } from './proxy.mjs';
import {
  EventSource, SERVER, closeConnections, isPoll, listenTo, newId, skip, until,
} from './sockets.mjs';

closeConnections();

const WIRES = {
  fetch: { transports: ['sse'], EventSource }, // which sigver cannot use
  poll: { transports: ['poll'] },
};

/** An opener at the server, a joining through a proxy, at one key. */
function withPair(name, path, options, body) {
  test(name, { skip, timeout: 60000 }, async () => {
    const proxy = await new Proxy(SERVER).listen();
    const [far, near] = [SERVER, proxy.url].map((it) => {
      const socket = new SigpostSocket(`${it.replace(/^http/, 'ws')}${path}`, [], options);
      const heard = listenTo(socket);
      return { socket, heard, say: (value) => socket.send(JSON.stringify(value)) };
    });
    try {
      await Promise.all([far, near].map(({ heard }) => until('open', () => (
        heard.events.includes('open')))));
      const key = newId();
      far.say({ open: key });
      await until('the answer', () => far.heard.messages.length === 1);
      near.say({ join: key });
      await until('the answer', () => near.heard.messages.length === 1);
      near.say({ data: 'first' });
      const { id } = await until('the first', () => far.heard.messages[1]);
      await body({ far, near, proxy, id });
    } finally {
      far.socket.close();
      near.socket.close();
      await proxy.close();
    }
  });
}

const dataOf = ({ heard }) => heard.messages.filter((it) => 'data' in it).map(({ data }) => data);

for (const [transport, options] of Object.entries(WIRES)) {
  describe(transport, () => {
    withPair('generation E speaks as over a WebSocket', '/sigver/opened', options,
      async ({ far, near, id }) => {
        far.say({ id, data: 'answer' });
        await until('the answer', () => near.heard.messages.length === 2);
        assert.deepEqual(near.heard.messages, [{ opened: false }, { data: 'answer' }]);
        assert.deepEqual(far.heard.messages, [{ opened: true }, { id, data: 'first' }]);
        assert.equal(near.socket.transport, transport);
      });

    withPair('generation D as well', '/sigver', options, async ({ far, near, id }) => {
      far.say({ id, data: 'answer' });
      await until('the answer', () => near.heard.messages.length === 2);
      assert.deepEqual(near.heard.messages, [{ isKeyOk: true }, { data: 'answer' }]);
    });

    withPair('comes back where it was, its secrets in no address', '/sigver/opened', options,
      async ({ far, near, proxy, id }) => {
        for (let i = 0; i < 3; i += 1) {
          far.say({ id, data: 2 * i });
          await until('a stream to break', () => proxy.cut() > 0);
          far.say({ id, data: 2 * i + 1 });
          await until('both', () => dataOf(near).length === 2 * i + 2);
        }
        assert.deepEqual(dataOf(near), [0, 1, 2, 3, 4, 5]);
        const names = proxy.seen.flatMap(({ url }) => (
          [...new URL(url, SERVER).searchParams.keys()]));
        assert.deepEqual(names.filter((it) => it !== 'n' && it !== 'transport'), []);
        assert.ok(proxy.seen.some(({ headers }) => headers['last-event-id']));
      });

    withPair('posts one message at a time, each once', '/sigver/opened', options,
      async ({ far, near, proxy }) => {
        let lost = 0;
        proxy.rule = ({ method }) => {
          lost += method === 'POST' ? 1 : 0;
          return method === 'POST' && lost < 3 ? { mute: true } : undefined;
        };
        [1, 2, 3].forEach((data) => near.say({ data }));
        await until('all', () => dataOf(far).length === 4);
        assert.deepEqual(dataOf(far), ['first', 1, 2, 3]);
      });

    withPair('an error ends it with its code', '/sigver/opened', options, async ({ near }) => {
      near.say({ id: 17, data: 'to nobody' });
      await until('the end', () => near.heard.close);
      assert.equal(near.heard.close.code, 4010);
      assert.match(near.heard.close.reason, /^TRANSMIT_BEFORE_OPEN/);
      assert.equal(near.heard.close.wasClean, true);
    });

    withPair('a server that has forgotten it is a broken connection', '/sigver/opened', options,
      async ({ near, proxy }) => {
        proxy.rule = ({ method }) => (method === 'GET' ? { forget: true } : undefined);
        await until('a stream to break', () => proxy.cut() > 0);
        await until('the end', () => near.heard.close);
        assert.deepEqual(near.heard.events.slice(-2), ['error', 'close']);
        assert.equal(near.heard.close.code, 1006);
        assert.match(near.heard.close.reason, /forgotten/);
      });

    withPair('a POST that finds no source, too', '/sigver/opened', options,
      async ({ near, proxy }) => {
        const unknown = { status: 200, body: '{"code":4021}' };
        proxy.rule = ({ method }) => (method === 'POST' ? unknown : undefined);
        near.say({ data: 'lost' });
        await until('the end', () => near.heard.close);
        assert.equal(near.heard.close.code, 1006);
      });
  });
}

describe('the choice of a transport', () => {
  test('a stream that is held back becomes long poll', { skip, timeout: 30000 }, async () => {
    const proxy = await new Proxy(SERVER).listen();
    proxy.rule = (it) => (it.method === 'GET' && !isPoll(it) ? { hold: true } : undefined);
    const url = `${proxy.url}/sigver`;
    const socket = new SigpostSocket(url, [], { firstMs: 1000 });
    const heard = listenTo(socket);
    await until('it is open', () => heard.events.includes('open'));
    assert.deepEqual(heard.events, ['poll', 'open']);
    socket.close();
    await until('the end', () => heard.close);
    assert.deepEqual(heard.close, { code: 1005, reason: '', wasClean: true });
    assert.equal(proxy.posts().length, 0, 'sigver has no goodbye');
    await proxy.close();
  });
});
