/**
 * Event streams by CGI are bounded, in number and in life, for a host counts a process for each: who comes above
 * the bound polls, or comes again. And hosts that end or forbid the process that holds them.
 */

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

// @ts-ignore it has no types
import EventSource from 'eventsource2';

import { hub } from '../../www/self-test-words.mjs';
import { SigpostSocket } from '../../www/sigpost.mjs';
import { Sigver } from '../../www/sigver.mjs';
import {
  Channel, kind, newKey, onSite, overServers, processesOf, request, signal, until,
} from './harness.mjs';

/** @typedef {import('./site.mjs').Server} Server */

const TWO = ['Apache mod_cgid', 'lighttpd CGI'].map(kind);
const MOST = 2;
const SSE = { Accept: 'text/event-stream' };

/** @param {Server} server @param {number} count */
function openMany(server, count) {
  return Promise.all(Array.from({ length: count }, () => Channel.open(server.url('/sigver'))));
}

/** A stream that was refused, as EventSource asks for it. @param {string} url */
async function sentAway(url) {
  const { status, text } = await request(url, { headers: SSE });
  assert.equal(status, 200);
  assert.match(text, /^event: poll\ndata: \{\}\nretry: \d{4,5}\n\n$/);
}

/** @param {string} url */
async function told(url, method = 'GET') {
  const { status, headers, json } = await request(url, { method, body: method === 'POST' ? '' : undefined });
  assert.equal(status, 503);
  assert.match(headers['retry-after'] ?? '', /^[1-9]\d*$/);
  assert.match(json.detail, /transport=poll/);
}

/** The server has noticed that all have left. @param {Server} server */
function freed(server) {
  return until('the end of all streams', async () => (await request(server.url('/health'))).json?.process.streams === 0);
}

/**
 * Our client for PeerJS.
 * @param {Server} server
 * @param {string} id
 * @param {object} options
 */
function peer(server, id, options) {
  const address = server.url(`/peerjs?key=peerjs&id=${id}&token=t-${id}`).replace(/^http/, 'ws');
  const socket = new SigpostSocket(address, [], { fullMs: 1000, ...options });
  const it = { socket, id, heard: /** @type {any[]} */ ([]), ways: /** @type {string[]} */ ([]) };
  socket.addEventListener('message', (/** @type {any} */ { data }) => {
    const { type, payload } = JSON.parse(data);
    if (type === 'CANDIDATE') {
      it.heard.push(payload);
    }
  });
  socket.addEventListener('transport', (/** @type {any} */ { transport }) => it.ways.push(transport));
  return it;
}

overServers('event streams by CGI', { kinds: TWO, settings: { cgi_streams: MOST } }, {
  'are as many as may be; the next one is told to poll, and may': async ({ server }) => {
    const all = await openMany(server, MOST);
    await sentAway(server.url('/sigver'));
    await sentAway(server.url('/peerjs?key=peerjs&id=a&token=a'));
    await told(server.url('/sigver'));
    await told(server.url('/peerjs/b/b/id?i=0'), 'POST');
    const polling = await Channel.open(server.url('/sigver'), { wire: 'poll' });
    const key = newKey();
    await all[0].say({ open: key });
    await all[0].value();
    await polling.say({ join: key });
    assert.deepEqual(await polling.value(), { isKeyOk: true });
    await polling.say({ data: 'by poll' });
    assert.equal((await all[0].value()).data, 'by poll');
    await all[0].drop();
    await all[0].comeBack();
    await sentAway(server.url('/sigver'));
    await Promise.all([...all, polling].map((it) => it.abandon()));
    await freed(server);
  },

  'count no more when the process that held them is killed': async ({ site, server }) => {
    const all = await openMany(server, MOST);
    site.hubs().forEach((pid) => signal(pid, 'SIGKILL'));
    await until('its end', () => site.hubs().length === 0);
    const again = await openMany(server, MOST);
    await sentAway(server.url('/sigver'));
    await Promise.all([...all, ...again].map((it) => it.abandon()));
    await freed(server);
  },

  'our client polls meanwhile, goes back, and loses nothing': async ({ server }) => {
    const all = await openMany(server, MOST);
    const name = `${server.port}`;
    const [one, two] = [peer(server, `one${name}`, { transports: ['sse', 'fetch', 'poll'], EventSource }),
      peer(server, `two${name}`, { transports: ['fetch', 'poll'] })];
    await until('both to poll', () => [one, two].every(({ socket }) => socket.transport === 'poll' && socket.readyState === 1));
    let n = 0;
    const talk = setInterval(() => {
      one.socket.send(JSON.stringify({ type: 'CANDIDATE', dst: two.id, payload: n }));
      n += 1;
    }, 50);
    await until('messages', () => two.heard.length > 5);
    await Promise.all(all.map((it) => it.abandon()));
    await until('both to be back', () => one.socket.transport === 'sse' && two.socket.transport === 'fetch');
    clearInterval(talk);
    await until('all of them', () => two.heard.length === n);
    assert.deepEqual(two.heard, Array.from({ length: n }, (_, i) => i));
    assert.ok([one, two].every(({ socket }) => socket.readyState === 1));
    [one, two].forEach(({ socket }) => socket.close());
    await freed(server);
  },

  'our client for sigver polls, at once or after a stream that broke': async ({ server }) => {
    const first = new Sigver(server.url('/'), { EventSource });
    await first.open(newKey());
    assert.equal(first.transport, 'sse');
    first.pause();
    await freed(server);
    const all = await openMany(server, MOST);
    const began = Date.now();
    first.resume();
    const second = new Sigver(server.url('/'), { EventSource });
    const key = newKey();
    await second.open(key);
    await first.join(key);
    assert.deepEqual([first.transport, second.transport], ['poll', 'poll']);
    assert.ok(Date.now() - began < 3000, `${Date.now() - began} ms`);
    [first, second].forEach((it) => it.close());
    await Promise.all(all.map((it) => it.abandon()));
    await freed(server);
  },
});

