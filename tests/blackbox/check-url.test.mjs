/** `sigpost check URL`: every web server of the table is found well, and what is wrong with one is found. */

import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';

import { Certificates } from './certificates.mjs';
import { KINDS, PROXY_KINDS, SOCKET_KINDS, freePort, kind, onSite, Process, overServers, run, until } from './harness.mjs';
import { serve } from './served.mjs';

/** @typedef {import('./site.mjs').Site} Site */
/** @typedef {{level: string, about: string, what: string, mend?: string}} Finding */

/**
 * @param {Site} site
 * @param {string} url
 * @param {{args?: string[], env?: Record<string, string>}} [options]
 */
async function ask(site, url, { args = [], env = {} } = {}) {
  const command = [join(site.root, 'bin/sigpost'), 'check', url, '--json', '--config=', ...args];
  const { output, errors, status } = await run(command, { cwd: site.root, env });
  assert.notEqual(output, '', errors);
  const { ok, findings } = JSON.parse(output);
  assert.equal(status, ok ? 0 : 1);
  return /** @type {Finding[]} */ (findings);
}

/** @param {Finding[]} all @param {string} about */
const about = (all, about) => all.filter((it) => it.about === about).map(({ level, what, mend }) => `${level}: ${what}. ${mend ?? ''}`).join('\n');

/** What is neither ok nor a note. @param {Finding[]} all */
const troubles = (all) => all.filter((it) => ['warn', 'fail'].includes(it.level));

/**
 * A kind with another configuration.
 * @param {string} name
 * @param {[string | RegExp, string][]} changes
 * @returns {import('./kinds.mjs').Kind}
 */
function changed(name, ...changes) {
  const it = kind(name);
  return { ...it, command: (conf, server) => {
    const shipped = conf.replace('.conf', '-shipped.conf');
    const before = readFileSync(shipped, 'utf8');
    const text = changes.reduce((all, [from, to]) => {
      assert.notEqual(all.replace(from, to), all, `${from} is in ${it.conf}`);
      return all.replace(from, to);
    }, before);
    writeFileSync(shipped, text);
    return it.command(conf, server);
  } };
}

overServers('check URL', { kinds: [...KINDS, ...SOCKET_KINDS, ...PROXY_KINDS] }, {
  'finds nothing wrong': async ({ site, server }) => {
    const waits = server.kind.name === 'lighttpd FastCGI';  // once is enough
    const all = await ask(site, server.url('/'), { args: waits ? ['--idle', '1s'] : [] });
    assert.deepEqual(troubles(all), []);
    for (const name of ['web server', 'api', 'version', 'health', 'paths', 'cors', 'secrets', 'stream', 'post', 'event', 'resume', 'poll']) {
      assert.match(about(all, name), /^ok: /, name);
    }
    assert.match(about(all, 'websocket'), server.kind.websocket ? /^ok: / : /^note: .*does not get through/);
    assert.match(about(all, 'idle'), waits ? /^ok: a stream lasted 1s, with heartbeats/ : /^note: /);
    assert.match(about(all, 'logs'), /query: use /, 'the web server is known');
  },
});

/** No heartbeat pushes on what a web server holds back. */
const CALM = { heartbeat_min_ms: 15_000, heartbeat_max_ms: 25_000 };

/**
 * One thing is wrong with a server, and is found.
 * @param {string} title
 * @param {import('./kinds.mjs').Kind} it
 * @param {[string, RegExp][]} expected what is said about what
 * @param {{settings?: import('./site.mjs').Settings, args?: string[], prepare?: (site: Site) => void, ready?: boolean}} [options]
 */
function finds(title, it, expected, { settings, args, prepare = () => {}, ready = true } = {}) {
  onSite('check URL', { settings }, async (site) => ({ site, server: await site.serve(it, { ready }) }), {
    [`finds ${title}`]: async ({ site, server }) => {
      prepare(site);
      const all = await until('the web server', async () => {
        const found = await ask(site, server.url('/'), { args });
        return /^ok: /.test(about(found, 'web server')) ? found : undefined;
      });
      for (const [name, sentence] of expected) {
        assert.match(about(all, name), sentence, JSON.stringify(all, null, 1));
      }
      const names = new Set(expected.map(([name]) => name));
      assert.deepEqual(troubles(all).filter((row) => !names.has(row.about)), [], 'and nothing else');
    },
  });
}

