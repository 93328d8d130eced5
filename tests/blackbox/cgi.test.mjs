/**
 * What a courier does when things go wrong, and what kind of process it leaves behind.
 * courier.test.mjs has the ordinary life.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync, mkdirSync, readFileSync, readdirSync, readlinkSync, renameSync, rmSync, statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { answer, blocks, child, messages, say, stream } from './cgi-child.mjs';
import { KINDS, newKey, onSite, processesOf, request, signal, until, within } from './harness.mjs';

/** @typedef {import('./site.mjs').Site} Site */

const OK = /^Status: 200 OK\r\n/;

/** @param {Site} site */
async function noHub(site) {
  site.hubs().forEach((pid) => signal(pid, 'SIGKILL'));
  await until('no hub', () => site.hubs().length === 0);
}

/**
 * Acts while a shell script stands in the place of sigpost that does something first when it is
 * to be a hub.
 * @param {Site} site
 * @param {string} first
 * @param {() => Promise<void>} act
 */
async function bewitched(site, first, act) {
  const [program, real] = [join(site.root, 'bin/sigpost'), join(site.root, 'real/bin/sigpost')];
  mkdirSync(dirname(real), { recursive: true });
  renameSync(program, real);
  writeFileSync(program, `#!/bin/sh\nif [ "$1" = hub ]; then ${first}\nfi\nexec ${real} "$@"\n`, { mode: 0o755 });
  try {
    await act();
  } finally {
    renameSync(real, program);
  }
}

/**
 * A stream that hears what another says: proof that both are served from one store.
 * @param {Site} site
 * @param {import('./cgi-child.mjs').Ask} [ask]
 */
async function converse(site, ask) {
  const [opener, joining] = [await stream(site, ask), await stream(site, ask)];
  const key = newKey();
  try {
    assert.equal((await say(site, opener.auth, { open: key }, ask)).status, 200);
    assert.equal((await say(site, joining.auth, { join: key }, ask)).status, 200);
    assert.equal((await say(site, joining.auth, { data: 'here' }, ask)).status, 200);
    await until('the message', () => messages(opener.it).some((it) => it.data === 'here'));
  } finally {
    opener.drop();
    joining.drop();
  }
}

/** @param {number} pid */
function session(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [, parent, , id, tty] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').map(Number);
  return { parent, id, tty };
}

/** @param {number} pid */
function descriptors(pid) {
  return readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return '';
    }
  });
}

onSite('the hub a courier founds', { settings: { hub_idle_ms: 3000 } }, async (site) => site, {
  'is in a session of its own, with nothing of the web server\'s': async (site) => {
    const one = await stream(site, { env: { SECRET_OF_THE_WEB_SERVER: '1', SIGPOST_ALONE_NOT: '1' } });
    const [hub] = site.hubs();
    const { id, tty } = session(hub);
    assert.notEqual(id, session(process.pid).id);
    assert.equal(tty, 0);
    const names = readFileSync(`/proc/${hub}/environ`, 'utf8').split('\0').map((it) => it.split('=')[0]);
    assert.ok(!names.includes('SECRET_OF_THE_WEB_SERVER') && !names.includes('REQUEST_METHOD'), names.join());
    assert.ok(names.includes('SIGPOST_DB'));
    const all = descriptors(hub);
    assert.equal(all.filter((it) => it.startsWith('pipe:')).length % 2, 0, 'only its own pipes, both ends');
    assert.equal(readlinkSync(`/proc/${hub}/fd/2`), `${site.db}.hub.log`);
    assert.equal(readlinkSync(`/proc/${hub}/fd/0`), '/dev/null');
    one.drop();
  },

  'holds a stream with one descriptor': async (site) => {
    const first = await stream(site);
    const [hub] = site.hubs();
    const before = descriptors(hub).length;
    const all = await Promise.all(Array.from({ length: 40 }, () => stream(site)));
    assert.deepEqual(site.hubs(), [hub]);
    await until('forty more', () => descriptors(hub).length <= before + 41);
    assert.ok(descriptors(hub).length >= before + 40);
    [first, ...all].forEach((it) => it.drop());
    await until('the end of all', () => descriptors(hub).length < before + 5);
  },

  'starts its log afresh when it has grown': async (site) => {
    await noHub(site);
    writeFileSync(`${site.db}.hub.log`, 'x'.repeat(2 << 20));
    await answer(site);
    await until('a short log', () => statSync(`${site.db}.hub.log`).size < 10_000);
    const [hub] = site.hubs();
    writeFileSync(`${site.db}.hub.log`, 'x'.repeat(2 << 20));
    await until('a short log again', () => statSync(`${site.db}.hub.log`).size < 10_000);
    assert.deepEqual(site.hubs(), [hub]);
  },

  'finds its files removed and comes back': async (site) => {
    const one = await stream(site);
    const before = site.hubs();
    rmSync(`${site.db}.hub`);
    rmSync(`${site.db}.hub.lock`);
    await until('the socket', () => statSync(`${site.db}.hub`).isSocket());
    await until('an answer', async () => (await say(site, one.auth, { open: newKey() })).status === 200);
    await until('the message', () => messages(one.it).length === 1);
    assert.deepEqual(site.hubs(), before);
    one.drop();
  },

  'does nothing twice that was not accepted in time': async (site) => {
    const [opener, joining] = [await stream(site), await stream(site)];
    const key = newKey();
    await say(site, opener.auth, { open: key });
    await say(site, joining.auth, { join: key });
    const [hub] = site.hubs();
    try {
      signal(hub, 'SIGSTOP');
      const body = `${joining.auth}@{"data":"once"}`;
      const late = child(site, { method: 'POST', uri: '/sigver', body });
      await until('an answer of the child\'s own', () => /^Status: 200/.test(late.output.toString()));
    } finally {
      signal(hub, 'SIGCONT');
    }
    assert.equal((await say(site, joining.auth, { data: 'then' })).status, 200);
    await until('both', () => messages(opener.it).some((it) => it.data === 'then'));
    assert.deepEqual(messages(opener.it).map((it) => it.data).filter(Boolean), ['once', 'then']);
    opener.drop();
    joining.drop();
  },
});

