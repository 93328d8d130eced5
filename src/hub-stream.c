/*
 * hub-stream - the table of streams: open, feed marks, end, leave.
 *
 * One stream a mailbox receives; while a newer one is being opened two may stand in the table,
 * the older is superseded once the turn is committed. A stream whose exchange is over stays
 * until its leave is stored, then it is freed (hub_settled), nowhere else.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "hub-private.h"
#include "log.h"
#include "reply.h"

#define FIRST_BUCKETS	64
#define SAVE_MS		(HUB_SAVE_MS / 2)
#define SAVE_ROWS	512	/* taken, and their positions are stored earlier: what is to be dropped is little */
#define SAVE_BATCH	256	/* streams */

/* ---- the table ---- */

static struct list *
chain_of(const struct hub *hub, int64_t box)
{
	return &hub->table[(uint64_t)box * 11400714819323198485ull >> 32 & (hub->buckets - 1)];
}

static int
make_table(struct hub *hub, uint32_t buckets)
{
	uint32_t i;
	struct list *table = malloc(buckets * sizeof *table);

	if (table == NULL)
		return -ERR_NOMEM;
	for (i = 0; i < buckets; i++)
		list_init(&table[i]);
	hub->table = table;
	hub->buckets = buckets;
	return 0;
}

int
hub_table_init(struct hub *hub)
{
	return make_table(hub, FIRST_BUCKETS);
}

static void
rehash(struct hub *hub)
{
	struct list *old = hub->table, *l;
	uint32_t i, n = hub->buckets;
	struct stream *s;

	if (make_table(hub, n * 2) < 0)
		return;		/* longer chains are slower, not wrong */
	for (i = 0; i < n; i++)
		while ((l = list_pop(&old[i])) != NULL) {
			s = LIST_OF(l, struct stream, chain);
			list_add(chain_of(hub, s->box), &s->chain);
		}
	free(old);
}

void
hub_table_release(struct hub *hub)
{
	assert(hub->streams == 0);
	free(hub->table);
	hub->table = NULL;
}

struct stream *
hub_stream(struct hub *hub, int64_t box)
{
	struct list *head = chain_of(hub, box), *l;
	struct stream *s, *best = NULL;

	for (l = head->next; l != head; l = l->next) {
		s = LIST_OF(l, struct stream, chain);
		if (s->box == box && s->conn != NULL && !s->ended && (best == NULL || s->gen > best->gen))
			best = s;
	}
	return best;
}

void
hub_each_stream(struct hub *hub, void (*fn)(struct hub *, struct stream *))
{
	struct list *l, *next;
	uint32_t i;

	for (i = 0; i < hub->buckets; i++)
		for (l = hub->table[i].next; l != &hub->table[i]; l = next) {
			next = l->next;
			fn(hub, LIST_OF(l, struct stream, chain));
		}
}

/* ---- ends ---- */

static void
free_stream(struct hub *hub, struct stream *s)
{
	list_del(&s->chain);
	list_del(&s->queue);
	list_del(&s->beat);
	list_del(&s->save);
	hub->streams--;
	hub->idle_since = loop_mono(hub->loop);
	free(s);
}

void
hub_leave(struct hub *hub, struct stream *s)
{
	s->conn = NULL;
	s->pacing = false;
	list_del(&s->queue);
	list_del(&s->beat);
	list_del(&s->save);
	list_add(&hub->leaving, &s->queue);
}

static void
stream_gone(struct conn *c)
{
	struct stream *s = c->data;
	if (s->opener != NULL)
		req_free(s->opener);
	s->opener = NULL;
	hub_leave(s->hub, s);
}

static void
stream_room(struct conn *c)
{
	struct stream *s = c->data;

	s->stuck = 0;
	s->late = true;
	hub_mark_dirty(s->hub, s);
}

static const struct conn_user stream_user = { .room = stream_room, .gone = stream_gone };

void
hub_cut_stream(struct hub *hub, struct stream *s)
{
	struct conn *c = s->conn;

	if (c == NULL)
		return;
	stream_gone(c);
	c->user = NULL;
	conn_abort(c);
	(void)hub;
}

void
hub_stop_stream(struct hub *hub, struct stream *s, const struct wire_end *end)
{
	if (s->conn == NULL || s->ended)
		return;
	if (stream_end(s, end) < 0)
		hub_cut_stream(hub, s);
	else
		conn_flush(s->conn);
}

void
hub_pause_stream(struct hub *hub, struct stream *s)
{
	char text[CURSOR_MAX];
	struct wire_end end = { .final = false };

	if (s->opener != NULL)		/* not committed: it has said nothing yet */
		return;
	end.cursor = stream_cursor(s, hub->store->epoch, s->cursor, text);
	hub_stop_stream(hub, s, &end);
}

