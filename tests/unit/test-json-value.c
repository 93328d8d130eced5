/* What the strings and numbers of JSON stand for: names, texts, integers, and the way back. */
#include "config.h"

#include "unit.h"

#include <inttypes.h>
#include <stdio.h>

#include "err.h"
#include "json.h"

static void
compares_names(void **state)
{
	static const struct {
		const char *why;
		struct str name;
		const char *with;
		bool same;
	} rows[] = {
		{ "plain", S("open"), "open", true },
		{ "escaped", S("\\u006fp\\u0065n"), "open", true },
		{ "escaped slash", S("a\\/b"), "a/b", true },
		{ "escaped UTF-8", S("\\u00e4"), "\xc3\xa4", true },
		{ "escaped pair", S("\\ud83d\\ude00"), "\xf0\x9f\x98\x80", true },
		{ "raw UTF-8", S("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80", true },
		{ "both empty", S(""), "", true },
		{ "longer", S("opened"), "open", false },
		{ "shorter", S("ope"), "open", false },
		{ "empty", S(""), "open", false },
		{ "other case", S("Open"), "open", false },
		{ "NUL behind", S("open\\u0000"), "open", false },
		{ "NUL only", S("\\u0000"), "", false },
		{ "never checked: no UTF-8", S("\xff"), "x", false },
		{ "never checked: cut escape", S("\\"), "x", false },
		{ "never checked: cut \\u", S("\\u004"), "A", false },
	};
	struct json_member m = { .kind = JSON_NULL };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		m.name = tight(rows[i].name);
		row_assert(json_name_is(&m, rows[i].with) == rows[i].same, "%s", rows[i].why);
		loosen(m.name);
	}
}

