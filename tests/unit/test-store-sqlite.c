/* test-store-sqlite - the SQLite engine: the suite with a WAL and with a rollback journal, and
 * what is SQLite's own. */
#include "config.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "test-store-sqlite.h"

#define TESTS_MAX 256

struct place place;

int
place_make(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(place.dir, sizeof place.dir, "%s/sigpost-store-XXXXXX",
	    tmp != NULL && strlen(tmp) < 32 ? tmp : "/tmp");
	assert_non_null(mkdtemp(place.dir));
	snprintf(place.path, sizeof place.path, "%s/db", place.dir);
	return 0;
}

int
place_remove(void **state)
{
	char path[sizeof place.dir + 256 + 2];
	DIR *d = opendir(place.dir);
	struct dirent *e;

	(void)state;
	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		snprintf(path, sizeof path, "%s/%s", place.dir, e->d_name);
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			assert_int_equal(remove(path), 0);
	}
	closedir(d);
	assert_int_equal(rmdir(place.dir), 0);
	return 0;
}

struct store_conf
place_conf(bool wal)
{
	return (struct store_conf){ .path = place.path, .create = true, .wal = wal,
	    .max_pending = 100000, .max_pending_bytes = 100000000, .away_ms = AWAY_MS };
}

int
place_try(struct store_conf conf, struct store **out, const char **why)
{
	const char *reason;
	int err = store_sqlite_open(&conf, out, &reason);

	if (err != 0) {
		assert_null(*out);
		assert_non_null(reason);
		assert_non_null(strstr(reason, conf.path));
		assert_true(reason[strlen(reason) - 1] != '.');
	}
	if (why != NULL)
		*why = reason;
	return err;
}

struct store *
place_open(bool wal)
{
	struct store *s;
	const char *why;

	if (place_try(place_conf(wal), &s, &why) != 0)
		fail_msg("%s", why);
	return s;
}

void
place_run(const char *sql)
{
	sqlite3 *db;
	char *problem = NULL;

	assert_int_equal(sqlite3_open(place.path, &db), SQLITE_OK);
	sqlite3_exec(db, sql, NULL, NULL, &problem);
	assert_null(problem);
	sqlite3_close(db);
}

int64_t
place_file_size(const char *suffix)
{
	char path[sizeof place.path + 16];
	struct stat st;

	snprintf(path, sizeof path, "%s%s", place.path, suffix);
	return stat(path, &st) == 0 ? st.st_size : -1;
}

/* ---- the engine for the suite ---- */

static struct store_conf limits;

static struct store *
fresh(const struct suite_engine *e, const struct store_conf *conf)
{
	struct store *s;

	place_make(NULL);
	limits = *conf;
	limits.path = place.path;
	limits.create = true;
	limits.wal = e->wal;
	ok(place_try(limits, &s, NULL));
	assert_string_equal(((struct lite *)s)->journal, e->wal ? "wal" : "truncate");
	return s;
}

static struct store *
again(const struct suite_engine *e)
{
	struct store *s;

	(void)e;
	ok(place_try(limits, &s, NULL));
	return s;
}

static void
check(struct lite *l, const char *text)
{
	sqlite3_stmt *q;

	assert_int_equal(sqlite3_prepare_v2(l->db, text, -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	if (sqlite3_column_int(q, 0) != 0)
		fail_msg("%d rows: %s", sqlite3_column_int(q, 0), text);
	sqlite3_finalize(q);
}

/* What box counts is what msg holds. */
static void
check_kept(struct lite *l)
{
	check(l, "SELECT count(*) FROM (SELECT b.id FROM box b "
	    "LEFT JOIN msg m ON m.box = b.id AND m.seq <= b.taken GROUP BY b.id "
	    "HAVING count(m.seq) != b.kept OR coalesce(sum(m.size), 0) != b.kept_bytes)");
}

/* Each message a sweep has seen is in one stretch, which is looked at in time; the others are above. */
static void
check_stretches(struct lite *l)
{
	check(l, "SELECT count(*) FROM msg m LEFT JOIN box b ON b.id = m.box WHERE "
	    "m.seq <= coalesce((SELECT value FROM meta WHERE name = 'mark'), 0) AND 1 != "
	    "(SELECT count(*) FROM stretch WHERE first <= m.seq AND last >= m.seq AND due <= m.due + "
	    "(CASE WHEN m.seq <= coalesce(b.taken, 0) THEN 60000 ELSE 0 END))");
	check(l, "SELECT count(*) FROM stretch WHERE "
	    "last > (SELECT value FROM meta WHERE name = 'mark') OR last < first");
	assert_int_equal(TAKEN_KEEP_MS, 60000);
}

/* After every test of the suite; no statement was left at a row. */
static void
done(const struct suite_engine *e, struct store *s)
{
	struct lite *l = (struct lite *)s;
	int i;

	(void)e;
	if (s == NULL)
		return;
	for (i = 0; i < SQL__MAX; i++)
		assert_false(l->stmt[i] != NULL && sqlite3_stmt_busy(l->stmt[i]));
	check_kept(l);
	check_stretches(l);
	store_close(s);
}

static void
clean(const struct suite_engine *e)
{
	(void)e;
	place_remove(NULL);
}

static const struct suite_engine engines[] = {
	{ .name = "wal", .wal = true, .fresh = fresh, .again = again, .done = done,
	    .clean = clean },
	{ .name = "rollback journal", .fresh = fresh, .again = again, .done = done,
	    .clean = clean },
};

static size_t
append(struct CMUnitTest *list, size_t n, const struct CMUnitTest *row)
{
	for (; row->name != NULL; row++) {
		list[n] = *row;
		list[n].setup_func = place_make;
		list[n++].teardown_func = place_remove;
	}
	return n;
}

int
main(void)
{
	static struct CMUnitTest list[TESTS_MAX];
	size_t n = 0;

	log_init(LOG_ERROR, STDERR_FILENO);
	n += suite_store(&engines[0], list + n, TESTS_MAX - n);
	n += suite_store(&engines[1], list + n, TESTS_MAX - n);
	n = append(list, n, sqlite_file_tests);
	n = append(list, n, sqlite_engine_tests);
	n = append(list, n, sqlite_wal_tests);
	n = append(list, n, sqlite_old_tests);
	return _cmocka_run_group_tests("store-sqlite", list, n, NULL, NULL);
}
