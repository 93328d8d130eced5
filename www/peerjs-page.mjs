/**
 * The PeerJS page: what is clicked goes to the signalling and the conversations, what they tell is
 * shown.
 */

import { addLine, addMark } from './chat.mjs';
import { Conversation } from './conversation.mjs';
import { Signalling } from './signalling.mjs';
import { SIZE_MAX } from './transfer.mjs';
import { byId, copy, mountPath, newName, onSubmit, pill, say, showRoute, stunUri, travel }
  from './page.mjs';
import { addFile, addPeer, showChannel, showCount, showCut, showSignalling, showYou, size }
  from './peerjs-view.mjs';

const { Peer, sigpost } = /** @type {any} */ (globalThis);

/** PeerJS's messages wait on the server for 5 s: who connects meanwhile is not missed. */
const CUT_MS = 4000;
/** Two connections opened so shortly after each other were meant at once. */
const AT_ONCE_MS = 3000;
const STORED = 'sigpost peerjs page id';
/** How the signalling is, in a word and a sentence. @type {Record<string, [string, string]>} */
const STATES = {
  connecting: ['Connecting', 'Asking the server.'],
  online: ['Online', 'Online. Open a second window, or give your id to somebody.'],
  cut: ['Cut off', 'Signalling is cut, and comes back by itself.'],
  away: ['Server away', 'The server does not answer. Trying again by itself.'],
  ended: ['Offline', 'Not online.'],
};

/** @type {Signalling} */
let signalling;
/** @type {Set<Conversation>} */
const conversations = new Set();
const count = { up: 0, down: 0 };
/** What to go back to if another id is taken. */
let former = '';
/** An id to connect to as soon as there is a server. */
let wanted = new URLSearchParams(location.search).get('to') ?? '';

/** @param {string} text */
const problem = (text) => say(text, 'problem');

/** The stored id is this window's over a reload. */
function storedId() {
  try {
    return sessionStorage.getItem(STORED) ?? '';
  } catch {
    return '';
  }
}

/** @param {string} id */
function store(id) {
  try {
    sessionStorage.setItem(STORED, id);
  } catch {
    // then a reload makes a new one
  }
}

/** @param {Record<string, string>} query this page's address with it */
function address(query) {
  const url = new URL(location.href);
  const stun = stunUri(byId('stun').value);
  url.search = String(new URLSearchParams({ ...query, ...(stun ? { stun } : {}) }));
  url.hash = '';
  return url.href;
}

/** @param {string} id whom a reload connects to again, or nobody */
function remember(id) {
  history.replaceState(null, '', address(id ? { to: id } : {}));
}

const open = () => [...conversations].filter(({ state }) => state === 'open');

/** @returns {[string, import('./page.mjs').Tone]} */
function word() {
  const { state } = signalling;
  if (state === 'online') {
    return open().length > 0 ? ['Connected', 'good'] : [STATES.online[0], 'good'];
  }
  return [STATES[state][0], state === 'cut' || state === 'ended' ? 'bad' : 'wait'];
}

function sentence() {
  const peers = open().map(({ peer }) => peer);
  const [, text] = STATES[signalling.state];
  if (peers.length === 0) {
    const asked = [...conversations].map(({ peer }) => peer);
    const asking = signalling.state === 'online' && asked.length > 0;
    return asking ? `Connecting to ${asked.join(', ')}.` : text;
  }
  const connected = `Connected directly with ${peers.join(', ')}.`;
  return signalling.state === 'online' ? connected : `${text} The data channel goes on.`;
}

function show() {
  showSignalling(signalling.state, signalling.transport);
  showChannel([...conversations].map(({ state }) => state));
  pill(...word());
  say(sentence());
}

/**
 * Shows a connection for as long as it lives.
 * @param {any} connection
 * @param {boolean} ours
 */
