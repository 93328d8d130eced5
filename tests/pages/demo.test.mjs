/**
 * The PeerJS page in a real browser, with PeerJS as npm has it: two windows find each other by id,
 * chat and send files over a data channel.
 */

import { describe } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  LOOKS, SCREENSHOTS, SERVER, barriers, browserTest, close, forgive, nameless, newWindow, picture, says,
  textOf,
} from './windows.mjs';
import {
  PAGE, attach, attachLarge, connect, connected, idOf, lines, linkOf, meet, online, openPage, save,
  sha256, talk, write,
} from './callers.mjs';
import { Proxy } from './proxy.mjs';

const PEERJS = new URL('../../demo/node_modules/peerjs/dist/peerjs.min.js', import.meta.url);

describe('two windows', () => {
  browserTest('find each other by id and chat both ways', async () => {
    const { first, second, done } = await meet();
    const [a, b] = [await idOf(first), await idOf(second)];
    assert.match(a, /^[a-z2-9]{4}-[a-z2-9]{4}$/);
    assert.notEqual(a, b);
    await write(second, 'hello <b>you</b>');
    await says(first, 'lines', 'hello');
    await write(first, 'hello, ä€𝄞');
    await says(second, 'lines', 'ä€𝄞');
    assert.deepEqual(await lines(first), ['hello <b>you</b>', 'hello, ä€𝄞']);
    assert.deepEqual(await lines(second), ['hello <b>you</b>', 'hello, ä€𝄞']);
    assert.equal(await textOf(first, 'status'), `Connected directly with ${b}.`);
    assert.equal(await textOf(second, 'status'), `Connected directly with ${a}.`);
    assert.match(await textOf(first, 'fact-route'), /^direct/);
    await done();
  });

  browserTest('use the file that npm has', async () => {
    const { first, done } = await meet();
    const bytes = await first.evaluate(async () => (await fetch('lib/peerjs.min.js')).text());
    assert.equal(sha256(bytes), sha256(readFileSync(PEERJS)));
    await done();
  });

  browserTest('meet by the link', async () => {
    const first = await openPage();
    const second = await newWindow();
    const link = new URL(await linkOf(first));
    assert.equal(link.searchParams.get('to'), await idOf(first));
    const button = first.getByRole('link', { name: 'Open a second window' });
    assert.equal(await button.getAttribute('href'), link.href);
    await second.goto(link.href);
    await Promise.all([first, second].map(connected));
    await talk(first, second);
    await close(first, second);
  });

  browserTest('send files both ways at once, and they arrive intact', async () => {
    const { first, second, done } = await meet();
    const [big, other] = [randomBytes(3_456_789), randomBytes(1_000_000)];
    await Promise.all([attach(second, 'big one.bin', big), attach(first, 'other.bin', other)]);
    assert.equal(sha256(await save(first, 'big one.bin')), sha256(big));
    assert.equal(sha256(await save(second, 'other.bin')), sha256(other));
    const sent = second.locator('.line.file[data-mine=true]');
    assert.equal(await sent.locator('.outcome').textContent(), 'Received');
    assert.match(await sent.locator('.amount').textContent(), /^3.5\sMB$/);
    assert.equal(await sent.getByRole('progressbar').isVisible(), false);
    await done();
  });

  for (const size of [0, 1, 16_000, 128_000, 128_001]) {
    browserTest(`send a file of ${size} bytes`, async () => {
      const { first, second, done } = await meet();
      const bytes = randomBytes(size);
      await attach(first, 'file', bytes);
      assert.equal(sha256(await save(second, 'file')), sha256(bytes));
      await says(first, 'lines', 'Received');
      await done();
    });
  }

  browserTest('show how far a file is, on both sides, and stop it', async () => {
    const { first, second, done } = await meet();
    for (const [stopping, from, to] of [[second, second, first], [first, second, first]]) {
      await attachLarge(from, 'long.bin', 200_000_000);
      await Promise.all([from, to].map((page) => (
        page.getByRole('progressbar', { name: 'Progress of long.bin' })
          .and(page.locator('progress:not([value="0"])')).waitFor())));
      await stopping.getByRole('button', { name: 'Stop long.bin' }).click();
      await Promise.all([from, to].map((page) => (
        page.locator('.line.file').last().getByText(/^Stopped: /).waitFor())));
    }
    await talk(first, second);
    await done();
  });

  browserTest('part, and meet again', async () => {
    const { first, second, done } = await meet();
    const [a, b] = [await idOf(first), await idOf(second)];
    await first.getByRole('button', { name: `Disconnect from ${b}` }).click();
    await says(second, 'lines', `The connection with ${a} ended`);
    await says(second, 'fact-channel', 'none');
    assert.equal(await first.getByLabel('Your message').isDisabled(), true);
    await connect(first, b);
    await Promise.all([first, second].map(connected));
    await talk(first, second);
    await done();
  });

  browserTest('and a third: a line goes to everybody', async () => {
    const { first, second, done } = await meet();
    const third = await newWindow();
    await third.goto(await linkOf(first));
    await says(first, 'fact-channel', '2 open');
    await write(first, 'to all');
    await Promise.all([second, third].map((page) => says(page, 'lines', 'to all')));
    await done();
    await close(third);
  });
});

