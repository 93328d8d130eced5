/*
 * The JSON scanner. json-c in its strict mode is asked about every row, too; where it answers
 * otherwise the row says so (LAX: json-c takes what RFC 8259 forbids). There is no row the
 * other way round: what we take, json-c takes.
 */
#include "config.h"

#include "unit.h"

#include <iconv.h>

#include <json-c/json.h>

#include "err.h"
#include "json.h"

#define LAX true

static bool
json_c_takes(struct str s)
{
	struct json_tokener *tok = json_tokener_new_ex(JSON_DEPTH + 1);
	struct json_object *o;
	char *copy = calloc(1, s.n + 1);
	bool taken;

	assert_non_null(copy);
	if (s.n > 0)
		memcpy(copy, s.p, s.n);
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(tok, copy, (int)s.n + 1);
	taken = json_tokener_get_error(tok) == json_tokener_success &&
	    json_tokener_get_parse_end(tok) >= s.n;
	json_object_put(o);
	json_tokener_free(tok);
	free(copy);
	return taken;
}

static const struct { const char *why; struct str in; int want; bool lax; } grammar[] = {
	{ "nothing", S(""), -ERR_BAD, 0 },
	{ "blanks only", S(" \t\r\n"), -ERR_BAD, 0 },
	{ "blanks around", S(" \t\r\n1 \t\r\n"), 0, 0 },
	{ "no other blanks", S("\v1"), -ERR_BAD, 0 },
	{ "no-break space", S("\xc2\xa0" "1"), -ERR_BAD, 0 },
	{ "line separator outside", S("[1]\xe2\x80\xa8"), -ERR_BAD, 0 },
	{ "byte order mark", S("\xef\xbb\xbf" "1"), -ERR_BAD, 0 },
	{ "comment", S("/**/1"), -ERR_BAD, 0 },
	{ "two values", S("1 2"), -ERR_BAD, 0 },
	{ "something behind", S("{}x"), -ERR_BAD, 0 },
	{ "NUL behind", S("1\0"), -ERR_BAD, 0 },
	{ "NUL alone", S("\0"), -ERR_BAD, 0 },
	{ "NUL between", S("[\0]"), -ERR_BAD, 0 },

	{ "true", S("true"), 0, 0 },
	{ "false", S("false"), 0, 0 },
	{ "null", S("null"), 0, 0 },
	{ "capital", S("True"), -ERR_BAD, 0 },
	{ "cut short", S("tru"), -ERR_BAD, 0 },
	{ "goes on", S("truex"), -ERR_BAD, 0 },
	{ "NaN", S("NaN"), -ERR_BAD, LAX },
	{ "Infinity", S("Infinity"), -ERR_BAD, LAX },
	{ "-Infinity", S("[-Infinity]"), -ERR_BAD, LAX },
	{ "undefined", S("undefined"), -ERR_BAD, 0 },

	{ "zero", S("0"), 0, 0 },
	{ "minus zero", S("-0"), 0, 0 },
	{ "all of a number", S("-10.250E+05"), 0, 0 },
	{ "exponent of zero", S("0e0"), 0, 0 },
	{ "beyond double", S("-1e999"), 0, 0 },
	{ "beyond 64 bits", S("12345678901234567890123"), 0, 0 },
	{ "zero first", S("01"), -ERR_BAD, 0 },
	{ "minus zero first", S("-01"), -ERR_BAD, LAX },
	{ "zero twice", S("00"), -ERR_BAD, LAX },
	{ "plus", S("+1"), -ERR_BAD, 0 },
	{ "minus alone", S("-"), -ERR_BAD, 0 },
	{ "minus, blank", S("- 1"), -ERR_BAD, 0 },
	{ "two minus", S("--1"), -ERR_BAD, 0 },
	{ "nothing before the point", S(".5"), -ERR_BAD, 0 },
	{ "nothing between minus and point", S("-.5"), -ERR_BAD, LAX },
	{ "nothing after the point", S("1."), -ERR_BAD, LAX },
	{ "exponent after the point", S("1.e5"), -ERR_BAD, LAX },
	{ "no exponent", S("1e"), -ERR_BAD, 0 },
	{ "signed no exponent", S("1e+"), -ERR_BAD, 0 },
	{ "broken exponent", S("1e5.5"), -ERR_BAD, 0 },
	{ "hexadecimal", S("0x1"), -ERR_BAD, 0 },
	{ "letters behind", S("1a"), -ERR_BAD, 0 },

	{ "empty string", S("\"\""), 0, 0 },
	{ "every escape", S("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u12aF\""), 0, 0 },
	{ "unknown escape", S("\"\\x\""), -ERR_BAD, 0 },
	{ "escaped quote mark", S("\"\\'\""), -ERR_BAD, 0 },
	{ "escaped NUL byte", S("\"\\\0\""), -ERR_BAD, 0 },
	{ "short \\u", S("\"\\u00\""), -ERR_BAD, 0 },
	{ "no hexadecimal", S("\"\\u12G4\""), -ERR_BAD, 0 },
	{ "capital U", S("\"\\U0041\""), -ERR_BAD, 0 },
	{ "not closed", S("\""), -ERR_BAD, 0 },
	{ "closing quote escaped", S("\"\\\""), -ERR_BAD, 0 },
	{ "single quotes", S("'a'"), -ERR_BAD, 0 },
	{ "raw tab", S("\"\t\""), -ERR_BAD, LAX },
	{ "raw line feed", S("\"\n\""), -ERR_BAD, LAX },
	{ "raw 0x1f", S("\"\x1f\""), -ERR_BAD, LAX },
	{ "raw NUL", S("\"a\0b\""), -ERR_BAD, 0 },
	{ "raw delete", S("\"\x7f\""), 0, 0 },
	{ "escaped NUL", S("\"\\u0000\""), 0, 0 },
	{ "a pair", S("\"\\uD83D\\uDE00\""), 0, 0 },
	{ "first half alone", S("\"\\ud800\""), 0, 0 },
	{ "second half alone", S("\"\\udc00\""), 0, 0 },
	{ "two first halves", S("\"\\ud800\\ud800\""), 0, 0 },
	{ "first half, other escape", S("\"\\ud83d\\n\""), 0, 0 },
	{ "first half, then the end", S("\"\\ud83d\\\""), -ERR_BAD, 0 },
	{ "two, three, four bytes", S("\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\""), 0, 0 },
	{ "the last code point", S("\"\xf4\x8f\xbf\xbf\""), 0, 0 },
	{ "byte that only continues", S("\"\x80\""), -ERR_BAD, 0 },
	{ "cut sequence", S("\"\xc3\""), -ERR_BAD, 0 },
	{ "cut by the end", S("\"\xe2\x82"), -ERR_BAD, 0 },
	{ "overlong NUL", S("\"\xc0\x80\""), -ERR_BAD, LAX },
	{ "overlong, three bytes", S("\"\xe0\x80\x80\""), -ERR_BAD, LAX },
	{ "overlong, four bytes", S("\"\xf0\x80\x80\x80\""), -ERR_BAD, LAX },
	{ "raw surrogate", S("\"\xed\xa0\x80\""), -ERR_BAD, LAX },
	{ "above U+10FFFF", S("\"\xf4\x90\x80\x80\""), -ERR_BAD, LAX },
	{ "no such lead", S("\"\xf5\x80\x80\x80\""), -ERR_BAD, LAX },

	{ "empty array", S("[ ]"), 0, 0 },
	{ "array", S("[1,\"2\",[],{}, null ]"), 0, 0 },
	{ "comma at the end", S("[1,]"), -ERR_BAD, 0 },
	{ "comma first", S("[,1]"), -ERR_BAD, 0 },
	{ "comma alone", S("[,]"), -ERR_BAD, 0 },
	{ "two commas", S("[1,,2]"), -ERR_BAD, 0 },
	{ "no comma", S("[1 2]"), -ERR_BAD, 0 },
	{ "array not closed", S("[1"), -ERR_BAD, 0 },
	{ "array closed as object", S("[1}"), -ERR_BAD, 0 },
	{ "closed twice", S("[]]"), -ERR_BAD, 0 },
	{ "closed only", S("]"), -ERR_BAD, 0 },
	{ "name in an array", S("[\"a\":1]"), -ERR_BAD, 0 },

	{ "empty object", S("{ }"), 0, 0 },
	{ "object", S("{ \"a\" : 1 , \"b\":{\"c\":[]}}"), 0, 0 },
	{ "empty name", S("{\"\":1}"), 0, 0 },
	{ "name twice", S("{\"a\":1,\"a\":2}"), 0, 0 },
	{ "NUL in a name", S("{\"\\u0000\":1}"), 0, 0 },
	{ "comma at the end", S("{\"a\":1,}"), -ERR_BAD, 0 },
	{ "comma alone", S("{,}"), -ERR_BAD, 0 },
	{ "no colon", S("{\"a\" 1}"), -ERR_BAD, 0 },
	{ "no value", S("{\"a\":}"), -ERR_BAD, 0 },
	{ "no name", S("{1}"), -ERR_BAD, 0 },
	{ "nothing for a name", S("{:1}"), -ERR_BAD, 0 },
	{ "bare name", S("{a:1}"), -ERR_BAD, 0 },
	{ "name in single quotes", S("{'a':1}"), -ERR_BAD, LAX },
	{ "number as name", S("{1:1}"), -ERR_BAD, 0 },
	{ "object closed as array", S("{\"a\":1]"), -ERR_BAD, 0 },
	{ "object not closed", S("{\"a\":1"), -ERR_BAD, 0 },
	{ "after an inner object", S("{\"a\":{}1}"), -ERR_BAD, 0 },
};

