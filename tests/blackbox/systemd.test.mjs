/**
 * sigpost as a service: the units that are installed, a socket that was passed, a word when it is ready, and a
 * restart nobody is told of. There is no systemd running here; what it does for a service is done by
 * systemd-socket-activate and by spawn-fcgi.
 */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { Process, Site, freePort, kind, onSite, request, run, signal, until } from './harness.mjs';
import { Peer, offer } from './peerjs.mjs';
import { SHIPPED } from './shipped.mjs';

/** @typedef {import('./site.mjs').Server} Server */

const UNITS = readdirSync(SHIPPED).filter((name) => /\.(service|socket)$/.test(name));
/** systemd's figure for what a service may do, in tenths: 100 is everything, above 50 is "medium". */
const MOST_EXPOSED = 20;

// ---- the units

/** The units with the site's program in them. @param {Site} site @returns {string[]} their paths */
function units(site) {
  mkdirSync(join(site.root, 'units'));
  return UNITS.map((name) => {
    const path = join(site.root, 'units', name);
    const text = readFileSync(join(SHIPPED, name), 'utf8');
    writeFileSync(path, text.replaceAll('/usr/local/bin/sigpost', join(site.root, 'bin/sigpost')));
    return path;
  });
}

test('systemd finds nothing wrong with the units, and little to be afraid of', async () => {
  const site = new Site();
  try {
    const paths = units(site);
    const { status, output, errors } = await run(['systemd-analyze', 'verify', '--man=no', ...paths], { cwd: site.root });
    assert.deepEqual([status, output, errors], [0, '', '']);
    for (const path of paths.filter((it) => it.endsWith('.service'))) {
      const said = await run(['systemd-analyze', 'security', '--offline=true', '--no-pager',
        `--threshold=${MOST_EXPOSED}`, path], { cwd: site.root, timeout: 30_000 });
      assert.equal(said.status, 0, said.output + said.errors);
    }
  } finally {
    await site.end();
  }
});

// ---- words

/** Binds a socket for datagrams and writes down what comes, a line each. */
const EAR = `use Socket; socket(S, AF_UNIX, SOCK_DGRAM, 0) or die;
  bind(S, sockaddr_un($ARGV[0] =~ s/^@/\\0/r)) or die "$!"; $| = 1; print "listening\\n";
  while (defined recv(S, my $word, 4096, 0)) { print "$word\\n" }`;

/** Who hears what a service says. @param {Site} site @param {string} name for NOTIFY_SOCKET */
async function listener(site, name) {
  const it = new Process(['perl', '-e', EAR, name], { cwd: site.root });
  const heard = () => String(it.output).split('\n').filter(Boolean).slice(1);
  await until('somebody to listen', () => String(it.output).includes('listening'));
  return { heard, stop: () => it.stop() };
}

/**
 * A service manager: its socket lives on, and the service is started again whenever it ends. spawn-fcgi makes the
 * socket; a shell moves it to descriptor 3 and says for whom it is.
 */
const MANAGER = `exec 3<&0 </dev/null
  while :; do sh -c 'LISTEN_FDS=1 LISTEN_PID=$$ SYSTEMD_EXEC_PID=$$ exec "$0" "$@"' "$0" "$@"; sleep 0.1; done`;

/** @param {string[]} where for spawn-fcgi @param {string[]} command */
const manager = (where, command) => ['spawn-fcgi', '-n', ...where, '--', '/bin/sh', '-c', MANAGER, ...command];

/** @param {Server} server @param {Record<string, string>} [env] */
function manage(server, env = {}) {
  const { root } = server.site;
  const socket = join(root, `${server.name}.sock`);
  server.keeper = new Process(manager(['-s', socket, '-M', '0600'], [join(root, 'bin/sigpost'), 'fcgi']),
    { cwd: root, env: { ...server.env, ...env } });
  return until(socket, () => existsSync(socket));
}

/** Ends the manager first, lest it start another one. @param {Server} server */
async function dismiss(server) {
  const pids = server.pids();
  await server.keeper?.stop('SIGKILL');
  pids.forEach((pid) => signal(pid, 'SIGTERM'));
  server.keeper = undefined;
}

