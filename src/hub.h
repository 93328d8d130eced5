/*
 * hub - the one loop thread that owns the streams of a process.
 *
 * Turn. Gates hand requests in (hub_take). The first that writes opens a turn of the store;
 * answers are held. When the loop is about to sleep, or after HUB_TURN_REQUESTS requests or
 * HUB_TURN_MS, the turn is committed: answers leave, the bell is rung if a message went to a
 * mailbox not held here, dirty streams are fed. If the commit fails every held answer becomes
 * 503 or 507 and no stream moves. While another process has the store, requests that write
 * are parked (at most HUB_BUSY_MS) and tried again by a timer; nothing sleeps.
 *
 * Delivery. There is one way: read the rows of a mailbox after the stream's cursor, render,
 * advance (feed). Everything else only marks a stream dirty.
 *
 * A struct hub lives as long as its loop. Not thread-safe.
 */
#ifndef SIGPOST_HUB_H
#define SIGPOST_HUB_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "bell.h"
#include "conf.h"
#include "hub-key.h"
#include "list.h"
#include "loop.h"
#include "rate.h"
#include "req.h"
#include "store.h"
#include "stream.h"

#define HUB_TURN_REQUESTS	256
#define HUB_TURN_MS		5
#define HUB_BUSY_MS		2000
#define HUB_SAVE_MS		500	/* taken positions are stored at the latest after this */
#define HUB_SLOTS		64	/* of the heartbeat wheel */
#define HUB_PROVEN_MS		1000	/* a proof is good for this long */
#define HUB_PROOF_GAP_MS	100	/* between the two heartbeats of a proof */
#define HUB_WAIT_MS		50	/* a request waiting for a verdict is served again this often */
#define HUB_SILENT_MS	300000	/* a request without an answer; browsers give up after 240 s */
#define HUB_TICK_MS		250
#define HUB_TICK_DEAF_MS	20	/* where there is no file watch */

/* Kinds of messages the hub itself understands; protocols use MSG_DATA, and from MSG_TOLD on. */
enum msg_kind {
	MSG_DATA,		/* an ordinary message: body is JSON */
	MSG_CLOSE,		/* in a mailbox: its final event "close"; body is the JSON data */
	MSG_SUPERSEDE,		/* to a hub: body "box gen": that stream was taken over elsewhere */
	MSG_PROVE,		/* to a hub: body "box hub": is that stream alive? tell that hub */
	MSG_PROVEN,		/* to a hub: body "box": it is */
	MSG_TOLD,		/* as MSG_DATA; if it expires untaken, its protocol is told (hub->expired) */
	MSG_OWED = MSG_KIND_OWED,	/* as MSG_TOLD, for a receiver that has not come yet */
	MSG_HANDSHAKE,		/* an event of its own name, "ws-handshake"; its protocol is told of each that expires */
	MSG_LISTEN		/* to a hub: body "box 0": it has joined a name elsewhere (hub_roster_joined) */
};

struct hub;

/* Serves one request (route_serve): answers it, or opens a stream on it, or parks it. */
typedef void	hub_serve_fn(struct hub *hub, struct req *r);
/* A message of MSG_TOLD or MSG_OWED expired, the first of this sender for this receiver in this
 * sweep, or one of MSG_HANDSHAKE (route_expired). Inside a turn; may post. The row is borrowed. */
typedef void	hub_expired_fn(struct hub *hub, const struct msg_row *m);

struct hub {
	struct loop		*loop;
	struct store		*store;		/* NULL while it cannot be opened */
	const struct conf	*conf;
	hub_serve_fn		*serve;
	hub_expired_fn		*expired;	/* NULL: nobody wants to know */
	hub_barred_fn		*barred;	/* NULL: streams that are barred end without a word */
	struct keys		 keys;
	int64_t			 id;		/* our row among the hubs; 0: none yet */
	int64_t			 started;	/* loop_mono */
	uint64_t		 requests;	/* so many were served: the last has this id */
	int			 lost;		/* -err of the last turn that was lost; 0: none was … */
	int64_t			 lost_at;	/* … and when (loop_mono) */
	bool			 upgraded;	/* something was heard on a WebSocket: they get through */

	/* the turn */
	bool			 in_turn;	/* a write transaction is open */
	bool			 stuck;		/* its COMMIT was busy … */
	int64_t			 stuck_since;	/* … since then (loop_mono) */
	bool			 unparking;	/* parked requests are being served */
	bool			 ring;		/* ring the bell after COMMIT */
	bool			 look;		/* others may have written: look for work */
	uint32_t		 served;	/* requests in this turn */
	bool			 amid;		/* it does not end for their number or its time: the last words of a
						 * WebSocket are served, and its close frame is to be answered first */
	uint64_t		 began;		/* uv_hrtime of its first request */
	int64_t			 seen;		/* last seq that was looked at */
	int64_t			 posted;	/* last seq posted in this turn; 0: none */
	int64_t			 id_begun;	/* id, before the turn … */
	int64_t			 id_marked, posted_marked;	/* … and before the request */
	uint32_t		 turns;		/* begun; tells in which one a stream was opened */
	int64_t			 orders;	/* last seq of our control mailbox that was carried out */
	struct list		 held;		/* requests answered, not yet committed */
	struct list		 parked;	/* requests waiting for the lock */
	struct list		 waiting;	/* requests waiting for a verdict (-ERR_WAIT) */
	struct list		 silent;	/* requests that get no answer, oldest first */

