/*
 * test-sio-claim - whose a multiaddr is among sessions of Engine.IO, and what their end leaves behind, over a hub
 * with a clock that stands still.
 */
#include "config.h"

#include "unit.h"

#include "hub-private.h"
#include "session.h"
#include "socket.h"

static struct fake f, g;	/* g: another process */

static int
setup(void **state)
{
	(void)state;
	fake_start(&f);
	strcpy(f.conf.websocket, "on");
	fake_run(&f);
	return 0;
}

static int
setup_two(void **state)
{
	setup(state);
	fake_join(&g, &f);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	if (g.hub.loop != NULL)
		fake_stop(&g);
	fake_stop(&f);
	return 0;
}

static void
pass_both(int64_t ms)
{
	for (; ms > 0; ms -= 10) {
		fake_pass(&f, 10);
		fake_pass(&g, 10);
	}
}

/* ---- whose a multiaddr is ---- */

/* The holder's poll is ended to see whether its client lives, and comes again. */
static void
test_contest_poll_returns(void **state)
{
	struct session_of a = session_open(&f, 4), b = session_open(&f, 4);
	struct fake_conn *poll, *up;

	(void)state;
	session_joins(&f, &a, "/a", "joined");
	poll = session_poll(&f, &a);
	fake_pass(&f, 2000);
	up = session_asks(&f, &b, "421[\"ss-join\",\"/a\"]");
	fake_pass(&f, 100);
	assert_int_equal(fake_status(up), 0);
	assert_string_equal(session_body(poll), "2");
	poll = session_poll(&f, &a);
	fake_pass(&f, 200);
	assert_string_equal(session_body(up), "ok");
	row_assert(strstr(session_hears(&f, &b), "431[{\"result\":\"refused\"") != NULL, "%s", b.sid);
	assert_int_equal(fake_status(poll), 0);
	fake_gone(&f, poll);
	fake_free(poll);
}

/* … and does not. */
static void
test_contest_poll_is_dead(void **state)
{
	struct session_of a = session_open(&f, 4), b = session_open(&f, 4);
	struct fake_conn *poll, *up;

	(void)state;
	session_joins(&f, &a, "/a", "joined");
	poll = session_poll(&f, &a);
	fake_pass(&f, 2000);
	up = session_asks(&f, &b, "421[\"ss-join\",\"/a\"]");
	fake_pass(&f, f.conf.grace_ms - 200);
	assert_int_equal(fake_status(up), 0);
	session_body(poll);
	fake_pass(&f, 400);
	assert_string_equal(session_body(up), "ok");
	row_assert(strstr(session_hears(&f, &b), "431[{\"result\":\"joined\"") != NULL, "%s", b.sid);
	session_refused(session_poll(&f, &a), 1);
}

/* It comes again to another process than the one that has seen its poll end. That it is ended there once more, and
 * no other comes in time, says nothing against it. */
static void
test_contest_poll_moves(void **state)
{
	struct session_of a = session_open(&f, 4), b = session_open(&f, 4);
	struct fake_conn *poll, *up;

	(void)state;
	session_joins(&f, &a, "/a", "joined");
	poll = session_waits(&g, &a);
	pass_both(2000);
	up = session_asks(&f, &b, "421[\"ss-join\",\"/a\"]");
	pass_both(300);
	assert_string_equal(session_body(poll), "2");
	poll = session_poll(&f, &a);
	pass_both(f.conf.grace_ms);
	assert_string_equal(session_body(up), "ok");
	row_assert(strstr(session_hears(&f, &b), "431[{\"result\":\"refused\"") != NULL, "%s", b.sid);
	if (!poll->conn.over)
		fake_gone(&f, poll);
	fake_free(poll);
}

/* A client that is slow to come again, and not dead. */
static void
test_contest_poll_is_slow(void **state)
{
	struct session_of a = session_open(&f, 4), b = session_open(&f, 4);
	struct fake_conn *poll, *up;

	(void)state;
	session_joins(&f, &a, "/a", "joined");
	poll = session_poll(&f, &a);
	fake_pass(&f, 2000);
	up = session_asks(&f, &b, "421[\"ss-join\",\"/a\"]");
	fake_pass(&f, f.conf.grace_ms - 500);
	session_body(poll);
	poll = session_poll(&f, &a);
	fake_pass(&f, 300);
	assert_string_equal(session_body(up), "ok");
	row_assert(strstr(session_hears(&f, &b), "431[{\"result\":\"refused\"") != NULL, "%s", b.sid);
	fake_gone(&f, poll);
	fake_free(poll);
}

/* A WebSocket answers pings. */
static void
test_contest_websocket(void **state)
{
	struct session_of b = session_open(&f, 4);
	struct fake_conn *ws = socket_open(&f, "/socket.io/?EIO=4&transport=websocket"), *up;
	int i;

	(void)state;
	socket_says(&f, ws, "421[\"ss-join\",\"/a\"]");
	fake_pass(&f, 2000);
	socket_told(ws);
	up = session_asks(&f, &b, "421[\"ss-join\",\"/a\"]");
	for (i = 0; i < 50 && !up->conn.over; i++) {
		fake_pass(&f, 10);
		if (strcmp(socket_told(ws), "text(2) ") == 0)
			socket_says(&f, ws, "3");
	}
	assert_string_equal(session_body(up), "ok");
	row_assert(strstr(session_hears(&f, &b), "431[{\"result\":\"refused\"") != NULL, "%s", b.sid);
	socket_free(&f, ws);
}

