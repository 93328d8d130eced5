/** sigver over WebSockets, generations B, D and E: the same sentences, and close frames for errors. */

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

// @ts-ignore it has no types
import WebSocket from 'ws';

import { Channel, SOCKET_KINDS, newKey, onSite, until, within } from './harness.mjs';
import { CALM } from './peerjs.mjs';
import { Wire } from './wires.mjs';

/** @typedef {import('./site.mjs').Server} Server */

/** A source on a WebSocket. */
class Source extends Wire {
  /** @type {any} */
  socket;
  /** @type {{code: number, reason: string} | undefined} */
  closing;

  /** @param {Server} server @param {string} path */
  static async open(server, path) {
    const it = new Source(server.url(path).replace(/^http/, 'ws'), {});
    it.socket = new WebSocket(it.url, { headers: { Origin: 'http://elsewhere.example' } });
    it.socket.on('message', (/** @type {Buffer} */ data) => it.received(JSON.parse(String(data)), String(data), ''));
    it.socket.on('close', (/** @type {number} */ code, /** @type {Buffer} */ reason) => {
      it.closing = { code, reason: String(reason) };
      it.finished();
    });
    await within(`the opening of ${it.url}`, new Promise((resolve, reject) => {
      it.socket.on('open', () => resolve(undefined));
      it.socket.on('error', reject);
    }));
    return it;
  }

  /** @param {unknown} sentence anything JSON; a string goes as it is */
  say(sentence) {
    this.socket.send(typeof sentence === 'string' ? sentence : JSON.stringify(sentence));
  }

  /** The value of the next message. */
  async value() {
    return (await this.hear()).value;
  }

  /** Says something, and what comes next. @param {unknown} sentence */
  async ask(sentence) {
    this.say(sentence);
    return this.value();
  }

  closed() {
    return until('a close frame', () => this.closing);
  }

  async end() {
    this.socket.terminate();
    await until('the end of a source', () => this.over);
  }
}

/** @param {string} title @param {Record<string, (server: Server) => Promise<void>>} scenarios */
function overSockets(title, scenarios) {
  for (const kind of SOCKET_KINDS) {
    onSite(`${title} · ${kind.name}`, { settings: CALM }, (site) => site.serve(kind), scenarios);
  }
}

/** @param {Server} server @param {string} path @param {number} count @param {(...sources: Source[]) => Promise<void>} act */
async function withSources(server, path, count, act) {
  const sources = await Promise.all(Array.from({ length: count }, () => Source.open(server, path)));
  await act(...sources);
  await Promise.all(sources.map((it) => it.end()));
}

/**
 * A sentence that ends its source, with this code and these words.
 * @param {Server} server @param {string} path @param {unknown} sentence @param {number} code @param {RegExp} reason
 * @param {(source: Source) => Promise<void>} [before]
 */
async function closes(server, path, sentence, code, reason, before = async () => {}) {
  const source = await Source.open(server, path);
  await before(source);
  source.say(sentence);
  const it = await source.closed();
  assert.equal(it.code, code, JSON.stringify(sentence));
  assert.match(it.reason, reason, JSON.stringify(sentence));
}

for (const path of ['/', '/sigver', '/sigver/']) {
  overSockets(`sigver D at ${path}`, {
    'a key is opened, joined, and carries data both ways': (server) =>
      withSources(server, path, 2, async (opener, joining) => {
        const key = newKey();
        assert.deepEqual(await opener.ask({ open: key }), { isKeyOk: true });
        assert.deepEqual(await joining.ask({ join: key }), { isKeyOk: true });
        joining.say({ data: 'hello' });
        const { id, data } = await opener.value();
        assert.equal(data, 'hello');
        opener.say(`{ "data" : 12345678901234567890123, "id" : ${id} }`);
        assert.equal((await joining.hear()).raw, '{"data":12345678901234567890123}');
      }),
  });
}

