/** Sessions of Engine.IO by hand: what is refused, how, and that nobody else is disturbed. */

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

import { kind, onSite, request, until, within } from './harness.mjs';
import { RS, Session, Socket, newAddr, payload } from './socketio.mjs';

/** @typedef {import('./site.mjs').Server} Server */

/** @type {Record<number, string>} */
const MESSAGES = {
  0: 'Transport unknown', 1: 'Session ID unknown', 2: 'Bad handshake method', 3: 'Bad request',
  5: 'Unsupported protocol version',
};

/** @param {import('./http.mjs').Answer} answer @param {number} code */
function refused(answer, code, why = '') {
  assert.deepEqual([why, answer.status, answer.headers['content-type'], answer.json],
    [why, 400, 'application/json', { code, message: MESSAGES[code] }]);
}

/** @param {Session} session @param {[string, string | Buffer][]} bodies */
async function refusesAll(session, bodies) {
  for (const [why, body] of bodies) {
    refused(await session.post(body), 3, why);
  }
}

/** A poll that is open, once nothing waits any more; nothing shows that but time. @param {Session} session */
async function held(session) {
  for (;;) {
    const answer = session.get();
    if (await Promise.race([answer, delay(100, 'open')]) === 'open') {
      return { answer };
    }
  }
}

/** A session that must go on undisturbed, whatever happens beside it. */
class Bystander {
  addr = newAddr();

  /** @param {Session} session */
  constructor(session) {
    this.session = session;
  }

  /** @param {Server} server */
  static async open(server) {
    const it = new Bystander(await Session.open(server));
    assert.deepEqual(await it.session.join(it.addr), { result: 'joined' });
    return it;
  }

  async isWell() {
    const { session, addr } = this;
    await session.emit('ss-handshake', { srcMultiaddr: addr, dstMultiaddr: addr, n: 1 }, 8);
    const said = /** @type {string[]} */ ([]);
    await until('its own handshake and an ack', async () => {
      said.push(...await session.hear());
      return said.some((it) => it.startsWith('42["ws-handshake"')) && said.some((it) => it.startsWith('438['));
    });
  }
}

