/** The database is deleted, replaced, full, of the future, or none at all, while clients are at work. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync, copyFileSync, openSync, renameSync, rmSync, statSync, writeFileSync, writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { answer } from './cgi-child.mjs';
import {
  Channel, kind, newKey, onSite, overServersAndWires, request, run, signal, until,
  withSources,
} from './harness.mjs';

const PATH = '/sigver';

/** @typedef {import('./site.mjs').Site} Site */

/**
 * @param {Channel} opener
 * @param {Channel} joining
 */
async function pair(opener, joining, key = newKey()) {
  await opener.say({ open: key });
  assert.deepEqual(await opener.value(), { isKeyOk: true });
  await joining.say({ join: key });
  assert.deepEqual(await joining.value(), { isKeyOk: true });
  await joining.say({ data: 'hello' });
  return (await opener.value()).id;
}

/** @param {string} db */
function files(db) {
  return [db, `${db}-wal`, `${db}-shm`];
}

/** @param {Site} site */
function erase({ db }) {
  files(db).forEach((file) => rmSync(file, { force: true }));
}

/** One row a gate is enough here; the web server has no part in it. */
const GATES = [kind('lighttpd FastCGI'), kind('lighttpd CGI')];

overServersAndWires('a database that is deleted while running', { kinds: GATES }, {
  'streams end, come back with a gap as new sources, and all goes on': async (scene) => {
    const { server, site, wire } = scene;
    const source = await Channel.open(server.url(PATH), { wire });
    const { cursor, auth } = source;
    const began = Date.now();
    erase(site);
    await source.broken();
    await source.connect(cursor).catch(() => source.comeBack());
    const fresh = await until('a new auth', () => source.down.auths[0]);
    assert.ok(Date.now() - began < 4000, `serving again after ${Date.now() - began} ms`);
    assert.notEqual(fresh, auth);
    assert.equal(source.down.gaps.length, 1, 'the gap is told');
    assert.ok(cursor.endsWith(`.${source.down.gaps[0].from}`));
    const epoch = (/** @type {string} */ name) => name.split('.')[1].split('-')[0];
    assert.notEqual(epoch(source.cursor), epoch(cursor), 'a new epoch');
    assert.equal((await source.post({ open: newKey() }, { auth })).status, 581);
    source.auth = fresh;
    await source.say({ open: newKey() });
    assert.deepEqual(await source.value(), { isKeyOk: true });
    await source.drop();
  },
});

for (const gate of GATES) {
  onSite(`a database that is replaced while running · ${gate.name}`, {}, async (site) => {
    const server = await site.serve(gate);
    const source = await Channel.open(server.url(PATH));
    const partner = await Channel.open(server.url(PATH));
    const id = await pair(partner, source);
    await partner.say({ id, data: 'in the backup' });
    await source.value();
    await source.drop();
    await server.stop();
    site.hubs().forEach((pid) => signal(pid, 'SIGTERM'));
    await until('the end of all', () => site.hubs().length === 0);
    copyFileSync(site.db, `${site.db}.backup`);
    site.give('db/sigpost.db.backup');
    await server.start();
    await source.comeBack();
    await partner.comeBack();
    return { site, server, source, partner, id };
  }, {
    'known sources go on in it, and are told of the gap': async ({ site, server, source, partner, id }) => {
      await partner.say({ id, data: 'after the backup' });
      assert.deepEqual(await source.value(), { data: 'after the backup' });
      const before = source.cursor;
      files(site.db).slice(1).forEach((file) => rmSync(file, { force: true }));
      renameSync(`${site.db}.backup`, site.db);
      await Promise.all([source, partner].map((it) => it.broken()));
      await Promise.all([source, partner].map((it) => it.comeBack()));
      await until('a gap', () => source.down.gaps.length > 0);
      assert.ok(before.endsWith(`.${source.down.gaps[0].from}`));
      assert.deepEqual(source.down.auths, [], 'the backup knows it');
      await until('it to hear again', async () => {
        await partner.say({ id, data: 'now' });
        return source.down.inbox.some((it) => it.value.data === 'now');
      });
      await server.ready();
      await Promise.all([source.abandon(), partner.abandon()]);
    },
  });
}

