/* suite-store-claim - names of a realm that is counted, and messages that are put elsewhere. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "suite-store.h"

/* ---- names ---- */

static void
joined_is(struct store *s, int64_t all)
{
	int64_t n = -1;

	ok(store_claim_total(s, STAR_REALM, &n));
	assert_int_equal(n, all);
}

static void
held_is(struct store *s, int64_t box, int64_t own)
{
	int64_t n = -1;

	ok(store_claim_count(s, STAR_REALM, box, &n));
	assert_int_equal(n, own);
}

static int64_t
join(struct store *s, int64_t box, const char *name)
{
	ok(store_claim_add(s, STAR_REALM, str_from(name), box, true));
	return box;
}

static void
a_name_may_be_dropped(void **state)
{
	struct suite *t = *state;
	struct box b;
	int64_t one, two;

	ok(store_begin(t->a, T0));
	one = join(t->a, suite_box(t->a, 1), "/a");
	join(t->a, one, "/b");
	two = join(t->a, suite_box(t->a, 2), "/c");
	fails(store_claim_drop(t->a, STAR_REALM, STR("/a"), two), ERR_NOTFOUND);
	fails(store_claim_drop(t->a, "r", STR("/a"), one), ERR_NOTFOUND);
	ok(store_claim_drop(t->a, STAR_REALM, STR("/a"), one));
	fails(store_claim_drop(t->a, STAR_REALM, STR("/a"), one), ERR_NOTFOUND);
	fails(store_claim_holder(t->a, STAR_REALM, STR("/a"), &b), ERR_NOTFOUND);
	ok(store_claim_any(t->a, STAR_REALM, one));
	ok(store_claim_drop(t->a, STAR_REALM, STR("/b"), one));
	fails(store_claim_any(t->a, STAR_REALM, one), ERR_NOTFOUND);
	join(t->a, two, "/a");
	ok(store_commit(t->a));
	assert_int_equal(suite_look(t->a, one).state, BOX_LIVE);
}

static void
names_are_counted(void **state)
{
	struct suite *t = *state;
	int64_t one, two, n;

	ok(store_begin(t->a, T0));
	joined_is(t->a, 0);
	fails(store_claim_total(t->a, "r", &n), ERR_NOTFOUND);
	one = join(t->a, suite_box(t->a, 1), "/a");
	join(t->a, one, "/b");
	join(t->a, one, "/b");
	two = join(t->a, suite_box(t->a, 2), "/c");
	ok(store_claim_add(t->a, "r", STR("/d"), two, true));
	joined_is(t->a, 3);
	held_is(t->a, one, 2);
	held_is(t->a, two, 1);
	held_is(t->a, two + 1, 0);
	ok(store_claim_drop(t->a, STAR_REALM, STR("/a"), one));
	joined_is(t->a, 2);
	ok(store_mark(t->a));
	ok(store_box_end(t->a, two));
	joined_is(t->a, 1);
	ok(store_undo(t->a));
	joined_is(t->a, 2);
	ok(store_box_end(t->a, one));
	joined_is(t->a, 1);
	ok(store_commit(t->a));
	joined_is(suite_second(t), 1);
}

struct listed {
	char	text[256];
	int64_t	id[8], box[8];
	int	n;
};

static int
list(void *arg, const struct claim *c)
{
	struct listed *l = arg;
	size_t at = strlen(l->text);

	snprintf(l->text + at, sizeof l->text - at, "%.*s ", (int)c->name.n, c->name.p);
	l->id[l->n] = c->id;
	l->box[l->n++] = c->box;
	return l->n == 8;
}

/* In the order of their bytes, whoever made them when; who is later has the greater id. */
static void
those_present_are_listed_in_order(void **state)
{
	struct suite *t = *state;
	struct listed l = { .n = 0 };
	int64_t one, two, away, hub, gen;

	ok(store_begin(t->a, T0));
	ok(store_hub_enter(t->a, &hub));
	one = join(t->a, suite_box(t->a, 1), "/c");
	away = join(t->a, suite_box(t->a, 2), "/b");
	two = join(t->a, suite_box(t->a, 3), "/a\xc3\xa4");
	join(t->a, one, "/a");
	ok(store_box_attach(t->a, one, hub, &gen));
	ok(store_box_attach(t->a, two, hub, &gen));
	ok(store_claim_names(t->a, STAR_REALM, list, &l));
	assert_string_equal(l.text, "/a /a\xc3\xa4 /c ");
	assert_true(l.box[0] == one && l.box[1] == two && l.box[2] == one);
	assert_true(l.id[2] < l.id[1] && l.id[1] < l.id[0]);
	ok(store_box_attach(t->a, away, hub, &gen));
	l = (struct listed){ .n = 7 };
	ok(store_claim_names(t->a, STAR_REALM, list, &l));
	assert_string_equal(l.text, "/a ");	/* told to stop */
	ok(store_commit(t->a));
}

