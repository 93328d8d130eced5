/*
 * test-hub - streams, wires and ends on a real store, with a clock that stands still and connections
 * made of memory. Names in dispute: test-hub-claim; the store in trouble: test-hub-store.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "err.h"
#include "hub-private.h"
#include "source.h"

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

/* ---- delivery ---- */

static void
test_conversation(void **state)
{
	struct source a = open_source(&f, E), b = open_source(&f, E);

	(void)state;
	assert_int_equal(say(&a, "{\"open\":\"k\"}"), 200);
	hear(&a, 0, "{\"opened\":true}");
	assert_int_equal(say(&b, "{\"join\":\"k\"}"), 200);
	hear(&b, 0, "{\"opened\":false}");
	assert_int_equal(say(&b, "{\"data\":{\"x\":1}}"), 200);
	hear(&a, 1, "{\"id\":1,\"data\":{\"x\":1}}");
	assert_int_equal(say(&a, "{\"id\":1,\"data\":[true]}"), 200);
	hear(&b, 1, "{\"data\":[true]}");
	hear_no_more(&a, 2);
	hear_no_more(&b, 2);
	leave(&a);
	leave(&b);
}

static void
test_resume(void **state)
{
	struct source a = open_source(&f, E), b = open_source(&f, E);
	char id[128], got[256];
	struct fake_conn *again;

	(void)state;
	say(&a, "{\"open\":\"k\"}");
	say(&b, "{\"join\":\"k\"}");
	say(&b, "{\"data\":1}");
	assert_true(fake_id(a.down, id, sizeof id));
	fake_gone(&f, a.down);
	say(&b, "{\"data\":2}");
	say(&b, "{\"data\":3}");
	again = fake_get(&f, E, id);
	fake_free(a.down);
	a.down = again;
	assert_false(fake_event(again, "auth", 0, got, sizeof got));
	hear(&a, 0, "{\"id\":1,\"data\":2}");
	hear(&a, 1, "{\"id\":1,\"data\":3}");
	hear_no_more(&a, 2);
	leave(&a);
	leave(&b);
}

/* The very first bytes carry an id, so a source can be resumed before its first message. */
static void
test_resume_before_first_message(void **state)
{
	struct source a = open_source(&f, D);
	char id[128], got[256];
	struct fake_conn *again;

	(void)state;
	assert_true(fake_id(a.down, id, sizeof id));
	fake_gone(&f, a.down);
	assert_int_equal(say(&a, "{\"open\":\"k\"}"), 200);
	again = fake_get(&f, D, id);
	fake_free(a.down);
	a.down = again;
	assert_false(fake_event(again, "auth", 0, got, sizeof got));
	hear(&a, 0, "{\"isKeyOk\":true}");
	leave(&a);
}

/* Behind CGI the child of a request that was given up may come after the next one. */
static void
test_late_request_takes_nothing_over(void **state)
{
	struct source a = open_source(&f, D);
	struct fake_conn *live, *late;
	char id[128];

	(void)state;
	assert_true(fake_id(a.down, id, sizeof id));
	live = fake_get(&f, D "?transport=poll&order=5", id);
	late = fake_get(&f, D "?transport=poll&order=4", id);
	assert_int_equal(fake_status(late), 204);
	assert_false(live->conn.over);
	fake_free(late);
	late = fake_get(&f, D "?order=-4", id);
	assert_int_equal(fake_status(late), 400);
	fake_free(late);
	fake_gone(&f, live);
	fake_free(live);
	leave(&a);
}

static void
test_resume_with_foreign_cursor(void **state)
{
	static const struct { const char *why, *id; int status; bool auth, gap; } rows[] = {
		{ "not a cursor", "17", 200, true, false },
		{ "unknown handle, other epoch", "0123456789abcdef0123456789abcdef.00ff-7", 200, true, true },
		{ "a final end", "final", 204, false, false },
		{ "epoch with a quote", "0123456789abcdef0123456789abcdef.\"}-7", 200, true, false },
		{ "sequence too large", "0123456789abcdef0123456789abcdef.00ff-99999999999999999999", 200, true, false },
	};
	char got[256];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct fake_conn *c = fake_get(&f, D, rows[i].id);

		row_assert(fake_status(c) == rows[i].status, "%s", rows[i].why);
		row_assert(fake_event(c, "auth", 0, got, sizeof got) == rows[i].auth, "%s", rows[i].why);
		row_assert(fake_event(c, "gap", 0, got, sizeof got) == rows[i].gap, "%s", rows[i].why);
		if (!c->conn.over)
			fake_gone(&f, c);
		fake_free(c);
	}
}

