/** `sigpost serve` by TLS: certificates, HTTP/2, and what is said of files that will not do. */

import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, readdirSync, writeFileSync } from 'node:fs';
import http2 from 'node:http2';
import { join } from 'node:path';
import tls from 'node:tls';

// @ts-ignore it has no types
import WebSocket from 'ws';

import { Certificates } from './certificates.mjs';
import { TEXT, frame } from './frames.mjs';
import { freePort, onSite, raw, request, run, until } from './harness.mjs';
import { Process } from './proc.mjs';

/** @typedef {import('./site.mjs').Site} Site */
/** @typedef {{site: Site, pem: Certificates}} Stage */

/** @param {string} id */
const address = (id) => `/peerjs?key=peerjs&id=${id}&token=token-of-${id}`;

/** Serving by TLS, until `end()`. @param {Stage} stage @param {string[]} args */
async function serve({ site, pem }, ...args) {
  const port = await freePort();
  const it = new Process([join(site.root, 'bin/sigpost'), 'serve', '--port', String(port), '--db', site.db,
    '--www', join(site.root, 'www'), ...args], { cwd: site.root, env: { TMPDIR: join(site.root, 'htdocs') } });
  const url = `https://localhost:${port}`;
  /** @param {string[]} more */
  const curl = async (...more) => run(['curl', '-sS', '--cacert', pem.path('root'), '-o', '/dev/null',
    '-w', '%{http_version} %{http_code}', ...more, `${url}/`], { cwd: site.root });
  await until('an answer', async () => it.how !== undefined || / (200|302)$/.test((await curl('-k')).output));
  assert.equal(it.how, undefined, it.log());
  return { it, url, port, curl };
}

/** @param {Stage} stage with the certificate, its key and the one between */
const usual = ({ pem }) => ['--tls-cert', pem.path('cert'), '--tls-key', pem.path('cert-key'), '--tls-ca', pem.path('between')];

/** A connection of HTTP/2. @param {string} url @param {Stage} stage @returns {Promise<http2.ClientHttp2Session>} */
function connect(url, { pem }) {
  const session = http2.connect(url, { ca: pem.read('root') });
  return new Promise((resolve, reject) => {
    session.on('error', reject);
    session.on('remoteSettings', () => resolve(session));
  });
}

/** A stream that is open, and what it has said. @param {http2.ClientHttp2Session} session @param {http2.OutgoingHttpHeaders} head */
async function open(session, head) {
  const stream = session.request(head);
  const it = { stream, said: '' };
  stream.on('data', (bytes) => { it.said += bytes; });
  stream.on('error', () => {});
  await until('the first words of a stream', () => it.said !== '');
  return it;
}

