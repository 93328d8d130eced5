/** `sigpost serve` with the options of PeerJS's server: names, spellings, and that each does what it says. */

import assert from 'node:assert/strict';
import { join } from 'node:path';

import { RawSocket } from './frames.mjs';
import { onSite, request, run, until } from './harness.mjs';
import { Peer, newId, offer } from './peerjs.mjs';
import { at, serve } from './served.mjs';

/** @typedef {import('./site.mjs').Site} Site */

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

onSite('options of sigpost serve', {}, async (site) => site, {
  '--path, --key, --allow_discovery': async (site) => {
    const { it, url } = await serve(site, ['--path', '/my.app/', '--key', 'secret', '--allow_discovery'], { path: '/my.app' });
    const base = `${url}/my.app`;
    assert.equal((await request(base)).json.name, 'PeerJS Server');
    assert.match((await request(`${base}/secret/id`)).text, UUID);
    const peer = await Peer.open(at(base), { wire: 'sse', key: 'secret' });
    assert.deepEqual((await request(`${base}/secret/peers`)).json, [peer.id]);
    assert.equal((await request(`${base}/peerjs/id`)).status, 401, 'the usual key is another one');
    const { told } = await Peer.refused(at(base), { wire: 'sse' });
    assert.equal(told[0].payload.msg, 'Invalid key provided');
    await peer.leave();
    assert.match((await request(`${base}/www/`)).text, /<html/i);
    assert.equal((await request(base, { headers: { Accept: 'text/html' } })).headers.location, '/my.app/www/');
    const root = await request(`${url}/`);
    assert.deepEqual([root.status, root.headers.location], [302, '/my.app/']);
    for (const path of ['/secret/id', '/www/', '/myxapp/www/', '/lighttpd.conf', '/my.app/lighttpd.conf', '/my.app/www/../../lighttpd.conf']) {
      assert.equal((await request(`${url}${path}`)).status, 404, path);
    }
    await it.stop();
  },

  '--path and a WebSocket': async (site) => {
    const { it, url } = await serve(site, ['--path=/a/b'], { path: '/a/b' });
    const peer = await Peer.open(at(`${url}/a/b`), { wire: 'websocket' });
    await peer.leave();
    await it.stop();
  },

  '--allow_discovery=false, and what was set before': async (site) => {
    const status = async (/** @type {string[]} */ ...args) => {
      const { it, url } = await serve(site, args);
      const answer = await request(`${url}/peerjs/peers`);
      await it.stop();
      return answer.status;
    };
    assert.equal(await status(), 401);
    assert.equal(await status('--allow-discovery'), 200);
    assert.equal(await status(), 200, 'it is in the database');
    assert.equal(await status('--allow_discovery', 'false'), 401);
  },

  '--key of a key that is off': async (site) => {
    const sigpost = (/** @type {string[]} */ ...args) => run([join(site.root, 'bin/sigpost'), 'key', ...args, '--db', site.db], { cwd: site.root });
    assert.equal((await sigpost('add', 'closed')).status, 0);
    assert.equal((await sigpost('disable', 'closed')).status, 0);
    const { it, url } = await serve(site, ['--key', 'closed']);
    assert.match(it.log(), /warning: the API key closed is off or has expired, and lets nobody in/);
    assert.equal((await request(`${url}/closed/id`)).status, 403);
    await it.stop();
  },

  '--proxied': async (site) => {
    const statuses = async (/** @type {string[]} */ ...args) => {
      const { it, url } = await serve(site, ['--address-requests', '1', '--address-burst', '2', ...args]);
      const all = [];
      for (const from of ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.3', '192.0.2.3']) {
        all.push((await request(`${url}/peerjs/id`, { headers: { 'X-Forwarded-For': from } })).status);
      }
      await it.stop();
      return all;
    };
    assert.deepEqual(await statuses('--proxied'), [200, 200, 200, 200, 429]);
    assert.equal((await statuses('--proxied=false')).at(-2), 429, 'all are of one address');
  },

  '--concurrent_limit, -t': async (site) => {
    const { it, url } = await serve(site, ['-c', '2', '-t250']);
    const one = await Peer.open(at(url), { wire: 'websocket' });
    const two = await Peer.open(at(url), { wire: 'sse' });
    const { told } = await Peer.refused(at(url), { wire: 'websocket' });
    assert.deepEqual(told, [{ type: 'ERROR', payload: { msg: 'Server has reached its concurrent user limit' } }]);
    const absent = newId();
    await one.say(offer(absent));
    assert.deepEqual(await one.value(), { type: 'EXPIRE', src: absent, dst: one.id });
    await Promise.all([one.leave(), two.leave()]);
    await it.stop();
  },

  '--alive_timeout': async (site) => {
    const { it, url } = await serve(site, ['--aliveTimeout=2s', '--allow_discovery']);
    const alive = await Peer.open(at(url), { wire: 'websocket' });
    const mute = new Peer(at(url), { wire: 'websocket' });
    const socket = await RawSocket.open(mute.address);	// it answers no ping
    await socket.next();
    const there = async () => (await request(`${url}/peerjs/peers`)).json.includes(mute.id);
    assert.ok(await there());
    const before = Date.now();
    await until('the end of who does not answer', async () => !await there());
    const took = Date.now() - before;
    assert.ok(took > 1000 && took < 3000, `after ${took} ms`);
    assert.deepEqual((await request(`${url}/peerjs/peers`)).json, [alive.id]);
    await alive.nothingElse();
    socket.socket.destroy();
    await alive.leave();
    await it.stop();
  },

  '--cors': async (site) => {
    const [a, b, c] = ['https://a.example', 'http://b.example:8080', 'https://c.example'];
    const below = 'https://one.of.d.example';
    const { it, url } = await serve(site, ['--cors', a, b, '--cors=https://*.d.example', '--allow_discovery']);
    const allowed = async (/** @type {string | undefined} */ origin, path = '/peerjs/id', method = 'GET') => {
      const { status, headers } = await request(`${url}${path}`, { method, headers: origin === undefined ? {} : { Origin: origin } });
      return [status, headers['access-control-allow-origin'], headers.vary];
    };
    for (const origin of [a, b, below, url]) {
      assert.deepEqual(await allowed(origin), [200, origin, 'Origin']);
    }
    assert.deepEqual(await allowed(undefined), [200, undefined, 'Origin'], 'a program');
    for (const origin of [c, 'null', 'https://d.example', url.replace('http', 'https:'), url.replace('http', 'ftp')]) {
      assert.deepEqual(await allowed(origin), [403, undefined, 'Origin'], origin);
    }
    assert.deepEqual(await allowed(a, '/sigver', 'OPTIONS'), [204, a, 'Origin']);
    assert.deepEqual(await allowed(c, '/sigver', 'OPTIONS'), [403, undefined, 'Origin']);
    assert.deepEqual(await allowed(a, '/nowhere'), [404, a, 'Origin']);
    for (const wire of /** @type {const} */ (['websocket', 'sse'])) {
      await assert.rejects(Peer.open(at(url), { wire, headers: { Origin: c } }), /403/, wire);
    }
    const inside = await Peer.open(at(url), { wire: 'websocket', headers: { Origin: a } });
    const said = await request(`${url}/peerjs?${inside.query}`, {
      method: 'POST', headers: { Origin: c }, body: JSON.stringify(offer(inside.id)),
    });
    assert.equal(said.status, 403);
    await inside.nothingElse();
    await inside.leave();
    await it.stop();
  },

  '--host ::, for both': async (site) => {
    const { it, url, port } = await serve(site, ['-H', '::']);
    assert.ok(it.log().includes(`http://[::]:${port}/`), it.log());
    assert.equal((await request(`http://[::1]:${port}/`)).status, 200);
    assert.equal((await request(url)).status, 200);
    await it.stop();
  },

  'what is wrong is said in one sentence': async (site) => {
    const program = join(site.root, 'bin/sigpost');
    for (const [args, why] of /** @type {[string[], RegExp][]} */ ([
      [['-p'], /-p: it needs a value/],
      [['-p', '65536'], /from 1 to 65535/],
      [['--procs', '65'], /from 1 to 64/],
      [['--concurrent_limit', 'many'], /--concurrent_limit.*max_peers takes a whole number/],
      [['-t=99'], /-t=99.*peerjs_expire_ms takes a time such as 5s or 5000, from 100ms to 1d/],
      [['--alive-timeout', '1999'], /alive_timeout takes a time .* from 2s to 1d/],
      [['--alive-timeout', '86400001'], /alive_timeout takes a time .* from 2s to 1d/],
      [['--path', 'myapp'], /begins with \//],
      [['--path', '/my app'], /letters, digits/],
      [['--path', '/a//b'], /letters, digits/],
      [['--mount', '/a"b'], /letters, digits/],
      [['--key', 'www'], /address of sigpost itself/],
      [['--key', 'k'.repeat(59)], /1 to 58 bytes/],
      [['--allow_discovery=perhaps'], /true or false/],
      [['--cors'], /--cors: it needs a value/],
      [['--cors', '--procs', '1'], /--cors: it needs a value/],
      [['--cors', 'https://a.example/'], /origins.*without a path/],
      [['--cors', 'null'], /origins.*null/],
      [['--cors', 'https://a.example', 'b.example'], /origins.*as in https:\/\//],
      [['--cors', `https://${'a'.repeat(4096)}`], /too many/],
      [['--host', '192.0.2.1.5'], /no address.*--host/],
      [['-x', '1'], /-x: it is not an option/],
    ])) {
      const said = await run([program, 'serve', '--db', site.db, '--www', join(site.root, 'www'), ...args], { cwd: site.root });
      assert.equal(said.status, 2, args.join(' '));
      assert.match(said.errors, why);
      assert.equal(said.errors.trim().split('\n').length, 1, said.errors);
    }
  },

  '--help and --version': async (site) => {
    const ask = async (/** @type {string} */ option) =>
      (await run([join(site.root, 'bin/sigpost'), 'serve', '--port', '1', option], { cwd: site.root })).output;
    for (const name of ['--port', '--key', '--path', '--allow_discovery', '--concurrent_limit', '--alive_timeout', '--expire_timeout']) {
      assert.ok((await ask('-h')).includes(name), name);
    }
    assert.match(await ask('--version'), /^sigpost \d/);
  },
});
