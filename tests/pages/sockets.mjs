/** What the tests of SigpostSocket share: peers that remember what they were told. */

import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import EventSource2 from 'eventsource2';
import { SigpostSocket } from '../../www/sigpost.mjs';
import { Proxy } from './proxy.mjs';

export const SERVER = process.env.SIGPOST_URL?.replace(/\/$/, '');
export const skip = SERVER ? false : 'SIGPOST_URL is not set';

/**
 * An EventSource that does as a browser's does: version 3 forgets an id that comes without data,
 * version 2 keeps the process for as long as `retry` said.
 */
export class EventSource extends EventSource2 {
  constructor(url) {
    super(url);
    Object.defineProperty(this, 'reconnectInterval', { get: () => 0, set: () => {} });
  }
}

/** Ways down. */
export const TRANSPORTS = {
  sse: { transports: ['sse'], EventSource },
  fetch: { transports: ['fetch'] },
  poll: { transports: ['poll'] },
};

/** Node 18 keeps the connection of a stream that was let go, and would never end. */
export function closeConnections() {
  after(() => globalThis[Symbol.for('undici.globalDispatcher.1')]?.destroy());
}

/** Polls until `look` gives something true. */
export async function until(what, look, ms = 15000) {
  const end = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (found) {
      return found;
    }
    assert.ok(Date.now() < end, `still not: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
}

let count = 0;

/** An id nobody else has. */
export function newId() {
  count += 1;
  return `peer-${process.pid}-${Date.now()}-${count}`;
}

export function addressOf(server, id, token = `token-of-${id}`, key = 'peerjs') {
  return `${server.replace(/^http/, 'ws')}/peerjs?key=${key}&id=${id}&token=${token}&version=1.5.5`;
}

/** What a socket tells, in order, as short texts; its messages as values. */
export function listenTo(socket) {
  const heard = { messages: [], events: [], gaps: [], refused: [], close: undefined };
  socket.addEventListener('message', ({ data }) => heard.messages.push(JSON.parse(data)));
  socket.addEventListener('gap', ({ from, to }) => heard.gaps.push({ from, to }));
  socket.addEventListener('refused', ({ text, reason, status }) => {
    heard.refused.push({ text, reason, status });
  });
  for (const type of ['open', 'error', 'lost', 'resumed']) {
    socket.addEventListener(type, () => heard.events.push(type));
  }
  socket.addEventListener('transport', ({ transport }) => heard.events.push(transport));
  socket.addEventListener('close', ({ code, reason, wasClean }) => {
    heard.events.push('close');
    heard.close = { code, reason, wasClean };
  });
  return heard;
}

/** A peer at the server or proxy; `say(dst, n)` sends it a candidate with a number. */
export class Peer {
  constructor(server, options = {}, id = newId(), token = undefined) {
    this.id = id;
    this.socket = new SigpostSocket(addressOf(server, id, token), [], options);
    this.heard = listenTo(this.socket);
  }

  async open() {
    const isOpen = ({ type }) => type === 'OPEN';
    await until(`${this.id} is open`, () => this.heard.messages.some(isOpen));
    return this;
  }

  say({ id }, payload, type = 'CANDIDATE') {
    this.socket.send(JSON.stringify({ type, dst: id, payload }));
  }

  /** The payloads that came. */
  get got() {
    return this.heard.messages.filter(({ type }) => type !== 'OPEN').map(({ payload }) => payload);
  }

  gets(payloads) {
    return until(`${this.id} has ${payloads.length} messages`, () => (
      this.got.length >= payloads.length)).then(() => assert.deepEqual(this.got, payloads));
  }
}

/** Two peers that are open: one at the server, one through a proxy that can break things. */
export function withPair(name, options, body) {
  test(name, { skip, timeout: 60000 }, async () => {
    const proxy = await new Proxy(SERVER).listen();
    const far = new Peer(SERVER, TRANSPORTS.fetch);
    const near = new Peer(proxy.url, options);
    try {
      await Promise.all([far.open(), near.open()]);
      await body({ far, near, proxy });
    } finally {
      far.socket.close();
      near.socket.close();
      await Promise.all([far, near].map(({ socket }) => until('closed', () => (
        socket.readyState === SigpostSocket.CLOSED))));
      await proxy.close();
    }
  });
}

/** One peer through a proxy with a rule from the start. */
export function withOne(name, options, rule, body) {
  test(name, { skip, timeout: 60000 }, async () => {
    const proxy = await new Proxy(SERVER).listen();
    proxy.rule = rule ?? (() => undefined);
    const near = new Peer(proxy.url, options);
    try {
      await body({ near, proxy });
    } finally {
      near.socket.close();
      await until('closed', () => near.socket.readyState === SigpostSocket.CLOSED);
      await proxy.close();
    }
  });
}

export const isStream = ({ method, url }) => method === 'GET' && url.includes('transport=sse');
export const isPoll = ({ method, url }) => method === 'GET' && url.includes('transport=poll');
export const params = ({ url }) => Object.fromEntries(new URL(url, SERVER).searchParams);
