/*
 * test-hub-socket-alive - WebSockets on a real store, with a clock that stands still: is somebody there? Pings,
 * clients that read nothing, ids in dispute.
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

/* Unlike an event stream: released clients would not come back. */
static void
test_lasts(void **state)
{
	struct fake_conn *a;

	(void)state;
	fake_stop(&f);
	fake_start(&f);
	strcpy(f.conf.websocket, "on");
	f.conf.heartbeat_min_ms = f.conf.heartbeat_max_ms = f.conf.hold_ms = 1000;
	f.conf.lifetime_ms = 3000;
	fake_run(&f);
	a = socket_peer(&f, "a", "ta");
	socket_passes(&f, a, 8000);
	assert_false(a->done || a->conn.finished);
	socket_sends(&f, a, FIN | WS_PING, STR("x"));
	socket_is_told(a, "pong(x) ");
	socket_free(&f, a);
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
	socket_passes(&f, a, 600);
	assert_int_equal(fake_status(c), 101);
	assert_non_null(strstr(fake_text(c), "ID-TAKEN"));
	assert_true(c->done && c->whole);
	fake_free(c);
	socket_passes(&f, a, HUB_PROVEN_MS);
	c = socket_ask(&f, peer_uri("a", "tc", ""));
	fake_pass(&f, f.conf.grace_ms + 100);		/* now it says nothing */
	assert_int_equal(fake_status(c), 101);
	assert_true(c->hears);
	assert_non_null(strstr(socket_told(a), "close(1000 the id passed on to another page)"));
	socket_free(&f, a);
	socket_free(&f, c);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_pings), T(test_lasts), T(test_reads_nothing), T(test_reads_no_goodbye), T(test_proof),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