describe('the page', () => {
  browserTest('says what to do where PeerJS is not there', async () => {
    const page = await newWindow();
    await page.route('**/lib/peerjs.min.js', (route) => route.fulfill({ status: 404 }));
    await page.goto(page.home + PAGE);
    const words = /\.\/dev run[^]*peerjs\.min\.js[^]*npm/;
    await page.getByRole('alert').filter({ hasText: words }).waitFor();
    assert.equal(await page.getByRole('textbox', { name: 'Your id' }).isVisible(), false);
    await close(page);
    forgive(/404/);
  });

  browserTest('waits for a server that is not there yet', async () => {
    const proxy = await new Proxy(SERVER).listen();
    let refused = 0;
    proxy.rule = ({ url }) => {
      refused += url.includes('/peerjs?') ? 1 : 0;
      return url.includes('/peerjs?') && refused < 4 ? { status: 503 } : undefined;
    };
    const page = await openPage({}, proxy.url);
    assert.ok(refused >= 4);
    await close(page);
    await proxy.close();
    forgive(/503/);
  });

  browserTest('is usable with a keyboard alone', async () => {
    const [page, other] = [await openPage(), await openPage()];
    const focused = () => page.evaluate(() => {
      const { id, className } = document.activeElement;
      return id || className;
    });
    await page.keyboard.press('Tab');
    assert.equal(await focused(), 'skip');
    await page.getByLabel('Or connect to an id').focus();
    await page.keyboard.type(await idOf(other));
    await page.keyboard.press('Enter');
    await connected(page);
    await page.getByLabel('Your message').focus();
    await page.keyboard.type('typed');
    await page.keyboard.press('Enter');
    await says(other, 'lines', 'typed');
    await page.keyboard.press('Shift+Tab');
    assert.equal(await focused(), 'file');
    await page.getByRole('button', { name: 'Disconnect from' }).focus();
    await page.keyboard.press('Enter');
    await says(page, 'fact-channel', 'none');
    assert.equal(await focused(), 'other', 'the focus is not lost with the button');
    await close(page, other);
  });

  browserTest('names everything to a screen reader', async () => {
    const { first, second, done } = await meet();
    await attach(second, 'a.bin', randomBytes(10));
    await first.getByRole('link', { name: 'Save a.bin' }).waitFor();
    assert.deepEqual(await nameless(first), []);
    assert.deepEqual(await barriers(first), []);
    assert.equal(await first.getByRole('status').count(), 1);
    assert.equal(await first.getByRole('log', { name: 'Chat and files' }).count(), 1);
    assert.equal(await first.getByRole('heading', { level: 1 }).count(), 1);
    await done();
  });

  for (const width of [320, 360, 768, 1280]) {
    browserTest(`fits in ${width} pixels`, async () => {
      const { first, second, done } = await meet({ viewport: { width, height: 780 } });
      await write(first, 'w'.repeat(500));
      await attach(first, `${'n'.repeat(200)}.bin`, randomBytes(10));
      await says(second, 'lines', 'Save');
      for (const page of [first, second]) {
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
      }
      await done();
    });
  }

  browserTest('takes a STUN server from its address and hands it on', async () => {
    const page = await newWindow();
    await page.goto(`${page.home}${PAGE}?stun=127.0.0.1:3478`);
    await online(page);
    assert.equal(new URL(await linkOf(page)).searchParams.get('stun'), 'stun:127.0.0.1:3478');
    await close(page);
  });
});

describe('pictures', { skip: SCREENSHOTS ? false : 'SCREENSHOTS is not set' }, () => {
  async function conversation(first, second) {
    await write(first, 'Hello! Did the link work on your side?');
    await says(second, 'lines', 'Did the link work');
    await write(second, 'It did. Here are the drawings.');
    await attach(second, 'drawings.pdf', randomBytes(1_480_000));
    await says(first, 'lines', 'Save');
    await attachLarge(second, 'recording of the whole afternoon.wav', 48_000_000);
    await first.locator('progress:not([value="0"]):not([hidden])').waitFor();
    await first.getByRole('button', { name: 'Cut the connection' }).click();
    await write(first, 'I have cut my signalling, and this still arrives.');
    await says(second, 'lines', 'still arrives');
  }

  async function failing(name, options) {
    const page = await newWindow(options);
    await page.route('**/lib/peerjs.min.js', (route) => route.fulfill({ status: 404 }));
    await page.goto(page.home + PAGE);
    await page.getByRole('alert').filter({ hasText: 'npm' }).waitFor();
    await picture(page, `${name}-missing`);
    await close(page);
    forgive(/404/);
  }

  for (const [look, options] of Object.entries(LOOKS)) {
    browserTest(look, async () => {
      const name = `peerjs-${look}`;
      const first = await newWindow(options);
      const second = await newWindow(options);
      await first.goto(first.home + PAGE);
      await online(first);
      await picture(first, `${name}-empty`);
      await second.goto(await linkOf(first));
      await Promise.all([first, second].map(connected));
      await conversation(first, second);
      await picture(first, `${name}-cut`);
      await picture(second, `${name}-sending`);
      await connect(second, 'no-such-id');
      await says(second, 'problem', 'Nobody');
      await picture(second, `${name}-problem`);
      await close(first, second);
      await failing(name, options);
    });
  }
});
