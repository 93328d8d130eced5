/*
 * store-sqlite-fresh - rows this connection has just committed, read back from memory.
 *
 * A message is usually read once, by the stream of its receiver, right after its commit. Then the turn
 * that added it still knows it, and a read transaction, a search and the way back through the page
 * cache can be saved: a fifth of what a message costs the engine at light load.
 *
 * That is the same as asking SQLite as long as
 *  - it is the state right after that COMMIT that is read: in the first reading, at the same moment
 *    (read_begin's now), unless that reading has seen by now that somebody else committed;
 *  - nothing had been waiting in the box above `base` when the first row of the turn came (msg_room
 *    counted), and the reader starts there or above;
 *  - all rows of the box that came in the turn are here, and none has gone: whatever deletes, moves or
 *    takes back rows makes the counts stale, and these rows with them.
 */
#include "config.h"

#include <stdlib.h>

#include "store-sqlite.h"

#define FIRST_BYTES	16384

struct fresh_row {
	int64_t		 seq, src;
	int		 kind;
	uint32_t	 size;		/* bytes of the body, which follows */
	uint32_t	 next;		/* where the next row of its box is, plus one; 0: there is none */
};

void
lite_fresh_begin(struct lite *l)
{
	l->fresh.n = 0;
	l->fresh.good = false;
}

void
lite_fresh_end(struct lite *l)
{
	free(l->fresh.bytes);
}

static struct fresh_row *
row_at(const struct lite *l, uint32_t at)
{
	return (struct fresh_row *)(void *)(l->fresh.bytes + at - 1);
}

static bool
grow(struct lite_fresh *f, size_t need)
{
	size_t size = f->size == 0 ? FIRST_BYTES : f->size;
	char *bytes;

	while (size < f->n + need)
		size *= 2;
	if (size <= f->size)
		return true;
	bytes = size > LITE_FRESH_MAX ? NULL : realloc(f->bytes, size);
	if (bytes == NULL)
		return false;
	f->bytes = bytes;
	f->size = size;
	return true;
}

void
lite_fresh_add(struct lite *l, struct lite_quota *a, const struct msg_new *m, int64_t seq)
{
	size_t need = (sizeof(struct fresh_row) + m->body.n + 7) & ~(size_t)7;
	uint32_t at = (uint32_t)l->fresh.n + 1;
	struct fresh_row *r;

	if (a->base < 0 || !grow(&l->fresh, need)) {
		a->base = -1;
		return;
	}
	r = row_at(l, at);
	*r = (struct fresh_row){ seq, m->src, m->kind, (uint32_t)m->body.n, 0 };
	if (m->body.n > 0)
		memcpy(r + 1, m->body.p, m->body.n);
	l->fresh.n += need;
	if (a->first == 0)
		a->first = at;
	else
		row_at(l, a->last)->next = at;
	a->last = at;
}

/* Who has read something in this reading may have learnt of others. */
bool
lite_fresh_has(struct lite *l, const struct lite_quota *a, int64_t box, int64_t after)
{
	if (!l->reading || !l->fresh.good || l->fresh.now != l->now)
		return false;
	if (l->read_open)
		lite_notice(l);
	return l->fresh.good && a->turn == l->turns && a->box == box && a->base >= 0 && after >= a->base;
}

void
lite_fresh_read(struct lite *l, const struct lite_quota *a, int64_t after, msg_fn *fn, void *arg)
{
	const struct fresh_row *r;
	struct msg_row m = { .box = a->box };
	uint32_t at;

	for (at = a->first; at != 0; at = r->next) {
		r = row_at(l, at);
		if (r->seq <= after)
			continue;
		m.seq = r->seq;
		m.src = r->src;
		m.kind = r->kind;
		m.body = str_make((const char *)(r + 1), r->size);
		if (fn(arg, &m) != 0)
			return;
	}
}
