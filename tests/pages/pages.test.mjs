/**
 * The pages in a real browser, served by the server at $SIGPOST_URL: two windows meet, talk, and
 * lose and find the server again. With $SCREENSHOTS, pictures of every state go to that directory.
 */

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BROWSERS } from './browsers.mjs';
import { Proxy } from './proxy.mjs';

const SERVER = process.env.SIGPOST_URL?.replace(/\/$/, '');
const SCREENSHOTS = process.env.SCREENSHOTS;
const POLICY = "default-src 'self'";

const DEVICES = {
  desktop: { viewport: { width: 1280, height: 900 } },
  phone: { viewport: { width: 360, height: 780 }, deviceScaleFactor: 2, hasTouch: true },
};

const skip = SERVER ? BROWSERS.Chromium.missing : 'SIGPOST_URL is not set';
let browser;

before(async () => {
  if (!skip) {
    browser = await BROWSERS.Chromium.launch();
  }
});

after(() => browser?.close());

/** Whatever must not happen, of all windows. */
const faults = [];

function watch(page) {
  page.on('console', (message) => faults.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (!/^https?:$/.test(protocol) || hostname !== new URL(SERVER).hostname) {
      faults.push(`a request to ${request.url()}`);
    }
  });
}

/** A window of a browser of its own, under the strictest policy the page promises to bear. */
async function newWindow(options = {}, server = SERVER) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  watch(page);
  page.setDefaultTimeout(15000);
  page.home = `${server}/www/`;
  await page.route(/\/www\/(index\.html)?([?#].*)?$/, async (route) => {
    const response = await route.fetch();
    const headers = { ...response.headers(), 'content-security-policy': POLICY };
    await route.fulfill({ response, headers });
  });
  return page;
}

const textOf = (page, id) => page.locator(`#${id}`).textContent();

/** Waits until the element says something that matches. */
function says(page, id, pattern) {
  return page.locator(`#${id}`).filter({ hasText: pattern }).waitFor();
}

async function openKey(page) {
  await page.goto(page.home);
  await page.getByRole('button', { name: 'Open the key' }).click();
  await says(page, 'status', /Waiting/);
  return page.getByLabel('Link for the other window').inputValue();
}

async function write(page, text) {
  await page.getByLabel('Your message').fill(text);
  await page.getByRole('button', { name: 'Send' }).click();
}

/** Over the data channel or through the server. */
function choose(page, way) {
  return page.getByRole('radio', { name: way }).check({ force: true });
}

async function chat(page) {
  const lines = await page.locator('#lines .line').all();
  return Promise.all(lines.map(async (line) => ({
    text: await line.locator('p').textContent(),
    mine: (await line.getAttribute('data-mine')) === 'true',
    how: (await line.locator('small').textContent()).split(' · ')[2],
  })));
}

const wire = (page) => page.locator('#messages b').allTextContents();

/** Two windows, connected. */
async function meet(options = {}, server = SERVER) {
  const opener = await newWindow(options, server);
  const joining = await newWindow(options, server);
  await joining.goto(await openKey(opener));
  await Promise.all([opener, joining].map((page) => says(page, 'fact-channel', /^open$/)));
  return { opener, joining, close: () => close(opener, joining) };
}

const close = (...pages) => Promise.all(pages.map((page) => page.context().close()));

/** A test, after which there must be no fault. */
function browserTest(name, body) {
  test(name, { skip, timeout: 60000 }, async () => {
    faults.length = 0;
    await body();
    assert.deepEqual(faults, []);
  });
}

