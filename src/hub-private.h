/*
 * hub-private - what the files of the hub tell each other.
 *
 *	hub.c		life, requests, drain
 *	hub-turn.c	begin, commit, release
 *	hub-feed.c	delivery: rows into streams
 *	hub-stream.c	the table of streams, open, leave, end
 *	hub-settle.c	what a turn stores for streams
 *	hub-resume.c	a stream that goes on at a cursor
 *	hub-socket.c	WebSockets: what is said on them, their end
 *	hub-post.c	messages, and orders to other hubs
 *	hub-claim.c	names in dispute, proofs, orders from other hubs
 *	hub-key.c	API keys: which serve, and whose streams end
 *	hub-expiry.c	what expired: its protocol is told
 *	hub-roster.c	who is joined, told to those who joined (and hub-roster-feed.c)
 *	hub-roll.c	the list of them, and what it looks like on a wire
 *	hub-limit.c	limits of each address
 *	hub-time.c	tick, heartbeats, lease, sweep, checkpoints, a replaced file
 */
#ifndef SIGPOST_HUB_PRIVATE_H
#define SIGPOST_HUB_PRIVATE_H

#include "hub.h"
#include "ws.h"

/* hub.c */
void	hub_refuse(struct hub *hub, struct req *r, int err);	/* answers and holds */
void	hub_unpark(struct hub *hub);
void	hub_serve_again(struct hub *hub);	/* requests that wait for a verdict and are due */
void	hub_forget_spoken(struct hub *hub);	/* said on WebSockets that are gone, by boxes of a store that is, too */
void	hub_end_silent(struct hub *hub, int64_t until);	/* those whose time is over by then (loop_mono) */
bool	hub_idle(const struct hub *hub);	/* nothing is under way */
void	hub_check_drained(struct hub *hub);

/* hub-turn.c */
void	hub_retry_soon(struct hub *hub);
void	hub_on_retry(struct loop_timer *t);

/* hub-feed.c */
void	hub_deliver(struct hub *hub);	/* after a commit: looks for work if there is some, feeds what is dirty */
void	hub_mark_dirty(struct hub *hub, struct stream *s);
void	hub_pace(struct hub *hub, struct stream *s);	/* something was written: a pause, where its wire wants one */
void	hub_on_pace(struct loop_timer *t);

/* hub-stream.c */
int	hub_table_init(struct hub *hub);
void	hub_table_release(struct hub *hub);
struct stream *hub_opening(const struct req *r);	/* the stream r opened in this turn, or NULL */
void	hub_opened(struct hub *hub, struct stream *s);		/* its turn is committed */
void	hub_unopen(struct hub *hub, struct stream *s);		/* its turn failed: as if it never was */
void	hub_leave(struct hub *hub, struct stream *s);		/* its exchange is over */
void	hub_stop_stream(struct hub *hub, struct stream *s, const struct wire_end *end);
void	hub_flush_end(struct stream *s);	/* after stream_end */
void	hub_pause_stream(struct hub *hub, struct stream *s);	/* a temporary end; the client comes back */
void	hub_cut_stream(struct hub *hub, struct stream *s);
void	hub_supersede(struct hub *hub, int64_t box, int64_t gen);	/* all streams of box older than gen */
void	hub_free_stream(struct hub *hub, struct stream *s);
void	hub_each_stream(struct hub *hub, void (*fn)(struct hub *, struct stream *));
int	hub_enter(struct hub *hub);	/* inside a turn: makes sure that hub->id is set */
int	hub_enter_again(struct hub *hub);	/* the lease was lost: a new one, with the boxes nobody took */

/* hub-settle.c */
void	hub_settle(struct hub *hub);	/* inside a turn: stores leaves and taken positions */
void	hub_settled(struct hub *hub, bool committed);
void	hub_forget_left(struct hub *hub);	/* leaves that can no longer be stored */
bool	hub_save_due(struct hub *hub);

