/* suite-store - the list, the setup, and the small verbs the tests are written in. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite-store.h"

void
suite_want(int got, int want, const char *call, const char *file, int line)
{
	if (got == want)
		return;
	print_error("%s: %s, wanted %s\n", call, err_name(got), err_name(want));
	_fail(file, line);
}

static struct store *
fresh(const struct suite_engine *e, uint32_t rows, uint32_t bytes)
{
	const struct store_conf conf = {
		.max_pending = rows != 0 ? rows : 100000,
		.max_pending_bytes = bytes != 0 ? bytes : 100000000,
		.away_ms = AWAY_MS,
	};
	struct store *s = e->fresh(e, &conf);

	assert_non_null(s);
	return s;
}

void
suite_limits(struct suite *t, uint32_t rows, uint32_t bytes)
{
	t->e->done(t->e, t->a);
	t->e->clean(t->e);
	t->a = fresh(t->e, rows, bytes);
}

struct store *
suite_second(struct suite *t)
{
	assert_null(t->b);
	t->b = t->e->again(t->e);
	assert_non_null(t->b);
	return t->b;
}

const unsigned char *
suite_hash(int n)
{
	static unsigned char slots[4][HASH_SIZE];
	static int at;
	unsigned char *h = slots[at++ % 4];

	memset(h, n & 0xff, HASH_SIZE);
	memcpy(h + 3, &n, sizeof n);
	return h;
}

int64_t
suite_box(struct store *s, int n)
{
	int64_t id = 0;

	ok(store_box_add(s, "r", suite_hash(n), suite_hash(-n - 1), &id));
	assert_true(id > 0);
	return id;
}

struct box
suite_look(struct store *s, int64_t id)
{
	struct box b;

	ok(store_box_get(s, id, &b));
	return b;
}

int64_t
suite_put(struct store *s, int64_t box, int64_t due, size_t n)
{
	char *body = calloc(1, n + 1);
	struct msg_new m = { .box = box, .src = 7, .kind = 3, .due = due, .body = { body, n } };
	int64_t seq = 0;

	ok(store_msg_add(s, &m, 0, &seq));
	free(body);
	return seq;
}

struct tally {
	int	n;
	int64_t	first;
};

static int
tally(void *arg, const struct msg_row *m)
{
	struct tally *t = arg;

	if (t->n++ == 0)
		t->first = m->seq;
	return 0;
}

int
suite_rows(struct store *s, int64_t box, int64_t *first)
{
	struct tally t = { 0, 0 };

	ok(store_msg_read(s, box, 0, tally, &t));
	if (first != NULL)
		*first = t.first;
	return t.n;
}

void
suite_sweep(struct store *s, int64_t now, int64_t mono, struct sweep *sw)
{
	sw->mono = mono;
	sw->boot = "b1";
	if (sw->max_rows == 0)
		sw->max_rows = 1000;
	ok(store_begin(s, now));
	ok(store_sweep(s, sw));
	ok(store_commit(s));
}

struct sweep
suite_sweep_at(struct store *s, int64_t now)
{
	struct sweep sw = { 0 };

	suite_sweep(s, now, now - T0 + 1000, &sw);
	assert_int_equal(sw.shifted_ms, 0);
	return sw;
}

/* ---- the list ---- */

static int
set_up(void **state)
{
	struct suite *t = calloc(1, sizeof *t);

	assert_non_null(t);
	t->e = *state;
	t->a = fresh(t->e, 0, 0);
	*state = t;
	return 0;
}

static int
tear_down(void **state)
{
	struct suite *t = *state;

	t->e->done(t->e, t->b);
	t->e->done(t->e, t->a);
	t->e->clean(t->e);
	free(t);
	return 0;
}

static char *
name_of(const struct suite_engine *e, const char *test)
{
	size_t n = strlen(e->name) + strlen(test) + 3;
	char *name = malloc(n);

	if (name != NULL)
		snprintf(name, n, "%s: %s", e->name, test);
	return name;
}

size_t
suite_store(const struct suite_engine *e, struct CMUnitTest *list, size_t max)
{
	const struct CMUnitTest *const parts[] = {
		suite_turn_tests, suite_box_tests, suite_msg_tests, suite_time_tests,
		suite_clock_tests, suite_key_tests, suite_owed_tests, suite_seq_tests, suite_read_tests,
		suite_claim_tests,
	};
	size_t i, n = 0;
	const struct CMUnitTest *row;

	for (i = 0; i < sizeof parts / sizeof parts[0]; i++)
		for (row = parts[i]; row->name != NULL && n < max; row++)
			list[n++] = (struct CMUnitTest){ name_of(e, row->name), row->test_func,
			    set_up, tear_down, (void *)(uintptr_t)e };
	return n;
}
