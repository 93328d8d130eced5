/**
 * `sigpost key` beside running servers: what each verb says, and what becomes of those who come with the key.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';

import { EventStream, kind, onSite, request, run, until } from './harness.mjs';
import { Peer, offer } from './peerjs.mjs';

/** @typedef {import('./site.mjs').Site} Site */
/** @typedef {import('./site.mjs').Server} Server */
/** @typedef {{site: Site, server: Server}} Stage */

/** Runs `sigpost key`. @param {Site} site @param {string[]} args */
const key = (site, ...args) =>
  run([join(site.root, 'bin/sigpost'), 'key', ...args], { cwd: site.root, env: site.environment() });

/** The same; it must work, and say it in JSON. @param {Site} site @param {string[]} args */
async function told(site, ...args) {
  const { status, output, errors } = await key(site, ...args, '--json');
  assert.equal(status, 0, errors);
  return JSON.parse(output);
}

let count = 0;

/** A key of its own. @param {Site} site @param {string[]} options */
async function newName(site, ...options) {
  count += 1;
  await told(site, 'add', `key-${count}`, ...options);
  return `key-${count}`;
}

/** What a stream is told at its end, within a second, and some for a busy machine. @param {Peer} peer @param {string} msg */
async function endsWith(peer, msg, ms = 0) {
  const from = performance.now();
  assert.deepEqual(await peer.value(), { type: 'ERROR', payload: { msg } });
  assert.ok(performance.now() - from < ms + 3000);
  await peer.broken();
}

const NOTHING = { discovery: false, peers: 0, limit: null, rate: null, origins: null, expires: null };

// ---- the command line

