/** `sigpost check`: each finding, its sentence, and that looking changes nothing. */

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Certificates } from './certificates.mjs';
import { HEAD_APPLICATION_ID, HEAD_USER_VERSION, check, has, made, names, nobody, place, sigpost, stamp } from './cmd.mjs';
import { freePort, onSite, run } from './harness.mjs';

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
