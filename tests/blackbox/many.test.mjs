/** A thousand streams at once, by FastCGI and by CGI, and thousands of openers of one key. */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';

import { Channel, kind, newKey, onSite, processesOf, until } from './harness.mjs';

const STREAMS = 1000;
/** Requests under way at a time; a browser would not send a thousand at once either. */
const BATCH = 50;

/**
 * Acts on each, some at a time.
 * @template T, R
 * @param {T[]} all
 * @param {(one: T, n: number) => Promise<R>} act
 * @returns {Promise<R[]>}
 */
async function each(all, act) {
  const results = /** @type {R[]} */ ([]);
  let next = 0;
  await Promise.all(Array.from({ length: BATCH }, async () => {
    while (next < all.length) {
      const n = next;
      next += 1;
      results[n] = await act(all[n], n);
    }
  }));
  return results;
}

/** @param {number} pid */
function descriptors(pid) {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** @param {number} pid resident memory in kB */
function memory(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

for (const name of ['lighttpd FastCGI', 'lighttpd CGI']) {
  onSite(`a thousand streams · ${name}`, {
    settings: { heartbeat_min_ms: 2000, heartbeat_max_ms: 4000 },
  }, async (site) => ({
    site, server: await site.serve(kind(name)), sources: /** @type {Channel[]} */ ([]),
  }), {
    'are open at once and cost one process': async ({ site, server, sources }, t) => {
      await server.ready();
      const before = memory(server.backends()[0]);
      const began = Date.now();
      sources.push(...await each(Array.from({ length: STREAMS }), () =>
        Channel.open(server.url('/sigver/opened'))));
      const programs = processesOf(site.root).filter((it) => it.exe.includes('/bin/sigpost'));
      assert.equal(programs.length, 1, programs.map((it) => it.command).join('\n'));
      assert.equal(new Set(sources.map((it) => it.auth)).size, STREAMS);
      const kilobytes = memory(server.backends()[0]) - before;
      const size = (kilobytes / STREAMS).toFixed(2);
      t.diagnostic(`${STREAMS} streams in ${Date.now() - began} ms, ${size} kB each`);
    },

    'each hears what is for it, and only that': async ({ sources }) => {
      await each(sources, (source, n) => source.say({ open: `key ${n} of many` }));
      await each(sources, async (source) => assert.deepEqual(await source.value(), { opened: true }));
      assert.ok(sources.every((it) => it.down.inbox.length === 0 && !it.down.over));
    },

    'all may open one key, and the oldest takes the joining': async ({ server, sources }) => {
      const key = newKey();
      await sources[0].say({ open: key });
      assert.deepEqual(await sources[0].value(), { opened: true });
      await each(sources.slice(1), (source) => source.say({ open: key }));
      await each(sources.slice(1), async (source) => assert.deepEqual(await source.value(), { opened: true }));
      const joining = await Channel.open(server.url('/sigver/opened'));
      const began = Date.now();
      await joining.say({ join: key });
      assert.deepEqual(await joining.value(), { opened: false });
      await joining.say({ data: 'to the oldest' });
      assert.equal((await sources[0].value()).data, 'to the oldest');
      assert.ok(Date.now() - began < 5000);
      await joining.drop();
    },

    'leave, and leave nothing behind': async ({ site, server, sources }) => {
      await Promise.all(sources.map((it) => it.drop()));
      const [pid] = server.backends();
      await until('their descriptors to be free', () => descriptors(pid) < 50, 20_000);
      assert.equal(processesOf(site.root).filter((it) => it.exe.includes('/bin/sigpost')).length, 1);
    },
  });
}

onSite('thousands of openers of one key', {}, async (site) => site.serve(kind('lighttpd FastCGI')), {
  'one has it, the others are refused, each by itself': async (server) => {
    const key = newKey();
    const holder = await Channel.open(server.url('/sigver'));
    await holder.say({ open: key });
    assert.deepEqual(await holder.value(), { isKeyOk: true });
    const statuses = await each(Array.from({ length: 2000 }), async () => {
      const other = await Channel.open(server.url('/sigver'));
      const { status } = await other.post({ open: key });
      await other.drop();
      return status;
    });
    assert.deepEqual([...new Set(statuses)], [560]);
    const joining = await Channel.open(server.url('/sigver'));
    await joining.say({ join: key });
    assert.deepEqual(await joining.value(), { isKeyOk: true });
    await joining.say({ data: 1 });
    assert.equal((await holder.value()).data, 1);
    await Promise.all([holder.abandon(), joining.abandon()]);
  },
});
