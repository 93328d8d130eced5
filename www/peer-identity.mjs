/**
 * Who a peer is: a key pair (ECDSA, P-256). The private key cannot be read, not by this page either;
 * IndexedDB keeps it for the pages of this origin. The id is a hash of the public key.
 */

import { PeerError } from './peer-events.mjs';

const DATABASE = 'sigpost-peer';
const STORE = 'keys';
const CURVE = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' };
/** Of the hash that is the id: 32 characters, 160 bits. */
const ID_BYTES = 20;
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** @param {ArrayBuffer | Uint8Array} bytes base64url (RFC 4648, section 5), no padding */
export function base64(bytes) {
  const text = Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join('');
  return btoa(text).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

/**
 * @param {unknown} text
 * @param {number} length in bytes
 */
export function bytesOf(text, length) {
  const characters = Math.ceil((length * 4) / 3);
  if (typeof text !== 'string' || text.length !== characters || !/^[\w-]+$/.test(text)) {
    throw new PeerError('proof', 'a key, nonce or signature is malformed');
  }
  const binary = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
  const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
  if (base64(bytes) !== text) { // bits left over at the end: one key has one text
    throw new PeerError('proof', 'a key, nonce or signature is malformed');
  }
  return bytes;
}

/** @param {Uint8Array<ArrayBuffer>} bytes small letters of RFC 4648, section 6; five bytes are eight */
function base32(bytes) {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? []).map((five) => BASE32[parseInt(five, 2)]).join('');
}

/** @param {Uint8Array<ArrayBuffer>} key public, as an uncompressed point */
export async function idOf(key) {
  const hash = await crypto.subtle.digest('SHA-256', key);
  return base32(new Uint8Array(hash, 0, ID_BYTES));
}

/**
 * @param {Uint8Array<ArrayBuffer>} key
 * @param {Uint8Array<ArrayBuffer>} signature
 * @param {Uint8Array<ArrayBuffer>} text
 */
export async function verify(key, signature, text) {
  const imported = await crypto.subtle.importKey('raw', key, CURVE, false, ['verify']);
  return crypto.subtle.verify(SIGNATURE, imported, signature, text);
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function answered(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @returns {Promise<IDBDatabase>} */
function openDatabase() {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return answered(request);
}

const newPair = () => crypto.subtle.generateKey(CURVE, false, ['sign', 'verify']);

/**
 * Two pages may be here at once: the first one's key is the identity, for both.
 * @param {string} name
 * @returns {Promise<CryptoKeyPair>}
 */
async function storedPair(name) {
  const database = await openDatabase();
  try {
    const known = await answered(database.transaction(STORE).objectStore(STORE).get(name));
    if (known) {
      return known;
    }
    const pair = await newPair();
    const transaction = database.transaction(STORE, 'readwrite');
    const store = transaction.objectStore(STORE);
    const done = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    const first = await answered(store.get(name));
    if (!first) {
      store.put(pair, name);
    }
    await done;
    return first ?? pair;
  } finally {
    database.close();
  }
}

/** @param {string | null} name */
async function pairOf(name) {
  if (!globalThis.crypto?.subtle) {
    throw new PeerError('storage', 'there are no keys in an insecure page: https or localhost');
  }
  try {
    return await (name === null ? newPair() : storedPair(name));
  } catch (error) {
    throw new PeerError('storage', `the key could not be kept: ${error}`);
  }
}

export class Identity {
  #pair;

  /**
   * @param {CryptoKeyPair} pair
   * @param {Uint8Array<ArrayBuffer>} key
   * @param {string} id
   */
  constructor(pair, key, id) {
    this.#pair = pair;
    this.key = key;
    this.id = id;
  }

  /** @param {Uint8Array<ArrayBuffer>} text */
  async sign(text) {
    return crypto.subtle.sign(SIGNATURE, this.#pair.privateKey, text);
  }

  /** @param {string | null} name under which it is kept; null: this page only */
  static async load(name) {
    const pair = await pairOf(name);
    const key = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
    return new Identity(pair, key, await idOf(key));
  }
}
