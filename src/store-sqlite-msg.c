/* store-sqlite-msg - messages: append under a quota, read after a cursor, find work. */
#include "config.h"

#include "store-sqlite.h"

/* ---- positions ---- */

/* Known within a turn, until something is taken back; see begin() for what others may have done. */
int
lite_last(struct lite *l, int64_t *seq)
{
	sqlite3_stmt *q;
	int64_t top;
	int err;

	if (l->last_known && l->turn) {
		*seq = l->last;
		return 0;
	}
	q = lite_get(l, SQL_MSG_GIVEN);
	err = lite_row(l, q);
	if (err != 0)
		return err;
	l->given = sqlite3_column_int64(q, 0);
	top = sqlite3_column_int64(q, 1);
	lite_done(q);
	*seq = l->last = top > l->given ? top : l->given;
	l->last_known = l->turn;
	return 0;
}

int
lite_give_no_more(struct lite *l, int64_t seq)
{
	int64_t last;
	int err = lite_last(l, &last);

	if (err != 0 || seq < last || l->given >= last)
		return err;
	l->given = last;
	return lite_meta_set(l, "given", last);
}

/* ---- append ---- */

static struct lite_quota *
slot(struct lite *l, int64_t box)
{
	return &l->quota[(uint64_t)box & (LITE_QUOTA_SLOTS - 1)];
}

/* Counts what waits in the box; within a turn once, since nobody else can write meanwhile. */
static int
count(struct lite *l, int64_t box, int64_t taken, struct lite_quota **out)
{
	struct lite_quota *a = *out = slot(l, box);
	sqlite3_stmt *q;
	int err, state;

	if (a->turn == l->turns && a->box == box && a->taken == taken)
		return 0;
	q = lite_get(l, SQL_MSG_ROOM);
	lite_int(q, ":box", box);
	lite_int(q, ":taken", taken);
	err = lite_row(l, q);
	if (err != 0)
		return err;
	state = sqlite3_column_type(q, 0) == SQLITE_NULL ? BOX_ENDED : sqlite3_column_int(q, 0);
	*a = (struct lite_quota){ .turn = l->turns, .box = box, .taken = taken,
	    .rows = sqlite3_column_int64(q, 1), .bytes = sqlite3_column_int64(q, 2) };
	a->base = a->rows == 0 ? sqlite3_column_int64(q, 3) : -1;
	lite_done(q);
	if (state == BOX_LIVE)
		return 0;
	a->turn = 0;
	return -ERR_NOTFOUND;
}

static int
insert(struct lite *l, const struct msg_new *m, int64_t *seq)
{
	sqlite3_stmt *q;
	int64_t last;
	int err = lite_last(l, &last);

	if (err != 0)
		return err;
	q = lite_get(l, SQL_MSG_ADD);
	lite_int(q, ":seq", last + 1);
	lite_int(q, ":box", m->box);
	lite_int(q, ":src", m->src);
	lite_int(q, ":kind", m->kind);
	lite_int(q, ":due", m->due);
	lite_int(q, ":size", (int64_t)m->body.n);
	lite_blob(q, ":body", m->body.p, m->body.n);
	err = lite_run(l, q);
	if (err == 0)
		*seq = l->last = last + 1;
	return err;
}

int
lite_msg_add(struct store *s, const struct msg_new *m, int64_t taken, int64_t *seq)
{
	struct lite *l = (struct lite *)s;
	struct lite_quota *a;
	int err;

	if (m->box < 0)
		return insert(l, m, seq);
	err = count(l, m->box, taken, &a);
	if (err != 0)
		return err;
	if (a->rows + 1 > l->conf.max_pending ||
	    a->bytes + (int64_t)m->body.n > l->conf.max_pending_bytes)
		return -ERR_QUOTA;
	err = insert(l, m, seq);
	if (err != 0)
		return err;
	a->rows++;
	a->bytes += (int64_t)m->body.n;
	lite_fresh_add(l, a, m, *seq);
	return 0;
}

/* ---- read ---- */

