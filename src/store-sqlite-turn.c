/*
 * store-sqlite-turn - turns and readings of the SQLite engine, and what others committed meanwhile.
 *
 * Costs: BEGIN and COMMIT together some six µs and the write to the WAL. Forbidden here: sleeping, asking
 * a clock, leaving a statement at a row when a turn ends.
 */
#include "config.h"

#include "store-sqlite.h"

/* ---- what others did ---- */

/* Counts every change that this connection knows of, its own ones, too. */
static unsigned int
version(struct lite *l)
{
	unsigned int v = 0;

	sqlite3_file_control(l->db, "main", SQLITE_FCNTL_DATA_VERSION, &v);
	return v;
}

void
lite_notice(struct lite *l)
{
	unsigned int v = version(l);

	if (v == l->version)
		return;
	l->version = v;
	l->changed = true;
	l->last_known = l->fresh.good = false;
}

/* What was known of the store was known of what is taken back. */
static void
forget(struct lite *l)
{
	lite_stale(l);
	l->last_known = l->fresh.good = false;
}

/* ---- turns ---- */

static int
begin(struct store *s, int64_t now)
{
	struct lite *l = (struct lite *)s;
	int err;

	assert(!l->turn && !l->reading);
	l->now = now;
	l->lost = 0;
	lite_stale(l);
	l->turn = true;
	err = lite_run(l, lite_get(l, SQL_BEGIN));
	l->turn = err == 0;
	l->wrote = false;
	l->marks = l->savepoints = 0;
	lite_fresh_begin(l);
	if (err != 0)
		return err;
	lite_wal_begin(l->db);
	lite_notice(l);
	return 0;
}

/* Whatever state SQLite left it in: afterwards there is no transaction. */
static void
rollback(struct store *s)
{
	struct lite *l = (struct lite *)s;

	lite_check_idle(l);
	l->lost = 0;
	if (!sqlite3_get_autocommit(l->db))
		lite_run(l, lite_get(l, SQL_ROLLBACK));
	l->turn = false;
	l->lost = 0;
	forget(l);
}

static int
commit(struct store *s)
{
	struct lite *l = (struct lite *)s;
	int err;

	assert(l->turn);
	lite_check_idle(l);
	err = lite_run(l, lite_get(l, SQL_COMMIT));
	if (err == -ERR_BUSY)
		return err;
	if (err != 0)
		rollback(s);
	else {
		l->version = version(l);
		l->fresh.good = true;
		l->fresh.now = l->now;
	}
	l->turn = false;
	return err;
}

/* With a savepoint SQLite copies each page before it changes it. Before anything was written the
 * beginning of the turn will do: the first request of a turn, often the only one, needs none. */
static int
mark(struct store *s)
{
	struct lite *l = (struct lite *)s;
	int err = l->wrote ? lite_run(l, lite_get(l, SQL_MARK)) : l->lost;

	if (err == 0 && l->wrote)
		l->savepoints++;
	else if (err == 0)
		l->marks++;
	return err;
}

static int
release(struct store *s)
{
	struct lite *l = (struct lite *)s;

	if (l->savepoints > 0) {
		l->savepoints--;
		return lite_run(l, lite_get(l, SQL_RELEASE));
	}
	if (l->lost != 0)
		return l->lost;
	assert(l->marks > 0);
	l->marks--;
	return 0;
}

/* Everything in the turn came after the mark. */
static int
begin_again(struct store *s)
{
	struct lite *l = (struct lite *)s;
	int err, outer = l->marks - 1;

	if (l->lost != 0 || !l->wrote)
		return release(s);
	rollback(s);
	err = begin(s, l->now);
	l->marks = outer;
	return err;
}

static int
undo(struct store *s)
{
	struct lite *l = (struct lite *)s;
	int err;

	if (l->savepoints == 0)
		return begin_again(s);
	err = lite_run(l, lite_get(l, SQL_UNDO));
	forget(l);
	return err != 0 ? err : release(s);
}

/* The transaction begins with the first statement (lite_get). */
static int
read_begin(struct store *s, int64_t now)
{
	struct lite *l = (struct lite *)s;

	assert(!l->reading);
	if (l->turn)
		return 0;
	l->now = now;
	l->reading = true;
	return 0;
}

static void
read_end(struct store *s)
{
	struct lite *l = (struct lite *)s;

	if (!l->reading)
		return;
	lite_check_idle(l);
	l->reading = l->read_open = l->fresh.good = false;
	if (!sqlite3_get_autocommit(l->db))
		lite_run(l, lite_get(l, SQL_ROLLBACK));
}

const struct store_ops lite_ops = {
	.close = lite_close,
	.begin = begin, .commit = commit, .rollback = rollback,
	.mark = mark, .release = release, .undo = undo,
	.read_begin = read_begin, .read_end = read_end,
	.box_add = lite_box_add, .box_by_token = lite_box_by_token,
	.box_by_handle = lite_box_by_handle, .box_get = lite_box_get,
	.box_attach = lite_box_attach, .box_detach = lite_box_detach, .box_end = lite_box_end,
	.box_taken = lite_box_taken, .box_ack = lite_box_ack, .box_accept = lite_box_accept,
	.claim_add = lite_claim_add, .claim_holder = lite_claim_holder,
	.claim_has = lite_claim_has, .claim_any = lite_claim_any, .claim_names = lite_claim_names,
	.claim_drop = lite_claim_drop, .claim_count = lite_claim_count, .claim_total = lite_claim_total,
	.box_touch = lite_box_touch, .box_longest_away = lite_box_longest_away,
	.key_get = lite_key_get, .key_set = lite_key_set, .key_list = lite_key_list,
	.key_put = lite_key_put, .key_drop = lite_key_drop, .key_version = lite_key_version,
	.link_add = lite_link_add, .link_find = lite_link_find, .link_last = lite_link_last,
	.link_between = lite_link_between, .link_waiting = lite_link_waiting,
	.link_settle = lite_link_settle,
	.msg_add = lite_msg_add, .msg_read = lite_msg_read, .msg_work = lite_msg_work,
	.msg_last = lite_msg_last, .msg_drop = lite_msg_drop,
	.msg_move = lite_msg_move, .msg_requeue = lite_msg_requeue, .msg_owed = lite_msg_owed,
	.hub_enter = lite_hub_enter, .hub_renew = lite_hub_renew, .hub_leave = lite_hub_leave,
	.hub_alive = lite_hub_alive,
	.sweep = lite_sweep, .tick = lite_tick, .upkeep_due = lite_upkeep_due,
	.upkeep = lite_upkeep, .stat = lite_stat, .pulse = lite_pulse,
};
