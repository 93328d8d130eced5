/** The page of codes: what is clicked, scanned and pasted goes to a Meeting, and what that has is shown. */

import { addLine } from './chat.mjs';
import { byId, copy, mountPath, onSubmit } from './page.mjs';
import { createPeer, sigpostCarrier } from './peer.js';
import { Camera } from './qr-camera.mjs';
import { canDraw, readFile } from './qr-image.mjs';
import { bare, parse } from './qr-code.mjs';
import { Meeting, sentence } from './qr-meeting.mjs';
import { Tabs } from './qr-tabs.mjs';
import {
  chooseWay, failure, goesOnElsewhere, lacksLibrary, lacksStorage, problem, short, showCamera, showMeeting, showPeers,
  showWay, told,
} from './qr-view.mjs';

/** A second window, to try it: somebody else for the first one. */
const SECOND = new URLSearchParams(location.search).has('second');

const peer = createPeer({ identity: SECOND ? null : 'default' });
const camera = new Camera(byId('video'));
const meeting = new Meeting(peer, sigpostCarrier(mountPath()), { changed, failed });
const tabs = new Tabs({ waitsFor: (tag) => meeting.waitsFor(tag), take: (text) => read(text) });

function changed() {
  if (meeting.step !== 'offer') {
    stopCamera();
  }
  showMeeting(meeting);
}

/** What was going on came to nothing: it is said, and there is a new offer. @param {unknown} error */
function failed(error) {
  failure(`${sentence(error)} Here is a new code.`);
  offer();
}

async function offer() {
  problem('');
  try {
    await meeting.offer();
  } catch (error) {
    lacksStorage(sentence(error));
  }
}

/** What somebody who begins anew has read by then. */
function offerAnew() {
  failure('');
  offer();
}

/** @param {string} text @param {(sentence: string) => void} [tell] what is wrong with it */
async function read(text, tell = problem) {
  tell('');
  try {
    await meeting.read(text);
    failure('');
    byId('pasted').value = '';
  } catch (error) {
    tell(sentence(error));
  }
}

// ---- reading

function stopCamera() {
  camera.stop();
  showCamera(false);
}

/** @param {unknown} error */
function noCamera(error) {
  stopCamera();
  problem(sentence(error));
}

async function scan() {
  problem('');
  if (camera.on) {
    stopCamera();
    return;
  }
  showCamera(true);
  await camera.start((text) => read(text), noCamera).catch(noCamera);
}

/** @param {File | undefined} file */
async function readPicture(file) {
  if (file === undefined) {
    return;
  }
  problem('');
  try {
    await read(await readFile(file));
  } catch (error) {
    problem(sentence(error));
  }
  byId('picture').value = ''; // the same one may be chosen again
}

/** What this page was opened with. A reload must not read it again. */
async function readAddress() {
  if (!location.hash || location.hash === '#main') {
    return;
  }
  const text = bare(location.href);
  history.replaceState(null, '', location.pathname + location.search);
  const { type, tag } = noteIn(text);
  if (type === 'answer' && !meeting.waitsFor(tag) && await tabs.pass(text, tag)) {
    goesOnElsewhere();
    return;
  }
  if (type === 'offer') {
    chooseWay('link'); // it goes back as it came
  }
  await read(text, failure);
  if (SECOND && meeting.step === 'answer') {
    await tabs.pass(String(meeting.link), parse(String(meeting.link)).tag);
  }
}

/** @param {string} text @returns {Partial<import('./qr-code.mjs').Note>} */
function noteIn(text) {
  try {
    return parse(text);
  } catch { // read() says what is wrong
    return {};
  }
}

// ---- what is clicked

/** The server's digits are instead of an offer. */
function changeWay() {
  showWay();
  if (meeting.step === 'code') {
    offerAnew();
  }
}

byId('scan').addEventListener('click', scan);
byId('picture').addEventListener('change', () => readPicture(byId('picture').files[0]));
byId('copy-code').addEventListener('click', () => copy('code', 'copy-code'));
byId('copy-link').addEventListener('click', () => copy('link', 'copy-link'));
byId('share').hidden = navigator.share === undefined;
byId('share').addEventListener('click', () => navigator.share({ url: byId('link').value }).catch(() => {}));
document.querySelectorAll('input[name="as"]').forEach((it) => it.addEventListener('change', changeWay));
onSubmit('paste', () => read(byId('pasted').value));

document.querySelectorAll('.again').forEach((it) => it.addEventListener('click', offerAnew));

byId('get-digits').addEventListener('click', async () => {
  byId('get-digits').disabled = true;
  failure('');
  try {
    await meeting.getDigits();
  } catch (error) {
    failure(sentence(error));
  } finally {
    byId('get-digits').disabled = false;
  }
});

onSubmit('write', () => {
  const text = byId('text').value.trim();
  if (text && peer.broadcast('chat', text) > 0) {
    addLine(text);
    byId('text').value = '';
  }
});

// ---- what comes

peer.on('connect', (_, remote) => {
  told(remote.id);
  showPeers(peer.connections);
});
peer.on('disconnect', (_, remote) => {
  told(remote.id, true);
  showPeers(peer.connections);
  if (peer.connections.length === 0 && meeting.step === 'connected') {
    offer();
  }
});
peer.on('chat', (text, sender) => addLine(String(text), short(sender.id)));

addEventListener('hashchange', readAddress);
addEventListener('pagehide', () => {
  camera.stop();
  peer.close();
});
addEventListener('pageshow', ({ persisted }) => persisted && location.reload()); // what it showed is closed

canDraw().then((can) => can || lacksLibrary());
peer.ready.then((id) => showPeers([], id), () => {});
showWay();
await offer();
await readAddress();
