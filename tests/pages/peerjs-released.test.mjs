/**
 * The released clients with the released servers: proves the pages, before they are used to judge
 * ours.
 */

import { after, before, describe } from 'node:test';

import { RELEASES, Reference } from '../blackbox/reference.mjs';
import { RELEASED, Window, describesClient, skip, withBrowser } from './peerjs.mjs';

withBrowser();

for (const client of RELEASED) {
  const release = RELEASES.find(({ sweeps }) => sweeps === client.old);
  describe(`PeerJS ${client.version} with ${release.name}`, () => {
    let server;
    before(async () => { server = skip ? undefined : await Reference.start(release, { discovery: true }); });
    after(() => server?.stop());
    describesClient(() => Window.open(server, client), client);
  });
}
