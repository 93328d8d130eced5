/** Generation E of sigver: opened and unavailable, over every web server and both ways down. */

import assert from 'node:assert/strict';

import {
  Channel, EventStream, newKey, overServersAndWires, request, withSources,
} from './harness.mjs';

const PATH = '/sigver/opened';

/**
 * @param {import('./channel.mjs').Channel} opener
 * @param {import('./channel.mjs').Channel} joining
 */
async function pair(opener, joining, key = newKey()) {
  await opener.say({ open: key });
  assert.deepEqual(await opener.value(), { opened: true });
  await joining.say({ join: key });
  assert.deepEqual(await joining.value(), { opened: false });
  await joining.say({ data: 'hello' });
  const { id, data } = await opener.value();
  assert.equal(data, 'hello');
  return id;
}

/**
 * The source is told why it ends, and the POST is answered 200.
 * @param {import('./channel.mjs').Channel} source
 * @param {unknown} sentence
 * @param {number} code
 */
async function closes(source, sentence, code) {
  const answer = await source.post(sentence);
  assert.equal(answer.status, 200, `${JSON.stringify(sentence)}: ${answer.text}`);
  const { event, data } = await source.close();
  assert.equal(event, 'close');
  assert.equal(data.code, code, `${JSON.stringify(sentence)}: ${JSON.stringify(data)}`);
  assert.match(data.reason, new RegExp(`^[A-Z_]+=${code}: .`));
  return data.reason;
}

