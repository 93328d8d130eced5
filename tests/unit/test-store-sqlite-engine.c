/* test-store-sqlite-engine - statements and their plans, the WAL and its upkeep, a full disk,
 * numbers that wrap. */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test-store-sqlite.h"

/* ---- statements ---- */

static void
no_statement_scans(void **state)
{
	struct store *s = place_open(true);
	struct lite *l = (struct lite *)s;
	const struct sql_row *row;
	char plan[256];
	int i, err;

	(void)state;
	for (i = 0; i < SQL__MAX; i++) {
		row = sql_row((enum sql)i);
		err = sql_check(l->db, row, plan, sizeof plan);
		if (err != 0)
			fail_msg("%s: %s (%s)", row->name, plan, err_name(err));
		if (row->scan != NULL && plan[0] == '\0')
			fail_msg("%s is marked as scanning, and does not", row->name);
	}
	store_close(s);
}

static void
the_check_finds_scans_and_sorts(void **state)
{
	static const struct { const char *why, *text, *scan; int want; } cases[] = {
		{ "a scan", "SELECT * FROM msg WHERE kind = 1", NULL, -ERR_BAD },
		{ "a scan by an index", "SELECT count(*) FROM msg", NULL, -ERR_BAD },
		{ "a sort", "SELECT seq FROM msg WHERE box = 1 ORDER BY size", NULL, -ERR_BAD },
		{ "a reason", "SELECT * FROM msg WHERE kind = 1", "few", 0 },
		{ "a search", "SELECT * FROM msg WHERE box = 1 ORDER BY seq", NULL, 0 },
		{ "no table", "SELECT 1", NULL, 0 },
		{ "nonsense", "SELECT FROM", NULL, -ERR_INTERNAL },
	};
	struct store *s = place_open(true);
	struct sql_row row;
	char plan[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		row = (struct sql_row){ cases[i].why, cases[i].text, cases[i].scan };
		if (sql_check(((struct lite *)s)->db, &row, plan, sizeof plan) != cases[i].want)
			fail_msg("%s: %s", cases[i].why, plan);
	}
	store_close(s);
}

/* msg_work reads neither bodies nor an index of its own (one was measured: it cost each insert a
 * microsecond and made reading no faster). */
static void
work_reads_no_overflow_page(void **state)
{
	struct store *s = place_open(true);
	struct lite *l = (struct lite *)s;
	int64_t id, after = 0;
	int i, miss, was, high;

	(void)state;
	ok(store_begin(s, T0));
	id = suite_box(s, 1);
	for (i = 0; i < 50; i++)
		suite_put(s, id, T0, 100000);
	ok(store_commit(s));
	sqlite3_db_release_memory(l->db);
	sqlite3_db_status(l->db, SQLITE_DBSTATUS_CACHE_MISS, &was, &high, 0);
	while (after < 50) {
		sqlite3_stmt *q = lite_get(l, SQL_MSG_WORK);

		lite_int(q, ":after", after);
		lite_int(q, ":max", 1);
		ok(lite_number(l, q, &after));
	}
	sqlite3_db_status(l->db, SQLITE_DBSTATUS_CACHE_MISS, &miss, &high, 0);
	assert_true(miss - was < 60);
	store_close(s);
}

/* The suite shows that nobody can tell (suite-store-read.c); here is what is saved. */
static void
what_was_just_committed_is_read_from_memory(void **state)
{
	struct store *s = place_open(true);
	struct lite *l = (struct lite *)s;
	int64_t id;

	(void)state;
	ok(store_begin(s, T0));
	id = suite_box(s, 1);
	suite_put(s, id, T0, 100);
	suite_put(s, id, T0, 70000);
	ok(store_commit(s));
	ok(store_read_begin(s, T0));
	assert_int_equal(suite_rows(s, id, NULL), 2);
	assert_null(l->stmt[SQL_MSG_READ]);
	assert_false(l->read_open);
	store_read_end(s);
	ok(store_begin(s, T0));
	suite_put(s, id, T0, LITE_FRESH_MAX);
	ok(store_commit(s));
	ok(store_read_begin(s, T0));
	assert_int_equal(suite_rows(s, id, NULL), 3);
	store_read_end(s);
	assert_non_null(l->stmt[SQL_MSG_READ]);
	assert_true(l->fresh.size <= LITE_FRESH_MAX);
	store_close(s);
}

/* ---- the WAL ---- */

static void
write_some(struct store *s, int64_t id, int turns)
{
	while (turns-- > 0) {
		ok(store_begin(s, T0));
		suite_put(s, id, T0, 20000);
		ok(store_commit(s));
	}
}

