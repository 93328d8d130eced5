/* suite-store-clock - who sweeps, and clocks that jump. */
#include "config.h"

#include "suite-store.h"

/* ---- election ---- */

static void
one_sweeps_a_second(void **state)
{
	struct suite *t = *state;
	struct store *b = suite_second(t);

	assert_true(suite_sweep_at(t->a, T0).elected);
	assert_false(suite_sweep_at(b, T0).elected);
	assert_false(suite_sweep_at(b, T0 + 999).elected);
	assert_false(suite_sweep_at(t->a, T0 + 999).elected);
	assert_true(suite_sweep_at(b, T0 + 1000).elected);
	assert_false(suite_sweep_at(t->a, T0 + 1000).elected);
}

static void
somebody_sweeps_after_the_clock_went_back(void **state)
{
	struct suite *t = *state;
	struct sweep sw = { 0 };

	assert_true(suite_sweep_at(t->a, T0).elected);
	suite_sweep(t->a, T0 - 3000, 2000, &sw);
	assert_true(sw.elected);
	assert_int_equal(sw.shifted_ms, 0);
	suite_sweep(t->a, T0 - 2001, 2999, &sw);
	assert_false(sw.elected);
}

/* ---- jumps ---- */

struct jump {
	int64_t	hub, polled, away, gen;
};

/* At T0 all is well: a hub, a poll's box until T0 + 10 s, one away since T0, a row due at
 * T0 + 20 s, and one that would have expired between the last sweep before the jump and the
 * first after it. */
static void
before_the_jump(struct suite *t, struct jump *j)
{
	int64_t gen;

	ok(store_begin(t->a, T0));
	ok(store_hub_enter(t->a, &j->hub));
	j->polled = suite_box(t->a, 1);
	j->away = suite_box(t->a, 2);
	ok(store_box_attach(t->a, j->polled, j->hub, &gen));
	ok(store_box_detach(t->a, j->polled, gen, T0 + 10000));
	suite_put(t->a, j->away, T0 + 20000, 1);
	suite_put(t->a, j->away, T0 - 1000, 1);
	ok(store_commit(t->a));
	assert_true(suite_sweep_at(t->a, T0).elected);
}

/* 500 ms later, by a clock that moved by diff, before anybody swept: a lease is renewed, a row
 * comes in, a stream ends. */
static void
after_the_jump(struct suite *t, struct jump *j, int64_t diff)
{
	int64_t now = T0 + diff + 500, gen;

	ok(store_begin(t->a, now));
	ok(store_hub_renew(t->a, j->hub));
	suite_put(t->a, j->polled, now + 20000, 1);
	ok(store_box_attach(t->a, j->away, j->hub, &gen));
	ok(store_box_detach(t->a, j->away, gen, now));
	ok(store_commit(t->a));
}

static void
jump(struct suite *t, int64_t diff)
{
	struct jump j;
	struct sweep sw = { 0 };
	int64_t now = T0 + diff;

	before_the_jump(t, &j);
	after_the_jump(t, &j, diff);
	suite_sweep(t->a, now + 1000, 2000, &sw);
	assert_true(sw.elected);
	assert_int_equal(sw.shifted_ms, diff);
	assert_int_equal(sw.messages, 1);
	assert_int_equal(sw.boxes, 0);
	ok(store_hub_alive(t->a, j.hub));
	assert_int_equal(suite_look(t->a, j.polled).until, now + 10000);
	assert_int_equal(suite_look(t->a, j.away).until, now + 500);

	suite_sweep(t->a, now + 6501, 7501, &sw);
	assert_int_equal(sw.shifted_ms, 0);
	fails(store_hub_alive(t->a, j.hub), ERR_NOTFOUND);
	suite_sweep(t->a, now + 20000 + EXPIRY_SLACK_MS - 500, 20000 + EXPIRY_SLACK_MS + 500, &sw);
	assert_int_equal(sw.messages, 0);
	suite_sweep(t->a, now + 20501 + EXPIRY_SLACK_MS, 21501 + EXPIRY_SLACK_MS, &sw);
	assert_int_equal(sw.messages, 2);
	suite_sweep(t->a, now + AWAY_MS + 501, AWAY_MS + 1501, &sw);
	assert_int_equal(sw.boxes, 1);
	suite_sweep(t->a, now + AWAY_MS + 10000, AWAY_MS + 11000, &sw);
	assert_int_equal(sw.boxes, 1);
}

static void
the_clock_jumps_an_hour_ahead(void **state)
{
	jump(*state, HOUR);
}

static void
the_clock_jumps_an_hour_back(void **state)
{
	jump(*state, -HOUR);
}

static void
a_silent_hub_stays_silent_over_a_jump(void **state)
{
	struct suite *t = *state;
	struct sweep sw = { 0 };
	int64_t hub;

	ok(store_begin(t->a, T0));
	ok(store_hub_enter(t->a, &hub));
	ok(store_commit(t->a));
	suite_sweep_at(t->a, T0);
	suite_sweep(t->a, T0 + HOUR + 6000, 7000, &sw);
	assert_int_equal(sw.shifted_ms, HOUR);
	ok(store_hub_alive(t->a, hub));
	suite_sweep(t->a, T0 - HOUR + 7001, 8001, &sw);
	assert_int_equal(sw.shifted_ms, -2 * HOUR);
	fails(store_hub_alive(t->a, hub), ERR_NOTFOUND);
}

/* Five seconds are not a jump; and after a restart of the machine mono tells nothing. */
static void
what_is_no_jump(void **state)
{
	struct suite *t = *state;
	struct sweep sw = { 0 };

	suite_sweep_at(t->a, T0);
	suite_sweep(t->a, T0 + 6000, 2000, &sw);
	assert_int_equal(sw.shifted_ms, 0);
	suite_sweep(t->a, T0 + 12001, 3000, &sw);
	assert_int_equal(sw.shifted_ms, 5001);
	ok(store_begin(t->a, T0 + HOUR));
	sw.boot = "b2";
	sw.mono = 5;
	ok(store_sweep(t->a, &sw));
	ok(store_commit(t->a));
	assert_true(sw.elected);
	assert_int_equal(sw.shifted_ms, 0);
}

const struct CMUnitTest suite_clock_tests[] = {
	cmocka_unit_test(one_sweeps_a_second),
	cmocka_unit_test(somebody_sweeps_after_the_clock_went_back),
	cmocka_unit_test(the_clock_jumps_an_hour_ahead),
	cmocka_unit_test(the_clock_jumps_an_hour_back),
	cmocka_unit_test(a_silent_hub_stays_silent_over_a_jump),
	cmocka_unit_test(what_is_no_jump),
	{ NULL, NULL, NULL, NULL, NULL }
};
