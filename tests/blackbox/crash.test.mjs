/** Processes that die or are told to leave while sources are at work. */

import assert from 'node:assert/strict';

import {
  Channel, KINDS, kind, newKey, onSite, overServersAndWires, signal, until, withSources,
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

/**
 * Messages before and after something happened arrive once each, in order, at the same source.
 * @param {import('./harness.mjs').Scene} scene
 * @param {() => Promise<unknown>} happens
 */
function survives(scene, happens) {
  return withSources(scene, PATH, 2, async (opener, joining) => {
    const id = await pair(opener, joining);
    await opener.say({ id, data: 1 });
    assert.deepEqual(await joining.value(), { data: 1 });
    await opener.say({ id, data: 2 });
    await happens();
    await Promise.all([opener, joining].map((it) => it.broken()));
    await opener.say({ id, data: 3 });
    await Promise.all([opener, joining].map((it) => it.comeBack()));
    await opener.say({ id, data: 4 });
    for (const data of [2, 3, 4]) {
      assert.deepEqual(await joining.value(), { data });
    }
    await joining.say({ data: 'last' });
    assert.deepEqual(await opener.value(), { id, data: 'last' });
    assert.deepEqual([opener, joining].flatMap((it) => [...it.down.auths, ...it.down.gaps]), []);
    assert.equal(opener.down.inbox.length + joining.down.inbox.length, 0);
  });
}

overServersAndWires('nothing is lost and nothing comes twice', {}, {
  'when the process is killed between two messages': (scene) =>
    survives(scene, () => scene.server.kill9()),
  'when the web server restarts': (scene) => survives(scene, () => scene.server.restartWeb()),
  'when the process is told to leave': (scene) => survives(scene, async () => {
    const before = scene.server.backends();
    before.forEach((pid) => signal(pid, 'SIGTERM'));
    await until('its end', () => !scene.server.backends().some((pid) => before.includes(pid)));
    await scene.server.ready();
  }),
});

overServersAndWires('SIGTERM', { kinds: [kind('nginx FastCGI'), kind('lighttpd CGI')] }, {
  'ends streams for now, not for good': (scene) => withSources(scene, PATH, 1, async (source) => {
    const before = scene.server.backends();
    before.forEach((pid) => signal(pid, 'SIGTERM'));
    if (scene.wire === 'sse') {
      const { stream } = /** @type {any} */ (source.down);
      assert.equal(await stream.ended, true, 'in good order');
      assert.notEqual(stream.lastEventId, 'final');
      assert.ok(stream.retry < 1000);
    }
    await scene.server.ready();
    assert.equal(source.down.ending, undefined);
  }),
});

const PAIRS = [
  ['lighttpd FastCGI', 'nginx FastCGI'], ['Apache mod_proxy_fcgi', 'lighttpd FastCGI'],
  ['lighttpd CGI', 'lighttpd FastCGI'], ['nginx FastCGI', 'Apache mod_cgid'],
];

for (const [first, second] of PAIRS) {
  for (const wire of /** @type {const} */ (['sse', 'poll'])) {
    onSite(`opener behind ${first}, joining behind ${second} · ${wire}`, {}, async (site) => {
      const one = await site.serve(kind(first));
      await one.ready();
      return { site, one, two: await site.serve(kind(second)) };
    }, {
      'behave as one': async ({ one, two }) => {
        const opener = await Channel.open(one.url(PATH), { wire });
        const joining = await Channel.open(two.url(PATH), { wire });
        const id = await pair(opener, joining);
        for (let n = 0; n < 5; n += 1) {
          await opener.say({ id, data: n });
          assert.deepEqual(await joining.value(), { data: n });
          await joining.say({ data: n });
          assert.deepEqual(await opener.value(), { id, data: n });
        }
        if (one.kind.gate === 'fcgi' && two.kind.gate === 'fcgi') {
          assert.ok(!one.backends().some((pid) => two.backends().includes(pid)));
        }
        await Promise.all([opener.abandon(), joining.abandon()]);
      },

      'refuse a key that the other has': async ({ one, two }) => {
        const key = newKey();
        const holder = await Channel.open(one.url(PATH), { wire });
        const other = await Channel.open(two.url(PATH), { wire });
        await holder.say({ open: key });
        await holder.value();
        assert.equal((await other.post({ open: key })).status, 560);
        await Promise.all([holder.abandon(), other.abandon()]);
      },

      'hand a key over when the other\'s holder is killed with its process': async ({ one, two }) => {
        const key = newKey();
        const holder = await Channel.open(one.url(PATH), { wire });
        await holder.say({ open: key });
        await holder.value();
        await one.kill9();
        await holder.broken();
        const heir = await Channel.open(two.url(PATH), { wire });
        await heir.say({ open: key });
        assert.deepEqual(await heir.value(), { isKeyOk: true });
        await heir.drop();
      },

      'take a source over from each other': async ({ one, two }) => {
        const opener = await Channel.open(one.url(PATH), { wire });
        const joining = await Channel.open(one.url(PATH), { wire });
        const id = await pair(opener, joining);
        await joining.drop();
        await opener.say({ id, data: 1 });
        joining.url = two.url(PATH);
        await joining.resume();
        await opener.say({ id, data: 2 });
        assert.deepEqual(await joining.value(), { data: 1 });
        assert.deepEqual(await joining.value(), { data: 2 });
        assert.deepEqual(joining.down.auths, []);
        await Promise.all([opener.abandon(), joining.abandon()]);
      },
    });
  }
}

for (const first of KINDS.filter((it) => it.gate === 'cgi').slice(0, 1)) {
  onSite('posted by CGI, heard on FastCGI', {}, async (site) => {
    const cgi = await site.serve(first);
    await cgi.ready();
    return { site, cgi, fcgi: await site.serve(kind('lighttpd FastCGI')) };
  }, {
    'a message arrives at once': async ({ cgi, fcgi }, t) => {
      const opener = await Channel.open(fcgi.url(PATH));
      const joining = await Channel.open(fcgi.url(PATH), { wire: 'poll' });
      await pair(opener, joining);
      joining.url = cgi.url(PATH);
      const times = [];
      for (let n = 0; n < 25; n += 1) {
        const began = performance.now();
        await joining.say({ data: n });
        assert.equal((await opener.value()).data, n);
        times.push(performance.now() - began);
      }
      times.sort((a, b) => a - b);
      const [median, worst] = [times[12], times[24]].map((it) => it.toFixed(1));
      t.diagnostic(`POST by CGI to event on FastCGI: median ${median} ms, worst ${worst} ms`);
      assert.ok(times[12] < 2000, 'a lost wake-up would show here');
      await Promise.all([opener.abandon(), joining.abandon()]);
    },
  });
}
