/** The classic script: the same client as the modules, of which www/classic.awk makes it. */

import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import * as modules from '../../www/sigpost.mjs';
import {
  SERVER, TRANSPORTS, addressOf, closeConnections, listenTo, newId, skip, until,
} from './sockets.mjs';

closeConnections();

const WWW = fileURLToPath(new URL('../../www/', import.meta.url));
const CLASSIC = readFileSync(`${WWW}sigpost.js`, 'utf8');

/** What a page has, and a new context has not. */
const NAMES = [
  'AbortController', 'DOMException', 'Event', 'EventTarget', 'MessageEvent', 'TextDecoder',
  'TextEncoder', 'URL', 'URLSearchParams', 'clearInterval', 'clearTimeout', 'console', 'fetch',
  'setInterval', 'setTimeout',
];

/** Runs it as a page would, with the given tag as the one that loads it. */
function load(script, globals = {}) {
  const page = {
    document: { currentScript: script },
    ...Object.fromEntries(NAMES.map((name) => [name, globalThis[name]])),
    ...globals,
  };
  page.globalThis = vm.createContext(page);
  vm.runInContext(CLASSIC, page);
  return page;
}

/** An object's members and their kinds; those of a class on both sides of `new`. */
function shape(value) {
  const kinds = (it) => Object.getOwnPropertyNames(it ?? {}).sort().map((name) => {
    const { get, set, value: own } = Object.getOwnPropertyDescriptor(it, name);
    return `${name}: ${typeof own} ${Boolean(get)} ${Boolean(set)} ${own?.length}`;
  });
  return [kinds(value), kinds(value.prototype)];
}

describe('the classic script', () => {
  test('has what the module exports', () => {
    const { sigpost } = load(null);
    assert.deepEqual(Object.keys(sigpost).sort(), Object.keys(modules).sort());
    for (const name of ['SigpostSocket', 'install']) {
      assert.deepEqual(shape(sigpost[name]), shape(modules[name]), name);
    }
    assert.ok(sigpost.sockets instanceof vm.runInContext('Set', load(null)) || sigpost.sockets.add);
  });

  test('leaves one global behind', () => {
    const names = (page) => Object.keys(page).sort();
    const page = load(null);
    const empty = { ...page };
    delete empty.sigpost;
    assert.deepEqual(names(page).filter((it) => !(it in empty)), ['sigpost']);
  });

  test('speaks with the server', { skip }, async () => {
    const { sigpost } = load(null);
    const [one, two] = [sigpost.SigpostSocket, modules.SigpostSocket].map((Socket) => {
      const id = newId();
      const socket = new Socket(addressOf(SERVER, id), [], TRANSPORTS.fetch);
      return { id, socket, heard: listenTo(socket) };
    });
    await until('both are open', () => [one, two].every(({ socket }) => socket.readyState === 1));
    one.socket.send(JSON.stringify({ type: 'OFFER', dst: two.id, payload: 1 }));
    two.socket.send(JSON.stringify({ type: 'OFFER', dst: one.id, payload: 2 }));
    const answered = ({ heard }) => heard.messages.length === 2;
    await until('both have heard', () => [one, two].every(answered));
    assert.deepEqual([one, two].map(({ heard }) => heard.messages[1].payload), [2, 1]);
    [one, two].forEach(({ socket }) => socket.close());
    await until('both have left', () => [one, two].every(({ heard }) => heard.close));
  });

  const native = class {
    constructor(url) {
      this.url = url;
    }
  };
  const tag = (dataset = {}) => ({ src: 'http://127.0.0.1:9/a/www/sigpost.js?v=1', dataset });
  const opened = (page, url) => {
    const socket = new page.WebSocket(url);
    const ours = socket instanceof page.sigpost.SigpostSocket;
    socket.close?.();
    return ours;
  };
  const rows = [
    ['installs itself for the server it came from', {}, ['/a/'], ['/', '/a/b/', '/www/']],
    ['or for those in data-server', { server: '/b http://127.0.0.1:9/c/' }, ['/b/', '/c/'],
      ['/a/']],
    ['or not at all', { install: 'no' }, [], ['/a/', '/']],
  ];
  for (const [why, dataset, ours, others] of rows) {
    test(why, () => {
      const location = { href: 'http://127.0.0.1:9/page' };
      const page = load(tag(dataset), { WebSocket: native, location });
      const address = (mount) => `ws://127.0.0.1:9${mount}peerjs?key=peerjs&id=a&token=b`;
      ours.forEach((mount) => assert.equal(opened(page, address(mount)), true, mount));
      others.forEach((mount) => assert.equal(opened(page, address(mount)), false, mount));
      assert.equal(opened(page, 'ws://127.0.0.1:9/a/other'), false);
      assert.equal(opened(page, 'ws://127.0.0.1:10/a/peerjs?id=a'), false);
    });
  }

  test('data-transports says which, in order', async () => {
    const asked = [];
    const fetch = (url, { signal }) => {
      asked.push(new URL(url).searchParams.get('transport'));
      return new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    };
    const page = load(tag({ transports: 'poll fetch' }), { WebSocket: native, fetch });
    const socket = new page.WebSocket('ws://127.0.0.1:9/a/peerjs?key=peerjs&id=a&token=b');
    await until('a request', () => asked.length > 0);
    assert.deepEqual(asked, ['poll']);
    socket.close();
  });
});

