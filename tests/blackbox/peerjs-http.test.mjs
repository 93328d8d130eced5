/** What PeerJS's servers answer to who only asks: the root, a fresh id, who is there; CORS. */

import assert from 'node:assert/strict';

import { onSite } from './harness.mjs';
import { request } from './http.mjs';
import { KINDS } from './kinds.mjs';
import { Peer, differs, isOurs, overServersOnly, withPeers } from './peerjs.mjs';
import { run } from './proc.mjs';
import { RELEASES, onReference } from './reference.mjs';

const ORIGIN = 'https://app.example';

/** @typedef {import('./peerjs.mjs').AnyServer} AnyServer */

/** @param {import('./http.mjs').Answer} answer @param {number} status @param {RegExp} detail */
function problem({ status: got, headers, json, text }, status, detail) {
  assert.equal(got, status, text);
  assert.equal(headers['content-type'], 'application/problem+json');
  assert.equal(json.status, status);
  assert.match(json.detail, detail);
}

overServersOnly('asking', {
  'the root says what it is': async (server) => {
    const { status, headers, json } = await request(server.url('/'));
    assert.equal(status, 200);
    assert.match(headers['content-type'] ?? '', /^application\/json/);
    assert.deepEqual({ ...json, website: '' }, {
      name: 'PeerJS Server', website: '',
      description: 'A server side element to broker connections between PeerJS clients.',
    });
    assert.match(json.website, /^https?:\/\/peerjs\.com\/$/);
  },

  'a fresh id is another one each time': async (server) => {
    const seen = new Set();
    const type = differs(server, {
      why: 'an id is no page',
      released: /^text\/html/, ours: /^text\/plain/,
    });
    for (const path of ['/peerjs/id', '/peerjs/id?ts=17641706.5&version=1.5.5', '/peerjs/id/']) {
      const { status, headers, text } = await request(server.url(path));
      assert.equal(status, 200);
      assert.match(headers['content-type'] ?? '', type);
      assert.match(text, /^[0-9a-z-]+$/);
      seen.add(text);
    }
    assert.equal(seen.size, 3);
  },

  'a fresh id is one that PeerJS takes': async (server) => {
    const { text: id } = await request(server.url('/peerjs/id'));
    assert.match(id, /^[A-Za-z0-9]+(?:[ _-][A-Za-z0-9]+)*$/);
    const wire = isOurs(server) ? 'sse' : 'websocket';
    const peer = await Peer.open(server, { wire, id });
    await peer.drop();
  },

  'who is there is not for everybody': async (server) => {
    await withPeers({ server, wire: isOurs(server) ? 'sse' : 'websocket' }, 1, async () => {
      const answer = await request(server.url('/peerjs/peers'));
      assert.equal(answer.status, 401);
      assert.ok(!answer.text.includes('id-'));
    });
  },

  'an unknown key': async (server) => {
    for (const path of ['/nobody/id', '/nobody/peers']) {
      const answer = await request(server.url(path));
      differs(server, {
        why: 'released servers look at the key only when a stream opens, of which their users complain',
        released: () => {}, ours: () => problem(answer, 401, /key/i),
      })();
    }
  },

  'any page may ask': async (server) => {
    for (const path of ['/', '/peerjs/id', '/peerjs/peers']) {
      const { headers } = await request(server.url(path), { headers: { Origin: ORIGIN } });
      assert.match(headers['access-control-allow-origin'] ?? '', new RegExp(`^(\\*|${ORIGIN})$`), path);
    }
  },

  'any page may post': async (server) => {
    const headers = {
      Origin: ORIGIN, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type',
    };
    for (const path of ['/peerjs/some-id/token/offer', ...(isOurs(server) ? ['/peerjs?key=peerjs&id=a&token=b'] : [])]) {
      const answer = await request(server.url(path), { method: 'OPTIONS', headers });
      assert.ok([200, 204].includes(answer.status), `${path} ${answer.status}`);
      assert.match(answer.headers['access-control-allow-origin'] ?? '', new RegExp(`^(\\*|${ORIGIN})$`));
      assert.match(answer.headers['access-control-allow-methods'] ?? '', /\bPOST\b/);
      assert.match(answer.headers['access-control-allow-headers'] ?? '', /\bcontent-type\b/i);
    }
  },
});

// ---- discovery

/** @param {AnyServer} server */
async function discovers(server) {
  const wire = isOurs(server) ? 'sse' : 'websocket';
  const ids = ['plain', 'with-dash', 'ä "€" \\'];
  const peers = await Promise.all(ids.map((id) => Peer.open(server, { wire, id })));
  const { status, headers, json } = await request(server.url('/peerjs/peers'));
  assert.equal(status, 200);
  assert.match(headers['content-type'] ?? '', /^application\/json/);
  assert.deepEqual(json.sort(), ids.sort());
  await peers[0].say({ type: 'LEAVE' });
  await peers[1].nothingElse();
  const left = await request(server.url('/peerjs/peers'));
  assert.deepEqual(left.json.sort(), peers.slice(1).map((it) => it.id).sort());
  await Promise.all(peers.map((it) => it.down.end()));
}

for (const release of RELEASES) {
  onReference('discovery', release, { discovery: true }, { 'lists who is there': discovers });
}

for (const kind of KINDS) {
  onSite(`discovery · ${kind.name}`, {}, async (site) => {
    const server = await site.serve(kind);
    const command = [`${site.root}/bin/sigpost`, 'key', 'set', 'peerjs', '--discovery', 'on'];
    const { status, errors } = await run(command, { cwd: site.root, env: site.environment() });
    assert.equal(status, 0, errors);
    return server;
  }, { 'lists who is there': discovers });
}
