/**
 * Unmodified PeerJS in real browsers, against the server at $SIGPOST_URL, on a page of another
 * origin that has one more line: <script src="…/www/sigpost.js">.
 */

import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { WebSocketServer } from 'ws';
import { BROWSERS, Site } from './browsers.mjs';
import { Proxy } from './proxy.mjs';
import {
  Peer, SERVER, TRANSPORTS, addressOf, closeConnections, newId, params, skip, until,
} from './sockets.mjs';

closeConnections();

/** The line. */
const tagFor = (server, more = '') => `<script src="${server}/www/sigpost.js" ${more}></script>`;

/** In the page: a peer that writes down what it sees. */
function startPeer({ id, server }) {
  const { hostname: host, port } = new URL(server);
  const peer = new globalThis.Peer(id, { host, port: Number(port), path: '/', key: 'peerjs',
    config: { iceServers: [] } });
  const log = { begun: Date.now(), open: 0, errors: [], lines: [], disconnected: 0 };
  const listen = (connection) => {
    connection.on('data', (data) => log.lines.push(data));
    log.connection = connection;
  };
  peer.on('open', (open) => Object.assign(log, { open: Date.now() - log.begun, id: open }));
  peer.on('error', ({ type }) => log.errors.push(type));
  peer.on('disconnected', () => { log.disconnected += 1; });
  peer.on('connection', listen);
  Object.assign(globalThis, { peer, log, listen });
}

/** What the page has seen, without what cannot leave it. */
const logOf = (page) => page.evaluate(() => {
  const { connection, ...rest } = globalThis.log;
  const [socket] = globalThis.sigpost.sockets;
  return { ...rest, connected: Boolean(connection?.open), transport: socket?.transport,
    sockets: globalThis.sigpost.sockets.size };
});

const opens = (page) => until('the peer opens', async () => {
  const { open, errors } = await logOf(page);
  assert.deepEqual(errors, []);
  return open > 0;
});

/** The page's peer connects to another one and sends it a line. */
function connect(page, id, line) {
  return page.evaluate(([to, text]) => {
    const connection = globalThis.peer.connect(to);
    globalThis.listen(connection);
    connection.on('open', () => connection.send(text));
  }, [id, line]);
}

const hears = (page, line) => until(`the line ${line}`, async () => (
  (await logOf(page)).lines.includes(line)));