onSite('sigpost key', {}, async (site) => {
  const { status, errors } = await run([join(site.root, 'bin/sigpost'), 'init'], { cwd: site.root, env: site.environment() });
  assert.equal(status, 0, errors);
  return site;
}, {
  'says everything as JSON': async (site) => {
    const { made, ...added } = await told(site, 'add', 'json');
    assert.ok(Math.abs(Date.parse(made) - Date.now()) < 60_000);
    assert.deepEqual(added, { key: 'json', state: 'on', ...NOTHING });
    const set = await told(site, 'set', 'json', '--discovery', 'on', '--peers', '7', '--rate', '30/m', '--burst', '9',
      '--origins', 'https://a.org, https://*.b.org', '--expires', '2097-01-31');
    assert.deepEqual(set, { key: 'json', state: 'on', discovery: true, peers: 0, limit: 7,
      rate: { messages: 30, ms: 60_000, burst: 9 }, origins: ['https://a.org', 'https://*.b.org'],
      expires: '2097-01-31T00:00:00Z', made });
    const back = await told(site, 'set', 'json', '--discovery', 'off', '--peers', 'default', '--rate', 'none',
      '--origins', 'default', '--expires', 'never');
    assert.deepEqual(back, { ...added, made });
    assert.equal((await told(site, 'disable', 'json')).state, 'off');
    assert.equal((await told(site, 'show', 'json')).state, 'off');
    assert.equal((await told(site, 'enable', 'json')).state, 'on');
    const all = await told(site, 'list');
    assert.deepEqual(all.map((/** @type {any} */ it) => it.key), ['json', 'peerjs', 'sigver', 'star']);
    const { key: name, old } = await told(site, 'rotate', 'json');
    assert.match(name, /^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    assert.equal(old, 'json');
    assert.equal((await told(site, 'remove', name)).key, name);
  },

  'aligns its tables by characters': async (site) => {
    await told(site, 'add', 'münchen');
    const { output } = await key(site, 'list');
    const columns = output.trimEnd().split('\n').map((line) => line.search(/(state|on|off) /));
    assert.equal(new Set(columns).size, 1, output);
    await told(site, 'remove', 'münchen');
  },

  'refuses with one sentence': async (site) => {
    await told(site, 'add', 'there');
    /** @type {[string[], number, RegExp][]} */
    const rows = [
      [['add', 'there'], 1, /it is there already/], [['set', 'nope', '--peers', '3'], 1, /no such key/],
      [['enable', 'nope'], 1, /no such key/], [['remove', 'nope'], 1, /no such key/],
      [['rotate', 'nope'], 1, /no such key/], [['rotate', 'there', 'peerjs'], 1, /such a key already/],
      [['set', 'there'], 2, /say what to set/], [['show', 'there', '--peers', '3'], 2, /go with add and set/],
      [['add', 'sigver'], 2, /stand for their protocols/], [['remove', 'star', '--force'], 2, /stand for their protocols/],
      [['rotate', 'sigver'], 2, /stand for their protocols/], [['rotate', 'there', 'a/b'], 2, /no slash/],
      [['set', 'sigver', '--discovery', 'on'], 2, /no discovery/], [['set', 'sigver', '--peers', '2'], 2, /no limit/],
      [['list', '--keep', '3d'], 2, /goes with rotate/], [['rotate', 'there', '--keep', '3'], 2, /duration/],
      [['list', '--force'], 2, /goes with remove/], [['add', 'www'], 2, /address of sigpost/],
      [['add', 'x'.repeat(59)], 2, /58 bytes/], [['add', 'x', '--peers', '0'], 2, /1 to 10000000/],
      [['add', 'x', '--peers', '10000001'], 2, /1 to 10000000/], [['add', 'x', '--rate', '0/s'], 2, /1 to 1000000/],
      [['add', 'x', '--rate', '1000001/s'], 2, /1 to 1000000/], [['add', 'x', '--rate', '1/d'], 2, /\/s, \/m or \/h/],
      [['add', 'x', '--burst', '3'], 2, /say --rate/], [['add', 'x', '--rate', '1/s', '--burst', '1000001'], 2, /1 to 1000000/],
      [['add', 'x', '--rate', '1/h', '--burst', '1222'], 2, /50 days/],
      [['add', 'x', '--expires', '2020-01-01'], 2, /over/], [['add', 'x', '--expires', '2097-02-30'], 2, /date/],
      [['add', 'x', '--expires', '101y'], 2, /date/], [['add', 'x', '--expires', '36601d'], 2, /date/],
      [['add', 'x', '--origins', 'a.org'], 2, /scheme/], [['add', 'x', '--origins', ''], 2, /missing/],
      [['add', 'x', '--origins', `https://${'a'.repeat(63)}.`.repeat(40)], 2, /2047 bytes/],
    ];
    for (const [args, wants, why] of rows) {
      const { status, output, errors } = await key(site, ...args);
      assert.equal(status, wants, `${args} ${errors}`);
      assert.match(errors, /^sigpost key: [^\n]*\n$/, `${args}`);
      assert.match(errors, why, `${args}`);
      assert.equal(output, '');
    }
    await told(site, 'remove', 'there');
  },

  'takes what is just within': async (site) => {
    const list = Array.from({ length: 64 }, (_, n) => `https://a${n}.org`).join(',');
    for (const args of [['x'.repeat(58)], ['b', '--peers', '10000000'], ['c', '--rate', '1000000/s', '--burst', '1000000'],
      ['d', '--rate', '1/h', '--burst', '1221'], ['e', '--expires', '36600d'], ['f', '--origins', list]]) {
      await told(site, 'add', ...args);
      await told(site, 'remove', args[0]);
    }
  },
});

// ---- those who come with it

/** @type {Record<string, (stage: Stage) => Promise<void>>} */
const overHttp = {
  'off ends streams with a word; on again, nothing was lost': async ({ site, server }) => {
    const name = await newName(site);
    const one = await Peer.open(server, { wire: 'sse', key: name });
    const two = await Peer.open(server, { wire: 'poll', key: name });
    const other = await Peer.open(server, { wire: 'sse' });
    await two.drop();
    await one.say(offer(two.id, 'kept'));
    await told(site, 'disable', name);
    await endsWith(one, 'This key is turned off');
    const late = new Peer(server, { wire: 'sse', key: name });
    await late.connect();
    assert.deepEqual(await late.value(), { type: 'ERROR', payload: { msg: 'This key is turned off' } });
    const { status, headers, json } = await request(server.url(`/${name}/id`));
    assert.deepEqual([status, headers['content-type'], json.detail], [403, 'application/problem+json', 'This key is turned off']);
    await until('messages to be refused', async () => (await one.send(offer(two.id)))?.status === 403);
    await other.nothingElse();
    await told(site, 'enable', name);
    await two.resume();
    assert.equal((await two.value()).payload, 'kept');
    await Promise.all([two, other, late].map((it) => it.down.end()));
  },

  'expiry ends them, too': async ({ site, server }) => {
    const name = await newName(site, '--expires', '2s');
    const one = await Peer.open(server, { wire: 'sse', key: name });
    await endsWith(one, 'This key has expired', 2000);
    assert.equal((await request(server.url(`/${name}/id`))).status, 403);
    assert.equal((await told(site, 'show', name)).state, 'expired');
    await told(site, 'set', name, '--expires', 'never');
    assert.equal((await request(server.url(`/${name}/id`))).status, 200);
  },

  'rotate: both names lead to one place, then one': async ({ site, server }) => {
    const name = await newName(site);
    const one = await Peer.open(server, { wire: 'sse', key: name });
    const { key: next } = await told(site, 'rotate', name, '--keep', '3s');
    const two = await Peer.open(server, { wire: 'sse', key: next });
    await two.say(offer(one.id, 'hello'));
    assert.equal((await one.value()).payload, 'hello');
    await endsWith(one, 'This key has expired', 3000);
    const back = await Peer.open(server, { wire: 'sse', key: next, id: one.id, token: one.token });
    await back.say(offer(two.id, 'back'));
    assert.equal((await two.value()).payload, 'back');
    await Promise.all([back, two].map((it) => it.down.end()));
  },

  'remove waits for who is there, unless it is forced': async ({ site, server }) => {
    const name = await newName(site);
    const one = await Peer.open(server, { wire: 'sse', key: name });
    const { status, errors } = await key(site, 'remove', name);
    assert.deepEqual([status, errors], [1, `sigpost key: ${name}: 1 peer is there; --force removes it all the same\n`]);
    await told(site, 'remove', name, '--force');
    await endsWith(one, 'This key was removed');
    assert.equal((await request(server.url(`/${name}/id`))).status, 401);
  },

  'sigver and webrtc-star can be turned off': async ({ site, server }) => {
    /** @type {[string, string, string, any][]} */
    const rows = [
      ['sigver', '/sigver', 'close', { code: 4403, reason: 'sigver is turned off on this server' }],
      ['star', '/star?addr=%2Fip4%2F1', 'ss-error', { reason: 'webrtc-star is turned off on this server' }],
    ];
    for (const [name, path, event, data] of rows) {
      const stream = new EventStream(server.url(path));
      await stream.next();
      await told(site, 'disable', name);
      for (const it of [stream, new EventStream(server.url(path))]) {
        const last = await it.next();
        assert.deepEqual([last?.event, JSON.parse(last?.data ?? '')], [event, data]);
        await until('the end', () => it.closed);
      }
      assert.equal((await request(server.url(`${path}${path.includes('?') ? '&' : '?'}token=t`), { method: 'POST', body: '{}' })).status, 403);
    }
    const session = await request(server.url('/socket.io/?EIO=4&transport=polling'));
    assert.deepEqual([session.status, session.json], [403, { code: 4, message: 'Forbidden' }]);
    await Promise.all(rows.map(([name]) => told(site, 'enable', name)));
    assert.equal((await request(server.url('/socket.io/?EIO=4&transport=polling'))).status, 200);
  },

  'pages of other origins are refused': async ({ site, server }) => {
    const name = await newName(site, '--origins', 'https://good.example');
    const ask = async (/** @type {string | undefined} */ origin, path = `/${name}/id`, method = 'GET') => {
      const { status, headers } = await request(server.url(path), { method, headers: origin === undefined ? {} : { Origin: origin } });
      return [status, headers['access-control-allow-origin'], headers.vary];
    };
    assert.deepEqual(await ask('https://good.example'), [200, 'https://good.example', 'Origin']);
    assert.deepEqual(await ask(undefined), [200, undefined, 'Origin']);
    for (const origin of ['https://evil.example', 'null', 'http://good.example']) {
      assert.deepEqual(await ask(origin), [403, undefined, 'Origin'], origin);
      assert.deepEqual(await ask(origin, `/peerjs?key=${name}&id=x&token=t`), [403, undefined, 'Origin'], origin);
      const beacon = await request(server.url(`/peerjs?key=${name}&id=x&token=t`),
        { method: 'POST', headers: { Origin: origin, 'Content-Type': 'text/plain' }, body: '{"type":"LEAVE"}' });
      assert.equal(beacon.status, 403, origin);
    }
    assert.deepEqual((await ask('https://evil.example', '/peerjs/id')).slice(0, 2), [200, '*']);
  },
};

for (const name of ['lighttpd FastCGI', 'lighttpd CGI']) {
  onSite(`keys · ${name}`, { settings: { away_ms: 30_000, peerjs_expire_ms: 20_000 } },
    async (site) => ({ site, server: await site.serve(kind(name)) }), overHttp);
}

onSite('keys · sigpost serve, by WebSocket', {}, async (site) => ({ site, server: await site.serve(kind('sigpost serve')) }), {
  'off ends a WebSocket with a word': async ({ site, server }) => {
    const name = await newName(site);
    const one = await Peer.open(server, { wire: 'websocket', key: name });
    await told(site, 'disable', name);
    await endsWith(one, 'This key is turned off');
  },

  'a foreign page gets no WebSocket': async ({ site, server }) => {
    const name = await newName(site, '--origins', 'https://good.example');
    const from = (/** @type {string} */ Origin) => Peer.open(server, { wire: 'websocket', key: name, headers: { Origin } });
    await assert.rejects(from('https://evil.example'), /403/);
    await (await from('https://good.example')).down.end();
  },
});
