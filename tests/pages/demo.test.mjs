/**
 * The PeerJS page in a real browser, with PeerJS as npm has it: two windows find each other by id,
 * chat and send files over a data channel, whatever becomes of the signalling; and the entrance.
 */

import { describe } from 'node:test';
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  DEVICES, SCREENSHOTS, SERVER, browserTest, close, forgive, nameless, newWindow, picture, says, textOf,
} from './windows.mjs';
import { Proxy } from './proxy.mjs';

const PAGE = 'peerjs.html';
const PEERJS = new URL('../../demo/node_modules/peerjs/dist/peerjs.min.js', import.meta.url);

const idOf = (page) => page.getByRole('textbox', { name: 'Your id', exact: true }).inputValue();
const linkOf = (page) => page.getByLabel('Link that calls you').inputValue();
const online = (page) => says(page, 'fact-signalling', /stream|poll/);
const connected = (page) => says(page, 'fact-channel', /open/);
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

async function openPage(options, server) {
  const page = await newWindow(options, server);
  await page.goto(page.home + PAGE);
  await online(page);
  return page;
}

async function call(page, id) {
  await page.getByLabel('Or call an id').fill(id);
  await page.getByRole('button', { name: 'Call', exact: true }).click();
}

/** Two windows, one of which has called the other. */
async function meet(options = {}, server = SERVER) {
  const called = await openPage(options, server);
  const calling = await openPage(options, server);
  await call(calling, await idOf(called));
  await Promise.all([called, calling].map(connected));
  return { called, calling, done: () => close(called, calling) };
}

async function write(page, text) {
  await page.getByLabel('Your message').fill(text);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
}

async function take(page, id) {
  await page.getByText('Options').click();
  await page.getByLabel('Another id').fill(id);
  await page.getByRole('button', { name: 'Take' }).click();
}

const lines = (page) => page.locator('#lines .line p').allTextContents();

function attach(page, name, buffer) {
  const file = { name, mimeType: 'application/octet-stream', buffer };
  return page.locator('#file').setInputFiles(file);
}

async function save(page, name) {
  const [download] = await Promise.all([
    page.waitForEvent('download'), page.getByRole('link', { name: `Save ${name}` }).click(),
  ]);
  assert.equal(download.suggestedFilename(), name);
  return readFileSync(await download.path());
}

/** Both still talk to each other, and not through the server. */
async function talk(one, other) {
  const text = `still here ${Math.random()}`;
  await write(one, text);
  await says(other, 'lines', text);
  await write(other, `${text}, too`);
  await says(one, 'lines', `${text}, too`);
}

