/*
 * store-sqlite - statements of the SQLite engine.
 *
 * Costs: one that is already prepared takes a microsecond or two.
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

void
lite_check_idle(struct lite *l)
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

void
lite_check_idle(struct lite *l)
{
	(void)l;
}
#endif

unsigned int lite_prepared;

static int
prepare(struct lite *l, enum sql id)
{
	int rc = sqlite3_prepare_v3(l->db, sql_row(id)->text, -1, SQLITE_PREPARE_PERSISTENT,
	    &l->stmt[id], NULL);

	lite_prepared++;
	if (rc != SQLITE_OK)
		return lite_error(l, rc);
	return check_plan(l, id);
}

static sqlite3_stmt *
get(struct lite *l, enum sql id)
{
	if (l->err == 0 && l->stmt[id] == NULL)
		l->err = prepare(l, id);
	if (l->err != 0)
		return NULL;
	assert(!sqlite3_stmt_busy(l->stmt[id]));
	return l->stmt[id];
}

static void
open_reading(struct lite *l)
{
	l->err = lite_run(l, get(l, SQL_READ_BEGIN));
	l->read_open = l->err == 0;
}

sqlite3_stmt *
lite_get(struct lite *l, enum sql id)
{
	sqlite3_stmt *q;

	l->err = l->turn ? l->lost : 0;
	if (l->reading && !l->read_open)
		open_reading(l);
	q = get(l, id);
	if (q != NULL && !sqlite3_stmt_readonly(q)) {
		assert(l->turn);
		l->wrote = true;
	}
	return q;
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
