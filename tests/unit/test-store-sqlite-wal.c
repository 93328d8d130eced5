/* test-store-sqlite-wal - what SQLite's pwrite sees of a commit, and what happens when it fails. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test-store-sqlite.h"

#define FRAME	(24 + LITE_PAGE)

/* ---- between SQLite and the WAL ---- */

static struct {
	int	writes;		/* to the WAL, since watch() */
	size_t	bytes;
	int	fail_after;	/* so many more succeed; -1: all */
} seen;

static bool
is_wal(int fd)
{
	char link[64], path[256] = "";

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	return readlink(link, path, sizeof path - 1) > 4 && strcmp(path + strlen(path) - 4, "-wal") == 0;
}

static ssize_t
spy(int fd, const void *p, size_t n, off_t at)
{
	if (!is_wal(fd))
		return pwrite(fd, p, n, at);
	if (seen.fail_after == 0) {
		errno = ENOSPC;
		return -1;
	}
	seen.fail_after -= seen.fail_after > 0;
	seen.writes++;
	seen.bytes += n;
	return pwrite(fd, p, n, at);
}

static void
set_pwrite(sqlite3_syscall_ptr fn)
{
	sqlite3_vfs *v = sqlite3_vfs_find(NULL);

	v->xSetSystemCall(v, "pwrite", fn);
	v->xSetSystemCall(v, "pwrite64", fn);
}

/* An open store with a box, spied on from now on. */
static struct store *
watch(int64_t *id)
{
	struct store *s = place_open(true);

	ok(store_begin(s, T0));
	*id = suite_box(s, 1);
	suite_put(s, *id, T0, 10);
	ok(store_commit(s));
	set_pwrite((sqlite3_syscall_ptr)spy);
	memset(&seen, 0, sizeof seen);
	seen.fail_after = -1;
	return s;
}

static void
leave(struct store *s)
{
	set_pwrite(NULL);
	store_close(s);
}

static int
count_rows(const char *path)
{
	sqlite3 *db;
	sqlite3_stmt *q;
	int n;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(q, 0), "ok");
	sqlite3_finalize(q);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM msg", -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	n = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	sqlite3_close(db);
	return n;
}

static void
copy(const char *suffix)
{
	char from[sizeof place.path + 8], to[sizeof place.path + 16], bytes[65536];
	FILE *in, *out;
	size_t n;

	snprintf(from, sizeof from, "%s%s", place.path, suffix);
	snprintf(to, sizeof to, "%s-copy%s", place.path, suffix);
	in = fopen(from, "r");
	out = fopen(to, "w");
	assert_true(in != NULL && out != NULL);
	while ((n = fread(bytes, 1, sizeof bytes, in)) > 0)
		assert_int_equal(fwrite(bytes, 1, n, out), n);
	assert_int_equal(fclose(in), 0);
	assert_int_equal(fclose(out), 0);
}

/* What another program finds in the file; and whoever comes when all have been killed just now, and
 * has nothing but the files. */
static int
rows_elsewhere(void)
{
	char path[sizeof place.path + 8];
	int n = count_rows(place.path);

	snprintf(path, sizeof path, "%s-copy", place.path);
	copy("");
	copy("-wal");
	assert_int_equal(count_rows(path), n);
	return n;
}

static void
put_many(struct store *s, int64_t id, int n, size_t size)
{
	while (n-- > 0)
		suite_put(s, id, T0, size);
}

/* ---- the tests ---- */

static void
a_commit_is_one_write(void **state)
{
	int64_t id;
	struct store *s = watch(&id);

	(void)state;
	ok(store_begin(s, T0));
	suite_put(s, id, T0, 200);
	assert_int_equal(seen.writes, 0);
	ok(store_commit(s));
	assert_int_equal(seen.writes, 1);
	assert_int_equal(seen.bytes % FRAME, 0);
	assert_int_equal(rows_elsewhere(), 2);
	leave(s);
}

