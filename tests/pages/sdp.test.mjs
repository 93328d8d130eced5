/**
 * Two windows of real browsers connect by codes of www/sdp.js: nothing else passes between them.
 * Chromium and Firefox, each with itself and with the other.
 */

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { expand } from '../../www/sdp.js';
import { BROWSERS } from './browsers.mjs';

const SERVER = process.env.SIGPOST_URL?.replace(/\/$/, '');
const NAMES = /** @type {('Chromium' | 'Firefox')[]} */ (Object.keys(BROWSERS));
const skip = SERVER ? NAMES.map((name) => BROWSERS[name].missing).find(Boolean) ?? false
  : 'SIGPOST_URL is not set';

// ---- in the page

/** A connection, `window.peer`: what it has heard, and its descriptions as codes. */
async function open({ what, alphabet, offers }) {
  const { compact, expand } = await import('/www/sdp.js');
  const connection = new RTCPeerConnection();
  const peer = { connection, heard: [] };
  window.peer = peer;
  const use = ({ channel }) => {
    peer.channel = channel;
    channel.onmessage = ({ data }) => peer.heard.push(data);
  };
  connection.ondatachannel = use;
  if (offers) {
    use({ channel: connection.createDataChannel('data') });
  }
  if (what === 'video') {
    const canvas = document.body.appendChild(document.createElement('canvas'));
    const context = canvas.getContext('2d');
    setInterval(() => {
      context.fillStyle = `hsl(${Math.random() * 360} 50% 50%)`;
      context.fillRect(0, 0, 300, 150);
    }, 50);
    const stream = canvas.captureStream(20);
    connection.addTrack(stream.getTracks()[0], stream);
  }
  peer.accept = (code) => (
    connection.setRemoteDescription(alphabet === 'none' ? JSON.parse(code) : expand(code)));
  peer.describe = async () => {
    await connection.setLocalDescription();
    while (connection.iceGatheringState !== 'complete') {
      await new Promise((resolve) => {
        connection.addEventListener('icegatheringstatechange', resolve, { once: true });
      });
    }
    const { localDescription } = connection;
    return alphabet === 'none' ? JSON.stringify(localDescription)
      : compact(localDescription, { alphabet });
  };
}

/** Whether the channel is open and what was said has come: nothing, or what is missing. */
function missing(text) {
  const { connection, channel, heard } = window.peer;
  if (channel?.readyState !== 'open') {
    return `channel ${channel?.readyState}, ICE ${connection.iceConnectionState}, DTLS ${
      connection.connectionState}`;
  }
  if (!window.peer.said) {
    window.peer.said = true;
    channel.send(text);
  }
  return heard.length > 0 ? '' : 'a message';
}

/** Whether video comes and can be decoded. */
async function sees() {
  const stats = await window.peer.connection.getStats();
  return [...stats.values()].some((it) => it.type === 'inbound-rtp' && it.framesDecoded > 0);
}

// ---- here

