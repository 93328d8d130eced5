/*
 * test-hub - hub, streams, wires and sigver on a real store, with a clock that stands still and
 * connections made of memory.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "err.h"
#include "fake.h"

#define E "/sigver/opened"
#define D "/sigver"

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

/* ---- small steps ---- */

struct source {
	struct fake_conn *down;
	char		 auth[64];
	const char	*uri;
};

static struct source
open_source_at(struct fake *at, const char *uri)
{
	struct source s = { .uri = uri };

	s.down = fake_get(at, uri, NULL);
	assert_int_equal(fake_status(s.down), 200);
	assert_true(fake_event(s.down, "auth", 0, s.auth, sizeof s.auth));
	return s;
}

static struct source
open_source(const char *uri)
{
	return open_source_at(&f, uri);
}

static int
say_at(struct fake *at, const struct source *s, const char *json)
{
	char body[2048];
	struct fake_conn *c;
	int status;

	snprintf(body, sizeof body, "%s@%s", s->auth, json);
	c = fake_post(at, s->uri, body);
	status = fake_status(c);
	if (c->conn.over)
		fake_free(c);
	return status;
}

static int
say(const struct source *s, const char *json)
{
	return say_at(&f, s, json);
}

static void
hear(const struct source *s, int nth, const char *want)
{
	char got[512];

	row_assert(fake_event(s->down, "", nth, got, sizeof got), "no message %d, wanted %s in:\n%s", nth,
	    want, fake_text(s->down));
	assert_string_equal(got, want);
}

static void
hear_no_more(const struct source *s, int nth)
{
	char got[512];

	row_assert(!fake_event(s->down, "", nth, got, sizeof got), "one message too many: %s", got);
}

static void
leave(struct source *s)
{
	if (!s->down->conn.over)
		fake_gone(&f, s->down);
	fake_free(s->down);
	s->down = NULL;
}

/* ---- delivery ---- */

