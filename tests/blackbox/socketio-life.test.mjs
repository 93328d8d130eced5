/** Whose a multiaddr is, for how long, and what becomes of a session when processes come and go. */

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

import { kind, onSite, signal, until } from './harness.mjs';
import { Node, RELEASES, Session, Socket, newAddr, withNodes } from './socketio.mjs';

/** @typedef {import('./site.mjs').Server} Server */
/** @typedef {ConstructorParameters<typeof Node>[1] & {join?: boolean}} How */

const [TWO, THREE, FOUR] = RELEASES;
const TAKEN = { result: 'refused', reason: 'somebody else has joined this multiaddr' };

/** Its heartbeats go on, whoever makes them. @param {Node} node */
async function beats(node) {
  const { engine } = node.socket.io;
  let seen = 0;
  engine.on('packet', (/** @type {{type: string}} */ { type }) => { seen += type === 'ping' || type === 'pong' ? 1 : 0; });
  await until('two heartbeats', () => seen >= 2);
}

/** @type {Record<string, (server: Server, how: How) => Promise<void>>} */
const OWNERSHIP = {
  'a multiaddr is its holder\'s while he lives': (server, how) =>
    withNodes([Node.open(server, how), Node.open(server, { ...how, join: false })], async (holder, other) => {
      const sid = holder.sid;
      assert.deepEqual(await other.ask('ss-join', holder.addr), TAKEN);
      assert.deepEqual(other.errors, [{ event: 'ss-join', reason: TAKEN.reason }]);
      assert.equal((await other.ask('ss-handshake', holder.offer('/x'))).result, 'refused');
      assert.deepEqual(await holder.ask('ss-join', holder.addr), { result: 'joined' });
      assert.deepEqual([holder.losses, holder.sid], [[], sid], 'it has noticed nothing');
    }),

  'it is free at once when he disconnects, and when he leaves it': (server, how) =>
    withNodes([Node.open(server, how), Node.open(server, { ...how, join: false })], async (holder, other) => {
      const second = newAddr();
      await holder.ask('ss-join', second);
      await holder.ask('ss-leave', second);
      const began = performance.now();
      assert.deepEqual(await other.ask('ss-join', second), { result: 'joined' });
      await holder.leave();
      // its goodbye and our question may overtake each other
      await until('the multiaddr', async () => (await other.ask('ss-join', holder.addr)).result === 'joined');
      const took = performance.now() - began;
      assert.ok(took < 500, `${took.toFixed()} ms; the grace is 600`);
    }),
};

/** @param {string} name @param {How} how */
function titled(name, { release = FOUR, way }) {
  return `${name} · ${release.name} by ${way}`;
}

/** @param {string} name @param {{procs?: number}} options @param {How[]} ways */
function ownership(name, options, ways) {
  const scenarios = Object.fromEntries(Object.entries(OWNERSHIP).flatMap(([title, act]) =>
    ways.map((how) => [titled(title, how), (/** @type {Server} */ server) => act(server, how)])));
  onSite(`whose a multiaddr is · ${name}, ${options.procs ?? 1}`, { settings: { star_tick_ms: 60_000 } },
    (site) => site.serve(kind(name), options), scenarios);
}

ownership('sigpost serve', {}, [{ release: THREE, way: 'websocket' }, { release: TWO, way: 'upgrade' }]);
ownership('nginx FastCGI', { procs: 3 }, [{ release: FOUR, way: 'polling' }, { release: TWO, way: 'polling' }]);
ownership('lighttpd CGI, upgrading', {}, [{ release: THREE, way: 'polling' }]);

// ---- death

/** One that joins, and is then not heard of any more. @param {Server} server @param {string} addr */
async function diesBetweenPolls(server, addr) {
  const session = await Session.open(server);
  assert.deepEqual(await session.join(addr), { result: 'joined' });
}

/** @param {Server} server @param {string} addr */
async function breaksOff(server, addr) {
  const socket = await Socket.open(server, { eio: 3 });
  await socket.hear('40');
  socket.ws.send(`421${JSON.stringify(['ss-join', addr])}`);
  assert.equal(await socket.hear('431'), '431[{"result":"joined"}]');
  socket.ws.terminate();
  await delay(200);  // the web server tells of it
}

