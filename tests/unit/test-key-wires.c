/* test-key-wires - a key that is turned off, as each wire tells those who are there. */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "peer.h"
#include "session.h"
#include "socket.h"

#define SOON	1000

static struct fake f;
static struct store *admin;	/* another process */

static int
setup(void **state)
{
	struct store_conf sc = { .wal = true, .max_pending = 100, .max_pending_bytes = 100000, .away_ms = 30000 };
	const char *why;

	(void)state;
	fake_start(&f);
	strcpy(f.conf.websocket, "on");
	f.conf.star_tick_ms = 2000;
	fake_run(&f);
	sc.path = f.conf.db;
	assert_int_equal(store_sqlite_open(&sc, &admin, &why), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	store_close(admin);
	fake_stop(&f);
	return 0;
}

static void
turn(const char *name, bool on, bool discovery)
{
	struct realm_key k;

	assert_int_equal(store_begin(admin, f.real), 0);
	assert_int_equal(store_key_get(admin, str_from(name), &k), 0);
	k.enabled = on;
	k.discovery = discovery;
	assert_int_equal(store_key_put(admin, &k), 0);
	assert_int_equal(store_commit(admin), 0);
}

#define ERROR_OFF	"{\"type\":\"ERROR\",\"payload\":{\"msg\":\"This key is turned off\"}}"
#define STAR_OFF	"{\"reason\":\"webrtc-star is turned off on this server\"}"
#define SS_ERROR	"42[\"ss-error\"," STAR_OFF "]"

static void
has(const char *text, const char *part)
{
	row_assert(strstr(text, part) != NULL, "no %s in %s", part, text);
}

static void
test_websocket_of_peerjs(void **state)
{
	struct fake_conn *c = socket_peer(&f, "a", "t");

	(void)state;
	turn("peerjs", false, false);
	fake_pass(&f, SOON);
	has(socket_told(c), ERROR_OFF);
	socket_free(&f, c);
	c = socket_ask(&f, "/peerjs?key=peerjs&id=b&token=t");
	fake_turn(&f);
	has(fake_text(c), ERROR_OFF);
	fake_free(c);
}

static void
test_websocket_of_sigver(void **state)
{
	struct fake_conn *c = socket_open(&f, "/sigver");

	(void)state;
	turn(KEY_SIGVER, false, false);
	fake_pass(&f, SOON);
	has(socket_told(c), "4403 sigver is turned off on this server");
	socket_free(&f, c);
}

static void
test_old_stream(void **state)
{
	struct fake_conn *c = fake_request(&f, "POST", "/peerjs/a/t/id?i=0", NULL, NULL);

	(void)state;
	fake_pass(&f, 200);
	has(fake_text(c), OPEN_TEXT);
	turn("peerjs", false, false);
	fake_pass(&f, SOON);
	has(fake_text(c), ERROR_OFF);
	assert_true(c->done);
	fake_free(c);
}

static void
test_poll_of_peerjs(void **state)
{
	struct fake_conn *c = peer_stream(&f, "a", "t");

	(void)state;
	peer_gone(&f, c);
	c = fake_get(&f, peer_uri("a", "t", "&transport=poll"), NULL);
	fake_turn(&f);
	if (c->done) {		/* OPEN */
		fake_free(c);
		c = fake_get(&f, peer_uri("a", "t", "&transport=poll&cursor=x"), NULL);
	}
	turn("peerjs", false, false);
	fake_pass(&f, SOON);
	assert_true(c->done);
	fake_free(c);
	c = fake_get(&f, peer_uri("a", "t", "&transport=poll"), NULL);
	fake_turn(&f);
	has(fake_text(c), "[" ERROR_OFF "]");
	has(fake_text(c), "\"final\":true");
	fake_free(c);
}

static void
test_poll_of_socketio(void **state)
{
	struct session_of s = session_open(&f, 4);
	struct fake_conn *poll = session_waits(&f, &s);
	const char *body;

	(void)state;
	turn(KEY_STAR, false, true);
	fake_pass(&f, SOON);
	body = session_body(poll);
	assert_string_equal(body, SS_ERROR BOTH "1");
	poll = session_poll(&f, &s);
	assert_int_equal(fake_status(poll), 403);
	fake_free(poll);
	turn(KEY_STAR, true, true);
	fake_pass(&f, SOON);
	s = session_open(&f, 4);
	poll = session_waits(&f, &s);
	fake_gone(&f, poll);
	fake_free(poll);
}

static void
test_websocket_of_socketio(void **state)
{
	struct fake_conn *c = socket_open(&f, "/socket.io/?EIO=4&transport=websocket");
	const char *told;

	(void)state;
	socket_says(&f, c, "40");
	turn(KEY_STAR, false, true);
	fake_pass(&f, SOON);
	told = socket_told(c);
	has(told, SS_ERROR);
	has(told, "1000");
	socket_free(&f, c);
}

static int
peers_told(struct fake_conn *c)
{
	char got[64];
	int n = 0;

	while (fake_event(c, "ws-peer", n, got, sizeof got))
		n++;
	return n;
}

/* Without discovery who joined is told nobody; with it again, to whom it was not. */
static void
test_discovery_of_star(void **state)
{
	struct fake_conn *a = fake_get(&f, "/star?addr=%2Fa&token=t", NULL), *b;

	(void)state;
	turn(KEY_STAR, true, false);
	fake_pass(&f, SOON);
	b = fake_get(&f, "/star?addr=%2Fb&token=t", NULL);
	fake_pass(&f, 5000);
	assert_true(peers_told(a) == 0 && peers_told(b) == 0);
	turn(KEY_STAR, true, true);
	fake_pass(&f, 5000);
	assert_true(peers_told(a) > 0 && peers_told(b) > 0);
	peer_gone(&f, a);
	peer_gone(&f, b);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_websocket_of_peerjs), T(test_websocket_of_sigver), T(test_old_stream), T(test_poll_of_peerjs),
		T(test_poll_of_socketio), T(test_websocket_of_socketio), T(test_discovery_of_star),
	};

	return cmocka_run_group_tests_name("key wires", tests, NULL, NULL);
}
