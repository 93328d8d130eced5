/** Addresses, methods, CORS and refusals of HTTP itself, the same behind every web server. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { Channel, EventStream, newKey, overServers, raw, request } from './harness.mjs';

const ORIGIN = 'https://app.example';

/**
 * @param {import('./http.mjs').Answer} answer
 * @param {number} status
 */
function problem(answer, status) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal(answer.json.status, status);
  assert.equal(typeof answer.json.title, 'string');
  assert.equal(typeof answer.json.type, 'string');
  assert.equal(typeof answer.json.detail, 'string', answer.text);
}

/** @param {import('./site.mjs').Server} server */
function postHead(server) {
  return `POST ${server.kind.mount}/sigver HTTP/1.1\r\nHost: x\r\nConnection: close\r\n`;
}

overServers('routing', { settings: { max_body_bytes: 2048, request_ms: 1500 } }, {
  'the root answers as PeerJS\'s server does': async ({ server }) => {
    for (const path of ['/', '/?', '/?a=1']) {
      const answer = await request(server.url(path));
      assert.equal(answer.status, 200);
      assert.match(answer.headers['content-type'] ?? '', /^application\/json/);
      assert.deepEqual(answer.json, {
        name: 'PeerJS Server',
        description: 'A server side element to broker connections between PeerJS clients.',
        website: 'https://peerjs.com/',
      });
      assert.equal(answer.headers['access-control-allow-origin'], '*');
    }
    const head = await request(server.url('/'), { method: 'HEAD' });
    assert.deepEqual([head.status, head.text], [200, '']);
  },

  'a browser is sent to the pages, which the web server serves': async ({ server }) => {
    const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
    const answer = await request(server.url('/'), { headers: { Accept: accept } });
    assert.equal(answer.status, 302);
    assert.equal(new URL(answer.headers.location ?? '', server.url('/')).href, server.url('/www/'));
    const page = await request(server.url('/www/'));
    assert.equal(page.status, 200);
    assert.match(page.text, /<html/i);
    const module = await request(server.url('/www/sigver.mjs'));
    assert.equal(module.text, readFileSync(new URL('../../www/sigver.mjs', import.meta.url), 'utf8'));
  },

  'an event stream is there with a slash and without, and at the root': async ({ server }) => {
    for (const path of ['/sigver', '/sigver/', '/sigver/opened', '/sigver/opened/', '/', '/sigver?x=%2F']) {
      const stream = await EventStream.open(server.url(path));
      assert.equal(stream.status, 200, path);
      assert.equal(stream.headers['content-type'], 'text/event-stream');
      assert.equal(stream.headers['cache-control'], 'no-cache, no-transform');
      assert.equal((await stream.next())?.event, 'auth');
      const [first] = stream.blocks;
      assert.ok(first.comments.length > 0, 'a comment comes first');
      assert.ok(stream.retry >= 50 && stream.retry <= 100, `retry ${stream.retry}`);
      assert.match(stream.lastEventId, /^[0-9a-f]{32}\.[0-9a-f]{16}-\d+$/);
      await stream.close();
    }
  },

  'the root and /sigver are one channel': async ({ server }) => {
    const key = newKey();
    const opener = await Channel.open(server.url('/'), { headers: { Accept: 'text/event-stream' } });
    const joining = await Channel.open(server.url('/sigver'));
    await opener.say({ open: key });
    await opener.value();
    await joining.say({ join: key });
    assert.deepEqual(await joining.value(), { isKeyOk: true });
    await Promise.all([opener.abandon(), joining.abandon()]);
  },

  'CORS: the origin is echoed on the channel, with credentials': async ({ server }) => {
    const headers = { Origin: ORIGIN };
    const stream = await EventStream.open(server.url('/sigver'), { headers });
    const auth = (await stream.next())?.data;
    const say = (/** @type {string} */ body) =>
      request(server.url('/sigver'), { method: 'POST', headers, body });
    const post = await say(`${auth}@{"open":"${newKey()}"}`);
    const refusal = await say('x@{}');
    for (const it of [stream.headers, post.headers, refusal.headers]) {
      assert.equal(it['access-control-allow-origin'], ORIGIN);
      assert.equal(it['access-control-allow-credentials'], 'true');
      assert.match(it.vary ?? '', /\bOrigin\b/);
    }
    assert.equal(post.headers['cache-control'], 'no-store');
    await stream.close();
  },

  'CORS: a preflight is answered': async ({ server }) => {
    for (const path of ['/sigver', '/sigver/opened/', '/']) {
      const answer = await request(server.url(path), {
        method: 'OPTIONS',
        headers: {
          Origin: ORIGIN, 'Access-Control-Request-Method': 'POST',
          'Access-Control-Request-Headers': 'content-type,last-event-id',
        },
      });
      assert.equal(answer.status, 204);
      assert.equal(answer.headers['access-control-allow-origin'], ORIGIN);
      assert.match(answer.headers['access-control-allow-methods'] ?? '', /POST/);
      assert.match(answer.headers['access-control-allow-headers'] ?? '', /content-type/i);
      assert.match(answer.headers['access-control-allow-headers'] ?? '', /last-event-id/i);
    }
  },

  'an address that is none is not found': async ({ server }) => {
    for (const path of ['/sigverx', '/sigver/x', '/favicon.ico', '/sigver/opened/x', '/SIGVER']) {
      problem(await request(server.url(path)), 404);
    }
  },

  'a method that is none of an address is named with those that are': async ({ server }) => {
    for (const method of ['PUT', 'DELETE', 'PATCH', 'PROPFIND']) {
      const answer = await request(server.url('/sigver'), { method, body: 'x' });
      problem(answer, 405);
      assert.match(answer.headers.allow ?? '', /GET.*POST/);
    }
  },

  'a body may have so many bytes and not one more': async ({ server }) => {
    const source = await Channel.open(server.url('/sigver'));
    const rest = 2048 - source.auth.length - 1 - '{"data":""}'.length;
    const fits = await source.post({ data: 'x'.repeat(rest) });
    assert.equal(fits.status, 573, 'it was read');
    problem(await source.post({ data: 'x'.repeat(rest + 1) }), 413);
    problem(await source.post({ data: 'x'.repeat(300_000) }), 413);
    await source.drop();
  },

  'a body without a length is asked for one, or counted by the web server': async ({ server }) => {
    const answer = await request(server.url('/sigver'), {
      method: 'POST', headers: { 'Transfer-Encoding': 'chunked' }, body: 'x@{}',
    });
    if (answer.status !== 581) {
      problem(answer, 411);
    }
    const text = await raw(server.port, `${postHead(server)}\r\n`);
    assert.match(text, /^HTTP\/1\.1 (411|581) /);
  },

  'a body shorter than its length, and one that dribbles, delay nobody': async ({ server }) => {
    const head = `${postHead(server)}Content-Length: 50\r\n\r\n`;
    const short = net.connect(server.port, '127.0.0.1');
    const dribbling = net.connect(server.port, '127.0.0.1');
    [short, dribbling].forEach((it) => it.on('error', () => {}));
    short.write(`${head}x@{`);
    dribbling.write(`${head}x@{`);
    try {
      for (let n = 0; n < 20; n += 1) {
        dribbling.write(' ');
        const began = Date.now();
        assert.equal((await request(server.url('/sigver'), { method: 'POST', body: 'x@{}' })).status, 581);
        assert.ok(Date.now() - began < 2000, 'others are served');
        await delay(10);
      }
    } finally {
      short.destroy();
      dribbling.destroy();
    }
  },

  'health is told of the gate, with a slash and without, and by HEAD': async ({ server }) => {
    for (const path of ['/health', '/health/', '/health?x=1']) {
      const answer = await request(server.url(path));
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.headers['content-type'], 'application/json');
      assert.equal(answer.headers['cache-control'], 'no-store');
      assert.equal(answer.headers['access-control-allow-origin'], '*');
      const { status, gate, websocket, process, store } = answer.json;
      const lighttpd = server.kind.name.startsWith('lighttpd');
      assert.deepEqual({ status, gate, websocket, store }, {
        status: 'pass', gate: server.kind.gate === 'cgi' ? 'cgi' : 'fastcgi',
        websocket: lighttpd ? 'unknown' : 'no', store: { journal: 'wal', schema: store.schema },
      });
      assert.ok(process.uptime_s >= 0 && process.uptime_s < 120, answer.text);
    }
    const head = await request(server.url('/health'), { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers['content-type'], head.text], [200, 'application/json', '']);
  },

  'health takes GET, and a preflight': async ({ server }) => {
    assert.equal((await request(server.url('/health'), { method: 'OPTIONS' })).status, 204);
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const answer = await request(server.url('/health'), { method, body: 'x' });
      problem(answer, 405);
      assert.equal(answer.headers.allow, 'GET, OPTIONS');
    }
    problem(await request(server.url('/health/x')), 404);
  },

  'a wrong transport is named': async ({ server }) => {
    problem(await request(server.url('/sigver?transport=pigeon')), 400);
  },

  'a poll is answered as JSON that nobody keeps': async ({ server }) => {
    const answer = await request(server.url('/sigver?transport=poll'));
    assert.match(answer.headers['content-type'] ?? '', /^application\/json/);
    assert.equal(answer.headers['cache-control'], 'no-cache, no-transform');
    assert.match(answer.json.cursor, /^[0-9a-f]{32}\.[0-9a-f]{16}-\d+$/);
    assert.ok(answer.json.auth.length >= 32);
    assert.deepEqual(answer.json.messages, []);
  },
});
