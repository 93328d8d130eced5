/**
 * HTTPS in a browser: how many streams one has at a time, over HTTP/1.1, over HTTP/2 from `sigpost serve`, and with
 * nginx before it. docs/serve.md has these numbers.
 */

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import net from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { Certificates } from '../blackbox/certificates.mjs';
import { kind } from '../blackbox/kinds.mjs';
import { Process, until } from '../blackbox/proc.mjs';
import { Site, freePort } from '../blackbox/site.mjs';
import { BROWSERS } from './browsers.mjs';

const { launch, missing } = BROWSERS.Chromium;
const PEERJS = fileURLToPath(new URL('../node_modules/peerjs/dist/peerjs.min.js', import.meta.url));

/** What is tried at a time: above what any of them lets through, but for nginx. Chromium opens many WebSockets slowly. */
const MANY = 24;
const SOCKETS = 10;

/** What a server says of streams, and that it speaks HTTP/2 at all. @returns {Promise<number | undefined>} */
function announced(url) {
  return new Promise((resolve) => {
    const session = http2.connect(url, { rejectUnauthorized: false });
    session.on('error', () => resolve(undefined));
    session.on('remoteSettings', ({ maxConcurrentStreams }) => {
      resolve(maxConcurrentStreams);
      session.destroy();
    });
  });
}

/** @param {number} port */
function listens(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
  });
}

describe('HTTPS in Chromium', { skip: missing }, () => {
  let browser;
  let site;
  let pem;
  const started = [];

  before(async () => {
    site = new Site();
    pem = new Certificates(join(site.root, 'pem'));
    browser = await launch();
  });

  after(async () => {
    await browser?.close();
    await Promise.all(started.map((it) => it.stop()));
    await site?.end();
  });

  async function start(command, port) {
    const it = new Process(command, { cwd: site.root, env: { TMPDIR: join(site.root, 'htdocs') } });
    started.push(it);
    await until(`somebody at port ${port}`, () => {
      assert.equal(it.how, undefined, it.log());
      return listens(port);
    });
    return port;
  }

  async function serve(...args) {
    const port = await freePort();
    return start([join(site.root, 'bin/sigpost'), 'serve', '--port', String(port), '--db', site.db,
      '--www', join(site.root, 'www'), ...args], port);
  }

  const secure = async (...more) =>
    `https://127.0.0.1:${await serve('--tls-cert', pem.path('cert'), '--tls-key', pem.path('cert-key'), ...more)}`;

  /** The configuration that is installed, with TLS. */
  async function nginx() {
    const port = await freePort();
    const listen = `listen 127.0.0.1:${port} ssl http2; ssl_certificate ${pem.path('cert')}; ssl_certificate_key ${pem.path('cert-key')};`;
    await site.serve({ ...kind('nginx before sigpost serve'), change: { '\tlisten 80;': `\t${listen}` } }, { ready: false });
    await until(`nginx at port ${port}`, () => listens(port)).catch((error) => { throw site.explain(error); });
    return `https://127.0.0.1:${port}/rtc`;
  }

  /** A page of this server without rules of its own, by the protocol it came by. */
  async function open(url) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await page.goto(`${url}/nowhere`);
    const protocol = await page.evaluate(() => performance.getEntriesByType('navigation')[0].nextHopProtocol);
    return { page, protocol, close: () => context.close() };
  }

  /** How many of those that were asked for are open: so many, and no more. */
  async function settled(page, expected) {
    const count = () => page.evaluate(() => globalThis.all.filter((it) => it.readyState === 1).length);
    let seen = 0;
    await until(`${expected} to be open`, async () => { seen = await count(); return seen >= expected; })
      .catch((error) => { throw new Error(`${error.message}: ${seen} are`); });
    await delay(300);
    assert.equal(await count(), expected);
  }

  const ask = (page, url, count) => page.evaluate(([to, n]) => {
    globalThis.all = Array.from({ length: n }, () => new EventSource(to));
  }, [`${url}/sigver`, count]);

  /** Some end, and as many of those that waited come. */
  async function release(page, count, expected) {
    await page.evaluate((n) => globalThis.all.splice(0, n).forEach((it) => it.close()), count);
    await settled(page, expected);
  }

  const sockets = (page, url, count) => page.evaluate(([to, n]) => {
    globalThis.all.forEach((it) => it.close());
    globalThis.all = Array.from({ length: n }, () => new WebSocket(to));
  }, [`${url.replace('http', 'ws')}/sigver`, count]);

  /** Whether anything else still gets through. */
  const passes = (page, url) => page.evaluate((to) => Promise.race([
    fetch(to).then((it) => it.ok), new Promise((resolve) => { setTimeout(resolve, 500, false); }),
  ]), `${url}/peerjs/id`);

  test('HTTP/2 from sigpost serve: as many as lighttpd says, WebSockets among them', async () => {
    const url = await secure();
    const limit = await announced(url);
    assert.equal(limit, 8, 'docs/serve.md says so');
    const { page, protocol, close } = await open(url);
    assert.equal(protocol, 'h2');
    await ask(page, url, MANY);
    await settled(page, limit);
    assert.equal(await passes(page, url), false);
    await release(page, 5, limit);
    await sockets(page, url, SOCKETS);
    await settled(page, limit);
    assert.equal(await passes(page, url), false);
    await close();
  });

  test('unmodified PeerJS, by a WebSocket over HTTP/2', async () => {
    const url = await secure();
    const { page, close } = await open(url);
    await page.addScriptTag({ path: PEERJS });
    const said = await page.evaluate(async ([host, port]) => {
      const peer = () => new Promise((resolve, reject) => {
        const it = new globalThis.Peer({ host, port, path: '/', secure: true, config: { iceServers: [] } });
        it.on('open', () => resolve(it));
        it.on('error', reject);
      });
      const [one, two] = await Promise.all([peer(), peer()]);
      const heard = new Promise((resolve) => { two.on('connection', (it) => it.on('data', resolve)); });
      const connection = one.connect(two.id);
      connection.on('open', () => connection.send('by TLS'));
      return heard;
    }, [new URL(url).hostname, Number(new URL(url).port)]);
    assert.equal(said, 'by TLS');
    const ways = await page.evaluate(() => performance.getEntriesByType('resource').map((it) => it.nextHopProtocol));
    assert.ok(ways.every((it) => it === 'h2'), String(ways));
    await close();
  });

  test('HTTP/1.1: six, and WebSockets beside them', async () => {
    const url = await secure('--http2', 'off');
    const { page, protocol, close } = await open(url);
    assert.equal(protocol, 'http/1.1');
    await ask(page, url, MANY);
    await settled(page, 6);
    assert.equal(await passes(page, url), false);
    await release(page, 3, 6);
    await sockets(page, url, SOCKETS);
    await settled(page, SOCKETS);
    assert.equal(await passes(page, url), true);
    await close();
  });

  test('HTTP/2 from nginx before it: more than a hundred, and WebSockets beside them', async () => {
    const url = await nginx();
    assert.equal(await announced(url), 128);
    const { page, protocol, close } = await open(url);
    assert.equal(protocol, 'h2');
    await ask(page, url, 120);
    await settled(page, 120);
    assert.equal(await passes(page, url), true);
    await sockets(page, url, SOCKETS);
    await settled(page, SOCKETS);
    await close();
  });
});
