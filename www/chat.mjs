/** What is said on a page, and what happened meanwhile: lines in a box. */

import { byId, keepToEnd, now } from './page.mjs';

/** @param {HTMLElement} line */
export function append(line) {
  byId('chat-empty')?.remove();
  keepToEnd(byId('lines'), () => byId('lines').append(line));
}

/**
 * @param {string} text
 * @param {string} [from] nobody: it is our own
 */
export function addLine(text, from) {
  const line = document.createElement('div');
  const words = document.createElement('p');
  const small = document.createElement('small');
  line.className = 'line';
  line.dataset.mine = String(from === undefined);
  words.textContent = text;
  small.textContent = `${from ?? 'You'} · ${now()}`;
  line.append(words, small);
  append(line);
}

/**
 * A line across: something happened.
 * @param {string} text
 * @param {import('./page.mjs').Tone} [tone]
 */
export function addMark(text, tone = 'idle') {
  const mark = document.createElement('p');
  mark.className = 'mark';
  mark.dataset.tone = tone;
  mark.textContent = text;
  append(mark);
}
