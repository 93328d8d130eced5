/**
 * Released clients of Socket.IO that want nothing but a WebSocket, in Chromium behind nginx, which lets
 * none through, with www/sigpost.js before them.
 */

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';

import { kind } from '../blackbox/kinds.mjs';
import { until } from '../blackbox/proc.mjs';
import { Site } from '../blackbox/site.mjs';
import { BROWSERS } from './browsers.mjs';

const skip = BROWSERS.Chromium.missing;
const CLIENTS = { 4: 'socket.io-client-4/dist/socket.io.min.js', 2: 'socket.io-client-2/dist/socket.io.js' };

const file = (name) => readFileSync(new URL(name, import.meta.url));
const scripts = Object.entries(CLIENTS).map(([version, name]) => (
  [`/client-${version}.js`, file(`../node_modules/${name}`)]));
const files = new Map([...scripts, ['/page.js', file('socketio-page.js')]]);

const stage = {};

before(async () => {
  if (!skip) {
    stage.browser = await BROWSERS.Chromium.launch();
    stage.site = new Site({ settings: { star_tick_ms: 300, grace_ms: 3000 } });
    stage.server = await stage.site.serve(kind('nginx FastCGI'));
    stage.pages = http.createServer((req, res) => {
      const { pathname, searchParams } = new URL(req.url, 'http://x');
      const tag = (src, more = '') => `<script src="${src}" ${more}></script>`;
      const page = () => ['<!doctype html><title>Socket.IO</title><link rel="icon" href="data:,">',
        tag(stage.server.url('/www/sigpost.js'), `data-transports="${searchParams.get('transport')}"`),
        tag(`/client-${searchParams.get('client')}.js`), tag('/page.js')].join('\n');
      res.setHeader('Content-Type', files.has(pathname) ? 'text/javascript' : 'text/html');
      res.end(files.get(pathname) ?? page());
    });
    await new Promise((resolve) => { stage.pages.listen(0, '127.0.0.1', resolve); });
  }
});
after(async () => {
  await stage.browser?.close();
  stage.pages?.closeAllConnections();
  stage.pages?.close();
  await stage.site?.end();
});

let count = 0;

/** A window with a node in it. */
class Node {
  sockets = [];

  static async open(client, transport) {
    const node = new Node();
    count += 1;
    node.addr = `/dns4/localhost/tcp/80/ws/p2p-webrtc-star/p2p/Qm${count}`;
    node.context = await stage.browser.newContext();
    node.page = await node.context.newPage();
    node.page.on('websocket', (socket) => node.sockets.push(socket.url()));
    const query = new URLSearchParams({ client, transport });
    await node.page.goto(`http://127.0.0.1:${stage.pages.address().port}/?${query}`);
    const { server: { origin, kind: { mount } } } = stage;
    const path = `${mount}/socket.io${client === '4' ? '-next' : ''}/`;
    await node.page.evaluate(([...all]) => globalThis.begin(...all), [origin, path, node.addr]);
    await node.sees('joined', ({ events }) => events.includes('joined'));
    return node;
  }

  state() {
    return this.page.evaluate(() => {
      const { heard, peers, events, pings } = globalThis.node;
      return { heard, peers, events, pings, transports: [...globalThis.sigpost.sockets].map((it) => it.transport) };
    });
  }

  sees(what, ask) {
    return until(what, async () => ask(await this.state()), 20_000);
  }

  say(handshake) {
    return this.page.evaluate((it) => globalThis.shake(it), handshake);
  }

  hears(count) {
    return this.sees(`${count} handshakes`, ({ heard }) => heard.length >= count && heard);
  }
}

/** @param {(one: Node, two: Node) => Promise<void>} act */
async function withNodes(client, transport, act) {
  const nodes = await Promise.all([Node.open(client, transport), Node.open(client, transport)]);
  try {
    await act(...nodes);
    for (const node of nodes) {
      const { events, transports } = await node.state();
      assert.deepEqual([events, transports, node.sockets], [['connect', 'joined'], [transport], []]);
    }
  } finally {
    await Promise.all(nodes.map((it) => it.context.close()));
  }
}

const offerOf = (one, two) => ({ intentId: 'x', srcMultiaddr: one.addr, dstMultiaddr: two.addr,
  signal: { type: 'offer', sdp: 'v=0\r\n\u2028\u{1f600}' } });
const candidateOf = (offer, n) => ({ ...offer, signal: { type: 'candidate', candidate: { candidate: `${n}` } } });

for (const client of Object.keys(CLIENTS)) {
  describe(`client ${client}`, { skip }, () => {
    for (const transport of ['sse', 'fetch', 'poll']) {
      test(`joins, hears of others, of the heartbeat, and loses nothing to a kill, by ${transport}`, { timeout: 60_000 },
        () => withNodes(client, transport, async (one, two) => {
          await one.sees('the other', ({ peers }) => peers.includes(two.addr));
          const offer = offerOf(one, two);
          const answer = { ...offer, answer: true, signal: { type: 'answer', sdp: 'v=0' } };
          await one.say(offer);
          await two.hears(1);
          const killed = stage.server.kill9();
          await Promise.all([two.say(answer), one.say(candidateOf(offer, 1)), one.say(candidateOf(offer, 2))]);
          assert.ok((await killed).length > 0);
          assert.deepEqual(await one.hears(1), [answer]);
          assert.deepEqual(await two.hears(3), [offer, candidateOf(offer, 1), candidateOf(offer, 2)]);
          if (client === '4') {
            await one.sees('a ping', ({ pings }) => pings > 0);
          }
        }));
    }
  });
}
