/**
 * The client module against the server at $SIGPOST_URL, through a proxy that breaks what a
 * network and a web server break.
 */

import { after, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { EventSource } from 'eventsource';
import { Sigver } from '../../www/sigver.mjs';
import { SseParser } from '../../www/sse.mjs';
import { backoff, retryAfter } from '../../www/http.mjs';
import { Proxy } from './proxy.mjs';

const SERVER = process.env.SIGPOST_URL;
const skip = SERVER ? false : 'SIGPOST_URL is not set';

/** Node 18 keeps the connection of a stream that was let go, and would never end. */
after(() => globalThis[Symbol.for('undici.globalDispatcher.1')]?.destroy());

/** Ways down. */
const WIRES = {
  'EventSource': { EventSource, transport: 'sse' },
  'stream by fetch': { EventSource: null, transport: 'sse' },
  'long poll': { transport: 'poll' },
};

const newKey = () => `client-test-${Math.random()}`;

/** Polls until `look` gives something true. */
async function until(what, look, ms = 15000) {
  const end = Date.now() + ms;
  for (;;) {
    const found = look();
    if (found) {
      return found;
    }
    assert.ok(Date.now() < end, `still not: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 10); });
  }
}

/** A client that remembers what it was told. */
function listenTo(channel) {
  const heard = { messages: [], opened: [], states: [], closes: [], gaps: [], errors: [],
    gone: [] };
  channel.addEventListener('message', ({ id, data }) => heard.messages.push({ id, data }));
  channel.addEventListener('opened', ({ opened }) => heard.opened.push(opened));
  channel.addEventListener('state', ({ state, fresh }) => heard.states.push({ state, fresh }));
  channel.addEventListener('close', ({ code, reason }) => heard.closes.push({ code, reason }));
  channel.addEventListener('gap', ({ from, to }) => heard.gaps.push({ from, to }));
  channel.addEventListener('error', ({ error }) => heard.errors.push(error));
  channel.addEventListener('unavailable', ({ id }) => heard.gone.push(id));
  return heard;
}

const dataOf = (heard) => heard.messages.map(({ data }) => data);
const isStream = ({ method, url }) => method === 'GET' && !url.includes('transport=poll');

/** An opener straight to the server, a joining through the proxy, at one key. */
async function meet(proxy, options) {
  const opener = new Sigver(SERVER, { EventSource });
  const joining = new Sigver(proxy.url, options);
  const [atOpener, atJoining] = [opener, joining].map(listenTo);
  const key = newKey();
  assert.equal(await opener.open(key), true);
  assert.equal(await joining.join(key), false);
  await joining.send('first');
  const { id } = await until('the first message', () => atOpener.messages[0]);
  const close = () => [opener, joining].forEach((channel) => channel.close());
  return { opener, joining, atOpener, atJoining, id, close };
}

/** Runs `body` with a proxy and two clients that have met. */
function withPair(name, options, body) {
  test(name, { skip, timeout: 60000 }, async () => {
    const proxy = await new Proxy(SERVER).listen();
    const pair = await meet(proxy, options);
    try {
      await body(pair, proxy);
    } finally {
      pair.close();
      await proxy.close();
    }
  });
}

for (const [name, options] of Object.entries(WIRES)) {
  describe(name, () => {
    withPair('carries any JSON both ways, in order', options, async (pair) => {
      const values = [0, '', null, true, [1, [2]], { a: { b: 'ä€𝄞\r\n\u0000' } }, -1.5e-7];
      await Promise.all(values.map((value) => pair.joining.send(value)));
      await Promise.all(values.map((value) => pair.opener.send(value, pair.id)));
      await until('all at the opener', () => pair.atOpener.messages.length > values.length);
      await until('all at the joining', () => pair.atJoining.messages.length === values.length);
      assert.deepEqual(dataOf(pair.atOpener), ['first', ...values]);
      assert.deepEqual(dataOf(pair.atJoining), values);
      assert.ok(pair.atOpener.messages.every(({ id }) => id === pair.id));
    });

    withPair('comes back from a broken connection, nothing lost or twice', options,
      async (pair, proxy) => {
        for (let i = 0; i < 4; i += 1) {
          await pair.opener.send(2 * i, pair.id);
          await until('a stream to break', () => proxy.cut() > 0);
          await pair.opener.send(2 * i + 1, pair.id);
          await until('both', () => pair.atJoining.messages.length >= 2 * i + 2);
        }
        assert.deepEqual(dataOf(pair.atJoining), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert.ok(pair.atJoining.states.every(({ fresh }) => !fresh));
        assert.deepEqual(pair.atJoining.opened, [false]);
      });

    withPair('comes back from a server that answers 502 for a while', options,
      async (pair, proxy) => {
        await pair.opener.send('before', pair.id);
        await until('before', () => pair.atJoining.messages.length === 1);
        let refused = 0;
        proxy.rule = ({ method }) => {
          if (method === 'GET' && refused < 2) {
            refused += 1;
            return { status: 502 };
          }
          return undefined;
        };
        await until('a stream to break', () => proxy.cut() > 0);
        await pair.opener.send('after', pair.id);
        await until('after', () => pair.atJoining.messages.length === 2);
        assert.equal(refused, 2);
        assert.deepEqual(dataOf(pair.atJoining), ['before', 'after']);
      });

    withPair('goes on after pause and resume', options, async (pair) => {
      await pair.opener.send(1, pair.id);
      await until('1', () => pair.atJoining.messages.length === 1);
      pair.joining.pause();
      assert.equal(pair.joining.state, 'paused');
      await pair.opener.send(2, pair.id);
      await pair.joining.send('still speaks');
      await until('the joining speaks', () => pair.atOpener.messages.length === 2);
      assert.equal(pair.atJoining.messages.length, 1);
      pair.joining.resume();
      await until('2', () => pair.atJoining.messages.length === 2);
      await pair.opener.send(3, pair.id);
      await until('3', () => pair.atJoining.messages.length === 3);
      assert.deepEqual(dataOf(pair.atJoining), [1, 2, 3]);
    });

    withPair('says its keys again to a server that has forgotten it', options,
      async (pair, proxy) => {
        let forgotten = 0;
        proxy.rule = ({ method }) => {
          forgotten += method === 'GET' ? 1 : 0;
          return method === 'GET' && forgotten === 1 ? { forget: true } : undefined;
        };
        await until('a stream to break', () => proxy.cut() > 0);
        await until('a new answer', () => pair.atJoining.opened.length === 2);
        assert.ok(pair.atJoining.states.some(({ state, fresh }) => state === 'open' && fresh));
        await pair.joining.send('again');
        const { id, data } = await until('again', () => pair.atOpener.messages[1]);
        assert.equal(data, 'again');
        assert.notEqual(id, pair.id);
      });

    withPair('begins anew when a POST finds its source gone', options, async (pair, proxy) => {
      await pair.opener.send('known', pair.id);
      await until('known', () => pair.atJoining.messages.length === 1);
      let refused = false;
      let forgotten = false;
      proxy.rule = ({ method }) => {
        if (method === 'POST' && !refused) {
          refused = true;
          return { status: 200, body: '{"code":4021,"reason":"AUTHENTICATION_ERROR=4021: x"}' };
        }
        if (method === 'GET' && refused && !forgotten) {
          forgotten = true;
          return { forget: true };
        }
        return undefined;
      };
      const [lost, next] = [pair.joining.send('lost'), pair.joining.send('lost, too')];
      await assert.rejects(lost, { name: 'SigverError', code: 1001 });
      await assert.rejects(next, { name: 'SigverError', code: 1001 });
      await until('a new answer', () => pair.atJoining.opened.length === 2);
      await pair.joining.send('again');
      await until('again', () => dataOf(pair.atOpener).includes('again'));
      assert.deepEqual(dataOf(pair.atOpener), ['first', 'again']);
      assert.deepEqual(pair.atJoining.closes, []);
    });

    withPair('a final end closes it, with the reason', options, async (pair, proxy) => {
      pair.joining.send('to nobody', 17); // it has opened nothing
      await until('the close', () => pair.atJoining.closes.length === 1);
      const [{ code, reason }] = pair.atJoining.closes;
      assert.equal(code, 4010);
      assert.match(reason, /^TRANSMIT_BEFORE_OPEN=4010: /);
      assert.equal(pair.joining.state, 'closed');
      await assert.rejects(pair.joining.send('late'), { name: 'SigverError', code: 1000 });
      const { length } = proxy.seen;
      await pair.opener.send('nothing', pair.id);
      assert.equal(proxy.seen.length, length, 'it does not come back');
    });

    withPair('keeps token and cursor out of every address', options, async (pair, proxy) => {
      await pair.opener.send(1, pair.id);
      await until('1', () => pair.atJoining.messages.length === 1);
      proxy.cut();
      await until('the return', () => proxy.seen.some((it) => it.headers['last-event-id']));
      const names = proxy.seen.flatMap(({ url }) => [...new URL(url, SERVER).searchParams.keys()]);
      assert.deepEqual(names.filter((it) => it !== 'n' && it !== 'transport'), []);
    });
  });
}

describe('POST', () => {
  const options = WIRES.EventSource;

  withPair('whose answer is lost is repeated and stored once', options, async (pair, proxy) => {
    const tries = [];
    proxy.rule = (it) => {
      if (it.method !== 'POST') {
        return undefined;
      }
      tries.push(it.url);
      return tries.length < 3 ? { mute: true } : undefined;
    };
    const { attempts } = await pair.joining.send('once');
    await pair.joining.send('then');
    await until('then', () => dataOf(pair.atOpener).includes('then'));
    assert.equal(attempts, 3);
    assert.equal(new Set(tries.slice(0, 3)).size, 1, 'the same n');
    assert.notEqual(tries[3], tries[0]);
    assert.deepEqual(dataOf(pair.atOpener), ['first', 'once', 'then']);
  });

  for (const status of [429, 503]) {
    withPair(`waits as long as ${status} asks, and keeps the order`, options,
      async (pair, proxy) => {
        let refused = 0;
        proxy.rule = ({ method }) => {
          if (method === 'POST' && refused === 0) {
            refused = Date.now();
            return { status, headers: { 'Retry-After': '1' } };
          }
          return undefined;
        };
        const [first] = await Promise.all([1, 2, 3].map((it) => pair.joining.send(it)));
        await until('all', () => pair.atOpener.messages.length === 4);
        assert.ok(Date.now() - refused >= 1000);
        assert.equal(first.attempts, 2);
        assert.deepEqual(dataOf(pair.atOpener), ['first', 1, 2, 3]);
      });
  }

  withPair('that never arrives is repeated, one at a time, n rising', options,
    async (pair, proxy) => {
      let dropped = 0;
      proxy.rule = ({ method }) => {
        dropped += method === 'POST' ? 1 : 0;
        return method === 'POST' && dropped < 3 ? { drop: true } : undefined;
      };
      await Promise.all([1, 2].map((it) => pair.joining.send(it)));
      const numbers = proxy.posts().map(({ url }) => new URL(url, SERVER).searchParams.get('n'));
      assert.deepEqual(numbers, ['1', '2', '3', '3', '3', '4']); // join, first, 1 thrice, 2
    });

  withPair('that never finds its source gives up at last', options, async (pair, proxy) => {
    proxy.rule = ({ method }) => (method === 'POST' ? { status: 200, body: '{"code":4021}' }
      : { forget: true });
    pair.joining.send('lost');
    await until('the close', () => pair.atJoining.closes.length === 1);
    assert.equal(pair.atJoining.closes[0].code, 4021);
  });

  withPair('that is refused for good rejects, the rest goes on', options, async (pair, proxy) => {
    proxy.rule = ({ body }) => {
      const headers = { 'Content-Type': 'application/problem+json' };
      const answer = { status: 413, headers, body: '{"detail":"too big"}' };
      return body.includes('big') ? answer : undefined;
    };
    const big = pair.joining.send('big');
    await pair.joining.send('small');
    await assert.rejects(big, { name: 'SigverError', code: 413, message: 'too big' });
    assert.equal(pair.atJoining.errors.length, 1);
    assert.equal(pair.joining.state, 'open');
    await until('small', () => pair.atOpener.messages.length === 2);
  });
});

describe('the way down', () => {
  /** One client through a proxy with a rule from the start. */
  function withOne(name, options, rule, body) {
    test(name, { skip, timeout: 60000 }, async () => {
      const proxy = await new Proxy(SERVER).listen();
      proxy.rule = rule;
      const channel = new Sigver(proxy.url, options);
      try {
        await body(channel, proxy, listenTo(channel));
      } finally {
        channel.close();
        await proxy.close();
      }
    });
  }

  const hold = (it) => (isStream(it) ? { hold: true } : undefined);
  for (const [name, source] of [['EventSource', EventSource], ['fetch', null]]) {
    withOne(`becomes long poll where a stream by ${name} is held back`, { EventSource: source },
      hold, async (channel) => {
        const begun = Date.now();
        assert.equal(await channel.open(newKey()), true);
        assert.equal(channel.transport, 'poll');
        assert.ok(Date.now() - begun >= 3900);
      });
  }

  const slow = () => {
    let refused = 0;
    return (it) => {
      refused += isStream(it) ? 1 : 0;
      return isStream(it) && refused < 5 ? { status: 503 } : undefined;
    };
  };
  withOne('stays a stream where the server is only late', { EventSource }, slow(),
    async (channel) => {
      assert.equal(await channel.open(newKey()), true);
      assert.equal(channel.transport, 'sse');
    });

  withOne('says why where there is nothing', { EventSource }, () => ({ status: 404 }),
    async (channel, proxy, heard) => {
      const opening = channel.open('key');
      await until('the close', () => heard.closes.length === 1);
      assert.deepEqual(heard.closes, [{ code: 404, reason: 'HTTP 404' }]);
      await assert.rejects(opening, { code: 404 });
    });

  const lossy = () => ({ before: 'event: gap\ndata: {"from":"e-1","to":"e-9"}\n\n' });
  withOne('tells of a gap on a stream', { EventSource }, lossy, async (channel, proxy, heard) => {
    await until('the gap', () => heard.gaps.length === 1);
    assert.deepEqual(heard.gaps, [{ from: 'e-1', to: 'e-9' }]);
  });

  const body = '{"cursor":"h.e-9","auth":"a","gap":{"from":"e-1","to":"e-9"},"messages":[]}';
  withOne('tells of a gap in a poll', { transport: 'poll' }, () => ({ status: 200, body }),
    async (channel, proxy, heard) => {
      await until('the gap', () => heard.gaps.length > 0);
      assert.deepEqual(heard.gaps[0], { from: 'e-1', to: 'e-9' });
    });

  withOne('and a key the server refuses: the reason, and a promise that fails', { EventSource },
    () => undefined, async (channel, proxy, heard) => {
      await assert.rejects(channel.open('k'.repeat(513)), { name: 'SigverError', code: 4001 });
      assert.equal(heard.closes[0].code, 4001);
    });

  withOne('a join of a key nobody opened opens it', { EventSource }, () => undefined,
    async (channel, proxy, heard) => {
      assert.equal(await channel.join(newKey()), true);
      assert.deepEqual(heard.opened, [true]);
    });
});

describe('a partner who has left', () => {
  withPair('is told of by its id, and the channel stays', WIRES.EventSource, async (pair) => {
    pair.joining.send('to nobody', 17);
    await until('its end', () => pair.atJoining.closes.length === 1);
    await pair.opener.send('gone?', pair.id);
    await until('the word', () => pair.atOpener.gone.length === 1);
    assert.deepEqual(pair.atOpener.gone, [pair.id]);
    assert.equal(pair.opener.state, 'open');
  });

  withPair('is -1 if it was the opener', WIRES.EventSource, async (pair) => {
    pair.opener.send('to nobody'); // it has joined nothing
    await until('its end', () => pair.atOpener.closes.length === 1);
    await pair.joining.send('gone?');
    await until('the word', () => pair.atJoining.gone.length === 1);
    assert.deepEqual(pair.atJoining.gone, [-1]);
    assert.equal(pair.joining.state, 'open');
  });
});

describe('generation D', () => {
  test('meets and speaks', { skip }, async () => {
    const options = { generation: 'D', EventSource };
    const [opener, joining] = [0, 1].map(() => new Sigver(SERVER, options));
    const [atOpener, atJoining] = [opener, joining].map(listenTo);
    const key = newKey();
    assert.equal(await opener.open(key), true);
    assert.equal(await joining.join(key), false);
    await joining.send('offer');
    const { id } = await until('the offer', () => atOpener.messages[0]);
    await opener.send('answer', id);
    await until('the answer', () => atJoining.messages[0]);
    assert.deepEqual(atJoining.messages, [{ id: undefined, data: 'answer' }]);
    [opener, joining].forEach((channel) => channel.close());
  });

  for (const [what, act, code] of [
    ['an unknown key', (channel) => channel.join(newKey()), 4011],
    ['data before join', (channel) => channel.send('x'), 4023],
    ['data before open', (channel) => channel.send('x', 1), 4022],
    ['a key too long', (channel) => channel.open('k'.repeat(513)), 4001],
  ]) {
    test(`${what} ends it with ${code}`, { skip }, async () => {
      const channel = new Sigver(SERVER, { generation: 'D', EventSource });
      const heard = listenTo(channel);
      await assert.rejects(act(channel), { code });
      await until('the close', () => heard.closes.length === 1);
      assert.equal(heard.closes[0].code, code);
    });
  }
});

describe('the parser of event streams', () => {
  const rows = [
    ['a message', 'data: a\n\n', [['message', 'a', '']]],
    ['a name and an id', 'event: x\nid: 7\ndata: a\n\n', [['x', 'a', '7']]],
    ['lines, empty ones too', 'data: a\ndata:\ndata:  b\n\n', [['message', 'a\n\n b', '']]],
    ['CR and CRLF', 'data: a\r\rdata: b\r\n\r\ndata: c\n\n',
      [['message', 'a', ''], ['message', 'b', ''], ['message', 'c', '']]],
    ['comments', ':\n: x\ndata: a\n:\n\n', [['message', 'a', '']]],
    ['no data, no event, but its id counts', 'id: 7\nevent: x\n\ndata: a\n\n',
      [['message', 'a', '7']]],
    ['an id with NUL is none', 'id: 7\nid: 8\0\ndata: a\n\n', [['message', 'a', '7']]],
    ['a field without a colon', 'data\n\n', [['message', '', '']]],
    ['unknown fields', 'x: y\ndata: a\n\n', [['message', 'a', '']]],
    ['a byte order mark', '\uFEFFdata: a\n\n', [['message', 'a', '']]],
    ['an end without its blank line', 'data: a\n\ndata: b\n', [['message', 'a', '']]],
    ['beyond ASCII', 'data: ä€𝄞\n\n', [['message', 'ä€𝄞', '']]],
  ];
  for (const [why, text, want] of rows) {
    test(why, () => {
      const parsed = (pieces) => {
        const events = [];
        const parser = new SseParser((it) => events.push([it.type, it.data, it.lastEventId]));
        pieces.forEach((piece) => parser.push(piece));
        return events;
      };
      assert.deepEqual(parsed([text]), want);
      assert.deepEqual(parsed([...text]), want, 'one by one');
      for (let i = 0; i <= text.length; i += 1) {
        assert.deepEqual(parsed([text.slice(0, i), text.slice(i)]), want, `split at ${i}`);
      }
    });
  }

  test('retry, in digits only', () => {
    const parser = new SseParser(() => {});
    parser.push('retry: 20\nretry: 1e3\nretry:\n');
    assert.equal(parser.retry, 20);
  });
});

describe('when to come again', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  for (const [value, want] of [
    [null, 0], ['', 0], ['3', 3000], [' 3 ', 3000], ['0', 0], ['soon', 0],
    ['300', 300_000], ['301', 300_000], ['Thu, 01 Jan 2026 01:00:00 GMT', 300_000],
    ['Thu, 01 Jan 2026 00:00:05 GMT', 5000], ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
  ]) {
    test(`Retry-After ${value}`, () => assert.equal(retryAfter(value, now), want));
  }

  test('longer and longer, to a limit, never all at once', () => {
    const waits = (attempt) => Array.from({ length: 200 }, () => backoff(attempt, 100, 1000));
    for (const [attempt, most] of [[0, 100], [1, 200], [3, 800], [4, 1000], [5000, 1000]]) {
      assert.ok(waits(attempt).every((ms) => ms >= most / 2 && ms <= most));
      assert.ok(new Set(waits(attempt)).size > 100);
    }
  });
});
