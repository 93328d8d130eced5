/**
 * What the pages of the two windows share: small things about the document, ids and addresses.
 */

/** @typedef {'idle' | 'wait' | 'good' | 'bad'} Tone */

const LETTERS = 'abcdefghjkmnpqrstvwxyz23456789';
const COPIED_MS = 2000;

/**
 * @param {string} id
 * @returns {any} the element
 */
export const byId = (id) => document.getElementById(id);

/**
 * Changes a box, and keeps to its end if it stood there.
 * @param {HTMLElement} box
 * @param {() => void} change
 */
export function keepToEnd(box, change) {
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  change();
  if (atEnd) {
    box.scrollTop = box.scrollHeight;
  }
}

/**
 * @param {string} id
 * @param {string} text
 * @param {Tone} tone
 */
export function fact(id, text, tone) {
  byId(id).textContent = text;
  byId(id).dataset.tone = tone;
}

/**
 * What was found out about one way, in its row.
 * @param {string} way
 * @param {{figure: string, meaning: string, tone: string}} words
 */
export function showWay(way, { figure, meaning, tone }) {
  const row = /** @type {HTMLElement} */ (document.querySelector(`[data-way="${way}"]`));
  const put = (/** @type {string} */ part, /** @type {string} */ text) => {
    /** @type {HTMLElement} */ (row.querySelector(part)).textContent = text;
  };
  row.dataset.tone = tone;
  put('.figure', figure);
  put('.meaning', meaning);
}

/**
 * How things are: a sentence. A screen reader says it, so only when it is another.
 * @param {string} sentence
 * @param {string} [id]
 */
export function say(sentence, id = 'status') {
  if (byId(id).textContent !== sentence) {
    byId(id).textContent = sentence;
  }
}

const title = document.title;

/**
 * How things are, in a word.
 * @param {string} word
 * @param {Tone} tone
 */
export function pill(word, tone) {
  byId('pill').dataset.tone = tone;
  byId('pill-text').textContent = word;
  document.title = tone === 'idle' ? title : `${word}, sigpost`;
}

/** @type {Record<string, string>} how WebRTC calls the candidate that won, and how we do */
const ROUTES = { host: 'direct', srflx: 'direct, past a NAT', prflx: 'direct, past a NAT' };

/** @param {{type: string, protocol: string} | undefined} route */
export function showRoute(route) {
  if (route) {
    const { type, protocol } = route;
    fact('fact-route', `${ROUTES[type] ?? type}, ${protocol.toUpperCase()}`, 'good');
  } else {
    fact('fact-route', 'none', 'idle');
  }
}

/**
 * A dot that travels along the message's way.
 * @param {'up' | 'down'} direction
 */
export function travel(direction) {
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) {
    return;
  }
  const ends = [{ transform: 'translate(88px, 118px)' }, { transform: 'translate(150px, 62px)' }];
  byId('mote').dataset.direction = direction;
  byId('mote').animate(
    ends.map((end) => ({ ...end, visibility: 'visible' })),
    { duration: 450, easing: 'ease-in-out', direction: direction === 'up' ? 'normal' : 'reverse' },
  );
}

/** @returns {string} the time of day, to the minute */
export const now = () => new Date().toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

/** @returns {URL} the mount path: this page's address up to its last `www/` */
export function mountPath() {
  const url = new URL('.', document.baseURI);
  url.pathname = url.pathname.replace(/\/www\/(?!.*\/www\/).*$/, '/');
  return url;
}

/**
 * Easy to read out and hard to guess.
 * @param {number} groups of four letters
 */
export function newName(groups) {
  const random = crypto.getRandomValues(new Uint8Array(4 * groups));
  const letters = Array.from(random, (byte) => LETTERS[byte % LETTERS.length]).join('');
  return letters.replace(/(.{4})(?=.)/g, '$1-');
}

/**
 * @param {string} value what was typed
 * @returns {string} the STUN server as a URI, or nothing
 */
export function stunUri(value) {
  const name = value.trim();
  return name && !/^stuns?:/.test(name) ? `stun:${name}` : name;
}

/**
 * Copies what a field holds, and says so on the button.
 * @param {string} fieldId
 * @param {string} buttonId
 */
export async function copy(fieldId, buttonId) {
  const [word] = byId(buttonId).childNodes; // what follows is for screen readers
  try {
    await navigator.clipboard.writeText(byId(fieldId).value);
    word.nodeValue = 'Copied';
  } catch { // not everywhere without https
    byId(fieldId).select();
    word.nodeValue = 'Ctrl+C';
  }
  setTimeout(() => { word.nodeValue = 'Copy'; }, COPIED_MS);
}

/**
 * @param {string} id
 * @param {(event: any) => void} handle
 */
export function onSubmit(id, handle) {
  byId(id).addEventListener('submit', (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    handle(event);
  });
}
