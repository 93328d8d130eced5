/*
 * peer - one client of the signalling server; two of them make a pair.
 *
 * Side 0 is the callee, which opens first and waits; side 1 is the caller. A peer is *ready* once
 * the server has accepted it. The mode that runs hears what happens through peer_hooks.
 * A peer may be ended at any depth of a callback: it is `over` at once, hears nothing more, and
 * its memory goes at the end of the turn.
 */
#ifndef SIGLOAD_PEER_H
#define SIGLOAD_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link.h"
#include "payload.h"

struct peer {
	int pair, side;
	struct peer *other;		/* itself where a peer is alone */
	bool ready, over;
	struct peer *next_over;
	char id[56], token[16];		/* names to use with the server */
	struct link link;

	/* The adapter's. */
	char session[160];		/* what the server calls this peer */
	int stage;
	long remote_id;			/* what the server calls the other one */

	/* The mode's. */
	uint32_t seq, expected_seq;	/* of the next message sent, and received */
	int outstanding;		/* messages under way */
	int got_sdp, got_candidates;
	uint64_t started_ns;
};

/* What a mode is told. `message` MUST be set where messages arrive, the others MAY be NULL. */
struct peer_hooks {
	void (*ready)(struct peer *peer);
	void (*failed)(struct peer *peer);
	void (*message)(struct peer *to, struct peer *from, const struct payload_mark *mark);
	void (*posted)(struct peer *peer);	/* a POST was answered */
};

/*
 * Call once, before all else. `pairs` is how many consecutive pair numbers live at the same time
 * at most.
 */
void peer_init(int pairs, const struct peer_hooks *hooks);

/* A peer that is not connected yet. */
struct peer *peer_new(int pair, int side);

/* Makes two new peers of one pair; returns the callee. */
struct peer *peer_new_pair(int pair);

/* Connects (the adapter's open). */
void peer_open(struct peer *peer);

/* Sends one message of a kind to the other side. */
void peer_send(struct peer *peer, enum payload_kind kind);

/* Disconnects and forgets. */
void peer_end(struct peer *peer);

/* One round of the loop, waiting at most so many seconds. */
void peer_turn(double seconds);

/*
 * For adapters and links: what happened to a peer. Repeated calls of peer_ready are ignored;
 * peer_receive takes any number of messages at once.
 */
void peer_ready(struct peer *peer);
void peer_fail(struct peer *peer, const char *why);
void peer_receive(struct peer *peer, const char *bytes, size_t len);
void peer_posted(struct peer *peer);

#endif