static void
test_superseded(void **state)
{
	struct source a = open_source(&f, D);
	char id[128], got[256];
	struct fake_conn *second;

	(void)state;
	fake_id(a.down, id, sizeof id);
	second = fake_get(&f, D, id);
	assert_true(a.down->done && a.down->whole);
	assert_true(fake_event(a.down, "superseded", 0, got, sizeof got));
	assert_true(fake_id(a.down, got, sizeof got));
	assert_string_equal(got, "final");
	say(&a, "{\"open\":\"k\"}");
	assert_true(fake_event(second, "", 0, got, sizeof got));
	fake_free(a.down);
	a.down = second;
	leave(&a);
}

static void
test_repeated(void **state)
{
	struct source a = open_source(&f, E), first = a;
	static const struct { const char *why, *uri; int status; const char *want; } rows[] = {
		{ "first", E "?n=1", 200, "{\"n\":1,\"result\":\"accepted\"}" },
		{ "again", E "?n=1", 200, "{\"n\":1,\"result\":\"repeated\"}" },
		{ "later", E "?n=7", 200, "{\"n\":7,\"result\":\"accepted\"}" },
		{ "below", E "?n=6", 200, "{\"n\":6,\"result\":\"repeated\"}" },
		{ "zero", E "?n=0", 400, "n is a whole number" },
		{ "not a number", E "?n=x", 400, "n is a whole number" },
		{ "too large", E "?n=9223372036854775808", 400, "n is a whole number" },
		{ "largest", E "?n=9223372036854775807", 200, "accepted" },
	};
	char body[128];
	size_t i;

	(void)state;
	snprintf(body, sizeof body, "%s@{\"open\":\"k\"}", a.auth);
	for (i = 0; i < COUNT(rows); i++) {
		struct fake_conn *c = fake_post(&f, rows[i].uri, body);

		row_assert(fake_status(c) == rows[i].status, "%s: %s", rows[i].why, fake_text(c));
		row_assert(strstr(fake_text(c), rows[i].want) != NULL, "%s: %s", rows[i].why, fake_text(c));
		fake_free(c);
	}
	hear(&a, 2, "{\"opened\":true}");
	hear_no_more(&a, 3);
	leave(&first);
}

/* A cache must not give the answer to one page to another, whether or not this one named itself. */
static void
test_vary(void **state)
{
	static const char *const origin[] = { "HTTP_ORIGIN=https://a.example", NULL };
	struct fake_conn *plain = fake_request(&f, "GET", D, NULL, NULL);
	struct fake_conn *named = fake_request(&f, "GET", D, NULL, origin);

	(void)state;
	assert_non_null(strstr(fake_text(plain), "Vary: Origin\r\n"));
	assert_non_null(strstr(fake_text(plain), "Access-Control-Allow-Origin: *\r\n"));
	assert_non_null(strstr(fake_text(named), "Vary: Origin\r\n"));
	assert_non_null(strstr(fake_text(named), "Access-Control-Allow-Origin: https://a.example\r\n"));
	fake_gone(&f, plain);
	fake_gone(&f, named);
	fake_free(plain);
	fake_free(named);
}

/* ---- a reader that does not read ---- */

static void
test_slow_reader(void **state)
{
	struct source a = open_source(&f, E), b = open_source(&f, E);
	int i;

	(void)state;
	say(&a, "{\"open\":\"k\"}");
	say(&b, "{\"join\":\"k\"}");
	a.down->room = 10;
	for (i = 0; i < 200; i++)
		assert_int_equal(say(&b, "{\"data\":\"0123456789012345678901234567890123456789\"}"), 200);
	assert_true(a.down->conn.blocked);
	assert_true(conn_pending(&a.down->conn) < 2 * STREAM_HIGH);
	fake_room(&f, a.down, SIZE_MAX);
	fake_turn(&f);
	hear(&a, 200, "{\"id\":1,\"data\":\"0123456789012345678901234567890123456789\"}");
	hear_no_more(&a, 201);
	a.down->room = 0;
	say(&b, "{\"data\":1}");
	fake_pass(&f, f.conf.slow_ms + f.conf.heartbeat_max_ms + 2000);
	assert_true(a.down->done && !a.down->whole);
	fake_free(a.down);
	leave(&b);
}

static void
test_stuck_by_heartbeats(void **state)
{
	struct source a = open_source(&f, E);

	(void)state;
	a.down->room = 0;
	fake_pass(&f, f.conf.heartbeat_max_ms + f.conf.slow_ms + f.conf.heartbeat_max_ms + 2000);
	assert_true(a.down->done);
	fake_free(a.down);
}

static void
test_stuck_at_its_end(void **state)
{
	struct source a = open_source(&f, E);

	(void)state;
	a.down->room = 0;
	say(&a, "{}");		/* close */
	assert_false(a.down->done);
	fake_pass(&f, f.conf.slow_ms + 2 * f.conf.heartbeat_max_ms + 2000);
	assert_true(a.down->done);
	fake_free(a.down);
}

/* ---- heartbeats, lifetime ---- */

