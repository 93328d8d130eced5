/**
 * FastCGI as a web server speaks it, made by hand, so that tests can say it wrongly as well.
 */

import net from 'node:net';

import { within } from './proc.mjs';

export const TYPE = {
  BEGIN: 1, ABORT: 2, END: 3, PARAMS: 4, STDIN: 5, STDOUT: 6, STDERR: 7, DATA: 8,
  GET_VALUES: 9, GET_VALUES_RESULT: 10, UNKNOWN: 11,
};

/**
 * @param {number} type
 * @param {string | Buffer} [content]
 * @param {{id?: number, version?: number, padding?: number}} [options]
 */
export function record(type, content = '', { id = 1, version = 1, padding = 0 } = {}) {
  const body = Buffer.from(content);
  const size = [body.length >> 8, body.length & 255];
  const head = Buffer.from([version, type, id >> 8, id & 255, ...size, padding, 0]);
  return Buffer.concat([head, body, Buffer.alloc(padding)]);
}

/** @param {number} n one byte below 128, else four */
function length(n) {
  return n < 128 ? Buffer.from([n]) : Buffer.from([(n >> 24) | 128, n >> 16, n >> 8, n]);
}

/** @param {Record<string, string>} variables */
export function pairs(variables) {
  return Buffer.concat(Object.entries(variables).map(([name, value]) => Buffer.concat([
    length(Buffer.byteLength(name)), length(Buffer.byteLength(value)), Buffer.from(name), Buffer.from(value),
  ])));
}

/**
 * The first record of a request.
 * @param {{keep?: boolean, role?: number, id?: number, padding?: number}} [options]
 */
export function begin({ keep = false, role = 1, id = 1, padding = 0 } = {}) {
  return record(TYPE.BEGIN, Buffer.from([0, role, keep ? 1 : 0, 0, 0, 0, 0, 0]), { id, padding });
}

/**
 * @typedef {object} Request
 * @property {string} [method]
 * @property {string} [uri]
 * @property {string} [body]
 * @property {Record<string, string>} [more] variables
 */

/**
 * What a web server says of a request.
 * @param {Request} request
 * @returns {Record<string, string>}
 */
export function variables({ method = 'GET', uri = '/', body, more = {} }) {
  /** @type {Record<string, string>} */
  const all = {
    GATEWAY_INTERFACE: 'CGI/1.1', SERVER_PROTOCOL: 'HTTP/1.1', REQUEST_METHOD: method,
    REQUEST_URI: uri, SCRIPT_NAME: '', QUERY_STRING: uri.split('?')[1] ?? '', REMOTE_ADDR: '127.0.0.1',
  };
  if (body !== undefined) {
    all.CONTENT_LENGTH = String(Buffer.byteLength(body));
  }
  return { ...all, ...more };
}

/**
 * A whole request.
 * @param {Request & {keep?: boolean, padding?: number, id?: number}} request
 */
export function whole({ keep, padding = 0, id = 1, ...request }) {
  const { body = '' } = request;
  const parts = [
    begin({ keep, id, padding }),
    record(TYPE.PARAMS, pairs(variables(request)), { id, padding }),
    record(TYPE.PARAMS, '', { id, padding }),
  ];
  for (let at = 0; at < body.length; at += 65535) {
    parts.push(record(TYPE.STDIN, body.slice(at, at + 65535), { id, padding }));
  }
  return Buffer.concat([...parts, record(TYPE.STDIN, '', { id, padding })]);
}

/** @typedef {{type: number, id: number, content: Buffer}} Packet */

/** One connection to a FastCGI program. */
export class Line {
  /** @type {Packet[]} */
  records = [];
  #rest = Buffer.alloc(0);
  closed = false;

  /** @param {string} path of a Unix socket */
  constructor(path) {
    this.socket = net.connect(path);
    this.socket.on('data', (bytes) => this.#feed(bytes));
    this.socket.on('error', () => {});
    this.ended = new Promise((resolve) => {
      this.socket.on('close', () => { this.closed = true; resolve(true); });
    });
  }

  /** @param {Buffer} bytes */
  #feed(bytes) {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 8) {
      const size = this.#rest.readUInt16BE(4);
      const end = 8 + size + this.#rest[6];
      if (this.#rest.length < end) {
        return;
      }
      this.records.push({
        type: this.#rest[1], id: this.#rest.readUInt16BE(2), content: this.#rest.subarray(8, 8 + size),
      });
      this.#rest = this.#rest.subarray(end);
      this.socket.emit('record');
    }
  }

  /** @param {Buffer} bytes */
  send(bytes) {
    return new Promise((resolve) => { this.socket.write(bytes, () => resolve(undefined)); });
  }

  /**
   * Waits for what is asked for, or for the end of the connection.
   * @param {string} what
   * @param {() => boolean} ask
   * @param {number} [timeout] in ms
   */
  sees(what, ask, timeout) {
    return within(what, new Promise((resolve) => {
      const look = () => (ask() || this.closed) && resolve(ask());
      this.socket.on('record', look);
      this.ended.then(look);
      look();
    }), timeout);
  }

  /** What was answered so far on STDOUT. */
  get output() {
    const parts = this.records.filter((it) => it.type === TYPE.STDOUT).map((it) => it.content);
    return Buffer.concat(parts).toString();
  }

  /** Application and protocol status of the first END_REQUEST that came; undefined before. */
  get end() {
    const last = this.records.find((it) => it.type === TYPE.END);
    return last && { app: last.content.readUInt32BE(0), protocol: last.content[4] };
  }

  /** The status of the CGI head on STDOUT. */
  get status() {
    return Number(/^Status: (\d+)/m.exec(this.output)?.[1] ?? 0);
  }

  /** Waits for the whole answer. */
  async answer() {
    await this.sees('END_REQUEST', () => this.end !== undefined);
    return this.status;
  }

  /** Forgets what came, for the next request on a kept connection. */
  clear() {
    this.records = [];
  }

  close() {
    this.socket.destroy();
    return this.ended;
  }
}
