/** Peers this browser has met, by their ids: how often, and when last. In localStorage, and nowhere else. */

const KEY = 'sigpost peers';
/** The oldest are forgotten. */
const KEPT = 200;

/** @typedef {{times: number, last: number}} Known last: milliseconds since 1970 */

/** @returns {Record<string, Known>} */
function all() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}');
  } catch { // no storage, or not ours
    return {};
  }
}

/**
 * Notes that this peer was met.
 * @param {string} id
 * @returns {Known | undefined} how it was known before
 */
export function meet(id) {
  const known = all();
  const before = known[id];
  known[id] = { times: (before?.times ?? 0) + 1, last: Date.now() };
  const kept = Object.entries(known).sort(([, a], [, b]) => b.last - a.last).slice(0, KEPT);
  try {
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(kept)));
  } catch {
    // met for the first time, every time
  }
  return before;
}

/** In groups of four, to be compared by eye or read aloud. @param {string} id */
export const grouped = (id) => id.replace(/(.{4})(?=.)/g, '$1 ');
