/** FastCGI without a web server: cgi-fcgi as the client, and records made by hand, also wrong ones. */

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

import {
  Line, TYPE, begin, pairs, record, variables, whole,
} from './fcgi.mjs';
import { Site, newKey, onSite, run, until, within } from './harness.mjs';
import { parseBlock } from './sse.mjs';

const MARK = { method: 'POST', uri: '/sigver', body: 'x@{}' };

/** sigpost on a socket of its own, as spawn-fcgi starts it. */
async function bare(/** @type {Site} */ site) {
  const path = await site.backend();
  /** @type {Line[]} */
  const lines = [];
  const line = () => {
    const it = new Line(path);
    lines.push(it);
    return it;
  };
  /** A stream that is open all along; nothing may disturb it. */
  const witness = line();
  await witness.send(whole({ uri: '/sigver', more: { HTTP_ACCEPT: 'text/event-stream' } }));
  await witness.sees('an auth', () => witness.output.includes('event: auth'));
  return { site, path, line, lines, witness };
}

/** @typedef {Awaited<ReturnType<typeof bare>>} Bare */

/** @param {string} output of a stream */
function authOf(output) {
  const blocks = output.slice(output.indexOf('\r\n\r\n') + 4).split('\n\n').map(parseBlock);
  return blocks.find((it) => it.event === 'auth')?.data ?? '';
}

/**
 * Everybody else is served, and the open stream goes on.
 * @param {Bare} stage
 */
async function undisturbed({ line, witness }) {
  const other = line();
  await other.send(whole(MARK));
  assert.equal(await other.answer(), 581);
  const before = witness.records.length;
  await witness.sees('a heartbeat', () => witness.records.length > before);
  assert.equal(witness.closed, false);
  await other.close();
}

