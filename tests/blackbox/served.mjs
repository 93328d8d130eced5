/** `sigpost serve` on a port of its own, as a user starts it. */

import { join } from 'node:path';

import { freePort } from './site.mjs';
import { request } from './http.mjs';
import { Process, until } from './proc.mjs';

/**
 * @param {import('./site.mjs').Site} site
 * @param {string[]} [more] arguments
 * @param {{path?: string, env?: Record<string, string>}} [options] path: where the API lives
 */
export async function serve(site, more = [], { path = '', env = {} } = {}) {
  const port = await freePort();
  const command = [join(site.root, 'bin/sigpost'), 'serve', '--port', String(port), '--host', '127.0.0.1',
    '--db', site.db, '--www', join(site.root, 'www'), ...more];
  const it = new Process(command, { cwd: site.root, env: { TMPDIR: join(site.root, 'htdocs'), ...env } });
  const url = `http://127.0.0.1:${port}`;
  await until(`an answer at ${url}`, async () => {
    if (it.how !== undefined) {
      throw new Error(it.log());
    }
    return (await request(`${url}${path}/`)).status === 200;
  });
  return { it, url, port };
}

/**
 * What Peer wants of a server.
 * @param {string} base
 * @returns {any}
 */
export const at = (base) => ({ url: (/** @type {string} */ path) => `${base}${path}`, origin: base });
