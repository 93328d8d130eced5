/**
 * Real browsers for the tests: Chromium by playwright, Firefox by puppeteer over WebDriver BiDi. A
 * window of either has goto(), reload(), evaluate() and close().
 */

import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';

export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FIREFOX = process.env.FIREFOX ?? '/usr/bin/firefox-esr';

/** Nothing of its own on the network. */
const FLAGS = [
  '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];
/** Candidates as addresses, loopback among them. */
const ADDRESSES = [
  '--allow-loopback-in-peer-connection', '--disable-features=WebRtcHideLocalIpsWithMdns',
];

/** The same in Firefox's words. */
const PREFERENCES = {
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
};
const ADDRESS_PREFERENCES = {
  'media.peerconnection.ice.loopback': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
};

/** With `hidden`, its candidates have names instead of addresses, as where nobody sets anything. */
export function chromiumFlags({ hidden = false } = {}) {
  const sandbox = process.getuid() === 0 ? ['--no-sandbox'] : [];
  return [...sandbox, ...FLAGS, ...(hidden ? [] : ADDRESSES)];
}

function launchChromium(options) {
  return chromium.launch({ executablePath: CHROMIUM, args: chromiumFlags(options) });
}

async function launchFirefox({ hidden = false } = {}) {
  const browser = await puppeteer.launch({
    browser: 'firefox', executablePath: FIREFOX, headless: true,
    extraPrefsFirefox: hidden ? PREFERENCES : { ...PREFERENCES, ...ADDRESS_PREFERENCES },
  });
  return { newContext: () => browser.createBrowserContext(), close: () => browser.close() };
}

const missing = (path) => (existsSync(path) ? false : `${path} is not there`);

export const BROWSERS = {
  Chromium: { launch: launchChromium, missing: missing(CHROMIUM) },
  Firefox: { launch: launchFirefox, missing: missing(FIREFOX) },
};

const PEERJS = readFileSync(
  fileURLToPath(new URL('../node_modules/peerjs/dist/peerjs.min.js', import.meta.url)),
);

/**
 * A web site of its own, so of another origin than sigpost, that uses unmodified PeerJS:
 * `/?tag=…&script=…` is a page with that tag before PeerJS's and that script after it.
 */
export class Site {
  #server = http.createServer((req, res) => this.#answer(req, res));

  async listen() {
    await new Promise((resolve) => { this.#server.listen(0, '127.0.0.1', resolve); });
    this.url = `http://127.0.0.1:${this.#server.address().port}/`;
    return this;
  }

  page(tag, script = '') {
    return `${this.url}?${new URLSearchParams({ tag, script })}`;
  }

  close() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => { this.#server.close(resolve); });
  }

  #answer(req, res) {
    const { pathname, searchParams } = new URL(req.url, this.url);
    if (pathname === '/peerjs.js') {
      res.writeHead(200, { 'Content-Type': 'text/javascript' }).end(PEERJS);
    } else {
      const tags = `${searchParams.get('tag') ?? ''}<script src="/peerjs.js"></script>
        <script>${searchParams.get('script') ?? ''}</script>`;
      res.writeHead(200, { 'Content-Type': 'text/html', 'Cache-Control': 'no-store' })
        .end(`<!doctype html><title>PeerJS</title><link rel="icon" href="data:,">${tags}`);
    }
  }
}
