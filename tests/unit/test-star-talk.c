/* test-star-talk - the events of webrtc-star: joined, left, relayed, returned, refused. */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "err.h"
#include "hub-private.h"
#include "json.h"
#include "node.h"
#include "proto-star.h"

static struct fake f;
static struct fake_conn *a, *b;		/* two peers, /a and /b */

static int
setup(void **state)
{
	(void)state;
	fake_start(&f);
	fake_run(&f);
	a = node_stream(&f, "/a", "t");
	b = node_stream(&f, "/b", "t");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	node_gone(&f, a);
	node_gone(&f, b);
	fake_stop(&f);
	return 0;
}

/* ---- relaying ---- */

static void
test_relayed_as_written(void **state)
{
	static const struct { const char *why, *in, *out; } rows[] = {
		{ "every member, in its order", "{\"intentId\":\"x\",\"srcMultiaddr\":\"/a\",\"y\":[1, 2],\"dstMultiaddr\":\"/b\",\"signal\":"
		  "{\"type\":\"offer\",\"sdp\":\"v=0\\r\\n\"}}", NULL },
		{ "numbers no double holds", SHAKE_BODY("/a", "/b", ",\"n\":12345678901234567890123,\"z\":-0"), NULL },
		{ "blanks", "{ \"srcMultiaddr\" :\"/a\" , \"dstMultiaddr\":\t\"/b\" }", NULL },
		{ "escapes", "{\"src\\u004dultiaddr\":\"\\u002fa\",\"dstMultiaddr\":\"\\/b\",\"s\":\"\\ud800\"}", NULL },
		{ "the last member counts", "{\"srcMultiaddr\":\"/x\",\"srcMultiaddr\":\"/a\",\"dstMultiaddr\":5,\"dstMultiaddr\":\"/b\"}", NULL },
		{ "answer that is not true", SHAKE_BODY("/a", "/b", ",\"answer\":false"), NULL },
		{ "an err of its own", SHAKE_BODY("/a", "/b", ",\"err\":\"mine\""), NULL },
		{ "line ends between tokens", "{\"srcMultiaddr\":\"/a\",\n\"dstMultiaddr\":\"/b\",\r\n\"s\":\"\\r\\n\"}",
		  "{\"srcMultiaddr\":\"/a\",\"dstMultiaddr\":\"/b\",\"s\":\"\\r\\n\"}" },
	};
	char body[1024];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		snprintf(body, sizeof body, "{\"event\":\"ss-handshake\",\"data\":%s}", rows[i].in);
		node_told(&f, "/a", "t", body, 200, "{\"result\":\"present\"}\n");
		node_hears(b, (int)i, rows[i].out != NULL ? rows[i].out : rows[i].in);
	}
	node_hears_no_more(b, (int)i);
	node_hears_no_more(a, 0);
}

/* An answer goes to src, and only who holds dst may send it. */
static void
test_answer(void **state)
{
	(void)state;
	node_told(&f, "/b", "t", SHAKE("/a", "/b", ",\"answer\":true"), 200, "present");
	node_hears(a, 0, SHAKE_BODY("/a", "/b", ",\"answer\":true"));
	node_told(&f, "/a", "t", SHAKE("/a", "/b", ",\"answer\":true"), 403, "has not joined dstMultiaddr");
	node_told(&f, "/b", "t", SHAKE("/gone", "/b", ",\"answer\":true"), 200, "returned");
	node_hears(b, 0, SHAKE_BODY("/gone", "/b", ",\"answer\":true" GONE));
}

static void
test_returned(void **state)
{
	(void)state;
	node_told(&f, "/a", "t", SHAKE("/a", "/nobody", ",\"n\":1"), 200, "{\"result\":\"returned\"}");
	node_hears(a, 0, SHAKE_BODY("/a", "/nobody", ",\"n\":1" GONE));
	node_hears_no_more(a, 1);
}

