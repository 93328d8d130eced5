/**
 * SigpostSocket for Socket.IO against the server at $SIGPOST_URL: packets of Engine.IO, as a
 * WebSocket's frames would have them.
 */

import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { SigpostSocket } from '../../www/sigpost.mjs';
import { Proxy } from './proxy.mjs';
import { SERVER, TRANSPORTS, closeConnections, newId, params, skip, until } from './sockets.mjs';

closeConnections();

const RS = '\x1e';

/** One session, which remembers the packets it was told. */
class Session {
  packets = [];
  events = [];
  addr = `/dns4/${newId()}`;

  /** @param {string} server @param {object} options @param {3 | 4} eio */
  constructor(server, options, eio = 4) {
    const url = `${server.replace('http', 'ws')}/socket.io-next/?EIO=${eio}&transport=websocket`;
    this.eio = eio;
    this.socket = new SigpostSocket(url, [], options);
    this.socket.addEventListener('message', ({ data, lastEventId }) => {
      this.packets.push(data);
      this.lastEventId = lastEventId;
    });
    this.socket.addEventListener('close', ({ code, wasClean }) => { this.close = { code, wasClean }; });
    ['transport', 'open', 'lost', 'resumed', 'error'].forEach((type) => {
      this.socket.addEventListener(type, () => this.events.push(type));
    });
  }

  /** Connected to "/", and joined. */
  async join() {
    await until('the packet open', () => this.packets.length > 0);
    if (this.eio === 4) {
      this.say('40');
    }
    this.say(`420["ss-join","${this.addr}"]`);
    await until('the ack of ss-join', () => this.packets.includes('430[{"result":"joined"}]'));
    return this;
  }

  get sid() {
    return JSON.parse(this.packets[0].slice(1)).sid;
  }

  say(packet) {
    this.socket.send(packet);
  }

  /** A handshake with a number. */
  shake({ addr }, intentId) {
    this.say(`42${JSON.stringify(['ss-handshake', { srcMultiaddr: this.addr, dstMultiaddr: addr, intentId }])}`);
  }

  /** The numbers that came. */
  get got() {
    const events = this.packets.filter((it) => it.startsWith('42["ws-handshake"'));
    return events.map((it) => JSON.parse(it.slice(2))[1].intentId);
  }

  gets(numbers) {
    return until(`${numbers.length} handshakes`, () => this.got.length >= numbers.length)
      .then(() => assert.deepEqual(this.got, numbers));
  }
}

/** Two that have joined: one at the server, one by way of something that breaks things. */
function withPair(name, options, body, { eio = 4, way = Proxy } = {}) {
  test(name, { skip, timeout: 60000 }, async () => {
    const proxy = await new way(SERVER).listen();
    const far = new Session(SERVER, TRANSPORTS.fetch);
    const near = new Session(proxy.url, options, eio);
    try {
      await Promise.all([far.join(), near.join()]);
      await body({ far, near, proxy });
    } finally {
      [far, near].forEach(({ socket }) => socket.close());
      await Promise.all([far, near].map((it) => until('closed', () => it.close)));
      await proxy.close();
    }
  });
}

/** The packets of each POST. */
const carried = (proxy) => proxy.posts().map(({ body }) => body.split(RS));

