/**
 * A site: a private directory with the programs, the pages and a database, and the web servers
 * that stand in front of it. Ending it proves that nothing was left behind.
 */

import { execFileSync } from 'node:child_process';
import {
  chmodSync, chownSync, copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync,
  readdirSync, rmSync, writeFileSync,
} from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { request } from './http.mjs';
import { serveCommand } from './kinds.mjs';
import { Process, owner, processesOf, signal, until } from './proc.mjs';
import { around, shipped } from './shipped.mjs';

const SOURCE = fileURLToPath(new URL('../..', import.meta.url));
const BUILD = process.env.SIGPOST_BUILD ?? join(SOURCE, 'build');
/** Where a sanitizer writes what it found; looked at when a site ends. */
const FINDINGS = 'findings';

/**
 * Short times, so that no test waits for what a user would wait for; and no limits for the one address
 * that all tests come from, nor for CGI.
 */
export const QUICK = {
  address_requests: 0, address_sessions: 0, cgi_streams: 100_000,
  heartbeat_min_ms: 200, heartbeat_max_ms: 400, retry_min_ms: 50, retry_max_ms: 100,
  grace_ms: 600, hold_ms: 2000, hub_idle_ms: 5000, drain_ms: 1000,
};

/** @typedef {Record<string, string | number>} Settings by their names in conf.def */

/** A port of the loopback interface that nobody has, below those the system gives to clients. */
export async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = net.createServer();
    const free = await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) {
      return port;
    }
  }
}

/**
 * FastCGI processes that no web server started: spawn-fcgi makes the socket, multiwatch keeps
 * processes on it.
 * @param {string} root
 * @param {string} socket
 * @param {number} procs
 * @param {Record<string, string>} env
 */
function keepBackend(root, socket, procs, env) {
  return new Process(
    ['spawn-fcgi', '-n', '-s', socket, '-M', '0600', '--', '/usr/bin/multiwatch',
      `--forks=${procs}`, '--retry=1000', '--', join(root, 'bin/sigpost')], { cwd: root, env });
}

/**
 * Processes of sigpost that descend from others.
 * @param {string} root
 * @param {(number | undefined)[]} pids
 */
function descendants(root, pids) {
  const all = processesOf(root);
  const mine = new Set(pids);
  for (let size = 0; size !== mine.size;) {
    size = mine.size;
    all.filter((it) => mine.has(it.parent)).forEach((it) => mine.add(it.pid));
  }
  return all.filter((it) => mine.has(it.pid) && it.exe.endsWith('/bin/sigpost')).map((it) => it.pid);
}

/** One web server in front of a site. */
export class Server {
  /**
   * @param {Site} site
   * @param {import('./kinds.mjs').Kind} kind
   * @param {{procs: number, settings: Settings, name: string, port: number}} options
   */
  constructor(site, kind, { procs, settings, name, port }) {
    this.site = site;
    this.kind = kind;
    this.name = name;
    this.procs = procs;
    this.port = port;
    this.origin = `http://127.0.0.1:${port}`;
    this.base = `${this.origin}${kind.mount}`;
    this.env = site.environment(settings);
    /** Where `sigpost serve` listens behind a proxy. @type {number | undefined} */
    this.back = undefined;
    /** @type {Process | undefined} */
    this.web = undefined;
    /** @type {Process | undefined} */
    this.keeper = undefined;
  }

  /** The address of a path below the mount. */
  url(path = '/') {
    return `${this.base}${path}`;
  }

  /** Writes the configuration. Returns its path. */
  configure() {
    const { root } = this.site;
    if (this.kind.conf === undefined) {
      return '';
    }
    const place = { ...this, root, settings: this.env };
    const [outer, inner] = ['.conf', '-shipped.conf'].map((it) => join(root, `${this.name}${it}`));
    writeFileSync(inner, shipped(this.kind, place));
    writeFileSync(outer, around(this.kind, place, inner));
    return outer;
  }

  /** @param {{ready?: boolean}} [options] ready: wait until it serves */
  async start({ ready = true } = {}) {
    if (this.kind.external) {
      await this.startBackend();
    }
    if (this.kind.proxy) {
      await this.#startServe();
    }
    this.startWeb();
    await (ready ? this.ready() : undefined);
  }

  async startBackend() {
    const { root } = this.site;
    const socket = join(root, `${this.name}.sock`);
    rmSync(socket, { force: true });
    this.keeper = keepBackend(root, socket, this.procs, this.env);
    await until(socket, () => existsSync(socket));
  }

