/** The PeerJS page when its signalling is cut, changed, refused or away; what becomes of ids. */

import { describe } from 'node:test';
import assert from 'node:assert/strict';
import { SERVER, browserTest, close, forgive, newWindow, says, textOf } from './windows.mjs';
import {
  PAGE, connect, connected, idOf, linkOf, meet, online, openPage, take, talk,
} from './callers.mjs';
import { Proxy } from './proxy.mjs';

describe('signalling', () => {
  const ways = { 'Event stream': /^event stream$/, Fetch: /by fetch$/, 'Long poll': /^long poll$/ };
  for (const [name, word] of Object.entries(ways)) {
    browserTest(`by ${name}: is chosen, cut and comes back, the data channel goes on`, async () => {
      const { first, second, done } = await meet();
      await first.getByRole('radio', { name }).check({ force: true });
      await says(first, 'fact-signalling', word);
      await talk(first, second);
      await first.getByRole('button', { name: 'Cut the connection' }).click();
      await says(first, 'fact-signalling', 'cut');
      await says(first, 'cut', /^Back in \d s$/);
      await talk(first, second);
      await says(first, 'fact-signalling', word);
      await says(first, 'lines', /Signalling was away for [456]\.\d s, and has missed nothing/);
      await says(first, 'cut', 'Cut the connection');
      assert.equal(await first.getByRole('radio', { name }).isChecked(), true);
      const third = await newWindow();
      await third.goto(await linkOf(first));
      await connected(third);
      await close(third);
      await done();
    });
  }

  browserTest('that is cut misses nobody', async () => {
    const [first, second] = [await openPage(), await openPage()];
    await first.getByRole('button', { name: 'Cut the connection' }).click();
    await says(first, 'fact-signalling', 'cut');
    await connect(second, await idOf(first));
    await says(second, 'status', /^Connecting to /);
    await connected(second);
    await talk(first, second);
    await close(first, second);
  });

  browserTest('goes on through a broken connection, and says so', async () => {
    const proxy = await new Proxy(SERVER).listen();
    const { first, second, done } = await meet({}, proxy.url);
    proxy.rule = ({ url }) => (url.includes('/peerjs?') ? { status: 503 } : undefined);
    proxy.cut();
    await says(first, 'status', /^The server does not answer\..* The data channel goes on\.$/);
    await says(first, 'pill', 'Server away');
    await talk(first, second);
    proxy.rule = () => undefined;
    await says(first, 'lines', 'has missed nothing');
    await says(first, 'status', /^Connected directly/);
    await done();
    await proxy.close();
    forgive(/ERR_INCOMPLETE_CHUNKED|503/);
  });

  browserTest('comes back also when PeerJS had given the server up', async () => {
    const proxy = await new Proxy(SERVER).listen();
    const first = await openPage();
    const second = await newWindow({}, proxy.url);
    await second.clock.install();
    await second.goto(second.home + PAGE);
    await online(second);
    await connect(second, await idOf(first));
    await connected(second);
    proxy.rule = ({ url }) => (url.includes('/peerjs?') ? { status: 503 } : undefined);
    proxy.cut();
    await says(second, 'pill', 'Server away');
    await second.clock.runFor(70_000); // PeerJS is told after 60 s
    const claims = proxy.seen.filter(({ url }) => /peerjs\?/.test(url) && !/cursor=/.test(url));
    assert.ok(claims.length > 1, 'PeerJS was told, and claims anew');
    await talk(first, second);
    proxy.rule = () => undefined;
    for (let i = 0; i < 60 && !/stream/.test(await textOf(second, 'fact-signalling')); i += 1) {
      await second.clock.runFor(500);
    }
    await online(second);
    await says(second, 'status', /^Connected directly/);
    await talk(first, second);
    await close(first, second);
    await proxy.close();
    forgive(/ERR_INCOMPLETE_CHUNKED|503|400/); // 400: the clock of the test has fractions
  });

  browserTest('counts what went through the server, and chat does not', async () => {
    const { first, second, done } = await meet();
    await says(second, 'fact-messages', /^[1-9]\d* up, [1-9]\d* down$/);
    const counts = () => Promise.all([first, second].map((page) => textOf(page, 'fact-messages')));
    await says(first, 'fact-messages', /up/);
    await talk(first, second);
    const before = await counts();
    await talk(first, second);
    assert.deepEqual(await counts(), before);
    await done();
  });
});

describe('ids', () => {
  browserTest('are kept over a reload, and the link connects again', async () => {
    const { first, second, done } = await meet();
    const [a, b] = [await idOf(first), await idOf(second)];
    await second.reload();
    await connected(second);
    await says(second, 'status', `Connected directly with ${a}.`);
    assert.equal(await idOf(second), b);
    await says(first, 'fact-channel', /^open$/);
    await talk(first, second);
    await first.reload();
    await online(first);
    assert.equal(await idOf(first), a);
    await done();
  });

  browserTest('that are taken are refused, in words, and one stays what one was', async () => {
    const [holder, other] = [await openPage(), await openPage()];
    const [id, own] = [await idOf(holder), await idOf(other)];
    await take(other, id);
    await says(other, 'problem', `The id ${id} is taken. You are still ${own}.`);
    await online(other);
    assert.equal(await idOf(other), own);
    await connect(holder, own);
    await connected(other);
    await talk(holder, other);
    await close(holder, other);
  });

  browserTest('that connect to each other at once have one connection', async () => {
    const [one, other] = [await openPage(), await openPage()];
    const [a, b] = [await idOf(one), await idOf(other)];
    for (let i = 0; i < 3; i += 1) {
      await Promise.all([connect(one, b), connect(other, a)]);
      await Promise.all([one, other].map((page) => says(page, 'fact-channel', /^open$/)));
      await talk(one, other);
      for (const page of [one, other]) {
        assert.equal(await page.locator('#peers li').count(), 1);
      }
      await one.getByRole('button', { name: 'Disconnect from' }).click();
      await Promise.all([one, other].map((page) => says(page, 'fact-channel', 'none')));
    }
    await close(one, other);
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
    const { first, second, done } = await meet();
    const id = `anna-${Date.now()}`;
    await take(first, id);
    await online(first);
    assert.equal(await idOf(first), id);
    assert.equal(new URL(await linkOf(first)).searchParams.get('to'), id);
    await talk(first, second);
    const third = await openPage();
    await connect(third, id);
    await connected(third);
    await close(third);
    await done();
  });

  browserTest('nobody has, and one\'s own: it says so', async () => {
    const page = await openPage();
    await connect(page, 'nobody-there');
    await says(page, 'status', 'Connecting to nobody-there.');
    await says(page, 'problem', 'Nobody has the id nobody-there now.');
    await says(page, 'fact-channel', 'none');
    assert.equal(await page.locator('#lines .mark').count(), 0);
    await connect(page, await idOf(page));
    await says(page, 'problem', /^That is your own id/);
    await close(page);
  });
});