/* hub-socket.c */
#define SOCKET_PINGS	2	/* heartbeats without a word from the client, and it is gone */
struct said;
struct socket {			/* a stream that is heard */
	struct stream	 stream;	/* first */
	struct ws_in	 in;
	const struct route *route;	/* that opened it */
	struct req_address address;	/* in text */
	struct list	 said;		/* struct said: messages that are not answered yet, in order */
	struct said	*serving;	/* the one that is parked or waits; those behind it wait for it */
	struct loop_later later;	/* to go on when it is served */
	int64_t		 next_box, next_gen, next_cursor;	/* to be received for from the end of this turn on; 0 */
	int64_t		 closed_at;	/* loop_mono; a close frame was sent */
	uint64_t	 who;		/* whose messages these are (req.h), also when it is no session any more */
	uint32_t	 heard;		/* age of the stream when the client last sent anything; 0: never */
	uint16_t	 behind;	/* messages since none waited to be handed over */
	uint8_t		 unheard;	/* pings since then */
	bool		 deaf;		/* nothing is read */
	bool		 failed;	/* out of memory, or too much waits */
	bool		 busy, dead;	/* somebody is amid it; it must go once they are done */
	char		 text[];
};
static inline struct socket *
hub_socket(struct stream *s)
{
	return s->wire->duplex ? (struct socket *)(void *)s : NULL;
}
struct socket *hub_socket_new(const struct req *r);	/* NULL: out of memory */
void	hub_socket_free(struct socket *sk);		/* its exchange is gone */
void	hub_socket_listen(struct socket *sk);		/* hears it from now on, or not, as things are */
void	hub_socket_heard(struct conn *c, struct str bytes);	/* conn_user */
void	hub_socket_gone(struct socket *sk);		/* its exchange is over */
void	hub_socket_closing(struct socket *sk);		/* a close frame is queued: waits for the client's */
bool	hub_socket_silent(struct socket *sk);		/* before a ping: nothing came since the last ones */
struct socket *hub_socket_of(const struct req *r);	/* on which it was said; NULL: that is gone */
void	hub_received(struct socket *sk);		/* its turn is committed: it receives for next_box */
void	hub_receive_and_go(struct socket *sk);	/* it goes in that turn: the box has a leave to be stored, or nothing */
void	hub_end_closing(struct hub *hub, int64_t now);	/* those who sent none in time */
void	hub_on_orphans(struct loop_later *t);
void	hub_orphans_release(struct hub *hub);

/* hub-post.c */
int	hub_order(struct hub *hub, int64_t to, enum msg_kind kind, int64_t a, int64_t b);

/* hub-claim.c */
void	hub_carry_out(struct hub *hub);		/* orders in our control mailbox */
void	hub_ask(struct hub *hub, struct contest *c);	/* inside a turn, after contest said wait */
void	hub_on_claims(struct loop_timer *t);
void	hub_claims_release(struct hub *hub);

/* hub-roster.c, hub-roster-feed.c */
int	hub_roster_init(struct hub *hub);
void	hub_roster_clear(struct hub *hub);	/* nobody listens any more */
void	hub_roster_release(struct hub *hub);
void	hub_on_rounds(struct loop_timer *t);
/* Queues what the stream is owed and has room for. *wrote, *full: set if so, and left alone if not. */
int	hub_roster_feed(struct hub *hub, struct stream *s, bool *wrote, bool *full);

/* hub-key.c */
int	hub_keys_read(struct hub *hub);		/* of a store that was just opened */
void	hub_keys_release(struct hub *hub);
void	hub_keys_tick(struct hub *hub);		/* reads them again, ends streams */

/* hub-limit.c */
int	hub_limit_init(struct hub *hub);
void	hub_limit_secret(struct hub *hub);	/* the store was opened: keys are made with its secret */
void	hub_limit_look(struct hub *hub);	/* now and then */
int	hub_limit_enter(struct hub *hub, const struct req *r, int64_t box);	/* one more stream; -ERR_CROWD */
int	hub_limit_cgi(struct hub *hub, struct stream *s);	/* one more by CGI: its life; -ERR_STREAMS */
uint32_t hub_lifetime(int64_t ms);	/* less up to a fifth */
void	hub_limit_leave(struct hub *hub, struct stream *s);	/* its stream is over; again is harmless */
bool	hub_limit_hold(struct hub *hub, struct req *r);		/* it is left open as it is; false: one too many */

/* hub-expiry.c */
#define HUB_SWEEP_ROWS	2000
struct expiry {			/* while a sweep lasts: who was told of whom */
	struct hub	*hub;
	struct told	*told;		/* a hash table; NULL: nobody yet */
};
void	hub_expiry_begin(struct hub *hub, struct expiry *x, struct sweep *sw);
void	hub_expiry_end(struct expiry *x);

/* hub-time.c */
void	hub_on_tick(struct loop_timer *t);
void	hub_on_beat(struct loop_timer *t);
void	hub_schedule(struct hub *hub, struct stream *s);	/* its next heartbeat */
void	hub_beat(struct hub *hub, struct stream *s);	/* may end it */
void	hub_check_upkeep(struct hub *hub);
int	hub_store_open(struct hub *hub, const char **why);

#endif
