/* suite-store-key - API keys, and who is there under one. */
#include "config.h"

#include "suite-store.h"

#include <stdio.h>
#include <string.h>

/* ---- keys ---- */

static int
join(void *arg, const struct realm_key *k)
{
	char *out = arg;
	size_t n = strlen(out);

	if (k->realm[0] != '\0')		/* not of a protocol */
		snprintf(out + n, 256 - n, "%s:%d:%d ", k->name, k->discovery, (int)k->peers);
	return 0;
}

static void
keys_are(struct store *s, const char *want)
{
	char got[256] = "";

	ok(store_key_list(s, join, got));
	assert_string_equal(got, want);
}

static void
a_key_is_there_from_the_start(void **state)
{
	struct suite *t = *state;
	struct realm_key k;

	ok(store_key_get(t->a, STR("peerjs"), &k));
	assert_string_equal(k.name, "peerjs");
	assert_false(k.discovery);
	fails(store_key_get(t->a, STR("other"), &k), ERR_NOTFOUND);
	fails(store_key_get(t->a, STR(""), &k), ERR_NOTFOUND);
	keys_are(t->a, "peerjs:0:0 ");
}

static void
keys_are_made_and_changed(void **state)
{
	struct suite *t = *state;
	char name[KEY_MAX + 1];

	ok(store_begin(t->a, T0));
	ok(store_key_set(t->a, STR("a 'key\""), true));
	ok(store_key_set(t->a, STR("peerjs"), true));
	ok(store_key_set(t->a, STR("a 'key\""), false));
	memset(name, 'n', sizeof name);
	ok(store_key_set(t->a, str_make(name, KEY_MAX - 1), false));
	fails(store_key_set(t->a, str_make(name, KEY_MAX), false), ERR_BAD);
	fails(store_key_set(t->a, STR(""), false), ERR_BAD);
	name[KEY_MAX - 1] = '\0';
	ok(store_commit(t->a));
	keys_are(suite_second(t), "a 'key\":0:0 nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn:0:0 peerjs:1:0 ");
}

static struct realm_key
key(struct store *s, const char *name)
{
	struct realm_key k;

	ok(store_key_get(s, str_from(name), &k));
	return k;
}

static void
protocols_have_keys_that_stay(void **state)
{
	struct suite *t = *state;
	struct realm_key k = key(t->a, KEY_SIGVER);

	assert_true(k.enabled && k.realm[0] == '\0' && k.expires == 0 && k.origins[0] == '\0');
	assert_true(key(t->a, KEY_STAR).discovery);
	k.enabled = false;
	ok(store_begin(t->a, T0));
	ok(store_key_put(t->a, &k));
	fails(store_key_drop(t->a, STR(KEY_SIGVER)), ERR_BAD);
	ok(store_commit(t->a));
	k = key(suite_second(t), KEY_SIGVER);
	assert_false(k.enabled);
	assert_string_equal(k.realm, "");
}

static void
a_key_keeps_all_it_is_told(void **state)
{
	struct suite *t = *state;
	struct realm_key k = { .name = "full", .enabled = false, .discovery = true, .expires = T0 + 5, .max_peers = 7,
	    .rate = 10, .rate_ms = 60000, .burst = 30 }, got;

	memset(k.origins, 'o', sizeof k.origins - 1);
	ok(store_begin(t->a, T0));
	ok(store_key_put(t->a, &k));
	ok(store_commit(t->a));
	got = key(suite_second(t), "full");
	assert_true(!got.enabled && got.discovery && got.expires == T0 + 5 && got.max_peers == 7);
	assert_true(got.rate == 10 && got.rate_ms == 60000 && got.burst == 30 && got.created == T0);
	assert_string_equal(got.realm, "full");
	assert_string_equal(got.origins, k.origins);
	got.enabled = true;
	ok(store_begin(t->a, T0 + 1));
	ok(store_key_put(t->a, &got));
	ok(store_key_set(t->a, STR("full"), false));	/* the rest stays */
	got = key(t->a, "full");
	assert_true(got.enabled && !got.discovery && got.max_peers == 7 && got.created == T0);
	fails(store_key_put(t->a, &(struct realm_key){ .name = "" }), ERR_BAD);
	ok(store_commit(t->a));
}

