/*
 * test-sio-over - sessions of Engine.IO that go over from polls to a WebSocket, over a hub with a clock that
 * stands still; and those that end, or whose client leaves, amid it.
 */
#include "config.h"

#include "unit.h"

#include "frames.h"
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

/* ---- going over ---- */

static void
test_goes_over(void **state)
{
	struct session_of a = session_open(&f, 4);
	struct fake_conn *poll, *ws;

	(void)state;
	session_joins(&f, &a, "/a", "joined");
	poll = session_poll(&f, &a);
	ws = socket_open(&f, session_uri(&a, "websocket"));
	socket_is_told(ws, "");
	socket_says(&f, ws, "2probe");
	socket_is_told(ws, "text(3probe) ");
	assert_int_equal(strncmp(session_body(poll), "6", 1), 0);
	session_says(&f, &a, EMIT_SHAKE("/a", "/a", ",\"n\":1"));
	socket_is_told(ws, "");
	socket_says(&f, ws, "5");
	socket_is_told(ws, "text(" WS_SHAKE("/a", "/a", ",\"n\":1") ") ");
	session_refused(session_poll(&f, &a), 3);
	session_says(&f, &a, EMIT_SHAKE("/a", "/a", ",\"n\":2"));	/* under way when it went over */
	socket_is_told(ws, "text(" WS_SHAKE("/a", "/a", ",\"n\":2") ") ");
	fake_pass(&f, f.conf.request_ms + 5000);
	assert_false(ws->conn.over);
	socket_closes(&f, ws, 1000);
	fake_pass(&f, 100);
	session_refused(session_poll(&f, &a), 1);
	socket_free(&f, ws);
}

/* Two frames in one read: the second is said by the session the first one made it. */
static void
test_upgrade_and_more(void **state)
{
	struct session_of a = session_open(&f, 4);
	struct fake_conn *ws = socket_open(&f, session_uri(&a, "websocket"));
	struct buf two;

	(void)state;
	socket_says(&f, ws, "2probe");
	socket_told(ws);
	buf_init(&two, 256);
	frame_put(&two, FIN | WS_TEXT, STR("5"));
	frame_put(&two, FIN | WS_TEXT, STR("421[\"ss-join\",\"/a\"]"));
	fake_says(&f, ws, buf_str(&two));
	buf_release(&two);
	fake_turn(&f);
	row_assert(strstr(socket_told(ws), "text(431[{\"result\":\"joined\"}]) ") != NULL, "%d", ws->conn.over);
	socket_free(&f, ws);
}

/* Neither noop nor pong is the first to arrive for certain. */
static void
test_noop_overtakes_pong(void **state)
{
	struct session_of a = session_open(&f, 4);
	struct fake_conn *poll = session_poll(&f, &a), *ws = socket_open(&f, session_uri(&a, "websocket"));

	(void)state;
	socket_says(&f, ws, "2probe");
	assert_int_equal(strncmp(session_body(poll), "6", 1), 0);
	fake_pass(&f, 500);
	assert_string_equal(session_hears(&f, &a), "6");
	fake_pass(&f, 600);
	poll = session_poll(&f, &a);	/* the client tries no more */
	assert_int_equal(fake_status(poll), 0);
	fake_gone(&f, poll);
	fake_free(poll);
	socket_free(&f, ws);
}

/* A WebSocket that never goes over is not kept, and the session polls on. */
static void
test_never_goes_over(void **state)
{
	struct session_of a = session_open(&f, 4);
	struct fake_conn *ws = socket_open(&f, session_uri(&a, "websocket"));

	(void)state;
	socket_says(&f, ws, "2probe");
	socket_told(ws);
	fake_pass(&f, f.conf.request_ms - 1000);
	socket_is_told(ws, "");
	fake_pass(&f, 4000);
	assert_true(ws->conn.over);
	socket_free(&f, ws);
	session_says(&f, &a, "421[\"ss-join\",null]");
	row_assert(strstr(session_hears(&f, &a), "431[{\"result\":\"ignored\"") != NULL, "%s", a.sid);
}

