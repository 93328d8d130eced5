/* Limits in one process: keys, buckets and sessions at n and n + 1, what fits a table, what it costs. */
#include "config.h"

#include "unit.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "rate.h"

#define SECOND	1000000
#define T0	(INT64_C(1000) * SECOND)

static const struct rate_limit ten = { SECOND / 10, 5 };	/* ten a second, five at once */

static char dir[] = "/tmp/sigpost-rate-XXXXXX";
static char db[64], file[64];
static struct rate r;

static int
open_rate(void **state)
{
	(void)state;
	strcpy(dir + sizeof dir - 7, "XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(db, sizeof db, "%s/s.db", dir);
	snprintf(file, sizeof file, "%s/s.db.rate", dir);
	assert_int_equal(rate_init(&r, db), 0);
	assert_null(r.why);
	return 0;
}

static int
close_rate(void **state)
{
	(void)state;
	rate_release(&r);
	unlink(file);
	rmdir(dir);
	return 0;
}

/* ---- keys ---- */

/* The test vectors of SipHash-2-4 64 bit (https://github.com/veorq/SipHash, vectors.h). */
static void
the_hash_is_siphash(void **state)
{
	static const struct { size_t n; uint64_t want; } rows[] = {
		{ 0, 0x726fdb47dd0e0e31 }, { 1, 0x74f839c593dc67fd }, { 7, 0xab0200f58b01d137 },
		{ 8, 0x93f5f5799a932462 }, { 15, 0xa129ca6149be45e5 }, { 63, 0x958a324ceb064572 },
	};
	unsigned char secret[RATE_SECRET];
	char in[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof secret; i++)
		secret[i] = (unsigned char)i;
	for (i = 0; i < sizeof in; i++)
		in[i] = (char)i;
	rate_secret(&r, secret);
	for (i = 0; i < COUNT(rows); i++)
		assert_true(rate_key(&r, 0, str_make(in, rows[i].n)) == rows[i].want);
}

static void
a_key_depends_on_use_and_secret(void **state)
{
	unsigned char secret[RATE_SECRET] = "one";
	uint64_t a, b, c;

	(void)state;
	rate_secret(&r, secret);
	a = rate_key(&r, 'a', STR("x"));
	b = rate_key(&r, 'k', STR("x"));
	secret[15] = 1;
	rate_secret(&r, secret);
	c = rate_key(&r, 'a', STR("x"));
	assert_true(a != b && a != c && b != c);
}

/* ---- buckets ---- */

static void
a_burst_passes_and_one_more_does_not(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 5; i++)
		assert_int_equal(rate_take(&r, 7, &ten, 1, T0), 0);
	assert_int_equal(rate_take(&r, 7, &ten, 1, T0), SECOND / 10);
	assert_int_equal(rate_take(&r, 7, &ten, 1, T0 + 1), SECOND / 10 - 1);
	assert_int_equal(rate_take(&r, 7, &ten, 1, T0 + SECOND / 10 - 1), 1);
	assert_int_equal(rate_take(&r, 7, &ten, 1, T0 + SECOND / 10), 0);
	assert_int_equal(rate_take(&r, 7, &ten, 1, T0 + SECOND / 10), SECOND / 10);
	assert_int_equal(rate_take(&r, 8, &ten, 1, T0), 0);	/* another key */
}

static void
a_bucket_fills_up_and_no_further(void **state)
{
	int i;

	(void)state;
	assert_int_equal(rate_take(&r, 7, &ten, 5, T0), 0);
	for (i = 0; i < 5; i++)
		assert_int_equal(rate_take(&r, 7, &ten, 1, T0 + 100 * SECOND), 0);
	assert_true(rate_take(&r, 7, &ten, 1, T0 + 100 * SECOND) > 0);
}

static void
several_tokens_are_all_or_none(void **state)
{
	(void)state;
	assert_int_equal(rate_take(&r, 7, &ten, 3, T0), 0);
	assert_int_equal(rate_take(&r, 7, &ten, 3, T0), SECOND / 10);
	assert_int_equal(rate_take(&r, 7, &ten, 2, T0), 0);
	assert_int_equal(rate_take(&r, 8, &ten, 6, T0), 0);	/* more than ever fit: as many as do */
	assert_int_equal(rate_take(&r, 8, &ten, 6, T0), SECOND / 2);
}

/* However long the machine is up, a slot nobody has used is taken before one in use. */
static void
a_free_slot_is_free_at_any_time(void **state)
{
	static const int64_t days[] = { 0, 1, 50, 101, 102, 150, 200, 203, 204, 300 };
	uint64_t i, d, key;

	(void)state;
	for (d = 0; d < COUNT(days); d++) {
		int64_t now = T0 + days[d] * 86400 * SECOND;

		for (i = 1; i <= RATE_WAYS; i++) {
			key = d + (i << 44);		/* all in one line */
			row_assert(rate_take(&r, key, &ten, 5, now) == 0, "day %d", (int)days[d]);
		}
		for (i = 1; i <= RATE_WAYS; i++) {
			key = d + (i << 44);
			row_assert(rate_take(&r, key, &ten, 1, now) > 0, "day %d: %d", (int)days[d], (int)i);
		}
	}
}

