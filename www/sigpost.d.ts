/** The classic script: everything in sigpost.d.mts as members of the global `sigpost`. */

import type * as client from './sigpost.mjs';

declare global {
  const sigpost: typeof client;
}
