/**
 * What waits for a PeerJS peer that is absent, and what becomes of it when nobody fetches it, on the
 * released servers and on ours.
 */

import assert from 'node:assert/strict';

import { kind } from './kinds.mjs';
import { Peer, newId, offer, overAll, withPeers } from './peerjs.mjs';
import { until } from './proc.mjs';
import { Reference } from './reference.mjs';

const EXPIRE_MS = 1000;
/** For what takes seconds: one web server for each of our two ways in. */
const EACH_GATE = ['lighttpd FastCGI', 'lighttpd CGI'].map(kind);

/** @typedef {import('./peerjs.mjs').Scene} Scene */

/**
 * A moment from which what waits is left alone for a while: peer 0.2.10 drops all of it every 5 s.
 * @param {Scene} scene @param {Peer} peer
 */
async function calm({ server }, peer) {
  if (server instanceof Reference && server.release.sweeps) {
    await peer.say(offer(newId()));
    assert.equal((await peer.value()).type, 'EXPIRE');
  }
}

/** @param {Scene} scene @param {string} id of a peer that comes now @param {any[]} waiting what it finds */
async function arrives({ server, wire }, id, waiting) {
  const peer = await Peer.open(server, { wire, id });
  for (const message of waiting) {
    assert.deepEqual(await peer.value(), message);
  }
  await peer.nothingElse();
  await peer.drop();
}

overAll('a peer that is absent', { settings: { peerjs_expire_ms: 3000 } }, {
  'finds what was sent to it, in order, after its OPEN': (scene) => withPeers(scene, 2, async (one, two) => {
    await calm(scene, one);
    const id = newId();
    await one.say(offer(id, 1));
    await one.say({ type: 'CANDIDATE', dst: id, payload: 2 });
    await one.nothingElse();
    await two.say({ type: 'ANSWER', dst: id, payload: 3 });
    await two.nothingElse();
    await one.say({ type: 'CANDIDATE', dst: id, payload: 4 });
    await one.nothingElse();
    await arrives(scene, id, [
      { type: 'OFFER', src: one.id, dst: id, payload: 1 },
      { type: 'CANDIDATE', src: one.id, dst: id, payload: 2 },
      { type: 'ANSWER', src: two.id, dst: id, payload: 3 },
      { type: 'CANDIDATE', src: one.id, dst: id, payload: 4 },
    ]);
  }),

  'finds no LEAVE and no EXPIRE': (scene) => withPeers(scene, 1, async (one) => {
    await calm(scene, one);
    const id = newId();
    await one.say({ type: 'LEAVE', dst: id });
    if (scene.wire !== 'stream') {
      await one.say({ type: 'EXPIRE', dst: id });
    }
    await one.say(offer(id, 'after'));
    await one.nothingElse();
    await arrives(scene, id, [{ type: 'OFFER', src: one.id, dst: id, payload: 'after' }]);
  }),

  'finds what was sent to its id only once': (scene) => withPeers(scene, 1, async (one) => {
    await calm(scene, one);
    const id = newId();
    await one.say(offer(id, 'once'));
    await one.nothingElse();
    await arrives(scene, id, [{ type: 'OFFER', src: one.id, dst: id, payload: 'once' }]);
    const again = await until('the id to be free', () => Peer.open(scene.server, { wire: scene.wire, id }));
    await again.nothingElse();
    await again.drop();
  }),
});

overAll('what nobody fetched', { settings: { peerjs_expire_ms: EXPIRE_MS }, kinds: EACH_GATE }, {
  'expires: its sender is told once for each peer': (scene) => withPeers(scene, 2, async (one, two) => {
    await calm(scene, one);
    const [here, there] = [newId(), newId()];
    for (const id of [here, there, here, here, there]) {
      await one.say(offer(id));
    }
    await two.say(offer(here));
    const told = [await one.value(15_000), await one.value(15_000)];
    told.sort((a, b) => (a.src === here ? -1 : 1) - (b.src === here ? -1 : 1));
    assert.deepEqual(told, [here, there].map((src) => ({ type: 'EXPIRE', src, dst: one.id })));
    assert.deepEqual(await two.value(15_000), { type: 'EXPIRE', src: here, dst: two.id });
    await Promise.all([one, two].map((it) => it.nothingElse()));
    await Promise.all([here, there].map((id) => arrives(scene, id, [])));
  }),
});
