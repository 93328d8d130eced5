/** Generation D of sigver: open, join, data, over every web server and both ways down. */

import assert from 'node:assert/strict';

import { newKey, overServersAndWires, withSources } from './harness.mjs';

const PATH = '/sigver';

/**
 * An opener and a joining that found each other; the joining's number.
 * @param {import('./channel.mjs').Channel} opener
 * @param {import('./channel.mjs').Channel} joining
 */
async function pair(opener, joining, key = newKey()) {
  await opener.say({ open: key });
  assert.deepEqual(await opener.value(), { isKeyOk: true });
  await joining.say({ join: key });
  assert.deepEqual(await joining.value(), { isKeyOk: true });
  await joining.say({ data: 'hello' });
  const { id, data } = await opener.value();
  assert.equal(data, 'hello');
  assert.ok(Number.isInteger(id) && id >= 1 && id <= 2147483647, `id ${id}`);
  return id;
}

/**
 * A sentence that is an error and ends its source.
 * @param {import('./channel.mjs').Channel} source
 * @param {unknown} sentence
 * @param {number} status
 */
async function refused(source, sentence, status) {
  const answer = await source.post(sentence);
  assert.equal(answer.status, status, `${JSON.stringify(sentence)}: ${answer.text}`);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal(answer.json.status, status);
  assert.ok(answer.json.title && answer.json.type && answer.json.detail, answer.text);
}

/** @param {import('./channel.mjs').Channel} source */
async function ended(source) {
  await source.close();
  assert.equal((await source.post({ open: newKey() })).status, 581);
}

overServersAndWires('sigver D', { procs: 2 }, {
  'a key is opened, joined, and carries data both ways': (scene) =>
    withSources(scene, PATH, 2, async (opener, joining) => {
      const id = await pair(opener, joining);
      const answer = await opener.say({ id, data: { sdp: 'answer' } });
      assert.equal(answer.text, '');
      assert.deepEqual(await joining.value(), { data: { sdp: 'answer' } });
      await joining.say({ data: ['candidate'] });
      assert.deepEqual(await opener.value(), { id, data: ['candidate'] });
    }),

  'data travels as the very bytes it came in, with id before data': (scene) =>
    withSources(scene, PATH, 2, async (opener, joining) => {
      const id = await pair(opener, joining);
      const values = [
        '12345678901234567890123', '-0', '1e400', '"\\ud800"', '"é\\u00e9/\\/"', 'null', 'false',
        '""', '{"b":1,"a":{"b":1,"b":2}}', '[ 1 ,\t2 ]', '"🙂"', '"\\r\\n\\ndata: x"',
      ];
      for (const value of values) {
        await joining.say(`{"data":${value}}`);
        const up = await opener.hear();
        assert.ok(up.raw.includes(`{"id":${id},"data":${value}}`), `${value} came as ${up.raw}`);
        await opener.say(`{ "data" : ${value}, "id" : ${id} }`);
        const down = await joining.hear();
        assert.ok(down.raw.includes(`{"data":${value}}`), `${value} came as ${down.raw}`);
      }
    }),

  'line ends between the tokens of data are dropped': (scene) =>
    withSources(scene, PATH, 2, async (opener, joining) => {
      const id = await pair(opener, joining);
      await joining.say('{"data":\r\n[1,\n2,\r3]}\n');
      assert.ok((await opener.hear()).raw.includes(`{"id":${id},"data":[1,2,3]}`));
    }),

  'messages keep their order': (scene) => withSources(scene, PATH, 2, async (opener, joining) => {
    const id = await pair(opener, joining);
    for (let n = 0; n < 30; n += 1) {
      await opener.say({ id, data: n });
    }
    for (let n = 0; n < 30; n += 1) {
      assert.deepEqual(await joining.value(), { data: n });
    }
  }),

  'each joining has a number of its own': (scene) =>
    withSources(scene, PATH, 4, async (opener, ...joinings) => {
      const key = newKey();
      await opener.say({ open: key });
      await opener.value();
      const ids = new Set();
      for (const [n, joining] of joinings.entries()) {
        await joining.say({ join: key });
        assert.deepEqual(await joining.value(), { isKeyOk: true });
        await joining.say({ data: n });
        const { id, data } = await opener.value();
        assert.equal(data, n);
        ids.add(id);
        await opener.say({ id, data: `to ${n}` });
        assert.deepEqual(await joining.value(), { data: `to ${n}` });
      }
      assert.equal(ids.size, joinings.length);
    }),

  'one source may open a key and join another': (scene) =>
    withSources(scene, PATH, 3, async (first, both, last) => {
      const idOfBoth = await pair(first, both);
      const idOfLast = await pair(both, last);
      await both.say({ data: 'up' });
      assert.deepEqual(await first.value(), { id: idOfBoth, data: 'up' });
      await both.say({ id: idOfLast, data: 'down' });
      assert.deepEqual(await last.value(), { data: 'down' });
    }),

  'saying open or join again repeats the answer and changes nothing': (scene) =>
    withSources(scene, PATH, 2, async (opener, joining) => {
      const key = newKey();
      const id = await pair(opener, joining, key);
      await opener.say({ open: key });
      assert.deepEqual(await opener.value(), { isKeyOk: true });
      await joining.say({ join: key });
      assert.deepEqual(await joining.value(), { isKeyOk: true });
      await joining.say({ data: 1 });
      assert.deepEqual(await opener.value(), { id, data: 1 });
    }),

  'a key in use is refused to another, and its holder is not disturbed': (scene) =>
    withSources(scene, PATH, 3, async (opener, joining, other) => {
      const key = newKey();
      const id = await pair(opener, joining, key);
      await refused(other, { open: key }, 560);
      assert.deepEqual(await other.value(), { isKeyOk: false });
      await ended(other);
      await joining.say({ data: 'still here' });
      assert.deepEqual(await opener.value(), { id, data: 'still here' });
    }),

  'an unknown key cannot be joined': (scene) => withSources(scene, PATH, 1, async (joining) => {
    await refused(joining, { join: newKey() }, 561);
    assert.deepEqual(await joining.value(), { isKeyOk: false });
    await ended(joining);
  }),

  'a joining that is gone is unavailable, and the opener goes on': (scene) =>
    withSources(scene, PATH, 3, async (opener, joining, next) => {
      const key = newKey();
      const id = await pair(opener, joining, key);
      await refused(joining, 'not JSON', 520);
      await ended(joining);
      await opener.say({ id, data: 'anybody?' });
      const said = await opener.hear();
      assert.ok(said.raw.includes(`{"id":${id},"unavailable":"true"}`), said.raw);
      await next.say({ join: key });
      assert.deepEqual(await next.value(), { isKeyOk: true });
    }),

  'a number nobody has is unavailable': (scene) => withSources(scene, PATH, 1, async (opener) => {
    await opener.say({ open: newKey() });
    await opener.value();
    await opener.say({ id: 2147483647, data: 1 });
    assert.deepEqual(await opener.value(), { id: 2147483647, unavailable: 'true' });
  }),

  'data to an opener that has left is an error': (scene) =>
    withSources(scene, PATH, 2, async (opener, joining) => {
      await pair(opener, joining);
      await refused(opener, [], 520);
      await ended(opener);
      await refused(joining, { data: 'anybody?' }, 570);
      await ended(joining);
    }),

  'data before open and before join is an error': (scene) =>
    withSources(scene, PATH, 2, async (one, two) => {
      await refused(one, { id: 1, data: 'x' }, 572);
      await ended(one);
      await refused(two, { data: 'x' }, 573);
      await ended(two);
    }),

  'a key of 512 units is taken, also in another script': (scene) =>
    withSources(scene, PATH, 2, async (one, two) => {
      const tail = newKey();
      await pair(one, two, `${'k'.repeat(512 - tail.length)}${tail}`);
      await one.say({ open: `${'🙂'.repeat((512 - tail.length) / 2)}${tail}${' '.repeat(tail.length % 2)}` });
      assert.deepEqual(await one.value(), { isKeyOk: true });
    }),
});