describe('two windows', () => {
  browserTest('meet by a link, and chat both ways over the data channel', async () => {
    const { opener, joining, close: done } = await meet();
    await write(opener, 'hello <b>you</b>');
    await says(joining, 'lines', 'hello');
    await write(joining, 'hello, ä€𝄞');
    await says(opener, 'lines', 'ä€𝄞');
    assert.deepEqual(await chat(joining), [
      { text: 'hello <b>you</b>', mine: false, how: 'directly' },
      { text: 'hello, ä€𝄞', mine: true, how: 'directly' },
    ]);
    assert.deepEqual((await chat(opener)).map(({ mine }) => mine), [true, false]);
    for (const page of [opener, joining]) {
      assert.match(await textOf(page, 'status'), /^Connected directly/);
      assert.equal(await textOf(page, 'fact-peer'), 'connected');
      assert.equal(await textOf(page, 'fact-stream'), 'event stream');
    }
    await done();
  });

  browserTest('see each message on the wire, without token and cursor', async () => {
    const { opener, joining, close: done } = await meet();
    assert.deepEqual((await wire(opener)).slice(0, 3), ['open', 'opened', 'offer']);
    assert.deepEqual((await wire(joining)).slice(0, 3), ['join', 'opened', 'offer']);
    assert.ok((await wire(opener)).includes('answer'));
    const row = joining.locator('#messages li').filter({ hasText: 'opened' }).first();
    assert.equal(await row.getAttribute('class'), 'down');
    assert.equal(await row.locator('.size').textContent(), '16 B');
    assert.match(await row.locator('time').textContent(), /^\d\d:\d\d:\d\d\.\d{3}$/);
    await row.locator('summary').click();
    assert.deepEqual(JSON.parse(await row.locator('pre').textContent()), { opened: false });
    assert.doesNotMatch(await joining.locator('#rows').textContent(), /[0-9a-f]{32}/);
    await says(opener, 'sum-down', /^[1-9]\d* down · [\d.]+ k?B$/);
    await joining.getByRole('button', { name: 'Clear' }).click();
    assert.deepEqual(await wire(joining), []);
    assert.equal(await textOf(joining, 'sum-up'), '0 up');
    await done();
  });

  browserTest('lose nothing while one has cut its stream', async () => {
    const { opener, joining, close: done } = await meet();
    await choose(opener, 'Via the server');
    await write(opener, 'before');
    await says(joining, 'lines', 'before');
    await joining.getByRole('button', { name: 'Cut the event stream' }).click();
    await says(joining, 'status', /^Cut off/);
    const cut = ['one', 'two', 'three'];
    for (const text of cut) {
      await write(opener, text);
    }
    await says(opener, 'messages', 'three');
    await choose(joining, 'Directly');
    await write(joining, 'still here');
    await says(opener, 'lines', 'still here');
    assert.deepEqual((await chat(joining)).map(({ text }) => text), ['before', 'still here']);
    await joining.getByRole('button', { name: 'Resume the event stream' }).click();
    await says(joining, 'lines', 'three');
    await says(joining, 'messages', /back after [\d.]+ s, where it was/);
    const texts = (await chat(joining)).map(({ text }) => text);
    assert.deepEqual(texts, ['before', 'still here', ...cut]);
    assert.deepEqual((await wire(joining)).filter((it) => it === 'opened'), ['opened']);
    await choose(joining, 'Via the server');
    await write(joining, 'up again');
    await says(opener, 'lines', 'up again');
    await done();
  });

  browserTest('part and meet again', async () => {
    const { opener, joining, close: done } = await meet();
    const link = await opener.getByLabel('Link for the other window').inputValue();
    await joining.getByRole('button', { name: 'Leave' }).click();
    await says(opener, 'status', /gone/);
    assert.equal(await joining.getByRole('button', { name: 'Open the key' }).isVisible(), true);
    assert.equal(new URL(joining.url()).hash, '');
    await joining.goto(link);
    await says(joining, 'fact-channel', /^open$/);
    await write(joining, 'back');
    await says(opener, 'lines', 'back');
    await done();
  });

  browserTest('and a third: the opener hears both, and both hear it', async () => {
    const { opener, joining, close: done } = await meet();
    const third = await newWindow();
    await third.goto(await opener.getByLabel('Link for the other window').inputValue());
    await says(third, 'fact-channel', /^open$/);
    await says(opener, 'status', /2 guests/);
    await write(opener, 'to all');
    await Promise.all([joining, third].map((page) => says(page, 'lines', 'to all')));
    await write(third, 'from the third');
    await says(opener, 'lines', 'from the third');
    await close(third);
    await done();
  });

  browserTest('the one that joins what nobody opened opens it', async () => {
    const page = await newWindow();
    await page.goto(`${page.home}#nobody-${Math.random()}`);
    await says(page, 'status', /^Nobody had opened the key, so it is open here now/);
    assert.equal(await textOf(page, 'role'), 'You opened');
    await close(page);
  });

  browserTest('hear why the server refuses', async () => {
    const page = await newWindow();
    await page.goto(page.home);
    await page.getByRole('textbox', { name: 'Key' }).fill('k'.repeat(513));
    await page.getByRole('button', { name: 'Open the key' }).click();
    await says(page, 'status', /exceeds the limit of 512 characters/);
    assert.equal(await page.getByRole('button', { name: 'Open the key' }).isVisible(), true);
    await close(page);
  });

  browserTest('meet by long poll', async () => {
    const [opener, joining] = [await newWindow(), await newWindow()];
    for (const page of [opener, joining]) {
      await page.goto(page.home);
      await page.getByText('Options').click();
      await page.getByLabel('Messages come by').selectOption('poll');
    }
    const key = await opener.getByRole('textbox', { name: 'Key' }).inputValue();
    await joining.getByRole('textbox', { name: 'Key' }).fill(key);
    await opener.getByRole('button', { name: 'Open the key' }).click();
    await says(opener, 'status', /Waiting/);
    await joining.getByRole('button', { name: 'Join the key' }).click();
    await Promise.all([opener, joining].map((page) => says(page, 'fact-channel', /^open$/)));
    assert.equal(await textOf(joining, 'fact-stream'), 'long poll');
    await close(opener, joining);
  });
});

