/**
 * The released PeerJS clients with sigpost: from 1.0 on with www/sigpost.js before them, over each
 * of its ways down; up to 0.3 as they are, over their HTTP stream. One file runs this for each of our
 * two ways in.
 *
 * Not all that could be combined is: any two of client, scenario, way down and way in meet, and every
 * client talks and survives a kill over each of its ways down.
 */

import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';

import { until } from '../blackbox/proc.mjs';
import { Site, demand } from '../blackbox/site.mjs';
import {
  RELEASED, SCENARIOS, Window, browserTest, exchange, newId, skip, withBrowser, withWindows,
} from './peerjs.mjs';

const TRANSPORTS = ['sse', 'fetch', 'poll'];
const WAYS_IN = ['lighttpd FastCGI', 'lighttpd CGI'];

/** Whether what stands at these places of their lists meets behind this web server. */
const meets = (row, ...places) => WAYS_IN[places.reduce((a, b) => a + b) % WAYS_IN.length] === row.name;

const TALK = 'two pages open a DataChannel and talk';

/** How a client is loaded for a server. @param {import('../blackbox/site.mjs').Server} server */
function loaded(server, client, transports = '') {
  const attributes = transports && `data-transports="${transports}"`;
  return client.old ? {} : { before: server.url('/www/sigpost.js'), attributes };
}

/** A site for the tests around it. @returns {{server: import('../blackbox/site.mjs').Server}} */
function withSite(row, settings) {
  const stage = {};
  before(async () => {
    if (!skip) {
      stage.site = new Site({ settings });
      stage.server = await stage.site.serve(row);
    }
  });
  after(() => stage.site?.end());
  return stage;
}

/** The body of a POST that sends an answer. */
const ANSWER = /"type":"ANSWER"/;

/**
 * Does something before a page's answer leaves, but after it has got its offer.
 * @param {Window} window @param {() => Promise<unknown>} act
 */
async function beforeAnswer(window, act) {
  let acted;
  await window.page.route('**/peerjs?*', async (route, req) => {
    if (req.method() === 'POST' && ANSWER.test(req.postData() ?? '')) {
      acted ??= act();
      await acted;
    }
    await route.continue();
  });
  return () => acted;
}

/** What one page says arrives at the other: all of it, in order, once. */
async function arrives(from, to) {
  let said, heard;
  await until('the last message', async () => {
    [said, heard] = await Promise.all([from.messages('says'), to.messages('hears')]);
    return heard.length >= said.length;
  });
  assert.deepEqual(heard, said);
}

/** @param {() => Promise<Window>} open @param {{server: any}} stage */
function survives(open, stage) {
  return withWindows(2, open, async (one, two) => {
    await Promise.all([one.start(newId()), two.start(newId())]);
    const acted = await beforeAnswer(two, () => stage.server.kill9());
    await exchange(one, two);
    assert.ok((await acted())?.length > 0, 'nobody was killed');
    await arrives(one, two);
    await arrives(two, one);
    const { events } = await one.state();
    assert.deepEqual(events.filter((it) => it !== 'connection open'), [`open ${(await one.state()).id}`]);
  });
}

/** What a page has asked for, from now on, once the head of the answer is there. @param {Window} window */
function watch(window) {
  const seen = [];
  window.page.on('response', (answer) => {
    const it = answer.request();
    seen.push(`${it.method()} ${new URL(it.url()).pathname}${new URL(it.url()).search}`);
  });
  return seen;
}

/** The ways down of a client, with their places; there is nothing to choose for the old ones. */
const waysDown = ({ old }) => [...(old ? [''] : TRANSPORTS).entries()];

/** One released client behind one web server. */
function withClient(row, client, place) {
  describe(`PeerJS ${client.version} with ours · ${row.name}`, () => {
    const stage = withSite(row, { peerjs_expire_ms: 1000, grace_ms: 1000 });
    const open = (/** @type {string} */ transport) => () =>
      Window.open(stage.server, client, loaded(stage.server, client, transport));

    for (const [at, transport] of waysDown(client)) {
      if (client.old || meets(row, place, at)) {
        browserTest(`${TALK} ${transport}`, () => SCENARIOS[TALK](open(transport), client));
      }
    }
    const others = Object.keys(SCENARIOS).filter((it) => it !== TALK);
    for (const [at, name] of others.entries()) {
      const transport = client.old ? '' : TRANSPORTS[(place + at) % TRANSPORTS.length];
      if (meets(row, place, at)) {
        browserTest(`${name} ${transport}`, () => SCENARIOS[name](open(transport), client));
      }
    }
  });
}

/** The same while its server is killed. What waits does so as long as users have it, 5 s. */
function withKills(row, client, place) {
  describe(`PeerJS ${client.version} with ours, killed between offer and answer · ${row.name}`, () => {
    const stage = withSite(row, { grace_ms: 3000 });
    for (const [at, transport] of waysDown(client)) {
      if (meets(row, place, at, 1)) {
        browserTest(`over ${transport}`, () => survives(() =>
          Window.open(stage.server, client, loaded(stage.server, client, transport)), stage));
      }
    }
  });
}

/** Three times its stream is followed by another, 25 s of its clock later; then it is called. */
async function handOver(one, two) {
  const seen = watch(one);
  one.spent = true;  // its clock is not set back
  await one.page.clock.install();
  const id = await one.start(newId());
  await two.start(newId());
  for (let i = 0; i < 3; i += 1) {
    await until(`i=${i}`, () => seen.some((it) => it.endsWith(`/id?i=${i}`)));
    await one.page.clock.fastForward(25_000);
  }
  await until('i=3', () => seen.some((it) => it.endsWith('/id?i=3')));
  await exchange(two, one);
  assert.ok(seen.some((it) => it.startsWith('POST') && it.endsWith('/answer')), seen.join('\n'));
  assert.deepEqual((await one.state()).events, [`open ${id}`, 'connection open']);
}

function withHandOver(row, client) {
  describe(`the HTTP stream of PeerJS ${client.version} · ${row.name}`, () => {
    const stage = withSite(row, {});
    browserTest('is all it has, and is handed over every 25 s', () =>
      withWindows(2, () => Window.open(stage.server, client), handOver));
  });
}

/** Everything behind one web server. @param {import('../blackbox/kinds.mjs').Kind} row */
export function describesOurs(row) {
  demand();
  withBrowser();
  for (const [place, client] of RELEASED.entries()) {
    withClient(row, client, place);
    if (!client.old) {
      withKills(row, client, place);
    } else if (meets(row, place)) {
      withHandOver(row, client);
    }
  }
}
