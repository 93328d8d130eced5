/** The log: its two formats, the name of a request in it and in the answer, and what must never be in it. */

import assert from 'node:assert/strict';

// @ts-ignore it has no types
import WebSocket from 'ws';

import { KINDS, SOCKET_KINDS, newKey, kind, onSite, overServers, raw, request, run, until } from './harness.mjs';

/** @typedef {import('./harness.mjs').Stage} Stage */

const CANARY = 'canary7sings';

/** Lines that sigpost wrote, and not a web server. @param {Stage} stage */
function lines({ site, server }) {
  return `${server.log()}\n${site.hubLog()}`.split('\n')
    .flatMap((line) => /(?:time=\d{4}-|\{"time":").*/.exec(line)?.[0] ?? []);
}

/** A line of logfmt as an object. @param {string} line */
function logfmt(line) {
  const pairs = [...line.matchAll(/(\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S+))(?: |$)/g)];
  assert.equal(pairs.map(([whole]) => whole).join(''), line, 'nothing but pairs');
  return Object.fromEntries(pairs.map(([, key, text, word]) => [key, text ?? word]));
}

/** @param {string} format @param {string} line @returns {Record<string, any>} */
const parse = (format, line) => (format === 'json' ? JSON.parse(line) : logfmt(line));

/** One request a place where a secret can stand. @param {import('./site.mjs').Server} server */
async function sing(server) {
  const headers = Object.fromEntries(['Authorization', 'Cookie', 'Last-Event-ID', 'Origin', 'Referer', 'User-Agent',
    'X-Token', 'X-Request-Id', 'Accept', 'Content-Type', 'Access-Control-Request-Headers'].map((name) => [name, CANARY]));
  const body = JSON.stringify([{ type: 'OFFER', src: CANARY, dst: CANARY, payload: CANARY, token: CANARY }]);
  for (const path of [`/peerjs/${CANARY}/${CANARY}/offer`, `/${CANARY}/id`, `/sigver/${CANARY}`, `/${CANARY}`,
    `/peerjs?key=peerjs&id=${CANARY}&token=${CANARY}`, `/sigver?${CANARY}=${CANARY}&last_event_id=${CANARY}`,
    `/star?token=${CANARY}&addr=${CANARY}`, `/socket.io/?EIO=4&transport=polling&sid=${CANARY}`, `/health?${CANARY}`]) {
    await request(server.url(path), { method: 'POST', headers, body });
    await request(server.url(`${path}${path.includes('?') ? '&' : '?'}transport=poll&key=${CANARY}`), { headers, timeout: 3000 }).catch(() => {});
  }
  await request(server.url(`/${CANARY}`), { method: 'OPTIONS', headers });
  await request(server.url(`/${CANARY}`), { method: CANARY.toUpperCase(), headers }).catch(() => {});
  const { pathname, host } = new URL(server.url(`/peerjs/${CANARY}/id`));
  await raw(server.port, `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Length: 2x\r\nX-A: ${CANARY}\r\n\r\n${CANARY}`);
}

/** @param {import('./site.mjs').Server} server */
async function singOnSocket(server) {
  const socket = new WebSocket(server.url(`/peerjs?key=peerjs&id=${CANARY}&token=${CANARY}&version=1.5.4`).replace(/^http/, 'ws'));
  await new Promise((resolve, reject) => { socket.on('message', resolve); socket.on('error', reject); });
  socket.send(JSON.stringify({ type: 'OFFER', dst: CANARY, payload: CANARY }));
  socket.send(CANARY);
  socket.send(`{"${CANARY}`);
  await new Promise((resolve) => { socket.on('close', resolve); socket.close(1000, CANARY); });
}

let count = 0;
for (const it of [...KINDS, ...SOCKET_KINDS]) {
  const format = (count += 1) % 2 === 0 ? 'json' : 'logfmt';
  overServers(`the log as ${format}`, { kinds: [it], settings: { log_level: 'debug', log_format: format, hold_ms: 200, away_ms: 60_000 } }, {
    'tells each request by its route, and no token, body or query': async (stage) => {
      const { server, site } = stage;
      await sing(server);
      if (it.websocket) {
        await singOnSocket(server);
      }
      await request(server.url('/health'));
      const all = await until('the last request', () => {
        const now = lines(stage).map((line) => parse(format, line));
        return now.some(({ route }) => route === '/health') ? now : undefined;
      });
      const requests = all.filter(({ event }) => event === 'request');
      assert.ok(requests.length >= 15, `${requests.length} requests`);
      for (const line of requests) {
        assert.match(line.request, /^[a-z2-9]{6}-[1-9]\d*$/);
        assert.match(line.method, /^(GET|POST|OPTIONS|other)$/);
        assert.match(line.route, /^(none|\/[a-z.*/]*)$/);
        assert.match(String(line.status), line.route === '/socket.io' ? /./ : /^[1-5]\d\d$/);
        assert.match(String(line.ms), /^\d+$/);
        assert.equal(line.level, 'debug');
      }
      assert.equal(new Set(requests.map((line) => line.request)).size, requests.length, 'each has a name of its own');
      assert.equal(all.some(({ event }) => event === 'message'), it.websocket === true);
      assert.doesNotMatch(lines(stage).join('\n'), new RegExp(CANARY, 'i'));
      for (const verb of [['stat'], ['stat', '--json'], ['check', '--json']]) {
        const { output, errors } = await run([`${site.root}/bin/sigpost`, ...verb, '--db', site.db], { cwd: site.root });
        assert.doesNotMatch(output + errors, new RegExp(CANARY, 'i'), verb.join(' '));
      }
    },
  });
}

onSite('a request that failed', { settings: { max_db_bytes: 400_000, log_format: 'json' } }, async (site) => (
  { site, server: await site.serve(kind('lighttpd FastCGI')) }
), {
  'is called the same in its answer and in the log': async (stage) => {
    const { server } = stage;
    const from = newKey();
    const peer = `key=peerjs&id=${encodeURIComponent(from)}&token=t`;
    const body = JSON.stringify(Array.from({ length: 8 }, () => ({ type: 'OFFER', dst: newKey(), payload: 'x'.repeat(20_000) })));
    const open = await request(server.url(`/peerjs?${peer}&transport=poll`));
    assert.equal(open.status, 200, open.text);
    const refused = await until('507', async () => {
      const answer = await request(server.url(`/peerjs?${peer}`), { method: 'POST', body });
      return answer.status === 507 ? answer : undefined;
    });
    const name = refused.json.request;
    assert.match(name, /^[a-z2-9]{6}-\d+$/);
    const line = await until('its line', () => lines(stage).map((it) => JSON.parse(it))
      .find((it) => it.request === name && it.event === 'a request failed'));
    assert.deepEqual([line.level, line.error, line.route], ['error', 'full', '/peerjs']);
    const missing = await request(server.url('/no/such/place/here'));
    assert.deepEqual([missing.status, missing.json.request], [404, undefined], 'what is no failure of ours is in no log');
  },
});
