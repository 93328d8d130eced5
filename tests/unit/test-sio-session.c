/*
 * test-sio-session - sessions of Engine.IO over a hub with a clock that stands still: when a poll's answer
 * leaves, and what is taken then. Whose a multiaddr is: test-sio-claim; going over to a WebSocket: test-sio-over;
 * packets: test-eio, test-sio.
 */
#include "config.h"

#include "unit.h"

#include <sqlite3.h>
#include <stdio.h>

#include "frames.h"
#include "hub-private.h"
#include "session.h"
#include "socket.h"

static struct fake f, g;	/* g: another process */
static sqlite3 *reader;
static struct store *other;	/* of another process, too */

static int
start(const char *journal)
{
	fake_start(&f);
	strcpy(f.conf.websocket, "on");
	strcpy(f.conf.journal, journal);
	fake_run(&f);
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	return start("auto");
}

static int
setup_two(void **state)
{
	(void)state;
	start("auto");
	fake_join(&g, &f);
	return 0;
}

/* A rollback journal, in which a reader elsewhere keeps a COMMIT waiting. */
static int
setup_rollback(void **state)
{
	(void)state;
	start("rollback");
	assert_int_equal(sqlite3_open(f.conf.db, &reader), SQLITE_OK);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	sqlite3_close(reader);
	reader = NULL;
	if (g.hub.loop != NULL)
		fake_stop(&g);
	fake_stop(&f);
	return 0;
}

static void
lock(void)
{
	struct store_conf sc = { .path = f.conf.db, .wal = true, .max_pending = 10, .max_pending_bytes = 10000,
	    .away_ms = 30000 };
	const char *why;

	assert_int_equal(store_sqlite_open(&sc, &other, &why), 0);
	assert_int_equal(store_begin(other, f.real), 0);
}

static void
unlock(void)
{
	store_rollback(other);
	store_close(other);
}

