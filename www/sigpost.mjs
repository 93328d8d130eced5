/**
 * sigpost for programs that want a WebSocket to a PeerJS, sigver or Socket.IO server.
 *
 * - `install()`: unmodified PeerJS then goes through sigpost
 * - `SigpostSocket`: the socket itself
 * - `sockets`: those that are open
 *
 * The same as a classic script is sigpost.js; docs/client.md tells how to use them.
 */

export { install } from './install.mjs';
export { SigpostSocket, sockets } from './socket.mjs';
