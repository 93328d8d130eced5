/* suite-store-time - leases, expiry, boxes nobody comes back for. */
#include "config.h"

#include <string.h>

#include "suite-store.h"

#define LAST	(TAKEN_KEEP_MS + EXPIRY_SLACK_MS)	/* a taken row stays so long past its due */

struct expired {
	int	n, stop;
	int64_t	seq[16], src[16];
	size_t	size[16];
};

static int
expire(void *arg, const struct msg_row *m)
{
	struct expired *x = arg;

	x->seq[x->n] = m->seq;
	x->src[x->n] = m->src;
	x->size[x->n++] = m->body.n;
	return x->n == x->stop;
}

/* ---- leases ---- */

static void
a_lease_lasts_six_seconds(void **state)
{
	struct suite *t = *state;
	int64_t hub, id, gen;
	struct box b;

	ok(store_begin(t->a, T0));
	ok(store_hub_enter(t->a, &hub));
	id = suite_box(t->a, 1);
	ok(store_box_attach(t->a, id, hub, &gen));
	suite_put(t->a, -hub, T0 + HOUR, 1);
	ok(store_commit(t->a));

	suite_sweep_at(t->a, T0 + HUB_LEASE_MS);
	assert_true(suite_look(t->a, id).present);
	ok(store_hub_alive(t->a, hub));
	ok(store_read_begin(t->a, T0 + HUB_LEASE_MS + 1));
	assert_false(suite_look(t->a, id).present);
	assert_int_equal(suite_look(t->a, id).hub, hub);
	fails(store_hub_alive(t->a, hub), ERR_NOTFOUND);
	store_read_end(t->a);

	suite_sweep_at(t->a, T0 + HUB_LEASE_MS + 1000);
	b = suite_look(t->a, id);
	assert_int_equal(b.hub, 0);
	assert_int_equal(b.gen, gen);
	assert_int_equal(b.until, T0 + HUB_LEASE_MS + 1000);
	assert_int_equal(suite_rows(t->a, -hub, NULL), 0);
	ok(store_begin(t->a, T0 + HUB_LEASE_MS + 1000));
	fails(store_hub_renew(t->a, hub), ERR_NOTFOUND);
	fails(store_box_attach(t->a, id, hub, &gen), ERR_NOTFOUND);
	ok(store_commit(t->a));
}

static void
a_renewed_lease_goes_on(void **state)
{
	struct suite *t = *state;
	int64_t hub, id, gen;

	ok(store_begin(t->a, T0));
	ok(store_hub_enter(t->a, &hub));
	id = suite_box(t->a, 1);
	ok(store_box_attach(t->a, id, hub, &gen));
	ok(store_commit(t->a));
	ok(store_begin(t->a, T0 + 5000));
	ok(store_hub_renew(t->a, hub));
	ok(store_commit(t->a));
	suite_sweep_at(t->a, T0 + 11000);
	assert_true(suite_look(t->a, id).present);
	assert_int_equal(suite_look(t->a, id).hub, hub);
	ok(store_begin(t->a, T0 + 11000));
	ok(store_hub_leave(t->a, hub));
	ok(store_commit(t->a));
	assert_false(suite_look(t->a, id).present);
	assert_int_equal(suite_look(t->a, id).until, T0 + 11000);
	fails(store_hub_alive(t->a, hub), ERR_NOTFOUND);
}

static void
a_dead_hub_is_taken_apart_in_steps(void **state)
{
	struct suite *t = *state;
	struct sweep sw = { .max_rows = 4 };
	int64_t hub, gen;
	int i, steps = 0, away = 0;

	ok(store_begin(t->a, T0));
	ok(store_hub_enter(t->a, &hub));
	for (i = 0; i < 10; i++)
		ok(store_box_attach(t->a, suite_box(t->a, i), hub, &gen));
	ok(store_commit(t->a));
	do {
		suite_sweep(t->a, T0 + 7000, 8000, &sw);
		assert_true(sw.elected);
	} while (sw.more && ++steps < 10);
	assert_int_equal(steps, 2);
	for (i = 1; i <= 10; i++)
		away += suite_look(t->a, i).hub == 0;
	assert_int_equal(away, 10);
}

