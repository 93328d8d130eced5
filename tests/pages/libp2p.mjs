/** Windows with a libp2p node in each (tests/libp2p/), in Chromium. */

import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { until } from '../blackbox/proc.mjs';
import { BROWSERS } from './browsers.mjs';

const PACKAGES = fileURLToPath(new URL('../libp2p/', import.meta.url));
const MODULES = join(PACKAGES, 'node_modules');

export const skip = BROWSERS.Chromium.missing
  || (!existsSync(MODULES) && `${MODULES} is not there (./dev test installs it)`);

/** The page's script; bundled once for each lock file and page. */
function bundle() {
  const hash = createHash('sha256');
  ['package-lock.json', 'page.mjs'].forEach((name) => hash.update(readFileSync(join(PACKAGES, name))));
  const file = join(MODULES, `.cache/page-${hash.digest('hex').slice(0, 16)}.js`);
  if (!existsSync(file)) {
    mkdirSync(join(MODULES, '.cache'), { recursive: true });
    execFileSync(join(MODULES, '.bin/esbuild'), [join(PACKAGES, 'page.mjs'), '--bundle', '--format=iife',
      `--outfile=${file}`, '--log-level=error']);
  }
  return file;
}

/** An origin of its own for the page. A browser lets only what comes from here speak to servers here. */
export class Pages {
  #server = http.createServer((req, res) => {
    const { pathname, searchParams } = new URL(req.url, 'http://x');
    const [type, body] = pathname === '/page.js' ? ['text/javascript', readFileSync(bundle())]
      : ['text/html', `<!doctype html><title>libp2p</title><link rel="icon" href="data:,">
        ${searchParams.get('tag')}<script src="/page.js"></script>`];
    res.writeHead(200, { 'Content-Type': `${type}; charset=utf-8` }).end(body);
  });

  async listen() {
    await new Promise((resolve) => { this.#server.listen(0, '127.0.0.1', resolve); });
    return this;
  }

  /** @param {string} tag loaded before libp2p */
  url(tag) {
    return `http://127.0.0.1:${this.#server.address().port}/?${new URLSearchParams({ tag })}`;
  }

  close() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** One window with one node in it. */
export class NodeWindow {
  /** The address of every WebSocket the page has opened. @type {string[]} */
  sockets = [];
  /** What the page did not catch. @type {string[]} */
  faults = [];

  /** @param {import('playwright-core').Browser} browser @param {string} url of the page */
  static async open(browser, url) {
    const it = new NodeWindow();
    it.context = await browser.newContext();
    it.page = await it.context.newPage();
    it.page.on('websocket', (socket) => it.sockets.push(socket.url()));
    it.page.on('pageerror', (error) => it.faults.push(String(error)));
    await it.page.goto(url);
    return it;
  }

  /** The node begins to listen, by way of a server on this machine. @param {number} port */
  async start(port) {
    this.address = `/ip4/127.0.0.1/tcp/${port}/ws/p2p-webrtc-star`;
    this.id = await this.page.evaluate((it) => globalThis.libp2p.start(it), this.address);
    return this;
  }

  /** Waits until this node has heard of another one, and returns by which multiaddrs. */
  finds({ id }) {
    return until(`${id} to be discovered`, async () => {
      const addresses = await this.page.evaluate((it) => globalThis.libp2p.addressesOf(it), id);
      return addresses.length > 0 && addresses;
    }, 20_000);
  }

  /** Dials, sends bytes and returns what comes back. @param {NodeWindow} other @param {number[]} bytes */
  echo({ id }, bytes) {
    return this.page.evaluate(([peer, all]) => globalThis.libp2p.echo(peer, all), [id, bytes]);
  }

  /** The ways down of what took the place of its WebSockets. @returns {Promise<string[]>} */
  transports() {
    return this.page.evaluate(() => [...globalThis.sigpost.sockets].map((it) => it.transport));
  }

  connections() {
    return this.page.evaluate(() => globalThis.libp2p.connections());
  }

  stop() {
    return this.page.evaluate(() => globalThis.libp2p.stop());
  }

  close() {
    return this.context.close();
  }
}
