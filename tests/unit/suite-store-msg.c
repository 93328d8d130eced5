/* suite-store-msg - messages: reading, taken, acknowledged, kept, quotas, control rows. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "suite-store.h"

#define LATER (T0 + HOUR)

struct copy {
	int		 n, stop;
	struct msg_row	 row[16];
	char		*body[16];
};

static int
copy(void *arg, const struct msg_row *m)
{
	struct copy *c = arg;

	c->row[c->n] = *m;
	c->body[c->n] = malloc(m->body.n + 1);
	if (m->body.n > 0)
		memcpy(c->body[c->n], m->body.p, m->body.n);
	c->n++;
	return c->n == c->stop;
}

static void
forget(struct copy *c)
{
	while (c->n > 0)
		free(c->body[--c->n]);
}

static void
a_message_comes_out_as_it_went_in(void **state)
{
	static const size_t sizes[] = { 0, 1, 3, 4096, 70000 };
	struct suite *t = *state;
	struct copy c = { 0 };
	char *body = malloc(70000);
	int64_t id, seq[5];
	size_t i;

	for (i = 0; i < 70000; i++)
		body[i] = (char)(i * 7);
	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	for (i = 0; i < 5; i++) {
		struct msg_new m = { id, 100 + (int64_t)i, (int)i, LATER, { i == 0 ? NULL : body,
		    sizes[i] } };

		ok(store_msg_add(t->a, &m, 0, &seq[i]));
	}
	ok(store_commit(t->a));
	ok(store_msg_read(t->a, id, 0, copy, &c));
	assert_int_equal(c.n, 5);
	for (i = 0; i < 5; i++) {
		assert_int_equal(c.row[i].seq, seq[i]);
		assert_int_equal(c.row[i].box, id);
		assert_int_equal(c.row[i].src, 100 + i);
		assert_int_equal(c.row[i].kind, i);
		assert_int_equal(c.row[i].body.n, sizes[i]);
		assert_memory_equal(c.body[i], body, sizes[i]);
	}
	forget(&c);
	free(body);
}

static void
reading_starts_after_a_cursor_and_stops(void **state)
{
	struct suite *t = *state;
	struct copy c = { .stop = 2 };
	int64_t one, two, seq[4];
	int i;

	ok(store_begin(t->a, T0));
	one = suite_box(t->a, 1);
	two = suite_box(t->a, 2);
	for (i = 0; i < 4; i++) {
		seq[i] = suite_put(t->a, one, LATER, 1);
		suite_put(t->a, two, LATER, 1);
	}
	ok(store_commit(t->a));
	ok(store_msg_read(t->a, one, seq[0], copy, &c));
	assert_int_equal(c.n, 2);
	assert_int_equal(c.row[0].seq, seq[1]);
	assert_int_equal(c.row[1].seq, seq[2]);
	forget(&c);
	ok(store_msg_read(t->a, one, seq[3], copy, &c));
	assert_int_equal(c.n, 0);
}

struct work {
	int	n, stop;
	int64_t	seq[8], box[8];
};

static int
note(void *arg, int64_t seq, int64_t box)
{
	struct work *w = arg;

	w->seq[w->n] = seq;
	w->box[w->n++] = box;
	return w->n == w->stop;
}

static void
work_is_found_for_all_boxes(void **state)
{
	struct suite *t = *state;
	struct work w = { 0 };
	int64_t one, two, seq[4];

	ok(store_begin(t->a, T0));
	one = suite_box(t->a, 1);
	two = suite_box(t->a, 2);
	seq[0] = suite_put(t->a, one, LATER, 1);
	seq[1] = suite_put(t->a, two, LATER, 9000);
	seq[2] = suite_put(t->a, -5, LATER, 1);
	seq[3] = suite_put(t->a, one, LATER, 1);
	ok(store_commit(t->a));
	ok(store_msg_work(t->a, seq[0], 8, note, &w));
	assert_int_equal(w.n, 3);
	assert_memory_equal(w.seq, &seq[1], 3 * sizeof seq[0]);
	assert_true(w.box[0] == two && w.box[1] == -5 && w.box[2] == one);
	w.n = 0;
	ok(store_msg_work(t->a, 0, 2, note, &w));
	assert_int_equal(w.n, 2);
	w = (struct work){ .stop = 1 };
	ok(store_msg_work(t->a, 0, 8, note, &w));
	assert_int_equal(w.n, 1);
	assert_int_equal(w.seq[0], seq[0]);
}

static void
last_is_what_was_given_out(void **state)
{
	struct suite *t = *state;
	int64_t id, seq, last = -1;

	ok(store_msg_last(t->a, &last));
	assert_int_equal(last, 0);
	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	suite_put(t->a, id, LATER, 1);
	seq = suite_put(t->a, id, LATER, 1);
	ok(store_msg_drop(t->a, seq));
	ok(store_commit(t->a));
	ok(store_msg_last(t->a, &last));
	assert_int_equal(last, seq);
	assert_int_equal(suite_rows(t->a, id, NULL), 1);
	assert_int_equal(suite_look(t->a, id).dropped, 0);
}

static void
acknowledged_rows_go(void **state)
{
	struct suite *t = *state;
	int64_t id, other, seq[3], first;
	struct box b;
	int i;

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	other = suite_box(t->a, 2);
	suite_put(t->a, other, LATER, 1);
	for (i = 0; i < 3; i++)
		seq[i] = suite_put(t->a, id, LATER, 1);
	ok(store_box_ack(t->a, id, seq[1]));
	fails(store_box_ack(t->a, other + 1, seq[1]), ERR_NOTFOUND);
	assert_int_equal(suite_rows(t->a, id, &first), 1);
	assert_int_equal(first, seq[2]);
	assert_int_equal(suite_rows(t->a, other, NULL), 1);
	b = suite_look(t->a, id);
	assert_int_equal(b.taken, seq[1]);
	assert_int_equal(b.dropped, 0);
	ok(store_box_ack(t->a, id, seq[0]));
	assert_int_equal(suite_look(t->a, id).taken, seq[1]);
	ok(store_commit(t->a));
}

static void
taken_never_goes_back_nor_ahead(void **state)
{
	struct suite *t = *state;
	int64_t id, one, two;

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	ok(store_box_taken(t->a, id, 5));
	assert_int_equal(suite_look(t->a, id).taken, 0);
	one = suite_put(t->a, id, LATER, 1);
	two = suite_put(t->a, id, LATER, 1);
	ok(store_box_taken(t->a, id, two));
	ok(store_box_taken(t->a, id, one));
	assert_int_equal(suite_look(t->a, id).taken, two);
	ok(store_box_taken(t->a, id, two + 1000));
	ok(store_box_ack(t->a, id, two + 1000));
	assert_int_equal(suite_look(t->a, id).taken, two);
	fails(store_box_taken(t->a, id + 1, two), ERR_NOTFOUND);
	ok(store_commit(t->a));
}

/* ---- what is kept of taken rows ---- */

