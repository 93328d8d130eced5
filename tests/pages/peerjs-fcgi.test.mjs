/** Released PeerJS clients with sigpost behind lighttpd FastCGI: see peerjs-ours.mjs. */

import { kind } from '../blackbox/kinds.mjs';
import { describesOurs } from './peerjs-ours.mjs';

describesOurs(kind('lighttpd FastCGI'));
