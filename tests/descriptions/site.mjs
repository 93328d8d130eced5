/** A web site of its own with an empty page, and the modules of www/. */

import { createReadStream, existsSync } from 'node:fs';
import http from 'node:http';
import { fileURLToPath } from 'node:url';

const WWW = fileURLToPath(new URL('../../www/', import.meta.url));

function answer(req, res) {
  const [, name] = /^\/www\/([\w-]+\.m?js)$/.exec(req.url) ?? [];
  if (name && existsSync(WWW + name)) {
    res.writeHead(200, { 'Content-Type': 'text/javascript' });
    createReadStream(WWW + name).pipe(res);
  } else {
    res.writeHead(200, { 'Content-Type': 'text/html' });
    res.end('<!doctype html><title>WebRTC</title><link rel="icon" href="data:,">');
  }
}

export async function startSite() {
  const server = http.createServer(answer);
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => { server.close(resolve); });
    },
  };
}