	/* streams */
	struct list		*table;		/* chains by box; `buckets` of them, a power of two */
	uint32_t		 buckets, streams;
	struct list		 dirty;		/* to be fed */
	struct list		 unsaved;	/* taken not stored … */
	int64_t			 unsaved_since;	/* … since then (loop_mono): the first of them … */
	uint32_t		 unsaved_rows;	/* … so many messages, about … */
	struct list		 saving;	/* … stored in this turn, not yet committed */
	struct list		 leaving;	/* exchange gone, leave not stored */
	struct list		 left;		/* leave stored in this turn, not yet committed */
	struct list		 closing;	/* struct socket: a close frame was sent, oldest first */
	struct list		 orphans;	/* struct said: said on a WebSocket that is gone, not served yet … */
	struct loop_later	 adopt;		/* … to serve them */
	struct list		 pacing;	/* streams whose wire wants a pause between two messages */
	struct list		 wheel[HUB_SLOTS];
	uint32_t		 slot, slot_ms;
	struct list		 proofs;	/* struct proof: streams being proven, streams proven elsewhere */

	/* time: loop_mono of the last … */
	int64_t			 idle_since;	/* request, or end of a stream */
	int64_t			 swept, renewed, looked, opened;
	struct loop_timer	 tick, beat, retry, claims, drain, pace;

	/* who is joined, told to those who are (hub-roster.c) */
	struct roster		*roster;
	struct loop_timer	 rounds;

	/* the WAL */
	bool			 stalled;	/* no turn before it was restarted */
	bool			 upkeep_on;	/* a worker is at it; it owns `upkeep` and `store` must stay */
	bool			 upkeep_restart;
	int			 upkeep_rc;
	uv_work_t		 upkeep;

	/* limits of each address */
	struct rate		 rate;
	struct rate_limit	 address_limit;
	struct addr_list	 proxies;
	bool			 forwarded;	/* they say it in Forwarded */
	unsigned		 rate_looks;

	struct bell		 bell;
	char			 boot[40];
	bool			 reopen;	/* the file was replaced: open it anew */
	bool			 draining;
	bool			 alone;		/* a CGI program without a hub: one request, and it ends */
	void			(*stopped)(struct hub *hub);	/* drained; may be NULL */
	void			(*leave)(struct hub *hub);	/* this process should end; NULL: only drains */
	void			*owner;		/* for stopped and leave */
};

/* ---- life ---- */

/* Opens the store of conf->db and starts the timers. *why as store_sqlite_open. */
int	hub_init(struct hub *hub, struct loop *loop, const struct conf *conf, hub_serve_fn *fn, const char **why);
/* Stops timers and forgets streams (they are cut); the loop must run until its handles are closed
 * (loop_release does). */
void	hub_release(struct hub *hub);
/* Ends every stream for now (clients come back), then calls stopped. */
void	hub_drain(struct hub *hub);

/* ---- requests ---- */

/* A whole request, ours from now on; its conn must be fresh. */
void	hub_take(struct hub *hub, struct req *r);

/* Before anything else is done for r: may its address make one more request? Counted once, however often r is
 * served. -ERR_RATE: no, and r->retry_after is set; what comes on a WebSocket MUST wait then. */
int	hub_admit(struct hub *hub, struct req *r);

/* For route.c. 0: a turn is open. -ERR_BUSY: park the request. Others: refuse it. */
int	hub_begin(struct hub *hub);
/* What a request does between these two is taken back: its writes, and what we believe of them. */
int	hub_mark(struct hub *hub);
void	hub_undo(struct hub *hub);
/* The store could not write: the open turn is lost, every held answer becomes this error. */
void	hub_abandon(struct hub *hub, int err);
/* What r was answered, or the stream it has opened, is taken back: it failed after all. */
void	hub_retract(struct hub *hub, struct req *r);
/* The answer of r is queued on its exchange: hold it until the turn is committed. Ours. */
void	hub_hold(struct hub *hub, struct req *r);
/* Tries r again when the store is free; after HUB_BUSY_MS it is refused. */
void	hub_park(struct hub *hub, struct req *r);
/* Of what was said on a WebSocket: that is still there. */
bool	hub_heard(const struct req *r);
/* Serves r again in a moment: a verdict on a claim is not in (-ERR_WAIT). */
void	hub_wait(struct hub *hub, struct req *r);
/* r gets no answer: it is left open for HUB_SILENT_MS, or until its client leaves. */
void	hub_leave_open(struct hub *hub, struct req *r);
/* The end of a turn; the loop calls it, and route.c after too many requests. */
void	hub_turn(struct hub *hub);

