/** What the address of a WebSocket means at a sigpost server. */

/**
 * @typedef {object} Address
 * @property {'peerjs' | 'sigver' | 'socket.io'} protocol
 * @property {string} base the server's mount path, as http(s), no slash at its end
 * @property {string} endpoint where GET and POST go, without a query
 * @property {string} url of the WebSocket
 * @property {string} key PeerJS: the API key
 * @property {string} id PeerJS: the peer
 * @property {string} token PeerJS: the secret the page chose
 * @property {string} version Socket.IO: of Engine.IO, which carries it
 */

/** Where the protocols are spoken, below the mount path. */
const PATH = /^(.*)\/(peerjs|sigver\/opened|sigver|socket\.io-next|socket\.io)\/?$/;

/**
 * @param {string | URL} url ws, wss, http or https; relative ones count from the page
 * @returns {URL | undefined}
 */
function urlOf(url) {
  try {
    return new URL(url, globalThis.location?.href);
  } catch {
    return undefined;
  }
}

/** @param {URL} url */
const isWeb = (url) => /^(ws|http)s?:$/.test(url.protocol);

/** @param {string} path */
const protocolOf = (path) => (path.startsWith('socket.io') ? 'socket.io'
  : path === 'peerjs' ? 'peerjs' : 'sigver');

/**
 * Whether a WebSocket to an address of Engine.IO is a session of its own. One that names a session
 * takes over from its polls, and must be what they were offered.
 * @param {URLSearchParams} query
 */
const isSession = (query) => query.get('transport') === 'websocket' && !query.has('sid');

/**
 * @param {string | URL} url
 * @returns {Address | undefined} nothing where it is no address of PeerJS, sigver or Socket.IO
 */
export function parseAddress(url) {
  const target = urlOf(url);
  const [, mount, path] = (target && isWeb(target) && PATH.exec(target.pathname)) || [];
  if (!target || path === undefined) {
    return undefined;
  }
  const protocol = protocolOf(path);
  if (protocol === 'socket.io' && !isSession(target.searchParams)) {
    return undefined;
  }
  const base = target.protocol.replace('ws', 'http') + `//${target.host}${mount}`;
  const of = (/** @type {string} */ name) => target.searchParams.get(name) ?? '';
  target.protocol = target.protocol.replace('http', 'ws');
  return {
    protocol,
    base,
    endpoint: `${base}/${path}`,
    url: target.href,
    key: of('key'),
    id: of('id'),
    token: of('token'),
    version: of('EIO') || '3',
  };
}

/**
 * @param {string | URL} server a mount path, a slash at its end or not
 * @returns {string} the same as Address.base has it; empty where it is none
 */
export function baseOf(server) {
  const target = urlOf(server);
  if (!target || !isWeb(target)) {
    return '';
  }
  const scheme = target.protocol.replace('ws', 'http');
  return `${scheme}//${target.host}${target.pathname.replace(/\/+$/, '')}`;
}
