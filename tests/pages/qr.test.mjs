/**
 * The page of codes in a real browser: two windows get together by QR code and camera, by link, by text, by six
 * digits; what is misread, and what is not there.
 */

import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'node:test';
import assert from 'node:assert/strict';
import { CameraBrowser } from './camera.mjs';
import {
  LOOKS, SCREENSHOTS, SERVER, barriers, browserTest, close, forgive, nameless, newWindow, picture, says, textOf, watch,
} from './windows.mjs';

const PAGE = 'qr.html';
const SCAN = 'Scan with the camera';
const PASTE = 'Or a link, a text, six digits';

/** Waits for a step of the meeting. @param {any} page @param {string} step */
const step = (page, step) => page.locator(`#main[data-step="${step}"]`).waitFor();

/** @param {any} page @param {string} [more] of the address */
async function open(page, more = '') {
  await page.goto(page.home + PAGE + more);
  if (more === '') {
    await step(page, 'offer');
    await page.locator('#plate svg').waitFor();
  }
  return page;
}

const windowAt = async (more, options) => open(await newWindow(options), more);

/** @param {any} page @param {string} text */
async function paste(page, text) {
  await page.getByLabel(PASTE).fill(text);
  await page.getByRole('button', { name: 'Read', exact: true }).click();
}

const choose = (page, way) => page.getByRole('radio', { name: way }).check({ force: true });
const code = (page) => page.getByLabel('The same as text').inputValue();
const chat = (page) => page.locator('#lines .line p').allTextContents();

/** Both are connected, and hear each other. @param {any} one @param {any} two */
async function talk(one, two) {
  await Promise.all([step(one, 'connected'), step(two, 'connected')]);
  for (const [page, other, text] of [[one, two, 'hello <b>you</b>'], [two, one, 'hello, ä€𝄞']]) {
    await page.getByLabel('Your message').fill(text);
    await page.getByRole('button', { name: 'Send' }).click();
    await says(other, 'lines', text);
  }
  assert.deepEqual(await chat(one), await chat(two));
  assert.equal(await textOf(one, 'own-id'), await two.locator('#known dd').textContent());
  assert.equal(await textOf(two, 'own-id'), await one.locator('#known dd').textContent());
}

