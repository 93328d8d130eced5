/* test-key - what a key allows: whom it serves, from when on, and what others are told. */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "peer.h"
#include "store-sqlite.h"

#define SOON	1000	/* ms after which a change counts for streams that are open */

static struct fake f;
static struct store *admin;	/* another process */

static bool no_memory;		/* for copies of texts */

char	*__real_strdup(const char *s);
char	*__wrap_strdup(const char *s);

char *
__wrap_strdup(const char *s)
{
	return no_memory ? NULL : __real_strdup(s);
}

static int
setup(void **state)
{
	struct store_conf sc = { .wal = true, .max_pending = 100, .max_pending_bytes = 100000, .away_ms = 30000 };
	const char *why;

	(void)state;
	fake_start(&f);
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

static struct realm_key
key(const char *name)
{
	struct realm_key k = { .name = "", .enabled = true };

	if (store_key_get(admin, str_from(name), &k) < 0)
		snprintf(k.name, sizeof k.name, "%s", name);
	return k;
}

static void
put(const struct realm_key *k)
{
	assert_int_equal(store_begin(admin, f.real), 0);
	assert_int_equal(store_key_put(admin, k), 0);
	assert_int_equal(store_commit(admin), 0);
	f.mono += HUB_KEY_FRESH_MS;
	fake_turn(&f);
}

static void
turn(const char *name, bool on)
{
	struct realm_key k = key(name);

	k.enabled = on;
	put(&k);
}

static void
status_is(int want, const char *method, const char *uri, const char *body, const char *origin)
{
	char text[128];
	const char *const extra[] = { text, NULL };
	struct fake_conn *c;

	snprintf(text, sizeof text, "HTTP_ORIGIN=%s", origin != NULL ? origin : "");
	c = fake_request(&f, method, uri, body, origin != NULL ? extra : NULL);
	fake_turn(&f);
	row_assert(fake_status(c) == want, "%s %s: %s", method, uri, fake_text(c));
	fake_free(c);
}

static void
ended_with(struct fake_conn *c, const char *event, const char *want)
{
	char got[256];
	int n = event[0] == '\0' ? 1 : 0;	/* after OPEN */

	row_assert(fake_event(c, event, n, got, sizeof got) && strcmp(got, want) == 0, "%s", fake_text(c));
	assert_true(c->done);
}

#define OFF	"{\"type\":\"ERROR\",\"payload\":{\"msg\":\"This key is turned off\"}}"
#define EXPIRED	"{\"type\":\"ERROR\",\"payload\":{\"msg\":\"This key has expired\"}}"
#define REMOVED	"{\"type\":\"ERROR\",\"payload\":{\"msg\":\"This key was removed\"}}"

/* ---- off, and on again ---- */

static void
a_key_that_is_turned_off_ends_its_streams(void **state)
{
	struct fake_conn *a = peer_stream(&f, "a", "t"), *other;
	struct realm_key club = key("club");

	(void)state;
	put(&club);
	other = fake_get(&f, "/peerjs?key=club&id=o&token=t", NULL);
	fake_turn(&f);
	turn("peerjs", false);
	fake_pass(&f, SOON);
	ended_with(a, "", OFF);
	assert_false(other->done);
	peer_gone(&f, a);
	peer_gone(&f, other);
}

static void
a_key_that_is_turned_off_serves_no_request(void **state)
{
	struct fake_conn *a = peer_stream(&f, "a", "t"), *c;

	(void)state;
	turn("peerjs", false);
	status_is(403, "GET", "/peerjs/id", NULL, NULL);	/* what opens or lists obeys at once … */
	c = fake_get(&f, "/peerjs?key=peerjs&id=b&token=t", NULL);
	fake_turn(&f);
	assert_non_null(strstr(fake_text(c), OFF));
	assert_non_null(strstr(fake_text(c), "retry: 86400000"));
	fake_free(c);
	status_is(403, "POST", "/peerjs?key=peerjs&id=a&token=t", "{\"type\":\"HEARTBEAT\"}", NULL);
	status_is(403, "POST", "/peerjs/a/t/leave", "{\"type\":\"LEAVE\"}", NULL);
	peer_gone(&f, a);
}

/* … and messages within a second, without a word asked of the store. */
static void
messages_obey_within_a_second(void **state)
{
	struct fake_conn *a = peer_stream(&f, "a", "t");

	(void)state;
	turn("peerjs", false);
	status_is(200, "POST", "/peerjs?key=peerjs&id=a&token=t", "{\"type\":\"HEARTBEAT\"}", NULL);
	fake_pass(&f, SOON);
	status_is(403, "POST", "/peerjs?key=peerjs&id=a&token=t", "{\"type\":\"HEARTBEAT\"}", NULL);
	peer_gone(&f, a);
}

static void
nothing_is_lost_when_it_is_turned_on_again(void **state)
{
	struct fake_conn *a = peer_stream(&f, "a", "t"), *b = peer_stream(&f, "b", "t");
	char got[256];

	(void)state;
	peer_gone(&f, b);
	status_is(200, "POST", "/peerjs?key=peerjs&id=a&token=t", "{\"type\":\"OFFER\",\"dst\":\"b\",\"payload\":1}", NULL);
	turn("peerjs", false);
	fake_pass(&f, SOON);
	peer_gone(&f, a);
	turn("peerjs", true);
	b = peer_stream(&f, "b", "t");
	assert_true(fake_event(b, "", 1, got, sizeof got));
	assert_string_equal(got, "{\"type\":\"OFFER\",\"src\":\"a\",\"dst\":\"b\",\"payload\":1}");
	peer_gone(&f, b);
}

/* ---- its time is over ---- */

static void
a_key_expires_to_the_millisecond(void **state)
{
	struct realm_key k = key("peerjs");

	(void)state;
	k.expires = f.real + 1;
	put(&k);
	status_is(200, "GET", "/peerjs/id", NULL, NULL);
	fake_pass(&f, 1);
	status_is(403, "GET", "/peerjs/id", NULL, NULL);
	k.expires = f.real;
	put(&k);
	status_is(403, "GET", "/peerjs/id", NULL, NULL);
	k.expires = 0;
	put(&k);
	status_is(200, "GET", "/peerjs/id", NULL, NULL);
}

static void
a_key_that_expires_ends_its_streams(void **state)
{
	struct fake_conn *a = peer_stream(&f, "a", "t");
	struct realm_key k = key("peerjs"), later = key("later");

	(void)state;
	k.expires = f.real + 5000;
	put(&k);
	later.expires = f.real + 9000;
	put(&later);
	fake_pass(&f, 4900);
	assert_false(a->done);
	fake_pass(&f, 100 + SOON);
	ended_with(a, "", EXPIRED);
	peer_gone(&f, a);
	a = fake_get(&f, "/peerjs?key=later&id=o&token=t", NULL);
	fake_turn(&f);
	fake_pass(&f, 3000 + SOON);
	ended_with(a, "", EXPIRED);
	peer_gone(&f, a);
}

/* A clock that was ahead is set right: who comes then is ended at the same time again. */
static void
a_key_expires_by_a_clock_that_was_set_back(void **state)
{
	struct realm_key k = key("peerjs");
	struct fake_conn *a;

	(void)state;
	k.expires = f.real + 5000;
	put(&k);
	fake_pass(&f, 5000 + SOON);
	f.real -= 5000 + SOON;
	fake_pass(&f, SOON);
	a = peer_stream(&f, "a", "t");
	fake_pass(&f, 4000 - SOON);
	assert_false(a->done);
	fake_pass(&f, 1000 + SOON);
	ended_with(a, "", EXPIRED);
	peer_gone(&f, a);
}

/* What cannot be read, for lack of memory, is read later; keys that were known serve on. */
static void
keys_outlast_a_lack_of_memory(void **state)
{
	struct fake_conn *a = peer_stream(&f, "a", "t");

	(void)state;
	no_memory = true;
	turn("other", true);
	fake_pass(&f, SOON);
	assert_false(a->done);
	status_is(200, "GET", "/peerjs/id", NULL, NULL);
	no_memory = false;
	turn("peerjs", false);
	fake_pass(&f, SOON);
	assert_true(a->done);
	peer_gone(&f, a);
}

/* ---- removed ---- */

static void
a_key_that_is_removed_ends_its_streams(void **state)
{
	struct fake_conn *a = peer_stream(&f, "a", "t");
	struct store_stat st;

	(void)state;
	assert_int_equal(store_begin(admin, f.real), 0);
	assert_int_equal(store_key_drop(admin, STR("peerjs")), 0);
	assert_int_equal(store_commit(admin), 0);
	fake_pass(&f, SOON);
	ended_with(a, "", REMOVED);
	peer_gone(&f, a);
	status_is(401, "GET", "/peerjs/id", NULL, NULL);
	fake_pass(&f, 3000);
	assert_int_equal(store_stat(admin, f.real, &st), 0);
	assert_true(st.boxes == 0 && st.claims == 0);
}

/* ---- two keys, one realm ---- */

static void
peers_of_two_keys_with_one_realm_meet(void **state)
{
	struct fake_conn *a = peer_stream(&f, "a", "t"), *b;
	struct realm_key k = key("peerjs");
	char got[256];

	(void)state;
	snprintf(k.name, sizeof k.name, "newer");
	put(&k);
	b = fake_get(&f, "/peerjs?key=newer&id=b&token=t", NULL);
	fake_turn(&f);
	status_is(200, "POST", "/peerjs?key=newer&id=b&token=t", "{\"type\":\"OFFER\",\"dst\":\"a\",\"payload\":1}", NULL);
	assert_true(fake_event(a, "", 1, got, sizeof got));
	turn("peerjs", false);
	fake_pass(&f, SOON);
	assert_true(a->done && !b->done);
	peer_gone(&f, a);
	peer_gone(&f, b);
	a = fake_get(&f, "/peerjs?key=newer&id=a&token=t", NULL);	/* the same peer as before */
	fake_turn(&f);
	assert_true(fake_event(a, "", 0, got, sizeof got));
	assert_string_equal(got, "{\"type\":\"OPEN\"}");
	peer_gone(&f, a);
}

/* ---- sigver and webrtc-star ---- */

#define SIGVER_OFF	"{\"code\":4403,\"reason\":\"sigver is turned off on this server\"}"
#define STAR_OFF	"{\"reason\":\"webrtc-star is turned off on this server\"}"

static void
sigver_can_be_turned_off(void **state)
{
	struct fake_conn *a = fake_get(&f, "/sigver", NULL), *root = fake_get(&f, "/", NULL), *peer = peer_stream(&f, "a", "t");

	(void)state;
	fake_turn(&f);
	turn(KEY_SIGVER, false);
	fake_pass(&f, SOON);
	ended_with(a, "close", SIGVER_OFF);
	assert_false(peer->done);
	fake_gone(&f, a);
	fake_free(a);
	fake_free(root);
	a = fake_get(&f, "/sigver/opened", NULL);
	fake_turn(&f);
	ended_with(a, "close", SIGVER_OFF);
	fake_free(a);
	a = fake_get(&f, "/sigver?transport=poll", NULL);
	fake_turn(&f);
	assert_non_null(strstr(fake_text(a), "\"event\":\"close\",\"data\":" SIGVER_OFF));
	fake_free(a);
	status_is(403, "POST", "/sigver", "x@{}", NULL);
	peer_gone(&f, peer);
}

static void
webrtc_star_can_be_turned_off(void **state)
{
	struct fake_conn *a = fake_get(&f, "/star?addr=%2Fa", NULL);

	(void)state;
	fake_turn(&f);
	turn(KEY_STAR, false);
	fake_pass(&f, SOON);
	ended_with(a, "ss-error", STAR_OFF);
	fake_gone(&f, a);
	fake_free(a);
	a = fake_get(&f, "/star?addr=%2Fa", NULL);
	fake_turn(&f);
	ended_with(a, "ss-error", STAR_OFF);
	fake_free(a);
	status_is(403, "POST", "/star?addr=%2Fa&token=t", "[]", NULL);
	a = fake_get(&f, "/socket.io/?EIO=4&transport=polling", NULL);
	fake_turn(&f);
	assert_int_equal(fake_status(a), 403);
	assert_non_null(strstr(fake_text(a), "{\"code\":4,\"message\":\"Forbidden\"}"));
	fake_free(a);
}

static void
no_key_of_a_protocol_serves_peers(void **state)
{
	(void)state;
	status_is(401, "GET", "/sigver/id", NULL, NULL);
	status_is(401, "GET", "/star/peers", NULL, NULL);
}

/* ---- limits ---- */

static void
opens_with(const char *key_name, const char *id, const char *want)
{
	char uri[128];
	struct fake_conn *c;

	snprintf(uri, sizeof uri, "/peerjs?key=%s&id=%s&token=t&transport=poll", key_name, id);
	c = fake_get(&f, uri, NULL);
	fake_turn(&f);
	row_assert(strstr(fake_text(c), want) != NULL, "%s: %s", uri, fake_text(c));
	fake_free(c);
}

static void
a_key_has_a_limit_of_peers_of_its_own(void **state)
{
	struct realm_key k = key("few");

	(void)state;
	k.max_peers = 2;
	put(&k);
	opens_with("few", "a", "OPEN");
	opens_with("few", "b", "OPEN");
	opens_with("few", "c", "concurrent user limit");
	opens_with("peerjs", "c", "OPEN");
	k.max_peers = 3;
	put(&k);
	opens_with("few", "c", "OPEN");
}

static void
a_limit_of_multiaddrs(void **state)
{
	struct realm_key k = key(KEY_STAR);
	struct fake_conn *a, *b;

	(void)state;
	k.max_peers = 1;
	put(&k);
	a = fake_get(&f, "/star?addr=%2Fa", NULL);
	b = fake_get(&f, "/star?addr=%2Fb", NULL);
	fake_turn(&f);
	assert_int_equal(fake_status(a), 200);
	assert_int_equal(fake_status(b), 429);
	fake_gone(&f, a);
	fake_free(a);
	fake_free(b);
}

/* ---- origins ---- */

#define GOOD	"https://good.org"
#define EVIL	"https://evil.org"

static void
head_of(const char *method, const char *uri, const char *origin, const char *has, const char *has_not)
{
	char text[128];
	const char *const extra[] = { text, NULL };
	struct fake_conn *c;

	snprintf(text, sizeof text, "HTTP_ORIGIN=%s", origin != NULL ? origin : "");
	c = fake_request(&f, method, uri, NULL, origin != NULL ? extra : NULL);
	fake_turn(&f);
	row_assert(strstr(fake_text(c), has) != NULL, "%s", fake_text(c));
	row_assert(has_not == NULL || strstr(fake_text(c), has_not) == NULL, "%s", fake_text(c));
	fake_free(c);
}

static void
pages_of_other_origins_are_refused(void **state)
{
	static const char *const uris[] = { "/peerjs/id", "/peerjs?key=peerjs&id=a&token=t", "/sigver", "/star?addr=%2Fa",
	    "/socket.io/?EIO=4&transport=polling" };
	struct realm_key k = key("peerjs");
	size_t i;

	(void)state;
	snprintf(f.conf.origins, sizeof f.conf.origins, "https://good.org, https://*.good.org");
	for (i = 0; i < COUNT(uris); i++) {
		status_is(403, "GET", uris[i], NULL, EVIL);
		status_is(403, "GET", uris[i], NULL, "null");
	}
	status_is(403, "POST", "/peerjs?key=peerjs&id=a&token=t", "{}", EVIL);
	status_is(403, "OPTIONS", "/peerjs?key=peerjs&id=a&token=t", NULL, EVIL);
	status_is(204, "OPTIONS", "/peerjs?key=peerjs&id=a&token=t", NULL, GOOD);
	status_is(200, "GET", "/peerjs/id", NULL, GOOD);
	status_is(200, "GET", "/peerjs/id", NULL, NULL);	/* no page at all */
	snprintf(k.origins, sizeof k.origins, "%s", EVIL);	/* its own list goes before the setting */
	put(&k);
	status_is(200, "GET", "/peerjs/id", NULL, EVIL);
	status_is(403, "GET", "/peerjs/id", NULL, GOOD);
}

/* Whose list counts, and which key serves, is the same however many slashes end the address. */
static void
a_key_is_asked_for_by_one_address(void **state)
{
	struct realm_key k = key("shop");
	static const char *const ends[] = { "", "/", "//", "///" };
	char uri[64];
	size_t i;

	(void)state;
	snprintf(k.origins, sizeof k.origins, "https://shop.example");
	put(&k);
	for (i = 0; i < COUNT(ends); i++) {
		snprintf(uri, sizeof uri, "/peerjs%s?key=shop&id=a&token=t", ends[i]);
		status_is(i < 2 ? 403 : 404, "GET", uri, NULL, "https://else.example");
		snprintf(uri, sizeof uri, "/shop/id%s", ends[i]);
		status_is(i < 2 ? 403 : 404, "GET", uri, NULL, "https://else.example");
	}
}

static void
who_may_read_the_answer(void **state)
{
	(void)state;
	head_of("GET", "/peerjs/id", EVIL, "Access-Control-Allow-Origin: *\r\n", "Vary");
	snprintf(f.conf.origins, sizeof f.conf.origins, GOOD);
	head_of("GET", "/peerjs/id", GOOD, "Vary: Origin\r\nAccess-Control-Allow-Origin: " GOOD "\r\n", "Credentials");
	head_of("GET", "/peerjs/id", EVIL, "Vary: Origin\r\n", "Access-Control-Allow-Origin");
	head_of("GET", "/peerjs/id", NULL, "Vary: Origin\r\n", "Access-Control-Allow-Origin");
	head_of("GET", "/health", NULL, "Vary: Origin\r\n", "Access-Control-Allow-Origin");
	head_of("GET", "/sigver", EVIL, "Vary: Origin\r\n", "Access-Control-Allow-Origin");
	head_of("OPTIONS", "/peerjs/id", GOOD, "Access-Control-Allow-Methods", NULL);
	head_of("GET", "/sigver?transport=nope", GOOD, "Access-Control-Allow-Origin: " GOOD "\r\nAccess-Control-Allow-Credentials: true", NULL);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_key_that_is_turned_off_ends_its_streams), T(a_key_that_is_turned_off_serves_no_request),
		T(messages_obey_within_a_second), T(nothing_is_lost_when_it_is_turned_on_again),
		T(a_key_expires_to_the_millisecond), T(a_key_that_expires_ends_its_streams),
		T(a_key_expires_by_a_clock_that_was_set_back), T(keys_outlast_a_lack_of_memory),
		T(a_key_is_asked_for_by_one_address),
		T(a_key_that_is_removed_ends_its_streams), T(peers_of_two_keys_with_one_realm_meet),
		T(sigver_can_be_turned_off), T(webrtc_star_can_be_turned_off), T(no_key_of_a_protocol_serves_peers),
		T(a_key_has_a_limit_of_peers_of_its_own), T(a_limit_of_multiaddrs),
		T(pages_of_other_origins_are_refused), T(who_may_read_the_answer),
	};

	return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