static void
whoever_looks_sees_that_keys_have_changed(void **state)
{
	struct suite *t = *state;
	struct realm_key k = { .name = "new" };
	int64_t v, before;

	ok(store_key_version(t->a, &before));
	ok(store_begin(t->a, T0));
	ok(store_claim_add(t->a, "peer/peerjs", STR("x"), suite_box(t->a, 1), true));
	ok(store_key_version(t->a, &v));
	assert_int_equal(v, before);		/* peers come and go */
	ok(store_key_put(t->a, &k));
	ok(store_key_version(t->a, &v));
	assert_true(v > before);
	before = v;
	ok(store_key_put(t->a, &k));
	ok(store_key_version(t->a, &v));
	assert_true(v > before);
	before = v;
	ok(store_key_drop(t->a, STR("new")));
	ok(store_key_version(t->a, &v));
	assert_true(v > before);
	fails(store_key_drop(t->a, STR("new")), ERR_NOTFOUND);
	ok(store_commit(t->a));
}

/* The id of one that was removed is not given to the next. */
static void
numbers_of_keys_are_not_used_again(void **state)
{
	struct suite *t = *state;
	int64_t id;

	ok(store_begin(t->a, T0));
	ok(store_key_set(t->a, STR("one"), false));
	id = key(t->a, "one").id;
	ok(store_key_drop(t->a, STR("one")));
	ok(store_key_set(t->a, STR("one"), false));
	assert_true(key(t->a, "one").id > id);
	ok(store_commit(t->a));
}

/* ---- who is there ---- */

static int64_t
peer(struct store *s, int n, const char *name, int64_t hub)
{
	int64_t id, gen;

	ok(store_box_add(s, "peer/peerjs", suite_hash(n), NULL, &id));
	ok(store_claim_add(s, "peer/peerjs", str_from(name), id, true));
	if (hub != 0)
		ok(store_box_attach(s, id, hub, &gen));
	return id;
}

static int
append(void *arg, const struct claim *c)
{
	char *out = arg;
	size_t n = strlen(out);

	snprintf(out + n, 256 - n, "%.*s ", (int)c->name.n, c->name.p);
	return 0;
}

static void
claims_are_counted_and_those_present_listed(void **state)
{
	struct suite *t = *state;
	char got[256] = "";
	int64_t hub, gone;

	ok(store_begin(t->a, T0));
	ok(store_key_set(t->a, STR("other"), false));
	ok(store_hub_enter(t->a, &hub));
	peer(t->a, 1, "one", hub);
	gone = peer(t->a, 2, "two", hub);
	peer(t->a, 3, "away", 0);
	ok(store_claim_names(t->a, "peer/peerjs", append, got));
	assert_string_equal(got, "one two ");
	keys_are(t->a, "other:0:0 peerjs:0:3 ");
	ok(store_mark(t->a));
	ok(store_box_end(t->a, gone));
	keys_are(t->a, "other:0:0 peerjs:0:2 ");
	ok(store_undo(t->a));
	keys_are(t->a, "other:0:0 peerjs:0:3 ");
	ok(store_commit(t->a));
}

static void
keys_of_one_realm_count_the_same_peers(void **state)
{
	struct suite *t = *state;
	struct realm_key k = key(t->a, "peerjs");

	ok(store_begin(t->a, T0));
	peer(t->a, 1, "one", 0);
	strcpy(k.name, "newer");
	ok(store_key_put(t->a, &k));
	peer(t->a, 2, "two", 0);
	keys_are(t->a, "newer:0:2 peerjs:0:2 ");
	ok(store_key_drop(t->a, STR("peerjs")));
	ok(store_key_set(t->a, STR("peerjs"), true));
	assert_string_not_equal(key(t->a, "peerjs").realm, "peerjs");	/* whose name it may not have */
	keys_are(t->a, "newer:0:2 peerjs:1:0 ");
	ok(store_commit(t->a));
	suite_sweep_at(t->a, T0 + 5);
	keys_are(t->a, "newer:0:2 peerjs:1:0 ");
}