static void
accepts_the_grammar(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(grammar); i++) {
		struct str in = tight(grammar[i].in);

		row_assert(json_check(in) == grammar[i].want, "%s", grammar[i].why);
		row_assert(json_c_takes(in) == (grammar[i].want == 0 || grammar[i].lax),
		    "json-c: %s", grammar[i].why);
		loosen(in);
	}
	assert_int_equal(json_check(STR_NONE), -ERR_BAD);
}

/* n times `open`, then `inner`, then n times `close` */
static struct str
nested(int n, const char *open, const char *inner, const char *close)
{
	struct buf b;
	size_t len;
	char *p;
	int i;

	buf_init(&b, 4096);
	for (i = 0; i < n; i++)
		buf_addz(&b, open);
	buf_addz(&b, inner);
	for (i = 0; i < n; i++)
		buf_addz(&b, close);
	assert_int_equal(buf_err(&b), 0);
	p = buf_detach(&b, &len);
	return str_make(p, len);
}

static void
stops_at_the_depth(void **state)
{
	static const struct { const char *open, *inner, *close; } ways[] = {
		{ "[", "1", "]" }, { "[", "", "]" }, { "[0,", "[]", ",0]" },
		{ "{\"a\":", "1", "}" }, { "{\"a\":0,\"b\" : ", "{}", ",\"c\":1}" },
		{ "[{\"a\":", "1", "}]" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(ways); i++) {
		int each = ways[i].open[1] == '{' ? 2 : 1;
		int inner = ways[i].inner[0] == '[' || ways[i].inner[0] == '{' ? 1 : 0;
		int n = (JSON_DEPTH - inner) / each;
		struct str fits = nested(n, ways[i].open, ways[i].inner, ways[i].close);
		struct str deeper = nested(n + 1, ways[i].open, ways[i].inner, ways[i].close);

		row_assert(json_check(fits) == 0, "%s", ways[i].open);
		row_assert(json_c_takes(fits), "json-c %s", ways[i].open);
		row_assert(json_check(deeper) == -ERR_TOOBIG, "%s", ways[i].open);
		loosen(fits);
		loosen(deeper);
	}
}

/* What was closed does not count. */
static void
the_depth_can_be_set(void **state)
{
	struct str two = S("[{\"a\":1}]"), three = S("[[[]]]");

	(void)state;
	json_limit(2);
	assert_int_equal(json_check(two), 0);
	assert_int_equal(json_check(three), -ERR_TOOBIG);
	json_limit(3);
	assert_int_equal(json_check(three), 0);
	json_limit(JSON_DEPTH);
}

static void
depth_is_not_breadth(void **state)
{
	struct str wide = nested(200, "[],{\"a\":[1]},", "1", "");
	struct buf b;

	(void)state;
	buf_init(&b, 8192);
	buf_addf(&b, "[%.*s]", (int)wide.n, wide.p);
	assert_int_equal(json_check(buf_str(&b)), 0);
	buf_release(&b);
	loosen(wide);
}

#define RICH \
	"{\"a\\u00e4\":[1,-2.5e+3,\"x\\ud83d\\ude00\xf0\x9f\x98\x80\"],\"b\":{\"c\":null},\"d\":true}"

/* Of an object, no part from its beginning is JSON, and nothing is read beyond the part. */
static void
refuses_every_beginning(void **state)
{
	struct str all = STR(RICH);
	size_t n;

	(void)state;
	assert_int_equal(json_check(all), 0);
	for (n = 0; n < all.n; n++) {
		struct str part = tight(str_make(all.p, n));

		row_assert(json_check(part) == -ERR_BAD, "the first %zu bytes", n);
		loosen(part);
	}
}

/* Whatever single byte changes, json-c does not refuse what we take. */
static void
one_byte_changed(void **state)
{
	struct str all = tight(STR(RICH));
	char *p = (char *)(uintptr_t)all.p;
	size_t i;
	int byte;

	(void)state;
	for (i = 0; i < all.n; i++) {
		char was = p[i];

		for (byte = 0; byte < 256; byte++) {
			p[i] = (char)byte;
			if (json_check(all) == 0)
				row_assert(json_c_takes(all), "byte %zu is 0x%02x", i, byte);
		}
		p[i] = was;
	}
	loosen(all);
}

static bool
iconv_takes(iconv_t cd, const unsigned char *p, size_t n)
{
	char out[32], *to = out, *from = (char *)(uintptr_t)p;
	size_t room = sizeof out, rc;

	iconv(cd, NULL, NULL, NULL, NULL);
	rc = iconv(cd, &from, &n, &to, &room);
	return rc != (size_t)-1 && n == 0;
}

/* Every first and second byte, the edges of the third and fourth; iconv is the oracle. */
static void
knows_utf8(void **state)
{
	static const unsigned char edge[] = { 0x41, 0x7f, 0x80, 0xbf, 0xc0 };
	iconv_t cd = iconv_open("UTF-32LE", "UTF-8");
	unsigned char p[4];
	size_t i, n, len;

	(void)state;
	assert_true(cd != (iconv_t)-1);
	for (i = 0; i < 256u * 256 * COUNT(edge) * COUNT(edge); i++) {
		p[0] = (unsigned char)i;
		p[1] = (unsigned char)(i >> 8);
		p[2] = edge[i / 65536 % COUNT(edge)];
		p[3] = edge[i / 65536 / COUNT(edge)];
		n = json_utf8(str_make((char *)p, 4));
		for (len = 1; len <= 4 && !iconv_takes(cd, p, len); len++)
			;
		row_assert(n == (len > 4 ? 0 : len), "%02x %02x %02x %02x", p[0], p[1], p[2], p[3]);
	}
	iconv_close(cd);
	assert_int_equal(json_utf8(STR_NONE), 0);
}

/* Strings are looked at eight bytes at a time: every byte value, at every place in the first three
 * eights, is judged as it is alone. */
static void
every_byte_at_every_place(void **state)
{
	char text[32];
	struct str in;
	size_t at;
	int byte;

	(void)state;
	for (at = 1; at < 26; at++)
		for (byte = 0; byte < 256; byte++) {
			memset(text, 'a', sizeof text);
			text[0] = text[27] = '"';
			text[at] = (char)byte;
			in = tight(str_make(text, 28));
			row_assert((json_check(in) == 0) == (byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\'),
			    "0x%02x at %zu", byte, at);
			loosen(in);
		}
}

/* What was handed out is taken apart without another check, and reads the same. */
static void
values_within_values(void **state)
{
	struct json_member all, each, m[2];
	struct json_iter it;
	size_t count;

	(void)state;
	assert_int_equal(json_value(STR(" [ {\"a\":[1],\"b\":2} , 7, {} ] "), &all), 0);
	assert_int_equal(all.kind, JSON_ARRAY);
	assert_int_equal(all.value.n, 27);
	assert_int_equal(json_elements_of(&all, &it), 0);
	assert_true(json_next(&it, &each));
	assert_int_equal(json_members_of(&each, m, 1, &count), -ERR_TOOBIG);
	assert_int_equal(count, 2);
	assert_int_equal(json_members_of(&each, m, 2, &count), 0);
	assert_true(json_name_is(&m[0], "a") && str_eq(m[0].value, STR("[1]")));
	assert_true(json_name_is(&m[1], "b") && str_eq(m[1].value, STR("2")));
	assert_int_equal(json_elements_of(&m[0], &it) , 0);
	assert_int_equal(json_elements_of(&m[1], &it), -ERR_TYPE);
	assert_int_equal(json_elements_of(&all, &it), 0);
	assert_true(json_next(&it, &each) && json_next(&it, &each));
	assert_int_equal(json_members_of(&each, m, 2, &count), -ERR_TYPE);
	assert_true(json_next(&it, &each));
	assert_int_equal(json_members_of(&each, m, 2, &count), 0);
	assert_int_equal(count, 0);
	assert_false(json_next(&it, &each));
	assert_int_equal(json_value(STR("{\"a\":}"), &all), -ERR_BAD);
}

static const struct {
	const char *why;
	struct str in;
	size_t max;
	int rc;
	size_t count;
	const char *dump;	/* name=kind:value; of each */
} objects[] = {
	{ "none", S(" {} "), 2, 0, 0, "" },
	{ "every kind",
	    S("{\"a\":null,\"b\":true,\"c\":-1.5,\"d\":\"x\",\"e\":[1,2],\"f\":{\"g\":1}}"), 6, 0,
	    6, "a=0:null;b=1:true;c=2:-1.5;d=3:\"x\";e=4:[1,2];f=5:{\"g\":1};" },
	{ "false", S("{\"a\":false}"), 1, 0, 1, "a=1:false;" },
	{ "blanks are not part of values", S(" { \"a\" :\n[ 1 ]\t, \"b\" : 2\r} "), 2, 0, 2,
	    "a=4:[ 1 ];b=2:2;" },
	{ "twice", S("{\"a\":1,\"a\":2}"), 2, 0, 2, "a=2:1;a=2:2;" },
	{ "names as written", S("{\"\\u0061\\\"\":1,\"\":2}"), 2, 0, 2, "\\u0061\\\"=2:1;=2:2;" },
	{ "brackets in strings", S("{\"}\":\"]{\",\"b\":0}"), 2, 0, 2, "}=3:\"]{\";b=2:0;" },
	{ "as many as fit", S("{\"a\":1,\"b\":2}"), 2, 0, 2, "a=2:1;b=2:2;" },
	{ "one too many", S("{\"a\":1,\"b\":2,\"c\":3}"), 2, -ERR_TOOBIG, 3, "a=2:1;b=2:2;" },
	{ "room for none", S("{\"a\":1}"), 0, -ERR_TOOBIG, 1, "" },
	{ "not JSON before too many", S("{\"a\":1,\"b\":2,\"c\"}"), 2, -ERR_BAD, 0, "" },
	{ "not JSON before no object", S("[1"), 2, -ERR_BAD, 0, "" },
	{ "array", S("[{}]"), 2, -ERR_TYPE, 0, "" },
	{ "string", S("\"{}\""), 2, -ERR_TYPE, 0, "" },
	{ "number", S("1"), 2, -ERR_TYPE, 0, "" },
	{ "null", S(" null"), 2, -ERR_TYPE, 0, "" },
	{ "nothing", S(""), 2, -ERR_BAD, 0, "" },
};

static void
lists_members(void **state)
{
	struct json_member m[7];
	size_t i, k, count;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	for (i = 0; i < COUNT(objects); i++) {
		struct str in = tight(objects[i].in);

		count = 77;
		m[objects[i].max].kind = JSON__MAX;
		row_assert(json_members(in, m, objects[i].max, &count) == objects[i].rc, "%s",
		    objects[i].why);
		row_assert(m[objects[i].max].kind == JSON__MAX, "%s: stays inside", objects[i].why);
		row_assert(count == objects[i].count, "%s: %zu", objects[i].why, count);
		buf_clear(&b);
		for (k = 0; k < count && k < objects[i].max; k++)
			buf_addf(&b, "%.*s=%d:%.*s;", (int)m[k].name.n, m[k].name.p, (int)m[k].kind,
			    (int)m[k].value.n, m[k].value.p);
		row_assert(str_eq(buf_str(&b), str_from(objects[i].dump)), "%s: %.*s",
		    objects[i].why,
		    (int)b.n, b.p);
		loosen(in);
	}
	buf_release(&b);
}

static void
too_deep_lists_nothing(void **state)
{
	struct str deep = nested(JSON_DEPTH + 1, "{\"a\":", "1", "}");
	struct json_member m[1];
	struct json_iter it;
	size_t count = 77;

	(void)state;
	assert_int_equal(json_members(deep, m, 1, &count), -ERR_TOOBIG);
	assert_int_equal(count, 0);
	assert_int_equal(json_array(deep, &it), -ERR_TOOBIG);
	assert_false(json_next(&it, m));
	loosen(deep);
}

static const struct { const char *why; struct str in; int rc; const char *dump; } arrays[] = {
	{ "none", S(" [ ] "), 0, "" },
	{ "one", S("[1]"), 0, "2:1;" },
	{ "every kind", S("[null, true,\n1e3 ,\"]\",[[1],2],{\"a\":[3]}]"), 0,
	    "0:null;1:true;2:1e3;3:\"]\";4:[[1],2];5:{\"a\":[3]};" },
	{ "a string is no name", S("[\"a\",\"b\"]"), 0, "3:\"a\";3:\"b\";" },
	{ "object", S("{}"), -ERR_TYPE, "" },
	{ "number", S("1"), -ERR_TYPE, "" },
	{ "not JSON", S("[1,2"), -ERR_BAD, "" },
	{ "nothing", S(""), -ERR_BAD, "" },
};

static void
walks_arrays(void **state)
{
	struct json_member m;
	struct json_iter it;
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 4096);
	for (i = 0; i < COUNT(arrays); i++) {
		struct str in = tight(arrays[i].in);

		buf_clear(&b);
		row_assert(json_array(in, &it) == arrays[i].rc, "%s", arrays[i].why);
		while (json_next(&it, &m)) {
			row_assert(m.name.n == 0, "%s", arrays[i].why);
			buf_addf(&b, "%d:%.*s;", (int)m.kind, (int)m.value.n, m.value.p);
		}
		row_assert(!json_next(&it, &m), "%s: over is over", arrays[i].why);
		row_assert(str_eq(buf_str(&b), str_from(arrays[i].dump)), "%s: %.*s", arrays[i].why,
		    (int)b.n, b.p);
		loosen(in);
	}
	buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_the_grammar),
		cmocka_unit_test(stops_at_the_depth),
		cmocka_unit_test(the_depth_can_be_set),
		cmocka_unit_test(depth_is_not_breadth),
		cmocka_unit_test(refuses_every_beginning),
		cmocka_unit_test(one_byte_changed),
		cmocka_unit_test(every_byte_at_every_place),
		cmocka_unit_test(values_within_values),
		cmocka_unit_test(knows_utf8),
		cmocka_unit_test(lists_members),
		cmocka_unit_test(too_deep_lists_nothing),
		cmocka_unit_test(walks_arrays),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
