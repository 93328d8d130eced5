/**
 * Windows of real browsers connect by www/peer.js: by copy and paste, and by a code through the
 * server. What they take for whom, and what somebody in the middle can do.
 */

import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { bytesOf, idOf, verify } from '../../www/peer-identity.mjs';
import { transcript } from '../../www/peer-proof.mjs';
import { BROWSERS } from './browsers.mjs';

const SERVER = process.env.SIGPOST_URL?.replace(/\/$/, '');
const skip = SERVER ? BROWSERS.Chromium.missing || BROWSERS.Firefox.missing
  : 'SIGPOST_URL is not set';
const ID = /^[a-z2-7]{32}$/;

// ---- in the page

/** `window.peer`, and what its events were: `window.log`. */
async function begin(options) {
  const { createPeer, sigpostCarrier } = await import('/www/peer.js');
  const carrier = sigpostCarrier(options.mount ?? '/', options.times);
  const peer = createPeer({ carrier, ...options });
  Object.assign(window, { peer, log: [], met: [] });
  for (const name of ['connect', 'disconnect', 'error', 'chat', 'ask']) {
    peer.on(name, (value, sender) => {
      window.log.push([name, value instanceof Error ? value.code : value ?? null, sender?.id ?? '']);
      if (sender && !window.met.includes(sender)) {
        window.met.push(sender);
      }
      if (name === 'ask') {
        sender.send('chat', { answer: value });
      }
    });
  }
  return peer.ready;
}

/** One that has no identity: `window.plain`. */
async function beginPlain(type) {
  const { createPeerConnection } = await import('/www/peer.js');
  const plain = await createPeerConnection(type);
  Object.assign(window, { plain, log: [] });
  for (const name of ['connect', 'disconnect', 'error', 'chat']) {
    plain.on(name, (value) => window.log.push([name, value?.label ?? value?.code ?? value ?? null]));
  }
  return plain.description;
}

/** A new connection by hand, `window.link`. */
async function link(type) {
  window.link = await window.peer.newConnection(type);
  return window.link.description;
}

async function meet(code) {
  window.link = await window.peer.newConnection({ code });
  return window.link.code;
}

/** How a promise ended: a peer's id, or the error's name and code. */
const outcome = () => (
  window.link.connected.then(({ id }) => id, ({ name, code }) => `${name} ${code}`));

/**
 * Somebody in the middle, or at one end: a connection by RTCPeerConnection alone. What comes over
 * it is kept, `window.heard`, and goes on by `window.onward`.
 */
async function intrude({ side, offer }) {
  const { compact, expand } = await import('/www/sdp.js');
  const connection = new RTCPeerConnection();
  const channel = connection.createDataChannel('peer', { negotiated: true, id: 0 });
  const heard = [];
  const waiting = [];
  const say = (text) => (channel.readyState === 'open' ? channel.send(text) : waiting.push(text));
  channel.onopen = () => waiting.splice(0).forEach(say);
  window[side] = {
    heard, say, connection, onward: () => {},
    accept: (code) => connection.setRemoteDescription(expand(code)),
  };
  channel.onmessage = ({ data }) => {
    heard.push(data);
    window[side].onward(data);
  };
  if (offer) {
    await connection.setRemoteDescription(expand(offer));
  }
  await connection.setLocalDescription();
  while (connection.iceGatheringState !== 'complete') {
    await new Promise((resolve) => {
      connection.addEventListener('icegatheringstatechange', resolve, { once: true });
    });
  }
  return compact(connection.localDescription);
}

// ---- here

