/*
 * store-sqlite-taken - how far the streams are, and what is kept of what they took.
 *
 * Rows are dropped in the order in which they lie in the file, whatever their boxes: those of one box
 * are scattered over many pages, each of which would be read and written once for every box.
 */
#include "config.h"

#include <stdlib.h>

#include "store-sqlite.h"

#define DROPS_MAX	1024	/* rows put in order at once */

struct drops {
	int64_t	seq[DROPS_MAX];
	int	n;
};

struct kept {			/* of one box, while it is being changed */
	int64_t	id;
	int64_t	taken;
	int64_t	rows, bytes;	/* up to taken, still there */
	int64_t	dropped;	/* highest seq dropped now; 0: none */
};

static int
load_kept(struct lite *l, int64_t id, struct kept *k)
{
	sqlite3_stmt *q = lite_get(l, SQL_BOX_KEPT);
	int err;

	lite_int(q, ":id", id);
	err = lite_row(l, q);
	if (err != 0)
		return err;
	*k = (struct kept){ id, sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1),
	    sqlite3_column_int64(q, 2), 0 };
	lite_done(q);
	return 0;
}

static int
save_kept(struct lite *l, const struct kept *k)
{
	sqlite3_stmt *q = lite_get(l, SQL_BOX_KEEP);

	lite_int(q, ":id", k->id);
	lite_int(q, ":taken", k->taken);
	lite_int(q, ":kept", k->rows);
	lite_int(q, ":bytes", k->bytes);
	lite_int(q, ":dropped", k->dropped);
	lite_stale(l);
	return lite_run(l, q);
}

/* Adds (sign 1) or subtracts (-1) what lies above `after` up to seq. */
static int
count(struct lite *l, struct kept *k, int64_t after, int64_t seq, int sign)
{
	sqlite3_stmt *q = lite_get(l, SQL_MSG_BETWEEN);
	int err;

	lite_int(q, ":box", k->id);
	lite_int(q, ":after", after);
	lite_int(q, ":seq", seq);
	err = lite_row(l, q);
	if (err != 0)
		return err;
	k->rows += sign * sqlite3_column_int64(q, 0);
	k->bytes += sign * sqlite3_column_int64(q, 1);
	lite_done(q);
	return 0;
}

/* Never back, and never past what was given out: that would hide messages yet to come. */
static int
advance(struct lite *l, struct kept *k, int64_t seq)
{
	int64_t last, from = k->taken;
	int err;

	if (seq <= from)
		return 0;
	err = lite_last(l, &last);
	if (err != 0)
		return err;
	if (seq > last)
		seq = last;
	if (seq <= from)
		return 0;
	k->taken = seq;
	return count(l, k, from, seq, 1);
}

/* ---- dropping ---- */

static int
rising(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Positions without a gap are deleted together. */
static int
flush(struct lite *l, struct drops *d)
{
	int i, from, err = 0;

	qsort(d->seq, (size_t)d->n, sizeof d->seq[0], rising);
	for (i = 0; i < d->n && err == 0; i++) {
		for (from = i; i + 1 < d->n && d->seq[i + 1] == d->seq[i] + 1; i++)
			;
		err = lite_drop_range(l, d->seq[from], d->seq[i]);
	}
	d->n = 0;
	return err;
}

static bool
over(const struct kept *k)
{
	return k->rows > TAKEN_KEEP_ROWS || k->bytes > TAKEN_KEEP_BYTES;
}

/* Notes the oldest until the rest is within the limits, or there is no room to note more. */
static int
note_oldest(struct lite *l, struct kept *k, struct drops *d)
{
	sqlite3_stmt *q = lite_get(l, SQL_MSG_OLDEST);
	int got = 0;

	lite_int(q, ":box", k->id);
	lite_int(q, ":after", k->dropped);
	lite_int(q, ":seq", k->taken);
	while (over(k) && d->n < DROPS_MAX && (got = lite_step(l, q)) == 1) {
		d->seq[d->n++] = k->dropped = sqlite3_column_int64(q, 0);
		k->rows--;
		k->bytes -= sqlite3_column_int64(q, 1);
	}
	lite_done(q);
	if (got == 0 && d->n < DROPS_MAX && over(k))	/* none is left to drop: the count was wrong */
		k->rows = k->bytes = 0;
	return got < 0 ? got : 0;
}

static int
trim(struct lite *l, struct kept *k, struct drops *d)
{
	int err = 0;

	while (err == 0 && over(k)) {
		if (d->n == DROPS_MAX)
			err = flush(l, d);
		if (err == 0)
			err = note_oldest(l, k, d);
	}
	return err;
}

/* ---- taken ---- */

static int
take(struct lite *l, const struct taken *t, struct drops *d)
{
	struct kept k;
	int64_t was;
	int err = load_kept(l, t->box, &k);

	if (err != 0)
		return err;
	was = k.taken;
	err = advance(l, &k, t->seq);
	if (err == 0)
		err = trim(l, &k, d);
	return err != 0 || k.taken == was ? err : save_kept(l, &k);
}

int
lite_box_taken(struct store *s, const struct taken *list, size_t n)
{
	struct lite *l = (struct lite *)s;
	struct drops d;
	bool gone = false;
	size_t i;
	int err = 0;

	d.n = 0;
	for (i = 0; i < n && err == 0; i++) {
		err = take(l, &list[i], &d);
		if (err == -ERR_NOTFOUND) {
			gone = true;
			err = 0;
		}
	}
	if (err == 0)
		err = flush(l, &d);
	return err == 0 && gone ? -ERR_NOTFOUND : err;
}

/* ---- acknowledged ---- */

static int
delete_up_to(struct lite *l, int64_t id, int64_t seq)
{
	sqlite3_stmt *q = lite_get(l, SQL_MSG_ACK);
	int err = lite_give_no_more(l, seq);

	lite_int(q, ":box", id);
	lite_int(q, ":seq", seq);
	return err != 0 ? err : lite_run(l, q);
}

int
lite_box_ack(struct store *s, int64_t id, int64_t seq)
{
	struct lite *l = (struct lite *)s;
	struct kept k;
	int err = load_kept(l, id, &k);

	if (err == 0)
		err = advance(l, &k, seq);
	if (err == 0)
		err = count(l, &k, 0, seq, -1);
	if (err == 0)
		err = delete_up_to(l, id, seq);
	return err != 0 ? err : save_kept(l, &k);
}