describe('two windows', () => {
  browserTest('find each other by id and chat both ways', async () => {
    const { called, calling, done } = await meet();
    const [a, b] = [await idOf(called), await idOf(calling)];
    assert.match(a, /^[a-z2-9]{4}-[a-z2-9]{4}$/);
    assert.notEqual(a, b);
    await write(calling, 'hello <b>you</b>');
    await says(called, 'lines', 'hello');
    await write(called, 'hello, ä€𝄞');
    await says(calling, 'lines', 'ä€𝄞');
    assert.deepEqual(await lines(called), ['hello <b>you</b>', 'hello, ä€𝄞']);
    assert.deepEqual(await lines(calling), ['hello <b>you</b>', 'hello, ä€𝄞']);
    assert.equal(await textOf(called, 'status'), `Connected directly with ${b}.`);
    assert.equal(await textOf(calling, 'status'), `Connected directly with ${a}.`);
    assert.match(await textOf(called, 'fact-route'), /^direct/);
    await done();
  });

  browserTest('use the file that npm has', async () => {
    const { called, done } = await meet();
    const bytes = await called.evaluate(async () => (await fetch('lib/peerjs.min.js')).text());
    assert.equal(sha256(bytes), sha256(readFileSync(PEERJS)));
    await done();
  });

  browserTest('meet by the link', async () => {
    const called = await openPage();
    const calling = await newWindow();
    const link = new URL(await linkOf(called));
    assert.equal(link.searchParams.get('to'), await idOf(called));
    assert.equal(await called.getByRole('link', { name: 'Open a second window' }).getAttribute('href'), link.href);
    await calling.goto(link.href);
    await Promise.all([called, calling].map(connected));
    await talk(called, calling);
    await close(called, calling);
  });

  browserTest('send files both ways at once, and they arrive intact', async () => {
    const { called, calling, done } = await meet();
    const [big, other] = [randomBytes(3_456_789), randomBytes(1_000_000)];
    await Promise.all([attach(calling, 'big one.bin', big), attach(called, 'other.bin', other)]);
    assert.equal(sha256(await save(called, 'big one.bin')), sha256(big));
    assert.equal(sha256(await save(calling, 'other.bin')), sha256(other));
    const sent = calling.locator('.line.file[data-mine=true]');
    assert.equal(await sent.locator('.outcome').textContent(), 'Received');
    assert.match(await sent.locator('.amount').textContent(), /^3.5\sMB$/);
    assert.equal(await sent.getByRole('progressbar').isVisible(), false);
    await done();
  });

  for (const size of [0, 1, 16_000, 128_000, 128_001]) {
    browserTest(`send a file of ${size} bytes`, async () => {
      const { called, calling, done } = await meet();
      const bytes = randomBytes(size);
      await attach(called, 'file', bytes);
      assert.equal(sha256(await save(calling, 'file')), sha256(bytes));
      await says(called, 'lines', 'Received');
      await done();
    });
  }

  browserTest('show how far a file is, on both sides, and stop it', async () => {
    const { called, calling, done } = await meet();
    for (const [stopping, from, to] of [[calling, calling, called], [called, calling, called]]) {
      await attach(from, 'long.bin', randomBytes(40_000_000));
      const bars = [from, to].map((page) => page.getByRole('progressbar', { name: 'Progress of long.bin' }));
      await Promise.all(bars.map((bar) => bar.and(bar.page().locator('progress:not([value="0"])')).waitFor()));
      await stopping.getByRole('button', { name: 'Stop long.bin' }).click();
      await Promise.all([from, to].map((page) => (
        page.locator('.line.file').last().getByText(/^Stopped: /).waitFor())));
    }
    await talk(called, calling);
    await done();
  });

  browserTest('part, and meet again', async () => {
    const { called, calling, done } = await meet();
    const [a, b] = [await idOf(called), await idOf(calling)];
    await called.getByRole('button', { name: `Hang up on ${b}` }).click();
    await says(calling, 'lines', `The connection with ${a} ended`);
    await says(calling, 'fact-channel', 'none');
    assert.equal(await called.getByLabel('Your message').isDisabled(), true);
    await call(called, b);
    await Promise.all([called, calling].map(connected));
    await talk(called, calling);
    await done();
  });

  browserTest('and a third: a line goes to everybody', async () => {
    const { called, calling, done } = await meet();
    const third = await newWindow();
    await third.goto(await linkOf(called));
    await says(called, 'fact-channel', '2 open');
    await write(called, 'to all');
    await Promise.all([calling, third].map((page) => says(page, 'lines', 'to all')));
    await done();
    await close(third);
  });
});

describe('signalling', () => {
  for (const [name, word] of [['Event stream', /^event stream$/], ['Fetch', /^event stream by fetch$/],
    ['Long poll', /^long poll$/]]) {
    browserTest(`by ${name}: is chosen, cut and comes back, the data channel goes on`, async () => {
      const { called, calling, done } = await meet();
      await called.getByRole('radio', { name }).check({ force: true });
      await says(called, 'fact-signalling', word);
      await talk(called, calling);
      await called.getByRole('button', { name: 'Cut the connection' }).click();
      await says(called, 'fact-signalling', 'cut');
      await says(called, 'cut', /^Back in \d s$/);
      await talk(called, calling);
      await says(called, 'fact-signalling', word);
      await says(called, 'lines', /Signalling was away for [456]\.\d s, and has missed nothing/);
      await says(called, 'cut', 'Cut the connection');
      assert.equal(await called.getByRole('radio', { name }).isChecked(), true);
      const third = await newWindow();
      await third.goto(await linkOf(called));
      await connected(third);
      await close(third);
      await done();
    });
  }

  browserTest('that is cut misses no call', async () => {
    const [called, calling] = [await openPage(), await openPage()];
    await called.getByRole('button', { name: 'Cut the connection' }).click();
    await says(called, 'fact-signalling', 'cut');
    await call(calling, await idOf(called));
    await says(calling, 'status', /^Calling /);
    await connected(calling);
    await talk(called, calling);
    await close(called, calling);
  });

  browserTest('goes on through a broken connection, and says so', async () => {
    const proxy = await new Proxy(SERVER).listen();
    const { called, calling, done } = await meet({}, proxy.url);
    proxy.rule = ({ url }) => (url.includes('/peerjs?') ? { status: 503 } : undefined);
    proxy.cut();
    await says(called, 'status', /^The server does not answer\. Trying again by itself\. The data channel goes on\.$/);
    await says(called, 'pill', 'Server away');
    await talk(called, calling);
    proxy.rule = () => undefined;
    await says(called, 'lines', 'has missed nothing');
    await says(called, 'status', /^Connected directly/);
    await done();
    await proxy.close();
    forgive(/ERR_INCOMPLETE_CHUNKED|503/);
  });

  browserTest('comes back also when PeerJS had given the server up', async () => {
    const proxy = await new Proxy(SERVER).listen();
    const called = await openPage();
    const calling = await newWindow({}, proxy.url);
    await calling.clock.install();
    await calling.goto(calling.home + PAGE);
    await online(calling);
    await call(calling, await idOf(called));
    await connected(calling);
    proxy.rule = ({ url }) => (url.includes('/peerjs?') ? { status: 503 } : undefined);
    proxy.cut();
    await says(calling, 'pill', 'Server away');
    await calling.clock.runFor(70_000); // PeerJS is told after 60 s
    const claims = proxy.seen.filter(({ url }) => /peerjs\?/.test(url) && !/cursor=/.test(url));
    assert.ok(claims.length > 1, 'PeerJS was told, and claims anew');
    await talk(called, calling);
    proxy.rule = () => undefined;
    for (let i = 0; i < 60 && !/stream/.test(await textOf(calling, 'fact-signalling')); i += 1) {
      await calling.clock.runFor(500);
    }
    await online(calling);
    await says(calling, 'status', /^Connected directly/);
    await talk(called, calling);
    await close(called, calling);
    await proxy.close();
    forgive(/ERR_INCOMPLETE_CHUNKED|503/);
  });

  browserTest('counts what went through the server, and chat does not', async () => {
    const { called, calling, done } = await meet();
    await says(calling, 'fact-messages', /^[1-9]\d* up, [1-9]\d* down$/);
    const counts = () => Promise.all([called, calling].map((page) => textOf(page, 'fact-messages')));
    await says(called, 'fact-messages', /up/);
    await talk(called, calling);
    const before = await counts();
    await talk(called, calling);
    assert.deepEqual(await counts(), before);
    await done();
  });
});

