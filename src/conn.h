/*
 * conn - one exchange: the way out of one request, short answer or endless stream.
 *
 * Every answer leaves here: bytes are framed by the gate (conn_add), kept with an offset,
 * and written when told (conn_flush); what the other side does not take stays until there
 * is room. Nothing is written before the first conn_flush, so an answer can be taken back
 * until its turn is committed (conn_retract).
 *
 * Life: made and freed by the gate. Whoever answers sets `user` and `data`. It ends when it was
 * finished and everything is written, when the other side left (both: user->gone, once), or
 * by conn_abort (the user knows). After that the user MUST NOT touch the conn.
 */
#ifndef SIGPOST_CONN_H
#define SIGPOST_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "gate.h"
#include "str.h"

struct conn_user {
	void	(*room)(struct conn *c);	/* was blocked, has written everything now; may be NULL */
	void	(*gone)(struct conn *c);	/* the exchange is over: all of it is written, or the other
						 * side left; the conn goes after this returns */
	void	(*heard)(struct conn *c, struct str bytes);	/* after conn_hear; may be NULL */
};

struct conn {
	const struct gate	*gate;
	const struct conn_user	*user;		/* NULL: nobody listens */
	void			*data;		/* the user's */
	struct buf		 out;		/* framed bytes */
	uint32_t		 off;		/* of out: written already */
	bool			 finished;	/* the tail is in out */
	bool			 blocked;	/* the gate waits for room */
	bool			 over;		/* gone, aborted or complete: inert */
	bool			 touched;	/* something was written */
};

/* max_out: ceiling in bytes of what may be queued and not yet taken. */
void	conn_init(struct conn *c, const struct gate *gate, size_t max_out);
void	conn_release(struct conn *c);	/* the gate calls it before it frees or reuses the conn */

/* Queues response bytes. -ERR_TOOBIG, -ERR_NOMEM: the exchange is beyond saving, abort it. */
int	conn_add(struct conn *c, struct str bytes);

/* Queues the end. Nothing may be added afterwards. */
void	conn_finish(struct conn *c);

/* Forgets everything queued; only while nothing was written. */
void	conn_retract(struct conn *c);

/* Writes as much as the other side takes. May end the exchange (gate->done, user->gone). */
void	conn_flush(struct conn *c);

/* Cuts the exchange off: the client sees a broken connection. user->gone is not called. */
void	conn_abort(struct conn *c);

/* What the client sends after its request is wanted, or no more for now (gate.h). */
void	conn_hear(struct conn *c, bool yes);

/* Queued and not yet written. */
size_t	conn_pending(const struct conn *c);

/* ---- for gates ---- */

/* There is room again: flushes, and tells the user when everything is out. */
void	conn_room(struct conn *c);

/* Bytes that came after the request, for the call; the exchange may be over afterwards. */
void	conn_heard(struct conn *c, struct str bytes);

/* The other side left. Tells the user and calls gate->done(c, false). */
void	conn_gone(struct conn *c);

#endif