static void
keeps_256_taken_rows(void **state)
{
	struct suite *t = *state;
	int64_t id, seq = 0, first, was;
	int i;

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	for (i = 0; i < TAKEN_KEEP_ROWS; i++)
		seq = suite_put(t->a, id, LATER, 1);
	ok(store_box_taken(t->a, id, seq));
	assert_int_equal(suite_rows(t->a, id, &was), TAKEN_KEEP_ROWS);
	assert_int_equal(suite_look(t->a, id).dropped, 0);
	seq = suite_put(t->a, id, LATER, 1);
	suite_put(t->a, id, LATER, 1);
	ok(store_box_taken(t->a, id, seq));
	assert_int_equal(suite_rows(t->a, id, &first), TAKEN_KEEP_ROWS + 1);
	assert_int_equal(first, was + 1);
	assert_int_equal(suite_look(t->a, id).dropped, was);
	ok(store_commit(t->a));
}

static void
a_dropped_row_is_not_among_them(void **state)
{
	struct suite *t = *state;
	int64_t id, seq = 0, first;
	int i;

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	for (i = 0; i < TAKEN_KEEP_ROWS; i++)
		seq = suite_put(t->a, id, LATER, 1);
	ok(store_box_taken(t->a, id, seq));
	ok(store_msg_drop(t->a, seq - 5));
	ok(store_msg_drop(t->a, suite_put(t->a, id, LATER, 1)));
	ok(store_box_taken(t->a, id, suite_put(t->a, id, LATER, 1)));
	assert_int_equal(suite_rows(t->a, id, &first), TAKEN_KEEP_ROWS);
	assert_int_equal(suite_look(t->a, id).dropped, 0);
	ok(store_box_ack(t->a, id, first + 9));
	for (i = 0; i < 10; i++)
		ok(store_box_taken(t->a, id, suite_put(t->a, id, LATER, 1)));
	assert_int_equal(suite_rows(t->a, id, NULL), TAKEN_KEEP_ROWS);
	assert_int_equal(suite_look(t->a, id).dropped, 0);
	ok(store_commit(t->a));
}

