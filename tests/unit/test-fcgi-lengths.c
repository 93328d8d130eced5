/* The FastCGI codec: lengths at their edges, and ceilings at n and n+1. */
#include "config.h"

#include "unit.h"

#include <fastcgi.h>

#include "fcgi-pair.h"
#include "records.h"
#include "transcript.h"

#define VARS 64
#define BYTES_MAX (8u << 20)

/* ---- lengths ---- */

static void
fill(struct buf *b, char c, size_t n)
{
	while (n-- > 0)
		buf_addc(b, c);
}

/* A pair with these lengths, in records of `size` bytes. */
static struct buf
long_pair(size_t name, size_t value, size_t size)
{
	struct buf b, pair, n, v;
	struct str rest;

	buf_init(&b, BYTES_MAX);
	buf_init(&pair, BYTES_MAX);
	buf_init(&n, BYTES_MAX);
	buf_init(&v, BYTES_MAX);
	fill(&n, 'n', name);
	fill(&v, 'v', value);
	fcgi_pair_put(&pair, buf_str(&n), buf_str(&v));
	record_begin(&b, 1, FCGI_RESPONDER, 0, 0);
	for (rest = buf_str(&pair); rest.n > 0; rest = str_skip(rest, size))
		record_put(&b, FCGI_PARAMS, 1, str_make(rest.p, rest.n < size ? rest.n : size), 0);
	record_put(&b, FCGI_PARAMS, 1, STR_NONE, 0);
	buf_release(&pair);
	buf_release(&n);
	buf_release(&v);
	assert_int_equal(buf_err(&b), 0);
	return b;
}

static void
assert_pair(struct buf *b, size_t name, size_t value, uint32_t max, size_t piece)
{
	struct transcript t;
	const char *at;

	transcript_init(&t, max);
	transcript_hear_in(&t, buf_str(b), piece, piece);
	at = transcript_words(&t);
	assert_memory_equal(at, "begin(1) ", 9);
	at += 9;
	assert_int_equal(strspn(at, "n"), name);
	assert_int_equal(at[name], '=');
	assert_int_equal(strspn(at + name + 1, "v"), value);
	assert_string_equal(at + name + 1 + value, " vars ");
	assert_null(t.fcgi.vars);
	transcript_release(&t);
}

static void
reads_lengths_of_one_and_four_bytes(void **state)
{
	static const size_t lengths[] = { 0, 1, 126, 127, 128, 129, 255, 256, 65535, 65536, 70000 };
	static const size_t sizes[] = { 1, 2, 3, 7, 8, 127, 1000, 65535 };
	struct buf b;
	size_t i, j, k;

	(void)state;
	for (i = 0; i < COUNT(lengths); i++)
		for (j = 0; j < COUNT(lengths); j++)
			for (k = 0; k < COUNT(sizes); k++) {
				if (lengths[i] + lengths[j] > 1000 && sizes[k] < 127)
					continue;
				b = long_pair(lengths[i], lengths[j], sizes[k]);
				assert_pair(&b, lengths[i], lengths[j], 1 << 20, b.n);
				assert_pair(&b, lengths[i], lengths[j], 1 << 20, 997);
				buf_release(&b);
			}
}

/* A short length may be written in four bytes, too. */
static void
reads_short_lengths_in_four_bytes(void **state)
{
	static const char content[] = "\x80\0\0\x01\x80\0\0\x02nvv\x01\x80\0\0\0n";
	struct transcript t;
	struct buf b;

	(void)state;
	buf_init(&b, BYTES_MAX);
	record_begin(&b, 1, FCGI_RESPONDER, 0, 0);
	record_put(&b, FCGI_PARAMS, 1, str_make(content, sizeof content - 1), 0);
	transcript_init(&t, VARS);
	transcript_hear_in(&t, buf_str(&b), 1, 1);
	assert_string_equal(transcript_words(&t), "begin(1) n=vv n= ");
	transcript_release(&t);
	buf_release(&b);
}

