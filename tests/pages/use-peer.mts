/** Compiled only: how a user's program connects to peers. */

import {
  DescriptionError, PeerError, createPeer, createPeerConnection, sigpostCarrier,
  type Carrier, type PeerErrorCode, type RemotePeer,
} from '../../www/peer.js';

const offerer = await createPeerConnection('offerer', { iceServers: [{ urls: 'stun:example.org' }] });
const answerer = await createPeerConnection('answerer');
const answer: string = await answerer.connect(offerer.description);
await offerer.connect(answer);
offerer.on('connect', (channel) => channel.bufferedAmount);
offerer.on('disconnect', () => {});
offerer.on('chat', (value: string) => value.length);
offerer.send('chat', { text: ['hello'] });

const carrier: Carrier = sigpostCarrier('/sigpost/', { digits: 8 });
const peer = createPeer({ carrier, identity: 'work', accept: (id) => id !== '' });
const id: string = await peer.ready;
const met = await peer.newConnection({ code: '123456' });
const other: RemotePeer = await met.connected;
const byHand = await peer.newConnection('offerer', { alphabet: 'url' });
const same: RemotePeer = await byHand.connect(await answererOf(byHand.description));
const reached: number = peer.broadcast('hello', [id, same === other]);
const off = peer.on('hello', (value, sender) => sender.send('welcome', value));
off();
peer.on('error', (error, from) => {
  const code: PeerErrorCode | undefined = error instanceof PeerError ? error.code : undefined;
  console.log(reached, code, from?.id, error instanceof DescriptionError);
});

async function answererOf(description: string) {
  const link = await peer.newConnection('answerer');
  return link.connect(description);
}

// @ts-expect-error: no such type
await createPeerConnection('listener');
// @ts-expect-error: no JSON
other.send('name', () => {});
// @ts-expect-error: a code is a string
await peer.newConnection({ code: 123456 });
