/**
 * The pages as one site: each in Chromium, in both colour schemes and at both widths. What is peculiar
 * to a page has a test of its own.
 */

import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  LOOKS, OTHER_LOOKS, SCREENSHOTS, SERVER, barriers, browserTest, close, newWindow, picture,
} from './windows.mjs';

const WWW = fileURLToPath(new URL('../../www/', import.meta.url));
const FILES = readdirSync(WWW);
const PAGES = FILES.filter((name) => name.endsWith('.html'));
const read = (name) => readFileSync(WWW + name, 'utf8');

/** What all pages have in common in their heads: the policy is as strict, or stricter. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'";

/** The header of a page, without what says which page it is, and how that is. */
function headerOf(page) {
  const [header] = /<header class="top">[^]*?<\/header>/.exec(read(page)) ?? [''];
  return header.replaceAll(/ aria-current="(page|true)"/g, '').replace(/\s*<p class="pill"[^]*?<\/p>/, '');
}

/** Of pages that are not in the menu themselves: what is lit there. */
const CURRENT = { 'index.html': ['./', 'page'], 'self-test.html': ['status.html', 'true'] };

describe('as they are written', () => {
  test('all have the same header, and each says which of them it is', () => {
    for (const page of PAGES) {
      assert.equal(headerOf(page), headerOf('index.html'), page);
      const current = [...read(page).matchAll(/href="([^"]*)" aria-current="(\w+)"/g)].map(([, ...it]) => it);
      assert.deepEqual(current, [CURRENT[page] ?? [page, 'page']], page);
    }
  });

  test('all name themselves, and a policy without exceptions', () => {
    const titles = PAGES.map((page) => /<title>(.*)<\/title>/.exec(read(page))?.[1]);
    assert.equal(new Set(titles).size, PAGES.length, titles.join('\n'));
    for (const page of PAGES) {
      const [, policy] = /http-equiv="Content-Security-Policy"\s+content="([^"]*)"/.exec(read(page)) ?? [];
      assert.ok(policy.startsWith(POLICY), `${page}: ${policy}`);
      assert.match(policy, /base-uri 'none'; form-action '(none|self)'$/, page);
      assert.doesNotMatch(policy, /unsafe|\*|http|data:/, page);
      assert.match(read(page), /^<!doctype html>\n<html lang="en">/, page);
      assert.match(read(page), /<meta name="description"\s+content="[^"]+">/, page);
    }
  });

  test('what they refer to is there', () => {
    for (const page of PAGES) {
      for (const [, name] of read(page).matchAll(/(?:href|src)="([^"#:]+)"/g)) {
        const made = name === './' || name === '../health' || name.startsWith('lib/') || name === 'sigpost.js';
        assert.ok(made || existsSync(WWW + name), `${page} refers to ${name}`);
      }
    }
  });

  test('no rule of a style sheet is without use', () => {
    const sheets = FILES.filter((name) => name.endsWith('.css'));
    for (const sheet of sheets) {
      const users = PAGES.filter((page) => read(page).includes(`href="${sheet}"`));
      const scripts = FILES.filter((name) => name.endsWith('.mjs'));
      const text = [...users, ...scripts].map(read).join('\n').replace(/\/\*[^]*?\*\/|\/\/ .*$/gm, '');
      const rules = read(sheet).replace(/\/\*[^]*?\*\//g, '').replace(/\{[^{}]*\}/g, '{}');
      for (const [, name] of rules.matchAll(/[.#]([a-z][\w-]*)/g)) {
        assert.match(text, new RegExp(`(?<![\\w-])${name}(?![\\w-])`), `${sheet}: nobody is ${name}`);
      }
    }
  });
});

/** From the server itself: what a test puts in its place may open no WebSocket to this machine. */
async function openPage(name, options = {}) {
  const page = await newWindow(options);
  await page.context().unrouteAll();
  await page.goto(page.home + name);
  await page.waitForTimeout(400); // for what scripts show and enable
  return page;
}

test('libp2p is what the tests of nodes have', () => {
  const lock = JSON.parse(readFileSync(new URL('../libp2p/package-lock.json', import.meta.url), 'utf8'));
  const rows = readFileSync(new URL('../../demo/bundles', import.meta.url), 'utf8').split('\n').filter((it) => /^[0-9a-f]/.test(it));
  assert.equal(rows.length, 4);
  for (const row of rows) {
    const [, sum, name, version] = /^([0-9a-f]{128}) (.+)@([\d.]+)$/.exec(row) ?? [];
    const { version: pinned, integrity } = lock.packages[`node_modules/${name}`];
    assert.deepEqual([version, `sha512-${Buffer.from(sum, 'hex').toString('base64')}`], [pinned, integrity], name);
  }
});

/** What is drawn around what has the focus: its own outline, or that of what stands for it. */
const focusRing = (page) => page.evaluate(() => {
  const it = document.activeElement;
  const drawn = [it, it.nextElementSibling].filter(Boolean).map((each) => getComputedStyle(each));
  return drawn.some(({ outlineStyle, outlineWidth }) => outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2);
});

/** Where Tab must lead to, of radio buttons of one name to one of them; each is given a number. */
const controls = (page) => page.evaluate(() => {
  const all = document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]');
  const groups = new Set();
  const stops = [...all].filter((it) => {
    const group = it.type === 'radio' && it.name;
    const again = group && (groups.has(group) || (it.form ?? document).querySelector(`[name="${group}"]:checked`) !== it);
    groups.add(group);
    return !again && !it.disabled && it.tabIndex >= 0 && it.checkVisibility();
  });
  stops.forEach((it, i) => { it.dataset.stop = i; });
  return stops.map((it) => it.outerHTML.slice(0, 100));
});

/** Tab from the beginning to the end. @returns {Promise<number[]>} the numbers of where it led */
async function tabThrough(page, most) {
  const seen = [];
  for (let i = 0; i < most; i += 1) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(() => document.activeElement.dataset.stop);
    assert.ok(stop === undefined || await focusRing(page), `no ring around ${await page.evaluate(() => document.activeElement.outerHTML)}`);
    if (stop !== undefined) {
      seen.push(Number(stop));
    }
  }
  return seen;
}

