/**
 * What somebody who means harm may send, and what somebody who reads over the shoulder may see: the
 * rows of docs/security.md that no other test shows. Each attack is followed by proof that the others
 * are served as before.
 */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { basename, dirname, join } from 'node:path';

import { Line, whole } from './fcgi.mjs';
import {
  Channel, Process, freePort, kind, newKey, onSite, overServers, processesOf, raw, request, run, until,
} from './harness.mjs';
import { Peer, newId, newToken, offer, withPeers } from './peerjs.mjs';
import { Node, handshake } from './star.mjs';

/** A scene for withPeers. @param {import('./harness.mjs').Stage} stage */
const over = ({ server }) => ({ server, wire: /** @type {const} */ ('sse') });

/** The files whose names begin as that of a database, but its socket. @param {string} db */
const filesOf = (db) => readdirSync(dirname(db)).filter((name) => name.startsWith(basename(db)))
  .map((name) => join(dirname(db), name)).filter((file) => !file.endsWith('.hub'));

// ---- bytes that would end a line

const ENDS = ['\r\nX-Evil: 1', '\nX-Evil: 1', '\rX-Evil: 1', '\r\n\r\n<script>', '\0X-Evil: 1', '\u2028X-Evil: 1', '\u0085X-Evil: 1'];
const NAMES = ['HTTP_ORIGIN', 'HTTP_LAST_EVENT_ID', 'HTTP_ACCEPT', 'HTTP_HOST', 'HTTP_COOKIE', 'HTTP_USER_AGENT', 'HTTP_REFERER',
  'HTTP_UPGRADE', 'HTTP_SEC_WEBSOCKET_KEY', 'HTTP_SEC_WEBSOCKET_PROTOCOL', 'HTTP_ACCESS_CONTROL_REQUEST_HEADERS',
  'HTTP_X_FORWARDED_FOR', 'HTTP_AUTHORIZATION', 'CONTENT_TYPE', 'CONTENT_LENGTH', 'QUERY_STRING', 'SCRIPT_NAME', 'PATH_INFO',
  'REQUEST_URI', 'REQUEST_METHOD', 'REMOTE_ADDR', 'SERVER_NAME', 'SERVER_SOFTWARE', 'SIGPOST_MOUNT'];
/** @type {import('./fcgi.mjs').Request[]} */
const ASKED = [
  { uri: '/', more: { HTTP_ACCEPT: 'text/html' } },
  { uri: '/sigver', more: { HTTP_ACCEPT: 'text/event-stream', HTTP_ORIGIN: 'https://a.example' } },
  { uri: '/peerjs?key=peerjs&id=i&token=t&transport=poll' },
  { uri: '/nowhere' },
  { method: 'POST', uri: '/peerjs?key=peerjs&id=i&token=t', body: '[]' },
  { method: 'OPTIONS', uri: '/sigver', more: { HTTP_ORIGIN: 'https://a.example', HTTP_ACCESS_CONTROL_REQUEST_METHOD: 'POST' } },
];

/** Header lines of an answer, if the head is as a head is. @param {string} output */
function head(output) {
  const end = output.indexOf('\r\n\r\n');
  assert.ok(end > 0, `no head: ${JSON.stringify(output.slice(0, 200))}`);
  return output.slice(0, end).split('\r\n');
}

/** @param {string} path of a FastCGI socket @param {import('./fcgi.mjs').Request} asked */
async function ask(path, asked) {
  const line = new Line(path);
  await line.send(whole(asked));
  await line.sees('a head', () => line.output.includes('\r\n\r\n') || line.end !== undefined);
  const { output } = line;
  await line.close();
  return output;
}

onSite('an answer', {}, (site) => site.backend(), {
  'takes over no line end and no NUL of any variable': async (path) => {
    let answered = 0;
    for (const name of NAMES) {
      for (const end of ENDS) {
        for (const asked of ASKED) {
          /** @type {Record<string, string | undefined>} */
          const all = { REQUEST_URI: asked.uri, REQUEST_METHOD: asked.method ?? 'GET', ...asked.more };
          const before = all[name] ?? '';
          const output = await ask(path, { ...asked, more: { ...asked.more, [name]: `${before}${end}` } });
          answered += 1;
          for (const line of head(output)) {
            assert.match(line, /^[A-Z][A-Za-z-]*: [^\r\n\0]*$/, `${name} ${JSON.stringify(end)}`);
            assert.ok(!line.startsWith('X-Evil'), `${name} ${JSON.stringify(end)}`);
          }
        }
      }
    }
    assert.equal(answered, NAMES.length * ENDS.length * ASKED.length);
    assert.match(await ask(path, { uri: '/' }), /PeerJS Server/);
  },
});