static void
test_only_its_holder_sends(void **state)
{
	(void)state;
	node_told(&f, "/a", "t", SHAKE("/b", "/a", ""), 403, "has not joined srcMultiaddr");
	node_told(&f, "/a", "t", SHAKE("/nobody", "/b", ""), 403, "has not joined srcMultiaddr");
	node_told(&f, "/a", "wrong", SHAKE("/a", "/b", ""), 401, "not that of who joined");
	node_told(&f, "/z", "t", SHAKE("/a", "/b", ""), 401, "nobody has joined this multiaddr");
	node_told(&f, "/a", "t", EVENT("ss-join", "/a2"), 200, "joined");
	node_told(&f, "/a", "t", SHAKE("/a2", "/b", ""), 200, "present");
	node_told(&f, "/a", "t", EVENT("ss-leave", "/a2"), 200, "left");
	node_told(&f, "/a", "t", SHAKE("/a2", "/b", ""), 403, "has not joined srcMultiaddr");
	node_hears(b, 0, SHAKE_BODY("/a2", "/b", ""));
	node_hears_no_more(b, 1);
	node_hears_no_more(a, 0);
}

static void
test_array(void **state)
{
	(void)state;
	node_told(&f, "/a", "t", "[" SHAKE("/a", "/b", ",\"n\":1") ",7,{\"event\":\"ss-shake\",\"data\":1}," SHAKE("/b", "/a", "") ","
	    EVENT("ss-join", "/c") "," SHAKE("/a", "/c", ",\"n\":2") "," SHAKE("/a", "/d", "") "," SHAKE("/a", "/b", ",\"n\":3") "]", 200,
	    "[{\"result\":\"present\"},"
	    "{\"result\":\"refused\",\"status\":400,\"reason\":\"an event is an object with the members event and data\"},"
	    "{\"result\":\"refused\",\"status\":400,\"reason\":\"event is ss-join, ss-leave or ss-handshake\"},"
	    "{\"result\":\"refused\",\"status\":403,\"reason\":\"the sender has not joined srcMultiaddr\"},"
	    "{\"result\":\"joined\"},{\"result\":\"present\"},{\"result\":\"returned\"},{\"result\":\"present\"}]\n");
	node_hears(b, 0, SHAKE_BODY("/a", "/b", ",\"n\":1"));
	node_hears(b, 1, SHAKE_BODY("/a", "/b", ",\"n\":3"));
	node_hears(a, 0, SHAKE_BODY("/a", "/c", ",\"n\":2"));
	node_told(&f, "/a", "t", "[]", 200, "[]\n");
}

