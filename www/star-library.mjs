/**
 * libp2p and its parts, as they are published: scripts that leave a global each. They are loaded when
 * somebody wants a node, and are no part of sigpost.
 */

/** In this order; each has in it what it depends on. */
const FILES = ['libp2p', 'webrtc-star', 'noise', 'yamux'];

/** @param {string} name */
const addressOf = (name) => `lib/libp2p/${name}.min.js`;

/** @param {string} name */
async function isThere(name) {
  const { ok } = await fetch(addressOf(name), { method: 'HEAD' });
  return ok;
}

/** Those that are not beside this page. @returns {Promise<string[]>} */
export async function lacking() {
  const there = await Promise.all(FILES.map(isThere));
  return FILES.filter((_, i) => !there[i]).map(addressOf);
}

/** @param {string} name */
function load(name) {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = addressOf(name);
    script.addEventListener('load', resolve);
    script.addEventListener('error', () => reject(new Error(`${script.src} cannot be loaded`)));
    document.head.append(script);
  });
}

/**
 * protobufjs, which is in two of them, asks `eval` for Node's `require` and does without it. A policy forbids
 * eval, and would report each try: so while they are loaded there is one that just fails.
 * @param {() => Promise<void>} act
 */
async function withoutEval(act) {
  const before = globalThis.eval;
  globalThis.eval = () => { throw new EvalError('no eval'); };
  try {
    await act();
  } finally {
    globalThis.eval = before;
  }
}

/** @type {Promise<any> | undefined} */
let loading;

async function loadAll() {
  await withoutEval(async () => {
    for (const name of FILES) {
      await load(name);
    }
  });
  const global = /** @type {any} */ (globalThis);
  return {
    createLibp2p: global.Libp2P.createLibp2p,
    webRTCStar: global.Libp2PWebrtcStar.webRTCStar,
    noise: global.ChainsafeLibp2PNoise.noise,
    yamux: global.ChainsafeLibp2PYamux.yamux,
  };
}

/** What a node is made of. WebSocket must be what it is to be by now: Socket.IO keeps it. */
export function library() {
  loading ??= loadAll().catch((error) => {
    loading = undefined; // the next one tries again
    throw error;
  });
  return loading;
}