/* ---- messages ---- */

struct rows {
	int64_t	seq[8];
	int	kind[8];
	size_t	size[8];
	int	n;
};

static int
note(void *arg, const struct msg_row *m)
{
	struct rows *r = arg;

	r->seq[r->n] = m->seq;
	r->kind[r->n] = m->kind;
	r->size[r->n++] = m->body.n;
	return r->n == 8;
}

/* Also for a reader who is further than the message was, and though it was the last one of all. */
static void
what_is_put_elsewhere_has_yet_to_be_read(void **state)
{
	struct suite *t = *state;
	struct rows r = { .n = 0 };
	int64_t from, to, one, two, read, now_at;

	ok(store_begin(t->a, T0));
	from = suite_box(t->a, 1);
	to = suite_box(t->a, 2);
	one = suite_put(t->a, from, T0 + HOUR, 11);
	read = suite_put(t->a, to, T0 + HOUR, 22);
	two = suite_put(t->a, from, T0 + HOUR, 33);
	ok(store_box_taken(t->a, to, read));
	ok(store_msg_requeue(t->a, one, to, &now_at));
	assert_int_equal(now_at, two + 1);
	ok(store_msg_requeue(t->a, two, to, &now_at));
	fails(store_msg_requeue(t->a, two, to, &now_at), ERR_NOTFOUND);
	ok(store_commit(t->a));
	assert_int_equal(suite_rows(t->a, from, NULL), 0);
	ok(store_msg_read(t->a, to, read, note, &r));
	assert_int_equal(r.n, 2);
	assert_true(r.seq[0] == two + 1 && r.size[0] == 11 && r.kind[0] == 3);
	assert_true(r.seq[1] == two + 2 && r.size[1] == 33);
	ok(store_begin(t->a, T0));
	assert_int_equal(suite_put(t->a, to, T0 + HOUR, 1), two + 3);
	ok(store_commit(t->a));
	assert_int_equal(suite_look(t->a, from).dropped, 0);
}

/* It keeps its time, and counts where it waits now. */
static void
what_is_put_elsewhere_expires_there(void **state)
{
	struct suite *t = *state;
	struct msg_new m = { .due = T0 + HOUR, .body = { "", 0 } };
	int64_t from, to, seq, now_at;

	suite_limits(t, 1, 0);
	ok(store_begin(t->a, T0));
	from = suite_box(t->a, 1);
	m.box = to = suite_box(t->a, 2);
	seq = suite_put(t->a, from, T0 + 10, 5);
	ok(store_commit(t->a));
	suite_sweep_at(t->a, T0 + 5);
	ok(store_begin(t->a, T0 + 6));
	ok(store_msg_requeue(t->a, seq, to, &now_at));
	fails(store_msg_add(t->a, &m, 0, &seq), ERR_QUOTA);
	m.box = from;
	ok(store_msg_add(t->a, &m, 0, &seq));
	ok(store_commit(t->a));
	assert_int_equal(suite_sweep_at(t->a, T0 + 2000).messages, 1);
	assert_int_equal(suite_rows(t->a, to, NULL), 0);
	assert_int_equal(suite_look(t->a, to).dropped, now_at);
}

const struct CMUnitTest suite_claim_tests[] = {
	cmocka_unit_test(a_name_may_be_dropped),
	cmocka_unit_test(names_are_counted),
	cmocka_unit_test(those_present_are_listed_in_order),
	cmocka_unit_test(what_is_put_elsewhere_has_yet_to_be_read),
	cmocka_unit_test(what_is_put_elsewhere_expires_there),
	{ .name = NULL },
};
