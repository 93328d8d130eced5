/*
 * What the codec writes, and what happens when there is no memory. Linked with --wrap=malloc and
 * --wrap=realloc.
 */
#include "config.h"

#include "unit.h"

#include <fastcgi.h>

#include "err.h"
#include "fcgi-pair.h"
#include "fcgi.h"
#include "records.h"
#include "transcript.h"

#define BYTES_MAX (1u << 20)

/* ---- memory that ends: the nth allocation from now fails, and all after it ---- */

static int left = -1;		/* -1: there is enough */

void	*__real_malloc(size_t n);
void	*__real_realloc(void *p, size_t n);
void	*__wrap_malloc(size_t n);
void	*__wrap_realloc(void *p, size_t n);

static bool
enough(void)
{
	if (left > 0)
		left--;
	return left != 0;
}

void *
__wrap_malloc(size_t n)
{
	return enough() ? __real_malloc(n) : NULL;
}

void *
__wrap_realloc(void *p, size_t n)
{
	return enough() ? __real_realloc(p, n) : NULL;
}

/* Whatever fails, it is said or the connection ends; nothing is wrong, no memory is lost. */
static void
lives_without_memory(void **state)
{
	static const char request[] = "B1k P1:LONG=VALUE P1 S1:body B2 V0:FCGI_MAX_REQS T9.0:";
	struct buf words, b;
	struct transcript t;
	bool enough_now = false;
	int n, refused = 0, ended = 0;
	size_t i;

	(void)state;
	buf_init(&b, 4096);
	records_put(&b, request, 0);
	for (n = 1; !enough_now; n++) {
		transcript_init(&t, 64);
		buf_room(&t.words, 4096);
		left = n;
		for (i = 0; i < b.n; i++)
			transcript_hear(&t, str_make(b.p + i, 1));
		enough_now = left > 0;
		left = -1;
		words = t.words;
		refused += memmem(words.p, words.n, "refused(nomem)", 14) != NULL;
		ended += memmem(words.p, words.n, "error(nomem)", 12) != NULL;
		transcript_release(&t);
	}
	assert_true(refused > 0);
	assert_true(ended > 0);
	buf_release(&b);
}

/* ---- writers ---- */

static void
writes_an_answer(void **state)
{
	static const char want[] =
	    "\1\6\2\1\0\5\0\0hello"
	    "\1\6\2\1\0\0\0\0"
	    "\1\3\2\1\0\x8\0\0" "\0\0\0\0\0\0\0\0";
	struct buf b;

	(void)state;
	buf_init(&b, BYTES_MAX);
	fcgi_put_stdout(&b, 513, STR("hello"));
	fcgi_put_stdout(&b, 513, STR_NONE);	/* would be the end */
	fcgi_put_end(&b, 513);
	assert_int_equal(b.n, sizeof want - 1);
	assert_memory_equal(b.p, want, b.n);
	buf_release(&b);
}

static size_t
record_size(const char *p)
{
	const unsigned char *h = (const unsigned char *)p;

	assert_int_equal(h[0], FCGI_VERSION_1);
	assert_int_equal(h[1], FCGI_STDOUT);
	return (size_t)h[4] << 8 | h[5];
}

static void
cuts_long_answers_into_records(void **state)
{
	static const size_t sizes[] = {
		1, 65527, 65528, 65529, 65535, 65536, 131056, 131057, 300000
	};
	struct buf b, text, back;
	struct str rest;
	size_t i, n;

	(void)state;
	buf_init(&b, BYTES_MAX);
	buf_init(&text, BYTES_MAX);
	buf_init(&back, BYTES_MAX);
	for (i = 0; i < COUNT(sizes); i++) {
		buf_clear(&b);
		buf_clear(&text);
		buf_clear(&back);
		for (n = 0; n < sizes[i]; n++)
			buf_addc(&text, (char)(n * 7 % 251));
		fcgi_put_stdout(&b, 1, buf_str(&text));
		for (rest = buf_str(&b); rest.n > 0; rest = str_skip(rest, 8 + n)) {
			n = record_size(rest.p);
			assert_in_range(n, 1, FCGI_MAX_LENGTH);
			buf_add(&back, rest.p + 8, n);
		}
		assert_true(str_eq(buf_str(&text), buf_str(&back)));
	}
	buf_release(&b);
	buf_release(&text);
	buf_release(&back);
}