/** @type {Record<string, (server: Server) => Promise<void>>} */
const SCENARIOS = {
  'queries that are none': async (server) => {
    const session = await Session.open(server);
    const { sid } = session;
    for (const [query, code] of /** @type {[string, number][]} */ ([
      ['', 0], ['EIO=4', 0], ['EIO=4&transport=', 0], ['EIO=4&transport=flashsocket', 0],
      ['EIO=4&transport=polling&sid=', 1], ['EIO=4&transport=polling&sid=nobody', 1],
      [`EIO=4&transport=polling&sid=${sid}x`, 1], [`EIO=3&transport=polling&sid=${sid}`, 1],
      [`EIO=4&transport=polling&sid=${'s'.repeat(5000)}`, 1], ['EIO=4&transport=websocket&sid=nobody', 1],
      ['EIO=4&transport=websocket', 3], ['EIO=2&transport=polling', 5], ['EIO=5&transport=polling', 5],
      ['EIO=&transport=polling&j=0', 3], ['EIO=three&transport=polling', 5], ['EIO=4&transport=polling&j=0', 3],
      [`EIO=4&transport=polling&sid=${sid}&j=1`, 3], [`EIO=4&transport=websocket&sid=${sid}`, 3],
    ])) {
      refused(await request(server.url(`/socket.io/?${query}`)), code, query);
    }
    await session.emit('ss-join', null, 1);
    assert.deepEqual(await session.ack(1), { result: 'ignored', reason: 'its argument is not a multiaddr' });
  },

  'methods that are none': async (server) => {
    const url = server.url('/socket.io/?EIO=4&transport=polling');
    refused(await request(url, { method: 'POST', body: '40' }), 2);
    for (const method of ['PUT', 'DELETE', 'PATCH']) {
      const answer = await request(url, { method, body: '40' });
      assert.deepEqual([answer.status, answer.headers.allow], [405, 'GET, POST, OPTIONS'], method);
    }
  },

  'bodies that are none, of version 4': async (server) => {
    const session = await Session.open(server);
    await refusesAll(session, [
      ['nothing', ''], ['no type', 'x'], ['a type above', '7'], ['an empty packet between', `42["a"]${RS}${RS}42["b"]`],
      ['a separator at the end', `42["a"]${RS}`], ['an open packet', '0{}'], ['no UTF-8', Buffer.from('42["\xff"]', 'latin1')],
      ['half a character', Buffer.from([0x34, 0x32, 0x5b, 0x22, 0xe2, 0x82, 0x22, 0x5d])],
      ['no type of Socket.IO', '4'], ['a type above of Socket.IO', '49["a"]'], ['no JSON', '42["a"'], ['no array', '42{"a":1}'],
      ['no name', '42[]'], ['a name that is a number', '42[1]'], ['a name of the library', '42["disconnect"]'],
      ['an ack without an id', '43[]'], ['deep JSON', `42["a",${'['.repeat(64)}${']'.repeat(64)}]`],
      ['attachments without a number', '45["a"]'], ['the last of several', `42["ss-join","/taken"]${RS}42`],
    ]);
    await session.emit('ss-leave', '/taken', 3);
    assert.equal((await session.ack(3)).result, 'refused', 'nothing of a body with an error was taken');
  },

  'bodies that are none, of version 3': async (server) => {
    const session = await Session.open(server, { eio: 3 });
    await refusesAll(session, [
      ['nothing', ''], ['no length', '42["a"]'], ['too short', '6:42["a"]'], ['too long', '8:42["a"]'],
      ['far too long', '99999999999999999999:42["a"]'], ['negative', '-7:42["a"]'], ['hexadecimal', '0x7:42["a"]'],
      ['a blank', ' 7:42["a"]'], ['bytes, not code units', `${Buffer.byteLength('42["ä"]')}:42["ä"]`],
      ['half a surrogate pair', '5:42["\u{1f600}"]'], ['only a length', '7:'], ['only a colon', ':'],
      ['the second wrong', '7:42["a"]8:42["b"]'], ['binary', Buffer.from([0, 7, 255, 52, 50, 91, 34, 97, 34, 93])],
      ['a binary packet', Buffer.from([1, 2, 255, 4, 1])], ['version 4', `42["a"]${RS}42["b"]`],
    ]);
    await session.say('42["ss-join","/ä\u{1f600}"]', '2probe');
    const said = /** @type {string[]} */ ([]);
    await until('a pong', async () => said.push(...await session.poll()) && said.includes('3'));
  },

  'as many packets as max_batch says, and one more': async (server) => {
    const session = await Session.open(server);
    const many = (/** @type {number} */ n) => payload(4, Array(n).fill('42["ss-leave","/x"]'));
    assert.equal((await session.post(many(8))).text, 'ok');
    refused(await session.post(many(9)), 3);
    assert.equal((await session.post('3')).text, 'ok');
  },

  'a body as long as max_body_bytes says, and one byte more': async (server) => {
    const session = await Session.open(server);
    assert.equal(session.open.maxPayload, 20_000);
    const long = (/** @type {number} */ n) => `42["${'x'.repeat(n - 6)}"]`;
    assert.equal((await session.post(long(20_000))).text, 'ok');
    const answer = await session.post(long(20_001));
    assert.deepEqual([answer.status, answer.json.title], [413, 'The body is larger than this server takes']);
    assert.equal((await session.post('3')).text, 'ok');
  },

  'of two polls at once the older is refused, and the session has ended': async (server) => {
    for (const eio of /** @type {const} */ ([3, 4])) {
      const session = await Session.open(server, { eio });
      const addr = newAddr();
      assert.deepEqual(await session.join(addr), { result: 'joined' });
      const older = await held(session);
      const younger = session.get();
      refused(await older.answer, 3);
      refused(await younger, 3);
      refused(await session.get(), 1);
      refused(await session.post(payload(eio, ['2'])), 1);
      const heir = await Session.open(server);
      assert.deepEqual(await heir.join(addr), { result: 'joined' }, 'at once');
    }
  },

  'after a close packet there is no session, and its multiaddr is free': async (server) => {
    const session = await Session.open(server);
    const addr = newAddr();
    await session.join(addr);
    const open = await held(session);
    assert.equal((await session.close()).text, 'ok');
    refused(await open.answer, 3);
    refused(await session.post('3'), 1);
    refused(await session.get(), 1);
    const heir = await Session.open(server);
    assert.deepEqual(await heir.join(addr), { result: 'joined' });
    await heir.say('41', '42["ss-leave","/after/the/end"]');
    refused(await heir.get(), 1);
  },

  'a namespace that is not there': async (server) => {
    for (const [eio, said] of /** @type {const} */ ([
      [3, '44/admin,"Invalid namespace"'], [4, '44/admin,{"message":"Invalid namespace"}'],
    ])) {
      const session = await Session.open(server, { eio });
      await session.say(`40/admin,`);
      assert.deepEqual(await session.hear(), [said]);
      await session.say('42/admin,5["ss-join","/nowhere"]', '426["ss-leave","/nowhere"]');
      assert.equal((await session.ack(6)).result, 'refused', 'events of that namespace do nothing');
    }
  },

  'binary events are refused, and what is attached is nothing': async (server) => {
    const session = await Session.open(server);
    await session.say('451-["ss-join",{"_placeholder":true,"num":0}]', 'bAQIDBA==');
    assert.deepEqual(await session.hear(),
      ['42["ss-error",{"event":null,"reason":"binary events are not taken here: send JSON"}]']);
  },

  'a multiaddr as long as star_addr_bytes says, and one byte more': async (server) => {
    const session = await Session.open(server);
    const long = (/** @type {number} */ n) => newAddr().padEnd(n, 'x');
    assert.deepEqual(await session.join(long(512)), { result: 'joined' });
    await session.emit('ss-join', long(513), 2);
    const [error, ack] = await session.hear();
    assert.equal(error, '42["ss-error",{"event":"ss-join","reason":"the multiaddr is too long"}]');
    assert.equal(ack, '432[{"result":"refused","reason":"the multiaddr is too long"}]');
  },

  'nobody sends from a multiaddr that is another\'s': async (server) => {
    const [holder, thief] = [await Session.open(server), await Session.open(server)];
    const addr = newAddr();
    await holder.join(addr);
    const reason = 'the sender has not joined srcMultiaddr';
    await thief.emit('ss-handshake', { srcMultiaddr: addr, dstMultiaddr: addr }, 2);
    assert.deepEqual((await thief.hear()).filter((it) => !it.includes('ws-peer')),
      [`42["ss-error",{"event":"ss-handshake","reason":"${reason}"}]`, `432[{"result":"refused","reason":"${reason}"}]`]);
    await thief.emit('ss-handshake', { srcMultiaddr: addr, dstMultiaddr: '/x', answer: true }, 3);
    assert.match((await thief.hear()).join(), /the sender of this answer has not joined dstMultiaddr/);
    await thief.emit('ss-leave', addr, 4);
    assert.match((await thief.hear()).join(), /the sender has not joined this multiaddr/);
  },

  'what the released server ignores is ignored': async (server) => {
    const session = await Session.open(server);
    for (const [n, [name, arg]] of /** @type {[string, any][]} */ ([
      ['ss-join', null], ['ss-join', undefined], ['ss-join', 1], ['ss-join', ''], ['ss-join', 'no slash'],
      ['ss-handshake', null], ['ss-handshake', 'text'], ['ss-handshake', []], ['ss-handshake', {}],
      ['ss-handshake', { srcMultiaddr: '/x' }], ['ss-handshake', { srcMultiaddr: '/x', dstMultiaddr: 1 }],
      ['something else', {}],
    ]).entries()) {
      await session.say(`42${n}${JSON.stringify(arg === undefined ? [name] : [name, arg])}`);
      assert.equal((await session.ack(n)).result, 'ignored', `${name} ${JSON.stringify(arg)}`);
    }
  },

  'browsers of other origins': async (server) => {
    const session = await Session.open(server);
    const headers = { Origin: 'https://page.example' };
    for (const answer of [
      await request(server.url('/socket.io/?EIO=4&transport=polling'), { headers }), await session.post('3', headers),
      await request(server.url('/socket.io/?EIO=4&transport=nothing'), { headers }),
      await request(session.url(), { method: 'OPTIONS', headers }),
    ]) {
      assert.deepEqual([answer.headers['access-control-allow-origin'], answer.headers['access-control-allow-credentials']],
        ['https://page.example', 'true']);
      assert.match(answer.headers.vary ?? '', /Origin/);
    }
    assert.equal((await request(server.url('/socket.io/?EIO=4&transport=polling'))).headers['access-control-allow-origin'], '*');
  },
};