/** @param {(server: Server, addr: string) => Promise<void>} dies @param {number} least ms that the heir has to wait */
function passesOn(dies, least) {
  return (/** @type {Server} */ server) =>
    withNodes([Node.open(server, { join: false }), Node.open(server)], async (heir, sender) => {
      const addr = newAddr();
      await dies(server, addr);
      const sent = [];
      for (let n = 0; n < 3; n += 1) {
        sent.push((await sender.shake(addr)).offer);
      }
      const began = performance.now();
      assert.deepEqual(await heir.ask('ss-join', addr), { result: 'joined' });
      const took = performance.now() - began;
      assert.ok(took > least && took < 2000, `after ${took.toFixed()} ms; the grace is 600`);
      assert.deepEqual([await heir.heard(), await heir.heard(), await heir.heard()], sent);
    });
}

onSite('a multiaddr passes on · nginx FastCGI, 3', {}, (site) => site.serve(kind('nginx FastCGI'), { procs: 3 }), {
  'after the death of who polled, with what waited': passesOn(diesBetweenPolls, 500),
});
onSite('a multiaddr passes on · sigpost serve', {}, (site) => site.serve(kind('sigpost serve')), {
  'after the death of who polled, with what waited': passesOn(diesBetweenPolls, 500),
  'after a WebSocket broke off, with what waited': passesOn(breaksOff, 500),
});

// ---- processes

/** All handshakes that have come so far are these, in order, each once. @param {Node} node @param {any[]} sent */
async function heardAll(node, sent) {
  await until(`${sent.length} handshakes`, () => node.handshakes.length >= sent.length, 20_000);
  await delay(100);
  const ids = (/** @type {any[]} */ all) => all.map((it) => it.intentId);
  assert.deepEqual(ids(node.handshakes), ids(sent));
}

/** A sender without a stream, which no death disturbs. @param {Server} server */
async function quietSender(server) {
  const session = await Session.open(server);
  const addr = newAddr();
  assert.deepEqual(await session.join(addr), { result: 'joined' });
  let count = 0;
  return {
    session,
    /** @param {string} dstMultiaddr */
    async shake(dstMultiaddr) {
      count += 1;
      const it = { srcMultiaddr: addr, dstMultiaddr, intentId: `${count}`, signal: { type: 'goodbye' } };
      await session.emit('ss-handshake', it);
      return it;
    },
  };
}

/** Joins again whenever it has a new session. @param {Node} node */
function joinsAgain(node) {
  node.socket.on('connect', () => node.say('ss-join', node.addr));
}

/** @param {Server} server */
async function terminate(server) {
  const before = server.backends();
  before.forEach((pid) => signal(pid, 'SIGTERM'));
  await until('the end of the old', () => !server.backends().some((pid) => before.includes(pid)));
  await server.ready();
}

