/**
 * RFC 6455, case by case, as the Autobahn test suite orders them: sizes, pings, reserved bits and
 * opcodes, fragments, UTF-8, close frames. A message that arrives at a peer proves that it was read.
 */

import assert from 'node:assert/strict';

import { SOCKET_KINDS, onSite } from './harness.mjs';
import { BINARY, CLOSE, CONTINUATION, PING, PONG, RawSocket, TEXT, closing, frame } from './frames.mjs';
import { CALM, Peer, newId, newToken } from './peerjs.mjs';

/** @typedef {import('./site.mjs').Server} Server */
/** @typedef {{server: Server, peer: Peer}} Stage */

/** A raw WebSocket of a peer, after its OPEN. @param {Server} server */
async function open(server) {
  const query = new URLSearchParams({ key: 'peerjs', id: newId(), token: newToken() });
  const socket = await RawSocket.open(server.url(`/peerjs?${query}`));
  assert.equal(await socket.text(), '{"type":"OPEN"}');
  return socket;
}

/** An offer as text. @param {Peer} peer @param {any} payload */
const offer = (peer, payload) => JSON.stringify({ type: 'OFFER', dst: peer.id, payload });

/**
 * Bytes after which messages arrive, and the WebSocket goes on.
 * @param {Stage} stage @param {(Buffer | string)[]} parts each sent by itself @param {any[]} payloads
 */
async function arrives({ server, peer }, parts, payloads) {
  const socket = await open(server);
  for (const part of parts) {
    socket.send(part);
    await new Promise(setImmediate);
  }
  for (const payload of payloads) {
    assert.deepEqual((await peer.value()).payload, payload);
  }
  socket.send(frame(PING, 'still there'));
  const pong = await socket.next();
  assert.equal(pong?.opcode, PONG);
  assert.equal(pong?.payload.toString(), 'still there');
  await socket.end();
}

/**
 * Bytes that end the WebSocket with this code; what was said before them has arrived.
 * @param {Stage} stage @param {Buffer[]} parts @param {number} code
 */
async function ends({ server, peer }, parts, code, why = '') {
  const socket = await open(server);
  socket.send(Buffer.concat([frame(TEXT, offer(peer, why)), ...parts, frame(TEXT, offer(peer, 'after the end'))]));
  assert.equal((await peer.value()).payload, why);
  assert.equal((await socket.closed()).code, code, why);
  await socket.ended();
}

/** A message in frames of n bytes. @param {string} text @param {number} n */
function fragments(text, n) {
  const bytes = Buffer.from(text);
  const count = Math.ceil(bytes.length / n);
  return Array.from({ length: count }, (_, i) => frame(i === 0 ? TEXT : CONTINUATION,
    bytes.subarray(i * n, (i + 1) * n), { fin: i === count - 1 }));
}

