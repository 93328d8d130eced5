/**
 * A libp2p node that finds others by webrtc-star at this server, and talks to them. It knows no document.
 *
 * Events:
 * - `state`: `state` or `transport` is another
 * - `peer`, with `id`: somebody was discovered, or called us
 * - `talk`, with `talk` (a Talk) and `ours`, whether this side asked for it
 * - `packet`, with `direction` and `text`: an event of webrtc-star went through the server
 *
 * @typedef {'none' | 'loading' | 'connecting' | 'online' | 'away' | 'ended'} State
 */

import { library } from './star-library.mjs';
import { routeOf } from './route.mjs';
import { PROTOCOL, Talk } from './star-talk.mjs';

const DIAL_MS = 20_000;

/** An event of Socket.IO in a packet of Engine.IO. */
const EVENT = /^42\d*(\[[^]*\])$/;

/**
 * The ways down for a node to come, in their order: Socket.IO keeps the WebSocket there was when it was loaded, and
 * that one keeps this list.
 * @type {string[]}
 */
const ways = [];
/** Whom sockets belong to that are opened now. @type {StarNode | undefined} */
let current;
let installed = false;

/**
 * The multiaddr to listen on. It has a host and a port and no room for a mount path.
 * @param {URL} server
 */
export function starAddress({ protocol, hostname, port }) {
  const secure = protocol === 'https:';
  const host = hostname.startsWith('[') ? `/ip6/${hostname.slice(1, -1)}`
    : `/${/^[\d.]+$/.test(hostname) ? 'ip4' : 'dns4'}/${hostname}`;
  return `${host}/tcp/${port || (secure ? 443 : 80)}/${secure ? 'wss' : 'ws'}/p2p-webrtc-star`;
}

/** How peers are called here: ids differ in their ends. @param {string} id */
export const shortName = (id) => id.slice(-8);

export class StarNode extends EventTarget {
  /** @type {any} libp2p's */
  #node;
  /** @type {any} the SigpostSocket it is discovered through */
  #socket;
  /** Discovered ones, as libp2p knows them. @type {Map<string, any>} */
  #peers = new Map();
  /** @type {Set<RTCPeerConnection>} */
  #connections = new Set();
  #server;
  #transport;
  #iceServers;
  /** @type {State} */
  state = 'none';

  /**
   * @param {URL} server its mount path
   * @param {{transport: string, iceServers: RTCIceServer[]}} options
   */
  constructor(server, { transport, iceServers }) {
    super();
    this.#server = server;
    this.#transport = transport;
    this.#iceServers = iceServers;
  }

  /** @returns {string} empty before it has started */
  get id() {
    return this.#node?.peerId.toString() ?? '';
  }

  get transport() {
    return this.#socket?.transport ?? '';
  }

  /** @param {any} sigpost the global of sigpost.js */
  async start(sigpost) {
    this.#change('loading');
    current = this;
    ways.splice(0, ways.length, this.#transport);
    install(sigpost, this.#server);
    const { createLibp2p, webRTCStar, noise, yamux } = await library();
    const star = webRTCStar({ wrtc: this.#webrtc() });
    this.#change('connecting');
    this.#node = await createLibp2p({
      addresses: { listen: [starAddress(this.#server)] },
      transports: [star.transport],
      peerDiscovery: [star.discovery],
      connectionEncryption: [noise()],
      streamMuxers: [yamux()],
      connectionManager: { minConnections: 0 }, // nobody is dialled but by whoever sits here
      connectionGater: { denyDialMultiaddr: async () => false }, // also in a private network
    });
    this.#node.addEventListener('peer:discovery', (/** @type {any} */ { detail }) => this.#found(detail.id));
    await this.#node.handle(PROTOCOL, (/** @type {any} */ { stream, connection }) => {
      this.#found(connection.remotePeer);
      this.#talk(stream, connection.remotePeer.toString(), false);
    });
  }

  /** @param {string} id of a peer that was discovered */
  async dial(id) {
    const signal = AbortSignal.timeout(DIAL_MS);
    const stream = await this.#node.dialProtocol(this.#peers.get(id), PROTOCOL, { signal });
    this.#talk(stream, id, true);
  }

  /** @param {string} id */
  hangUp(id) {
    return this.#node.hangUp(this.#peers.get(id));
  }

  /** Of the connection made last, of those that are. */
  async route() {
    const open = [...this.#connections].filter(({ connectionState }) => connectionState === 'connected');
    const last = open.pop();
    return last && routeOf(last);
  }

  async stop() {
    await this.#node?.stop();
    this.#change('ended');
  }

  /** Whoever opens a socket now: webrtc-star does for each address listened on. @param {any} socket */
  adopt(socket) {
    this.#socket = socket;
    const on = (/** @type {string} */ type, /** @type {(event: any) => void} */ handle) => (
      socket.addEventListener(type, handle));
    on('open', () => this.#change('online'));
    on('transport', () => this.#emit('state'));
    on('lost', () => this.#change('away'));
    on('resumed', () => this.#change('online'));
    on('close', () => this.#change(this.state === 'ended' ? 'ended' : 'away'));
    on('message', ({ data }) => this.#packet('down', data));
    const send = socket.send.bind(socket);
    socket.send = (/** @type {string} */ text) => {
      send(text);
      this.#packet('up', text);
    };
  }

  /**
   * @param {'up' | 'down'} direction
   * @param {unknown} data
   */
  #packet(direction, data) {
    const [, text] = EVENT.exec(String(data)) ?? [];
    if (text !== undefined) {
      this.#emit('packet', { direction, text });
    }
  }

  /** @param {any} peer libp2p's PeerId */
  #found(peer) {
    const id = peer.toString();
    if (!this.#peers.has(id)) {
      this.#peers.set(id, peer);
      this.#emit('peer', { id });
    }
  }

  /**
   * @param {any} stream
   * @param {string} peer
   * @param {boolean} ours
   */
  #talk(stream, peer, ours) {
    this.#emit('talk', { talk: new Talk(stream, peer), ours });
  }

  /** WebRTC with our STUN server or none: webrtc-star's own are on other hosts. */
  #webrtc() {
    const [connections, iceServers] = [this.#connections, this.#iceServers];
    class Connection extends RTCPeerConnection {
      /** @param {RTCConfiguration} configuration */
      constructor(configuration) {
        super({ ...configuration, iceServers });
        connections.add(this);
      }

      close() {
        connections.delete(this);
        super.close();
      }
    }
    return { RTCPeerConnection: Connection, RTCIceCandidate, RTCSessionDescription };
  }

  /** @param {State} state */
  #change(state) {
    this.state = state;
    this.#emit('state');
  }

  /**
   * @param {string} type
   * @param {object} [fields]
   */
  #emit(type, fields = {}) {
    this.dispatchEvent(Object.assign(new Event(type), fields));
  }
}

/**
 * The WebSocket of this page, once: multiaddrs that name the server's host mean the server.
 * @param {any} sigpost
 * @param {URL} server
 */
function install(sigpost, server) {
  if (!installed) {
    installed = true;
    sigpost.install({
      server, libp2p: true, transports: ways, onsocket: (/** @type {any} */ socket) => current?.adopt(socket),
    });
  }
}
