/**
 * Two real libp2p nodes with the released @libp2p/webrtc-star in Chromium: they find each other, dial
 * and talk, with sigpost instead of the signalling server they were written for.
 */

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';

import { kind } from '../blackbox/kinds.mjs';
import { Site } from '../blackbox/site.mjs';
import { BROWSERS } from './browsers.mjs';
import { NodeWindow, Pages, skip } from './libp2p.mjs';

/** More than one message of a DataChannel. */
const BYTES = Array.from({ length: 100_000 }, (_, i) => (i * 7) % 251);

let browser;
let pages;

before(async () => {
  if (!skip) {
    browser = await BROWSERS.Chromium.launch();
    pages = await new Pages().listen();
  }
});
after(async () => {
  await browser?.close();
  pages?.close();
});

/** @param {number} count @param {string} tag @param {(...windows: NodeWindow[]) => Promise<void>} act */
async function withWindows(count, tag, act) {
  const windows = await Promise.all(Array.from({ length: count }, () => NodeWindow.open(browser, pages.url(tag))));
  try {
    await act(...windows);
    assert.deepEqual(windows.flatMap((it) => it.faults), []);
  } finally {
    await Promise.all(windows.map((it) => it.close()));
  }
}

/** Each has heard of the other, by the multiaddr it listens on. */
async function meet(one, other) {
  const [theirs, ours] = await Promise.all([one.finds(other), other.finds(one)]);
  assert.deepEqual(theirs, [`${other.address}/p2p/${other.id}`]);
  assert.deepEqual(ours, [`${one.address}/p2p/${one.id}`]);
}

/** One dials the other: one connection, and what it carries is what was sent. */
async function talk(one, other) {
  assert.deepEqual(await one.echo(other, BYTES), BYTES);
  assert.deepEqual(await one.connections(), [
    { peer: other.id, address: `${other.address}/p2p/${other.id}`, direction: 'outbound' }]);
  const [{ peer, direction }, ...more] = await other.connections();
  assert.deepEqual([peer, direction, more], [one.id, 'inbound', []]);
}

/** A site for the tests around it. @param {string} row @returns {{server: import('../blackbox/site.mjs').Server}} */
function withSite(row) {
  const stage = {};
  before(async () => {
    stage.site = new Site({ settings: { star_tick_ms: 300 } });
    stage.server = await stage.site.serve(kind(row));
  });
  after(() => stage.site?.end());
  return stage;
}

describe('libp2p by WebSocket · sigpost serve', { skip }, () => {
  const stage = withSite('sigpost serve');

  test('two nodes find each other, dial and talk', { timeout: 60_000 }, () => withWindows(2, '', async (one, two) => {
    const { port } = stage.server;
    await one.start(port);
    await two.start(port);
    await meet(one, two);
    await talk(two, one);
    assert.deepEqual(one.sockets, [`ws://127.0.0.1:${port}/socket.io-next/?EIO=4&transport=websocket`]);
  }));
});

/** Their mount paths are in no multiaddr. */
const BEHIND = { 'nginx FastCGI': ['sse', 'fetch', 'poll'], 'Apache mod_cgid': ['sse'] };

for (const [row, transports] of Object.entries(BEHIND)) {
  describe(`libp2p with www/sigpost.js · ${row}`, { skip }, () => {
    const stage = withSite(row);

    for (const transport of transports) {
      test(`two nodes find each other, dial and talk by ${transport}`, { timeout: 60_000 }, () => {
        const { server } = stage;
        const tag = `<script src="${server.url('/www/sigpost.js')}" data-libp2p="yes" data-transports="${transport}"></script>`;
        return withWindows(2, tag, async (one, two) => {
          await one.start(server.port);
          await two.start(server.port);
          await meet(one, two);
          await talk(two, one);
          assert.deepEqual([one.sockets, await one.transports()], [[], [transport]]);
        });
      });
    }
  });
}