onSite('founding', { settings: { hub_idle_ms: 3000 } }, async (site) => site, {
  'the founder is killed before the hub is ready, and nobody else notices': async (site) => {
    await bewitched(site, 'sleep 0.5', async () => {
      const founder = child(site);
      await until('the hub to be on its way', () => processesOf(site.root).some((it) => it.command.includes(' hub ')));
      const others = Array.from({ length: 8 }, () => answer(site));
      founder.child.kill('SIGTERM');	// as lighttpd does
      await within('its end', founder.ended);
      for (const it of await Promise.all(others)) {
        assert.match(it.text, OK);
      }
    });
    assert.equal(site.hubs().length, 1);
    await noHub(site);
  },

  'a hub that ends at once: children do the work themselves': async (site) => {
    await bewitched(site, 'exit 1', () => converse(site));
    await until('the children to leave', () => site.hubs().length === 0, 8000);
  },

  'a hub that is not ready in time: children do the work themselves': async (site) => {
    await bewitched(site, 'exec sleep 60', async () => {
      const began = Date.now();
      const both = [child(site), child(site)];
      await until('both answers', () => both.every((it) => OK.test(it.output.toString())));
      assert.ok(Date.now() - began > 4000, `${Date.now() - began} ms: there was a hub`);
    });
    processesOf(site.root).filter((it) => it.command.startsWith('sleep')).forEach((it) => signal(it.pid, 'SIGKILL'));
  },

  'without a process to spare, children do the work themselves': async (site) => {
    await noHub(site);
    const env = { ASAN_OPTIONS: `${site.environment().ASAN_OPTIONS}:detect_leaks=0` };	// it needs one
    await converse(site, { before: ['prlimit', '--nproc=0', '--'], env });
    await until('the children to leave', () => site.hubs().length === 0, 8000);
  },

  'without a lock, children do the work themselves': async (site) => {
    await noHub(site);
    rmSync(`${site.db}.hub.lock`, { force: true });
    mkdirSync(`${site.db}.hub.lock`);
    await converse(site);
    await until('the children to leave', () => site.hubs().length === 0, 8000);
    rmSync(`${site.db}.hub.lock`, { recursive: true });
  },

  'a name too long for a socket address': async (site) => {
    const name = 'n'.repeat(120);
    await converse(site, { env: { SIGPOST_DB: join(site.root, 'db', name) } });
    await until('the children to leave', () => site.hubs().length === 0, 8000);
  },

  'a directory too long for a socket address': async (site) => {
    const env = { SIGPOST_DB: join(site.root, 'db', 'd'.repeat(120), 'x.db') };
    mkdirSync(dirname(env.SIGPOST_DB));
    site.give(join('db', 'd'.repeat(120)));
    await converse(site, { env });
    assert.equal(site.hubs().length, 1);
    await noHub(site);
  },

  'a database named relative to where the child starts': async (site) => {
    await converse(site, { env: { SIGPOST_DB: 'db/relative.db' } });
    assert.equal(site.hubs().length, 1);
    assert.ok(statSync(join(site.root, 'db/relative.db.hub')).isSocket());
    await noHub(site);
    await converse(site, { env: { SIGPOST_DB: 'relative.db' }, cwd: join(site.root, 'db') });
    await noHub(site);
  },
});

