/*
 * suite-store-read - what is read right after a commit, by whoever committed, is what is there: an
 * engine may remember what it wrote, and nobody must be able to tell.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "suite-store.h"

#define LATER	(T0 + HOUR)
#define BOXES	5
#define ROWS	256		/* of a box, at most */
#define ROUNDS	400

struct copy {
	int	n;
	struct {
		int64_t	seq, src;
		int	kind;
		size_t	size;
		char	head[8];
	} row[ROWS];
};

static int
copy_row(void *arg, const struct msg_row *m)
{
	struct copy *c = arg;

	assert_in_range(c->n, 0, ROWS - 1);
	memset(&c->row[c->n], 0, sizeof c->row[0]);
	c->row[c->n].seq = m->seq;
	c->row[c->n].src = m->src;
	c->row[c->n].kind = m->kind;
	c->row[c->n].size = m->body.n;
	if (m->body.n > 0)
		memcpy(c->row[c->n].head, m->body.p, m->body.n < 8 ? m->body.n : 8);
	c->n++;
	return 0;
}

static struct copy
read_box(struct store *s, int64_t box, int64_t after)
{
	struct copy c;

	memset(&c, 0, sizeof c);
	ok(store_msg_read(s, box, after, copy_row, &c));
	return c;
}

static bool
same(const struct copy *a, const struct copy *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

/* ---- by hand ---- */

static int64_t
put(struct store *s, int64_t box, int64_t taken, const char *body)
{
	struct msg_new m = { box, 9, 4, LATER, str_from(body) };
	int64_t seq;

	ok(store_msg_add(s, &m, taken, &seq));
	return seq;
}

/* Two boxes, a row each; the reader of the first has it. */
static void
start(struct suite *t, int64_t box[2], int64_t seq[2])
{
	ok(store_begin(t->a, T0));
	box[0] = suite_box(t->a, 1);
	box[1] = suite_box(t->a, 2);
	seq[0] = put(t->a, box[0], 0, "one");
	seq[1] = put(t->a, box[1], 0, "two");
	ok(store_commit(t->a));
}

static void
both_ways_read_the_same(void **state)
{
	struct suite *t = *state;
	int64_t box[2], seq[2], n;
	struct copy at_once, later;

	start(t, box, seq);
	ok(store_begin(t->a, T0 + 5));
	n = put(t->a, box[0], seq[0], "three");
	put(t->a, box[1], 0, "four");
	put(t->a, box[0], seq[0], "");
	ok(store_commit(t->a));
	ok(store_read_begin(t->a, T0 + 5));
	at_once = read_box(t->a, box[0], seq[0]);
	assert_int_equal(at_once.n, 2);
	assert_int_equal(at_once.row[0].seq, n);
	assert_int_equal(at_once.row[0].src, 9);
	assert_int_equal(at_once.row[0].kind, 4);
	assert_memory_equal(at_once.row[0].head, "three", 5);
	assert_int_equal(read_box(t->a, box[0], n).n, 1);
	assert_int_equal(read_box(t->a, box[0], 0).n, 3);
	assert_int_equal(read_box(t->a, box[1], 0).n, 2);
	store_read_end(t->a);
	later = read_box(t->a, box[0], seq[0]);
	assert_true(same(&at_once, &later));
}

/* The next moment is another one, and so is the next reading. */
static void
what_others_did_shows_in_the_next_reading(void **state)
{
	struct suite *t = *state;
	struct store *b = suite_second(t);
	int64_t box[2], seq[2], other;
	int i;

	start(t, box, seq);
	for (i = 0; i < 2; i++) {
		ok(store_begin(t->a, T0 + i));
		seq[0] = put(t->a, box[0], seq[0], "mine");
		ok(store_commit(t->a));
		if (i == 0) {
			ok(store_read_begin(t->a, T0 + i));
			assert_int_equal(read_box(t->a, box[0], seq[0] - 1).n, 1);
			store_read_end(t->a);
		}
		ok(store_begin(b, T0 + i));
		other = put(b, box[0], 0, "other");
		ok(store_box_ack(b, box[0], seq[0]));
		ok(store_commit(b));
		ok(store_read_begin(t->a, i == 0 ? T0 : T0 + 2));
		assert_int_equal(read_box(t->a, box[0], seq[0] - 1).n, 1);
		assert_int_equal(read_box(t->a, box[0], seq[0] - 1).row[0].seq, other);
		store_read_end(t->a);
		seq[0] = other;
	}
}

/* A reading that has seen what another one committed does not fall back behind it. */
static void
a_reading_does_not_go_back(void **state)
{
	struct suite *t = *state;
	struct store *b = suite_second(t);
	int64_t box[2], seq[2];

	start(t, box, seq);
	ok(store_begin(t->a, T0));
	put(t->a, box[0], seq[0], "mine");
	ok(store_commit(t->a));
	ok(store_begin(b, T0));
	ok(store_box_end(b, box[1]));
	ok(store_box_ack(b, box[0], seq[0] + 2));
	ok(store_commit(b));
	ok(store_read_begin(t->a, T0));
	assert_int_equal(suite_look(t->a, box[1]).state, BOX_ENDED);
	assert_int_equal(read_box(t->a, box[0], seq[0]).n, 0);
	store_read_end(t->a);
}

static void
what_was_taken_back_is_not_read(void **state)
{
	struct suite *t = *state;
	int64_t box[2], seq[2], n;

	start(t, box, seq);
	ok(store_begin(t->a, T0));
	ok(store_mark(t->a));
	put(t->a, box[0], seq[0], "undone");
	ok(store_undo(t->a));
	n = put(t->a, box[0], seq[0], "kept");
	ok(store_mark(t->a));
	put(t->a, box[0], seq[0], "undone");
	ok(store_undo(t->a));
	ok(store_commit(t->a));
	ok(store_read_begin(t->a, T0));
	assert_int_equal(read_box(t->a, box[0], seq[0]).n, 1);
	assert_int_equal(read_box(t->a, box[0], seq[0]).row[0].seq, n);
	store_read_end(t->a);
	ok(store_begin(t->a, T0));
	put(t->a, box[0], n, "rolled back");
	store_rollback(t->a);
	ok(store_read_begin(t->a, T0));
	assert_int_equal(read_box(t->a, box[0], n).n, 0);
	store_read_end(t->a);
}

/* ---- at random ---- */

struct field {
	struct store	*s[2];
	int64_t		 box[BOXES], cursor[BOXES];
	int64_t		 now;
};

struct picture {		/* of all boxes, as they are in the store */
	struct copy	box[BOXES];
};

/* What neither of the two has taken. */
static void
move(struct field *f, struct store *s, int from, int to)
{
	int64_t a = suite_look(s, f->box[from]).taken, b = suite_look(s, f->box[to]).taken;

	if (from != to)
		ok(store_msg_move(s, f->box[from], f->box[to], a > b ? a : b, 5));
}

static int
first_row(void *arg, const struct msg_row *m)
{
	*(int64_t *)arg = m->seq;
	return 1;
}

static void
requeue(struct field *f, struct store *s, int from, int to)
{
	int64_t seq = 0;

	ok(store_msg_read(s, f->box[from], suite_look(s, f->box[from]).taken, first_row, &seq));
	if (seq != 0)
		ok(store_msg_requeue(s, seq, f->box[to], &seq));
}

static void
one_thing(struct field *f, struct store *s)
{
	static const char *const bodies[] = { "", "x", "twelve bytes", "and so on and so forth" };
	int i = rand() % BOXES, to = rand() % BOXES;
	int64_t last;

	ok(store_msg_last(s, &last));
	switch (rand() % 13) {
	case 0:
		ok(store_box_taken(s, f->box[i], f->cursor[i]));
		break;
	case 1:
		ok(store_box_ack(s, f->box[i], last - rand() % 30));
		break;
	case 2:
		ok(store_msg_drop(s, last - rand() % 8));
		break;
	case 3:
		move(f, s, i, to);
		break;
	case 4:
		requeue(f, s, i, to);
		break;
	default:
		put(s, f->box[i], rand() % 4 == 0 ? 0 : f->cursor[i], bodies[rand() % 4]);
	}
}

static void
requests(struct field *f, struct store *s)
{
	int n = 1 + rand() % 5, things;

	ok(store_begin(s, f->now));
	while (n-- > 0) {
		ok(store_mark(s));
		for (things = rand() % 4; things >= 0; things--)
			one_thing(f, s);
		if (rand() % 6 == 0)
			ok(store_undo(s));
		else
			ok(store_release(s));
	}
	ok(store_commit(s));
}

/* By a moment of its own, which nobody remembers anything of. */
static void
look(struct field *f, struct store *s, struct picture *p)
{
	int i;

	ok(store_read_begin(s, f->now - 1));
	for (i = 0; i < BOXES; i++)
		p->box[i] = read_box(s, f->box[i], f->cursor[i]);
	store_read_end(s);
}

/* Each box as it was after our commit, or as it is now; never back from the latter. */
static void
read_all(struct field *f, struct store *s, const struct picture *was, const struct picture *is)
{
	int i, from = rand() % BOXES;
	struct copy got;
	bool seen = rand() % 3 == 0;
	struct box b;

	ok(store_read_begin(s, f->now));
	if (seen)
		ok(store_box_get(s, f->box[0], &b));
	for (i = from; i < from + BOXES; i++) {
		got = read_box(s, f->box[i % BOXES], f->cursor[i % BOXES]);
		if (!same(&was->box[i % BOXES], &is->box[i % BOXES]) && same(&got, &is->box[i % BOXES]))
			seen = true;
		else if (seen)
			assert_true(same(&got, &is->box[i % BOXES]));
		else
			assert_true(same(&got, &was->box[i % BOXES]));
		if (got.n > 0 && rand() % 4 != 0)
			f->cursor[i % BOXES] = got.row[got.n - 1].seq;
	}
	store_read_end(s);
}

static void
nobody_can_tell(void **state)
{
	struct suite *t = *state;
	struct field f = { .s = { t->a, suite_second(t) }, .now = T0 };
	struct picture *was = malloc(sizeof *was), *is = malloc(sizeof *is);
	int i, me;

	srand(11);
	ok(store_begin(t->a, T0));
	for (i = 0; i < BOXES; i++)
		f.box[i] = suite_box(t->a, i);
	ok(store_commit(t->a));
	for (i = 0; i < ROUNDS; i++) {
		me = rand() % 2;
		f.now += 10;
		requests(&f, f.s[me]);
		look(&f, f.s[!me], was);
		if (rand() % 3 == 0)
			requests(&f, f.s[!me]);
		look(&f, f.s[!me], is);
		read_all(&f, f.s[me], was, is);
	}
	free(was);
	free(is);
}

const struct CMUnitTest suite_read_tests[] = {
	cmocka_unit_test(both_ways_read_the_same),
	cmocka_unit_test(what_others_did_shows_in_the_next_reading),
	cmocka_unit_test(a_reading_does_not_go_back),
	cmocka_unit_test(what_was_taken_back_is_not_read),
	cmocka_unit_test(nobody_can_tell),
	{ NULL, NULL, NULL, NULL, NULL }
};
