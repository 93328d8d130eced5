/** Compiled only: a page's program that finds the classic script's global. */

/// <reference path="../../www/sigpost.d.ts" />

const uninstall: () => void = sigpost.install({ server: '/sigpost' });
uninstall();

for (const socket of sigpost.sockets) {
  socket.cut(1000);
}

// @ts-expect-error: nothing else is in it
sigpost.nothing();
