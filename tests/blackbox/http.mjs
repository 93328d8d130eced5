/** Plain HTTP requests, each on a connection of its own unless an agent is given. */

import http from 'node:http';
import net from 'node:net';

import { within } from './proc.mjs';

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {http.IncomingHttpHeaders} headers
 * @property {string} text
 * @property {any} json of a JSON body; undefined otherwise
 */

/**
 * @typedef {object} Ask
 * @property {string} [method]
 * @property {Record<string, string | number>} [headers]
 * @property {string | Buffer} [body]
 * @property {http.Agent} [agent]
 * @property {number} [timeout] in ms
 * @property {AbortSignal} [signal]
 * @property {() => void} [onhead] called at the head of the answer
 */

/** @param {string} text */
export function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * @param {string | URL} url
 * @param {Ask} [options]
 * @returns {Promise<Answer>}
 */
export function request(url, {
  method = 'GET', headers = {}, body, agent, timeout, signal, onhead = () => {},
} = {}) {
  const answer = new Promise((resolve, reject) => {
    const all = { ...headers };
    if (body !== undefined && !('Content-Length' in all) && !('Transfer-Encoding' in all)) {
      all['Content-Length'] = Buffer.byteLength(body);
    }
    const way = { method, headers: all, agent: agent ?? false, signal };
    const req = http.request(url, way, (res) => {
      const parts = /** @type {Buffer[]} */ ([]);
      onhead();
      res.on('data', (part) => parts.push(part));
      res.on('error', reject);
      res.on('end', () => {
        const text = Buffer.concat(parts).toString();
        resolve({ status: res.statusCode ?? 0, headers: res.headers, text, json: parseJson(text) });
      });
    });
    req.on('error', reject);
    req.end(body);
  });
  return within(`an answer to ${method} ${url}`, answer, timeout);
}

/**
 * Bytes as they are, for what no HTTP library would send. Resolves with all that came back once
 * the other side closes, or `done` says it is enough.
 * @param {number} port
 * @param {string | Buffer} bytes
 * @param {{timeout?: number, done?: (text: string) => boolean}} [options]
 * @returns {Promise<string>}
 */
export function raw(port, bytes, { timeout, done = () => false } = {}) {
  const socket = net.connect(port, '127.0.0.1');
  const answer = new Promise((resolve) => {
    let text = '';
    socket.on('data', (part) => {
      text += part;
      if (done(text)) {
        resolve(text);
      }
    });
    socket.on('error', () => resolve(text));
    socket.on('close', () => resolve(text));
    socket.write(bytes);
  });
  return within(`an answer to raw bytes`, answer, timeout).finally(() => socket.destroy());
}