describe('the browser\'s own EventSource', () => {
  browserTest('comes back by itself, nothing lost or twice', async () => {
    const proxy = await new Proxy(SERVER).listen();
    const { opener, joining, close: done } = await meet({}, proxy.url);
    await choose(opener, 'Via the server');
    for (const text of ['one', 'two', 'three']) {
      proxy.cut();
      await write(opener, text);
      await says(joining, 'lines', text);
      await says(joining, 'fact-stream', 'event stream');
    }
    assert.deepEqual((await chat(joining)).map(({ text }) => text), ['one', 'two', 'three']);
    assert.equal((await wire(joining)).filter((it) => it === 'opened').length, 1);
    faults.splice(0, faults.length, ...faults.filter((it) => !/ERR_INCOMPLETE_CHUNKED/.test(it)));
    await done();
    await proxy.close();
  });
});

describe('the page', () => {
  browserTest('is usable with a keyboard alone', async () => {
    const page = await newWindow();
    await page.goto(page.home);
    const focused = () => page.evaluate(() => {
      const { id, className } = document.activeElement;
      return id || className;
    });
    await page.keyboard.press('Tab');
    assert.equal(await focused(), 'skip');
    await page.getByRole('textbox', { name: 'Key' }).focus();
    await page.keyboard.press('Enter');
    await says(page, 'status', /Waiting/);
    assert.equal(await focused(), 'leave', 'the focus is not lost with the form');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Open the key' }).waitFor();
    assert.equal(await focused(), 'key');
    await close(page);
  });

  browserTest('names everything to a screen reader', async () => {
    const { opener, joining, close: done } = await meet();
    const nameless = await opener.evaluate(() => {
      const controls = document.querySelectorAll('input, select, button, a[href], summary');
      const named = (it) => it.labels?.length || it.ariaLabel || it.textContent.trim();
      return [...controls].filter((it) => !named(it)).map((it) => it.outerHTML);
    });
    assert.deepEqual(nameless, []);
    assert.equal(await opener.getByRole('status').count(), 1);
    assert.equal(await opener.getByRole('log').count(), 2);
    assert.equal(await opener.getByRole('log', { name: 'Chat' }).count(), 1);
    assert.equal(await joining.getByRole('heading', { level: 1 }).count(), 1);
    await done();
  });

  for (const width of [320, 360, 768, 1280]) {
    browserTest(`fits in ${width} pixels`, async () => {
      const { opener, joining, close: done } = await meet({ viewport: { width, height: 780 } });
      await write(opener, 'w'.repeat(500));
      await says(joining, 'lines', 'www');
      for (const page of [opener, joining]) {
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
      }
      await done();
    });
  }

  browserTest('finds the server by its own address', async () => {
    for (const [path, mount] of [['/www/', '/'], ['/a/www/index.html', '/a/'],
      ['/www/b/www/more/', '/www/b/']]) {
      const page = await newWindow();
      await page.route(`${new URL('.', SERVER + path)}**`, async (route) => {
        const name = new URL(route.request().url()).pathname.split('/').at(-1);
        await route.fulfill({ response: await route.fetch({ url: `${SERVER}/www/${name}` }) });
      });
      await page.goto(`${SERVER}${path}`);
      await says(page, 'endpoint', `${SERVER}${mount}sigver/opened`);
      await close(page);
    }
  });

  browserTest('takes a STUN server from its address and hands it on', async () => {
    const page = await newWindow();
    page.home += '?stun=127.0.0.1:3478';
    const link = new URL(await openKey(page));
    assert.equal(link.searchParams.get('stun'), 'stun:127.0.0.1:3478');
    assert.ok(link.hash.length > 10);
    await close(page);
  });
});

