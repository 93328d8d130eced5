/**
 * What an admin can do wrong with a database: each verb says so with one sentence that helps and an exit code that
 * is not zero, and nothing was changed. (Settings that are wrong: settings.test.mjs.)
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { answer } from './cgi-child.mjs';
import { freePort, newKey, onSite, run } from './harness.mjs';

/** @typedef {import('./site.mjs').Site} Site */

const HEAD_USER_VERSION = 60;  // SQLite file format, 1.3
const root = process.getuid?.() === 0;

/** A directory of its own. @param {Site} site */
function place(site) {
  const name = newKey().replace(' ', '-');
  mkdirSync(join(site.root, name), { mode: 0o700 });
  site.give(name);
  return join(site.root, name);
}

/** @param {Site} site @param {string[]} args @param {string[]} [before] what starts it */
const sigpost = (site, args, before = []) =>
  run([...before, join(site.root, 'bin/sigpost'), ...args], { cwd: site.root, env: { SIGPOST_CONFIG: '', TMPDIR: join(site.root, 'htdocs') } });

/** A database that `init` made. @param {Site} site */
async function made(site, directory = place(site)) {
  const db = join(directory, 'sigpost.db');
  const { status, errors } = await sigpost(site, ['init', '--db', db]);
  assert.equal(status, 0, errors);
  return { directory, db };
}

/** Every file of a directory with its hash; an index of a WAL (-shm) is SQLite's scratch. @param {string} directory */
function print(directory) {
  return readdirSync(directory, { withFileTypes: true }).filter(({ name }) => !name.endsWith('-shm')).map((it) =>
    `${it.name} ${it.isFile() && createHash('sha256').update(readFileSync(join(directory, it.name))).digest('hex')}`).sort();
}

/** All verbs that need a database. @param {Site} site */
const verbs = async (site) => [['init'], ['stat'], ['key', 'list'], ['key', 'add', 'x'], ['key', 'set', 'peerjs', '--discovery', 'on'],
  ['check', '--www', join(site.root, 'www')], ['fcgi', '--listen', join(site.root, 'admin.sock')],
  ['serve', '--www', join(site.root, 'www'), '--port', String(await freePort())]];

/**
 * Each verb fails, with one sentence, and changes nothing.
 * @param {Site} site
 * @param {string} db
 * @param {{says: RegExp, check: RegExp, but?: string[], missing?: RegExp}} expected but: verbs that need not fail; missing: what those
 *   say that make no database
 */
async function refused(site, db, { says, check, but = [], missing = says }) {
  const directory = join(db, '..');
  for (const verb of (await verbs(site)).filter(([name]) => !but.includes(name))) {
    const before = print(directory);
    const { status, output, errors } = await sigpost(site, [...verb, '--db', db]);
    const about = `${verb.join(' ')}: ${output}${errors}`;
    assert.equal(status, 1, about);
    if (verb[0] === 'check') {
      assert.match(output, new RegExp(`^fail .*${check.source}`, 'm'), about);
    } else {
      assert.match(errors, ['stat', 'key'].includes(verb[0]) ? missing : says, about);
      assert.equal(errors.trimEnd().split('\n').length, 1, about);
      assert.equal(output, '', about);
    }
    assert.deepEqual(print(directory), before, about);
  }
}

/** @param {import('node:test').TestContext} t @param {string} why */
function rootOnly(t, why) {
  if (!root) {
    t.skip(why);
  }
  return root;
}

/**
 * A file system of its own for a test, if this user may mount one; unmounted at its end.
 * @param {import('node:test').TestContext} t
 * @param {string} directory
 * @param {string} size
 */
