/**
 * One RTCPeerConnection with one data channel for text, described by codes (sdp.js). What it is told
 * by `description` and `accept()` goes by any way to the other side and back.
 *
 * Events: `open`, `text` (what came), `close` (once, with the error if there is one).
 */

import { DescriptionError, compact, expand } from './sdp.js';
import { Emitter, PeerError } from './peer-events.mjs';

/** Candidates that are not found by then are not part of a description: a STUN server may be mute. */
const GATHER_MS = 5000;
/** Both sides make it by themselves, so it needs no message of its own to open. */
const CHANNEL = { negotiated: true, id: 0 };
/** What a description must have, and all it may. */
const DATA_ONLY = /^m=application [1-9]\d* UDP\/DTLS\/SCTP webrtc-datachannel$/;

/**
 * A description's certificates: `sha-256 AB:CD:…`. It may name more than one, and each would do for the
 * other side, so each counts.
 * @param {RTCSessionDescriptionInit | null} description
 */
function fingerprintOf(description) {
  const lines = (description?.sdp ?? '').split(/\r?\n/);
  const found = lines.filter((line) => line.startsWith('a=fingerprint:')).map((line) => {
    const [hash, bytes] = line.slice('a=fingerprint:'.length).trim().split(/ +/);
    return `${hash.toLowerCase()} ${bytes.toUpperCase()}`;
  });
  return [...new Set(found)].sort().join(',');
}

/**
 * @param {string} code
 * @param {'offer' | 'answer'} type
 */
function described(code, type) {
  const description = expand(code);
  if (description.type !== type) {
    throw new DescriptionError('content', `this is an ${description.type}, and no ${type}`);
  }
  const media = description.sdp.split('\r\n').filter((line) => line.startsWith('m='));
  if (media.length !== 1 || !DATA_ONLY.test(media[0])) {
    throw new DescriptionError('content', 'this is not the description of one data channel');
  }
  return description;
}

export class Wire extends Emitter {
  /** Of this side, when there is one. @type {string | undefined} */
  description;
  #options;
  #closed = false;
  /** That of the other side: the browser may be connected by it before it says so in `remoteDescription`. */
  #remote = /** @type {RTCSessionDescriptionInit | null} */ (null);
  #left = () => this.close();

  /**
   * @param {'offerer' | 'answerer'} type
   * @param {import('./peer.d.ts').ConnectionOptions} options
   */
  constructor(type, options) {
    super();
    this.type = type;
    this.#options = options;
    this.connection = new RTCPeerConnection({ iceServers: options.iceServers ?? [] });
    this.channel = this.connection.createDataChannel('peer', CHANNEL);
    this.channel.onopen = () => this.emit('open');
    this.channel.onmessage = ({ data }) => this.#closed || this.emit('text', data);
    this.channel.onclose = () => this.close();
    this.connection.onconnectionstatechange = () => this.#changed();
    globalThis.addEventListener('pagehide', this.#left); // so the other side need not find out
  }

  get closed() {
    return this.#closed;
  }

  get fingerprints() {
    return { ours: fingerprintOf(this.connection.localDescription), theirs: fingerprintOf(this.#remote) };
  }

  /** The offerer's first step. */
  async offer() {
    await this.#describe();
  }

  /**
   * What the other side said. A code that is none changes nothing: it may be given again.
   * @param {string} code
   */
  async accept(code) {
    const description = described(code, this.type === 'offerer' ? 'answer' : 'offer');
    if (this.#closed || this.#remote) {
      throw new PeerError('state', 'this connection is closed, or has a description already');
    }
    this.#remote = description;
    try {
      await this.connection.setRemoteDescription(description);
    } catch (error) {
      this.#remote = null;
      throw new DescriptionError('content', `the browser does not take it: ${error}`);
    }
    if (this.type === 'answerer') {
      await this.#describe();
    }
  }

  /** @param {string} text */
  send(text) {
    if (this.channel.readyState !== 'open') {
      throw new PeerError('closed', 'this connection is not open');
    }
    this.channel.send(text);
  }

  /** @param {Error} [error] why, if something is wrong */
  close(error) {
    if (!this.#closed) {
      this.#closed = true;
      globalThis.removeEventListener('pagehide', this.#left);
      this.connection.close();
      this.emit('close', error);
    }
  }

  async #describe() {
    await this.connection.setLocalDescription();
    await this.#gathered();
    const { localDescription } = this.connection;
    if (this.#closed || !localDescription) {
      throw new PeerError('closed', 'this connection was closed');
    }
    this.description = compact(localDescription, { alphabet: this.#options.alphabet ?? 'qr' });
  }

  /** @returns {Promise<void>} when all candidates are there, or enough time for them has passed */
  #gathered() {
    return new Promise((resolve) => {
      const { connection } = this;
      const timer = setTimeout(resolve, this.#options.gatherMs ?? GATHER_MS);
      const look = () => {
        if (connection.iceGatheringState === 'complete' || this.#closed) {
          clearTimeout(timer);
          resolve();
        }
      };
      connection.addEventListener('icegatheringstatechange', look);
      look();
    });
  }

  #changed() {
    if (this.connection.connectionState === 'failed') {
      this.close(new PeerError('unreachable', 'the two found no way to each other, or lost it'));
    }
  }
}
