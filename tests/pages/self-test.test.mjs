/** The page that says what a host can do, in a real browser: what it finds, and what it says where nothing works. */

import assert from 'node:assert/strict';
import { describe } from 'node:test';

import { browserTest, close, forgive, newWindow, says, textOf } from './windows.mjs';
import { clients, database, hub, longest, program } from '../../www/self-test-words.mjs';

const figure = (page, way) => page.locator(`[data-way="${way}"] .figure`).textContent();

async function open(page) {
  await page.goto(`${page.home}self-test.html`);
  await page.locator('#again:not([disabled])').waitFor({ timeout: 40_000 });
}

describe('the self-test', () => {
  browserTest('finds out what this host can do, and what clients use', async () => {
    const page = await newWindow();
    await open(page);
    assert.match(await textOf(page, 'status'), /event streams/i);
    assert.equal(await figure(page, 'program'), 'FastCGI');
    assert.equal(await figure(page, 'database'), 'SQLite, WAL');
    assert.equal(await figure(page, 'authorization'), 'passed on');
    assert.match(await figure(page, 'hub'), /^for \d+/);
    assert.match(await figure(page, 'sse'), /ms$/);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('#again:not([disabled])').waitFor();
    forgive(/WebSocket connection/); // a page that a test puts in place of the server's may open none
    await close(page);
  });

  browserTest('says what to do where programs do not run', async () => {
    const page = await newWindow();
    await page.context().route(/\/(health|sigver)(\?.*)?$/, (route) => route.fulfill({ status: 500, body: 'no' }));
    await open(page);
    await says(page, 'status', /Nothing works yet|WebSocket/);
    assert.match(await page.locator('[data-way="program"] .meaning').textContent(), /permissions 755/);
    forgive(/500|EventSource|WebSocket/);
    await close(page);
  });

  browserTest('has words for every kind of host', async () => {
    const open = { state: 'open' }, held = { state: 'held' }, none = { state: 'none' };
    assert.match(clients({ sse: held, poll: open, websocket: none }).sentence, /Long polls/);
    assert.match(clients({ sse: open, poll: open, websocket: none }).sentence, /Event streams/);
    assert.match(clients({ sse: none, poll: none, websocket: none }).sentence, /Nothing works/);
    assert.match(hub({ process: { alone: true } }).meaning, /ends it, or forbids it.*slower/);
    assert.match(database({ store: { journal: 'delete', file_system: 'NFS' } }).meaning, /network file system \(NFS\)/);
    assert.match(program({ status: 403 }).meaning, /not allowed in this folder/);
    assert.match(program({ status: 404 }).meaning, /\.htaccess/);
    assert.match(longest({ ms: 9_000, ended: true }).meaning, /ends requests soon/);
    assert.match(longest({ ms: 300_000, ended: false }).figure, /over 5/);
  });
});
