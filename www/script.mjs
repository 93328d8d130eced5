/**
 * What the classic script, sigpost.js, does when it is loaded by a tag: installs itself for the
 * server it came from.
 *
 * - `data-server`: for these servers instead, with blanks between them
 * - `data-transports`: the transports and their order, with blanks between them
 * - `data-libp2p="yes"`: multiaddrs that name the server's host mean the server
 * - `data-install="no"`: not by itself; the page calls `sigpost.install()`
 */

import { install, serverOf } from './install.mjs';

/**
 * @param {string | undefined} text
 * @returns {any[] | undefined}
 */
const words = (text) => (text ? text.trim().split(/[\s,]+/) : undefined);

/** @param {any} script the tag, if it is one */
export function installFrom(script) {
  if (script?.src && script.dataset.install !== 'no') {
    const { server, transports, libp2p } = script.dataset;
    install({
      server: words(server) ?? serverOf(script.src),
      transports: words(transports),
      libp2p: libp2p === 'yes',
    });
  }
}
