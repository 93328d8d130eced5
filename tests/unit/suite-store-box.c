/* suite-store-box - mailboxes, names, links. */
#include "config.h"

#include <string.h>
#include <time.h>

#include "suite-store.h"

/* ---- mailboxes ---- */

static void
a_box_is_found_by_token_and_handle(void **state)
{
	struct suite *t = *state;
	struct box b;
	int64_t id, other;

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	ok(store_box_add(t->a, "r2", suite_hash(1), NULL, &other));
	ok(store_commit(t->a));
	ok(store_box_by_token(t->a, "r", suite_hash(1), &b));
	assert_int_equal(b.id, id);
	assert_string_equal(b.realm, "r");
	assert_memory_equal(b.token, suite_hash(1), HASH_SIZE);
	assert_int_equal(b.state, BOX_LIVE);
	assert_int_equal(b.hub, 0);
	assert_int_equal(b.until, T0);
	assert_false(b.present);
	assert_int_equal(b.taken + b.dropped + b.n, 0);
	ok(store_box_by_handle(t->a, "r", suite_hash(-2), &b));
	assert_int_equal(b.id, id);
	ok(store_box_by_token(t->a, "r2", suite_hash(1), &b));
	assert_int_equal(b.id, other);
	fails(store_box_by_token(t->a, "r3", suite_hash(1), &b), ERR_NOTFOUND);
	fails(store_box_by_handle(t->a, "r", suite_hash(1), &b), ERR_NOTFOUND);
	fails(store_box_get(t->a, other + 1, &b), ERR_NOTFOUND);
}

static void
tokens_and_handles_are_unique(void **state)
{
	struct suite *t = *state;
	char realm[REALM_MAX + 1];
	int64_t id;

	memset(realm, 'r', sizeof realm);
	ok(store_begin(t->a, T0));
	suite_box(t->a, 1);
	fails(store_box_add(t->a, "r", suite_hash(1), suite_hash(9), &id), ERR_CONFLICT);
	fails(store_box_add(t->a, "r", suite_hash(9), suite_hash(-2), &id), ERR_CONFLICT);
	ok(store_box_add(t->a, "r", suite_hash(3), NULL, &id));
	ok(store_box_add(t->a, "r", suite_hash(4), NULL, &id));
	realm[REALM_MAX] = '\0';
	fails(store_box_add(t->a, realm, suite_hash(5), NULL, &id), ERR_BAD);
	realm[REALM_MAX - 1] = '\0';
	ok(store_box_add(t->a, realm, suite_hash(5), NULL, &id));
	ok(store_commit(t->a));
	assert_string_equal(suite_look(t->a, id).realm, realm);
}

static void
a_newer_stream_supersedes(void **state)
{
	struct suite *t = *state;
	int64_t id, hub, gen, gen2;

	ok(store_begin(t->a, T0));
	ok(store_hub_enter(t->a, &hub));
	id = suite_box(t->a, 1);
	fails(store_box_attach(t->a, id, hub + 1, &gen), ERR_NOTFOUND);
	fails(store_box_attach(t->a, id + 1, hub, &gen), ERR_NOTFOUND);
	ok(store_box_attach(t->a, id, hub, &gen));
	ok(store_box_attach(t->a, id, hub, &gen2));
	assert_true(gen2 > gen);
	assert_true(suite_look(t->a, id).present);
	fails(store_box_detach(t->a, id, gen, T0), ERR_NOTFOUND);
	assert_int_equal(suite_look(t->a, id).hub, hub);
	ok(store_box_detach(t->a, id, gen2, T0 + 500));
	fails(store_box_detach(t->a, id, gen2, T0), ERR_NOTFOUND);
	assert_int_equal(suite_look(t->a, id).hub, 0);
	ok(store_box_attach(t->a, id, hub, &gen));
	assert_true(gen > gen2);
	ok(store_commit(t->a));
}