/* ---- expiry ---- */

static void
untaken_rows_expire_past_the_slack(void **state)
{
	struct suite *t = *state;
	struct expired x = { 0 };
	struct sweep sw = { .expired = expire, .arg = &x };
	int64_t id, seq;

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	seq = suite_put(t->a, id, T0 + 5000, 12);
	ok(store_commit(t->a));
	suite_sweep(t->a, T0 + 5000 + EXPIRY_SLACK_MS, 1, &sw);
	assert_int_equal(sw.messages, 0);
	assert_int_equal(suite_rows(t->a, id, NULL), 1);

	sw.mono = 2;
	sw.boot = "b1";
	ok(store_begin(t->a, T0 + 5000 + EXPIRY_SLACK_MS + 1000));
	ok(store_sweep(t->a, &sw));
	assert_int_equal(sw.messages, 1);
	store_rollback(t->a);
	assert_int_equal(x.n, 1);
	assert_int_equal(x.seq[0], seq);
	assert_int_equal(x.src[0], 7);
	assert_int_equal(x.size[0], 12);
}

/* The first sweep ever, at exactly one millisecond past what the test above kept. */
static void
expiry_is_exact(void **state)
{
	struct suite *t = *state;
	int64_t id, seq;

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	seq = suite_put(t->a, id, T0 + 5000, 1);
	suite_put(t->a, id, T0 + 5001, 1);
	ok(store_commit(t->a));
	assert_int_equal(suite_sweep_at(t->a, T0 + 5000 + EXPIRY_SLACK_MS + 1).messages, 1);
	assert_int_equal(suite_rows(t->a, id, NULL), 1);
	assert_int_equal(suite_look(t->a, id).dropped, seq);
}

static void
taken_rows_stay_a_minute_longer(void **state)
{
	struct suite *t = *state;
	struct expired x = { 0 };
	struct sweep sw = { .expired = expire, .arg = &x };
	int64_t id, seq, hub, gen;

	ok(store_begin(t->a, T0));
	ok(store_hub_enter(t->a, &hub));
	id = suite_box(t->a, 1);
	ok(store_box_attach(t->a, id, hub, &gen));
	seq = suite_put(t->a, id, T0, 1);
	ok(store_box_taken(t->a, id, seq));
	ok(store_box_detach(t->a, id, gen, T0 + HOUR));
	ok(store_commit(t->a));
	suite_sweep(t->a, T0 + 5000, 1, &sw);
	suite_sweep(t->a, T0 + LAST, LAST - 5000, &sw);
	assert_int_equal(suite_rows(t->a, id, NULL), 1);
	assert_int_equal(suite_look(t->a, id).dropped, 0);
	ok(store_begin(t->a, T0 + LAST));
	suite_put(t->a, id, T0 + HOUR, 1);
	ok(store_commit(t->a));
	suite_sweep(t->a, T0 + LAST + 1000, LAST - 4000, &sw);
	assert_int_equal(sw.messages, 1);
	assert_int_equal(suite_rows(t->a, id, NULL), 1);
	assert_int_equal(suite_look(t->a, id).dropped, seq);
	assert_int_equal(x.n, 0);
}

static void
a_taken_row_goes_at_its_millisecond(void **state)
{
	struct suite *t = *state;
	int64_t id, seq, hub, gen;

	ok(store_begin(t->a, T0));
	ok(store_hub_enter(t->a, &hub));
	id = suite_box(t->a, 1);
	ok(store_box_attach(t->a, id, hub, &gen));
	suite_put(t->a, id, T0, 1);
	seq = suite_put(t->a, id, T0 + 1, 1);
	ok(store_box_taken(t->a, id, seq));
	ok(store_box_detach(t->a, id, gen, T0 + HOUR));
	ok(store_commit(t->a));
	assert_int_equal(suite_sweep_at(t->a, T0 + LAST + 1).messages, 1);
	assert_int_equal(suite_rows(t->a, id, NULL), 1);
}

