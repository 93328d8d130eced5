/*
 * test-hub-turn - turns that wait for the lock or are lost, and the end of a process meanwhile.
 */
#include "config.h"

#include "unit.h"

#include <sqlite3.h>

#include "err.h"
#include "hub-private.h"
#include "route.h"
#include "source.h"
#include "store-sqlite.h"

static struct fake f, g;		/* g: another process */
static sqlite3 *reader;

static int
setup(void **state)
{
	(void)state;
	fake_start(&f);
	fake_run(&f);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fake_stop(&f);
	return 0;
}

/* A rollback journal, in which a reader elsewhere keeps a COMMIT waiting. */
static int
setup_rollback(void **state)
{
	(void)state;
	fake_start(&f);
	strcpy(f.conf.journal, "rollback");
	fake_run(&f);
	assert_int_equal(sqlite3_open(f.conf.db, &reader), SQLITE_OK);
	return 0;
}

static int
teardown_rollback(void **state)
{
	(void)state;
	sqlite3_close(reader);
	fake_stop(&f);
	return 0;
}

static void
read_begin(void)
{
	assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM box", NULL, NULL, NULL), SQLITE_OK);
}

static void
read_end(void)
{
	assert_int_equal(sqlite3_exec(reader, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
}

/* ---- busy ---- */

static void
test_busy(void **state)
{
	struct store_conf sc = { .path = f.conf.db, .wal = true, .max_pending = 10, .max_pending_bytes = 10000,
	    .away_ms = 30000 };
	struct source a = open_source(&f, E);
	struct fake_conn *c;
	struct store *other;
	const char *why;
	char body[128];

	(void)state;
	assert_int_equal(store_sqlite_open(&sc, &other, &why), 0);
	assert_int_equal(store_begin(other, f.real), 0);
	snprintf(body, sizeof body, "%s@{\"open\":\"k\"}", a.auth);
	c = fake_post(&f, E, body);
	fake_pass(&f, 1000);
	assert_int_equal(fake_status(c), 0);
	store_rollback(other);
	fake_pass(&f, 50);
	assert_int_equal(fake_status(c), 200);
	hear(&a, 0, "{\"opened\":true}");
	fake_free(c);
	assert_int_equal(store_begin(other, f.real), 0);
	c = fake_post(&f, E, body);
	fake_pass(&f, HUB_BUSY_MS + 100);
	assert_int_equal(fake_status(c), 503);
	assert_non_null(strstr(fake_text(c), "Retry-After: "));
	fake_free(c);
	store_rollback(other);
	store_close(other);
	leave(&a);
}

/* ---- turns that are lost ---- */

static int64_t
boxes(void)
{
	struct store_stat stat;

	assert_int_equal(store_stat(f.hub.store, f.real, &stat), 0);
	return stat.boxes;
}

/* A source whose turn is lost leaves no trace, and the next one finds everything in order. */
static void
test_lost_turn(void **state)
{
	struct fake_conn *c;
	struct source a;

	(void)state;
	read_begin();
	c = fake_get(&f, D, NULL);
	assert_int_equal(fake_status(c), 0);
	fake_pass(&f, HUB_BUSY_MS + 200);
	assert_int_equal(fake_status(c), 503);
	assert_int_equal(f.hub.streams, 0);
	read_end();
	assert_int_equal(boxes(), 0);
	a = open_source(&f, D);
	assert_int_equal(say(&a, "{\"open\":\"k\"}"), 200);
	hear(&a, 0, "{\"isKeyOk\":true}");
	fake_free(c);
	leave(&a);
}

/* The client of such a source may leave meanwhile; its box may then be somebody else's. */
static void
test_lost_turn_client_gone(void **state)
{
	struct source a = open_source(&f, D);
	struct fake_conn *c;
	char id[128];

	(void)state;
	lose(&a, id, sizeof id);
	fake_turn(&f);
	read_begin();
	c = fake_get(&f, D, id);
	fake_gone(&f, c);
	fake_free(c);
	fake_pass(&f, HUB_BUSY_MS + 200);
	read_end();
	resume(&a, id);
	fake_pass(&f, 1000);
	assert_int_equal(say(&a, "{\"open\":\"k\"}"), 200);
	hear(&a, 0, "{\"isKeyOk\":true}");
	leave(&a);
}

static struct fake_conn *first;
static int seen_status;

static void
serve_and_look(struct hub *hub, struct req *r)
{
	if (r->method == M_POST && hub->unparking)
		seen_status = fake_status(first);
	route_serve(hub, r);
}

static void
test_answers_before_parked(void **state)
{
	struct source a = open_source(&f, E);
	struct fake_conn *second;

	(void)state;
	seen_status = -1;
	f.hub.serve = serve_and_look;
	read_begin();
	first = post(&a, "{\"open\":\"k\"}");
	second = post(&a, "{\"open\":\"j\"}");
	assert_int_equal(fake_status(first), 0);
	read_end();
	fake_pass(&f, 100);
	assert_int_equal(fake_status(second), 200);
	assert_int_equal(seen_status, 200);
	fake_free(first);
	fake_free(second);
	leave(&a);
}

/* A refused request is held like any other, and its client may leave. */
static void
test_refused_and_gone(void **state)
{
	struct source a = open_source(&f, E);
	struct fake_conn *c, *bad;
	const char *too_long[] = { "CONTENT_LENGTH=99999999", NULL };

	(void)state;
	read_begin();
	c = post(&a, "{\"open\":\"k\"}");
	bad = fake_request(&f, "POST", E, NULL, too_long);
	assert_int_equal(fake_status(bad), 0);
	fake_gone(&f, bad);
	fake_free(bad);
	read_end();
	fake_pass(&f, 100);
	assert_int_equal(fake_status(c), 200);
	fake_free(c);
	leave(&a);
}

/* What an undone request posted is no message: the next one with its number is not overlooked. */
static void
test_undone_post(void **state)
{
	struct source a = open_source(&f, E), b;

	(void)state;
	fake_join(&g, &f);
	say(&a, "{\"open\":\"k\"}");
	b = open_source(&g, E);
	fake_pass(&f, 1000);
	assert_int_equal(hub_begin(&f.hub), 0);
	assert_int_equal(hub_mark(&f.hub), 0);
	assert_int_equal(hub_post(&f.hub, 1, 1, STR("\"undone\"")), 0);
	assert_int_equal(hub_post(&f.hub, 1, 1, STR("\"undone\"")), 0);
	hub_undo(&f.hub);
	fake_turn(&f);
	assert_int_equal(say(&b, "{\"join\":\"k\"}"), 200);
	assert_int_equal(say(&b, "{\"data\":1}"), 200);
	fake_pass(&f, 500);
	hear(&a, 1, "{\"id\":1,\"data\":1}");
	hear_no_more(&a, 2);
	leave(&b);
	fake_stop(&g);
	leave(&a);
}

/* What happens the moment after the first request of a turn was taken back, and the turn with it. */
static void (*then)(struct source *);

static void
on_rollback(void *arg)
{
	void (*act)(struct source *) = then;

	then = NULL;
	if (act != NULL)
		act(arg);
}

static void
undo_and_then(void (*act)(struct source *), struct source *arg)
{
	sqlite3 *db = ((struct lite *)f.hub.store)->db;

	assert_int_equal(hub_begin(&f.hub), 0);
	assert_int_equal(hub_mark(&f.hub), 0);
	assert_int_equal(hub_post(&f.hub, 1, 1, STR("\"undone\"")), 0);
	then = act;
	sqlite3_rollback_hook(db, on_rollback, arg);
	hub_undo(&f.hub);
	sqlite3_rollback_hook(db, NULL, NULL);
	assert_null(then);
}

static void
speak(struct source *b)
{
	assert_int_equal(say(b, "{\"data\":\"g\"}"), 200);
}

/* Messages of others come before ours: they must be looked for. */
static void
test_others_commit_while_undone(void **state)
{
	struct source c = open_source(&f, E), a = open_source(&f, E), b;

	(void)state;
	fake_join(&g, &f);
	say(&a, "{\"open\":\"k\"}");
	b = open_source(&g, E);
	assert_int_equal(say(&b, "{\"join\":\"k\"}"), 200);
	fake_pass(&f, 1000);
	undo_and_then(speak, &b);
	assert_true(f.hub.in_turn);
	assert_int_equal(hub_post(&f.hub, 1, 1, STR("\"f\"")), 0);
	fake_turn(&f);
	hear(&a, 1, "{\"id\":1,\"data\":\"g\"}");
	hear(&c, 0, "\"f\"");
	hear_no_more(&c, 1);
	leave(&b);
	fake_stop(&g);
	leave(&a);
	leave(&c);
}

static void
lock(struct source *unused)
{
	(void)unused;
	assert_int_equal(sqlite3_open(f.conf.db, &reader), SQLITE_OK);
	assert_int_equal(sqlite3_exec(reader, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
}

static void
test_locked_while_undone(void **state)
{
	struct source a = open_source(&f, E);
	struct fake_conn *c;

	(void)state;
	undo_and_then(lock, NULL);
	assert_false(f.hub.in_turn);
	hub_assert_sane(&f.hub);
	c = post(&a, "{\"open\":\"k\"}");
	assert_int_equal(fake_status(c), 0);
	assert_int_equal(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(reader);
	fake_pass(&f, 100);
	assert_int_equal(fake_status(c), 200);
	hear(&a, 0, "{\"opened\":true}");
	fake_free(c);
	leave(&a);
}

/* Taken positions of a turn that was lost are stored with the next. */
static int64_t
taken(int64_t box)
{
	struct box b;

	assert_int_equal(store_box_get(f.hub.store, box, &b), 0);
	return b.taken;
}

static void
test_taken_after_lost_turn(void **state)
{
	struct source a = open_source(&f, E);

	(void)state;
	say(&a, "{\"open\":\"k\"}");
	hear(&a, 0, "{\"opened\":true}");
	read_begin();
	fake_pass(&f, HUB_SAVE_MS);
	assert_true(f.hub.stuck);
	fake_pass(&f, HUB_BUSY_MS + 100);
	read_end();
	fake_pass(&f, HUB_SAVE_MS + 100);
	assert_int_equal(taken(1), 1);
	leave(&a);
}

/* ---- the end of a process ---- */

static bool stopped;

static void
on_stopped(struct hub *hub)
{
	(void)hub;
	stopped = true;
}

static void
test_drain(void **state)
{
	struct source a = open_source(&f, D);
	struct fake_conn *c;

	(void)state;
	f.hub.stopped = on_stopped;
	stopped = false;
	hub_drain(&f.hub);
	fake_turn(&f);
	assert_true(a.down->done && a.down->whole);
	assert_true(stopped);
	c = fake_get(&f, D, NULL);
	assert_int_equal(fake_status(c), 503);
	assert_non_null(strstr(fake_text(c), "Retry-After: "));
	fake_free(c);
	fake_free(a.down);
}

/* The process ends while a verdict is out: the claimant is told to come again. */
static void
test_contest_at_drain(void **state)
{
	struct source a = open_source(&f, D), b = open_source(&f, D);
	struct fake_conn *c;

	(void)state;
	say(&a, "{\"open\":\"k\"}");
	leave(&a);
	c = post(&b, "{\"open\":\"k\"}");
	assert_int_equal(fake_status(c), 0);
	hub_drain(&f.hub);
	fake_turn(&f);
	assert_int_equal(fake_status(c), 503);
	assert_true(hub_idle(&f.hub));
	fake_free(c);
	leave(&b);
}

/* A stream that was just being opened ends as the others do. */
static void
test_drain_while_opening(void **state)
{
	struct fake_conn *c;

	(void)state;
	f.hub.stopped = on_stopped;
	stopped = false;
	read_begin();
	c = fake_get(&f, D, NULL);
	assert_int_equal(fake_status(c), 0);
	hub_drain(&f.hub);
	fake_turn(&f);
	read_end();
	fake_pass(&f, 200);
	assert_int_equal(fake_status(c), 200);
	assert_true(c->done && c->whole);
	assert_true(stopped);
	fake_free(c);
}

/* Time is over and the store still busy: who waits is answered. */
static void
test_drain_over(void **state)
{
	struct source a = open_source(&f, E);
	struct fake_conn *c, *d;

	(void)state;
	f.hub.stopped = on_stopped;
	stopped = false;
	read_begin();
	c = post(&a, "{\"open\":\"k\"}");
	d = post(&a, "{\"open\":\"j\"}");
	hub_drain(&f.hub);
	f.hub.drain.fire(&f.hub.drain);
	assert_true(stopped);
	assert_int_equal(fake_status(c), 503);
	assert_int_equal(fake_status(d), 503);
	read_end();
	fake_free(c);
	fake_free(d);
	fake_turn(&f);
	leave(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define R(name) cmocka_unit_test_setup_teardown(name, setup_rollback, teardown_rollback)
		T(test_busy), R(test_lost_turn), R(test_lost_turn_client_gone),
		R(test_answers_before_parked), R(test_refused_and_gone), T(test_undone_post), T(test_others_commit_while_undone), T(test_locked_while_undone),
		R(test_taken_after_lost_turn), T(test_drain), T(test_contest_at_drain),
		R(test_drain_while_opening), R(test_drain_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
