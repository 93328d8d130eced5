/**
 * What a page with a Socket.IO client on it does, told from outside: a node of webrtc-star that
 * remembers all that happened. A classic script, because client 2 is one.
 */

/* global io */
var node = { heard: [], peers: [], events: [], pings: 0, socket: undefined };

/** Connects as libp2p does, by WebSocket alone, and joins. */
function begin(origin, path, addr) {
  node.socket = io(origin, { path: path, transports: ['websocket'] });
  node.socket.on('connect', function () {
    node.events.push('connect');
    node.socket.emit('ss-join', addr, function (answer) { node.events.push(answer.result); });
  });
  node.socket.on('disconnect', function (reason) { node.events.push(reason); });
  node.socket.on('ws-handshake', function (it) { node.heard.push(it); });
  node.socket.on('ws-peer', function (it) { node.peers.push(it); });
  ['ping', 'pong'].forEach(function (type) {
    (node.socket.io || node.socket).on(type, function () { node.pings += 1; });
  });
}

function shake(handshake) {
  node.socket.emit('ss-handshake', handshake);
}
