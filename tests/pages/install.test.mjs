/**
 * install(): whose WebSocket is whose. And WebSocket itself as a transport, from a server that has
 * it.
 */

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { WebSocket as Ws, WebSocketServer } from 'ws';
import { SigpostSocket, install, sockets } from '../../www/sigpost.mjs';
import { serverOf } from '../../www/install.mjs';
import {
  Peer, SERVER, addressOf, closeConnections, listenTo, newId, params, skip, until,
} from './sockets.mjs';

closeConnections();

/** A server with WebSocket: what it hears and how it answers is up to the test. */
class Stage extends EventEmitter {
  urls = [];
  heard = [];

  async listen() {
    this.server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(this.server, 'listening');
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    this.server.on('connection', (socket, { url }) => {
      this.socket = socket;
      this.urls.push(url);
      socket.on('message', (data) => this.heard.push(String(data)));
      this.emit('socket', socket);
    });
    return this;
  }

  close() {
    this.server.clients.forEach((it) => it.terminate());
    return new Promise((resolve) => { this.server.close(resolve); });
  }
}

const NOWHERE = 'http://127.0.0.1:9';
const OURS = addressOf(NOWHERE, 'a');

describe('install()', () => {
  /** A global object of its own, patched for one server. */
  function patched(options = {}, WebSocket = Ws) {
    const global = WebSocket ? { WebSocket } : {};
    const uninstall = install({ server: NOWHERE, global, ...options });
    return { global, uninstall };
  }

  /** What comes of an address; closed at once. */
  function kind(global, url) {
    const socket = new global.WebSocket(url);
    socket.addEventListener('error', () => {});
    socket.close();
    return socket.constructor;
  }

  test('takes the addresses of its server, and no others', () => {
    const { global } = patched({ server: [`${NOWHERE}/a/`, 'wss://example.org/b'] });
    const rows = {
      'ws://127.0.0.1:9/a/peerjs?key=k&id=i&token=t': SigpostSocket,
      'ws://127.0.0.1:9/a/sigver': SigpostSocket,
      'ws://127.0.0.1:9/a/sigver/opened/': SigpostSocket,
      'wss://example.org:443/b/peerjs': SigpostSocket,
      'ws://127.0.0.1:9/a/socket.io/?EIO=3&transport=websocket': SigpostSocket,
      'ws://127.0.0.1:9/a/socket.io-next/?transport=websocket&EIO=4': SigpostSocket,
      'ws://127.0.0.1:9/a/socket.io/?EIO=4&transport=websocket&sid=1': Ws,
      'ws://127.0.0.1:9/a/socket.io/?EIO=4': Ws,
      'ws://127.0.0.1:9/socket.io-next/?EIO=4&transport=websocket': Ws,
      'ws://127.0.0.1:9/peerjs?key=k&id=i&token=t': Ws,
      'ws://127.0.0.1:9/a/chat': Ws,
      'ws://127.0.0.1:9/a/b/peerjs': Ws,
      'wss://127.0.0.1:9/a/peerjs': Ws,
      'ws://localhost:9/a/peerjs': Ws,
    };
    for (const [url, want] of Object.entries(rows)) {
      assert.equal(kind(global, url), want, url);
    }
    assert.equal(kind(global, new URL('ws://127.0.0.1:9/a/sigver')), SigpostSocket);
  });

  test('libp2p: a multiaddr means the server on its host', () => {
    const { global } = patched({ server: [`${NOWHERE}/a/b`, 'https://example.org'], libp2p: true });
    const query = '?EIO=4&transport=websocket';
    const rows = {
      'ws://127.0.0.1:9/socket.io-next/': 'ws://127.0.0.1:9/a/b/socket.io-next',
      'ws://127.0.0.1:9/a/b/socket.io/': 'ws://127.0.0.1:9/a/b/socket.io/',
      'wss://example.org/socket.io/': 'wss://example.org/socket.io/',
    };
    for (const [url, want] of Object.entries(rows)) {
      const socket = new global.WebSocket(url + query);
      assert.equal(socket.url, want + query);
      socket.close();
    }
    for (const url of ['ws://127.0.0.1:9/c/socket.io/', 'ws://127.0.0.1:10/socket.io/']) {
      assert.equal(kind(global, url + query), Ws, url);
    }
    assert.equal(kind(global, 'ws://127.0.0.1:9/peerjs?key=k&id=i&token=t'), Ws);
  });

  test('and what comes of them is a WebSocket to whoever asks', () => {
    const { global } = patched();
    const [ours, native] = [OURS, `${NOWHERE}/chat`].map((url) => {
      const socket = new global.WebSocket(url);
      socket.addEventListener('error', () => {});
      return socket;
    });
    assert.ok(ours instanceof global.WebSocket);
    assert.ok(native instanceof global.WebSocket);
    assert.ok(native instanceof Ws);
    assert.equal({} instanceof global.WebSocket, false);
    assert.equal(null instanceof global.WebSocket, false);
    assert.deepEqual([global.WebSocket.CONNECTING, global.WebSocket.OPEN, global.WebSocket.CLOSED],
      [0, 1, 3]);
    assert.equal(global.WebSocket.prototype, Ws.prototype);
    assert.equal(global.WebSocket.name, Ws.name);
    [ours, native].forEach((it) => it.close());
  });

  test('a subclass stays what it was', () => {
    const { global } = patched();
    class Mine extends global.WebSocket {
      mine() {
        return true;
      }
    }
    const mine = new Mine(OURS);
    mine.on('error', () => {});
    mine.close();
    assert.ok(mine.mine());
    assert.ok(mine instanceof Mine);
    assert.ok(mine instanceof global.WebSocket);
    const native = new Ws(`${NOWHERE}/chat`);
    native.on('error', () => {});
    native.close();
    assert.equal(native instanceof Mine, false);
  });

  test('other sockets work as before', async () => {
    const stage = await new Stage().listen();
    const { global } = patched();
    stage.on('socket', (socket) => socket.on('message', (data) => socket.send(data)));
    const socket = new global.WebSocket(stage.url.replace('http', 'ws'), ['chat']);
    await once(socket, 'open');
    socket.send('echo');
    const [data] = await once(socket, 'message');
    assert.equal(String(data), 'echo');
    socket.close();
    await stage.close();
  });

  test('errors are as before, too', () => {
    const { global } = patched();
    assert.throws(() => new global.WebSocket('no address'), SyntaxError);
    assert.throws(() => global.WebSocket(OURS), TypeError);
  });

  test('what it returns takes it back', () => {
    const { global, uninstall } = patched();
    uninstall();
    assert.equal(global.WebSocket, Ws);
    uninstall();
    assert.equal(global.WebSocket, Ws);
  });

  test('twice, for two servers, taken back in any order', () => {
    const { global, uninstall } = patched();
    const again = install({ server: 'http://127.0.0.1:10', global });
    const other = addressOf('http://127.0.0.1:10', 'a');
    assert.deepEqual([kind(global, OURS), kind(global, other)], [SigpostSocket, SigpostSocket]);
    uninstall();
    assert.deepEqual([kind(global, OURS), kind(global, other)], [Ws, SigpostSocket]);
    again();
    assert.equal(kind(global, other), Ws);
  });

  test('where there is no WebSocket: ours, and an error for others', () => {
    const { global, uninstall } = patched({}, null);
    assert.equal(kind(global, OURS), SigpostSocket);
    assert.equal(global.WebSocket.OPEN, 1);
    const other = () => new global.WebSocket('ws://127.0.0.1:9/chat');
    assert.throws(other, { name: 'NotSupportedError' });
    uninstall();
    assert.equal('WebSocket' in global, false);
  });

  test('onsocket is told of each, and options reach it', async () => {
    const told = [];
    const { global } = patched({ onsocket: (it) => told.push(it), transports: [] });
    const socket = new global.WebSocket(OURS);
    assert.deepEqual(told, [socket]);
    assert.ok(sockets.has(socket));
    const heard = listenTo(socket);
    await until('the end', () => heard.close);
    assert.equal(heard.close.reason, 'no transport');
  });

  test('wants an address of the web', () => {
    for (const server of [undefined, 'nonsense', 'ftp://example.org', []]) {
      assert.throws(() => install({ server, global: {} }), TypeError);
    }
  });

  test('knows its server by the address of the script', () => {
    assert.equal(serverOf('https://example.org/a/www/sigpost.js?v=1#x'), 'https://example.org/a');
    assert.equal(serverOf('https://example.org/www/install.mjs'), 'https://example.org');
    assert.equal(serverOf('https://example.org/assets/bundle.js'), '');
    assert.equal(serverOf('file:///usr/share/sigpost/www/install.mjs'), '');
  });
});