describe('pictures', { skip: SCREENSHOTS ? false : 'SCREENSHOTS is not set' }, () => {
  /** The whole page as it lies there: nothing focused or pointed at, no dot on its way. */
  async function picture(page, name) {
    await page.mouse.move(1, 200);
    await page.evaluate(async () => {
      document.activeElement.blur();
      scrollTo(0, 0);
      const once = (it) => it.effect.getTiming().iterations === 1;
      await Promise.all(document.getAnimations().filter(once).map((it) => it.finished));
    });
    await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
  }

  async function conversation(opener, joining, name) {
    await write(opener, 'Hello from the first window. Did the link work?');
    await says(joining, 'lines', 'link work');
    await write(joining, 'It did. This line never touched the server.');
    await says(opener, 'lines', 'never touched');
    await joining.getByRole('button', { name: 'Cut the event stream' }).click();
    await choose(opener, 'Via the server');
    await write(opener, 'And this one waits there until your stream is back.');
    await picture(joining, `cut-${name}`);
    await joining.getByRole('button', { name: 'Resume the event stream' }).click();
    await says(joining, 'lines', 'stream is back');
    await write(joining, 'Here it is.');
    await says(opener, 'lines', 'Here it is.');
  }

  for (const [device, options] of Object.entries(DEVICES)) {
    for (const colorScheme of ['light', 'dark']) {
      browserTest(`${device}, ${colorScheme}`, async () => {
        mkdirSync(SCREENSHOTS, { recursive: true });
        const name = `${device}-${colorScheme}`;
        const opener = await newWindow({ ...options, colorScheme });
        const joining = await newWindow({ ...options, colorScheme });
        await opener.goto(opener.home);
        await picture(opener, `empty-${name}`);
        const link = await openKey(opener);
        await picture(opener, `waiting-${name}`);
        await joining.goto(link);
        await Promise.all([opener, joining].map((page) => says(page, 'fact-channel', /^open$/)));
        await conversation(opener, joining, name);
        await picture(opener, `opener-${name}`);
        await picture(joining, `joining-${name}`);
        await close(opener, joining);
      });
    }
  }
});
