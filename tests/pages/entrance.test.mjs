/** The page one comes to first. */

import { describe } from 'node:test';
import assert from 'node:assert/strict';
import {
  LOOKS, SCREENSHOTS, SERVER, browserTest, close, newWindow, picture, textOf,
} from './windows.mjs';

describe('the entrance', () => {
  browserTest('leads to all pages, and nowhere else', async () => {
    const page = await newWindow();
    await page.context().unrouteAll(); // what is put in a page's place may open no WebSocket here
    await page.goto(`${SERVER}/`);
    assert.equal(page.url(), `${SERVER}/www/`);
    const links = await page.locator('a[href]').evaluateAll((all) => (
      all.map((it) => new URL(it.getAttribute('href'), document.baseURI).href)));
    const server = new URL(SERVER).origin;
    assert.ok(links.every((it) => new URL(it).origin === server), links.join());
    assert.ok((await textOf(page, 'at')).startsWith(SERVER));
    const pages = [['PeerJS', /^PeerJS/], ['sigver', /^Two windows/], ['webrtc-star', /^A node/],
      ['QR', /^Without/, 'Without a server'], ['Status', /^How it is/]];
    for (const [name, title, door = name] of pages) {
      await page.goto(page.home);
      await page.getByRole('main').getByRole('link', { name: new RegExp(`^${door}\\b`) }).click();
      await page.waitForURL(/\.html$/);
      assert.match(await page.getByRole('heading', { level: 1 }).textContent(), title);
      const link = page.getByRole('link', { name, exact: true });
      assert.equal(await link.getAttribute('aria-current'), 'page');
    }
    await close(page);
  });

  for (const width of [320, 768]) {
    browserTest(`fits in ${width} pixels`, async () => {
      const page = await newWindow({ viewport: { width, height: 780 } });
      await page.goto(page.home);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
      await close(page);
    });
  }
});

describe('pictures', { skip: SCREENSHOTS ? false : 'SCREENSHOTS is not set' }, () => {
  for (const [look, options] of Object.entries(LOOKS)) {
    browserTest(look, async () => {
      const page = await newWindow(options);
      await page.goto(page.home);
      await picture(page, `entrance-${look}`);
      await close(page);
    });
  }
});