static void
takes_a_body_of_full_records(void **state)
{
	struct buf b, body;
	struct transcript t;
	size_t i;

	(void)state;
	buf_init(&b, BYTES_MAX);
	buf_init(&body, BYTES_MAX);
	fill(&body, 'b', FCGI_MAX_LENGTH);
	record_begin(&b, 1, FCGI_RESPONDER, 0, 0);
	record_put(&b, FCGI_PARAMS, 1, STR_NONE, 0);
	for (i = 0; i < 3; i++)
		record_put(&b, FCGI_STDIN, 1, buf_str(&body), 255);
	record_put(&b, FCGI_STDIN, 1, STR_NONE, 255);
	transcript_init(&t, VARS);
	transcript_hear_in(&t, buf_str(&b), 4096, 4096);
	assert_memory_equal(transcript_words(&t), "begin(1) vars body(", 19);
	assert_int_equal(strspn(transcript_words(&t) + 19, "b"), 3 * FCGI_MAX_LENGTH);
	assert_string_equal(transcript_words(&t) + 19 + 3 * FCGI_MAX_LENGTH, ") whole ");
	transcript_release(&t);
	buf_release(&b);
	buf_release(&body);
}

/* ---- ceilings ---- */

static void
variables_have_a_ceiling(void **state)
{
	static const struct {
		const char *why, *records, *want;
	} cases[] = {
		{ "just fits", "B1 P1:1234=567&8=90 P1 S1", "begin(1) 1234=567 8=90 vars whole " },
		{ "one too many", "B1 P1:1234=567&8=901 P1 S1:b S1",
		    "begin(1) 1234=567 refused(toobig) " },
		{ "one too many, alone", "B1 P1:12345=678901 P1 S1", "begin(1) refused(toobig) " },
		{ "in two records", "B1 P1:1234=567 P1:8=901 P1",
		    "begin(1) 1234=567 refused(toobig) " },
		{ "a name alone", "B1 P1:12345678901", "begin(1) refused(toobig) " },
		{ "what follows is skipped",
		    "B1 P1:1=1&12345=678901&2=2 P1:3=3 P1 S1:b S1 S1 P1 B1",
		    "begin(1) 1=1 refused(toobig) " },
		{ "but aborts and others are heard", "B1 P1:12345678901 A1 B2 V0",
		    "begin(1) refused(toobig) abort end(2,cant-mpx) values() " },
	};
	struct transcript t;
	struct buf b;
	size_t i, cut;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		buf_init(&b, BYTES_MAX);
		records_put(&b, cases[i].records, 0);
		for (cut = 1; cut <= b.n; cut++) {
			transcript_init(&t, 10);
			transcript_hear_in(&t, buf_str(&b), cut, cut);
			row_assert(strcmp(transcript_words(&t), cases[i].want) == 0, "%s: %s",
			    cases[i].why, transcript_words(&t));
			transcript_release(&t);
		}
		buf_release(&b);
	}
}

/* What is announced and too long is refused with its last length byte; nothing is kept of it. */
static void
announced_lengths_are_enough(void **state)
{
	static const struct str heads[] = {
		S("\xff\xff\xff\xff\x01"), S("\x01\xff\xff\xff\xff"), S("\x80\0\x10\x01\x05"),
		S("\xff\xff\xff\xff\xff\xff\xff\xff"), S("\x80\0\x08\0\x80\0\x08\x01"),
	};
	struct transcript t;
	struct buf b;
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(heads); i++) {
		buf_init(&b, BYTES_MAX);
		record_begin(&b, 1, FCGI_RESPONDER, 0, 0);
		record_put(&b, FCGI_PARAMS, 1, heads[i], 0);
		transcript_init(&t, 4096);
		for (n = 0; n < b.n; n++) {
			assert_string_equal(transcript_words(&t), n < 16 ? "" : "begin(1) ");
			transcript_hear(&t, str_make(b.p + n, 1));
		}
		assert_string_equal(transcript_words(&t), "begin(1) refused(toobig) ");
		assert_null(t.fcgi.vars);
		transcript_release(&t);
		buf_release(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_lengths_of_one_and_four_bytes),
		cmocka_unit_test(reads_short_lengths_in_four_bytes),
		cmocka_unit_test(takes_a_body_of_full_records),
		cmocka_unit_test(variables_have_a_ceiling),
		cmocka_unit_test(announced_lengths_are_enough),
	};

	return cmocka_run_group_tests_name("fcgi lengths", tests, NULL, NULL);
}
