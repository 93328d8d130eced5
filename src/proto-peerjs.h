/*
 * proto-peerjs - what the files of the PeerJS protocol tell each other.
 *
 *	proto-peerjs.c		the addresses of today, the table of routes
 *	proto-peerjs-who.c	key, id and token of a request: are they good, whose are they
 *	proto-peerjs-open.c	a stream for a peer: ids claimed, waited for, taken over
 *	proto-peerjs-talk.c	messages on their way, and what became of each
 *	proto-peerjs-message.c	what a message says; EXPIRE
 *	proto-peerjs-old.c	the addresses of PeerJS up to 0.3
 *
 * Source of every rule: the released servers (npm peer 0.2.10 to 1.0.2), docs/peerjs.md.
 *
 * A peer is a mailbox in the realm of its key, peer/KEY. It is found by the hash of its id and token
 * and holds its id as a claim, alone. What is sent to an id that nobody holds waits in a mailbox
 * of the realm void/KEY, found by the id alone, whose messages the next holder inherits.
 */
#ifndef SIGPOST_PROTO_PEERJS_H
#define SIGPOST_PROTO_PEERJS_H

#include "hub.h"
#include "json.h"
#include "proto.h"

#define PEERJS_WORD	256	/* bytes of an id or token, with the NUL */

enum peerjs_no {		/* why a peer is refused; the table is in proto-peerjs-who.c */
	NO_REASON,
	NO_WORDS,		/* key, id or token is missing */
	NO_KEY,			/* nobody knows this key */
	NO_KEY_OFF,		/* it is turned off */
	NO_KEY_EXPIRED,
	NO_ID,			/* this cannot be an id */
	NO_TOKEN,		/* this cannot be a token, or nobody has this id with it */
	NO_ROOM,		/* max_peers */
	NO_TAKEN,		/* somebody else holds the id, and lives */
	NO__MAX
};

struct peer {			/* who a request says it is from */
	struct hub	*hub;
	struct req	*r;
	char		 key[KEY_MAX], id[PEERJS_WORD], token[PEERJS_WORD];
	char		 realm[REALM_MAX];
	int64_t		 key_id;
	unsigned char	 hash[HASH_SIZE];	/* of id and token, once peer_prepare said so */
	struct box	 box;			/* once peer_find found it */
};

/* ---- proto-peerjs-who.c ---- */

/* Reads the three words from the query, or from the first segments of the path. */
enum peerjs_no	peer_from_query(struct peer *p, struct hub *hub, struct req *r);
enum peerjs_no	peer_from_path(struct peer *p, struct hub *hub, struct req *r);

/* NO_REASON and *k: the key serves, and the setting peerjs_key does not name another. */
enum peerjs_no	peerjs_key(struct hub *hub, struct str name, const struct key **k);

/* The live mailbox of this id and token: 0, -ERR_NOTFOUND. */
int		peer_find(struct peer *p);

/* The mailbox that keeps messages for an id nobody holds: 0, -ERR_NOTFOUND. With add it is made. */
int		peer_void(struct peer *p, struct str id, bool add, struct box *b);

const char	*peerjs_no_text(enum peerjs_no no);	/* the released server's words, where it has some */
int		peerjs_no_status(enum peerjs_no no);	/* HTTP, for what is no stream */
void		peerjs_no_stream(struct req *r, const struct wire *wire, enum peerjs_no no);
void		peerjs_no_problem(struct req *r, enum peerjs_no no);

/* ---- proto-peerjs-open.c ---- */

struct peer_open {
	const struct wire	*wire;
	struct str		 cursor;	/* what the client named; empty: nothing */
	int64_t			 order;
	bool			 quiet;		/* it goes on, without a cursor: no OPEN if we know it */
};

int	peer_open(struct peer *p, const struct peer_open *o);

/* The client closed the WebSocket of p->box: the id is free, and what waits for it is the next holder's. */
int	peer_goodbye(struct peer *p);

/* ---- proto-peerjs-talk.c ---- */

/* The messages of the body, in the name of p->box; answers. */
int	peer_talk(struct peer *p);

/* ---- proto-peerjs-message.c ---- */

enum peer_type { T_OFFER, T_ANSWER, T_CANDIDATE, T_LEAVE, T_EXPIRE, T_HEARTBEAT, T__MAX };

struct peer_message {		/* slices of the body */
	enum peer_type	type;
	bool		waits;		/* kept for a peer that is not there; its sender is told if it expires */
	struct str	dst;		/* as it was written, with its quotes; empty: none */
	struct str	payload;	/* empty: none */
};

const char	*peer_type_name(enum peer_type type);
/* NULL, or what is wrong with it: a sentence without a full stop. */
const char	*peer_read_message(const struct json_member *text, struct peer_message *out);
/* true if all the body says is HEARTBEAT. */
bool		peer_only_beats(const struct req *r);
/* To the sender of a message that expired, from the peer that did not take it. */
void		peer_expired(struct hub *hub, const struct msg_row *m);

/* ---- proto-peerjs-old.c ---- */

int	peer_old_stream(struct hub *hub, struct req *r);
int	peer_old_message(struct hub *hub, struct req *r);

#endif
