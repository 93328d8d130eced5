/*
 * hub-roster - who is joined, told to those who joined. Nothing of it is stored, nothing has an id.
 *
 * A stream gets the whole list once, as there is room, from the rendering all of its wire share. Then on each
 * tick (star_tick_ms) what joined since, and a slice of SLICE names that goes round the list. What joined
 * here is told sooner while few listen: after PER_LISTENER_MS for each who does. So N who listen cost N
 * small writes a tick, not N², and the list is read from the store at most so often.
 *
 * A listener is known by its mailbox and not by its stream, which a poll opens and ends all the time.
 * It is told nothing while its mailbox holds no name; where it is full already, what it would be told now is
 * dropped: it comes round again.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "hub-private.h"
#include "hub-roster.h"

#define SLICE		50
#define PER_LISTENER_MS	5
#define SOON_MS		20	/* at the earliest after somebody joined: he may not be alone */
#define AGAIN_MS	20	/* the list could not be read */
#define MISSING_TICKS	3	/* a listener without a stream for so many is forgotten */
#define BATCH		64	/* listeners told in one turn, so that others are served in between … */
#define BATCH_MS	1	/* … and the pause after it */

int
hub_roster_init(struct hub *hub)
{
	hub->roster = calloc(1, sizeof *hub->roster);
	if (hub->roster == NULL)
		return -ERR_NOMEM;
	roll_init(&hub->roster->roll);
	buf_init(&hub->roster->fresh, 1u << 30);
	return 0;
}

void
hub_roster_clear(struct hub *hub)
{
	struct roster *o = hub->roster;

	loop_timer_stop(&hub->rounds);
	roll_release(&o->roll);
	buf_release(&o->fresh);
	free(o->list);
	*o = (struct roster){ .roll = o->roll, .fresh = o->fresh };
}

void
hub_roster_release(struct hub *hub)
{
	hub_roster_clear(hub);
	free(hub->roster);
	hub->roster = NULL;
}

/* ---- listeners ---- */