/** Whose certificate is shown. @param {number} port @returns {Promise<string>} */
function shown(port) {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

onSite('sigpost serve by TLS', {}, async (site) => ({ site, pem: new Certificates(join(site.root, 'pem')) }), {
  'a client that trusts the root alone is content': async (stage) => {
    const { it, curl } = await serve(stage, ...usual(stage));
    assert.equal((await curl()).output, '2 200');
    assert.equal((await curl('--http1.1')).output, '1.1 200');
    assert.match(it.log(), /https:\/\/127\.0\.0\.1:/);
    assert.equal(await it.stop(), 0);
    assert.deepEqual(readdirSync(join(stage.site.root, 'htdocs')), [], 'no chain stays behind');
  },

  'without those between it is not; HTTP/2 may be off; PeerJS\'s names; a key in the same file': async (stage) => {
    const both = stage.pem.path('both');
    writeFileSync(both, Buffer.concat([stage.pem.read('cert-key'), stage.pem.read('cert')]));
    const one = await serve(stage, '--sslcert', both, '--http2', 'off');
    assert.match((await one.curl()).errors, /certificate/);
    assert.equal((await one.curl('-k')).output, '1.1 200');
    await one.it.stop();
    const two = await serve(stage, '--sslcert', stage.pem.path('cert'), '--sslkey', stage.pem.path('cert-key'));
    assert.equal((await two.curl('-k')).output, '2 200');
    await two.it.stop();
  },

  'event streams by HTTP/2: several on a connection, each missed at once': async (stage) => {
    const { it, url } = await serve(stage, ...usual(stage), '--allow_discovery');
    const session = await connect(url, stage);
    const peers = async () => JSON.parse((await open(session, { ':path': '/peerjs/peers' })).said);
    const streams = await Promise.all(['a', 'b', 'c'].map((id) => open(session, { ':path': address(id) })));
    streams.forEach(({ said }) => assert.match(said, /"type":"OPEN"/));
    const body = JSON.stringify({ type: 'OFFER', dst: 'b', payload: 1 });
    session.request({ ':method': 'POST', ':path': address('a'), 'content-length': body.length }).end(body);
    await until('the offer', () => streams[1].said.includes('"OFFER"'));
    assert.deepEqual((await peers()).sort(), ['a', 'b', 'c']);
    const present = async () => JSON.parse((await run([join(stage.site.root, 'bin/sigpost'), 'stat', '--json', '--db', stage.site.db],
      { cwd: stage.site.root })).output).present;
    assert.equal(await present(), 3);
    streams[0].stream.close(http2.constants.NGHTTP2_CANCEL);
    await until('the end of one stream', async () => await present() === 2, 5000);	// the next heartbeat is later
    session.destroy();
    await until('the end of the others', async () => await present() === 0, 5000);
    await it.stop();
  },

  'WebSockets, by HTTP/2 and by 1.1': async (stage) => {
    const { it, url } = await serve(stage, ...usual(stage));
    const session = await connect(url, stage);
    assert.equal(session.remoteSettings.enableConnectProtocol, true);
    const one = await open(session, {
      ':method': 'CONNECT', ':protocol': 'websocket', ':path': address('one'), 'sec-websocket-version': '13',
    });
    const two = new WebSocket(`${url}${address('two')}`.replace('https', 'wss'), { ca: stage.pem.read('root') });
    let heard = '';
    two.on('message', (/** @type {Buffer} */ bytes) => { heard += bytes; });
    await until('OPEN', () => heard.includes('OPEN') && one.said.includes('OPEN'));
    one.stream.write(frame(TEXT, JSON.stringify({ type: 'OFFER', dst: 'two', payload: 2 })));
    await until('the offer', () => heard.includes('"OFFER"'));
    two.send(JSON.stringify({ type: 'ANSWER', dst: 'one' }));
    await until('the answer', () => one.said.includes('"ANSWER"'));
    two.terminate();
    session.destroy();
    await it.stop();
  },

  'a new certificate is taken on SIGUSR1, and one that will not do is not': async (stage) => {
    const { pem } = stage;
    const [cert, key] = [pem.path('live'), pem.path('live-key')];
    const use = (/** @type {string} */ name, part = true) => {
      copyFileSync(pem.path(name), cert);
      return part && copyFileSync(pem.path(`${name}-key`), key);
    };
    pem.make('second', { by: 'between' });
    use('cert');
    const { it, port } = await serve(stage, '--tls-cert', cert, '--tls-key', key, '--tls-ca', pem.path('between'));
    assert.equal(await shown(port), 'cert');
    use('second', false);
    process.kill(it.pid, 'SIGUSR1');
    await until('a sentence', () => it.log().includes('the certificate in use stays'));
    assert.match(it.log(), /live-key\.pem: this key does not belong to the certificate/);
    assert.equal(await shown(port), 'cert');
    use('second');
    process.kill(it.pid, 'SIGUSR1');
    await until('the new certificate', async () => await shown(port) === 'second');
    assert.equal(await it.stop(), 0);
  },

  '--http-port leads to TLS, and does nothing else': async (stage) => {
    const plain = await freePort();
    const { it, url } = await serve(stage, ...usual(stage), '--http-port', String(plain), '--path', '/my.app');
    const there = `http://localhost:${plain}`;
    for (const [method, path] of [['GET', '/'], ['GET', '/my.app/www/'], ['POST', '/my.app/sigver?a=%20b'], ['GET', '/nowhere']]) {
      const { status, headers } = await request(`${there}${path}`, { method });
      assert.deepEqual([status, headers.location], [308, `${url}${path}`]);
    }
    const nobody = await raw(plain, 'GET /my.app/peerjs/id HTTP/1.0\r\n\r\n');
    assert.match(nobody.toString(), /^HTTP\/1\.0 403 /);
    await it.stop();
  },

  'an old certificate is served, with a warning': async (stage) => {
    stage.pem.make('old', { days: -1 });
    const { it } = await serve(stage, '--tls-cert', stage.pem.path('old'), '--tls-key', stage.pem.path('old-key'));
    assert.match(it.log(), /old\.pem: warning: this certificate expired on \d{4}-\d\d-\d\d/);
    await it.stop();
  },

  'files that will not do are told of before anything runs': async ({ site, pem }) => {
    const [cert, key] = [pem.path('cert'), pem.path('cert-key')];
    pem.lock('locked', 'cert-key');
    writeFileSync(pem.path('shut'), '');
    chmodSync(pem.path('shut'), 0);
    writeFileSync(pem.path('text'), 'nothing of the kind\n');
    writeFileSync(pem.path('broken'), '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n');
    for (const [args, why] of /** @type {[string[], RegExp][]} */ ([
      [['--tls-cert', '/nowhere.pem', '--tls-key', key], /nowhere\.pem: No such file/],
      [['--tls-cert', cert, '--tls-key', '/nowhere.pem'], /nowhere\.pem: No such file/],
      [['--tls-cert', cert, '--tls-key', key, '--tls-ca', '/nowhere.pem'], /nowhere\.pem: No such file/],
      [['--tls-cert', cert, '--tls-key', pem.path('shut')], /shut\.pem: Permission denied/],
      [['--tls-cert', site.root, '--tls-key', key], /directory/],
      [['--tls-key', key], /--tls-key: it goes with a certificate/],
      [['--tls-ca', cert], /--tls-ca: it goes with a certificate/],
      [['--http-port', '8080'], /--http-port: it leads to TLS; name a certificate/],
      [['--tls-cert', cert, '--tls-key', key, '--http-port', '0'], /0: a port is a number/],
      [['--tls-cert', key, '--tls-key', key], /cert-key\.pem: this is a private key and no certificate/],
      [['--tls-cert', cert, '--tls-key', cert], /no private key/],
      [['--tls-cert', cert], /no private key; name the file of that with --tls-key/],
      [['--tls-cert', cert, '--tls-key', pem.path('root')], /this is a certificate and no private key/],
      [['--tls-cert', pem.path('text'), '--tls-key', key], /text\.pem: it holds no certificate/],
      [['--tls-cert', cert, '--tls-key', pem.path('text')], /text\.pem: it holds no private key/],
      [['--tls-cert', cert, '--tls-key', key, '--tls-ca', pem.path('text')], /text\.pem: it holds no certificate/],
      [['--tls-cert', cert, '--tls-key', pem.path('locked')], /locked\.pem: this key has a passphrase/],
      [['--tls-cert', cert, '--tls-key', pem.path('root-key')], /root-key\.pem: this key does not belong to the certificate/],
      [['--tls-cert', pem.path('broken'), '--tls-key', key], /broken\.pem/],
    ])) {
      const said = await run([join(site.root, 'bin/sigpost'), 'serve', '--port', String(await freePort()), '--db', site.db,
        '--www', join(site.root, 'www'), ...args], { cwd: site.root, env: { TMPDIR: join(site.root, 'htdocs') } });
      assert.notEqual(said.status, 0, args.join(' '));
      assert.match(said.errors, why);
      assert.equal(said.errors.trim().split('\n').length, 1, said.errors);
    }
    assert.deepEqual(readdirSync(join(site.root, 'htdocs')), []);
  },
});
