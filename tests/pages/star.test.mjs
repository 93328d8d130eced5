/** The webrtc-star page with libp2p as npm has it, in Chromium: two nodes find each other and talk. */

import { describe } from 'node:test';
import assert from 'node:assert/strict';
import {
  LOOKS, SCREENSHOTS, barriers, browserTest, close, forgive, newWindow, picture, says, textOf,
} from './windows.mjs';

const PAGE = 'star.html';

/** @param {string} [query] @param {object} [options] */
async function openPage(query = '', options = {}, prepare = async () => {}) {
  const page = await newWindow(options);
  await prepare(page);
  await page.goto(page.home + PAGE + query);
  return page;
}

/** Its node listens by this transport. */
async function start(page, transport) {
  await page.locator(`label:has([value="${transport}"])`).click();
  await page.getByRole('button', { name: 'Start the node' }).click();
  await says(page, 'pill-text', 'Listening');
  await page.locator('#running').waitFor();
}

/** Two windows, the second by the first one's link. */
async function both(transport, options = {}, prepare = undefined) {
  const one = await openPage('', options, prepare);
  await start(one, transport);
  const link = await one.getByRole('link', { name: 'Open a second window' }).getAttribute('href');
  const two = await openPage(new URL(link).search, options, prepare);
  await says(two, 'pill-text', 'Listening');
  return [one, two];
}

/** How the others call it. */
const nameOf = async (page) => (await textOf(page, 'node-id')).slice(-8);

async function dial(page, name) {
  await page.getByRole('button', { name: `Dial ${name}` }).click();
  await says(page, 'fact-streams', /^1 open$/);
}

async function write(page, text) {
  await page.getByLabel('Your message').fill(text);
  await page.getByRole('button', { name: 'Send' }).click();
}

const wire = (page) => page.locator('#messages b').allTextContents();

/** They find each other, one dials, both write. */
async function meet([one, two]) {
  await two.locator('#running').waitFor();
  const [first, second] = [await nameOf(one), await nameOf(two)];
  await two.getByRole('button', { name: `Dial ${first}` }).waitFor();
  await dial(one, second);
  await says(two, 'fact-streams', /^1 open$/);
  await write(one, 'hello <b>you</b>');
  await says(two, 'lines', 'hello <b>you</b>');
  await write(two, 'hello, ä€𝄞');
  await says(one, 'lines', 'ä€𝄞');
  assert.equal(await textOf(one, 'status'), `Connected directly with ${second}.`);
  await says(one, 'fact-route', /^direct/);
  return { first, second };
}

describe('two nodes', () => {
  browserTest('find each other, dial and talk by event stream', async () => {
    const pages = await both('sse');
    await meet(pages);
    const [one, two] = pages;
    assert.equal(await textOf(one, 'fact-signalling'), 'event stream');
    assert.deepEqual(await barriers(one), []);
    const [first, ...rest] = await wire(one);
    assert.equal(first, 'ss-join');
    assert.ok(rest.includes('ws-peer') && rest.includes('ss-handshake') && rest.includes('ws-handshake'), rest.join());
    assert.ok((await wire(two)).includes('ws-handshake'));
    await close(...pages);
  });

  browserTest('by long poll, hang up, and talk again', async () => {
    const pages = await both('poll');
    const { first, second } = await meet(pages);
    const [one, two] = pages;
    assert.equal(await textOf(one, 'fact-signalling'), 'long poll');
    await one.getByRole('button', { name: `Hang up ${second}` }).click();
    await says(two, 'lines', `The connection with ${first} ended`);
    await says(one, 'fact-streams', /^none$/);
    await dial(two, first);
    await says(one, 'lines', `${second} has dialled`);
    await close(...pages);
  });

  browserTest('by WebSocket, stop, and start anew as somebody else', async () => {
    const plain = (page) => page.context().unrouteAll(); // what is put in a page's place may open none
    const pages = await both('websocket', {}, plain);
    const { first } = await meet(pages);
    const [one, two] = pages;
    assert.equal(await textOf(one, 'fact-signalling'), 'WebSocket');
    await one.getByRole('button', { name: 'Stop the node' }).click();
    await says(two, 'lines', `The connection with ${first} ended`);
    await says(one, 'pill-text', 'Stopped');
    assert.equal(await one.locator('#nodes li').count(), 0);
    await start(one, 'sse');
    assert.notEqual(await nameOf(one), first);
    await says(one, 'fact-signalling', 'event stream');
    await two.getByRole('button', { name: `Dial ${await nameOf(one)}` }).waitFor();
    await close(...pages);
  });

  browserTest('one that has left is said not to answer', async () => {
    const [one, two] = await both('sse');
    await two.locator('#running').waitFor();
    const name = await nameOf(two);
    await one.getByRole('button', { name: `Dial ${name}` }).waitFor();
    await two.getByRole('button', { name: 'Stop the node' }).click();
    await says(two, 'pill-text', 'Stopped');
    await one.getByRole('button', { name: `Dial ${name}` }).click();
    await one.getByRole('button', { name: `Dial again ${name}` }).waitFor();
    await says(one, 'lines', 'did not answer');
    await close(one, two);
  });
});

describe('the page', () => {
  browserTest('loads libp2p when it is wanted, and not before', async () => {
    const loaded = [];
    const page = await openPage('', {}, async (it) => it.on('request', (request) => {
      if (request.method() === 'GET' && request.url().includes('/lib/')) {
        loaded.push(request.url().replace(/^.*\//, ''));
      }
    }));
    await says(page, 'endpoint', 'socket.io-next');
    await page.waitForLoadState('networkidle');
    assert.deepEqual(loaded, []);
    await start(page, 'sse');
    assert.deepEqual(loaded, ['libp2p.min.js', 'webrtc-star.min.js', 'noise.min.js', 'yamux.min.js']);
    assert.equal(await page.evaluate(() => globalThis.eval.toString()), 'function eval() { [native code] }');
    await close(page);
  });

  browserTest('says what it lacks', async () => {
    const page = await openPage('', {}, (it) => it.route('**/noise.min.js', (route) => route.fulfill({ status: 404 })));
    await page.getByRole('alert').filter({ hasText: /Not beside this page: lib\/libp2p\/noise\.min\.js\. In a checkout/ }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Start the node' }).isVisible(), false);
    await close(page);
    forgive(/404/);
  });
});

describe('pictures', { skip: SCREENSHOTS ? false : 'SCREENSHOTS is not set' }, () => {
  for (const [look, options] of Object.entries(LOOKS)) {
    browserTest(look, async () => {
      const pages = await both('sse', options);
      await meet(pages);
      await picture(pages[0], `star-${look}`);
      await close(...pages);
    });
  }
});
