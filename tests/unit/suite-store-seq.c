/* suite-store-seq - positions are given out once, whoever deletes what; many boxes at once; and many rows
 * against a plain model of what expires when. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "suite-store.h"

#define LATER (T0 + HOUR)

/* ---- positions ---- */

static void
by_drop(struct store *s, int64_t box, int64_t seq)
{
	(void)box;
	ok(store_msg_drop(s, seq));
}

static void
by_ack(struct store *s, int64_t box, int64_t seq)
{
	ok(store_box_ack(s, box, seq));
}

static void
by_sweep(struct store *s, int64_t box, int64_t seq)
{
	static int64_t late;
	struct sweep sw = { .mono = ++late, .boot = "b1", .max_rows = 1000 };
	struct box b;

	(void)seq;
	ok(store_box_get(s, box, &b));
	ok(store_sweep(s, &sw));
}

static void
by_hub(struct store *s, int64_t box, int64_t seq)
{
	int64_t hub;

	by_drop(s, box, seq);
	ok(store_hub_enter(s, &hub));
	suite_put(s, -hub, LATER, 1);
	ok(store_hub_leave(s, hub));
}

static void (*const ways[])(struct store *, int64_t, int64_t) = { by_drop, by_ack, by_hub, by_sweep };

/* The last row goes, in every way, by either of two; both go on above it. */
static void
no_position_is_given_twice(void **state)
{
	struct suite *t = *state;
	struct store *s[2] = { t->a, suite_second(t) };
	int64_t id, seq, last, high = 0, now = T0;
	size_t i;

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	ok(store_commit(t->a));
	for (i = 0; i < 4 * sizeof ways / sizeof ways[0]; i++) {
		struct store *one = s[i & 1], *two = s[i >> 1 & 1];

		now += 1000;
		ok(store_begin(one, now));
		seq = suite_put(one, id, now, 1);
		assert_true(seq > high);
		ok(store_commit(one));
		ok(store_begin(two, now + EXPIRY_SLACK_MS + 1));
		ways[i / 4](two, id, seq);
		ok(store_msg_last(two, &high));
		assert_true(high >= seq);
		ok(store_commit(two));
		assert_int_equal(suite_rows(one, id, NULL), 0);
		ok(store_msg_last(one, &last));
		assert_int_equal(last, high);
	}
}

static void
a_box_that_goes_takes_no_position_back(void **state)
{
	struct suite *t = *state;
	int64_t seq, last;

	ok(store_begin(t->a, T0));
	seq = suite_put(t->a, suite_box(t->a, 1), LATER, 1);
	ok(store_commit(t->a));
	assert_int_equal(suite_sweep_at(t->a, T0 + AWAY_MS).boxes, 1);
	ok(store_msg_last(t->a, &last));
	assert_int_equal(last, seq);
	ok(store_begin(t->a, T0 + AWAY_MS));
	assert_true(suite_put(t->a, suite_box(t->a, 2), LATER, 1) > seq);
	ok(store_commit(t->a));
}

/* What nobody has seen may be given again; what was given meanwhile may not. */
static void
what_was_taken_back_was_not_given(void **state)
{
	struct suite *t = *state;
	struct store *b = suite_second(t);
	int64_t id, one, two;

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	one = suite_put(t->a, id, LATER, 1);
	ok(store_mark(t->a));
	suite_put(t->a, id, LATER, 1);
	ok(store_msg_drop(t->a, suite_put(t->a, id, LATER, 1)));
	ok(store_undo(t->a));
	two = suite_put(t->a, id, LATER, 1);
	assert_int_equal(two, one + 1);
	ok(store_commit(t->a));
	ok(store_begin(t->a, T0));
	ok(store_msg_drop(t->a, suite_put(t->a, id, LATER, 1)));
	store_rollback(t->a);
	ok(store_begin(b, T0));
	assert_int_equal(suite_put(b, id, LATER, 1), two + 1);
	ok(store_commit(b));
	ok(store_begin(t->a, T0));
	assert_int_equal(suite_put(t->a, id, LATER, 1), two + 2);
	ok(store_commit(t->a));
}

/* ---- many boxes at once ---- */

/* Far more is dropped than an engine may want to look at in one go, of boxes that lie across each other;
 * one that is gone does not keep the others from it. */