onSite('FastCGI', { settings: { request_ms: 700 } }, bare, {
  'cgi-fcgi gets an answer': async ({ path, site }) => {
    const env = variables({});
    const { output } = await run(['cgi-fcgi', '-bind', '-connect', path], { cwd: site.root, env });
    assert.match(output, /^Status: 200 OK\r\n/);
    assert.match(output, /"PeerJS Server"/);
  },

  'cgi-fcgi posts a body': async ({ path, site, witness }) => {
    const body = `${authOf(witness.output)}@{"open":"${newKey()}"}`;
    const env = variables({ method: 'POST', uri: '/sigver', body });
    const { output } = await run(['cgi-fcgi', '-bind', '-connect', path], { cwd: site.root, env, input: body });
    assert.match(output, /^Status: 200 OK\r\n/);
    await witness.sees('its answer', () => witness.output.includes('data: {"isKeyOk":true}'));
  },

  'a kept connection serves one request after the other': async (stage) => {
    const line = stage.line();
    for (let n = 0; n < 20; n += 1) {
      await line.send(whole({ ...MARK, keep: true, id: n + 1 }));
      assert.equal(await line.answer(), 581);
      assert.ok(line.records.every((it) => it.id === n + 1));
      line.clear();
    }
    assert.equal(line.closed, false);
    await line.send(whole({ ...MARK, keep: false }));
    assert.equal(await line.answer(), 581);
    await within('the end of a connection not kept', line.ended);
  },

  'two requests in one write are answered one after the other': async (stage) => {
    const line = stage.line();
    await line.send(Buffer.concat([whole({ ...MARK, keep: true }), whole({ ...MARK, keep: true, id: 2 })]));
    await line.sees('two answers', () => line.records.filter((it) => it.type === TYPE.END).length === 2);
    await line.close();
  },

  'a request may come byte by byte, padded everywhere, in its own time': async (stage) => {
    const line = stage.line();
    line.socket.setNoDelay?.(true);
    for (const byte of whole({ ...MARK, padding: 7 })) {
      await line.send(Buffer.from([byte]));
    }
    assert.equal(await line.answer(), 581);
    await undisturbed(stage);
  },

  'a request that ends at any byte is dropped': async (stage) => {
    const bytes = whole(MARK);
    for (let size = 0; size < bytes.length; size += 1) {
      const line = stage.line();
      await line.send(bytes.subarray(0, size));
      line.socket.end();
      await within('the end', line.ended);
      assert.equal(line.status, 0, `after ${size} bytes`);
    }
    await undisturbed(stage);
  },

  'a request that stops in the middle is dropped after a time': async (stage) => {
    const line = stage.line();
    const bytes = whole(MARK);
    await line.send(bytes.subarray(0, bytes.length - 9));
    await within('the end of what never becomes whole', line.ended, 5000);
    await undisturbed(stage);
  },

  'who dribbles delays nobody and is cut': async (stage) => {
    const bytes = whole(MARK);
    const slow = Array.from({ length: 20 }, () => stage.line());
    for (let n = 0; !slow.every((it) => it.closed) && n < 200; n += 1) {
      slow.forEach((it) => it.socket.write(bytes.subarray(n, n + 1)));
      await undisturbed(stage);
    }
    await until('the end of all of them', () => slow.every((it) => it.closed));
    assert.ok(slow.every((it) => it.status === 0 || it.status === 408));
  },

  'a wrong version ends the connection': async (stage) => {
    for (const version of [0, 2, 255]) {
      const line = stage.line();
      await line.send(record(TYPE.BEGIN, Buffer.alloc(8), { version }));
      await within('the end', line.ended);
      assert.equal(line.output, '');
    }
    await undisturbed(stage);
  },

  'records in a wrong order end the connection': async (stage) => {
    for (const wrong of [record(TYPE.STDIN, 'x'), record(TYPE.STDOUT, 'x'), record(TYPE.PARAMS, 'x'.repeat(9))]) {
      const line = stage.line();
      await line.send(Buffer.concat([begin(), wrong]));
      await within('the end', line.ended, 5000);
      assert.ok(line.status === 0 || line.status === 400, `${line.status}`);
    }
    await undisturbed(stage);
  },

  'records that belong to no request are skipped': async (stage) => {
    const line = stage.line();
    await line.send(Buffer.concat([record(TYPE.PARAMS, pairs(variables(MARK))), record(TYPE.STDIN, 'x')]));
    await line.send(whole(MARK));
    assert.equal(await line.answer(), 581);
    await line.close();
  },

  'an unknown management record is named as such': async (stage) => {
    const line = stage.line();
    await line.send(record(200, 'what?', { id: 0 }));
    await line.sees('FCGI_UNKNOWN_TYPE', () => line.records.length > 0);
    assert.equal(line.records[0].type, TYPE.UNKNOWN);
    assert.equal(line.records[0].content[0], 200);
    await line.send(whole(MARK));
    assert.equal(await line.answer(), 581);
    await undisturbed(stage);
  },

  'records of another request are skipped': async (stage) => {
    const line = stage.line();
    const [one, two] = [whole(MARK), record(TYPE.STDIN, 'not mine', { id: 77 })];
    const at = begin().length;
    await line.send(Buffer.concat([one.subarray(0, at), two, one.subarray(at)]));
    assert.equal(await line.answer(), 581);
    await line.close();
  },

  'a second request at once is told that there is no multiplexing': async (stage) => {
    const line = stage.line();
    await line.send(begin({ keep: true }));
    await line.send(begin({ keep: true, id: 2 }));
    await line.sees('its end', () => line.end !== undefined);
    assert.equal(line.end?.protocol, 1);
    assert.equal(line.records[0].id, 2);
    await line.close();
    await undisturbed(stage);
  },

  'a role that is not the responder is refused': async (stage) => {
    const line = stage.line();
    await line.send(begin({ role: 2 }));
    await line.sees('its end', () => line.end !== undefined);
    assert.equal(line.end?.protocol, 3);
    await line.close();
  },

  'it says what it can': async (stage) => {
    const line = stage.line();
    const names = { FCGI_MAX_CONNS: '', FCGI_MAX_REQS: '', FCGI_MPXS_CONNS: '', SOMETHING: '' };
    await line.send(record(TYPE.GET_VALUES, pairs(names), { id: 0 }));
    await line.sees('an answer', () => line.records.length > 0);
    assert.equal(line.records[0].type, TYPE.GET_VALUES_RESULT);
    const said = line.records[0].content.toString('latin1');
    assert.match(said, /FCGI_MAX_CONNS\d+/);
    assert.match(said, /FCGI_MPXS_CONNS0/);
    assert.doesNotMatch(said, /SOMETHING/);
    await line.close();
  },

  'names and values of 127, 128 and 65535 bytes are read': async (stage) => {
    for (const size of [1, 126, 127, 128, 129, 255, 256, 8192]) {
      const line = stage.line();
      const more = { [`HTTP_${'N'.repeat(size)}`]: 'v', HTTP_X: 'v'.repeat(size) };
      await line.send(whole({ ...MARK, more }));
      assert.equal(await line.answer(), 581, `${size}`);
      await line.close();
    }
    const line = stage.line();
    const all = pairs(variables({ ...MARK, more: { HTTP_X: 'v'.repeat(65535) } }));
    await line.send(Buffer.concat([begin(), record(TYPE.PARAMS, all.subarray(0, 65535)),
      record(TYPE.PARAMS, all.subarray(65535)), record(TYPE.PARAMS), record(TYPE.STDIN, 'x@{}'), record(TYPE.STDIN)]));
    assert.equal(await line.answer(), 413, 'more than all variables may be');
    await line.close();
    await undisturbed(stage);
  },

  'a pair that announces 2 GB is refused at once': async (stage) => {
    const line = stage.line();
    await line.send(Buffer.concat([begin(), record(TYPE.PARAMS, Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 65]))]));
    await line.sees('an end', () => line.end !== undefined);
    assert.ok(line.status === 413 || line.closed, `${line.status}`);
    await line.close();
    await undisturbed(stage);
  },

  'a body of 65535 bytes in one record is read, one over the ceiling is refused': async (stage) => {
    const line = stage.line();
    await line.send(whole({ ...MARK, body: `x@${'y'.repeat(65533)}` }));
    assert.equal(await line.answer(), 581);
    const big = stage.line();
    await big.send(whole({ ...MARK, body: `x@${'y'.repeat(300_000)}` }));
    assert.equal(await big.answer(), 413);
    await Promise.all([line.close(), big.close()]);
    await undisturbed(stage);
  },

  'a body longer than announced is refused': async (stage) => {
    const line = stage.line();
    await line.send(Buffer.concat([begin(), record(TYPE.PARAMS, pairs(variables({ ...MARK, body: 'x' }))),
      record(TYPE.PARAMS), record(TYPE.STDIN, 'xyz'), record(TYPE.STDIN)]));
    const status = await line.answer();
    assert.ok(status >= 400 && status < 500, `${status}`);
    await line.close();
  },

  'a body shorter than announced is refused': async (stage) => {
    const line = stage.line();
    await line.send(Buffer.concat([begin(), record(TYPE.PARAMS, pairs(variables({ ...MARK, body: 'x@{}' }))),
      record(TYPE.PARAMS), record(TYPE.STDIN, 'x@'), record(TYPE.STDIN)]));
    assert.equal(await line.answer(), 400);
    await line.close();
  },

  'ABORT_REQUEST ends a stream': async (stage) => {
    const line = stage.line();
    await line.send(whole({ uri: '/sigver', more: { HTTP_ACCEPT: 'text/event-stream' } }));
    await line.sees('an auth', () => line.output.includes('event: auth'));
    await line.send(record(TYPE.ABORT));
    await within('the end', Promise.race([line.ended, line.sees('an end', () => line.end !== undefined)]));
    await line.close();
  },
});

