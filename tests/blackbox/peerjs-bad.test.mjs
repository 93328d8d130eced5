/**
 * What no client should send, and too much of what it may: a clear answer each, nothing of what was
 * accepted is lost, nothing grows without bound.
 */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { kind, onSite, overServers, request, until } from './harness.mjs';
import { Peer, newId, withPeers } from './peerjs.mjs';

/** @typedef {import('./harness.mjs').Stage} Stage */

/** @param {string | undefined} dst @param {any} [payload] */
const offer = (dst, payload = 'sdp') => ({ type: 'OFFER', dst, payload });

/** A scene for withPeers. @param {Stage} stage */
const over = ({ server }) => ({ server, wire: /** @type {const} */ ('sse') });

/** @param {Peer} peer @param {any} message */
async function answer(peer, message) {
  return /** @type {import('./http.mjs').Answer} */ (await peer.send(message));
}

/** @param {import('./http.mjs').Answer} got @param {number} status @param {RegExp} [detail] */
function problem({ status: is, headers, json, text }, status, detail = /./) {
  assert.equal(is, status, text);
  assert.equal(headers['content-type'], 'application/problem+json');
  assert.match(json.detail, detail);
}

/** Words that are none: an id, a token. */
const NO_WORDS = {
  'a NUL': 'a%00b', 'a line end': 'a%0Ab', 'a carriage return': 'a%0Db', 'a DEL': 'a%7Fb', 'an escape': '%1B[0m',
  'no UTF-8': 'a%FFb', 'half a character': 'a%C3', 'a surrogate': '%ED%A0%80', '1,000 characters': 'x'.repeat(1000),
  '256 bytes': 'x'.repeat(256),
};

/** Words that look odd and are fine. */
const WORDS = ['%20', 'a%20b', '%C3%A4%E2%82%AC%F0%9D%84%9E', '%22%5C', '%3Cb%3E', '..', '%25', '+', 'x'.repeat(255), '%7B%7D', 'null'];

/** Whether the web server itself has refused such an address: lighttpd does. @param {Stage} stage */
const refusedBefore = ({ server }, /** @type {import('./http.mjs').Answer} */ { status, headers }) =>
  server.kind.name.startsWith('lighttpd') && status === 400 && headers['content-type'] === 'text/html';

overServers('a word that is none', {}, {
  'as an id or a token gets no stream, and a final end': async (stage) => {
    for (const [what, word] of Object.entries(NO_WORDS)) {
      for (const [query, said] of [[`id=${word}&token=t`, /^Invalid id/], [`id=i&token=${word}`, /^Invalid token/]]) {
        const got = await request(stage.server.url(`/peerjs?key=peerjs&transport=poll&${query}`));
        if (!refusedBefore(stage, got)) {
          assert.equal(got.status, 200, `${what}: ${got.text}`);
          assert.deepEqual([got.json.messages.length, got.json.messages[0].type, got.json.final], [1, 'ERROR', true], what);
          assert.match(got.json.messages[0].payload.msg, /** @type {RegExp} */ (said), what);
        }
      }
    }
  },

  'as an id or a token may not post': async (stage) => {
    for (const [what, word] of Object.entries(NO_WORDS)) {
      for (const query of [`id=${word}&token=t`, `id=i&token=${word}`]) {
        const got = await request(stage.server.url(`/peerjs?key=peerjs&${query}`), { method: 'POST', body: '[]' });
        assert.ok([400, 401].includes(got.status), `${what}: ${got.status}`);
        if (!refusedBefore(stage, got)) {
          problem(got, got.status, /Invalid (id|token)/);
        }
      }
    }
  },

  'as a key is unknown': async (stage) => {
    for (const word of Object.values(NO_WORDS)) {
      const got = await request(stage.server.url(`/peerjs?key=${word}&id=i&token=t&transport=poll`));
      if (!refusedBefore(stage, got)) {
        assert.deepEqual(got.json.messages, [{ type: 'ERROR', payload: { msg: 'Invalid key provided' } }]);
      }
    }
  },

  'as a destination is refused': (stage) => withPeers(over(stage), 1, async (one) => {
    for (const dst of ['', 'a\u0000b', 'a\nb', 'x'.repeat(1000), 7, null, {}, [], true]) {
      problem(await answer(one, { type: 'OFFER', dst, payload: 1 }), 400);
    }
    await one.nothingElse();
  }),
});

