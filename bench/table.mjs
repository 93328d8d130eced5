/**
 * Prints the figures of one run of bench/run as a Markdown table: medians over the rounds, their
 * least and greatest value, the ratio of the medians, and what the ratio ought to be.
 *
 *     node table.mjs RESULTS.jsonl
 */
import { readFileSync } from 'node:fs';

import { ROWS, member } from './rows.mjs';

/** @typedef {import('./rows.mjs').Result} Result */
/** @typedef {import('./rows.mjs').Row} Row */
/** @typedef {{median: number, least: number, greatest: number}} Spread */

const OTHERS_MOST = 0.15; // cores; above it, time on the clock says little

/**
 * @param {string} file
 * @returns {Result[]}
 */
function readResults(file) {
  return readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

/**
 * @param {number[]} values at least one
 * @returns {Spread}
 */
function spreadOf(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, least: sorted[0], greatest: sorted[sorted.length - 1] };
}

/**
 * @param {Result[]} results
 * @param {[string, string] | undefined} source
 * @param {Row['read']} read
 * @returns {Spread | null} null where nothing was measured, or nothing of that name
 */
function figure(results, source, read = member) {
  if (!source) return null;
  const [label, name] = source;
  const values = results.filter((result) => result.label === label).map((result) => read(result, name))
    .filter((value) => value !== undefined);
  return values.length ? spreadOf(values) : null;
}

/** @param {number} value */
function number(value) {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}

/** @param {Spread | null} spread */
function cell(spread) {
  return spread ? `${number(spread.median)} (${number(spread.least)}–${number(spread.greatest)})` : '–';
}

/**
 * @param {Row} row
 * @param {number | null} value what is bounded; null where what is beside it was not measured
 */
function verdict(row, value) {
  if (value === null) return '';
  if (row.most !== undefined) return `at most ${row.most}: ${value <= row.most ? 'met' : '**missed**'}`;
  if (row.least !== undefined) return `at least ${row.least}: ${value >= row.least ? 'met' : '**missed**'}`;
  return '';
}

/**
 * @param {Result[]} results
 * @param {Row} row
 * @returns {string | null} null where ours was not measured
 */
function line(results, row) {
  const own = figure(results, row.own, row.read);
  const beside = figure(results, row.beside, row.read);
  if (!own) return null;
  const ratio = beside ? own.median / beside.median : null;
  const judged = verdict(row, row.beside && !row.absolute ? ratio : own.median);
  const cells = [row.what, cell(own), cell(beside), ratio ? ratio.toFixed(2) : '–', judged,
    cell(figure(results, row.nchan, row.read))];
  return `| ${cells.join(' | ')} |`;
}

/**
 * What makes a figure doubtful: errors, lost messages, a machine that others used meanwhile.
 * @param {Result[]} results
 * @returns {string[]}
 */
function doubts(results) {
  const counted = ['errors', 'fails', 'disorder', 'short', 'hs_fail', 'lost', 'late']
    .map((name) => ({ name, count: results.reduce((sum, result) => sum + (result[name] ?? 0), 0) }))
    .filter(({ count }) => count > 0).map(({ name, count }) => `${count} ${name}`);
  const others = Math.max(...results.map((result) => result.other_cpu ?? 0));
  if (others > OTHERS_MOST) counted.push(`others used up to ${others.toFixed(1)} cores`);
  return counted.map((doubt) => `${results[0].label}: ${doubt}`);
}

/** @param {Result} machine */
function describe(machine) {
  return `${machine.cores} × ${machine.cpu}, Linux ${machine.kernel}; lighttpd ${machine.lighttpd}, ` +
    `Node ${machine.node}, PeerJS server ${machine.peerjs}, webrtc-star server ${machine.star}, nchan ${machine.nchan}, ${machine.sigpost}.\n`;
}

const results = readResults(process.argv[2]);
const measured = results.filter((result) => result.label);
const labels = [...new Set(measured.map((result) => result.label))];

results.filter((result) => result.mode === 'machine').forEach((found) => console.log(describe(found)));
console.log('| figure (beside what, unless the PeerJS server) | sigpost: median (least–greatest) | the other | ratio |' +
  ' bound | nginx + nchan |');
console.log('|---|---|---|---|---|---|');
ROWS.map((row) => line(measured, row)).filter(Boolean).forEach((text) => console.log(text));
const doubtful = labels.flatMap((label) => doubts(measured.filter((result) => result.label === label)));
if (doubtful.length) console.log(`\nTo be doubted: ${doubtful.join('; ')}.`);
