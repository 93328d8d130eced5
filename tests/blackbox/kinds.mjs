/**
 * The table: how sigpost can stand behind a web server. A row says which programs run, from
 * which template in conf/ they are configured, and where the API appears.
 */

/**
 * @typedef {object} Kind
 * @property {string} name
 * @property {'fcgi' | 'cgi'} gate
 * @property {string} [conf] template; none where the server needs no configuration
 * @property {string} mount where the API lives, as clients write it
 * @property {boolean} external the FastCGI processes are not the web server's children
 * @property {boolean} [proxy] `sigpost serve` runs behind it
 * @property {boolean} streamsBodies passes a request body on as it comes
 * @property {Record<string, string>} [fill] more for the template
 * @property {boolean} [websocket] a WebSocket gets through
 * @property {(conf: string, server: {root: string, port: number}) => string[]} command
 * @property {(name: string, value: string) => string} [setting] a line that sets a variable for CGI
 */

const MODULES = '/usr/lib/apache2/modules';

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
const lighttpdSetting = (name, value) => `\t\t"${name}" => "${value}",`;

/** @type {Kind[]} */
export const KINDS = [
  {
    name: 'lighttpd FastCGI', gate: 'fcgi', conf: 'lighttpd-fcgi.conf', command: lighttpd,
    mount: '', external: false, streamsBodies: false,
  },
  {
    name: 'lighttpd CGI', gate: 'cgi', conf: 'lighttpd-cgi.conf', command: lighttpd,
    mount: '/cgi-bin/sigpost.cgi', external: false, streamsBodies: false,
    setting: lighttpdSetting, fill: { UPGRADE: 'disable' },
  },
  {
    name: 'nginx FastCGI', gate: 'fcgi', conf: 'nginx.conf', command: nginx,
    mount: '/rtc', external: true, streamsBodies: false,
  },
  {
    name: 'Apache mod_cgid', gate: 'cgi', conf: 'apache-cgi.conf', command: apache,
    mount: '/signal', external: false, streamsBodies: true,
    setting: setEnv, fill: { MODULES, MPM: 'event', CGI: 'cgid' },
  },
  {
    name: 'Apache mod_cgi', gate: 'cgi', conf: 'apache-cgi.conf', command: apache,
    mount: '/signal', external: false, streamsBodies: true,
    setting: setEnv, fill: { MODULES, MPM: 'prefork', CGI: 'cgi' },
  },
  {
    name: 'Apache mod_proxy_fcgi', gate: 'fcgi', conf: 'apache-fcgi.conf', command: apache,
    mount: '/a/b', external: true, streamsBodies: true,
    fill: { MODULES },
  },
];

/** The same where a WebSocket gets through; `sigpost serve` writes lighttpd's configuration itself. @type {Kind[]} */
export const SOCKET_KINDS = [
  {
    name: 'lighttpd CGI, upgrading', gate: 'cgi', conf: 'lighttpd-cgi.conf', command: lighttpd,
    mount: '/cgi-bin/sigpost.cgi', external: false, streamsBodies: false, websocket: true,
    setting: lighttpdSetting, fill: { UPGRADE: 'enable' },
  },
  {
    name: 'sigpost serve', gate: 'fcgi', mount: '', external: false, streamsBodies: false, websocket: true,
    command: (_, server) => serveCommand(server),
  },
];

/** A web server that passes HTTP, and WebSocket, on to `sigpost serve`. @type {Kind[]} */
export const PROXY_KINDS = [
  {
    name: 'nginx before sigpost serve', gate: 'fcgi', conf: 'nginx-proxy.conf', command: nginx,
    mount: '/rtc', external: false, proxy: true, streamsBodies: false, websocket: true,
  },
  {
    name: 'Apache before sigpost serve', gate: 'fcgi', conf: 'apache-proxy.conf', command: apache,
    mount: '/signal', external: false, proxy: true, streamsBodies: true, websocket: true,
    fill: { MODULES },
  },
];

/** @param {string} name */
export function kind(name) {
  const found = [...KINDS, ...SOCKET_KINDS, ...PROXY_KINDS].find((it) => it.name === name);
  if (found === undefined) {
    throw new Error(`there is no ${name} in the table`);
  }
  return found;
}