onSite('a reader that takes nothing, straight on FastCGI', { settings: { slow_ms: 700 } }, bare, {
  'is cut, costs nobody else anything, and may come back': async (stage) => {
    const reader = stage.line();
    await reader.send(whole({ uri: '/sigver', more: { HTTP_ACCEPT: 'text/event-stream' } }));
    await reader.sees('an auth', () => reader.output.includes('event: auth'));
    const auth = authOf(reader.output);
    const cursor = /^id: (\S+)/m.exec(reader.output)?.[1] ?? '';
    const post = async (/** @type {string} */ sentence, by = auth) => {
      const line = stage.line();
      await line.send(whole({ method: 'POST', uri: '/sigver', body: `${by}@${sentence}` }));
      const status = await line.answer();
      await line.close();
      return status;
    };
    const key = newKey();
    const opener = authOf(stage.witness.output);
    assert.equal(await post(JSON.stringify({ open: key }), opener), 200);
    assert.equal(await post(JSON.stringify({ join: key })), 200);
    assert.equal(await post('{"data":0}'), 200);
    await stage.witness.sees('its number', () => /"id":\d+/.test(stage.witness.output));
    const id = Number(/"id":(\d+)/.exec(stage.witness.output)?.[1]);
    await reader.sees('the answer', () => reader.output.includes('isKeyOk'));
    reader.socket.pause();
    const text = 'x'.repeat(20_000);
    const count = 200;
    for (let n = 0; n < count; n += 1) {
      assert.equal(await post(JSON.stringify({ id, data: [n, text] }), opener), 200);
    }
    await delay(1000);
    reader.socket.resume();
    await within('the end of the slow reader', reader.ended);
    const again = stage.line();
    await again.send(whole({ uri: '/sigver', more: { HTTP_ACCEPT: 'text/event-stream', HTTP_LAST_EVENT_ID: cursor } }));
    await again.sees('the last message', () => again.output.includes(`{"data":[${count - 1},`));
    const got = [...again.output.matchAll(/\{"data":\[(\d+),/g)].map((it) => Number(it[1]));
    const first = got[0];
    assert.deepEqual(got, Array.from({ length: count - first }, (_, n) => first + n), 'in order, each once');
    assert.ok(first === 0 || again.output.includes('event: gap'), `it starts at ${first} without a word`);
    assert.ok(!again.output.includes('event: auth'));
    await again.close();
    await undisturbed(stage);
  },
});