static void
hold_commits(bool yes)
{
	const char *sql = yes ? "BEGIN; SELECT count(*) FROM box" : "ROLLBACK";

	assert_int_equal(sqlite3_exec(reader, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void
pass_both(int64_t ms)
{
	for (; ms > 0; ms -= 10) {
		fake_pass(&f, 10);
		fake_pass(&g, 10);
	}
}

/* ---- when the answer of a poll leaves ---- */

/* Not before it is stored that it took what it says. */
static void
test_answer_after_commit(void **state)
{
	struct session_of a, b;
	struct fake_conn *poll;

	(void)state;
	a = session_open(&f, 4);
	b = session_open(&g, 4);
	session_joins(&f, &a, "/a", "joined");
	session_joins(&g, &b, "/b", "joined");
	poll = session_waits(&f, &a);
	session_says(&g, &b, EMIT_SHAKE("/b", "/a", ""));
	lock();
	fake_pass(&f, 300);
	assert_int_equal(fake_status(poll), 0);
	unlock();
	fake_pass(&f, 50);
	assert_string_equal(session_body(poll), WS_SHAKE("/b", "/a", ""));
	session_says(&g, &a, "3");
	poll = session_poll(&g, &a);	/* it has it, and gets it from no other process */
	assert_int_equal(fake_status(poll), 0);
	fake_gone(&g, poll);
	fake_free(poll);
}

/* A COMMIT that never came: the answer waits on, and is stored again with the next turn. */
static void
test_commit_fails(void **state)
{
	struct session_of a = session_open(&f, 4);
	struct fake_conn *poll, *up;

	(void)state;
	session_joins(&f, &a, "/a", "joined");
	poll = session_poll(&f, &a);
	fake_turn(&f);
	hold_commits(true);
	up = session_asks(&f, &a, EMIT_SHAKE("/a", "/a", ",\"n\":1"));
	fake_pass(&f, HUB_BUSY_MS + 200);
	assert_int_equal(fake_status(up), 503);	/* not even this was stored */
	assert_int_equal(fake_status(poll), 0);
	fake_free(up);
	hold_commits(false);
	session_says(&f, &a, EMIT_SHAKE("/a", "/a", ",\"n\":2"));
	fake_turn(&f);
	assert_string_equal(session_body(poll), WS_SHAKE("/a", "/a", ",\"n\":2"));
}

/* What its leave has to store cannot be stored for so long that the turn is given up. */
static void
test_leave_fails(void **state)
{
	struct session_of a = session_open(&f, 4);
	struct fake_conn *poll;

	(void)state;
	session_joins(&f, &a, "/a", "joined");
	session_says(&f, &a, EMIT_SHAKE("/a", "/a", ""));
	hold_commits(true);
	poll = session_poll(&f, &a);	/* opened in the same turn: it fails with it */
	fake_pass(&f, HUB_BUSY_MS + 200);
	assert_int_equal(fake_status(poll), 503);
	fake_free(poll);
	hold_commits(false);
	assert_string_equal(session_hears(&f, &a), WS_SHAKE("/a", "/a", ""));
}

/* The client is gone when its answer may leave: it has not taken it. */
static void
test_gone_before_commit(void **state)
{
	struct session_of a, b;
	struct fake_conn *poll;

	(void)state;
	a = session_open(&f, 4);
	b = session_open(&g, 4);
	session_joins(&f, &a, "/a", "joined");
	session_joins(&g, &b, "/b", "joined");
	poll = session_waits(&f, &a);
	session_says(&g, &b, EMIT_SHAKE("/b", "/a", ""));
	lock();
	fake_pass(&f, 300);
	fake_gone(&f, poll);
	fake_free(poll);
	unlock();
	fake_pass(&f, 50);
	pass_both(100);
	assert_non_null(strstr(session_hears(&g, &a), WS_SHAKE("/b", "/a", "")));
}

/* Two processes serve in turns: everything once, in order. */
static void
test_turns(void **state)
{
	struct fake *const at[] = { &f, &g };
	struct session_of a = session_open(&f, 3);
	char say[256], want[128];
	struct fake_conn *poll;
	int i;

	(void)state;
	session_says(&f, &a, "18:42[\"ss-join\",\"/a\"]");
	for (i = 0; i < 20; i++) {
		poll = i % 3 == 0 ? NULL : session_poll(at[i / 2 % 2], &a);
		snprintf(want, sizeof want, "{\"srcMultiaddr\":\"/a\",\"dstMultiaddr\":\"/a\",\"n\":%d}", 100 + i);
		snprintf(say, sizeof say, "%zu:42[\"ss-handshake\",%s]", strlen(want) + 19, want);
		session_says(at[i % 2], &a, say);
		pass_both(300);		/* without a bell */
		snprintf(say, sizeof say, "%zu:42[\"ws-handshake\",%s]", strlen(want) + 19, want);
		assert_string_equal(poll != NULL ? session_body(poll) : session_hears(at[i / 2 % 2], &a), say);
	}
}

/* ---- polls ---- */

static void
test_two_polls(void **state)
{
	struct fake *const at[] = { &f, &g };
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct session_of a = session_open(&f, 4), b = session_open(&f, 4);
		struct fake_conn *older, *younger;

		session_joins(&f, &a, "/a", "joined");
		older = session_poll(&f, &a);
		younger = session_poll(at[i], &a);
		fake_pass(&f, 300);
		session_refused(older, 3);
		session_refused(younger, 3);
		session_refused(session_poll(at[i], &a), 1);
		session_refused(session_asks(&f, &a, "3"), 1);
		session_joins(&f, &b, "/a", "joined");
		session_says(&f, &b, "41");
	}
}

/* Nothing to say: after hold_ms a ping, in version 3 a noop. */
static void
test_hold(void **state)
{
	struct session_of a = session_open(&f, 4), b = session_open(&f, 3);
	struct fake_conn *of_a = session_poll(&f, &a), *of_b = session_poll(&f, &b);

	(void)state;
	fake_pass(&f, f.conf.hold_ms - 500);
	assert_int_equal(fake_status(of_a), 0);
	fake_pass(&f, 1500);
	assert_string_equal(session_body(of_a), "2");
	assert_string_equal(session_body(of_b), "1:6");
	session_says(&f, &a, "3");
	session_says(&f, &b, "1:2");
	assert_string_equal(session_hears(&f, &b), "1:3");
}

/* Version 4 counts on pings, and on nothing else, however much else it is told. */
static void
test_pings_of_the_busy(void **state)
{
	struct session_of a;
	int64_t last = f.mono;
	int i, pings = 0;

	(void)state;
	f.conf.heartbeat_min_ms = 3000;
	f.conf.heartbeat_max_ms = f.conf.hold_ms = 5000;
	a = session_open(&f, 4);
	session_joins(&f, &a, "/a", "joined");
	for (i = 0; i < 150; i++) {	/* half a minute; each poll is over at once */
		session_says(&f, &a, EMIT_SHAKE("/a", "/a", ""));
		if (strstr(session_hears(&f, &a), BOTH "2") != NULL) {
			pings++;
			last = f.mono;
		}
		row_assert(f.mono - last <= 5000, "no ping for %lld ms", (long long)(f.mono - last));
		fake_pass(&f, 190);
	}
	assert_in_range(pings, 10, 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define T2(name) cmocka_unit_test_setup_teardown(name, setup_two, teardown)
#define TR(name) cmocka_unit_test_setup_teardown(name, setup_rollback, teardown)
		T2(test_answer_after_commit), TR(test_commit_fails), TR(test_leave_fails), T2(test_gone_before_commit),
		T2(test_turns), T2(test_two_polls), T(test_hold), T(test_pings_of_the_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
