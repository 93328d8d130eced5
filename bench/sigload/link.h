/*
 * link - what a peer has open to the server.
 *
 * Either an event stream down and one keep-alive connection for POSTs up, with one request in
 * flight and the rest queued, as a browser does it; or one WebSocket for both. With opts.batch
 * above 1, and an adapter that has arrays, what is queued leaves together. What arrives goes to
 * the adapter's callbacks; what breaks ends in peer_fail.
 */
#ifndef SIGLOAD_LINK_H
#define SIGLOAD_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "sse.h"

struct conn;
struct peer;

struct link {
	struct conn *down;		/* event stream or WebSocket; NULL when there is none */
	struct conn *up;		/* POSTs; opened when first needed */
	struct sse sse;
	struct link_post *head, *tail;	/* queued */
	struct buf request;		/* the POST in flight, kept to send it once more */
	bool busy, retried, held;
};

/* Opens the event stream at `path`. */
void link_open_sse(struct peer *peer, const char *path);

/* Opens a WebSocket at `path`. */
void link_open_ws(struct peer *peer, const char *path);

/*
 * Queues one POST. If none is in flight it is sent at once or, where it might share a body with
 * others, at the next link_flush_held.
 */
void link_post(struct peer *peer, const char *body, size_t len);

/* Sends what was held back. Call before waiting and after: whoever says much has said it then. */
void link_flush_held(void);

/* Gives up the connection for POSTs unless one is in flight; the next POST opens another. */
void link_rest(struct peer *peer);

/* Closes what link_open_sse and link_post opened. May be repeated. */
void link_close_http(struct peer *peer);

/* Closes what link_open_ws opened. May be repeated. */
void link_close_ws(struct peer *peer);

#endif