describe('by QR code', () => {
  browserTest('each camera reads what the other window shows', async () => {
    const cameras = await Promise.all([1, 2].map(() => CameraBrowser.launch()));
    try {
      const [one, two] = await Promise.all(cameras.map(async ({ browser }) => {
        const page = await (await browser.newContext({ permissions: ['camera'] })).newPage();
        watch(page);
        page.home = `${SERVER}/www/`;
        return open(page);
      }));
      await cameras[1].see(two.locator('#plate'));
      await two.getByRole('button', { name: SCAN }).click();
      await says(two, 'problem', /this very device/);
      assert.equal(await two.locator('#finder').getAttribute('data-on'), 'true', 'it goes on looking');
      await (SCREENSHOTS && picture(two, 'qr-camera'));
      await two.locator('#video').evaluate((it) => it.srcObject.getTracks()[0].dispatchEvent(new Event('ended')));
      await says(two, 'problem', /camera is gone/);
      await two.getByRole('button', { name: SCAN }).click();
      await says(two, 'problem', /this very device/);
      await two.getByRole('button', { name: 'Stop the camera' }).click();
      await cameras[1].see(one.locator('#plate'));
      await two.getByRole('button', { name: SCAN }).click();
      await step(two, 'answer');
      assert.match(await textOf(two, 'status'), /let the other device read your answer/);
      assert.equal(await two.locator('#finder').getAttribute('data-on'), 'false', 'the camera is off again');
      await two.locator('#plate svg[aria-label*="answer"]').waitFor();
      await cameras[0].see(two.locator('#plate'));
      await one.getByRole('button', { name: SCAN }).click();
      await talk(one, two);
    } finally {
      await Promise.all(cameras.map((it) => it.close()));
    }
  });

  browserTest('the browser\'s own reader goes before the library', async () => {
    const page = await newWindow();
    await page.addInitScript(() => {
      globalThis.BarcodeDetector = class {
        static async getSupportedFormats() { return ['ean_13', 'qr_code']; }
        async detect() { return [{ rawValue: 'read by the browser' }]; }
      };
    });
    await open(page);
    const found = await page.evaluate(async () => {
      const { findReader } = await import('./qr-image.mjs');
      const reader = await findReader();
      return [reader.name, await reader.read(document.createElement('video'))];
    });
    assert.deepEqual(found, ['browser', 'read by the browser']);
    await close(page);
  });

  browserTest('a picture of it does as well, and one without says so', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'qr-'));
    const [one, two] = await Promise.all([windowAt(), windowAt()]);
    const file = join(directory, 'code.png');
    writeFileSync(file, await one.locator('#plate').screenshot());
    writeFileSync(join(directory, 'none.png'), await one.locator('h1').screenshot());
    writeFileSync(join(directory, 'text.png'), 'no picture');
    await two.getByLabel('Choose a picture').setInputFiles(join(directory, 'none.png'));
    await says(two, 'problem', /No QR code was found/);
    await two.getByLabel('Choose a picture').setInputFiles(join(directory, 'text.png'));
    await says(two, 'problem', /no picture/);
    await two.getByLabel('Choose a picture').setInputFiles(file);
    await step(two, 'answer');
    await says(two, 'status', /let the other device read your answer/);
    rmSync(directory, { recursive: true });
    await close(one, two);
  });

  browserTest('it is of a version that a phone reads with ease, in its alphanumeric mode', async () => {
    const page = await windowAt();
    const text = await code(page);
    assert.match(text, /^[0-9A-Z $%*+\-./:]{60,160}$/);
    const modules = Number((await page.locator('#plate svg').getAttribute('viewBox')).split(' ')[2]) - 8;
    assert.ok(modules <= 41, `${modules} modules for ${text.length} characters`); // version 6
    await close(page);
  });

  browserTest('without a camera, or where it is not allowed, it is said what to do', async () => {
    const refused = async (page, why) => {
      await page.getByRole('button', { name: SCAN }).click();
      await says(page, 'problem', why);
      assert.equal(await page.locator('#finder').getAttribute('data-on'), 'false');
    };
    const page = await windowAt('', { permissions: ['camera'] });
    await refused(page, /no camera here.*picture of the code, or paste/);
    await close(page);
    const { browser, ...camera } = await CameraBrowser.launch().then((it) => ({ browser: it.browser, close: () => it.close() }));
    const denied = await (await browser.newContext()).newPage();
    await denied.goto(`${SERVER}/www/${PAGE}`);
    await refused(denied, /not allowed.*settings.*picture of the code, or paste/);
    await camera.close();
  });

  browserTest('where there are neither keys nor a camera, for want of https, nothing is promised', async () => {
    const page = await newWindow();
    await page.context().route('http://insecure.test/**', async (route) => {
      const { pathname } = new URL(route.request().url());
      await route.fulfill({ response: await route.fetch({ url: SERVER + pathname }) });
    });
    await page.goto(`http://insecure.test/www/${PAGE}`);
    await says(page, 'failure', /needs https/);
    assert.equal(await page.getByRole('button').count(), 0);
    forgive(/insecure\.test/);
    await close(page);
  });

  browserTest('without the library links and texts do', async () => {
    const [one, two] = await Promise.all([newWindow(), newWindow()]);
    await Promise.all([one, two].map(async (page) => {
      await page.context().route('**/lib/qr/**', (route) => route.fulfill({ status: 200, contentType: 'text/javascript', body: 'throw 1' }));
      await page.goto(page.home + PAGE);
      await step(page, 'offer');
      await page.locator('#no-qr').waitFor();
    }));
    assert.equal(await one.locator('#plate').isVisible(), false);
    assert.equal(await one.getByRole('radio', { name: 'Link' }).isChecked(), true);
    await two.getByLabel('Choose a picture').setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: Buffer.from('x') });
    await says(two, 'problem', /reads no QR codes.*Paste/);
    await paste(two, await code(one));
    await step(two, 'answer');
    await paste(one, await code(two));
    await talk(one, two);
    await close(one, two);
  });
});

