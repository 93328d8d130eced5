/*
 * store-sqlite-schema - what an opened file is, and making it what it should be.
 *
 * Nothing is written to a file before it is known to be ours or empty. Every step may be
 * repeated: who finds the file locked starts again from the beginning.
 */
#include "config.h"

#include <stdio.h>
#include <unistd.h>

#include "store-sqlite.h"

/* ---- meta ---- */

static sqlite3_stmt *
meta_find(struct lite *l, const char *name)
{
	sqlite3_stmt *q = lite_get(l, SQL_META_GET);

	lite_text(q, ":name", name);
	return q;
}

int
lite_meta_get(struct lite *l, const char *name, int64_t *v)
{
	int err;

	*v = 0;
	err = lite_number(l, meta_find(l, name), v);
	return err == -ERR_NOTFOUND ? 0 : err;
}

int
lite_meta_set(struct lite *l, const char *name, int64_t v)
{
	sqlite3_stmt *q = lite_get(l, SQL_META_SET);

	lite_text(q, ":name", name);
	lite_int(q, ":value", v);
	return lite_run(l, q);
}

int
lite_meta_blob(struct lite *l, const char *name, void *p, size_t n)
{
	sqlite3_stmt *q = meta_find(l, name);
	int err = lite_row(l, q);
	struct str v;

	if (err != 0)
		return err == -ERR_NOTFOUND ? -ERR_CORRUPT : err;
	v = lite_column(q, 0);
	if (v.n == n)
		memcpy(p, v.p, n);
	else
		err = -ERR_CORRUPT;
	lite_done(q);
	return err;
}

int
lite_meta_text(struct lite *l, const char *name, char *out, size_t size)
{
	sqlite3_stmt *q = meta_find(l, name);
	int err = lite_row(l, q);

	out[0] = '\0';
	if (err != 0)
		return err == -ERR_NOTFOUND ? 0 : err;
	str_copy(lite_column(q, 0), out, size);
	lite_done(q);
	return 0;
}

int
lite_meta_put(struct lite *l, const char *name, const void *p, size_t n)
{
	sqlite3_stmt *q = lite_get(l, SQL_META_SET);

	lite_text(q, ":name", name);
	lite_blob(q, ":value", p, n);
	return lite_run(l, q);
}

/* ---- whose is it ---- */

struct identity {
	int64_t	application, version, tables;
};

/* In one reading: between two of them somebody else may make the file what it will be. */
static int
identify(struct lite *l, struct identity *is)
{
	int err = store_read_begin(&l->base, 0);

	if (err != 0)
		return err;
	err = lite_number(l, lite_get(l, SQL_APPLICATION_ID), &is->application);
	if (err == 0)
		err = lite_number(l, lite_get(l, SQL_USER_VERSION), &is->version);
	if (err == 0)
		err = lite_number(l, lite_get(l, SQL_TABLES), &is->tables);
	store_read_end(&l->base);
	return err;
}

static bool
fresh(const struct identity *is)
{
	return is->application == 0 && is->version == 0 && is->tables == 0;
}

static int
judge(struct lite *l, const struct identity *is, const char **why)
{
	const char *path = l->conf.path;
	int known;

	sql_schema(&known);
	if (fresh(is) && !l->conf.create)
		return lite_explain(why, -ERR_NOTFOUND,
		    "%s is empty, the server fills it when it first starts", path);
	if (fresh(is))
		return 0;
	if (is->application != SQL_MAGIC || is->version < 0)
		return lite_explain(why, -ERR_CORRUPT,
		    "%s is not a sigpost database, name another path", path);
	if (is->version > known)
		return lite_explain(why, -ERR_VERSION,
		    "%s was made by a newer sigpost (its schema is %lld, "
		    "this one knows %d): upgrade", path, (long long)is->version, known);
	return 0;
}

/* ---- journal, schema, epoch ---- */

static int
script(struct lite *l, enum sql_script id)
{
	return lite_error(l, sqlite3_exec(l->db, sql_script(id), NULL, NULL, NULL));
}

/* Asks for a journal mode; l->journal is what the file has afterwards. */
static int
ask_journal(struct lite *l, enum sql id)
{
	sqlite3_stmt *q;
	int err;

	l->turn = true;		/* it writes, in a transaction of its own */
	q = lite_get(l, id);
	err = lite_row(l, q);
	if (err == 0) {
		str_copy(lite_column(q, 0), l->journal, sizeof l->journal);
		l->wal = strcmp(l->journal, "wal") == 0;
		lite_done(q);
	}
	l->turn = false;
	l->lost = 0;
	return err;
}

/* SQLite says "wal" before it has tried whether the file system can do it: read something. */
static int
want_wal(struct lite *l)
{
	int64_t tables;
	int err = ask_journal(l, SQL_JOURNAL_WAL);

	return err == 0 && l->wal ? lite_number(l, lite_get(l, SQL_TABLES), &tables) : err;
}

