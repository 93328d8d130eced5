/** What somebody does on the PeerJS page, for its tests. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SERVER, close, newWindow, says } from './windows.mjs';

export const PAGE = 'peerjs.html';

export const idOf = (page) => (
  page.getByRole('textbox', { name: 'Your id', exact: true }).inputValue());
export const linkOf = (page) => page.getByLabel('Link for another window').inputValue();
export const online = (page) => says(page, 'fact-signalling', /stream|poll/);
export const connected = (page) => says(page, 'fact-channel', /open/);
export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

export async function openPage(options, server) {
  const page = await newWindow(options, server);
  await page.goto(page.home + PAGE);
  await online(page);
  return page;
}

export async function connect(page, id) {
  await page.getByLabel('Or connect to an id').fill(id);
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
}

/** Two windows, the second of which has connected to the first. */
export async function meet(options = {}, server = SERVER) {
  const first = await openPage(options, server);
  const second = await openPage(options, server);
  await connect(second, await idOf(first));
  await Promise.all([first, second].map(connected));
  return { first, second, done: () => close(first, second) };
}

export async function write(page, text) {
  await page.getByLabel('Your message').fill(text);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
}

export async function take(page, id) {
  await page.getByText('Options').click();
  await page.getByLabel('Another id').fill(id);
  await page.getByRole('button', { name: 'Take' }).click();
}

export const lines = (page) => page.locator('#lines .line p').allTextContents();

export function attach(page, name, buffer) {
  const file = { name, mimeType: 'application/octet-stream', buffer };
  return page.locator('#file').setInputFiles(file);
}

/** A file made in the page, for sizes that are slow to bring there. */
export function attachLarge(page, name, size) {
  return page.locator('#file').evaluate((input, [itsName, itsSize]) => {
    const files = new DataTransfer();
    files.items.add(new File([new Uint8Array(itsSize)], itsName));
    input.files = files.files;
    input.dispatchEvent(new Event('change', { bubbles: true }));
  }, [name, size]);
}

export async function save(page, name) {
  const [download] = await Promise.all([
    page.waitForEvent('download'), page.getByRole('link', { name: `Save ${name}` }).click(),
  ]);
  assert.equal(download.suggestedFilename(), name);
  return readFileSync(await download.path());
}

/** Both still talk to each other, and not through the server. */
export async function talk(one, other) {
  const text = `still here ${Math.random()}`;
  await write(one, text);
  await says(other, 'lines', text);
  await write(other, `${text}, too`);
  await says(one, 'lines', `${text}, too`);
}
