/*
 * test-hub-claim - names in dispute, and several processes on one database.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "err.h"
#include "hub-private.h"
#include "route.h"
#include "source.h"

static struct fake f, g;		/* g: another process */

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

/* Time passes for both processes alike. */
static void
pass_both(int64_t ms)
{
	for (; ms > 0; ms -= 10) {
		fake_pass(&f, 10);
		fake_pass(&g, 10);
	}
}

/* ---- names in dispute ---- */

static void
test_contest_proven(void **state)
{
	struct source a = open_source(&f, D), b = open_source(&f, D);
	char body[128];
	struct fake_conn *c;

	(void)state;
	say(&a, "{\"open\":\"k\"}");
	fake_pass(&f, 5000);		/* the proof of its opening is old */
	snprintf(body, sizeof body, "%s@{\"open\":\"k\"}", b.auth);
	c = fake_post(&f, D, body);
	assert_int_equal(fake_status(c), 0);	/* no verdict yet */
	fake_pass(&f, 500);
	assert_int_equal(fake_status(c), 560);
	hear(&b, 0, "{\"isKeyOk\":false}");
	assert_true(b.down->done);
	assert_non_null(strstr(fake_text(a.down), ":\n\n:\n\n"));
	fake_free(c);
	leave(&a);
	leave(&b);
}

static void
test_contest_away(void **state)
{
	struct source a = open_source(&f, D), b = open_source(&f, D);
	char body[128];
	struct fake_conn *c;

	(void)state;
	say(&a, "{\"open\":\"k\"}");
	leave(&a);
	snprintf(body, sizeof body, "%s@{\"open\":\"k\"}", b.auth);
	c = fake_post(&f, D, body);
	fake_pass(&f, f.conf.grace_ms - 200);
	assert_int_equal(fake_status(c), 0);
	fake_pass(&f, 400);
	assert_int_equal(fake_status(c), 200);
	hear(&b, 0, "{\"isKeyOk\":true}");
	fake_free(c);
	leave(&b);
}

static void
test_contest_holder_returns(void **state)
{
	struct source a = open_source(&f, D), b = open_source(&f, D);
	char body[128], id[128];
	struct fake_conn *c;

	(void)state;
	say(&a, "{\"open\":\"k\"}");
	fake_id(a.down, id, sizeof id);
	leave(&a);
	snprintf(body, sizeof body, "%s@{\"open\":\"k\"}", b.auth);
	c = fake_post(&f, D, body);
	fake_pass(&f, 1000);
	a.down = fake_get(&f, D, id);
	fake_pass(&f, 1000);
	assert_int_equal(fake_status(c), 560);
	fake_free(c);
	leave(&a);
	leave(&b);
}

/* The claimant leaves while it waits: nothing is left behind. */
static void
test_contest_claimant_leaves(void **state)
{
	struct source a = open_source(&f, D), b = open_source(&f, D);
	char body[128];
	struct fake_conn *c;

	(void)state;
	say(&a, "{\"open\":\"k\"}");
	leave(&a);
	snprintf(body, sizeof body, "%s@{\"open\":\"k\"}", b.auth);
	c = fake_post(&f, D, body);
	fake_gone(&f, c);
	fake_free(c);
	assert_true(list_empty(&f.hub.waiting));
	fake_pass(&f, 5000);
	hear_no_more(&b, 0);
	leave(&b);
}

/* Several want the name of one who is away: the first gets it, and keeps it. */
static void
test_contest_of_several(void **state)
{
	struct source a = open_source(&f, D), rivals[4];
	struct fake_conn *c[4];
	int i;

	(void)state;
	say(&a, "{\"open\":\"k\"}");
	for (i = 0; i < 4; i++)
		rivals[i] = open_source(&f, D);
	fake_pass(&f, 5000);
	leave(&a);
	for (i = 0; i < 4; i++)
		c[i] = post(&rivals[i], "{\"open\":\"k\"}");
	fake_pass(&f, 2 * f.conf.grace_ms);
	assert_int_equal(fake_status(c[0]), 200);
	hear(&rivals[0], 0, "{\"isKeyOk\":true}");
	assert_false(rivals[0].down->done);
	for (i = 1; i < 4; i++) {
		row_assert(fake_status(c[i]) == 560, "%d: %d", i, fake_status(c[i]));
		hear(&rivals[i], 0, "{\"isKeyOk\":false}");
	}
	for (i = 0; i < 4; i++) {
		fake_free(c[i]);
		leave(&rivals[i]);
	}
}

/* Busy at the end of a wait: it may still wait for the lock as long as anybody. */
static void
test_contest_then_busy(void **state)
{
	struct store_conf sc = { .path = f.conf.db, .wal = true, .max_pending = 10, .max_pending_bytes = 10000,
	    .away_ms = 30000 };
	struct source a = open_source(&f, D), b = open_source(&f, D);
	struct fake_conn *c;
	struct store *other;
	const char *why;

	(void)state;
	say(&a, "{\"open\":\"k\"}");
	leave(&a);
	c = post(&b, "{\"open\":\"k\"}");
	fake_pass(&f, f.conf.grace_ms - 500);
	assert_int_equal(store_sqlite_open(&sc, &other, &why), 0);
	assert_int_equal(store_begin(other, f.real), 0);
	fake_pass(&f, 1000);
	assert_int_equal(fake_status(c), 0);
	store_rollback(other);
	store_close(other);
	fake_pass(&f, 200);
	assert_int_equal(fake_status(c), 200);
	fake_free(c);
	leave(&b);
}