/* Taken rows must not use up the steps of those behind them, neither in the first sweep nor in the next. */
static void
taken_rows_are_in_nobodys_way(void **state)
{
	struct suite *t = *state;
	struct sweep sw = { .max_rows = 5 };
	int64_t id, seq = 0;
	int i;

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	for (i = 0; i < 7; i++)
		seq = suite_put(t->a, id, T0 + 100, 1);
	ok(store_box_taken(t->a, id, seq));
	suite_put(t->a, id, T0 + 100, 1);
	ok(store_commit(t->a));
	suite_sweep(t->a, T0 + 2000, 1, &sw);
	assert_false(sw.more);
	assert_int_equal(sw.messages, 1);
	suite_sweep(t->a, T0 + 3000, 1001, &sw);
	assert_false(sw.more);
	assert_int_equal(sw.messages, 0);
	assert_int_equal(suite_rows(t->a, id, NULL), 7);
}

static void
expiry_goes_in_steps(void **state)
{
	struct suite *t = *state;
	struct expired x = { 0 };
	struct sweep sw = { .max_rows = 4, .expired = expire, .arg = &x };
	int64_t id;
	int i, steps = 1;

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	for (i = 0; i < 10; i++)
		suite_put(t->a, id, T0 + 100 + i % 3, 1);
	ok(store_commit(t->a));
	suite_sweep(t->a, T0 + 5000, 1, &sw);
	assert_in_range(sw.messages, 3, 4);
	while (sw.more && steps < 10) {
		suite_sweep(t->a, T0 + 5000, 1, &sw);
		assert_in_range(sw.messages, 0, 4);
		steps++;
	}
	assert_in_range(steps, 3, 4);
	assert_int_equal(x.n, 10);
	assert_int_equal(suite_rows(t->a, id, NULL), 0);
}

static void
who_is_told_may_stop_the_sweep(void **state)
{
	struct suite *t = *state;
	struct expired x = { .stop = 2 };
	struct sweep sw = { .expired = expire, .arg = &x };
	int64_t id;
	int i;

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	for (i = 0; i < 5; i++)
		suite_put(t->a, id, T0, 1);
	ok(store_commit(t->a));
	suite_sweep(t->a, T0 + 5000, 1, &sw);
	assert_true(sw.more);
	assert_int_equal(sw.messages, 2);
	suite_sweep(t->a, T0 + 5000, 1, &sw);
	assert_false(sw.more);
	assert_int_equal(x.n, 5);
}

struct answer {
	struct store	*s;
	int64_t		 to;
};

static int
answer(void *arg, const struct msg_row *m)
{
	struct answer *a = arg;

	suite_put(a->s, a->to, T0 + HOUR, m->body.n);
	return 0;
}

static void
who_is_told_may_write(void **state)
{
	struct suite *t = *state;
	struct answer a = { .s = t->a };
	struct sweep sw = { .expired = answer, .arg = &a };
	int64_t id;

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	a.to = suite_box(t->a, 2);
	suite_put(t->a, id, T0, 5);
	suite_put(t->a, id, T0, 6);
	suite_put(t->a, -4, T0, 6);
	ok(store_commit(t->a));
	suite_sweep(t->a, T0 + 5000, 1, &sw);
	assert_int_equal(sw.messages, 3);
	assert_int_equal(suite_rows(t->a, id, NULL), 0);
	assert_int_equal(suite_rows(t->a, -4, NULL), 0);
	assert_int_equal(suite_rows(t->a, a.to, NULL), 2);
}

/* ---- boxes ---- */

