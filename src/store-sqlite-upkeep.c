/* store-sqlite-upkeep - did somebody else write, is the file still there, the WAL, totals. */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "store-sqlite.h"

/* ---- tick ---- */

/* Inside a turn it is known. SQLite learns of it when it begins to read. */
static int
changed(struct lite *l)
{
	int64_t ignored;
	int bits, err = l->turn ? 0 : lite_number(l, lite_get(l, SQL_DATA_VERSION), &ignored);

	if (err != 0)
		return err;
	lite_notice(l);
	bits = l->changed ? TICK_CHANGED : 0;
	l->changed = false;
	return bits;
}

static bool
same_file(const struct lite *l)
{
	struct stat st;

	return stat(l->conf.path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino;
}

static int
newer(struct lite *l)
{
	int64_t version;
	int known, err = lite_number(l, lite_get(l, SQL_USER_VERSION), &version);

	sql_schema(&known);
	return err == 0 && version > known ? TICK_NEWER : err;
}

int
lite_tick(struct store *s, bool look_at_file)
{
	struct lite *l = (struct lite *)s;
	int also, bits;

	if (look_at_file && !same_file(l))
		return TICK_REPLACED;
	bits = changed(l);
	if (bits < 0 || !look_at_file)
		return bits;
	also = newer(l);
	return also < 0 ? also : bits | also;
}

/* ---- WAL ---- */

bool
lite_upkeep_due(struct store *s, bool *stall)
{
	struct lite *l = (struct lite *)s;
	long long bytes = atomic_load(&l->wal_bytes);

	*stall = bytes >= l->wal_stall;
	return *stall || bytes - atomic_load(&l->wal_done) >= l->wal_due;
}

/* *left: bytes of the WAL that are not in the database yet. */
static int
checkpoint(struct lite *l, int mode, long long *left)
{
	int frames = 0, done = 0;
	int rc = sqlite3_wal_checkpoint_v2(l->keeper, NULL, mode, &frames, &done);

	*left = (long long)(frames - done) * LITE_FRAME;
	if (rc == SQLITE_OK && mode == SQLITE_CHECKPOINT_RESTART) {
		atomic_store(&l->wal_bytes, 0);
		atomic_store(&l->wal_done, 0);
	} else if (rc == SQLITE_OK) {
		atomic_store(&l->wal_done, (long long)done * LITE_FRAME);
	}
	return rc;
}

static int
restart(struct lite *l, int wait_ms)
{
	long long left;

	sqlite3_busy_timeout(l->keeper, wait_ms);
	return checkpoint(l, SQLITE_CHECKPOINT_RESTART, &left);
}

/* What came in meanwhile is copied, too, until little is left: while a WAL is restarted nobody can
 * write, and one that is never restarted grows until nobody may. */
static int
catch_up(struct lite *l)
{
	int tries, rc = SQLITE_OK;
	long long left = LLONG_MAX;

	sqlite3_busy_timeout(l->keeper, 0);
	for (tries = 0; rc == SQLITE_OK && left > LITE_WAL_REST && tries < LITE_WAL_PASSES; tries++)
		rc = checkpoint(l, SQLITE_CHECKPOINT_PASSIVE, &left);
	if (rc != SQLITE_OK || left > LITE_WAL_REST || atomic_load(&l->wal_bytes) < l->wal_restart)
		return rc;
	rc = restart(l, LITE_RESTART_WAIT_MS);
	return (rc & 0xff) == SQLITE_BUSY ? SQLITE_OK : rc;	/* some other time */
}

/* A connection is kept for it: each new one begins with a sync of the directory. It needs little
 * memory, and knows of the WAL only once it has read something. */
static int
open_keeper(struct lite *l)
{
	int rc;

	if (l->keeper != NULL)
		return SQLITE_OK;
	rc = sqlite3_open_v2(l->conf.path, &l->keeper, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_db_config(l->keeper, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
		rc = sqlite3_exec(l->keeper, sql_row(SQL_USER_VERSION)->text, NULL, NULL, NULL);
	}
	if (rc != SQLITE_OK)
		lite_upkeep_end(l);
	return rc;
}

void
lite_upkeep_end(struct lite *l)
{
	sqlite3_close(l->keeper);
	l->keeper = NULL;
}

/* Uses of *l only what never changes, the two atomics, and the keeper, which is its own. */
int
lite_upkeep(struct store *s, bool at_once)
{
	struct lite *l = (struct lite *)s;
	int rc;

	if (!l->wal || !same_file(l))
		return 0;
	rc = open_keeper(l);
	if (rc == SQLITE_OK)
		rc = at_once ? restart(l, LITE_UPKEEP_WAIT_MS) : catch_up(l);
	return rc == SQLITE_OK ? 0 : (rc & 0xff) == SQLITE_BUSY ? -ERR_BUSY : -ERR_IO;
}

/* ---- stat ---- */

static int
totals(struct lite *l, enum sql id, bool alive, int64_t *v, int n)
{
	sqlite3_stmt *q = lite_get(l, id);
	int i, err;

	if (alive)
		lite_int(q, ":alive", l->now - HUB_LEASE_MS);
	err = lite_row(l, q);
	if (err != 0)
		return err;
	for (i = 0; i < n; i++)
		v[i] = sqlite3_column_int64(q, i);
	lite_done(q);
	return 0;
}

static int64_t
wal_size(const struct lite *l)
{
	char path[4096];
	struct stat st;

	if (snprintf(path, sizeof path, "%s-wal", l->conf.path) >= (int)sizeof path)
		return 0;
	return stat(path, &st) == 0 ? st.st_size : 0;
}

static int
count_rows(struct lite *l, struct store_stat *out)
{
	int64_t v[3] = { 0 };
	int err = totals(l, SQL_STAT_BOXES, true, v, 2);

	out->boxes = v[0];
	out->present = v[1];
	if (err == 0)
		err = totals(l, SQL_STAT_MESSAGES, false, v, 3);
	out->messages = v[0];
	out->message_bytes = v[1];
	out->untaken = v[2];
	if (err == 0)
		err = totals(l, SQL_STAT_CLAIMS, false, &out->claims, 1);
	if (err == 0)
		err = totals(l, SQL_STAT_LINKS, false, &out->links, 1);
	if (err == 0)
		err = totals(l, SQL_STAT_HUBS, true, &out->hubs, 1);
	return err;
}

static int
describe_file(struct lite *l, struct store_stat *out)
{
	int64_t pages, page, schema;
	int err = lite_number(l, lite_get(l, SQL_PAGE_COUNT), &pages);

	if (err == 0)
		err = lite_number(l, lite_get(l, SQL_PAGE_SIZE), &page);
	if (err == 0)
		err = lite_number(l, lite_get(l, SQL_USER_VERSION), &schema);
	if (err != 0)
		return err;
	out->db_bytes = pages * page;
	out->wal_bytes = wal_size(l);
	out->schema = (int)schema;
	memcpy(out->journal, l->journal, sizeof out->journal);
	memcpy(out->epoch, l->base.epoch, sizeof out->epoch);
	return lite_last(l, &out->last_seq);
}

int
lite_stat(struct store *s, int64_t now, struct store_stat *out)
{
	struct lite *l = (struct lite *)s;
	bool alone = !l->reading && !l->turn;
	int err = alone ? store_read_begin(s, now) : 0;

	memset(out, 0, sizeof *out);
	if (err == 0)
		err = count_rows(l, out);
	if (err == 0)
		err = describe_file(l, out);
	if (alone)
		store_read_end(s);
	return err;
}

int
lite_pulse(struct store *s, struct store_pulse *out)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_PULSE_WAITING);
	int64_t schema = 0;
	int err;

	memset(out, 0, sizeof *out);
	lite_int(q, ":look", PULSE_LOOK);
	err = lite_number(l, q, &out->waiting);
	if (err == 0)
		err = lite_number(l, lite_get(l, SQL_PULSE_PEERS), &out->peerjs);
	if (err == 0)
		err = lite_claim_total(s, STAR_REALM, &out->star);
	if (err == 0)
		err = lite_number(l, lite_get(l, SQL_USER_VERSION), &schema);
	out->schema = (int)schema;
	memcpy(out->journal, l->journal, sizeof out->journal);
	return err != 0 ? err : lite_last(l, &out->last_seq);
}
