/**
 * Records the descriptions in this directory from Chromium and Firefox. As root:
 *
 *     node tests/descriptions/record.mjs [NETWORK…]
 *
 * Each network is a namespace of its own (unshare -n) with an interface that has the addresses
 * named here and nothing else, so that the browsers have just those candidates. The STUN server in
 * there answers as one behind a NAT would see it: with an address of RFC 5737, and its own port.
 *
 * A file NETWORK-WHAT-FROM-TO.offer.sdp is what the browser FROM offered, and the .answer.sdp
 * beside it what the browser TO answered to that, both with all candidates gathered.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';
import { startSite } from './site.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const STUN = { host: '192.168.1.23', port: 3478 };
const MAPPED = [203, 0, 113, 77];

/** Addresses, whether they are hidden behind mDNS names, STUN, and what is described. */
const NETWORKS = {
  ipv4: { addresses: ['192.168.1.23/24'], whats: ['data', 'audio', 'video', 'watch', 'all', 'apart'] },
  mdns: { addresses: ['192.168.1.23/24'], hidden: true, whats: ['data', 'all'] },
  dual: { addresses: ['192.168.1.23/24', '2001:db8:5::17/64'], whats: ['data'] },
  'dual-mdns': { addresses: ['192.168.1.23/24', '2001:db8:5::17/64'], hidden: true, whats: ['data'] },
  stun: { addresses: ['192.168.1.23/24'], stun: true, whats: ['data'] },
  'stun-mdns': { addresses: ['192.168.1.23/24'], hidden: true, stun: true, whats: ['data'] },
};

const BROWSERS = {
  chromium: async ({ hidden }) => {
    const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking',
      ...(hidden ? [] : ['--disable-features=WebRtcHideLocalIpsWithMdns'])];
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args });
    return { browser, page: await browser.newPage() };
  },
  firefox: async ({ hidden }) => {
    const browser = await puppeteer.launch({
      browser: 'firefox',
      executablePath: '/usr/bin/firefox-esr',
      headless: true,
      extraPrefsFirefox: {
        'media.peerconnection.ice.obfuscate_host_addresses': Boolean(hidden),
        'network.captive-portal-service.enabled': false,
        'network.connectivity-service.enabled': false,
      },
    });
    return { browser, page: await browser.newPage() };
  },
};

/** RFC 8489: a binding request's answer, with MAPPED as the address. */
function bound(request, port) {
  const answer = Buffer.alloc(32);
  request.copy(answer, 0, 0, 20);
  answer.writeUInt16BE(0x0101, 0);
  answer.writeUInt16BE(12, 2);
  answer.writeUInt32BE(0x00200008, 20);
  answer.writeUInt16BE(1, 24);
  answer.writeUInt16BE(port ^ 0x2112, 26);
  MAPPED.forEach((byte, i) => { answer[28 + i] = byte ^ request[4 + i]; });
  return answer;
}

async function startStun() {
  const socket = dgram.createSocket('udp4');
  socket.on('message', (request, { address, port }) => {
    if (request.length >= 20 && request.readUInt16BE(0) === 1) {
      socket.send(bound(request, 20000 + (port % 30000)), port, address);
    }
  });
  await new Promise((resolve) => { socket.bind(STUN.port, STUN.host, resolve); });
  return socket;
}

/** In the page: a connection with the tracks that `what` names, everything gathered. */
async function describe({ what, iceServers, offer }) {
  const media = {
    data: [], audio: ['audio'], video: ['audio', 'video'], watch: ['audio', 'video'],
    all: ['audio', 'video'], apart: ['audio', 'video'],
  }[what];
  const connection = new RTCPeerConnection({
    iceServers, bundlePolicy: what === 'apart' ? 'max-compat' : what === 'all' ? 'max-bundle' : 'balanced',
  });
  const track = {
    audio: () => new AudioContext().createMediaStreamDestination().stream,
    video: () => {
      const canvas = document.createElement('canvas');
      canvas.getContext('2d').fillRect(0, 0, 9, 9);
      return canvas.captureStream(5);
    },
  };
  if (offer) {
    await connection.setRemoteDescription(offer);
  }
  for (const kind of media) {
    const stream = track[kind]();
    if (what === 'watch' && !offer) {
      connection.addTransceiver(kind, { direction: 'recvonly' });
    } else {
      connection.addTrack(stream.getTracks()[0], stream);
    }
  }
  if (!offer && ['data', 'all', 'apart'].includes(what)) {
    connection.createDataChannel('data');
  }
  const gathered = new Promise((resolve) => {
    connection.onicecandidate = ({ candidate }) => candidate ?? resolve(undefined);
  });
  await connection.setLocalDescription();
  await gathered;
  const { type, sdp } = connection.localDescription;
  connection.close();
  return { type, sdp };
}

async function record(name, { stun, whats, ...network }) {
  const site = await startSite();
  const server = stun && await startStun();
  const iceServers = stun ? [{ urls: `stun:${STUN.host}:${STUN.port}` }] : [];
  const open = {};
  for (const [browser, launch] of Object.entries(BROWSERS)) {
    open[browser] = await launch(network);
    await open[browser].page.goto(site.url);
  }
  for (const what of whats) {
    for (const from of Object.keys(open)) {
      const offer = await open[from].page.evaluate(describe, { what, iceServers });
      save(`${name}-${what}-${from}`, offer);
      for (const to of Object.keys(open)) {
        const answer = await open[to].page.evaluate(describe, { what, iceServers, offer });
        save(`${name}-${what}-${from}-${to}`, answer);
      }
    }
  }
  await Promise.all(Object.values(open).map(({ browser }) => browser.close()));
  server?.close();
  await site.close();
}

function save(name, { type, sdp }) {
  console.log(`${name}.${type}.sdp`, sdp.length);
  writeFileSync(`${HERE}${name}.${type}.sdp`, sdp);
}

/** The namespace: d0 has the addresses, d1 is its other end. */
function enter(name) {
  const { addresses } = NETWORKS[name];
  const commands = [
    'ip link set lo up', 'ip link add d0 type veth peer name d1',
    'ip link set d0 addrgenmode none', 'ip link set d1 addrgenmode none',
    ...addresses.map((it) => `ip addr add ${it} dev d0 ${it.includes(':') ? 'nodad' : ''}`),
    'ip link set d0 up', 'ip link set d1 up', 'ip route add default dev d0',
    ...(addresses.length > 1 ? ['ip -6 route add default dev d0'] : []),
    `exec "${process.execPath}" "${fileURLToPath(import.meta.url)}" --inside ${name}`,
  ];
  const { status } = spawnSync('unshare', ['-n', 'sh', '-ec', commands.join('\n')], { stdio: 'inherit' });
  if (status !== 0) {
    throw new Error(`${name} was not recorded`);
  }
}

const [first, name] = process.argv.slice(2);
if (first === '--inside') {
  await record(name, NETWORKS[name]);
} else {
  const names = process.argv.slice(2);
  (names.length ? names : Object.keys(NETWORKS)).forEach(enter);
  console.log(execFileSync('/usr/bin/firefox-esr', ['--version'], { encoding: 'utf8' }));
}
