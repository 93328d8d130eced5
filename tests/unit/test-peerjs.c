/*
 * test-peerjs - PeerJS over a hub with a clock that stands still: ids, streams, takeovers, the old
 * wire. What messages do: test-peerjs-talk.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "hub-private.h"
#include "peer.h"

#define TAKEN "{\"type\":\"ID-TAKEN\",\"payload\":{\"msg\":\"ID is taken\"}}"

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
error_text(char *out, size_t size, const char *msg)
{
	snprintf(out, size, "{\"type\":\"ERROR\",\"payload\":{\"msg\":\"%s\"}}", msg);
}

/* ---- who may open ---- */

static void
test_refused_streams(void **state)
{
	static const struct { const char *why, *uri, *msg; } rows[] = {
		{ "unknown key", "/peerjs?key=nope&id=a&token=t", "Invalid key provided" },
		{ "no key", "/peerjs?id=a&token=t", "No id, token, or key supplied to websocket server" },
		{ "no id", "/peerjs?key=peerjs&token=t", "No id, token, or key supplied to websocket server" },
		{ "empty id", "/peerjs?key=peerjs&id=&token=t", "No id, token, or key supplied to websocket server" },
		{ "no token", "/peerjs?key=peerjs&id=a", "No id, token, or key supplied to websocket server" },
		{ "control character", "/peerjs?key=peerjs&id=a%0Ab&token=t", "Invalid id provided" },
		{ "NUL", "/peerjs?key=peerjs&id=a%00b&token=t", "Invalid id provided" },
		{ "no UTF-8", "/peerjs?key=peerjs&id=%ff&token=t", "Invalid id provided" },
		{ "token with a line end", "/peerjs?key=peerjs&id=a&token=a%0d%0ab", "Invalid token provided" },
		{ "key with a line end", "/peerjs?key=%0a&id=a&token=t", "Invalid key provided" },
	};
	char want[256];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct fake_conn *c = fake_get(&f, rows[i].uri, NULL);

		row_assert(fake_status(c) == 200 && c->conn.over, "%s", rows[i].why);
		error_text(want, sizeof want, rows[i].msg);
		peer_hears(c, 0, want);
		row_assert(strstr(fake_text(c), "id: final\n") != NULL, "%s", rows[i].why);
		fake_free(c);
	}
}

/* n and n + 1 of an id's length. */
static void
test_length_of_ids(void **state)
{
	char id[258];
	struct fake_conn *c;

	(void)state;
	memset(id, 'x', sizeof id);
	id[255] = '\0';
	c = peer_stream(&f, id, "t");
	peer_gone(&f, c);
	id[255] = 'x';
	id[256] = '\0';
	c = fake_get(&f, peer_uri(id, "t", ""), NULL);
	peer_hears(c, 0, "{\"type\":\"ERROR\",\"payload\":{\"msg\":\"Invalid id provided\"}}");
	fake_free(c);
}

static void
test_limit_of_peers(void **state)
{
	static const char full[] =
	    "{\"type\":\"ERROR\",\"payload\":{\"msg\":\"Server has reached its concurrent user limit\"}}";
	struct fake_conn *a, *b, *c;

	(void)state;
	f.conf.max_peers = 2;
	a = peer_stream(&f, "a", "t");
	b = peer_stream(&f, "b", "t");
	c = fake_get(&f, peer_uri("c", "t", ""), NULL);
	peer_hears(c, 0, full);
	fake_free(c);
	peer_told(&f, "b", "t", "{\"type\":\"LEAVE\"}", 200, "left");	/* makes room */
	c = peer_stream(&f, "c", "t");
	peer_gone(&f, a);
	fake_pass(&f, f.conf.grace_ms - 100);
	a = fake_get(&f, peer_uri("d", "t", ""), NULL);
	peer_hears(a, 0, full);			/* a may come back yet */
	fake_free(a);
	fake_pass(&f, 200);
	a = peer_stream(&f, "d", "t");
	peer_told(&f, "a", "t", "{\"type\":\"HEARTBEAT\"}", 401, "Invalid token");
	peer_gone(&f, a);
	peer_gone(&f, b);
	peer_gone(&f, c);
}

