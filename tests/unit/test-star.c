/*
 * test-star - webrtc-star over a hub with a clock that stands still: streams, and whose a multiaddr is.
 * What handshakes do: test-star-talk. Who is there: test-roster.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "hub-private.h"
#include "node.h"

#define TAKEN "{\"reason\":\"somebody else has joined this multiaddr\"}"
#define PASSED "{\"reason\":\"the multiaddr passed on to another page\"}"

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

static void
last_event(struct fake_conn *c, const char *name, const char *want)
{
	char got[512];

	row_assert(fake_event(c, name, 0, got, sizeof got), "no %s in: %s", name, fake_text(c));
	assert_string_equal(got, want);
	assert_non_null(strstr(fake_text(c), "retry: 86400000\n"));
	assert_non_null(strstr(fake_text(c), "id: final\n"));
	assert_true(c->conn.over);
}

/* ---- who may open ---- */

static void
test_refused_streams(void **state)
{
	static const struct { const char *why, *uri, *detail; } rows[] = {
		{ "no addr", "/star", "addr is missing" },
		{ "no addr, but a token", "/star?token=t", "addr is missing" },
		{ "empty addr", "/star?addr=&token=t", "addr is missing" },
		{ "no slash", "/star?addr=ip4/1", "begins with a slash" },
		{ "line end", "/star?addr=/a%0Ab&token=t", "control characters" },
		{ "delete", "/star?addr=/a%7Fb&token=t", "control characters" },
		{ "NUL", "/star?addr=/a%00b&token=t", "cannot be a multiaddr" },
		{ "half an escape", "/star?addr=/a%4&token=t", "cannot be a multiaddr" },
		{ "no UTF-8", "/star?addr=/%ff&token=t", "UTF-8" },
		{ "empty token", "/star?addr=/a&token=", "token is 1 to 255" },
		{ "token with a line end", "/star?addr=/a&token=a%0d%0ab", "token is 1 to 255" },
		{ "token with a NUL", "/star?addr=/a&token=a%00b", "token is 1 to 255" },
		{ "order", "/star?addr=/a&token=a&order=x", "order is a whole number" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct fake_conn *c = fake_get(&f, rows[i].uri, NULL);

		row_assert(fake_status(c) == 400 && c->conn.over, "%s: %s", rows[i].why, fake_text(c));
		row_assert(strstr(fake_text(c), "application/problem+json") != NULL &&
		    strstr(fake_text(c), rows[i].detail) != NULL, "%s: %s", rows[i].why, fake_text(c));
		fake_free(c);
	}
}

/* n and n + 1, in the query and as an event. */
static void
test_length_of_multiaddrs(void **state)
{
	char addr[2100], body[2200];
	struct fake_conn *c;
	int i;

	(void)state;
	memset(addr, 'x', sizeof addr);
	addr[0] = '/';
	for (i = 0; i < 2; i++) {
		f.conf.star_addr_bytes = i == 0 ? 512 : 2048;
		addr[f.conf.star_addr_bytes] = '\0';
		c = node_stream(&f, addr, "t");
		addr[1] = 'y';
		snprintf(body, sizeof body, "{\"event\":\"ss-join\",\"data\":\"%s\"}", addr);
		addr[1] = 'x';
		node_told(&f, addr, "t", body, 200, "joined");
		node_gone(&f, c);
		addr[f.conf.star_addr_bytes] = 'x';
		addr[f.conf.star_addr_bytes + 1] = '\0';
		c = fake_get(&f, node_uri(addr, "t", ""), NULL);
		row_assert(fake_status(c) == 413 && strstr(fake_text(c), "too long") != NULL, "%s", fake_text(c));
		fake_free(c);
		c = node_stream(&f, "/short", "t");
		snprintf(body, sizeof body, "{\"event\":\"ss-join\",\"data\":\"%s\"}", addr);
		node_told(&f, "/short", "t", body, 413, "too long");
		node_gone(&f, c);
		addr[f.conf.star_addr_bytes + 1] = 'x';
	}
}

static void
test_length_of_tokens(void **state)
{
	char token[258];
	struct fake_conn *c;

	(void)state;
	memset(token, 'x', sizeof token);
	token[255] = '\0';
	c = node_stream(&f, "/a", token);
	node_gone(&f, c);
	token[255] = 'x';
	token[256] = '\0';
	c = fake_get(&f, node_uri("/b", token, ""), NULL);
	assert_int_equal(fake_status(c), 400);
	fake_free(c);
}

/* n and n + 1 multiaddrs of one peer. */
static void
test_limit_of_one_peer(void **state)
{
	struct fake_conn *c = node_stream(&f, "/0", "t"), *d;

	(void)state;
	f.conf.star_addrs = 3;
	node_told(&f, "/0", "t", "[" EVENT("ss-join", "/1") "," EVENT("ss-join", "/2") "," EVENT("ss-join", "/3") "]", 200,
	    "[{\"result\":\"joined\"},{\"result\":\"joined\"},{\"result\":\"refused\",\"status\":429");
	node_told(&f, "/0", "t", EVENT("ss-join", "/2"), 200, "joined");	/* again */
	node_told(&f, "/0", "t", EVENT("ss-leave", "/1"), 200, "left");
	node_told(&f, "/0", "t", EVENT("ss-join", "/3"), 200, "joined");
	d = node_stream(&f, "/4", "t");		/* another peer's count */
	node_gone(&f, c);
	node_gone(&f, d);
}

/* n and n + 1 multiaddrs of all. */
static void
test_limit_of_all(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t"), *b = node_stream(&f, "/b", "t"), *c;

	(void)state;
	f.conf.max_peers = 2;
	c = fake_get(&f, node_uri("/c", "t", ""), NULL);
	row_assert(fake_status(c) == 429 && strstr(fake_text(c), "Retry-After") != NULL, "%s", fake_text(c));
	fake_free(c);
	node_told(&f, "/a", "t", EVENT("ss-join", "/c"), 429, "as many multiaddrs as it takes");
	node_gone(&f, a);
	a = node_stream(&f, "/a", "t");		/* one that is there */
	node_told(&f, "/b", "t", EVENT("ss-leave", "/b"), 200, "left");
	c = node_stream(&f, "/c", "t");
	node_gone(&f, a);
	node_gone(&f, b);
	node_gone(&f, c);
}

static void
test_final_is_final(void **state)
{
	struct fake_conn *c = fake_get(&f, node_uri("/a", "t", ""), "final");

	(void)state;
	assert_int_equal(fake_status(c), 204);
	fake_free(c);
}

/* ---- a token of ours ---- */

static void
token_of(struct fake_conn *c, char token[64])
{
	char got[512];

	assert_true(fake_event(c, "joined", 0, got, sizeof got));
	assert_int_equal(sscanf(got, "{\"addr\":\"/a\",\"token\":\"%32[0-9a-f]\"}", token), 1);
}

/* EventSource names nothing but what it got as an id. */
static void
test_no_token(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", NULL), *b = node_stream(&f, "/b", "t");
	char token[64], id[160], got[256];

	(void)state;
	token_of(a, token);
	node_told(&f, "/b", "t", SHAKE("/b", "/a", ",\"n\":1"), 200, "present");
	node_told(&f, "/a", token, SHAKE("/a", "/b", ",\"n\":2"), 200, "present");
	assert_true(fake_id(a, id, sizeof id));
	node_gone(&f, a);
	node_told(&f, "/b", "t", SHAKE("/b", "/a", ",\"n\":3"), 200, "queued");
	a = fake_get(&f, node_uri("/a", NULL, ""), id);
	node_hears(a, 0, SHAKE_BODY("/b", "/a", ",\"n\":3"));
	assert_false(fake_event(a, "joined", 0, got, sizeof got));
	node_told(&f, "/a", token, SHAKE("/a", "/b", ",\"n\":4"), 200, "present");
	node_hears(b, 1, SHAKE_BODY("/a", "/b", ",\"n\":4"));
	node_told(&f, "/a", NULL, "{}", 400, "token is missing");
	node_gone(&f, a);
	node_gone(&f, b);
}

/* Its cursor brings the same token back, though the mailbox is gone. */
static void
test_no_token_and_late(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", NULL);
	char token[64], again[64], id[160], got[256];

	(void)state;
	token_of(a, token);
	assert_true(fake_id(a, id, sizeof id));
	node_gone(&f, a);
	fake_pass(&f, f.conf.away_ms + 5000);
	a = fake_get(&f, node_uri("/a", NULL, ""), id);
	assert_true(fake_event(a, "gap", 0, got, sizeof got));
	token_of(a, again);
	assert_string_equal(token, again);
	node_gone(&f, a);
}

/* ---- the same multiaddr again ---- */

static void
test_same_token_takes_over(void **state)
{
	struct fake_conn *old = node_stream(&f, "/a", "t"), *new = node_stream(&f, "/a", "t");

	(void)state;
	last_event(old, "superseded", "{\"reason\":\"another stream receives for this mailbox now\"}");
	node_gone(&f, old);
	node_gone(&f, new);
}

static void
test_other_token_waits_and_is_refused(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t"), *thief;
	int64_t n;

	(void)state;
	thief = fake_get(&f, node_uri("/a", "u", ""), NULL);
	assert_int_equal(fake_status(thief), 0);	/* the holder is being asked */
	fake_pass(&f, 500);
	last_event(thief, "addr-taken", TAKEN);
	assert_false(a->conn.over);
	node_told(&f, "/a", "u", SHAKE("/a", "/a", ""), 401, "not that of who joined");
	assert_int_equal(store_claim_total(f.hub.store, STAR_REALM, &n), 0);
	assert_int_equal(n, 1);
	node_gone(&f, thief);
	node_gone(&f, a);
}

/* A page that is loaded again gets its multiaddr and what waits for it, once, when the old stream is gone. */
static void
test_other_token_inherits(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t"), *b = node_stream(&f, "/b", "t"), *again;

	(void)state;
	node_told(&f, "/b", "t", SHAKE("/b", "/a", ",\"n\":1"), 200, "present");
	fake_gone(&f, a);
	node_told(&f, "/b", "t", SHAKE("/b", "/a", ",\"n\":2"), 200, "queued");
	again = fake_get(&f, node_uri("/a", "u", ""), NULL);
	assert_int_equal(fake_status(again), 0);
	fake_pass(&f, f.conf.grace_ms + 100);
	node_hears(again, 0, SHAKE_BODY("/b", "/a", ",\"n\":2"));
	node_hears_no_more(again, 1);		/* the first was taken by the page before */
	node_told(&f, "/a", "t", SHAKE("/a", "/b", ""), 401, "not that of who joined");
	node_told(&f, "/a", "u", SHAKE("/a", "/b", ""), 200, "present");
	fake_free(a);
	node_gone(&f, b);
	node_gone(&f, again);
}

/* The one before comes back, is told, and does not join again. */
static void
test_who_lost_it_is_told(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t"), *again;
	char id[128];

	(void)state;
	assert_true(fake_id(a, id, sizeof id));
	node_gone(&f, a);
	again = fake_get(&f, node_uri("/a", "u", ""), NULL);
	fake_pass(&f, f.conf.grace_ms + 100);
	a = fake_get(&f, node_uri("/a", "t", ""), id);
	last_event(a, "close", PASSED);
	fake_free(a);
	assert_false(again->conn.over);
	node_gone(&f, again);
}

/* Only what waits for that multiaddr passes on; the mailbox lives as long as it has another. */
static void
test_one_of_several_passes_on(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t"), *b = node_stream(&f, "/b", "t"), *again;
	char id[128];

	(void)state;
	node_told(&f, "/a", "t", EVENT("ss-join", "/a2"), 200, "joined");
	assert_true(fake_id(a, id, sizeof id));
	node_gone(&f, a);
	node_told(&f, "/b", "t", "[" SHAKE("/b", "/a", ",\"n\":1") "," SHAKE("/b", "/a2", ",\"n\":2") ","
	    SHAKE("/a", "/b", ",\"n\":3,\"answer\":true") "," SHAKE("/b", "/a", ",\"n\":4") "," SHAKE("/b", "/no", "") "]", 200,
	    "[{\"result\":\"queued\"},{\"result\":\"queued\"},{\"result\":\"queued\"},{\"result\":\"queued\"}");
	again = fake_get(&f, node_uri("/a", "u", ""), NULL);
	fake_pass(&f, f.conf.grace_ms + 100);
	node_hears(again, 0, SHAKE_BODY("/b", "/a", ",\"n\":1"));
	node_hears(again, 1, SHAKE_BODY("/a", "/b", ",\"n\":3,\"answer\":true"));
	node_hears(again, 2, SHAKE_BODY("/b", "/a", ",\"n\":4"));
	node_hears_no_more(again, 3);
	a = fake_get(&f, node_uri("/a", "t", ""), id);
	node_hears(a, 0, SHAKE_BODY("/b", "/a2", ",\"n\":2"));
	node_hears_no_more(a, 1);
	assert_false(a->conn.over);
	node_told(&f, "/a", "t", SHAKE("/a", "/b", ""), 403, "has not joined srcMultiaddr");
	node_told(&f, "/a", "t", SHAKE("/a2", "/b", ""), 200, "present");
	node_gone(&f, again);
	node_gone(&f, a);
	node_gone(&f, b);
}

/* A mailbox that has read further than what waits for the multiaddr gets it all the same. */
static void
test_passes_on_to_who_is_further(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t"), *b = node_stream(&f, "/b", "t"), *post;

	(void)state;
	fake_gone(&f, a);
	node_told(&f, "/b", "t", SHAKE("/b", "/a", ",\"n\":1"), 200, "queued");
	node_told(&f, "/b", "t", SHAKE("/b", "/b", ",\"n\":2"), 200, "present");
	node_hears(b, 0, SHAKE_BODY("/b", "/b", ",\"n\":2"));
	post = fake_post(&f, node_uri("/b", "t", ""), EVENT("ss-join", "/a"));
	assert_int_equal(fake_status(post), 0);
	fake_pass(&f, f.conf.grace_ms + 100);
	row_assert(strstr(fake_text(post), "{\"result\":\"joined\"}") != NULL, "%s", fake_text(post));
	node_hears(b, 1, SHAKE_BODY("/b", "/a", ",\"n\":1"));
	node_hears_no_more(b, 2);
	fake_free(post);
	fake_free(a);
	node_gone(&f, b);
}

/* More than are looked up at once. */
static void
test_much_passes_on(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t"), *b = node_stream(&f, "/b", "t"), *again;
	int i;

	(void)state;
	node_told(&f, "/a", "t", EVENT("ss-join", "/a2"), 200, "joined");
	fake_gone(&f, a);
	for (i = 0; i < 200; i++)
		node_told(&f, "/b", "t", i % 3 == 0 ? SHAKE("/b", "/a2", "") : SHAKE("/b", "/a", ""), 200, "queued");
	again = fake_get(&f, node_uri("/a", "u", ""), NULL);
	fake_pass(&f, f.conf.grace_ms + 100);
	node_hears(again, 132, SHAKE_BODY("/b", "/a", ""));
	node_hears_no_more(again, 133);
	fake_free(a);
	node_gone(&f, b);
	node_gone(&f, again);
}

/* Each had a holder of its own: the verdicts come one after the other, as many as a request keeps. */
static void
test_contests_in_one_request(void **state)
{
	static const char *const addrs[] = { "/1", "/2", "/3", "/4", "/5" };
	struct fake_conn *c = node_stream(&f, "/c", "t"), *post;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(addrs); i++)
		node_gone(&f, node_stream(&f, addrs[i], "t"));
	post = fake_post(&f, node_uri("/c", "t", ""), "[" EVENT("ss-join", "/1") "," EVENT("ss-join", "/2") ","
	    EVENT("ss-join", "/3") "," EVENT("ss-join", "/4") "," EVENT("ss-join", "/5") "]");
	fake_pass(&f, REQ_CONTESTS * f.conf.grace_ms - 200);
	assert_int_equal(fake_status(post), 0);
	fake_pass(&f, 700);
	row_assert(strstr(fake_text(post), "[{\"result\":\"joined\"},{\"result\":\"joined\"},{\"result\":\"joined\"},"
	    "{\"result\":\"joined\"},{\"result\":\"refused\",\"status\":409") != NULL, "%s", fake_text(post));
	fake_free(post);
	node_gone(&f, c);
}