static void
says_no_in_every_way(void **state)
{
	static const struct {
		void (*put)(struct buf *, uint16_t);
		const char *want;
	} rows[] = {
		{ fcgi_put_end, "eof(7) end(7,complete) " },
		{ fcgi_put_cant_mpx, "end(7,cant-mpx) " },
		{ fcgi_put_overloaded, "end(7,overloaded) " },
		{ fcgi_put_unknown_role, "end(7,unknown-role) " },
	};
	struct buf b, words;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		buf_init(&b, FCGI_PUT_MAX);
		buf_init(&words, 4096);
		rows[i].put(&b, 7);
		records_tell(&words, buf_str(&b));
		buf_addc(&words, '\0');
		assert_string_equal(words.p, rows[i].want);
		buf_release(&b);
		buf_release(&words);
	}
}

static void
values_fit_whatever_they_are(void **state)
{
	struct buf b, words;
	unsigned int asked;

	(void)state;
	for (asked = 0; asked < 8; asked++) {
		buf_init(&b, FCGI_PUT_MAX);
		fcgi_put_values(&b, asked, UINT32_MAX);
		assert_int_equal(buf_err(&b), 0);
		buf_init(&words, 4096);
		records_tell(&words, buf_str(&b));
		assert_null(memmem(words.p, words.n, "cut", 3));
		assert_int_equal(memmem(words.p, words.n, "FCGI_MAX_CONNS=4294967295", 25) != NULL,
		    (asked & FCGI_ASKED_CONNS) != 0);
		assert_int_equal(memmem(words.p, words.n, "FCGI_MAX_REQS=4294967295", 24) != NULL,
		    (asked & FCGI_ASKED_REQS) != 0);
		assert_int_equal(memmem(words.p, words.n, "FCGI_MPXS_CONNS=0", 17) != NULL,
		    (asked & FCGI_ASKED_MPXS) != 0);
		buf_release(&b);
		buf_release(&words);
	}
}

static void
pairs_come_back(void **state)
{
	static const size_t sizes[] = { 0, 1, 127, 128, 65535, 70000 };
	struct buf text, b, *part = NULL;
	struct str bytes, name, value;
	size_t i, j;

	(void)state;
	buf_init(&text, BYTES_MAX);
	buf_init(&b, BYTES_MAX);
	for (i = 0; i < 70000; i++)
		buf_addc(&text, 'x');
	for (i = 0; i < COUNT(sizes); i++)
		for (j = 0; j < COUNT(sizes); j++) {
			buf_clear(&b);
			fcgi_pair_put(&b, str_make(text.p, sizes[i]), str_make(text.p, sizes[j]));
			bytes = buf_str(&b);
			assert_int_equal(fcgi_pair_next(&part, &bytes, BYTES_MAX / 2,
			    &name, &value), 1);
			assert_int_equal(name.n, sizes[i]);
			assert_int_equal(value.n, sizes[j]);
			assert_int_equal(bytes.n, 0);
			assert_null(part);
		}
	buf_release(&text);
	buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lives_without_memory),
		cmocka_unit_test(writes_an_answer),
		cmocka_unit_test(cuts_long_answers_into_records),
		cmocka_unit_test(says_no_in_every_way),
		cmocka_unit_test(values_fit_whatever_they_are),
		cmocka_unit_test(pairs_come_back),
	};

	return cmocka_run_group_tests_name("fcgi out", tests, NULL, NULL);
}
