/*
 * proto-sio - what the files of Socket.IO tell each other.
 *
 *	proto-sio.c		the addresses /socket.io and /socket.io-next: sessions, polls, WebSockets
 *	proto-sio-stream.c	what a WebSocket would carry, by SSE or long poll; back where it broke off
 *	proto-sio-talk.c	packets of a session: Engine.IO, Socket.IO in it, and webrtc-star in that
 *
 * Source of every rule: the released servers (npm engine.io 3 to 6, socket.io 2 to 4), docs/star.md.
 *
 * A session is a mailbox in the realm sio3 or sio4 (of its Engine.IO version), found by the hash of its
 * sid. What it is told waits there: packets as they stand, and handshakes. The multiaddrs it joins
 * are claims of proto-star's. Nothing else of it is kept, so any process serves any poll.
 */
#ifndef SIGPOST_PROTO_SIO_H
#define SIGPOST_PROTO_SIO_H

#include "eio.h"
#include "hub.h"
#include "proto.h"

#define SIO_SID		64	/* bytes of a sid, with the NUL */

struct session {
	struct hub	*hub;
	struct req	*r;
	int		 version;	/* of Engine.IO: 3 or 4 */
	bool		 polls;		/* the request has the transport of released clients' polls */
	const char	*realm;
	char		 sid[SIO_SID];	/* that the request names, by itself or in its cursor … */
	unsigned char	 hash[HASH_SIZE];	/* … and its hash */
	bool		 resumes;	/* it names a cursor: at */
	struct cursor	 at;
	struct box	 box;
	unsigned	 met;		/* as in struct star_peer, over all packets of the request */
};

/* ---- proto-sio.c ---- */

/* A new session on a stream of o->wire, whose first packet is `open`. Fills in the rest of o. */
int	sio_open(struct session *s, struct hub_open *o);

/* Who has joined is told who else has, on whatever stream it opened. */
int	sio_listen(struct session *s);

/* ---- proto-sio-stream.c ---- */

/* Which session the request means: sid, resumes and at. false: none, it wants a new one. */
bool	sio_name(struct session *s);

/* The session of this hash has ended, and its last word lies behind the cursor: 0 and the box, to say it.
 * -ERR_NOTFOUND. */
int	sio_find_ended(struct session *s);

/* GET with a transport of ours, or a WebSocket that comes back: a stream for the session, which is
 * new unless `named`. The stream it had is superseded. */
int	sio_stream(struct session *s, bool named, const struct wire *wire);

/* true: nothing but packets for which nothing is stored: pongs; on a WebSocket pings, too. */
bool	sio_only_beats(const struct req *r);

/* ---- proto-sio-talk.c ---- */

/* A packet for the session, delivered by its next poll, or its WebSocket. 0, or an error of the store;
 * what is over its quota is dropped. */
int	sio_tell(struct session *s, struct str packet);

/* The session ends; its multiaddrs are free, and what waits for them is nobody's. */
int	sio_end(struct session *s);

/* It ends because its connection broke: what waits is for who joins those multiaddrs next, and may at once. */
int	sio_break_off(struct session *s);

/* NULL, or what is wrong with a packet: a sentence without a full stop. Nothing is done. */
const char	*sio_wrong(const struct session *s, const struct eio_packet *p);

/* Does what the packet says; it is not wrong. 0, or an error for route.c. *ended: the session has ended, the
 * packets after this one say nothing. */
int	sio_take(struct session *s, const struct eio_packet *p, bool *ended);

#endif
