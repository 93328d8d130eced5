/**
 * What PeerJS's servers do with peers and their messages, on the released ones and on ours. Where
 * ours differs on purpose, the scenario says so, and why.
 */

import assert from 'node:assert/strict';

import { Peer, differs, isOurs, newId, newToken, offer, overAll, withPeers } from './peerjs.mjs';
import { until } from './proc.mjs';
import { Reference } from './reference.mjs';

/** @typedef {import('./peerjs.mjs').Scene} Scene */

/** Says something that nobody must hear, and that must not be accepted either where there is an answer. */
async function sayInVain(/** @type {Peer} */ peer, /** @type {any} */ message, status = 400) {
  const answer = await peer.send(message);
  if (isOurs(peer.server) && peer.wire !== 'websocket') {
    assert.equal(answer?.status, status, `${JSON.stringify(message)}: ${answer?.text}`);
  }
}

overAll('messages', {}, {
  'reach their peer as type, src, dst and payload': (scene) => withPeers(scene, 2, async (one, two) => {
    for (const type of ['OFFER', 'ANSWER', 'CANDIDATE']) {
      const payload = { sdp: { type, sdp: 'v=0\r\n' }, connectionId: 'dc_1', 'ä€𝄞"\\': [null, true, -1.5, {}] };
      await one.say({ type, dst: two.id, payload });
      assert.deepEqual(await two.value(), { type, src: one.id, dst: two.id, payload });
      await two.say({ type, dst: one.id, payload });
      assert.deepEqual(await one.value(), { type, src: two.id, dst: one.id, payload });
    }
  }),

  'have the sender the server knows, and no other members': (scene) => withPeers(scene, 2, async (one, two) => {
    await one.say({ extra: 1, type: 'OFFER', src: two.id, dst: two.id, payload: 1, token: one.token, more: {} });
    assert.deepEqual(await two.value(), { type: 'OFFER', src: one.id, dst: two.id, payload: 1 });
  }),

  'carry anything as their payload': (scene) => withPeers(scene, 2, async (one, two) => {
    for (const payload of ['', 'text', 0, -1.5, false, null, [], [1, [2]], {}, { a: { b: ['c'] } }]) {
      await one.say(offer(two.id, payload));
      assert.deepEqual((await two.value()).payload, payload);
    }
    await one.say({ type: 'OFFER', dst: two.id });
    assert.deepEqual(await two.value(), { type: 'OFFER', src: one.id, dst: two.id });
  }),

  'stay in order': (scene) => withPeers(scene, 2, async (one, two) => {
    for (let n = 0; n < 30; n += 1) {
      await one.say({ type: 'CANDIDATE', dst: two.id, payload: n });
    }
    for (let n = 0; n < 30; n += 1) {
      assert.equal((await two.value()).payload, n);
    }
  }),

  'reach oneself': (scene) => withPeers(scene, 1, async (one) => {
    const status = differs(scene.server, {
      why: 'who writes to itself has made a mistake, and ours says so at once',
      released: 200, ours: 400,
    });
    const answer = await one.send(offer(one.id, 'me'));
    assert.equal(answer?.status ?? status, status, answer?.text);
    if (status === 200) {
      assert.deepEqual(await one.value(), { type: 'OFFER', src: one.id, dst: one.id, payload: 'me' });
    }
    await one.nothingElse();
  }),

  'of a heartbeat go nowhere': (scene) => withPeers(scene, 2, async (one, two) => {
    if (scene.wire === 'stream') {
      return;  // the old wire has no address for it
    }
    await one.say({ type: 'HEARTBEAT' });
    await one.say({ type: 'HEARTBEAT', dst: two.id, payload: 1 });
    await one.say(offer(two.id));
    assert.equal((await two.value()).type, 'OFFER');
  }),

  'of another type go nowhere': (scene) => withPeers(scene, 2, async (one, two) => {
    if (scene.wire === 'stream') {
      return;
    }
    for (const type of ['HELLO', 'OPEN', 'ID-TAKEN', 'ERROR', 'offer', '', 7, null, undefined]) {
      await sayInVain(one, { type, dst: two.id, payload: 1 });
    }
    await one.say(offer(two.id, 'after'));
    assert.equal((await two.value()).payload, 'after');
  }),

  'that are no messages harm nobody else': (scene) => withPeers(scene, 3, async (one, two, three) => {
    if (scene.wire === 'stream' && !isOurs(scene.server)) {
      return;  // the framework of a released server answers before it does
    }
    for (const text of ['', '{', 'null', '7', '"text"', '{"type":"OFFER"', '{"type":"OFFER",}']) {
      await sayInVain(one, text);
    }
    await three.say(offer(two.id, 'after'));
    assert.deepEqual(await two.value(), { type: 'OFFER', src: three.id, dst: two.id, payload: 'after' });
    await differs(scene.server, {
      why: 'a released server reads nothing more from who said no JSON',
      released: async () => {}, ours: () => one.nothingElse(),
    })();
  }),

  'without a destination go nowhere': (scene) => withPeers(scene, 2, async (one, two) => {
    for (const type of ['OFFER', 'ANSWER', 'CANDIDATE']) {
      await sayInVain(one, { type, payload: 1 });
    }
    await one.say(offer(two.id, 'after'));
    assert.equal((await two.value()).payload, 'after');
  }),
});

