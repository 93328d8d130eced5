/*
 * test-hub-socket-end - WebSockets on a real store, with a clock that stands still: close frames, twins of clients
 * up to 0.3, sources of sigver. What is said on them: test-hub-socket. Who is there: test-hub-socket-alive.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "frames.h"
#include "hub-private.h"
#include "peer.h"
#include "socket.h"

static struct fake f;

static int
setup(void **state)
{
	(void)state;
	fake_start(&f);
	strcpy(f.conf.websocket, "on");
	f.conf.heartbeat_min_ms = 1000;
	f.conf.heartbeat_max_ms = 1000;
	f.conf.grace_ms = 1500;
	f.conf.hold_ms = 1000;		/* which makes the wheel turn fast enough */
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

#define OFFER(dst, n) "{\"type\":\"OFFER\",\"dst\":\"" dst "\",\"payload\":" n "}"
#define GETS(src, dst, n) "text({\"type\":\"OFFER\",\"src\":\"" src "\",\"dst\":\"" dst "\",\"payload\":" n "}) "

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

/* Whatever its reason says, a close frame is a goodbye, and is stored. */
static void
test_close_says_heartbeat(void **state)
{
	struct fake_conn *a = socket_peer(&f, "a", "ta");
	struct buf in;

	(void)state;
	buf_init(&in, 1000);
	frame_put_close(&in, 1000, STR("{\"type\":\"HEARTBEAT\"}"));
	fake_says(&f, a, buf_str(&in));
	buf_release(&in);
	assert_true(a->done && a->whole);
	fake_free(a);
	socket_free(&f, socket_peer(&f, "a", "another"));	/* at once */
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

/* The same where another process has the id now, before we are told: a goodbye does not end what is not ours. */
static void
test_superseded_elsewhere(void **state)
{
	struct fake_conn *a = socket_peer(&f, "a", "ta"), *again;
	struct fake g;

	(void)state;
	fake_join(&g, &f);
	again = socket_peer(&g, "a", "ta");
	socket_closes(&f, a, 1000);
	assert_true(a->done);
	fake_free(a);
	fake_pass(&g, 300);
	assert_false(again->done);
	a = socket_peer(&g, "b", "tb");
	socket_says(&g, a, OFFER("a", "1"));
	assert_non_null(strstr(socket_told(again), GETS("b", "a", "1")));
	socket_free(&g, again);
	socket_free(&g, a);
	fake_stop(&g);
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

/* ---- clients up to 0.3 ---- */

static struct fake_conn *
old_stream(const char *id)
{
	char uri[128];

	snprintf(uri, sizeof uri, "/peerjs/%s/t/id?i=0", id);
	return fake_post(&f, uri, "");
}

/* They begin on an HTTP stream and a WebSocket at once: one OPEN, and the WebSocket stays. */
static void
test_old_twins(void **state)
{
	struct fake_conn *xhr = old_stream("a"), *ws = socket_open(&f, peer_uri("a", "t", ""));
	struct fake_conn *b = socket_peer(&f, "b", "tb");

	(void)state;
	assert_non_null(strstr(fake_text(xhr), "0\n" OPEN_TEXT "\n"));
	assert_true(xhr->done && xhr->whole);
	socket_is_told(ws, "");
	socket_says(&f, b, OFFER("a", "1"));
	socket_is_told(ws, GETS("b", "a", "1"));
	fake_free(xhr);
	socket_free(&f, ws);

	ws = socket_peer(&f, "c", "t");
	xhr = old_stream("c");
	assert_int_equal(fake_status(xhr), 200);
	assert_true(xhr->done && xhr->whole);
	assert_null(strstr(fake_text(xhr), "OPEN"));
	fake_free(xhr);
	socket_says(&f, b, OFFER("c", "1"));
	socket_is_told(ws, GETS("b", "c", "1"));
	socket_free(&f, ws);
	socket_free(&f, b);
}

/* Later it is a client that begins again, and has heard nothing yet. */
static void
test_old_begins_again(void **state)
{
	struct fake_conn *ws = socket_peer(&f, "a", "t"), *xhr, *again;

	(void)state;
	socket_passes(&f, ws, 6000);
	xhr = old_stream("a");
	assert_non_null(strstr(fake_text(xhr), "0\n" OPEN_TEXT "\n"));
	again = socket_open(&f, peer_uri("a", "t", ""));
	socket_is_told(again, "");
	socket_free(&f, ws);
	peer_gone(&f, xhr);
	socket_passes(&f, again, 6000);
	ws = socket_peer(&f, "a", "t");
	socket_free(&f, again);
	socket_free(&f, ws);
}

/* ---- sigver ---- */

/* What waits for a verdict keeps what was said after it. */
static void
test_verdict_in_order(void **state)
{
	struct fake_conn *holder = socket_open(&f, "/sigver"), *a = socket_open(&f, "/sigver");
	struct buf in;

	(void)state;
	socket_says(&f, holder, "{\"open\":\"k\"}");
	buf_init(&in, 1000);
	frame_put(&in, FIN | WS_TEXT, STR("{\"open\":\"k\"}"));
	frame_put(&in, FIN | WS_TEXT, STR("{\"join\":\"k\"}"));	/* itself, by then */
	frame_put(&in, FIN | WS_TEXT, STR("{\"data\":1}"));
	fake_says(&f, a, buf_str(&in));
	buf_release(&in);
	assert_false(a->hears);
	fake_pass(&f, 500);
	socket_is_told(a, "");
	fake_pass(&f, f.conf.grace_ms);
	assert_true(a->hears);
	assert_non_null(strstr(socket_told(a),
	    "text({\"isKeyOk\":true}) text({\"isKeyOk\":true}) text({\"id\":1,\"data\":1}) "));
	socket_free(&f, holder);
	socket_free(&f, a);
}

/* What waits is in memory, and there is a limit to that, however small it is. */
static void
test_too_much_behind(void **state)
{
	struct fake_conn *holder = socket_open(&f, "/sigver"), *a = socket_open(&f, "/sigver");
	struct buf in;
	int i;

	(void)state;
	socket_says(&f, holder, "{\"open\":\"k\"}");
	socket_told(holder);
	buf_init(&in, 100000);
	frame_put(&in, FIN | WS_TEXT, STR("{\"open\":\"k\"}"));
	for (i = 0; i < 2000; i++)
		frame_put(&in, FIN | WS_TEXT, STR("1"));
	fake_says(&f, a, buf_str(&in));
	socket_is_told(a, "close(1013 too much at once) ");
	assert_true(a->done);
	socket_free(&f, a);

	a = socket_peer(&f, "a", "ta");		/* what need not wait does not count */
	buf_clear(&in);
	for (i = 0; i < 2000; i++)
		frame_put(&in, FIN | WS_TEXT, STR("{}"));
	fake_says(&f, a, buf_str(&in));
	buf_release(&in);
	assert_false(a->done);
	socket_free(&f, a);
	socket_free(&f, holder);
}

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_message_then_close), T(test_back_again), T(test_close_leaves_what_waits),
		T(test_close_says_heartbeat), T(test_leave),
		T(test_close_unanswered), T(test_superseded), T(test_superseded_elsewhere), T(test_drain),
		T(test_old_twins), T(test_old_begins_again),
		T(test_verdict_in_order), T(test_too_much_behind), T(test_broken_rule), T(test_too_long),
		 T(test_source_ends),
		T(test_source_errs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