  async #startServe() {
    const { root } = this.site;
    this.back = await freePort();
    this.keeper = new Process(serveCommand({ root, port: this.back }), { cwd: root, env: { ...this.env, TMPDIR: root } });
    await until('sigpost serve', async () => (await request(`http://127.0.0.1:${this.back}/`)).status === 200);
  }

  startWeb() {
    const { root } = this.site;
    const command = this.kind.command(this.configure(), { root, port: this.port });
    const env = this.kind.setting === undefined ? this.env : {};  // else its configuration has them
    this.web = new Process(command, { cwd: root, env: { ...env, TMPDIR: root } });
  }

  /** Serving, whatever happened before. */
  async ready(timeout = 10_000) {
    await until(`${this.kind.name} on ${this.port}`, async () => {
      if (this.web?.how !== undefined) {
        throw new Error(`it has ended: ${this.web.how}`);
      }
      return (await request(this.url('/'), { timeout: 3000 })).status === 200;
    }, timeout);
  }

  /** Processes of sigpost that this server started and no other (a hub founded by CGI is the site's). */
  pids() {
    const own = [this.web?.pid, this.keeper?.pid];
    return descendants(this.site.root, own).filter((pid) => !own.includes(pid));
  }

  /** The process or processes that hold its streams. */
  backends() {
    return this.kind.gate === 'cgi' ? this.site.hubs() : this.pids();
  }

  /** The processes that hold the streams die, and others take their place. */
  async kill9() {
    const before = this.backends();
    before.forEach((pid) => signal(pid, 'SIGKILL'));
    await until('the end of the killed', () => !this.backends().some((pid) => before.includes(pid)));
    await this.ready();
    return before;
  }

  async stopWeb() {
    await this.web?.stop();
    this.web = undefined;
  }

  async restartWeb() {
    await this.stopWeb();
    this.startWeb();
    await this.ready();
  }

  async stop() {
    await this.stopWeb();
    await this.keeper?.stop();
    this.keeper = undefined;
    await until(`the end of the processes of ${this.kind.name}`, () => this.pids().length === 0);
  }

  log() {
    const files = ['.log', '-access-error.log'].map((it) => join(this.site.root, `${this.name}${it}`));
    const written = files.filter((it) => existsSync(it)).map((it) => readFileSync(it, 'utf8'));
    return [this.web?.log(), this.keeper?.log(), ...written].filter(Boolean).join('\n');
  }
}

/** Sites in use; an abrupt end of the test clears them away. @type {Set<Site>} */
const sites = new Set();

process.on('exit', () => sites.forEach((it) => it.clear()));

export class Site {
  /** @type {Server[]} */
  servers = [];
  /** @type {Process[]} */
  backends = [];
  #count = 0;

  /** @param {{settings?: Settings}} [options] settings for every server, above the quick ones */
  constructor({ settings = {} } = {}) {
    this.settings = { ...QUICK, ...settings };
    this.root = mkdtempSync(join(tmpdir(), 'sigpost-'));
    this.db = join(this.root, 'db/sigpost.db');
    sites.add(this);
    this.#furnish();
  }

