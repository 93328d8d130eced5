/** The page that says what a host can do: it asks the server, tries each way down, and on demand how long one lasts. */

import { byId, mountPath, pill, say, showWay } from './page.mjs';
import { askHealth, holdOpen, tryPoll, trySocket, tryStream } from './probe.mjs';
import { authorization, clients, database, found, hub, longest, program } from './self-test-words.mjs';

const WAYS = { sse: tryStream, poll: tryPoll, websocket: trySocket };
const LONGEST_MS = 300_000;
const NOTHING = { figure: 'no', meaning: '', tone: 'bad' };

const server = mountPath();

const trying = (/** @type {string} */ way) => showWay(way, { figure: 'trying', meaning: '', tone: 'wait' });

async function askHost() {
  ['program', 'hub', 'database', 'authorization'].forEach(trying);
  const answer = await askHealth(server, { Authorization: 'Bearer self-test' });
  showWay('program', program(answer));
  showWay('hub', answer.health ? hub(answer.health) : NOTHING);
  showWay('database', answer.health ? database(answer.health) : NOTHING);
  showWay('authorization', answer.health ? authorization(answer.health) : NOTHING);
}

/** Is it still the process that was there before? @param {number} began performance.now() */
async function askHub(began) {
  const { health } = await askHealth(server);
  if (health) {
    showWay('hub', hub(health, performance.now() - began));
  }
}

async function tryWays() {
  /** @type {Record<string, import('./probe.mjs').Finding>} */
  const findings = {};
  for (const [way, attempt] of Object.entries(WAYS)) {
    trying(way);
    findings[way] = await attempt(server);
    showWay(way, found(way, findings[way]));
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
  const clock = setInterval(() => showWay('longest', {
    figure: `${Math.round((performance.now() - began) / 1000)}\u00a0s`, meaning: 'A request is held open.', tone: 'wait',
  }), 1000);
  const result = await holdOpen(server, LONGEST_MS);
  clearInterval(clock);
  showWay('longest', longest(result));
  await askHub(began);
  byId('longest').disabled = false;
}

byId('again').addEventListener('click', tryAll);
byId('longest').addEventListener('click', tryLongest);
await tryAll();
