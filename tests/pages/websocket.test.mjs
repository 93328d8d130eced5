/**
 * Released PeerJS clients as they are, nothing before them, with `sigpost serve`: over the WebSocket they
 * were written for. And with www/sigpost.js told to use one.
 */

import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';

import { kind } from '../blackbox/kinds.mjs';
import { until } from '../blackbox/proc.mjs';
import { Site } from '../blackbox/site.mjs';
import { CALM } from '../blackbox/peerjs.mjs';
import { RELEASED, SCENARIOS, Window, browserTest, exchange, newId, skip, withBrowser, withWindows } from './peerjs.mjs';

withBrowser();

/** A site for the tests around it. @param {import('../blackbox/site.mjs').Settings} settings */
function withSite(settings) {
  const stage = {};
  before(async () => {
    if (!skip) {
      stage.site = new Site({ settings: { ...CALM, ...settings } });
      stage.server = await stage.site.serve(kind('sigpost serve'));
    }
  });
  after(() => stage.site?.end());
  return stage;
}

const LATEST = RELEASED.at(-1);

/** @param {Window} window */
const tokenOf = ({ sockets }) => new URL(sockets[0].url()).searchParams.get('token');

/** @param {Window} window */
async function loadAgain(window, id) {
  await window.load();
  const from = Date.now();
  await window.start(id);
  return Date.now() - from;
}

for (const client of RELEASED.filter(({ old }) => !old)) {
  describe(`PeerJS ${client.version} as it is · sigpost serve`, () => {
    const stage = withSite({ peerjs_expire_ms: 1000, grace_ms: 3000 });
    const open = () => Window.open(stage.server, client);

    for (const [name, scenario] of client === LATEST ? Object.entries(SCENARIOS) : []) {
      browserTest(name, () => scenario(open, client));
    }

    browserTest('a page that is loaded again and again has its id at once, and nobody else', () =>
      withWindows(2, open, async (one, two) => {
        const id = await one.start(newId());
        const tokens = new Set([tokenOf(one)]);
        for (let n = 0; n < 3; n += 1) {
          const took = await loadAgain(one, id);
          assert.ok(took < 2000, `a close frame frees it, not the grace: ${took} ms`);
          tokens.add(tokenOf(one));
        }
        assert.equal(tokens.size, 4, 'a new token each time');
        await two.begin(id);
        await two.sees('the error', ({ errors }) => errors.includes('unavailable-id'));
        await two.load();
        await two.start();
        await exchange(two, one);
      }));
  });
}

for (const client of RELEASED.filter(({ old }) => old)) {
  describe(`PeerJS ${client.version} as it is · sigpost serve`, () => {
    const stage = withSite({});
    browserTest('two pages talk, and the stream is let go for the WebSocket', () =>
      withWindows(2, () => Window.open(stage.server, client), async (one, two) => {
        await Promise.all([one.start(newId()), two.start(newId())]);
        await exchange(one, two);
        await until('the WebSocket to have it', () => one.sockets.length === 1);
        assert.deepEqual((await one.state()).events, [`open ${(await one.state()).id}`, 'connection open']);
        assert.equal(one.sockets[0].isClosed(), false);
      }));
  });
}

describe('sigpost.js over websocket · sigpost serve', () => {
  const stage = withSite({ grace_ms: 3000 });
  const open = () => Window.open(stage.server, LATEST, {
    before: stage.server.url('/www/sigpost.js'), attributes: 'data-transports="websocket"',
  });
  const transports = ({ page }) => page.evaluate(() => [...globalThis.sigpost.sockets].map((it) => it.transport));

  browserTest('two pages talk, through the death of the server, too', () => withWindows(2, open, async (one, two) => {
    const id = await one.start(newId());
    await two.start(newId());
    assert.deepEqual(await transports(one), ['websocket']);
    await stage.server.kill9();
    const flows = ({ page }) => page.evaluate(() => [...globalThis.sigpost.sockets].every((it) => it.connected));
    await until('both to be back', async () => (await Promise.all([one, two].map(flows))).every(Boolean));
    await exchange(one, two);
    assert.deepEqual(await transports(one), ['websocket']);
    assert.deepEqual((await one.state()).events, [`open ${id}`, 'connection open'], 'the page has noticed nothing');
    await loadAgain(one, id);
    assert.equal((await one.state()).id, id);
  }));
});
