/**
 * A web server's bad days, between a client and the real server: every request goes through, but
 * for those a test breaks.
 */

import http from 'node:http';

/**
 * What to do with a request:
 * - nothing: pass it on
 * - `{status, headers, body}`: answer this instead
 * - `{drop: true}`: close the connection, the server hears nothing
 * - `{mute: true}`: the server hears it, then close the connection without its answer
 * - `{hold: true}`: pass it on and keep the answer's body back
 * - `{before: text}`: the answer's body begins with this
 * - `{forget: true}`: pass it on without Last-Event-ID
 * - `{after: promise}`: only then
 */

function breakAnswer(answer, res, how) {
  if (how.mute) {
    answer.resume();
    res.destroy();
    return;
  }
  res.writeHead(answer.statusCode, answer.headers);
  res.flushHeaders();
  if (how.before) {
    res.write(how.before);
  }
  if (!how.hold) {
    answer.pipe(res);
  }
}

export class Proxy {
  /** Every request: `{method, url, headers, body}`. */
  seen = [];
  /** Decides over a request; see above. */
  rule = () => undefined;
  /** Changes the address of a request on its way. */
  rewrite = (url) => url;
  #target;
  #streams = new Set();
  #server = http.createServer((req, res) => this.#handle(req, res));

  constructor(target) {
    this.#target = new URL(target);
  }

  async listen() {
    await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const path = this.#target.pathname.replace(/\/$/, '');
    this.url = `http://127.0.0.1:${this.#server.address().port}${path}`;
    return this;
  }

  /** Breaks every GET that is open. Returns how many those were. */
  cut() {
    const { size } = this.#streams;
    this.#streams.forEach((res) => res.destroy());
    return size;
  }

  close() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(resolve));
  }

  posts() {
    return this.seen.filter(({ method }) => method === 'POST');
  }

  async #handle(req, res) {
    const body = Buffer.concat(await req.toArray());
    const request = { method: req.method, url: req.url, headers: req.headers, body: String(body) };
    this.seen.push(request);
    const how = this.rule(request) ?? {};
    await how.after;
    if (how.drop || res.destroyed) { // or the client has left already
      res.destroy();
    } else if (how.status) {
      res.writeHead(how.status, how.headers).end(how.body);
    } else {
      this.#pass(req, res, body, how);
    }
  }

  #pass(req, res, body, how) {
    const { connection, upgrade, ...rest } = req.headers; // it lets no WebSocket through
    const headers = { ...rest, host: this.#target.host };
    if (how.forget) {
      delete headers['last-event-id'];
    }
    const { hostname, port } = this.#target;
    const options = { hostname, port, path: this.rewrite(req.url), method: req.method, headers };
    const upstream = http.request(options, (answer) => breakAnswer(answer, res, how));
    upstream.on('error', () => res.destroy());
    if (req.method === 'GET') {
      this.#streams.add(res);
    }
    res.on('close', () => {
      this.#streams.delete(res);
      if (!how.mute) {
        upstream.destroy();
      }
    });
    upstream.end(body);
  }
}