onSite('a database that is full', { settings: { max_db_bytes: 400_000, sigver_expire_ms: 1000 } },
  async (site) => site.serve(kind('lighttpd FastCGI')), {
    'refuses with 507, keeps what it has, and takes again when there is room': async (server) => {
      const scene = { server, site: server.site, wire: /** @type {const} */ ('sse') };
      await withSources(scene, PATH, 2, async (opener, joining) => {
        const id = await pair(opener, joining);
        await joining.drop();
        const sent = /** @type {number[]} */ ([]);
        const refused = await until('507', async () => {
          const it = await opener.post({ id, data: [sent.length, 'x'.repeat(20_000)] });
          sent.push(...(it.status === 200 ? [sent.length] : []));
          return it.status === 200 ? undefined : it;
        });
        assert.equal(refused.status, 507, refused.text);
        assert.equal(refused.headers['content-type'], 'application/problem+json');
        assert.equal(refused.headers['retry-after'], '30');
        assert.equal((await request(server.url('/'))).status, 200);
        await isIll(server);
        await joining.resume();
        await until('what was taken in', () => joining.down.inbox.length >= sent.length);
        assert.deepEqual(joining.down.inbox.map((it) => it.value.data[0]), sent);
        joining.down.inbox.length = 0;
        await until('room', async () => {
          await joining.drop();
          await joining.resume();
          return (await opener.post({ id, data: 'again' })).status === 200;
        });
        assert.deepEqual(await joining.value(), { data: 'again' });
      });
    },
  });

/** What monitors are told. @param {import('./site.mjs').Server} server */
async function isIll(server) {
  const answer = await request(server.url('/health'));
  assert.equal(answer.status, 503, answer.text);
  assert.equal(answer.json.status, 'fail');
  assert.equal(answer.json.output, 'The disk or the database is full.');
}

/**
 * A small disk for the database, if this user may mount one.
 * @param {Site} site
 */
function smallDisk(site) {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m,mode=0777', 'tmpfs', dirname(site.db)],
      { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

onSite('a disk that is full', {}, async (site) => {
  const mounted = smallDisk(site);
  site.give('db');
  return { site, mounted, server: mounted ? await site.serve(kind('lighttpd FastCGI')) : undefined };
}, {
  'refuses with 507, keeps what it has, and takes again when there is room': async ({ site, mounted, server }, t) => {
    if (!mounted || server === undefined) {
      t.skip('mounting a small file system takes root and a machine that permits it');
      return;
    }
    const scene = { server, site, wire: /** @type {const} */ ('sse') };
    const filler = join(dirname(site.db), 'filler');
    try {
      await withSources(scene, PATH, 2, async (opener, joining) => {
        const id = await pair(opener, joining);
        fillUp(filler);
        const refused = await until('a refusal', async () => {
          const it = await opener.post({ id, data: 'x'.repeat(60_000) });
          return it.status === 200 ? undefined : it;
        });
        assert.equal(refused.status, 507, refused.text);
        assert.equal((await request(server.url('/'))).status, 200);
        await isIll(server);
        rmSync(filler);
        joining.down.inbox.length = 0;
        await until('room', async () => (await opener.post({ id, data: 'again' })).status === 200);
        await until('the message', () => joining.down.inbox.some((it) => it.value.data === 'again'));
      });
    } finally {
      await server.stop();
      execFileSync('umount', [dirname(site.db)]);
    }
  },
});

/** @param {string} path of a file that takes all the room there is */
function fillUp(path) {
  const fd = openSync(path, 'w');
  const block = Buffer.alloc(4096);
  try {
    for (;;) {
      writeSync(fd, block);
    }
  } catch {
    closeSync(fd);
  }
}

onSite('a database nobody here can read', {}, async (site) => site, {
  'of a future version: a clear refusal by every gate and by the command line': async (site) => {
    await answer(site);
    site.hubs().forEach((pid) => signal(pid, 'SIGTERM'));
    await until('the hub to leave', () => site.hubs().length === 0);
    setVersion(site.db, 999);
    const size = statSync(site.db).size;
    const server = await site.serve(kind('lighttpd FastCGI'), { ready: false });
    await until('503', async () => (await request(server.url(PATH))).status === 503);
    assert.match(server.log(), /newer/);
    const cgi = await answer(site, { uri: PATH });
    assert.equal(cgi.status, 503, cgi.text);
    assert.match(cgi.text, /application\/problem\+json/);
    const check = await run([join(site.root, 'bin/sigpost'), 'check'],
      { cwd: site.root, env: site.environment() });
    assert.notEqual(check.status, 0);
    assert.match(check.output + check.errors, /newer/i);
    assert.equal(statSync(site.db).size, size, 'and it was left alone');
    await server.stop();
    erase(site);
  },

  'that is no database: the same': async (site) => {
    writeFileSync(site.db, 'This is a letter to my aunt, and no database. '.repeat(200));
    site.give('db/sigpost.db');
    const server = await site.serve(kind('lighttpd FastCGI'), { ready: false });
    await until('503', async () => (await request(server.url(PATH))).status === 503);
    assert.match(server.log(), /no database/);
    await server.stop();
  },
});

/**
 * user_version, four bytes at 60 in the head of the file.
 * @param {string} db
 * @param {number} version
 */
function setVersion(db, version) {
  const fd = openSync(db, 'r+');
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(version);
  writeSync(fd, bytes, 0, 4, 60);
  closeSync(fd);
}

