/**
 * Limits of each address, behind real web servers: at all processes together, whoever dies; whose request a
 * proxy hands on; and the clients of www/, which wait and lose nothing.
 */

import assert from 'node:assert/strict';

import { Outbox } from '../../www/outbox.mjs';
import { PollSource, StreamSource } from '../../www/source.mjs';
import {
  EventStream, KINDS, kind, onSite, overServers, processesOf, request, signal, until,
} from './harness.mjs';

const THREE = ['lighttpd FastCGI', 'lighttpd CGI', 'Apache mod_cgid'].map(kind);
const RATE = 1;
const BURST = 20;

/** @param {import('./http.mjs').Answer} answer @param {string} setting that it names */
function refused(answer, setting) {
  assert.equal(answer.status, 429, answer.text);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal(answer.headers['access-control-expose-headers'], 'Retry-After');
  assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d*$/);
  assert.equal(answer.json.status, 429);
  assert.ok(answer.json.detail.startsWith(`${setting} is `), answer.json.detail);
}

/** As many as the server lets through, all at once. @param {string} url @param {number} count */
async function flood(url, count, headers = {}) {
  const answers = await Promise.all(Array.from({ length: count }, () => request(url, { headers })));
  return {
    passed: answers.filter(({ status }) => status === 200).length,
    refused: answers.filter(({ status }) => status === 429),
  };
}

/** A stream that was let in. @param {import('./site.mjs').Server} server */
async function openOne(server) {
  const one = await EventStream.open(server.url('/sigver'));
  await until('its first event, or its end', () => one.lastEventId !== '' || one.closed);
  return one.status === 200 && one.lastEventId !== '' ? one : undefined;
}

/** As many, as soon as they are let in. @param {import('./site.mjs').Server} server @param {number} count */
async function openMany(server, count) {
  const streams = /** @type {EventStream[]} */ ([]);
  await until(`${count} streams`, async () => {
    const one = await openOne(server);
    return one !== undefined && streams.push(one) === count;
  });
  return streams;
}

overServers('requests of one address', {
  kinds: THREE, procs: 2, settings: { address_requests: RATE, address_burst: BURST },
}, {
  'pass up to the limit, whichever process serves them': async ({ server }) => {
    await new Promise((resolve) => { setTimeout(resolve, 1500); });
    const begun = Date.now();
    const { passed, refused: rest } = await flood(server.url('/health'), 80);
    const most = BURST + RATE * ((Date.now() - begun) / 1000) + 1;
    assert.ok(passed >= RATE && passed <= most, `${passed} of 80 passed, ${most} may`);
    rest.forEach((it) => refused(it, 'address_requests'));
    const ms = Number(rest[0].headers['retry-after']) * 1000;
    await new Promise((resolve) => { setTimeout(resolve, ms); });
    assert.equal((await request(server.url('/health'))).status, 200, 'it comes when it was told to');
  },
  'are refused whatever they are': async ({ server }) => {
    await flood(server.url('/health'), 30);
    for (const method of ['HEAD', 'OPTIONS', 'POST', 'DELETE']) {
      await flood(server.url('/health'), 4);
      const { status } = await request(server.url('/nowhere'), { method, body: method === 'POST' ? 'x' : undefined });
      assert.equal(status, 429, method);
    }
  },
  'an address in a header is no other address': async ({ server }) => {
    await flood(server.url('/health'), 30);
    for (const headers of /** @type {Record<string, string>[]} */ ([{ 'X-Forwarded-For': '203.0.113.9' }, { Forwarded: 'for=203.0.113.9' }])) {
      await flood(server.url('/health'), 4);
      refused(await request(server.url('/health'), { headers }), 'address_requests');
    }
  },
});

