/** The page of codes: what is clicked, scanned and pasted goes to a Meeting, and what that has is shown. */

import { byId, copy, mountPath, onSubmit } from './page.mjs';
import { createPeer, sigpostCarrier } from './peer.js';
import { Camera } from './qr-camera.mjs';
import { canDraw, readFile } from './qr-image.mjs';
import { Meeting, bare, sentence } from './qr-meeting.mjs';
import { Tabs } from './qr-tabs.mjs';
import { expand } from './sdp.js';
import {
  addLine, problem, showCamera, showMeeting, showPeers, showWay, storageLacks, told,
} from './qr-view.mjs';

const peer = createPeer();
const camera = new Camera(byId('video'));
const meeting = new Meeting(peer, sigpostCarrier(mountPath()), { changed, failed });
const tabs = new Tabs({ waits: () => meeting.awaitsAnswer, take: (code) => read(code) });

function changed() {
  if (meeting.step === 'offer') {
    tabs.shown();
  }
  if (meeting.step !== 'offer') {
    stopCamera();
  }
  showMeeting(meeting);
}

/** What was going on came to nothing: it is said, and there is a new offer. @param {unknown} error */
function failed(error) {
  problem(sentence(error));
  offer();
}

async function offer() {
  try {
    await meeting.offer();
  } catch (error) {
    storageLacks(sentence(error));
  }
}

/** @param {string} text */
async function read(text) {
  problem('');
  try {
    await meeting.read(text);
    byId('pasted').value = '';
  } catch (error) {
    problem(sentence(error));
  }
}

// ---- reading

function stopCamera() {
  camera.stop();
  showCamera(false);
}

async function scan() {
  problem('');
  if (camera.on) {
    stopCamera();
    return;
  }
  showCamera(true);
  try {
    await camera.start((text) => read(text));
  } catch (error) {
    stopCamera();
    problem(/** @type {Error} */ (error).message);
  }
}

/** @param {File | undefined} file */
async function readPicture(file) {
  if (file === undefined) {
    return;
  }
  problem('');
  try {
    const text = await readFile(file);
    await (text === undefined ? problem('No QR code was found in that picture. Take one that is sharp, with its white margin.') : read(text));
  } catch {
    problem('That file is no picture.');
  }
  byId('picture').value = ''; // the same one may be chosen again
}

/** What this page was opened with. A reload must not read it again. */
async function readAddress() {
  const code = bare(location.href);
  if (!location.hash || location.hash === '#main') {
    return false;
  }
  history.replaceState(null, '', location.pathname + location.search);
  if (await isAnswer(code) && await tabs.pass(code)) {
    byId('passed').hidden = false;
    return true;
  }
  await read(code);
  return true;
}

/** @param {string} code */
async function isAnswer(code) {
  try {
    return expand(code).type === 'answer';
  } catch {
    return false;
  }
}

// ---- what is clicked

byId('scan').addEventListener('click', scan);
byId('picture').addEventListener('change', () => readPicture(byId('picture').files[0]));
byId('copy-code').addEventListener('click', () => copy('code', 'copy-code'));
byId('copy-link').addEventListener('click', () => copy('link', 'copy-link'));
byId('share').hidden = navigator.share === undefined;
byId('share').addEventListener('click', () => navigator.share({ url: byId('link').value }).catch(() => {}));
document.querySelectorAll('input[name="as"]').forEach((it) => it.addEventListener('change', showWay));
onSubmit('paste', () => read(byId('pasted').value));

byId('get-digits').addEventListener('click', async () => {
  byId('get-digits').disabled = true;
  problem('');
  try {
    await meeting.getDigits();
  } catch (error) {
    problem(sentence(error));
  } finally {
    byId('get-digits').disabled = false;
  }
});

byId('anew').addEventListener('click', () => {
  problem('');
  offer();
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
peer.on('chat', (text, sender) => addLine(String(text), sender.id));

addEventListener('hashchange', readAddress);
addEventListener('pagehide', () => {
  camera.stop();
  peer.close();
});

canDraw().then((can) => { byId('no-qr').hidden = can; });
peer.ready.then((id) => showPeers([], id), () => {});
showWay();
await offer();
await readAddress();
