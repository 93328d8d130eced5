/** Released PeerJS clients with sigpost behind lighttpd CGI: see peerjs-ours.mjs. */

import { kind } from '../blackbox/kinds.mjs';
import { describesOurs } from './peerjs-ours.mjs';

describesOurs(kind('lighttpd CGI'));