/* ---- the same id again ---- */

static void
test_same_token_takes_over(void **state)
{
	struct fake_conn *old = peer_stream(&f, "a", "t"), *new = peer_stream(&f, "a", "t");
	char got[256];

	(void)state;
	assert_true(old->conn.over);
	assert_true(fake_event(old, "superseded", 0, got, sizeof got));
	peer_told(&f, "b", "t", "{}", 401, "Invalid token");
	peer_gone(&f, old);
	peer_gone(&f, new);
}

static void
test_other_token_waits_and_is_refused(void **state)
{
	struct fake_conn *a = peer_stream(&f, "a", "t"), *thief;

	(void)state;
	thief = fake_get(&f, peer_uri("a", "u", ""), NULL);
	assert_int_equal(fake_status(thief), 0);	/* the holder is being asked */
	fake_pass(&f, 500);
	peer_hears(thief, 0, TAKEN);
	assert_true(thief->conn.over);
	assert_false(a->conn.over);
	peer_gone(&f, thief);
	peer_gone(&f, a);
}

/* A page that is loaded again with a new token gets its id when the old stream is seen to be gone. */
static void
test_other_token_inherits(void **state)
{
	struct fake_conn *a = peer_stream(&f, "a", "t"), *b = peer_stream(&f, "b", "t"), *again;

	(void)state;
	peer_told(&f, "b", "t", "{\"type\":\"OFFER\",\"dst\":\"a\",\"payload\":1}", 200, "present");
	fake_gone(&f, a);
	peer_told(&f, "b", "t", "{\"type\":\"CANDIDATE\",\"dst\":\"a\",\"payload\":2}", 200, "queued");
	again = fake_get(&f, peer_uri("a", "u", ""), NULL);
	assert_int_equal(fake_status(again), 0);
	fake_pass(&f, f.conf.grace_ms + 100);
	peer_hears(again, 0, OPEN_TEXT);
	peer_hears(again, 1, "{\"type\":\"CANDIDATE\",\"src\":\"b\",\"dst\":\"a\",\"payload\":2}");
	peer_hears_no_more(again, 2);		/* the offer was taken by the page before */
	peer_told(&f, "a", "t", "{\"type\":\"HEARTBEAT\"}", 401, "Invalid token provided");
	fake_free(a);
	peer_gone(&f, b);
	peer_gone(&f, again);
}

static void
test_late_request_takes_nothing_over(void **state)
{
	struct fake_conn *late, *live = fake_get(&f, peer_uri("a", "t", "&order=7"), NULL);

	(void)state;
	late = fake_get(&f, peer_uri("a", "t", "&order=6"), NULL);
	assert_int_equal(fake_status(late), 204);
	assert_false(live->conn.over);
	fake_free(late);
	late = fake_get(&f, peer_uri("a", "t", "&order=x"), NULL);
	assert_int_equal(fake_status(late), 400);
	fake_free(late);
	late = fake_get(&f, peer_uri("a", "t", "&order=7"), NULL);
	assert_int_equal(fake_status(late), 200);
	assert_true(live->conn.over);
	peer_gone(&f, live);
	peer_gone(&f, late);
}

/* ---- going on ---- */

static void
test_cursor_goes_on(void **state)
{
	struct fake_conn *a = peer_stream(&f, "a", "t"), *b = peer_stream(&f, "b", "t");
	char id[128], more[160], got[256];

	(void)state;
	peer_told(&f, "b", "t", "{\"type\":\"OFFER\",\"dst\":\"a\",\"payload\":1}", 200, "present");
	assert_true(fake_id(a, id, sizeof id));
	peer_gone(&f, a);
	peer_told(&f, "b", "t", "{\"type\":\"OFFER\",\"dst\":\"a\",\"payload\":2}", 200, "queued");
	snprintf(more, sizeof more, "&cursor=%s", id);
	a = fake_get(&f, peer_uri("a", "t", more), NULL);
	peer_hears(a, 0, "{\"type\":\"OFFER\",\"src\":\"b\",\"dst\":\"a\",\"payload\":2}");
	peer_gone(&f, a);
	a = fake_get(&f, peer_uri("a", "t", ""), id);		/* the same in the header */
	peer_hears(a, 0, "{\"type\":\"OFFER\",\"src\":\"b\",\"dst\":\"a\",\"payload\":2}");
	assert_false(fake_event(a, "gap", 0, got, sizeof got));
	peer_gone(&f, a);
	peer_gone(&f, b);
}