describe('ids', () => {
  browserTest('are kept over a reload, and the link calls again', async () => {
    const { called, calling, done } = await meet();
    const [a, b] = [await idOf(called), await idOf(calling)];
    await calling.reload();
    await connected(calling);
    await says(calling, 'status', `Connected directly with ${a}.`);
    assert.equal(await idOf(calling), b);
    await says(called, 'fact-channel', /^open$/);
    await talk(called, calling);
    await called.reload();
    await online(called);
    assert.equal(await idOf(called), a);
    await done();
  });

  browserTest('that are taken are refused, in words, and one stays what one was', async () => {
    const [holder, other] = [await openPage(), await openPage()];
    const [id, own] = [await idOf(holder), await idOf(other)];
    await take(other, id);
    await says(other, 'problem', `The id ${id} is taken. You are still ${own}.`);
    await online(other);
    assert.equal(await idOf(other), own);
    await call(holder, own);
    await connected(other);
    await talk(holder, other);
    await close(holder, other);
  });

  browserTest('of a window that was duplicated are replaced', async () => {
    const holder = await openPage();
    const id = await idOf(holder);
    const twin = await newWindow();
    await twin.addInitScript((it) => {
      if (!sessionStorage.length) {
        sessionStorage.setItem('sigpost peerjs page id', it);
      }
    }, id);
    await twin.goto(twin.home + PAGE);
    await says(twin, 'problem', new RegExp(`^The id ${id} is taken. Your id is now `));
    await online(twin);
    assert.notEqual(await idOf(twin), id);
    await close(holder, twin);
  });

  browserTest('can be chosen, and what was open goes on', async () => {
    const { called, calling, done } = await meet();
    const id = `anna-${Date.now()}`;
    await take(called, id);
    await online(called);
    assert.equal(await idOf(called), id);
    assert.equal(new URL(await linkOf(called)).searchParams.get('to'), id);
    await talk(called, calling);
    const third = await openPage();
    await call(third, id);
    await connected(third);
    await close(third);
    await done();
  });

  browserTest('nobody has, and one\'s own: it says so', async () => {
    const page = await openPage();
    await call(page, 'nobody-there');
    await says(page, 'status', 'Calling nobody-there.');
    await says(page, 'problem', 'Nobody has the id nobody-there now.');
    await says(page, 'fact-channel', 'none');
    assert.equal(await page.locator('#lines .mark').count(), 0);
    await call(page, await idOf(page));
    await says(page, 'problem', /^That is your own id/);
    await close(page);
  });
});