overServers('requests through a proxy that is trusted', {
  kinds: THREE, procs: 2, settings: { address_requests: RATE, address_burst: BURST, trusted_proxies: '127.0.0.1' },
}, {
  'count for whoever it names, nearest to us': async ({ server }) => {
    const url = server.url('/health');
    const first = await flood(url, 60, { 'X-Forwarded-For': '203.0.113.9' });
    assert.ok(first.passed >= BURST && first.refused.length > 0, `${first.passed} passed`);
    refused(await request(url, { headers: { 'X-Forwarded-For': '1.1.1.1, 203.0.113.9' } }), 'address_requests');
    for (const other of ['203.0.113.10', '203.0.113.9, 203.0.113.11', '[2001:db8::9]:4711']) {
      assert.equal((await request(url, { headers: { 'X-Forwarded-For': other } })).status, 200, other);
    }
  },
});

overServers('open streams of one address', {
  kinds: THREE, procs: 2, settings: { address_sessions: 3 },
}, {
  'are as many as may be, at all processes together': async ({ server }) => {
    const streams = await openMany(server, 3);
    refused(await request(server.url('/sigver')), 'address_sessions');
    const sent = await request(server.url('/sigver'), { headers: { Accept: 'text/event-stream' } });
    assert.equal(sent.status, 200);
    assert.match(sent.text, /^retry: 1\d{4}\n\n$/);
    assert.equal((await request(server.url('/health'))).status, 200, 'other requests pass');
    streams[0].close();
    streams.push(...await openMany(server, 1));
    streams.forEach((it) => it.close());
  },
  'count no more when their process is killed': async ({ site, server }) => {
    const before = await openMany(server, 3);
    processesOf(site.root).filter(({ exe }) => exe.endsWith('/bin/sigpost'))
      .forEach(({ pid }) => signal(pid, 'SIGKILL'));
    const streams = await openMany(server, 3);
    refused(await request(server.url('/sigver')), 'address_sessions');
    [...before, ...streams].forEach((it) => it.close());
  },
});

// ---- the clients of www/

const ENVELOPE = { most: 1, patience: Infinity, body: (/** @type {string[]} */ [text]) => text };

onSite('clients at the limit', { settings: { address_requests: 5, address_burst: 4 } }, (site) => (
  site.serve(KINDS[0])), {
  'wait as long as they are told, and lose nothing': async (server) => {
    /** @param {string} id */
    const address = (id) => server.url(`/peerjs?key=peerjs&id=${id}&token=${id}${id}`);
    const heard = /** @type {number[]} */ ([]);
    const down = new StreamSource(address('b'));
    down.addEventListener('message', (/** @type {any} */ { data }) => {
      const { payload } = JSON.parse(data);
      if (payload !== undefined) {
        heard.push(payload);
      }
    });
    await until('the receiver', () => down.readyState === 1, 20_000);
    const statuses = /** @type {number[]} */ ([]);
    const up = new Outbox(address('a'), {
      envelope: ENVELOPE,
      fetch: async (/** @type {any} */ url, /** @type {any} */ options) => {
        const answer = await fetch(url, options);
        statuses.push(answer.status);
        return answer;
      },
    });
    const self = new StreamSource(address('a'));
    await until('the sender', () => self.readyState === 1, 20_000);
    up.authorize('aa');
    const wanted = Array.from({ length: 12 }, (_, n) => n);
    await Promise.all(wanted.map((payload) => up.add(JSON.stringify({ type: 'OFFER', dst: 'b', payload }))));
    await until('all messages', () => heard.length >= wanted.length);
    assert.deepEqual(heard, wanted);
    assert.ok(statuses.includes(429), 'the limit was met');
    assert.ok(statuses.filter((it) => it === 429).length <= 12, `${statuses}`);
    [down, self].forEach((it) => it.close());
  },
  'poll again when they are told to': async (server) => {
    const errors = /** @type {any[]} */ ([]);
    await flood(server.url('/health'), 8);
    const poll = new PollSource(server.url('/sigver'));
    poll.addEventListener('error', (/** @type {any} */ { reason }) => errors.push(reason));
    await until('an answer', () => poll.readyState === 1);
    poll.close();
    assert.equal(errors[0]?.status, 429);
    assert.ok(errors[0].retryAfter >= 1000);
  },
});
