/** The command line: init, check, stat and serve, their sentences, exit codes and --json. */

import assert from 'node:assert/strict';
import {
  chmodSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { Certificates } from './certificates.mjs';
import {
  Channel, Process, freePort, kind, newKey, onSite, processesOf, request, run, until,
} from './harness.mjs';

const HEAD_USER_VERSION = 60;  // SQLite file format, 1.3
const HEAD_APPLICATION_ID = 68;

/** @typedef {import('./site.mjs').Site} Site */

/**
 * Runs `sigpost` as the user the servers run as.
 * @param {Site} site
 * @param {string[]} args
 * @param {{env?: Record<string, string>, cwd?: string, user?: {uid: number, gid: number}}} [options]
 */
function sigpost(site, args, { env = {}, cwd = site.root, ...more } = {}) {
  return run([join(site.root, 'bin/sigpost'), ...args], { cwd, env, ...more });
}

/** A directory of its own for a test. @param {Site} site */
function place(site) {
  const name = `place ${newKey()}`;
  mkdirSync(join(site.root, name), { mode: 0o700 });
  site.give(name);
  return join(site.root, name);
}

/** A database that `init` made. @param {Site} site @param {string[]} more */
async function made(site, ...more) {
  const directory = place(site);
  const db = join(directory, 'sigpost.db');
  const { status, errors } = await sigpost(site, ['init', '--db', db, ...more]);
  assert.equal(status, 0, errors);
  return { directory, db };
}

/** Changes a number in the head of a database nobody has open. */
function stamp(/** @type {string} */ db, /** @type {number} */ at, /** @type {number} */ value) {
  const bytes = readFileSync(db);
  bytes.writeUInt32BE(value, at);
  writeFileSync(db, bytes);
  return bytes;
}

/** @typedef {{level: string, about: string, what: string, mend?: string}} Finding */

/**
 * What check finds; the printed rows and --json must say the same.
 * @param {Site} site
 * @param {string[]} args
 * @param {{env?: Record<string, string>, user?: {uid: number, gid: number}}} [options]
 */
async function check(site, args, options) {
  const www = ['--www', join(site.root, 'www')];
  const printed = await sigpost(site, ['check', ...www, ...args], options);
  const { output, status } = await sigpost(site, ['check', '--json', ...www, ...args], options);
  const { ok, findings } = JSON.parse(output);
  const rows = findings.map((/** @type {Finding} */ { level, about, what, mend }) =>
    `${level.padEnd(5)} ${about.padEnd(12)} ${what}${mend === undefined ? '' : `. ${mend}`}\n`);
  assert.equal(printed.output, rows.join(''));
  assert.equal(printed.status, status);
  assert.equal(status, ok ? 0 : 1);
  assert.equal(ok, !findings.some((/** @type {Finding} */ it) => it.level === 'fail'));
  for (const it of findings) {
    assert.equal(it.mend === undefined, ['ok', 'note'].includes(it.level), `${it.what}: a sentence mends what is not ok`);
  }
  return { ok, findings: /** @type {Finding[]} */ (findings) };
}

/**
 * One finding about something, of this level.
 * @param {{findings: Finding[]}} all
 * @param {string} about
 * @param {string} level
 * @param {RegExp} what
 * @param {RegExp} [mend]
 */
function has({ findings }, about, level, what, mend) {
  const found = findings.find((it) => it.about === about && it.level === level && what.test(it.what));
  assert.ok(found, `${level} ${about} ${what}: ${JSON.stringify(findings.filter((it) => it.about === about))}`);
  if (mend !== undefined) {
    assert.match(found.mend ?? '', mend);
  }
}

/** @param {string} directory */
const names = (directory) => readdirSync(directory).sort();

const nobody = { uid: 65534, gid: 65534 };

onSite('sigpost init', {}, async (site) => site, {
  'makes the directory, for this user only, and the database': async (site) => {
    const directory = join(place(site), 'a/b');
    const db = join(directory, 'sigpost.db');
    const first = await sigpost(site, ['init', '--db', db]);
    assert.equal(first.status, 0, first.errors);
    assert.match(first.output, /^made directory .*\/a\/b \(mode 700\)\nmade database .*sigpost\.db \(schema \d+, journal wal\)\n$/);
    assert.equal(statSync(directory).mode & 0o7777, 0o700);
    assert.equal(statSync(db).mode & 0o777, 0o600);
    assert.deepEqual(names(directory), ['sigpost.db']);
  },

  'says that it is there, the second time, and changes nothing': async (site) => {
    const { directory, db } = await made(site);
    const before = readFileSync(db);
    const again = await sigpost(site, ['init', '--journal', 'rollback', '--db', db]);
    assert.equal(again.status, 0, again.errors);
    assert.match(again.output, /^database .* is there already \(schema \d+, journal wal\): nothing changed\n$/);
    assert.deepEqual(readFileSync(db), before);
    assert.deepEqual(names(directory), ['sigpost.db']);
  },

  'works from a path without a directory, and from the environment': async (site) => {
    const directory = place(site);
    const { status, errors } = await sigpost(site, ['init'], { cwd: directory, env: { SIGPOST_DB: 'x.db' } });
    assert.equal(status, 0, errors);
    assert.deepEqual(names(directory), ['x.db']);
  },

  'makes no WAL where none is wanted': async (site) => {
    const { db } = await made(site, '--journal', 'rollback');
    assert.equal(readFileSync(db)[18], 1, 'the journal version in the head of the file');
  },

  'refuses a newer database, another program\'s, and what is none': async (site) => {
    const { directory, db } = await made(site);
    const other = join(directory, 'other.db');
    writeFileSync(other, readFileSync(db));
    stamp(other, HEAD_APPLICATION_ID, 7);
    const text = join(directory, 'text.db');
    writeFileSync(text, 'what is this?\n'.repeat(100));
    stamp(db, HEAD_USER_VERSION, 99);
    for (const path of [db, other, text]) {
      site.give(path.slice(site.root.length + 1));
    }
    for (const [path, sentence] of /** @type {[string, RegExp][]} */ ([
      [db, /^sigpost init: .* was made by a newer sigpost \(its schema is 99, this one knows \d+\): upgrade\n$/],
      [other, /^sigpost init: .* is not a sigpost database, name another path\n$/],
      [text, /^sigpost init: .* is damaged or no database, move it away or restore a backup\n$/],
    ])) {
      const before = readFileSync(path);
      const { status, output, errors } = await sigpost(site, ['init', '--db', path]);
      assert.equal(status, 1, path);
      assert.match(errors, sentence);
      assert.equal(output, '');
      assert.deepEqual(readFileSync(path), before);
    }
  },

  'says what to do where it may not write': async (site, t) => {
    if (process.getuid?.() !== 0) {
      t.skip('only root can make a directory that this user may not write');
      return;
    }
    const directory = join(site.root, newKey());
    mkdirSync(directory, { mode: 0o755 });
    const { status, errors } = await sigpost(site, ['init', '--db', join(directory, 'db/sigpost.db')]);
    assert.equal(status, 1);
    assert.match(errors, /^sigpost init: .*: Permission denied; make it by hand .*\n$/);
  },
});

onSite('sigpost, wrong usage', {}, async (site) => site, {
  'is named, with exit code 2': async (site) => {
    for (const [args, sentence] of /** @type {[string[], RegExp][]} */ ([
      [[], /^usage: /],
      [['tidy'], /^sigpost: tidy: there is no such verb/],
      [['init', 'x.db'], /^sigpost: x\.db: it is not an option\n$/],
      [['init', '--nothing', '1'], /^sigpost: --nothing: there is no such setting\n$/],
      [['stat', '--db'], /^sigpost: --db: it needs a value\n$/],
      [['check', '--max-streams', '0'], /^sigpost: --max-streams: max_streams takes a whole number from 1 to \d+\n$/],
      [['check', '--mount=x'], /^sigpost: settings: mount /],
    ])) {
      const { status, output, errors } = await sigpost(site, args);
      assert.equal(status, 2, `${args}: ${errors}`);
      assert.match(errors, sentence);
      assert.equal(output, '');
    }
    const wrong = await sigpost(site, ['stat'], { env: { SIGPOST_HOLD_MS: 'long' } });
    assert.equal(wrong.status, 2);
    assert.match(wrong.errors, /hold_ms takes a time such as 25s or 25000, from 10ms to 10m\n$/);
  },

  'is not asking for help, or for the version': async (site) => {
    const help = await sigpost(site, ['--help']);
    assert.equal(help.status, 0);
    for (const word of ['serve', 'init', 'check', 'stat', '--max_streams', 'sigpost(8)']) {
      assert.ok(help.output.includes(word), word);
    }
    const version = await sigpost(site, ['--version']);
    assert.equal(version.status, 0);
    assert.match(version.output, /^sigpost \d+\.\d+\.\d+\n$/);
  },
});

onSite('sigpost check', {}, async (site) => site, {
  'finds nothing wrong with what init made, and changes nothing': async (site) => {
    const { directory, db } = await made(site);
    const before = readFileSync(db);
    const all = await check(site, ['--db', db]);
    assert.ok(all.ok);
    has(all, 'directory', 'ok', /can be written \(mode 700\)$/);
    has(all, 'database', 'ok', /opens \(schema \d+, \d+ bytes\)$/);
    has(all, 'journal', 'ok', /^WAL$/);
    has(all, 'bell', 'ok', /can be watched$/);
    has(all, 'hub', 'ok', /^none runs/);
    has(all, 'courier', 'ok', /bin\/sigpost\.cgi$/);
    has(all, 'pages', 'ok', /www$/);
    assert.deepEqual(readFileSync(db), before);
    assert.deepEqual(names(directory), ['sigpost.db']);
  },

  'says each setting and where it came from': async (site) => {
    const { db } = await made(site);
    const all = await check(site, ['--hold-ms', '77', '--db', db], { env: { SIGPOST_GRACE_MS: '88', SIGPOST_HOLD_MS: '66' } });
    const shown = all.findings.filter((it) => it.about === 'setting').map((it) => it.what);
    assert.ok(shown.includes('hold_ms = 77 (command line)'));
    assert.ok(shown.includes('grace_ms = 88 (environment)'));
    assert.ok(shown.includes('max_streams = 16000 (default)'));
    assert.ok(shown.includes(`db = ${db} (command line)`));
  },

  'finds variables that count for nothing': async (site) => {
    const { db } = await made(site);
    const all = await check(site, ['--db', db], { env: { SIGPOST_HOLD: '5s', SIGPOST_COLOUR: 'red', SIGPOST_BIN: '/x', SIGPOST_CONFIG: '' } });
    has(all, 'environment', 'warn', /^SIGPOST_HOLD: there is no such setting; did you mean hold_ms\?$/, /remove/);
    has(all, 'environment', 'warn', /^SIGPOST_COLOUR: there is no such setting$/);
    assert.equal(all.findings.filter((it) => it.about === 'environment').length, 2);
  },

  'finds settings that make no sense together, at the edge and not before': async (site) => {
    const { db } = await made(site);
    for (const [wrong, right, what] of /** @type {[string[], string[], RegExp][]} */ ([
      [['--heartbeat_max_ms=60s'], ['--heartbeat_max_ms=59999'], /^heartbeat_max_ms is 1m: web servers usually cut/],
      [['--hold_ms=60s'], ['--hold_ms=59999'], /^hold_ms is 1m: web servers usually cut/],
      [['--lifetime_ms=25s'], ['--lifetime_ms=25001'], /^heartbeat_max_ms is 25s: streams end before that/],
      [['--away_ms=1500'], ['--away_ms=1501'], /^retry_max_ms is 1500ms: a client that lost its stream is gone/],
      [['--peerjs_expire_ms=1500'], ['--peerjs_expire_ms=1501'], /^retry_max_ms is 1500ms: messages for a client/],
      [['--max_pending_bytes=262143'], ['--max_pending_bytes=262144'], /^max_pending_bytes is 262143, less than one body/],
      [['--max_db_bytes=1048575'], ['--max_db_bytes=1M'], /^max_db_bytes is 1048575: the database is full before/],
    ])) {
      has(await check(site, ['--db', db, ...wrong]), 'sense', 'warn', what, /./);
      const { findings } = await check(site, ['--db', db, ...right]);
      assert.deepEqual(findings.filter((it) => it.about === 'sense'), [], right[0]);
    }
    has(await check(site, ['--db', db, '--log_level=debug']), 'sense', 'note', /a line for each request/);
  },

  'finds a file of settings that others may write, and one that is served': async (site) => {
    const { db } = await made(site);
    const file = join(site.root, 'htdocs/sigpost.conf');
    writeFileSync(file, 'hold_ms = 5s\n');
    site.give('htdocs/sigpost.conf');
    chmodSync(file, 0o664);
    const open = await check(site, ['--db', db, '--config', file]);
    has(open, 'file', 'warn', /sigpost\.conf can be written by other users \(mode 664\)$/, /chmod go-w/);
    has(open, 'file', 'warn', /looks like a place/, /outside/);
    chmodSync(file, 0o644);
    has(await check(site, ['--db', db, '--config', file]), 'file', 'ok', /is read$/);
    has(await check(site, ['--db', db, '--config=']), 'file', 'ok', /^no file/);
  },

  'finds a database that anybody may fetch, or that will not last': async (site) => {
    const { directory, db } = await made(site);
    const served = await check(site, ['--db', db], { env: { DOCUMENT_ROOT: site.root } });
    has(served, 'directory', 'fail', /is below DOCUMENT_ROOT/, /outside/);
    assert.equal(served.ok, false);
    const beside = await check(site, ['--db', db], { env: { DOCUMENT_ROOT: directory.slice(0, -1) } });
    assert.ok(beside.ok, 'a name that only begins the same');
    has(beside, 'directory', 'warn', /is emptied from time to time/, /lasts/);
  },

  'prints a file of what is in force, which says the same again': async (site) => {
    const args = ['--print-config', '--hold-ms', '90', '--peerjs-key', 'a # b ', '--max-body-bytes', '1M'];
    const { status, output } = await sigpost(site, ['check', ...args]);
    assert.equal(status, 0);
    assert.deepEqual(output.match(/^[^#\n].*$/gm), ['max_body_bytes = 1M', 'hold_ms = 90ms', 'peerjs_key = "a # b "']);
    const file = join(site.root, 'printed.conf');
    writeFileSync(file, output);
    assert.equal((await sigpost(site, ['check', '--print-config', '--config', file])).output, output);
  },

  'misses a directory, and one that is none': async (site) => {
    const { db } = await made(site);
    const missing = await check(site, ['--db', join(site.root, 'nowhere/sigpost.db')]);
    has(missing, 'directory', 'fail', /No such file/, /sigpost init/);
    assert.equal(missing.ok, false);
    const file = await check(site, ['--db', `${db}/sigpost.db`]);
    has(file, 'directory', 'fail', /is not a directory/, /--db/);
  },

  'warns of a directory others may enter, and of one that is served': async (site) => {
    const { directory, db } = await made(site);
    chmodSync(directory, 0o755);
    const open = await check(site, ['--db', db]);
    has(open, 'directory', 'warn', /is open to other users \(mode 755\)$/, /chmod 700/);
    assert.ok(open.ok);
    const served = join(site.root, 'htdocs/private');
    mkdirSync(served, { mode: 0o700 });
    site.give('htdocs/private');
    has(await check(site, ['--db', join(served, 'x.db')]), 'directory', 'warn', /looks like a place/, /outside/);
  },

  'says who may not write': async (site, t) => {
    if (process.getuid?.() !== 0) {
      t.skip('only root can be somebody else');
      return;
    }
    const { db } = await made(site);
    chmodSync(site.root, 0o755);
    const all = await check(site, ['--db', db], { user: nobody });
    has(all, 'directory', 'fail', /cannot be written by uid 65534/, /chown/);
    assert.equal(all.ok, false);
  },

  'misses a database, without making one': async (site) => {
    const directory = place(site);
    const all = await check(site, ['--db', join(directory, 'x.db')]);
    has(all, 'database', 'warn', /is not there yet/, /sigpost init/);
    assert.ok(all.ok);
    assert.deepEqual(names(directory), []);
  },

  'fails on a newer database and on what is none': async (site) => {
    const { db } = await made(site);
    stamp(db, HEAD_USER_VERSION, 99);
    const newer = await check(site, ['--db', db]);
    has(newer, 'database', 'fail', /made by a newer sigpost/, /version/);
    assert.equal(newer.ok, false);
    stamp(db, HEAD_USER_VERSION, 1);
    stamp(db, HEAD_APPLICATION_ID, 7);
    has(await check(site, ['--db', db]), 'database', 'fail', /not a sigpost database/, /another path/);
  },

  'tells a rollback journal that is wanted from one that is not': async (site) => {
    const { db } = await made(site, '--journal', 'rollback');
    has(await check(site, ['--db', db]), 'journal', 'warn', /^rollback /, /./);
    has(await check(site, ['--db', db, '--journal', 'rollback']), 'journal', 'ok', /^rollback /);
    assert.equal(readFileSync(db)[18], 1, 'it stayed what it was');
  },

  'counts descriptors': async (site) => {
    const { db } = await made(site);
    const few = await run(['bash', '-c', 'ulimit -n 256 && exec "$@"', '-',
      join(site.root, 'bin/sigpost'), 'check', '--db', db], { cwd: site.root });
    assert.match(few.output, /^warn {2}descriptors {2}max_streams is 16000, but a process may open 256 files at most\. /m);
    has(await check(site, ['--db', db, '--max-streams', '100']), 'descriptors', 'ok', /^max_streams is 100/);
  },

  'knows what a lighttpd can do': async (site) => {
    const { db } = await made(site);
    for (const [version, level, what] of /** @type {[string, string, RegExp][]} */ ([
      ['1.4.35', 'warn', /holds answers back/],
      ['1.4.69', 'ok', /WebSocket by CGI with cgi\.upgrade, by FastCGI from 1\.4\.74 on$/],
      ['1.4.74', 'ok', /WebSocket by FastCGI with "upgrade", and by CGI/],
    ])) {
      const directory = place(site);
      writeFileSync(join(directory, 'lighttpd'), `#!/bin/sh\necho 'lighttpd/${version} (ssl) - a light webserver'\n`, { mode: 0o755 });
      const env = { PATH: `${directory}:${process.env.PATH}` };
      has(await check(site, ['--db', db], { env }), 'lighttpd', level, what);
      has(await check(site, ['--db', db], { env }), 'lighttpd', level, new RegExp(`^lighttpd ${version}`));
    }
  },

  'misses the key that peerjs_key names': async (site) => {
    const { db } = await made(site);
    has(await check(site, ['--db', db, '--peerjs-key', 'secret']), 'key', 'warn', /peerjs_key is secret, but there is no such key/, /key add/);
    const { findings } = await check(site, ['--db', db, '--peerjs-key', 'peerjs']);
    assert.ok(!findings.some((/** @type {any} */ it) => it.about === 'key'));
  },

  'knows whether lighttpd has TLS': async (site) => {
    const { db } = await made(site);
    has(await check(site, ['--db', db]), 'lighttpd-tls', 'ok', /mod_openssl is there/);
    const directory = place(site);
    writeFileSync(join(directory, 'lighttpd'),
      '#!/bin/sh\n[ "$1" = -v ] || exit 255\necho \'lighttpd/1.4.69 (ssl) - a light webserver\'\n', { mode: 0o755 });
    const env = { PATH: `${directory}:${process.env.PATH}` };
    has(await check(site, ['--db', db], { env }), 'lighttpd-tls', 'warn', /no mod_openssl/, /lighttpd-mod-openssl/);
    const pem = new Certificates(join(site.root, 'pem'));
    const said = await run([join(site.root, 'bin/sigpost'), 'serve', '--port', String(await freePort()), '--db', db,
      '--www', join(site.root, 'www'), '--tls-cert', pem.path('cert'), '--tls-key', pem.path('cert-key')], { cwd: site.root, env });
    assert.match(said.errors, /^sigpost serve: TLS: lighttpd has no mod_openssl; install the package lighttpd-mod-openssl$/m);
    assert.equal(said.status, 1);
  },

  'misses pages and a courier that can be started': async (site) => {
    const { db } = await made(site);
    has(await check(site, ['--db', db, '--www', site.root]), 'pages', 'warn', /index\.html cannot be read/, /--www/);
    const courier = join(site.root, 'bin/sigpost.cgi');
    chmodSync(courier, 0o644);
    const broken = await check(site, ['--db', db]);
    chmodSync(courier, 0o755);
    has(broken, 'courier', 'fail', /is not executable/, /chmod/);
    assert.equal(broken.ok, false);
  },
});

onSite('sigpost check and stat, beside a server', {}, async (site) => (
  { site, server: await site.serve(kind('lighttpd FastCGI')) }
), {
  'check names the process that serves couriers': async ({ site, server }) => {
    const [pid] = server.pids();
    const all = await check(site, ['--db', site.db]);
    has(all, 'hub', 'ok', new RegExp(`^pid ${pid} serves couriers as uid (\\d+), this is uid \\1$`));
    has(all, 'bell', 'ok', /\.bell can be watched$/);
    has(all, 'database', 'ok', /opens/);
    assert.ok(all.ok);
  },

  'stat counts, and shows no secret': async ({ site, server }) => {
    const key = newKey();
    const [opener, joining] = await Promise.all([1, 2].map(() => Channel.open(server.url('/sigver'))));
    await opener.say({ open: key });
    await opener.value();
    await joining.say({ join: key });
    await joining.value();
    await joining.say({ data: 'a secret message' });
    await opener.value();
    const { status, output } = await sigpost(site, ['stat', '--json', '--db', site.db]);
    assert.equal(status, 0);
    const { database, journal, boxes, present, claims, links, messages, hubs } = JSON.parse(output);
    assert.deepEqual({ database, journal, boxes, present, claims, links, messages, hubs }, {
      database: site.db, journal: 'wal', boxes: 2, present: 2, claims: 1, links: 1, messages: 3, hubs: 1,
    });
    const table = await sigpost(site, ['stat', '--db', site.db]);
    assert.match(table.output, /^messages +3 {2}\S/m);
    const members = table.output.trim().split('\n').map((line) => line.split(' ')[0]);
    assert.deepEqual(members, Object.keys(JSON.parse(output)));
    for (const secret of [opener.auth, opener.cursor.split('.')[0], joining.auth, key, 'a secret message']) {
      assert.ok(!table.output.includes(secret) && !output.includes(secret), secret);
    }
    await Promise.all([opener.abandon(), joining.abandon()]);
  },

  'stat says what is wrong': async ({ site }) => {
    const { status, output, errors } = await sigpost(site, ['stat', '--db', join(site.root, 'db/none.db')]);
    assert.equal(status, 1);
    assert.match(errors, /^sigpost stat: there is no database at .*\n$/);
    assert.equal(output, '');
    rmSync(join(site.root, 'db/none.db'), { force: true });
  },
});

onSite('sigpost serve', {}, async (site) => site, {
  'takes paths relative to where it was started, and ends all of it': async (site) => {
    const port = await freePort();
    const it = new Process([join(site.root, 'bin/sigpost'), 'serve', '--port', `${port}`,
      '--db', 'served/sigpost.db', '--www', 'www'], { cwd: site.root, env: { TMPDIR: site.root } });
    const at = `http://127.0.0.1:${port}`;
    await until('an answer', async () => (await request(`${at}/`)).status === 200);
    const page = await request(`${at}/www/`);
    assert.equal(page.status, 200);
    assert.match(page.text, /<html/i);
    assert.equal(statSync(join(site.root, 'served')).mode & 0o7777, 0o700);
    assert.equal(await it.stop('SIGINT'), 0, it.log());
    await until('the end of its processes', () => processesOf(site.root).length === 0);
    assert.deepEqual(names(site.root).filter((name) => name.startsWith('sigpost-')), []);
  },
});

onSite('sigpost fcgi', {}, async (site) => site, {
  'serves on a socket of its own, and takes it away again': async (site) => {
    const { directory, db } = await made(site);
    const path = join(directory, 'fcgi');
    const it = new Process([join(site.root, 'bin/sigpost'), 'fcgi', '--listen', path, '--db', db],
      { cwd: site.root });
    const ask = () => run(['cgi-fcgi', '-bind', '-connect', path],
      { cwd: site.root, env: { REQUEST_METHOD: 'GET', REQUEST_URI: '/' } });
    await until('an answer', async () => /^Status: 200 OK\r\n/.test((await ask()).output));
    assert.equal(statSync(path).mode & 0o7777, 0o660);
    const second = await sigpost(site, ['fcgi', '--listen', path, '--db', db]);
    assert.equal(second.status, 1);
    assert.match(second.errors, /another process serves there/);
    assert.match((await ask()).output, /"PeerJS Server"/);
    assert.equal(await it.stop('SIGTERM'), 0, it.log());
    assert.ok(!names(directory).includes('fcgi'));
  },

  'says what is wrong with where it should listen': async (site) => {
    const { directory, db } = await made(site);
    writeFileSync(join(directory, 'file'), '');
    for (const [where, status, sentence] of /** @type {[string, number, RegExp][]} */ ([
      [`/${'x'.repeat(107)}`, 1, /at most 107 bytes/],
      [join(directory, 'file'), 1, /something else than a socket/],
      ['0', 2, /a path that begins with/],
      ['65536', 2, /a path that begins with/],
      ['::1', 2, /a path that begins with/],
    ])) {
      const { status: got, errors } = await sigpost(site, ['fcgi', '--listen', where, '--db', db]);
      assert.equal(got, status, where);
      assert.match(errors, sentence);
    }
    const { status, errors } = await sigpost(site, ['fcgi', '--db', db]);
    assert.equal(status, 2);
    assert.match(errors, /--listen is missing/);
  },
});

onSite('sigpost check, beside a hub that CGI founded', {}, async (site) => {
  await site.serve(kind('lighttpd CGI'));
  return site;
}, {
  'names the hub, not the courier that founded it': async (site) => {
    const [pid] = site.hubs();
    has(await check(site, ['--db', site.db]), 'hub', 'ok', new RegExp(`^pid ${pid} serves couriers`));
  },
});