static void
test_heartbeat(void **state)
{
	struct source a = open_source(&f, D);
	size_t before = strlen(fake_text(a.down));

	(void)state;
	fake_pass(&f, f.conf.heartbeat_min_ms - 1000);
	assert_int_equal(strlen(fake_text(a.down)), before);
	fake_pass(&f, f.conf.heartbeat_max_ms - f.conf.heartbeat_min_ms + 2000);
	assert_true(strlen(fake_text(a.down)) > before);
	assert_string_equal(fake_text(a.down) + before, ":\n\n");
	leave(&a);
}

static void
test_lifetime(void **state)
{
	struct source a;

	(void)state;
	f.conf.lifetime_ms = 60000;
	a = open_source(&f, D);
	fake_pass(&f, 47000);
	assert_false(a.down->done);
	fake_pass(&f, 15000);
	assert_true(a.down->done && a.down->whole);
	assert_null(strstr(fake_text(a.down), "86400000"));
	fake_free(a.down);
}

/* ---- long poll ---- */

static void
test_poll(void **state)
{
	struct fake_conn *c = fake_get(&f, E "?transport=poll", NULL);
	struct source a = { .at = &f, .uri = E };
	char cursor[128] = "";
	const char *p;

	(void)state;
	assert_true(c->done && c->whole);
	p = strstr(fake_text(c), "{\"auth\":\"");
	assert_non_null(p);
	assert_int_equal(sscanf(p, "{\"auth\":\"%32[0-9a-f]\",\"messages\":[],\"cursor\":\"%100[^\"]\"}", a.auth, cursor), 2);
	fake_free(c);
	c = fake_get(&f, E "?transport=poll", cursor);
	assert_false(c->done);
	say(&a, "{\"open\":\"k\"}");
	assert_true(c->done);
	assert_non_null(strstr(fake_text(c), "{\"messages\":[{\"opened\":true}],\"cursor\":\""));
	fake_free(c);
}

static void
test_poll_hold(void **state)
{
	struct fake_conn *c = fake_get(&f, E "?transport=poll", NULL);
	char cursor[128] = "";

	(void)state;
	assert_int_equal(sscanf(strstr(fake_text(c), "\"cursor\":"), "\"cursor\":\"%100[^\"]\"", cursor), 1);
	fake_free(c);
	c = fake_get(&f, E "?transport=poll", cursor);
	fake_pass(&f, f.conf.hold_ms - 500);
	assert_false(c->done);
	fake_pass(&f, 2000);
	assert_true(c->done && c->whole);
	assert_non_null(strstr(fake_text(c), "\"messages\":[]"));
	fake_free(c);
}

static void
test_poll_close(void **state)
{
	struct fake_conn *c = fake_get(&f, E "?transport=poll", NULL);
	struct source a = { .at = &f, .uri = E };
	char cursor[128] = "";

	(void)state;
	sscanf(strstr(fake_text(c), "{\"auth\""), "{\"auth\":\"%32[0-9a-f]\",\"messages\":[],\"cursor\":\"%100[^\"]\"}",
	    a.auth, cursor);
	fake_free(c);
	assert_int_equal(say(&a, "{}"), 200);
	c = fake_get(&f, E "?transport=poll", cursor);
	assert_true(c->done);
	assert_non_null(strstr(fake_text(c), "\"cursor\":\"final\",\"final\":true,\"event\":\"close\","
	    "\"data\":{\"code\":4000,\"reason\":\"MESSAGE_ERROR=4000: Unknown message\"}}"));
	fake_free(c);
}

/* ---- ends ---- */

static void
test_source_ends_after_away(void **state)
{
	struct source a = open_source(&f, E), b = open_source(&f, E);

	(void)state;
	say(&a, "{\"open\":\"k\"}");
	say(&b, "{\"join\":\"k\"}");
	leave(&a);
	fake_pass(&f, f.conf.away_ms - 2000);
	say(&b, "{\"data\":1}");
	hear_no_more(&b, 1);
	fake_pass(&f, 5000);
	say(&b, "{\"data\":2}");
	hear(&b, 1, "{\"unavailable\":-1}");
	leave(&b);
}

static void
test_max_streams(void **state)
{
	struct source a;
	struct fake_conn *c;

	(void)state;
	f.conf.max_streams = 1;
	a = open_source(&f, D);
	c = fake_get(&f, D, NULL);
	assert_int_equal(fake_status(c), 429);
	fake_free(c);
	leave(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_conversation), T(test_resume), T(test_resume_before_first_message),
		T(test_late_request_takes_nothing_over),
		T(test_resume_with_foreign_cursor), T(test_superseded), T(test_repeated), T(test_vary),
		T(test_slow_reader), T(test_stuck_by_heartbeats), T(test_stuck_at_its_end),
		T(test_heartbeat), T(test_lifetime), T(test_poll), T(test_poll_hold),
		T(test_poll_close), T(test_source_ends_after_away), T(test_max_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
