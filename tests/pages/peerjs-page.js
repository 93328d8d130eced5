/**
 * What a page with PeerJS on it does, told from outside. A classic script, because the oldest
 * client is older than modules. It remembers all that happened.
 */

/* global Peer */
var peer = { said: [], errors: [], events: [], log: [], calls: 0, it: undefined };

/** Remembers when something happened, in ms since the page began. */
function note(way, what, connection) {
  peer.log.push({ at: Math.round(performance.now()), way: way, what: what, connection: connection });
}

/** What it says to its server and hears. */
function record(socket) {
  var say = socket.send;
  function noteMessage(way, message) {
    note(way, message.type, message.payload && message.payload.connectionId);
  }
  socket.on('message', function (message) { noteMessage('hears', message); });
  socket.send = function (message) {
    noteMessage('says', message);
    return say.apply(socket, arguments);
  };
}

/** What befalls a connection below PeerJS, which keeps it to itself. */
function probe(connection) {
  var name = connection.connectionId || connection.id;
  var channel = connection.dataChannel || connection._dc;
  connection.on('iceStateChanged', function (state) { note('ice', state, name); });
  channel.addEventListener('error', function (event) { note('channel', String(event.error), name); });
  channel.addEventListener('close', function () { note('channel', 'closed', name); });
}

/** A page that was called answers what it hears, marked. */
function follow(connection, caller) {
  connection.on('data', function (data) {
    peer.said.push(data);
    if (!caller) {
      connection.send('echo of ' + data);
    }
  });
  connection.on('open', function () {
    peer.events.push('connection open');
    probe(connection);
  });
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