/* 16 frames are kept back; the cache holds a hundred pages, so the last of these turns spills them
 * before it commits, and reads some of them again. */
static void
large_turns_come_in_pieces(void **state)
{
	static const int rows[] = { 10, 16, 17, 33, 400 };
	int64_t id, first;
	struct store *s = watch(&id);
	int sum = 1, frames;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		seen.writes = 0;
		seen.bytes = 0;
		ok(store_begin(s, T0));
		put_many(s, id, rows[i], 3000);
		sum += rows[i];
		assert_int_equal(suite_rows(s, id, &first), sum);
		ok(store_commit(s));
		frames = (int)(seen.bytes / FRAME);
		assert_true(frames >= rows[i]);
		assert_in_range(seen.writes, 1, (frames + 15) / 16 + (rows[i] < 100 ? 0 : frames));
		assert_int_equal(rows_elsewhere(), sum);
		assert_int_equal(suite_rows(s, id, &first), sum);
	}
	leave(s);
}

static void
what_was_undone_or_rolled_back_is_not_there(void **state)
{
	int64_t id;
	struct store *s = watch(&id);

	(void)state;
	ok(store_begin(s, T0));
	put_many(s, id, 5, 3000);
	ok(store_mark(s));
	put_many(s, id, 300, 3000);	/* spilled */
	ok(store_undo(s));
	put_many(s, id, 2, 3000);
	ok(store_commit(s));
	assert_int_equal(rows_elsewhere(), 8);
	ok(store_begin(s, T0));
	put_many(s, id, 300, 3000);
	store_rollback(s);
	assert_int_equal(rows_elsewhere(), 8);
	ok(store_begin(s, T0));
	put_many(s, id, 1, 3000);
	ok(store_commit(s));
	assert_int_equal(rows_elsewhere(), 9);
	leave(s);
}

/* Whichever write fails: the turn is lost whole, the next one is as good as any. */
static void
a_write_that_fails_fails_its_turn(void **state)
{
	int64_t id;
	struct store *s = watch(&id);
	int n, err, rows = 1, failed = 0;

	(void)state;
	for (n = 0; n < 8; n++) {
		ok(store_begin(s, T0));
		put_many(s, id, 40, 3000);
		seen.fail_after = n;
		err = store_commit(s);
		seen.fail_after = -1;
		failed += err != 0;
		rows += err == 0 ? 40 : 0;
		assert_true(err == 0 || err == -ERR_FULL);
		assert_int_equal(rows_elsewhere(), rows);
		ok(store_begin(s, T0));
		put_many(s, id, 1, 10);
		ok(store_commit(s));
		assert_int_equal(rows_elsewhere(), ++rows);
	}
	assert_in_range(failed, 3, 7);
	leave(s);
}

/* Pages of another size than ours go through as they come. */
static void
other_page_sizes_work(void **state)
{
	static const char *const sizes[] = {
		"PRAGMA page_size = 1024; VACUUM;", "PRAGMA page_size = 16384; VACUUM;",
	};
	struct store *s;
	int64_t id;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		place_run(sizes[i]);
		s = place_open(true);
		ok(store_begin(s, T0));
		id = suite_box(s, (int)i + 1);
		put_many(s, id, 100, 3000);
		ok(store_commit(s));
		assert_int_equal(suite_rows(s, id, NULL), 100);
		assert_int_equal(rows_elsewhere(), 100);
		store_close(s);
		place_run("DELETE FROM msg; PRAGMA journal_mode = delete;");
	}
}

const struct CMUnitTest sqlite_wal_tests[] = {
	cmocka_unit_test(a_commit_is_one_write),
	cmocka_unit_test(large_turns_come_in_pieces),
	cmocka_unit_test(what_was_undone_or_rolled_back_is_not_there),
	cmocka_unit_test(a_write_that_fails_fails_its_turn),
	cmocka_unit_test(other_page_sizes_work),
	{ NULL, NULL, NULL, NULL, NULL }
};
