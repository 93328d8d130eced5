/*
 * hub-turn - begin, commit, release what was held, feed what is dirty.
 *
 * Nothing here sleeps: a busy store is tried again by a timer of 1 to 2 ms (libuv's clock has no
 * finer grain), and meanwhile no answer of the turn leaves.
 */
#include "config.h"

#include <assert.h>

#include "err.h"
#include "hub-private.h"
#include "log.h"
#include "reply.h"

#define WORK_ROWS	1024	/* (seq, box) pairs a look */
#define FEED_ROUNDS	16	/* a turn; a stream that is always full must not starve requests */
#define STALLED_MS	20	/* between two tries while the WAL is being restarted */

/* ---- begin ---- */

void
hub_retry_soon(struct hub *hub)
{
	if (!loop_timer_active(&hub->retry))
		loop_timer_start(&hub->retry, hub->stalled ? STALLED_MS : 1 + loop_jitter(2), 0);
}

int
hub_begin(struct hub *hub)
{
	int rc;

	if (hub->store == NULL)
		return -ERR_IO;
	if (hub->in_turn && !hub->stuck)
		return 0;
	if (hub->stuck || hub->stalled || (!list_empty(&hub->parked) && !hub->unparking))
		return -ERR_BUSY;
	rc = store_begin(hub->store, loop_real(hub->loop));
	if (rc < 0) {
		if (rc == -ERR_BUSY)
			hub_retry_soon(hub);
		else
			LOG(LOG_ERROR, "cannot begin a turn", LOG_Z("error", err_name(rc)));
		return rc;
	}
	hub->in_turn = true;
	hub->turns++;
	hub->id_begun = hub->id;
	hub->posted = 0;
	if ((store_tick(hub->store, false) & TICK_CHANGED) != 0)
		hub->look = true;
	return 0;
}

int
hub_mark(struct hub *hub)
{
	hub->id_marked = hub->id;
	hub->posted_marked = hub->posted;
	return store_mark(hub->store);
}

void
hub_undo(struct hub *hub)
{
	hub->id = hub->id_marked;
	hub->posted = hub->posted_marked;
	store_undo(hub->store);
}

/* ---- release ---- */

/* Streams opened in the turn may say something now. */
static void
release_streams(struct hub *hub)
{
	struct list *l, *next;
	struct req *r;
	struct stream *s;

	for (l = hub->held.next; l != &hub->held; l = next) {
		next = l->next;
		r = LIST_OF(l, struct req, parked);
		s = hub_opening(r);
		if (s == NULL)
			continue;
		hub_opened(hub, s);
		req_free(r);
	}
}

static void
release_one(struct req *r)
{
	struct conn *c = r->conn;

	c->user = NULL;
	req_free(r);
	conn_flush(c);
}

static void
fail_one(struct hub *hub, struct req *r, int err)
{
	struct stream *s = hub_opening(r);

	if (s != NULL)
		hub_unopen(hub, s);
	conn_retract(r->conn);
	reply_problem(r, err, NULL);
	r->conn->user = NULL;
	conn_flush(r->conn);
	req_free(r);
}

static void
release(struct hub *hub, int err)
{
	struct list *l;
	struct req *r;

	while ((l = list_pop(&hub->held)) != NULL) {
		r = LIST_OF(l, struct req, parked);
		if (err == 0)
			release_one(r);
		else
			fail_one(hub, r, err);
	}
}

void
hub_abandon(struct hub *hub, int err)
{
	if (hub->in_turn) {
		store_rollback(hub->store);
		hub->id = hub->id_begun;
	}
	hub->in_turn = hub->stuck = hub->ring = false;
	hub->look = true;	/* what we believe may be wrong: read it again */
	hub_settled(hub, false);
	release(hub, err);
}

/* ---- commit ---- */

static void
committed(struct hub *hub)
{
	hub->in_turn = hub->stuck = false;
	if (!hub->look && hub->posted > hub->seen)
		hub->seen = hub->posted;
	if (hub->ring)
		bell_ring(&hub->bell);
	hub->ring = false;
	hub_settled(hub, true);
	hub_check_upkeep(hub);
}

/* COMMIT was busy: try again, for a while. */
static bool
stick(struct hub *hub)
{
	int64_t now = loop_mono(hub->loop);

	if (!hub->stuck)
		hub->stuck_since = now;
	hub->stuck = true;
	if (now - hub->stuck_since > HUB_BUSY_MS)
		return false;
	hub_retry_soon(hub);
	return true;
}

/* false: the turn is still open, no answer may leave. */
static bool
commit(struct hub *hub)
{
	int rc;

	if (hub->stuck && loop_timer_active(&hub->retry))
		return false;
	if (!hub->stuck)
		hub_settle(hub);
	rc = store_commit(hub->store);
	if (rc == 0) {
		committed(hub);
		return true;
	}
	if (rc == -ERR_BUSY && stick(hub))
		return false;
	LOG(LOG_ERROR, "a turn was lost", LOG_Z("error", err_name(rc)));
	hub_abandon(hub, rc);
	return true;
}

/* ---- work: messages others committed ---- */

struct look {
	struct hub	*hub;
	uint32_t	 rows;
};

static int
on_work(void *arg, int64_t seq, int64_t box)
{
	struct look *look = arg;
	struct stream *s;

	look->hub->seen = seq;
	look->rows++;
	if (box > 0 && (s = hub_stream(look->hub, box)) != NULL)
		hub_mark_dirty(look->hub, s);
	return 0;
}

