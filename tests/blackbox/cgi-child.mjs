/** CGI children by hand: a program started with the variables a web server would set. */

import { join } from 'node:path';

import { variables } from './fcgi.mjs';
import { Process, until, within } from './proc.mjs';
import { parseBlock } from './sse.mjs';

/**
 * @typedef {object} Ask
 * @property {string} [method]
 * @property {string} [uri]
 * @property {string} [body]
 * @property {Record<string, string>} [vars] more variables of the request, or others
 * @property {Record<string, string>} [env] more of its environment, or others
 * @property {string} [cwd]
 * @property {string} [program] in bin/ of the site
 * @property {string[]} [before] a command that starts it
 * @property {string[]} [args] its argv, which a URL may have filled
 */

/**
 * @param {import('./site.mjs').Site} site
 * @param {Ask} [ask]
 */
export function child(site, { method = 'GET', uri = '/', body, vars = {}, env = {}, cwd, program = 'sigpost.cgi', before = [], args = [] } = {}) {
  return new Process([...before, join(site.root, 'bin', program), ...args], {
    cwd: cwd ?? site.root, input: body ?? '',
    env: { ...site.environment(), ...variables({ method, uri, body, more: vars }), ...env },
  });
}

/**
 * The whole answer of a child.
 * @param {import('./site.mjs').Site} site
 * @param {Ask} [ask]
 */
export async function answer(site, ask) {
  const it = child(site, ask);
  await within('the answer of a CGI child', it.closed, 20_000);
  const text = it.output.toString();
  return { text, status: Number(/^Status: (\d+)/.exec(text)?.[1] ?? 0), errors: it.errors.toString() };
}

/**
 * The blocks of an event stream that came so far.
 * @param {Process} it
 */
export function blocks(it) {
  const text = it.output.toString();
  return text.slice(text.indexOf('\r\n\r\n') + 4).split('\n\n').filter(Boolean).map(parseBlock);
}

/**
 * An open stream and its token.
 * @param {import('./site.mjs').Site} site
 * @param {Ask} [ask]
 */
export async function stream(site, ask = {}) {
  const it = child(site, { uri: '/sigver', vars: { HTTP_ACCEPT: 'text/event-stream' }, ...ask });
  const auth = await until('an auth', () => blocks(it).find((block) => block.event === 'auth')?.data, 20_000);
  return { it, auth, drop: () => it.child.stdout?.destroy() };
}

/**
 * @param {import('./site.mjs').Site} site
 * @param {string | undefined} auth
 * @param {unknown} message
 * @param {Ask} [ask]
 */
export function say(site, auth, message, ask = {}) {
  return answer(site, { method: 'POST', uri: '/sigver', body: `${auth}@${JSON.stringify(message)}`, ...ask });
}

/**
 * What messages came so far.
 * @param {Process} it
 */
export function messages(it) {
  return blocks(it).filter((block) => block.event === undefined && block.data !== undefined)
    .map((block) => JSON.parse(block.data ?? ''));
}
