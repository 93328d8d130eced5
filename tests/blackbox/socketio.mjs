/**
 * Released clients of Socket.IO as nodes of webrtc-star, and sessions made by hand.
 */

import assert from 'node:assert/strict';

// @ts-ignore it has no types
import io2 from 'socket.io-client-2';
// @ts-ignore its types are not found
import { io as io3 } from 'socket.io-client-3';
import { io as io4 } from 'socket.io-client-4';
// @ts-ignore it has no types
import WebSocket from 'ws';

import { request } from './http.mjs';
import { until, within } from './proc.mjs';

/** @typedef {import('./site.mjs').Server} Server */
/** @typedef {{srcMultiaddr: string, dstMultiaddr: string, answer?: boolean, err?: string, signal?: any, intentId?: string}} Handshake */

/**
 * What was released: `eio` is the version of Engine.IO it speaks.
 * @type {{name: string, io: any, eio: 3 | 4}[]}
 */
export const RELEASES = [
  { name: 'client 2', io: io2, eio: 3 },
  { name: 'client 3', io: io3, eio: 4 },
  { name: 'client 4', io: io4, eio: 4 },
];

/** How a client gets to its server. */
export const WAYS = {
  polling: ['polling'],
  websocket: ['websocket'],
  upgrade: ['polling', 'websocket'],
};

/** @typedef {keyof typeof WAYS} Way */

let count = 0;

/** A multiaddr nobody else has. */
export function newAddr() {
  count += 1;
  return `/ip4/127.0.0.1/tcp/9090/ws/p2p-webrtc-star/p2p/Qm${process.pid}n${count}`;
}

/** A node of webrtc-star on a released client. */
export class Node {
  /** @type {Handshake[]} handshakes that came and nobody asked for yet */
  handshakes = [];
  /** @type {string[]} every multiaddr it was told, in order */
  peers = [];
  /** @type {{event: string | null, reason: string}[]} */
  errors = [];
  /** @type {string[]} why it lost its session, each time */
  losses = [];
  addr = newAddr();

  /**
   * @param {Server} server
   * @param {{release?: typeof RELEASES[number], way?: Way, path?: string, namespace?: string, options?: object}} [how]
   */
  constructor(server, { release = RELEASES[2], way = 'polling', path = '/socket.io', namespace = '/', options } = {}) {
    this.release = release;
    this.socket = release.io(`${server.origin}${namespace}`, {
      path: `${server.kind.mount}${path}`, transports: WAYS[way], forceNew: true,
      reconnectionDelay: 50, reconnectionDelayMax: 100, timeout: 10_000, ...options,
    });
    this.socket.on('ws-handshake', (/** @type {Handshake} */ it) => this.handshakes.push(it));
    this.socket.on('ws-peer', (/** @type {string} */ it) => this.peers.push(it));
    this.socket.on('ss-error', (/** @type {any} */ it) => this.errors.push(it));
    this.socket.on('disconnect', (/** @type {string} */ why) => this.losses.push(why));
  }

  /** One that is connected, and has joined unless it shall not.
   * @param {Server} server @param {ConstructorParameters<typeof Node>[1] & {join?: boolean}} [how] */
  static async open(server, { join = true, ...how } = {}) {
    const node = new Node(server, how);
    await until(`${node.release.name} to connect`, () => node.socket.connected);
    if (how.way === 'upgrade' && server.kind.websocket) {
      await until('the upgrade', () => node.transport === 'websocket');
    }
    if (join) {
      assert.deepEqual(await node.ask('ss-join', node.addr), { result: 'joined' });
    }
    return node;
  }

  get transport() {
    return this.socket.io.engine.transport.name;
  }

  /** The id of its Engine.IO session. */
  get sid() {
    return this.socket.io.engine.id;
  }

  /** Says it and returns the ack. @param {string} event @param {any} [arg] @param {number} [timeout] in ms */
  ask(event, arg, timeout) {
    return within(`an ack of ${event}`, new Promise((resolve) => { this.socket.emit(event, arg, resolve); }), timeout);
  }

  /** @param {string} event @param {any} [arg] */
  say(event, arg) {
    this.socket.emit(event, arg);
  }

  /** @param {Node | string} to @param {Partial<Handshake>} [more] @returns {Handshake} */
  offer(to, more = {}) {
    return {
      srcMultiaddr: this.addr, dstMultiaddr: typeof to === 'string' ? to : to.addr,
      intentId: `${Math.random()}`, signal: { type: 'offer', sdp: 'v=0\r\n\u2028\u{1f600}' }, ...more,
    };
  }

  /** Offers, and what became of it. @param {Node | string} to @param {Partial<Handshake>} [more] */
  async shake(to, more) {
    const offer = this.offer(to, more);
    return { offer, ack: await this.ask('ss-handshake', offer) };
  }

  /** The next handshake that came. @param {number} [timeout] in ms @returns {Promise<Handshake>} */
  async heard(timeout) {
    await until('a handshake', () => this.handshakes.length > 0, timeout);
    return /** @type {Handshake} */ (this.handshakes.shift());
  }

  /** Goes, and the server knows. */
  async leave() {
    this.socket.disconnect();
    await until('the end of a client', () => this.socket.io.engine.readyState === 'closed');
  }
}

/** Nodes of one scenario, gone at its end. @param {Promise<Node>[]} opening @param {(...nodes: Node[]) => Promise<void>} act */
export async function withNodes(opening, act) {
  const settled = await Promise.allSettled(opening);
  const nodes = settled.flatMap((it) => (it.status === 'fulfilled' ? [it.value] : []));
  try {
    const failed = settled.find((it) => it.status === 'rejected');
    if (failed?.status === 'rejected') {
      throw failed.reason;
    }
    await act(...nodes);
  } finally {
    nodes.forEach((it) => it.socket.disconnect());
  }
}