static void
look_for_work(struct hub *hub)
{
	struct look look = { .hub = hub };
	int rc;

	hub->look = false;
	do {
		look.rows = 0;
		rc = store_msg_work(hub->store, hub->seen, WORK_ROWS, on_work, &look);
	} while (rc == 0 && look.rows == WORK_ROWS);
	if (rc < 0) {
		hub->look = true;
		hub_retry_soon(hub);
	}
	if (hub->id != 0)
		hub_carry_out(hub);
}

/* ---- feed ---- */

struct feeding {
	struct hub	*hub;
	struct stream	*s;
	bool		 full, wrote;
	int		 rc;
};

void
hub_mark_dirty(struct hub *hub, struct stream *s)
{
	if (s->conn == NULL || s->ended)
		return;
	list_del(&s->queue);
	list_add(&hub->dirty, &s->queue);
}

static void
advance(struct hub *hub, struct stream *s, int64_t seq)
{
	s->cursor = seq;
	if (!list_empty(&s->save))
		return;
	if (list_empty(&hub->unsaved))
		hub->unsaved_since = loop_mono(hub->loop);
	list_add(&hub->unsaved, &s->save);
}

static int
on_row(void *arg, const struct msg_row *m)
{
	struct feeding *f = arg;
	struct stream *s = f->s;
	char id[CURSOR_MAX];
	struct wire_event e = { .data = m->body, .json = true };
	struct wire_end end = { .final = true, .name = STR("close"), .data = m->body };

	f->full = stream_full(s);
	if (f->full)
		return 1;
	e.id = stream_cursor(s, f->hub->store->epoch, m->seq, id);
	f->rc = m->kind == MSG_CLOSE ? stream_end(s, &end) : stream_event(s, &e);
	f->wrote = true;
	advance(f->hub, s, m->seq);
	return f->rc < 0 || s->ended;
}

/* What a stream has to say is queued; how much leaves is the exchange's business. */
static void
pour(struct feeding *f)
{
	struct hub *hub = f->hub;
	struct stream *s = f->s;

	if (f->rc < 0) {
		hub_cut_stream(hub, s);
		return;
	}
	if (f->wrote && s->wire->once && !s->ended) {
		hub_pause_stream(hub, s);
		return;
	}
	conn_flush(s->conn);
	if (s->conn == NULL)
		return;
	if (s->conn->blocked && s->stuck == 0) {
		s->stuck = loop_mono(hub->loop);
		s->stuck_at = (uint32_t)conn_pending(s->conn);
	}
	if (f->full && !s->conn->blocked)
		hub_mark_dirty(hub, s);
}

/* What waited for a reader that was stuck may have expired: then the stream says so. */
static int
tell_gap(struct feeding *f)
{
	struct stream *s = f->s;
	const char *epoch = f->hub->store->epoch;
	char from[CURSOR_MAX], to[CURSOR_MAX];
	struct box b;
	int rc = store_box_get(f->hub->store, s->box, &b);

	if (rc < 0)
		return rc == -ERR_NOTFOUND ? 0 : rc;
	s->late = false;
	if (b.dropped <= s->cursor)
		return 0;
	f->rc = stream_gap(s, cursor_render(epoch, s->cursor, from), cursor_render(epoch, b.dropped, to));
	f->wrote = true;
	return f->rc;
}

static int
feed(struct hub *hub, struct stream *s)
{
	struct feeding f = { .hub = hub, .s = s };
	int rc = 0;

	if (s->conn == NULL || s->conn->blocked || s->ended || s->opener != NULL)
		return 0;
	f.wrote = s->greeted;
	if (s->late)
		rc = tell_gap(&f);
	if (rc == 0)
		rc = store_msg_read(hub->store, s->box, s->cursor, on_row, &f);
	if (rc < 0 && f.rc == 0)
		return rc;
	pour(&f);
	return 0;
}

static void
feed_all(struct hub *hub)
{
	struct list now;
	struct list *l;
	struct stream *s;
	int rc = 0;

	list_init(&now);
	list_move(&now, &hub->dirty);
	if (store_read_begin(hub->store, loop_real(hub->loop)) < 0)
		rc = -ERR_BUSY;
	while ((l = list_pop(&now)) != NULL) {
		s = LIST_OF(l, struct stream, queue);
		if (rc == 0)
			rc = feed(hub, s);
		if (rc < 0)
			hub_mark_dirty(hub, s);
	}
	store_read_end(hub->store);
	if (rc < 0)
		hub_retry_soon(hub);
}

/* ---- the turn ---- */

static void
deliver(struct hub *hub)
{
	int round;

	if (hub->look)
		look_for_work(hub);
	for (round = 0; !list_empty(&hub->dirty) && round < FEED_ROUNDS; round++)
		feed_all(hub);
	if (!list_empty(&hub->dirty))
		hub_retry_soon(hub);
}

/* The turn is committed. Receivers come before senders: an answer may wait for an event, not the
 * other way. */
static void
let_go(struct hub *hub)
{
	if (hub->store != NULL) {
		release_streams(hub);
		deliver(hub);
	}
	release(hub, 0);
}

void
hub_on_retry(struct loop_timer *t)
{
	struct hub *hub = LIST_OF(t, struct hub, retry);

	if (hub->stuck) {
		if (!commit(hub))
			return;
		let_go(hub);	/* before a new turn adds to what is held */
	}
	hub_unpark(hub);
}

void
hub_turn(struct hub *hub)
{
	hub->served = 0;
	if (hub->store != NULL && !hub->in_turn && (!list_empty(&hub->leaving) || hub_save_due(hub)))
		hub_begin(hub);
	if (hub->in_turn && !commit(hub))
		return;
	let_go(hub);
	hub_check_drained(hub);
}