overServers('a released client of event streams by CGI', { kinds: [TWO[0]], settings: { cgi_streams: MOST } }, {
  'a released EventSource that was sent away gets in later': async ({ server }) => {
    const all = await openMany(server, MOST);
    const source = new EventSource(server.url('/sigver'));
    const auths = /** @type {string[]} */ ([]);
    let opened = 0;
    source.addEventListener('auth', (/** @type {any} */ { data }) => auths.push(data));
    source.addEventListener('open', () => { opened += 1; });
    await until('an answer', () => opened > 0);
    await all[0].abandon();
    await until('its mailbox', () => auths.length > 0, 15_000);
    source.close();
    await all[1].abandon();
    await freed(server);
  },
});

overServers('the life of event streams by CGI', { kinds: TWO, settings: { cgi_lifetime_ms: 1000, lifetime_ms: 60_000 } }, {
  'ends for now, after cgi_lifetime_ms; a poll goes on': async ({ server }) => {
    const poll = await Channel.open(server.url('/sigver'), { wire: 'poll' });
    const began = Date.now();
    const one = await Channel.open(server.url('/sigver'));
    await until('its end', () => one.down.over, 4000);
    assert.ok(Date.now() - began >= 750, `${Date.now() - began} ms`);
    assert.equal(one.down.ending, undefined, 'for now');
    const key = newKey();
    await one.say({ open: key });
    await one.resume();
    assert.deepEqual(await one.value(), { isKeyOk: true });
    await Promise.all([one, poll].map((it) => it.abandon()));
  },
});

onSite('no event stream by CGI', { settings: { cgi_streams: 0 } }, (site) => site.serve(TWO[1]), {
  'all poll': async (server) => {
    await sentAway(server.url('/sigver'));
    const one = await Channel.open(server.url('/sigver'), { wire: 'poll' });
    await one.say({ open: newKey() });
    assert.deepEqual(await one.value(), { isKeyOk: true });
    await one.abandon();
  },
});

// ---- hosts without the one process

/** Two of our clients tell each other numbers, by long poll. @param {Server} server */
async function converse(server) {
  const name = `${server.port}-${Date.now()}`;
  const both = ['one', 'two'].map((it) => peer(server, `${it}-${name}`, { transports: ['poll'] }));
  const [one, two] = both;
  await until('both', () => both.every(({ socket }) => socket.readyState === 1), 20_000);
  const numbers = [0, 1, 2, 3, 4, 5];
  for (const payload of numbers) {
    one.socket.send(JSON.stringify({ type: 'CANDIDATE', dst: two.id, payload }));
    two.socket.send(JSON.stringify({ type: 'CANDIDATE', dst: one.id, payload }));
    await until(`${payload} at both`, () => both.every(({ heard }) => heard.includes(payload)), 20_000);
  }
  both.forEach(({ heard }) => assert.deepEqual(heard, numbers));
  both.forEach(({ socket }) => socket.close());
  await until('their end', () => both.every(({ socket }) => socket.readyState === 3));
}

const hubsOf = (/** @type {import('./site.mjs').Site} */ site) => (
  processesOf(site.root).filter((it) => / hub( |$)/.test(it.command)).map((it) => it.pid));

onSite('a host that kills the hub whenever it sees it', {}, async (site) => ({ site, server: await site.serve(TWO[0]) }), {
  'clients talk all the same': async ({ site, server }) => {
    const began = Date.now();
    let killed = 0;
    const killer = setInterval(() => hubsOf(site).forEach((pid) => {
      killed += 1;
      signal(pid, 'SIGKILL');
    }), 40);
    try {
      await converse(server);
      await until('the self-test to say so', async () => {
        const { json } = await request(server.url('/health'));
        return json !== undefined && /The host ends it/.test(hub(json, Date.now() - began).meaning);
      });
    } finally {
      clearInterval(killer);
    }
    assert.ok(killed > 3, `${killed} were killed`);
  },
});

onSite('a host that forbids the hub', { settings: { cgi_streams: 1 } }, async (site) => {
  mkdirSync(join(`${site.db}.hub`, 'in the way'), { recursive: true });
  return { site, server: await site.serve(TWO[0]) };
}, {
  'clients talk all the same, and the self-test says so': async ({ site, server }) => {
    await converse(server);
    const { json } = await request(server.url('/health'));
    assert.equal(json.process.alone, true);
    assert.match(hub(json).meaning, /The host ends it, or forbids it/);
    assert.deepEqual(hubsOf(site), []);
  },

  'streams and polls count together: a stream above is sent away, a poll above is held briefly': async ({ site, server }) => {
    await until('the end of all before', () => site.hubs().length === 0);
    const one = await Channel.open(server.url('/sigver'));
    await sentAway(server.url('/sigver'));
    const polling = await request(server.url('/sigver?transport=poll'));
    const began = Date.now();
    const headers = { 'Last-Event-ID': polling.json.cursor };
    const { status, json } = await request(server.url('/sigver?transport=poll'), { headers });
    assert.deepEqual([status, json.messages], [200, []]);
    assert.ok(Date.now() - began < 1500, `it was held for ${Date.now() - began} ms`);
    await one.say({ open: newKey() });
    assert.deepEqual(await one.value(), { isKeyOk: true });
    await one.abandon();
  },
});
