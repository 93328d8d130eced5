/*
 * test-hub-socket - WebSockets on a real store, with a clock that stands still: messages and their order,
 * pings, close frames, and what becomes of what was said when its WebSocket is gone.
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
	f.conf.heartbeat_min_ms = f.conf.heartbeat_max_ms = f.conf.hold_ms = 100;
	fake_run(&f);
	a = socket_peer(&f, "a", "ta");
	lock();
	socket_says(&f, a, OFFER("b", "1"));
	fake_pass(&f, HUB_BUSY_MS - 500);
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

/* ---- ends ---- */

static void
test_message_then_close(void **state)
{
	struct fake_conn *a = socket_peer(&f, "a", "ta"), *b = socket_peer(&f, "b", "tb");
	struct buf in;

	(void)state;
	buf_init(&in, 1000);
	frame_put(&in, FIN | WS_TEXT, STR(OFFER("b", "1")));
	frame_put_close(&in, 1001, STR_NONE);
	frame_put(&in, FIN | WS_TEXT, STR(OFFER("b", "after")));
	fake_says(&f, a, buf_str(&in));
	buf_release(&in);
	socket_is_told(b, GETS("a", "b", "1"));
	socket_is_told(a, "close(1001) ");
	assert_true(a->done && a->whole);
	fake_free(a);
	socket_free(&f, socket_peer(&f, "a", "another"));	/* at once */
	socket_free(&f, b);
}

/* A connection that broke: what waits goes to who comes back, what was written does not come again. */
static void
test_back_again(void **state)
{
	struct fake_conn *a = socket_peer(&f, "a", "ta"), *b = socket_peer(&f, "b", "tb");

	(void)state;
	socket_says(&f, b, OFFER("a", "1"));
	socket_is_told(a, GETS("b", "a", "1"));
	fake_gone(&f, a);
	fake_free(a);
	socket_says(&f, b, OFFER("a", "2"));
	a = socket_open(&f, peer_uri("a", "ta", ""));
	socket_is_told(a, "text(" OPEN_TEXT ") " GETS("b", "a", "2"));
	socket_free(&f, a);
	socket_free(&f, b);
}

/* Closed before all was read: the rest is for whoever has the id next. */
static void
test_close_leaves_what_waits(void **state)
{
	struct fake_conn *a = socket_peer(&f, "a", "ta"), *b = socket_peer(&f, "b", "tb");

	(void)state;
	fake_room(&f, a, 0);
	peer_told(&f, "b", "tb", OFFER("a", "1"), 200, "present");	/* is in the buffer, taken */
	peer_told(&f, "b", "tb", OFFER("a", "2"), 200, "present");	/* is not */
	socket_closes(&f, a, 1000);
	fake_room(&f, a, SIZE_MAX);
	assert_true(a->done);
	fake_free(a);
	a = socket_open(&f, peer_uri("a", "another", ""));
	socket_is_told(a, "text(" OPEN_TEXT ") " GETS("b", "a", "2"));
	socket_free(&f, a);
	socket_free(&f, b);
}

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

static void
test_leave(void **state)
{
	struct fake_conn *a = socket_peer(&f, "a", "ta"), *b = socket_peer(&f, "b", "tb");

	(void)state;
	socket_says(&f, a, "{\"type\":\"LEAVE\"}");
	socket_is_told(a, "close(1000 left) ");
	assert_false(a->done);				/* it may answer */
	socket_says(&f, a, OFFER("b", "too late"));
	socket_is_told(b, "");
	socket_closes(&f, a, 1000);
	socket_is_told(a, "");				/* no second one */
	assert_true(a->done && a->whole);
	fake_free(a);
	socket_free(&f, b);
}

static void
test_close_unanswered(void **state)
{
	struct fake_conn *a = socket_peer(&f, "a", "ta");

	(void)state;
	socket_says(&f, a, "{\"type\":\"LEAVE\"}");
	fake_pass(&f, 500);
	assert_false(a->done);
	fake_pass(&f, 1000);
	assert_true(a->done && a->whole);
	fake_free(a);
}