for (const name of PAGES) {
  describe(name, () => {
    for (const [look, options] of Object.entries(LOOKS)) {
      browserTest(`keeps nobody out, and to its width · ${look}`, async () => {
        const page = await openPage(name, options);
        assert.deepEqual(await barriers(page), []);
        for (const width of [options.viewport.width, 320]) {
          await page.setViewportSize({ width, height: 700 });
          assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
        }
        await close(page);
      });
    }

    browserTest('is used with Tab alone, and shows where one is', async () => {
      const page = await openPage(name);
      const stops = await controls(page);
      const seen = await tabThrough(page, stops.length);
      assert.deepEqual(seen, stops.map((_, i) => i), stops.join('\n'));
      await close(page);
    });

    for (const [look, options] of Object.entries(SCREENSHOTS ? OTHER_LOOKS : {})) { // the rest is in the page's own test
      browserTest(`picture · ${look}`, async () => {
        const page = await openPage(name, options);
        await picture(page, `${name.replace('.html', '')}-${look}`);
        await close(page);
      });
    }

    browserTest('comes with headers as strict as its own policy', async () => {
      const { headers, status } = await fetch(`${SERVER}/www/${name}`);
      assert.equal(status, 200);
      const policy = headers.get('Content-Security-Policy') ?? '';
      assert.ok(policy.startsWith(POLICY), policy);
      assert.match(policy, /frame-ancestors 'self'; base-uri 'none'; form-action 'self'$/);
      assert.doesNotMatch(policy, /unsafe|\*|http|data:/);
      assert.match(headers.get('Permissions-Policy') ?? '', /^camera=\(self\), microphone=\(\)/);
      assert.equal(headers.get('X-Content-Type-Options'), 'nosniff');
      assert.equal(headers.get('Referrer-Policy'), 'no-referrer');
    });
  });
}
