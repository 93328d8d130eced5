/**
 * Lets programs that know nothing of sigpost use it: PeerJS calls `new WebSocket(…)`, and gets a
 * SigpostSocket where the address is one of PeerJS, sigver or Socket.IO at a server named here. Every
 * other WebSocket is native as before, and so are the constants, the prototype and subclasses.
 */

import { baseOf, parseAddress } from './address.mjs';
import { NATIVE, SigpostSocket, nativeOf } from './socket.mjs';

/**
 * The server a script was loaded from: its address without `/www/…`.
 * @param {string} script
 */
export function serverOf(script) {
  const [, mount] = /^(https?:.*)\/www\/[^/?#]*([?#].*)?$/.exec(script) ?? [];
  return mount ?? '';
}

/** For where there is none (Node before 22): what is not ours cannot be opened. */
class NoWebSocket {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSING = 2;
  static CLOSED = 3;

  /** @param {string | URL} url */
  constructor(url) {
    throw new DOMException(`Neither WebSocket nor sigpost here for ${url}`, 'NotSupportedError');
  }
}

/**
 * @param {any} native
 * @param {(url: string | URL) => string | undefined} place
 * @param {(url: string, protocols: any) => SigpostSocket} open
 */
function patch(native, place, open) {
  /** @type {any} */
  const patched = new Proxy(native, {
    construct(target, args, newTarget) {
      const plain = newTarget === patched;
      const ours = plain && place(args[0]);
      return ours ? open(ours, args[1])
        : Reflect.construct(target, args, plain ? target : newTarget);
    },
    get(target, name, receiver) {
      if (name === NATIVE) {
        return target === NoWebSocket ? null : nativeOf(target);
      }
      return name === Symbol.hasInstance ? isInstance : Reflect.get(target, name, receiver);
    },
  });
  /** Inherited by subclasses, to whom ours are none. @this {any} @param {unknown} it */
  function isInstance(it) {
    return Function.prototype[Symbol.hasInstance].call(this === patched ? native : this, it)
      || (this === patched && it instanceof SigpostSocket);
  }
  return patched;
}

/** @param {import('./sigpost.d.mts').InstallOptions} options */
function basesOf({ server = serverOf(import.meta.url) }) {
  const bases = [server].flat().map(baseOf);
  if (bases.includes('') || bases.length === 0) {
    throw new TypeError('install() needs the address of a sigpost server');
  }
  return new Set(bases);
}

/**
 * Where a multiaddr leads, which names a host and a port and has no room for a mount path: to the server
 * on that host.
 * @param {Set<string>} bases
 * @param {import('./address.mjs').Address} address
 * @returns {string | undefined} nothing where there is none
 */
function belowMount(bases, { base, endpoint, url }) {
  const mount = [...bases].find((it) => new URL(it).origin === base);
  return mount?.replace('http', 'ws').concat(endpoint.slice(base.length), new URL(url).search);
}

/**
 * What is ours, and at which address of ours.
 * @param {Set<string>} bases
 * @param {boolean} libp2p
 * @returns {(url: string | URL) => string | undefined}
 */
function placeAmong(bases, libp2p) {
  return (url) => {
    const address = parseAddress(url);
    if (address && bases.has(address.base)) {
      return address.url;
    }
    return libp2p && address?.protocol === 'socket.io' ? belowMount(bases, address) : undefined;
  };
}

/**
 * @param {import('./sigpost.d.mts').InstallOptions} [options]
 * @returns {() => void} takes it back
 */
export function install(options = {}) {
  const { global: given = globalThis, onsocket, server, libp2p = false, ...rest } = options;
  const global = /** @type {any} */ (given);
  const bases = basesOf({ server });
  const before = Object.getOwnPropertyDescriptor(global, 'WebSocket');
  let active = true;
  const among = placeAmong(bases, libp2p);
  /** @param {string | URL} url */
  const place = (url) => (active ? among(url) : undefined);
  const patched = patch(global.WebSocket ?? NoWebSocket, place, (url, protocols) => {
    const socket = new SigpostSocket(url, protocols, rest);
    onsocket?.(/** @type {any} */ (socket)); // addEventListener is declared for its own events
    return socket;
  });
  const attributes = { configurable: true, writable: true, enumerable: false };
  Object.defineProperty(global, 'WebSocket', { ...attributes, value: patched });
  return () => {
    active = false; // whoever has patched it since goes on through ours
    if (global.WebSocket === patched && before) {
      Object.defineProperty(global, 'WebSocket', before);
    } else if (global.WebSocket === patched) {
      delete global.WebSocket;
    }
  };
}
