/* suite-store-turn - turns, requests in them, two connections, ids that never come back, totals. */
#include "config.h"

#include <string.h>
#include <time.h>

#include "suite-store.h"

static void
turn_is_atomic(void **state)
{
	struct suite *t = *state;
	struct box b;
	int64_t id, seq;

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	seq = suite_put(t->a, id, T0 + 1000, 10);
	assert_true(seq > 0);
	store_rollback(t->a);
	fails(store_box_get(t->a, id, &b), ERR_NOTFOUND);

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	suite_put(t->a, id, T0 + 1000, 10);
	ok(store_commit(t->a));
	assert_int_equal(suite_look(t->a, id).id, id);
	assert_int_equal(suite_rows(t->a, id, NULL), 1);
}

static void
undo_takes_back_one_request(void **state)
{
	struct suite *t = *state;
	struct box b;
	int64_t kept, gone, last;

	ok(store_begin(t->a, T0));
	ok(store_mark(t->a));
	kept = suite_box(t->a, 1);
	ok(store_release(t->a));
	ok(store_mark(t->a));
	gone = suite_box(t->a, 2);
	suite_put(t->a, kept, T0 + 1000, 10);
	ok(store_undo(t->a));
	ok(store_mark(t->a));
	last = suite_put(t->a, kept, T0 + 1000, 10);
	ok(store_release(t->a));
	ok(store_commit(t->a));
	fails(store_box_by_token(t->a, "r", suite_hash(2), &b), ERR_NOTFOUND);
	assert_true(gone > kept);
	assert_int_equal(suite_rows(t->a, kept, &gone), 1);
	assert_int_equal(gone, last);
}

static void
marks_nest(void **state)
{
	struct suite *t = *state;
	int64_t id;

	ok(store_begin(t->a, T0));
	ok(store_mark(t->a));
	id = suite_box(t->a, 1);
	ok(store_mark(t->a));
	suite_put(t->a, id, T0 + 1000, 10);
	ok(store_undo(t->a));
	ok(store_release(t->a));
	ok(store_commit(t->a));
	assert_int_equal(suite_rows(t->a, id, NULL), 0);
}

/* Of the first request there is nothing before its mark: it is taken back all the same, and so is
 * what it had around it. */
static void
undo_of_the_first_request(void **state)
{
	struct suite *t = *state;
	struct box b;
	int64_t id;

	ok(store_begin(t->a, T0));
	ok(store_mark(t->a));
	ok(store_mark(t->a));
	id = suite_box(t->a, 1);
	ok(store_undo(t->a));
	fails(store_box_get(t->a, id, &b), ERR_NOTFOUND);
	suite_box(t->a, 2);
	ok(store_mark(t->a));
	suite_box(t->a, 3);
	ok(store_release(t->a));
	ok(store_undo(t->a));
	ok(store_mark(t->a));
	ok(store_undo(t->a));
	id = suite_box(t->a, 4);
	ok(store_commit(t->a));
	fails(store_box_by_token(t->a, "r", suite_hash(2), &b), ERR_NOTFOUND);
	fails(store_box_by_token(t->a, "r", suite_hash(3), &b), ERR_NOTFOUND);
	ok(store_box_by_token(t->a, "r", suite_hash(4), &b));
}

static void
a_conflict_costs_only_its_request(void **state)
{
	struct suite *t = *state;
	int64_t one, two;

	ok(store_begin(t->a, T0));
	one = suite_box(t->a, 1);
	ok(store_mark(t->a));
	fails(store_box_add(t->a, "r", suite_hash(1), NULL, &two), ERR_CONFLICT);
	ok(store_undo(t->a));
	two = suite_box(t->a, 2);
	ok(store_commit(t->a));
	assert_int_equal(suite_look(t->a, one).id, one);
	assert_int_equal(suite_look(t->a, two).id, two);
}

static void
others_see_it_after_commit(void **state)
{
	struct suite *t = *state;
	struct store *b = suite_second(t);
	struct box box;
	int64_t id;

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	fails(store_box_get(b, id, &box), ERR_NOTFOUND);
	ok(store_commit(t->a));
	ok(store_box_get(b, id, &box));
}