/* Who comes back so late that its mailbox is gone goes on, without OPEN, and is told of the gap. */
static void
test_cursor_of_a_mailbox_that_is_gone(void **state)
{
	struct fake_conn *a = peer_stream(&f, "a", "t");
	char id[128], got[256];

	(void)state;
	assert_true(fake_id(a, id, sizeof id));
	peer_gone(&f, a);
	fake_pass(&f, f.conf.away_ms + 5000);
	a = fake_get(&f, peer_uri("a", "t", ""), id);
	assert_true(fake_event(a, "gap", 0, got, sizeof got));
	peer_hears_no_more(a, 0);
	peer_told(&f, "a", "t", "{\"type\":\"HEARTBEAT\"}", 200, "heard");
	peer_gone(&f, a);
}

/* A poll that was under way when its client left is followed by no new claim. */
static void
test_left_is_told_and_not_claimed_again(void **state)
{
	struct fake_conn *a = peer_stream(&f, "a", "t");
	char id[128], got[256];
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {		/* with the same token twice */
		assert_true(fake_id(a, id, sizeof id));
		peer_told(&f, "a", "t", "{\"type\":\"LEAVE\"}", 200, "left");
		fake_free(a);
		a = fake_get(&f, peer_uri("a", "t", ""), id);
		assert_true(fake_event(a, "close", 0, got, sizeof got));
		assert_true(a->conn.over);
		fake_free(a);
		peer_told(&f, "a", "t", "{\"type\":\"HEARTBEAT\"}", 401, "Invalid token");
		a = peer_stream(&f, "a", "t");	/* without a cursor it begins again */
	}
	peer_gone(&f, a);
}

static void
test_final_is_final(void **state)
{
	struct fake_conn *c = fake_get(&f, peer_uri("a", "t", ""), "final");

	(void)state;
	assert_int_equal(fake_status(c), 204);
	fake_free(c);
	c = fake_get(&f, peer_uri("a", "t", "&cursor=final"), NULL);
	assert_int_equal(fake_status(c), 204);
	fake_free(c);
}

static void
test_poll(void **state)
{
	struct fake_conn *c = fake_get(&f, peer_uri("a", "t", "&transport=poll"), NULL);
	char cursor[128], uri[256];
	const char *p;

	(void)state;
	p = strstr(fake_text(c), "{\"messages\":[{\"type\":\"OPEN\"}],\"cursor\":\"");
	assert_non_null(p);
	sscanf(p, "{\"messages\":[{\"type\":\"OPEN\"}],\"cursor\":\"%127[^\"]", cursor);
	fake_free(c);
	snprintf(uri, sizeof uri, "&transport=poll&cursor=%s", cursor);
	c = fake_get(&f, peer_uri("a", "t", uri), NULL);
	fake_pass(&f, 1000);
	assert_null(strstr(fake_text(c), "messages"));	/* it waits */
	peer_gone(&f, peer_stream(&f, "b", "t"));
	peer_told(&f, "b", "t", "{\"type\":\"ANSWER\",\"dst\":\"a\"}", 200, "present");
	assert_non_null(strstr(fake_text(c), "{\"messages\":[{\"type\":\"ANSWER\",\"src\":\"b\",\"dst\":\"a\"}]"));
	fake_free(c);
	c = fake_get(&f, peer_uri("c", "t", "&transport=carrier-pigeon"), NULL);
	assert_int_equal(fake_status(c), 400);
	fake_free(c);
	c = fake_get(&f, "/peerjs?key=x&id=a&token=t&transport=poll", NULL);
	assert_non_null(strstr(fake_text(c), "Invalid key provided\"}}],\"cursor\":\"final\",\"final\":true}"));
	fake_free(c);
}