overSockets('sigver D', {
  'its errors are close frames': async (server) => {
    const key = newKey();
    await withSources(server, '/sigver', 1, async (opener) => {
      assert.deepEqual(await opener.ask({ open: key }), { isKeyOk: true });
      for (const [sentence, code, reason] of /** @type {[any, number, RegExp][]} */ ([
        ['hello', 4000, /^MESSAGE_ERROR: The message is not a JSON string$/],
        ['[]', 4000, /^MESSAGE_ERROR: Unknown message$/],
        [{ id: '1', data: 1 }, 4000, /^MESSAGE_ERROR: The joining id is not a number$/],
        [{ open: '' }, 4001, /^KEY_ERROR: ./],
        [{ open: 'k'.repeat(513) }, 4001, /^KEY_ERROR: ./],
        [{ id: 1, data: 1 }, 4022, /^TRANSMIT_BEFORE_OPEN: ./],
        [{ data: 1 }, 4023, /^TRANSMIT_BEFORE_JOIN: ./],
      ])) {
        await closes(server, '/sigver', sentence, code, reason);
      }
      for (const [sentence, code, reason] of /** @type {[any, number, RegExp][]} */ ([
        [{ open: key }, 4010, /^KEY_FOR_OPEN_EXISTS: ./],
        [{ join: newKey() }, 4011, /^KEY_FOR_JOIN_UNKNOWN: ./],
      ])) {
        const source = await Source.open(server, '/sigver');
        assert.deepEqual(await source.ask(sentence), { isKeyOk: false });
        const it = await source.closed();
        assert.equal(it.code, code);
        assert.match(it.reason, reason);
      }
    });
  },

  'data to an opener that has left is an error': (server) => withSources(server, '/sigver', 2, async (opener, joining) => {
    const key = newKey();
    await opener.ask({ open: key });
    await joining.ask({ join: key });
    opener.socket.close();
    await opener.closed();
    joining.say({ data: 'anybody?' });
    const { code, reason } = await joining.closed();
    assert.equal(code, 4020);
    assert.match(reason, /^OPENER_GONE: ./);
  }),

  'a joining that is gone is unavailable, and the opener goes on': (server) =>
    withSources(server, '/sigver', 3, async (opener, joining, next) => {
      const key = newKey();
      await opener.ask({ open: key });
      await joining.ask({ join: key });
      joining.say({ data: 1 });
      const { id } = await opener.value();
      joining.socket.close(1001);
      await joining.closed();
      assert.deepEqual(await opener.ask({ id, data: 'anybody?' }), { id, unavailable: 'true' });
      assert.deepEqual(await next.ask({ join: key }), { isKeyOk: true });
    }),

  'a joining whose connection broke is unavailable, too': (server) =>
    withSources(server, '/sigver', 2, async (opener, joining) => {
      const key = newKey();
      await opener.ask({ open: key });
      await joining.ask({ join: key });
      joining.say({ data: 1 });
      const { id } = await opener.value();
      await joining.end();
      await until('the server to notice', async () => {
        opener.say({ id, data: 'anybody?' });
        await delay(50);
        return opener.inbox.length > 0;
      });
      assert.deepEqual(await opener.value(), { id, unavailable: 'true' });
    }),

  'a key is free as soon as its opener has closed': (server) => withSources(server, '/sigver', 2, async (one, two) => {
    const key = newKey();
    await one.ask({ open: key });
    one.socket.close();
    await one.closed();
    assert.deepEqual(await two.ask({ open: key }), { isKeyOk: true });
  }),

  'a sentence that has to wait for a verdict keeps those behind it, and its connection': (server) =>
    withSources(server, '/sigver', 3, async (holder, waits, joining) => {
      const key = newKey();
      await holder.ask({ open: key });
      holder.socket.pause();  // it answers no ping any more
      for (let n = 0; n <= 20; n += 1) {
        waits.say({ open: key });
      }
      for (let n = 0; n <= 20; n += 1) {
        assert.deepEqual(await waits.value(), { isKeyOk: true });
      }
      assert.deepEqual(await joining.ask({ join: key }), { isKeyOk: true });
    }),

  'messages keep their order': (server) => withSources(server, '/sigver', 2, async (opener, joining) => {
    const key = newKey();
    await opener.ask({ open: key });
    await joining.ask({ join: key });
    for (let n = 0; n < 300; n += 1) {
      joining.say({ data: n });
    }
    for (let n = 0; n < 300; n += 1) {
      assert.equal((await opener.value()).data, n);
    }
  }),

  'meets those on event streams': (server) => withSources(server, '/sigver', 1, async (opener) => {
    const key = newKey();
    const joining = await Channel.open(server.url('/sigver'));
    await opener.ask({ open: key });
    await joining.say({ join: key });
    assert.deepEqual(await joining.value(), { isKeyOk: true });
    await joining.say({ data: 'by POST' });
    const { id, data } = await opener.value();
    assert.equal(data, 'by POST');
    opener.say({ id, data: 'by WebSocket' });
    assert.deepEqual(await joining.value(), { data: 'by WebSocket' });
    await joining.abandon();
  }),
});