overServers('a word that only looks odd', { kinds: [kind('lighttpd FastCGI'), kind('lighttpd CGI'), kind('nginx FastCGI')] }, {
  'is an id as any other': (stage) => withPeers(over(stage), 1, async (one) => {
    for (const word of WORDS) {
      const id = decodeURIComponent(word.replace('+', '%20'));
      const url = stage.server.url(`/peerjs?key=peerjs&id=${word}&token=${word}&transport=poll`);
      const { json } = await request(url);
      assert.deepEqual(json.messages, [{ type: 'OPEN' }], word);
      assert.equal((await one.say(offer(id))).result, 'present', word);
      const heard = await request(`${url}&cursor=${json.cursor}`);
      assert.deepEqual(heard.json.messages, [{ type: 'OFFER', src: one.id, dst: id, payload: 'sdp' }]);
      const left = await request(url.replace('&transport=poll', ''), { method: 'POST', body: '{"type":"LEAVE"}' });
      assert.deepEqual(left.json, { result: 'left' });
    }
  }),
});

/** @param {number} depth */
const nested = (depth) => `{"type":"OFFER","dst":"x","payload":${'['.repeat(depth)}${']'.repeat(depth)}}`;

overServers('a body that is none', {}, {
  'is refused as what it is': (stage) => withPeers(over(stage), 2, async (one, two) => {
    const bodies = ['', ' ', '{', '[', '[{}', '[{},]', 'null', 'true', '7', '"x"', '{}', '{"type":"OFFER"} x', "{'type':'OFFER'}",
      '{"type":"OFFER","dst":"\u0001"}', '<xml/>', 'type=OFFER&dst=x', '\ufeff{"type":"LEAVE"}', '{"type":"OFFER","dst":"x","payload":01}'];
    for (const body of bodies) {
      problem(await answer(one, body), 400);
    }
    await one.say(offer(two.id, 'after'));
    assert.equal((await two.value()).payload, 'after');
  }),

  'is refused if it is nested without end': (stage) => withPeers(over(stage), 1, async (one) => {
    for (const body of [nested(1000), '['.repeat(1000), '{"type":'.repeat(1000), '['.repeat(100_000)]) {
      problem(await answer(one, body), 400);
    }
    assert.equal((await answer(one, nested(20))).status, 200);
  }),

  'is refused if it is too long, and the connection is answered': (stage) => withPeers(over(stage), 2, async (one, two) => {
    const long = JSON.stringify(offer(two.id, 'x'.repeat(10 * 1024 * 1024)));
    const got = await answer(one, long);
    problem(got, 413);
    const many = await answer(one, Array.from({ length: 10_000 }, () => offer(two.id, 'x'.repeat(20))));
    assert.ok([400, 413].includes(many.status), `${many.status}`);
    problem(many, many.status);
    await two.nothingElse();
  }),
});

// ---- floods

/** Resident memory of some processes, in bytes. @param {number[]} pids */
function memory(pids) {
  const of = (/** @type {number} */ pid) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
  return pids.map(of).reduce((a, b) => a + b, 0);
}

/** The database and what lies beside it, in bytes. @param {import('./site.mjs').Site} site */
function disk(site) {
  const directory = dirname(site.db);
  return readdirSync(directory).map((name) => statSync(join(directory, name)).size).reduce((a, b) => a + b, 0);
}

/** How often each result is among some. @param {any[]} results */
function tally(results) {
  /** @type {Record<string, number>} */
  const count = {};
  results.forEach(({ result, status = '' }) => {
    const name = `${result} ${status}`.trim();
    count[name] = (count[name] ?? 0) + 1;
  });
  return count;
}

const MB = 1024 * 1024;

/** What memory may grow by. A sanitizer keeps what was freed for a while. @param {import('./site.mjs').Site} site */
function slack(site) {
  return readFileSync(join(site.root, 'bin/sigpost')).includes('__asan_init') ? 400 * MB : 4 * MB;
}

const FEW = 40;
const FLOOD = [kind('lighttpd FastCGI'), kind('lighttpd CGI')];