int
lite_msg_read(struct store *s, int64_t box, int64_t after, msg_fn *fn, void *arg)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q;
	struct msg_row m;
	int got;

	if (lite_fresh_has(l, slot(l, box), box, after)) {
		lite_fresh_read(l, slot(l, box), after, fn, arg);
		return 0;
	}
	q = lite_get(l, SQL_MSG_READ);
	lite_int(q, ":box", box);
	lite_int(q, ":after", after);
	while ((got = lite_step(l, q)) == 1) {
		lite_read_msg(q, &m);
		if (fn(arg, &m) != 0) {
			lite_done(q);
			return 0;
		}
	}
	return got;
}

void
lite_read_msg(sqlite3_stmt *q, struct msg_row *m)
{
	m->seq = sqlite3_column_int64(q, 0);
	m->box = sqlite3_column_int64(q, 1);
	m->src = sqlite3_column_int64(q, 2);
	m->kind = sqlite3_column_int(q, 3);
	m->body = lite_column(q, 4);
}

int
lite_msg_work(struct store *s, int64_t after, uint32_t max, work_fn *fn, void *arg)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_MSG_WORK);
	int got;

	lite_int(q, ":after", after);
	lite_int(q, ":max", max);
	while ((got = lite_step(l, q)) == 1)
		if (fn(arg, sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1)) != 0) {
			lite_done(q);
			return 0;
		}
	return got;
}

int
lite_msg_last(struct store *s, int64_t *seq)
{
	return lite_last((struct lite *)s, seq);
}

/* ---- move ---- */

int
lite_msg_move(struct store *s, int64_t from, int64_t to, int64_t after, int kind)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_MSG_MOVE);

	lite_int(q, ":from", from);
	lite_int(q, ":to", to);
	lite_int(q, ":after", after);
	lite_int(q, ":kind", kind);
	lite_stale(l);
	return lite_run(l, q);
}

int
lite_msg_requeue(struct store *s, int64_t seq, int64_t to, int64_t *now_at)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q;
	int64_t last;
	int err = lite_last(l, &last);

	if (err != 0)
		return err;
	q = lite_get(l, SQL_MSG_REQUEUE);
	lite_int(q, ":seq", seq);
	lite_int(q, ":to", to);
	lite_int(q, ":now_at", last + 1);
	lite_stale(l);
	err = lite_change(l, q);
	if (err == 0)
		*now_at = l->last = last + 1;
	return err;
}

int
lite_msg_owed(struct store *s, int64_t src, int64_t *rows, int64_t *bytes)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_MSG_OWED);
	int err;

	lite_int(q, ":src", src);
	err = lite_row(l, q);
	if (err != 0)
		return err;
	*rows = sqlite3_column_int64(q, 0);
	*bytes = sqlite3_column_int64(q, 1);
	lite_done(q);
	return 0;
}

/* ---- delete ---- */

int
lite_msg_drop(struct store *s, int64_t seq)
{
	struct lite *l = (struct lite *)s;
	int err = lite_id(l, SQL_BOX_FORGETS, ":seq", seq);

	lite_stale(l);
	if (err == 0)
		err = lite_give_no_more(l, seq);
	return err != 0 ? err : lite_id(l, SQL_MSG_DROP, ":seq", seq);
}

int
lite_drop_range(struct lite *l, int64_t first, int64_t last)
{
	sqlite3_stmt *q = lite_get(l, SQL_MSG_DROP_RANGE);
	int err = lite_give_no_more(l, last);

	lite_int(q, ":first", first);
	lite_int(q, ":last", last);
	return err != 0 ? err : lite_run(l, q);
}

int
lite_empty(struct lite *l, int64_t box, int64_t room, int64_t *left)
{
	sqlite3_stmt *q = lite_get(l, SQL_MSG_EMPTY);
	int err = lite_give_no_more(l, INT64_MAX);

	lite_int(q, ":box", box);
	lite_int(q, ":room", room);
	if (err == 0)
		err = lite_run(l, q);
	if (err == 0)
		*left = room < 0 ? room : room - sqlite3_changes(l->db);
	return err;
}
