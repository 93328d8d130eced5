/**
 * The released servers of PeerJS (npm: peer), as ./dev test installs them from tests/reference/. What
 * a scenario finds true here is what clients were written for.
 */

import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { request } from './http.mjs';
import { Process, until } from './proc.mjs';
import { freePort } from './site.mjs';

const MODULES = fileURLToPath(new URL('../reference/node_modules/', import.meta.url));

/** @typedef {'websocket' | 'stream' | 'sse' | 'poll'} WireName */
/** @typedef {{peerjs_expire_ms?: number, max_peers?: number, discovery?: boolean}} Wanted */
/**
 * @typedef {object} Release
 * @property {string} name
 * @property {string} program below node_modules
 * @property {WireName[]} wires
 * @property {boolean} sweeps drops everything that waits every 5 s, however young it is
 * @property {(wanted: Wanted) => string[]} options
 */

/** @param {Wanted} wanted */
function common({ max_peers: most = 5000, discovery }) {
  return ['--key=peerjs', '--path=/', `--concurrent_limit=${most}`, ...(discovery ? ['--allow_discovery'] : [])];
}

/** @type {Release[]} */
export const RELEASES = [
  {
    name: 'peer 1.0.2', program: 'peer-1.0.2/dist/bin/peerjs.js', wires: ['websocket'], sweeps: false,
    options: (wanted) => [
      ...common(wanted), '--host=127.0.0.1', `--expire_timeout=${wanted.peerjs_expire_ms ?? 5000}`],
  },
  {
    name: 'peer 0.2.10', program: 'peer-0.2.10/bin/peerjs', wires: ['websocket', 'stream'], sweeps: true,
    options: common,
  },
];

/** One of them, running. */
export class Reference {
  /** @param {Release} release @param {number} port */
  constructor(release, port) {
    this.release = release;
    this.port = port;
    this.base = `http://127.0.0.1:${port}`;
    /** @type {Process | undefined} */
    this.process = undefined;
  }

  /** @param {Release} release @param {Wanted} [wanted] */
  static async start(release, wanted = {}) {
    const program = `${MODULES}${release.program}`;
    if (!existsSync(program)) {
      throw new Error(`missing: ${program} (./dev test installs it)`);
    }
    const it = new Reference(release, await freePort());
    const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    it.process = new Process(
      [process.execPath, program, `--port=${it.port}`, ...release.options(wanted)], { cwd: '/', user });
    await until(release.name, async () => (await request(it.url('/'))).status === 200);
    return it;
  }

  url(path = '/') {
    return `${this.base}${path}`;
  }

  async stop() {
    await this.process?.stop('SIGKILL');
  }

  /** @param {unknown} error the same with what the server said */
  explain(error) {
    const it = error instanceof Error ? error : new Error(String(error));
    it.message += `\n--- ${this.release.name}\n${this.process?.log().slice(-3000)}`;
    return it;
  }
}

/** @typedef {import('node:test').TestContext} Test */

/**
 * Scenarios on a running one.
 * @param {string} title
 * @param {Release} release
 * @param {Wanted} wanted
 * @param {Record<string, (server: Reference, t: Test) => Promise<void>>} scenarios
 */
export function onReference(title, release, wanted, scenarios) {
  describe(`${title} · ${release.name}`, () => {
    /** @type {Reference} */
    let server;
    before(async () => { server = await Reference.start(release, wanted); });
    after(() => server?.stop());
    for (const [name, scenario] of Object.entries(scenarios)) {
      test(name, { timeout: 120_000 }, async (t) => {
        await scenario(server, t).catch((error) => { throw server.explain(error); });
      });
    }
  });
}
