/** The status page: asks the server how it is while somebody looks, and tries what gets through. */

import { askHealth, tryPoll, trySocket, tryStream } from './probe.mjs';
import { advice, facts, found, time, verdict } from './status-words.mjs';
import { byId, mountPath, pill, say, showWay } from './page.mjs';

const EVERY_MS = 4000;
/** At first, more often: one number says little of how long a request takes. */
const SOON_MS = 150;
const SOON = 10;
/** A rate of less time than this says nothing. */
const RATE_MS = 3000;
/** Points of the trace, and the round trip that is as high as it. */
const TRACE = 40;
const TRACE_MIN_MS = 20;

const WAYS = { sse: tryStream, poll: tryPoll, websocket: trySocket };

const server = mountPath();
/** The last round trips, in ms. @type {number[]} */
const trips = [];
/** What was counted last, and when. */
let before = { total: 0, at: 0 };
/** @type {number | undefined} */
let rate;
/** How often the server was asked. */
let asked = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let asking = false;

// ---- how it is

/** Messages a second since the last time. @param {any} health */
function rateOf({ messages }) {
  if (!messages) {
    return undefined;
  }
  const now = { total: messages.total, at: performance.now() };
  const ms = now.at - before.at;
  if (before.at > 0 && ms < RATE_MS) {
    return rate;
  }
  rate = before.at > 0 ? Math.max(0, now.total - before.total) / (ms / 1000) : undefined;
  before = now;
  return rate;
}

/** @param {any} health */
function showFacts(health) {
  for (const [name, text] of Object.entries(facts(health, rateOf(health)))) {
    byId(`fact-${name}`).textContent = text;
  }
}

function showTrips() {
  const median = [...trips].sort((a, b) => a - b)[trips.length >> 1];
  const top = Math.max(TRACE_MIN_MS, ...trips);
  const step = 300 / (TRACE - 1);
  const from = TRACE - trips.length;
  byId('trace').setAttribute('points', trips.map((ms, i) => (
    `${((from + i) * step).toFixed(1)},${(54 - 50 * ms / top).toFixed(1)}`)).join(' '));
  byId('round-trip').textContent = `${time(trips[trips.length - 1])}, mostly ${time(median)}`;
}

/** @param {Awaited<ReturnType<typeof askHealth>>} answer */
function show(answer) {
  const { word, tone, sentence } = verdict(answer);
  const reticent = answer.status === 404 || (answer.health && !answer.health.process);
  pill(word, tone);
  say(sentence);
  byId('verdict').dataset.tone = tone;
  byId('reticent').hidden = !reticent;
  byId('facts').hidden = answer.status === 404;
  if (answer.health) {
    showFacts(answer.health);
  }
  if (answer.status > 0 && asked > 1) { // the first makes the connection
    trips.push(answer.ms);
    trips.splice(0, trips.length - TRACE);
    showTrips();
  }
}

/** Now, and from now on while the page is to be seen. */
async function ask() {
  clearTimeout(timer);
  if (asking || document.hidden) {
    return;
  }
  asking = true;
  asked += 1;
  show(await askHealth(server));
  asking = false;
  timer = setTimeout(ask, asked < SOON ? SOON_MS : EVERY_MS);
}

// ---- what gets through

/** One after the other: a time is of one way alone. */
async function tryAll() {
  /** @type {Record<string, import('./probe.mjs').Finding>} */
  const findings = {};
  byId('again').ariaDisabled = 'true';
  for (const [way, attempt] of Object.entries(WAYS)) {
    showWay(way, { figure: 'trying', meaning: '', tone: 'wait' });
    findings[way] = await attempt(server);
    showWay(way, found(way, findings[way]));
  }
  say(advice(findings), 'advice');
  byId('again').ariaDisabled = 'false';
}

byId('again').addEventListener('click', () => {
  if (byId('again').ariaDisabled !== 'true') {
    tryAll();
  }
});
document.addEventListener('visibilitychange', ask);
byId('endpoint').href = new URL('health', server).href;
byId('endpoint').textContent = new URL('health', server).href;
await ask();
await tryAll();
