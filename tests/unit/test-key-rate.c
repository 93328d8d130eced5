/* test-key-rate - as many messages as a key allows, and one more. */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "peer.h"

static struct fake f, other;

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

/* 2 in a second, 3 at once */
static void
limit(const char *name)
{
	struct realm_key k;

	assert_int_equal(hub_begin(&f.hub), 0);
	assert_int_equal(store_key_get(f.hub.store, str_from(name), &k), 0);
	k.rate = 2;
	k.rate_ms = 1000;
	k.burst = 3;
	assert_int_equal(store_key_put(f.hub.store, &k), 0);
	fake_pass(&f, HUB_KEY_FRESH_MS);
	fake_free(fake_get(&f, "/sigver?transport=nope", NULL));	/* upon which keys are read again */
	fake_turn(&f);
}

#define TO(dst)	"{\"type\":\"OFFER\",\"dst\":\"" dst "\",\"payload\":1}"
#define REASON	"this key has had as many messages as its rate allows"

static void
says(struct fake *at, const char *body, int want, const char *part)
{
	int status;
	const char *answer = peer_says(at, "a", "t", body, &status);

	row_assert(status == want && strstr(answer, part) != NULL, "%s: %d %s", body, status, answer);
}

static void
as_many_at_once_and_no_more(void **state)
{
	struct fake_conn *a = peer_stream(&f, "a", "t"), *b = peer_stream(&f, "b", "t"), *c;
	int i;

	(void)state;
	limit("peerjs");
	for (i = 0; i < 3; i++)
		says(&f, TO("b"), 200, "present");
	says(&f, TO("b"), 429, REASON);
	says(&f, "{\"type\":\"HEARTBEAT\"}", 200, "heard");
	fake_pass(&f, 400);
	c = fake_post(&f, peer_uri("a", "t", ""), TO("b"));
	fake_turn(&f);
	assert_non_null(strstr(fake_text(c), "Retry-After: 1\r\n"));
	assert_non_null(strstr(fake_text(c), "These are too many messages under one key"));
	fake_free(c);
	fake_pass(&f, 100);
	says(&f, TO("b"), 200, "present");
	says(&f, TO("b"), 429, REASON);
	peer_hears(b, 4, "{\"type\":\"OFFER\",\"src\":\"a\",\"dst\":\"b\",\"payload\":1}");
	peer_hears_no_more(b, 5);
	peer_gone(&f, a);
	peer_gone(&f, b);
}

static void
each_message_of_a_batch_for_itself(void **state)
{
	struct fake_conn *a = peer_stream(&f, "a", "t"), *b = peer_stream(&f, "b", "t");

	(void)state;
	limit("peerjs");
	says(&f, "[" TO("b") "," TO("b") "," TO("b") "," TO("b") ",{\"type\":\"HEARTBEAT\"}]", 200,
	    "[{\"result\":\"present\"},{\"result\":\"present\"},{\"result\":\"present\"},"
	    "{\"result\":\"refused\",\"status\":429,\"reason\":\"" REASON "\"},{\"result\":\"heard\"}]");
	peer_hears_no_more(b, 4);
	peer_gone(&f, a);
	peer_gone(&f, b);
}

/* Two processes have one bucket; two keys have two. */
static void
all_processes_count_together(void **state)
{
	struct fake_conn *a = peer_stream(&f, "a", "t"), *b = peer_stream(&f, "b", "t");
	struct realm_key k = { .name = "free", .enabled = true };

	(void)state;
	limit("peerjs");
	fake_join(&other, &f);
	says(&f, TO("b"), 200, "present");
	says(&other, TO("b"), 200, "present");
	says(&f, TO("b"), 200, "present");
	says(&other, TO("b"), 429, REASON);
	says(&f, TO("b"), 429, REASON);
	assert_int_equal(hub_begin(&f.hub), 0);
	assert_int_equal(store_key_put(f.hub.store, &k), 0);
	fake_turn(&f);
	fake_free(fake_get(&f, "/peerjs?key=free&id=a&token=t&transport=poll", NULL));
	fake_free(fake_post(&f, "/peerjs?key=free&id=a&token=t", TO("x")));
	peer_gone(&f, a);
	peer_gone(&f, b);
	fake_stop(&other);
}

static void
sentences_of_sigver(void **state)
{
	struct fake_conn *s = fake_get(&f, "/sigver", NULL), *c;
	char auth[64], body[128];
	int i;

	(void)state;
	fake_turn(&f);
	limit(KEY_SIGVER);
	assert_true(fake_event(s, "auth", 0, auth, sizeof auth));
	snprintf(body, sizeof body, "%s@{\"open\":\"k\"}", auth);
	for (i = 0; i < 4; i++) {
		c = fake_post(&f, "/sigver", body);
		fake_turn(&f);
		row_assert(fake_status(c) == (i < 3 ? 200 : 429), "%d: %s", i, fake_text(c));
		fake_free(c);
	}
	peer_gone(&f, s);
}

#define SHAKE	"{\"event\":\"ss-handshake\",\"data\":{\"srcMultiaddr\":\"/a\",\"dstMultiaddr\":\"/b\",\"signal\":1}}"

static void
handshakes(void **state)
{
	struct fake_conn *a = fake_get(&f, "/star?addr=%2Fa&token=t", NULL), *b = fake_get(&f, "/star?addr=%2Fb&token=t", NULL), *c;

	(void)state;
	fake_turn(&f);
	limit(KEY_STAR);
	c = fake_post(&f, "/star?addr=%2Fa&token=t", "[" SHAKE "," SHAKE "," SHAKE "," SHAKE "]");
	fake_turn(&f);
	assert_non_null(strstr(fake_text(c), "[{\"result\":\"present\"},{\"result\":\"present\"},{\"result\":\"present\"},"
	    "{\"result\":\"refused\",\"status\":429,"));
	fake_free(c);
	peer_gone(&f, a);
	peer_gone(&f, b);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(as_many_at_once_and_no_more), T(each_message_of_a_batch_for_itself), T(all_processes_count_together),
		T(sentences_of_sigver), T(handshakes),
	};

	return cmocka_run_group_tests_name("key rate", tests, NULL, NULL);
}
