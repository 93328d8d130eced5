/** A source that comes back: same source, nothing lost, nothing twice. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { EventSource as NewEventSource } from 'eventsource';
// @ts-ignore it has no types
import OldEventSource from 'eventsource2';

import {
  Channel, EventStream, WIRES, kind, newKey, onSite, overServers, overServersAndWires, request,
  until, withSources, within,
} from './harness.mjs';

const PATH = '/sigver';

/**
 * @param {Channel} opener
 * @param {Channel} joining
 */
async function pair(opener, joining, key = newKey()) {
  await opener.say({ open: key });
  assert.deepEqual(await opener.value(), { isKeyOk: true });
  await joining.say({ join: key });
  assert.deepEqual(await joining.value(), { isKeyOk: true });
  await joining.say({ data: 'hello' });
  return (await opener.value()).id;
}

/** Messages that nobody took, as `sigpost stat` counts them. @param {import('./site.mjs').Site} site */
function untaken(site) {
  const stat = execFileSync(join(site.root, 'bin/sigpost'), ['stat', '--json', '--db', site.db], { encoding: 'utf8' });
  return JSON.parse(stat).untaken;
}

overServersAndWires('a source that comes back', {}, {
  'gets what came meanwhile, once, and no second auth': (scene) =>
    withSources(scene, PATH, 2, async (opener, joining) => {
      const id = await pair(opener, joining);
      await opener.say({ id, data: 1 });
      assert.deepEqual(await joining.value(), { data: 1 });
      await joining.drop();
      await opener.say({ id, data: 2 });
      await opener.say({ id, data: 3 });
      await joining.resume();
      await opener.say({ id, data: 4 });
      for (const data of [2, 3, 4]) {
        assert.deepEqual(await joining.value(), { data });
      }
      assert.deepEqual(joining.down.auths, []);
      assert.deepEqual(joining.down.gaps, []);
      await joining.say({ data: 'same source' });
      assert.deepEqual(await opener.value(), { id, data: 'same source' });
    }),

  'may do so before its first message': (scene) =>
    withSources(scene, PATH, 2, async (opener, joining) => {
      const key = newKey();
      await opener.say({ open: key });
      await joining.drop();
      await joining.resume();
      await joining.say({ join: key });
      assert.deepEqual(await joining.value(), { isKeyOk: true });
      assert.deepEqual(joining.down.auths, []);
    }),

  'may do so many times': (scene) => withSources(scene, PATH, 2, async (opener, joining) => {
    const id = await pair(opener, joining);
    for (let n = 0; n < 12; n += 1) {
      await joining.drop();
      await opener.say({ id, data: n });
      await joining.resume();
      assert.deepEqual(await joining.value(), { data: n });
    }
    assert.deepEqual(joining.down.auths, []);
  }),

  'with a cursor that is none is a new source': (scene) =>
    withSources(scene, PATH, 1, async (source) => {
      const { cursor } = source;
      const forged = cursor.replace(/^[^.]*/, (handle) => handle.replace(/./g, '0'));
      for (const name of [forged, 'nonsense', '7', `${cursor}${cursor}`, `${cursor} `.repeat(20)]) {
        const fresh = new Channel(source.url, { wire: scene.wire });
        await fresh.connect(name);
        const auth = await until(`an auth after ${name}`, () => fresh.down.auths[0]);
        assert.notEqual(auth, source.auth);
        await fresh.drop();
      }
    }),

  'cannot be spoken for with its cursor': (scene) =>
    withSources(scene, PATH, 1, async (source) => {
      const [handle] = source.cursor.split('.');
      assert.ok(handle.length >= 16, source.cursor);
      for (const auth of [handle, source.cursor]) {
        assert.equal((await source.post({ open: newKey() }, { auth })).status, 581);
      }
      assert.ok(!source.cursor.includes(source.auth));
    }),
});

overServers('one receiver at a time', {}, {
  'a stream with the same cursor takes over; the other is told and stays away': async ({ server }) => {
    const source = await Channel.open(server.url(PATH));
    const first = /** @type {EventStream} */ (/** @type {any} */ (source.down).stream);
    await source.connect(source.cursor);
    assert.equal(await within('the end of the first', first.ended), true);
    const last = first.blocks.find((it) => it.event === 'superseded');
    assert.ok(last, JSON.stringify(first.blocks));
    assert.equal(first.lastEventId, 'final');
    assert.equal(first.retry, 86400000);
    await source.say({ open: newKey() });
    assert.deepEqual(await source.value(), { isKeyOk: true });
    assert.deepEqual(source.down.auths, []);
    await source.drop();
  },

  'a cursor in the query is not taken': async ({ server }) => {
    const source = await Channel.open(server.url(PATH));
    const url = server.url(`${PATH}?last_event_id=${encodeURIComponent(source.cursor)}`);
    const other = await EventStream.open(url);
    assert.equal((await other.next())?.event, 'auth');
    await other.close();
    await source.drop();
  },
});

overServersAndWires('an old client, that starts afresh on every auth', {}, {
  'gets its key back after a broken connection': async ({ server, wire }) => {
    const key = newKey();
    const url = server.url(PATH);
    const before = await Channel.open(url, { wire });
    await before.say({ open: key });
    assert.deepEqual(await before.value(), { isKeyOk: true });
    await before.drop();
    const now = await Channel.open(url, { wire });
    await now.say({ open: key });
    assert.deepEqual(await now.value(), { isKeyOk: true });
    const joining = await Channel.open(url, { wire });
    await joining.say({ join: key });
    assert.deepEqual(await joining.value(), { isKeyOk: true });
    await joining.say({ data: 'here?' });
    assert.equal((await now.value()).data, 'here?');
    await Promise.all([now.abandon(), joining.abandon()]);
  },
});