/* The first that is not before this box. */
static uint32_t
place_of(const struct roster *o, int64_t box)
{
	uint32_t from = 0, to = o->count, middle;

	while (from < to) {
		middle = from + (to - from) / 2;
		if (o->list[middle].box < box)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

struct listener *
roster_find(const struct roster *o, int64_t box)
{
	uint32_t i = place_of(o, box);

	return i < o->count && o->list[i].box == box ? &o->list[i] : NULL;
}

static struct listener *
add(struct roster *o, int64_t box)
{
	uint32_t i = place_of(o, box), room = o->room == 0 ? 16 : o->room * 2;
	struct listener *list = o->list;

	if (o->count == o->room) {
		list = realloc(list, room * sizeof *list);
		if (list == NULL)
			return NULL;
		o->list = list;
		o->room = room;
	}
	memmove(list + i + 1, list + i, (o->count - i) * sizeof *list);
	o->count++;
	list[i] = (struct listener){ .box = box };
	return &list[i];
}

static void
arm(struct hub *hub, int64_t at)
{
	struct roster *o = hub->roster;
	int64_t now = loop_mono(hub->loop);

	if (loop_timer_active(&hub->rounds) && o->due <= at)
		return;
	o->due = at;
	loop_timer_start(&hub->rounds, at > now ? (uint64_t)(at - now) : 0, 0);
}

/* Somebody joined: how soon that is told depends on how many there are to be told. */
static void
arm_soon(struct hub *hub)
{
	struct roster *o = hub->roster;
	int64_t wait = (int64_t)o->count * PER_LISTENER_MS, soon = loop_mono(hub->loop) + SOON_MS;

	if (wait > hub->conf->star_tick_ms)
		wait = hub->conf->star_tick_ms;
	if (o->read != 0 && o->read + wait > soon)
		soon = o->read + wait;
	if (o->soon == 0 || soon < o->soon)
		o->soon = soon;
	if (!o->telling)
		arm(hub, o->soon);
}

void
hub_roster_listen(struct hub *hub, int64_t box, enum roster_from from)
{
	struct roster *o = hub->roster;
	struct listener *l = roster_find(o, box);
	bool first = o->count == 0, new = l == NULL;

	if (new)
		l = add(o, box);
	if (l == NULL)
		return;		/* out of memory: it is told nothing */
	l->joined = true;
	l->missing = 0;
	if (from == ROSTER_ALL || (from == ROSTER_ALL_IF_NEW && new)) {
		l->whole = true;
		l->at = 0;
	}
	if (first) {
		o->ticked = loop_mono(hub->loop);
		arm_soon(hub);
	}
}

/* Nobody is told of itself, not even from a list that is older than its takeover. */
int
hub_roster_joined(struct hub *hub, const struct box *b, struct str name)
{
	struct roster *o = hub->roster;
	uint32_t i = roll_find(&o->roll, name);
	struct roll_entry *e;

	if (i < o->roll.n && str_eq(roll_name(&o->roll, i), name)) {
		e = (struct roll_entry *)(void *)o->roll.entries.p + i;
		e->box = b->id;
	}
	if (hub_stream(hub, b->id) != NULL)
		hub_roster_listen(hub, b->id, ROSTER_ALL_IF_NEW);
	if (o->count > 0)
		arm_soon(hub);
	return b->hub == 0 || b->hub == hub->id ? 0 : hub_order(hub, b->hub, MSG_LISTEN, b->id, 0);
}

/* ---- a round ---- */

/* Positions in the list before are found in the one that replaces it, by the names they stand for. */
static uint32_t
moved(const struct roll *old, const struct roll *new, uint32_t at)
{
	return at >= old->n ? new->n : roll_find(new, roll_name(old, at));
}

static void
move_listeners(struct roster *o, const struct roll *old)
{
	uint32_t i;

	for (i = 0; i < o->count; i++) {
		if (o->list[i].whole && o->list[i].at > 0)
			o->list[i].at = moved(old, &o->roll, o->list[i].at);
		o->list[i].joined = o->list[i].owed = false;
	}
	o->slice = old->n == 0 ? 0 : moved(old, &o->roll, (o->slice + o->slice_n) % old->n);
}

/* Who joined by another process, and has a stream here, listens as well. */
static void
meet(struct hub *hub, int64_t box)
{
	struct roster *o = hub->roster;
	struct listener *l = roster_find(o, box);

	if (l == NULL && hub_stream(hub, box) != NULL) {
		l = add(o, box);
		if (l != NULL)
			l->whole = true;
	}
	if (l != NULL)
		l->joined = true;
}

static void
look_at_names(struct hub *hub)
{
	struct roster *o = hub->roster;
	const struct roll_entry *e;
	uint32_t i;

	buf_clear(&o->fresh);
	for (i = 0; i < o->roll.n; i++) {
		e = roll_entry(&o->roll, i);
		if (e->id > o->since)
			buf_add(&o->fresh, &i, sizeof i);
		meet(hub, e->box);
	}
}

static void
forget_missing(struct hub *hub)
{
	struct roster *o = hub->roster;
	uint32_t i, kept = 0;

	for (i = 0; i < o->count; i++) {
		if (hub_stream(hub, o->list[i].box) != NULL)
			o->list[i].missing = 0;
		else if (++o->list[i].missing >= MISSING_TICKS)
			continue;
		o->list[kept++] = o->list[i];
	}
	o->count = kept;
}

static int
read_names(struct hub *hub)
{
	struct roster *o = hub->roster;
	struct roll old = o->roll;
	int rc = hub->store == NULL ? -ERR_IO : store_read_begin(hub->store, loop_real(hub->loop));

	if (rc < 0)
		return rc;
	roll_init(&o->roll);
	rc = roll_read(&o->roll, hub->store, STAR_REALM);
	store_read_end(hub->store);
	if (rc == 0) {
		o->since = o->read == 0 ? INT64_MAX : old.newest;
		move_listeners(o, &old);
		look_at_names(hub);
		roll_release(&old);
		o->read = loop_mono(hub->loop);
	} else
		o->roll = old;
	return rc;
}

static void
begin_round(struct hub *hub)
{
	struct roster *o = hub->roster;
	int64_t now = loop_mono(hub->loop);
	bool tick = now - o->ticked >= hub->conf->star_tick_ms;

	if (read_names(hub) < 0) {
		o->soon = now + AGAIN_MS;
		return;
	}
	if (tick) {
		o->ticked = now;
		forget_missing(hub);
	}
	o->soon = 0;
	o->slice_n = !tick ? 0 : o->roll.n < SLICE ? o->roll.n : SLICE;
	o->telling = true;
	o->told = 0;
}

/* ---- telling ---- */

bool
roster_wants(const struct listener *l)
{
	return l->joined && (l->owed || l->whole);
}

/* Marks some streams dirty; what they are told is rendered when they are fed. */
static void
tell_some(struct hub *hub)
{
	struct roster *o = hub->roster;
	uint32_t i = place_of(o, o->told + 1), end = o->count - i < BATCH ? o->count : i + BATCH;
	struct listener *l;
	struct stream *s;

	for (; i < end; i++) {
		l = &o->list[i];
		o->told = l->box;
		s = hub_stream(hub, l->box);
		l->owed = s != NULL && !s->conn->blocked && o->fresh.n + o->slice_n > 0;
		l->news = 0;
		if (s != NULL && roster_wants(l))
			hub_mark_dirty(hub, s);
	}
	o->telling = end < o->count;
}

static int64_t
next_time(struct hub *hub, int64_t now)
{
	const struct roster *o = hub->roster;
	int64_t tick = o->ticked + hub->conf->star_tick_ms;

	if (o->telling)
		return now + BATCH_MS;
	return o->soon != 0 && o->soon < tick ? o->soon : tick;
}

void
hub_on_rounds(struct loop_timer *t)
{
	struct hub *hub = LIST_OF(t, struct hub, rounds);
	struct roster *o = hub->roster;
	int64_t now = loop_mono(hub->loop);

	loop_timer_stop(t);
	if (now < o->due) {		/* the timer's clock is not quite ours */
		arm(hub, o->due);
		return;
	}
	if (!o->telling)
		begin_round(hub);
	if (o->telling)
		tell_some(hub);
	if (o->count == 0)
		hub_roster_clear(hub);
	else
		arm(hub, next_time(hub, now));
}