/* To a WebSocket of another process, while this one still has the poll. */
static void
test_goes_over_elsewhere(void **state)
{
	struct session_of a = session_open(&f, 4);
	struct fake_conn *poll, *ws;

	(void)state;
	session_joins(&f, &a, "/a", "joined");
	poll = session_poll(&f, &a);
	ws = socket_open(&g, session_uri(&a, "websocket"));
	socket_says(&g, ws, "2probe");
	socket_is_told(ws, "text(3probe) ");
	pass_both(300);
	assert_int_equal(strncmp(session_body(poll), "6", 1), 0);
	socket_says(&g, ws, "5");
	session_says(&f, &a, EMIT_SHAKE("/a", "/a", ""));
	pass_both(300);
	socket_is_told(ws, "text(" WS_SHAKE("/a", "/a", "") ") ");
	session_refused(session_poll(&f, &a), 3);
	socket_free(&g, ws);
}

/* ---- the session ends meanwhile ---- */

static void
test_ended_before_probe(void **state)
{
	struct session_of a = session_open(&f, 4);
	struct fake_conn *ws = socket_open(&f, session_uri(&a, "websocket"));

	(void)state;
	session_says(&f, &a, "1");
	socket_says(&f, ws, "2probe");
	socket_is_told(ws, "close(1008 the session has ended) ");
	socket_free(&f, ws);
}

static void
test_ended_before_close(void **state)
{
	struct session_of a = session_open(&f, 4);
	struct fake_conn *ws = socket_open(&f, session_uri(&a, "websocket"));

	(void)state;
	session_says(&f, &a, "1");
	socket_closes(&f, ws, 1000);
	assert_true(ws->done);
	socket_free(&f, ws);
}

/* ---- the client leaves amid it ---- */

/* A session that holds /a says that it goes over, and then this, in one read; that is the end of the WebSocket. */
static struct session_of
over_and_gone(const char *last, size_t n)
{
	struct session_of a = session_open(&f, 4);
	struct fake_conn *ws = socket_open(&f, session_uri(&a, "websocket"));
	struct buf two;

	session_joins(&f, &a, "/a", "joined");
	socket_says(&f, ws, "2probe");
	socket_told(ws);
	buf_init(&two, 256);
	frame_put(&two, FIN | WS_TEXT, STR("5"));
	buf_add(&two, last, n);
	fake_says(&f, ws, buf_str(&two));
	buf_release(&two);
	fake_pass(&f, 100);
	assert_true(ws->done);
	socket_free(&f, ws);
	return a;
}

/* A connection that broke: the session is away, and over in a while. */
static void
test_over_and_broken(void **state)
{
	struct session_of a = over_and_gone("\xff\xff", 2), b;

	(void)state;
	session_says(&f, &a, EMIT_SHAKE("/a", "/a", ""));
	fake_pass(&f, f.conf.away_ms + 3000);
	session_refused(session_poll(&f, &a), 1);
	b = session_open(&f, 4);
	session_joins(&f, &b, "/a", "joined");
}

/* A close frame ends it at once. */
static void
test_over_and_closed(void **state)
{
	struct session_of a, b;
	struct buf close;

	(void)state;
	buf_init(&close, 64);
	frame_put_close(&close, 1000, STR_NONE);
	a = over_and_gone(close.p, close.n);
	buf_release(&close);
	session_refused(session_poll(&f, &a), 1);
	b = session_open(&f, 4);
	session_joins(&f, &b, "/a", "joined");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define T2(name) cmocka_unit_test_setup_teardown(name, setup_two, teardown)
		T(test_goes_over), T(test_upgrade_and_more), T(test_noop_overtakes_pong), T(test_never_goes_over),
		T2(test_goes_over_elsewhere),
		T(test_ended_before_probe), T(test_ended_before_close), T(test_over_and_broken),
		T(test_over_and_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
