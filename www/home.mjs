/** The entrance: its command names the server it is read from. */

import { byId, mountPath } from './page.mjs';

byId('at').textContent = mountPath().href;
