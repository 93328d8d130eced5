/**
 * Processes: started as the user the web servers run as, found through /proc, ended by pid.
 */

import { spawn } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Everything here runs as root or as a normal user; root hands the servers to this one. */
export const owner = process.getuid?.() === 0 ? lookUp('www-data') : undefined;

/** Still running; an abrupt end of the test takes them and their children along. */
const running = new Set();

process.on('exit', () => running.forEach((pid) => signal(-pid, 'SIGKILL')));
for (const name of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.on(name, () => process.exit(130));
}

/** @param {string} name */
function lookUp(name) {
  const row = readFileSync('/etc/passwd', 'utf8').split('\n').find((it) => it.startsWith(`${name}:`));
  if (row === undefined) {
    throw new Error(`there is no user ${name} to run web servers as`);
  }
  const [, , uid, gid] = row.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

/**
 * Sends a signal; a process that is gone already is fine.
 * @param {number} pid negative: a process group; 0, of what never started: nobody
 * @param {NodeJS.Signals} name
 */
export function signal(pid, name) {
  try {
    return pid !== 0 && process.kill(pid, name);
  } catch {
    return false;
  }
}

/**
 * Asks again and again until the answer is true, or gives up aloud.
 * @template T
 * @param {string} what
 * @param {() => T | Promise<T>} ask
 * @param {number} [timeout] in ms
 * @returns {Promise<NonNullable<T>>}
 */
export async function until(what, ask, timeout = 10_000) {
  const end = Date.now() + timeout;
  let last;
  for (;;) {
    try {
      last = await ask();
      if (last) {
        return last;
      }
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) {
      throw new Error(`waited ${timeout} ms for ${what}; last: ${last}`);
    }
    await delay(20);
  }
}

/**
 * The promise, or an error that says what was waited for.
 * @template T
 * @param {string} what
 * @param {Promise<T>} promise
 * @param {number} [timeout] in ms
 * @returns {Promise<T>}
 */
export async function within(what, promise, timeout = 10_000) {
  const stop = new AbortController();
  const late = delay(timeout, null, { signal: stop.signal }).then(() => {
    throw new Error(`waited ${timeout} ms for ${what}`);
  });
  late.catch(() => {});
  try {
    return await Promise.race([promise, late]);
  } finally {
    stop.abort();
  }
}

/**
 * @typedef {object} Surroundings
 * @property {string} cwd
 * @property {Record<string, string>} [env] beside PATH
 * @property {{uid: number, gid: number}} [user] other than the owner of the servers
 * @property {string | Buffer | null} [input] what it reads, and then an end; null: it reads until
 *   `stdin` is ended; without it there is nothing
 */

/**
 * A child process and everything it wrote. It has a process group of its own: Apache signals all of
 * its group when it ends.
 */
export class Process {
  /**
   * @param {string[]} command
   * @param {Surroundings} options
   */
  constructor(command, { cwd, env = {}, user = owner, input }) {
    const [program, ...args] = command;
    this.command = command;
    this.output = Buffer.alloc(0);
    this.errors = Buffer.alloc(0);
    this.child = spawn(program, args, {
      cwd, ...user, env: { PATH: process.env.PATH, ...env }, detached: true,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    this.pid = this.child.pid ?? 0;
    this.stdin = this.child.stdin;
    /** @type {number | string | undefined} how it ended */
    this.how = undefined;
    /** @type {Promise<number | string>} exit status, or the signal or error that ended it */
    this.ended = this.#event('exit');
    /** @type {Promise<number | string>} the same, once nobody can write to its output any more */
    this.closed = this.#event('close');
    this.#follow();
    if (typeof input === 'string' || Buffer.isBuffer(input)) {
      this.stdin?.end(input);
    }
  }

  #follow() {
    if (this.pid > 0) {
      running.add(this.pid);
    }
    this.child.stdout?.on('data', (bytes) => { this.output = Buffer.concat([this.output, bytes]); });
    this.child.stderr?.on('data', (bytes) => { this.errors = Buffer.concat([this.errors, bytes]); });
    this.stdin?.on('error', () => {});
    this.ended.then((how) => {
      running.delete(this.pid);
      this.how = how;
    });
  }

  /** @param {string} name */
  #event(name) {
    return new Promise((resolve) => {
      this.child.on('error', (error) => resolve(String(error)));
      this.child.on(name, (status, by) => resolve(status ?? by ?? 'gone'));
    });
  }

  /** Asks it to end, insists after a while. */
  async stop(/** @type {NodeJS.Signals} */ name = 'SIGTERM', timeout = 15_000) {
    signal(this.pid, name);
    try {
      return await within(`the end of ${this.command[0]}`, this.ended, timeout);
    } catch (error) {
      signal(-this.pid, 'SIGKILL');
      throw error;
    }
  }

  log() {
    return `$ ${this.command.join(' ')}\n${this.errors}${this.output}`;
  }
}

/**
 * Runs a program to its end.
 * @param {string[]} command
 * @param {Surroundings & {timeout?: number}} options
 */
export async function run(command, options) {
  const it = new Process(command, { input: '', ...options });
  try {
    const status = await within(`the end of ${command.join(' ')}`, it.closed, options.timeout);
    return { status, output: it.output.toString(), errors: it.errors.toString() };
  } finally {
    signal(-it.pid, 'SIGKILL');
  }
}

/** @param {() => string} read */
function quietly(read) {
  try {
    return read();
  } catch {
    return '';
  }
}

/** @param {string} pid */
function describeProcess(pid) {
  const at = `/proc/${pid}`;
  const stat = quietly(() => readFileSync(`${at}/stat`, 'utf8'));
  const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    pid: Number(pid),
    parent: Number(parent),
    dead: state === undefined || 'ZX'.includes(state),
    exe: quietly(() => readlinkSync(`${at}/exe`)).replace(' (deleted)', ''),
    cwd: quietly(() => readlinkSync(`${at}/cwd`)),
    command: quietly(() => readFileSync(`${at}/cmdline`, 'utf8')).split('\0').join(' ').trim(),
  };
}

/**
 * Living processes that have to do with a directory: their program, working directory or command
 * line lies in it.
 * @param {string} root
 */
export function processesOf(root) {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(describeProcess)
    .filter((it) => !it.dead)
    .filter((it) => [it.exe, it.cwd].some((path) => path === root || path.startsWith(`${root}/`))
      || it.command.includes(`${root}/`));
}