for (const [transport, options] of Object.entries(TRANSPORTS)) {
  describe(transport, () => {
    withPair('speaks as over a WebSocket', options, async ({ far, near }) => {
      near.shake(far, 1);
      await far.gets([1]);
      far.shake(near, 2);
      await near.gets([2]);
      const [open, connect] = near.packets;
      assert.match(open, /^0\{"sid":"\w+","upgrades":\[\],"pingInterval":\d+,"pingTimeout":\d+,/);
      assert.match(connect, /^40\{"sid":"\w+"\}$/);
      assert.deepEqual([near.socket.transport, near.events], [transport, ['transport', 'open']]);
    });

    withPair('comes back where it was', options, async ({ far, near, proxy }) => {
      for (let i = 0; i < 6; i += 2) {
        far.shake(near, i);
        await until('a stream to break', () => proxy.cut() > 0);
        far.shake(near, i + 1);
        await until('both', () => near.got.length === i + 2);
      }
      assert.deepEqual(near.got, [0, 1, 2, 3, 4, 5]);
      const again = proxy.seen.filter((it) => it.method === 'GET').map(params).at(-1);
      assert.deepEqual([again.sid, again.cursor.split('.')[0]], [near.sid, near.sid]);
    });

    withPair('version 3, whose client pings and is answered at no cost', options,
      async ({ far, near, proxy }) => {
        assert.equal(near.packets[1], '40');
        const before = proxy.posts().length;
        near.say('2probe');
        await until('the pong', () => near.packets.includes('3probe'));
        assert.equal(proxy.posts().length, before);
        near.shake(far, 1);
        near.shake(far, 'ä\u{1f600}');
        await far.gets([1, 'ä\u{1f600}']);
      }, { eio: 3 });
  });
}

describe('the way up', () => {
  const { fetch } = TRANSPORTS;

  withPair('packets wait during a POST, leave together, and are taken once', fetch,
    async ({ far, near, proxy }) => {
      const before = proxy.posts().length;
      let lost = 0;
      proxy.rule = ({ method }) => {
        lost += method === 'POST' ? 1 : 0;
        return method === 'POST' && lost < 4 ? { mute: true } : undefined;
      };
      [1, 2, 3, 4].forEach((it) => near.shake(far, it));
      await far.gets([1, 2, 3, 4]);
      await until('all is taken', () => near.socket.bufferedAmount === 0);
      const sizes = carried(proxy).slice(before).map(({ length }) => length);
      assert.deepEqual(sizes, [1, 1, 1, 1, 3], 'the first is repeated');
      assert.deepEqual(far.got, [1, 2, 3, 4]);
    });

  withPair('pongs cost no request', fetch, async ({ far, near, proxy }) => {
    const before = proxy.posts().length;
    near.say('3');
    near.shake(far, 1);
    await far.gets([1]);
    assert.equal(carried(proxy).slice(before).flat().length, 1);
  });
});

describe('the end', () => {
  const { fetch } = TRANSPORTS;

  withPair('close() ends the session, and its multiaddr is free', fetch,
    async ({ far, near, proxy }) => {
      near.shake(far, 1);
      near.socket.close();
      await until('the end', () => near.close);
      assert.deepEqual(near.close, { code: 1005, wasClean: true });
      assert.equal(carried(proxy).flat().at(-1), '1');
      await far.gets([1]);
      far.shake(near, 2);
      await until('its return', () => far.packets.some((it) => it.includes('peer is not available')));
    });

  withPair('so does Socket.IO\'s disconnect, and needs no second word', fetch,
    async ({ near, proxy }) => {
      near.say('41');
      near.socket.close();
      await until('the end', () => near.close);
      assert.equal(carried(proxy).flat().at(-1), '41');
    });

  withPair('of the session is that of the socket', fetch, async ({ near }) => {
    await globalThis.fetch(`${SERVER}/socket.io/?EIO=4&transport=polling&sid=${near.sid}`, { method: 'POST', body: '1' });
    await until('the end', () => near.close);
    assert.deepEqual(near.close, { code: 1000, wasClean: true });
  });

  for (const method of ['GET', 'POST']) {
    withPair(`a server that knows no such session any more (${method})`, fetch,
      async ({ far, near, proxy }) => {
        const unknown = { status: 400, body: '{"code":1,"message":"Session ID unknown"}' };
        proxy.rule = (it) => (it.method === method ? unknown : undefined);
        if (method === 'GET') {
          await until('a stream to break', () => proxy.cut() > 0);
        } else {
          near.shake(far, 1);
        }
        await until('the end', () => near.close);
        assert.deepEqual(near.close, { code: 1006, wasClean: false });
        assert.equal(near.events.at(-1), 'error');
      });
  }
});

describe('what comes', () => {
  withPair('again is told once; what has no id of its own, and so that of another, each time', TRANSPORTS.fetch,
    async ({ far, near, proxy }) => {
      far.shake(near, 1);
      await near.gets([1]);
      const [, epoch, seq] = /\.(\w+)-(\d+)$/.exec(near.lastEventId);
      const old = (n) => `id: ${near.sid}.${epoch}-${n}\ndata: 4again\n\n`;
      const before = `${old(seq - 1)}${old(seq)}data: 4new\n\ndata: 4new\n\n`;
      proxy.rule = ({ method }) => (method === 'GET' ? { before } : undefined);
      await until('a stream to break', () => proxy.cut() > 0);
      far.shake(near, 2);
      await near.gets([1, 2]);
      const others = near.packets.filter((it) => /^4[an]/.test(it));
      assert.deepEqual(others, ['4new', '4new']);
    });
});

/** Passes everything on, and can break it all off. */
class Wire {
  sockets = new Set();
  #server = net.createServer((near) => {
    const { hostname, port } = new URL(SERVER);
    const far = net.connect(Number(port), hostname);
    near.pipe(far).pipe(near);
    [near, far].forEach((it) => {
      this.sockets.add(it);
      it.on('error', () => {}).on('close', () => [near, far].forEach((one) => one.destroy()));
    });
  });

  async listen() {
    await new Promise((resolve) => { this.#server.listen(0, '127.0.0.1', resolve); });
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
    return this;
  }

  cut() {
    this.sockets.forEach((it) => it.resetAndDestroy());
    this.sockets.clear();
  }

  close() {
    this.cut();
    return new Promise((resolve) => { this.#server.close(resolve); });
  }
}

describe('websocket', async () => {
  const { WebSocket = (await import('ws')).WebSocket } = globalThis;
  const options = { ...TRANSPORTS.fetch, transports: ['websocket', 'fetch'], WebSocket };

  withPair('where the server offers it; it comes back to its session', options,
    async ({ far, near, proxy }) => {
      assert.equal(near.socket.transport, 'websocket');
      proxy.cut();
      await until('the loss', () => near.events.includes('lost'));
      far.shake(near, 1);
      await near.gets([1]);
      near.shake(far, 2);
      await far.gets([2]);
      assert.deepEqual([near.socket.transport, near.close], ['websocket', undefined]);
    }, { way: Wire });

  withPair('where nothing lets it through, the next one', options, async ({ far, near }) => {
    near.shake(far, 1);
    await far.gets([1]);
    assert.equal(near.socket.transport, 'fetch');
  });
});
