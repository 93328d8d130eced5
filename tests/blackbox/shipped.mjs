/**
 * The configurations that are installed (conf/), as a site uses them: the same text with a site's paths,
 * port and settings in the place of an installation's. What is around them is in tests/blackbox/conf.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const SHIPPED = fileURLToPath(new URL('../../conf/', import.meta.url));
const AROUND = fileURLToPath(new URL('conf/', import.meta.url));
const MODULES = '/usr/lib/apache2/modules';

/** Loaded by every Apache of Debian's but for the MPM; those of a row come on top. */
const USUAL = ['authz_core', 'alias', 'dir', 'env', 'mime', 'setenvif'];

/**
 * @typedef {object} Place
 * @property {string} root of the site
 * @property {string} name of the server, for its files
 * @property {number} port
 * @property {number} [back] where `sigpost serve` listens
 * @property {number} procs
 * @property {Record<string, string>} settings environment of the process that serves
 */

/** @param {string} text @param {Record<string, string>} pairs in this order */
function exchange(text, pairs) {
  return Object.entries(pairs).reduce((all, [from, to]) => all.replaceAll(from, to), text);
}

/**
 * The line that names the database stands for all settings.
 * @param {string} text
 * @param {import('./kinds.mjs').Kind} kind
 * @param {Record<string, string>} settings
 */
function withSettings(text, { setting }, settings) {
  if (setting === undefined) {
    return text;
  }
  const line = setting('SIGPOST_DB', '/var/lib/sigpost/sigpost.db');
  if (!text.includes(line)) {
    throw new Error(`no line of this configuration is ${line}:\n${text}`);
  }
  return text.replace(line, Object.entries(settings).map(([name, value]) => setting(name, value)).join('\n'));
}

/** Where the program's name is in the address, that says where it is mounted. @param {string} text @param {string} mount */
const withMount = (text, mount) => (mount.endsWith('.cgi') ? text.replace('"SIGPOST_MOUNT" => "/rtc/",', '') : text);

/**
 * A configuration of conf/, for this place.
 * @param {import('./kinds.mjs').Kind} kind
 * @param {Place} place
 */
export function shipped(kind, { root, name, port, back, procs, settings }) {
  const text = withMount(readFileSync(join(SHIPPED, kind.conf ?? ''), 'utf8'), kind.mount);
  return exchange(withSettings(text, kind, settings), {
    ...kind.change,
    '/rtc/': `${kind.mount}/`,
    '/usr/local/libexec/sigpost': `${root}/bin`,
    '/usr/local/bin': `${root}/bin`,
    '/usr/local/share/sigpost/www': `${root}/www`,
    '/run/lighttpd/sigpost.sock': `${root}/${name}.sock`,
    '/run/sigpost/fcgi.sock': `${root}/${name}.sock`,
    '/var/log/lighttpd/sigpost': `${root}/${name}-access`,
    '/var/log/nginx/sigpost': `${root}/${name}-access`,
    '/var/log/apache2/sigpost': `${root}/${name}-access`,
    '/var/www/html': `${root}/htdocs`,
    '*:80': `127.0.0.1:${port}`,
    'listen 80;': `listen 127.0.0.1:${port};`,
    '127.0.0.1:9000': `127.0.0.1:${back}`,
    '"max-procs" => 1': `"max-procs" => ${procs}`,
  });
}

/**
 * What is around it.
 * @param {import('./kinds.mjs').Kind} kind
 * @param {Place} place
 * @param {string} conf path of what shipped() said
 */
export function around({ around: file, modules = [] }, { root, name, port }, conf) {
  const loaded = [...USUAL, ...modules].map((it) => `LoadModule ${it}_module ${MODULES}/mod_${it}.so`);
  return exchange(readFileSync(join(AROUND, `${file}.conf`), 'utf8'), {
    '@ROOT@': root, '@NAME@': name, '@PORT@': `${port}`, '@CONF@': conf, '@MODULES@': loaded.join('\n'),
  });
}
