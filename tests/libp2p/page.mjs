/**
 * What a page with a libp2p node on it does, told from outside by libp2p.test.mjs. It is bundled with
 * the packages beside it.
 */

import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { webRTCStar } from '@libp2p/webrtc-star';
import { createLibp2p } from 'libp2p';

const PROTOCOL = '/sigpost-echo/1.0.0';

/** Without the transport's STUN servers, which are on another network. */
class RTCPeerConnection extends globalThis.RTCPeerConnection {
  constructor(configuration) {
    super({ ...configuration, iceServers: [] });
  }
}

const { RTCIceCandidate, RTCSessionDescription } = globalThis;
const wrtc = { RTCPeerConnection, RTCIceCandidate, RTCSessionDescription };

/** Whom it has discovered, as peer ids by their texts. */
const found = {};
let node;

/** In a browser, libp2p dials no private address unless it is told to. */
const connectionGater = { denyDialMultiaddr: async () => false };

/**
 * @param {string} address the multiaddr to listen on
 * @returns {Promise<string>} the peer id
 */
async function start(address) {
  const star = webRTCStar({ wrtc });
  node = await createLibp2p({
    addresses: { listen: [address] },
    transports: [star.transport],
    peerDiscovery: [star.discovery],
    connectionEncryption: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { minConnections: 0 }, // nobody is dialled but by us
    connectionGater,
  });
  node.addEventListener('peer:discovery', ({ detail: { id } }) => {
    found[id.toString()] = id;
  });
  await node.handle(PROTOCOL, ({ stream }) => stream.sink(stream.source));
  return node.peerId.toString();
}

/** The multiaddrs of a peer that was discovered; none until it was. */
async function addressesOf(peer) {
  const { addresses } = found[peer] ? await node.peerStore.get(found[peer]) : { addresses: [] };
  return addresses.map(({ multiaddr }) => multiaddr.toString());
}

/** Dials a peer that was discovered, sends it bytes and returns what comes back. */
async function echo(peer, bytes) {
  const stream = await node.dialProtocol(found[peer], PROTOCOL);
  const heard = [];
  const sent = stream.sink([Uint8Array.from(bytes)]);
  for await (const piece of stream.source) {
    heard.push(...piece.subarray());
  }
  await sent;
  return heard;
}

/** The connections there are: to whom, by which address, opened by whom. */
const connections = () => node.getConnections().map(({ remotePeer, remoteAddr, stat }) => (
  { peer: remotePeer.toString(), address: remoteAddr.toString(), direction: stat.direction }));

globalThis.libp2p = { start, addressesOf, echo, connections, stop: () => node.stop() };
