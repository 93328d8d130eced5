/**
 * Prints the figures of one run of bench/run as a Markdown table: medians over the rounds, their
 * least and greatest value, the ratio of the medians, and what the ratio ought to be.
 *
 *     node table.mjs RESULTS.jsonl
 */
import { readFileSync } from 'node:fs';

/** @typedef {{label?: string, mode: string, [member: string]: any}} Result one line of results */
/** @typedef {{median: number, least: number, greatest: number}} Spread */

/**
 * A row compares a figure of ours with a figure of somebody else, or with a bound.
 * @typedef {object} Row
 * @property {string} what
 * @property {[string, string]} own label and member
 * @property {[string, string]} [beside] the same of what it is compared with
 * @property {number} [most] bound of the ratio, or of the figure where nothing is beside it
 * @property {number} [least]
 * @property {(result: Result, member: string) => number} [read]
 */

const OTHERS_MOST = 0.15; // cores; above it, time on the clock says little

/** @type {(result: Result, member: string) => number} */
const member = (result, name) => result[name];

/** @type {(result: Result, member: string) => number} */
const lastStep = (result, name) => result.steps.at(-1)[name];

/** @type {Row[]} */
const ROWS = [
  {
    what: 'POST → event, p50, ms (PeerJS server)',
    own: ['latency/sigpost', 'p50_ms'],
    beside: ['latency/peerjs', 'p50_ms'],
    most: 2.5,
  },
  {
    what: 'POST → event, p99, ms (PeerJS server)',
    own: ['latency/sigpost', 'p99_ms'],
    beside: ['latency/peerjs', 'p99_ms'],
    most: 4,
  },
  {
    what: 'idle stream, kB of the backend',
    own: ['idle/backend', 'rss_per_stream_kb'],
    most: 0.6,
    read: lastStep,
  },
  {
    what: 'idle stream, kB with lighttpd',
    own: ['idle/tree', 'rss_per_stream_kb'],
    read: lastStep,
  },
  {
    what: 'CPU of opening one stream, ms, with lighttpd',
    own: ['idle/tree', 'conn_cpu_ms'],
    read: lastStep,
  },
  {
    what: 'POSTs per CPU-second (empty FastCGI responder)',
    own: ['post/sigpost', 'posts_per_cpu_s'],
    beside: ['post/null', 'posts_per_cpu_s'],
    least: 0.6,
  },
  {
    what: 'POSTs per second (empty FastCGI responder)',
    own: ['post/sigpost', 'posts_per_s'],
    beside: ['post/null', 'posts_per_s'],
    least: 0.6,
  },
  {
    what: 'CGI POST, µs of CPU (empty static C program)',
    own: ['cgi/sigpost', 'cpu_us_per_post'],
    beside: ['cgi/null', 'cpu_us_per_post'],
    most: 2.5,
  },
  {
    what: 'message, µs of CPU, 100,000 stored (none)',
    own: ['flat/stored', 'cpu_us_per_post'],
    beside: ['flat/empty', 'cpu_us_per_post'],
    most: 1.25,
  },
  {
    what: 'message, µs of CPU, 8,000 idle streams (none)',
    own: ['flat/idle', 'cpu_us_per_post'],
    beside: ['flat/empty', 'cpu_us_per_post'],
    most: 1.25,
  },
];

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
  return { median, least: sorted[0], greatest: sorted.at(-1) };
}

/**
 * @param {Result[]} results
 * @param {[string, string]} source
 * @param {Row['read']} read
 * @returns {Spread | null} null where nothing was measured
 */
function figure(results, [label, name], read = member) {
  const values = results.filter((result) => result.label === label).map((result) => read(result, name));
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
 * @param {number} value what is bounded
 */
function verdict(row, value) {
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
  const beside = row.beside ? figure(results, row.beside, row.read) : null;
  if (!own || (row.beside && !beside)) return null;
  const ratio = beside ? own.median / beside.median : null;
  const judged = verdict(row, ratio ?? own.median);
  return `| ${row.what} | ${cell(own)} | ${cell(beside)} | ${ratio ? ratio.toFixed(2) : '–'} | ${judged} |`;
}

/**
 * What makes a figure doubtful: errors, lost messages, a machine that others used meanwhile.
 * @param {Result[]} results
 * @returns {string[]}
 */
function doubts(results) {
  const counted = ['errors', 'fails', 'disorder', 'short', 'hs_fail', 'lost', 'late']
    .map((name) => [name, results.reduce((sum, result) => sum + (result[name] ?? 0), 0)])
    .filter(([, count]) => count > 0).map(([name, count]) => `${count} ${name}`);
  const others = Math.max(...results.map((result) => result.other_cpu ?? 0));
  if (others > OTHERS_MOST) counted.push(`others used up to ${others.toFixed(1)} cores`);
  return counted.map((doubt) => `${results[0].label}: ${doubt}`);
}

/** @param {Result} machine */
function describe(machine) {
  return `${machine.cores} × ${machine.cpu}, Linux ${machine.kernel}; lighttpd ${machine.lighttpd}, ` +
    `Node ${machine.node}, PeerJS server ${machine.peerjs}, ${machine.sigpost}.\n`;
}

const results = readResults(process.argv[2]);
const measured = results.filter((result) => result.label);
const labels = [...new Set(measured.map((result) => result.label))];

results.filter((result) => result.mode === 'machine').forEach((found) => console.log(describe(found)));
console.log('| figure (beside what) | sigpost: median (least–greatest) | the other | ratio | bound |');
console.log('|---|---|---|---|---|');
ROWS.map((row) => line(measured, row)).filter(Boolean).forEach((text) => console.log(text));
const doubtful = labels.flatMap((label) => doubts(measured.filter((result) => result.label === label)));
if (doubtful.length) console.log(`\nTo be doubted: ${doubtful.join('; ')}.`);
