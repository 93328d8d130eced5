/*
 * hub-stream - the table of streams: open, feed marks, end, leave.
 *
 * One stream a mailbox receives; while a newer one is being opened two may stand in the table,
 * the older is superseded once the turn is committed. A stream whose exchange is over stays
 * until its leave is stored, then it is freed (hub-settle.c), nowhere else.
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
free_memory(struct stream *s)
{
	struct socket *sk = hub_socket(s);

	if (sk != NULL)
		hub_socket_free(sk);
	else
		free(s);
}

void
hub_free_stream(struct hub *hub, struct stream *s)
{
	list_del(&s->chain);
	list_del(&s->queue);
	list_del(&s->beat);
	list_del(&s->save);
	hub_limit_leave(hub, s);
	hub->streams--;
	hub->idle_since = loop_mono(hub->loop);
	free_memory(s);
}

void
hub_leave(struct hub *hub, struct stream *s)
{
	hub_limit_leave(hub, s);
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
	struct socket *sk = hub_socket(s);

	if (s->opener != NULL)
		req_free(s->opener);
	s->opener = NULL;
	if (sk != NULL)
		hub_socket_gone(sk);
	if (s->wire->whole && s->ended)
		s->cursor = 0;		/* it was not said */
	hub_leave(s->hub, s);
}

static void
stream_room(struct conn *c)
{
	struct stream *s = c->data;
	struct socket *sk = hub_socket(s);

	s->stuck = 0;
	s->late = true;
	hub_mark_dirty(s->hub, s);
	if (sk != NULL)
		hub_socket_listen(sk);
}

static const struct conn_user stream_user = {
	.room = stream_room, .gone = stream_gone, .heard = hub_socket_heard,
};

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
		hub_flush_end(s);
}

/* Its leave is stored first: whoever serves the next poll must know what this one took. */
static void
leave_before_flush(struct stream *s)
{
	struct hub *hub = s->hub;

	list_del(&s->queue);
	list_del(&s->beat);
	list_del(&s->save);
	list_add(&hub->leaving, &s->queue);
	loop_later(hub->loop, &hub->adopt);	/* another turn */
}

void
hub_flush_end(struct stream *s)
{
	struct socket *sk = hub_socket(s);

	if (sk != NULL)
		hub_socket_closing(sk);
	else if (s->wire->whole)
		leave_before_flush(s);
	else
		conn_flush(s->conn);
}

void
hub_pause_stream(struct hub *hub, struct stream *s)
{
	char text[CURSOR_MAX];
	int64_t beat_ms = hub->conf->heartbeat_min_ms / 2 + 1;
	struct wire_end end = { .final = false };

	if (s->opener != NULL)		/* not committed: it has said nothing yet */
		return;
	end.cursor = stream_cursor(s, hub->store->epoch, s->cursor, text);
	end.beat = s->silent / beat_ms != loop_mono(hub->loop) / beat_ms;
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
	struct socket *sk = hub_socket(s);

	s->opener = NULL;
	hub_supersede(hub, s->box, s->gen);
	hub_mark_dirty(hub, s);
	if (sk != NULL)
		hub_socket_listen(sk);
	if (s->box == 0 && s->conn != NULL)	/* there is nothing to feed it with */
		conn_flush(s->conn);
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
	hub_free_stream(hub, s);
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

/* When the poll before this one ended, whoever served it: however short polls are, a heartbeat that fell due
 * between two of them is one of the second. */
static int64_t
silent_since(struct hub *hub, const struct box *b)
{
	int64_t left = b->gen == 0 ? b->until : b->until - hub->conf->hold_ms - hub->conf->grace_ms;
	int64_t ago = loop_real(hub->loop) - left;

	return loop_mono(hub->loop) - (ago > 0 ? ago : 0);
}

/* The mailbox is ours from here on; who had it is told. */
static int
attach(struct hub *hub, struct stream *s, int64_t box, const struct hub_open *o)
{
	const struct stream *old = hub_stream(hub, box);
	struct box b;
	int rc;

	rc = hub_enter(hub);
	if (rc == 0)
		rc = store_box_get(hub->store, box, &b);
	if (rc == 0)
		rc = attach_box(hub, box, &s->gen);
	if (rc == 0 && b.hub != 0 && b.hub != hub->id)
		rc = hub_order(hub, b.hub, MSG_SUPERSEDE, box, s->gen);
	if (rc == 0 && s->wire->once && b.hub == 0)
		s->silent = silent_since(hub, &b);
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

	stream_head(r, o->wire);
	rc = stream_open(s, retry, stream_cursor(s, hub->store->epoch, s->cursor, text));
	s->greeted = o->gap_from.n > 0 || o->hello_data.n > 0;
	if (rc == 0 && o->gap_from.n > 0)
		rc = stream_gap(s, o->gap_from, o->gap_to);
	if (rc == 0 && o->hello_data.n > 0)
		rc = stream_event(s, &hello);
	return rc;
}

/* Released clients do not come back to a WebSocket by themselves: it lasts, as long as its age can be told. */
static uint32_t
lifetime(const struct hub *hub, const struct wire *wire)
{
	return wire->duplex ? UINT32_MAX : hub_lifetime(hub->conf->lifetime_ms);
}

static struct stream *
new_stream(struct hub *hub, struct req *r, const struct hub_open *o)
{
	struct stream *s = o->wire->duplex ? (struct stream *)hub_socket_new(r) : calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->hub = hub;
	s->conn = r->conn;
	s->opener = r;
	s->wire = o->wire;
	s->box = o->box;
	s->turn = hub->turns;
	s->order = o->order;
	s->key = (uint32_t)r->key;
	s->born = s->silent = loop_mono(hub->loop);
	s->life_ms = o->box == 0 ? (uint32_t)hub->conf->request_ms : lifetime(hub, o->wire);
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
	rc = hub_limit_enter(hub, r, o->box);
	if (rc == 0)
		s->who = r->who;
	if (rc == 0)
		rc = hub_limit_cgi(hub, s);
	if (rc == 0 && o->box != 0)
		rc = attach(hub, s, o->box, o);
	if (rc == 0)
		rc = greet(hub, r, s, o);
	if (rc < 0) {
		hub_limit_leave(hub, s);
		free_memory(s);
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

int
hub_receive(struct hub *hub, struct req *r, int64_t box)
{
	struct socket *sk = hub_socket_of(r);
	const struct hub_open o = { .resume = false };
	struct stream as;
	int rc;

	if (sk == NULL || sk->stream.box != 0)
		return -ERR_NOTFOUND;
	as = sk->stream;
	rc = attach(hub, &as, box, &o);
	if (rc < 0)
		return rc;
	sk->next_box = box;
	sk->next_gen = as.gen;
	sk->next_cursor = as.cursor;
	return 0;
}

static void
take_box(struct socket *sk)
{
	struct stream *s = &sk->stream;

	s->box = sk->next_box;
	s->gen = sk->next_gen;
	s->cursor = sk->next_cursor;
}

void
hub_receive_and_go(struct socket *sk)
{
	take_box(sk);
	sk->stream.turn = sk->stream.hub->turns;
}

void
hub_received(struct socket *sk)
{
	struct stream *s = &sk->stream;
	struct hub *hub = s->hub;

	take_box(sk);
	s->life_ms = lifetime(hub, s->wire);
	list_del(&s->chain);
	list_add(chain_of(hub, s->box), &s->chain);
	hub_supersede(hub, s->box, s->gen);
	hub_mark_dirty(hub, s);
	loop_later(hub->loop, &hub->adopt);
}
