/*
 * store-sqlite - statements and turns of the SQLite engine.
 *
 * Costs: a statement that is already prepared is two to five µs; a turn adds BEGIN and COMMIT
 * (about 10 µs with its write to the WAL). Forbidden here: sleeping, asking a clock, leaving
 * a statement at a row when a turn ends.
 */
#include "config.h"

#include <stdlib.h>

#include "log.h"
#include "store-sqlite.h"

static int
meaning(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return -ERR_BUSY;
	case SQLITE_FULL:
		return -ERR_FULL;
	case SQLITE_CONSTRAINT:
		return -ERR_CONFLICT;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return -ERR_CORRUPT;
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
	case SQLITE_PERM:
		return -ERR_IO;
	case SQLITE_TOOBIG:
		return -ERR_TOOBIG;
	case SQLITE_NOMEM:
		return -ERR_NOMEM;
	default:
		return -ERR_INTERNAL;
	}
}

/* Answers, after which the turn is as good as before. */
static bool
harmless(int err)
{
	return err == 0 || err == -ERR_BUSY || err == -ERR_CONFLICT || err == -ERR_TOOBIG;
}

int
lite_error(struct lite *l, int rc)
{
	int err = meaning(rc);

	if (harmless(err))
		return err;
	if (l->turn && l->lost == 0)
		l->lost = err;
	if (err != -ERR_FULL && !l->quiet)
		LOG(LOG_ERROR, "database", LOG_Z("error", sqlite3_errmsg(l->db)), LOG_INT("code",
		    rc));
	return err;
}

#ifdef SIGPOST_DEBUG
static int
check_plan(struct lite *l, enum sql id)
{
	char plan[256];

	if (sql_check(l->db, sql_row(id), plan, sizeof plan) == 0)
		return 0;
	LOG(LOG_ERROR, "a statement scans or sorts", LOG_Z("name", sql_row(id)->name), LOG_Z("plan",
	    plan));
	return -ERR_INTERNAL;
}

static void
check_idle(struct lite *l)
{
	sqlite3_stmt *q;

	for (q = sqlite3_next_stmt(l->db, NULL); q != NULL; q = sqlite3_next_stmt(l->db, q))
		assert(!sqlite3_stmt_busy(q));
}
#else
static int
check_plan(struct lite *l, enum sql id)
{
	(void)l;
	(void)id;
	return 0;
}

static void
check_idle(struct lite *l)
{
	(void)l;
}
#endif

static int
prepare(struct lite *l, enum sql id)
{
	int rc = sqlite3_prepare_v3(l->db, sql_row(id)->text, -1, SQLITE_PREPARE_PERSISTENT,
	    &l->stmt[id], NULL);

	if (rc != SQLITE_OK)
		return lite_error(l, rc);
	return check_plan(l, id);
}

sqlite3_stmt *
lite_get(struct lite *l, enum sql id)
{
	l->err = l->turn ? l->lost : 0;
	if (l->err == 0 && l->stmt[id] == NULL)
		l->err = prepare(l, id);
	if (l->err != 0)
		return NULL;
	assert(!sqlite3_stmt_busy(l->stmt[id]));
	assert(l->turn || sqlite3_stmt_readonly(l->stmt[id]));
	return l->stmt[id];
}

int
lite_step(struct lite *l, sqlite3_stmt *q)
{
	int rc, err;

	if (q == NULL)
		return l->err;
	rc = sqlite3_step(q);
	if (rc == SQLITE_ROW)
		return 1;
	err = lite_error(l, rc);
	sqlite3_reset(q);
	return err;
}

int
lite_row(struct lite *l, sqlite3_stmt *q)
{
	int got = lite_step(l, q);

	if (got < 0)
		return got;
	return got == 1 ? 0 : -ERR_NOTFOUND;
}

int
lite_has(struct lite *l, sqlite3_stmt *q)
{
	int err = lite_row(l, q);

	if (err == 0)
		lite_done(q);
	return err;
}

int
lite_number(struct lite *l, sqlite3_stmt *q, int64_t *v)
{
	int err = lite_row(l, q);

	if (err != 0)
		return err;
	*v = sqlite3_column_int64(q, 0);
	lite_done(q);
	return 0;
}

int
lite_run(struct lite *l, sqlite3_stmt *q)
{
	int got = lite_step(l, q);

	if (got == 1)
		lite_done(q);
	return got < 0 ? got : 0;
}

int
lite_change(struct lite *l, sqlite3_stmt *q)
{
	int err = lite_run(l, q);

	if (err != 0)
		return err;
	return sqlite3_changes(l->db) > 0 ? 0 : -ERR_NOTFOUND;
}

int
lite_id(struct lite *l, enum sql id, const char *param, int64_t v)
{
	sqlite3_stmt *q = lite_get(l, id);

	lite_int(q, param, v);
	return lite_run(l, q);
}

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
	l->last_known = false;
}

/* What was known of the store was known of what is taken back. */
static void
forget(struct lite *l)
{
	lite_stale(l);
	l->last_known = false;
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

	check_idle(l);
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
	check_idle(l);
	err = lite_run(l, lite_get(l, SQL_COMMIT));
	if (err == -ERR_BUSY)
		return err;
	if (err != 0)
		rollback(s);
	else
		l->version = version(l);
	l->turn = false;
	return err;
}

static int
mark(struct store *s)
{
	struct lite *l = (struct lite *)s;

	return lite_run(l, lite_get(l, SQL_MARK));
}

static int
release(struct store *s)
{
	struct lite *l = (struct lite *)s;

	return lite_run(l, lite_get(l, SQL_RELEASE));
}

static int
undo(struct store *s)
{
	struct lite *l = (struct lite *)s;
	int err = lite_run(l, lite_get(l, SQL_UNDO));

	forget(l);
	return err != 0 ? err : release(s);
}

static int
read_begin(struct store *s, int64_t now)
{
	struct lite *l = (struct lite *)s;
	int err;

	assert(!l->reading);
	if (l->turn)
		return 0;
	l->now = now;
	err = lite_run(l, lite_get(l, SQL_READ_BEGIN));
	l->reading = err == 0;
	return err;
}

static void
read_end(struct store *s)
{
	struct lite *l = (struct lite *)s;

	if (!l->reading)
		return;
	check_idle(l);
	l->reading = false;
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
	.box_touch = lite_box_touch, .box_longest_away = lite_box_longest_away,
	.key_get = lite_key_get, .key_set = lite_key_set, .key_list = lite_key_list,
	.link_add = lite_link_add, .link_find = lite_link_find, .link_last = lite_link_last,
	.link_between = lite_link_between, .link_waiting = lite_link_waiting,
	.link_settle = lite_link_settle,
	.msg_add = lite_msg_add, .msg_read = lite_msg_read, .msg_work = lite_msg_work,
	.msg_last = lite_msg_last, .msg_drop = lite_msg_drop,
	.msg_move = lite_msg_move, .msg_owed = lite_msg_owed,
	.hub_enter = lite_hub_enter, .hub_renew = lite_hub_renew, .hub_leave = lite_hub_leave,
	.hub_alive = lite_hub_alive,
	.sweep = lite_sweep, .tick = lite_tick, .upkeep_due = lite_upkeep_due,
	.upkeep = lite_upkeep, .stat = lite_stat,
};