/** @type {Record<string, (stage: Stage) => Promise<void>>} */
const cases = {
  '1: messages of every length that is written differently': async (stage) => {
    for (const size of [0, 125, 126, 127, 128, 65535, 65536, 200_000]) {
      const bare = offer(stage.peer, '').length;
      const text = offer(stage.peer, 'x'.repeat(Math.max(0, size - bare)));
      await arrives(stage, [frame(TEXT, size === 0 ? '' : text)], size === 0 ? [] : ['x'.repeat(Math.max(0, size - bare))]);
    }
  },

  '1: a binary message is a message like any other': (stage) =>
    arrives(stage, [frame(BINARY, offer(stage.peer, 'binary'))], ['binary']),

  '1: bytes one by one, and frames that come together': async (stage) => {
    const both = Buffer.concat([1, 2].map((n) => frame(TEXT, offer(stage.peer, n))));
    await arrives(stage, [both], [1, 2]);
    await arrives(stage, Array.from(both, (byte) => Buffer.from([byte])), [1, 2]);
  },

  '2: each ping gets its pong, with the same bytes, in order': async ({ server }) => {
    const socket = await open(server);
    const all = ['', 'Hello', Buffer.from([0, 255, 254, 0]), 'x'.repeat(125), 'split'];
    const bytes = Buffer.concat(all.map((data) => frame(PING, data)));
    socket.send(bytes.subarray(0, -3));
    await new Promise((resolve) => { setTimeout(resolve, 20); });
    socket.send(bytes.subarray(-3));
    for (const data of all) {
      const pong = await socket.next();
      assert.equal(pong?.opcode, PONG);
      assert.deepEqual(pong?.payload, Buffer.from(data));
    }
    await socket.end();
  },

  '2: a pong nobody asked for is nothing': (stage) =>
    arrives(stage, [frame(PONG, 'unasked'), frame(TEXT, offer(stage.peer, 'after'))], ['after']),

  '2: a ping of 126 bytes is an error': (stage) => ends(stage, [frame(PING, 'x'.repeat(126))], 1002),

  '3: reserved bits are errors': async (stage) => {
    for (const rsv of [1, 2, 3, 4, 5, 6, 7]) {
      await ends(stage, [frame(TEXT, 'x', { rsv })], 1002, `rsv ${rsv}`);
    }
    await ends(stage, [frame(PING, '', { rsv: 4 })], 1002, 'of a ping');
  },

  '4: reserved opcodes are errors': async (stage) => {
    for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
      await ends(stage, [frame(opcode)], 1002, `opcode ${opcode}`);
    }
  },

  '5: a message may come in fragments, of any size': async (stage) => {
    const text = offer(stage.peer, 'in parts 🙂');
    for (const n of [1, 2, 7, 40]) {
      await arrives(stage, [Buffer.concat(fragments(text, n))], ['in parts 🙂']);
      await arrives(stage, fragments(text, n), ['in parts 🙂']);
    }
    const empty = { fin: false };
    await arrives(stage, [frame(TEXT, '', empty), frame(CONTINUATION, '', empty), frame(CONTINUATION, text, empty),
      frame(CONTINUATION)], ['in parts 🙂']);
  },

  '5: a ping between fragments is answered, the message goes on': async ({ server, peer }) => {
    const socket = await open(server);
    const [first, ...rest] = fragments(offer(peer, 'interrupted'), 20);
    socket.send(Buffer.concat([first, frame(PING, 'amid'), frame(PONG)]));
    assert.equal((await socket.next())?.payload.toString(), 'amid');
    socket.send(Buffer.concat(rest));
    assert.equal((await peer.value()).payload, 'interrupted');
    await socket.end();
  },

  '5: fragments in disorder are errors': async (stage) => {
    await ends(stage, [frame(CONTINUATION, 'of nothing')], 1002, 'without a beginning');
    await ends(stage, [frame(CONTINUATION, 'of nothing', { fin: false })], 1002, 'without a beginning or an end');
    await ends(stage, [frame(TEXT, 'a', { fin: false }), frame(TEXT, 'b')], 1002, 'a second beginning');
    await ends(stage, [frame(PING, 'a', { fin: false })], 1002, 'a ping in fragments');
    await ends(stage, [frame(CLOSE, '', { fin: false })], 1002, 'a close frame in fragments');
  },

  '6: text that is no UTF-8 is an error': async (stage) => {
    for (const [why, bytes] of /** @type {[string, number[]][]} */ ([
      ['a continuation byte alone', [0x80]], ['too long a form', [0xc0, 0xaf]], ['a surrogate', [0xed, 0xa0, 0x80]],
      ['above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]], ['0xFF', [0xff]], ['an end too early', [0xe2, 0x82]],
    ])) {
      await ends(stage, [frame(TEXT, Buffer.from([0x22, ...bytes]))], 1007, why);
      await ends(stage, [frame(TEXT, '"', { fin: false }), frame(CONTINUATION, Buffer.from(bytes))], 1007, `${why}, later`);
    }
  },

  '6: a character may lie across fragments': async (stage) => {
    const bytes = Buffer.from(offer(stage.peer, 'κόσμε 🙂'));
    await arrives(stage, [Buffer.concat(fragments(bytes.toString(), 1))], ['κόσμε 🙂']);
  },

  '7: a close frame is answered with its code, and the connection ends': async ({ server }) => {
    for (const code of [1000, 1001, 1002, 1003, 1007, 1011, 3000, 3999, 4000, 4999]) {
      const socket = await open(server);
      socket.send(closing(code, 'why not'));
      assert.equal((await socket.closed()).code, code);
      await socket.ended();
    }
    const socket = await open(server);
    socket.send(frame(CLOSE));
    await socket.closed();
    await socket.ended();
  },

  '7: a close frame that is wrong is an error': async (stage) => {
    await ends(stage, [frame(CLOSE, 'x')], 1002, 'of one byte');
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535]) {
      await ends(stage, [closing(code)], 1002, `code ${code}`);
    }
    await ends(stage, [closing(1000, Buffer.from([0xff]))], 1007, 'a reason that is no UTF-8');
    await ends(stage, [closing(1000, 'x'.repeat(124))], 1002, 'too long');
  },

  '7: what was said before a close frame is done, what comes after it is not': (stage) =>
    ends(stage, [closing(1000)], 1000, 'before'),

  '8: a frame without a mask is an error': (stage) => ends(stage, [frame(TEXT, '{}', { masked: false })], 1002),
};

for (const kind of SOCKET_KINDS) {
  onSite(`frames · ${kind.name}`, { settings: CALM }, async (site) => {
    const server = await site.serve(kind);
    return { server, peer: await Peer.open(server, { wire: 'websocket' }) };
  }, {
    ...cases,
    'and the one who heard it all has heard nothing else': async ({ peer }) => {
      await peer.nothingElse();
      await peer.down.end();
    },
  });
}