/** @type {Record<string, (server: Server) => Promise<void>>} */
const SOCKETS = {
  'a session goes over to a WebSocket': async (server) => {
    const session = await Session.open(server);
    const addr = newAddr();
    const open = await held(session);
    const socket = await Socket.open(server, session);
    socket.ws.send('2probe');
    assert.equal(await socket.hear('3'), '3probe');
    assert.match((await open.answer).text, /^6/, 'the poll is let go');
    socket.ws.send('5');
    socket.ws.send(`42${JSON.stringify(['ss-join', addr])}`);
    socket.ws.send(`42${JSON.stringify(['ss-handshake', { srcMultiaddr: addr, dstMultiaddr: addr, n: 1 }])}`);
    assert.equal(await socket.hear('42["ws-handshake"'), `42${JSON.stringify(['ws-handshake', { srcMultiaddr: addr, dstMultiaddr: addr, n: 1 }])}`);
    refused(await session.get(), 3, 'a poll');
    await session.emit('ss-leave', addr, 9);
    assert.equal(await socket.hear('439'), '439[{"result":"left"}]', 'a POST that was late');
    const second = await Socket.open(server, session).catch((error) => error);
    assert.match(String(second), /400/);
    socket.ws.close();
    await socket.closed();
  },

  'a poll that comes between the noop and the pong is let go, too': async (server) => {
    const session = await Session.open(server);
    const open = await held(session);
    const socket = await Socket.open(server, session);
    socket.ws.send('2probe');
    await socket.hear('3probe');
    assert.match((await open.answer).text, /^6/);
    const began = performance.now();
    assert.match((await session.get()).text, /^6/);
    assert.ok(performance.now() - began < 500);
    socket.ws.terminate();
  },

  'what is no packet ends a WebSocket': async (server) => {
    for (const [said, reason] of /** @type {[string, RegExp][]} */ ([
      ['', /no packet of Engine.IO/], ['x', /no packet of Engine.IO/], ['9', /no packet of Engine.IO/],
      ['0{}', /only the server opens a session/], ['42["a"', /not JSON/], ['4', /no known type/],
    ])) {
      const socket = await Socket.open(server);
      await socket.hear('0');
      socket.ws.send(said);
      const { code, reason: why } = await socket.closed();
      assert.equal(code, 1008, said);
      assert.match(why, reason);
    }
    const session = await Session.open(server);
    const early = await Socket.open(server, session);
    early.ws.send('42["ss-join","/early"]');
    assert.deepEqual(await early.closed(), { code: 1008, reason: 'the session has not gone over yet' });
    assert.equal((await session.post('3')).text, 'ok');
  },

  'frames of a megabyte': async (server) => {
    const socket = await Socket.open(server);
    await socket.hear('0');
    socket.ws.send(`42["${'x'.repeat(1 << 20)}"]`);
    assert.equal((await socket.closed()).code, 1009);
  },

  'binary frames': async (server) => {
    const socket = await Socket.open(server);
    await socket.hear('0');
    socket.ws.send('40');
    await socket.hear('40');
    socket.ws.send('451-["ss-join",{"_placeholder":true,"num":0}]');
    socket.ws.send(Buffer.from([1, 2, 3]));
    assert.match(await socket.hear('42'), /"ss-error",\{"event":null,"reason":"binary/);
    socket.ws.send('421["ss-join",null]');
    assert.match(await socket.hear('431'), /ignored/);
    socket.ws.terminate();
  },

  'both versions by WebSocket from the start': async (server) => {
    const three = await Socket.open(server, { eio: 3 });
    assert.deepEqual(JSON.parse((await three.hear('0')).slice(1)).upgrades, []);
    assert.equal(await three.hear('40'), '40');
    three.ws.send('2');
    assert.equal(await three.hear('3'), '3');
    three.ws.send('1');
    assert.equal((await three.closed()).code, 1000);
    const four = await Socket.open(server);
    await four.hear('0');
    four.ws.send('40');
    assert.match(await four.hear('40'), /^40\{"sid":"/);
    four.ws.send('41');
    assert.equal((await four.closed()).code, 1000);
  },
};

/** Each beside a session that must go on. @param {Record<string, (server: Server) => Promise<void>>} scenarios */
function beside(scenarios) {
  return Object.fromEntries(Object.entries(scenarios).map(([name, act]) => [name, async (/** @type {Server} */ server) => {
    const bystander = await Bystander.open(server);
    await act(server);
    await bystander.isWell();
  }]));
}

const SETTINGS = { max_batch: 8, max_body_bytes: 20_000, star_tick_ms: 60_000 };

for (const name of ['lighttpd CGI, upgrading', 'sigpost serve']) {
  onSite(`Engine.IO by hand · ${name}`, { settings: SETTINGS }, (site) => site.serve(kind(name)),
    beside({ ...SCENARIOS, ...SOCKETS }));
}
onSite('Engine.IO by hand · nginx FastCGI, two processes', { settings: SETTINGS },
  (site) => site.serve(kind('nginx FastCGI'), { procs: 2 }), beside({
    ...SCENARIOS,
    'no WebSocket gets through': async (server) => {
      const session = await Session.open(server);
      assert.deepEqual(session.open.upgrades, []);
      const socket = new Socket(session.url().replace('polling', 'websocket'));
      await assert.rejects(within('a refusal', socket.opened), /400/);
    },
  }));
