/**
 * Windows of a real browser on the pages of the server at $SIGPOST_URL, for the tests of the pages.
 * With $SCREENSHOTS, pictures go to that directory.
 */

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { BROWSERS } from './browsers.mjs';

export const SERVER = process.env.SIGPOST_URL?.replace(/\/$/, '');
export const SCREENSHOTS = process.env.SCREENSHOTS;
/** Stricter than `sigpost serve`, and on top of what the pages say themselves. */
const POLICY = "default-src 'self'";

const desktop = { viewport: { width: 1280, height: 900 } };
const phone = { viewport: { width: 360, height: 780 }, deviceScaleFactor: 2, hasTouch: true };

/** For pictures: each device once, and each colour scheme. */
export const LOOKS = {
  'desktop-light': { ...desktop, colorScheme: 'light' },
  'phone-dark': { ...phone, colorScheme: 'dark' },
};
/** The other way round. */
export const OTHER_LOOKS = {
  'desktop-dark': { ...desktop, colorScheme: 'dark' },
  'phone-light': { ...phone, colorScheme: 'light' },
};

const skip = SERVER ? BROWSERS.Chromium.missing : 'SIGPOST_URL is not set';
let browser;

before(async () => {
  if (!skip) {
    browser = await BROWSERS.Chromium.launch();
  }
});

after(() => browser?.close());

/** Whatever must not happen, of all windows. Violations of the policy are on the console. */
const faults = [];

/** Takes back what a test has provoked. */
export function forgive(pattern) {
  faults.splice(0, faults.length, ...faults.filter((it) => !pattern.test(it)));
}

export function watch(page) {
  page.on('console', (message) => faults.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (!/^(https?|blob):$/.test(protocol)
      || (protocol !== 'blob:' && hostname !== new URL(SERVER).hostname)) {
      faults.push(`a request to ${request.url()}`);
    }
  });
}

/**
 * A window of a browser of its own, under the strictest policy the pages promise to bear.
 * `page.home` is the directory of the pages.
 */
export async function newWindow(options = {}, server = SERVER) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  watch(page);
  page.setDefaultTimeout(15000);
  page.home = `${server}/www/`;
  await context.route(/\/www\/([a-z-]+\.html)?([?#].*)?$/, async (route) => {
    const response = await route.fetch();
    const headers = { ...response.headers(), 'content-security-policy': POLICY };
    await route.fulfill({ response, headers });
  });
  return page;
}

export const close = (...pages) => Promise.all(pages.map((page) => page.context().close()));

export const textOf = (page, id) => page.locator(`#${id}`).textContent();

/** Waits until the element says something that matches. */
export function says(page, id, pattern) {
  return page.locator(`#${id}`).filter({ hasText: pattern }).waitFor();
}

/** A test, after which there must be no fault. */
export function browserTest(name, body) {
  test(name, { skip, timeout: 60000 }, async () => {
    faults.length = 0;
    await body();
    assert.deepEqual(faults, []);
  });
}

/** What a screen reader could not name: HTML of each such control. */
export function nameless(page) {
  return page.evaluate(() => {
    const controls = document.querySelectorAll('input, select, button, a[href], summary, progress');
    const named = (it) => it.labels?.length || it.ariaLabel || it.textContent.trim();
    return [...controls].filter((it) => !named(it)).map((it) => it.outerHTML);
  });
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Rules of WCAG 2.2 up to AA, and what axe thinks is good practice. */
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What axe finds in a page as it is now: contrast, names, landmarks, headings … One line each. */
export async function barriers(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate((rules) => globalThis.axe.run({ runOnly: rules }), RULES);
  return found.violations.flatMap(({ id, nodes }) => (
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`)));
}

/** The whole page as it lies there: nothing focused or pointed at, no dot on its way. */
export async function picture(page, name) {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.mouse.move(1, 200);
  await page.evaluate(async () => {
    document.activeElement.blur();
    scrollTo(0, 0);
    const once = (it) => it.effect.getTiming().iterations === 1;
    await Promise.all(document.getAnimations().filter(once).map((it) => it.finished));
  });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
}