/** The same where the manager stands in the place of the web server. @param {Server} server */
async function dismissWeb(server) {
  const pids = server.pids();
  await server.web?.stop('SIGKILL');
  pids.forEach((pid) => signal(pid, 'SIGTERM'));
  server.web = undefined;
}

/**
 * nginx, and nobody behind it yet.
 * @param {string} name of its kind
 * @returns {(site: Site) => Promise<Server>}
 */
const nginx = (name) => async (site) => {
  const server = await site.serve({ ...kind(name), external: false }, { ready: false });
  await until('nginx', () => request(server.url('/'), { timeout: 3000 }).then(({ status }) => status === 502));
  return server;
};

onSite('a socket that was passed', {}, nginx('nginx FastCGI'), {
  'is served by systemd-socket-activate at the first request': async (server) => {
    const { root } = server.site;
    const socket = join(root, `${server.name}.sock`);
    const { env } = server;
    const names = Object.keys(env).flatMap((name) => ['-E', name]);
    const it = new Process(['systemd-socket-activate', ...names, '-l', socket, join(root, 'bin/sigpost'), 'fcgi'],
      { cwd: root, env });
    await until(socket, () => existsSync(socket));
    assert.ok(!String(it.errors).includes('started'), 'nothing runs before somebody asks');
    assert.equal((await request(server.url('/peerjs/id'))).status, 200);
    assert.match(String(it.errors), /event="started"/);
    const peer = await Peer.open(server, { wire: 'sse' });
    await peer.leave();
    assert.equal(await it.stop(), 0);
  },
});

for (const name of ['a path', 'an abstract name']) {
  onSite(`a service manager that listens at ${name}`, {}, nginx('nginx FastCGI'), {
    'hears when it is ready, that it turns, and that it leaves': async (server) => {
      const { root } = server.site;
      const at = name === 'a path' ? join(root, 'notify') : `@${root.slice(1)}/notify`;
      const ear = await listener(server.site, at);
      await manage(server, { NOTIFY_SOCKET: at, WATCHDOG_USEC: '200000' });
      try {
        await until('a word', () => ear.heard().length > 0);
        assert.equal(ear.heard()[0], 'READY=1');
        assert.equal((await request(server.url('/peerjs/id'), { timeout: 1000 })).status, 200);
        await until('signs of life', () => ear.heard().filter((it) => it === 'WATCHDOG=1').length > 3);
        server.pids().forEach((pid) => signal(pid, 'SIGTERM'));
        await until('its goodbye, and who comes after it', () => ear.heard().filter((it) => it === 'READY=1').length > 1);
        assert.deepEqual(ear.heard().filter((it) => it !== 'WATCHDOG=1').slice(0, 3), ['READY=1', 'STOPPING=1', 'READY=1']);
      } finally {
        await dismiss(server);
        await ear.stop();
      }
    },

    'hears nothing where it cannot serve': async (server) => {
      const { root } = server.site;
      const at = `@${root.slice(1)}/deaf`;
      const ear = await listener(server.site, at);
      const env = { ...server.env, NOTIFY_SOCKET: at, SIGPOST_DB: join(root, 'nowhere/sigpost.db') };
      const command = [join(root, 'bin/sigpost'), 'fcgi', '--listen', join(root, 'own.sock')];
      const { status } = await run(command, { cwd: root, env });
      assert.equal(status, 1);
      assert.deepEqual(ear.heard(), []);
      await ear.stop();
    },
  });
}

