/** Compiled only: how a user's program calls the client. */

import { Sigver, SigverError, type Json } from '../../www/sigver.mjs';

const channel = new Sigver('https://example.org/sigpost', { generation: 'E', transport: 'auto' });
const inNode = new Sigver(new URL('https://example.org/'), { EventSource: null, fetch });

channel.addEventListener('message', ({ id, data }) => {
  const from: number | undefined = id;
  const what: Json = data;
  channel.send({ list: [1, what, null] }, from);
});
channel.addEventListener('state', ({ state, fresh, transport }) => {
  const text: `${string}, ${'sse' | 'poll'}, ${boolean}` = `${state}, ${transport}, ${fresh}`;
  inNode.send(text);
});
channel.addEventListener('wire', async ({ direction, bytes, done }) => {
  const delivery = await done;
  inNode.send([direction, bytes, delivery?.ms ?? 0, delivery?.attempts ?? 0]);
});
channel.addEventListener('close', ({ code, reason }) => {
  throw new SigverError(code, reason);
});

const opened: boolean = await channel.open('key');
await inNode.join(opened ? 'key' : 'another');

// @ts-expect-error: a key is a string
channel.open(3);
// @ts-expect-error: not JSON
channel.send(() => {});
// @ts-expect-error: no such event
channel.addEventListener('massage', ({ data }) => data);
// @ts-expect-error: no such generation
new Sigver('/', { generation: 'F' });
