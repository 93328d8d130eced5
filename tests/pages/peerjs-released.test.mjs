/**
 * The released clients with the released servers: proves the pages, before they are used to judge
 * ours.
 */

import { after, before, describe } from 'node:test';

import { RELEASES, Reference } from '../blackbox/reference.mjs';
import { RELEASED, SCENARIOS, Window, browserTest, skip, withBrowser } from './peerjs.mjs';

withBrowser();

for (const client of RELEASED) {
  const release = RELEASES.find(({ sweeps }) => sweeps === client.old);
  describe(`PeerJS ${client.version} with ${release.name}`, () => {
    let server;
    before(async () => {
      server = skip ? undefined : await Reference.start(release, { discovery: true, peerjs_expire_ms: 1000 });
    });
    after(() => server?.stop());
    for (const [name, scenario] of Object.entries(SCENARIOS)) {
      browserTest(name, () => scenario(() => Window.open(server, client), client));
    }
  });
}