function converse(connection, ours) {
  const conversation = new Conversation(connection, ours);
  const { peer } = conversation;
  const showState = addPeer(peer, () => disconnect(conversation));
  const on = (/** @type {string} */ type, /** @type {(event: any) => void} */ handle) => {
    conversation.addEventListener(type, handle);
  };
  conversations.add(conversation);
  on('state', () => changed(conversation, showState));
  on('text', ({ text }) => addLine(text, peer));
  on('file', ({ transfer }) => {
    addFile(transfer, () => transfer.refuse('not wanted'), peer);
  });
  on('trouble', ({ text }) => problem(text));
  on('gone', ({ reason }) => gone(conversation, reason));
  showState(conversation.state);
  show();
}

/**
 * @param {Conversation} conversation
 * @param {(state: string) => void} showState
 */
async function changed(conversation, showState) {
  showState(conversation.state);
  show();
  if (conversation.state === 'open') {
    closeOthers(conversation);
    problem('');
    showRoute(await conversation.route());
  }
}

/**
 * One connection with a peer is enough. Who connects again has lost the one before; but if both
 * sides have connected to each other at once, both must keep the same.
 * @param {Conversation} conversation which has just opened
 */
function closeOthers(conversation) {
  const { peer, id, ours } = conversation;
  const others = [...conversations].filter((it) => (
    it.peer === peer && it !== conversation && it.since > 0));
  for (const other of others) {
    const atOnce = other.ours !== ours && performance.now() - other.since < AT_ONCE_MS;
    (atOnce && id > other.id ? conversation : other).close();
  }
  if (others.length === 0) {
    addMark(`Connected with ${peer}`, 'good');
  }
}

/**
 * @param {Conversation} conversation
 * @param {string} reason
 */
function gone(conversation, reason) {
  const { peer, since } = conversation;
  const why = reason && `: ${reason}`;
  conversations.delete(conversation);
  const another = [...conversations].some((it) => it.peer === peer);
  if (since > 0 && !another) {
    addMark(`The connection with ${peer} ended${why}`, 'bad');
  } else if (reason) {
    addMark(`No connection with ${peer}${why}`, 'bad');
  }
  if (conversations.size === 0) {
    showRoute(undefined);
  }
  show();
}

/** @param {Conversation} conversation */
function disconnect(conversation) {
  remember('');
  conversation.close();
}

/** @param {string} id */
function connect(id) {
  const there = [...conversations].find(({ peer }) => peer === id);
  problem('');
  if (id === signalling.id) {
    problem('That is your own id. Connect to it from another window.');
  } else if (there && there.state !== 'interrupted') {
    problem(there.state === 'open' ? `You are connected with ${id} already.` : '');
  } else if (signalling.state === 'online') {
    remember(id);
    converse(signalling.connect(id), true);
  } else {
    wanted = id;
    problem('This is done as soon as the server is there.');
  }
}

/** @param {string} id that nobody has */
function unavailable(id) {
  const asked = [...conversations].filter(({ peer, since }) => peer === id && since === 0);
  asked.forEach((it) => it.close());
  problem(`Nobody has the id ${id} now.`);
}

/** @param {string} id that somebody else has */
function taken(id) {
  const next = former && former !== id ? former : newName(2);
  const whose = former && former !== id ? 'You are still' : 'Your id is now';
  former = '';
  begin(next);
  problem(`The id ${id} is taken. ${whose} ${next}.`);
}

/** @param {string} id */
function showCode(id) {
  const { protocol, hostname, port, pathname } = mountPath();
  const options = {
    host: `'${hostname}'`,
    port: port || (protocol === 'https:' ? 443 : 80),
    path: `'${pathname}'`,
  };
  const rows = Object.entries(options).map(([name, value]) => `  ${name}: ${value},\n`).join('');
  byId('code').textContent = `new Peer('${id}', {\n${rows}});`;
}

/** @param {string} id */
function begin(id) {
  store(id);
  signalling.begin(id);
  showYou({ id, link: address({ to: id }) });
  showCode(id);
}

/** @param {number} ms */
function resumed(ms) {
  addMark(`Signalling was away for ${(ms / 1000).toFixed(1)} s, and has missed nothing`, 'good');
}

