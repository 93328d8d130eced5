/*
 * test-hub-socket - what is said on WebSockets, on a real store and with a clock that stands still: messages and
 * their order, a store that is busy, and what becomes of them when their WebSocket is gone. Ends: test-hub-socket-end.
 */
#include "config.h"

#include "unit.h"

#include <sqlite3.h>
#include <stdio.h>

#include "frames.h"
#include "hub-private.h"
#include "peer.h"
#include "socket.h"
#include "store-sqlite.h"

static struct fake f;
static struct store *other;	/* of another process */
static sqlite3 *reader;

static int
start(const char *journal)
{
	fake_start(&f);
	strcpy(f.conf.websocket, "on");
	strcpy(f.conf.journal, journal);
	f.conf.heartbeat_min_ms = 1000;
	f.conf.heartbeat_max_ms = 1000;
	f.conf.grace_ms = 1500;
	f.conf.hold_ms = 1000;		/* which makes the wheel turn fast enough */
	fake_run(&f);
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	return start("auto");
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
	fake_stop(&f);
	return 0;
}

#define OFFER(dst, n) "{\"type\":\"OFFER\",\"dst\":\"" dst "\",\"payload\":" n "}"
#define GETS(src, dst, n) "text({\"type\":\"OFFER\",\"src\":\"" src "\",\"dst\":\"" dst "\",\"payload\":" n "}) "

/* ---- the store is another's for a while ---- */

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
	other = NULL;
}

/* ---- what is said ---- */

static void
test_conversation(void **state)
{
	struct fake_conn *a = socket_peer(&f, "a", "ta"), *b = socket_peer(&f, "b", "tb");
	struct fake_conn *c = peer_stream(&f, "c", "tc");

	(void)state;
	socket_says(&f, a, OFFER("b", "1"));
	socket_is_told(a, "");
	socket_is_told(b, GETS("a", "b", "1"));
	socket_sends(&f, b, FIN | WS_BINARY, STR(OFFER("a", "2")));
	socket_is_told(a, GETS("b", "a", "2"));
	socket_says(&f, a, OFFER("c", "3"));
	peer_hears(c, 1, "{\"type\":\"OFFER\",\"src\":\"a\",\"dst\":\"c\",\"payload\":3}");
	peer_told(&f, "c", "tc", OFFER("a", "4"), 200, "present");
	socket_is_told(a, GETS("c", "a", "4"));
	socket_says(&f, a, "nonsense");
	socket_says(&f, a, "");
	socket_says(&f, a, OFFER("a", "5"));
	socket_sends(&f, a, FIN | WS_PING, STR("still?"));
	socket_is_told(a, "pong(still?) ");
	socket_free(&f, a);
	socket_free(&f, b);
	peer_gone(&f, c);
}

/* A frame in two pieces, two messages in one. */
static void
test_pieces(void **state)
{
	struct fake_conn *a = socket_peer(&f, "a", "ta"), *b = socket_peer(&f, "b", "tb");
	struct buf in;

	(void)state;
	buf_init(&in, 1000);
	frame_put(&in, FIN | WS_TEXT, STR(OFFER("b", "1")));
	frame_put(&in, FIN | WS_TEXT, STR(OFFER("b", "2")));
	fake_says(&f, a, str_make(in.p, 7));
	socket_is_told(b, "");
	fake_says(&f, a, str_make(in.p + 7, in.n - 7));
	socket_is_told(b, GETS("a", "b", "1") GETS("a", "b", "2"));
	buf_release(&in);
	socket_free(&f, a);
	socket_free(&f, b);
}

/* While one message is parked nothing is read, and those behind it wait. */
static void
test_parked_in_order(void **state)
{
	struct fake_conn *a = socket_peer(&f, "a", "ta"), *b = socket_peer(&f, "b", "tb");
	struct buf in;

	(void)state;
	buf_init(&in, 1000);
	frame_put(&in, FIN | WS_TEXT, STR(OFFER("b", "1")));
	frame_put(&in, FIN | WS_TEXT, STR("{\"type\":\"HEARTBEAT\"}"));
	frame_put(&in, FIN | WS_TEXT, STR(OFFER("b", "2")));
	frame_put(&in, FIN | WS_TEXT, STR(OFFER("b", "3")));
	lock();
	fake_says(&f, a, buf_str(&in));
	assert_false(a->hears);
	fake_pass(&f, 500);
	socket_is_told(b, "");
	unlock();
	fake_pass(&f, 50);
	socket_is_told(b, GETS("a", "b", "1") GETS("a", "b", "2") GETS("a", "b", "3"));
	assert_true(a->hears);
	socket_says(&f, a, OFFER("b", "4"));
	socket_is_told(b, GETS("a", "b", "4"));
	buf_release(&in);
	socket_free(&f, a);
	socket_free(&f, b);
}