for (const [name, { launch, missing }] of Object.entries(BROWSERS)) {
  describe(`PeerJS in ${name}`, { skip: skip || missing }, () => {
    let browser;
    let site;
    before(async () => {
      [browser, site] = await Promise.all([launch(), new Site().listen()]);
    });
    after(() => Promise.all([browser?.close(), site?.close()]));

    /** What a test opened, also if it fails. */
    const opened = [];
    afterEach(() => Promise.all(opened.splice(0).map((close) => close())));

    async function newPage(context) {
      const page = await (context ?? await browser.newContext()).newPage();
      opened.push(() => page.close().catch(() => {})); // it may be closed already
      return page;
    }

    async function newProxy(rule = () => undefined) {
      const proxy = await new Proxy(SERVER).listen();
      proxy.rule = rule;
      opened.push(() => proxy.close());
      return proxy;
    }

    async function newFar(id, token) {
      const far = new Peer(SERVER, TRANSPORTS.fetch, id, token);
      opened.push(() => far.socket.close());
      return far.open();
    }

    /** A window with a peer, of a browser profile of its own if none is given. */
    async function newPeer(id, { server = SERVER, tag = tagFor(server), context } = {}) {
      const page = await newPage(context);
      await page.goto(site.page(tag));
      await page.evaluate(startPeer, { id, server });
      return page;
    }

    const browserTest = (what, body) => test(what, { timeout: 60000 }, body);

    browserTest('two meet over an event stream and talk directly', async () => {
      const [a, b] = [newId(), newId()];
      const pages = await Promise.all([newPeer(a), newPeer(b)]);
      await Promise.all(pages.map(opens));
      await connect(pages[0], b, 'hello ä€𝄞');
      await hears(pages[1], 'hello ä€𝄞');
      const log = await logOf(pages[1]);
      assert.deepEqual([log.id, log.transport, log.sockets, log.errors], [b, 'sse', 1, []]);
    });

    for (const transport of ['fetch', 'poll']) {
      browserTest(`two meet over ${transport}, as the tag says, with given ids`, async () => {
        const tag = tagFor(SERVER, `data-transports="${transport}"`);
        const pages = await Promise.all([1, 2].map(() => newPeer(undefined, { tag })));
        await Promise.all(pages.map(opens));
        const { id } = await logOf(pages[1]);
        await connect(pages[0], id, 'hello');
        await hears(pages[1], 'hello');
        assert.equal((await logOf(pages[0])).transport, transport);
        });
    }

    browserTest('a proxy that holds streams back: long poll, unnoticed by PeerJS', async () => {
      const proxy = await newProxy(({ url }) => (
        url.includes('transport=sse') ? { hold: true } : undefined));
      const page = await newPeer(newId(), { server: proxy.url });
      await opens(page);
      assert.equal((await logOf(page)).transport, 'poll');
    });

    browserTest('a broken connection comes back at its cursor, in each way', async () => {
      const proxy = await newProxy();
      const far = await newFar();
      for (const transport of ['sse', 'fetch', 'poll']) {
        const id = newId();
        const tag = tagFor(proxy.url, `data-transports="${transport}"`);
        const page = await newPeer(id, { server: proxy.url, tag });
        await opens(page);
        await page.evaluate(() => {
          const [socket] = globalThis.sigpost.sockets;
          socket.addEventListener('message', ({ data }) => (
            globalThis.log.lines.push(JSON.parse(data).payload)));
        });
        for (let i = 0; i < 3; i += 1) {
          far.say({ id }, 2 * i);
          await until('a stream to break', () => proxy.cut() > 0);
          far.say({ id }, 2 * i + 1);
          await until('both', async () => (await logOf(page)).lines.length === 2 * i + 2);
        }
        const log = await logOf(page);
        assert.deepEqual(log.lines, [0, 1, 2, 3, 4, 5]);
        assert.deepEqual([log.transport, log.disconnected], [transport, 0]);
      }
    });

    browserTest('cut off while somebody calls: the call waits', async () => {
      const [a, b] = [newId(), newId()];
      const pages = await Promise.all([newPeer(a), newPeer(b)]);
      await Promise.all(pages.map(opens));
      await pages[1].evaluate(() => [...globalThis.sigpost.sockets][0].cut(1000));
      await connect(pages[0], b, 'are you there?');
      await hears(pages[1], 'are you there?');
      assert.deepEqual((await logOf(pages[1])).errors, []);
    });

    browserTest('a reloaded page has its id back at once, and its messages arrive', async () => {
      const [a, b] = [newId(), newId()];
      const [page, other] = await Promise.all([newPage(), newPeer(b)]);
      const script = `(${startPeer})(${JSON.stringify({ id: a, server: SERVER })})`;
      await page.goto(site.page(tagFor(SERVER), script));
      await Promise.all([page, other].map(opens));
      for (const line of ['first', 'second', 'third']) {
        await page.reload();
        await opens(page);
        const { open } = await logOf(page);
        assert.ok(open < 2500, `not after the grace of 3 s: ${open} ms`);
        await connect(page, b, line);
        await hears(other, line);
      }
    });

    browserTest('the page it was may hold the lock a little longer', async () => {
      const proxy = await newProxy();
      const id = newId();
      const context = await browser.newContext();
      const [page, before] = [await newPage(context), await newPage(context)];
      await Promise.all([page, before].map((it) => it.goto(site.page(tagFor(proxy.url)))));
      const name = `sigpost ${proxy.url} peerjs ${id}`;
      await before.evaluate((lock) => new Promise((held) => {
        navigator.locks.request(lock, () => {
          held();
          return new Promise((release) => { setTimeout(release, 600); });
        });
      }), name);
      await page.evaluate((key) => sessionStorage.setItem(key, '{"token":"mine"}'), name);
      await page.evaluate(startPeer, { id, server: proxy.url });
      const asked = () => proxy.seen.find(({ url }) => url.startsWith('/peerjs?'));
      assert.equal(params(await until('the request', asked)).token, 'mine');
    });

    browserTest('one that says goodbye as it is reloaded is somebody new, and stays', async () => {
      const id = newId();
      const proxy = await newProxy(({ body }) => (body.includes('LEAVE')
        ? { after: new Promise((resolve) => { setTimeout(resolve, 1000); }) } : undefined));
      const page = await newPeer(id, { server: proxy.url });
      await opens(page);
      await page.evaluate(() => {
        globalThis.addEventListener('pagehide', () => globalThis.peer.destroy());
      });
      await page.reload();
      await page.evaluate(startPeer, { id, server: proxy.url });
      await opens(page);
      await until('the goodbye', () => proxy.posts().length === 1);
      await new Promise((resolve) => { setTimeout(resolve, 1500); });
      const { disconnected, errors, sockets } = await logOf(page);
      assert.deepEqual([disconnected, errors, sockets], [0, [], 1]);
    });

    browserTest('a duplicated tab has the storage, but not the id', async () => {
      const id = newId();
      const context = await browser.newContext();
      const page = await newPeer(id, { context });
      await opens(page);
      const storage = await page.evaluate(() => ({ ...globalThis.sessionStorage }));
      assert.equal(Object.keys(storage).length, 1);
      const copy = await newPage(context);
      await copy.goto(site.page(tagFor(SERVER)));
      await copy.evaluate((items) => Object.assign(globalThis.sessionStorage, items), storage);
      await copy.evaluate(startPeer, { id, server: SERVER });
      await until('the refusal', async () => (await logOf(copy)).errors.length > 0);
      assert.deepEqual((await logOf(copy)).errors, ['unavailable-id']);
      assert.deepEqual((await logOf(page)).errors, []);
      assert.equal((await logOf(page)).sockets, 1);
      await page.close();
      await until('the heir', async () => {
        await copy.reload();
        await copy.evaluate(startPeer, { id, server: SERVER });
        return until('an outcome', async () => {
          const { open, errors } = await logOf(copy);
          return open || errors.length;
        });
      });
      await opens(copy);
    });

    browserTest('two peers of one page that want one id: the server decides', async () => {
      const id = newId();
      const page = await newPeer(id);
      await opens(page);
      await page.evaluate(startPeer, { id, server: SERVER });
      await until('the refusal', async () => (await logOf(page)).errors.length > 0);
      assert.deepEqual((await logOf(page)).errors, ['unavailable-id']);
    });

    browserTest('disconnect() and reconnect()', async () => {
      const id = newId();
      const page = await newPeer(id);
      await opens(page);
      await page.evaluate(() => {
        globalThis.log.open = 0;
        globalThis.peer.disconnect();
        globalThis.peer.reconnect();
      });
      await opens(page);
      const { id: again, errors } = await logOf(page);
      assert.deepEqual([again, errors], [id, []]);
      await page.evaluate(() => globalThis.peer.destroy());
      await until('the id is free', async () => {
        await newFar(id, 'another');
        return true;
      });
    });

    browserTest('what was sent before the page left arrives', async () => {
      const proxy = await newProxy(({ method }) => (method === 'POST'
        ? { after: new Promise((resolve) => { setTimeout(resolve, 100); }) } : undefined));
      const far = await newFar();
      const page = await newPeer(newId(), { server: proxy.url });
      await opens(page);
      await page.evaluate((dst) => {
        const [socket] = globalThis.sigpost.sockets;
        for (let payload = 0; payload < 5; payload += 1) {
          socket.send(JSON.stringify({ type: 'CANDIDATE', dst, payload }));
        }
        globalThis.location.href = 'about:blank';
      }, far.id);
      await until('all', () => far.got.length === 5);
      assert.deepEqual([...far.got].sort(), [0, 1, 2, 3, 4]);
    });

    browserTest('a network that is back, and a page that is taken out of the cache', async () => {
      const id = newId();
      const [page, far] = [await newPeer(id), await newFar()];
      await opens(page);
      const act = (types) => page.evaluate((names) => {
        names.forEach((name) => globalThis.dispatchEvent(new Event(name)));
        const [socket] = globalThis.sigpost.sockets;
        return socket.connected;
      }, types);
      await page.evaluate(() => {
        const [socket] = globalThis.sigpost.sockets;
        socket.addEventListener('message', ({ data }) => (
          globalThis.log.lines.push(JSON.parse(data).payload)));
        socket.cut(50_000);
      });
      await until('it is away', async () => !await act([]));
      await until('it is back', () => act(['online']));
      await act(['pagehide']);
      far.say({ id }, 'while it lay there');
      await new Promise((resolve) => { setTimeout(resolve, 200); });
      assert.deepEqual((await logOf(page)).lines, []);
      await act(['pageshow']);
      await hears(page, 'while it lay there');
    });

    browserTest('heartbeats cost no request', async () => {
      const proxy = await newProxy();
      const page = await newPeer(newId(), { server: proxy.url });
      await opens(page);
      await page.evaluate(() => {
        for (let i = 0; i < 3; i += 1) {
          globalThis.peer.socket.send({ type: 'HEARTBEAT' });
        }
      });
      await page.evaluate(() => globalThis.peer.destroy());
      await until('the goodbye', () => proxy.posts().length > 0);
      assert.deepEqual(proxy.posts().map(({ body }) => body), ['{"type":"LEAVE"}']);
    });

    browserTest('every other WebSocket is the browser\'s', async () => {
      const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
      opened.push(() => {
        server.clients.forEach((it) => it.terminate());
        server.close();
      });
      server.on('connection', (socket) => {
        socket.on('message', (data) => socket.send(String(data)));
      });
      const page = await newPeer(newId());
      const echo = await page.evaluate((url) => new Promise((resolve) => {
        const socket = new WebSocket(url);
        socket.onopen = () => socket.send('echo');
        socket.onmessage = ({ data }) => resolve([data, socket instanceof WebSocket,
          Object.prototype.toString.call(socket), WebSocket.OPEN]);
      }), `ws://127.0.0.1:${server.address().port}/`);
      assert.deepEqual(echo, ['echo', true, '[object WebSocket]', 1]);
    });

    browserTest('the module, from a page of the server: install() knows it', async () => {
      const page = await newPage();
      await page.goto(`${SERVER}/www/sigpost.mjs`);
      const id = newId();
      const result = await page.evaluate(async (url) => {
        const { install, sockets } = await import('/www/sigpost.mjs');
        const uninstall = install({ transports: ['fetch'] });
        const socket = new WebSocket(url);
        const message = await new Promise((resolve) => { socket.onmessage = resolve; });
        uninstall();
        return [message.data, sockets.has(socket), Function.prototype.toString.call(WebSocket)];
      }, addressOf(SERVER, id));
      assert.deepEqual(result.slice(0, 2), ['{"type":"OPEN"}', true]);
      assert.match(result[2], /native code/);
    });

    browserTest('the token in the address is not the page\'s for ever', async () => {
      const proxy = await newProxy();
      const id = newId();
      const page = await newPeer(id, { server: proxy.url });
      await opens(page);
      await page.reload();
      await page.evaluate(startPeer, { id, server: proxy.url });
      await opens(page);
      const tokens = proxy.seen.filter(({ url }) => url.startsWith('/peerjs?'))
        .map((it) => params(it).token);
      assert.equal(new Set(tokens).size, 1);
      const own = await page.evaluate(() => globalThis.peer.options.token);
      assert.notEqual(own, tokens[0], 'PeerJS has drawn a new one');
    });
  });
}
