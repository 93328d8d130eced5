/* test-peerjs-talk - PeerJS messages: relayed, kept for who is not there, expired, refused. */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "hub-private.h"
#include "peer.h"

#define OFFER(dst, n) "{\"type\":\"OFFER\",\"dst\":\"" dst "\",\"payload\":" #n "}"
#define OFFERED(src, dst, n) "{\"type\":\"OFFER\",\"src\":\"" src "\",\"dst\":\"" dst "\",\"payload\":" #n "}"
#define EXPIRED(src, dst) "{\"type\":\"EXPIRE\",\"src\":\"" src "\",\"dst\":\"" dst "\"}"

#define LONG(n) "{\"type\":\"OFFER\",\"dst\":\"b\",\"payload\":\"" n "\"}"

static struct fake f;
static struct fake_conn *a, *b;		/* two peers */

static int
setup(void **state)
{
	(void)state;
	fake_start(&f);
	fake_run(&f);
	a = peer_stream(&f, "a", "t");
	b = peer_stream(&f, "b", "t");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	peer_gone(&f, a);
	peer_gone(&f, b);
	fake_stop(&f);
	return 0;
}

/* ---- relaying ---- */

/* As long as may be, and a byte more: alone and among others, which are not the worse for it. */
static void
test_longest_message(void **state)
{
	(void)state;
	f.conf.max_message_bytes = sizeof LONG("12345678") - 1;
	peer_told(&f, "a", "t", LONG("12345678"), 200, "present");
	peer_told(&f, "a", "t", LONG("123456789"), 413, "the message is longer than max_message_bytes");
	peer_told(&f, "a", "t", "[" LONG("1") "," LONG("123456789") "," LONG("2") "]", 200,
	    "[{\"result\":\"present\"},{\"result\":\"refused\",\"status\":413,");
	peer_hears(b, 3, "{\"type\":\"OFFER\",\"src\":\"a\",\"dst\":\"b\",\"payload\":\"2\"}");
	peer_hears_no_more(b, 4);
}

