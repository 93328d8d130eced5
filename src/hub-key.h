/*
 * hub-key - API keys in memory, so that no request reads the store to find one.
 *
 * They are read again when another process has committed and the number that rises with each change of them
 * has risen: at the next tick (HUB_TICK_MS), and before a GET is served, if that was not asked for HUB_KEY_FRESH_MS,
 * or a key is called unknown. So whoever opens a stream obeys a change at once; for a POST and for streams that are
 * open it counts within a second.
 */
#ifndef SIGPOST_HUB_KEY_H
#define SIGPOST_HUB_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "req.h"
#include "store.h"

#define HUB_KEY_FRESH_MS 5	/* many who come at once do not ask each for itself */

struct key {			/* as struct realm_key; good until the next call of anything here */
	int64_t		 id;
	bool		 enabled, discovery;
	int64_t		 expires, max_peers;
	int64_t		 rate, rate_ms, burst;
	char		*origins;
	char		 name[KEY_MAX], realm[KEY_MAX];
};

struct keys {
	struct key	*list;		/* by name */
	uint32_t	*by_id;		/* places in list */
	uint32_t	 count, room;
	int64_t		 version;	/* of the store's, when they were read */
	int64_t		 next;		/* CLOCK_REALTIME ms: the next of them expires … */
	int64_t		 next_set;	/* … as it was seen then (CLOCK_REALTIME ms) */
	int64_t		 asked;		/* loop_mono: the number was read */
	bool		 short_of;	/* there was no memory for one of them */
	bool		 look;		/* another process committed: has one changed? */
	bool		 again;		/* a stream could not be ended yet */
	bool		 quiet;		/* that of webrtc-star has no discovery */
};

struct hub;
struct stream;
struct wire_end;

/* What a stream whose key serves no more is told last: end->name and data, static; more it may be told by
 * stream_event. key: its name; "" if it was removed. */
typedef void	hub_barred_fn(struct stream *s, const char *key, enum req_bar bar, struct wire_end *end);

/* NULL: there is none of that name. */
const struct key *hub_key(struct hub *hub, struct str name);

/* Why it serves nobody now: BAR_NONE, BAR_UNKNOWN (k is NULL), BAR_OFF, BAR_EXPIRED. */
enum req_bar	hub_key_bar(struct hub *hub, const struct key *k);

/* One more message in r, of the key of this number (0: of none). false: the key has had as many as its rate allows,
 * and r->retry_after says when there is room again. All processes count together; what is served again counts once. */
bool		hub_key_spend(struct hub *hub, struct req *r, int64_t id);

/* The request is one of this key: sets r->key and bar. The origins whose pages may use it, as origin.h has them: its
 * own, or the setting; good until the next call of anything here. */
struct str	hub_key_enter(struct hub *hub, struct req *r, struct str name);

#endif