static void
test_late_request_takes_nothing_over(void **state)
{
	struct fake_conn *late, *live = fake_get(&f, node_uri("/a", "t", "&order=7"), NULL);

	(void)state;
	late = fake_get(&f, node_uri("/a", "t", "&order=6"), NULL);
	assert_int_equal(fake_status(late), 204);
	assert_false(live->conn.over);
	fake_free(late);
	node_gone(&f, live);
}

/* ---- going on ---- */

static void
test_cursor_goes_on(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t"), *b = node_stream(&f, "/b", "t");
	char id[128], more[160], got[256];

	(void)state;
	node_told(&f, "/b", "t", SHAKE("/b", "/a", ",\"n\":1"), 200, "present");
	assert_true(fake_id(a, id, sizeof id));
	node_gone(&f, a);
	node_told(&f, "/b", "t", SHAKE("/b", "/a", ",\"n\":2"), 200, "queued");
	a = fake_get(&f, node_uri("/a", "t", ""), id);
	node_hears(a, 0, SHAKE_BODY("/b", "/a", ",\"n\":2"));
	node_hears_no_more(a, 1);
	node_gone(&f, a);
	snprintf(more, sizeof more, "&cursor=%s", id);
	a = fake_get(&f, node_uri("/a", "t", more), NULL);
	node_hears(a, 0, SHAKE_BODY("/b", "/a", ",\"n\":2"));
	assert_false(fake_event(a, "gap", 0, got, sizeof got));
	assert_false(fake_event(a, "joined", 0, got, sizeof got));
	node_gone(&f, a);
	node_gone(&f, b);
}

