/**
 * One RTCPeerConnection with one RTCDataChannel for text. It knows no server: what the other side
 * must hear comes out of `signal`, and what it said goes into accept().
 *
 * Events: `state` (connection or channel changed), `open`, `text` (with `text`), `gone` (once; the
 * object is of no further use).
 */

import { routeOf } from './route.mjs';

/** @typedef {{type?: RTCSdpType, sdp?: string, candidate?: string}} Signal */

export class Direct extends EventTarget {
  #signal;
  #connection;
  /** @type {RTCDataChannel | undefined} */
  #channel;
  #gone = false;
  /** One step at a time: a candidate must not overtake the description it belongs to. */
  #steps = Promise.resolve();

  /**
   * @param {{signal: (data: any) => void, iceServers?: RTCIceServer[], offering?: boolean}} options
   */
  constructor({ signal, iceServers = [], offering = false }) {
    super();
    this.#signal = signal;
    this.#connection = new RTCPeerConnection({ iceServers });
    this.#connection.onicecandidate = ({ candidate }) => candidate && signal(candidate.toJSON());
    this.#connection.onconnectionstatechange = () => this.#changed();
    this.#connection.ondatachannel = ({ channel }) => this.#adopt(channel);
    if (offering) {
      this.#adopt(this.#connection.createDataChannel('chat'));
      this.#step(() => this.#describe());
    }
  }

  get connection() {
    return this.#connection.connectionState;
  }

  get channel() {
    return this.#channel?.readyState ?? 'none';
  }

  /** @param {Signal} data what the other side's `signal` gave */
  accept(data) {
    this.#step(() => this.#take(data));
  }

  /** @param {string} text */
  send(text) {
    this.#channel?.send(text);
  }

  close() {
    if (!this.#gone) {
      this.#gone = true;
      this.#connection.close();
      this.dispatchEvent(new Event('gone'));
    }
  }

  /** How the packets go, once they do. */
  route() {
    return routeOf(this.#connection);
  }

  /** @param {() => Promise<void>} step */
  #step(step) {
    this.#steps = this.#steps.then(() => (this.#gone ? undefined : step())).catch(() => {
      this.close(); // not a description or candidate this browser understands
    });
  }

  async #describe() {
    await this.#connection.setLocalDescription();
    this.#signal(this.#connection.localDescription?.toJSON());
  }

  /** @param {Signal} data */
  async #take(data) {
    if (data.type === 'offer' || data.type === 'answer') {
      await this.#connection.setRemoteDescription({ type: data.type, sdp: data.sdp });
    } else if (typeof data.candidate === 'string') {
      await this.#connection.addIceCandidate(data);
    }
    if (data.type === 'offer') {
      await this.#describe();
    }
  }

  /** @param {RTCDataChannel} channel */
  #adopt(channel) {
    this.#channel = channel;
    channel.onopen = () => {
      this.#changed();
      this.dispatchEvent(new Event('open'));
    };
    channel.onclose = () => this.close();
    channel.onmessage = ({ data }) => {
      this.dispatchEvent(Object.assign(new Event('text'), { text: String(data) }));
    };
  }

  #changed() {
    this.dispatchEvent(new Event('state'));
    if (this.connection === 'failed') {
      this.close();
    }
  }
}
