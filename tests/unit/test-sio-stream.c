/*
 * test-sio-stream - transport=sse and transport=poll over a hub with a clock that stands still: packets,
 * cursors that carry the sid, what is posted once.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "fake.h"
#include "hub-private.h"

#define CURSOR_SIZE 96
#define SHAKE(src, dst, id) "42[\"ss-handshake\",{\"srcMultiaddr\":\"" src "\",\"dstMultiaddr\":\"" dst "\",\"intentId\":\"" id "\"}]"
#define WANT(src, dst, id) "42[\"ws-handshake\",{\"srcMultiaddr\":\"" src "\",\"dstMultiaddr\":\"" dst "\",\"intentId\":\"" id "\"}]"

static struct fake f;

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

/* ---- a client ---- */

struct client {
	char	 sid[33];
	char	 cursor[CURSOR_SIZE];	/* of its stream, whenever it was asked for */
	struct fake_conn *down;		/* NULL: none */
};

/* Good until the next. */
static const char *
uri(const char *query)
{
	static char text[512];

	snprintf(text, sizeof text, "/socket.io/?EIO=4&%s", query);
	return text;
}

static void
leave(struct client *c)
{
	if (c->down != NULL && !c->down->conn.over)
		fake_gone(&f, c->down);
	fake_free(c->down);
	c->down = NULL;
}

static void
note_cursor(struct client *c)
{
	assert_true(fake_id(c->down, c->cursor, sizeof c->cursor));
}

/* Its first packet says its sid, which its cursor carries. */
static void
start(struct client *c)
{
	char packet[256];

	c->down = fake_get(&f, uri("transport=sse"), NULL);
	assert_true(fake_event(c->down, "", 0, packet, sizeof packet));
	assert_int_equal(sscanf(packet, "0{\"sid\":\"%32[0-9a-f]\",\"upgrades\":[],", c->sid), 1);
	note_cursor(c);
	assert_memory_equal(c->cursor, c->sid, 32);
}

static void
says(const struct client *c, const char *more, const char *packets, int status, const char *want)
{
	char query[256];
	struct fake_conn *up;

	snprintf(query, sizeof query, "transport=sse&sid=%s%s", c->sid, more);
	up = fake_post(&f, uri(query), packets);
	row_assert(fake_status(up) == status && strstr(fake_text(up), want) != NULL, "%s: %s", packets, fake_text(up));
	fake_free(up);
}

static void
come_back(struct client *c)
{
	leave(c);
	c->down = fake_get(&f, uri("transport=sse"), c->cursor);
}

static void
hears(struct client *c, int nth, const char *want)
{
	char got[512];

	row_assert(fake_event(c->down, "", nth, got, sizeof got), "no packet %d in: %s", nth, fake_text(c->down));
	assert_string_equal(got, want);
}

static void
hears_no_more(struct client *c, int nth)
{
	char got[512];

	row_assert(!fake_event(c->down, "", nth, got, sizeof got), "%s", fake_text(c->down));
}

/* ---- streams ---- */

/* EventSource comes back with its cursor and nothing else, and goes on after what it has. */
static void
test_comes_back(void **state)
{
	struct client c;
	char before[CURSOR_SIZE];

	(void)state;
	start(&c);
	says(&c, "", "40", 200, "\r\n\r\nok");
	hears_no_more(&c, 2);
	strcpy(before, c.cursor);
	come_back(&c);
	assert_non_null(strstr(fake_text(c.down), "data: 40{\"sid\":"));
	hears_no_more(&c, 1);
	note_cursor(&c);
	assert_string_not_equal(c.cursor, before);
	f.conf.heartbeat_min_ms = f.conf.heartbeat_max_ms = 1000;
	come_back(&c);
	hears_no_more(&c, 0);
	fake_pass(&f, 3000);
	hears(&c, 0, "2");
	leave(&c);
}

