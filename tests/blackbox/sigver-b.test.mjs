/** Generation B of sigver: key, joinkey, offer, answer, over every web server and both ways down. */

import assert from 'node:assert/strict';

import { newKey, overServersAndWires, withSources } from './harness.mjs';

const PATH = '/sigver';

/**
 * @param {import('./channel.mjs').Channel} source
 * @param {unknown} sentence
 * @param {number} code
 * @param {string} [reason]
 */
async function closes(source, sentence, code, reason) {
  await source.post(sentence);
  const { event, data } = await source.close();
  assert.equal(event, 'close');
  assert.equal(data.code, code, JSON.stringify(data));
  if (reason !== undefined) {
    assert.equal(data.reason, reason);
  }
}

overServersAndWires('sigver B', { procs: 2 }, {
  'offer and answer pass': (scene) => withSources(scene, PATH, 2, async (opener, joining) => {
    const key = newKey();
    await opener.say({ key });
    await joining.say({ joinkey: key });
    assert.ok((await joining.hear()).raw.includes('{"reachable":"true"}'));
    await joining.say({ offer: { sdp: 'o' } });
    assert.deepEqual(await opener.value(), { offer: { sdp: 'o' } }, 'the key itself was silent');
    await opener.say({ answer: 'a' });
    assert.deepEqual(await joining.value(), { answer: 'a' });
  }),

  'an answer goes to everybody who waits, and they wait no more': (scene) =>
    withSources(scene, PATH, 4, async (opener, one, two, three) => {
      const key = newKey();
      await opener.say({ key });
      for (const joining of [one, two]) {
        await joining.say({ joinkey: key });
        await joining.value();
        await joining.say({ offer: 'o' });
        assert.deepEqual(await opener.value(), { offer: 'o' });
      }
      await opener.say({ answer: 1 });
      await three.say({ joinkey: key });
      assert.deepEqual(await three.value(), { reachable: 'true' });
      await three.say({ offer: 'late' });
      assert.deepEqual(await opener.value(), { offer: 'late' });
      await opener.say({ answer: 2 });
      assert.deepEqual(await three.value(), { answer: 2 });
      for (const joining of [one, two]) {
        assert.deepEqual(await joining.value(), { answer: 1 });
        await joining.say({ joinkey: key });
        assert.deepEqual(await joining.value(), { reachable: 'true' }, 'no second answer came');
      }
    }),

  'a key in use is refused to another': (scene) =>
    withSources(scene, PATH, 3, async (opener, other, joining) => {
      const key = newKey();
      await opener.say({ key });
      await closes(other, { key }, 1008, 'The key already exists');
      await joining.say({ joinkey: key });
      assert.deepEqual(await joining.value(), { reachable: 'true' });
    }),

  'an unknown key, an offer without key, and what is nothing of all close the source': (scene) =>
    withSources(scene, PATH, 4, async (a, b, c, d) => {
      await closes(a, { joinkey: newKey() }, 1008, 'The key does not exist');
      await closes(b, { offer: 'o' }, 1008);
      await c.say({ key: newKey() });
      await closes(c, { something: 'else' }, 1007);
      await d.say({ key: newKey() });
      await closes(d, 'not JSON', 1003);
    }),
});
