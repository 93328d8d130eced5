/**
 * The table: how sigpost can stand behind a web server. A row says which programs run, by which of the
 * configurations that are installed (conf/), and where the API appears.
 */

/**
 * @typedef {object} Kind
 * @property {string} name
 * @property {'fcgi' | 'cgi'} gate
 * @property {string} [conf] file in conf/; none where the server needs no configuration
 * @property {'lighttpd' | 'nginx' | 'apache'} [around] what it stands in (tests/blackbox/conf)
 * @property {string[]} [modules] of Apache
 * @property {string} mount where the API lives, as clients write it
 * @property {boolean} external the FastCGI processes are not the web server's children
 * @property {boolean} [proxy] `sigpost serve` runs behind it
 * @property {boolean} streamsBodies passes a request body on as it comes
 * @property {Record<string, string>} [change] what an admin may have in the place of a line
 * @property {'at once' | 'by writing'} notices how sigpost learns that the client of a stream has left; the
 *   latter: at the second heartbeat at the latest
 * @property {boolean} [holdsBack] it keeps the beginning of an answer back, so no event stream gets through
 * @property {boolean} [websocket] a WebSocket gets through
 * @property {(conf: string, server: {root: string, port: number}) => string[]} command
 * @property {(name: string, value: string) => string} [setting] a line that sets a variable for CGI
 */

/** @param {string} conf */
const lighttpd = (conf) => ['/usr/sbin/lighttpd', '-D', '-f', conf];
/** @param {string} conf */
const nginx = (conf) => ['/usr/sbin/nginx', '-c', conf, '-e', 'stderr'];
/** @param {string} conf */
const apache = (conf) => ['/usr/sbin/apache2', '-D', 'FOREGROUND', '-f', conf];
/** @param {{root: string, port: number}} server */
export const serveCommand = ({ root, port }) => [
  `${root}/bin/sigpost`, 'serve', '--port', String(port), '--host', '127.0.0.1', '--www', `${root}/www`];
/** @param {string} name @param {string} value */
const setEnv = (name, value) => `SetEnv ${name} "${value}"`;

/** @param {string} name @param {string} value */
const lighttpdSetting = (name, value) => `"${name}" => "${value}",`;

/** @param {string} name @param {string} value */
const fcgidSetting = (name, value) => `FcgidInitialEnv ${name} "${value}"`;

const LIGHTTPD = /** @type {const} */ ({ around: 'lighttpd', command: lighttpd, streamsBodies: false });
const NGINX = /** @type {const} */ ({ around: 'nginx', command: nginx, streamsBodies: false, notices: 'at once' });
const APACHE = /** @type {const} */ ({ around: 'apache', command: apache, streamsBodies: true, notices: 'by writing' });
/** Behind lighttpd, no WebSocket: as where cgi.upgrade is not written. */
const DEAF = { 'cgi.upgrade = "enable"': 'cgi.upgrade = "disable"' };

/** Those that most tests loop over. @type {Kind[]} */
export const KINDS = [
  {
    ...LIGHTTPD, name: 'lighttpd FastCGI', gate: 'fcgi', conf: 'lighttpd-fcgi.conf',
    mount: '', external: false, setting: lighttpdSetting, notices: 'at once',
  },
  {
    ...LIGHTTPD, name: 'lighttpd CGI', gate: 'cgi', conf: 'lighttpd-cgi.conf',
    mount: '/cgi-bin/sigpost.cgi', external: false, setting: lighttpdSetting, change: DEAF,
    notices: 'by writing',
  },
  {
    ...NGINX, name: 'nginx FastCGI', gate: 'fcgi', conf: 'nginx-fcgi.conf', mount: '/rtc', external: true,
  },
  {
    ...APACHE, name: 'Apache mod_cgid', gate: 'cgi', conf: 'apache-cgi.conf', modules: ['mpm_event', 'cgid'],
    mount: '/signal', external: false, setting: setEnv,
  },
  {
    ...APACHE, name: 'Apache mod_cgi', gate: 'cgi', conf: 'apache-cgi.conf', modules: ['mpm_prefork', 'cgi'],
    mount: '/signal', external: false, setting: setEnv,
  },
  {
    ...APACHE, name: 'Apache mod_proxy_fcgi', gate: 'fcgi', conf: 'apache-fcgi.conf',
    modules: ['mpm_event', 'proxy', 'proxy_fcgi'], mount: '/a/b', external: true,
  },
];

/** The others; servers.test.mjs has all of them. @type {Kind[]} */
export const MORE_KINDS = [
  {
    ...LIGHTTPD, name: 'lighttpd FastCGI, external', gate: 'fcgi', conf: 'lighttpd-fcgi-external.conf',
    mount: '/rtc', external: true, notices: 'at once',
  },
  {
    ...NGINX, name: 'nginx FastCGI, no connection kept', gate: 'fcgi', conf: 'nginx-fcgi-plain.conf',
    mount: '/rtc', external: true,
  },
  {
    ...APACHE, name: 'Apache mod_proxy_fcgi, no connection kept', gate: 'fcgi', conf: 'apache-fcgi-plain.conf',
    modules: ['mpm_event', 'proxy', 'proxy_fcgi'], mount: '/rtc', external: true,
  },
  {
    ...APACHE, name: 'Apache mod_fcgid', gate: 'fcgi', conf: 'apache-fcgid.conf', modules: ['mpm_event', 'fcgid'],
    mount: '/rtc', external: false, streamsBodies: false, setting: fcgidSetting,
  },
  {
    ...APACHE, name: 'Apache mod_fcgid, default', gate: 'fcgi', conf: 'apache-fcgid-default.conf',
    modules: ['mpm_event', 'fcgid'], mount: '/rtc', external: false, streamsBodies: false, setting: fcgidSetting,
    holdsBack: true,
  },
];

/** The same where a WebSocket gets through; `sigpost serve` writes lighttpd's configuration itself. @type {Kind[]} */
export const SOCKET_KINDS = [
  {
    ...LIGHTTPD, name: 'lighttpd CGI, upgrading', gate: 'cgi', conf: 'lighttpd-cgi.conf',
    mount: '/cgi-bin/sigpost.cgi', external: false, websocket: true, setting: lighttpdSetting,
    notices: 'by writing',
  },
  {
    name: 'sigpost serve', gate: 'fcgi', mount: '', external: false, streamsBodies: false, websocket: true, notices: 'at once',
    command: (_, server) => serveCommand(server),
  },
];

/** A web server that passes HTTP, and WebSocket, on to `sigpost serve`. @type {Kind[]} */
export const PROXY_KINDS = [
  {
    ...NGINX, name: 'nginx before sigpost serve', gate: 'fcgi', conf: 'nginx-serve.conf',
    mount: '/rtc', external: false, proxy: true, websocket: true,
  },
  {
    ...APACHE, name: 'Apache before sigpost serve', gate: 'fcgi', conf: 'apache-serve.conf',
    modules: ['mpm_event', 'proxy', 'proxy_http'], mount: '/signal', external: false, proxy: true, websocket: true,
  },
];

export const ALL_KINDS = [...KINDS, ...MORE_KINDS, ...SOCKET_KINDS, ...PROXY_KINDS];

/** The same row at another place. @param {Kind} row @param {string} mount '' for the root @returns {Kind} */
export function at(row, mount) {
  return { ...row, mount, name: `${row.name} at ${mount}/` };
}

/** @param {string} name */
export function kind(name) {
  const found = ALL_KINDS.find((it) => it.name === name);
  if (found === undefined) {
    throw new Error(`there is no ${name} in the table`);
  }
  return found;
}
