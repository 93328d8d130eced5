/**
 * Transcripts in Markdown, run again to see whether they are still true.
 *
 * A fenced block that begins with ```console test is one. Its lines are
 *
 *     $ command           run by bash; a line that ends with \ goes on in the next
 *     opener$ command     the same, in a terminal of that name; terminals last to the file's end
 *     opener$             nothing to run: look what has come there meanwhile
 *     anything else       what the terminal above shows
 *
 * In what is shown, … stands for anything within a line, and a line of … alone for any lines.
 * Tokens, handles and epochs (32 or 16 hexadecimal digits) stand for whatever the server says
 * in their place: the same digits mean the same thing in all of a file, in commands too.
 */

import { Process, signal, until, within } from './proc.mjs';

/** @typedef {{line: number, terminal: string, command: string, shown: string}} Step */

/**
 * @param {string} text of a Markdown file
 * @returns {Step[][]} one list a block
 */
export function transcripts(text) {
  const blocks = /** @type {Step[][]} */ ([]);
  let inside = false;
  text.split('\n').forEach((line, index) => {
    if (inside && line !== '```') {
      takeLine(/** @type {Step[]} */ (blocks.at(-1)), line, index + 1);
    } else if (line === '```console test') {
      blocks.push([]);
      inside = true;
    } else {
      inside = false;
    }
  });
  return blocks;
}

/** @param {Step[]} steps @param {string} text @param {number} line */
function takeLine(steps, text, line) {
  const last = steps.at(-1);
  const prompt = /^([a-z]*)\$(?: (.*))?$/.exec(text);
  if (last?.command.endsWith('\\')) {
    last.command += `\n${text}`;
  } else if (prompt !== null) {
    steps.push({ line, terminal: prompt[1], command: prompt[2] ?? '', shown: '' });
  } else if (last !== undefined) {
    last.shown += `${text}\n`;
  } else {
    throw new Error(`line ${line}: a transcript begins with a prompt`);
  }
}

/** What digits in a file stand for. */
export class Names {
  #known = new Map();

  /** @param {string} command with digits of the file; what it is with the server's */
  actual(command) {
    return command.replace(TOKEN, (token) => this.#known.get(token) ?? token);
  }

  /**
   * Whether a text begins with what a file shows.
   * @param {string} shown
   * @param {string} text
   * @returns {number} how much of it; -1: it does not
   */
  match(shown, text) {
    const fresh = /** @type {string[]} */ ([]);
    const found = new RegExp(`^${this.#pattern(shown, fresh)}(?=\n|$)`).exec(text);
    if (found === null) {
      return -1;
    }
    fresh.forEach((token, index) => this.#known.set(token, found[index + 1]));
    return found[0].length;
  }

  /** @param {string} shown @param {string[]} fresh tokens in the order of their groups */
  #pattern(shown, fresh) {
    const token = (/** @type {string} */ it) => {
      if (this.#known.has(it)) {
        return this.#known.get(it);
      }
      if (fresh.includes(it)) {
        return `\\${fresh.indexOf(it) + 1}`;
      }
      fresh.push(it);
      return `([0-9a-f]{${it.length}})`;
    };
    return shown.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(TOKEN, token)
      .replace(/^…$/gm, '[^]*?').replace(/…/g, '[^\n]*?');
  }
}

const TOKEN = /\b(?:[0-9a-f]{32}|[0-9a-f]{16})\b/g;

/** A bash that takes one command after the other. */
export class Terminal {
  #read = 0;
  #count = 0;

  /** @param {{cwd: string, env: Record<string, string>}} options */
  constructor(options) {
    this.shell = new Process(['bash', '--norc'], { ...options, input: null });
    this.#type("exec 2>&1; trap 'kill $(jobs -p) 2>/dev/null' EXIT");
  }

  /** @param {string} text */
  #type(text) {
    this.#count += 1;
    this.shell.stdin?.write(`${text}\nprintf '\\001%d\\n' ${this.#count}\n`);
  }

  /** Everything it has shown and nobody has read, without heartbeats, which may come at any time. */
  get unread() {
    const all = this.shell.output.toString().replace(/\x01(\d+\n|\d*$)/g, '').replace(/^:\n\n/gm, '');
    return all.slice(this.#read);
  }

  get idle() {
    return this.shell.output.includes(`\x01${this.#count}\n`);
  }

  /** @param {string} command */
  async run(command) {
    this.#type(command);
    await until(`the end of ${command}`, () => this.idle, 20_000);
  }

  /**
   * Waits until it shows this.
   * @param {string} shown
   * @param {Names} names
   */
  async shows(shown, names) {
    try {
      await until('what the transcript shows', () => this.#take(shown.trim(), names));
    } catch {
      throw new Error(`expected\n${names.actual(shown)}\nbut there was\n${this.unread}`);
    }
  }

  /** @param {string} shown @param {Names} names */
  #take(shown, names) {
    const text = this.unread;
    const blank = text.length - text.trimStart().length;
    const length = names.match(shown, text.slice(blank));
    this.#read += length < 0 ? 0 : blank + length;
    return length >= 0;
  }

  async end() {
    this.shell.stdin?.end();
    await within('the end of a terminal', this.shell.ended, 2000)
      .catch(() => signal(this.shell.pid, 'SIGKILL'));
  }
}

/** All transcripts of a file, in order, over terminals that last. */
export class Session {
  /** @type {Map<string, Terminal>} */
  #terminals = new Map();
  #names = new Names();

  /**
   * @param {{cwd: string, env: Record<string, string>}} options
   * @param {(command: string) => string} here makes a command of the file one of this machine
   */
  constructor(options, here) {
    this.options = options;
    this.here = here;
  }

  /** @param {string} name */
  #terminal(name) {
    const it = this.#terminals.get(name) ?? new Terminal(this.options);
    this.#terminals.set(name, it);
    return it;
  }

  /** @param {Step[]} steps */
  async play(steps) {
    for (const { line, terminal, command, shown } of steps) {
      const it = this.#terminal(terminal);
      try {
        await it.run(this.here(this.#names.actual(command)));
        await it.shows(shown, this.#names);
      } catch (error) {
        throw new Error(`line ${line}: ${terminal}$ ${command}\n${/** @type {Error} */ (error).message}`);
      }
    }
  }

  /** Nothing came that no transcript shows. */
  check() {
    this.#terminals.forEach((it, name) => {
      if (it.unread.trim() !== '') {
        throw new Error(`not in the transcript, but ${name}$ shows\n${it.unread}`);
      }
    });
  }

  async end() {
    await Promise.all([...this.#terminals.values()].map((it) => it.end()));
  }
}
