/** The declarations fit the modules, and a user's program fits the declarations. */

import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const WWW = fileURLToPath(new URL('../../www/', import.meta.url));

const options = {
  strict: true,
  noEmit: true,
  allowJs: true,
  checkJs: true,
  allowImportingTsExtensions: true,
  noUnusedLocals: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  types: [],
};

/** What the compiler says of some files, one line each. */
function complaints(files) {
  const program = ts.createProgram(files, options);
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
    return `${file?.fileName}:${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}

test('the modules agree with their comments and each other', () => {
  const modules = readdirSync(WWW).filter((name) => /\.m(js|ts)$|^(sdp|peer)\./.test(name));
  assert.deepEqual(complaints(modules.map((name) => WWW + name)), []);
});

for (const name of ['use.mts', 'use-sdp.mts', 'use-peer.mts', 'use-sigpost.mts', 'use-classic.ts']) {
  test(`a program that uses the client: ${name}`, () => {
    assert.deepEqual(complaints([fileURLToPath(new URL(name, import.meta.url))]), []);
  });
}

const OURS = {
  Sigver: { module: 'sigver', more: ['url'] },
  SigpostSocket: { module: 'sigpost', more: ['binaryType'] },
};

for (const [name, { module, more }] of Object.entries(OURS)) {
  test(`the declarations name what ${name} has, and nothing else`, async () => {
    const { [name]: Class } = await import(`../../www/${module}.mjs`);
    const text = ts.sys.readFile(`${WWW}${module}.d.mts`);
    const from = text.indexOf(`export class ${name} extends`);
    const declared = text.slice(from, text.indexOf('\n}\n', from))
      .match(/^ {2}(?:readonly )?(\w+)(?=[(:<])/gm)
      .map((it) => it.replace(/^ +(readonly )?/, ''));
    const inherited = ['addEventListener', 'removeEventListener', ...more];
    const has = Object.getOwnPropertyNames(Class.prototype);
    assert.deepEqual([...new Set(declared)].sort(), [...has, ...inherited].sort());
  });
}

for (const module of ['sdp', 'peer']) {
  test(`the declarations of ${module}.js name what it exports, and nothing else`, async () => {
    const text = ts.sys.readFile(`${WWW}${module}.d.ts`);
    const declared = [...text.matchAll(/^export (?:class |function |\{ (?=\w+Error))(\w+)/gm)];
    const names = new Set(declared.map(([, name]) => name));
    const has = Object.keys(await import(`../../www/${module}.js`));
    assert.deepEqual([...names].sort(), has.sort());
  });
}