/* ---- WebSocket requests ---- */

static void
test_upgrade_is_left_hanging(void **state)
{
	static const char *const ws[] = { "HTTP_SEC_WEBSOCKET_KEY=abc", NULL };
	struct fake_conn *old = fake_request(&f, "GET", peer_uri("a", "t", ""), NULL, ws);
	struct fake_conn *new = fake_request(&f, "GET", peer_uri("a", "t", "&version=1.5.5"), NULL, ws);

	(void)state;
	struct fake_conn *left = fake_request(&f, "GET", peer_uri("a", "t", ""), NULL, ws);

	fake_gone(&f, left);
	fake_free(left);
	fake_pass(&f, HUB_SILENT_MS - 1000);
	assert_string_equal(fake_text(old), "");
	assert_false(old->conn.over);
	assert_int_equal(fake_status(new), 501);
	fake_pass(&f, 2000);			/* no browser waits that long */
	assert_true(old->conn.over);
	fake_free(old);
	fake_free(new);
}

/* ---- asking ---- */

static void
test_ids_and_peers(void **state)
{
	struct fake_conn *a = peer_stream(&f, "a", "t"), *b = peer_stream(&f, "b\"", "t"), *c;

	(void)state;
	c = fake_get(&f, "/peerjs/id?ts=1", NULL);
	assert_int_equal(fake_status(c), 200);
	assert_int_equal(strlen(strstr(fake_text(c), "\r\n\r\n") + 4), 36);
	fake_free(c);
	c = fake_get(&f, "/peerjs/peers", NULL);
	assert_int_equal(fake_status(c), 401);
	fake_free(c);
	assert_int_equal(hub_begin(&f.hub), 0);
	assert_int_equal(store_key_set(f.hub.store, STR("peerjs"), true), 0);
	fake_pass(&f, HUB_KEY_FRESH_MS);
	c = fake_get(&f, "/peerjs/peers/", NULL);
	assert_non_null(strstr(fake_text(c), "[\"a\",\"b\\\"\"]"));
	fake_free(c);
	peer_gone(&f, b);
	c = fake_get(&f, "/peerjs/peers", NULL);
	assert_non_null(strstr(fake_text(c), "[\"a\"]"));	/* away is not present */
	fake_free(c);
	c = fake_get(&f, "/nope/id", NULL);
	assert_int_equal(fake_status(c), 401);
	fake_free(c);
	peer_gone(&f, a);
}

/* ---- the old wire ---- */

static int
lines(struct fake_conn *c)
{
	const char *p = strstr(fake_text(c), "\r\n\r\n");
	int n = 0;

	for (p = p == NULL ? "" : p + 4; (p = strchr(p, '\n')) != NULL; p++)
		n++;
	return n;
}

static struct fake_conn *
old_stream(const char *i)
{
	char uri[128];

	snprintf(uri, sizeof uri, "/peerjs/a/t/id?i=%s", i);
	return fake_post(&f, uri, "");
}

static void
test_old_stream_paces(void **state)
{
	struct fake_conn *a = old_stream("0"), *b = peer_stream(&f, "b", "t");

	(void)state;
	assert_int_equal(lines(a), 2);
	assert_non_null(strstr(fake_text(a), "00000000\n" OPEN_TEXT "\n"));
	peer_told(&f, "b", "t", "[{\"type\":\"OFFER\",\"dst\":\"a\"},{\"type\":\"OFFER\",\"dst\":\"a\"}]", 200, "present");
	assert_int_equal(lines(a), 2);		/* OPEN was just now */
	fake_pass(&f, 50);
	assert_int_equal(lines(a), 2);
	fake_pass(&f, 10);
	assert_int_equal(lines(a), 3);
	fake_pass(&f, 60);
	assert_int_equal(lines(a), 4);
	fake_pass(&f, 70);
	assert_int_equal(lines(a), 5);		/* the filler */
	assert_non_null(strstr(fake_text(a), "\n{\"type\":\"NOP\"}\n"));
	fake_pass(&f, 1000);
	assert_int_equal(lines(a), 5);
	peer_gone(&f, a);
	peer_gone(&f, b);
}