static void
a_poll_is_present_until_it_is_not(void **state)
{
	struct suite *t = *state;
	int64_t id, hub, gen;

	ok(store_begin(t->a, T0));
	ok(store_hub_enter(t->a, &hub));
	id = suite_box(t->a, 1);
	ok(store_box_attach(t->a, id, hub, &gen));
	ok(store_box_detach(t->a, id, gen, T0 + 500));
	ok(store_commit(t->a));
	ok(store_read_begin(t->a, T0 + 499));
	assert_true(suite_look(t->a, id).present);
	store_read_end(t->a);
	ok(store_read_begin(t->a, T0 + 500));
	assert_false(suite_look(t->a, id).present);
	store_read_end(t->a);
}

static void
an_ended_box_says_goodbye(void **state)
{
	struct suite *t = *state;
	struct msg_new m = { .due = T0, .body = STR("x") };
	int64_t owner, other, n, seq;

	ok(store_begin(t->a, T0));
	owner = suite_box(t->a, 1);
	other = suite_box(t->a, 2);
	ok(store_claim_add(t->a, "r", STR("k"), owner, true));
	ok(store_link_add(t->a, owner, other, &n));
	suite_put(t->a, owner, T0 + 1000, 1);
	ok(store_box_end(t->a, owner));
	ok(store_box_end(t->a, owner));
	fails(store_box_end(t->a, other + 1), ERR_NOTFOUND);
	m.box = owner;
	fails(store_msg_add(t->a, &m, 0, &seq), ERR_NOTFOUND);
	fails(store_claim_add(t->a, "r", STR("k"), owner, true), ERR_NOTFOUND);
	ok(store_claim_add(t->a, "r", STR("k"), other, true));
	ok(store_commit(t->a));
	assert_int_equal(suite_look(t->a, owner).state, BOX_ENDED);
	assert_int_equal(suite_rows(t->a, owner, NULL), 1);
}

static void
n_must_rise(void **state)
{
	struct suite *t = *state;
	int64_t id;

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	ok(store_box_accept(t->a, id, 5));
	fails(store_box_accept(t->a, id, 5), ERR_REPEATED);
	fails(store_box_accept(t->a, id, 4), ERR_REPEATED);
	ok(store_box_accept(t->a, id, 6));
	fails(store_box_accept(t->a, id + 1, 6), ERR_NOTFOUND);
	ok(store_mark(t->a));
	ok(store_box_accept(t->a, id, 7));
	ok(store_undo(t->a));
	ok(store_box_accept(t->a, id, 7));
	ok(store_commit(t->a));
	assert_int_equal(suite_look(t->a, id).n, 7);
}

/* ---- names ---- */

static void
a_name_alone_or_shared(void **state)
{
	struct suite *t = *state;
	int64_t one, two;

	ok(store_begin(t->a, T0));
	one = suite_box(t->a, 1);
	two = suite_box(t->a, 2);
	ok(store_claim_add(t->a, "r", STR("k"), one, true));
	ok(store_claim_add(t->a, "r", STR("k"), one, true));
	fails(store_claim_add(t->a, "r", STR("k"), two, true), ERR_CONFLICT);
	ok(store_claim_add(t->a, "r2", STR("k"), two, true));
	ok(store_claim_add(t->a, "r", STR("k\0x"), two, true));
	ok(store_claim_add(t->a, "r", STR("k"), two, false));
	ok(store_claim_has(t->a, "r", STR("k"), two));
	fails(store_claim_has(t->a, "r", STR("j"), two), ERR_NOTFOUND);
	fails(store_claim_has(t->a, "r2", STR("k"), one), ERR_NOTFOUND);
	ok(store_claim_any(t->a, "r2", two));
	fails(store_claim_any(t->a, "r2", one), ERR_NOTFOUND);
	fails(store_claim_add(t->a, "r", STR("k"), two + 1, false), ERR_NOTFOUND);
	ok(store_commit(t->a));
}

