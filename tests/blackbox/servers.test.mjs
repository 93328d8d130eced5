/**
 * Every way to stand behind a web server, at the root and below a path: the same scenarios for all, on the
 * configurations that are installed (conf/). Several servers at once, for they mostly wait.
 */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

import { EventStream, Site, onSite, request, run, until } from './harness.mjs';
import { KINDS, MORE_KINDS, PROXY_KINDS, at } from './kinds.mjs';
import { Peer, newId, offer, withPeers } from './peerjs.mjs';
import { Session, newAddr } from './socketio.mjs';

/** @typedef {import('./site.mjs').Server} Server */
/** @typedef {import('./kinds.mjs').Kind} Kind */

/** For whoever looks into a failure: only servers with such a name. */
const ONLY = new RegExp(process.env.SIGPOST_ONLY ?? '');
const AT_ONCE = 6;
/** Long enough to see that something does not wait for it. */
const BEAT = { heartbeat_min_ms: 1500, heartbeat_max_ms: 1600, grace_ms: 1000, hold_ms: 2000 };
const ORIGIN = 'https://app.example';

const ROWS = [...KINDS, ...MORE_KINDS, ...PROXY_KINDS].flatMap((row) => [at(row, ''), at(row, '/a/prefix')])
  .filter((row) => ONLY.test(row.name));

/** What gets down through it. @param {Kind} kind */
const wireOf = ({ holdsBack }) => (holdsBack ? 'poll' : 'sse');

/** How many mailboxes have a stream or a poll. @param {Server} server */
async function present({ site }) {
  const { output } = await run([join(site.root, 'bin/sigpost'), 'stat', '--json'],
    { cwd: site.root, env: site.environment() });
  return JSON.parse(output).present;
}

// ---- the scenarios

/** @param {Server} server */
async function firstByte(server) {
  const peer = new Peer(server, { wire: 'sse' });
  const began = performance.now();
  const stream = new EventStream(peer.address);
  if (server.kind.holdsBack) {
    await heldBack(peer, stream);
  } else {
    await stream.sees('OPEN', () => stream.blocks.some((it) => /OPEN/.test(it.data ?? '')));
    assert.equal(stream.status, 200);
    assert.ok(performance.now() - began < BEAT.heartbeat_min_ms, 'it did not wait for a heartbeat');
  }
  await stream.close();
}

/**
 * Not even the head of a stream comes, and its departure would not be noticed; a poll of the same peer
 * takes over, and ends it.
 * @param {Peer} peer @param {EventStream} stream
 */
async function heldBack({ server, id, token }, stream) {
  const seen = await Promise.race([stream.head.then(() => true), delay(2 * BEAT.heartbeat_max_ms, false)]);
  assert.equal(seen, false, 'it holds the beginning back: docs/install-apache.md says so');
  const poll = new Peer(server, { wire: 'poll', id, token });
  await poll.connect();
  assert.equal((await poll.value()).type, 'OPEN');
  await stream.sees('its end', () => stream.blocks.some((it) => it.event === 'superseded'));
  await poll.leave();
}

/** When a departure must be known, in ms; a busy machine takes its time to tell us. @param {Kind} kind */
function latest({ holdsBack, notices }) {
  if (notices === 'at once') {
    return 0.6 * BEAT.heartbeat_min_ms;
  }
  return 1200 + (holdsBack ? BEAT.hold_ms + BEAT.grace_ms : 2 * BEAT.heartbeat_max_ms);
}

/** How long sigpost takes to learn that a client has left. @param {Server} server */
async function departure(server) {
  await until('nobody to be there', async () => await present(server) === 0, 15_000);
  const peer = await Peer.open(server, { wire: wireOf(server.kind) });
  await until('a peer to be there', async () => await present(server) === 1);
  await delay(200);  // what the web server has to write of the beginning is written
  const began = performance.now();
  await peer.drop();
  await until('the departure', async () => await present(server) === 0, 15_000);
  const took = performance.now() - began;
  assert.ok(took < latest(server.kind), `${took} ms`);
}

/** Nothing is lost, nothing comes twice, when all processes die. @param {Server} server */
async function killed(server) {
  await withPeers({ server, wire: wireOf(server.kind) }, 2, async (one, two) => {
    await one.say(offer(two.id, 1));
    assert.equal((await two.value()).payload, 1);
    await one.say(offer(two.id, 2), '&n=1');
    await server.kill9();
    await Promise.all([one, two].map((it) => it.broken()));
    await one.say(offer(two.id, 3), '&n=2');
    assert.deepEqual(await one.say(offer(two.id, 2), '&n=1'), { result: 'repeated' });
    await Promise.all([one, two].map((it) => it.comeBack()));
    assert.deepEqual([(await two.value()).payload, (await two.value()).payload], [2, 3]);
    await two.say(offer(one.id, 'last'));
    assert.equal((await one.value()).payload, 'last');
    assert.deepEqual([one, two].flatMap((it) => [...it.down.inbox, ...it.down.gaps]), []);
  });
}