/** Polls until it gives something true; says what it gave. */
async function until(what, look, ms = 30000) {
  const end = Date.now() + ms;
  for (;;) {
    const found = await look();
    if (found === true) {
      return;
    }
    assert.ok(Date.now() < end, `${what}: still ${found}`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

/** By alphabet; none: whole descriptions, to see what the browsers can do here. */
const PATTERNS = { qr: /^A[0-9A-Z$%*+\-./:]+$/, url: /^a[0-9A-Za-z]+$/, none: /^\{.+\}$/ };

/** What the other side gets: exactly these characters. */
async function exchange(from, to, alphabet) {
  const pattern = PATTERNS[alphabet];
  const offer = await from.evaluate(() => window.peer.describe());
  assert.match(offer, pattern);
  await to.evaluate((code) => window.peer.accept(code), offer);
  const answer = await to.evaluate(() => window.peer.describe());
  assert.match(answer, pattern);
  await from.evaluate((code) => window.peer.accept(code), answer);
  return { offer, answer };
}

/** Both ways. */
async function talk(one, other) {
  const pages = [[one, 'this is one'], [other, 'this is the other']];
  await Promise.all(pages.map(([page, text]) => (
    until('connected', async () => (await page.evaluate(missing, text)) || true))));
  assert.deepEqual(await one.evaluate(() => window.peer.heard), ['this is the other']);
  assert.deepEqual(await other.evaluate(() => window.peer.heard), ['this is one']);
}

function suite(title, options, body) {
  describe(title, { skip }, () => {
    const browsers = {};

    before(async () => {
      for (const name of NAMES) {
        browsers[name] = await BROWSERS[name].launch(options);
      }
    });

    after(() => Promise.all(Object.values(browsers).map((browser) => browser.close())));

    /** A window with a connection in it, as long as the test runs. */
    async function window(name, settings) {
      const context = await browsers[name].newContext();
      const page = await context.newPage();
      await page.goto(`${SERVER}/www/index.html`);
      await page.evaluate(open, settings);
      return page;
    }

    body(async (from, to, settings, run) => {
      const pages = [];
      try {
        pages.push(await window(from, { ...settings, offers: true }));
        pages.push(await window(to, settings));
        return await run(...pages);
      } finally {
        await Promise.all(pages.map((page) => page.close()));
      }
    });
  });
}

const PAIRS = NAMES.flatMap((from) => NAMES.map((to) => [from, to]));

suite('by codes alone', {}, (withPair) => {
  for (const [from, to] of PAIRS) {
    test(`a data channel from ${from} to ${to}`, { timeout: 60000 }, () => (
      withPair(from, to, { what: 'data', alphabet: 'qr' }, async (one, other) => {
        await exchange(one, other, 'qr');
        await talk(one, other);
      })));

    test(`video from ${from} to ${to} and back`, { timeout: 60000 }, () => (
      withPair(from, to, { what: 'video', alphabet: 'url' }, async (one, other) => {
        await exchange(one, other, 'url');
        await talk(one, other);
        await Promise.all([one, other].map((page) => until('video', () => page.evaluate(sees))));
      })));
  }

  // Not from Chromium to Firefox: on a busy machine that fails one time in eight, by whole
  // descriptions as by codes.
  for (const [from, to] of [['Firefox', 'Chromium'], ['Chromium', 'Chromium']]) {
    test(`ICE of ${from} with ${to} starts again`, { timeout: 60000 }, () => (
      withPair(from, to, { what: 'data', alphabet: 'qr' }, async (one, other) => {
        const first = await exchange(one, other, 'qr');
        await talk(one, other);
        await one.evaluate(() => window.peer.connection.restartIce());
        const second = await exchange(one, other, 'qr');
        assert.notEqual(second.offer, first.offer);
        for (const page of [one, other]) {
          await until('connected again', () => page.evaluate(() => (
            window.peer.connection.iceConnectionState === 'connected'
            || window.peer.connection.iceConnectionState === 'completed')));
        }
        await one.evaluate(() => window.peer.channel.send('again'));
        await until('a message', () => other.evaluate(() => window.peer.heard.includes('again')));
      })));
  }
});

suite('with names instead of addresses', { hidden: true }, (withPair) => {
  /** @returns {Promise<string>} what went wrong, if anything */
  const connects = (from, to, alphabet) => (
    withPair(from, to, { what: 'data', alphabet }, async (one, other) => {
      const { offer } = await exchange(one, other, alphabet);
      const { sdp } = alphabet === 'none' ? JSON.parse(offer) : expand(offer);
      assert.match(sdp, /\.local \d+ typ host/);
      return talk(one, other).then(() => '', String);
    }));

  for (const [from, to] of PAIRS) {
    test(`a data channel from ${from} to ${to}`, { timeout: 120000 }, async (t) => {
      const fault = await connects(from, to, 'qr');
      if (fault && await connects(from, to, 'none')) {
        t.skip('names are not found in this network, by whole descriptions neither');
      } else {
        assert.equal(fault, '');
      }
    });
  }
});