/* Web servers notice a departure with the second write: the proof waits for the pause to be over. */
static void
test_old_stream_is_proven_by_two_beats(void **state)
{
	struct fake_conn *a = old_stream("0"), *thief = fake_get(&f, peer_uri("a", "u", ""), NULL);
	int before = lines(a);

	(void)state;
	fake_pass(&f, 50);
	assert_int_equal(lines(a), before);
	fake_pass(&f, 150);
	assert_int_equal(fake_status(thief), 0);	/* one beat so far */
	fake_pass(&f, 400);
	assert_int_equal(lines(a), before + 2);
	peer_hears(thief, 0, TAKEN);
	peer_gone(&f, a);
	peer_gone(&f, thief);
}

/* i one higher goes on without OPEN and without a loss; i=0 begins again. */
static void
test_old_stream_hand_over(void **state)
{
	struct fake_conn *a = old_stream("0"), *b = peer_stream(&f, "b", "t"), *next;

	(void)state;
	fake_pass(&f, 100);
	peer_told(&f, "b", "t", "{\"type\":\"OFFER\",\"dst\":\"a\",\"payload\":1}", 200, "present");
	peer_told(&f, "b", "t", "{\"type\":\"OFFER\",\"dst\":\"a\",\"payload\":2}", 200, "present");
	next = old_stream("1");
	assert_true(a->conn.over);
	assert_int_equal(lines(next), 1);
	fake_pass(&f, 100);
	assert_int_equal(lines(next), 2);
	assert_non_null(strstr(fake_text(next), "\"payload\":2}"));
	assert_null(strstr(fake_text(next), "\"payload\":1}"));
	peer_gone(&f, a);
	a = old_stream("0");
	assert_non_null(strstr(fake_text(a), OPEN_TEXT));
	peer_gone(&f, a);
	peer_gone(&f, next);
	peer_gone(&f, b);
}

static void
test_old_messages(void **state)
{
	struct fake_conn *a = old_stream("0"), *b = peer_stream(&f, "b", "t"), *c;

	(void)state;
	c = fake_post(&f, "/peerjs/a/t/offer", "{\"type\":\"OFFER\",\"dst\":\"b\",\"payload\":{}}");
	assert_int_equal(fake_status(c), 200);
	peer_hears(b, 1, "{\"type\":\"OFFER\",\"src\":\"a\",\"dst\":\"b\",\"payload\":{}}");
	fake_free(c);
	c = fake_post(&f, "/peerjs/a/u/offer", "{\"type\":\"OFFER\",\"dst\":\"b\"}");
	assert_int_equal(fake_status(c), 401);
	assert_non_null(strstr(fake_text(c), "\r\n\r\nInvalid token provided"));
	fake_free(c);
	c = fake_post(&f, "/nope/a/t/answer", "{\"type\":\"OFFER\",\"dst\":\"b\"}");
	assert_non_null(strstr(fake_text(c), "\r\n\r\nInvalid key provided"));
	fake_free(c);
	c = fake_post(&f, "/nope/a/t/id", "");
	assert_non_null(strstr(fake_text(c), "Invalid key provided\"}}\n{\"type\":\"HTTP-ERROR\"}\n"));
	fake_free(c);
	c = fake_get(&f, "/peerjs/a/t/offer", NULL);
	assert_int_equal(fake_status(c), 405);
	fake_free(c);
	peer_gone(&f, a);
	peer_gone(&f, b);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_refused_streams), T(test_length_of_ids), T(test_limit_of_peers),
		T(test_same_token_takes_over), T(test_other_token_waits_and_is_refused),
		T(test_other_token_inherits), T(test_late_request_takes_nothing_over),
		T(test_cursor_goes_on), T(test_cursor_of_a_mailbox_that_is_gone), T(test_final_is_final),
		T(test_left_is_told_and_not_claimed_again),
		T(test_poll), T(test_upgrade_is_left_hanging), T(test_ids_and_peers),
		T(test_old_stream_paces), T(test_old_stream_is_proven_by_two_beats),
		T(test_old_stream_hand_over), T(test_old_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