static void
test_refused(void **state)
{
	static const struct { const char *why, *in; int status; const char *part; } rows[] = {
		{ "not JSON", "{event:1}", 400, "not JSON" },
		{ "nothing", "", 400, "not JSON" },
		{ "a number", "7", 400, "an event is an object" },
		{ "as Socket.IO writes it", "[\"ss-join\",\"/x\"]", 200, "[{\"result\":\"refused\",\"status\":400" },
		{ "too many members", "{\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"event\":1,\"data\":1}", 400, "an event is" },
		{ "no event", "{\"data\":\"/x\"}", 400, "event is ss-join" },
		{ "event is no string", "{\"event\":5,\"data\":\"/x\"}", 400, "event is ss-join" },
		{ "unknown event", EVENT("ws-peer", "/x"), 400, "event is ss-join" },
		{ "no data", "{\"event\":\"ss-join\"}", 400, "data is missing" },
		{ "join null", "{\"event\":\"ss-join\",\"data\":null}", 400, "data is not a multiaddr" },
		{ "join an object", "{\"event\":\"ss-join\",\"data\":{}}", 400, "data is not a multiaddr" },
		{ "join nothing", EVENT("ss-join", ""), 400, "begins with a slash" },
		{ "join no multiaddr", EVENT("ss-join", "x"), 400, "begins with a slash" },
		{ "join a line end", EVENT("ss-join", "/x\\n"), 400, "control characters" },
		{ "join a NUL", EVENT("ss-join", "/x\\u0000"), 400, "control characters" },
		{ "join half a surrogate", EVENT("ss-join", "/x\\ud800"), 400, "UTF-8" },
		{ "join another's", EVENT("ss-join", "/b"), 409, "somebody else" },
		{ "leave nobody's", EVENT("ss-leave", "/x"), 403, "has not joined this multiaddr" },
		{ "leave another's", EVENT("ss-leave", "/b"), 403, "has not joined this multiaddr" },
		{ "shake null", "{\"event\":\"ss-handshake\",\"data\":null}", 400, "not a JSON object" },
		{ "shake a string", EVENT("ss-handshake", "/b"), 400, "not a JSON object" },
		{ "shake an array", "{\"event\":\"ss-handshake\",\"data\":[]}", 400, "not a JSON object" },
		{ "no src", "{\"event\":\"ss-handshake\",\"data\":{\"dstMultiaddr\":\"/b\"}}", 400, "srcMultiaddr is not" },
		{ "no dst", "{\"event\":\"ss-handshake\",\"data\":{\"srcMultiaddr\":\"/a\"}}", 400, "dstMultiaddr is not" },
		{ "dst empty", SHAKE("/a", "", ""), 400, "dstMultiaddr is not" },
		{ "dst no string", "{\"event\":\"ss-handshake\",\"data\":{\"srcMultiaddr\":\"/a\",\"dstMultiaddr\":[\"/b\"]}}", 400,
		  "dstMultiaddr is not" },
		{ "seventeen members", SHAKE("/a", "/b", ",\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"8\":1,\"9\":1,\"10\":1,"
		  "\"11\":1,\"12\":1,\"13\":1,\"14\":1,\"15\":1"), 400, "too many members" },
	};
	struct fake_conn *c;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		c = fake_post(&f, node_uri("/a", "t", ""), rows[i].in);
		fake_pass(&f, 300);		/* a holder is asked for */
		row_assert(fake_status(c) == rows[i].status && strstr(fake_text(c), rows[i].part) != NULL, "%s: %s",
		    rows[i].why, fake_text(c));
		row_assert(rows[i].status == 200 || strstr(fake_text(c), "application/problem+json") != NULL, "%s", rows[i].why);
		fake_free(c);
	}
	node_told(&f, "/a", "t", SHAKE("/a", "/b", ""), 200, "present");
	node_hears_no_more(a, 0);
	node_hears(b, 0, SHAKE_BODY("/a", "/b", ""));
	node_hears_no_more(b, 1);
	assert_false(a->conn.over || b->conn.over);
}

/* n and n + 1 events in a request. */
static void
test_length_of_arrays(void **state)
{
	char body[4096];
	size_t n = 0;
	int i;

	(void)state;
	f.conf.max_batch = 50;
	for (i = 0; i < 50; i++)
		n += (size_t)snprintf(body + n, sizeof body - n, "%c" EVENT("ss-join", "/a"), i == 0 ? '[' : ',');
	memcpy(body + n, "]", 2);
	node_told(&f, "/a", "t", body, 200, "joined");
	memcpy(body + n, ",0]", 4);
	node_told(&f, "/a", "t", body, 413, "too many messages");
}