/* Several multiaddrs of one holder who is gone, or of two, joined in one POST, as a client does after
 * its session was lost. */
static void
test_joins_several(void **state)
{
	struct session_of a = session_open(&f, 4), b = session_open(&f, 4), c = session_open(&f, 4);
	struct fake_conn *up;
	const char *told;

	(void)state;
	session_joins(&f, &a, "/a", "joined");
	session_joins(&f, &a, "/b", "joined");
	session_joins(&f, &b, "/c", "joined");
	up = session_asks(&f, &c, "421[\"ss-join\",\"/a\"]" BOTH "422[\"ss-join\",\"/b\"]" BOTH "423[\"ss-join\",\"/c\"]");
	fake_pass(&f, 2 * f.conf.grace_ms + 500);
	assert_string_equal(session_body(up), "ok");
	told = session_hears(&f, &c);
	row_assert(strstr(told, "431[{\"result\":\"joined\"}]" BOTH "432[{\"result\":\"joined\"}]" BOTH
	    "433[{\"result\":\"joined\"}]") != NULL, "%s", told);
}

/* By a process that has not its stream, and nobody else's that is told who is there. */
static void
test_joins_elsewhere(void **state)
{
	struct session_of a = session_open(&f, 4), b = session_open(&f, 4);
	struct fake_conn *poll;

	(void)state;
	session_joins(&f, &b, "/b", "joined");
	poll = session_waits(&g, &a);
	session_says(&f, &a, "42[\"ss-join\",\"/a\"]");
	pass_both(1000);
	assert_string_equal(session_body(poll), "42[\"ws-peer\",\"/b\"]");
}

/* ---- the end ---- */

/* Close without a disconnect: a poll has failed. What waits is for who joins next, and may at once. */
static void
test_breaks_off(void **state)
{
	struct session_of a = session_open(&f, 4), b = session_open(&f, 4), c = session_open(&f, 4);
	const char *told;

	(void)state;
	session_joins(&f, &a, "/a", "joined");
	session_joins(&f, &b, "/b", "joined");
	session_says(&f, &b, EMIT_SHAKE("/b", "/a", ",\"n\":1"));
	session_says(&f, &a, "1");
	session_refused(session_poll(&f, &a), 1);
	session_refused(session_asks(&f, &a, "3"), 1);
	session_says(&f, &b, "429[\"ss-handshake\"," SHAKE("/b", "/a", ",\"n\":2") "]");
	row_assert(strstr(session_hears(&f, &b), "439[{\"result\":\"queued\"}]") != NULL, "%s", a.sid);
	session_says(&f, &c, "421[\"ss-join\",\"/a\"]");
	told = session_hears(&f, &c);
	row_assert(strstr(told, WS_SHAKE("/b", "/a", ",\"n\":1") BOTH WS_SHAKE("/b", "/a", ",\"n\":2") BOTH
	    "431[{\"result\":\"joined\"}]") != NULL, "%s", told);
}

/* With a disconnect nothing is left of it. */
static void
test_disconnects(void **state)
{
	struct session_of a = session_open(&f, 4), b = session_open(&f, 4);

	(void)state;
	session_joins(&f, &a, "/a", "joined");
	session_joins(&f, &b, "/b", "joined");
	session_says(&f, &b, EMIT_SHAKE("/b", "/a", ",\"n\":1"));
	session_says(&f, &a, "41" BOTH "1");
	session_says(&f, &b, "429[\"ss-handshake\"," SHAKE("/b", "/a", "") "]");
	row_assert(strstr(session_hears(&f, &b), "439[{\"result\":\"returned\"}]") != NULL, "%s", a.sid);
	fake_pass(&f, f.conf.star_expire_ms + 3000);	/* what waited when it went comes back */
	row_assert(strstr(session_hears(&f, &b), WS_SHAKE("/b", "/a", ",\"n\":1,\"err\":\"peer is not available\"")) != NULL,
	    "%s", a.sid);
}

/* An open poll is told of the end: with nothing to say by 400. */
static void
test_end_of_a_poll(void **state)
{
	struct session_of a = session_open(&f, 4), b = session_open(&f, 3);
	struct fake_conn *of_a = session_poll(&f, &a), *of_b = session_poll(&f, &b);

	(void)state;
	session_says(&f, &a, "1");
	session_refused(of_a, 3);
	session_says(&f, &b, "2:41");
	session_refused(of_b, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define T2(name) cmocka_unit_test_setup_teardown(name, setup_two, teardown)
		T(test_contest_poll_returns), T(test_contest_poll_is_dead), T2(test_contest_poll_moves),
		T(test_contest_poll_is_slow), T(test_contest_websocket), T(test_joins_several), T2(test_joins_elsewhere),
		T(test_breaks_off), T(test_disconnects), T(test_end_of_a_poll),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