static struct store *
with_box(int64_t *id)
{
	struct store *s = place_open(true);

	ok(store_begin(s, T0));
	*id = suite_box(s, 1);
	ok(store_commit(s));
	return s;
}

static void
a_wal_is_due_at_4_mb(void **state)
{
	int64_t id, at;
	struct store *s = with_box(&id);
	bool stall;

	(void)state;
	assert_false(store_upkeep_due(s, &stall));
	while (!store_upkeep_due(s, &stall))
		write_some(s, id, 1);
	assert_false(stall);
	at = place_file_size("-wal");
	assert_in_range(at, LITE_WAL_DUE, LITE_WAL_DUE + 200000);
	ok(store_upkeep(s, false));
	assert_false(store_upkeep_due(s, &stall));
	write_some(s, id, 2);
	assert_false(store_upkeep_due(s, &stall));
	assert_true(place_file_size("-wal") <= at);	/* used again from its start */
	store_close(s);
}

static void
a_reader_makes_it_stall(void **state)
{
	int64_t id;
	struct store *s = with_box(&id), *reader = place_open(true);
	struct lite *l = (struct lite *)s;
	struct box b;
	bool stall = false;

	(void)state;
	l->wal_due = 100000;
	l->wal_stall = 800000;
	ok(store_read_begin(reader, T0));
	ok(store_box_get(reader, id, &b));
	while (!stall) {
		write_some(s, id, 1);
		if (store_upkeep_due(s, &stall) && !stall)
			ok(store_upkeep(s, false));
	}
	assert_in_range(place_file_size("-wal"), 800000, 1000000);
	fails(store_upkeep(s, true), ERR_BUSY);
	assert_true(store_upkeep_due(s, &stall) && stall);
	store_read_end(reader);
	ok(store_upkeep(s, true));
	assert_false(store_upkeep_due(s, &stall));
	assert_false(stall);
	write_some(s, id, 1);
	assert_false(store_upkeep_due(s, &stall));
	store_close(reader);
	store_close(s);
}

/* Long before it must be, and not while somebody reads what is in it. */
static void
a_long_wal_is_restarted_when_it_can_be(void **state)
{
	int64_t id;
	struct store *s = with_box(&id), *reader = place_open(true);
	struct lite *l = (struct lite *)s;
	struct box b;

	(void)state;
	l->wal_restart = 800000;
	write_some(s, id, 10);
	ok(store_upkeep(s, false));
	assert_true(atomic_load(&l->wal_done) > 0);
	while (atomic_load(&l->wal_bytes) < l->wal_restart)
		write_some(s, id, 1);
	ok(store_read_begin(reader, T0));
	ok(store_box_get(reader, id, &b));
	ok(store_upkeep(s, false));
	assert_true(atomic_load(&l->wal_bytes) >= l->wal_restart);
	store_read_end(reader);
	ok(store_upkeep(s, false));
	assert_int_equal(atomic_load(&l->wal_bytes), 0);
	write_some(s, id, 1);
	assert_in_range(atomic_load(&l->wal_bytes), 1, 100000);
	store_close(reader);
	store_close(s);
	assert_int_equal(place_file_size("-wal"), -1);
}

static void *
keep_up(void *arg)
{
	struct store *s = arg;
	int i;

	for (i = 0; i < 20; i++)
		store_upkeep(s, i % 4 == 3);
	return NULL;
}

