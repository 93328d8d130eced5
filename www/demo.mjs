/** The sigver page: what is clicked goes to the visit, what it tells is shown. */

import { Visit } from './visit.mjs';
import { WireLog } from './wirelog.mjs';
import { byId, copy, mountPath, newName, onSubmit, pill, say, showRoute, stunUri, travel }
  from './page.mjs';
import { addLine, showPartner, showSession, showStream } from './view.mjs';

const CUT = 'Cut off from the server. What is meant for this window waits there.';

/**
 * What to say in each phase of a visit.
 * @type {Record<string, {word: string, tone: import('./page.mjs').Tone,
 *   sentence: (it: any) => string}>}
 */
const PHASES = {
  asking: { word: 'Connecting', tone: 'wait', sentence: () => 'Asking the server.' },
  waiting: {
    word: 'Waiting',
    tone: 'wait',
    sentence: ({ instead }) => `${instead ? 'Nobody had opened the key, so it is open here now.'
      : 'The key is open.'} Waiting for the other window.`,
  },
  meeting: { word: 'Connecting', tone: 'wait', sentence: () => 'Making the connection.' },
  connected: {
    word: 'Connected',
    tone: 'good',
    sentence: ({ ms, guests }) => `Connected directly, ${ms}\u00a0ms after the first word.${
      guests > 1 ? ` ${guests} guests.` : ''}`,
  },
  parted: {
    word: 'Alone',
    tone: 'bad',
    sentence: () => 'The other window is gone.',
  },
  ended: { word: 'Ended', tone: 'bad', sentence: ({ reason }) => `The server ended it: ${reason}` },
};

const wire = new WireLog();
/** @type {Visit | undefined} */
let visit;
/** What holds apart from the stream. */
let sentence = '';

const newKey = () => newName(3);
const stun = () => stunUri(byId('stun').value);

/** @param {string} key */
function linkTo(key) {
  const url = new URL(location.href);
  url.search = stun() ? `?stun=${encodeURIComponent(stun())}` : '';
  url.hash = encodeURIComponent(key);
  return url.href;
}

function keyFromAddress() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return '';
  }
}

/** @param {Visit} here */
function roleIn({ opener, opening }) {
  if (opener === undefined) {
    return opening ? 'Opening' : 'Joining';
  }
  return opener ? 'You opened' : 'You joined';
}

function show() {
  if (visit) {
    const { key, opener } = visit;
    showSession({ key, role: roleIn(visit), link: opener ? linkTo(key) : undefined });
  } else {
    showSession(undefined);
  }
  showPartner(visit?.partner
    ?? { connection: 'none', channel: 'none', known: false, awaited: false });
  showStream(visit?.state ?? 'none', visit?.transport ?? 'sse');
}

/** @param {any} event */
function phase(event) {
  const { word, tone, sentence: phrase } = PHASES[event.phase];
  sentence = phrase(event);
  say(sentence);
  pill(word, tone);
  show();
  if (event.phase === 'ended') {
    stay(undefined);
  } else if (event.phase === 'connected') {
    visit?.route().then(showRoute);
  } else {
    showRoute(undefined);
  }
}

/** @param {Visit | undefined} next */
function stay(next) {
  visit?.leave();
  visit = next;
  showRoute(undefined);
  show();
}

/**
 * @param {string} key
 * @param {boolean} opening
 */
function begin(key, opening) {
  const iceServers = stun() ? [{ urls: stun() }] : [];
  const transport = byId('transport').value;
  const here = new Visit(mountPath(), { key, opening, iceServers, transport });
  const on = (/** @type {string} */ type, /** @type {(event: any) => void} */ handle) => {
    here.addEventListener(type, (event) => here === visit && handle(event));
  };
  on('phase', phase);
  on('partner', show);
  on('stream', () => {
    say(here.state === 'paused' ? CUT : sentence);
    show();
  });
  on('line', ({ text, how }) => addLine(text, false, how));
  on('mark', ({ text, tone }) => wire.mark(text, tone));
  on('wire', (event) => {
    wire.add(event);
    travel(event.direction);
  });
  stay(here);
  phase({ phase: 'asking' });
}

function leave() {
  stay(undefined);
  history.replaceState(null, '', location.pathname + location.search); // a reload joins nothing
  byId('key').value = newKey(); // the server keeps the former for a while, for the one who left
  say('Nothing is connected.');
  pill('Not connected', 'idle');
  byId('key').focus();
}

/** @param {string} text */
function write(text) {
  const direct = byId('via-direct').checked;
  visit?.write(text, direct);
  addLine(text, true, direct ? 'directly' : 'via the server');
}

function joinFromAddress() {
  const key = keyFromAddress();
  if (key && key !== visit?.key) {
    byId('key').value = key;
    begin(key, false);
  }
}

onSubmit('start', ({ submitter }) => begin(byId('key').value, submitter?.value !== 'join'));
onSubmit('write', () => {
  const text = byId('text').value.trim();
  if (text) {
    write(text);
    byId('text').value = '';
  }
});
byId('another').addEventListener('click', () => { byId('key').value = newKey(); });
byId('leave').addEventListener('click', leave);
byId('cut').addEventListener('click', () => visit?.cutOrResume());
byId('copy').addEventListener('click', () => copy('link', 'copy'));
byId('clear').addEventListener('click', () => wire.clear());
addEventListener('hashchange', joinFromAddress);

byId('endpoint').textContent = new URL('sigver/opened', mountPath()).href;
byId('key').value = newKey();
byId('stun').value = new URLSearchParams(location.search).get('stun') ?? '';
stay(undefined);
joinFromAddress();