static void
a_name_may_be_long(void **state)
{
	static char name[NAME_BYTES_MAX + 1];
	struct suite *t = *state;
	int64_t one, two;

	memset(name, 'n', sizeof name);
	ok(store_begin(t->a, T0));
	one = suite_box(t->a, 1);
	two = suite_box(t->a, 2);
	fails(store_claim_add(t->a, "r", str_make(name, sizeof name), one, true), ERR_BAD);
	ok(store_claim_add(t->a, "r", str_make(name, NAME_BYTES_MAX), one, true));
	ok(store_claim_add(t->a, "r", str_make(name, NAME_BYTES_MAX - 1), two, true));
	fails(store_claim_add(t->a, "r", str_make(name, NAME_BYTES_MAX), two, true), ERR_CONFLICT);
	ok(store_commit(t->a));
}

static void
the_oldest_present_holds_a_name(void **state)
{
	struct suite *t = *state;
	int64_t one, two, three, hub, gen;
	struct box b;

	ok(store_begin(t->a, T0));
	ok(store_hub_enter(t->a, &hub));
	one = suite_box(t->a, 1);
	two = suite_box(t->a, 2);
	three = suite_box(t->a, 3);
	fails(store_claim_holder(t->a, "r", STR("k"), &b), ERR_NOTFOUND);
	ok(store_claim_add(t->a, "r", STR("k"), three, false));
	ok(store_claim_add(t->a, "r", STR("k"), two, false));
	ok(store_claim_add(t->a, "r", STR("k"), one, false));
	ok(store_claim_holder(t->a, "r", STR("k"), &b));
	assert_int_equal(b.id, three);		/* it claimed first, though its box is the youngest */
	assert_false(b.present);
	ok(store_box_attach(t->a, one, hub, &gen));
	ok(store_claim_holder(t->a, "r", STR("k"), &b));
	assert_int_equal(b.id, one);
	assert_true(b.present);
	ok(store_box_attach(t->a, two, hub, &gen));
	ok(store_claim_holder(t->a, "r", STR("k"), &b));
	assert_int_equal(b.id, two);
	ok(store_box_end(t->a, two));
	ok(store_claim_holder(t->a, "r", STR("k"), &b));
	assert_int_equal(b.id, one);
	ok(store_commit(t->a));
}

