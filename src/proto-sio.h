/*
 * proto-sio - what the files of Socket.IO tell each other.
 *
 *	proto-sio.c		the addresses /socket.io and /socket.io-next: sessions, polls, WebSockets
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
	struct box	 box;
};

/* A packet for the session, delivered by its next poll, or its WebSocket. 0, or an error of the store;
 * what is over its quota is dropped. */
int	sio_tell(struct session *s, struct str packet);

/* The session ends; its multiaddrs are free. */
int	sio_end(struct session *s);

/* NULL, or what is wrong with a packet: a sentence without a full stop. Nothing is done. */
const char	*sio_wrong(const struct session *s, const struct eio_packet *p);

/* Does what the packet says; it is not wrong. 0, or an error for route.c. *ended: the session has ended, the
 * packets after this one say nothing. */
int	sio_take(struct session *s, const struct eio_packet *p, bool *ended);

#endif
