/*
 * store-sqlite-expiry - messages past their time.
 *
 * An index of what is due would change one page more with every message. Instead each sweep enters what
 * has come since the last one into stretches of LITE_STRETCH rows, with the earliest due of each,
 * and looks again at a stretch when that has passed: rows nobody took expire, taken ones stay
 * for TAKEN_KEEP_MS longer, and the stretch gets the time of what is left in it. So a row is read
 * three times, in the order in which it lies in the file, and deleted together with its neighbours.
 *
 * Rows are entered as part of the turn that looks at them: what is in a stretch was committed with it.
 */
#include "config.h"

#include "store-sqlite.h"

#define READ_COST	16	/* so many rows may be read instead of one being written */

struct stretch {
	int64_t	due, first, last;
};

struct row {
	int64_t	seq, due, box, size;
	bool	untaken;
	bool	gone;		/* to be deleted */
};

static void
pay(int64_t *room, int rows)
{
	*room -= 1 + rows / READ_COST;
}

/* ---- what is new ---- */

static int
add_stretch(struct lite *l, const struct stretch *st)
{
	sqlite3_stmt *q = lite_get(l, SQL_STRETCH_ADD);

	lite_int(q, ":due", st->due);
	lite_int(q, ":first", st->first);
	lite_int(q, ":last", st->last);
	return lite_run(l, q);
}

/* *n: how many rows were entered. */
static int
enter_some(struct lite *l, int64_t *mark, int *n)
{
	sqlite3_stmt *q = lite_get(l, SQL_STRETCH_NEW);
	struct stretch st = { .due = INT64_MAX };
	int got;

	lite_int(q, ":mark", *mark);
	lite_int(q, ":room", LITE_STRETCH);
	for (*n = 0; (got = lite_step(l, q)) == 1; ++*n) {
		st.last = sqlite3_column_int64(q, 0);
		if (*n == 0)
			st.first = st.last;
		if (sqlite3_column_int64(q, 1) < st.due)
			st.due = sqlite3_column_int64(q, 1);
	}
	if (got < 0 || *n == 0)
		return got;
	*mark = st.last;
	return add_stretch(l, &st);
}

static int
enter_new(struct lite *l, int64_t *mark, int64_t *room)
{
	int n = LITE_STRETCH, err = 0;

	while (err == 0 && n == LITE_STRETCH && *room > 0) {
		err = enter_some(l, mark, &n);
		if (n > 0)
			pay(room, n);
	}
	return err;
}

/* ---- a stretch ---- */

/* -ERR_NOTFOUND: none is due. */
static int
next_stretch(struct lite *l, int64_t limit, struct stretch *st)
{
	sqlite3_stmt *q = lite_get(l, SQL_STRETCH_DUE);
	int err;

	lite_int(q, ":limit", limit);
	err = lite_row(l, q);
	if (err != 0)
		return err;
	*st = (struct stretch){ sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1),
	    sqlite3_column_int64(q, 2) };
	lite_done(q);
	return 0;
}

/* Longer than we make them: an older program did, or a newer one. */
static int
split(struct lite *l, struct stretch *st, int64_t seq)
{
	const struct stretch rest = { st->due, seq, st->last };

	st->last = seq - 1;
	return add_stretch(l, &rest);
}

static int
read_rows(struct lite *l, struct stretch *st, struct row *rows, int *n)
{
	sqlite3_stmt *q = lite_get(l, SQL_STRETCH_ROWS);
	int got;

	lite_int(q, ":first", st->first);
	lite_int(q, ":last", st->last);
	for (*n = 0; (got = lite_step(l, q)) == 1; ++*n) {
		if (*n == LITE_STRETCH) {
			got = split(l, st, sqlite3_column_int64(q, 0));
			lite_done(q);
			return got;
		}
		rows[*n] = (struct row){
			.seq = sqlite3_column_int64(q, 0), .due = sqlite3_column_int64(q, 1),
			.box = sqlite3_column_int64(q, 2), .size = sqlite3_column_int64(q, 3),
			.untaken = sqlite3_column_int(q, 4) != 0,
		};
	}
	return got;
}

static int64_t
deadline(const struct row *r)
{
	return r->untaken ? r->due : r->due + TAKEN_KEEP_MS;
}

