/** The command line for tests: run as the servers' user, databases that `init` made, what `check` finds. */

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { newKey, run } from './harness.mjs';

export const HEAD_USER_VERSION = 60;  // SQLite file format, 1.3
export const HEAD_APPLICATION_ID = 68;

/** @typedef {import('./site.mjs').Site} Site */

/**
 * Runs `sigpost` as the user the servers run as.
 * @param {Site} site
 * @param {string[]} args
 * @param {{env?: Record<string, string>, cwd?: string, user?: {uid: number, gid: number}}} [options]
 */
export function sigpost(site, args, { env = {}, cwd = site.root, ...more } = {}) {
  return run([join(site.root, 'bin/sigpost'), ...args], { cwd, env, ...more });
}

/** A directory of its own for a test. @param {Site} site */
export function place(site) {
  const name = `place ${newKey()}`;
  mkdirSync(join(site.root, name), { mode: 0o700 });
  site.give(name);
  return join(site.root, name);
}

/** A database that `init` made. @param {Site} site @param {string[]} more */
export async function made(site, ...more) {
  const directory = place(site);
  const db = join(directory, 'sigpost.db');
  const { status, errors } = await sigpost(site, ['init', '--db', db, ...more]);
  assert.equal(status, 0, errors);
  return { directory, db };
}

/** Changes a number in the head of a database nobody has open. */
export function stamp(/** @type {string} */ db, /** @type {number} */ at, /** @type {number} */ value) {
  const bytes = readFileSync(db);
  bytes.writeUInt32BE(value, at);
  writeFileSync(db, bytes);
  return bytes;
}

/** @typedef {{level: string, about: string, what: string, mend?: string}} Finding */

/**
 * What check finds; the printed rows and --json must say the same.
 * @param {Site} site
 * @param {string[]} args
 * @param {{env?: Record<string, string>, user?: {uid: number, gid: number}}} [options]
 */
export async function check(site, args, options) {
  const www = ['--www', join(site.root, 'www')];
  const printed = await sigpost(site, ['check', ...www, ...args], options);
  const { output, status } = await sigpost(site, ['check', '--json', ...www, ...args], options);
  const { ok, findings } = JSON.parse(output);
  const rows = findings.map((/** @type {Finding} */ { level, about, what, mend }) =>
    `${level.padEnd(5)} ${about.padEnd(12)} ${what}${mend === undefined ? '' : `. ${mend}`}\n`);
  assert.equal(printed.output, rows.join(''));
  assert.equal(printed.status, status);
  assert.equal(status, ok ? 0 : 1);
  assert.equal(ok, !findings.some((/** @type {Finding} */ it) => it.level === 'fail'));
  for (const it of findings) {
    assert.equal(it.mend === undefined, ['ok', 'note'].includes(it.level), `${it.what}: a sentence mends what is not ok`);
  }
  return { ok, findings: /** @type {Finding[]} */ (findings) };
}

/**
 * One finding about something, of this level.
 * @param {{findings: Finding[]}} all
 * @param {string} about
 * @param {string} level
 * @param {RegExp} what
 * @param {RegExp} [mend]
 */
export function has({ findings }, about, level, what, mend) {
  const found = findings.find((it) => it.about === about && it.level === level && what.test(it.what));
  assert.ok(found, `${level} ${about} ${what}: ${JSON.stringify(findings.filter((it) => it.about === about))}`);
  if (mend !== undefined) {
    assert.match(found.mend ?? '', mend);
  }
}

/** @param {string} directory */
export const names = (directory) => readdirSync(directory).sort();

export const nobody = { uid: 65534, gid: 65534 };