describe('by link', () => {
  browserTest('the answer opens a window that passes it on to the one that waits', async () => {
    const one = await windowAt();
    await choose(one, 'Link');
    const link = await one.getByLabel('Send this').inputValue();
    assert.match(link, /\/www\/qr\.html#[0-9A-Za-z]+$/);
    const two = await newWindow({ permissions: ['clipboard-read', 'clipboard-write'] });
    await two.addInitScript(() => { navigator.share = async (it) => { globalThis.shared = it; }; });
    const asked = [];
    two.on('request', (it) => asked.push(it.url()));
    await two.goto(link);
    await step(two, 'answer');
    assert.equal(new URL(two.url()).hash, '', 'a reload does not read it again');
    assert.ok(asked.every((url) => !url.includes(link.split('#')[1])), 'no server was told');
    const answer = await two.getByLabel('Send this back').inputValue();
    assert.match(answer, /#[0-9A-Za-z]+-[0-9A-V]{4}$/, 'it goes back as it came, and says what it is for');
    await two.getByRole('button', { name: 'Share' }).click();
    assert.deepEqual(await two.evaluate(() => globalThis.shared), { url: answer });
    await two.getByRole('button', { name: 'Copy the link' }).click();
    await says(two, 'copy-link', 'Copied');
    assert.equal(await two.evaluate(() => navigator.clipboard.readText()), answer);
    const [other, third] = await Promise.all([one.context().newPage(), one.context().newPage()]);
    await other.goto(one.home + PAGE); // shows another offer, and more lately
    await step(other, 'offer');
    await third.goto(answer);
    await third.locator('#passed').waitFor();
    await talk(one, two);
    await close(one, two);
  });

  browserTest('a second window of the same browser is somebody else, and needs nobody to send anything', async () => {
    const one = await windowAt();
    await choose(one, 'Link');
    const opened = one.context().waitForEvent('page');
    await one.getByRole('link', { name: 'Open it in a second window' }).click();
    const two = await opened;
    await talk(one, two);
    assert.doesNotMatch(await two.getByLabel('Send this').inputValue(), /second/);
    await close(one);
  });

  browserTest('an answer to another offer is told at once, and the offer is still good', async () => {
    const [one, two] = await Promise.all([windowAt(), windowAt()]);
    const old = await code(one);
    await one.reload();
    await step(one, 'offer');
    await paste(two, old);
    await step(two, 'answer');
    await choose(two, 'Link');
    const answer = await two.getByLabel('Send this').inputValue();
    await paste(one, answer);
    await says(one, 'problem', /answers another code/);
    const third = await one.context().newPage();
    third.home = one.home;
    await third.goto(answer);
    await says(third, 'failure', /answers another code/);
    await two.getByRole('button', { name: 'Start again' }).click();
    await step(two, 'offer');
    await paste(two, await code(one));
    await step(two, 'answer');
    await paste(one, await code(two));
    await talk(one, two);
    await close(one, two);
  });
});

describe('by text', () => {
  browserTest('with blanks around it, in either alphabet', async () => {
    const [one, two] = await Promise.all([windowAt(), windowAt()]);
    await paste(two, `  ${await code(one)}\n`);
    await step(two, 'answer');
    await choose(two, 'Link');
    await paste(one, (await two.getByLabel('Send this').inputValue()).split('#')[1]);
    await talk(one, two);
    await close(one, two);
  });

  browserTest('what is no code, misread or its own changes nothing, and it is said what to do', async () => {
    const [one, two] = await Promise.all([windowAt(), windowAt()]);
    const own = await code(two);
    const other = await code(one);
    const swapped = `${other.slice(0, 40)}${other[41]}${other[40]}${other.slice(42)}`;
    for (const [text, pattern] of [
      ['hello', /no code of this page/], ['https://example.org/', /no code of this page/], [own, /very device/],
      [other.slice(0, -3), /misread|cut off/], [`${other.slice(0, 20)}${other.slice(21)}`, /misread/],
      ...(swapped === other ? [] : [[swapped, /misread/]]), ['x'.repeat(100_000), /code/], ['<b>', /no code/],
    ]) {
      await paste(two, text);
      await says(two, 'problem', pattern);
      assert.equal(await code(two), own);
    }
    await paste(two, other);
    await step(two, 'answer');
    await close(one, two);
  });

  browserTest('when both have read the other\'s code, either answer does', async () => {
    for (const both of [false, true]) {
      const [one, two] = await Promise.all([windowAt(), windowAt()]);
      const codes = await Promise.all([one, two].map(code));
      await Promise.all([paste(one, codes[1]), paste(two, codes[0])]);
      await Promise.all([step(one, 'answer'), step(two, 'answer')]);
      const answers = await Promise.all([one, two].map(code));
      await one.getByLabel(PASTE).fill(answers[1]);
      await two.getByLabel(PASTE).fill(answers[0]);
      const enter = (page) => page.locator('#paste').evaluate((it) => it.requestSubmit());
      await Promise.all([enter(one), both && enter(two)]);
      await talk(one, two);
      await close(one, two);
    }
  });

  browserTest('somebody who comes again is known', async () => {
    const [one, two] = await Promise.all([windowAt(), windowAt()]);
    for (const [word, mark] of [[/New to you/, /new to you/], [/Met once before/, /the same as before/]]) {
      await paste(two, await code(one));
      await step(two, 'answer');
      await paste(one, await code(two));
      await Promise.all([step(one, 'connected'), step(two, 'connected')]);
      await Promise.all([says(one, 'known', word), says(two, 'lines', mark)]);
      await two.getByRole('button', { name: 'Close' }).click();
      await Promise.all([step(one, 'offer'), step(two, 'offer')]);
      await one.reload(); // one that comes back, and one that stays
      await step(one, 'offer');
    }
    await close(one, two);
  });
});

describe('by six digits', () => {
  browserTest('the server gives them, and brings two together', async () => {
    const [one, two] = await Promise.all([windowAt(), windowAt()]);
    await choose(one, 'By the server');
    await one.getByRole('button', { name: 'Get six digits' }).click();
    await step(one, 'code');
    const digits = await textOf(one, 'digits');
    assert.match(digits, /^\d{3} \d{3}$/);
    await choose(one, 'QR code');
    await one.locator('#plate svg').waitFor(); // an offer again, and the digits are given up
    await choose(one, 'By the server');
    assert.equal(await textOf(one, 'digits'), '··· ···');
    await one.getByRole('button', { name: 'Get six digits' }).click();
    await step(one, 'code');
    await paste(two, await textOf(one, 'digits'));
    await talk(one, two);
    await close(one, two);
  });
});

describe('everybody', () => {
  browserTest('who has only a keyboard gets there', async () => {
    const [one, two] = await Promise.all([windowAt(), windowAt()]);
    const text = await code(one);
    await two.locator('body').press('Tab');
    const stops = [];
    for (let n = 0; n < 40; n += 1) {
      const { id, text: name } = await two.evaluate(() => ({ id: document.activeElement.id, text: document.activeElement.textContent }));
      stops.push(id || name.trim());
      if (id === 'pasted') {
        break;
      }
      await two.keyboard.press('Tab');
    }
    assert.equal(stops.at(-1), 'pasted', stops.join());
    assert.ok(['copy-code', 'scan', 'picture'].every((it) => stops.includes(it)), stops.join());
    await two.keyboard.insertText(text);
    await two.keyboard.press('Enter');
    await step(two, 'answer');
    await close(one, two);
  });

  for (const [look, options] of Object.entries(LOOKS)) {
    browserTest(`sees it: ${look}`, async () => {
      const [one, two] = await Promise.all([windowAt('', options), windowAt('', options)]);
      for (const page of [one, two]) {
        assert.deepEqual(await nameless(page), []);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, 'no scrolling sideways');
      }
      const shot = async (page, name) => SCREENSHOTS && picture(page, `qr-${name}-${look}`);
      await shot(one, 'offer');
      await choose(one, 'Link');
      await shot(one, 'link');
      await choose(one, 'By the server');
      await shot(one, 'server');
      await choose(one, 'QR code');
      const background = await one.locator('#plate').evaluate((it) => getComputedStyle(it).backgroundColor);
      assert.equal(background, 'rgb(255, 255, 255)', 'dark on light, whatever the scheme');
      await paste(two, await code(one));
      await step(two, 'answer');
      assert.deepEqual(await barriers(two), []);
      await shot(two, 'answer');
      await paste(one, await code(two));
      await talk(one, two);
      assert.deepEqual(await barriers(one), []);
      await shot(one, 'connected');
      await close(one, two);
    });
  }
});
