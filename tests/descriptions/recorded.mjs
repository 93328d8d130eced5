/** The descriptions in this directory, and what a peer is told by one, read without the codec. */

import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));

/**
 * Names as record.mjs gives them: `network` and `what` was described, by whom (`maker`).
 * @typedef {{name: string, network: string, what: string, maker: string, type: string, sdp: string}}
 *   Recorded
 */

/** @type {Recorded[]} */
export const RECORDED = readdirSync(HERE).filter((file) => file.endsWith('.sdp')).map((file) => {
  const [, name, network, what, makers, type] = /** @type {string[]} */ (
    /^((.+)-(data|audio|video|watch|all|apart)-([a-z-]+))\.(offer|answer)\.sdp$/.exec(file));
  const maker = /** @type {string} */ (makers.split('-').pop());
  return { name, network, what, maker, type, sdp: readFileSync(HERE + file, 'utf8') };
});

/**
 * What an endpoint of a data channel has to know, as RFC 8839, 8842 and 8841 say it.
 * @param {string} sdp
 */
export function told(sdp) {
  const of = (/** @type {string} */ name) => (
    new RegExp(`^a=${name}:(.*)\r$`, 'm').exec(sdp)?.[1]);
  const candidates = sdp.split('\r\n').filter((line) => line.startsWith('a=candidate:'))
    .map((line) => line.split(' '))
    .sort((one, other) => Number(other[3]) - Number(one[3]))
    .map(([, , protocol, , address, port, , type, ...more]) => ({
      protocol: protocol.toLowerCase(), address, port, type,
      more: more.join(' ').replace(/ ?(generation|network-id|network-cost) \d+/g, ''),
    }))
    .filter(({ more }) => more !== 'tcptype active');
  return {
    sections: sdp.match(/^m=\S+/gm),
    group: of('group'), mid: of('mid'), ufrag: of('ice-ufrag'), pwd: of('ice-pwd'),
    fingerprint: of('fingerprint'), setup: of('setup'), options: of('ice-options'),
    sctpPort: of('sctp-port'), maxMessage: of('max-message-size'), candidates,
  };
}
