/* suite-store-time - leases, expiry, boxes nobody comes back for, clocks that jump. */
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

/* Time passes as it should: mono runs along with now. */
static struct sweep
sweep_at(struct store *s, int64_t now)
{
	struct sweep sw = { 0 };

	suite_sweep(s, now, now - T0 + 1000, &sw);
	assert_int_equal(sw.shifted_ms, 0);
	return sw;
}

/* ---- election ---- */

static void
one_sweeps_a_second(void **state)
{
	struct suite *t = *state;
	struct store *b = suite_second(t);

	assert_true(sweep_at(t->a, T0).elected);
	assert_false(sweep_at(b, T0).elected);
	assert_false(sweep_at(b, T0 + 999).elected);
	assert_false(sweep_at(t->a, T0 + 999).elected);
	assert_true(sweep_at(b, T0 + 1000).elected);
	assert_false(sweep_at(t->a, T0 + 1000).elected);
}

static void
somebody_sweeps_after_the_clock_went_back(void **state)
{
	struct suite *t = *state;
	struct sweep sw = { 0 };

	assert_true(sweep_at(t->a, T0).elected);
	suite_sweep(t->a, T0 - 3000, 2000, &sw);
	assert_true(sw.elected);
	assert_int_equal(sw.shifted_ms, 0);
	suite_sweep(t->a, T0 - 2001, 2999, &sw);
	assert_false(sw.elected);
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

	sweep_at(t->a, T0 + HUB_LEASE_MS);
	assert_true(suite_look(t->a, id).present);
	ok(store_hub_alive(t->a, hub));
	ok(store_read_begin(t->a, T0 + HUB_LEASE_MS + 1));
	assert_false(suite_look(t->a, id).present);
	assert_int_equal(suite_look(t->a, id).hub, hub);
	fails(store_hub_alive(t->a, hub), ERR_NOTFOUND);
	store_read_end(t->a);

	sweep_at(t->a, T0 + HUB_LEASE_MS + 1000);
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
	sweep_at(t->a, T0 + 11000);
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
	assert_int_equal(sweep_at(t->a, T0 + 5000 + EXPIRY_SLACK_MS + 1).messages, 1);
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
	assert_int_equal(sweep_at(t->a, T0 + LAST + 1).messages, 1);
	assert_int_equal(suite_rows(t->a, id, NULL), 1);
}

/* Without the watermark the taken rows would use up every step, and the last row never expire. */
static void
taken_rows_are_judged_once(void **state)
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
	assert_true(sw.more);
	assert_int_equal(sw.messages, 0);
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
	assert_int_equal(sw.messages, 4);
	while (sw.more && steps < 10) {
		suite_sweep(t->a, T0 + 5000, 1, &sw);
		steps++;
	}
	assert_int_equal(steps, 3);
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
	assert_int_equal(sweep_at(t->a, T0 + AWAY_MS - 1).boxes, 0);
	ok(store_box_get(t->a, ended, &b));
	ok(store_link_last(t->a, ended, &owner, &n));
	assert_int_equal(sweep_at(t->a, T0 + AWAY_MS + 1000).boxes, 2);
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
	assert_int_equal(sweep_at(t->a, T0 + AWAY_MS).boxes, 1);
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
	assert_int_equal(sw.messages, 4);
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

/* ---- the clock jumps ---- */

struct jump {
	int64_t	hub, polled, away, gen;
	int64_t	before, after;		/* rows: written under the old clock, under the new one */
};

/* At T0 all is well: a hub, a poll's box until T0 + 10 s, one away since T0, a row due at T0 + 20 s. */
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
	j->before = suite_put(t->a, j->away, T0 + 20000, 1);
	ok(store_commit(t->a));
	assert_true(sweep_at(t->a, T0).elected);
}

/* 500 ms later, by a clock that moved by diff, before anybody swept: a lease is renewed, a row
 * comes in, a stream ends. */
static void
after_the_jump(struct suite *t, struct jump *j, int64_t diff)
{
	int64_t now = T0 + diff + 500, gen;

	ok(store_begin(t->a, now));
	ok(store_hub_renew(t->a, j->hub));
	j->after = suite_put(t->a, j->polled, now + 20000, 1);
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
	assert_int_equal(sw.messages + sw.boxes, 0);
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
	sweep_at(t->a, T0);
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

	sweep_at(t->a, T0);
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

const struct CMUnitTest suite_time_tests[] = {
	cmocka_unit_test(one_sweeps_a_second),
	cmocka_unit_test(somebody_sweeps_after_the_clock_went_back),
	cmocka_unit_test(a_lease_lasts_six_seconds),
	cmocka_unit_test(a_renewed_lease_goes_on),
	cmocka_unit_test(a_dead_hub_is_taken_apart_in_steps),
	cmocka_unit_test(untaken_rows_expire_past_the_slack),
	cmocka_unit_test(expiry_is_exact),
	cmocka_unit_test(taken_rows_stay_a_minute_longer),
	cmocka_unit_test(a_taken_row_goes_at_its_millisecond),
	cmocka_unit_test(taken_rows_are_judged_once),
	cmocka_unit_test(expiry_goes_in_steps),
	cmocka_unit_test(who_is_told_may_stop_the_sweep),
	cmocka_unit_test(who_is_told_may_write),
	cmocka_unit_test(boxes_end_when_nobody_comes_back),
	cmocka_unit_test(a_box_ends_at_its_millisecond),
	cmocka_unit_test(boxes_go_in_steps),
	cmocka_unit_test(the_clock_jumps_an_hour_ahead),
	cmocka_unit_test(the_clock_jumps_an_hour_back),
	cmocka_unit_test(a_silent_hub_stays_silent_over_a_jump),
	cmocka_unit_test(what_is_no_jump),
	{ NULL, NULL, NULL, NULL, NULL }
};