/* A handshake, whoever brings it, and who else is there. */
static void
test_hears_events(void **state)
{
	struct client a, b;

	(void)state;
	start(&a);
	start(&b);
	says(&a, "", "40\x1e" "42[\"ss-join\",\"/a\"]", 200, "ok");
	says(&b, "", "42[\"ss-join\",\"/b\"]", 200, "ok");
	fake_pass(&f, 100);
	hears(&a, 2, "42[\"ws-peer\",\"/b\"]");
	hears(&b, 1, "42[\"ws-peer\",\"/a\"]");
	note_cursor(&b);
	leave(&b);
	says(&a, "", SHAKE("/a", "/b", "1"), 200, "ok");
	b.down = fake_get(&f, uri("transport=sse"), b.cursor);
	hears(&b, 0, WANT("/a", "/b", "1"));
	fake_pass(&f, 100);
	leave(&a);
	leave(&b);
}

/* Another process, to which it comes back, has not told it who else is there. */
static void
test_comes_back_elsewhere(void **state)
{
	struct fake other;
	struct client a, b;

	(void)state;
	start(&a);
	start(&b);
	says(&a, "", "42[\"ss-join\",\"/a\"]", 200, "ok");
	says(&b, "", "42[\"ss-join\",\"/b\"]", 200, "ok");
	leave(&b);
	fake_pass(&f, 1000);
	fake_join(&other, &f);
	b.down = fake_get(&other, uri("transport=sse"), b.cursor);
	fake_pass(&other, 100);
	hears(&b, 0, "42[\"ws-peer\",\"/a\"]");
	fake_gone(&other, b.down);
	fake_free(b.down);
	fake_stop(&other);
	leave(&a);
}

static void
test_other_epoch(void **state)
{
	struct client c;
	char query[256], gap[256];

	(void)state;
	start(&c);
	leave(&c);
	snprintf(query, sizeof query, "transport=sse&cursor=%s.0123456789abcdef-7", c.sid);
	c.down = fake_get(&f, uri(query), NULL);
	assert_true(fake_event(c.down, "gap", 0, gap, sizeof gap));
	assert_non_null(strstr(gap, "{\"from\":\"0123456789abcdef-7\","));
	leave(&c);
}

/* ---- polls ---- */

static void
poll_is(const char *query, const char *want, char cursor[CURSOR_SIZE])
{
	struct fake_conn *c = fake_get(&f, uri(query), NULL);
	const char *at;

	fake_pass(&f, c->conn.over ? 0 : f.conf.hold_ms + 2000);
	assert_int_equal(fake_status(c), 200);
	row_assert(strstr(fake_text(c), want) != NULL, "%s: %s", query, fake_text(c));
	at = strstr(fake_text(c), "\"cursor\":\"");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "\"cursor\":\"%95[^\"]", cursor), 1);
	fake_free(c);
}

static void
test_polls(void **state)
{
	struct client c;
	char query[256];

	(void)state;
	poll_is("transport=poll", "{\"messages\":[\"0{\\\"sid\\\":", c.cursor);
	snprintf(c.sid, sizeof c.sid, "%.32s", c.cursor);
	says(&c, "", "40", 200, "ok");
	snprintf(query, sizeof query, "transport=poll&cursor=%s", c.cursor);
	poll_is(query, "{\"messages\":[\"40{\\\"sid\\\":", c.cursor);
	snprintf(query, sizeof query, "transport=poll&cursor=%s", c.cursor);
	poll_is(query, "{\"messages\":[\"2\"],", c.cursor);
}

/* ---- what is refused, and what ends ---- */

static void
is_answered(const char *query, int status, const char *want)
{
	struct fake_conn *c = fake_get(&f, uri(query), NULL);

	row_assert(fake_status(c) == status && strstr(fake_text(c), want) != NULL, "%s: %s", query, fake_text(c));
	row_assert(c->conn.over, "%s", query);
	fake_free(c);
}

