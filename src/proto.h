/*
 * proto - what is meant: a protocol is a table of routes (and knows no descriptor, no SQL).
 *
 * route.c matches method, path and Accept against the rows, in order, enforces what a row
 * says (method, body, turn), and calls serve with a request that is whole.
 */
#ifndef SIGPOST_PROTO_H
#define SIGPOST_PROTO_H

#include <stdbool.h>

struct hub;
struct msg_row;
struct req;

enum route_flags {		/* bits */
	ROUTE_WRITES	= 1,	/* runs inside a turn and a mark of its own */
	ROUTE_CREDENTIALS = 2,	/* CORS: the Origin is echoed and credentials are allowed */
	ROUTE_BODILESS	= 8,	/* a POST that needs no body, nor its length */
	ROUTE_UPGRADES	= 16,	/* only for who asks for a WebSocket and gets one */
	ROUTE_MORTAL	= 32,	/* of `hears`: nobody can come back to its mailbox, so a WebSocket that is gone for
				 * whatever reason has said goodbye */
	ROUTE_READS	= 4	/* runs inside a reading of the store; with ROUTE_WRITES: if `light` says so */
};

struct route {
	const char	*path;		/* below the mount, without the trailing slash; "/" for the root. A segment
					 * that is * stands for any that is not empty (req_segment). */
	unsigned	 methods;	/* bits 1 << enum method (req.h); HEAD and OPTIONS are route.c's */
	const char	*accept;	/* only if Accept names this type; NULL: always */
	unsigned	 flags;

	/* Answers (reply_*), or hands the exchange to a stream (hub_open), and returns 0; or returns
	 * -ERR_WAIT (called again, see hub_contest), or another error, which becomes a problem
	 * document after everything it wrote to the store was undone. */
	int		(*serve)(struct hub *hub, struct req *r);

	/* With ROUTE_WRITES and ROUTE_READS: true if this request writes nothing. Not asked of a goodbye. */
	bool		(*light)(const struct req *r);

	/* This row may open a WebSocket, and what is said on it (req.spoken) is served by that row. Its
	 * `serve` answers with frames (ws_put) or not at all, and MUST finish the exchange (reply_send
	 * does); path and methods are not looked at. */
	const struct route	*hears;
};

struct proto {
	const char		*name;

	/* The name of the API key a request is of, into out (KEY_MAX), or -err: it names none. NULL: it needs none. */
	int			(*key)(const struct req *r, char *out);
	/* Answers a request that r->bar keeps from being served, but BAR_UNKNOWN and BAR_ORIGIN. NULL: its rows do. */
	int			(*barred)(struct req *r);

	const struct route	*routes;	/* ends with path NULL */

	/* A message this protocol posted as MSG_TOLD or MSG_OWED expired (hub.h, hub_expired_fn). NULL: it
	 * posts none. */
	void			(*expired)(struct hub *hub, const struct msg_row *m);
};

extern const struct proto proto_sigver;
extern const struct proto proto_peerjs;
extern const struct proto proto_star;
extern const struct proto proto_sio;
extern const struct proto proto_health;

#endif
