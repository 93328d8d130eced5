/**
 * The zip for shared hosting, unpacked into the document root of a real Apache and into a folder below it, as
 * somebody does who has FTP and nothing else.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Process, freePort, processesOf, raw, request, signal, until } from './harness.mjs';
import { Peer, offer } from './peerjs.mjs';
import { owner } from './proc.mjs';

const SOURCE = fileURLToPath(new URL('../..', import.meta.url));
const MODULES = ['authz_core', 'alias', 'dir', 'env', 'mime', 'setenvif', 'rewrite', 'headers', 'unixd'];

/** What a host lets .htaccess do. */
const GENEROUS = 'AllowOverride All';
const STRICT = 'AllowOverride FileInfo Indexes Limit AuthConfig Options=ExecCGI';

/** @type {string} */
let zip;

before(() => {
  const said = execFileSync(join(SOURCE, 'dev'), ['kit'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  zip = /** @type {string} */ (said.trim().split('\n').at(-1));
});

/** @param {string} path and all below it */
function giveAll(path) {
  if (owner !== undefined) {
    execFileSync('chown', ['-R', `${owner.uid}:${owner.gid}`, path]);
  }
}

/**
 * @typedef {object} Hosting
 * @property {string} [folder] of the kit, below the document root: "" or "a/b/"
 * @property {'event' | 'prefork'} [mpm]
 * @property {string} [override]
 * @property {string} [more] of Apache's configuration, in the directory of the kit
 * @property {boolean} [home] what is above the document root belongs to the customer
 */

/** A customer's web space: …/home/htdocs, and an Apache that runs programs as the customer. */
class Host {
  root = mkdtempSync(join(tmpdir(), 'sigpost-kit-'));
  home = join(this.root, 'customer');
  htdocs = join(this.home, 'htdocs');
  run = join(this.root, 'apache');

  /** @param {Hosting} hosting */
  constructor({ folder = '', mpm = 'event', override = GENEROUS, more = '', home = true }) {
    this.folder = folder;
    this.mpm = mpm;
    this.override = override;
    this.more = more;
    this.kit = join(this.htdocs, folder);
    mkdirSync(this.kit, { recursive: true });
    execFileSync('unzip', ['-q', zip, '-d', this.kit]);
    chmodSync(this.root, 0o755);
    mkdirSync(this.run);
    [this.home, this.run].forEach(giveAll);
    if (!home) {
      chmodSync(this.home, 0o1777); // everybody's: nothing private can be made there
    }
  }

  #configuration() {
    const cgi = this.mpm === 'event' ? 'cgid' : 'cgi';
    const load = [`mpm_${this.mpm}`, cgi, ...MODULES].filter((it) => existsSync(`/usr/lib/apache2/modules/mod_${it}.so`))
      .map((it) => `LoadModule ${it}_module /usr/lib/apache2/modules/mod_${it}.so`);
    return `${load.join('\n')}
ServerRoot "${this.run}"
ServerName localhost
Listen 127.0.0.1:${this.port}
PidFile "${this.run}/pid"
ErrorLog "${this.run}/error.log"
DefaultRuntimeDir "${this.run}"
Mutex file:${this.run}
TypesConfig /etc/mime.types
DocumentRoot "${this.htdocs}"
DirectoryIndex index.html
${cgi === 'cgid' ? `ScriptSock "${this.run}/cgid"` : 'MaxRequestWorkers 40'}
<Directory "/">
AllowOverride None
Require all denied
</Directory>
<Directory "${this.htdocs}">
Require all granted
${this.override}
</Directory>
<Directory "${this.kit}">
${this.more}
</Directory>
`;
  }

  async start() {
    this.port = await freePort();
    writeFileSync(join(this.root, 'conf'), this.#configuration());
    this.web = new Process(['/usr/sbin/apache2', '-D', 'FOREGROUND', '-f', join(this.root, 'conf')], { cwd: this.root });
    await until('Apache', async () => (await request(`http://127.0.0.1:${this.port}/${this.folder}www/icon.svg`).catch(() => ({ status: 0 }))).status > 0);
    return this;
  }

  /** Of the API. @param {string} path */
  url(path) {
    return `http://127.0.0.1:${this.port}/${this.folder}${path.replace(/^\//, '')}`;
  }

  /** The folder, as PeerJS's JSON says it is there. */
  ask(headers = { Accept: 'application/json' }) {
    return request(this.url('/'), { headers });
  }

  /** What sigpost.conf names. */
  get db() {
    return /^db = "(.*)"$/m.exec(readFileSync(join(this.kit, 'sigpost.conf'), 'utf8'))?.[1] ?? '';
  }

  hubs() {
    return processesOf(this.root).filter((it) => it.exe.startsWith(this.kit)).map((it) => it.pid);
  }

  async end() {
    await this.web?.stop();
    this.hubs().forEach((pid) => signal(pid, 'SIGTERM'));
    await until('the end of every process', () => processesOf(this.root).length === 0);
    rmSync(this.root, { recursive: true, force: true });
  }
}

/**
 * @param {string} title
 * @param {Hosting} hosting
 * @param {Record<string, (host: Host) => Promise<void>>} scenarios
 * @param {(host: Host) => void} [prepare] before Apache starts
 */
function onHost(title, hosting, scenarios, prepare = () => {}) {
  describe(title, () => {
    /** @type {Host} */
    let host;
    before(async () => {
      host = new Host(hosting);
      prepare(host);
      await host.start();
    });
    after(() => host?.end());
    for (const [name, scenario] of Object.entries(scenarios)) {
      test(name, { timeout: 60_000 }, async () => {
        await scenario(host).catch((error) => {
          const log = join(host.run, 'error.log');
          throw new Error(`${error.message}\n${existsSync(log) ? readFileSync(log, 'utf8').slice(-2000) : ''}`, { cause: error });
        });
      });
    }
  });
}

/** What nobody may get, asked for in every way. @param {Host} host @param {string[]} names */
async function keepsToItself(host, names) {
  for (const name of names) {
    for (const path of [name, `www/../${name}`, `www/%2e%2e/${name}`, `%2e/${name}`, `/${name}`]) {
      const text = await raw(/** @type {number} */ (host.port), `GET /${host.folder}${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      assert.match(text, /^HTTP\/1\.1 (40[034])/, path);
      assert.ok(!/SQLite format|ELF|RewriteEngine|^db = |canary/m.test(text.split('\r\n\r\n').slice(1).join('')), path);
    }
  }
}

/** @type {Record<string, (host: Host) => Promise<void>>} */
const UNPACKED = {
  'the first request makes all there is to make': async (host) => {
    assert.ok(!existsSync(join(host.kit, 'sigpost.conf')));
    const answers = await Promise.all(Array.from({ length: 8 }, () => host.ask()));
    for (const { status, json, text } of answers) {
      assert.deepEqual([status, json?.name], [200, 'PeerJS Server'], text);
    }
    const directory = join(host.db, '..');
    assert.equal(join(directory, '..'), host.home, 'outside of what is served');
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    assert.deepEqual(readdirSync(host.home).filter((it) => it.startsWith('.sigpost-')).length, 1, 'those who came at once found one place');
  },

  'the folder\'s address leads a browser to the pages, and they come': async (host) => {
    const { status, headers } = await host.ask({ Accept: 'text/html' });
    assert.deepEqual([status, headers.location], [302, `/${host.folder}www/`]);
    for (const name of ['www/', 'www/peerjs.html', 'www/sigpost.js', 'www/page.mjs', 'www/self-test.html']) {
      const got = await request(host.url(name));
      assert.equal(got.status, 200, name);
      assert.match(`${got.headers['content-type']}`, name.endsWith('js') ? /javascript/ : /html/, name);
    }
  },

  'two peers talk, by event stream and by long poll': async (host) => {
    const server = /** @type {any} */ (host);
    for (const wire of /** @type {const} */ (['sse', 'poll'])) {
      const [one, two] = await Promise.all([1, 2].map(() => Peer.open(server, { wire })));
      await one.say(offer(two.id, wire));
      assert.equal((await two.value()).payload, wire);
      await Promise.all([one, two].map((it) => it.down.end()));
    }
    assert.equal(host.hubs().length, 1, 'one process has the streams');
  },

  'nothing private is given out': async (host) => {
    await keepsToItself(host, ['.htaccess', 'sigpost', 'sigpost.conf', 'sigpost.db', 'INSTRUCTIONS.txt']);
  },

  'the next version, copied over it, goes on with the database': async (host) => {
    const { db } = host;
    execFileSync('unzip', ['-qo', zip, '-d', host.kit]);
    giveAll(host.kit);
    assert.equal((await host.ask()).status, 200);
    assert.equal(host.db, db);
  },
};

onHost('in the document root · mod_cgid, everything allowed', {}, UNPACKED);

onHost('in a folder below it · mod_cgi, little allowed', { folder: 'a/b/', mpm: 'prefork', override: STRICT }, UNPACKED);

onHost('programs that came as files', {}, {
  'sigpost makes itself one; sigpost.cgi is told to be made one, and the pages come all the same': async (host) => {
    chmodSync(join(host.kit, 'sigpost.cgi'), 0o644);
    const { status, text } = await host.ask();
    assert.equal(status, 500);
    assert.match(text, /Make it executable: permissions 755/);
    assert.equal((await request(host.url('www/'))).status, 200);
    chmodSync(join(host.kit, 'sigpost.cgi'), 0o755);
    assert.equal((await host.ask()).status, 200);
    assert.equal(statSync(join(host.kit, 'sigpost')).mode & 0o777, 0o755);
  },
}, (host) => chmodSync(join(host.kit, 'sigpost'), 0o644));

onHost('nothing outside can be written', { folder: 'chat/', home: false }, {
  'the place is inside, under a name nobody guesses, and proven refused': async (host) => {
    assert.equal((await host.ask()).status, 200);
    const directory = join(host.db, '..');
    assert.equal(join(directory, '..'), join(host.kit, '.'));
    assert.match(directory, /\/\.sigpost-[0-9a-f]{32}$/);
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    const name = directory.split('/').at(-1);
    await keepsToItself(host, [`${name}/sigpost.db`, `${name}/canary.txt`, `${name}/.htaccess`, `${name}/sigpost.db.bell`, `${name}/`]);
  },
});

/** The rules of .htaccess, but in the configuration, where a directory's own .htaccess counts for nothing. */
const DEAF = `AllowOverride None
Options +ExecCGI
AddHandler cgi-script .cgi
SetEnv SIGPOST_KIT on`;

onHost('a web server that keeps nothing to itself', { home: false, more: DEAF }, {
  'is found out: no database is made, and it is said what to do': async (host) => {
    const { status, json, headers } = await request(host.url('sigpost.cgi'));
    assert.equal(status, 503);
    assert.equal(headers['content-type'], 'application/problem+json');
    assert.match(json.detail, /nothing is private here.*SetEnv SIGPOST_DB/);
    assert.deepEqual(readdirSync(host.kit).filter((it) => it.startsWith('.sigpost-')), []);
    assert.ok(!existsSync(join(host.kit, 'sigpost.conf')));
  },

  'is not talked into believing it by a client': async (host) => {
    for (const Host of ['example.org', '127.0.0.1:1', 'a b', 'x/../y', '[::1]', '']) {
      const { status, json } = await request(host.url('sigpost.cgi'), { headers: { Host } });
      assert.ok(status === 400 || (status === 503 && /SetEnv SIGPOST_DB/.test(json.detail)), `${Host}: ${status}`);
    }
    assert.ok(!existsSync(join(host.kit, 'sigpost.conf')));
  },
});

onHost('a site by TLS, as far as one can see', { home: false, more: 'SetEnv HTTPS on' }, {
  'is asked by TLS, and where that cannot be, nothing is believed': async (host) => {
    const { status, json } = await host.ask();
    assert.equal(status, 503);
    assert.match(json.detail, /could not be asked.*SetEnv SIGPOST_DB/);
    assert.ok(!existsSync(join(host.kit, 'sigpost.conf')) && !existsSync(join(host.kit, 'sigpost.conf.new')));
  },
});

onHost('a proxy in front, as far as one can see', { home: false }, {
  'may give out what the web server behind it does not: nothing is believed': async (host) => {
    for (const name of ['X-Forwarded-For', 'X-Forwarded-Proto', 'Forwarded', 'Via', 'X-Real-IP']) {
      const { status } = await host.ask({ Accept: 'application/json', [name]: 'x' });
      assert.equal(status, 503, name);
    }
    assert.equal((await host.ask()).status, 200);
  },
});

describe('a server in front that gives out files itself, and a client that names the port behind it', () => {
  test('no database is made below the document root', { skip: owner === undefined && 'port 80 needs root' }, async () => {
    const host = await new Host({ folder: 'chat/', home: false }).start();
    const conf = join(host.run, 'nginx.conf');
    writeFileSync(conf, `pid ${host.run}/nginx.pid; daemon off; user www-data; error_log stderr;
events {}
http {
  access_log off;
  server {
    listen 127.0.0.1:80;
    root ${host.htdocs};
    location / { try_files $uri @apache; }
    location @apache { proxy_pass http://127.0.0.1:${host.port}; proxy_set_header Host $http_host; }
  }
}
`);
    const nginx = new Process(['/usr/sbin/nginx', '-c', conf, '-e', 'stderr'], { cwd: host.run, user: { uid: 0, gid: 0 } });
    try {
      await until('nginx', async () => (await request('http://127.0.0.1/chat/www/icon.svg').catch(() => ({ status: 0 }))).status === 200);
      for (const Host of [`x:${host.port}`, '127.0.0.1', 'x']) {
        const { status } = await request('http://127.0.0.1/chat/', { headers: { Host, Accept: 'application/json' } });
        assert.equal(status, 503, Host);
      }
      assert.ok(!existsSync(join(host.kit, 'sigpost.conf')));
      assert.deepEqual(readdirSync(host.kit).filter((it) => it.startsWith('.sigpost-')), []);
    } finally {
      await nginx.stop();
      await host.end();
    }
  });
});

onHost('a folder that cannot be written', { home: false }, {
  'is said, with what to do; named in .htaccess, a place is taken': async (host) => {
    const { status, json } = await host.ask();
    assert.equal(status, 503);
    assert.match(json.detail, /SetEnv SIGPOST_DB/);
    const place = join(host.root, 'private');
    mkdirSync(place, { mode: 0o700 });
    giveAll(place);
    const file = join(host.kit, '.htaccess');
    writeFileSync(file, `${readFileSync(file, 'utf8')}\nSetEnv SIGPOST_DB ${place}/sigpost.db\n`);
    assert.equal((await host.ask()).status, 200);
    assert.ok(existsSync(join(place, 'sigpost.db')));
  },
}, (host) => {
  chownSync(host.kit, 0, 0);
  chmodSync(host.kit, 0o755);
});

describe('the programs of the kit', () => {
  test('need nothing: they start where there is nothing else', { skip: owner === undefined && 'chroot needs root' }, () => {
    const directory = mkdtempSync(join(tmpdir(), 'bare-'));
    execFileSync('unzip', ['-q', zip, 'sigpost', 'sigpost.cgi', '-d', directory]);
    assert.deepEqual(readdirSync(directory).sort(), ['sigpost', 'sigpost.cgi']);
    assert.match(execFileSync('/usr/sbin/chroot', [directory, '/sigpost', '--version'], { encoding: 'utf8' }), /^sigpost \d/);
    assert.match(execFileSync('/usr/sbin/chroot', [directory, '/sigpost', 'init', '--db', '/d/x.db'], { encoding: 'utf8' }), /made database/);
    const env = { GATEWAY_INTERFACE: 'CGI/1.1', REQUEST_METHOD: 'GET', REQUEST_URI: '/', SIGPOST_DB: '/d/x.db', SIGPOST_KIT: 'on', SCRIPT_FILENAME: '/sigpost.cgi' };
    const said = execFileSync('/usr/sbin/chroot', [directory, '/sigpost.cgi'], { encoding: 'utf8', env });
    assert.match(said, /^Status: 200 OK\r\n[^]*PeerJS Server/);
    const left = processesOf(directory);
    left.forEach(({ pid }) => signal(pid, 'SIGTERM'));
    rmSync(directory, { recursive: true });
  });

  test('the zip is the same each time', () => {
    const first = readFileSync(zip);
    execFileSync(join(SOURCE, 'dev'), ['kit'], { stdio: 'ignore' });
    assert.ok(first.equals(readFileSync(zip)));
  });
});
