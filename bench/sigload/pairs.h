/*
 * pairs - opens the opts.pairs pairs that the modes lat, tput and post let talk.
 *
 * Callee first, then its caller, at most opts.conc at once. Whoever is not ready after 20 seconds
 * ends the run.
 */
#ifndef SIGLOAD_PAIRS_H
#define SIGLOAD_PAIRS_H

#include "peer.h"

/* Opens them all; `ready` of the hooks is not called. */
void pairs_open(const struct peer_hooks *hooks);

/* The peer of a pair. */
struct peer *pairs_peer(int pair, int side);

/* Calls for every peer, pair by pair, callee before caller. */
void pairs_each(void (*call)(struct peer *peer));

/* Turns the loop for so many seconds. */
void pairs_run(double seconds);

#endif