/* Who is not listened to is not taken for silent. */
static void
test_parked_is_not_silent(void **state)
{
	struct fake_conn *a;

	(void)state;
	fake_stop(&f);
	fake_start(&f);
	strcpy(f.conf.websocket, "on");
	f.conf.heartbeat_min_ms = f.conf.heartbeat_max_ms = f.conf.hold_ms = 500;
	fake_run(&f);
	a = socket_peer(&f, "a", "ta");
	lock();
	socket_says(&f, a, OFFER("b", "1"));
	fake_pass(&f, HUB_BUSY_MS - 100);
	assert_false(a->done);
	unlock();
	fake_pass(&f, 50);
	assert_true(a->hears);
	socket_free(&f, a);
}

/* A message that could not be stored must not look as if it had been. */
static void
test_busy_for_too_long(void **state)
{
	struct fake_conn *a = socket_peer(&f, "a", "ta");

	(void)state;
	lock();
	socket_says(&f, a, OFFER("b", "1"));
	fake_pass(&f, HUB_BUSY_MS + 300);
	unlock();
	assert_non_null(strstr(socket_told(a), "close(1013 "));
	assert_true(a->conn.finished || a->hears);
	fake_pass(&f, 1500);
	assert_true(a->done);
	fake_free(a);
}

static void
test_lost_turn(void **state)
{
	struct fake_conn *a = socket_peer(&f, "a", "ta"), *b = socket_peer(&f, "b", "tb");

	(void)state;
	assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM box", NULL, NULL, NULL), SQLITE_OK);
	socket_says(&f, a, OFFER("b", "1"));
	fake_pass(&f, HUB_BUSY_MS + 100);
	assert_int_equal(sqlite3_exec(reader, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	fake_pass(&f, 50);
	assert_non_null(strstr(socket_told(a), "close(1013 "));
	assert_null(strstr(socket_told(b), "OFFER"));
	socket_free(&f, a);
	socket_free(&f, b);
}

/* What opened in a turn that is lost is told so, and was no WebSocket. */
static void
test_lost_opening(void **state)
{
	struct fake_conn *c;

	(void)state;
	assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM box", NULL, NULL, NULL), SQLITE_OK);
	c = socket_ask(&f, peer_uri("a", "ta", ""));
	fake_pass(&f, HUB_BUSY_MS + 100);
	assert_int_equal(sqlite3_exec(reader, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	fake_pass(&f, 50);
	assert_int_equal(fake_status(c), 503);
	assert_false(c->hears);
	assert_true(c->done);
	fake_free(c);
	socket_free(&f, socket_peer(&f, "a", "another"));
}

/* ---- the WebSocket, or the hub, is gone before ---- */

/* The connection breaks while messages wait: they were said, and are done. */
static void
test_gone_with_messages(void **state)
{
	struct fake_conn *a = socket_peer(&f, "a", "ta"), *b = socket_peer(&f, "b", "tb");
	struct buf in;

	(void)state;
	buf_init(&in, 1000);
	frame_put(&in, FIN | WS_TEXT, STR(OFFER("b", "1")));
	frame_put(&in, FIN | WS_TEXT, STR(OFFER("b", "2")));
	frame_put(&in, FIN | WS_TEXT, STR(OFFER("b", "3")));
	frame_put_close(&in, 1000, STR_NONE);
	lock();
	fake_says(&f, a, buf_str(&in));
	buf_release(&in);
	socket_is_told(a, "close(1000) ");
	assert_true(a->done);
	fake_free(a);
	fake_pass(&f, 500);
	socket_is_told(b, "");
	unlock();
	fake_pass(&f, 50);
	socket_is_told(b, GETS("a", "b", "1") GETS("a", "b", "2") GETS("a", "b", "3"));
	socket_free(&f, socket_peer(&f, "a", "another"));
	socket_free(&f, b);
}

/* The hub ends while they wait. */
static void
test_end_with_messages(void **state)
{
	struct fake_conn *a = socket_peer(&f, "a", "ta"), *b = socket_peer(&f, "b", "tb");
	struct buf in;

	(void)state;
	buf_init(&in, 1000);
	frame_put(&in, FIN | WS_TEXT, STR(OFFER("b", "1")));
	frame_put(&in, FIN | WS_TEXT, STR(OFFER("b", "2")));
	lock();
	fake_says(&f, a, buf_str(&in));
	fake_says(&f, b, buf_str(&in));
	buf_release(&in);
	fake_gone(&f, a);
	fake_free(a);
	hub_release(&f.hub);
	assert_true(b->done);
	fake_free(b);
	unlock();
	loop_release(&f.loop);
	fake_run(&f);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define R(fn) cmocka_unit_test_setup_teardown(fn, setup_rollback, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_conversation), T(test_pieces), T(test_parked_in_order), T(test_parked_is_not_silent),
		T(test_busy_for_too_long), R(test_lost_turn), R(test_lost_opening),
		T(test_gone_with_messages), T(test_end_with_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