function cut() {
  if (signalling.state !== 'online') {
    return;
  }
  signalling.cut(CUT_MS);
  addMark('Signalling cut', 'bad');
  const end = Date.now() + CUT_MS;
  const tick = () => {
    const seconds = Math.ceil((end - Date.now()) / 1000);
    const waiting = signalling.state === 'cut';
    showCut(waiting && seconds > 0 ? `Back in ${seconds} s` : 'Cut the connection');
    if (waiting) {
      setTimeout(tick, 250);
    }
  };
  tick();
}

/** @param {Iterable<File>} files */
function send(files) {
  for (const file of files) {
    if (file.size > SIZE_MAX) {
      addMark(`${file.name} is too big: files can have ${size(SIZE_MAX)}`, 'bad');
    } else {
      open().forEach((conversation) => {
        const transfer = conversation.send(file);
        addFile(transfer, () => transfer.stop('by you'));
      });
    }
  }
}

/** Online, or so again. */
function came() {
  const id = wanted;
  [former, wanted] = ['', ''];
  if (id) {
    connect(id);
  }
}

function listen() {
  const on = (/** @type {string} */ type, /** @type {(event: any) => void} */ handle) => {
    signalling.addEventListener(type, handle);
  };
  on('state', () => {
    show();
    if (signalling.state === 'online') {
      came();
    }
  });
  on('connection', ({ connection }) => converse(connection, false));
  on('message', ({ direction }) => {
    count[/** @type {'up' | 'down'} */ (direction)] += 1;
    showCount(count);
    travel(direction);
  });
  on('resumed', ({ ms }) => resumed(ms));
  on('gap', () => addMark('Signalling was away for too long: messages expired', 'bad'));
  on('unavailable', ({ id }) => unavailable(id));
  on('taken', ({ id }) => taken(id));
  on('trouble', ({ text }) => problem(text));
}

function wire() {
  onSubmit('connect', () => connect(byId('other').value.trim()));
  onSubmit('rename', () => {
    former = signalling.id;
    begin(byId('wanted').value.trim());
  });
  onSubmit('stun-form', () => location.assign(address({})));
  onSubmit('write', () => {
    const text = byId('text').value.trim();
    if (text) {
      open().forEach((conversation) => conversation.write(text));
      addLine(text);
      byId('text').value = '';
    }
  });
  byId('copy-id').addEventListener('click', () => copy('id', 'copy-id'));
  byId('copy-link').addEventListener('click', () => copy('link', 'copy-link'));
  byId('cut').addEventListener('click', cut);
  byId('file').addEventListener('change', () => {
    send([...byId('file').files]);
    byId('file').value = '';
  });
  byId('transports').addEventListener('change', (/** @type {any} */ { target }) => {
    signalling.use(target.value);
  });
  wireDrop(byId('chat'));
}

/** Files may be dropped there. @param {HTMLElement} box */
function wireDrop(box) {
  const over = (/** @type {boolean} */ is) => {
    box.dataset.over = String(is && open().length > 0);
  };
  box.addEventListener('dragover', (event) => {
    event.preventDefault();
    over(true);
  });
  box.addEventListener('dragleave', () => over(false));
  box.addEventListener('drop', (event) => {
    event.preventDefault();
    over(false);
    send([...event.dataTransfer?.files ?? []]);
  });
}

function start() {
  const stun = stunUri(new URLSearchParams(location.search).get('stun') ?? '');
  byId('stun').value = stun;
  signalling = new Signalling(Peer, sigpost, mountPath(), stun ? [{ urls: stun }] : []);
  listen();
  wire();
  begin(storedId() || newName(2));
}

byId('endpoint').textContent = new URL('peerjs', mountPath()).href;
if (sigpost && Peer) {
  start();
} else {
  showCode('abcd-efgh');
  byId(sigpost ? 'no-peerjs' : 'no-sigpost').hidden = false;
  byId('main').classList.add('lacking');
}
