/**
 * PeerJS and the socket it speaks through. PeerJS is used as any page would use it; what is added
 * is a look at the socket sigpost gave it in place of a WebSocket, and hands to cut it and to
 * choose how it works. It knows no document.
 *
 * Events:
 * - `state`: `state` or `transport` is another
 * - `connection`, with `connection`: somebody connects
 * - `message`, with `direction`: one went through the server
 * - `resumed`, with `ms`: it was away that long, and has missed nothing
 * - `gap`: it was away for so long that messages to it expired
 * - `unavailable`, with `id`: nobody has the id that was asked for
 * - `taken`, with `id`: somebody else has the id wanted for ourselves
 * - `trouble`, with `text`
 */

/** Between two tries, when PeerJS has given up a server. */
const RETRY_MS = 2000;

/** A way down that is back so soon was not away: streams end and begin anew now and then. */
const BLINK_MS = 1500;

/** After these it is no use to try again. */
const FATAL = new Set(['unavailable-id', 'invalid-id', 'invalid-key', 'browser-incompatible']);

/** What PeerJS says in fewer words. @type {Record<string, string>} */
const WORDS = {
  'browser-incompatible': 'This browser has no WebRTC, or it is switched off.',
  'invalid-id': 'An id is made of letters and digits, with single dashes, underscores or blanks.',
  'invalid-key': 'This server does not have the key “peerjs”.',
};

/** @typedef {'connecting' | 'online' | 'cut' | 'away' | 'ended'} State */

export class Signalling extends EventTarget {
  #Peer;
  #sigpost;
  #options;
  /** @type {any} PeerJS's Peer */
  #peer;
  /** @type {any} the SigpostSocket it speaks through */
  #socket;
  #id = '';
  /** @type {string[] | undefined} the client's own order, until somebody chooses */
  #transports;
  #uninstall = () => {};
  #leaving = false;
  #awaySince = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #blink;
  /** @type {State} */
  state = 'connecting';

  /**
   * @param {any} Peer
   * @param {any} sigpost
   * @param {URL} server its mount path
   * @param {RTCIceServer[]} iceServers
   */
  constructor(Peer, sigpost, server, iceServers) {
    super();
    this.#Peer = Peer;
    this.#sigpost = sigpost;
    const secure = server.protocol === 'https:';
    const port = Number(server.port) || (secure ? 443 : 80);
    const { hostname: host, pathname: path } = server;
    this.#options = { host, port, path, secure, config: { iceServers } };
  }

  get id() {
    return this.#id;
  }

  /** The way down in use, or that was chosen; empty before the first sign of the server. */
  get transport() {
    return this.#socket?.transport || (this.#transports?.[0] ?? '');
  }

  /**
   * Comes online with this id. Connections made under another one go on.
   * @param {string} id
   */
  begin(id) {
    this.#leave();
    this.#id = id;
    this.#watchSockets();
    this.#change('connecting');
    const peer = new this.#Peer(id, this.#options);
    this.#peer = peer;
    this.#listen(peer);
  }

  /**
   * Nothing but this one from now on, with a new socket; connections to others go on.
   * @param {string} transport
   */
  use(transport) {
    this.#transports = [transport];
    this.#leave();
    this.#watchSockets();
    this.#change('connecting');
    this.#again();
  }

  /**
   * @param {string} id
   * @returns {any} PeerJS's DataConnection; nothing while there is no server
   */
  connect(id) {
    return this.#peer.connect(id, { reliable: true });
  }

  /** Cuts the way down as if the network had. @param {number} ms it stays away for */
  cut(ms) {
    if (this.state === 'online') {
      this.#socket.cut(ms);
      this.#awaySince = performance.now();
      this.#change('cut');
      this.#blink = setTimeout(() => this.#late(), ms + BLINK_MS);
    }
  }

  /** No sign since the cut. A long poll with nothing to say gives none: not refused must do. */
  #late() {
    if (this.transport === 'poll') {
      this.#resumed();
    } else {
      this.#change('away');
    }
  }

  /** The tag that loaded sigpost has installed it; this is to see its sockets, and to choose. */
  #watchSockets() {
    this.#uninstall();
    this.#uninstall = this.#sigpost.install({
      transports: this.#transports,
      onsocket: (/** @type {any} */ socket) => this.#adopt(socket),
    });
  }

  /** @param {any} socket */
  #adopt(socket) {
    this.#socket = socket;
    const on = (/** @type {string} */ type, /** @type {(event: any) => void} */ handle) => {
      socket.addEventListener(type, (/** @type {any} */ event) => {
        if (socket === this.#socket) {
          handle(event);
        }
      });
    };
    on('transport', () => this.#emit('state'));
    on('message', () => this.#emit('message', { direction: 'down' }));
    on('lost', () => this.#lost());
    on('resumed', () => this.#resumed());
    on('gap', () => this.#emit('gap'));
    on('refused', ({ reason }) => this.#emit('trouble', { text: reason }));
    this.#count(socket);
  }

  /** Tells of what PeerJS sends, but for its heartbeats: sigpost needs none. @param {any} socket */
  #count(socket) {
    const send = socket.send.bind(socket);
    socket.send = (/** @type {string} */ text) => {
      send(text);
      if (JSON.parse(text).type !== 'HEARTBEAT') {
        this.#emit('message', { direction: 'up' });
      }
    };
  }

  #lost() {
    if (this.state === 'online') {
      this.#awaySince = performance.now();
      this.#blink = setTimeout(() => this.#change('away'), BLINK_MS);
    }
  }

  #resumed() {
    clearTimeout(this.#blink);
    if (this.state === 'cut' || this.state === 'away') {
      this.#change('online');
      this.#emit('resumed', { ms: performance.now() - this.#awaySince });
    }
  }

  /** @param {any} peer */
  #listen(peer) {
    const on = (/** @type {string} */ type, /** @type {(it: any) => void} */ handle) => {
      peer.on(type, (/** @type {any} */ it) => peer === this.#peer && handle(it));
    };
    on('open', () => this.#change('online'));
    on('connection', (connection) => this.#emit('connection', { connection }));
    on('error', (error) => this.#failed(error));
    on('disconnected', () => this.#disconnected());
  }

  /** @param {{type: string, message: string}} error */
  #failed({ type, message }) {
    if (FATAL.has(type)) {
      this.#change('ended');
    }
    if (type === 'peer-unavailable') {
      this.#emit('unavailable', { id: message.replace(/^.* peer /, '') });
    } else if (type === 'unavailable-id') {
      this.#emit('taken', { id: this.#id });
    } else if (type !== 'network') { // that shows in the state
      this.#emit('trouble', { text: WORDS[type] ?? message });
    }
  }

  /** PeerJS has no server any more, because we said so, or it has given it up. */
  #disconnected() {
    if (!this.#leaving && this.state !== 'ended') {
      clearTimeout(this.#blink);
      this.#change('away');
      this.#retry = setTimeout(() => this.#again(), RETRY_MS);
    }
  }

  #again() {
    if (this.#peer.destroyed) {
      this.begin(this.#id);
    } else {
      this.#peer.reconnect();
    }
  }

  #leave() {
    clearTimeout(this.#retry);
    clearTimeout(this.#blink);
    this.#leaving = true;
    this.#peer?.disconnect();
    this.#socket = undefined;
    this.#leaving = false;
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