/* Mailboxes, claims and messages of a realm without a key, so many rows a sweep. */
static void
what_a_removed_key_leaves_is_swept(void **state)
{
	struct suite *t = *state;
	struct store *s = t->a;
	struct sweep sw = { .mono = 1, .boot = "b", .max_rows = 4 };
	struct store_stat st;
	int64_t box, other;
	int i, sweeps;

	ok(store_begin(s, T0));
	ok(store_key_set(s, STR("gone"), false));
	for (i = 0; i < 3; i++) {
		ok(store_box_add(s, i == 2 ? "void/gone" : "peer/gone", suite_hash(i), NULL, &box));
		ok(store_claim_add(s, "peer/gone", str_make("abc" + i, 1), box, true));
		suite_put(s, box, T0 + HOUR, 3);
	}
	other = peer(s, 9, "stays", 0);
	suite_put(s, other, T0 + HOUR, 3);
	ok(store_key_drop(s, STR("gone")));
	ok(store_key_set(s, STR("gone"), false));
	assert_int_equal(key(s, "gone").peers, 0);
	ok(store_commit(s));
	for (sweeps = 0; sweeps == 0 || sw.more; sweeps++) {
		ok(store_begin(s, T0 + 1));
		sw.mono++;
		ok(store_sweep(s, &sw));
		assert_true(sw.messages + sw.boxes <= 4);
		ok(store_commit(s));
	}
	assert_true(sweeps > 1);
	ok(store_stat(s, T0 + 1, &st));
	assert_true(st.boxes == 1 && st.claims == 1 && st.messages == 1);
	ok(store_begin(s, T0 + 2000));
	assert_string_not_equal(key(s, "gone").realm, "gone");
	ok(store_key_drop(s, STR("gone")));
	ok(store_key_set(s, STR("gone"), false));	/* nothing of the first is left */
	assert_string_equal(key(s, "gone").realm, "gone");
	ok(store_commit(s));
}

/* A key that is made when peers are there already (a database put together by hand) counts them. */
static void
a_new_key_counts_who_is_there(void **state)
{
	struct suite *t = *state;
	int64_t id;

	ok(store_begin(t->a, T0));
	ok(store_box_add(t->a, "peer/late", suite_hash(1), NULL, &id));
	ok(store_claim_add(t->a, "peer/late", STR("x"), id, true));
	ok(store_key_set(t->a, STR("late"), false));
	keys_are(t->a, "late:0:1 peerjs:0:0 ");
	ok(store_commit(t->a));
}

static void
the_token_of_an_ended_box_is_free(void **state)
{
	struct suite *t = *state;
	struct box b;
	int64_t id, next;

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	fails(store_box_add(t->a, "r", suite_hash(1), NULL, &next), ERR_CONFLICT);
	ok(store_box_end(t->a, id));
	fails(store_box_by_token(t->a, "r", suite_hash(1), &b), ERR_NOTFOUND);
	ok(store_box_add(t->a, "r", suite_hash(1), NULL, &next));
	ok(store_box_by_token(t->a, "r", suite_hash(1), &b));
	assert_int_equal(b.id, next);
	ok(store_commit(t->a));
}

/* Of several with one token the one that ended last; one with a handle keeps that. */
static void
an_ended_box_is_found_by_its_token(void **state)
{
	struct suite *t = *state;
	struct box b;
	int64_t id = 0;
	int i;

	ok(store_begin(t->a, T0));
	for (i = 0; i < 3; i++) {
		ok(store_box_add(t->a, "r", suite_hash(1), NULL, &id));
		ok(store_box_end(t->a, id));
		ok(store_box_end(t->a, id));	/* once more changes nothing */
		ok(store_box_by_handle(t->a, "r", suite_hash(1), &b));
		assert_int_equal(b.id, id);
		assert_int_equal(b.state, BOX_ENDED);
	}
	id = suite_box(t->a, 5);
	ok(store_box_end(t->a, id));
	fails(store_box_by_handle(t->a, "r", suite_hash(5), &b), ERR_NOTFOUND);
	ok(store_box_by_handle(t->a, "r", suite_hash(-6), &b));
	assert_int_equal(b.id, id);
	ok(store_commit(t->a));
}

static void
a_touched_box_lives_on(void **state)
{
	struct suite *t = *state;
	struct box b;
	int64_t id, hub, gen;

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	ok(store_commit(t->a));
	ok(store_begin(t->a, T0 + AWAY_MS - 1));
	ok(store_box_touch(t->a, id));
	ok(store_commit(t->a));
	suite_sweep_at(t->a, T0 + 2 * AWAY_MS - 2);
	ok(store_box_get(t->a, id, &b));
	suite_sweep_at(t->a, T0 + 2 * AWAY_MS + 1000);
	fails(store_box_get(t->a, id, &b), ERR_NOTFOUND);
	ok(store_begin(t->a, T0 + 3 * AWAY_MS));
	fails(store_box_touch(t->a, id), ERR_NOTFOUND);
	ok(store_hub_enter(t->a, &hub));
	id = suite_box(t->a, 2);
	ok(store_box_attach(t->a, id, hub, &gen));
	fails(store_box_touch(t->a, id), ERR_NOTFOUND);		/* it has a stream */
	ok(store_commit(t->a));
}