/** @param {Server} server */
async function batch(server) {
  await withPeers({ server, wire: wireOf(server.kind) }, 2, async (one, two) => {
    // Some more than mod_fcgid takes by default: it refuses what is over 128 kB.
    const all = Array.from({ length: server.kind.holdsBack ? 30 : 40 }, (_, n) => offer(two.id, `${n} ${'x'.repeat(4000)}`));
    assert.deepEqual(await one.say(all), all.map(() => ({ result: 'present' })));
    for (const { payload } of all) {
      assert.equal((await two.value()).payload, payload);
    }
  });
}

/** @param {Server} server */
async function preflight(server) {
  const headers = {
    Origin: ORIGIN, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type',
  };
  for (const path of ['/peerjs?key=peerjs&id=a&token=b', '/peerjs/some-id/token/offer', '/sigver']) {
    const answer = await request(server.url(path), { method: 'OPTIONS', headers });
    assert.ok([200, 204].includes(answer.status), `${path} ${answer.status}`);
    assert.match(answer.headers['access-control-allow-origin'] ?? '', new RegExp(`^(\\*|${ORIGIN})$`));
    assert.match(answer.headers['access-control-allow-methods'] ?? '', /\bPOST\b/);
    assert.match(answer.headers['access-control-allow-headers'] ?? '', /\bcontent-type\b/i);
  }
}

/** @param {Server} server */
async function oldStream(server) {
  await withPeers({ server, wire: 'stream' }, 2, async (one, two) => {
    assert.match(one.down.padding, /^0{2048}$/);
    await one.say(offer(two.id, 'old'));
    assert.deepEqual(await two.value(), { type: 'OFFER', src: one.id, dst: two.id, payload: 'old' });
  });
}

/** @param {Server} server */
async function socketIo(server) {
  const [one, two] = await Promise.all([Session.open(server), Session.open(server)]);
  const [from, to] = [newAddr(), newAddr()];
  assert.deepEqual(await one.join(from), { result: 'joined' });
  assert.deepEqual(await two.join(to), { result: 'joined' });
  const said = { srcMultiaddr: from, dstMultiaddr: to, intentId: 'i', signal: { type: 'offer', sdp: 'v=0' } };
  await one.emit('ss-handshake', said);
  const heard = /** @type {string[]} */ ([]);
  await until('the handshake', async () => {
    heard.push(...await two.hear());
    return heard.some((it) => it.startsWith('42["ws-handshake"') && it.includes(from));
  });
  await Promise.all([one.close(), two.close()]);
}

/** @param {Server} server */
async function pages(server) {
  const { status, headers } = await request(server.url('/'), { headers: { Accept: 'text/html' } });
  assert.equal(status, 302);
  assert.equal(new URL(headers.location ?? '', server.url('/')).href, server.url('/www/'));
  const types = {
    '': 'text/html', 'sigver.mjs': 'text/javascript', 'sigpost.js': 'text/javascript', 'sigpost.css': 'text/css',
  };
  for (const [file, type] of Object.entries(types)) {
    const page = await request(server.url(`/www/${file}`));
    assert.deepEqual([page.status, page.headers['content-type']?.split(';')[0]], [200, type], file);
  }
}

/** Everything any program of a site wrote that is no database. @param {Server} server */
function written(server) {
  const { root } = server.site;
  const files = ['', 'db'].flatMap((dir) => readdirSync(join(root, dir)).map((name) => join(root, dir, name)))
    .filter((name) => /log$/.test(name));
  return [server.log(), ...files.map((file) => readFileSync(file, 'utf8'))].join('\n');
}

/**
 * A token is in no log: of requests that go well, of those whose process dies under them, of those that
 * find nobody to answer.
 * @param {Server} server
 */
