/**
 * A WebSocket that sends frames as it is told, right or wrong (RFC 6455): for what no client library
 * would send. It answers nothing by itself, no ping and no close frame.
 */

import { EventEmitter, once } from 'node:events';
import { randomBytes } from 'node:crypto';
import net from 'node:net';

import { until, within } from './proc.mjs';

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** @typedef {{opcode: number, fin: boolean, payload: Buffer}} Frame */

/** @param {number} n */
function lengthBytes(n) {
  if (n < 126) {
    return Buffer.from([0x80 | n]);
  }
  const bytes = Buffer.alloc(n < 65536 ? 3 : 9);
  bytes[0] = 0x80 | (n < 65536 ? 126 : 127);
  bytes.writeUIntBE(n, bytes.length - (n < 65536 ? 2 : 6), n < 65536 ? 2 : 6);
  return bytes;
}

/**
 * One frame of a client.
 * @param {number} opcode
 * @param {string | Buffer} [data]
 * @param {{fin?: boolean, rsv?: number, masked?: boolean}} [how] rsv: the three reserved bits, 1 to 7
 */
export function frame(opcode, data = '', { fin = true, rsv = 0, masked = true } = {}) {
  const payload = Buffer.from(data);
  const length = lengthBytes(payload.length);
  const mask = randomBytes(4);
  if (masked) {
    payload.forEach((byte, n) => { payload[n] = byte ^ mask[n % 4]; });
  } else {
    length[0] &= 0x7f;
  }
  const first = Buffer.from([(fin ? 0x80 : 0) | rsv << 4 | opcode]);
  return Buffer.concat([first, length, ...(masked ? [mask] : []), payload]);
}

/** A close frame. @param {number} code @param {string | Buffer} [reason] */
export function closing(code, reason = '') {
  return frame(CLOSE, Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]));
}

/** The head of a request that asks for a WebSocket. @param {string} path @param {string[]} [more] lines */
export function handshake(path, more = ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13']) {
  return [`GET ${path} HTTP/1.1`, 'Host: localhost', 'Upgrade: websocket', 'Connection: Upgrade', ...more, '', '']
    .join('\r\n');
}

export class RawSocket extends EventEmitter {
  head = '';
  /** @type {Frame[]} */
  frames = [];
  over = false;
  #rest = Buffer.alloc(0);

  /** @param {number} port */
  constructor(port) {
    super();
    this.socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('data', (bytes) => this.#take(bytes));
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.over = true;
      this.emit('something');
    });
  }

  /**
   * Open, after the head of a 101.
   * @param {string} url
   */
  static async open(url) {
    const { port, pathname, search } = new URL(url);
    const it = new RawSocket(Number(port));
    it.send(handshake(pathname + search));
    await until('the head of a WebSocket', () => it.head || it.over);
    if (!it.head.startsWith('HTTP/1.1 101 ')) {
      throw new Error(`a WebSocket was answered ${it.head}`);
    }
    return it;
  }

  /** @param {Buffer} bytes */
  #take(bytes) {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    if (this.head === '') {
      const end = this.#rest.indexOf('\r\n\r\n');
      if (end < 0) {
        return;
      }
      this.head = this.#rest.subarray(0, end).toString();
      this.#rest = this.#rest.subarray(end + 4);
    }
    while (this.#takeFrame());
    this.emit('something');
  }

  #takeFrame() {
    const b = this.#rest;
    const short = b.length > 1 ? b[1] : 127;
    const extra = short < 126 ? 0 : short === 126 ? 2 : 8;
    if (b.length < 2 + extra) {
      return false;
    }
    const length = extra === 0 ? short : extra === 2 ? b.readUInt16BE(2) : Number(b.readBigUInt64BE(2));
    const end = 2 + extra + length;
    if (b.length < end) {
      return false;
    }
    this.frames.push({ opcode: b[0] & 15, fin: b[0] > 127, payload: b.subarray(2 + extra, end) });
    this.#rest = b.subarray(end);
    return true;
  }

  /** Bytes as they are. @param {string | Buffer} bytes */
  send(bytes) {
    this.socket.write(bytes);
  }

  /**
   * The next frame; undefined at the end.
   * @param {{pings?: boolean, timeout?: number}} [options] pings: those of heartbeats, too
   */
  async next({ pings = false, timeout } = {}) {
    for (;;) {
      const it = this.frames.shift();
      if (it !== undefined && (pings || it.opcode !== PING)) {
        return it;
      }
      if (it === undefined && this.over) {
        return undefined;
      }
      if (it === undefined) {
        await within('a frame', once(this, 'something'), timeout);
      }
    }
  }

  /** The text of the next message. */
  async text() {
    const it = await this.next();
    if (it?.opcode !== TEXT || !it.fin) {
      throw new Error(`no message came, but ${JSON.stringify(it)}`);
    }
    return it.payload.toString();
  }

  /** The close frame, which is the next and the last. @returns {Promise<{code: number, reason: string}>} */
  async closed() {
    const it = await this.next();
    if (it?.opcode !== CLOSE) {
      throw new Error(`no close frame came, but ${JSON.stringify(it)} ${it?.payload}`);
    }
    const { payload } = it;
    return { code: payload.length < 2 ? 1005 : payload.readUInt16BE(0), reason: payload.subarray(2).toString() };
  }

  /** The connection is over, and nothing came any more. */
  async ended() {
    const it = await this.next({ pings: true });
    if (it !== undefined) {
      throw new Error(`the end did not come, but ${JSON.stringify(it)}`);
    }
  }

  async end() {
    this.socket.destroy();
    await until('the end of a raw WebSocket', () => this.over);
  }
}