describe('WebSocket as a transport', () => {
  let stage;
  before(async () => { stage = await new Stage().listen(); });
  after(() => stage.close());

  const options = { transports: ['websocket', 'sse', 'poll'], WebSocket: Ws };
  const open = () => stage.socket.send('{"type":"OPEN"}');

  test('goes both ways; heartbeats, too', async () => {
    stage.once('socket', open);
    const peer = await new Peer(stage.url, options).open();
    assert.equal(peer.socket.transport, 'websocket');
    assert.equal(params({ url: stage.urls.at(-1) }).transport, 'websocket');
    peer.say({ id: 'b' }, 1);
    peer.socket.send('{"type":"HEARTBEAT"}');
    await until('both', () => stage.heard.length === 2);
    assert.deepEqual(stage.heard.map((it) => JSON.parse(it).type), ['CANDIDATE', 'HEARTBEAT']);
    stage.socket.send('{"type":"CANDIDATE","src":"b","dst":"a","payload":2}');
    await peer.gets([2]);
    const closed = once(stage.socket, 'close');
    peer.socket.close();
    await closed;
    await until('the end', () => peer.heard.close);
    assert.deepEqual(peer.heard.close, { code: 1005, reason: '', wasClean: true });
  });

  test('comes back, and the page hears one OPEN', async () => {
    stage.on('socket', open);
    const peer = await new Peer(stage.url, options).open();
    stage.socket.terminate();
    await until('its return', () => peer.heard.events.includes('resumed'));
    stage.socket.send('{"type":"CANDIDATE","payload":1}');
    await peer.gets([1]);
    assert.equal(peer.heard.messages.filter(({ type }) => type === 'OPEN').length, 1);
    peer.socket.close();
    stage.off('socket', open);
  });

  test('its end in order is the end', async () => {
    stage.once('socket', (socket) => {
      socket.send('{"type":"ID-TAKEN","payload":{"msg":"ID is taken"}}');
      socket.close(1000);
    });
    const peer = new Peer(stage.url, options);
    await until('the end', () => peer.heard.close);
    assert.deepEqual(peer.heard.events, ['websocket', 'open', 'close']);
    stage.once('socket', (socket) => {
      open();
      socket.close(4000, 'go away');
    });
    const other = new Peer(stage.url, options);
    await until('the end', () => other.heard.close);
    assert.deepEqual(other.heard.close, { code: 4000, reason: 'go away', wasClean: true });
  });

  test('a patched WebSocket does not lead back to itself', async () => {
    const before = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
    globalThis.WebSocket = Ws;
    const told = [];
    const onsocket = (it) => told.push(it);
    const uninstall = [1, 2].map(() => (
      install({ server: stage.url, transports: ['websocket'], onsocket })));
    stage.once('socket', open);
    const socket = new globalThis.WebSocket(addressOf(stage.url, newId()));
    const heard = listenTo(socket);
    await until('it is open', () => heard.events.includes('open'));
    assert.deepEqual(told, [socket]);
    assert.deepEqual(heard.events, ['websocket', 'open']);
    socket.close();
    await until('the end', () => heard.close);
    uninstall.reverse().forEach((it) => it());
    assert.equal(globalThis.WebSocket, Ws);
    Object.defineProperty(globalThis, 'WebSocket', before ?? { value: undefined, writable: true });
  });

  test('where there is none, there is no such transport', async () => {
    const global = {};
    const uninstall = install({ server: stage.url, global, transports: ['websocket'] });
    const before = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
    Object.defineProperty(globalThis, 'WebSocket',
      { value: global.WebSocket, configurable: true, writable: true });
    const heard = listenTo(new globalThis.WebSocket(addressOf(stage.url, newId())));
    await until('the end', () => heard.close);
    assert.equal(heard.close.reason, 'no transport');
    Object.defineProperty(globalThis, 'WebSocket', before ?? { value: undefined, writable: true });
    uninstall();
  });

  test('one that cannot even be made is passed over at once', { skip }, async () => {
    const Forbidden = class {
      constructor() {
        throw new DOMException('not from this page', 'SecurityError');
      }
    };
    const begun = Date.now();
    const transports = ['websocket', 'fetch'];
    const peer = await new Peer(SERVER, { transports, WebSocket: Forbidden }).open();
    assert.ok(Date.now() - begun < 1000);
    assert.equal(peer.socket.transport, 'fetch');
    peer.socket.close();
    await until('the end', () => peer.heard.close);
  });
});