static void
upkeep_may_run_beside_the_turns(void **state)
{
	int64_t id;
	struct store *s = with_box(&id);
	struct lite *l = (struct lite *)s;
	pthread_t thread;
	bool stall;
	int i, err;

	(void)state;
	l->wal_restart = 500000;
	assert_int_equal(pthread_create(&thread, NULL, keep_up, s), 0);
	for (i = 0; i < 200; i++) {
		err = store_begin(s, T0);
		if (err == -ERR_BUSY)
			continue;
		ok(err);
		suite_put(s, id, T0, 5000);
		ok(store_commit(s));
		store_upkeep_due(s, &stall);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	store_close(s);
}

static void
a_rollback_journal_needs_no_upkeep(void **state)
{
	struct store *s = place_open(false);
	bool stall = true;

	(void)state;
	assert_false(store_upkeep_due(s, &stall));
	assert_false(stall);
	ok(store_upkeep(s, false));
	ok(store_upkeep(s, true));
	store_close(s);
}

/* ---- full ---- */

static int
fill(struct store *s, int64_t id, size_t size)
{
	char *body = calloc(1, size);
	struct msg_new m = { .box = id, .due = T0, .body = { body, size } };
	int64_t seq;
	int err;

	do
		err = store_msg_add(s, &m, 0, &seq);
	while (err == 0);
	free(body);
	return err;
}

static void
full(bool wal)
{
	struct store_conf conf = place_conf(wal);
	struct store *s;
	int64_t id, kept, seq;
	struct box b;

	conf.max_bytes = 60 * LITE_PAGE;
	ok(place_try(conf, &s, NULL));
	ok(store_begin(s, T0));
	id = suite_box(s, 1);
	kept = suite_put(s, id, T0, 1000);
	ok(store_commit(s));

	ok(store_begin(s, T0));
	fails(fill(s, id, 9000), ERR_FULL);
	fails(store_box_get(s, id, &b), ERR_FULL);
	fails(store_release(s), ERR_FULL);
	fails(store_commit(s), ERR_FULL);
	assert_int_equal(suite_rows(s, id, &seq), 1);
	assert_int_equal(seq, kept);

	ok(store_begin(s, T0));
	fails(fill(s, id, 9000), ERR_FULL);
	store_rollback(s);
	ok(store_begin(s, T0));
	suite_put(s, id, T0, 1000);
	ok(store_box_ack(s, id, kept));
	ok(store_commit(s));
	assert_int_equal(suite_rows(s, id, NULL), 1);
	assert_true(place_file_size("") <= conf.max_bytes);
	store_close(s);
}

static void
a_full_database_loses_the_turn_only(void **state)
{
	(void)state;
	full(true);
}

static void
so_it_does_with_a_rollback_journal(void **state)
{
	(void)state;
	full(false);
}

/* ---- links ---- */

static void
link_numbers_wrap(void **state)
{
	int64_t owner, n[3], other[3], got, who;
	struct store *s = with_box(&owner);
	int i;

	(void)state;
	ok(store_begin(s, T0));
	for (i = 0; i < 3; i++)
		other[i] = suite_box(s, i + 2);
	ok(store_link_add(s, owner, other[0], &n[0]));
	ok(store_commit(s));
	place_run("UPDATE sqlite_sequence SET seq = 2147483646 WHERE name = 'link';");
	ok(store_begin(s, T0));
	ok(store_link_add(s, owner, other[1], &n[1]));
	ok(store_link_add(s, other[0], other[2], &n[2]));
	assert_int_equal(n[0], 1);
	assert_int_equal(n[1], 2147483647);
	assert_int_equal(n[2], 1);
	ok(store_link_find(s, owner, 1, &got));
	assert_int_equal(got, other[0]);
	ok(store_link_find(s, other[0], 1, &got));
	assert_int_equal(got, other[2]);
	ok(store_link_find(s, owner, 2147483647, &got));
	assert_int_equal(got, other[1]);
	fails(store_link_find(s, owner, 2, &got), ERR_NOTFOUND);
	fails(store_link_find(s, owner, 2147483648, &got), ERR_NOTFOUND);
	ok(store_link_last(s, other[2], &who, &got));
	assert_int_equal(got, 1);
	ok(store_commit(s));
	store_close(s);
}

/* ---- memory ---- */

static void
memory_is_bounded(void **state)
{
	static const int kinds[] = {
		SQLITE_DBSTATUS_CACHE_USED, SQLITE_DBSTATUS_SCHEMA_USED, SQLITE_DBSTATUS_STMT_USED,
	};
	int64_t id, sum = 0;
	struct store *s = with_box(&id);
	int used, high;
	size_t i;

	(void)state;
	write_some(s, id, 300);
	for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		sqlite3_db_status(((struct lite *)s)->db, kinds[i], &used, &high, 0);
		sum += used;
	}
	assert_in_range(sum, 100 * 1024, 1600 * 1024);
	store_close(s);
}

const struct CMUnitTest sqlite_engine_tests[] = {
	cmocka_unit_test(no_statement_scans),
	cmocka_unit_test(the_check_finds_scans_and_sorts),
	cmocka_unit_test(work_reads_no_overflow_page),
	cmocka_unit_test(what_was_just_committed_is_read_from_memory),
	cmocka_unit_test(a_wal_is_due_at_4_mb),
	cmocka_unit_test(a_reader_makes_it_stall),
	cmocka_unit_test(a_long_wal_is_restarted_when_it_can_be),
	cmocka_unit_test(upkeep_may_run_beside_the_turns),
	cmocka_unit_test(a_rollback_journal_needs_no_upkeep),
	cmocka_unit_test(a_full_database_loses_the_turn_only),
	cmocka_unit_test(so_it_does_with_a_rollback_journal),
	cmocka_unit_test(link_numbers_wrap),
	cmocka_unit_test(memory_is_bounded),
	{ NULL, NULL, NULL, NULL, NULL }
};
