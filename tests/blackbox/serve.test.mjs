/** `sigpost serve`: everything on one port, and all of it gone at the end. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import {
  Channel, freePort, newKey, onSite, processesOf, request, run, signal, until,
} from './harness.mjs';
import { Peer } from './peerjs.mjs';
import { at, serve } from './served.mjs';

/** @typedef {import('./site.mjs').Site} Site */

/** @param {Site} site */
function nothingLeft(site) {
  return until('the end of every process', () => processesOf(site.root).length === 0);
}

onSite('sigpost serve', {}, async (site) => site, {
  'serves the API and the pages': async (site) => {
    const { it, url } = await serve(site);
    assert.match((await request(`${url}/www/`)).text, /<html/i);
    assert.equal((await request(`${url}/`, { headers: { Accept: 'text/html' } })).headers.location, '/www/');
    const opener = await Channel.open(`${url}/sigver`);
    const joining = await Channel.open(`${url}/sigver`, { wire: 'poll' });
    const key = newKey();
    await opener.say({ open: key });
    await opener.value();
    await joining.say({ join: key });
    assert.deepEqual(await joining.value(), { isKeyOk: true });
    const { stream } = /** @type {any} */ (opener.down);
    assert.ok(stream.retry >= 500 && stream.retry <= 1500, `retry ${stream.retry}, as users have it`);
    await Promise.all([opener.drop(), joining.drop()]);
    assert.equal(await it.stop(), 0);
    await nothingLeft(site);
  },

  'ends all it started, whatever signal it gets, with a stream open': async (site) => {
    for (const name of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
      const { it, url } = await serve(site);
      const source = await Channel.open(`${url}/sigver`);
      assert.equal(await it.stop(name), 0, name);
      await nothingLeft(site);
      assert.deepEqual(readdirSync(join(site.root, 'htdocs')), [], 'its run directory, too');
      await source.drop();
    }
  },

  'takes lighttpd along when it is killed': async (site) => {
    const { it } = await serve(site);
    await it.stop('SIGKILL');
    await nothingLeft(site);
  },

  'keeps what was said from one run to the next': async (site) => {
    const first = await serve(site);
    const source = await Channel.open(`${first.url}/sigver`);
    await first.it.stop();
    const second = await serve(site);
    source.url = `${second.url}/sigver`;
    await source.resume();
    await source.say({ open: newKey() });
    assert.deepEqual(await source.value(), { isKeyOk: true });
    assert.deepEqual(source.down.auths, []);
    await source.drop();
    await second.it.stop();
    assert.ok(existsSync(site.db));
  },

  'hands its settings to the backend': async (site) => {
    const { it, url } = await serve(site, ['--max-body-bytes', '1024']);
    assert.equal((await request(`${url}/sigver`, { method: 'POST', body: 'x'.repeat(1025) })).status, 413);
    await it.stop();
  },

  'logs no token, also of a request that is cut off': async (site) => {
    const { it, url } = await serve(site);
    const peer = await Peer.open(at(url), { wire: 'sse' });
    const [backend] = processesOf(site.root).filter(({ pid, exe }) => pid !== it.pid && exe.endsWith('/bin/sigpost'));
    signal(backend.pid, 'SIGKILL');
    await until('the end of its stream', () => peer.down.over);
    await until('another process', () => it.log().split('event="started"').length === 3);
    assert.equal(await it.stop(), 0);
    assert.ok(!it.log().includes(peer.token), it.log());
  },

  'says what is wrong': async (site) => {
    const { it, port } = await serve(site);
    const program = join(site.root, 'bin/sigpost');
    const options = { cwd: site.root, env: { TMPDIR: join(site.root, 'htdocs') } };
    const rest = ['--db', site.db, '--www', join(site.root, 'www')];
    for (const [why, args] of /** @type {[RegExp, string[]][]} */ ([
      [/port|address/i, ['--port', String(port), ...rest]],
      [/port/i, ['--port', '0', ...rest]],
      [/port/i, ['--port', 'http', ...rest]],
      [/nonsense/i, ['--nonsense', '1']],
      [/max.body.bytes/i, ['--max-body-bytes', '1', ...rest]],
      [/nowhere/i, ['--port', String(await freePort()), '--db', site.db, '--www', join(site.root, 'nowhere')]],
    ])) {
      const said = await run([program, 'serve', ...args], options);
      assert.notEqual(said.status, 0, args.join(' '));
      assert.match(said.errors, why, args.join(' '));
    }
    await it.stop();
  },
});
