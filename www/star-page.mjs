/** The webrtc-star page: what is clicked goes to the node, what that tells is shown. */

import { addLine, addMark } from './chat.mjs';
import { byteLength } from './http.mjs';
import { StarNode, shortName, starAddress } from './star-node.mjs';
import { lacking } from './star-library.mjs';
import { PROTOCOL } from './star-talk.mjs';
import { WireLog } from './wirelog.mjs';
import { addNode, clearNodes, showNode, showSignalling, showStreams } from './star-view.mjs';
import { byId, mountPath, onSubmit, pill, say, showRoute, stunUri, travel } from './page.mjs';

const { sigpost } = /** @type {any} */ (globalThis);

const server = mountPath();
const wire = new WireLog();
/** @type {StarNode | undefined} */
let node;
/**
 * @typedef {object} Peer
 * @property {string} state as star-view.mjs has it
 * @property {(state: string) => void} show
 * @property {import('./star-talk.mjs').Talk} [talk]
 */
/** @type {Map<string, Peer>} */
const peers = new Map();

/** How the node is, in a word and a sentence. @type {Record<string, [string, import('./page.mjs').Tone, string]>} */
const STATES = {
  none: ['No node', 'idle', 'No node yet.'],
  loading: ['Loading', 'wait', 'Loading libp2p.'],
  connecting: ['Starting', 'wait', 'The node starts.'],
  online: ['Listening', 'good', 'Listening. Whoever starts a node here, too, is discovered.'],
  away: ['Server away', 'wait', 'The server does not answer. Trying again by itself.'],
  ended: ['Stopped', 'idle', 'The node has stopped.'],
};

const open = () => [...peers.values()].filter(({ state }) => state === 'open');

function sentence() {
  const state = node?.state ?? 'none';
  const connected = [...peers].filter(([, it]) => it.state === 'open').map(([id]) => shortName(id));
  if (connected.length > 0) {
    return `Connected directly with ${connected.join(', ')}.`;
  }
  return state === 'online' && peers.size > 0 ? 'Listening. Dial somebody who was discovered.'
    : STATES[state][2];
}

function show() {
  const [word, tone] = STATES[node?.state ?? 'none'];
  const count = open().length;
  const connected = count > 0 && node?.state === 'online';
  showSignalling(node?.state ?? 'none', node?.transport ?? '');
  showStreams(count, [...peers.values()].some(({ state }) => state === 'dialling'));
  pill(connected ? 'Connected' : word, tone);
  say(sentence());
}

/** @param {string} id @param {string} state */
function change(id, state) {
  const peer = /** @type {Peer} */ (peers.get(id));
  peer.state = state;
  peer.show(state);
  show();
}

/** @param {string} id */
async function dial(id) {
  change(id, 'dialling');
  try {
    await node?.dial(id);
  } catch {
    change(id, 'failed');
    addMark(`${shortName(id)} did not answer`, 'bad');
  }
}

/** @param {string} id */
function act(id) {
  const { state } = /** @type {Peer} */ (peers.get(id));
  if (state === 'open') {
    node?.hangUp(id);
  } else if (state !== 'dialling') {
    dial(id);
  }
}

/** @param {string} id */
function found(id) {
  const showIt = addNode(shortName(id), () => act(id));
  peers.set(id, { state: 'found', show: showIt });
  change(id, 'found');
}

/** A stream to a peer; of two at once the later one carries what is written. @param {import('./star-talk.mjs').Talk} talk @param {boolean} ours */
async function talkWith(talk, ours) {
  const id = talk.peer;
  const peer = /** @type {Peer} */ (peers.get(id));
  peer.talk = talk;
  talk.addEventListener('text', (/** @type {any} */ { text }) => addLine(text, shortName(id)));
  talk.addEventListener('gone', () => gone(id, talk));
  change(id, 'open');
  addMark(ours ? `Dialled ${shortName(id)}` : `${shortName(id)} has dialled`, 'good');
  showRoute(await node?.route());
}

/** @param {string} id @param {import('./star-talk.mjs').Talk} talk */
function gone(id, talk) {
  if (peers.get(id)?.talk === talk) {
    change(id, 'found');
    addMark(`The connection with ${shortName(id)} ended`, 'bad');
  }
  if (open().length === 0) {
    showRoute(undefined);
  }
}

/** This page's address, for a window that starts a node at once. */
function link() {
  const url = new URL(location.href);
  const stun = stunUri(byId('stun').value);
  url.search = String(new URLSearchParams({ start: byId('start').transport.value, ...(stun ? { stun } : {}) }));
  url.hash = '';
  return url.href;
}

/** @param {StarNode} it */
function listen(it) {
  const on = (/** @type {string} */ type, /** @type {(event: any) => void} */ handle) => {
    it.addEventListener(type, (event) => it === node && handle(event));
  };
  on('state', show);
  on('peer', ({ id }) => found(id));
  on('talk', ({ talk, ours }) => talkWith(talk, ours));
  on('packet', ({ direction, text }) => {
    wire.add({ direction, text, bytes: byteLength(text), done: undefined });
    travel(direction);
  });
}

async function start() {
  const stun = stunUri(byId('stun').value);
  const it = new StarNode(server, {
    transport: byId('start').transport.value,
    iceServers: stun ? [{ urls: stun }] : [],
  });
  node = it;
  say('', 'problem');
  byId('start').querySelector('[type="submit"]').disabled = true;
  listen(it);
  try {
    await it.start(sigpost);
    showNode({ id: it.id, address: starAddress(server), link: link() });
  } catch (error) {
    await it.stop();
    say(`The node could not be started: ${/** @type {Error} */ (error).message}`, 'problem');
  }
  byId('start').querySelector('[type="submit"]').disabled = false;
}

async function stop() {
  await node?.stop();
  peers.clear();
  clearNodes();
  showNode(undefined);
  showRoute(undefined);
  show();
}

function listenToPage() {
  onSubmit('start', start);
  onSubmit('write', () => {
    const text = byId('text').value.trim();
    if (text) {
      open().forEach(({ talk }) => talk?.write(text));
      addLine(text);
      byId('text').value = '';
    }
  });
  byId('stop').addEventListener('click', stop);
  byId('clear').addEventListener('click', () => wire.clear());
}

/** What there is not is said, and nothing else is shown. @param {string[]} files */
function lack(files) {
  byId('main').classList.add('lacking');
  byId('no-library').hidden = files.length === 0;
  byId('no-sigpost').hidden = sigpost !== undefined;
  byId('lacking').textContent = files.join(', ');
}

async function begin() {
  const query = new URLSearchParams(location.search);
  const transport = query.get('start');
  const files = await lacking();
  byId('endpoint').textContent = new URL('socket.io-next/', server).href;
  byId('protocol').textContent = PROTOCOL;
  byId('stun').value = query.get('stun') ?? '';
  if (files.length > 0 || sigpost === undefined) {
    lack(files);
    return;
  }
  listenToPage();
  show();
  if (transport !== null) {
    byId('start').transport.value = transport;
    start();
  }
}

begin();
