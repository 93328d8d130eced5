/**
 * A peer as PeerJS means it, the same over every wire its servers ever had: messages come down in
 * order, messages go up. Scenarios are written once and looped over the released servers
 * (reference.mjs) and ours behind every web server (kinds.mjs), over each wire a server has.
 */

import assert from 'node:assert/strict';
import http from 'node:http';

// @ts-ignore it has no types
import WebSocket from 'ws';

import { KINDS, SOCKET_KINDS } from './kinds.mjs';
import { onSite } from './harness.mjs';
import { parseJson, request } from './http.mjs';
import { until, within } from './proc.mjs';
import { RELEASES, Reference, onReference } from './reference.mjs';
import { PollWire, SseWire, Wire } from './wires.mjs';

/** @typedef {import('./reference.mjs').WireName} WireName */
/** @typedef {import('./site.mjs').Server | Reference} AnyServer */
/** @typedef {{type: string, src?: string, dst?: string, payload?: any}} PeerMessage */

const random = () => Math.random().toString(36).slice(2);
export const newId = () => `id-${random()}`;
export const newToken = () => `token-${random()}`;

/** An offer. @param {string | undefined} dst @param {any} [payload] */
export const offer = (dst, payload = 'sdp') => ({ type: 'OFFER', dst, payload });

/** Whether it is ours, and not a released server. @param {AnyServer} server */
export const isOurs = (server) => !(server instanceof Reference);

/** Down by WebSocket, which is up as well. */
export class WebSocketWire extends Wire {
  begin() {
    this.socket = new WebSocket(this.url.replace(/^http/, 'ws'), { headers: this.headers });
    this.socket.on('message', (/** @type {Buffer} */ data) => this.received(parseJson(String(data)), String(data), ''));
    this.socket.on('close', () => this.finished());
    return new Promise((resolve, reject) => {
      this.socket.on('open', () => resolve(undefined));
      this.socket.on('error', reject);
    });
  }

  async end() {
    this.socket?.terminate();
    await until('the end of a WebSocket', () => this.over);
  }
}

/** Down by PeerJS's old HTTP stream: a line of padding, then one message a line. */
export class StreamWire extends Wire {
  /** Everything after the head, as it came: one entry a read. @type {{at: number, text: string}[]} */
  reads = [];
  /** @type {string[]} all lines but the padding */
  lines = [];
  /** @type {string | undefined} */
  padding;
  #rest = '';