/** @type {[string, unknown, number][]} */
const WRONG = [
  ['not JSON', 'hello', 520],
  ['nothing', '', 520],
  ['half a JSON text', '{"open":"k"', 520],
  ['two JSON texts', '{"open":"k"}{"open":"k"}', 520],
  ['an array', '[{"open":"k"}]', 520],
  ['a string', '"open"', 520],
  ['no member', '{}', 520],
  ['two members', '{"open":"k","join":"k"}', 520],
  ['open with data', '{"open":"k","data":1}', 520],
  ['an unknown member', '{"opens":"k"}', 520],
  ['an id alone', '{"id":1}', 520],
  ['a string id', '{"id":"1","data":1}', 520],
  ['an id below 1', '{"id":0,"data":1}', 520],
  ['an id that is no integer', '{"id":1.5,"data":1}', 520],
  ['an id above 2147483647', '{"id":2147483648,"data":1}', 520],
  ['JSON of 40 levels', `{"data":${'['.repeat(40)}${']'.repeat(40)}}`, 520],
  ['a raw control character', '{"data":"a\u0001b"}', 520],
  ['an empty key', '{"open":""}', 521],
  ['a numeric key', '{"open":7}', 521],
  ['a key that is null', '{"join":null}', 521],
  ['a key of 513 units', { open: 'k'.repeat(513) }, 521],
  ['a key of 257 characters in 514 units', { open: '🙂'.repeat(257) }, 521],
  ['a key with NUL', '{"open":"a\\u0000b"}', 521],
  ['a key with CR LF', '{"join":"a\\r\\nb"}', 521],
];

overServersAndWires('sigver D, wrong sentences', {}, {
  'each is named and disturbs nobody': (scene) =>
    withSources(scene, PATH, 2 + WRONG.length, async (opener, joining, ...sources) => {
      const id = await pair(opener, joining);
      for (const [n, [why, sentence, status]] of WRONG.entries()) {
        await refused(sources[n], sentence, status)
          .catch((error) => assert.fail(`${why}: ${error.message}`));
        await ended(sources[n]);
      }
      await joining.say({ data: 'undisturbed' });
      assert.deepEqual(await opener.value(), { id, data: 'undisturbed' });
    }),

  'an unknown token, and none, are refused': (scene) =>
    withSources(scene, PATH, 1, async (source) => {
      for (const auth of ['0'.repeat(source.auth.length), 'x', '', `${source.auth}0`, "' or 1=1 --"]) {
        const answer = await source.post({ open: newKey() }, { auth });
        assert.equal(answer.status, 581, `${auth}: ${answer.text}`);
        assert.equal(answer.headers['content-type'], 'application/problem+json');
      }
      await source.say({ open: newKey() });
      assert.deepEqual(await source.value(), { isKeyOk: true });
    }),

  'the token of another speaks for that other only': (scene) =>
    withSources(scene, PATH, 3, async (opener, joining, thief) => {
      const id = await pair(opener, joining);
      await refused(thief, { id, data: 'stolen' }, 572);
      await joining.say({ data: 'mine' });
      assert.deepEqual(await opener.value(), { id, data: 'mine' });
    }),
});