static double
ms_of_busy_begin(struct store *s)
{
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	fails(store_begin(s, T0), ERR_BUSY);
	clock_gettime(CLOCK_MONOTONIC, &to);
	return (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

static void
busy_is_said_at_once(void **state)
{
	struct suite *t = *state;
	struct store *b = suite_second(t);
	double ms, best = 1e9;
	int i;

	ok(store_begin(t->a, T0));
	for (i = 0; i < 5; i++) {
		ms = ms_of_busy_begin(b);
		if (ms < best)
			best = ms;
	}
	assert_true(best < 5);
	ok(store_commit(t->a));
	ok(store_begin(b, T0));
	ok(store_commit(b));
}

static void
tick_tells_of_others_only(void **state)
{
	struct suite *t = *state;
	struct store *b = suite_second(t);

	assert_int_equal(store_tick(t->a, true), 0);
	ok(store_begin(t->a, T0));
	suite_box(t->a, 1);
	ok(store_commit(t->a));
	assert_int_equal(store_tick(t->a, false), 0);

	ok(store_begin(b, T0));
	suite_box(b, 2);
	assert_int_equal(store_tick(t->a, false), 0);
	ok(store_commit(b));
	assert_int_equal(store_tick(t->a, false), TICK_CHANGED);
	assert_int_equal(store_tick(t->a, false), 0);
	assert_int_equal(store_tick(t->a, true), 0);
}

/* With a rollback journal the writer waits for the reader: its turn stays open. */
static void
a_reading_sees_one_state(void **state)
{
	struct suite *t = *state;
	struct store *b = suite_second(t);
	struct box box;
	int64_t id;
	int err;

	ok(store_read_begin(b, T0));
	fails(store_box_get(b, 1, &box), ERR_NOTFOUND);
	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	err = store_commit(t->a);
	if (err != 0)
		fails(err, ERR_BUSY);
	fails(store_box_get(b, id, &box), ERR_NOTFOUND);
	store_read_end(b);
	if (err != 0)
		ok(store_commit(t->a));
	ok(store_box_get(b, id, &box));
}

static void
delete_everything(struct store *s, int64_t id, int64_t hub)
{
	struct sweep sw = { 0 };

	ok(store_begin(s, T0));
	ok(store_box_end(s, id));
	ok(store_hub_leave(s, hub));
	ok(store_commit(s));
	suite_sweep(s, T0 + AWAY_MS, AWAY_MS, &sw);
	assert_int_equal(sw.boxes, 1);
}

static void
ids_are_never_used_again(void **state)
{
	struct suite *t = *state;
	int64_t id, id2, hub, hub2, n, n2, seq, seq2, last;

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	ok(store_hub_enter(t->a, &hub));
	ok(store_link_add(t->a, id, id, &n));
	seq = suite_put(t->a, id, T0 + 1000, 1);
	ok(store_commit(t->a));
	delete_everything(t->a, id, hub);

	suite_second(t);
	t->e->done(t->e, t->a);
	t->a = t->b;
	t->b = NULL;
	ok(store_msg_last(t->a, &last));
	assert_int_equal(last, seq);
	ok(store_begin(t->a, T0));
	id2 = suite_box(t->a, 1);
	ok(store_hub_enter(t->a, &hub2));
	ok(store_link_add(t->a, id2, id2, &n2));
	seq2 = suite_put(t->a, id2, T0 + 1000, 1);
	ok(store_commit(t->a));
	assert_true(id2 > id && hub2 > hub && n2 > n && seq2 > seq);
}

static void
stat_counts(void **state)
{
	struct suite *t = *state;
	struct store_stat st;
	int64_t id, hub, n, gen, seq;

	ok(store_begin(t->a, T0));
	ok(store_hub_enter(t->a, &hub));
	id = suite_box(t->a, 1);
	suite_box(t->a, 2);
	ok(store_box_attach(t->a, id, hub, &gen));
	ok(store_claim_add(t->a, "r", STR("k"), id, false));
	ok(store_link_add(t->a, id, id + 1, &n));
	seq = suite_put(t->a, id, T0 + 1000, 10);
	suite_put(t->a, id, T0 + 1000, 20);
	suite_put(t->a, -hub, T0 + 1000, 5);
	ok(store_box_taken(t->a, id, seq));
	ok(store_commit(t->a));

	ok(store_stat(t->a, T0 + HUB_LEASE_MS, &st));
	assert_int_equal(st.boxes, 2);
	assert_int_equal(st.present, 1);
	assert_int_equal(st.claims, 1);
	assert_int_equal(st.links, 1);
	assert_int_equal(st.messages, 3);
	assert_int_equal(st.message_bytes, 35);
	assert_int_equal(st.untaken, 1);
	assert_int_equal(st.hubs, 1);
	assert_int_equal(st.last_seq, seq + 2);
	assert_true(st.db_bytes > 0 && st.schema > 0);
	assert_string_equal(st.epoch, t->a->epoch);
	ok(store_stat(t->a, T0 + HUB_LEASE_MS + 1, &st));
	assert_int_equal(st.present, 0);
	assert_int_equal(st.hubs, 0);
}

const struct CMUnitTest suite_turn_tests[] = {
	cmocka_unit_test(turn_is_atomic),
	cmocka_unit_test(undo_takes_back_one_request),
	cmocka_unit_test(marks_nest),
	cmocka_unit_test(undo_of_the_first_request),
	cmocka_unit_test(a_conflict_costs_only_its_request),
	cmocka_unit_test(others_see_it_after_commit),
	cmocka_unit_test(busy_is_said_at_once),
	cmocka_unit_test(tick_tells_of_others_only),
	cmocka_unit_test(a_reading_sees_one_state),
	cmocka_unit_test(ids_are_never_used_again),
	cmocka_unit_test(stat_counts),
	{ NULL, NULL, NULL, NULL, NULL }
};