onSite('sigpost serve', {}, async (site) => site, {
  'says that it is ready through the process behind lighttpd': async (site) => {
    const at = `@${site.root.slice(1)}/serve`;
    const ear = await listener(site, at);
    const server = await site.serve({ ...kind('sigpost serve'), command: (_, { root, port }) =>
      ['env', `NOTIFY_SOCKET=${at}`, ...kind('sigpost serve').command('', { root, port })] }, { ready: false });
    await until('a word', () => ear.heard().length > 0);
    assert.deepEqual(ear.heard(), ['READY=1']);
    assert.equal((await request(server.url('/peerjs/id'), { timeout: 1000 })).status, 200);
    await ear.stop();
  },

  'serves a socket that was passed, in which requests wait while it is restarted': async (site) => {
    const serve = kind('sigpost serve');
    const server = await site.serve({ ...serve, command: (_, { root, port }) =>
      manager(['-a', '127.0.0.1', '-p', String(port)], serve.command('', { root, port })) });
    for (let n = 0; n < 3; n += 1) {
      const before = server.pids();
      before.forEach((pid) => signal(pid, 'SIGTERM'));
      await until('nobody to be there', () => server.pids().length === 0);
      assert.equal((await request(server.url('/peerjs/id'))).status, 200, 'answered by who came next');
    }
    await dismissWeb(server);
  },

  'refuses a socket at another address, or one that is none': async (site) => {
    const [port, other] = [await freePort(), await freePort()];
    const serve = [join(site.root, 'bin/sigpost'), 'serve', '--port', String(other), '--www', join(site.root, 'www')];
    const passed = 'exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"';
    const surroundings = { cwd: site.root, env: site.environment() };
    const told = await run(
      ['spawn-fcgi', '-n', '-a', '127.0.0.1', '-p', String(port), '--', '/bin/sh', '-c', passed, ...serve], surroundings);
    assert.equal(told.status, 1);
    assert.match(told.errors, /the socket that was passed is at another address; name that with --host and --port/);
    const none = await run(['/bin/sh', '-c', passed, ...serve], surroundings);
    assert.equal(none.status, 1);
    assert.match(none.errors, /descriptor 3 is no listening stream socket/);
  },
});

// ---- restarts

/**
 * Sends messages one after the other until told to stop.
 * @param {Server} server @param {string} dst @param {() => boolean} over
 */
async function talk(server, dst, over) {
  const peer = await Peer.open(server, { wire: 'sse' });
  let n = 0;
  for (; !over(); n += 1) {
    await peer.say(offer(dst, n));
  }
  await peer.down.end();
  return { id: peer.id, count: n };
}

/** Everything that came to it, by sender. @param {Peer} peer */
function bySender(peer) {
  /** @type {Record<string, number[]>} */
  const all = {};
  for (const { value } of peer.down.inbox) {
    (all[value.src] ??= []).push(value.payload);
  }
  return all;
}

/** Stays connected, as a client does. @param {Peer} peer @param {() => boolean} over */
async function stay(peer, over) {
  while (!over()) {
    await until('the end of a stream', () => peer.down.over || over(), 30_000);
    if (!over()) {
      await peer.comeBack();
    }
  }
}

/** The process is told to leave again and again, between messages. @param {Server} server @param {Peer} receiver */
async function restart(server, receiver) {
  for (let n = 0; n < 4; n += 1) {
    const before = server.pids();
    await until('some messages', () => receiver.down.inbox.length > 50 * (n + 1));
    before.forEach((pid) => signal(pid, 'SIGTERM'));
    await until('another process', () => server.pids().some((pid) => !before.includes(pid)));
  }
}

for (const name of ['nginx FastCGI', 'nginx FastCGI, no connection kept']) {
  onSite(`a restart under load, ${name}`, { settings: { grace_ms: 3000 } }, nginx(name), {
    'loses nothing, and nobody is answered 502': async (server) => {
      await manage(server);
      await server.ready();
      const receiver = await Peer.open(server, { wire: 'sse' });
      const over = { talking: false, staying: false };
      const staying = stay(receiver, () => over.staying);
      const talking = Promise.all(Array.from({ length: 4 }, () => talk(server, receiver.id, () => over.talking)));
      try {
        await restart(server, receiver);
        over.talking = true;
        const sent = (await talking).reduce((sum, { count }) => sum + count, 0);
        await until('the last message', () => receiver.down.inbox.length >= sent);
      } finally {
        Object.assign(over, { talking: true, staying: true });
        await staying;
      }
      const said = await talking;
      for (const { id, count } of said) {
        assert.deepEqual(bySender(receiver)[id], Array.from({ length: count }, (_, n) => n));
      }
      assert.deepEqual(receiver.down.gaps, []);
      await receiver.drop();
      await dismiss(server);
    },
  });
}
