/** Released clients of Socket.IO 2, 3 and 4 speak webrtc-star behind every web server. */

import assert from 'node:assert/strict';

import { kind, onSite, until } from './harness.mjs';
import { Node, RELEASES, newAddr, withNodes } from './socketio.mjs';

/** @typedef {import('./site.mjs').Server} Server */
/** @typedef {{release: typeof RELEASES[number], way: import('./socketio.mjs').Way, path?: string}} How */

const [TWO, THREE, FOUR] = RELEASES;
const SETTINGS = { star_tick_ms: 300 };

/**
 * Two nodes meet: join, discovery, offer, answer, candidates, leave.
 * @param {Server} server @param {How} how
 */
function meet(server, how) {
  return withNodes([Node.open(server, how), Node.open(server, how)], async (one, two) => {
    const { offer, ack } = await one.shake(two);
    assert.equal(ack.result, 'present');
    assert.deepEqual(await two.heard(), offer);
    const answer = { ...offer, answer: true, signal: { type: 'answer', sdp: 'v=0' } };
    assert.deepEqual(await two.ask('ss-handshake', answer), { result: 'present' });
    assert.deepEqual(await one.heard(), answer);
    for (let n = 0; n < 3; n += 1) {
      one.say('ss-handshake', one.offer(two, { signal: { type: 'candidate', candidate: { candidate: `${n}` } } }));
    }
    for (let n = 0; n < 3; n += 1) {
      assert.equal((await two.heard()).signal.candidate.candidate, `${n}`);
    }
    await until('each to know the other', () => one.peers.includes(two.addr) && two.peers.includes(one.addr));
    assert.ok(!one.peers.includes(one.addr) && !two.peers.includes(two.addr), 'nobody is told of itself');
    assert.deepEqual(await two.ask('ss-leave', two.addr), { result: 'left' });
    const lost = await one.shake(two);
    assert.deepEqual(lost.ack, { result: 'returned' });
    assert.deepEqual(await one.heard(), { ...lost.offer, err: 'peer is not available' });
    assert.deepEqual([one.losses, two.losses, one.errors, two.errors], [[], [], [], []]);
  });
}

/** @param {string} name @param {How[]} ways */
function over(name, ways) {
  const row = kind(name);
  /** @type {Record<string, (server: Server) => Promise<void>>} */
  const scenarios = {};
  for (const how of ways) {
    scenarios[`${how.release.name} by ${how.way} at ${how.path ?? '/socket.io'}`] = (server) => meet(server, how);
  }
  onSite(`Socket.IO · ${row.name}`, { settings: SETTINGS }, (site) => site.serve(row), scenarios);
}

/** @type {How[]} */
const ALL = RELEASES.flatMap((release) => /** @type {const} */ (['polling', 'websocket', 'upgrade']).map((way, at) => (
  { release, way, path: at === RELEASES.indexOf(release) ? '/socket.io-next/' : undefined }
)));

over('sigpost serve', ALL);
over('lighttpd CGI, upgrading', ALL);
over('lighttpd FastCGI', [{ release: THREE, way: 'polling' }]);
over('nginx FastCGI', RELEASES.map((release) => ({ release, way: 'upgrade' })));
over('Apache mod_cgid', [{ release: THREE, way: 'polling', path: '/socket.io-next' }]);
over('Apache mod_cgi', [{ release: FOUR, way: 'upgrade' }]);
over('Apache mod_proxy_fcgi', [{ release: TWO, way: 'polling' }, { release: FOUR, way: 'polling' }]);
over('lighttpd CGI', [{ release: TWO, way: 'polling' }]);