static double
ms_of_lookups(struct store *s, int times)
{
	struct timespec from, to;
	struct box b;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	while (times-- > 0)
		ok(store_claim_holder(s, "r", STR("k"), &b));
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	return (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

/* A look at each of 3000 holders would cost a hundred times what one does. */
static void
thousands_may_hold_one_name(void **state)
{
	struct suite *t = *state;
	int64_t first, hub, gen;
	double one, many;
	int i;

	ok(store_begin(t->a, T0));
	ok(store_hub_enter(t->a, &hub));
	first = suite_box(t->a, 0);
	ok(store_box_attach(t->a, first, hub, &gen));
	ok(store_claim_add(t->a, "r", STR("k"), first, false));
	one = ms_of_lookups(t->a, 200);
	for (i = 1; i < 3000; i++)
		ok(store_claim_add(t->a, "r", STR("k"), suite_box(t->a, i), false));
	many = ms_of_lookups(t->a, 200);
	fails(store_claim_add(t->a, "r", STR("k"), suite_box(t->a, i), true), ERR_CONFLICT);
	ok(store_commit(t->a));
	assert_true(many < 20 * one + 5);
}

/* ---- links ---- */

struct heard {
	int	n;
	int64_t	number[8], other[8];
	int	stop;		/* after so many */
};

static int
hear(void *arg, int64_t n, int64_t other)
{
	struct heard *h = arg;

	h->number[h->n] = n;
	h->other[h->n++] = other;
	return h->n == h->stop;
}

static void
links_lead_both_ways(void **state)
{
	struct suite *t = *state;
	int64_t owner, other, n, n2, got, who;

	ok(store_begin(t->a, T0));
	owner = suite_box(t->a, 1);
	other = suite_box(t->a, 2);
	fails(store_link_last(t->a, other, &who, &got), ERR_NOTFOUND);
	fails(store_link_between(t->a, owner, other, &got), ERR_NOTFOUND);
	ok(store_link_add(t->a, owner, other, &n));
	ok(store_link_find(t->a, owner, n, &got));
	assert_int_equal(got, other);
	fails(store_link_find(t->a, other, n, &got), ERR_NOTFOUND);
	fails(store_link_find(t->a, owner, n + 1, &got), ERR_NOTFOUND);
	fails(store_link_find(t->a, owner, 0, &got), ERR_NOTFOUND);
	fails(store_link_find(t->a, owner, -1, &got), ERR_NOTFOUND);
	ok(store_link_add(t->a, owner, other, &n2));
	assert_true(n >= 1 && n2 > n);
	ok(store_link_between(t->a, owner, other, &got));
	assert_int_equal(got, n2);
	ok(store_link_find(t->a, owner, n, &got));
	ok(store_link_last(t->a, other, &who, &got));
	assert_int_equal(who, owner);
	assert_int_equal(got, n2);
	ok(store_commit(t->a));
}

static void
a_link_outlives_its_owner(void **state)
{
	struct suite *t = *state;
	struct heard h = { .stop = 8 };
	int64_t owner, other, n, got, who;

	ok(store_begin(t->a, T0));
	owner = suite_box(t->a, 1);
	other = suite_box(t->a, 2);
	ok(store_link_add(t->a, owner, other, &n));
	ok(store_box_end(t->a, owner));
	ok(store_link_last(t->a, other, &who, &got));
	assert_int_equal(who, 0);
	assert_int_equal(got, n);
	fails(store_link_find(t->a, owner, n, &got), ERR_NOTFOUND);
	fails(store_link_find(t->a, 0, n, &got), ERR_NOTFOUND);
	ok(store_link_waiting(t->a, 0, hear, &h));
	assert_int_equal(h.n, 0);

	owner = suite_box(t->a, 3);
	ok(store_link_add(t->a, owner, other, &n));
	ok(store_box_end(t->a, other));
	fails(store_link_last(t->a, other, &who, &got), ERR_NOTFOUND);
	fails(store_link_find(t->a, owner, n, &got), ERR_NOTFOUND);
	ok(store_commit(t->a));
}

static void
links_wait_until_settled(void **state)
{
	struct suite *t = *state;
	struct heard h = { .stop = 8 };
	int64_t owner, n[3], i;

	ok(store_begin(t->a, T0));
	owner = suite_box(t->a, 0);
	for (i = 0; i < 3; i++)
		ok(store_link_add(t->a, owner, suite_box(t->a, (int)i + 1), &n[i]));
	ok(store_link_waiting(t->a, owner, hear, &h));
	assert_int_equal(h.n, 3);
	for (i = 0; i < 3; i++) {
		assert_int_equal(h.number[i], n[i]);
		assert_int_equal(h.other[i], owner + 1 + i);
	}
	h = (struct heard){ .stop = 2 };
	ok(store_link_waiting(t->a, owner, hear, &h));
	assert_int_equal(h.n, 2);
	ok(store_link_settle(t->a, owner));
	h.n = 0;
	ok(store_link_waiting(t->a, owner, hear, &h));
	assert_int_equal(h.n, 0);
	ok(store_link_find(t->a, owner, n[0], &i));
	ok(store_commit(t->a));
}

const struct CMUnitTest suite_box_tests[] = {
	cmocka_unit_test(a_box_is_found_by_token_and_handle),
	cmocka_unit_test(tokens_and_handles_are_unique),
	cmocka_unit_test(a_newer_stream_supersedes),
	cmocka_unit_test(a_poll_is_present_until_it_is_not),
	cmocka_unit_test(an_ended_box_says_goodbye),
	cmocka_unit_test(n_must_rise),
	cmocka_unit_test(a_name_alone_or_shared),
	cmocka_unit_test(a_name_may_be_long),
	cmocka_unit_test(the_oldest_present_holds_a_name),
	cmocka_unit_test(thousands_may_hold_one_name),
	cmocka_unit_test(links_lead_both_ways),
	cmocka_unit_test(a_link_outlives_its_owner),
	cmocka_unit_test(links_wait_until_settled),
	{ NULL, NULL, NULL, NULL, NULL }
};
