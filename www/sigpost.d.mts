/**
 * - `websocket`: where the server offers it
 * - `sse`: the event stream, by EventSource
 * - `fetch`: the event stream, read with fetch
 * - `poll`: long poll
 */
export type Transport = 'websocket' | 'sse' | 'fetch' | 'poll';

export interface SigpostOptions {
  /**
   * The ways down, in the order in which they are tried. Default: `['sse', 'fetch', 'poll']`. Where
   * EventSource cannot be used (Node, sigver), `sse` is the same as `fetch`.
   */
  transports?: readonly Transport[];
  /** Milliseconds to the first sign of the server, before the socket closes. Default: 20,000. */
  connectMs?: number;
  /** The same for a connection that broke, of time in which it could try. Default: 60,000. */
  giveUpMs?: number;
  /** Milliseconds to the first byte of a stream, before it counts as held back. Default: 5,000. */
  firstMs?: number;
  /** Milliseconds it polls, and up to a half longer, where the server's event streams are full. Default: 60,000. */
  fullMs?: number;
  /**
   * Milliseconds without a message after which `fetch` takes over from `sse`, because it sees
   * heartbeats. Default: 60,000.
   */
  silentMs?: number;
  /** Instead of the global ones. Without an EventSource, streams are read with fetch. */
  fetch?: typeof fetch;
  EventSource?: unknown;
  WebSocket?: unknown;
}

export interface InstallOptions extends SigpostOptions {
  /**
   * The mount path of sigpost, or several: `https://example.org/sigpost`. Relative ones count from
   * the page. Default: where this module was loaded from, if that is below `www/` of a server.
   */
  server?: string | URL | readonly (string | URL)[];
  /** Called with each SigpostSocket that takes the place of a WebSocket, before it connects. */
  onsocket?: (socket: SigpostSocket) => void;
  /**
   * Socket.IO at the root of a server's host means that server, too: a multiaddr of libp2p names a
   * host and a port, and no mount path. Default: false.
   */
  libp2p?: boolean;
  /** Whose WebSocket to patch. Default: globalThis. */
  global?: object;
}

/** Another way down is in use; the first time too. */
export interface SigpostTransportEvent extends Event {
  readonly transport: Transport;
}

/** Messages were lost: expired, or over a quota, while nobody fetched them. */
export interface SigpostGapEvent extends Event {
  readonly from?: string | number;
  readonly to?: string | number;
}

/** The server does not take this message; the socket stays open. */
export interface SigpostRefusedEvent extends Event {
  readonly text: string;
  readonly reason: string;
  /** HTTP's; none where the message was no JSON. */
  readonly status?: number;
}

export interface SigpostSocketEventMap {
  open: Event;
  message: MessageEvent<string>;
  error: Event;
  close: CloseEvent;
  transport: SigpostTransportEvent;
  /** The connection is away, and will be back. */
  lost: Event;
  resumed: Event;
  gap: SigpostGapEvent;
  refused: SigpostRefusedEvent;
}

/** A WebSocket to PeerJS, sigver or Socket.IO at a sigpost server, over what works there. */
export class SigpostSocket extends EventTarget {
  static readonly CONNECTING: 0;
  static readonly OPEN: 1;
  static readonly CLOSING: 2;
  static readonly CLOSED: 3;

  /**
   * @param url `…/peerjs?key=…&id=…&token=…`, `…/sigver`, `…/sigver/opened`, or
   *   `…/socket.io/?EIO=…&transport=websocket` (or `/socket.io-next/`), as ws, wss, http or https
   * @param protocols ignored
   */
  constructor(url: string | URL, protocols?: string | string[], options?: SigpostOptions);

  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;

  binaryType: string;
  readonly url: string;
  readonly readyState: number;
  readonly protocol: string;
  readonly extensions: string;
  /** Bytes the server has not taken yet. */
  readonly bufferedAmount: number;
  /** Empty before the first sign of the server. */
  readonly transport: Transport | '';
  /** Whether the connection is there now. It may be away while readyState is OPEN. */
  readonly connected: boolean;

  onopen: ((this: SigpostSocket, event: Event) => void) | null;
  onmessage: ((this: SigpostSocket, event: MessageEvent<string>) => void) | null;
  onerror: ((this: SigpostSocket, event: Event) => void) | null;
  onclose: ((this: SigpostSocket, event: CloseEvent) => void) | null;

  /** Messages leave in order, repeated until the server has them, and are stored once. */
  send(data: string): void;
  /** Sends what waits, says goodbye (a PeerJS id is free at once) and closes. */
  close(code?: number, reason?: string): void;
  /** Breaks the connection as if the network had, for at least `ms`. It comes back by itself. */
  cut(ms?: number): void;

  addEventListener<T extends keyof SigpostSocketEventMap>(
    type: T,
    listener: (this: SigpostSocket, event: SigpostSocketEventMap[T]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<T extends keyof SigpostSocketEventMap>(
    type: T,
    listener: (this: SigpostSocket, event: SigpostSocketEventMap[T]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
}

/** All that are not closed. */
export const sockets: ReadonlySet<SigpostSocket>;

/**
 * From now on `new WebSocket()` of a PeerJS, sigver or Socket.IO address at these servers makes a
 * SigpostSocket; every other one is native. Returns a function that takes it back.
 */
export function install(options?: InstallOptions): () => void;
