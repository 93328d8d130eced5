/*
 * test-hub-store - a store that is full or replaced, messages that expire, leases that are lost.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#include "err.h"
#include "hub-private.h"
#include "source.h"
#include "store-sqlite.h"

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

/* ---- room ---- */

static void
test_full(void **state)
{
	static char body[200200];
	struct source a, b;
	struct fake_conn *c;
	int i, status = 200;

	(void)state;
	fake_stop(&f);
	fake_start(&f);
	f.conf.max_db_bytes = 2 * 1024 * 1024;
	fake_run(&f);
	a = open_source(&f, E);
	b = open_source(&f, E);
	say(&a, "{\"open\":\"k\"}");
	say(&b, "{\"join\":\"k\"}");
	leave(&a);
	for (i = 0; i < 30 && status == 200; i++) {
		memset(body, 'x', sizeof body - 1);
		memcpy(body, b.auth, 32);
		memcpy(body + 32, "@{\"data\":\"", 10);
		memcpy(body + sizeof body - 3, "\"}", 2);
		c = fake_post(&f, E, body);
		status = fake_status(c);
		fake_free(c);
	}
	assert_int_equal(status, 507);
	assert_true(i > 3);
	fake_pass(&f, 120000);		/* what was stored expires, its pages are free again */
	c = fake_get(&f, E, NULL);
	assert_int_equal(fake_status(c), 200);
	fake_gone(&f, c);
	fake_free(c);
	leave(&b);
}

static void
test_quota(void **state)
{
	struct source a = open_source(&f, E), b = open_source(&f, E);
	int i;

	(void)state;
	fake_stop(&f);		/* a small mailbox */
	fake_start(&f);
	f.conf.max_pending = 3;
	fake_run(&f);
	fake_free(a.down);
	fake_free(b.down);
	a = open_source(&f, E);
	b = open_source(&f, E);
	say(&a, "{\"open\":\"k\"}");
	say(&b, "{\"join\":\"k\"}");
	leave(&a);
	for (i = 0; i < 3; i++)
		assert_int_equal(say(&b, "{\"data\":1}"), 200);
	assert_int_equal(say(&b, "{\"data\":1}"), 429);
	leave(&b);
}

/* ---- leases ---- */

/* A process that slept past its lease opens the next stream as if nothing had been. */
static void
test_lease_lost(void **state)
{
	struct source a = open_source(&f, E), b, c;

	(void)state;
	say(&a, "{\"open\":\"k\"}");
	fake_join(&g, &f);
	b = open_source(&g, E);
	fake_pass(&g, HUB_LEASE_MS + 3000);
	f.mono = g.mono;
	f.real = g.real;
	c = open_source(&f, E);		/* before any timer of f */
	assert_false(a.down->done);
	assert_int_equal(say(&b, "{\"join\":\"k\"}"), 200);
	hear(&b, 0, "{\"opened\":false}");
	fake_pass(&f, 500);
	assert_false(a.down->done);
	say(&b, "{\"data\":1}");
	fake_pass(&f, 500);
	hear(&a, 1, "{\"id\":1,\"data\":1}");
	leave(&b);
	fake_stop(&g);
	leave(&a);
	leave(&c);
}

/* It slept so long that its sources are gone: their clients come back, and get new ones. */
static void
test_box_lost(void **state)
{
	struct source a = open_source(&f, E), b;

	(void)state;
	fake_join(&g, &f);
	b = open_source(&g, E);
	fake_pass(&g, HUB_LEASE_MS + f.conf.away_ms + 5000);
	f.mono = g.mono;
	f.real = g.real;
	fake_pass(&f, 500);
	assert_true(a.down->done);
	assert_null(strstr(fake_text(a.down), "final"));
	leave(&b);
	fake_stop(&g);
	leave(&a);
}

/* ---- what is lost is told ---- */