function mounted(t, directory, size) {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0777`, 'tmpfs', directory], { stdio: 'pipe' });
  } catch {
    t.skip('this user may not mount a small file system');
    return false;
  }
  t.after(() => execFileSync('umount', [directory]));
  return true;
}

/** Writes until nothing more fits. @param {string} directory */
function stuff(directory) {
  for (let size = 65536; size >= 512; size /= 2) {
    try {
      for (;;) {
        writeFileSync(join(directory, 'stuffing'), 'x'.repeat(size), { flag: 'a' });
      }
    } catch {
      // smaller, then
    }
  }
}

onSite('a database that an admin', {}, async (site) => site, {
  'has put where this user may not go': async (site, t) => {
    if (rootOnly(t, 'only root can make a directory of somebody else')) {
      const { db, directory } = await made(site);
      chownSync(directory, 0, 0);
      await refused(site, db, { says: /cannot be (reached|written) \(Permission denied\), .*(run this as the user that serves|make it writable)/,
        check: /cannot be written by uid \d+ .*chown/ });
    }
  },

  'has made read-only': async (site, t) => {
    if (rootOnly(t, 'only root can make a file of somebody else')) {
      const { db } = await made(site);
      chownSync(db, 0, 0);
      chmodSync(db, 0o444);
      await refused(site, db, { says: /sigpost\.db cannot be written, give this user permission to/, check: /give this user permission to/ });
    }
  },

  'has on a file system that is mounted for reading only': async (site, t) => {
    const directory = place(site);
    if (mounted(t, directory, '4m')) {
      const { db } = await made(site, directory);
      execFileSync('mount', ['-o', 'remount,ro', directory]);
      await refused(site, db, { says: /\(Read-only file system\).*make it writable/, check: /mounted for reading only\. Mount it/ });
    }
  },

  'has on a disk that became full': async (site, t) => {
    const directory = place(site);
    if (mounted(t, directory, '400k')) {
      const { db } = await made(site, directory);
      stuff(directory);
      await refused(site, db, { says: /no space for .*sigpost\.db, free some/, check: /are free for .*Free some/, but: ['fcgi'] });
    }
  },

  'wants on a full disk: no half of it is left': async (site, t) => {
    const directory = place(site);
    if (mounted(t, directory, '64k')) {
      stuff(directory);
      const db = join(directory, 'a/sigpost.db');
      const { status, errors } = await sigpost(site, ['init', '--db', db]);
      assert.equal(status, 1);
      assert.match(errors, /^sigpost init: .*(no space for|No space left).*\n$/);
      assert.deepEqual(readdirSync(directory), ['stuffing']);
    }
  },

  'may make no larger: no half of it is left, and what is there stays': async (site) => {
    const limited = (/** @type {number} */ blocks) => ['bash', '-c', `trap '' XFSZ; ulimit -f ${blocks}; exec "$@"`, '-'];
    const directory = place(site);
    const fresh = await sigpost(site, ['init', '--db', join(directory, 'a/sigpost.db')], limited(8));
    assert.equal(fresh.status, 1, fresh.output);
    assert.match(fresh.errors, /^sigpost init: .*\n$/m);
    assert.equal(existsSync(join(directory, 'a')), false);
    const { db } = await made(site);
    const before = readFileSync(db);
    const key = await sigpost(site, ['key', 'add', 'x', '--db', db], limited(2));
    assert.equal(key.status, 1, key.output);
    assert.notEqual(key.errors, '');
    assert.deepEqual(readFileSync(db), before);
    assert.match((await sigpost(site, ['key', 'list', '--db', db])).output, /^peerjs/m);
  },

  'has used with a newer version': async (site) => {
    const { db } = await made(site);
    const bytes = readFileSync(db);
    bytes.writeUInt32BE(99, HEAD_USER_VERSION);
    writeFileSync(db, bytes);
    await refused(site, db, { says: /was made by a newer sigpost \(its schema is 99, this one knows \d+\): upgrade/, check: /was made by a newer sigpost/ });
    const child = await answer(site, { env: { SIGPOST_DB: db } });
    assert.equal(child.status, 503, child.text);
    assert.deepEqual(readFileSync(db), bytes);
  },

  'has taken for another file': async (site) => {
    const directory = place(site);
    const db = join(directory, 'sigpost.db');
    writeFileSync(db, 'what is this?\n'.repeat(100));
    site.give(db.slice(site.root.length + 1));
    await refused(site, db, { says: /is damaged or no database, move it away or restore a backup/, check: /no database/ });
    assert.equal(statSync(db).size, 1400);
  },

  'has named as a directory': async (site) => {
    const db = join(place(site), 'sigpost.db');
    mkdirSync(db);
    await refused(site, db, { says: /is not a plain file, name another path/, check: /is not a plain file/ });
  },
});