const FIELDS = /^(?::.*|(?:id|event|data|retry): .*|)$/;

onSite('an event', {}, async (site) => ({ site, server: await site.serve(kind('lighttpd FastCGI')) }), {
  'has no line but those of its format, whatever was said': (stage) => withPeers(over(stage), 1, async (one) => {
    const { server } = stage;
    const two = new Peer(server, { wire: 'sse' });
    const came = raw(server.port, `GET /peerjs?${two.query} HTTP/1.0\r\nHost: localhost\r\n\r\n`, { done: (text) => text.includes('"the last"') });
    await until('two to be there', async () => (await one.say(offer(two.id, 0))).result === 'present');
    const url = server.url(`/peerjs?${one.query}`);
    const good = `{"type":"OFFER",\r\n\r\n"dst":"${two.id}",\r\r\n\n"payload":[1,\n\n"\\r\\n\\nevent: evil",\r2]}`;
    assert.equal((await request(url, { method: 'POST', body: good })).status, 200);
    for (const bad of [`{"type":"OFFER","dst":"${two.id}","payload":"a\nevent: evil"}`, `{"type":"OFFER\\nevent: evil","dst":"${two.id}"}`,
      `{"type":"OFFER","dst":"${two.id}\\u0000\\nevent: evil","payload":1}`, `{"type":"OFFER","dst":"${two.id}"}\n\nevent: evil\ndata: x\n\n`]) {
      assert.equal((await request(url, { method: 'POST', body: bad })).status, 400, bad);
    }
    await one.say(offer(two.id, 'the last'));
    const body = (await came).split('\r\n\r\n').slice(1).join('\r\n\r\n');
    assert.match(body, /data: \{"type":"OFFER"/);
    body.split(/\r\n|\r|\n/).forEach((it) => assert.match(it, FIELDS));
    assert.equal([...body.matchAll(/^event:/gm)].length, 0);
  }),
});

// ---- names and senders

overServers('a name', { kinds: [kind('lighttpd FastCGI'), kind('lighttpd CGI')] }, {
  'is not taken from a holder who is there, by any way in': (stage) => withPeers(over(stage), 2, async (one, two) => {
    const rival = { id: one.id, token: newToken() };
    for (const wire of /** @type {const} */ (['sse', 'poll'])) {
      const { told } = await Peer.refused(stage.server, { wire, ...rival });
      assert.equal(told.at(-1)?.type, 'ID-TAKEN', wire);
    }
    const thief = new Peer(stage.server, { wire: 'sse', ...rival });
    for (const message of [offer(two.id), { type: 'LEAVE' }, { type: 'HEARTBEAT' }]) {
      assert.equal((await request(stage.server.url(`/peerjs?${thief.query}`), { method: 'POST', body: JSON.stringify(message) })).status, 401);
    }
    await two.say(offer(one.id, 'still yours'));
    assert.equal((await one.value()).payload, 'still yours');
    await two.nothingElse();
  }),

  'of a sender is the one the server knows, not the one that was written': (stage) => withPeers(over(stage), 3, async (one, two, three) => {
    await one.say({ ...offer(two.id, 'forged'), src: three.id });
    assert.deepEqual(await two.value(), { type: 'OFFER', src: one.id, dst: two.id, payload: 'forged' });
    const text = `{"src":"${three.id}","type":"OFFER","src":"${three.id}","dst":"${two.id}","payload":1,"src":"x"}`;
    const got = await request(stage.server.url(`/peerjs?${one.query}`), { method: 'POST', body: text });
    if (got.status === 200) {
      const { src } = await two.value();
      assert.equal(src, one.id);
    }
    await two.nothingElse();
  }),

  'of a multiaddr speaks for its holder only': async ({ server }) => {
    const [one, two, three] = await Promise.all([1, 2, 3].map(() => Node.open(server)));
    const url = server.url(`/star?token=${one.token}&addr=${encodeURIComponent(one.addr)}`);
    const body = JSON.stringify([handshake(three.addr, two.addr), { ...handshake(two.addr, one.addr), data: { answer: true, srcMultiaddr: two.addr, dstMultiaddr: three.addr } }]);
    const { json, text } = await request(url, { method: 'POST', body });
    assert.deepEqual(json?.map((/** @type {any} */ it) => [it.result, it.status]), [['refused', 403], ['refused', 403]], text);
    assert.deepEqual([two.inbox, three.inbox], [[], []]);
    await Promise.all([one, two, three].map((it) => it.stream?.close()));
  },
});

// ---- tokens

/** @param {number[]} all */
const median = (all) => [...all].sort((a, b) => a - b)[all.length >> 1];

overServers('who guesses', { kinds: [kind('lighttpd FastCGI')] }, {
  'learns from no answer, and from no time, whether an id is there': (stage) => withPeers(over(stage), 1, async (one) => {
    /** @type {Record<string, {times: number[], texts: Set<string>}>} */
    const seen = { there: { times: [], texts: new Set() }, absent: { times: [], texts: new Set() } };
    for (let n = 0; n < 400; n += 1) {
      for (const [which, id] of [['there', one.id], ['absent', newId()]]) {
        const query = new URLSearchParams({ key: 'peerjs', id, token: newToken() });
        const began = performance.now();
        const { status, text, headers } = await request(stage.server.url(`/peerjs?${query}`), { method: 'POST', body: '{"type":"OFFER","dst":"x"}' });
        seen[which].times.push(performance.now() - began);
        seen[which].texts.add(`${status} ${headers['content-type']} ${text}`);
      }
    }
    assert.deepEqual(seen.there.texts, seen.absent.texts);
    assert.equal(seen.there.texts.size, 1);
    const ratio = median(seen.there.times) / median(seen.absent.times);
    assert.ok(ratio > 0.6 && ratio < 1.6, `${ratio}`);
  }),

  'a token, however near, is unknown': (stage) => withPeers(over(stage), 1, async (one) => {
    const near = [`${one.token}x`, one.token.slice(0, -1), one.token.toUpperCase(), ` ${one.token}`, `${one.token} `, '', `${one.token.slice(0, -1)}_`];
    for (const token of near) {
      const query = new URLSearchParams({ key: 'peerjs', id: one.id, token });
      const { status } = await request(stage.server.url(`/peerjs?${query}`), { method: 'POST', body: '{"type":"LEAVE"}' });
      assert.ok([400, 401].includes(status), `${JSON.stringify(token)}: ${status}`);
    }
    await one.nothingElse();
  }),

  'a token that was good once is nothing after its peer has left': async ({ server }) => {
    const one = await Peer.open(server, { wire: 'sse' });
    await one.say({ type: 'LEAVE' });
    const url = server.url(`/peerjs?${one.query}`);
    assert.equal((await request(url, { method: 'POST', body: JSON.stringify(offer('x')) })).status, 401);
    await one.down.end();
  },

  'what was heard once does not come again by its old cursor': async ({ server }) => {
    const [one, two] = await Promise.all([1, 2].map(() => Peer.open(server, { wire: 'sse' })));
    await one.say(offer(two.id, 'first'));
    await two.value();
    const old = two.down.cursor();
    await one.say(offer(two.id, 'second'));
    await two.value();
    const url = server.url(`/peerjs?${two.query}&transport=poll`);
    await request(`${url}&cursor=${two.down.cursor()}`, { timeout: 5000 });
    const { json } = await request(`${url}&cursor=${old}`, { timeout: 5000 });
    assert.deepEqual(json.messages, [], 'it was acknowledged, and is deleted');
    await Promise.all([one, two].map((it) => it.down.end()));
  },
});

// ---- SQL

const SQL = ["'; DROP TABLE msg; --", '"; DROP TABLE box; --', "' OR '1'='1", '1; DELETE FROM claim', '%', '_', '*', "peer/x' --", ':now', '?1',
  '$name', '/* */', 'NULL', "x' UNION SELECT token FROM box --", '0x41', '‘x’'];

overServers('SQL in a field', { kinds: [kind('lighttpd FastCGI')] }, {
  'is a text as any other': (stage) => withPeers(over(stage), 1, async (one) => {
    const { site, server } = stage;
    for (const text of SQL) {
      const word = encodeURIComponent(text);
      const peer = server.url(`/peerjs?key=peerjs&id=${word}&token=${word}&transport=poll`);
      const { json } = await request(peer);
      assert.deepEqual(json.messages, [{ type: 'OPEN' }], text);
      await one.say({ ...offer(text, text), src: text });
      const heard = await request(`${peer}&cursor=${json.cursor}`);
      assert.deepEqual(heard.json.messages, [{ type: 'OFFER', src: one.id, dst: text, payload: text }]);
      for (const query of [`key=${word}&id=i&token=t`, `key=peerjs&id=${word}&token=x&cursor=${word}`, `key=peerjs&id=i2&token=t&order=${word}`]) {
        await request(server.url(`/peerjs?transport=poll&${query}`), { headers: { 'Last-Event-ID': text.replace(/[^ -~]/g, '') } });
      }
      assert.equal((await request(server.url(`/${word}/id`))).status, 401);
      await request(server.url(`/star?token=${word}&addr=${word}`), { method: 'POST', body: JSON.stringify(handshake(text, text)) });
      const source = await Channel.open(server.url('/sigver'));
      await source.say({ open: text });
      assert.deepEqual(await source.value(), { isKeyOk: true });
      assert.equal((await source.post({ open: text }, { auth: text })).status, 581);
      await source.abandon();
    }
    const { status, output } = await run([join(site.root, 'bin/sigpost'), 'check', '--db', site.db, '--www', join(site.root, 'www')], { cwd: site.root });
    assert.equal(status, 0, output);
  }),
});

// ---- bodies

const KB = 1024;

/** Bodies that cost a careless reader time or memory. */
const BOMBS = {
  'brackets': '['.repeat(200 * KB), 'closed brackets': `${'['.repeat(100 * KB)}${']'.repeat(100 * KB)}`,
  'members': `{${Array.from({ length: 20_000 }, (_, n) => `"a${n}":1`).join(',')}}`,
  'the same member': `{${'"type":"OFFER",'.repeat(15_000)}"dst":"x"}`,
  'a long number': `{"type":"OFFER","dst":"x","payload":1${'0'.repeat(200 * KB)}}`,
  'an exponent': '{"type":"OFFER","dst":"x","payload":1e999999999}',
  'escapes': `{"type":"OFFER","dst":"${'\\u0041'.repeat(30_000)}"}`,
  'a string without end': `{"type":"OFFER","dst":"${'x'.repeat(200 * KB)}`,
  'white space': `${' '.repeat(250 * KB)}{}`,
  'half surrogates': `{"type":"OFFER","dst":"x","payload":"${'\\ud800'.repeat(20_000)}"}`,
};

overServers('a bomb', { kinds: [kind('lighttpd FastCGI')] }, {
  'of JSON is answered at once, and delays nobody': (stage) => withPeers(over(stage), 2, async (one, two) => {
    for (const [what, body] of Object.entries(BOMBS)) {
      const began = performance.now();
      const { status } = await request(stage.server.url(`/peerjs?${one.query}`), { method: 'POST', body });
      assert.ok([200, 400, 413].includes(status), `${what}: ${status}`);
      assert.ok(performance.now() - began < 2000, `${what}: ${performance.now() - began} ms`);
    }
    await one.say(offer(two.id, 'after'));
    assert.equal((await two.value()).payload, 'after');
  }),
});

const SLOW = 30;

onSite('bodies that dribble · Apache mod_proxy_fcgi', { settings: { request_ms: 1500 } }, async (site) => (
  { site, server: await site.serve(kind('Apache mod_proxy_fcgi')) }
), {
  'delay nobody, and are cut': (stage) => withPeers(over(stage), 2, async (one, two) => {
    const { port, kind: { mount } } = stage.server;
    const sockets = Array.from({ length: SLOW }, () => net.connect(port, '127.0.0.1'));
    let ended = 0;
    sockets.forEach((it) => {
      it.on('error', () => {});
      it.resume();
      it.on('close', () => { ended += 1; });
      it.write(`POST ${mount}/peerjs?${one.query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n{`);
    });
    const dribble = setInterval(() => sockets.forEach((it) => !it.destroyed && it.write(' ')), 200);
    try {
      for (let n = 0; n < 10; n += 1) {
        const began = performance.now();
        await one.say(offer(two.id, n));
        assert.equal((await two.value()).payload, n);
        assert.ok(performance.now() - began < 1000, `${performance.now() - began} ms`);
      }
      await until('the end of those that dribble', () => ended === SLOW, 15_000);
    } finally {
      clearInterval(dribble);
      sockets.forEach((it) => it.destroy());
    }
  }),
});

// ---- what lies on the disk

const CANARY = 'canary-in-a-description';

onSite('the disk', { settings: { log_level: 'debug', away_ms: 1000, peerjs_expire_ms: 500 } }, async (site) => ({ site, server: await site.serve(kind('lighttpd FastCGI')) }), {
  'holds no token, not even while its peer is there, and no log holds one': async ({ site, server }) => {
    const peer = await Peer.open(server, { wire: 'sse', token: 'canary-of-a-token' });
    const source = await Channel.open(server.url('/sigver'));
    await peer.say([offer(newId(), CANARY), { type: 'NONE', payload: CANARY }]);
    await source.post(`{"open":"${CANARY}`);
    const secrets = ['canary-of-a-token', source.auth, source.cursor.split('.')[0]];
    for (const file of filesOf(site.db)) {
      const bytes = readFileSync(file);
      secrets.forEach((it) => assert.ok(!bytes.includes(it), `${file} holds ${it}`));
    }
    [...secrets, CANARY].forEach((it) => assert.ok(!server.log().includes(it), it));
    assert.ok(filesOf(site.db).length >= 2);
    await Promise.all([peer.down.end(), source.abandon()]);
  },

  'holds nothing of a message that was delivered, once the database is closed': async ({ site, server }) => {
    const [one, two] = await Promise.all([1, 2].map(() => Peer.open(server, { wire: 'poll' })));
    for (const size of [100, 3000, 20_000]) {
      for (let n = 0; n < 20; n += 1) {
        await one.say(offer(two.id, `${CANARY}${'x'.repeat(size)}`));
        await two.value();
      }
    }
    await Promise.all([one, two].map((it) => it.say({ type: 'LEAVE' })));
    await Promise.all([one, two].map((it) => it.down.end()));
    await until('the mailboxes to be cleared', async () => {
      const { output } = await run([join(site.root, 'bin/sigpost'), 'stat', '--json', '--db', site.db], { cwd: site.root });
      return JSON.parse(output).messages === 0;
    }, 15_000);
    await server.stop();
    await until('the database to be closed', () => processesOf(site.root).length === 0);
    for (const file of filesOf(site.db)) {
      assert.ok(!readFileSync(file).includes(CANARY), `${file} still holds it`);
    }
    await server.start();
  },
});

onSite('symbolic links beside the database', {}, async (site) => site, {
  'are not followed: what they point at stays as it is': async (site) => {
    for (const row of [kind('lighttpd FastCGI'), kind('lighttpd CGI')]) {
      const server = await site.serve(row);
      await server.stop();
      site.hubs().forEach((pid) => process.kill(pid, 'SIGTERM'));
      await until('the end of the hub', () => site.hubs().length === 0);
      const victim = join(site.root, `victim-${row.gate}`);
      writeFileSync(victim, 'precious');
      site.give(basename(victim));
      for (const end of ['.bell', '.hub', '.hub.lock', '.hub.log']) {
        rmSync(`${site.db}${end}`, { force: true });
        symlinkSync(victim, `${site.db}${end}`);
      }
      await server.start();
      const [one, two] = await Promise.all([1, 2].map(() => Peer.open(server, { wire: 'poll' })));
      await one.say(offer(two.id, 'served'));
      assert.equal((await two.value()).payload, 'served');
      await Promise.all([one, two].map((it) => it.down.end()));
      assert.equal(readFileSync(victim, 'utf8'), 'precious', row.name);
      await server.stop();
      ['.bell', '.hub', '.hub.lock', '.hub.log'].forEach((end) => rmSync(`${site.db}${end}`, { force: true }));
    }
  },
});

// ---- doors

overServers('the files beside the database', {}, {
  'are served by no address': async ({ site, server }) => {
    await request(server.url('/'));
    mkdirSync(join(site.root, 'www'), { recursive: true });
    const names = filesOf(site.db).map((it) => basename(it));
    assert.ok(names.includes('sigpost.db') && names.includes('sigpost.db.bell'), names.join());
    for (const name of [...names, 'sigpost.db-wal', 'sigpost.db.hub.log']) {
      for (const path of [`/${name}`, `/db/${name}`, `/www/${name}`, `/www/../db/${name}`, `/www/..%2fdb%2f${name}`, `/www/%2e%2e/db/${name}`, `/../db/${name}`]) {
        const text = await raw(server.port, `GET ${server.kind.mount}${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
        assert.match(text, /^HTTP\/1\.[01] (40[0-9]|30[1-8])/, path);
        assert.ok(!text.includes('SQLite format'), path);
      }
    }
  },
});

onSite('sigpost fcgi with a port', {}, async (site) => site, {
  'is on the loopback interface only': async (site) => {
    const port = await freePort();
    const it = new Process([join(site.root, 'bin/sigpost'), 'fcgi', '--listen', `${port}`, '--db', site.db], { cwd: site.root });
    const listening = () => readFileSync('/proc/net/tcp', 'utf8').split('\n')
      .map((line) => line.trim().split(/\s+/)).filter(([, local, , state]) => state === '0A' && local.endsWith(`:${port.toString(16).padStart(4, '0').toUpperCase()}`));
    await until('it to listen', () => listening().length > 0);
    assert.deepEqual(listening().map(([, local]) => local.split(':')[0]), ['0100007F']);
    const v6 = existsSync('/proc/net/tcp6') ? readFileSync('/proc/net/tcp6', 'utf8') : '';
    assert.ok(!v6.includes(`:${port.toString(16).padStart(4, '0').toUpperCase()} `));
    await it.stop('SIGTERM');
  },
});