static void
test_refusals(void **state)
{
	struct client c;
	char query[256];

	(void)state;
	is_answered("transport=sse&sid=0123", 400, "Session ID unknown");
	is_answered("transport=poll&cursor=00112233445566778899aabbccddeeff.0123456789abcdef-1", 400, "Session ID unknown");
	is_answered("transport=sse&cursor=final", 204, "");
	is_answered("transport=sse&order=x", 400, "");
	start(&c);
	snprintf(query, sizeof query, "transport=sse&order=5&sid=%s", c.sid);
	leave(&c);
	c.down = fake_get(&f, uri(query), NULL);
	query[sizeof "transport=sse&order=" - 1] = '4';
	is_answered(query, 204, "");
	assert_false(c.down->conn.over);
	says(&c, "&n=x", "40", 400, "Bad request");
	says(&c, "&n=0", "40", 400, "Bad request");
	says(&c, "", "9", 400, "Bad request");
	leave(&c);
}

/* Whose session has ended is told so, once it has what was said before, and stays away. */
static void
test_ends(void **state)
{
	struct client c;
	char query[256];

	(void)state;
	start(&c);
	leave(&c);
	says(&c, "", "40\x1e" "1\x1e" "42[\"ss-join\",\"/late\"]", 200, "ok");
	come_back(&c);
	hears(&c, 1, "1");
	assert_non_null(strstr(fake_text(c.down), "retry: 86400000\n"));
	note_cursor(&c);
	assert_string_equal(c.cursor, "final");
	come_back(&c);
	assert_int_equal(fake_status(c.down), 204);
	fake_free(c.down);
	snprintf(query, sizeof query, "transport=poll&sid=%s", c.sid);
	is_answered(query, 400, "Session ID unknown");
	says(&c, "", "40", 400, "Session ID unknown");
}

/* ---- POST ---- */

static void
test_takes_once(void **state)
{
	struct client a, b;

	(void)state;
	start(&a);
	start(&b);
	says(&b, "&n=7", "42[\"ss-join\",\"/b\"]", 200, "ok");
	says(&a, "&n=1", "42[\"ss-join\",\"/a\"]\x1e" SHAKE("/a", "/b", "1"), 200, "ok");
	says(&a, "&n=1", "42[\"ss-join\",\"/a\"]\x1e" SHAKE("/a", "/b", "1"), 200, "ok");
	says(&a, "&n=2", SHAKE("/a", "/b", "2"), 200, "ok");
	says(&a, "&n=1", SHAKE("/a", "/b", "3"), 200, "ok");
	hears(&b, 1, WANT("/a", "/b", "1"));
	hears(&b, 2, WANT("/a", "/b", "2"));
	hears_no_more(&b, 3);
	leave(&a);
	leave(&b);
}

/* While another process has the store, pongs are answered, and what is to be stored waits. */
static void
test_pongs_write_nothing(void **state)
{
	static const struct { const char *packets; bool light; } rows[] = {
		{ "3", true }, { "3\x1e" "3", true }, { "3probe", true },
		{ "3\x1e" "40", false }, { "40", false }, { "2", false }, { "", false },
	};
	struct fake other;
	struct client c;
	char query[256];
	size_t i;

	(void)state;
	start(&c);
	fake_join(&other, &f);
	snprintf(query, sizeof query, "transport=sse&n=3&sid=%s", c.sid);
	for (i = 0; i < COUNT(rows); i++) {
		struct fake_conn *up;

		assert_int_equal(hub_begin(&other.hub), 0);
		up = fake_post(&f, uri(query), rows[i].packets);
		row_assert(fake_status(up) == (rows[i].light ? 200 : 0), "%s: %s", rows[i].packets, fake_text(up));
		hub_turn(&other.hub);
		fake_pass(&f, 100);
		assert_true(up->conn.over);
		fake_free(up);
	}
	fake_stop(&other);
	leave(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hears_events, setup, teardown),
		cmocka_unit_test_setup_teardown(test_comes_back_elsewhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_epoch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_polls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_takes_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pongs_write_nothing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