async function noToken(server) {
  const token = `canary${Math.random().toString(36).slice(2)}`;
  const marked = { id: newId(), token };
  await withPeers({ server, wire: wireOf(server.kind) }, 1, async (other) => {
    const peers = [new Peer(server, { wire: wireOf(server.kind), ...marked }),
      ...(server.kind.holdsBack ? [] : [new Peer(server, { wire: 'stream', token, id: newId() })])];
    for (const peer of peers) {
      await peer.connect();
      await peer.say(offer(other.id));
    }
    await request(server.url(`/peerjs/some-id/${token}/offer`), { method: 'POST', body: '{' });
    await server.kill9();
    await Promise.all(peers.map((it) => it.down.end()));
  });
  await deadEnd(server, [`/peerjs?key=peerjs&id=a&token=${token}`, `/peerjs/some-id/${token}/id?i=0`]);
  await server.restartWeb();  // lighttpd keeps its log for a while
  assert.match(written(server), /"GET \S*\/peerjs HTTP/, 'requests are logged without their query');
  const line = written(server).split('\n').find((it) => it.includes(token));
  assert.equal(line, undefined);
}

/**
 * Requests while there is no process at all, where it is not the web server's own.
 * @param {Server} server @param {string[]} paths
 */
async function deadEnd(server, paths) {
  if (!server.kind.external) {
    return;
  }
  await server.keeper?.stop();
  await until('the end of its processes', () => server.backends().length === 0);
  for (const path of paths) {
    const { status } = await request(server.url(path));
    assert.ok([502, 503, 504].includes(status), `${status}`);
  }
  await server.startBackend();
  await server.ready();
}

/** @type {Record<string, (server: Server) => Promise<void>>} */
const SCENARIOS = {
  'the first byte of an event stream comes at once, where it comes at all': firstByte,
  'a departure is noticed when it was said it would be': departure,
  'a batch of messages is one POST': batch,
  'a page of another origin may post': preflight,
  'Socket.IO by polls': socketIo,
  'the pages, as what they are': pages,
  'peers lose nothing when every process is killed': killed,
  'a token is in no log': noToken,
};
const OLD = 'the stream of old clients';

// ---- processes that come and go

/** mod_fcgid as it is when nobody asks for minutes, or a process is busy for long: here after a second. */
const IMPATIENT = {
  '<VirtualHost *:80>': ['FcgidIdleTimeout 1', 'FcgidIdleScanInterval 1', 'FcgidErrorScanInterval 1',
    '<VirtualHost *:80>', 'FcgidMinProcessesPerClass 0'].join('\n'),
};

/** @param {string} name of a row */
const impatient = (name) => {
  const row = [...KINDS, ...MORE_KINDS].find((it) => it.name === name);
  return { .../** @type {Kind} */ (row), change: IMPATIENT };
};

/** @param {string} name of a row @param {'sse' | 'poll'} wire */
function outlivesProcesses(name, wire) {
  onSite(`${name}, which ends idle processes`, { settings: { ...BEAT, peerjs_expire_ms: 60_000 } },
    (site) => site.serve(impatient(name)), {
    'what waits for a peer is there when all of them are gone': async (server) => {
      const [one, two] = await Promise.all([1, 2].map(() => Peer.open(server, { wire })));
      await one.say(offer(two.id, 1));
      assert.equal((await two.value()).payload, 1);
      await Promise.all([one, two].map((it) => it.drop()));
      await one.say([offer(two.id, 2), offer(two.id, 3)]);
      await until('the end of every process', () => server.backends().length === 0, 20_000);
      await two.resume();
      assert.deepEqual([(await two.value()).payload, (await two.value()).payload], [2, 3]);
      assert.deepEqual(two.down.gaps, []);
      await two.leave();
    },
  });
}

// ---- all of it

describe('behind a web server', { concurrency: AT_ONCE }, () => {
  outlivesProcesses('Apache mod_fcgid', 'sse');
  outlivesProcesses('Apache mod_fcgid, default', 'poll');
  for (const row of ROWS) {
    const all = row.holdsBack ? SCENARIOS : { ...SCENARIOS, [OLD]: oldStream };
    onSite(row.name, { settings: BEAT }, (site) => site.serve(row), all);
  }
});

// ---- the configurations by themselves

/** How a web server is asked whether it understands its configuration. */
const CHECKS = {
  lighttpd: (/** @type {string} */ conf) => ['/usr/sbin/lighttpd', '-tt', '-f', conf],
  nginx: (/** @type {string} */ conf) => ['/usr/sbin/nginx', '-t', '-q', '-c', conf, '-e', 'stderr'],
  apache: (/** @type {string} */ conf) => ['/usr/sbin/apache2', '-t', '-f', conf],
};

test('its own web server finds nothing wrong with a configuration', async () => {
  const site = new Site();
  try {
    for (const row of [...KINDS, ...MORE_KINDS, ...PROXY_KINDS]) {
      const conf = site.configuration(row);
      const { status, output, errors } = await run(CHECKS[row.around ?? 'nginx'](conf), { cwd: site.root });
      assert.deepEqual([row.name, status, `${output}${errors}`.replace('Syntax OK\n', '')], [row.name, 0, '']);
    }
  } finally {
    await site.end();
  }
});
