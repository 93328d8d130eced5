/*
 * proto-sigver - what the files of the sigver protocol tell each other.
 *
 *	proto-sigver.c		the channel: sources, auth, resumption, POST
 *	proto-sigver-talk.c	generations D (isKeyOk) and E (opened)
 *	proto-sigver-b.c	generation B (joinkey)
 *
 * Source of every rule: the released servers (npm sigver 6 to 10) and docs/sigver.md.
 *
 * A source is a mailbox; its auth token is good for POST, its handle (part of each event id)
 * for resuming only. A key is a claim, a joining is a link owned by its opener.
 */
#ifndef SIGPOST_PROTO_SIGVER_H
#define SIGPOST_PROTO_SIGVER_H

#include "hub.h"
#include "json.h"
#include "proto.h"

#define SIGVER_KEY_UNITS	512		/* UTF-16 code units of a key */
#define SIGVER_ID_MAX		2147483647
#define SIGVER_MEMBERS		2		/* no message has more */

struct dialect {
	const char	*realm;		/* of its sources */
	const char	*keys;		/* realm of its keys */
	bool		 opened;	/* generation E */
};

struct talk {			/* one POST */
	struct hub		*hub;
	struct req		*r;
	const struct dialect	*dialect;
	struct box		 me;
	struct json_member	 m[SIGVER_MEMBERS];
	size_t			 count;		/* of members */
	int			 parsed;	/* what json_members said of text */
	bool			 answered;	/* a reply is queued */
};

/* Ends the source: it gets {code, reason} as its last event. */
int	sigver_close(struct talk *t, int code, const char *reason);

/* A key: its text into out (a claim's name); NULL, or what is wrong with it. */
const char	*sigver_key(struct str value, enum json_kind kind, struct buf *out);

/* A message to a source of the form PREFIX value SUFFIX, e.g. {"data": value }. */
int	sigver_relay(struct talk *t, int64_t box, const char *prefix, struct str value);

/* Each returns 0, or an error for route.c (what was written is undone). */
int	sigver_talk(struct talk *t);			/* D and E; also says what is wrong with a message */
bool	sigver_is_b(struct talk *t);			/* its shape, or its source, is of generation B */
int	sigver_talk_b(struct talk *t);

#endif
