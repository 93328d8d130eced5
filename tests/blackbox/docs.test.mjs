/**
 * What the documents say: transcripts are run, configurations are those the other tests use, every
 * setting is described, links lead somewhere, manual pages are well-formed.
 */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { freePort, kind, onSite } from './harness.mjs';
import { ALL_KINDS } from './kinds.mjs';
import { PROGRAM, example, settings, withTable } from './described.mjs';
import { Session, transcripts } from './transcript.mjs';

const SOURCE = fileURLToPath(new URL('../..', import.meta.url));
const FILES = ['README.md', ...readdirSync(join(SOURCE, 'docs')).map((name) => `docs/${name}`)]
  .filter((name) => name.endsWith('.md'));

/** @param {string} name in the source tree */
const read = (name) => readFileSync(join(SOURCE, name), 'utf8');

/** The times users have, not the quick ones of other tests. */
const USUAL = {
  heartbeat_min_ms: 15_000, heartbeat_max_ms: 25_000, retry_min_ms: 500, retry_max_ms: 1500,
  grace_ms: 3000, hold_ms: 25_000,
  star_tick_ms: 600_000,  // or what is told then would stand anywhere
};

/** What a transcript is about. @type {Record<string, import('./site.mjs').Settings>} */
const SPECIAL = { 'docs/limits.md': { address_sessions: 1, max_body_bytes: 1024 } };

/** @param {string} file */
function play(file) {
  onSite(`transcripts of ${file}`, { settings: { ...USUAL, ...SPECIAL[file] } }, async (site) => {
    const server = await site.serve(kind('sigpost serve'));
    writeFileSync(join(site.root, '.curlrc'), 'no-progress-meter\n');  // as in a terminal
    const env = { ...server.env, PATH: `${site.root}/bin:${process.env.PATH}`, HOME: site.root };
    const other = String(await freePort());
    return new Session({ cwd: site.root, env }, (command) =>
      command.replaceAll('http://127.0.0.1:9000', server.base).replaceAll('9443', other));
  }, {
    'show what happens': async (session) => {
      try {
        for (const steps of transcripts(read(file))) {
          await session.play(steps);
        }
        session.check();
      } finally {
        await session.end();
      }
    },
  });
}

FILES.filter((file) => transcripts(read(file)).length > 0).forEach(play);

// ---- settings

test('every setting is in docs/settings.md, as conf.def has it: ./dev settings writes it', () => {
  const all = settings();
  assert.ok(all.length >= 20, `${all.length} rows were understood`);
  assert.equal(all.length, read('src/conf.def').match(/^CONF_/gm)?.length, 'rows of conf.def');
  assert.equal(read('docs/settings.md'), withTable(read('docs/settings.md')));
});

test('conf/sigpost.conf has every setting, and changes none: ./dev settings writes it', () => {
  assert.equal(read('conf/sigpost.conf'), example());
  const { status, stdout } = spawnSync(PROGRAM, ['check', '--print-config', '--config', join(SOURCE, 'conf/sigpost.conf')],
    { env: {}, encoding: 'utf8' });
  assert.equal(status, 0);
  assert.equal(stdout.match(/^#\w+ = /gm)?.length, settings().length, 'all of it is comment');
});

test('every setting is in sigpost(8)', () => {
  const page = read('man/sigpost.8');
  for (const { name } of settings()) {
    assert.ok(page.includes(`\n.It Ic ${name} `) || page.includes(`\n.It Ic ${name}\n`), name);
  }
});

// ---- configurations

/** Of web servers; sigpost.conf has the settings. */
const CONFIGURATIONS = readdirSync(join(SOURCE, 'conf')).filter((it) => /\.(conf|service|socket)$/.test(it) && it !== 'sigpost.conf').sort();

/** Without what its place on a page changes: indentation, and empty lines around. @param {string} text */
const lines = (text) => text.split('\n').map((it) => it.trim()).join('\n').trim();

test('configurations on the pages are excerpts of those that are installed and tested', () => {
  const seen = new Set();
  for (const file of FILES) {
    for (const [, name, text] of read(file).matchAll(/^```(\S+\.(?:conf|service|socket))\n([^]*?)^```$/gm)) {
      seen.add(name);
      const whole = `\n${lines(read(`conf/${name}`))}\n`;
      assert.ok(whole.includes(`\n${lines(text)}\n`), `${file}: conf/${name} has no\n${text}`);
    }
  }
  assert.deepEqual([...seen].sort(), CONFIGURATIONS, 'each is shown');
});

test('every web server configuration that is installed stands in the table of the tests', () => {
  const has = new Set(ALL_KINDS.flatMap(({ conf }) => conf ?? []));
  assert.deepEqual([...has].sort(), CONFIGURATIONS.filter((it) => it.endsWith('.conf')));
});

// ---- security

test('every row of docs/security.md names a test that is there', () => {
  const rows = read('docs/security.md').split('\n').filter((line) => /^\| (?!attack|what |---)/.test(line));
  assert.ok(rows.length >= 25, `${rows.length}`);
  for (const row of rows) {
    const named = [...row.split('|')[3].matchAll(/`((?:blackbox|pages|unit)\/[\w-]+)`: ([^`|]*?)(?=, `|\s*$)/g)];
    assert.ok(named.length > 0, row);
    for (const [, file, title] of named) {
      assert.ok(read(`tests/${file}.test.mjs`).includes(title.replaceAll("'", "\\'")), `${file} has no ${title}`);
    }
  }
});

// ---- the rest

test('links lead somewhere', () => {
  for (const file of FILES) {
    for (const [, target] of read(file).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      const path = join(SOURCE, dirname(file), target);
      assert.ok(existsSync(path), `${file} links to ${target}`);
    }
  }
});

test('every document is installed', () => {
  const listed = read('Makefile.am').match(/^nobase_dist_doc_DATA = (?:.*\\\n)*.*$/m)?.[0] ?? '';
  FILES.forEach((file) => assert.ok(listed.includes(file), file));
});

test('manual pages are well-formed', (t) => {
  const pages = readdirSync(join(SOURCE, 'man')).filter((name) => /\.\d$/.test(name));
  assert.deepEqual(pages.sort(), ['sigpost.8', 'sigpost.cgi.8']);
  if (spawnSync('mandoc', ['-Tlint', '/dev/null']).error !== undefined) {
    t.skip('mandoc is not installed');
    return;
  }
  for (const name of pages) {
    execFileSync('mandoc', ['-Tlint', '-Wwarning', join(SOURCE, 'man', name)], { encoding: 'utf8' });
  }
});
