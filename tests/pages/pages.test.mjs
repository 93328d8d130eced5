/**
 * The sigver page in a real browser: two windows meet, talk, and lose and find the server again.
 */

import { describe } from 'node:test';
import assert from 'node:assert/strict';
import {
  LOOKS, SCREENSHOTS, SERVER, barriers, browserTest, close, forgive, nameless, newWindow, picture, says,
  textOf,
} from './windows.mjs';
import { Proxy } from './proxy.mjs';

const PAGE = 'sigver.html';

async function openKey(page, query = '') {
  await page.goto(page.home + PAGE + query);
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
    await page.goto(`${page.home}${PAGE}#nobody-${Math.random()}`);
    await says(page, 'status', /^Nobody had opened the key, so it is open here now/);
    assert.equal(await textOf(page, 'role'), 'You opened');
    await close(page);
  });

  browserTest('hear why the server refuses', async () => {
    const page = await newWindow();
    await page.goto(page.home + PAGE);
    await page.getByRole('textbox', { name: 'Key' }).fill('k'.repeat(513));
    await page.getByRole('button', { name: 'Open the key' }).click();
    await says(page, 'status', /exceeds the limit of 512 characters/);
    assert.equal(await page.getByRole('button', { name: 'Open the key' }).isVisible(), true);
    await close(page);
  });

  browserTest('meet by long poll', async () => {
    const [opener, joining] = [await newWindow(), await newWindow()];
    for (const page of [opener, joining]) {
      await page.goto(page.home + PAGE);
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
    forgive(/ERR_INCOMPLETE_CHUNKED/);
    await done();
    await proxy.close();
  });
});

describe('the page', () => {
  browserTest('is usable with a keyboard alone', async () => {
    const page = await newWindow();
    await page.goto(page.home + PAGE);
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
    assert.deepEqual(await nameless(opener), []);
    assert.deepEqual(await barriers(opener), []);
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
    for (const [path, mount] of [['/www/sigver.html', '/'], ['/a/www/sigver.html', '/a/'],
      ['/www/b/www/more/sigver.html', '/www/b/']]) {
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
    const link = new URL(await openKey(page, '?stun=127.0.0.1:3478'));
    assert.equal(link.searchParams.get('stun'), 'stun:127.0.0.1:3478');
    assert.ok(link.hash.length > 10);
    await close(page);
  });
});

describe('pictures', { skip: SCREENSHOTS ? false : 'SCREENSHOTS is not set' }, () => {
  async function conversation(opener, joining, name) {
    await write(opener, 'Hello from the first window. Did the link work?');
    await says(joining, 'lines', 'link work');
    await write(joining, 'It did. This line never touched the server.');
    await says(opener, 'lines', 'never touched');
    await joining.getByRole('button', { name: 'Cut the event stream' }).click();
    await choose(opener, 'Via the server');
    await write(opener, 'And this one waits there until your stream is back.');
    await picture(joining, `${name}-cut`);
    await joining.getByRole('button', { name: 'Resume the event stream' }).click();
    await says(joining, 'lines', 'stream is back');
    await write(joining, 'Here it is.');
    await says(opener, 'lines', 'Here it is.');
  }

  for (const [look, options] of Object.entries(LOOKS)) {
    browserTest(look, async () => {
      const name = `sigver-${look}`;
      const opener = await newWindow(options);
      const joining = await newWindow(options);
      await opener.goto(opener.home + PAGE);
      await picture(opener, `${name}-empty`);
      const link = await openKey(opener);
      await picture(opener, `${name}-waiting`);
      await joining.goto(link);
      await Promise.all([opener, joining].map((page) => says(page, 'fact-channel', /^open$/)));
      await conversation(opener, joining, name);
      await picture(opener, `${name}-opener`);
      await picture(joining, `${name}-joining`);
      await close(opener, joining);
    });
  }
});
