/**
 * What a page with PeerJS on it does, told from outside. A classic script, because the oldest
 * client is older than modules. It remembers all that happened.
 */

/* global Peer */
var peer = { said: [], errors: [], events: [], calls: 0, it: undefined };

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