/* ---- for protocols, inside a turn ---- */

struct hub_open {		/* a stream to open */
	const struct wire	*wire;
	int64_t			 box;		/* 0, of a WebSocket: none yet (hub_receive) */
	const unsigned char	*handle;	/* HANDLE_SIZE bytes, part of its cursors; NULL: none */
	bool			 resume;	/* goes on after `after`; otherwise after what was taken */
	int64_t			 order;		/* rises with each request of a client; 0: it does not say */
	int64_t			 after;
	struct str		 gap_from, gap_to;	/* cursors; not empty: tell the client of a gap */
	struct str		 hello_name, hello_data;	/* ephemeral first event of a new stream */
};

/* Answers r with a stream that receives for the box; another stream of the box is superseded.
 * -ERR_QUOTA: this process holds max_streams; -ERR_CROWD: its address has address_sessions; -ERR_STREAMS: CGI
 * requests hold cgi_streams; -ERR_LEAVING: it is draining; -ERR_REPEATED: the
 * stream this process has for the box is of a later request (order). */
int	hub_open(struct hub *hub, struct req *r, const struct hub_open *o);

/* The WebSocket on which r was said, and which receives for no box yet, does for this one, after what was
 * taken, once the turn is committed. -ERR_NOTFOUND: it has gone, or a box already. Undone by an error of
 * the turn, not of the request: the last thing it does. */
int	hub_receive(struct hub *hub, struct req *r, int64_t box);

/* hub_open for a box that receives on at a cursor: what lies before it is acknowledged; what is
 * missing after it (dropped, another epoch, never given out) becomes a gap. Fills in o. */
int	hub_resume(struct hub *hub, struct req *r, const struct box *b, const struct cursor *at, struct hub_open *o);

/* true: it is live, or has ended and its goodbye lies after this position. */
bool	hub_resumable(struct hub *hub, const struct box *b, int64_t after);

/* Who says r on a WebSocket: its live mailbox. -ERR_NOTFOUND: it has ended, or another stream receives for
 * it by now. */
int	hub_speaker(struct hub *hub, const struct req *r, struct box *b);

/* A message for a box, delivered wherever its stream is. Errors as store_msg_add. */
int	hub_put(struct hub *hub, const struct msg_new *m);

/* The same for an ordinary one that expires as sigver's do. */
int	hub_post(struct hub *hub, int64_t box, int64_t src, struct str body);

/* How far the streams of the box are known to have written. */
int64_t	hub_position(struct hub *hub, const struct box *b);

/* A message that nobody took is put into another box, behind what is there. Errors as store_msg_requeue. */
int	hub_requeue(struct hub *hub, int64_t seq, int64_t to);

/* The box says its last word (final event "close" with this JSON) and ends: claims and links go. */
int	hub_end(struct hub *hub, int64_t box, struct str close);

/* Its client has said goodbye, but comes again with another box if it was only its connection that broke: the
 * box says its last word, no stream receives for it any more, and its names, with what waits for them,
 * are for whoever wants them first (hub_contest). Its protocol MUST refuse to open another stream for it. */
int	hub_retire(struct hub *hub, const struct box *b, struct str close);
bool	hub_retired(const struct box *b);

/*
 * Somebody wants a name this box holds. 0: the holder is gone, the name may be taken from it.
 * -ERR_CONFLICT: it is alive. -ERR_WAIT: not known yet; return it from serve, which is called
 * again until the verdict falls, at the latest grace_ms after that holder was first met. c: all zero at
 * first, and one holder at a time.
 */
int	hub_contest(struct hub *hub, struct contest *c, const struct box *holder);

/*
 * Names of STAR_REALM whose holders are present are told to those who hold one, by events "ws-peer" beside
 * what is stored. A transport says so for each stream it opens for such a mailbox, after hub_open.
 */
enum roster_from {
	ROSTER_ALL,		/* the whole list, then what is new */
	ROSTER_ALL_IF_NEW,	/* the same, unless this process began with it before: a poll goes on */
	ROSTER_NEWS		/* it had the list before: what is new */
};
void	hub_roster_listen(struct hub *hub, int64_t box, enum roster_from from);
/* The box holds the name now: it is not told of it, others are, soon. If it has a stream, it listens. */
int	hub_roster_joined(struct hub *hub, const struct box *b, struct str name);

/* The stream this process has for the box, or NULL. */
struct stream *hub_stream(struct hub *hub, int64_t box);

/* CLOCK_REALTIME ms after which a message posted now expires untaken. */
int64_t	hub_due(struct hub *hub);

/* Checks every invariant (tests). */
void	hub_assert_sane(struct hub *hub);

#endif
