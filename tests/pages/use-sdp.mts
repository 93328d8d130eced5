/** Compiled only: how a user's program calls the codec of descriptions. */

import { DescriptionError, compact, expand, type DescriptionErrorCode } from '../../www/sdp.js';

const connection = new RTCPeerConnection();
await connection.setLocalDescription();

const code: string = compact(connection.localDescription!);
const link = `https://example.org/#${compact(connection.localDescription!, { alphabet: 'url' })}`;

try {
  await connection.setRemoteDescription(expand(link.split('#')[1] ?? code));
} catch (error) {
  const why: DescriptionErrorCode | '' = error instanceof DescriptionError ? error.code : '';
  console.log(why);
}

const type: 'offer' | 'answer' = expand(code).type;
compact({ type, sdp: '' });

// @ts-expect-error: no such alphabet
compact(connection.localDescription!, { alphabet: 'morse' });
// @ts-expect-error: a code is a string
expand(3);
// @ts-expect-error: a description has a type
compact({ sdp: '' });