static void
keeps_1_mb_of_taken_rows(void **state)
{
	struct suite *t = *state;
	int64_t id, seq, first, was;

	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	suite_put(t->a, id, LATER, TAKEN_KEEP_BYTES / 2);
	seq = suite_put(t->a, id, LATER, TAKEN_KEEP_BYTES / 2);
	ok(store_box_taken(t->a, id, seq));
	assert_int_equal(suite_rows(t->a, id, &was), 2);
	assert_int_equal(suite_look(t->a, id).dropped, 0);
	seq = suite_put(t->a, id, LATER, 1);
	ok(store_box_taken(t->a, id, seq));
	assert_int_equal(suite_rows(t->a, id, &first), 2);
	assert_int_equal(first, was + 1);
	assert_int_equal(suite_look(t->a, id).dropped, was);
	ok(store_commit(t->a));
}

/* ---- quotas ---- */

static int
try_add(struct store *s, int64_t box, size_t n, int64_t taken, int64_t *seq)
{
	static const char zeros[4096];
	struct msg_new m = { .box = box, .due = LATER, .body = { zeros, n } };

	return store_msg_add(s, &m, taken, seq);
}

static void
rows_waiting_are_limited(void **state)
{
	struct suite *t = *state;
	int64_t id, other = 0, seq, first;
	int i, turn;

	suite_limits(t, 3, 0);
	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	for (i = 0; i < 64; i++)
		other = suite_box(t->a, i + 2);
	for (i = 0; i < 3; i++)
		ok(try_add(t->a, id, 1, 0, &seq));
	for (turn = 0; turn < 2; turn++) {
		fails(try_add(t->a, id, 1, 0, &seq), ERR_QUOTA);
		ok(try_add(t->a, other, 1, 0, &seq));
		fails(try_add(t->a, id, 1, 0, &seq), ERR_QUOTA);
		ok(store_commit(t->a));
		ok(store_begin(t->a, T0));
	}
	assert_int_equal(suite_rows(t->a, id, &first), 3);
	ok(store_box_taken(t->a, id, first));
	ok(try_add(t->a, id, 1, 0, &seq));
	fails(try_add(t->a, id, 1, 0, &seq), ERR_QUOTA);
	ok(store_box_ack(t->a, id, first + 1));
	ok(try_add(t->a, id, 1, 0, &seq));
	fails(try_add(t->a, id, 1, 0, &seq), ERR_QUOTA);
	ok(store_msg_drop(t->a, seq));
	ok(try_add(t->a, id, 1, 0, &seq));
	ok(store_commit(t->a));
}

static void
bytes_waiting_are_limited(void **state)
{
	struct suite *t = *state;
	int64_t id, seq;

	suite_limits(t, 0, 100);
	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	fails(try_add(t->a, id, 101, 0, &seq), ERR_QUOTA);
	ok(try_add(t->a, id, 60, 0, &seq));
	fails(try_add(t->a, id, 41, 0, &seq), ERR_QUOTA);
	ok(try_add(t->a, id, 40, 0, &seq));
	fails(try_add(t->a, id, 1, 0, &seq), ERR_QUOTA);
	ok(try_add(t->a, id, 0, 0, &seq));
	ok(store_commit(t->a));
	assert_int_equal(suite_rows(t->a, id, NULL), 3);
}