const CLIENTS = /** @type {[string, any][]} */ ([
  ['eventsource 3', NewEventSource], ['eventsource 2', OldEventSource],
]);

for (const [name, EventSource] of CLIENTS) {
  overServers(`the npm package ${name}`, { settings: { lifetime_ms: 400 } }, {
    'comes back by itself whenever a stream ends, and misses and repeats nothing': async ({ server }) => {
      const source = new EventSource(server.url(PATH));
      const said = { auths: /** @type {string[]} */ ([]), messages: /** @type {any[]} */ ([]), opens: 0 };
      source.addEventListener('auth', (/** @type {any} */ it) => said.auths.push(it.data));
      source.addEventListener('message', (/** @type {any} */ it) => said.messages.push(JSON.parse(it.data)));
      source.addEventListener('open', () => { said.opens += 1; });
      const other = await Channel.open(server.url(PATH), { wire: 'poll' });
      try {
        const key = newKey();
        const auth = await until('an auth', () => said.auths[0]);
        await request(server.url(PATH), { method: 'POST', body: `${auth}@{"open":"${key}"}` });
        await until('an answer', () => said.messages.length === 1);
        await other.say({ join: key });
        const sent = [];
        for (let n = 0; said.opens < 4 && n < 2000; n += 1) {
          await other.say({ data: n });
          sent.push(n);
          await delay(10);
        }
        assert.ok(said.opens >= 4, `it came back ${said.opens - 1} times`);
        await until('every message', () => said.messages.length === sent.length + 1);
        assert.deepEqual(said.messages.slice(1).map((it) => it.data), sent);
        assert.deepEqual(said.auths, [auth]);
      } finally {
        source.close();
        await other.drop();
      }
    },
  });
}

overServers('the npm package eventsource 3', { kinds: [kind('nginx FastCGI')] }, {
  'stays away after a final end': async ({ server }) => {
    const source = new NewEventSource(server.url(PATH));
    const said = { auths: /** @type {string[]} */ ([]), closes: /** @type {any[]} */ ([]) };
    source.addEventListener('auth', (/** @type {any} */ it) => said.auths.push(it.data));
    source.addEventListener('close', (/** @type {any} */ it) => said.closes.push(JSON.parse(it.data)));
    try {
      const auth = await until('an auth', () => said.auths[0]);
      await request(server.url(PATH), { method: 'POST', body: `${auth}@[]` });
      await until('the close', () => said.closes.length === 1);
      await until('the end', () => source.readyState !== source.OPEN);
    } finally {
      source.close();
    }
  },
});

onSite('what nobody took in time', { settings: { sigver_expire_ms: 100 } }, (site) =>
  site.serve(kind('lighttpd FastCGI')), {
  'is dropped, and whoever comes back is told of the gap': async (server) => {
    const opener = await Channel.open(server.url(PATH));
    const joining = await Channel.open(server.url(PATH));
    const id = await pair(opener, joining);
    const { cursor } = joining;
    await joining.drop();
    await opener.say({ id, data: 'nobody takes this' });
    assert.ok(untaken(server.site) > 0);
    await until('its time is over', () => untaken(server.site) === 0);
    await joining.connect(cursor);
    const last = await until('a gap', () => joining.down.gaps[0]);
    assert.ok(cursor.endsWith(`.${last.from}`), `the gap begins where the client was: ${last.from}`);
    assert.match(last.to, /^[0-9a-f]+-\d+$/);
    assert.deepEqual(joining.down.auths, [], 'it is the same source all the same');
    await Promise.all([opener.abandon(), joining.abandon()]);
  },
});

onSite('a silent stream', { settings: { heartbeat_min_ms: 50, heartbeat_max_ms: 100 } }, (site) =>
  site.serve(kind('lighttpd FastCGI')), {
  'gets comments, so that both sides notice a departure': async (server) => {
    const stream = await EventStream.open(server.url(PATH));
    await stream.sees('heartbeats', () =>
      stream.blocks.filter((it) => it.comments.length > 0).length > 5);
    await stream.close();
  },
});

onSite('a source that has ended', { settings: { away_ms: 1000, hold_ms: 100, grace_ms: 200 } }, (site) =>
  site.serve(kind('lighttpd FastCGI')), {
  'still says why to whoever has not read it, and is forgotten then': async (server) => {
    for (const wire of WIRES) {
      const source = await Channel.open(server.url(PATH), { wire });
      const { cursor } = source;
      await source.drop();
      assert.equal((await source.post('[]')).status, 520);
      await source.connect(cursor);
      assert.equal((await source.close()).data.code, 4000);
      await until('a new source', async () => {
        await source.drop();
        await delay(2500);
        await source.connect(cursor);
        return until('an auth or the end', () => source.down.auths[0] ?? (source.down.over && 'no'))
          .then((it) => it !== 'no');
      }, 20_000);
      await source.drop();
    }
  },
});

onSite('who never comes back', { settings: { away_ms: 1000 } }, (site) =>
  site.serve(kind('nginx FastCGI')), {
  'is gone after a while, and its partner is told': async (server) => {
    const opener = await Channel.open(server.url(PATH));
    const joining = await Channel.open(server.url(PATH));
    const id = await pair(opener, joining);
    await joining.drop();
    await opener.say({ id, data: 'kept for it' });
    await until('it to be unavailable', async () => {
      await opener.say({ id, data: 'anybody?' });
      return opener.down.inbox.length > 0;
    });
    assert.deepEqual(await opener.value(), { id, unavailable: 'true' });
    await opener.drop();
  },
});
