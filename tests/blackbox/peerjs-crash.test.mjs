/** Processes that die or are told to leave between the messages of peers. */

import assert from 'node:assert/strict';

import { kind, overServersAndWires, signal, until } from './harness.mjs';
import { Peer, newId, withPeers } from './peerjs.mjs';

/** @typedef {import('./harness.mjs').Scene} Scene */

const KINDS = ['lighttpd FastCGI', 'lighttpd CGI', 'nginx FastCGI', 'Apache mod_cgid'].map(kind);

/** @param {string | undefined} dst @param {any} [payload] */
const offer = (dst, payload = 'sdp') => ({ type: 'OFFER', dst, payload });

/**
 * Messages before and after something happened arrive once each, in order.
 * @param {Scene} scene
 * @param {() => Promise<unknown>} happens
 */
function survives(scene, happens) {
  return withPeers(scene, 2, async (one, two) => {
    await one.say(offer(two.id, 1));
    assert.equal((await two.value()).payload, 1);
    await one.say(offer(two.id, 2), '&n=1');
    await happens();
    await Promise.all([one, two].map((it) => it.broken()));
    await one.say(offer(two.id, 3), '&n=2');
    assert.deepEqual(await one.say(offer(two.id, 2), '&n=1'), { result: 'repeated' });
    await Promise.all([one, two].map((it) => it.comeBack()));
    await one.say(offer(two.id, 4));
    for (const payload of [2, 3, 4]) {
      assert.equal((await two.value()).payload, payload);
    }
    await two.say(offer(one.id, 'last'));
    assert.deepEqual(await one.value(), { type: 'OFFER', src: two.id, dst: one.id, payload: 'last' });
    assert.deepEqual([one, two].flatMap((it) => [...it.down.inbox, ...it.down.gaps]), []);
  });
}

/** @param {Scene} scene */
async function drain({ server }) {
  const before = server.backends();
  before.forEach((pid) => signal(pid, 'SIGTERM'));
  await until('its end', () => !server.backends().some((pid) => before.includes(pid)));
  await server.ready();
}

overServersAndWires('peers lose nothing and hear nothing twice', { kinds: KINDS, settings: { grace_ms: 3000 } }, {
  'when the process is killed between two messages': (scene) => survives(scene, () => scene.server.kill9()),
  'when it is told to leave': (scene) => survives(scene, () => drain(scene)),
  'when the web server restarts': (scene) => survives(scene, () => scene.server.restartWeb()),

  'when it is killed again and again': (scene) => withPeers(scene, 2, async (one, two) => {
    for (let n = 0; n < 4; n += 1) {
      await one.say(offer(two.id, `${n} before`), `&n=${2 * n + 1}`);
      await scene.server.kill9();
      await two.broken();
      await one.say(offer(two.id, `${n} after`), `&n=${2 * n + 2}`);
      await two.comeBack();
      assert.deepEqual([(await two.value()).payload, (await two.value()).payload], [`${n} before`, `${n} after`]);
    }
    assert.deepEqual(two.down.gaps, []);
  }),
});

overServersAndWires('when the process is killed', { kinds: KINDS, settings: { grace_ms: 3000, peerjs_expire_ms: 3000 } }, {
  'what waits for a peer still waits': (scene) => withPeers(scene, 1, async (one) => {
    const id = newId();
    await one.say([offer(id, 1), offer(id, 2)]);
    await scene.server.kill9();
    const late = await Peer.open(scene.server, { wire: scene.wire, id });
    assert.deepEqual([(await late.value()).payload, (await late.value()).payload], [1, 2]);
    await one.broken();
    await one.comeBack();
    await late.nothingElse();
    await late.drop();
  }),

  'what expires is told': (scene) => withPeers(scene, 1, async (one) => {
    const id = newId();
    await one.say([offer(id, 1), offer(id, 2)]);
    await scene.server.kill9();
    await one.broken();
    await one.comeBack();
    assert.deepEqual(await one.value(15_000), { type: 'EXPIRE', src: id, dst: one.id });
    await one.nothingElse();
  }),

  'an id stays its holder\'s, if that comes back': (scene) => withPeers(scene, 1, async (one) => {
    await scene.server.kill9();
    await one.broken();
    const other = Peer.refused(scene.server, { wire: scene.wire, id: one.id });
    await one.comeBack();
    assert.deepEqual((await other).told, [{ type: 'ID-TAKEN', payload: { msg: 'ID is taken' } }]);
    await one.nothingElse();
  }),

  'an old client that begins again gets what waits for it': async (scene) => {
    const one = await Peer.open(scene.server, { wire: 'stream' });
    const two = await Peer.open(scene.server, { wire: scene.wire });
    await one.drop();
    await until('the server to notice', async () => (await two.say(offer(one.id, 'there?'))).result === 'queued');
    await two.say(offer(one.id, 'kept'));
    await scene.server.kill9();
    await one.restart();
    assert.deepEqual(await one.value(), { type: 'OPEN' });
    for (let payload; payload !== 'kept';) {
      ({ payload } = await one.value());
      assert.ok(['there?', 'kept'].includes(payload));
    }
    await one.nothingElse();
    await Promise.all([one, two].map((it) => it.down.end()));
  },
});
