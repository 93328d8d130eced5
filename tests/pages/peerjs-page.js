/**
 * What a page with PeerJS on it does, told from outside. A classic script, because the oldest
 * client is older than modules. It remembers all that happened.
 */

/* global Peer */
var peer = { said: [], errors: [], events: [], log: [], calls: 0, it: undefined };

/** What it says to its server and hears, and when, in ms since the page began. */
function record(socket) {
  var say = socket.send;
  function note(way, message) {
    var connection = message.payload && message.payload.connectionId;
    peer.log.push([Math.round(performance.now()), way, message.type, connection].join(' '));
  }
  socket.on('message', function (message) { note('hears', message); });
  socket.send = function (message) {
    note('says', message);
    return say.apply(socket, arguments);
  };
}

/** A page that was called answers what it hears, marked. */
function follow(connection, caller) {
  connection.on('data', function (data) {
    peer.said.push(data);
    if (!caller) {
      connection.send('echo of ' + data);
    }
  });
  connection.on('open', function () { peer.events.push('connection open'); });
  connection.on('close', function () { peer.events.push('connection close'); });
  connection.on('error', function (error) { peer.errors.push('connection: ' + error.type); });
}

/** Begins: with an id or without, at the server the options name. */
function begin(id, options) {
  peer.it = id ? new Peer(id, options) : new Peer(options);
  record(peer.it.socket);
  peer.it.on('open', function (name) { peer.events.push('open ' + name); });
  peer.it.on('disconnected', function () { peer.events.push('disconnected'); });
  peer.it.on('close', function () { peer.events.push('close'); });
  peer.it.on('error', function (error) { peer.errors.push(error.type); });
  peer.it.on('connection', function (connection) {
    peer.calls += 1;
    follow(connection, false);
  });
}

/** Connects to another page and says something as soon as that is possible. */
function call(id, text) {
  var connection = peer.it.connect(id, { reliable: true });
  follow(connection, true);
  connection.on('open', function () { connection.send(text); });
}

/** What has happened up to now. */
function state() {
  var it = peer.it || {};
  return {
    events: peer.events, errors: peer.errors, said: peer.said, calls: peer.calls,
    id: it.id, open: it.open, destroyed: it.destroyed, disconnected: it.disconnected
  };
}