static void
many_boxes_drop_what_is_too_much(void **state)
{
	enum { MANY = 3, EACH = TAKEN_KEEP_ROWS + 700 };
	struct suite *t = *state;
	struct taken list[MANY + 1];
	int64_t seq[MANY][EACH], first;
	struct box b;
	int i, k;

	ok(store_begin(t->a, T0));
	for (k = 0; k < MANY; k++)
		list[k].box = suite_box(t->a, k);
	for (i = 0; i < EACH; i++)
		for (k = 0; k < MANY; k++)
			seq[k][i] = suite_put(t->a, list[k].box, LATER, 10);
	for (k = 0; k < MANY; k++)
		list[k].seq = seq[k][EACH - 1 - k];
	list[MANY] = list[MANY - 1];
	list[MANY - 1] = (struct taken){ list[MANY].box + 1, 1 };
	fails(store_boxes_taken(t->a, list, MANY + 1), ERR_NOTFOUND);
	for (k = 0; k < MANY; k++) {
		b = suite_look(t->a, list[k == MANY - 1 ? MANY : k].box);
		assert_int_equal(b.taken, seq[k][EACH - 1 - k]);
		assert_int_equal(b.dropped, seq[k][EACH - k - TAKEN_KEEP_ROWS - 1]);
		assert_int_equal(suite_rows(t->a, b.id, &first), TAKEN_KEEP_ROWS + k);
		assert_int_equal(first, seq[k][EACH - k - TAKEN_KEEP_ROWS]);
	}
	ok(store_boxes_taken(t->a, list, 0));
	ok(store_commit(t->a));
}

/* ---- many rows ---- */

#define ROWS	1500
#define BOXES	7
#define SECONDS	80

struct model {
	struct row {
		int64_t	seq, due;
		int	box;
		bool	taken, told, gone;
	}		 rows[ROWS];
	int		 n;
	int64_t		 box[BOXES];
};

static int
on_expired(void *arg, const struct msg_row *m)
{
	struct model *model = arg;
	struct row *r = model->rows;

	while (r->seq != m->seq)
		r++;
	assert_false(r->told || r->taken);
	assert_int_equal(m->box, model->box[r->box]);
	r->told = true;
	return 0;
}

static int
take_one(void *arg, const struct msg_row *m)
{
	struct model *model = arg;
	int i;

	for (i = 0; i < model->n; i++)
		if (model->rows[i].seq == m->seq) {
			assert_false(model->rows[i].gone);
			model->rows[i].taken = true;
		}
	return 0;
}

/* Rows of all kinds, and one box takes what it has. */
static void
go_on(struct store *s, struct model *m, int64_t now)
{
	struct row *r;
	int i, box = rand() % BOXES;
	int64_t last;

	ok(store_begin(s, now));
	for (i = rand() % (2 * ROWS / SECONDS + 40); i > 0 && m->n < ROWS; i--) {
		r = &m->rows[m->n++];
		r->box = rand() % BOXES;
		r->due = now + (rand() % 2 ? 5000 : rand() % 30000);
		r->seq = suite_put(s, m->box[r->box], r->due, (size_t)(rand() % 300));
	}
	if (rand() % 3 == 0) {
		ok(store_msg_last(s, &last));
		ok(store_msg_read(s, m->box[box], 0, take_one, m));
		ok(store_box_taken(s, m->box[box], last));
	}
	ok(store_commit(s));
}

static void
compare(struct store *s, struct model *m, int64_t now)
{
	int64_t most = 0;
	int i, box, rows[BOXES] = { 0 };

	for (i = 0; i < m->n; i++) {
		struct row *r = &m->rows[i];

		r->gone = r->due + (r->taken ? TAKEN_KEEP_MS : 0) + EXPIRY_SLACK_MS < now;
		assert_int_equal(r->told, r->gone && !r->taken);
		rows[r->box] += !r->gone;
	}
	for (box = 0; box < BOXES; box++) {
		most += rows[box];
		assert_int_equal(suite_rows(s, m->box[box], NULL), rows[box]);
	}
	assert_true(most <= ROWS);
}

static void
each_row_expires_in_its_sweep(void **state)
{
	struct suite *t = *state;
	struct store *s[2] = { t->a, suite_second(t) };
	struct model *m = calloc(1, sizeof *m);
	struct sweep sw = { .max_rows = 100000, .expired = on_expired, .arg = m };
	int64_t now = T0, hub, gen;
	int i;

	srand(7);
	ok(store_begin(t->a, T0));
	ok(store_hub_enter(t->a, &hub));
	for (i = 0; i < BOXES; i++) {
		m->box[i] = suite_box(t->a, i);
		ok(store_box_attach(t->a, m->box[i], hub, &gen));
	}
	ok(store_commit(t->a));
	for (i = 0; i < SECONDS + 100; i++) {
		now += 1000;
		go_on(s[i % 2], m, now - 300);
		ok(store_begin(s[i % 3 == 0], now));
		ok(store_hub_renew(s[i % 3 == 0], hub));
		ok(store_commit(s[i % 3 == 0]));
		suite_sweep(s[i % 3 == 0], now, 1000 + now - T0, &sw);
		assert_true(sw.elected && !sw.more);
		compare(t->a, m, now);
	}
	assert_int_equal(m->n, ROWS);
	assert_true(m->rows[ROWS - 1].gone);
	free(m);
}

const struct CMUnitTest suite_seq_tests[] = {
	cmocka_unit_test(no_position_is_given_twice),
	cmocka_unit_test(a_box_that_goes_takes_no_position_back),
	cmocka_unit_test(what_was_taken_back_was_not_given),
	cmocka_unit_test(many_boxes_drop_what_is_too_much),
	cmocka_unit_test(each_row_expires_in_its_sweep),
	{ NULL, NULL, NULL, NULL, NULL }
};
