/*
 * hub-feed - delivery: what was committed, here or elsewhere, into the streams held here.
 *
 * There is one way: read the rows of a mailbox after the stream's cursor, render, advance.
 */
#include "config.h"

#include "err.h"
#include "hub-private.h"

#define WORK_ROWS	1024	/* (seq, box) pairs a look */
#define FEED_ROUNDS	16	/* a turn; a stream that is always full must not starve requests */

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

/* ---- pauses ---- */

/* All pauses are of one length, so the list is in the order in which they end. */
void
hub_pace(struct hub *hub, struct stream *s)
{
	if (s->wire->pace_ms == 0)
		return;
	s->paced = stream_age(s, loop_mono(hub->loop)) + s->wire->pace_ms;
	s->pacing = true;
	list_del(&s->queue);
	list_add(&hub->pacing, &s->queue);
	if (!loop_timer_active(&hub->pace))
		loop_timer_start(&hub->pace, s->wire->pace_ms, 0);
}

void
hub_on_pace(struct loop_timer *t)
{
	struct hub *hub = LIST_OF(t, struct hub, pace);
	int64_t left;
	struct stream *s;

	while (!list_empty(&hub->pacing)) {
		s = LIST_OF(hub->pacing.next, struct stream, queue);
		left = (int64_t)s->paced - stream_age(s, loop_mono(hub->loop));
		if (left > 0) {
			loop_timer_start(t, (uint64_t)left, 0);
			return;
		}
		s->pacing = false;
		list_del(&s->queue);
		hub_mark_dirty(hub, s);
	}
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
	if (s->conn == NULL || s->ended || s->pacing || s->box == 0)
		return;
	list_del(&s->queue);
	list_add(&hub->dirty, &s->queue);
}

static void
advance(struct hub *hub, struct stream *s, int64_t seq)
{
	s->cursor = seq;
	hub->unsaved_rows++;
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
	if (m->kind == MSG_HANDSHAKE)
		e.name = STR("ws-handshake");
	e.id = stream_cursor(s, f->hub->store->epoch, m->seq, id);
	f->rc = m->kind == MSG_CLOSE ? stream_end(s, &end) : stream_event(s, &e);
	f->wrote = true;
	advance(f->hub, s, m->seq);
	return f->rc < 0 || s->ended || s->wire->pace_ms > 0;
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
	if (s->ended)
		hub_flush_end(s);
	else if (!s->wire->whole)
		conn_flush(s->conn);
	if (s->conn == NULL)
		return;
	if (s->conn->blocked && s->stuck == 0) {
		s->stuck = stream_age(s, loop_mono(hub->loop));
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
feed_rows(struct feeding *f)
{
	struct stream *s = f->s;
	int rc = 0;

	f->wrote = s->greeted;
	if (s->late)
		rc = tell_gap(f);
	if (rc == 0)
		rc = store_msg_read(f->hub->store, s->box, s->cursor, on_row, f);
	return rc < 0 && f->rc == 0 ? rc : 0;
}

/* A wire that paces gets its head alone, then one message at a time, and a beat after the last. */
static int
feed_paced(struct feeding *f)
{
	struct stream *s = f->s;
	int64_t before = s->cursor;
	int rc = s->paced > 0 ? feed_rows(f) : 0;

	if (rc < 0 || f->rc < 0 || s->ended)
		return rc;
	if (s->cursor == before && s->paced > 0 && !s->unfilled)
		return 0;
	if (s->cursor == before && s->unfilled)
		f->rc = stream_beat(s);
	s->unfilled = s->cursor != before;
	hub_pace(f->hub, s);
	return 0;
}

static int
feed(struct hub *hub, struct stream *s)
{
	struct feeding f = { .hub = hub, .s = s };
	int rc;

	if (s->conn == NULL || s->conn->blocked || s->ended || s->opener != NULL)
		return 0;
	rc = s->wire->pace_ms > 0 ? feed_paced(&f) : feed_rows(&f);
	if (rc == 0 && f.rc == 0 && !s->ended && s->wire->pace_ms == 0)
		f.rc = hub_roster_feed(hub, s, &f.wrote, &f.full);
	if (rc == 0)
		pour(&f);
	return rc;
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

void
hub_deliver(struct hub *hub)
{
	int round;

	if (hub->look)
		look_for_work(hub);
	for (round = 0; !list_empty(&hub->dirty) && round < FEED_ROUNDS; round++)
		feed_all(hub);
	if (!list_empty(&hub->dirty))
		hub_retry_soon(hub);
}