finds('a stream that is held back', changed('nginx before sigpost serve',
  ['proxy_read_timeout', 'proxy_buffering on; proxy_ignore_headers X-Accel-Buffering; proxy_read_timeout']),
[['event', /^fail: a message does not come out of the stream within 3s\. Set fastcgi_buffering off/]],
{ settings: CALM });

finds('a stream of which nothing comes', changed('lighttpd FastCGI', ['stream-response-body = 1', 'stream-response-body = 0']),
  [['stream', /^fail: an event stream says nothing within 3s: it is held back\. Set server\.stream-response-body = 1/]]);

finds('a stream that is compressed', changed('nginx before sigpost serve',
  ['proxy_read_timeout', 'gzip on; gzip_types text/event-stream; gzip_proxied any; gzip_min_length 1; proxy_read_timeout']),
[['stream', /^fail: event streams are compressed \(gzip\)\. Take text\/event-stream out of gzip_types/]]);

finds('a cursor that does not get through', changed('nginx before sigpost serve',
  ['proxy_read_timeout', 'proxy_set_header Last-Event-ID ""; proxy_read_timeout']),
[['resume', /^warn: a stream that broke does not go on where it was\. Let the web server pass the header Last-Event-ID on/]]);

finds('bodies without a length', changed('nginx FastCGI',
  ['fastcgi_keep_conn', 'fastcgi_param CONTENT_LENGTH ""; fastcgi_keep_conn']),
[['post', /^fail: POST is answered 411: .* Pass CONTENT_LENGTH/], ['poll', /^fail: a message does not come/]]);

finds('a second header for other origins, modules of another type, another version', changed('nginx FastCGI',
  ['fastcgi_keep_conn', `add_header Access-Control-Allow-Origin * always; sub_filter_types application/json;
    sub_filter '"version":"' '"version":"9.'; fastcgi_keep_conn`],
  ['text/javascript js mjs', 'text/plain js mjs']),
[['cors', /^fail: Access-Control-Allow-Origin comes twice.*\. Let the web server add no header/],
  ['version', /^warn: sigpost 9\.\d+\.\d+\.\d+ serves there, this is \d+\.\d+\.\d+\. Restart what serves/],
  ['pages', /^warn: modules are served as text\/plain\. Add text\/javascript mjs to types/]]);

finds('a silent stream that is cut', changed('nginx FastCGI', ['fastcgi_read_timeout 1h', 'fastcgi_read_timeout 1s']),
  [['idle', /^fail: a silent stream was cut after [12]s\. Raise fastcgi_read_timeout/]],
  { settings: CALM, args: ['--idle', '4s'] });

finds('a database that anybody may fetch', kind('lighttpd CGI, upgrading'),
  [['secrets', /^fail: anybody may fetch the database at \/sigpost\.db\. Move it[^]*the file of settings at \/cgi-bin\/sigpost\.conf/]],
  { prepare: (site) => {
    copyFileSync(site.db, join(site.root, 'htdocs/sigpost.db'));
    chmodSync(join(site.root, 'htdocs/sigpost.db'), 0o644);
    mkdirSync(join(site.root, 'htdocs/cgi-bin'));
    copyFileSync(new URL('../../conf/sigpost.conf', import.meta.url), join(site.root, 'htdocs/cgi-bin/sigpost.conf'));
  } });

finds('a program that is not run', changed('lighttpd CGI', [/cgi\.assign = .*/, 'static-file.exclude-extensions = ()']),
  [['api', /^fail: GET .*\/ sends the program instead of running it\. Let mod_cgi run it/]], { ready: false });

finds('that only some pages may use it', kind('lighttpd FastCGI'),
  [['api', /^ok: /], ['cors', /^note: only pages of the origins it lists/], ['stream', /^ok: /]],
  { settings: { origins: 'https://example.org' } });