async function until(what, look, ms = 20000) {
  const end = Date.now() + ms;
  while (!await look()) {
    assert.ok(Date.now() < end, `in vain: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 30); });
  }
}

const logOf = (page) => page.evaluate(() => window.log);

/** Waits until the page's log has an entry that begins so. */
async function logs(page, ...entry) {
  const start = JSON.stringify(entry).slice(0, -1);
  await until(start, async () => (
    (await logOf(page)).some((it) => JSON.stringify(it).startsWith(start))));
}

/** Copy and paste, between two that have begun. */
async function paste(one, other) {
  const offer = await one.evaluate(link, 'offerer');
  await other.evaluate(link, 'answerer');
  const answer = await other.evaluate((code) => window.link.connect(code), offer);
  const second = await one.evaluate(async (code) => (await window.link.connect(code)).id, answer);
  return { first: await other.evaluate(outcome), second };
}

globalThis.crypto ??= webcrypto; // Node 18

test('the specification has a proof that holds, and an id', async () => {
  const page = readFileSync(new URL('../../docs/peer.md', import.meta.url), 'utf8');
  const text = page.match(/```transcript\n(.*?)\n```/s)[1];
  const [, signer, one, key, nonce, other, otherKey, otherNonce] = text.split('\n');
  const ours = transcript(signer, { fingerprint: one, greeting: { key, nonce } },
    { fingerprint: other, greeting: { key: otherKey, nonce: otherNonce } });
  assert.equal(new TextDecoder().decode(ours), text);
  const proof = bytesOf(JSON.parse(page.match(/^\{"proof":.*$/m)[0]).proof, 64);
  assert.equal(await verify(bytesOf(otherKey, 65), proof, ours), true);
  assert.equal(await verify(bytesOf(key, 65), proof, ours), false);
  assert.equal(await idOf(bytesOf(otherKey, 65)), page.match(/id of that answerer: `(\w+)`/)[1]);
  assert.throws(() => bytesOf(`${otherKey.slice(0, -1)}B`, 65), { code: 'proof' });
});

describe('peers', { skip, concurrency: 3 }, () => {
  const browsers = {};

  before(async () => {
    browsers.Chromium = await BROWSERS.Chromium.launch();
  });

  after(() => Promise.all(Object.values(browsers).map((browser) => browser.close())));

  /** @param {string} [name] of the browser */
  async function newPage(name = 'Chromium') {
    browsers[name] ??= await BROWSERS[name].launch();
    const page = await (await browsers[name].newContext()).newPage();
    await page.goto(`${SERVER}/www/sigver.html`); // it may speak to the server
    return page;
  }

  /** Windows that know nothing of each other, as long as the test runs. */
  function peerTest(title, names, body) {
    test(title, { timeout: 60000 }, async () => {
      const pages = [];
      try {
        for (const name of names) {
          pages.push(await newPage(name));
        }
        await body(...pages);
      } finally {
        await Promise.all(pages.map((page) => page.close()));
      }
    });
  }

  const two = ['Chromium', 'Chromium'];
  const three = [...two, 'Chromium'];

  peerTest('createPeerConnection: connect, talk, disconnect', two, async (one, other) => {
    const offer = await one.evaluate(beginPlain, 'offerer');
    assert.match(offer, /^A[0-9A-Z$%*+\-./:]+$/);
    await other.evaluate(beginPlain, 'answerer');
    const answer = await other.evaluate((code) => window.plain.connect(code), offer);
    await one.evaluate((code) => window.plain.connect(code), answer);
    await logs(other, 'connect', 'peer');
    await one.evaluate(() => window.plain.send('chat', 'hello, ä€𝄞'));
    await logs(other, 'chat', 'hello, ä€𝄞');
    await one.evaluate(() => window.plain.close());
    await Promise.all([one, other].map((page) => logs(page, 'disconnect')));
    assert.deepEqual((await logOf(other)).map(([name]) => name), ['connect', 'chat', 'disconnect']);
  });

  peerTest('a description that is none can be given again', two, async (one, other) => {
    const offer = await one.evaluate(beginPlain, 'offerer');
    await other.evaluate(beginPlain, 'answerer');
    const given = (page, code) => page.evaluate((text) => (
      window.plain.connect(text).catch((error) => `${error.name} ${error.code}`)), code);
    const garbled = offer.slice(0, 30) + (offer[30] === '7' ? '8' : '7') + offer.slice(31);
    assert.equal(await given(other, '(hello)'), 'DescriptionError alphabet');
    assert.equal(await given(other, garbled), 'DescriptionError checksum');
    assert.equal(await given(one, offer), 'DescriptionError content');
    const answer = await given(other, offer);
    assert.equal(await given(one, garbled), 'DescriptionError checksum');
    await one.evaluate((code) => window.plain.connect(code), answer);
    assert.equal(await given(one, answer), 'PeerError state');
  });

  peerTest('a browser may be connected before it says what it was told', two, async (one, other) => {
    await one.evaluate(() => {
      Object.defineProperty(RTCPeerConnection.prototype, 'remoteDescription', { get: () => null });
    });
    const [first, second] = [await one.evaluate(begin, {}), await other.evaluate(begin, {})];
    assert.deepEqual(await paste(one, other), { first, second });
  });

  peerTest('know each other by copy and paste, again, and after a reload', two, async (one, other) => {
    const [first, second] = [await one.evaluate(begin, {}), await other.evaluate(begin, {})];
    assert.match(first, ID);
    assert.notEqual(first, second);
    assert.deepEqual(await paste(one, other), { first, second });
    await one.evaluate(() => window.peer.connections[0].send('ask', [1, null, { a: 'b' }]));
    await logs(one, 'chat', { answer: [1, null, { a: 'b' }] }, second);
    await logs(other, 'ask', [1, null, { a: 'b' }], first);

    await other.reload();
    await logs(one, 'disconnect', null, second);
    assert.deepEqual(await one.evaluate(() => [
      window.peer.connections.length, window.met[0].connected, window.met[0].send('chat', 1),
    ]), [0, false, false]);
    assert.equal(await other.evaluate(begin, {}), second);
    assert.deepEqual(await paste(one, other), { first, second });
    await other.evaluate(() => window.peer.broadcast('chat', 'back'));
    await logs(one, 'chat', 'back', second);
    assert.equal(await one.evaluate(() => (
      window.met.length === 1 && window.met[0] === window.peer.connections[0])), true);
  });

  peerTest('an identity of another name, or of none, is another peer', ['Chromium'], async (page) => {
    const names = [undefined, 'work', 'work', undefined, null, null];
    const ids = [];
    for (const identity of names) {
      ids.push(await page.evaluate(begin, { identity }));
    }
    assert.equal(ids[1], ids[2]);
    assert.equal(ids[0], ids[3]);
    assert.equal(new Set(ids).size, 4);
    const kept = await page.evaluate(() => new Promise((resolve) => {
      indexedDB.open('sigpost-peer').onsuccess = ({ target: { result } }) => {
        result.transaction('keys').objectStore('keys').getAll().onsuccess = (event) => (
          resolve(event.target.result.map((it) => it.privateKey.extractable)));
      };
    }));
    assert.deepEqual(kept, [false, false]);
  });

  peerTest('meet by a code through the server, and a third', three, async (one, other, third) => {
    const pages = [one, other, third];
    const ids = [];
    for (const page of pages) {
      ids.push(await page.evaluate(begin, {}));
    }
    for (const page of [other, third]) {
      const code = await one.evaluate(meet);
      assert.match(code, /^\d{6}$/);
      await page.evaluate(meet, `${code.slice(0, 3)} ${code.slice(3)}`);
      assert.equal(await page.evaluate(outcome), ids[0]);
      assert.equal(await one.evaluate(outcome), ids[pages.indexOf(page)]);
    }
    assert.equal(await one.evaluate(() => window.peer.broadcast('chat', 'to all')), 2);
    await Promise.all([other, third].map((page) => logs(page, 'chat', 'to all', ids[0])));
    await one.evaluate((id) => window.peer.connections.find((it) => it.id === id).close(), ids[1]);
    await Promise.all([logs(one, 'disconnect', null, ids[1]), logs(other, 'disconnect')]);
    assert.equal(await one.evaluate(() => window.peer.broadcast('chat', 'to one')), 1);
  });

  peerTest('a code is for one connection, and expires', three, async (one, other, third) => {
    await one.evaluate(begin, { times: { expireMs: 600 } });
    await one.evaluate(meet);
    assert.equal(await one.evaluate(outcome), 'PeerError expired');
    await one.evaluate(begin, { times: { joinMs: 300 }, mount: '/nothing/here/' });
    assert.equal(await one.evaluate(meet).catch(({ message }) => /cannot be reached/.test(message)), true);
    await one.evaluate(begin, {});
    const code = await one.evaluate(meet, 'Garden Gate');
    assert.equal(code, 'gardengate');
    for (const page of [other, third]) {
      await page.evaluate(begin, {});
      await page.evaluate(meet, code);
    }
    const ends = await Promise.all([other, third].map((page) => page.evaluate(outcome)));
    assert.deepEqual(ends.filter((end) => !ID.test(end)), ['PeerError taken']);
  });

  peerTest('two connections at once are one peer', two, async (one, other) => {
    const second = (await Promise.all([one, other].map((page) => page.evaluate(begin, {}))))[1];
    await paste(one, other);
    await one.evaluate(() => { window.older = window.link; });
    await paste(one, other);
    assert.equal(await one.evaluate(() => window.peer.broadcast('chat', 'once')), 1);
    await logs(other, 'chat', 'once');
    await one.evaluate(() => window.link.close());
    assert.equal(await one.evaluate(() => window.peer.broadcast('chat', 'by the older')), 1);
    await logs(other, 'chat', 'by the older');
    await one.evaluate(() => window.older.close());
    await logs(one, 'disconnect', null, second);
    assert.deepEqual((await logOf(one)).map(([name]) => name), ['connect', 'disconnect']);
    assert.equal((await logOf(other)).filter(([name]) => name === 'chat').length, 2);
  });

  peerTest('accept() comes before anything is heard', two, async (one, other) => {
    const first = await one.evaluate(begin, {});
    await other.evaluate(begin, {});
    await other.evaluate(async () => {
      const { createPeer } = await import('/www/peer.js');
      const { peer } = window;
      window.asked = [];
      window.peer = createPeer({ accept: async (id) => window.asked.push(id) < 0 });
      window.peer.on('chat', () => window.log.push(['chat']));
      window.peer.on('connect', () => window.log.push(['connect']));
      peer.close();
    });
    await one.evaluate(() => window.peer.on('connect', (_, to) => to.send('chat', 'quick')));
    const offer = await one.evaluate(link, 'offerer');
    await other.evaluate(link, 'answerer');
    const answer = await other.evaluate((code) => window.link.connect(code), offer);
    await one.evaluate((code) => { window.link.connect(code).catch(() => {}); }, answer);
    assert.equal(await other.evaluate(outcome), 'PeerError refused');
    assert.deepEqual(await other.evaluate(() => window.asked), [first]);
    assert.deepEqual(await logOf(other), []);
    await logs(one, 'disconnect');
  });

  peerTest('names and messages have their limits', two, async (one, other) => {
    await Promise.all([one, other].map((page) => page.evaluate(begin, {})));
    await paste(one, other);
    const sends = (name, size) => one.evaluate(([it, length]) => {
      try {
        return window.peer.connections[0].send(it, 'x'.repeat(length));
      } catch (error) {
        return error.code;
      }
    }, [name, size]);
    const most = 65536 - '["chat",""]'.length;
    assert.equal(await sends('chat', most), true);
    assert.equal(await sends('chat', most + 1), 'message');
    for (const name of ['', 'error', 'connect', 'disconnect', 'x'.repeat(65)]) {
      assert.equal(await sends(name, 1), 'message', name);
    }
    await until('a long one', async () => (await logOf(other)).some(([name]) => name === 'chat'));
  });

  // ---- who is no friend

  /** `middle` between two: each gets its description for the other's. */
  async function between(one, middle, other, act) {
    const offer = await one.evaluate(act.offer);
    const toOne = await middle.evaluate(intrude, { side: 'left', offer });
    const toOther = await middle.evaluate(intrude, { side: 'right' });
    await middle.evaluate(() => {
      window.left.onward = window.right.say;
      window.right.onward = window.left.say;
    });
    const answer = await other.evaluate(act.answer, toOther);
    await middle.evaluate((code) => window.right.accept(code), answer);
    await one.evaluate(act.connect, toOne);
  }

  peerTest('without identities, somebody in between is not noticed', three, async (one, middle, other) => {
    await one.evaluate(beginPlain, 'offerer');
    await other.evaluate(beginPlain, 'answerer');
    await between(one, middle, other, {
      offer: () => window.plain.description,
      answer: (code) => window.plain.connect(code),
      connect: (code) => window.plain.connect(code),
    });
    await logs(other, 'connect');
    await one.evaluate(() => window.plain.send('chat', 'secret'));
    await logs(other, 'chat', 'secret');
    assert.deepEqual(await middle.evaluate(() => window.left.heard), ['["chat","secret"]']);
  });

  peerTest('with them, he is, and gets no message; nor later by repeating', three, async (one, middle, other) => {
    await Promise.all([one, other].map((page) => page.evaluate(begin, {})));
    for (const page of [one, other]) {
      await page.evaluate(() => window.peer.on('connect', (_, to) => to.send('chat', 'secret')));
    }
    await one.evaluate(link, 'offerer');
    await other.evaluate(link, 'answerer');
    await between(one, middle, other, {
      offer: () => window.link.description,
      answer: (code) => window.link.connect(code),
      connect: (code) => { window.link.connect(code).catch(() => {}); },
    });
    const ends = await Promise.all([one, other].map((page) => page.evaluate(outcome)));
    assert.ok(ends.includes('PeerError proof'), String(ends));
    for (const page of [one, other]) {
      assert.match(await page.evaluate(outcome), /^PeerError (proof|closed)$/);
      assert.deepEqual((await logOf(page)).map(([name]) => name), ['error']);
    }
    const { left, right } = await middle.evaluate(() => (
      { left: window.left.heard, right: window.right.heard }));
    assert.doesNotMatch(left.concat(right).join(), /secret/);
    assert.match(right[0], /^\{"peer":1/);

    const offer = await one.evaluate(link, 'offerer');
    const answer = await middle.evaluate(intrude, { side: 'left', offer });
    await middle.evaluate((said) => said.forEach(window.left.say), right.slice(0, 2));
    await one.evaluate((code) => { window.link.connect(code).catch(() => {}); }, answer);
    assert.equal(await one.evaluate(outcome), 'PeerError proof');
  });

  /** Somebody at the other end, who says something else. */
  async function against(one, middle, onward, first = []) {
    const offer = await one.evaluate(link, 'offerer');
    const answer = await middle.evaluate(intrude, { side: 'left', offer });
    await middle.evaluate(`window.left.onward = ${onward}`);
    await middle.evaluate((said) => said.forEach(window.left.say), first);
    await one.evaluate((code) => { window.link.connect(code).catch(() => {}); }, answer);
    return one.evaluate(outcome);
  }

  peerTest('nor by an echo, nor without any proof', two, async (one, middle) => {
    await one.evaluate(begin, {});
    assert.equal(await against(one, middle, 'window.left.say'), 'PeerError self');
    const key = `(text) => window.left.say(text.replace(/"key":"[^"]+"/, '"key":"${'B'.repeat(86)}A"'))`;
    assert.equal(await against(one, middle, key), 'PeerError proof');
    for (const said of ['["chat","hello"]', '{"peer":2}', 'null', '7', '{', 'x'.repeat(100000)]) {
      assert.equal(await against(one, middle, '() => {}', [said]), 'PeerError proof', said);
    }
    const names = new Set((await logOf(one)).map(([name]) => name));
    assert.deepEqual([...names], ['error']);
  });

  peerTest('Chromium and Firefox, and Firefox after a reload', ['Chromium', 'Firefox'], async (one, other) => {
    const [first, second] = [await one.evaluate(begin, {}), await other.evaluate(begin, {})];
    assert.deepEqual(await paste(one, other), { first, second });
    await other.reload();
    assert.equal(await other.evaluate(begin, {}), second);
    assert.deepEqual(await paste(other, one), { first: second, second: first });
    await one.evaluate(() => window.peer.broadcast('chat', 'hello'));
    await logs(other, 'chat', 'hello', first);
  });
});
