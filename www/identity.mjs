/**
 * Who a page is at a PeerJS server, and how it stays that after a reload.
 *
 * PeerJS draws a new token with each page load, so a reloaded page would be a stranger who asks for
 * an id that is taken. The token is therefore kept in sessionStorage, which a reload leaves and no
 * other tab sees, but for one that was duplicated: that has a copy. So only the page that holds the
 * Web Lock of this id uses what is stored; its copy goes by the token it was given. Where there are
 * no locks (an address without https, Node) or no storage, so does everybody.
 */

/** A page that reloads may not have let go of its lock yet when the next one asks. */
const RELOAD_MS = 1000;

/**
 * What a page has in hand for one id: the token it speaks by, and how many sockets do.
 * @typedef {object} Hold
 * @property {string} given the token PeerJS chose
 * @property {Promise<string>} token
 * @property {number} users
 * @property {boolean} kept the token outlives a reload
 * @property {() => void} release gives the lock back
 */

/** The ids this page has in hand. @type {Map<string, Hold>} */
const holds = new Map();

/** The greatest number given out, to whomever. */
let last = 0;

/** @returns {Storage | undefined} */
function storage() {
  try {
    return globalThis.sessionStorage;
  } catch { // forbidden
    return undefined;
  }
}

/**
 * @param {string} name
 * @returns {{token?: string, last?: number}}
 */
function stored(name) {
  try {
    return JSON.parse(storage()?.getItem(name) ?? '{}') ?? {};
  } catch {
    return {};
  }
}

/**
 * @param {string} name
 * @param {{token: string, last: number}} record
 */
function store(name, record) {
  try {
    storage()?.setItem(name, JSON.stringify(record));
  } catch {
    // full: then a reload is a stranger
  }
}

/**
 * Takes a lock for as long as nobody calls the function it resolves with.
 * @param {string} name
 * @param {LockOptions} options
 * @returns {Promise<(() => void) | undefined>} nothing if somebody else has it
 */
function lock(name, options) {
  return new Promise((resolve) => {
    navigator.locks.request(name, options, (it) => new Promise((release) => {
      resolve(it ? () => release(undefined) : undefined);
      if (!it) {
        release(undefined);
      }
    })).catch(() => resolve(undefined));
  });
}

/**
 * The lock, if it is free; if this page has something to regain, also if it becomes free at once.
 * @param {string} name
 */
async function lockSoon(name) {
  if (!globalThis.navigator?.locks || !storage()) {
    return undefined;
  }
  const now = await lock(name, { ifAvailable: true });
  if (now || !stored(name).token) {
    return now;
  }
  const given = new AbortController();
  setTimeout(() => given.abort(), RELOAD_MS);
  return lock(name, { signal: given.signal });
}

/**
 * One socket's share in an id.
 */
export class Identity {
  #name;
  #given;
  /** @type {Hold | undefined} */
  #hold;
  token = '';

  /** @param {import('./address.mjs').Address} address */
  constructor({ base, key, id, token }) {
    this.#name = `sigpost ${base} ${key} ${id}`;
    this.#given = token;
    this.token = token;
  }

  /** Resolves when `token` is the one to use. */
  async claim() {
    const known = holds.get(this.#name);
    if (known && known.given !== this.#given) {
      return; // two sockets of one page want the same id: the server decides
    }
    this.#hold = known ?? this.#take();
    this.#hold.users += 1;
    this.token = await this.#hold.token;
  }

  /** @returns {Hold} */
  #take() {
    /** @type {any} */
    const hold = { given: this.#given, users: 0, kept: false, release: () => {} };
    hold.token = this.#regain(hold);
    holds.set(this.#name, hold);
    return hold;
  }

  /** @param {Hold} hold */
  async #regain(hold) {
    const release = await lockSoon(this.#name);
    if (!release || hold.users === 0) { // or given up meanwhile
      release?.();
      return this.#given;
    }
    Object.assign(hold, { release, kept: true });
    const record = stored(this.#name);
    last = Math.max(last, record.last ?? 0);
    store(this.#name, { token: record.token ?? this.#given, last });
    return record.token ?? this.#given;
  }

  /**
   * For `n` and `order`: above all that were given out, by this page and by those it was before.
   * The clock makes it so for whoever could store nothing.
   */
  next() {
    last = Math.max(last + 1, Math.floor(Date.now()));
    if (this.#hold?.kept) {
      store(this.#name, { token: this.token, last });
    }
    return last;
  }

  /** From now on the next page gets a token of its own. */
  forget() {
    if (this.#hold?.kept) {
      this.#hold.kept = false;
      storage()?.removeItem(this.#name);
    }
  }

  /** The socket has ended. */
  release() {
    const hold = this.#hold;
    this.#hold = undefined;
    if (hold) {
      hold.users -= 1;
      if (hold.users === 0) {
        hold.release();
        holds.delete(this.#name);
      }
    }
  }
}
