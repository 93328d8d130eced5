/*
 * hub-roll - the names of a realm whose holders are present, as they were at one moment, in the order of
 * their bytes; and the event that tells of each, rendered once for all streams of a wire.
 *
 * A struct roll owns its memory; what it hands out is good until the next roll_read.
 */
#ifndef SIGPOST_HUB_ROLL_H
#define SIGPOST_HUB_ROLL_H

#include "buf.h"
#include "store.h"
#include "wire.h"

#define ROLL_VIEWS 6	/* wires that are rendered for; of more, some are rendered again and again */

struct roll_entry {
	uint32_t	 at, size;	/* of its name */
	int64_t		 id;		/* of the claim: who came later has a greater one */
	int64_t		 box;
};

struct roll_view {
	const struct wire *wire;	/* NULL: unused */
	struct buf	 bytes;		/* the events, one after the other */
	struct buf	 ends;		/* uint32_t each: where it ends in bytes */
};

struct roll {
	uint32_t	 n;
	int64_t		 newest;	/* the greatest id; 0: nobody is there */
	struct buf	 names, entries;
	struct roll_view view[ROLL_VIEWS];
};

void	roll_init(struct roll *r);
void	roll_release(struct roll *r);	/* empty, and usable again */

/* Reads it anew. After an error it is empty. */
int	roll_read(struct roll *r, struct store *s, const char *realm);

const struct roll_entry	*roll_entry(const struct roll *r, uint32_t i);
struct str		 roll_name(const struct roll *r, uint32_t i);
/* The first that is not before this name; n: all are. */
uint32_t		 roll_find(const struct roll *r, struct str name);

/* The event of one name: named `event`, its data the name in JSON. Adds the data to `data`. */
struct wire_event	 roll_event(const struct roll *r, uint32_t i, struct str event, struct buf *data);
/* All of them for a wire that renders an event alike whatever came before it. NULL: out of memory. */
const struct roll_view	*roll_view(struct roll *r, const struct wire *w, struct str event);
/* Those from `from` up to, not including, `to`. */
struct str		 roll_bytes(const struct roll_view *v, uint32_t from, uint32_t to);

#endif
