/*
 * wire - how bytes leave: one row of const functions a way (SSE, long poll, …).
 *
 * A wire renders response bytes into a buffer; it knows no descriptor, no store and no
 * protocol. What it must remember between two calls is one byte of the stream's
 * (struct wire_state).
 */
#ifndef SIGPOST_WIRE_H
#define SIGPOST_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "str.h"

struct wire_state {
	uint8_t	phase;		/* 0 before the first call; the wire's own otherwise */
};

struct wire_event {
	struct str	id;	/* cursor after this event; empty for ephemeral ones */
	struct str	name;	/* event name; empty: an ordinary message */
	struct str	data;	/* of a message: JSON text without raw CR/LF */
	bool		json;	/* data is JSON (named events may be plain text) */
};

struct wire_end {
	bool		final;	/* the client should not come back */
	struct str	name, data;	/* final: the event that says why (JSON data; without a name an ordinary
				 * message); no data: none */
	bool		beat;	/* one is due */
	struct str	cursor;	/* where a client that comes back goes on; empty: it has none yet */
};

struct wire {
	const char	*name;
	const char	*type;		/* Content-Type; NULL: an upgrade has none */
	bool		 once;		/* one batch, then it ends: a poll */
	bool		 whole;		/* of a poll whose client names no cursor: its answer leaves in one piece, and
					 * not before what it says is stored as taken. It has no beats: to see
					 * whether its client lives, it is ended, and comes again or not. */
	bool		 duplex;	/* a WebSocket: what the client sends comes in on it, too */
	uint32_t	 pace_ms;	/* pause between two messages, and before a beat that follows one; 0: none */

	/* First bytes after the response head. cursor: as in wire_end. MAY flush heads of proxies. */
	void	(*open)(struct wire_state *, struct buf *out, uint32_t retry_ms, struct str cursor);
	/* One event. MUST stay one event whatever bytes data holds. */
	void	(*event)(struct wire_state *, struct buf *out, const struct wire_event *);
	/* Bytes that mean nothing, to keep the way open and to notice that it is not. */
	void	(*beat)(struct wire_state *, struct buf *out);
	/* Last bytes. */
	void	(*end)(struct wire_state *, struct buf *out, const struct wire_end *);
	/* With `whole`: the whole CGI response of a poll that ends, finally, with nothing said. */
	void	(*refuse)(struct buf *out);
};

extern const struct wire wire_sse;
extern const struct wire wire_poll;
extern const struct wire wire_xhr;
extern const struct wire wire_ws;
extern const struct wire wire_sio3_poll, wire_sio4_poll, wire_sio3_ws, wire_sio4_ws;
extern const struct wire wire_sio3_sse, wire_sio4_sse, wire_sio3_json, wire_sio4_json;

/* What a client names that got a final end: it is told 204 and stays away. */
#define WIRE_FINAL_ID	STR("final")
#define WIRE_FINAL_RETRY_MS 86400000

#endif