static void
test_conversation(void **state)
{
	struct source a = open_source(E), b = open_source(E);

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
	struct source a = open_source(E), b = open_source(E);
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
	struct source a = open_source(D);
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
	struct source a = open_source(D);
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
test_gap_after_expiry(void **state)
{
	struct source a = open_source(E), b = open_source(E);
	char id[128], got[256], want[300];
	struct fake_conn *again;

	(void)state;
	f.conf.sigver_expire_ms = 5000;
	say(&a, "{\"open\":\"k\"}");
	say(&b, "{\"join\":\"k\"}");
	fake_id(a.down, id, sizeof id);
	leave(&a);
	say(&b, "{\"data\":\"lost\"}");
	fake_pass(&f, 5000 + EXPIRY_SLACK_MS + 1500);
	say(&b, "{\"data\":\"kept\"}");
	again = fake_get(&f, E, id);
	assert_true(fake_event(again, "gap", 0, got, sizeof got));
	snprintf(want, sizeof want, "{\"from\":\"%s\",\"to\":\"%s-3\"}", strchr(id, '.') + 1, f.hub.store->epoch);
	assert_string_equal(got, want);
	assert_true(fake_event(again, "", 0, got, sizeof got));
	assert_string_equal(got, "{\"id\":1,\"data\":\"kept\"}");
	fake_gone(&f, again);
	fake_free(again);
	leave(&b);
}

/* ---- a reader that does not read ---- */

static void
test_slow_reader(void **state)
{
	struct source a = open_source(E), b = open_source(E);
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

/* ---- heartbeats, lifetime ---- */

static void
test_heartbeat(void **state)
{
	struct source a = open_source(D);
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
	a = open_source(D);
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
	struct source a = { .uri = E };
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
	struct source a = { .uri = E };
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

/* ---- names in dispute ---- */

static void
test_contest_proven(void **state)
{
	struct source a = open_source(D), b = open_source(D);
	char body[128];
	struct fake_conn *c;

	(void)state;
	say(&a, "{\"open\":\"k\"}");
	fake_pass(&f, 5000);		/* the proof of its opening is old */
	snprintf(body, sizeof body, "%s@{\"open\":\"k\"}", b.auth);
	c = fake_post(&f, D, body);
	assert_int_equal(fake_status(c), 0);	/* no verdict yet */
	fake_pass(&f, 500);
	assert_int_equal(fake_status(c), 560);
	hear(&b, 0, "{\"isKeyOk\":false}");
	assert_true(b.down->done);
	assert_non_null(strstr(fake_text(a.down), ":\n\n:\n\n"));
	fake_free(c);
	leave(&a);
	leave(&b);
}

static void
test_contest_away(void **state)
{
	struct source a = open_source(D), b = open_source(D);
	char body[128];
	struct fake_conn *c;

	(void)state;
	say(&a, "{\"open\":\"k\"}");
	leave(&a);
	snprintf(body, sizeof body, "%s@{\"open\":\"k\"}", b.auth);
	c = fake_post(&f, D, body);
	fake_pass(&f, f.conf.grace_ms - 200);
	assert_int_equal(fake_status(c), 0);
	fake_pass(&f, 400);
	assert_int_equal(fake_status(c), 200);
	hear(&b, 0, "{\"isKeyOk\":true}");
	fake_free(c);
	leave(&b);
}

static void
test_contest_holder_returns(void **state)
{
	struct source a = open_source(D), b = open_source(D);
	char body[128], id[128];
	struct fake_conn *c;

	(void)state;
	say(&a, "{\"open\":\"k\"}");
	fake_id(a.down, id, sizeof id);
	leave(&a);
	snprintf(body, sizeof body, "%s@{\"open\":\"k\"}", b.auth);
	c = fake_post(&f, D, body);
	fake_pass(&f, 1000);
	a.down = fake_get(&f, D, id);
	fake_pass(&f, 1000);
	assert_int_equal(fake_status(c), 560);
	fake_free(c);
	leave(&a);
	leave(&b);
}

/* The claimant leaves while it waits: nothing is left behind. */
static void
test_contest_claimant_leaves(void **state)
{
	struct source a = open_source(D), b = open_source(D);
	char body[128];
	struct fake_conn *c;

	(void)state;
	say(&a, "{\"open\":\"k\"}");
	leave(&a);
	snprintf(body, sizeof body, "%s@{\"open\":\"k\"}", b.auth);
	c = fake_post(&f, D, body);
	fake_gone(&f, c);
	fake_free(c);
	assert_true(list_empty(&f.hub.waiting));
	fake_pass(&f, 5000);
	hear_no_more(&b, 0);
	leave(&b);
}

/* ---- two processes ---- */

static void
test_two_hubs(void **state)
{
	static struct fake g;
	struct source a, b;

	(void)state;
	fake_join(&g, &f);
	a = open_source(E);
	b = open_source_at(&g, E);
	say(&a, "{\"open\":\"k\"}");
	assert_int_equal(say_at(&g, &b, "{\"join\":\"k\"}"), 200);
	hear(&b, 0, "{\"opened\":false}");
	assert_int_equal(say_at(&g, &b, "{\"data\":1}"), 200);
	fake_pass(&f, 300);
	hear(&a, 1, "{\"id\":1,\"data\":1}");
	assert_int_equal(say_at(&f, &a, "{\"id\":1,\"data\":2}"), 200);
	fake_pass(&g, 300);
	hear(&b, 1, "{\"data\":2}");
	fake_gone(&g, b.down);
	fake_free(b.down);
	fake_stop(&g);
	leave(&a);
}

/* A stream that moves to another process ends where it was. */
static void
test_superseded_elsewhere(void **state)
{
	static struct fake g;
	struct fake_conn *second;
	struct source a;
	char id[128], got[128];

	(void)state;
	fake_join(&g, &f);
	a = open_source(D);
	fake_id(a.down, id, sizeof id);
	second = fake_get(&g, D, id);
	assert_int_equal(fake_status(second), 200);
	fake_pass(&f, 300);
	assert_true(a.down->done);
	assert_true(fake_event(a.down, "superseded", 0, got, sizeof got));
	fake_free(a.down);
	fake_gone(&g, second);
	fake_free(second);
	fake_stop(&g);
}

static void
test_contest_elsewhere(void **state)
{
	static struct fake g;
	struct source a, b;
	struct fake_conn *c;
	char body[128];
	int i;

	(void)state;
	fake_join(&g, &f);
	a = open_source(D);
	say(&a, "{\"open\":\"k\"}");
	b = open_source_at(&g, D);
	fake_pass(&f, 3000);
	g.mono = f.mono;
	g.real = f.real;
	snprintf(body, sizeof body, "%s@{\"open\":\"k\"}", b.auth);
	c = fake_post(&g, D, body);
	assert_int_equal(fake_status(c), 0);
	for (i = 0; i < 100 && fake_status(c) == 0; i++) {
		fake_pass(&f, 10);
		fake_pass(&g, 10);
	}
	assert_int_equal(fake_status(c), 560);
	assert_true(i < 100);
	fake_free(c);
	fake_free(b.down);
	fake_stop(&g);
	leave(&a);
}

/* ---- repeated POSTs, undo ---- */

static void
test_repeated(void **state)
{
	struct source a = open_source(E), first = a;
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

static void
test_quota(void **state)
{
	struct source a = open_source(E), b = open_source(E);
	int i;

	(void)state;
	fake_stop(&f);		/* a small mailbox */
	fake_start(&f);
	f.conf.max_pending = 3;
	fake_run(&f);
	fake_free(a.down);
	fake_free(b.down);
	a = open_source(E);
	b = open_source(E);
	say(&a, "{\"open\":\"k\"}");
	say(&b, "{\"join\":\"k\"}");
	leave(&a);
	for (i = 0; i < 3; i++)
		assert_int_equal(say(&b, "{\"data\":1}"), 200);
	assert_int_equal(say(&b, "{\"data\":1}"), 429);
	leave(&b);
}

/* ---- a store in use ---- */

static void
test_busy(void **state)
{
	struct store_conf sc = { .path = f.conf.db, .wal = true, .max_pending = 10, .max_pending_bytes = 10000,
	    .away_ms = 30000 };
	struct source a = open_source(E);
	struct fake_conn *c;
	struct store *other;
	const char *why;
	char body[128];

	(void)state;
	assert_int_equal(store_sqlite_open(&sc, &other, &why), 0);
	assert_int_equal(store_begin(other, f.real), 0);
	snprintf(body, sizeof body, "%s@{\"open\":\"k\"}", a.auth);
	c = fake_post(&f, E, body);
	fake_pass(&f, 1000);
	assert_int_equal(fake_status(c), 0);
	store_rollback(other);
	fake_pass(&f, 50);
	assert_int_equal(fake_status(c), 200);
	hear(&a, 0, "{\"opened\":true}");
	fake_free(c);
	assert_int_equal(store_begin(other, f.real), 0);
	c = fake_post(&f, E, body);
	fake_pass(&f, HUB_BUSY_MS + 100);
	assert_int_equal(fake_status(c), 503);
	assert_non_null(strstr(fake_text(c), "Retry-After: "));
	fake_free(c);
	store_rollback(other);
	store_close(other);
	leave(&a);
}

static void
test_full(void **state)
{
	static char body[200200];
	struct source a, b;
	struct fake_conn *c;
	int i, status = 200;

	(void)state;
	fake_stop(&f);
	fake_start(&f);
	f.conf.max_db_bytes = 2 * 1024 * 1024;
	fake_run(&f);
	a = open_source(E);
	b = open_source(E);
	say(&a, "{\"open\":\"k\"}");
	say(&b, "{\"join\":\"k\"}");
	leave(&a);
	for (i = 0; i < 30 && status == 200; i++) {
		memset(body, 'x', sizeof body - 1);
		memcpy(body, b.auth, 32);
		memcpy(body + 32, "@{\"data\":\"", 10);
		memcpy(body + sizeof body - 3, "\"}", 2);
		c = fake_post(&f, E, body);
		status = fake_status(c);
		fake_free(c);
	}
	assert_int_equal(status, 507);
	assert_true(i > 3);
	fake_pass(&f, 120000);		/* what was stored expires, its pages are free again */
	c = fake_get(&f, E, NULL);
	assert_int_equal(fake_status(c), 200);
	fake_gone(&f, c);
	fake_free(c);
	leave(&b);
}

/* ---- ends ---- */

static bool stopped;

static void
on_stopped(struct hub *hub)
{
	(void)hub;
	stopped = true;
}

static void
test_drain(void **state)
{
	struct source a = open_source(D);
	struct fake_conn *c;

	(void)state;
	f.hub.stopped = on_stopped;
	stopped = false;
	hub_drain(&f.hub);
	fake_turn(&f);
	assert_true(a.down->done && a.down->whole);
	assert_true(stopped);
	c = fake_get(&f, D, NULL);
	assert_int_equal(fake_status(c), 429);
	fake_free(c);
	fake_free(a.down);
}

static void
test_source_ends_after_away(void **state)
{
	struct source a = open_source(E), b = open_source(E);

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
	a = open_source(D);
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
		T(test_resume_with_foreign_cursor), T(test_superseded), T(test_gap_after_expiry),
		T(test_slow_reader), T(test_heartbeat), T(test_lifetime),
		T(test_poll), T(test_poll_hold), T(test_poll_close),
		T(test_contest_proven), T(test_contest_away), T(test_contest_holder_returns),
		T(test_contest_claimant_leaves),
		T(test_two_hubs), T(test_superseded_elsewhere), T(test_contest_elsewhere),
		T(test_repeated), T(test_quota), T(test_busy), T(test_full),
		T(test_drain), T(test_source_ends_after_away), T(test_max_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
