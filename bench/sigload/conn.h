/*
 * conn - one TCP connection to the measured server, and the loop that serves all of them.
 *
 * One thread, one epoll set, level-triggered. A connection speaks HTTP/1.1 and may become a
 * WebSocket. Closing is allowed at any depth of a callback: the descriptor goes at once, `dead`
 * is set, and the memory goes at the end of the round (conn_poll), so a pointer stays readable
 * until then.
 */
#ifndef SIGLOAD_CONN_H
#define SIGLOAD_CONN_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "http.h"

struct conn;

/* Who hears of it. Every member MAY be NULL and MAY close the connection. */
struct conn_ops {
	void (*head)(struct conn *conn);	/* conn->http.status is known */
	void (*body)(struct conn *conn, const char *bytes, size_t len);
	void (*done)(struct conn *conn);	/* the answer is complete */
	void (*frame)(struct conn *conn, const char *bytes, size_t len);	/* text or binary */
	void (*closed)(struct conn *conn);	/* by the other side, or broken; conn is dead */
};

struct conn {
	int fd;
	bool connecting, dead;
	struct http http;
	struct buf in;		/* read, not yet consumed */
	struct buf out;		/* to be sent from out_sent on */
	size_t out_sent;
	void *owner;		/* borrowed; the callbacks' business */
	const struct conn_ops *ops;
	struct conn *next_dead;
};

/*
 * Sets the server all connections go to (a numeric IPv4 address) and over how many source
 * addresses 127.0.k.1 they are spread, so that TIME_WAIT never uses up the ports.
 */
void conn_init(const char *host, int port, int sources);

/* Connects; never fails here, a refused connection is reported through `closed`. */
struct conn *conn_new(void *owner, const struct conn_ops *ops);

/* Sends, or keeps what the socket does not take. Ignored on a dead connection. */
void conn_write(struct conn *conn, const char *bytes, size_t len);

/* Closes without calling `closed`. NULL and dead connections are ignored. */
void conn_close(struct conn *conn);

/* Closes and calls `closed`. */
void conn_end(struct conn *conn);

/* Takes the connection from its owner: from now on only `ops` hear of it. */
void conn_orphan(struct conn *conn, const struct conn_ops *ops);

/* Closes a connection the owner no longer wants to hear of. */
void conn_discard(struct conn *conn);

/* One round of the loop, waiting at most so many seconds. */
void conn_poll(double seconds);

#endif