/* n and n + 1 handshakes that wait. */
static void
test_quota(void **state)
{
	(void)state;
	node_gone(&f, a);
	node_gone(&f, b);
	fake_stop(&f);
	fake_start(&f);
	f.conf.max_pending = 2;
	fake_run(&f);
	a = node_stream(&f, "/a", "t");
	b = node_stream(&f, "/b", "t");
	fake_gone(&f, b);
	node_told(&f, "/a", "t", "[" SHAKE("/a", "/b", "") "," SHAKE("/a", "/b", "") "," SHAKE("/a", "/b", "") "," SHAKE("/a", "/a", "") "]",
	    200, "[{\"result\":\"queued\"},{\"result\":\"queued\"},{\"result\":\"refused\",\"status\":429,"
	    "\"reason\":\"too much waits for that peer already\"},{\"result\":\"present\"}]");
	node_told(&f, "/b", "t", "[" SHAKE("/b", "/no", "") "]", 200, "\"reason\":\"too much waits for the sender already\"");
}

/* ---- who is away ---- */

static void
test_queued_and_taken(void **state)
{
	(void)state;
	node_gone(&f, b);
	node_told(&f, "/a", "t", SHAKE("/a", "/b", ",\"n\":1"), 200, "queued");
	fake_pass(&f, f.conf.star_expire_ms - 1000);
	node_told(&f, "/a", "t", SHAKE("/a", "/b", ",\"n\":2"), 200, "queued");
	b = node_stream(&f, "/b", "t");
	node_hears(b, 0, SHAKE_BODY("/a", "/b", ",\"n\":1"));
	node_hears(b, 1, SHAKE_BODY("/a", "/b", ",\"n\":2"));
	fake_pass(&f, 2 * f.conf.star_expire_ms);
	node_hears_no_more(a, 0);
}

/* Each of them comes back to who sent it; not one that came back already. */
static void
test_expired(void **state)
{
	(void)state;
	fake_gone(&f, b);
	node_told(&f, "/a", "t", "[" SHAKE("/a", "/b", ",\"n\":1") "," SHAKE("/a", "/b", ",\"n\":2") "]", 200, "queued");
	fake_pass(&f, f.conf.star_expire_ms - 500);
	node_hears_no_more(a, 0);
	fake_pass(&f, 4000);
	node_hears(a, 0, SHAKE_BODY("/a", "/b", ",\"n\":1" GONE));
	node_hears(a, 1, SHAKE_BODY("/a", "/b", ",\"n\":2" GONE));
	node_told(&f, "/a", "t", SHAKE("/a", "/b", ",\"n\":3"), 200, "queued");
	fake_gone(&f, a);
	fake_pass(&f, 2 * f.conf.star_expire_ms + 5000);
	fake_free(a);
	a = node_stream(&f, "/a", "t");
	node_hears_no_more(a, 0);
	fake_pass(&f, 2 * f.conf.star_expire_ms);
	node_hears_no_more(a, 0);
}

/* ---- repeating ---- */

static void
repeat(const char *n, const char *body, int status, const char *part)
{
	char more[32];
	struct fake_conn *c;

	snprintf(more, sizeof more, "&n=%s", n);
	c = fake_post(&f, node_uri("/a", "t", more), body);
	row_assert(fake_status(c) == status && strstr(fake_text(c), part) != NULL, "n=%s: %s", n, fake_text(c));
	fake_free(c);
}

static void
test_repeated_posts(void **state)
{
	(void)state;
	repeat("1", SHAKE("/a", "/b", ",\"n\":1"), 200, "\"present\"");
	repeat("1", SHAKE("/a", "/b", ",\"n\":1"), 200, "{\"result\":\"repeated\"}\n");
	repeat("3", "[" SHAKE("/a", "/b", ",\"n\":2") "," EVENT("ss-join", "/c") "]", 200, "[{\"result\":\"present\"},{\"result\":\"joined\"}]");
	repeat("2", "[1,2]", 200, "[{\"result\":\"repeated\"},{\"result\":\"repeated\"}]");
	repeat("0", SHAKE("/a", "/b", ""), 400, "n is a whole number");
	repeat("4", SHAKE("/b", "/a", ""), 403, "srcMultiaddr");
	repeat("4", SHAKE("/a", "/b", ",\"n\":3"), 200, "present");	/* what was refused may be mended */
	node_hears(b, 2, SHAKE_BODY("/a", "/b", ",\"n\":3"));
	node_hears_no_more(b, 3);
}