static void
boxes_end_when_nobody_comes_back(void **state)
{
	struct suite *t = *state;
	int64_t id, ended, n, owner;
	struct box b;

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	ended = suite_box(t->a, 2);
	ok(store_claim_add(t->a, "r", STR("k"), id, true));
	ok(store_link_add(t->a, id, ended, &n));
	suite_put(t->a, id, T0 + HOUR, 1);
	ok(store_commit(t->a));
	ok(store_begin(t->a, T0 + AWAY_MS - 1));
	ok(store_box_end(t->a, id));
	ok(store_commit(t->a));
	assert_int_equal(suite_sweep_at(t->a, T0 + AWAY_MS - 1).boxes, 0);
	ok(store_box_get(t->a, ended, &b));
	ok(store_link_last(t->a, ended, &owner, &n));
	assert_int_equal(suite_sweep_at(t->a, T0 + AWAY_MS + 1000).boxes, 2);
	fails(store_box_get(t->a, id, &b), ERR_NOTFOUND);
	fails(store_box_get(t->a, ended, &b), ERR_NOTFOUND);
	fails(store_link_last(t->a, ended, &owner, &n), ERR_NOTFOUND);
	assert_int_equal(suite_rows(t->a, id, NULL), 0);
}

static void
a_box_ends_at_its_millisecond(void **state)
{
	struct suite *t = *state;
	int64_t id, held, hub, gen;
	struct box b;

	ok(store_begin(t->a, T0));
	ok(store_hub_enter(t->a, &hub));
	held = suite_box(t->a, 3);
	ok(store_box_attach(t->a, held, hub, &gen));
	id = suite_box(t->a, 1);
	ok(store_claim_add(t->a, "r", STR("k"), id, true));
	ok(store_commit(t->a));
	ok(store_begin(t->a, T0 + AWAY_MS));
	ok(store_hub_renew(t->a, hub));
	ok(store_commit(t->a));
	assert_int_equal(suite_sweep_at(t->a, T0 + AWAY_MS).boxes, 1);
	fails(store_claim_holder(t->a, "r", STR("k"), &b), ERR_NOTFOUND);
	assert_true(suite_look(t->a, held).present);
}

static void
boxes_go_in_steps(void **state)
{
	struct suite *t = *state;
	struct sweep sw = { .max_rows = 4 };
	struct store_stat st;
	int64_t id;
	int i, steps = 1;

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	suite_box(t->a, 2);
	for (i = 0; i < 10; i++)
		suite_put(t->a, id, T0 + HOUR, 1);
	ok(store_commit(t->a));
	suite_sweep(t->a, T0 + AWAY_MS, 1, &sw);
	assert_in_range(sw.messages, 3, 4);
	assert_int_equal(sw.boxes, 0);
	while (sw.more && steps < 10) {
		suite_sweep(t->a, T0 + AWAY_MS, 1, &sw);
		steps++;
	}
	ok(store_stat(t->a, T0, &st));
	assert_int_equal(st.boxes, 0);
	assert_int_equal(st.messages, 0);
	assert_in_range(steps, 3, 4);
}

const struct CMUnitTest suite_time_tests[] = {
	cmocka_unit_test(a_lease_lasts_six_seconds),
	cmocka_unit_test(a_renewed_lease_goes_on),
	cmocka_unit_test(a_dead_hub_is_taken_apart_in_steps),
	cmocka_unit_test(untaken_rows_expire_past_the_slack),
	cmocka_unit_test(expiry_is_exact),
	cmocka_unit_test(taken_rows_stay_a_minute_longer),
	cmocka_unit_test(a_taken_row_goes_at_its_millisecond),
	cmocka_unit_test(taken_rows_are_in_nobodys_way),
	cmocka_unit_test(expiry_goes_in_steps),
	cmocka_unit_test(who_is_told_may_stop_the_sweep),
	cmocka_unit_test(who_is_told_may_write),
	cmocka_unit_test(boxes_end_when_nobody_comes_back),
	cmocka_unit_test(a_box_ends_at_its_millisecond),
	cmocka_unit_test(boxes_go_in_steps),
	{ NULL, NULL, NULL, NULL, NULL }
};