static void
test_left_is_told_and_not_joined_again(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t");
	char id[128];

	(void)state;
	assert_true(fake_id(a, id, sizeof id));
	node_told(&f, "/a", "t", EVENT("ss-leave", "/a"), 200, "left");
	last_event(a, "close", "{\"reason\":\"left\"}");
	fake_free(a);
	a = fake_get(&f, node_uri("/a", "t", ""), id);
	last_event(a, "close", "{\"reason\":\"left\"}");
	fake_free(a);
	node_told(&f, "/a", "t", EVENT("ss-join", "/a"), 401, "nobody has joined");
	a = node_stream(&f, "/a", "another");	/* free at once */
	node_gone(&f, a);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_refused_streams), T(test_length_of_multiaddrs), T(test_length_of_tokens),
		T(test_limit_of_one_peer), T(test_limit_of_all), T(test_final_is_final),
		T(test_no_token), T(test_no_token_and_late),
		T(test_same_token_takes_over), T(test_other_token_waits_and_is_refused),
		T(test_other_token_inherits), T(test_who_lost_it_is_told), T(test_one_of_several_passes_on),
		T(test_passes_on_to_who_is_further), T(test_much_passes_on), T(test_contests_in_one_request),
		T(test_late_request_takes_nothing_over), T(test_cursor_goes_on),
		T(test_left_is_told_and_not_joined_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