/** @type {Record<string, (server: Server) => Promise<void>>} */
const PROCESSES = {
  'no handshake is lost and none comes twice while processes take turns': (server) =>
    withNodes([Node.open(server), Node.open(server, { release: TWO }), Node.open(server, { release: THREE })],
      async (one, two, sender) => {
        /** @type {Map<Node, any[]>} */
        const sent = new Map([[one, []], [two, []]]);
        for (let n = 0; n < 200; n += 1) {
          const to = n % 2 === 0 ? one : two;
          const offer = sender.offer(to, { intentId: `${n}` });
          sent.get(to)?.push(offer);
          await (n % 8 < 2 ? sender.ask('ss-handshake', offer) : sender.say('ss-handshake', offer));
        }
        await Promise.all([...sent].map(([node, all]) => heardAll(node, all)));
        assert.deepEqual([one.losses, two.losses, sender.losses], [[], [], []]);
      }),

  'a session whose processes are killed between two polls goes on': async (server) => {
    const sender = await quietSender(server);
    const session = await Session.open(server, { eio: 3 });
    const addr = newAddr();
    await session.join(addr);
    const first = await sender.shake(addr);
    await server.kill9();
    const second = await sender.shake(addr);
    const came = /** @type {string[]} */ ([]);
    await until('both', async () => came.push(...await session.hear()) && came.length >= 2);
    assert.deepEqual(came.map((it) => JSON.parse(it.slice(2))), [['ws-handshake', first], ['ws-handshake', second]]);
    await session.emit('ss-leave', addr, 5);
    assert.deepEqual(await session.ack(5), { result: 'left' });
  },

  'a client whose poll is cut comes with another session, and gets what waited': async (server) => {
    const sender = await quietSender(server);
    await withNodes([Node.open(server), Node.open(server, { release: TWO })], async (...nodes) => {
      const sids = nodes.map((it) => it.sid);
      const addrs = nodes.map((it) => it.addr);
      const sent = await Promise.all(addrs.map((it) => sender.shake(it)));
      await Promise.all(nodes.map((it, n) => heardAll(it, [sent[n]])));
      nodes.forEach(joinsAgain);
      server.backends().forEach((pid) => signal(pid, 'SIGKILL'));
      const waiting = /** @type {any[]} */ ([]);
      for (const addr of addrs) {
        waiting.push(await until('a process', () => sender.shake(addr)));
      }
      await until('new sessions', () => nodes.every((it, n) => it.sid && it.sid !== sids[n] && it.socket.connected));
      await Promise.all(nodes.map((it, n) => heardAll(it, [sent[n], waiting[n]])));
      assert.deepEqual(nodes.map((it) => it.losses), [['transport error'], ['transport error']]);
    });
  },

  'a client does not notice that the processes are told to leave': async (server) => {
    const sender = await quietSender(server);
    await withNodes([Node.open(server), Node.open(server, { release: TWO })], async (...nodes) => {
      const sids = nodes.map((it) => it.sid);
      await terminate(server);
      for (const node of nodes) {
        await heardAll(node, [await sender.shake(node.addr)]);
      }
      assert.deepEqual([nodes.map((it) => it.losses), nodes.map((it) => it.sid)], [[[], []], sids]);
    });
  },
};

onSite('processes come and go · nginx FastCGI', { settings: { star_tick_ms: 60_000 } },
  (site) => site.serve(kind('nginx FastCGI'), { procs: 3 }), PROCESSES);

/** @type {Record<string, (server: Server) => Promise<void>>} */
const SOCKETS = {
  'a client whose WebSocket ended for now comes again, and gets what waited': async (server) => {
    const sender = await quietSender(server);
    await withNodes([Node.open(server, { way: 'websocket' }), Node.open(server, { release: TWO, way: 'upgrade' })],
      async (...nodes) => {
        nodes.forEach(joinsAgain);
        await terminate(server);
        const waiting = /** @type {any[]} */ ([]);
        for (const { addr } of nodes) {
          waiting.push(await sender.shake(addr));
        }
        await Promise.all(nodes.map((it, n) => heardAll(it, [waiting[n]])));
        assert.deepEqual(nodes.map((it) => it.losses), [['transport close'], ['transport close']]);
      });
  },

  'a client whose WebSocket was cut by a kill comes again, and gets what waited': async (server) => {
    const sender = await quietSender(server);
    await withNodes([Node.open(server, { way: 'websocket' }), Node.open(server, { release: TWO, way: 'upgrade' })],
      async (...nodes) => {
        const sent = /** @type {any[][]} */ ([]);
        for (const { addr } of nodes) {
          sent.push([await sender.shake(addr)]);
        }
        await Promise.all(nodes.map((it, n) => heardAll(it, sent[n])));
        await delay(600);  // what was taken is stored by then, and does not come twice
        nodes.forEach(joinsAgain);
        await server.kill9();
        for (const [n, { addr }] of nodes.entries()) {
          sent[n].push(await sender.shake(addr));
        }
        await Promise.all(nodes.map((it, n) => heardAll(it, sent[n])));
      });
  },

  'heartbeats keep a session that says nothing': (server) => withNodes([
    Node.open(server), Node.open(server, { release: TWO }), Node.open(server, { release: THREE, way: 'websocket' }),
    Node.open(server, { release: TWO, way: 'websocket' }),
  ], async (...nodes) => {
    await Promise.all(nodes.map(beats));
    assert.deepEqual(nodes.map((it) => it.losses), [[], [], [], []]);
  }),
};

onSite('processes come and go · sigpost serve', { settings: { star_tick_ms: 60_000, hold_ms: 500 } },
  (site) => site.serve(kind('sigpost serve')), SOCKETS);
