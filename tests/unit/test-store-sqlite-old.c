/* test-store-sqlite-old - databases that an earlier schema version left are as good as new ones. */
#include "config.h"

#include <stdio.h>

#include "test-store-sqlite.h"

/* Version 1 as it was used: message 4 was the last one and has gone, 1 was taken. */
static const char used_1[] =
    "INSERT INTO meta VALUES ('epoch', '00112233445566ff'), ('secret', zeroblob(32)), ('inode', 0), "
    "('swept', 1700000000000), ('mark', 2), ('judged', 1699999990000), ('judged_seq', 1);"
    "INSERT INTO box (realm, token, until, taken, kept, kept_bytes) VALUES "
    "('r', zeroblob(32), 1700000000000, 1, 1, 3);"
    "INSERT INTO msg (box, src, kind, due, size, body) VALUES "
    "(1, 7, 0, 1700000005000, 3, 'one'), (1, 7, 0, 1700000005000, 3, 'two'), "
    "(1, 7, 2, 1700000009000, 5, 'three'), (1, 7, 0, 1700000005000, 4, 'four');"
    "DELETE FROM msg WHERE seq = 4;";

static void
make_version_1(const char *fill)
{
	const char *const *steps;
	sqlite3 *db;
	int known;

	steps = sql_schema(&known);
	assert_int_equal(sqlite3_open(place.path, &db), SQLITE_OK);
	assert_int_equal(sql_migrate(db, steps, 0, 1), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, fill, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

struct seen {
	int	n;
	int64_t	seq[4], kind[4];
	size_t	size[4];
};

static int
see(void *arg, const struct msg_row *m)
{
	struct seen *seen = arg;

	seen->seq[seen->n] = m->seq;
	seen->kind[seen->n] = m->kind;
	seen->size[seen->n++] = m->body.n;
	return 0;
}

static void
messages_of_version_1_stay(void **state)
{
	struct seen seen = { 0 };
	struct store *s;
	struct box b;

	(void)state;
	make_version_1(used_1);
	s = place_open(true);
	ok(store_msg_read(s, 1, 0, see, &seen));
	assert_int_equal(seen.n, 3);
	assert_true(seen.seq[0] == 1 && seen.seq[1] == 2 && seen.seq[2] == 3);
	assert_true(seen.kind[2] == 2 && seen.size[2] == 5);
	ok(store_box_get(s, 1, &b));
	assert_int_equal(b.taken, 1);
	store_close(s);
}

static void
positions_of_version_1_are_not_given_again(void **state)
{
	int64_t last;
	struct store *s;

	(void)state;
	make_version_1(used_1);
	s = place_open(true);
	ok(store_msg_last(s, &last));
	assert_int_equal(last, 4);
	ok(store_begin(s, T0));
	assert_int_equal(suite_put(s, 1, T0, 1), 5);
	ok(store_commit(s));
	store_close(s);
}

/* Also those the sweeps of version 1 had done with. */
static void
messages_of_version_1_expire(void **state)
{
	struct store *s;

	(void)state;
	make_version_1(used_1);
	s = place_open(true);
	assert_int_equal(suite_sweep_at(s, T0 + 5001 + EXPIRY_SLACK_MS).messages, 1);
	assert_int_equal(suite_sweep_at(s, T0 + 9001 + EXPIRY_SLACK_MS).messages, 1);
	assert_int_equal(suite_rows(s, 1, NULL), 1);
	store_close(s);
}

/* Version 1 before its first message: nothing was ever given out. */
static void
an_empty_version_1_starts_at_1(void **state)
{
	struct store *s;
	int64_t last = -1;

	(void)state;
	make_version_1("INSERT INTO meta VALUES ('epoch', '00112233445566ff'), ('secret', zeroblob(32)), "
	    "('inode', 0);");
	s = place_open(true);
	ok(store_msg_last(s, &last));
	assert_int_equal(last, 0);
	ok(store_begin(s, T0));
	assert_int_equal(suite_put(s, suite_box(s, 1), T0, 1), 1);
	ok(store_commit(s));
	store_close(s);
}

const struct CMUnitTest sqlite_old_tests[] = {
	cmocka_unit_test(messages_of_version_1_stay),
	cmocka_unit_test(positions_of_version_1_are_not_given_again),
	cmocka_unit_test(messages_of_version_1_expire),
	cmocka_unit_test(an_empty_version_1_starts_at_1),
	{ NULL, NULL, NULL, NULL, NULL }
};