static void
what_the_caller_knows_taken_does_not_count(void **state)
{
	struct suite *t = *state;
	int64_t id, seq, last;

	suite_limits(t, 2, 0);
	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	ok(try_add(t->a, id, 1, 0, &seq));
	ok(try_add(t->a, id, 1, 0, &last));
	fails(try_add(t->a, id, 1, 0, &seq), ERR_QUOTA);
	ok(try_add(t->a, id, 1, last, &seq));
	ok(try_add(t->a, id, 1, last, &seq));
	fails(try_add(t->a, id, 1, last, &seq), ERR_QUOTA);
	fails(try_add(t->a, id, 1, 0, &seq), ERR_QUOTA);
	ok(store_box_taken(t->a, id, seq));
	ok(try_add(t->a, id, 1, last, &seq));
	ok(store_commit(t->a));
}

static void
undo_gives_the_quota_back(void **state)
{
	struct suite *t = *state;
	int64_t id, seq;

	suite_limits(t, 1, 0);
	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	ok(store_mark(t->a));
	ok(try_add(t->a, id, 1, 0, &seq));
	ok(store_undo(t->a));
	ok(try_add(t->a, id, 1, 0, &seq));
	store_rollback(t->a);
	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	ok(try_add(t->a, id, 1, 0, &seq));
	ok(store_commit(t->a));
}

static void
quota_sees_what_others_did(void **state)
{
	struct suite *t = *state;
	struct store *b;
	int64_t id, seq;

	suite_limits(t, 2, 0);
	b = suite_second(t);
	ok(store_begin(t->a, T0));
	id = suite_box(t->a, 1);
	ok(try_add(t->a, id, 1, 0, &seq));
	ok(store_commit(t->a));
	ok(store_begin(b, T0));
	ok(try_add(b, id, 1, 0, &seq));
	ok(store_commit(b));
	ok(store_begin(t->a, T0));
	fails(try_add(t->a, id, 1, 0, &seq), ERR_QUOTA);
	ok(store_commit(t->a));
}

/* ---- control mailboxes ---- */

static void
control_rows_have_no_quota_and_go_with_the_hub(void **state)
{
	struct suite *t = *state;
	struct store_stat st;
	int64_t hub, other, seq;

	suite_limits(t, 1, 10);
	ok(store_begin(t->a, T0));
	ok(store_hub_enter(t->a, &hub));
	ok(store_hub_enter(t->a, &other));
	suite_put(t->a, -hub, LATER, 20);
	seq = suite_put(t->a, -hub, LATER, 20);
	suite_put(t->a, -hub, LATER, 20);
	suite_put(t->a, -other, LATER, 20);
	ok(store_msg_drop(t->a, seq));
	assert_int_equal(suite_rows(t->a, -hub, NULL), 2);
	fails(try_add(t->a, 0, 1, 0, &seq), ERR_NOTFOUND);
	ok(store_hub_leave(t->a, hub));
	assert_int_equal(suite_rows(t->a, -hub, NULL), 0);
	assert_int_equal(suite_rows(t->a, -other, NULL), 1);
	ok(store_commit(t->a));
	ok(store_stat(t->a, T0, &st));
	assert_int_equal(st.messages, 1);
}

const struct CMUnitTest suite_msg_tests[] = {
	cmocka_unit_test(a_message_comes_out_as_it_went_in),
	cmocka_unit_test(reading_starts_after_a_cursor_and_stops),
	cmocka_unit_test(work_is_found_for_all_boxes),
	cmocka_unit_test(last_is_what_was_given_out),
	cmocka_unit_test(acknowledged_rows_go),
	cmocka_unit_test(taken_never_goes_back_nor_ahead),
	cmocka_unit_test(keeps_256_taken_rows),
	cmocka_unit_test(a_dropped_row_is_not_among_them),
	cmocka_unit_test(keeps_1_mb_of_taken_rows),
	cmocka_unit_test(rows_waiting_are_limited),
	cmocka_unit_test(bytes_waiting_are_limited),
	cmocka_unit_test(what_the_caller_knows_taken_does_not_count),
	cmocka_unit_test(undo_gives_the_quota_back),
	cmocka_unit_test(quota_sees_what_others_did),
	cmocka_unit_test(control_rows_have_no_quota_and_go_with_the_hub),
	{ NULL, NULL, NULL, NULL, NULL }
};
