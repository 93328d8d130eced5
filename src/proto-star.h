/*
 * proto-star - what the files of webrtc-star tell each other, and what other transports take from them.
 *
 *	proto-star.c		the address /star: who calls; events up, by POST
 *	proto-star-open.c	GET /star: a stream down, by SSE
 *	proto-star-talk.c	the core: join, leave, handshake. Knows no HTTP
 *	proto-star-pass.c	a multiaddr that passes on to another mailbox, and what waits for it
 *	proto-star-message.c	what a handshake says
 *
 * Source of every rule: the released servers (npm @libp2p/webrtc-star-signalling-server 0.1.0 to 4.0.0),
 * docs/star.md.
 *
 * A multiaddr is a name in STAR_REALM, held alone by a mailbox of whatever realm, which may hold
 * several. Handshakes are stored in the mailbox of the holder; who is there is told beside them, and not
 * stored (hub-roster).
 */
#ifndef SIGPOST_PROTO_STAR_H
#define SIGPOST_PROTO_STAR_H

#include "hub.h"
#include "json.h"
#include "proto.h"

#define STAR_MEMBERS	16	/* of a handshake */

/* ---- the core: inside a turn ---- */

struct star_peer {		/* who speaks */
	struct hub	*hub;
	struct req	*r;		/* what it says came with it; it counts to the rate of the key */
	struct contest	*contest;	/* REQ_CONTESTS of the request, or of whatever is served again on -ERR_WAIT */
	struct box	 box;		/* its mailbox, live */
	unsigned	 met;		/* private, 0 at first: bits of those contests, met in this serving */
};

enum star_result {		/* what became of an event; the words are in proto-star-talk.c */
	STAR_JOINED,		/* the sender holds the multiaddr now, or did already */
	STAR_LEFT,		/* it holds it no more */
	STAR_PRESENT,		/* a handshake is stored, its receiver has a stream … */
	STAR_QUEUED,		/* … or is away and may come back */
	STAR_RETURNED,		/* nobody holds that multiaddr: the sender gets it back, with `err` */
	STAR_IGNORED,		/* not an object with two multiaddrs, or no multiaddr (the released server is silent) */
	STAR_REFUSED,		/* it may not, or there is no room */
	STAR__MAX
};

struct star_said {
	enum star_result result;
	int		 err;		/* STAR_IGNORED and STAR_REFUSED: -enum err … */
	const char	*reason;	/* … and a sentence without a full stop */
};

const char	*star_word(enum star_result result);	/* "joined", …; NULL for the last two */

/* All three: 0 and *said; or an error of the store, after which what was written is to be taken back.
 *
 * The multiaddr becomes the sender's. If its holder is gone, what waits there for it comes along. -ERR_WAIT:
 * whether he is is not known yet (hub_contest). */
int	star_join(struct star_peer *who, struct str addr, struct star_said *said);
/* The mailbox lives on, also if that was its last one. */
int	star_leave(struct star_peer *who, struct str addr, struct star_said *said);
/* To srcMultiaddr if `answer` is true, else to dstMultiaddr; the sender must hold the other one. The
 * object travels as its sender wrote it, without line ends between its tokens. */
int	star_handshake(struct star_peer *who, const struct json_member *object, struct star_said *said);

/* join in two steps, for who has no mailbox yet (box.id 0): may the multiaddr be had? *holder: from whom
 * (id 0: it is free); and, once there is a mailbox, have it. Between the two nothing may be written. */
int	star_ask(struct star_peer *who, struct str addr, struct box *holder, struct star_said *said);
int	star_have(struct star_peer *who, struct str addr, const struct box *holder, struct star_said *said);

/* A handshake nobody took: its sender gets it back. */
void	star_expired(struct hub *hub, const struct msg_row *m);

/* true, or *said refuses it: empty, longer than star_addr_bytes, no slash in front, not plain text. */
bool	star_addr_good(const struct hub *hub, struct str addr, struct star_said *said);

/* ---- proto-star-pass.c ---- */

/* The multiaddr is who's no more but to's: what waits for it goes along; a mailbox that holds none any
 * more ends. */
int	star_pass_on(struct hub *hub, struct str addr, const struct box *from, int64_t to);

/* ---- proto-star-message.c ---- */

struct handshake {
	struct buf	src, dst;	/* multiaddrs, escapes resolved */
	bool		answer;
};

/* NULL, or what is wrong: a sentence without a full stop. Either way to be released. */
const char	*handshake_read(const struct json_member *object, struct handshake *h);
void		 handshake_release(struct handshake *h);
struct str	 handshake_from(const struct handshake *h);	/* the sender's multiaddr */
struct str	 handshake_to(const struct handshake *h);	/* the receiver's */

/* The object, a line; with its `err` where it is returned. */
void		 handshake_copy(struct buf *out, struct str object, bool returned);

/* ---- the address /star ---- */

#define STAR_TOKEN	256	/* bytes of a token, with the NUL */

struct star_caller {		/* who a request says it is from */
	struct star_peer peer;
	struct req	*r;
	char		 addr[NAME_BYTES_MAX + 1];
	char		 token[STAR_TOKEN];	/* "": it names none */
	unsigned char	 hash[HASH_SIZE];	/* of both, once star_find was asked */
};

/* The live mailbox of this multiaddr and token, which need not hold the multiaddr any more: 0,
 * -ERR_NOTFOUND and box.id 0. */
int	star_find(struct star_caller *c);

/* ---- proto-star-open.c ---- */

int	star_open(struct star_caller *c, struct str cursor, int64_t order);

/* ---- the key of all that speaks webrtc-star ---- */

int	star_key(const struct req *r, char *out);	/* as in struct proto */

#endif