describe('the page', () => {
  browserTest('says what to do where PeerJS is not there', async () => {
    const page = await newWindow();
    await page.route('**/lib/peerjs.min.js', (route) => route.fulfill({ status: 404 }));
    await page.goto(page.home + PAGE);
    await page.getByRole('alert').filter({ hasText: /\.\/dev run[^]*peerjs\.min\.js[^]*npm/ }).waitFor();
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
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.className);
    await page.keyboard.press('Tab');
    assert.equal(await focused(), 'skip');
    await page.getByLabel('Or call an id').focus();
    await page.keyboard.type(await idOf(other));
    await page.keyboard.press('Enter');
    await connected(page);
    await page.getByLabel('Your message').focus();
    await page.keyboard.type('typed');
    await page.keyboard.press('Enter');
    await says(other, 'lines', 'typed');
    await page.keyboard.press('Shift+Tab');
    assert.equal(await focused(), 'file');
    await page.getByRole('button', { name: 'Hang up on' }).focus();
    await page.keyboard.press('Enter');
    await says(page, 'fact-channel', 'none');
    assert.equal(await focused(), 'other', 'the focus is not lost with the button');
    await close(page, other);
  });

  browserTest('names everything to a screen reader', async () => {
    const { called, calling, done } = await meet();
    await attach(calling, 'a.bin', randomBytes(10));
    await called.getByRole('link', { name: 'Save a.bin' }).waitFor();
    assert.deepEqual(await nameless(called), []);
    assert.equal(await called.getByRole('status').count(), 1);
    assert.equal(await called.getByRole('log', { name: 'Chat and files' }).count(), 1);
    assert.equal(await called.getByRole('heading', { level: 1 }).count(), 1);
    await done();
  });

  for (const width of [320, 360, 768, 1280]) {
    browserTest(`fits in ${width} pixels`, async () => {
      const { called, calling, done } = await meet({ viewport: { width, height: 780 } });
      await write(called, 'w'.repeat(500));
      await attach(called, `${'n'.repeat(200)}.bin`, randomBytes(10));
      await says(calling, 'lines', 'Save');
      for (const page of [called, calling]) {
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

describe('the entrance', () => {
  browserTest('leads to both pages, and nowhere else', async () => {
    const page = await newWindow();
    await page.goto(`${SERVER}/`);
    assert.equal(page.url(), `${SERVER}/www/`);
    const links = await page.locator('a[href]').evaluateAll((all) => all.map((it) => new URL(it.getAttribute('href'), document.baseURI).href));
    const server = new URL(SERVER).origin;
    assert.ok(links.every((it) => new URL(it).origin === server), links.join());
    assert.ok((await textOf(page, 'at')).startsWith(SERVER));
    for (const [name, title] of [['PeerJS', /^PeerJS/], ['sigver', /^Two windows/]]) {
      await page.goto(page.home);
      await page.getByRole('link', { name: `Open the ${name} demo` }).click();
      await page.waitForURL(/\.html$/);
      assert.match(await page.getByRole('heading', { level: 1 }).textContent(), title);
      assert.equal(await page.getByRole('link', { name, exact: true }).getAttribute('aria-current'), 'page');
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
  async function conversation(called, calling) {
    await write(called, 'Hello! Did the link work on your side?');
    await says(calling, 'lines', 'Did the link work');
    await write(calling, 'It did. Here are the drawings.');
    await attach(calling, 'drawings.pdf', randomBytes(1_480_000));
    await says(called, 'lines', 'Save');
    await attach(calling, 'recording of the whole afternoon.wav', randomBytes(48_000_000));
    await called.locator('progress:not([value="0"]):not([hidden])').waitFor();
    await called.getByRole('button', { name: 'Cut the connection' }).click();
    await write(called, 'I have cut my signalling, and this still arrives.');
    await says(calling, 'lines', 'still arrives');
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

  for (const [device, options] of Object.entries(DEVICES)) {
    for (const colorScheme of ['light', 'dark']) {
      browserTest(`${device}, ${colorScheme}`, async () => {
        const name = `peerjs-${device}-${colorScheme}`;
        const called = await newWindow({ ...options, colorScheme });
        const calling = await newWindow({ ...options, colorScheme });
        await called.goto(called.home);
        await picture(called, `entrance-${device}-${colorScheme}`);
        await called.goto(called.home + PAGE);
        await online(called);
        await picture(called, `${name}-empty`);
        await calling.goto(await linkOf(called));
        await Promise.all([called, calling].map(connected));
        await conversation(called, calling);
        await picture(called, `${name}-cut`);
        await picture(calling, `${name}-sending`);
        await call(calling, 'no-such-id');
        await says(calling, 'problem', 'Nobody');
        await picture(calling, `${name}-problem`);
        await close(called, calling);
        await failing(name, { ...options, colorScheme });
      });
    }
  }
});
