/**
 * Two PeerJS pages behind every web server there is a configuration for, at the root and below a path: they
 * connect, over an event stream where one gets through and by long poll where it is held back, without being
 * told. The clients for Node behind the one that holds back.
 */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { KINDS, MORE_KINDS, at, kind } from '../blackbox/kinds.mjs';
import { until } from '../blackbox/proc.mjs';
import { Site, demand } from '../blackbox/site.mjs';
import { Sigver } from '../../www/sigver.mjs';
import { SigpostSocket } from '../../www/sigpost.mjs';
import { RELEASED, Window, browserTest, exchange, newId, skip, withBrowser, withWindows } from './peerjs.mjs';

const AT_ONCE = 4;
const NEWEST = RELEASED.at(-1);
/** For whoever looks into a failure: only servers with such a name. */
const ONLY = new RegExp(process.env.SIGPOST_ONLY ?? '');
const ROWS = [...KINDS, ...MORE_KINDS].flatMap((row) => [at(row, ''), at(row, '/a/prefix')])
  .filter(({ name }) => ONLY.test(name));
const HOLDS_BACK = kind('Apache mod_fcgid, default');
/** Apache ends no sooner than it sees, by a heartbeat, that its clients have left. */
const SETTINGS = { heartbeat_min_ms: 1000, heartbeat_max_ms: 1500, grace_ms: 3000 };

demand();
withBrowser();

/** Ways down that are in use. @param {Window} window */
const transports = (window) => window.page.evaluate(() => [...sigpost.sockets].map((it) => it.transport));

/** A site with one server, and its end. @param {any} row @param {(server: any) => Promise<void>} act */
async function behind(row, act) {
  const site = new Site({ settings: SETTINGS });
  try {
    await act(await site.serve(row));
  } catch (error) {
    throw site.explain(error);
  } finally {
    await site.end();
  }
}

describe('two pages', { concurrency: AT_ONCE }, () => {
  for (const row of ROWS) {
    browserTest(row.name, () => behind(row, async (server) => {
      const open = () => Window.open(server, NEWEST, { before: server.url('/www/sigpost.js') });
      await withWindows(2, open, async (one, two) => {
        await Promise.all([one.start(newId()), two.start(newId())]);
        await exchange(one, two);
        const expected = row.holdsBack ? 'poll' : 'sse';
        assert.deepEqual([await transports(one), await transports(two)], [[expected], [expected]]);
      });
    }));
  }
});

describe('clients in Node, where event streams are held back', { concurrency: 2 }, () => {
  const site = new Site({ settings: SETTINGS });
  let server;
  before(async () => { server = await site.serve(HOLDS_BACK); });
  after(() => site.end());

  /** A message of so many bytes. */
  const sized = (dst, bytes) => {
    const head = JSON.stringify({ type: 'OFFER', dst, payload: '' }).slice(0, -2);
    return `${head}${'x'.repeat(bytes - head.length - 2)}"}`;
  };

  /** Two sockets of PeerJS that are open, what each heard, and their ends. */
  const withSockets = async (options, act) => {
    const address = (id) => server.url(`/peerjs?${new URLSearchParams({ key: 'peerjs', id, token: `token of ${id}` })}`)
      .replace(/^http/, 'ws');
    const ids = [newId(), newId()];
    const sockets = ids.map((id) => new SigpostSocket(address(id), [], options));
    const heard = sockets.map((socket) => {
      const all = [];
      socket.addEventListener('message', ({ data }) => all.push(JSON.parse(data)));
      return all;
    });
    try {
      await until('OPEN', () => heard.every(([first]) => first?.type === 'OPEN'), 20_000);
      await act(sockets, ids, heard);
    } finally {
      sockets.forEach((socket) => socket.close());
    }
  };

  test('SigpostSocket polls', { timeout: 60_000 }, () => withSockets({}, async (sockets, ids, heard) => {
    sockets[0].send(JSON.stringify({ type: 'OFFER', dst: ids[1], payload: 'hello' }));
    await until('the offer', () => heard[1].some(({ payload }) => payload === 'hello'));
    assert.deepEqual(sockets.map(({ transport }) => transport), ['poll', 'poll']);
  }));

  test('no batch is longer than the 128 kB it takes', { timeout: 60_000 }, () =>
    withSockets({ transports: ['poll'] }, async ([socket], ids, heard) => {
      const [count, each] = [16, 8191];  // together 131,073 with what stands between them
      socket.send(sized(ids[1], 100));
      for (let n = 0; n < count; n += 1) {
        socket.send(sized(ids[1], each));
      }
      await until('all of them', () => heard[1].filter(({ type }) => type === 'OFFER').length === count + 1);
    }));

  test('Sigver polls', { timeout: 60_000 }, async () => {
    const [opener, joining] = [new Sigver(server.base), new Sigver(server.base)];
    const heard = [];
    opener.addEventListener('message', ({ data }) => heard.push(data));
    try {
      await opener.open('a key');
      await joining.join('a key');
      await joining.send('hello');
      await until('the message', () => heard.includes('hello'));
      assert.deepEqual([opener.transport, joining.transport], ['poll', 'poll']);
    } finally {
      [opener, joining].forEach((channel) => channel.close());
    }
  });
});