// ---- by hand

/** U+001E, between two packets of version 4. */
export const RS = '\x1e';

/** Packets as the body of a request has them. @param {3 | 4} eio @param {string[]} packets */
export function payload(eio, packets) {
  return eio === 4 ? packets.join(RS) : packets.map((it) => `${it.length}:${it}`).join('');
}

/** @param {3 | 4} eio @param {string} text @returns {string[]} */
export function packets(eio, text) {
  if (eio === 4) {
    return text.split(RS);
  }
  const all = [];
  for (let rest = text; rest !== '';) {
    const [, length] = /** @type {string[]} */ (/^(\d+):/.exec(rest));
    const from = length.length + 1;
    all.push(rest.slice(from, from + Number(length)));
    rest = rest.slice(from + Number(length));
  }
  return all;
}

/** A session over polls, spoken by hand. */
export class Session {
  /** @type {any} what the packet `open` said */
  open;

  /** @param {Server} server @param {3 | 4} eio @param {string} sid @param {string} path */
  constructor(server, eio, sid, path) {
    this.server = server;
    this.eio = eio;
    this.sid = sid;
    this.path = path;
  }

  /** One that is connected to "/". @param {Server} server @param {{eio?: 3 | 4, path?: string}} [how] */
  static async open(server, { eio = 4, path = '/socket.io/' } = {}) {
    const it = new Session(server, eio, '', path);
    const answer = await request(it.url());
    assert.equal(answer.status, 200, answer.text);
    const [open, ...more] = packets(eio, answer.text);
    assert.equal(open[0], '0');
    it.open = JSON.parse(open.slice(1));
    it.sid = it.open.sid;
    if (eio === 4) {
      assert.deepEqual(more, []);
      await it.say('40');
      assert.match((await it.hear()).join(), /^40\{"sid":"[^"]+"\}$/);
    } else {
      assert.deepEqual(more, ['40']);
    }
    return it;
  }

  url(more = '') {
    const sid = this.sid === '' ? '' : `&sid=${this.sid}`;
    return this.server.url(`${this.path}?EIO=${this.eio}&transport=polling${sid}${more}`);
  }

  /** The answer to a poll. @param {import('./http.mjs').Ask} [options] */
  get(options) {
    return request(this.url(), options);
  }

  /** The packets of the next poll. */
  async poll() {
    const answer = await this.get();
    assert.equal(answer.status, 200, answer.text);
    return packets(this.eio, answer.text);
  }

  /** Polls until a packet comes that is none of the heartbeat; it, and those that came with it. */
  async hear() {
    for (;;) {
      const all = (await this.poll()).filter((it) => !/^(?:[23]|6\d*)$/.test(it));
      if (all.length > 0) {
        return all;
      }
    }
  }

  /** @param {string | Buffer} body @param {Record<string, string>} [headers] */
  post(body, headers = {}) {
    return request(this.url(), { method: 'POST', headers: { 'Content-Type': 'text/plain;charset=UTF-8', ...headers }, body });
  }

  /** Says packets, which must be taken. @param {string[]} all */
  async say(...all) {
    const answer = await this.post(payload(this.eio, all));
    assert.deepEqual([answer.status, answer.text], [200, 'ok']);
  }

  /** @param {string} name @param {any} arg @param {number | ''} [id] */
  emit(name, arg, id = '') {
    return this.say(`42${id}${JSON.stringify([name, arg])}`);
  }

  /** Joins; the ack comes by poll. @param {string} addr */
  async join(addr) {
    await this.emit('ss-join', addr, 7);
    return this.ack(7);
  }

  /** @param {number} id */
  async ack(id) {
    const head = `43${id}[`;
    for (;;) {
      const found = (await this.poll()).find((it) => it.startsWith(head));
      if (found !== undefined) {
        return JSON.parse(found.slice(head.length - 1))[0];
      }
    }
  }

  close() {
    return this.post(payload(this.eio, ['1']));
  }
}

/** What is opened by a WebSocket as a client does it; the frames that came, and the close frame. */
export class Socket {
  /** @type {string[]} */
  frames = [];
  /** @type {{code: number, reason: string} | undefined} */
  closing;

  /** @param {string} url */
  constructor(url) {
    this.ws = new WebSocket(url.replace(/^http/, 'ws'));
    this.ws.on('message', (/** @type {Buffer} */ data) => this.frames.push(String(data)));
    this.ws.on('close', (/** @type {number} */ code, /** @type {Buffer} */ reason) => {
      this.closing = { code, reason: String(reason) };
    });
    this.opened = new Promise((resolve, reject) => {
      this.ws.on('open', () => resolve(undefined));
      this.ws.on('error', reject);
    });
    this.opened.catch(() => {});
  }

  /** @param {Server} server @param {{eio?: 3 | 4, sid?: string}} [how] */
  static async open(server, { eio = 4, sid } = {}) {
    const it = new Socket(server.url(`/socket.io/?EIO=${eio}&transport=websocket${sid === undefined ? '' : `&sid=${sid}`}`));
    await within('a WebSocket', it.opened);
    return it;
  }

  /** Frames until one begins so; heartbeats are passed over, and answered. @param {string} head */
  hear(head) {
    return until(`a frame ${head}`, () => {
      const it = this.frames.shift();
      if (it === '2') {
        this.ws.send('3');
      }
      return it?.startsWith(head) ? it : undefined;
    });
  }

  closed() {
    return until('a close frame', () => this.closing);
  }
}