static void
test_superseded(void **state)
{
	struct fake_conn *a = socket_peer(&f, "a", "ta"), *b = socket_peer(&f, "b", "tb"), *again;

	(void)state;
	again = socket_peer(&f, "a", "ta");
	socket_is_told(a, "close(1000 another stream receives for this mailbox now) ");
	socket_closes(&f, a, 1000);			/* does not take the id along */
	assert_true(a->done);
	fake_free(a);
	socket_says(&f, b, OFFER("a", "1"));
	socket_is_told(again, GETS("b", "a", "1"));
	socket_free(&f, again);
	socket_free(&f, b);
}

static void
test_drain(void **state)
{
	struct fake_conn *a = socket_peer(&f, "a", "ta");

	(void)state;
	hub_drain(&f.hub);
	fake_turn(&f);
	socket_is_told(a, "close(1012 come again) ");
	socket_closes(&f, a, 1012);
	assert_true(a->done);
	fake_free(a);
}

static void
test_broken_rule(void **state)
{
	struct fake_conn *a = socket_peer(&f, "a", "ta"), *b = socket_peer(&f, "b", "tb");
	struct buf in;

	(void)state;
	buf_init(&in, 1000);
	frame_put(&in, FIN | WS_TEXT, STR(OFFER("b", "1")));
	buf_adds(&in, STR("\xff\xff\xff\xff"));
	fake_says(&f, a, buf_str(&in));
	buf_release(&in);
	socket_is_told(b, GETS("a", "b", "1"));
	socket_is_told(a, "close(1002) ");
	assert_true(a->done);
	fake_free(a);
	socket_free(&f, b);
}

static void
test_too_long(void **state)
{
	struct fake_conn *a;
	char text[3000];

	(void)state;
	fake_stop(&f);
	fake_start(&f);
	strcpy(f.conf.websocket, "on");
	f.conf.max_body_bytes = 2000;
	fake_run(&f);
	a = socket_peer(&f, "a", "ta");
	memset(text, ' ', sizeof text);
	socket_sends(&f, a, FIN | WS_TEXT, str_make(text, 2000));
	socket_is_told(a, "");
	socket_sends(&f, a, FIN | WS_TEXT, str_make(text, 2001));
	socket_is_told(a, "close(1009) ");
	socket_free(&f, a);
}

/* ---- who is there? ---- */

static void
test_pings(void **state)
{
	struct fake_conn *a = socket_peer(&f, "a", "ta"), *b = socket_peer(&f, "b", "tb");
	int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		fake_pass(&f, 1100);
		if (!a->done)
			assert_true(i < 3);
		assert_string_equal(socket_told(b), "ping() ");
		socket_sends(&f, b, FIN | WS_PONG, STR_NONE);
	}
	assert_true(a->done && !a->whole);
	socket_is_told(a, "ping() ping() ");
	assert_false(b->done);
	fake_free(a);
	socket_free(&f, b);
}

/* Who reads nothing is not read from, and is cut in the end. */
static void
test_reads_nothing(void **state)
{
	struct fake_conn *a = socket_peer(&f, "a", "ta"), *b = socket_peer(&f, "b", "tb");

	(void)state;
	fake_room(&f, a, 0);
	socket_sends(&f, a, FIN | WS_PING, STR("x"));
	assert_false(a->hears);
	fake_room(&f, a, 2);
	assert_false(a->hears);
	fake_room(&f, a, SIZE_MAX);
	assert_true(a->hears);
	socket_is_told(a, "pong(x) ");
	fake_room(&f, a, 0);
	socket_sends(&f, a, FIN | WS_PING, STR("x"));
	for (; !a->done && f.mono < 5000000 + 2 * f.conf.slow_ms; fake_pass(&f, 500))
		socket_sends(&f, b, FIN | WS_PONG, STR_NONE);
	assert_true(a->done && !a->whole);
	fake_free(a);
	socket_free(&f, b);
}

/* The same for a close frame that finds no room. */
static void
test_reads_no_goodbye(void **state)
{
	struct fake_conn *a = socket_peer(&f, "a", "ta");

	(void)state;
	fake_room(&f, a, 0);
	peer_told(&f, "a", "ta", "{\"type\":\"LEAVE\"}", 200, "left");
	assert_false(a->done);
	fake_pass(&f, 1500);
	assert_true(a->done && !a->whole);
	fake_free(a);
}

