/**
 * Lets programs that know nothing of sigpost use it: PeerJS calls `new WebSocket(…)`, and gets a
 * SigpostSocket where the address is one of PeerJS or sigver at a server named here. Every other
 * WebSocket is native as before, and so are the constants, the prototype and subclasses.
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
 * @param {(url: string | URL) => boolean} isOurs
 * @param {(url: string | URL, protocols: any) => SigpostSocket} open
 */
function patch(native, isOurs, open) {
  /** @type {any} */
  const patched = new Proxy(native, {
    construct(target, args, newTarget) {
      const plain = newTarget === patched;
      return plain && isOurs(args[0]) ? open(args[0], args[1])
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
 * @param {import('./sigpost.d.mts').InstallOptions} [options]
 * @returns {() => void} takes it back
 */
export function install(options = {}) {
  const { global: given = globalThis, onsocket, server, ...rest } = options;
  const global = /** @type {any} */ (given);
  const bases = basesOf({ server });
  const before = Object.getOwnPropertyDescriptor(global, 'WebSocket');
  let active = true;
  /** @param {string | URL} url */
  const isOurs = (url) => active && bases.has(parseAddress(url)?.base ?? '');
  const patched = patch(global.WebSocket ?? NoWebSocket, isOurs, (url, protocols) => {
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