static const struct {
	const char *why;
	struct str in;
	int rc;
	struct str text;
	size_t units;
} strings[] = {
	{ "empty", S("\"\""), 0, S(""), 0 },
	{ "plain", S("\"abc\""), 0, S("abc"), 3 },
	{ "every escape", S("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), 0, S("\"\\/\b\f\n\r\t"), 8 },
	{ "NUL", S("\"a\\u0000b\""), 0, S("a\0b"), 3 },
	{ "escapes of one, two, three bytes", S("\"\\u0041\\u00E4\\u20ac\""), 0,
	    S("A\xc3\xa4\xe2\x82\xac"), 3 },
	{ "raw of one to four bytes", S("\"A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""), 0,
	    S("A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), 5 },
	{ "a pair", S("\"\\ud83d\\uDE00\""), 0, S("\xf0\x9f\x98\x80"), 2 },
	{ "the first and the last pair", S("\"\\ud800\\udc00\\udbff\\udfff\""), 0,
	    S("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), 4 },
	{ "first half alone", S("\"\\ud800\""), 0, S("\xed\xa0\x80"), 1 },
	{ "second half alone", S("\"\\udfff\""), 0, S("\xed\xbf\xbf"), 1 },
	{ "halves the wrong way round", S("\"\\ude00\\ud83d\""), 0, S("\xed\xb8\x80\xed\xa0\xbd"),
	    2 },
	{ "half, then a pair", S("\"\\ud83d\\ud83d\\ude00\""), 0, S("\xed\xa0\xbd\xf0\x9f\x98\x80"),
	    3 },
	{ "half, then text", S("\"\\ud83dx\\ude00\""), 0, S("\xed\xa0\xbdx\xed\xb8\x80"), 3 },
	{ "half, then an escape", S("\"\\ud83d\\n\""), 0, S("\xed\xa0\xbd\n"), 2 },
	{ "half, then an escaped backslash", S("\"\\ud83d\\\\ude00\""), 0, S("\xed\xa0\xbd\\ude00"),
	    7 },
	{ "half, then text like the other", S("\"\\ud83dxude00\""), 0, S("\xed\xa0\xbdxude00"), 7 },
	{ "half, then an escape and digits", S("\"\\ud83d\\nde00\""), 0, S("\xed\xa0\xbd\nde00"),
	    6 },
	{ "blank before", S(" \"a\""), -ERR_TYPE, S(""), 0 },
	{ "blank behind", S("\"a\" "), -ERR_TYPE, S(""), 0 },
	{ "number", S("1"), -ERR_TYPE, S(""), 0 },
	{ "null", S("null"), -ERR_TYPE, S(""), 0 },
	{ "object", S("{\"a\":\"b\"}"), -ERR_TYPE, S(""), 0 },
	{ "two strings", S("\"a\" \"b\""), -ERR_TYPE, S(""), 0 },
	{ "not closed", S("\"a"), -ERR_TYPE, S(""), 0 },
	{ "one quote", S("\""), -ERR_TYPE, S(""), 0 },
	{ "not UTF-8", S("\"\xff\""), -ERR_TYPE, S(""), 0 },
	{ "nothing", S(""), -ERR_TYPE, S(""), 0 },
};

static void
decodes_strings(void **state)
{
	struct buf b;
	size_t i, units;

	(void)state;
	buf_init(&b, 4096);
	for (i = 0; i < COUNT(strings); i++) {
		struct str in = tight(strings[i].in);

		buf_clear(&b);
		units = 0;
		row_assert(json_text(in, &b) == strings[i].rc, "%s", strings[i].why);
		row_assert(str_eq(buf_str(&b), strings[i].text), "%s", strings[i].why);
		row_assert(json_units(in, &units) == strings[i].rc, "%s", strings[i].why);
		row_assert(units == strings[i].units, "%s: %zu", strings[i].why, units);
		loosen(in);
	}
	buf_release(&b);
}

static void
text_over_the_ceiling(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4);
	assert_int_equal(json_text(STR("\"abcd\""), &b), 0);
	buf_clear(&b);
	assert_int_equal(json_text(STR("\"abcde\""), &b), -ERR_TOOBIG);
	buf_release(&b);
}

/* quote(text(x)) stands for x again, for every code unit and for pairs. */
static void
quoting_undoes_text(void **state)
{
	struct buf text, again, twice;
	char in[32];
	uint32_t i;

	(void)state;
	buf_init(&text, 64);
	buf_init(&again, 64);
	buf_init(&twice, 64);
	for (i = 0; i < 0x10000 + 0x400; i++) {
		if (i < 0x10000)
			snprintf(in, sizeof in, "\"\\u%04X\"", (unsigned)i);
		else
			snprintf(in, sizeof in, "\"\\ud8%02x\\udc%02x\"", (unsigned)(i & 0xff),
			    (unsigned)(i >> 2 & 0xff));
		buf_clear(&text);
		buf_clear(&again);
		buf_clear(&twice);
		assert_int_equal(json_text(str_from(in), &text), 0);
		json_quote(&again, buf_str(&text));
		row_assert(json_text(buf_str(&again), &twice) == 0, "%s", in);
		row_assert(str_eq(buf_str(&text), buf_str(&twice)), "%s", in);
	}
	buf_release(&text);
	buf_release(&again);
	buf_release(&twice);
}

static const struct { const char *why; struct str in, want; } quotes[] = {
	{ "nothing", S(""), S("\"\"") },
	{ "plain", S("abc/'<>"), S("\"abc/'<>\"") },
	{ "quote and backslash", S("\"\\"), S("\"\\\"\\\\\"") },
	{ "named controls", S("\b\f\n\r\t"), S("\"\\b\\f\\n\\r\\t\"") },
	{ "other controls", S("\0\x01\x1f\x7f"), S("\"\\u0000\\u0001\\u001f\x7f\"") },
	{ "UTF-8", S("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
	    S("\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"") },
	{ "surrogates", S("\xed\xa0\x80\xed\xbf\xbf"), S("\"\\ud800\\udfff\"") },
	{ "invalid", S("a\xff" "b"), S("\"a\xef\xbf\xbd" "b\"") },
	{ "each byte", S("\xc0\x80"), S("\"\xef\xbf\xbd\xef\xbf\xbd\"") },
	{ "cut at the end", S("\xe2\x82"), S("\"\xef\xbf\xbd\xef\xbf\xbd\"") },
	{ "cut surrogate", S("\xed\xa0"), S("\"\xef\xbf\xbd\xef\xbf\xbd\"") },
	{ "no surrogate, other lead", S("\xff\xa0\x80"),
	    S("\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"") },
	{ "no surrogate, other second", S("\xed\xc0\x80"),
	    S("\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"") },
	{ "no surrogate, other third", S("\xed\xa0\xc3\xa4"),
	    S("\"\xef\xbf\xbd\xef\xbf\xbd\xc3\xa4\"") },
	{ "cut before text", S("\xf0\x9f\x98z"), S("\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"") },
};

static void
quotes_any_bytes(void **state)
{
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 4096);
	for (i = 0; i < COUNT(quotes); i++) {
		struct str in = tight(quotes[i].in);

		buf_clear(&b);
		json_quote(&b, in);
		row_assert(str_eq(buf_str(&b), quotes[i].want), "%s: %.*s", quotes[i].why, (int)b.n,
		    b.p);
		row_assert(json_check(buf_str(&b)) == 0, "%s", quotes[i].why);
		loosen(in);
	}
	buf_release(&b);
}

static const struct {
	const char *why;
	struct str in;
	int64_t min, max;
	int rc;
	int64_t want;
} numbers[] = {
	{ "one", S("1"), 1, INT32_MAX, 0, 1 },
	{ "with a point", S("1.0"), 1, 9, 0, 1 },
	{ "with an exponent", S("1e0"), 1, 9, 0, 1 },
	{ "thousand", S("1e3"), 1, 9999, 0, 1000 },
	{ "capital, plus", S("1E+3"), 1, 9999, 0, 1000 },
	{ "minus exponent", S("10e-1"), 1, 9, 0, 1 },
	{ "point moved", S("0.0125e4"), 1, 999, 0, 125 },
	{ "point moved back", S("12500.0e-2"), 1, 999, 0, 125 },
	{ "zero", S("0"), 0, 9, 0, 0 },
	{ "minus zero", S("-0"), 0, 9, 0, 0 },
	{ "zero, huge exponent", S("0e99999999999999999999"), 0, 9, 0, 0 },
	{ "zero, tiny exponent", S("0.00e-99999999999999999999"), 0, 9, 0, 0 },
	{ "negative", S("-17"), -17, 0, 0, -17 },
	{ "the smallest", S("-9223372036854775808"), INT64_MIN, INT64_MAX, 0, INT64_MIN },
	{ "the largest", S("9223372036854775807"), INT64_MIN, INT64_MAX, 0, INT64_MAX },
	{ "above double's whole numbers", S("9007199254740993"), 0, INT64_MAX, 0,
	    INT64_C(9007199254740993) },
	{ "the largest, shifted", S("922337203685477580.7e1"), 0, INT64_MAX, 0, INT64_MAX },
	{ "below the smallest", S("-9223372036854775809"), INT64_MIN, INT64_MAX, -ERR_BAD, 0 },
	{ "above the largest", S("9223372036854775808"), INT64_MIN, INT64_MAX, -ERR_BAD, 0 },
	{ "above 64 bits", S("18446744073709551617"), INT64_MIN, INT64_MAX, -ERR_BAD, 0 },
	{ "huge", S("1e19"), INT64_MIN, INT64_MAX, -ERR_BAD, 0 },
	{ "huger", S("1e99999999999999999999"), INT64_MIN, INT64_MAX, -ERR_BAD, 0 },
	{ "tiny", S("1e-99999999999999999999"), INT64_MIN, INT64_MAX, -ERR_BAD, 0 },
	{ "at the least", S("3"), 3, 5, 0, 3 },
	{ "at the most", S("5"), 3, 5, 0, 5 },
	{ "below the least", S("2"), 3, 5, -ERR_BAD, 0 },
	{ "above the most", S("6"), 3, 5, -ERR_BAD, 0 },
	{ "a fraction", S("1.5"), 0, 9, -ERR_BAD, 0 },
	{ "a fraction after all", S("15e-1"), 0, 99, -ERR_BAD, 0 },
	{ "a fraction doubles cannot hold", S("1.00000000000000000000000000001"), 0, 9, -ERR_BAD,
	    0 },
	{ "a string", S("\"1\""), 0, 9, -ERR_BAD, 0 },
	{ "true", S("true"), 0, 9, -ERR_BAD, 0 },
	{ "null", S("null"), 0, 9, -ERR_BAD, 0 },
	{ "an array", S("[1]"), 0, 9, -ERR_BAD, 0 },
	{ "blank before", S(" 1"), 0, 9, -ERR_BAD, 0 },
	{ "blank behind", S("1 "), 0, 9, -ERR_BAD, 0 },
	{ "plus", S("+1"), 0, 9, -ERR_BAD, 0 },
	{ "two minus", S("--1"), -9, 9, -ERR_BAD, 0 },
	{ "zero first", S("01"), 0, 9, -ERR_BAD, 0 },
	{ "point last", S("1."), 0, 9, -ERR_BAD, 0 },
	{ "minus alone", S("-"), -9, 9, -ERR_BAD, 0 },
	{ "nothing", S(""), 0, 9, -ERR_BAD, 0 },
};

static void
reads_integers(void **state)
{
	int64_t got;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(numbers); i++) {
		struct str in = tight(numbers[i].in);
		int64_t want = numbers[i].rc == 0 ? numbers[i].want : 4711;

		got = 4711;
		row_assert(json_int(in, numbers[i].min, numbers[i].max, &got) == numbers[i].rc,
		    "%s: %" PRId64, numbers[i].why, got);
		row_assert(got == want, "%s: %" PRId64, numbers[i].why, got);
		loosen(in);
	}
}

/* As many zeros as a body has room for: linear, exact. */
static void
reads_long_integers(void **state)
{
	char zeros[4001];
	int64_t got = 0;
	struct buf b;

	(void)state;
	memset(zeros, '0', 4000);
	zeros[4000] = '\0';
	buf_init(&b, 16384);
	buf_addf(&b, "7%se-4000", zeros);
	assert_int_equal(json_int(buf_str(&b), 0, 9, &got), 0);
	assert_int_equal(got, 7);
	buf_clear(&b);
	buf_addf(&b, "0.%s7e4001", zeros);
	assert_int_equal(json_int(buf_str(&b), 0, 9, &got), 0);
	assert_int_equal(got, 7);
	buf_release(&b);
}

static void
copies_on_one_line(void **state)
{
	static const struct { const char *why; struct str in, want; } rows[] = {
		{ "nothing to drop", S("{\"a\": [1, 2]}"), S("{\"a\": [1, 2]}") },
		{ "between tokens", S("{\r\n\t\"a\":\n[1,\r2\n]\n}"), S("{\t\"a\":[1,2]}") },
		{ "escapes stay", S("\"\\r\\n\""), S("\"\\r\\n\"") },
		{ "long numbers stay", S("12345678901234567890123"), S("12345678901234567890123") },
		{ "minus zero stays", S("-0"), S("-0") },
		{ "1e2 stays", S("1e2"), S("1e2") },
		{ "half a pair stays", S("\"\\ud800\""), S("\"\\ud800\"") },
		{ "names stay", S("{\"a\":1,\"a\":2,\"\\u0061\":3}"),
		    S("{\"a\":1,\"a\":2,\"\\u0061\":3}") },
		{ "nothing", S(""), S("") },
	};
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 4096);
	for (i = 0; i < COUNT(rows); i++) {
		struct str in = tight(rows[i].in);

		buf_clear(&b);
		json_copy(&b, in);
		row_assert(str_eq(buf_str(&b), rows[i].want), "%s: %.*s", rows[i].why, (int)b.n,
		    b.p);
		loosen(in);
	}
	buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares_names),
		cmocka_unit_test(decodes_strings),
		cmocka_unit_test(text_over_the_ceiling),
		cmocka_unit_test(quoting_undoes_text),
		cmocka_unit_test(quotes_any_bytes),
		cmocka_unit_test(reads_integers),
		cmocka_unit_test(reads_long_integers),
		cmocka_unit_test(copies_on_one_line),
	};

	return cmocka_run_group_tests_name("json-value", tests, NULL, NULL);
}
