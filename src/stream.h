/*
 * stream - one open receiver: a mailbox, a cursor, a wire, an exchange.
 *
 * A stream renders; it does not decide. The hub reads the mailbox after the cursor and calls
 * stream_event for each row; whatever the reason was (new stream, resumption, a message
 * posted here or elsewhere), it is this one way. Bytes are queued on the exchange and leave
 * with stream_flush.
 *
 * Invariants: cursor only rises. conn is NULL once the exchange is gone; the stream then
 * waits for the hub to note its leave and is freed by it.
 */
#ifndef SIGPOST_STREAM_H
#define SIGPOST_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "conn.h"
#include "list.h"
#include "wire.h"

struct hub;
struct req;

#define HANDLE_SIZE	16		/* bytes of a resume handle; hexadecimal on the wire */
#define CURSOR_MAX	96		/* bytes of a rendered cursor, with the NUL */
#define STREAM_HIGH	65536		/* queued bytes above which no more rows are rendered */

struct stream {
	struct list	 chain;		/* the hub's table, by box */
	struct list	 queue;		/* dirty, pacing, or leaving */
	struct list	 beat;		/* the hub's wheel */
	struct list	 save;		/* taken is not yet in the store */
	struct hub	*hub;
	struct conn	*conn;
	struct req	*opener;	/* opened in a turn that is not yet committed */
	const struct wire *wire;
	int64_t		 box, gen;
	int64_t		 cursor;	/* last seq written out */
	int64_t		 order;		/* of the request that opened it; 0: it did not say */
	int64_t		 born;		/* loop_mono; the times below are its age then (stream_age) */
	int64_t		 silent;	/* loop_mono; born, or when the poll before this one ended */
	uint64_t	 who;		/* as whose session it counts (req.h); 0: none */
	uint32_t	 proven;	/* when it was last seen alive for certain; 0: not yet (opening is no proof) */
	uint32_t	 stuck;		/* since when nothing was taken; 0: all taken */
	uint32_t	 stuck_at;	/* bytes that were pending then */
	uint32_t	 life_ms;	/* ends this long after born */
	uint32_t	 paced;		/* when its pause is over; 0: it has said nothing yet */
	struct wire_state state;
	bool		 costly;	/* counts as one of cgi_streams */
	bool		 handled;	/* handle is set */
	bool		 greeted;	/* something was said at its opening: a poll ends with it */
	bool		 ended;		/* nothing more is rendered */
	bool		 late;		/* its reader was stuck: some of its rows may have expired */
	bool		 pacing;	/* in the hub's list of that name: not dirty before its pause is over */
	bool		 unfilled;	/* its wire paces, and no beat came after its last message */
	uint32_t	 key;		/* the number of the API key it was opened with; 0: none */
	uint32_t	 turn;		/* hub->turns when it was opened */
	unsigned char	 handle[HANDLE_SIZE];
};

/* Milliseconds since it was opened, from 1 on; four bytes last for longer than any lifetime_ms. */
static inline uint32_t
stream_age(const struct stream *s, int64_t now)
{
	return (uint32_t)(now - s->born) + 1;
}

/* Renders "[handle.]epoch-seq" into out[CURSOR_MAX]. */
struct str	stream_cursor(const struct stream *s, const char *epoch, int64_t seq, char *out);

/* The same without a handle: safe to repeat to whoever named it. */
struct str	cursor_render(const char *epoch, int64_t seq, char *out);

/* What a client names: "[handle.]epoch-seq" taken apart. -ERR_BAD if it is none of ours. */
struct cursor {
	bool		has_handle;
	unsigned char	handle[HANDLE_SIZE];
	char		epoch[17];
	int64_t		seq;
};
int		cursor_parse(struct str text, struct cursor *out);

/* What a request names: in a header, as EventSource that comes back, or in cursor= or last_event_id=, as
 * who cannot set one. Empty: none. Good as long as r and text are. */
struct str	cursor_named(const struct req *r, char text[CURSOR_MAX]);

/* All queue bytes; 0, or an error after which the exchange must be aborted. */
int	stream_open(struct stream *s, uint32_t retry_ms, struct str cursor);
int	stream_event(struct stream *s, const struct wire_event *e);
int	stream_gap(struct stream *s, struct str from, struct str to);	/* cursors: what was lost */
int	stream_beat(struct stream *s);
int	stream_end(struct stream *s, const struct wire_end *end);	/* also finishes the exchange, but a WebSocket's */

/* The head of an answer that goes on as a stream. Of an upgrade: the handshake MUST be right. */
void	stream_head(struct req *r, const struct wire *wire);

/* Answers r with a stream that says why not and ends, finally (end->final). No stream is made. */
void	stream_decline(struct req *r, const struct wire *wire, const struct wire_end *end);

/* true: enough is queued, read no more rows now */
bool	stream_full(const struct stream *s);

#endif