static void
test_relayed_members(void **state)
{
	static const struct { const char *why, *in, *out; } rows[] = {
		{ "src is ours, others go", "{\"src\":\"evil\",\"x\":1,\"type\":\"ANSWER\",\"dst\":\"b\",\"payload\":[1, 2]}",
		  "{\"type\":\"ANSWER\",\"src\":\"a\",\"dst\":\"b\",\"payload\":[1, 2]}" },
		{ "no payload", "{\"type\":\"LEAVE\",\"dst\":\"b\"}", "{\"type\":\"LEAVE\",\"src\":\"a\",\"dst\":\"b\"}" },
		{ "escaped words", "{\"t\\u0079pe\":\"\\u0043ANDIDATE\",\"dst\":\"\\u0062\",\"payload\":12345678901234567890123}",
		  "{\"type\":\"CANDIDATE\",\"src\":\"a\",\"dst\":\"\\u0062\",\"payload\":12345678901234567890123}" },
		{ "the last member counts", "{\"type\":\"X\",\"type\":\"EXPIRE\",\"dst\":\"q\",\"dst\":\"b\"}",
		  "{\"type\":\"EXPIRE\",\"src\":\"a\",\"dst\":\"b\"}" },
		{ "line ends between tokens", "{\"type\":\"OFFER\",\n\"dst\":\"b\",\"payload\":{\r\n\"s\":\"\\r\\n\"}}",
		  "{\"type\":\"OFFER\",\"src\":\"a\",\"dst\":\"b\",\"payload\":{\"s\":\"\\r\\n\"}}" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		peer_told(&f, "a", "t", rows[i].in, 200, "{\"result\":\"present\"}");
		peer_hears(b, (int)i + 1, rows[i].out);
	}
	peer_hears_no_more(b, (int)i + 1);
}

static void
test_array(void **state)
{
	(void)state;
	peer_told(&f, "a", "t", "[" OFFER("b", 1) ",{\"type\":\"HEARTBEAT\"}, {\"type\":\"FOO\"}," OFFER("nobody", 2) ",7,"
	    "{\"type\":\"LEAVE\",\"dst\":\"nobody\"},{\"type\":\"LEAVE\",\"dst\":\"nowhere\"}," OFFER("b", 3) "]", 200,
	    "[{\"result\":\"present\"},{\"result\":\"heard\"},{\"result\":\"refused\",\"status\":400,\"reason\":\"type is OFFER, "
	    "ANSWER, CANDIDATE, LEAVE, EXPIRE or HEARTBEAT\"},{\"result\":\"queued\"},{\"result\":\"refused\",\"status\":400,"
	    "\"reason\":\"the message is not a JSON object\"},{\"result\":\"dropped\"},{\"result\":\"dropped\"},"
	    "{\"result\":\"present\"}]\n");
	peer_hears(b, 1, OFFERED("a", "b", 1));
	peer_hears(b, 2, OFFERED("a", "b", 3));
	peer_told(&f, "a", "t", "[]", 200, "[]\n");
}

static void
test_refused(void **state)
{
	static const struct { const char *why, *in; int status; const char *part; } rows[] = {
		{ "not JSON", "{type:1}", 400, "not JSON" },
		{ "nothing", "", 400, "not JSON" },
		{ "a number", "7", 400, "not a JSON object" },
		{ "unknown type", "{\"type\":\"OPEN\",\"dst\":\"b\"}", 400, "type is" },
		{ "type is no string", "{\"type\":5,\"dst\":\"b\"}", 400, "type is" },
		{ "no type", "{\"dst\":\"b\"}", 400, "type is" },
		{ "no dst", "{\"type\":\"OFFER\"}", 400, "dst is missing" },
		{ "dst null", "{\"type\":\"OFFER\",\"dst\":null}", 400, "dst is missing" },
		{ "dst no string", "{\"type\":\"OFFER\",\"dst\":5}", 400, "dst is not a string" },
		{ "dst empty", "{\"type\":\"OFFER\",\"dst\":\"\"}", 400, "dst cannot be an id" },
		{ "dst with a line end", "{\"type\":\"OFFER\",\"dst\":\"x\\n\"}", 400, "dst cannot be an id" },
		{ "to itself", "{\"type\":\"OFFER\",\"dst\":\"a\"}", 400, "the sender itself" },
		{ "too many members", "{\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"8\":1,\"9\":1,\"10\":1,\"11\":1,"
		  "\"12\":1,\"13\":1,\"14\":1,\"15\":1,\"type\":\"OFFER\",\"dst\":\"b\"}", 400, "too many members" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		peer_told(&f, "a", "t", rows[i].in, rows[i].status, rows[i].part);
	peer_told(&f, "a", "wrong", OFFER("b", 1), 401, "Invalid token provided");
	peer_told(&f, "b", "wrong", OFFER("a", 1), 401, "Invalid token provided");
	peer_told(&f, "z", "t", OFFER("a", 1), 401, "Invalid token");
	peer_hears_no_more(a, 1);
	peer_hears_no_more(b, 1);
}

static void
test_depth(void **state)
{
	char deep[2200], *p = deep;
	int i;

	(void)state;
	p += sprintf(p, "{\"type\":\"OFFER\",\"dst\":\"b\",\"payload\":");
	for (i = 0; i < 1000; i++)
		*p++ = '[';
	for (i = 0; i < 1000; i++)
		*p++ = ']';
	memcpy(p, "}", 2);
	peer_told(&f, "a", "t", deep, 400, "nested too deep");
}

/* n and n + 1 messages in a request. */
static void
test_length_of_arrays(void **state)
{
	char body[4096];
	size_t n = 0;
	int i;

	(void)state;
	f.conf.max_batch = 100;
	for (i = 0; i < 100; i++)
		n += (size_t)snprintf(body + n, sizeof body - n, "%c{\"type\":\"HEARTBEAT\"}", i == 0 ? '[' : ',');
	memcpy(body + n, "]", 2);
	peer_told(&f, "a", "t", body, 200, "heard");
	memcpy(body + n, ",0]", 4);
	peer_told(&f, "a", "t", body, 413, "too many messages");
}

/* ---- who is not there ---- */

static void
test_queued_in_order(void **state)
{
	struct fake_conn *c;
	char got[64];

	(void)state;
	peer_told(&f, "a", "t", OFFER("late", 1), 200, "queued");
	peer_told(&f, "b", "t", OFFER("late", 2), 200, "queued");
	fake_pass(&f, 4000);
	peer_told(&f, "a", "t", OFFER("late", 3), 200, "queued");
	c = peer_stream(&f, "late", "t");
	peer_hears(c, 1, OFFERED("a", "late", 1));
	peer_hears(c, 2, OFFERED("b", "late", 2));
	peer_hears(c, 3, OFFERED("a", "late", 3));
	fake_pass(&f, 10000);
	peer_hears_no_more(a, 1);		/* nothing expired */
	assert_false(fake_event(c, "gap", 0, got, sizeof got));
	peer_gone(&f, c);
}

static void
test_expire_once_for_each_pair(void **state)
{
	struct fake_conn *c;

	(void)state;
	peer_told(&f, "a", "t", "[" OFFER("x", 1) "," OFFER("x", 2) "," OFFER("y", 3) "]", 200, "queued");
	peer_told(&f, "b", "t", OFFER("x", 4), 200, "queued");
	fake_pass(&f, 5000);
	peer_hears_no_more(a, 1);
	fake_pass(&f, 3000);
	peer_hears(a, 1, EXPIRED("x", "a"));
	peer_hears(a, 2, EXPIRED("y", "a"));
	peer_hears_no_more(a, 3);
	peer_hears(b, 1, EXPIRED("x", "b"));
	peer_hears_no_more(b, 2);
	c = peer_stream(&f, "x", "t");
	peer_hears_no_more(c, 1);
	peer_gone(&f, c);
}

/* What was taken does not expire, what a peer that is away did not take does. */
static void
test_expire_for_who_is_away(void **state)
{
	(void)state;
	peer_told(&f, "a", "t", OFFER("b", 1), 200, "present");
	fake_gone(&f, b);
	peer_told(&f, "a", "t", OFFER("b", 2), 200, "queued");
	peer_told(&f, "a", "t", "{\"type\":\"LEAVE\",\"dst\":\"b\"}", 200, "queued");
	fake_pass(&f, 8000);
	peer_hears(a, 1, EXPIRED("b", "a"));
	peer_hears_no_more(a, 2);
}

/* An id that stays wanted for longer than a mailbox lives without a stream loses nothing. */
static void
test_wanted_for_long(void **state)
{
	struct fake_conn *c;
	int i;

	(void)state;
	for (i = 0; i < 12; i++) {
		peer_told(&f, "a", "t", OFFER("slow", 1), 200, "queued");
		fake_pass(&f, 4000);
	}
	peer_told(&f, "a", "t", OFFER("slow", 2), 200, "queued");
	c = peer_stream(&f, "slow", "t");
	peer_hears(c, 1, OFFERED("a", "slow", 1));
	peer_hears(c, 2, OFFERED("a", "slow", 2));
	peer_gone(&f, c);
}

static void
test_quota_of_the_sender(void **state)
{
	char body[256];
	int i;

	(void)state;
	f.conf.max_owed = 5;
	for (i = 0; i < 5; i++) {
		snprintf(body, sizeof body, "{\"type\":\"OFFER\",\"dst\":\"nobody%d\"}", i);
		peer_told(&f, "a", "t", body, 200, "queued");
	}
	peer_told(&f, "a", "t", OFFER("other", 1), 429, "peers that are not there");
	peer_told(&f, "a", "t", "[" OFFER("other", 1) "," OFFER("b", 2) "]", 200,
	    "[{\"result\":\"refused\",\"status\":429,\"reason\":\"too much of yours waits for peers that are not there\"},"
	    "{\"result\":\"present\"}]");
	peer_told(&f, "b", "t", OFFER("other", 1), 200, "queued");	/* another's quota */
	peer_gone(&f, peer_stream(&f, "nobody0", "t"));
	peer_told(&f, "a", "t", OFFER("other", 1), 200, "queued");	/* one was inherited */
	fake_pass(&f, 8000);
	peer_told(&f, "a", "t", OFFER("other", 1), 200, "queued");	/* the others expired */
}

static void
test_quota_in_bytes(void **state)
{
	static const char one[] = "{\"type\":\"OFFER\",\"src\":\"a\",\"dst\":\"x\",\"payload\":1}";

	(void)state;
	f.conf.max_owed_bytes = 2 * (int64_t)(sizeof one - 1);
	peer_told(&f, "a", "t", OFFER("x", 1), 200, "queued");
	peer_told(&f, "a", "t", OFFER("x", 1), 200, "queued");
	peer_told(&f, "a", "t", OFFER("x", 1), 429, "not there");
}

/* ---- leaving, repeating ---- */

static void
test_leave_releases_the_id(void **state)
{
	char got[256];
	struct fake_conn *c;

	(void)state;
	peer_told(&f, "a", "t", "[{\"type\":\"LEAVE\"}," OFFER("b", 1) "]", 200,
	    "[{\"result\":\"left\"},{\"result\":\"refused\",\"status\":401,\"reason\":\"the sender has left\"}]");
	assert_true(fake_event(a, "close", 0, got, sizeof got));
	assert_string_equal(got, "{\"code\":1000,\"reason\":\"left\"}");
	assert_true(a->conn.over);
	c = peer_stream(&f, "a", "someone else");
	peer_gone(&f, c);
}

/* reconnect() of PeerJS comes with the token it had before. */
static void
test_left_and_back(void **state)
{
	struct fake_conn *c;

	(void)state;
	peer_told(&f, "a", "t", "{\"type\":\"LEAVE\"}", 200, "left");
	c = peer_stream(&f, "a", "t");
	peer_told(&f, "b", "t", OFFER("a", 1), 200, "present");
	peer_hears(c, 1, OFFERED("b", "a", 1));
	peer_gone(&f, c);
}

static void
repeat(const char *n, const char *body, int status, const char *part)
{
	char more[32];
	struct fake_conn *c;

	snprintf(more, sizeof more, "&n=%s", n);
	c = fake_post(&f, peer_uri("a", "t", more), body);
	row_assert(fake_status(c) == status && strstr(fake_text(c), part) != NULL, "n=%s: %s", n, fake_text(c));
	fake_free(c);
}

static void
test_repeated_posts(void **state)
{
	(void)state;
	repeat("1", OFFER("b", 1), 200, "\"present\"");
	repeat("1", OFFER("b", 1), 200, "{\"result\":\"repeated\"}\n");
	repeat("3", "[" OFFER("b", 2) "," OFFER("b", 3) "]", 200, "[{\"result\":\"present\"},{\"result\":\"present\"}]");
	repeat("3", "[" OFFER("b", 2) "," OFFER("b", 3) "]", 200, "[{\"result\":\"repeated\"},{\"result\":\"repeated\"}]");
	repeat("2", OFFER("b", 4), 200, "repeated");
	repeat("4", "{\"type\":\"HEARTBEAT\"}", 200, "{\"result\":\"heard\"}\n");
	repeat("4", "{\"type\":\"HEARTBEAT\"}", 200, "repeated");
	repeat("0", OFFER("b", 4), 400, "n is a whole number");
	repeat("x", OFFER("b", 4), 400, "n is a whole number");
	repeat("5", "{\"type\":\"FOO\"}", 400, "type is");
	repeat("5", OFFER("b", 4), 200, "present");	/* what was refused may be mended */
	peer_hears(b, 4, OFFERED("a", "b", 4));
	peer_hears_no_more(b, 5);
}

/* A heartbeat opens no turn. */
static void
test_heartbeat_writes_nothing(void **state)
{
	uint32_t turns;

	(void)state;
	fake_pass(&f, 1000);
	turns = f.hub.turns;
	peer_told(&f, "a", "t", "{\"type\":\"HEARTBEAT\"}", 200, "{\"result\":\"heard\"}");
	peer_told(&f, "a", "u", "{\"type\":\"HEARTBEAT\"}", 401, "Invalid token provided");
	assert_int_equal(f.hub.turns, turns);
	peer_told(&f, "a", "t", OFFER("b", 1), 200, "present");
	assert_true(f.hub.turns > turns);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_longest_message), T(test_array), T(test_refused), T(test_depth), T(test_length_of_arrays),
		T(test_relayed_members), T(test_array), T(test_refused), T(test_depth), T(test_length_of_arrays),
		T(test_queued_in_order), T(test_expire_once_for_each_pair), T(test_expire_for_who_is_away),
		T(test_wanted_for_long), T(test_quota_of_the_sender), T(test_quota_in_bytes),
		T(test_leave_releases_the_id), T(test_left_and_back), T(test_repeated_posts),
		T(test_heartbeat_writes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
