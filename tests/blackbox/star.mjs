/** A node of webrtc-star at /star: its event stream down, events up by POST. */

import assert from 'node:assert/strict';

import { EventStream } from './sse.mjs';
import { request } from './http.mjs';
import { until } from './proc.mjs';

const random = () => Math.random().toString(36).slice(2);

/** A multiaddr that no other test uses. */
export const newAddr = () => `/ip4/127.0.0.1/tcp/9090/ws/p2p-webrtc-star/p2p/Qm${random()}`;

/**
 * The event of a handshake.
 * @param {string} srcMultiaddr @param {string} dstMultiaddr @param {Record<string, any>} [more]
 */
export const handshake = (srcMultiaddr, dstMultiaddr, more = {}) => (
  { event: 'ss-handshake', data: { ...more, srcMultiaddr, dstMultiaddr } }
);

export class Node {
  /** @type {Promise<unknown>} */
  #reading = Promise.resolve();

  /**
   * @param {import('./site.mjs').Server} server
   * @param {{addr?: string, token?: string}} [who] token '': one is made for it
   */
  constructor(server, { addr = newAddr(), token = random() } = {}) {
    this.server = server;
    this.addr = addr;
    this.token = token;
    /** @type {string[]} data of handshakes not yet heard, as they came */
    this.inbox = [];
    /** @type {Set<string>} */
    this.peers = new Set();
    /** @type {any[]} */
    this.gaps = [];
    /** @type {{event: string, data: any} | undefined} the final event */
    this.ending = undefined;
    this.lastEventId = '';
    this.joins = 0;
  }

  /**
   * @param {import('./site.mjs').Server} server
   * @param {{addr?: string, token?: string}} [who]
   */
  static async open(server, who) {
    const node = new Node(server, who);
    await node.connect();
    await until(`${node.addr} to be joined`, () => node.joins === 1);
    return node;
  }

  /** The address it asks. @param {string} [more] of the query */
  url(more = '') {
    const token = this.token === '' ? '' : `&token=${encodeURIComponent(this.token)}`;
    return this.server.url(`/star?addr=${encodeURIComponent(this.addr)}${token}${more}`);
  }

  /** A stream from where the last one was. */
  async connect() {
    this.stream = await EventStream.open(this.url(), { lastEventId: this.lastEventId });
    assert.equal(this.stream.status, 200, this.stream.body);
    this.#reading = this.#read(this.stream);
  }

  /** @param {EventStream} stream */
  async #read(stream) {
    for (let it; (it = await stream.next(2 ** 31 - 1)) !== undefined;) {
      this.lastEventId = it.id ?? this.lastEventId;
      this.#take(it.event ?? 'message', it.data ?? '');
    }
    this.lastEventId = stream.lastEventId;
  }

  /** @param {string} event @param {string} data */
  #take(event, data) {
    const value = JSON.parse(data);
    switch (event) {
      case 'joined':
        this.joins += 1;
        this.token = value.token ?? this.token;
        break;
      case 'ws-handshake':
        this.inbox.push(data);
        break;
      case 'ws-peer':
        this.peers.add(value);
        break;
      case 'gap':
        this.gaps.push(value);
        break;
      default:
        this.ending = { event, data: value };
    }
  }

  /** The next handshake, as it came. @param {number} [timeout] in ms */
  async raw(timeout) {
    await until('a handshake', () => this.inbox.length > 0, timeout);
    return /** @type {string} */ (this.inbox.shift());
  }

  /** The next handshake. @param {number} [timeout] in ms */
  async hear(timeout) {
    return JSON.parse(await this.raw(timeout));
  }

  /**
   * @param {any} events one, an array, or a body as it is
   * @param {string} [more] of the query
   */
  async post(events, more) {
    const body = typeof events === 'string' ? events : JSON.stringify(events);
    return request(this.url(more), {
      method: 'POST', body, headers: { 'Content-Type': 'application/json' }, timeout: 30_000,
    });
  }

  /** The same, and it is answered 200. @param {any} events @param {string} [more] */
  async say(events, more) {
    const { status, text, json } = await this.post(events, more);
    assert.equal(status, 200, text);
    return json;
  }

  /** Nothing else is on its way: what is sent now is heard next. */
  async nothingElse() {
    const mark = random();
    await this.say(handshake(this.addr, this.addr, { mark }));
    assert.equal((await this.hear()).mark, mark);
  }

  /** Its connection is gone, of itself or because the other side broke it. */
  async drop() {
    await this.stream?.close();
    await this.#reading;
  }

  async broken() {
    await this.stream?.ended;
    await this.#reading;
  }
}

/**
 * Nodes of one scenario, let go at its end.
 * @param {import('./site.mjs').Server} server
 * @param {number} count
 * @param {(...nodes: Node[]) => Promise<void>} act
 */
export async function withNodes(server, count, act) {
  const nodes = await Promise.all(Array.from({ length: count }, () => Node.open(server)));
  try {
    await act(...nodes);
  } finally {
    await Promise.all(nodes.map((it) => it.drop()));
  }
}
