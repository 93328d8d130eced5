/* suite-store-owed - messages for who is not there. */
#include "config.h"

#include "suite-store.h"

static int64_t
owe(struct store *s, int64_t box, int64_t src, size_t n)
{
	static const char body[100];
	const struct msg_new m = { .box = box, .src = src, .kind = MSG_KIND_OWED, .due = T0 + HOUR,
	    .body = { body, n } };
	int64_t seq = 0;

	ok(store_msg_add(s, &m, 0, &seq));
	return seq;
}

static void
owed_is(struct store *s, int64_t src, int64_t rows, int64_t bytes)
{
	int64_t r = -1, b = -1;

	ok(store_msg_owed(s, src, &r, &b));
	assert_int_equal(r, rows);
	assert_int_equal(b, bytes);
}

static int
first_kind(void *arg, const struct msg_row *m)
{
	*(int *)arg = m->kind;
	return 1;
}

static void
what_moves_is_owed_no_more(void **state)
{
	struct suite *t = *state;
	int64_t from, to, first, kept;
	int kind = 0;

	ok(store_begin(t->a, T0));
	from = suite_box(t->a, 1);
	to = suite_box(t->a, 2);
	owed_is(t->a, 7, 0, 0);
	kept = owe(t->a, from, 7, 10);
	owe(t->a, from, 7, 20);
	owe(t->a, from, 8, 30);
	suite_put(t->a, from, T0 + HOUR, 5);
	owed_is(t->a, 7, 2, 30);
	ok(store_msg_move(t->a, from, to, kept, 5));
	owed_is(t->a, 7, 1, 10);
	owed_is(t->a, 8, 0, 0);
	assert_int_equal(suite_rows(t->a, from, &first), 1);
	assert_int_equal(first, kept);
	assert_int_equal(suite_rows(t->a, to, &first), 3);
	assert_int_equal(first, kept + 1);
	ok(store_msg_read(t->a, to, 0, first_kind, &kind));
	assert_int_equal(kind, 5);
	ok(store_msg_read(t->a, to, kept + 2, first_kind, &kind));
	assert_int_equal(kind, 3);		/* what was not owed stays what it was */
	ok(store_commit(t->a));
}

/* What moved counts to the quota of its new mailbox, and no longer to that of the old. */
static void
quotas_follow_what_moves(void **state)
{
	struct suite *t = *state;
	struct msg_new m = { .due = T0 + HOUR, .body = { "", 0 } };
	int64_t from, to, seq;

	suite_limits(t, 3, 0);
	ok(store_begin(t->a, T0));
	from = suite_box(t->a, 1);
	to = suite_box(t->a, 2);
	m.box = from;
	ok(store_msg_add(t->a, &m, 0, &seq));
	ok(store_msg_add(t->a, &m, 0, &seq));
	ok(store_msg_add(t->a, &m, 0, &seq));
	fails(store_msg_add(t->a, &m, 0, &seq), ERR_QUOTA);
	m.box = to;
	ok(store_msg_add(t->a, &m, 0, &seq));
	ok(store_msg_move(t->a, from, to, 0, 5));
	fails(store_msg_add(t->a, &m, 0, &seq), ERR_QUOTA);
	m.box = from;
	ok(store_msg_add(t->a, &m, 0, &seq));
	ok(store_commit(t->a));
}

const struct CMUnitTest suite_owed_tests[] = {
	cmocka_unit_test(what_moves_is_owed_no_more),
	cmocka_unit_test(quotas_follow_what_moves),
	{ .name = NULL },
};