/* It is looked at again when the first of the rows that stay is to be judged. */
static int
settle(struct lite *l, struct stretch *st, const struct row *rows, int n)
{
	sqlite3_stmt *q = lite_get(l, SQL_STRETCH_FORGET);
	struct stretch next = { .due = INT64_MAX, .last = st->last };
	int i, err;

	lite_int(q, ":due", st->due);
	lite_int(q, ":first", st->first);
	err = lite_run(l, q);
	for (i = n; i-- > 0;) {
		if (rows[i].gone)
			continue;
		next.first = rows[i].seq;
		if (deadline(&rows[i]) < next.due)
			next.due = deadline(&rows[i]);
	}
	return err != 0 || next.due == INT64_MAX ? err : add_stretch(l, &next);
}

/* ---- judging ---- */

/* Tells of the row that goes. 1: the caller wants no more. */
static int
announce(struct lite *l, struct sweep *sw, int64_t seq)
{
	sqlite3_stmt *q;
	struct msg_row m;
	int err;

	if (sw->expired == NULL)
		return 0;
	q = lite_get(l, SQL_MSG_GET);
	lite_int(q, ":seq", seq);
	err = lite_row(l, q);
	if (err != 0)
		return err == -ERR_NOTFOUND ? 0 : err;
	lite_read_msg(q, &m);
	err = sw->expired(sw->arg, &m);
	lite_done(q);
	return err == 0 ? 0 : 1;
}

static int
judge(struct lite *l, struct sweep *sw, struct row *rows, int n, int64_t limit, int64_t *room)
{
	int i, stop = 0;

	for (i = 0; i < n && stop == 0 && *room > 0; i++) {
		if (deadline(&rows[i]) > limit)
			continue;
		if (rows[i].untaken && rows[i].box > 0)
			stop = announce(l, sw, rows[i].seq);
		if (stop < 0)
			return stop;
		rows[i].gone = true;
		sw->messages++;
		--*room;
	}
	if (stop == 1)
		*room = 0;
	return 0;
}

/* ---- deleting ---- */

/* What its box has to know of the row at `at` and of its others behind it; they are told by it alone. */
static int
tell_box(struct lite *l, const struct row *rows, bool *told, int at, int n)
{
	sqlite3_stmt *q = lite_get(l, SQL_BOX_DROPS);
	int64_t last = 0, kept = 0, bytes = 0;
	int i;

	for (i = at; i < n; i++) {
		if (!rows[i].gone || rows[i].box != rows[at].box)
			continue;
		told[i] = true;
		last = rows[i].seq;
		kept += !rows[i].untaken;
		bytes += rows[i].untaken ? 0 : rows[i].size;
	}
	lite_int(q, ":box", rows[at].box);
	lite_int(q, ":seq", last);
	lite_int(q, ":rows", kept);
	lite_int(q, ":bytes", bytes);
	return lite_run(l, q);
}

static int
tell_boxes(struct lite *l, const struct row *rows, int n)
{
	bool told[LITE_STRETCH] = { false };
	int i, err = 0;

	for (i = 0; i < n && err == 0; i++)
		if (rows[i].gone && rows[i].box > 0 && !told[i])
			err = tell_box(l, rows, told, i, n);
	return err;
}

/* Neighbours go together. */
static int
delete_rows(struct lite *l, const struct row *rows, int n)
{
	int i, from, err = 0;

	for (i = 0; i < n && err == 0; i++) {
		if (!rows[i].gone)
			continue;
		for (from = i; i + 1 < n && rows[i + 1].gone; i++)
			;
		err = lite_drop_range(l, rows[from].seq, rows[i].seq);
	}
	return err;
}

/* ---- the whole ---- */

static int
sweep_stretch(struct lite *l, struct sweep *sw, int64_t limit, int64_t *room)
{
	struct row rows[LITE_STRETCH];
	struct stretch st;
	int n, err = next_stretch(l, limit, &st);

	if (err == 0)
		err = read_rows(l, &st, rows, &n);
	if (err == 0)
		err = judge(l, sw, rows, n, limit, room);
	if (err == 0)
		err = tell_boxes(l, rows, n);
	if (err == 0)
		err = delete_rows(l, rows, n);
	if (err == 0)
		err = settle(l, &st, rows, n);
	if (err == 0)
		pay(room, n);
	return err;
}

int
lite_sweep_messages(struct lite *l, struct sweep *sw, int64_t *mark, int64_t *room)
{
	int64_t limit = l->now - EXPIRY_SLACK_MS - 1;
	int err = enter_new(l, mark, room);

	while (err == 0 && *room > 0)
		err = sweep_stretch(l, sw, limit, room);
	return err == -ERR_NOTFOUND ? 0 : err;
}
