/*
 * hub-roster-feed - what a listener is owed, into its stream, as there is room.
 *
 * A stream gets runs of the bytes all of its wire share, between the entries that are its own.
 */
#include "config.h"

#include "err.h"
#include "hub-private.h"
#include "hub-roster.h"

#define EVENT		STR("ws-peer")
#define CHUNK		32768	/* bytes queued between two looks at how full a stream is */

struct pouring {
	struct roster	*o;
	struct stream	*s;
	const struct roll_view *v;	/* NULL: each event is rendered for this stream */
	uint32_t	 queued;	/* bytes since the last look at how full it is */
	bool		 slice;		/* of it: those that are no news */
	bool		 wrote;
	int		 rc;
};

/* For a wire whose rendering depends on what came before it. */
static void
pour_event(struct pouring *p, uint32_t i)
{
	struct buf data;
	struct wire_event e;

	buf_init(&data, 8 * NAME_BYTES_MAX);
	e = roll_event(&p->o->roll, i, EVENT, &data);
	p->rc = buf_err(&data) < 0 ? 0 : stream_event(p->s, &e);
	buf_release(&data);
}

static uint32_t
size_of(const struct pouring *p, uint32_t i)
{
	return p->v == NULL ? CHUNK : (uint32_t)roll_bytes(p->v, i, i + 1).n;
}

static void
pour_run(struct pouring *p, uint32_t from, uint32_t to)
{
	struct str bytes;

	if (from == to || p->rc < 0)
		return;
	p->wrote = true;
	if (p->v == NULL) {
		pour_event(p, from);
		return;
	}
	bytes = roll_bytes(p->v, from, to);
	p->rc = conn_add(p->s->conn, bytes);
}

static bool
skips(const struct pouring *p, uint32_t i)
{
	const struct roll_entry *e = roll_entry(&p->o->roll, i);

	return e->box == p->s->box || (p->slice && e->id > p->o->since);
}

/* One run of neighbours, none of them its own and not too many at once, from *at up to `to`. */
static void
pour_some(struct pouring *p, uint32_t *at, uint32_t to)
{
	uint32_t from = *at, i = from, bytes = 0;

	while (i < to && bytes < CHUNK && !skips(p, i))
		bytes += size_of(p, i++);
	pour_run(p, from, i);
	if (i < to && skips(p, i))
		i++;
	*at = i;
}

/* false: it is full before `to`, which *at tells. */
static bool
pour_range(struct pouring *p, uint32_t *at, uint32_t to)
{
	while (*at < to && p->rc == 0) {
		if (stream_full(p->s))
			return false;
		pour_some(p, at, to);
	}
	return true;
}

static bool
pour_fresh(struct pouring *p, uint32_t *news)
{
	const uint32_t *fresh = (const uint32_t *)(const void *)p->o->fresh.p;
	uint32_t i = *news, n = p->o->fresh.n / (uint32_t)sizeof *fresh, from, at, to;
	bool room = true;

	while (i < n && room && p->rc == 0) {
		from = at = to = fresh[i];
		for (*news = i; i < n && fresh[i] == to; i++)
			to++;
		room = pour_range(p, &at, to);
		*news += at - from;
	}
	return room;
}

static void
pour_slice(struct pouring *p)
{
	uint32_t n = p->o->roll.n, at = p->o->slice, to = at + p->o->slice_n, again = 0;

	p->slice = true;
	if (pour_range(p, &at, to < n ? to : n) && to > n)
		pour_range(p, &again, to - n);
}

static void
pour_all(struct pouring *p, struct listener *l, bool *full)
{
	if (l->whole && p->o->read != 0) {
		l->owed = l->owed && l->at > 0;		/* all of this list has what is told of it */
		*full = !pour_range(p, &l->at, p->o->roll.n);
		l->whole = *full;
	}
	if (!l->owed || l->whole)
		return;
	*full = !pour_fresh(p, &l->news);
	l->owed = *full;
	if (!l->owed)
		pour_slice(p);
}

int
hub_roster_feed(struct hub *hub, struct stream *s, bool *wrote, bool *full)
{
	struct pouring p = { .o = hub->roster, .s = s };
	struct listener *l = p.o->count == 0 ? NULL : roster_find(p.o, s->box);

	if (l == NULL || hub->keys.quiet || !roster_wants(l) || stream_full(s))
		return 0;
	if (!s->wire->once) {
		p.v = roll_view(&p.o->roll, s->wire, EVENT);
		if (p.v == NULL)
			return 0;
	}
	pour_all(&p, l, full);
	*wrote = *wrote || p.wrote;
	return p.rc;
}