for (const row of FLOOD) {
  onSite(`a flood · ${row.name}`, { settings: { max_owed: FEW, max_pending: 60, peerjs_expire_ms: 1000, away_ms: 60_000 } },
    async (site) => ({ site, server: await site.serve(row) }), {
      'to one peer that is absent: what was accepted arrives, the rest is refused': (stage) =>
        withPeers(over(stage), 1, async (one) => {
          const id = newId();
          const results = await one.say(Array.from({ length: 256 }, (_, n) => offer(id, n)));
          assert.deepEqual(tally(results), { queued: FEW, 'refused 429': 256 - FEW });
          const single = await answer(one, offer(id, 'one more'));
          problem(single, 429);
          assert.ok(Number(single.headers['retry-after']) >= 1, 'Retry-After');
          const late = await Peer.open(stage.server, { wire: 'sse', id });
          for (const [n] of results.filter((/** @type {any} */ it) => it.result === 'queued').entries()) {
            assert.equal((await late.value()).payload, n);
          }
          await late.nothingElse();
          assert.deepEqual(tally(await one.say([offer(newId())])), { queued: 1 });
          await late.drop();
        }),

      'to many peers that are absent counts the same; each is expired once': (stage) =>
        withPeers(over(stage), 1, async (one) => {
          const ids = Array.from({ length: 256 }, newId);
          const results = await one.say(ids.map((id) => offer(id)));
          assert.deepEqual(tally(results), { queued: FEW, 'refused 429': 256 - FEW });
          const told = new Set();
          for (let n = 0; n < FEW; n += 1) {
            const { type, src } = await one.value(15_000);
            assert.equal(type, 'EXPIRE');
            told.add(src);
          }
          assert.deepEqual([...told].sort(), ids.slice(0, FEW).sort());
          await one.nothingElse();
        }),

      'of one sender leaves room for others': (stage) => withPeers(over(stage), 2, async (one, two) => {
        const id = newId();
        await one.say(Array.from({ length: 100 }, () => offer(id)));
        assert.deepEqual(await two.say(offer(id, 'from another')), { result: 'queued' });
        assert.deepEqual(await one.say(offer(two.id)), { result: 'present' });
      }),

      'to a peer that is away: what was accepted arrives when it is back': (stage) =>
        withPeers(over(stage), 2, async (one, two) => {
          await two.drop();
          await until('the server to notice', async () => (await one.say(offer(two.id, 0))).result === 'queued');
          const results = [];
          for (let n = 0; n < 3; n += 1) {
            results.push(...await one.say(Array.from({ length: 100 }, () => offer(two.id, 'flood'))));
          }
          const { queued, 'refused 429': refused } = tally(results);
          assert.ok(queued <= 60 && queued > 0 && queued + refused === 300, JSON.stringify(tally(results)));
          await two.resume();
          let flood = 0;
          for (; flood < queued;) {
            flood += (await two.value()).payload === 'flood' ? 1 : 0;
          }
          await two.nothingElse();
        }),

      'again and again does not make it grow': (stage) => withPeers(over(stage), 4, async (...peers) => {
        const { site, server } = stage;
        const round = async () => {
          const ids = Array.from({ length: 256 }, newId);
          for (let n = 0; n < 8; n += 1) {
            await Promise.all(peers.map((it) => it.say(ids.map((id) => offer(id, 'x'.repeat(500))))));
          }
          await Promise.all(peers.map(async (it) => {
            for (let n = 0; n < FEW; n += 1) {
              await it.value(15_000);
            }
          }));
        };
        await round();
        const before = { memory: memory(server.backends()), disk: disk(site) };
        for (let n = 0; n < 4; n += 1) {
          await round();
        }
        const grown = { memory: memory(server.backends()) - before.memory, disk: disk(site) - before.disk };
        assert.ok(grown.memory < slack(site) && grown.disk < 4 * MB, JSON.stringify({ before, grown }));
      }),
    });
}

overServers('a flood of newcomers', { kinds: FLOOD, settings: { max_peers: 50 } }, {
  'ends at max_peers, and those who are there stay': (stage) => withPeers(over(stage), 2, async (one, two) => {
    const came = await Promise.all(Array.from({ length: 120 }, async () => {
      const peer = new Peer(stage.server, { wire: 'sse' });
      await peer.connect();
      return { peer, first: await peer.value() };
    }));
    const types = came.map(({ first }) => first.type);
    assert.equal(types.filter((it) => it === 'OPEN').length, 48);
    assert.equal(types.filter((it) => it === 'ERROR').length, 72);
    await one.say(offer(two.id, 'still here'));
    assert.equal((await two.value()).payload, 'still here');
    await Promise.all(came.map(({ peer }) => peer.down.end()));
  }),
});