finds('a key that is no good', kind('lighttpd FastCGI'),
  [['stream', /^fail: the server lets no peer in: Invalid key provided\. Name a key/]],
  { args: ['--peerjs_key', 'another key'] });

onSite('check URL', {}, async (site) => ({ site, it: await serve(site, ['--path', '/rtc'], { path: '/rtc' }) }), {
  'finds that it lives below another path, or is not there at all': async ({ site, it: { it, url } }) => {
    assert.deepEqual(troubles(await ask(site, `${url}/rtc`)), []);
    assert.match(about(await ask(site, `${url}/other`), 'api'), /^fail: sigpost answers 404 .*it lives below another path/);
    assert.match(about(await ask(site, url), 'api'), /^fail: GET .*\/ leads to \/rtc\//);
    await it.stop();
    assert.match(about(await ask(site, `${url}/rtc`), 'web server'), /^fail: .*Connection refused\. See whether it runs/);
  },

  'refuses what is no address, with exit code 2': async ({ site }) => {
    for (const [args, sentence] of /** @type {[string[], RegExp][]} */ ([
      [['http://'], /it names no host\n$/], [['http://host:0/'], /its port is a number/], [['http://h:65536'], /its port is a number/],
      [['http://host/?x'], /name the address of the API alone/], [['http://u@host/'], /name the address of the API alone/],
      [['http://[::1/'], /stands in brackets/], [['http://host/', '--idle', '1'], /--idle takes a time such as 65s .* from 1s to 1h\n$/],
      [[`http://host/${'x'.repeat(1024)}`], /its path is too long\n$/], [['ftp://host/'], /it is not an option\n$/],
    ])) {
      const { status, output, errors } = await run([join(site.root, 'bin/sigpost'), 'check', ...args], { cwd: site.root });
      assert.deepEqual([status, output], [2, ''], args[0]);
      assert.match(errors, sentence);
    }
  },

  'does not wait for ever for what says nothing, and shows no control characters of it': async ({ site }) => {
    const port = await freePort();
    const answers = ['HTTP/1.1 404 \x1b[1m\r\nServer: \x1b]0;x\x07\r\nContent-Length: 0\r\n\r\n', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      'SSH-2.0-x\r\n\r\n', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, ''];
    for (const answer of answers) {
      const server = net.createServer((socket) => {
        socket.on('error', () => {});
        socket.on('data', () => socket.end(answer));
      });
      await new Promise((resolve) => { server.listen(port, '127.0.0.1', () => resolve(undefined)); });
      const all = await ask(site, `http://127.0.0.1:${port}`);
      assert.match(`${about(all, 'web server')}\n${about(all, 'api')}`, /^fail: /m);
      assert.doesNotMatch(JSON.stringify(all), /\\u00|\x1b/);
      await new Promise((resolve) => { server.close(() => resolve(undefined)); });
    }
  },
});

onSite('check URL by https', {}, async (site) => ({ site, pem: new Certificates(join(site.root, 'pem')) }), {
  'trusts what the system trusts': async ({ site, pem }) => {
    const port = await freePort();
    const it = new Process([join(site.root, 'bin/sigpost'), 'serve', '--port', String(port), '--db', site.db, '--www', join(site.root, 'www'),
      '--tls-cert', pem.path('cert'), '--tls-key', pem.path('cert-key'), '--tls-ca', pem.path('between')],
    { cwd: site.root, env: { TMPDIR: join(site.root, 'htdocs') } });
    const good = { env: { SSL_CERT_FILE: pem.path('root') } };
    const at = `https://localhost:${port}`;
    await until('an answer', async () => it.how !== undefined || /^ok: /.test(about(await ask(site, at, good), 'web server')));
    assert.deepEqual(troubles(await ask(site, at, good)), []);
    assert.match(about(await ask(site, at), 'web server'), /^fail: .*openssl says: .*verify error/);
    assert.match(about(await ask(site, at, { env: { PATH: '/nowhere' } }), 'web server'), /^fail: .*openssl is not installed/);
    await it.stop();
  },
});
