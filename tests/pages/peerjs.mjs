/**
 * Pages with a released PeerJS client on them, in Chromium, and the servers they use: the released
 * ones and ours. The pages come from another origin than the server, as they do with PeerJS.
 */

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { fileURLToPath } from 'node:url';

import { request } from '../blackbox/http.mjs';
import { until, within } from '../blackbox/proc.mjs';
import { Reference } from '../blackbox/reference.mjs';
import { BROWSERS } from './browsers.mjs';

const CLIENTS = fileURLToPath(new URL('../reference/clients/', import.meta.url));
const PAGE = readFileSync(new URL('peerjs-page.js', import.meta.url));

/**
 * Released clients: the file that a script tag loads, and what they speak.
 * Up to 0.3, they speak the old HTTP stream beside a WebSocket, from 1.0 on a WebSocket alone.
 */
export const RELEASED = [
  { version: '0.3.14', file: 'dist/peer.js', old: true },
  { version: '0.3.24', file: 'dist/peerjs.min.js', old: true },
  { version: '1.0.4', file: 'dist/peerjs.min.js', old: false },
  { version: '1.3.2', file: 'dist/peerjs.js', old: false },
  { version: '1.5.5', file: 'dist/peerjs.js', old: false },
];

function missing() {
  const lack = RELEASED.map((it) => fileOf(it)).find((it) => !existsSync(it));
  return lack ? `${lack} is not there` : BROWSERS.Chromium.missing;
}

const fileOf = ({ version, file }) => `${CLIENTS}peerjs-${version}/${file}`;

export const skip = missing();

let browser;
let pages;
/** Pages of the browser that were used before and are blank again: a new one costs five times as much. */
const idle = [];

/** A browser and a server for the pages, as long as the tests of a file run. */
export function withBrowser() {
  before(async () => {
    if (!skip) {
      browser = await BROWSERS.Chromium.launch();
      pages = await servePages();
    }
  });
  after(async () => {
    await browser?.close();
    pages?.closeAllConnections();
    pages?.close();
  });
}

/** The page: what is loaded before the client, the client, and peerjs-page.js. */
function html({ version, before: first = '', attributes = '' }) {
  const script = (src, more = '') => `<script src="${src}" ${more}></script>`;
  return ['<!doctype html><meta charset="utf-8"><title>PeerJS</title><link rel="icon" href="data:,">',
    first && script(first, attributes), script(`/client-${version}.js`), script('/page.js')].join('\n');
}

function servePages() {
  const server = http.createServer((req, res) => {
    const { pathname, searchParams } = new URL(req.url, 'http://x');
    const client = RELEASED.find(({ version }) => pathname === `/client-${version}.js`);
    const script = pathname === '/page.js' ? PAGE : client && readFileSync(fileOf(client));
    const type = script ? 'text/javascript' : 'text/html';
    res.writeHead(200, { 'Content-Type': `${type}; charset=utf-8` });
    res.end(script ?? html(Object.fromEntries(searchParams)));
  });
  return new Promise((resolve) => { server.listen(0, '127.0.0.1', () => resolve(server)); });
}

async function newPage() {
  const context = await browser.newContext();
  return context.newPage();
}

/** One window with one peer in it. `spent`: nobody shall have it after us. */
export class Window {
  /**
   * @param {{base: string}} server
   * @param {{version: string}} client
   * @param {{before?: string, attributes?: string, id?: string, path?: string}} [options] before: a
   *   script loaded before the client
   */
  static async open(server, client, options = {}) {
    const it = new Window();
    Object.assign(it, { server, client, options, faults: [], spent: false });
    it.page = idle.pop() ?? await newPage();
    it.#listen();
    await it.load();
    return it;
  }