static void
test_nothing_after_leaving(void **state)
{
	char got[64];

	(void)state;
	node_told(&f, "/a", "t", "[" EVENT("ss-leave", "/a") "," SHAKE("/a", "/b", "") "," EVENT("ss-join", "/a") "]", 200,
	    "[{\"result\":\"left\"},{\"result\":\"refused\",\"status\":401,\"reason\":\"the sender has left\"},"
	    "{\"result\":\"refused\",\"status\":401,\"reason\":\"the sender has left\"}]");
	assert_true(fake_event(a, "close", 0, got, sizeof got));
	node_hears_no_more(b, 0);
}

/* ---- the core without HTTP ---- */

static enum star_result
shake(struct star_peer *who, const char *text)
{
	struct json_member m;
	struct star_said said;

	assert_int_equal(json_value(str_from(text), &m), 0);
	assert_int_equal(star_handshake(who, &m, &said), 0);
	assert_true((said.reason != NULL) == (said.result >= STAR_IGNORED));
	return said.result;
}

/* A mailbox of another realm, as a session of Socket.IO has one, with several multiaddrs. */
static void
test_mailbox_of_another_realm(void **state)
{
	static const unsigned char hash[HASH_SIZE] = { 1 };
	struct contest c[REQ_CONTESTS] = { { .rival = 0 } };
	struct star_peer who = { .hub = &f.hub, .contest = c };
	struct star_said said;
	int64_t id;

	(void)state;
	assert_int_equal(hub_begin(&f.hub), 0);
	assert_int_equal(store_box_add(f.hub.store, "sio4", hash, NULL, &id), 0);
	assert_int_equal(store_box_get(f.hub.store, id, &who.box), 0);
	assert_int_equal(star_join(&who, STR("/s"), &said), 0);
	assert_int_equal(said.result, STAR_JOINED);
	assert_int_equal(star_join(&who, STR("/s2"), &said), 0);
	assert_int_equal(star_join(&who, STR("nonsense"), &said), 0);
	assert_int_equal(said.result, STAR_IGNORED);
	assert_int_equal(star_join(&who, STR("/a"), &said), -ERR_WAIT);
	assert_int_equal(shake(&who, SHAKE_BODY("/s", "/a", "")), STAR_PRESENT);
	assert_int_equal(shake(&who, SHAKE_BODY("/s2", "/b", "")), STAR_PRESENT);
	assert_int_equal(shake(&who, SHAKE_BODY("/a", "/b", "")), STAR_REFUSED);
	assert_int_equal(shake(&who, "null"), STAR_IGNORED);
	assert_int_equal(shake(&who, "\"x\""), STAR_IGNORED);
	assert_int_equal(shake(&who, SHAKE_BODY("/s", "/none", "")), STAR_RETURNED);
	assert_int_equal(star_leave(&who, STR("/s"), &said), 0);
	assert_int_equal(said.result, STAR_LEFT);
	assert_int_equal(shake(&who, SHAKE_BODY("/s", "/a", "")), STAR_REFUSED);
	fake_turn(&f);
	node_hears(a, 0, SHAKE_BODY("/s", "/a", ""));
	node_hears(b, 0, SHAKE_BODY("/s2", "/b", ""));
	node_told(&f, "/a", "t", SHAKE("/a", "/s2", ""), 200, "queued");
	node_told(&f, "/a", "t", SHAKE("/a", "/s", ""), 200, "returned");
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_relayed_as_written), T(test_answer), T(test_returned), T(test_only_its_holder_sends),
		T(test_array), T(test_refused), T(test_length_of_arrays), T(test_quota),
		T(test_queued_and_taken), T(test_expired), T(test_repeated_posts), T(test_nothing_after_leaving),
		T(test_mailbox_of_another_realm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
