/** Compiled only: how a user's program calls the WebSocket client. */

import { SigpostSocket, install, sockets, type Transport } from '../../www/sigpost.mjs';

const uninstall: () => void = install({
  server: ['https://example.org/sigpost', new URL('https://example.org/')],
  transports: ['sse', 'poll'],
  onsocket: (socket) => socket.cut(),
});
uninstall();
install();

const socket = new SigpostSocket('wss://example.org/sigver', [], { giveUpMs: 10_000, fetch });
socket.onmessage = ({ data }) => {
  const text: string = data;
  socket.send(text);
};
socket.onclose = ({ code, reason, wasClean }) => socket.close(wasClean ? code : 3000, reason);
socket.addEventListener('transport', ({ transport }) => {
  const name: Transport = transport;
  socket.send(name);
});
socket.addEventListener('gap', ({ from, to }) => socket.send(`${from} ${to}`));
socket.addEventListener('refused', ({ text, reason, status }) => {
  socket.send(`${text} ${reason} ${status ?? 0}`);
});
for (const it of sockets) {
  const state: number = it.readyState;
  it.close(state === SigpostSocket.OPEN && it.connected ? 1000 : undefined);
}
const asItIs: Pick<WebSocket, 'send' | 'close' | 'url' | 'readyState' | 'bufferedAmount'> = socket;
asItIs.send('');

// @ts-expect-error: no such transport
install({ transports: ['pigeon'] });
// @ts-expect-error: both protocols are text
socket.send(new Uint8Array(1));
// @ts-expect-error: the set is not the page's
sockets.add(socket);
// @ts-expect-error: no such event
socket.addEventListener('massage', () => {});
