/** The status page: what it says of servers that are well and that are not, and of ways that are blocked. */

import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { duration, time } from '../../www/status-words.mjs';
import { Proxy } from './proxy.mjs';
import {
  LOOKS, SCREENSHOTS, SERVER, browserTest, close, forgive, newWindow, picture, says, textOf,
} from './windows.mjs';

const PAGE = 'status.html';

/** From the server itself: what a test puts in its place may open no WebSocket to this machine. */
async function openPage(server = SERVER, options = {}) {
  const page = await newWindow(options, server);
  await page.context().unrouteAll();
  await page.goto(page.home + PAGE);
  return page;
}

/** What the page says of a way, when it has tried it. @returns {Promise<{figure: string, meaning: string}>} */
async function wayOf(page, name) {
  const row = page.locator(`[data-way="${name}"]:not([data-tone="wait"])`);
  await row.locator('.meaning:not(:empty)').waitFor();
  return {
    figure: await row.locator('.figure').textContent(), meaning: await row.locator('.meaning').textContent(),
  };
}

/** A page behind a proxy that lets no WebSocket through. @param {(page: any, proxy: Proxy) => Promise<void>} act */
async function throughProxy(rule, act) {
  const proxy = await new Proxy(SERVER).listen();
  proxy.rule = rule ?? proxy.rule;
  const page = await openPage(proxy.url);
  try {
    await act(page, proxy);
  } finally {
    await close(page);
    await proxy.close();
  }
  forgive(/WebSocket connection|Failed to load resource/);
}

/** Only what is asked of /health. */
const health = (answer) => ({ url }) => (url.startsWith('/health') ? answer() : undefined);
const json = (value, status = 200) => (
  { status, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value) });

describe('the status page', () => {
  browserTest('says that a server is well, and what gets through', async () => {
    const page = await openPage();
    await says(page, 'status', 'This server is well.');
    await says(page, 'advice', /^Everything works here, also PeerJS as it is/);
    for (const way of ['sse', 'poll', 'websocket']) {
      assert.match((await wayOf(page, way)).figure, /^\d+(\.\d)?\s(ms|s)$/, way);
    }
    const { version, process } = await (await fetch(`${SERVER}/health`)).json();
    assert.equal(await textOf(page, 'fact-version'), version);
    assert.equal(await textOf(page, 'fact-gate'), 'FastCGI');
    assert.equal((await textOf(page, 'fact-streams')).replace(/^[\d,]+ of /, ''),
      process.max_streams.toLocaleString('en'));
    await says(page, 'round-trip', /^\d.*ms, mostly \d/);
    await close(page);
  });

  browserTest('tries again when it is told to', async () => {
    const page = await openPage();
    await says(page, 'advice', /^Everything/);
    const tried = await page.evaluateHandle(() => {
      const tones = [];
      const look = (records) => records.forEach(({ target }) => tones.push(target.dataset.tone));
      new MutationObserver(look).observe(document.querySelector('#ways'), { subtree: true, attributeFilter: ['data-tone'] });
      return tones;
    });
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.waitForFunction((tones) => tones.length === 6, tried); // each is tried, and found
    await wayOf(page, 'websocket');
    await close(page);
  });

  browserTest('tells of streams that are held back, and of WebSockets that are refused', () => throughProxy(
    ({ method, url }) => ({ hold: method === 'GET' && url === '/sigver' }),
    async (page) => {
      assert.equal((await wayOf(page, 'sse')).figure, 'held back');
      assert.match((await wayOf(page, 'poll')).figure, /ms$/);
      assert.deepEqual(await wayOf(page, 'websocket'), {
        figure: 'no',
        meaning: 'Does not get through. PeerJS, Socket.IO and libp2p need one script, sigpost.js.',
      });
      await says(page, 'advice', /^Everything works here by long poll/);
    },
  ));

  browserTest('tells of a server that is away, and when it is back', async () => {
    let answer = { status: 502, body: '<html>Bad Gateway' };
    await throughProxy(health(() => answer), async (page) => {
      await says(page, 'status', 'The web server answers with 502, sigpost does not.');
      answer = { drop: true };
      await says(page, 'status', 'Nobody answers.');
      assert.equal(await page.title(), 'No answer, sigpost');
      answer = json({ title: 'Too much is waiting already' }, 429);
      await says(page, 'status', 'This server wants fewer requests from here.');
      answer = json({ status: 'fail', version: '1', output: 'The disk is full.', process: {} }, 503);
      await says(page, 'status', 'This server is not well. The disk is full.');
      answer = undefined;
      await says(page, 'status', 'This server is well.');
    });
  });

  browserTest('does with a server that keeps its numbers to itself', async () => {
    let answer = json({ status: 'pass', version: '9.9' });
    await throughProxy(health(() => answer), async (page) => {
      await says(page, 'status', 'This server is well.');
      assert.equal(await textOf(page, 'fact-version'), '9.9');
      assert.ok(await page.getByText('keeps its numbers to itself').isVisible());
      answer = json({ title: 'There is nothing at this address' }, 404);
      await says(page, 'status', 'This server does not say how it is.');
      assert.equal(await page.locator('#facts').isVisible(), false);
      await says(page, 'advice', /^Everything/);
    });
  });

  browserTest('asks nothing while nobody sees it', () => throughProxy(undefined, async (page, proxy) => {
    const asked = () => proxy.seen.filter(({ url }) => url === '/health').length;
    const turn = (hidden) => page.evaluate((it) => {
      Object.defineProperty(document, 'hidden', { configurable: true, value: it });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
    await says(page, 'status', 'well');
    await turn(true);
    await page.waitForTimeout(100); // what was on its way
    const before = asked();
    await page.waitForTimeout(600);
    assert.equal(asked(), before);
    await turn(false);
    await page.waitForFunction(() => document.querySelector('#round-trip').textContent.includes('mostly'));
    assert.ok(asked() > before);
  }));
});

describe('its words', () => {
  test('times', () => {
    assert.deepEqual([0.44, 9.96, 10, 999, 1500].map(time),
      ['0.4\u00a0ms', '10.0\u00a0ms', '10\u00a0ms', '999\u00a0ms', '1.5\u00a0s']);
    assert.deepEqual([0, 59, 60, 3600, 86_399, 90_061].map(duration),
      ['0\u00a0s', '59\u00a0s', '1\u00a0min 0\u00a0s', '1\u00a0h 0\u00a0min', '23\u00a0h 59\u00a0min', '1\u00a0d 1\u00a0h']);
  });
});

describe('pictures', { skip: SCREENSHOTS ? false : 'SCREENSHOTS is not set' }, () => {
  for (const [look, options] of Object.entries(LOOKS)) {
    browserTest(look, async () => {
      const page = await openPage(SERVER, options);
      await says(page, 'advice', /^Everything/);
      await page.waitForTimeout(2500); // for a trace
      await picture(page, `status-${look}`);
      await close(page);
    });
  }
});