overSockets('sigver E', {
  'a key is opened, joined, and carries data both ways': (server) =>
    withSources(server, '/sigver/opened', 2, async (opener, joining) => {
      const key = newKey();
      assert.deepEqual(await opener.ask({ join: key }), { opened: true });
      assert.deepEqual(await joining.ask({ join: key }), { opened: false });
      joining.say({ data: [1] });
      const { id, data } = await opener.value();
      assert.deepEqual(data, [1]);
      opener.say({ id, data: { sdp: 'answer' } });
      assert.deepEqual(await joining.value(), { data: { sdp: 'answer' } });
      joining.socket.close();
      await joining.closed();
      assert.deepEqual(await opener.ask({ id, data: 'anybody?' }), { unavailable: id });
    }),

  'an opener that is gone is unavailable, and the channel stays': (server) =>
    withSources(server, '/sigver/opened', 2, async (opener, joining) => {
      const key = newKey();
      await opener.ask({ open: key });
      await joining.ask({ join: key });
      opener.socket.close();
      await opener.closed();
      assert.deepEqual(await joining.ask({ data: 1 }), { unavailable: -1 });
      assert.deepEqual(await joining.ask({ join: key }), { opened: true });
    }),

  'its errors are close frames': async (server) => {
    for (const [sentence, code, reason] of /** @type {[any, number, RegExp][]} */ ([
      ['not JSON', 4000, /^MESSAGE_ERROR=4000: ./],
      ['{"opens":"k"}', 4000, /^MESSAGE_ERROR=4000: ./],
      ['{"id":"1","data":1}', 4000, /^MESSAGE_ERROR=4000: ./],
      ['{"open":""}', 4001, /^KEY_ERROR=4001: ./],
      [{ open: 'k'.repeat(513) }, 4001, /^KEY_ERROR=4001: The key length exceeds the limit of 512 characters$/],
      ['{"id":1,"data":1}', 4010, /^TRANSMIT_BEFORE_OPEN=4010: ./],
      ['{"data":1}', 4011, /^TRANSMIT_BEFORE_JOIN=4011: ./],
    ])) {
      await closes(server, '/sigver/opened', sentence, code, reason);
    }
  },
});

/** An opener of B's; its key is answered with silence, which is over once it has reached itself. */
async function begin(/** @type {Source} */ opener, /** @type {string} */ key) {
  opener.say({ key });
  assert.deepEqual(await opener.ask({ joinkey: key }), { reachable: 'true' });
}

overSockets('sigver B', {
  'offer and answer pass': (server) => withSources(server, '/', 2, async (opener, joining) => {
    const key = newKey();
    await begin(opener, key);
    assert.deepEqual(await joining.ask({ joinkey: key }), { reachable: 'true' });
    joining.say({ offer: { sdp: 'o' } });
    assert.deepEqual(await opener.value(), { offer: { sdp: 'o' } });
    opener.say({ answer: 'a' });
    assert.deepEqual(await joining.value(), { answer: 'a' });
  }),

  'its errors are close frames': (server) => withSources(server, '/', 1, async (opener) => {
    const key = newKey();
    await begin(opener, key);
    const speaksB = async (/** @type {Source} */ source) => source.say({ key: newKey() });
    await closes(server, '/', { key }, 1008, /^The key already exists$/);
    await closes(server, '/', { joinkey: newKey() }, 1008, /^The key does not exist$/);
    await closes(server, '/', { offer: 'o' }, 1008, /./);
    await closes(server, '/', { something: 'else' }, 1007, /./, speaksB);
    await closes(server, '/', 'not JSON', 1003, /./, speaksB);
  }),
});