  #listen() {
    this.listeners = {
      pageerror: (error) => this.faults.push(String(error)),
      console: (message) => this.faults.push(`${message.type()}: ${message.text()}`),
      crash: () => this.faults.push('the page crashed'),
      // One that is never let through is not told as closed.
      websocket: (socket) => socket.once('framereceived', () => this.sockets.push(socket)),
    };
    Object.entries(this.listeners).forEach(([name, listener]) => this.page.on(name, listener));
  }

  /** Loads the page, or loads it again. */
  async load() {
    const { before: first = '', attributes = '' } = this.options;
    this.sockets = [];
    const query = new URLSearchParams({ version: this.client.version, before: first, attributes });
    await this.page.goto(`http://127.0.0.1:${pages.address().port}/?${query}`);
  }

  /** Makes the peer. @param {string} [id] */
  begin(id) {
    const { hostname: host, port, pathname: path } = new URL(this.server.base);
    const options = {
      host, port: Number(port), path, key: 'peerjs', secure: false, config: { iceServers: [] }, debug: 2,
    };
    return this.page.evaluate(([name, all]) => begin(name, all), [id, options]);
  }

  /** @param {string} id @param {string} text */
  call(id, text) {
    return this.page.evaluate(([name, words]) => call(name, words), [id, text]);
  }

  /** What happened: events, errors, what was said. */
  state() {
    return this.page.evaluate(() => state());
  }

  /** @param {string} what @param {(state: any) => unknown} ask @param {number} [timeout] in ms */
  sees(what, ask, timeout = 15_000) {
    return until(what, async () => ask(await this.state()), timeout);
  }

  /** All there is to know after a failure: how it is, its talk with its server, its console. */
  async account() {
    const [state, log] = await within('an account', Promise.all([this.state(), this.log()]))
      .catch((error) => [String(error), []]);
    return [state, ...log.slice(-60), ...this.faults].map((it) => JSON.stringify(it)).join('\n  ');
  }

  /** @returns {Promise<{at: number, way: string, what: string, connection?: string}[]>} */
  log() {
    return this.page.evaluate(() => peer.log);
  }

  /** Of its talk with the server what is meant for another page. @param {'says' | 'hears'} way */
  async messages(way) {
    const mine = (await this.log()).filter((it) => it.way === way && it.connection);
    return mine.map(({ what, connection }) => `${what} ${connection}`);
  }

  /** Waits for the peer's open event, the first, second … @param {number} [count] */
  opened(count = 1) {
    return this.sees('open', ({ events }) => events.filter((it) => it.startsWith('open ')).length === count);
  }

  /** Makes the peer and waits until it is open. @param {string} [id] */
  async start(id) {
    await this.begin(id);
    await this.opened();
    return (await this.state()).id;
  }

  /** Calls a method of the peer. @param {'disconnect' | 'reconnect' | 'destroy'} method */
  tell(method) {
    return this.page.evaluate((name) => peer.it[name](), method);
  }

  async close() {
    if (this.spent) {
      await this.page.context().close();
      return;
    }
    Object.entries(this.listeners).forEach(([name, listener]) => this.page.off(name, listener));
    await this.page.unrouteAll({ behavior: 'ignoreErrors' });
    await this.page.goto('about:blank');
    idle.push(this.page);
  }
}

/**
 * Windows of one test, closed at its end.
 * @param {number} count
 * @param {() => Promise<Window>} make
 * @param {(...windows: Window[]) => Promise<void>} act
 */
export async function withWindows(count, make, act) {
  const windows = await Promise.all(Array.from({ length: count }, make));
  try {
    await act(...windows);
  } catch (error) {
    windows.forEach((it) => { it.spent = true; });
    const accounts = await Promise.all(windows.map((it) => it.account()));
    throw Object.assign(error, { message: [error.message, ...accounts.map((it) => `a page: ${it}`)].join('\n') });
  } finally {
    await Promise.all(windows.map((it) => it.close()));
  }
}

let number = 0;

/** An id nobody else has, of the letters every client takes. */
export function newId() {
  number += 1;
  return `page-${process.pid}-${number}-${Math.random().toString(36).slice(2, 8)}`;
}