void
hub_supersede(struct hub *hub, int64_t box, int64_t gen)
{
	const struct wire_end end = {
		.final = true, .name = STR("superseded"),
		.data = STR("{\"reason\":\"another stream receives for this mailbox now\"}"),
	};
	struct list *head = chain_of(hub, box), *l, *next;
	struct stream *s;

	for (l = head->next; l != head; l = next) {
		next = l->next;
		s = LIST_OF(l, struct stream, chain);
		if (s->box == box && s->gen < gen)
			hub_stop_stream(hub, s, &end);
	}
}

/* ---- open ---- */

struct stream *
hub_opening(const struct req *r)
{
	struct stream *s;

	if (r->conn->user != &stream_user)
		return NULL;
	s = r->conn->data;
	return s->opener == r ? s : NULL;
}

void
hub_opened(struct hub *hub, struct stream *s)
{
	s->opener = NULL;
	hub_supersede(hub, s->box, s->gen);
	hub_mark_dirty(hub, s);
	if (!loop_timer_active(&hub->beat))
		loop_timer_start(&hub->beat, hub->slot_ms, hub->slot_ms);
	hub_schedule(hub, s);
	if (hub->draining)
		hub_pause_stream(hub, s);
}

void
hub_unopen(struct hub *hub, struct stream *s)
{
	s->conn->user = NULL;
	free_stream(hub, s);
}

int
hub_enter(struct hub *hub)
{
	int rc;

	if (hub->id != 0)
		return 0;
	rc = store_hub_enter(hub->store, &hub->id);
	if (rc < 0)
		hub->id = 0;
	hub->renewed = loop_mono(hub->loop);
	return rc;
}

/* Who slept past its lease may be asked for a stream before its own clock tells it. */
static int
attach_box(struct hub *hub, int64_t box, int64_t *gen)
{
	int rc = store_box_attach(hub->store, box, hub->id, gen);

	if (rc != -ERR_NOTFOUND)
		return rc;
	rc = hub_enter_again(hub);
	return rc < 0 ? rc : store_box_attach(hub->store, box, hub->id, gen);
}

/* The mailbox is ours from here on; who had it is told. */
static int
attach(struct hub *hub, struct stream *s, const struct hub_open *o)
{
	const struct stream *old = hub_stream(hub, o->box);
	struct box b;
	int rc;

	rc = hub_enter(hub);
	if (rc == 0)
		rc = store_box_get(hub->store, o->box, &b);
	if (rc == 0)
		rc = attach_box(hub, o->box, &s->gen);
	if (rc == 0 && b.hub != 0 && b.hub != hub->id)
		rc = hub_order(hub, b.hub, MSG_SUPERSEDE, o->box, s->gen);
	s->cursor = o->resume ? o->after : b.taken;
	if (old != NULL && !o->resume && old->cursor > s->cursor)
		s->cursor = old->cursor;	/* what it wrote is not stored yet */
	return rc;
}

static int
greet(struct hub *hub, struct req *r, struct stream *s, const struct hub_open *o)
{
	const struct conf *conf = hub->conf;
	struct wire_event hello = { .name = o->hello_name, .data = o->hello_data };
	uint32_t retry = (uint32_t)(conf->retry_min_ms +
	    loop_jitter((uint32_t)(conf->retry_max_ms - conf->retry_min_ms) + 1));
	char text[CURSOR_MAX];
	int rc;

	reply_stream_head(r, o->wire->type);
	rc = stream_open(s, retry, stream_cursor(s, hub->store->epoch, s->cursor, text));
	s->greeted = o->gap_from.n > 0 || o->hello_data.n > 0;
	if (rc == 0 && o->gap_from.n > 0)
		rc = stream_gap(s, o->gap_from, o->gap_to);
	if (rc == 0 && o->hello_data.n > 0)
		rc = stream_event(s, &hello);
	return rc;
}

static struct stream *
new_stream(struct hub *hub, struct req *r, const struct hub_open *o)
{
	struct stream *s = calloc(1, sizeof *s);
	uint32_t life = (uint32_t)hub->conf->lifetime_ms;

	if (s == NULL)
		return NULL;
	s->hub = hub;
	s->conn = r->conn;
	s->opener = r;
	s->wire = o->wire;
	s->box = o->box;
	s->turn = hub->turns;
	s->order = o->order;
	s->born = loop_mono(hub->loop);
	s->life_ms = life - loop_jitter(life / 5 + 1);
	s->handled = o->handle != NULL;
	if (s->handled)
		memcpy(s->handle, o->handle, HANDLE_SIZE);
	list_init(&s->chain);
	list_init(&s->queue);
	list_init(&s->beat);
	list_init(&s->save);
	return s;
}

