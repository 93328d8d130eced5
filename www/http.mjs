/**
 * Small things that clients of an HTTP server need: when to come again, and what a refusal says.
 */

/** Statuses that pass: the same request may be made again later. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504, 507]);

/** Longer than this nobody waits for a server, whatever it says. */
const LONGEST_MS = 300_000;

const encoder = new TextEncoder();

/**
 * @param {string} text
 * @returns {number} its size on the wire, UTF-8
 */
export function byteLength(text) {
  return encoder.encode(text).length;
}

/**
 * Milliseconds to wait before try number `attempt` (from 0): doubling, capped, and somewhere
 * between half and all of that, so that clients cut off together do not come back together.
 * @param {number} attempt
 */
export function backoff(attempt, base = 250, cap = 8000) {
  const step = Math.min(cap, base * 2 ** Math.min(attempt, 16));
  return step / 2 + Math.random() * (step / 2);
}

/**
 * Retry-After (RFC 9110, 10.2.3) in milliseconds: seconds or a date, 0 if absent or unreadable, at most
 * LONGEST_MS. Whoever waits adds a jitter.
 * @param {string | null} value
 */
export function retryAfter(value, now = Date.now()) {
  if (!value) {
    return 0;
  }
  const wait = /^\s*\d+\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(wait) ? Math.min(LONGEST_MS, Math.max(0, wait)) : 0;
}

/**
 * @param {string} url
 * @param {string} name
 * @param {string} value
 */
export function withParam(url, name, value) {
  const target = new URL(url);
  target.searchParams.set(name, value);
  return target.href;
}

/**
 * What the body of an answer says: `detail` or `title` of an application/problem+json (RFC 9457),
 * or `code` and `reason`, with which sigver refuses under status 200.
 * @param {string} text
 * @returns {{code?: number, reason: string}}
 */
function verdict(text) {
  try {
    const { code, reason, detail, title } = JSON.parse(text);
    return { code, reason: reason ?? detail ?? title ?? '' };
  } catch {
    return { reason: '' };
  }
}

/** An answer that is not the one asked for. */
export class HttpError extends Error {
  /**
   * @param {Response} response
   * @param {string} [body]
   */
  constructor(response, body = '') {
    const { code, reason } = verdict(body);
    super(reason || `HTTP ${response.status}`);
    this.name = 'HttpError';
    this.status = response.status;
    this.code = code;
    this.passing = PASSING.has(response.status);
    this.retryAfter = retryAfter(response.headers.get('Retry-After'));
  }
}

/**
 * A time limit made of whole seconds in which somebody could have acted: a computer that sleeps
 * does not use it up.
 */
export class Countdown {
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #tick;

  /**
   * Begins, unless it is running.
   * @param {number} ms
   * @param {() => void} onend
   */
  start(ms, onend) {
    let left = Math.ceil(ms / 1000);
    this.#tick ??= setInterval(() => {
      left -= 1;
      if (left <= 0) {
        this.stop();
        onend();
      }
    }, 1000);
  }

  stop() {
    clearInterval(this.#tick);
    this.#tick = undefined;
  }
}

/** A wait that can be cut short. One at a time. */
export class Pause {
  /** @param {number} ms */
  wait(ms) {
    return new Promise((resolve) => {
      this.end = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
      const timer = setTimeout(this.end, ms);
    });
  }

  end() {}
}