static void
test_gap_after_expiry(void **state)
{
	struct source a = open_source(&f, E), b = open_source(&f, E);
	char id[128], got[256], want[300];
	struct fake_conn *again;

	(void)state;
	f.conf.sigver_expire_ms = 5000;
	say(&a, "{\"open\":\"k\"}");
	say(&b, "{\"join\":\"k\"}");
	fake_id(a.down, id, sizeof id);
	leave(&a);
	say(&b, "{\"data\":\"lost\"}");
	fake_pass(&f, 5000 + EXPIRY_SLACK_MS + 1500);
	say(&b, "{\"data\":\"kept\"}");
	again = fake_get(&f, E, id);
	assert_true(fake_event(again, "gap", 0, got, sizeof got));
	snprintf(want, sizeof want, "{\"from\":\"%s\",\"to\":\"%s-3\"}", strchr(id, '.') + 1, f.hub.store->epoch);
	assert_string_equal(got, want);
	assert_true(fake_event(again, "", 0, got, sizeof got));
	assert_string_equal(got, "{\"id\":1,\"data\":\"kept\"}");
	fake_gone(&f, again);
	fake_free(again);
	leave(&b);
}

/* Messages that expired while their reader was stuck are told of on the open stream. */
static void
test_gap_on_open_stream(void **state)
{
	struct source a = open_source(&f, E), b = open_source(&f, E);
	char got[256], want[256];
	int i;

	(void)state;
	f.conf.sigver_expire_ms = 5000;
	say(&a, "{\"open\":\"k\"}");
	say(&b, "{\"join\":\"k\"}");
	a.down->room = 0;
	say(&b, "{\"data\":0}");	/* 3: queued, counts as taken */
	for (i = 1; i < 4; i++)
		say(&b, "{\"data\":1}");	/* 4 to 6 */
	fake_pass(&f, 5000 + EXPIRY_SLACK_MS + 1500);
	say(&b, "{\"data\":\"kept\"}");
	fake_room(&f, a.down, SIZE_MAX);
	fake_turn(&f);
	hear(&a, 1, "{\"id\":1,\"data\":0}");
	hear(&a, 2, "{\"id\":1,\"data\":\"kept\"}");
	assert_true(fake_event(a.down, "gap", 0, got, sizeof got));
	snprintf(want, sizeof want, "{\"from\":\"%s-3\",\"to\":\"%s-6\"}", f.hub.store->epoch, f.hub.store->epoch);
	assert_string_equal(got, want);
	assert_false(fake_event(a.down, "gap", 1, got, sizeof got));
	leave(&a);
	leave(&b);
}

/* The file is replaced while requests wait for a verdict, are parked, and streams are open. */
static void
test_replaced(void **state)
{
	struct source a = open_source(&f, D), b = open_source(&f, D), e = open_source(&f, E);
	struct fake_conn *c;
	char id[128], got[256], name[CONF_STR_MAX + 8];

	(void)state;
	say(&a, "{\"open\":\"k\"}");
	lose(&a, id, sizeof id);
	c = post(&b, "{\"open\":\"k\"}");
	assert_int_equal(fake_status(c), 0);
	snprintf(name, sizeof name, "%s-wal", f.conf.db);
	unlink(name);
	unlink(f.conf.db);
	fake_pass(&f, 2000);
	assert_true(b.down->done && e.down->done);
	fake_pass(&f, 3000);
	row_assert(fake_status(c) == 581 || fake_status(c) == 503, "%d", fake_status(c));
	fake_free(c);
	resume(&a, id);
	assert_true(fake_event(a.down, "gap", 0, got, sizeof got));
	assert_true(fake_event(a.down, "auth", 0, a.auth, sizeof a.auth));
	assert_int_equal(say(&a, "{\"open\":\"k\"}"), 200);
	leave(&a);
	leave(&b);
	leave(&e);
}

static void
test_bell_deleted(void **state)
{
	char name[CONF_STR_MAX + 8];

	(void)state;
	snprintf(name, sizeof name, "%s.bell", f.conf.db);
	unlink(name);
	fake_pass(&f, 2 * HUB_TICK_MS);
	assert_int_equal(access(name, F_OK), 0);
}

/* A WAL that is too long while its database is gone: nobody can shorten it, and the hub still ends. */
static void
test_ends_though_the_wal_stays(void **state)
{
	struct source a = open_source(&f, E);

	(void)state;
	((struct lite *)f.hub.store)->wal_stall = 1;
	assert_int_equal(unlink(f.conf.db), 0);
	assert_int_equal(say(&a, "{\"open\":\"k\"}"), 200);
	leave(&a);
	alarm(20);
	fake_stop(&f);
	alarm(0);
	fake_start(&f);
	fake_run(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_full), T(test_quota), T(test_lease_lost), T(test_box_lost),
		T(test_gap_after_expiry), T(test_gap_on_open_stream), T(test_replaced),
		T(test_bell_deleted), T(test_ends_though_the_wal_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
