/**
 * The settings as src/conf.def has them, in the table of docs/settings.md and in conf/sigpost.conf.
 * `./dev settings` runs this file to write both anew; docs.test.mjs compares them.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('../..', import.meta.url));
const TABLE = 'docs/settings.md';
const EXAMPLE = 'conf/sigpost.conf';

export const PROGRAM = join(process.env.SIGPOST_BUILD ?? join(SOURCE, 'build'), 'sigpost');

/** @param {string} name in the source tree */
const read = (name) => readFileSync(join(SOURCE, name), 'utf8');

/** The rows of conf.def: what it says of each setting. */
export function settings() {
  const rows = read('src/conf.def').matchAll(
    /^CONF_(\w+)\((\w+), (.*?), (?:(\w+), (\w+), )?(?:"([a-z ]+)", )?"((?:[^"\\]|\\.)*)"\)$/gm);
  return [...rows].map(([, type, name, usual, least, most, words, help]) => (
    { type, name, usual, least, most, words, help }));
}

const UNITS = {
  TIME: [['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1000], ['ms', 1]],
  SIZE: [['G', 2 ** 30], ['M', 2 ** 20], ['k', 2 ** 10], ['', 1]],
};

/** A number of a setting as one would write it. @param {string} type @param {string} digits */
function written(type, digits) {
  const units = UNITS[/** @type {keyof typeof UNITS} */ (type)] ?? [];
  const unit = units.find(([, factor]) => Number(digits) % Number(factor) === 0);
  return digits === 'INT64_MAX' ? '' : unit === undefined || digits === '0' ? digits : `${Number(digits) / Number(unit[1])}${unit[0]}`;
}

/** @param {ReturnType<typeof settings>[number]} row as docs/settings.md has it */
function tableRow({ type, name, usual, least, most, words, help }) {
  const value = usual.replace('SIGPOST_LOCALSTATEDIR "', '"/var').replaceAll('"', '');
  const range = least === undefined ? words?.replaceAll(' ', ', ') ?? '' :
    `${written(type, least)} … ${written(type, most)}`.trim();
  return `| \`${name}\` | ${written(type, value)} | ${type === 'SWITCH' ? 'on, off' : range} | ${help} |`;
}

/** A text with the table of today in the place of its own. @param {string} text */
export function withTable(text) {
  return text.replace(/(^\| `\w+` \|.*\n)+/m, () => settings().map((row) => `${tableRow(row)}\n`).join(''));
}

/** conf/sigpost.conf as the program prints it, with the usual directory. */
export function example() {
  const text = execFileSync(PROGRAM, ['check', '--print-config', '--config='], { env: {}, encoding: 'utf8' });
  return text.replace(/^#db = .*(?=\/lib\/sigpost\/sigpost\.db$)/m, '#db = /var');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(join(SOURCE, TABLE), withTable(read(TABLE)));
  writeFileSync(join(SOURCE, EXAMPLE), example());
}