/* Also across the end of the 44 bits a word has for the time. */
static void
time_wraps(void **state)
{
	int64_t end = (INT64_C(1) << 44) - SECOND / 5;
	int i;

	(void)state;
	for (i = 0; i < 5; i++)
		assert_int_equal(rate_take(&r, 7, &ten, 1, end), 0);
	assert_int_equal(rate_take(&r, 7, &ten, 1, end), SECOND / 10);
	assert_int_equal(rate_take(&r, 7, &ten, 3, end + 3 * SECOND / 10), 0);
	assert_int_equal(rate_take(&r, 7, &ten, 1, end + 3 * SECOND / 10), SECOND / 10);
}

/* After a reboot the clock begins anew: what the file says is far ahead then. */
static void
what_is_too_far_ahead_is_forgotten(void **state)
{
	(void)state;
	assert_int_equal(rate_take(&r, 7, &ten, 5, T0), 0);
	assert_int_equal(rate_take(&r, 7, &ten, 5, T0 - 1 * SECOND), SECOND + SECOND / 2);
	assert_int_equal(rate_take(&r, 7, &ten, 5, T0 - 1 * SECOND - 1), 0);
}

/* 20,000 in debt at a time: almost nobody is forgotten. */
static void
many_have_room(void **state)
{
	uint64_t key;
	char name[8];
	int i, forgot = 0;

	(void)state;
	for (i = 0; i < 40000; i++) {
		snprintf(name, sizeof name, "%d", i % 20000);
		key = rate_key(&r, 'a', str_from(name));
		if (i < 20000)
			assert_int_equal(rate_take(&r, key, &ten, 5, T0), 0);
		else if (rate_take(&r, key, &ten, 1, T0) == 0)
			forgot++;
	}
	row_assert(forgot < 20, "forgot %d of 20000", forgot);
}

/* Who is over its limit stays so, whoever else comes, as long as there is somebody nearer to full. */
static void
the_nearest_to_full_is_forgotten(void **state)
{
	uint64_t i;

	(void)state;
	assert_int_equal(rate_take(&r, 1, &ten, 5, T0), 0);
	for (i = 2; i < 1000; i++)	/* in the same line */
		assert_int_equal(rate_take(&r, i << 44 | 1, &ten, 1, T0), 0);
	assert_true(rate_take(&r, 1, &ten, 1, T0) > 0);
}

/* ---- sessions ---- */

static void
sessions_at_the_limit_and_over(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_true(rate_enter(&r, 7, 3));
	assert_false(rate_enter(&r, 7, 3));
	assert_int_equal(rate_sessions(&r, 7), 3);
	assert_true(rate_enter(&r, UINT64_C(1) << 40 | 7, 3));	/* another key in the same line */
	rate_leave(&r, 7);
	assert_true(rate_enter(&r, 7, 3));
	assert_false(rate_enter(&r, 7, 3));
	for (i = 0; i < 5; i++)		/* too often is harmless */
		rate_leave(&r, 7);
	assert_int_equal(rate_sessions(&r, 7), 0);
	assert_int_equal(rate_sessions(&r, UINT64_C(1) << 40 | 7), 1);
}

static void
sessions_without_room_are_let_in(void **state)
{
	uint64_t i;

	(void)state;
	for (i = 1; i <= 9; i++)
		assert_true(rate_enter(&r, i << 40, 1));
	assert_false(rate_enter(&r, UINT64_C(8) << 40, 1));
	assert_true(rate_enter(&r, UINT64_C(9) << 40, 1));	/* the ninth of eight */
}

/* ---- what it costs ---- */

static double
ns_each(const struct timespec *from, int n)
{
	struct timespec to;

	clock_gettime(CLOCK_MONOTONIC, &to);
	return ((double)(to.tv_sec - from->tv_sec) * 1e9 + (double)(to.tv_nsec - from->tv_nsec)) / n;
}

/* A thousand addresses in turn; a ceiling far above what it is, so that a sanitizer's build passes, too. */
static void
costs(void **state)
{
	static const struct rate_limit many = { 5000, 1000 };
	struct timespec from;
	uint64_t addr = 0, key = 0;
	double ns;
	int i, n = 200000;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (i = 0; i < n; i++) {
		addr = (addr + 1) % 1000;
		key = rate_key(&r, 'a', str_make((const char *)&addr, 4));
		rate_take(&r, key, &many, 1, T0 + i);
	}
	ns = ns_each(&from, n);
	print_message("# rate_key and rate_take: %.0f ns\n", ns);
	assert_true(ns < 3000);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (i = 0; i < n; i++) {
		assert_true(rate_enter(&r, key + (uint64_t)i % 1000, 1000));
		rate_leave(&r, key + (uint64_t)i % 1000);
	}
	print_message("# rate_enter and rate_leave: %.0f ns\n", ns_each(&from, n));
}

int
main(void)
{
#define ROW(f)	cmocka_unit_test_setup_teardown(f, open_rate, close_rate)
	const struct CMUnitTest tests[] = {
		ROW(the_hash_is_siphash),
		ROW(a_key_depends_on_use_and_secret),
		ROW(a_burst_passes_and_one_more_does_not),
		ROW(a_bucket_fills_up_and_no_further),
		ROW(several_tokens_are_all_or_none),
		ROW(a_free_slot_is_free_at_any_time),
		ROW(time_wraps),
		ROW(what_is_too_far_ahead_is_forgotten),
		ROW(many_have_room),
		ROW(the_nearest_to_full_is_forgotten),
		ROW(sessions_at_the_limit_and_over),
		ROW(sessions_without_room_are_let_in),
		ROW(costs),
	};

	return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