onSite('a child without what it needs', { settings: { hub_idle_ms: 600 } }, async (site) => site, {
  'no directory for the database': async (site) => {
    const it = await answer(site, { env: { SIGPOST_DB: join(site.root, 'no/such/x.db') } });
    assert.equal(it.status, 503);
    assert.match(it.text, /application\/problem\+json/);
  },

  'a directory that cannot be written': async (site) => {
    mkdirSync(join(site.root, 'shut'));
    site.give('shut');
    chmodSync(join(site.root, 'shut'), 0o555);
    const it = await answer(site, { env: { SIGPOST_DB: join(site.root, 'shut/x.db') } });
    assert.equal(it.status, 503);
    assert.match(it.text, /application\/problem\+json/);
    assert.deepEqual(readdirSync(join(site.root, 'shut')), []);
  },

  'no program to start': async (site) => {
    const program = join(site.root, 'bin/sigpost');
    renameSync(program, `${program}.away`);
    const it = await answer(site);
    assert.equal(it.status, 503);
    assert.match(it.text, /^Content-Type: application\/problem\+json\r$/m);
    assert.match((await answer(site, { env: { SIGPOST_BIN: `${program}.away` } })).text, OK);
    renameSync(`${program}.away`, program);
    await noHub(site);
  },

  'more variables than anybody takes': async (site) => {
    const vars = { HTTP_X: 'x'.repeat(40_000) };
    assert.equal((await answer(site, { vars })).status, 413);
    assert.equal((await answer(site, { vars, env: { SIGPOST_ALONE: '1' }, program: 'sigpost' })).status, 413);
    assert.match((await answer(site, { vars: { HTTP_X: 'x'.repeat(30_000) } })).text, OK);
    assert.match((await answer(site, { env: { NOT_OF_THE_REQUEST: 'x'.repeat(40_000) } })).text, OK);
  },

  'not started by a web server': async (site) => {
    const it = child(site, { vars: { GATEWAY_INTERFACE: '' } });
    await within('its end', it.closed);
    assert.match(it.output.toString(), OK, 'an empty variable is a variable');
    const { GATEWAY_INTERFACE: _, ...bare } = process.env;
    assert.throws(() => execFileSync(join(site.root, 'bin/sigpost.cgi'), { env: bare, stdio: 'pipe' }),
      /a web server starts it/);
  },

  'the courier needs no library but libc': async (site) => {
    const needed = execFileSync('readelf', ['-d', join(site.root, 'bin/sigpost.cgi')]).toString()
      .split('\n').map((line) => /NEEDED.*\[(.*)\]/.exec(line)?.[1]).filter(Boolean);
    assert.deepEqual(needed.filter((name) => !/^lib(c|asan|ubsan)\.so/.test(name ?? '')), []);
  },
});

onSite('a child that works alone', { settings: { hub_idle_ms: 600 } }, async (site) => site, {
  'ends its stream for now when it is told to end, and closes the database': async (site) => {
    const one = await stream(site, { program: 'sigpost', env: { SIGPOST_ALONE: '1' } });
    assert.equal((await say(site, one.auth, { open: newKey() }, { program: 'sigpost', env: { SIGPOST_ALONE: '1' } })).status, 200);
    await until('the answer', () => messages(one.it).length === 1);
    one.it.child.kill('SIGTERM');
    await within('its end', one.it.closed);
    assert.equal(one.it.how, 0);
    assert.ok(!blocks(one.it).some((block) => block.retry === 86_400_000), 'the client may come back');
    assert.deepEqual(readdirSync(dirname(site.db)).filter((name) => /-(wal|journal)$/.test(name)), []);
  },

  'is told to end while the body is still to come': async (site) => {
    const it = child(site, {
      method: 'POST', uri: '/sigver', vars: { CONTENT_LENGTH: '10' }, program: 'sigpost',
      env: { SIGPOST_ALONE: '1', SIGPOST_REQUEST_MS: '60000' }, before: ['sh', '-c', 'sleep 5 | exec "$0"'],
    });
    await until('the child', () => processesOf(site.root).some((one) => one.exe.endsWith('/bin/sigpost')));
    await until('its store', () => statSync(site.db).size > 0);
    processesOf(site.root).filter((one) => one.exe.endsWith('/bin/sigpost')).forEach((one) => signal(one.pid, 'SIGTERM'));
    await until('its end', () => site.hubs().length === 0, 3000);
    it.child.kill('SIGKILL');
    processesOf(site.root).forEach((one) => signal(one.pid, 'SIGKILL'));
  },
});

for (const kind of KINDS.filter((it) => it.gate === 'cgi')) {
  onSite(`bodies over ${kind.name}`, { settings: { request_ms: 1000 } }, async (site) => (
    { site, server: await site.serve(kind) }
  ), {
    'of every size up to the ceiling': async ({ server }) => {
      for (const size of [0, 1, 4096, 65_536, 65_537, 200_000, 262_144]) {
        const body = 'x@'.padEnd(size, ' ').slice(0, size);
        const { status } = await request(server.url('/sigver'), { method: 'POST', body });
        assert.ok([400, 520, 581].includes(status), `${size} bytes: ${status}`);
      }
      const { status } = await request(server.url('/sigver'), { method: 'POST', body: 'x'.repeat(262_145) });
      assert.equal(status, 413);
    },
  });
}
