/** The file of settings: through every gate, below the environment and the command line, and when it is wrong. */

import assert from 'node:assert/strict';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { kind, newKey, onSite, request, run, until } from './harness.mjs';
import { serve } from './served.mjs';

/** @typedef {import('./site.mjs').Site} Site */

/** @param {Site} site @param {string} text @returns {string} the path of a file with it */
function file(site, text, name = `${newKey()}.conf`) {
  writeFileSync(join(site.root, name), text);
  site.give(name);
  return join(site.root, name);
}

/**
 * A server whose processes are told nothing but the name of a file.
 * @param {Site} site @param {string} name @param {string} text
 */
function serveFrom(site, name, text, ready = true) {
  const all = site.environment;
  const config = file(site, text);
  site.environment = (more) => {
    const { ASAN_OPTIONS, UBSAN_OPTIONS } = all.call(site, more);
    return { SIGPOST_CONFIG: config, ASAN_OPTIONS, UBSAN_OPTIONS };
  };
  return site.serve(kind(name), { ready }).finally(() => { site.environment = all; });
}

/** @param {Site} site @param {string[]} args @param {Record<string, string>} [env] */
const sigpost = (site, args, env = {}) => run([join(site.root, 'bin/sigpost'), ...args], { cwd: site.root, env });

const BRIEF = '# little is told\nhealth = brief\ndb = db/sigpost.db\nhub_idle_ms = 5s\n';

for (const name of ['lighttpd FastCGI', 'lighttpd CGI', 'nginx FastCGI', 'Apache mod_cgid']) {
  onSite(`a file of settings · ${name}`, {}, async (site) => site, {
    'is all a process needs': async (site) => {
      const server = await serveFrom(site, name, BRIEF);
      const { json } = await request(server.url('/health'));
      assert.deepEqual(Object.keys(json), ['status', 'version']);
      assert.ok(existsSync(site.db), 'a relative path is below the directory of the file');
      assert.equal(site.hubs().length, kind(name).gate === 'cgi' ? 1 : 0, 'couriers find the hub they founded');
      assert.equal((await request(server.url('/health'))).status, 200);
      await server.stop();
    },
  });
}

onSite('a file of settings that is wrong', {}, async (site) => site, {
  'is told to who asks through CGI, and why to the log of the web server': async (site) => {
    const server = await serveFrom(site, 'lighttpd CGI', `${BRIEF}max_stream = 7\n`, false);
    const answer = await until('an answer', () => request(server.url('/health')));
    assert.equal(answer.status, 503);
    assert.equal(answer.json.title, 'The settings of this server are wrong');
    await until('the sentence', () => /:5: max_stream: there is no such setting; did you mean max_streams\?/.test(server.log()));
    assert.equal(existsSync(site.db), false, 'nothing was made');
    await server.stop();
  },

  'stops each verb with one sentence and exit code 2, and nothing was made': async (site) => {
    chmodSync(file(site, '', 'closed.conf'), 0o000);
    for (const [text, sentence] of /** @type {[string, RegExp][]} */ ([
      ['hold_ms = 10 s\n', /^sigpost: settings: \/.*\.conf:1: hold_ms takes a time such as 25s or 25000, from 10ms to 10m\n$/],
      ['\nholdms = 10s\n', /^sigpost: settings: \/.*\.conf:2: holdms: there is no such setting; did you mean hold_ms\?\n$/],
      ['hold_ms = 1s\nhold_ms = 2s\n', /\.conf:2: hold_ms is set in line 1 already\n$/],
      ['heartbeat_min_ms = 1m\n', /^sigpost: settings: heartbeat_min_ms \(\/.*\.conf:1\) is above heartbeat_max_ms \(default\)\n$/],
      ['mount = x\n', /^sigpost: settings: mount \(\/.*\.conf:1\) is auto or a path that begins with \/\n$/],
    ])) {
      for (const verb of ['init', 'check', 'stat', 'serve', 'fcgi', 'key']) {
        const { status, output, errors } = await sigpost(site, [verb, ...verb === 'key' ? ['list'] : [], '--config', file(site, text)]);
        assert.deepEqual([status, output], [2, ''], `${verb}: ${errors}`);
        assert.match(errors, sentence, verb);
      }
    }
    for (const [path, sentence] of /** @type {[string, RegExp][]} */ ([
      [join(site.root, 'nowhere.conf'), /nowhere\.conf: there is no such file\n$/],
      [join(site.root, 'db'), /db: this is a directory, not a file of settings\n$/],
      [join(site.root, 'closed.conf'), /closed\.conf: this user may not read it; let the user that serves read it, or name another file\n$/],
    ])) {
      for (const [args, env] of /** @type {[string[], {}][]} */ ([[['--config', path], {}], [[], { SIGPOST_CONFIG: path }]])) {
        const { status, errors } = await sigpost(site, ['init', ...args], env);
        assert.equal(status, 2, errors);
        assert.match(errors, sentence);
      }
    }
    assert.match((await sigpost(site, ['init'], { SIGPOST_CONFIG: 'x.conf' })).errors, /SIGPOST_CONFIG: .* begins with \/\n$/);
    assert.equal(existsSync(site.db), false);
  },
});

onSite('a file of settings, on the command line', {}, async (site) => site, {
  'is below the environment, and that below the options; check says which': async (site) => {
    const config = file(site, 'hold_ms = 1s\ngrace_ms = 1s\naway_ms = 1s\ndb = db/other.db\n');
    const { output } = await sigpost(site, ['check', '--hold-ms', '3s', `--config=${config}`], { SIGPOST_GRACE_MS: '2s' });
    for (const line of ['hold_ms = 3000 (command line)', 'grace_ms = 2000 (environment)',
      `away_ms = 1000 (${config}:3)`, `db = ${site.root}/db/other.db (${config}:4)`, 'slow_ms = 30000 (default)']) {
      assert.ok(output.includes(`setting      ${line}\n`), `${line}:\n${output}`);
    }
    const named = await sigpost(site, ['check'], { SIGPOST_CONFIG: config });
    assert.ok(named.output.includes(`away_ms = 1000 (${config}:3)`));
    const none = await sigpost(site, ['check', '--config='], { SIGPOST_CONFIG: config });
    assert.ok(none.output.includes('away_ms = 30000 (default)'));
  },

  'reaches the processes that serve starts': async (site) => {
    const config = file(site, 'health = brief\npeerjs_key = "a # b"\nmax_peers = 7\n');
    const { it, url } = await serve(site, ['--config', config], { env: { SIGPOST_CONFIG: '/nowhere' } });
    assert.deepEqual(Object.keys((await request(`${url}/health`)).json), ['status', 'version']);
    assert.equal((await request(`${url}/a%20%23%20b/id`)).status, 200);
    await it.stop();
  },
});