overAll('leaving', {}, {
  'one peer tells it so': (scene) => withPeers(scene, 2, async (one, two) => {
    await one.say({ type: 'LEAVE', dst: two.id });
    assert.deepEqual(await two.value(), { type: 'LEAVE', src: one.id, dst: two.id });
    await Promise.all([one, two].map((it) => it.nothingElse()));
  }),

  'for good frees the id at once': async ({ server, wire }) => {
    const one = await Peer.open(server, { wire });
    await one.down.settled();
    await one.say({ type: 'LEAVE' });
    const ends = differs(server, {
      why: 'a released server forgets the peer and leaves its connection open',
      released: false, ours: true,
    });
    await (ends ? until('the end of its stream', () => one.down.over) : undefined);
    const two = await Peer.open(server, { wire, id: one.id });
    await two.nothingElse();
    await Promise.all([one, two].map((it) => it.down.end()));
  },

  'without a word frees the id soon': async ({ server, wire }) => {
    const one = await Peer.open(server, { wire });
    await one.drop();
    const two = await differs(server, {
      why: 'ours makes the newcomer wait for a moment; it needs not try again',
      released: () => until('the id to be free', () => Peer.open(server, { wire, id: one.id })),
      ours: () => Peer.open(server, { wire, id: one.id }),
    })();
    await two.nothingElse();
    await two.drop();
  },
});

/** What somebody is told who wants an id that is taken. */
const TAKEN = { type: 'ID-TAKEN', payload: { msg: 'ID is taken' } };

/** @param {string} msg */
const error = (msg) => ({ type: 'ERROR', payload: { msg } });

/**
 * What a refused client is told on a wire.
 * @param {Scene} scene @param {any} message
 */
function refusal({ server, wire }, message) {
  const end = { type: 'HTTP-ERROR' };
  return wire !== 'stream' ? [message] : differs(server, {
    why: 'clients up to 0.3 ignore HTTP-ERROR; they wait for the words on their WebSocket, which we may not have',
    released: [end], ours: [message, end],
  });
}

overAll('an id', {}, {
  'that somebody holds is refused to others': (scene) => withPeers(scene, 1, async (one) => {
    const { server, wire } = scene;
    const { told } = await Peer.refused(server, { wire, id: one.id });
    assert.deepEqual(told, refusal(scene, TAKEN));
    await one.nothingElse();
  }),

  'is its holder\'s again with the same token': (scene) => withPeers(scene, 2, async (one, two) => {
    await one.down.settled();
    const again = new Peer(scene.server, { wire: scene.wire, id: one.id, token: one.token });
    await again.connect();
    const opens = differs(scene.server, {
      why: 'a released server forgets to send OPEN again, and a client that reconnects never opens',
      released: [], ours: [{ type: 'OPEN' }],
    });
    for (const message of opens) {
      assert.deepEqual(await again.value(), message);
    }
    await two.say(offer(one.id, 'to the new one'));
    assert.equal((await again.value()).payload, 'to the new one');
    await again.say(offer(two.id, 'from it'));
    assert.deepEqual(await two.value(), { type: 'OFFER', src: one.id, dst: two.id, payload: 'from it' });
    assert.deepEqual(one.down.inbox, []);
    await again.down.end();
  }),
});

overAll('a newcomer', {}, {
  'needs an id, a token and a key': async (scene) => {
    const { server, wire } = scene;
    if (wire === 'stream') {
      return;  // they are its path
    }
    const words = error('No id, token, or key supplied to websocket server');
    for (const lack of [{ id: '' }, { token: '' }, { key: '' }]) {
      assert.deepEqual((await Peer.refused(server, { wire, ...lack })).told, [words]);
    }
  },

  'needs a key that exists': async (scene) => {
    const { server, wire } = scene;
    const who = { wire, key: 'nobody-has-this' };
    const words = refusal(scene, error('Invalid key provided'));
    if (server instanceof Reference && server.release.sweeps && wire === 'websocket') {
      const peer = new Peer(server, who);  // it says so, and forgets to close
      await peer.connect();
      assert.deepEqual([await peer.value()], words);
      await peer.drop();
    } else {
      assert.deepEqual((await Peer.refused(server, who)).told, words);
    }
  },
});

overAll('a full server', { settings: { max_peers: 2 } }, {
  'says so': async (scene) => {
    const { server, wire } = scene;
    const token = newToken();
    const two = await Promise.all([0, 1].map(() => Peer.open(server, { wire, token })));
    const words = error('Server has reached its concurrent user limit');
    if (server instanceof Reference && server.release.sweeps && wire === 'websocket') {
      const peer = new Peer(server, { wire });
      await peer.connect();
      assert.deepEqual(await peer.value(), words);
      await peer.drop();
    } else {
      assert.deepEqual((await Peer.refused(server, { wire })).told, refusal(scene, words));
    }
    await two[0].leave();
    const next = await until('room', () => Peer.open(server, { wire }));
    await Promise.all([two[1], next].map((it) => it.leave()));
  },
});