/** A test that needs the browser. */
export function browserTest(name, body) {
  test(name, { skip, timeout: 90_000 }, body);
}

/**
 * The two exchange data over a DataChannel. ASCII, because clients before 1.4 pack nothing else right.
 * @param {Window} caller @param {Window} called both with a peer that is open
 */
export async function exchange(caller, called, text = 'hello') {
  await caller.call((await called.state()).id, text);
  await called.sees('what the caller said', ({ said }) => said.includes(text));
  await caller.sees('the echo', ({ said }) => said.includes(`echo of ${text}`));
  const [here, there] = await Promise.all([caller, called].map((it) => it.state()));
  assert.deepEqual([here.errors, there.errors], [[], []]);
  assert.equal(there.calls, 1);
}

/**
 * What every released client does, at whatever server. Each gets what makes a window, and the client.
 * @type {Record<string, (open: () => Promise<Window>, client: {old: boolean}) => Promise<void>>}
 */
export const SCENARIOS = {
  'two pages open a DataChannel and talk': (open) => withWindows(2, open, async (one, two) => {
    await Promise.all([one.start(newId()), two.start()]);
    await exchange(one, two);
  }),

  'an id that is taken is an error': (open) => withWindows(2, open, async (one, two) => {
    const id = await one.start(newId());
    await two.begin(id);
    await two.sees('the error', ({ errors }) => errors.includes('unavailable-id'));
    assert.equal((await one.state()).open, true);
  }),

  'a peer that is not there is an error, the peer goes on': (open) => withWindows(2, open, async (one, two) => {
    await one.start(newId());
    await one.call(newId(), 'nobody hears this');
    await one.sees('the error', ({ errors }) => errors.includes('peer-unavailable'), 20_000);
    const { errors, open: still } = await one.state();
    assert.deepEqual([errors, still], [['peer-unavailable'], true]);
    await two.start(newId());
    await one.page.evaluate(() => { peer.errors.length = 0; });
    await exchange(one, two);
  }),

  'a page that is loaded again has its id again': (open) => withWindows(2, open, async (one, two) => {
    const id = await one.start(newId());
    await one.load();
    await forgotten(one, id);
    await one.start(id);
    await two.start(newId());
    await exchange(two, one);
  }),

  'reconnect() opens again and brings the id back': (open) => withWindows(2, open, async (one, two) => {
    const id = await one.start(newId());
    await one.tell('disconnect');
    await one.sees('disconnected', ({ events }) => events.includes('disconnected'));
    await forgotten(one, id);
    await one.tell('reconnect');
    await one.opened(2);
    assert.equal((await one.state()).id, id);
    await two.start(newId());
    await exchange(two, one);
  }),

  'destroy() ends it all and frees the id': (open, client) => withWindows(2, open, async (one, two) => {
    const id = await one.start(newId());
    await one.tell('destroy');
    await one.sees('close', ({ events, destroyed }) => events.includes('close') && destroyed);
    if (client.old && !(one.server instanceof Reference)) {
      await one.page.goto('about:blank');  // the client closes its WebSocket only, if it has one
    }
    await forgotten(one, id);
    await two.start(id);
  }),
};

/**
 * Waits until a peer that left is gone. A released server that is asked for an id before it has
 * noticed sends no OPEN to the same token, ID-TAKEN to another; PeerJS 1.0 takes the end of the socket
 * it had before for the end of the one it has.
 */
async function forgotten({ server, page, sockets }, id) {
  if (server instanceof Reference) {
    const peers = async () => (await request(server.url('/peerjs/peers'))).json;
    await until('the server to forget the peer', async () => !(await peers()).includes(id));
  } else {
    await until('the end of the socket', () => page.evaluate(() => !globalThis.sigpost?.sockets.size));
    await until('the end of the WebSockets', () => sockets.every((it) => it.isClosed()));
  }
}
