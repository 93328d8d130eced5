/** WebRTC data channels between peers that recognise each other, with or without a server. */

export { DescriptionError, type DescriptionErrorCode } from './sdp.js';

/** Any value JSON can carry. */
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** The offerer describes itself first, the answerer when it has the offer. */
export type PeerType = 'offerer' | 'answerer';

/**
 * - `closed`: closed, by either side, or not open
 * - `state`: a second description, or one after close()
 * - `unreachable`: ICE found no way, or lost it
 * - `message`: a name or message that cannot be sent, or what came is none; the connection stays
 * - `proof`: the other side has not shown who it is, or somebody is in between
 * - `self`: the other side is this very peer
 * - `refused`: PeerOptions.accept said no
 * - `storage`: no keys here, or nowhere to keep them
 * - `carrier`: the carrier failed
 * - `expired`: nobody came to the code
 * - `taken`: somebody else came to the code first
 * - `unanswered`: who waited at the code does not answer
 */
export type PeerErrorCode = 'closed' | 'state' | 'unreachable' | 'message' | 'proof' | 'self'
  | 'refused' | 'storage' | 'carrier' | 'expired' | 'taken' | 'unanswered';

export class PeerError extends Error {
  constructor(code: PeerErrorCode, message: string);
  readonly code: PeerErrorCode;
}

export interface ConnectionOptions {
  /** STUN and TURN servers. None: candidates of this machine alone. */
  iceServers?: RTCIceServer[];
  /** Of descriptions: `qr` (the default) or `url` for links and chat. */
  alphabet?: 'qr' | 'url';
  /** How long to wait for candidates at most, in milliseconds (5000). */
  gatherMs?: number;
}

/** Stops what an on() began. */
export type Off = () => void;

export interface PeerConnection {
  readonly type: PeerType;
  readonly connection: RTCPeerConnection;
  /** A code (docs/sdp.md) for the other side. Of an answerer: after connect(). */
  readonly description: string | undefined;
  /**
   * Takes the other side's description. An offerer resolves when connected, an answerer with its own
   * description. After a DescriptionError it can be called again.
   * @throws DescriptionError, PeerError
   */
  connect(description: string): Promise<string | void>;
  /** @throws PeerError `closed` (not connected), `message` */
  send(name: string, value?: Json): void;
  close(): void;
  on(event: 'connect', listener: (channel: RTCDataChannel) => void): Off;
  on(event: 'disconnect', listener: () => void): Off;
  on(event: 'error', listener: (error: Error) => void): Off;
  on(name: string, listener: (value: any) => void): Off;
}

export interface OffererConnection extends PeerConnection {
  readonly type: 'offerer';
  readonly description: string;
  connect(description: string): Promise<void>;
}

export interface AnswererConnection extends PeerConnection {
  readonly type: 'answerer';
  connect(description: string): Promise<string>;
}

export function createPeerConnection(
  type: 'offerer', options?: ConnectionOptions,
): Promise<OffererConnection>;
export function createPeerConnection(
  type: 'answerer', options?: ConnectionOptions,
): Promise<AnswererConnection>;

/** Two sides who have found each other at a carrier. */
export interface Meeting {
  /** Under which the other side finds this one. */
  readonly code?: string;
  readonly type: PeerType;
  send(description: string): Promise<void>;
  /** The other side's. Rejects after close(), too. */
  receive(): Promise<string>;
  /** Called once the connection is there, or will not be. */
  close(): void;
}

/** What brings descriptions to the other side. */
export interface Carrier {
  /** @param code of the other side; none: a new one */
  meet(code?: string): Promise<Meeting>;
}

export interface SigpostCarrierOptions {
  /** How long a code is good for, in milliseconds (600000). */
  expireMs?: number;
  /** How long to wait for the server, in milliseconds (20000). */
  joinMs?: number;
  /** Of a new code (6). */
  digits?: number;
  /** As of Sigver. */
  transport?: 'auto' | 'sse' | 'poll';
}

/** By a sigpost server. @param url its mount path */
export function sigpostCarrier(url: string | URL, options?: SigpostCarrierOptions): Carrier;

export interface PeerOptions extends ConnectionOptions {
  carrier?: Carrier;
  /** The name under which IndexedDB has the key (`default`); null: a key for this page alone. */
  identity?: string | null;
  /** Asked when an id is proved and before anything of that peer is heard. False: it is closed. */
  accept?: (id: string) => boolean | Promise<boolean>;
}

export interface NewConnectionOptions extends ConnectionOptions {
  carrier?: Carrier;
  /** The one that was told by the other side; none: a new one. */
  code?: string;
}

/** Another peer. The same object for the same id as long as the page lives. */
export interface RemotePeer {
  /** 32 characters: a hash of its public key. */
  readonly id: string;
  readonly connected: boolean;
  /**
   * Over the newest open connection. False: there is none, and nothing is kept for later.
   * @throws PeerError `message`
   */
  send(name: string, value?: Json): boolean;
  /** Closes all connections with it. */
  close(): void;
}

/** One connection of a Peer. */
export interface Link {
  readonly type: PeerType;
  readonly connection: RTCPeerConnection;
  readonly description: string | undefined;
  /** For the other side, where a carrier has one. */
  readonly code: string | undefined;
  /** Who is there, once that is proved. */
  readonly peer: RemotePeer | undefined;
  /** Resolves when the other side has proved who it is. */
  readonly connected: Promise<RemotePeer>;
  /** As of PeerConnection; an offerer resolves when the other side has proved who it is. */
  connect(description: string): Promise<string | RemotePeer>;
  close(): void;
  on(event: 'connect', listener: (peer: RemotePeer) => void): Off;
  on(event: 'disconnect', listener: () => void): Off;
  on(event: 'error', listener: (error: Error) => void): Off;
}

export interface OffererLink extends Link {
  readonly type: 'offerer';
  readonly description: string;
  connect(description: string): Promise<RemotePeer>;
}

export interface AnswererLink extends Link {
  readonly type: 'answerer';
  connect(description: string): Promise<string>;
}

export interface Peer {
  /** Of this page; empty until `ready`. */
  readonly id: string;
  /** Resolves with the id. Rejects with PeerError `storage`. */
  readonly ready: Promise<string>;
  /** Those that are connected. */
  readonly connections: RemotePeer[];
  /** To carry descriptions by hand. */
  newConnection(type: 'offerer', options?: ConnectionOptions): Promise<OffererLink>;
  newConnection(type: 'answerer', options?: ConnectionOptions): Promise<AnswererLink>;
  /** By a carrier. Resolves when the code is known; `connected` tells the rest. */
  newConnection(options?: NewConnectionOptions): Promise<Link>;
  /** @returns how many peers it went to @throws PeerError `message` */
  broadcast(name: string, value?: Json): number;
  /** Closes all connections. */
  close(): void;
  /** The first connection with a peer, the end of the last one. */
  on(event: 'connect' | 'disconnect', listener: (value: undefined, peer: RemotePeer) => void): Off;
  /** `peer` is there if it was known who it is. */
  on(event: 'error', listener: (error: Error, peer: RemotePeer | undefined) => void): Off;
  on(name: string, listener: (value: any, sender: RemotePeer) => void): Off;
}

export function createPeer(options?: PeerOptions): Peer;
