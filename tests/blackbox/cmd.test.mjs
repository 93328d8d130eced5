/** The command line: init, stat, serve and fcgi, their sentences, exit codes and --json. */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { HEAD_APPLICATION_ID, HEAD_USER_VERSION, check, has, made, names, place, sigpost, stamp } from './cmd.mjs';
import { Channel, Process, freePort, kind, newKey, onSite, processesOf, request, run, until } from './harness.mjs';

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
