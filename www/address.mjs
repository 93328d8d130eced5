/** What the address of a WebSocket means at a sigpost server. */

/**
 * @typedef {object} Address
 * @property {'peerjs' | 'sigver'} protocol
 * @property {string} base the server's mount path, as http(s), no slash at its end
 * @property {string} endpoint where GET and POST go, without a query
 * @property {string} url of the WebSocket
 * @property {string} key PeerJS: the API key
 * @property {string} id PeerJS: the peer
 * @property {string} token PeerJS: the secret the page chose
 */

/** Where the protocols are spoken, below the mount path. */
const PATH = /^(.*)\/(peerjs|sigver\/opened|sigver)\/?$/;

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

/**
 * @param {string | URL} url
 * @returns {Address | undefined} nothing where it is no address of PeerJS or sigver
 */
export function parseAddress(url) {
  const target = urlOf(url);
  const [, mount, path] = (target && isWeb(target) && PATH.exec(target.pathname)) || [];
  if (!target || path === undefined) {
    return undefined;
  }
  const base = target.protocol.replace('ws', 'http') + `//${target.host}${mount}`;
  const of = (/** @type {string} */ name) => target.searchParams.get(name) ?? '';
  target.protocol = target.protocol.replace('http', 'ws');
  return {
    protocol: path === 'peerjs' ? 'peerjs' : 'sigver',
    base,
    endpoint: `${base}/${path}`,
    url: target.href,
    key: of('key'),
    id: of('id'),
    token: of('token'),
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
