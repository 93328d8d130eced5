/*
 * hub-roster - what its two files share: who listens, and what is told in this round.
 *
 *	hub-roster.c		listeners, rounds
 *	hub-roster-feed.c	what a listener is owed, into its stream
 */
#ifndef SIGPOST_HUB_ROSTER_H
#define SIGPOST_HUB_ROSTER_H

#include "hub-roll.h"

struct listener {
	int64_t		 box;
	uint32_t	 at;		/* how far it is in the whole list … */
	bool		 whole;		/* … which it is getting */
	bool		 owed;		/* what is told in this round … */
	uint32_t	 news;		/* … and how far it is in what joined since */
	bool		 joined;	/* its mailbox holds a name */
	uint8_t		 missing;	/* ticks without a stream */
};

struct roster {
	struct roll	 roll;
	int64_t		 since;		/* claims above it came between the last two readings … */
	struct buf	 fresh;		/* … and are these (uint32_t each, rising) */
	uint32_t	 slice, slice_n;	/* told in this round, from the former on, round the list */
	int64_t		 due;		/* loop_mono of what the timer is for … */
	int64_t		 soon;		/* … and of a round before the next tick; 0: none */
	int64_t		 ticked, read;	/* loop_mono of the last tick, the last reading; read 0: none yet */
	bool		 telling;	/* a round is under way … */
	int64_t		 told;		/* … to the listeners up to this box */
	struct listener	*list;		/* by box, rising */
	uint32_t	 count, room;
};

/* NULL: it does not listen. */
struct listener	*roster_find(const struct roster *o, int64_t box);
/* It is told something now: the rest of the list, or what this round is about. */
bool		 roster_wants(const struct listener *l);

#endif