  #furnish() {
    for (const directory of ['bin', 'db', 'htdocs', FINDINGS]) {
      mkdirSync(join(this.root, directory), { mode: directory === 'db' ? 0o700 : 0o755 });
      this.give(directory);
    }
    for (const program of ['sigpost', 'sigpost.cgi']) {
      copyFileSync(join(BUILD, program), join(this.root, 'bin', program));
    }
    cpSync(join(SOURCE, 'www'), join(this.root, 'www'), { recursive: true });
    chmodSync(this.root, 0o755);
    this.give('.');
  }

  /**
   * Hands a file over to the user the servers run as.
   * @param {string} path inside the site
   */
  give(path) {
    if (owner !== undefined) {
      chownSync(join(this.root, path), owner.uid, owner.gid);
    }
  }

  /** @param {Settings} [more] */
  environment(more = {}) {
    /** @type {Record<string, string>} */
    const env = { SIGPOST_DB: this.db };
    for (const [name, value] of Object.entries({ ...this.settings, ...more })) {
      env[`SIGPOST_${name.toUpperCase()}`] = String(value);
    }
    const findings = `log_path=${join(this.root, FINDINGS, 'it')}`;
    env.ASAN_OPTIONS = findings;
    env.UBSAN_OPTIONS = `print_stacktrace=1:${findings}`;
    return env;
  }

  /**
   * A web server in front of this site, serving.
   * @param {import('./kinds.mjs').Kind} kind
   * @param {{procs?: number, settings?: Settings, ready?: boolean}} [options] as Server.start
   */
  async serve(kind, { procs = 1, settings = {}, ready } = {}) {
    this.#count += 1;
    const name = `web${this.#count}`;
    const server = new Server(this, kind, { procs, settings, name, port: await freePort() });
    this.servers.push(server);
    await server.start({ ready });
    return server;
  }

  /**
   * The configuration of a web server that is not started.
   * @param {import('./kinds.mjs').Kind} kind
   * @returns {string} its path
   */
  configuration(kind) {
    this.#count += 1;
    const server = new Server(this, kind, { procs: 1, settings: {}, name: `web${this.#count}`, port: 20_000 });
    server.back = 20_001;
    return server.configure();
  }

  /**
   * FastCGI processes without any web server.
   * @param {Settings} [settings]
   * @returns {Promise<string>} their socket
   */
  async backend(settings = {}) {
    this.#count += 1;
    const socket = join(this.root, `back${this.#count}.sock`);
    const keeper = keepBackend(this.root, socket, 1, this.environment(settings));
    this.backends.push(keeper);
    await until(socket, () => existsSync(socket));
    return socket;
  }

  /** Hubs that were founded by CGI children. */
  hubs() {
    const started = this.backends.map((it) => it.pid);
    const taken = new Set([...descendants(this.root, started),
      ...this.servers.flatMap((it) => [it.web?.pid, it.keeper?.pid, ...it.pids()])]);
    return processesOf(this.root)
      .filter((it) => it.exe.endsWith('/bin/sigpost') && !taken.has(it.pid)).map((it) => it.pid);
  }

  /** Ends everything; what will not end, and what a sanitizer found, is an error. */
  async end() {
    try {
      for (const server of this.servers) {
        await server.stop();
      }
      await Promise.all(this.backends.map((it) => it.stop()));
      this.hubs().forEach((pid) => signal(pid, 'SIGTERM'));
      await until('the end of every process', () => processesOf(this.root).length === 0, 5000);
      this.#inspect();
    } catch (error) {
      throw this.explain(error, this.#left());
    } finally {
      this.clear();
    }
  }

  #left() {
    return processesOf(this.root).map((it) => `left behind: ${it.pid} ${it.command}`).join('\n');
  }

  /** What the hubs founded by CGI wrote. */
  hubLog() {
    const file = `${this.db}.hub.log`;
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  #inspect() {
    const directory = join(this.root, FINDINGS);
    const found = readdirSync(directory).map((name) => readFileSync(join(directory, name), 'utf8'));
    const logs = [this.hubLog(), ...this.servers.map((it) => it.log()), ...this.backends.map((it) => it.log())];
    found.push(...logs.filter((it) => /(Address|Leak)Sanitizer|runtime error:|Assertion/.test(it)));
    if (found.length > 0) {
      throw new Error(`a sanitizer or an assertion complained:\n${found.join('\n')}`);
    }
  }

  clear() {
    sites.delete(this);
    processesOf(this.root).forEach((it) => signal(it.pid, 'SIGKILL'));
    if (process.env.SIGPOST_KEEP === undefined) {
      rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
    }
  }

  /** The error with what the servers said. */
  explain(/** @type {unknown} */ error, more = '') {
    const logs = [...this.servers.map((it) => `--- ${it.kind.name}\n${it.log()}`),
      ...this.backends.map((it) => it.log()), this.hubLog()].join('\n');
    const it = error instanceof Error ? error : new Error(String(error));
    it.message += `\n${more}\n${logs.slice(-6000)}`;
    return it;
  }
}

/** Everything a site needs; an error names what is missing. */
export function demand() {
  const missing = [join(BUILD, 'sigpost'), join(BUILD, 'sigpost.cgi'), '/usr/lib/apache2/modules/mod_fcgid.so'].filter((it) => !existsSync(it));
  const commands = ['lighttpd', 'nginx', 'apache2', 'spawn-fcgi', 'multiwatch', 'cgi-fcgi', 'curl', 'openssl'];
  for (const name of commands) {
    try {
      execFileSync('sh', ['-c', `PATH=$PATH:/usr/sbin command -v ${name}`], { stdio: 'pipe' });
    } catch {
      missing.push(name);
    }
  }
  if (missing.length > 0) {
    throw new Error(`missing: ${missing.join(', ')} (./dev test installs and builds what is needed)`);
  }
}