static void
who_is_longest_away(void **state)
{
	struct suite *t = *state;
	int64_t hub, first, second, gen, got = 0;

	ok(store_begin(t->a, T0));
	ok(store_hub_enter(t->a, &hub));
	suite_box(t->a, 9);			/* of another realm, away for longest */
	first = peer(t->a, 1, "first", hub);
	second = peer(t->a, 2, "second", hub);
	fails(store_box_longest_away(t->a, "peer/peerjs", T0 + HOUR, &got), ERR_NOTFOUND);
	ok(store_box_attach(t->a, second, hub, &gen));
	ok(store_box_detach(t->a, second, gen, T0 + 10));
	ok(store_box_attach(t->a, first, hub, &gen));
	ok(store_box_detach(t->a, first, gen, T0 + 20));
	fails(store_box_longest_away(t->a, "peer/peerjs", T0 + 9, &got), ERR_NOTFOUND);
	ok(store_box_longest_away(t->a, "peer/peerjs", T0 + 10, &got));
	assert_int_equal(got, second);
	ok(store_box_end(t->a, second));
	fails(store_box_longest_away(t->a, "peer/peerjs", T0 + 19, &got), ERR_NOTFOUND);
	ok(store_box_longest_away(t->a, "peer/peerjs", T0 + 20, &got));
	assert_int_equal(got, first);
	ok(store_commit(t->a));
}

/* ---- the pulse ---- */

static void
pulse_is(struct store *s, int64_t peerjs, int64_t star, int64_t waiting, int64_t last)
{
	struct store_pulse p;

	ok(store_read_begin(s, T0));
	ok(store_pulse(s, &p));
	store_read_end(s);
	assert_int_equal(p.peerjs, peerjs);
	assert_int_equal(p.star, star);
	assert_int_equal(p.waiting, waiting);
	assert_int_equal(p.last_seq, last);
}

static void
the_pulse_counts_what_is_there(void **state)
{
	struct suite *t = *state;
	struct store_pulse p;
	struct store_stat st;
	int64_t box, other, seq = 0;
	int i;

	suite_limits(t, PULSE_LOOK + 10, 0);
	pulse_is(t->a, 0, 0, 0, 0);
	ok(store_begin(t->a, T0));
	ok(store_key_set(t->a, STR("other"), false));
	peer(t->a, 1, "anna", 0);
	box = suite_box(t->a, 3);
	ok(store_claim_add(t->a, "peer/other", STR("ben"), box, true));
	ok(store_claim_add(t->a, STAR_REALM, STR("/x"), box, true));
	other = suite_box(t->a, 4);
	suite_put(t->a, other, T0 + HOUR, 1);
	suite_put(t->a, -1, T0 + HOUR, 1);	/* an order to another process waits for nobody */
	for (i = 0; i < 3; i++)
		seq = suite_put(t->a, box, T0 + HOUR, 1);
	ok(store_box_taken(t->a, box, seq - 1));
	ok(store_pulse(t->a, &p));	/* inside a turn, too */
	ok(store_stat(t->a, T0, &st));
	ok(store_commit(t->a));
	assert_int_equal(p.waiting, 2);
	assert_int_equal(p.schema, st.schema);
	assert_string_equal(p.journal, st.journal);
	pulse_is(suite_second(t), 2, 1, 2, seq);
	ok(store_begin(t->a, T0));
	for (i = 0; i < PULSE_LOOK; i++)
		suite_put(t->a, other, T0 + HOUR, 1);
	ok(store_box_ack(t->a, box, seq));
	ok(store_commit(t->a));
	pulse_is(t->a, 2, 1, PULSE_LOOK - 1, seq + PULSE_LOOK);	/* one of those it looks at is the order */
}

const struct CMUnitTest suite_key_tests[] = {
	cmocka_unit_test(a_key_is_there_from_the_start),
	cmocka_unit_test(keys_are_made_and_changed),
	cmocka_unit_test(protocols_have_keys_that_stay),
	cmocka_unit_test(a_key_keeps_all_it_is_told),
	cmocka_unit_test(whoever_looks_sees_that_keys_have_changed),
	cmocka_unit_test(numbers_of_keys_are_not_used_again),
	cmocka_unit_test(keys_of_one_realm_count_the_same_peers),
	cmocka_unit_test(what_a_removed_key_leaves_is_swept),
	cmocka_unit_test(claims_are_counted_and_those_present_listed),
	cmocka_unit_test(a_new_key_counts_who_is_there),
	cmocka_unit_test(the_token_of_an_ended_box_is_free),
	cmocka_unit_test(an_ended_box_is_found_by_its_token),
	cmocka_unit_test(a_touched_box_lives_on),
	cmocka_unit_test(who_is_longest_away),
	cmocka_unit_test(the_pulse_counts_what_is_there),
	{ .name = NULL },
};