/* Time passes, and every ping is answered at once. */
static void
pass_answering(struct fake_conn *c, int64_t ms)
{
	for (; ms > 0; ms -= 10) {
		fake_pass(&f, 10);
		if (!c->done && strstr(socket_told(c), "ping()") != NULL)
			socket_sends(&f, c, FIN | WS_PONG, STR_NONE);
	}
}

/* An id in dispute: a WebSocket is proven by an answer; what came just before the question is none. */
static void
test_proof(void **state)
{
	struct fake_conn *a = socket_peer(&f, "a", "ta"), *c;

	(void)state;
	socket_says(&f, a, "{\"type\":\"HEARTBEAT\"}");
	c = socket_ask(&f, peer_uri("a", "tc", ""));
	fake_pass(&f, 2 * HUB_PROOF_GAP_MS + 100);
	assert_int_equal(fake_status(c), 0);
	assert_non_null(strstr(socket_told(a), "ping() ping() "));
	pass_answering(a, 600);
	assert_int_equal(fake_status(c), 101);
	assert_non_null(strstr(fake_text(c), "ID-TAKEN"));
	assert_true(c->done && c->whole);
	fake_free(c);
	pass_answering(a, HUB_PROVEN_MS);
	c = socket_ask(&f, peer_uri("a", "tc", ""));
	fake_pass(&f, f.conf.grace_ms + 100);		/* now it says nothing */
	assert_int_equal(fake_status(c), 101);
	assert_true(c->hears);
	assert_non_null(strstr(socket_told(a), "close(1000 the id passed on to another page)"));
	socket_free(&f, a);
	socket_free(&f, c);
}

/* ---- sigver ---- */

/* Nobody can come back to a source on a WebSocket: whatever ends it, its key is free. */
static void
test_source_ends(void **state)
{
	struct fake_conn *a, *b;
	int how;

	(void)state;
	for (how = 0; how < 3; how++) {
		a = socket_open(&f, "/sigver");
		b = socket_open(&f, "/sigver");
		socket_says(&f, a, "{\"open\":\"k\"}");
		socket_is_told(a, "text({\"isKeyOk\":true}) ");
		socket_says(&f, b, "{\"join\":\"k\"}");
		socket_is_told(b, "text({\"isKeyOk\":true}) ");
		if (how == 0)
			fake_gone(&f, a);
		else if (how == 1)
			socket_closes(&f, a, 1001);
		else
			socket_sends(&f, a, FIN | 3, STR_NONE);
		fake_turn(&f);
		socket_says(&f, b, "{\"data\":1}");
		assert_non_null(strstr(socket_told(b), "close(4020 OPENER_GONE: "));
		socket_free(&f, b);
		socket_free(&f, a);
		fake_turn(&f);
	}
}

static void
test_source_errs(void **state)
{
	struct fake_conn *a = socket_open(&f, "/");

	(void)state;
	socket_is_told(a, "");				/* it is told no token */
	socket_says(&f, a, "{\"join\":\"nobody\"}");
	assert_string_equal(socket_told(a),
	    "text({\"isKeyOk\":false}) close(4011 KEY_FOR_JOIN_UNKNOWN: Unknown key) ");
	socket_closes(&f, a, 4011);
	assert_true(a->done);
	fake_free(a);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define R(fn) cmocka_unit_test_setup_teardown(fn, setup_rollback, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_conversation), T(test_pieces), T(test_parked_in_order), T(test_parked_is_not_silent),
		T(test_busy_for_too_long), R(test_lost_turn), R(test_lost_opening),
		T(test_message_then_close), T(test_back_again), T(test_close_leaves_what_waits), T(test_gone_with_messages),
		T(test_end_with_messages), T(test_leave), T(test_close_unanswered), T(test_superseded), T(test_drain),
		T(test_broken_rule), T(test_too_long), T(test_pings), T(test_reads_nothing), T(test_reads_no_goodbye),
		T(test_proof), T(test_source_ends), T(test_source_errs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
