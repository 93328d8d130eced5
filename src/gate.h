/*
 * gate - how a request came in and its answer goes out: the verbs of one kind of exchange.
 *
 * conn.c calls these; nobody else does. A gate owns its descriptors and the memory of its
 * conns (a struct conn is the first member of the gate's own struct).
 */
#ifndef SIGPOST_GATE_H
#define SIGPOST_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "buf.h"
#include "str.h"

struct conn;

struct gate {
	const char	*name;		/* "fcgi", "cgi" */
	bool		 costly;	/* the host counts a process for as long as an answer lasts */

	/* Appends response bytes (CGI head or body) to out in the gate's framing. */
	void	(*wrap)(struct conn *c, struct buf *out, struct str bytes);

	/* Appends what says "the response is complete" (nothing, for CGI). */
	void	(*tail)(struct conn *c, struct buf *out);

	/* Writes without blocking: bytes written, 0 if there is no room now, -ERR_CLOSED. */
	ssize_t	(*write)(struct conn *c, const char *p, size_t n);

	/* Wants (or no longer wants) conn_room when there is room again. */
	void	(*wait)(struct conn *c, bool room);

	/* What the client sends after its request: from now on it is wanted (conn_heard, conn_gone at its
	 * end), or no more for now. Only for a request that asked for an upgrade. NULL: nothing comes. */
	void	(*hear)(struct conn *c, bool yes);

	/* The exchange is over: all of it is written (whole), or it is cut off. Keeps the connection
	 * for the next request or closes it. The conn is not touched by conn.c afterwards. */
	void	(*done)(struct conn *c, bool whole);
};

#endif
