/**
 * Chromium with a camera that sees a picture: a QR code that another window shows, as it looks there.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

import { CHROMIUM, chromiumFlags } from './browsers.mjs';

const WIDTH = 640;
const HEIGHT = 480;
/** What lies around the code: a desk. */
const DESK = 150;

/**
 * The pixels of a PNG, decoded by a window.
 * @param {import('playwright-core').Page} page @param {Buffer} png
 * @returns {Promise<{width: number, height: number, grey: number[]}>}
 */
async function pixels(page, png) {
  return page.evaluate(async (bytes) => {
    const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type: 'image/png' }));
    const canvas = Object.assign(document.createElement('canvas'), { width: bitmap.width, height: bitmap.height });
    const context = canvas.getContext('2d');
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const grey = [];
    for (let at = 0; at < data.length; at += 4) {
      grey.push(data[at]);
    }
    return { width: bitmap.width, height: bitmap.height, grey };
  }, [...png]);
}

/** One frame of YUV4MPEG2, grey, with the picture in the middle. @param {{width: number, height: number, grey: number[]}} image */
function frame({ width, height, grey }) {
  const side = 400;
  const luma = Buffer.alloc(WIDTH * HEIGHT, DESK);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      const from = Math.floor((y * height) / side) * width + Math.floor((x * width) / side);
      luma[(y + 40) * WIDTH + x + 120] = 16 + Math.round((grey[from] * 219) / 255);
    }
  }
  return Buffer.concat([Buffer.from('FRAME\n'), luma, Buffer.alloc((WIDTH * HEIGHT) / 2, 128)]);
}

/**
 * A browser of its own with a camera, for contexts with that permission, and a file in which what it sees can be put.
 */
export class CameraBrowser {
  #directory = mkdtempSync(join(tmpdir(), 'camera-'));
  file = join(this.#directory, 'camera.y4m');

  static async launch() {
    const it = new CameraBrowser();
    it.seeNothing();
    it.browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [...chromiumFlags(), '--use-fake-device-for-media-stream',
        `--use-file-for-fake-video-capture=${it.file}`],
    });
    return it;
  }

  /** @param {Buffer} image */
  #write(image) {
    const head = `YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420jpeg\n`;
    writeFileSync(this.file, Buffer.concat([Buffer.from(head), image, image]));
  }

  seeNothing() {
    this.#write(frame({ width: 1, height: 1, grey: [DESK] }));
  }

  /** From the next start of the camera on. @param {import('playwright-core').Locator} element as it looks now */
  async see(element) {
    this.#write(frame(await pixels(element.page(), await element.screenshot())));
  }

  async close() {
    await this.browser.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
