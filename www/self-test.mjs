/** The page that says what a host can do: it asks the server, tries each way down, and on demand how long one lasts. */

import { byId, mountPath, pill, say } from './page.mjs';
import { askHealth, holdOpen, tryPoll, trySocket, tryStream } from './probe.mjs';
import { authorization, clients, database, found, hub, longest, program } from './self-test-words.mjs';

const WAYS = { sse: tryStream, poll: tryPoll, websocket: trySocket };
const LONGEST_MS = 300_000;
const NOTHING = { figure: 'no', meaning: '', tone: 'bad' };

const server = mountPath();

/** @param {string} way @param {{figure: string, meaning: string, tone: string}} it */
function show(way, { figure, meaning, tone }) {
  const row = /** @type {HTMLElement} */ (document.querySelector(`[data-way="${way}"]`));
  const put = (/** @type {string} */ part, /** @type {string} */ text) => {
    /** @type {HTMLElement} */ (row.querySelector(part)).textContent = text;
  };
  row.dataset.tone = tone;
  put('.figure', figure);
  put('.meaning', meaning);
}

const trying = (/** @type {string} */ way) => show(way, { figure: 'trying', meaning: '', tone: 'wait' });

async function askHost() {
  ['program', 'hub', 'database', 'authorization'].forEach(trying);
  const answer = await askHealth(server, { Authorization: 'Bearer self-test' });
  show('program', program(answer));
  show('hub', answer.health ? hub(answer.health) : NOTHING);
  show('database', answer.health ? database(answer.health) : NOTHING);
  show('authorization', answer.health ? authorization(answer.health) : NOTHING);
}

/** Is it still the process that was there before? @param {number} began performance.now() */
async function askHub(began) {
  const { health } = await askHealth(server);
  if (health) {
    show('hub', hub(health, performance.now() - began));
  }
}

async function tryWays() {
  /** @type {Record<string, import('./probe.mjs').Finding>} */
  const findings = {};
  for (const [way, attempt] of Object.entries(WAYS)) {
    trying(way);
    findings[way] = await attempt(server);
    show(way, found(way, findings[way]));
  }
  return findings;
}

async function tryAll() {
  byId('again').disabled = true;
  say('Trying.');
  pill('Trying', 'wait');
  await askHost();
  const began = performance.now();
  const { sentence, tone, advice } = clients(await tryWays());
  await askHub(began);
  byId('verdict').dataset.tone = tone;
  say(sentence);
  say(advice, 'advice');
  pill(tone === 'bad' ? 'Not yet' : 'Works', tone);
  byId('again').disabled = false;
}

async function tryLongest() {
  byId('longest').disabled = true;
  const began = performance.now();
  const clock = setInterval(() => show('longest', {
    figure: `${Math.round((performance.now() - began) / 1000)}\u00a0s`, meaning: 'A request is held open.', tone: 'wait',
  }), 1000);
  const result = await holdOpen(server, LONGEST_MS);
  clearInterval(clock);
  show('longest', longest(result));
  await askHub(began);
  byId('longest').disabled = false;
}

byId('again').addEventListener('click', tryAll);
byId('longest').addEventListener('click', tryLongest);
await tryAll();