/* While somebody else has the file open with a WAL, it stays so. */
static int
want_rollback(struct lite *l)
{
	int err = ask_journal(l, SQL_JOURNAL_ROLLBACK);

	return err == -ERR_BUSY && l->wal && !l->alone ? 0 : err;
}

static int
choose_journal(struct lite *l)
{
	int err = ask_journal(l, SQL_JOURNAL_MODE);

	if (err == 0 && (l->alone || !l->conf.wal))
		err = want_rollback(l);
	else if (err == 0 && !l->wal)
		err = want_wal(l);
	if (err == 0 && l->alone)
		err = script(l, SQL_SCRIPT_AMONG_OTHERS);
	if (err != 0)
		return err;
	return script(l, l->wal ? SQL_SCRIPT_SETTINGS_WAL : SQL_SCRIPT_SETTINGS_ROLLBACK);
}

static int
limit_size(struct lite *l)
{
	int64_t page;
	char text[64];
	int err = lite_number(l, lite_get(l, SQL_PAGE_SIZE), &page);

	if (err != 0 || l->conf.max_bytes <= 0)
		return err;
	snprintf(text, sizeof text, "PRAGMA max_page_count = %lld",
	    (long long)(l->conf.max_bytes / page > 0 ? l->conf.max_bytes / page : 1));
	return lite_error(l, sqlite3_exec(l->db, text, NULL, NULL, NULL));
}

static int
new_epoch(struct lite *l)
{
	unsigned char random[8];
	int err;

	if (getentropy(random, sizeof random) != 0)
		return -ERR_IO;
	str_hex(random, sizeof random, l->base.epoch);
	err = lite_meta_put(l, "epoch", l->base.epoch, sizeof l->base.epoch - 1);
	return err != 0 ? err : lite_meta_set(l, "inode", (int64_t)l->ino);
}

static int
new_secret(struct lite *l)
{
	if (getentropy(l->base.secret, HASH_SIZE) != 0)
		return -ERR_IO;
	return lite_meta_put(l, "secret", l->base.secret, HASH_SIZE);
}

static int
load(struct lite *l)
{
	int err = lite_meta_blob(l, "epoch", l->base.epoch, sizeof l->base.epoch - 1);

	return err != 0 ? err : lite_meta_blob(l, "secret", l->base.secret, HASH_SIZE);
}

/* In a turn: another process may have done it all since we looked. */
static int
write_schema(struct lite *l, const char **why)
{
	struct identity is;
	const char *const *steps;
	int known, err = identify(l, &is);

	if (err == 0)
		err = judge(l, &is, why);
	if (err != 0)
		return err;
	steps = sql_schema(&known);
	if (is.version < known)
		err = lite_error(l, sql_migrate(l->db, steps, (int)is.version, known));
	if (err == 0 && is.version == 0)
		err = new_secret(l);
	return err;
}

static int
renew(struct lite *l, const char **why)
{
	int64_t inode;
	int err = store_begin(&l->base, 0);

	if (err != 0)
		return err;
	err = write_schema(l, why);
	if (err == 0)
		err = lite_meta_get(l, "inode", &inode);
	if (err == 0 && inode != (int64_t)l->ino)
		err = new_epoch(l);
	if (err == 0)
		err = store_commit(&l->base);
	if (err != 0)
		store_rollback(&l->base);
	return err;
}

/* Nothing to write, in the usual case: then nothing is locked. */
static int
current(struct lite *l, const struct identity *is, bool *yes)
{
	int64_t inode;
	int known, err;

	*yes = false;
	sql_schema(&known);
	if (is->version < known)
		return 0;
	err = lite_meta_get(l, "inode", &inode);
	*yes = err == 0 && inode == (int64_t)l->ino;
	return err;
}

int
lite_set_up(struct lite *l, const char **why)
{
	struct identity is;
	bool yes = false;
	int err = l->alone ? script(l, SQL_SCRIPT_ALONE) : 0;

	if (err == 0)
		err = script(l, SQL_SCRIPT_SETTINGS);
	if (err == 0)
		err = identify(l, &is);
	if (err == 0)
		err = judge(l, &is, why);
	if (err == 0 && fresh(&is))
		err = script(l, SQL_SCRIPT_SETTINGS_FRESH);
	if (err == 0)
		err = choose_journal(l);
	if (err == 0)
		err = limit_size(l);
	if (err == 0)
		err = current(l, &is, &yes);
	if (err == 0 && !yes)
		err = renew(l, why);
	if (err == 0)
		err = load(l);
	if (err == 0)
		lite_notice(l);
	l->changed = false;
	return err;
}
