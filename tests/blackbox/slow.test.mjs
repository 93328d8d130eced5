/** Clients that do not read, and mailboxes that are full. */

import assert from 'node:assert/strict';
import net from 'node:net';

import { Channel, KINDS, kind, newKey, onSite, overServers, until } from './harness.mjs';

const PATH = '/sigver';

/**
 * @param {Channel} opener
 * @param {Channel} joining
 */
async function pair(opener, joining, key = newKey()) {
  await opener.say({ open: key });
  assert.deepEqual(await opener.value(), { isKeyOk: true });
  await joining.say({ join: key });
  assert.deepEqual(await joining.value(), { isKeyOk: true });
  await joining.say({ data: 'hello' });
  return (await opener.value()).id;
}

/**
 * A client that asks for a stream and never reads it.
 * @param {import('./site.mjs').Server} server
 * @param {string} cursor
 */
function deaf(server, cursor) {
  const socket = net.connect({ port: server.port, host: '127.0.0.1' });
  socket.on('error', () => {});
  socket.pause();
  socket.write(`GET ${server.kind.mount}${PATH} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n`
    + `Last-Event-ID: ${cursor}\r\n\r\n`);
  return socket;
}

overServers('a client that never reads', {
  settings: { slow_ms: 1000 }, kinds: KINDS.filter((it) => it.name !== 'Apache mod_cgi'),
}, {
  'delays nobody, and may come back and read': async ({ server }) => {
    const opener = await Channel.open(server.url(PATH));
    const reader = await Channel.open(server.url(PATH));
    const id = await pair(opener, reader);
    const { cursor } = reader;
    await reader.drop();
    reader.down.inbox.length = 0;
    const socket = deaf(server, cursor);
    const [a, b] = [await Channel.open(server.url(PATH)), await Channel.open(server.url(PATH))];
    const other = await pair(a, b);
    const text = 'x'.repeat(30_000);
    const count = 150;
    for (let n = 0; n < count; n += 1) {
      await opener.say({ id, data: [n, text] });
      await a.say({ id: other, data: n });
      assert.deepEqual(await b.value(), { data: n });
    }
    socket.destroy();
    await reader.connect(cursor);
    await until('the last message', () => reader.down.inbox.at(-1)?.value.data[0] === count - 1);
    const got = reader.down.inbox.map((it) => it.value.data[0]);
    assert.deepEqual(got, Array.from({ length: count - got[0] }, (_, n) => got[0] + n), 'in order, each once');
    assert.ok(got[0] === 0 || reader.down.gaps.length === 1, `it starts at ${got[0]} without a word`);
    assert.deepEqual(reader.down.auths, []);
    await Promise.all([opener, reader, a, b].map((it) => it.abandon()));
  },
});

onSite('a mailbox that is full', { settings: { max_pending: 20, max_pending_bytes: 100_000 } }, (site) =>
  site.serve(kind('lighttpd FastCGI')), {
  'takes no more, keeps what it has, and takes again once it was read': async (server) => {
    for (const data of ['small', 'x'.repeat(30_000)]) {
      const opener = await Channel.open(server.url(PATH));
      const joining = await Channel.open(server.url(PATH));
      const id = await pair(opener, joining);
      await joining.drop();
      const sent = /** @type {number[]} */ ([]);
      let refused;
      while (refused === undefined && sent.length < 100) {
        const answer = await opener.post({ id, data: [sent.length, data] });
        if (answer.status === 200) {
          sent.push(sent.length);
        } else {
          refused = answer;
        }
      }
      assert.equal(refused?.status, 429, refused?.text);
      assert.equal(refused?.headers['content-type'], 'application/problem+json');
      assert.ok(Number(refused?.headers['retry-after']) >= 1);
      // The stream whose end is not yet noticed may still have taken the first one.
      const room = data === 'small' ? 20 : 3;
      assert.ok(sent.length === room || sent.length === room + 1, `${sent.length} for ${room}`);
      await joining.resume();
      await until('what it took', () => joining.down.inbox.length === sent.length);
      assert.deepEqual(joining.down.inbox.map((it) => it.value.data[0]), sent);
      assert.deepEqual(joining.down.gaps, []);
      joining.down.inbox.length = 0;
      await opener.say({ id, data: 'again' });
      assert.deepEqual(await joining.value(), { data: 'again' });
      await Promise.all([opener.abandon(), joining.abandon()]);
    }
  },
});

onSite('a process that holds all the streams it may', { settings: { max_streams: 3 } }, (site) =>
  site.serve(kind('nginx FastCGI')), {
  'sends the next away for now, and disturbs none': async (server) => {
    const sources = [];
    for (let n = 0; n < 3; n += 1) {
      sources.push(await Channel.open(server.url(PATH)));
    }
    await assert.rejects(Channel.open(server.url(PATH)), /answered (429|503)/);
    await pair(sources[0], sources[1]);
    await sources[2].drop();
    await until('room', () => Channel.open(server.url(PATH)).then((it) => sources.push(it)));
    await Promise.all(sources.map((it) => it.abandon()));
  },
});