overServersAndWires('sigver E', { procs: 2 }, {
  'a key is opened, joined, and carries data both ways': (scene) =>
    withSources(scene, PATH, 2, async (opener, joining) => {
      const id = await pair(opener, joining);
      assert.equal((await opener.say({ id, data: { sdp: 'answer' } })).text, '');
      assert.deepEqual(await joining.value(), { data: { sdp: 'answer' } });
      await joining.say({ data: [1] });
      const { raw } = await opener.hear();
      assert.ok(raw.includes(`{"id":${id},"data":[1]}`), raw);
    }),

  'who joins a key that nobody opened becomes its opener': (scene) =>
    withSources(scene, PATH, 2, async (first, second) => {
      const key = newKey();
      await first.say({ join: key });
      assert.deepEqual(await first.value(), { opened: true });
      await second.say({ join: key });
      assert.deepEqual(await second.value(), { opened: false });
      await second.say({ data: 1 });
      assert.equal((await first.value()).data, 1);
    }),

  'several may open a key; the oldest living one takes the joining': (scene) =>
    withSources(scene, PATH, 4, async (oldest, younger, joining, late) => {
      const key = newKey();
      await oldest.say({ open: key });
      assert.deepEqual(await oldest.value(), { opened: true });
      await younger.say({ open: key });
      assert.deepEqual(await younger.value(), { opened: true });
      await joining.say({ join: key });
      assert.deepEqual(await joining.value(), { opened: false });
      await joining.say({ data: 'to the oldest' });
      assert.equal((await oldest.value()).data, 'to the oldest');
      await closes(oldest, '[]', 4000);
      await late.say({ join: key });
      assert.deepEqual(await late.value(), { opened: false });
      await late.say({ data: 'to the next' });
      assert.equal((await younger.value()).data, 'to the next');
    }),

  'who opened first takes the joining, whoever connected first': async ({ server, wire }) => {
    const url = server.url(PATH);
    const [one, two, joining] = [
      await Channel.open(url, { wire }), await Channel.open(url, { wire }), await Channel.open(url, { wire }),
    ];
    const key = newKey();
    for (const opener of [two, one]) {
      await opener.say({ open: key });
      assert.deepEqual(await opener.value(), { opened: true });
    }
    await joining.say({ join: key });
    await joining.value();
    await joining.say({ data: 'to the first' });
    assert.equal((await two.value()).data, 'to the first');
    await Promise.all([one, two, joining].map((it) => it.abandon()));
  },

  'saying open or join again repeats the answer and changes nothing': (scene) =>
    withSources(scene, PATH, 2, async (opener, joining) => {
      const key = newKey();
      const id = await pair(opener, joining, key);
      await opener.say({ open: key });
      assert.deepEqual(await opener.value(), { opened: true });
      await joining.say({ join: key });
      assert.deepEqual(await joining.value(), { opened: false });
      await joining.say({ data: 1 });
      assert.deepEqual(await opener.value(), { id, data: 1 });
    }),

  'a partner that is gone is unavailable, and the channel stays': (scene) =>
    withSources(scene, PATH, 4, async (opener, joining, opener2, joining2) => {
      const key = newKey();
      const id = await pair(opener, joining, key);
      await closes(joining, 'x', 4000);
      await opener.say({ id, data: 'anybody?' });
      const { raw } = await opener.hear();
      assert.ok(raw.includes(`{"unavailable":${id}}`), raw);

      await pair(opener2, joining2);
      await closes(opener2, 'x', 4000);
      await joining2.say({ data: 'anybody?' });
      assert.deepEqual(await joining2.value(), { unavailable: -1 });
      await joining2.say({ join: key });
      assert.deepEqual(await joining2.value(), { opened: false });
    }),

  'errors close the source with their code and reason': (scene) =>
    withSources(scene, PATH, 8, async (...sources) => {
      const [a, b, c, d, e, f, g, h] = sources;
      await closes(a, 'not JSON', 4000);
      await closes(b, '{"opens":"k"}', 4000);
      await closes(c, '{"id":"1","data":1}', 4000);
      await closes(d, '{"open":""}', 4001);
      assert.equal(await closes(e, { open: 'k'.repeat(513) }, 4001),
        'KEY_ERROR=4001: The key length exceeds the limit of 512 characters');
      await closes(f, '{"id":1,"data":1}', 4010);
      await closes(g, '{"data":1}', 4011);
      await closes(h, '{"join":7}', 4001);
    }),

  'an unknown token is told so and disturbs nobody': (scene) =>
    withSources(scene, PATH, 1, async (source) => {
      const answer = await source.post({ open: newKey() }, { auth: 'x'.repeat(32) });
      assert.equal(answer.status, 200);
      assert.match(answer.text, /AUTHENTICATION_ERROR/);
      await source.say({ open: newKey() });
      assert.deepEqual(await source.value(), { opened: true });
    }),

  'D and E do not see each other': (scene) =>
    withSources(scene, PATH, 1, (opener) => withSources(scene, '/sigver', 1, async (joining) => {
      const key = newKey();
      await opener.say({ open: key });
      await opener.value();
      assert.equal((await joining.post({ join: key })).status, 561);
      const stranger = await joining.post({ open: key }, { auth: opener.auth });
      assert.equal(stranger.status, 581);
    })),

  'a source that was closed stays closed': (scene) =>
    withSources(scene, PATH, 1, async (source) => {
      const url = scene.server.url(PATH);
      await closes(source, '[]', 4000);
      const again = await source.post({ open: newKey() });
      assert.match(again.text, /AUTHENTICATION_ERROR/);
      const final = await request(url, {
        headers: { Accept: 'text/event-stream', 'Last-Event-ID': 'final' },
      });
      assert.equal(final.status, 204);
    }),
});

overServersAndWires('the end of a stream', {}, {
  'is final: close, the last id, and a day to wait': async ({ server, wire }) => {
    if (wire === 'sse') {
      const url = server.url(PATH);
      const stream = await EventStream.open(url);
      const auth = (await stream.next())?.data;
      await request(url, { method: 'POST', body: `${auth}@[]` });
      const last = await stream.next();
      assert.equal(last?.event, 'close');
      assert.equal(JSON.parse(last?.data ?? '').code, 4000);
      assert.equal(await stream.ended, true, 'the answer is complete');
      assert.equal(stream.lastEventId, 'final');
      assert.equal(stream.retry, 86400000);
      return;
    }
    const first = await request(server.url(`${PATH}?transport=poll`));
    await request(server.url(PATH), { method: 'POST', body: `${first.json.auth}@[]` });
    const last = await request(server.url(`${PATH}?transport=poll`), {
      headers: { 'Last-Event-ID': first.json.cursor },
    });
    assert.equal(last.json.final, true);
    assert.equal(last.json.data.code, 4000, last.text);
  },
});