describe('www/classic.awk', () => {
  const text = { encoding: 'utf8' };
  const awk = (...files) => spawnSync('awk', ['-f', `${WWW}classic.awk`, ...files], text);

  function withFiles(files, body) {
    const directory = mkdtempSync(join(tmpdir(), 'classic-'));
    try {
      return body(Object.entries(files).map(([name, text]) => {
        writeFileSync(join(directory, name), text);
        return join(directory, name);
      }));
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  test('made the script that is there', () => {
    const makefile = readFileSync(new URL('../../Makefile.am', import.meta.url), 'utf8');
    const [, list] = /^CLIENT_MODULES = ((?:.*\\\n)*.*)$/m.exec(makefile);
    const files = list.split(/[\s\\]+/).filter(Boolean).map((it) => WWW + it.slice('www/'.length));
    assert.ok(awk(...files).stdout === CLASSIC, 'make has not been run since');
    const imported = files.flatMap((it) => (
      readFileSync(it, 'utf8').match(/(?<=from '\.\/)[^']+(?=')/g) ?? []));
    const given = new Set(readdirSync(WWW).filter((it) => files.includes(WWW + it)));
    assert.deepEqual(imported.filter((it) => !given.has(it)), []);
  });

  const script = 'export function installFrom() {}\n';
  test('keeps private names apart, and joins statements of several lines', () => {
    const files = {
      'a.mjs': 'const x = 1;\nexport const one = x;\nexport class Two {}\n',
      'b.mjs': "import {\n  one,\n  Two as Other,\n} from './a.mjs';\nconst x = 2;\n"
        + 'export async function three() { return [one, x, typeof Other]; }\n',
      'script.mjs': script,
      'last.mjs': "export { one } from './a.mjs';\nexport { three } from './b.mjs';\n",
    };
    return withFiles(files, async (paths) => {
      const { stdout, status } = awk(...paths);
      assert.equal(status, 0);
      const sigpost = vm.runInNewContext(`${stdout};sigpost`, {});
      assert.equal(sigpost.one, 1);
      assert.deepEqual([...await sigpost.three()], [1, 2, 'function']);
      assert.deepEqual(Object.keys(sigpost), ['one', 'three']);
    });
  });

  for (const [why, wrong] of [
    ['a default export', 'export default 1;\n'],
    ['an import of everything', "import * as a from './script.mjs';\n"],
    ['an import from elsewhere', "import { a } from 'elsewhere';\n"],
    ['an import of what comes later', "import { a } from './later.mjs';\n"],
    ['an export under another name', "export { installFrom as a } from './script.mjs';\n"],
    ['a list of exports', 'const a = 1;\nexport { a };\n'],
    ['an export that can change', 'export let a = 1;\n'],
    ['a dynamic import', "const a = import('./script.mjs');\n"],
    ['import.meta but for its url', 'const a = import.meta.dirname;\n'],
  ]) {
    test(`refuses ${why}`, () => {
      withFiles({ 'script.mjs': script, 'a.mjs': wrong }, (paths) => {
        const { status, stderr } = awk(...paths);
        assert.notEqual(status, 0, why);
        assert.match(stderr, /a\.mjs:\d+: /);
      });
    });
  }
});