int
hub_open(struct hub *hub, struct req *r, const struct hub_open *o)
{
	struct stream *s = o->order > 0 ? hub_stream(hub, o->box) : NULL;
	int rc;

	if (hub->draining)
		return -ERR_LEAVING;
	if (s != NULL && s->order > o->order)
		return -ERR_REPEATED;
	if (hub->streams >= hub->conf->max_streams)
		return -ERR_QUOTA;
	s = new_stream(hub, r, o);
	if (s == NULL)
		return -ERR_NOMEM;
	rc = attach(hub, s, o);
	if (rc == 0)
		rc = greet(hub, r, s, o);
	if (rc < 0) {
		free(s);
		conn_retract(r->conn);
		return rc;
	}
	r->conn->user = &stream_user;
	r->conn->data = s;
	hub->streams++;
	if (hub->streams > hub->buckets)
		rehash(hub);
	list_add(chain_of(hub, s->box), &s->chain);
	return 0;
}

static int
look_for_close(void *arg, const struct msg_row *m)
{
	*(bool *)arg = m->kind == MSG_CLOSE;
	return 0;
}

bool
hub_resumable(struct hub *hub, const struct box *b, int64_t after)
{
	bool closes = false;

	if (b->state == BOX_LIVE)
		return true;
	return store_msg_read(hub->store, b->id, after, look_for_close, &closes) == 0 && closes;
}

int
hub_resume(struct hub *hub, struct req *r, const struct box *b, const struct cursor *at, struct hub_open *o)
{
	char from[CURSOR_MAX], to[CURSOR_MAX];
	bool other = strcmp(at->epoch, hub->store->epoch) != 0;
	int64_t last;
	int rc = store_msg_last(hub->store, &last);

	if (rc < 0)
		return rc;
	o->box = b->id;
	o->resume = true;
	if (other || at->seq > last || at->seq < b->dropped) {
		o->gap_from = cursor_render(at->epoch, at->seq, from);
		o->gap_to = cursor_render(hub->store->epoch, at->seq < b->dropped ? b->dropped : last, to);
	}
	if (!other && at->seq <= last) {
		o->after = at->seq;
		rc = store_box_ack(hub->store, b->id, at->seq);
	}
	return rc < 0 ? rc : hub_open(hub, r, o);
}

/* ---- what a turn stores for streams ---- */

bool
hub_save_due(struct hub *hub)
{
	return !list_empty(&hub->unsaved) && (hub->unsaved_rows >= SAVE_ROWS ||
	    loop_mono(hub->loop) - hub->unsaved_since >= SAVE_MS);
}

static void
settle_leave(struct hub *hub, struct stream *s)
{
	int64_t until = loop_real(hub->loop);

	if (s->wire->once)
		until += hub->conf->hold_ms + hub->conf->grace_ms;
	store_box_taken(hub->store, s->box, s->cursor);
	store_box_detach(hub->store, s->box, s->gen, until);
	list_add(&hub->left, &s->queue);
}

static void
save_some(struct hub *hub)
{
	struct taken list[SAVE_BATCH];
	struct stream *s;
	size_t n;

	for (n = 0; n < SAVE_BATCH && !list_empty(&hub->unsaved); n++) {
		s = LIST_OF(hub->unsaved.next, struct stream, save);
		list_del(&s->save);
		list_add(&hub->saving, &s->save);
		list[n] = (struct taken){ s->box, s->cursor };
	}
	store_boxes_taken(hub->store, list, n);
}

void
hub_settle(struct hub *hub)
{
	struct list *l;

	while ((l = list_pop(&hub->leaving)) != NULL)
		settle_leave(hub, LIST_OF(l, struct stream, queue));
	if (!hub_save_due(hub))
		return;
	while (!list_empty(&hub->unsaved))
		save_some(hub);
	hub->unsaved_rows = 0;
}

/* A stream opened in a turn that failed never was, also if its client has left since. */
static void
forget_opened(struct hub *hub)
{
	struct list *l, *next;
	struct stream *s;

	for (l = hub->leaving.next; l != &hub->leaving; l = next) {
		next = l->next;
		s = LIST_OF(l, struct stream, queue);
		if (s->turn == hub->turns)
			free_stream(hub, s);
	}
}

/* What was stored in a turn that failed is stored again in the next. */
void
hub_settled(struct hub *hub, bool done)
{
	struct list *l;

	if (!done) {
		list_move(&hub->leaving, &hub->left);
		list_move(&hub->unsaved, &hub->saving);
		forget_opened(hub);
		return;
	}
	while (list_pop(&hub->saving) != NULL)
		;
	while ((l = list_pop(&hub->left)) != NULL)
		free_stream(hub, LIST_OF(l, struct stream, queue));
}

void
hub_forget_left(struct hub *hub)
{
	list_move(&hub->left, &hub->leaving);
	hub_settled(hub, true);
}