  begin() {
    this.request = http.request(this.url, { method: 'POST', agent: false, headers: this.headers });
    this.request.end();
    this.request.on('close', () => this.finished());
    return new Promise((resolve, reject) => {
      this.request?.on('error', reject);
      this.request?.on('response', (res) => resolve(this.#begin(res)));
    });
  }

  /** @param {http.IncomingMessage} res */
  #begin(res) {
    this.status = res.statusCode;
    this.head = res.headers;
    res.setEncoding('utf8');
    res.on('data', (text) => this.#feed(text));
    res.on('end', () => this.#line(this.#rest));
    res.on('error', () => {});
  }

  /** @param {string} text */
  #feed(text) {
    this.reads.push({ at: performance.now(), text });
    const lines = (this.#rest + text).split('\n');
    this.#rest = /** @type {string} */ (lines.pop());
    lines.forEach((line) => this.#line(line));
  }

  /** @param {string} line */
  #line(line) {
    if (this.padding === undefined && /^0+$/.test(line)) {
      this.padding = line;
      return;
    }
    this.lines.push(line);
    const value = parseJson(line);
    if (value !== undefined && value.type !== 'NOP') {
      this.received(value, line, '');
    }
  }

  async end() {
    this.request?.destroy();
    await until('the end of a stream', () => this.over);
  }
}

const DOWN = { websocket: WebSocketWire, stream: StreamWire, sse: SseWire, poll: PollWire };

let order = 0;

/** Rises with every stream: behind CGI, one that was given up may be served after the next. */
const nextOrder = () => {
  order = Math.max(order + 1, Date.now());
  return order;
};

/**
 * @typedef {object} Who
 * @property {WireName} wire
 * @property {string} [id]
 * @property {string} [token]
 * @property {string} [key]
 * @property {Record<string, string>} [headers]
 */

export class Peer {
  /** @type {any} */
  down;
  /** How many streams it has opened; the old wire says so. */
  #count = 0;

  /** @param {AnyServer} server @param {Who} who */
  constructor(server, { wire, id = newId(), token = newToken(), key = 'peerjs', headers = {} }) {
    this.server = server;
    this.wire = wire;
    this.id = id;
    this.token = token;
    this.key = key;
    this.headers = headers;
  }

  /** One that is there: OPEN came, and came first. @param {AnyServer} server @param {Who} who */
  static async open(server, who) {
    const peer = new Peer(server, who);
    await peer.connect();
    assert.deepEqual(await peer.value(), { type: 'OPEN' });
    return peer;
  }

  /** One that must not be let in; what it is told until the end. @param {AnyServer} server @param {Who} who */
  static async refused(server, who) {
    const peer = new Peer(server, who);
    await peer.connect();
    await until(`the end of a refused ${who.wire}`, () => peer.down.over);
    return { peer, told: /** @type {PeerMessage[]} */ (peer.down.inbox.map((/** @type {any} */ it) => it.value)) };
  }

  /** Key, id and token, as the query has them. */
  get query() {
    return new URLSearchParams({ key: this.key, id: this.id, token: this.token });
  }

  /** The old addresses. */
  get path() {
    return `/${[this.key, this.id, this.token].map(encodeURIComponent).join('/')}`;
  }

  /** Where its stream is. */
  get address() {
    const path = this.wire === 'stream' ? `${this.path}/id?i=${this.#count}` : `/peerjs?${this.query}&order=${nextOrder()}`;
    return this.server.url(path);
  }

  /** Another stream; what came on the one before stays. @param {string} [lastEventId] */
  async connect(lastEventId = '') {
    const before = this.down;
    const down = new DOWN[this.wire](this.address, { lastEventId, headers: this.headers });
    down.inbox.push(...(before?.inbox ?? []));
    this.down = down;
    this.#count += 1;
    await within(`the head of ${this.wire} for ${this.id}`, /** @type {Promise<any>} */ (down.begin()));
  }

  /** Begins anew, as reconnect() of a client does. */
  async restart() {
    this.#count = 0;
    await this.connect();
  }

  /** Comes back where it was. */
  resume() {
    return this.connect(this.down.cursor());
  }

  /** The same as often as it takes, while a server restarts. */
  async comeBack() {
    const cursor = this.down.cursor();
    await until('the peer to be back', () => this.connect(cursor).then(() => true));
  }

  /** The connection breaks; nobody says goodbye. */
  async drop() {
    await this.down.settled();
    await this.down.end();
  }

  /** Goes for good; its id is free, with a released server as soon as that has noticed. */
  async leave() {
    if (isOurs(this.server) && this.wire === 'websocket') {
      this.down.socket.close();
      await this.broken();
      return;
    }
    await this.drop();
    if (isOurs(this.server)) {
      await this.say({ type: 'LEAVE' });
    }
  }

  /** The other side broke the connection; between two polls there is none. */
  async broken() {
    if (this.wire === 'poll') {
      await this.down.end();
    }
    await until('the end of the connection', () => this.down.over);
  }

  /** @param {number} [timeout] in ms */
  async value(timeout) {
    return /** @type {PeerMessage} */ ((await this.down.hear(timeout)).value);
  }

  /**
   * Says something the way of its wire. POSTs are answered before it resolves.
   * @param {any} message anything JSON; a string goes as it is
   * @param {{query?: string, headers?: Record<string, string>}} [options]
   * @returns {Promise<import('./http.mjs').Answer | undefined>}
   */
  async send(message, { query = '', headers = {} } = {}) {
    const body = typeof message === 'string' ? message : JSON.stringify(message);
    if (this.wire === 'websocket') {
      this.down.socket.send(body);
      return undefined;
    }
    const path = this.wire === 'stream'
      ? `${this.path}/${String(message.type ?? 'offer').toLowerCase()}` : `/peerjs?${this.query}${query}`;
    const all = { 'Content-Type': 'application/json', ...this.headers, ...headers };
    return request(this.server.url(path), { method: 'POST', headers: all, body, timeout: 30_000 });
  }

  /** The same, and it must be accepted. @param {any} message @param {string} [query] */
  async say(message, query) {
    const answer = await this.send(message, { query });
    assert.ok(answer === undefined || answer.status === 200,
      `${JSON.stringify(message)} was answered ${answer?.status} ${answer?.text}`);
    return answer?.json;
  }

  /**
   * Nothing that was said before to this peer is still to come: what is said now is next. By then, what
   * this peer said before has been dealt with, which a WebSocket does not tell.
   */
  async nothingElse() {
    const from = isOurs(this.server) ? await Peer.open(this.server, { wire: 'sse' }) : this;
    const payload = random();
    await from.say({ type: 'OFFER', dst: this.id, payload });
    assert.deepEqual(await this.value(), { type: 'OFFER', src: from.id, dst: this.id, payload });
    if (from !== this) {
      await from.leave();
    }
  }
}

// ---- loops

/** For whoever looks into a failure: only servers with such a name. */
const ONLY = new RegExp(process.env.SIGPOST_ONLY ?? '');

/** @typedef {{server: AnyServer, wire: WireName}} Scene */
/** @typedef {(scene: Scene, t: import('node:test').TestContext) => Promise<void>} Scenario */

/** Pings that a busy machine answers in time. */
export const CALM = { heartbeat_min_ms: 1000, heartbeat_max_ms: 2000 };

/** @type {WireName[]} */
export const OUR_WIRES = ['sse', 'poll', 'stream'];

/**
 * @typedef {object} Over
 * @property {{peerjs_expire_ms?: number, max_peers?: number}} [settings]
 * @property {import('./kinds.mjs').Kind[]} [kinds]
 * @property {import('./reference.mjs').Release[]} [releases]
 * @property {WireName[]} [wires] only these
 */

/**
 * A title each for every scenario over every wire.
 * @param {Record<string, Scenario>} scenarios @param {WireName[]} wires
 */
function perWire(scenarios, wires) {
  /** @type {Record<string, (server: any, t: import('node:test').TestContext) => Promise<void>>} */
  const all = {};
  for (const [name, scenario] of Object.entries(scenarios)) {
    for (const wire of wires) {
      all[`${name} · ${wire}`] = (server, t) => scenario({ server, wire }, t);
    }
  }
  return all;
}

/**
 * Scenarios over every server, released and ours, and each of its wires.
 * @param {string} title
 * @param {Over} options
 * @param {Record<string, Scenario>} scenarios
 */
export function overAll(title, { settings = {}, kinds = KINDS, releases = RELEASES, wires }, scenarios) {
  const wished = (/** @type {WireName[]} */ has) => has.filter((it) => wires?.includes(it) ?? true);
  for (const release of releases.filter((it) => ONLY.test(it.name) && wished(it.wires).length > 0)) {
    onReference(title, release, settings, perWire(scenarios, wished(release.wires)));
  }
  for (const kind of wished(OUR_WIRES).length > 0 ? kinds.filter((it) => ONLY.test(it.name)) : []) {
    onSite(`${title} · ${kind.name}`, { settings }, (site) => site.serve(kind), perWire(scenarios, wished(OUR_WIRES)));
  }
  const sockets = wished(['websocket']);
  for (const kind of sockets.length > 0 ? SOCKET_KINDS.filter((it) => ONLY.test(it.name)) : []) {
    const all = { settings: { ...CALM, ...settings } };
    onSite(`${title} · ${kind.name}`, all, (site) => site.serve(kind), perWire(scenarios, sockets));
  }
}

/**
 * The same for scenarios that have no wire.
 * @param {string} title
 * @param {Record<string, (server: AnyServer, t: import('node:test').TestContext) => Promise<void>>} scenarios
 */
export function overServersOnly(title, scenarios) {
  for (const release of RELEASES.filter((it) => ONLY.test(it.name))) {
    onReference(title, release, {}, scenarios);
  }
  for (const kind of KINDS.filter((it) => ONLY.test(it.name))) {
    onSite(`${title} · ${kind.name}`, {}, (site) => site.serve(kind), scenarios);
  }
}

/**
 * What is expected where ours differs from the released servers on purpose.
 * @template T
 * @param {AnyServer} server
 * @param {{why: string, released: T, ours: T}} difference
 */
export function differs(server, { released, ours }) {
  return isOurs(server) ? ours : released;
}

/**
 * Peers of one scenario, let go at its end.
 * @param {Scene} scene
 * @param {number} count
 * @param {(...peers: Peer[]) => Promise<void>} act
 */
export async function withPeers({ server, wire }, count, act) {
  const peers = await Promise.all(Array.from({ length: count }, () => Peer.open(server, { wire })));
  try {
    await act(...peers);
  } finally {
    await Promise.all(peers.map((it) => it.down.end()));
  }
}