/* A crowd that waits for verdicts leaves the loop its time: so many in one go, oldest first. */
static int served;

static void
serve_and_count(struct hub *hub, struct req *r)
{
	served++;
	route_serve(hub, r);
}

static void
test_contest_crowd(void **state)
{
	enum { CROWD = HUB_TURN_REQUESTS + 100 };
	static struct fake_conn *c[CROWD];
	struct source a = open_source(&f, D), b = open_source(&f, D);
	int i;

	(void)state;
	say(&a, "{\"open\":\"k\"}");
	leave(&a);
	for (i = 0; i < CROWD; i++)
		c[i] = post(&b, "{\"open\":\"k\"}");
	f.hub.serve = serve_and_count;
	f.mono += HUB_WAIT_MS;
	f.real += HUB_WAIT_MS;
	f.loop.fresh = false;
	served = 0;
	hub_on_claims(&f.hub.claims);
	assert_int_equal(served, HUB_TURN_REQUESTS);
	hub_on_claims(&f.hub.claims);
	assert_int_equal(served, CROWD);
	fake_pass(&f, 2 * f.conf.grace_ms);
	for (i = 0; i < CROWD; i++) {
		row_assert(fake_status(c[i]) == 200, "%d: %d", i, fake_status(c[i]));
		fake_free(c[i]);
	}
	leave(&b);
}

/* ---- two processes ---- */

static void
test_two_hubs(void **state)
{
	struct source a, b;

	(void)state;
	fake_join(&g, &f);
	a = open_source(&f, E);
	b = open_source(&g, E);
	say(&a, "{\"open\":\"k\"}");
	assert_int_equal(say(&b, "{\"join\":\"k\"}"), 200);
	hear(&b, 0, "{\"opened\":false}");
	assert_int_equal(say(&b, "{\"data\":1}"), 200);
	fake_pass(&f, 300);
	hear(&a, 1, "{\"id\":1,\"data\":1}");
	assert_int_equal(say(&a, "{\"id\":1,\"data\":2}"), 200);
	fake_pass(&g, 300);
	hear(&b, 1, "{\"data\":2}");
	fake_gone(&g, b.down);
	fake_free(b.down);
	fake_stop(&g);
	leave(&a);
}

/* A stream that moves to another process ends where it was. */
static void
test_superseded_elsewhere(void **state)
{
	struct fake_conn *second;
	struct source a;
	char id[128], got[128];

	(void)state;
	fake_join(&g, &f);
	a = open_source(&f, D);
	fake_id(a.down, id, sizeof id);
	second = fake_get(&g, D, id);
	assert_int_equal(fake_status(second), 200);
	fake_pass(&f, 300);
	assert_true(a.down->done);
	assert_true(fake_event(a.down, "superseded", 0, got, sizeof got));
	fake_free(a.down);
	fake_gone(&g, second);
	fake_free(second);
	fake_stop(&g);
}

static void
test_contest_elsewhere(void **state)
{
	struct source a, b;
	struct fake_conn *c;
	char body[128];
	int i;

	(void)state;
	fake_join(&g, &f);
	a = open_source(&f, D);
	say(&a, "{\"open\":\"k\"}");
	b = open_source(&g, D);
	fake_pass(&f, 3000);
	g.mono = f.mono;
	g.real = f.real;
	snprintf(body, sizeof body, "%s@{\"open\":\"k\"}", b.auth);
	c = fake_post(&g, D, body);
	assert_int_equal(fake_status(c), 0);
	for (i = 0; i < 100 && fake_status(c) == 0; i++) {
		fake_pass(&f, 10);
		fake_pass(&g, 10);
	}
	assert_int_equal(fake_status(c), 560);
	assert_true(i < 100);
	fake_free(c);
	fake_free(b.down);
	fake_stop(&g);
	leave(&a);
}

/* The holder's process is dead, its lease not yet over: the grace decides. */
static void
test_contest_holder_dead(void **state)
{
	struct source a, b;
	struct fake_conn *c;

	(void)state;
	fake_join(&g, &f);
	a = open_source(&g, D);
	say(&a, "{\"open\":\"k\"}");
	b = open_source(&f, D);
	c = post(&b, "{\"open\":\"k\"}");
	fake_pass(&f, f.conf.grace_ms + 200);	/* g sleeps */
	assert_int_equal(fake_status(c), 200);
	hear(&b, 0, "{\"isKeyOk\":true}");
	g.mono = f.mono, g.real = f.real;
	fake_pass(&g, 300);
	assert_true(a.down->done);	/* it was not dead after all: it is told */
	fake_free(c);
	leave(&b);
	fake_free(a.down);
	fake_stop(&g);
}

/* A final end reaches a stream that another process has. */
static void
test_end_elsewhere(void **state)
{
	struct source a;
	char got[256];

	(void)state;
	fake_join(&g, &f);
	a = open_source(&g, E);
	a.at = &f;
	assert_int_equal(say(&a, "{}"), 200);
	pass_both(300);
	assert_true(a.down->done);
	assert_true(fake_event(a.down, "close", 0, got, sizeof got));
	fake_free(a.down);
	fake_stop(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_contest_proven), T(test_contest_away), T(test_contest_holder_returns),
		T(test_contest_claimant_leaves), T(test_contest_of_several),
		T(test_contest_then_busy), T(test_contest_crowd), T(test_two_hubs),
		T(test_superseded_elsewhere), T(test_contest_elsewhere),
		T(test_contest_holder_dead), T(test_end_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
