/* Layer 0: growing buffers, and the log lines made in them; each allocation fails once. */
#include "config.h"

#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "log.h"

/* Linked with --wrap=realloc: the allocation with this number fails (1: the next), once. */
static unsigned fails_at;
static unsigned allocations;

void	*__real_realloc(void *p, size_t n);
void	*__wrap_realloc(void *p, size_t n);

void *
__wrap_realloc(void *p, size_t n)
{
	if (++allocations == fails_at)
		return NULL;
	return __real_realloc(p, n);
}

static void
fail_allocation(unsigned which)
{
	allocations = 0;
	fails_at = which;
}

/* ---- buf */

/* Everything that adds, several growths long; the same bytes every time. */
static void
fill(struct buf *b)
{
	int i;

	for (i = 0; i < 300; i++) {
		buf_addc(b, 'c');
		buf_adds(b, STR("slice"));
		buf_addz(b, "text");
		buf_addu(b, UINT64_MAX);
		buf_addf(b, "<%d>", i);
	}
	buf_addf(b, "%0700d", 7);
}

static void
grows_and_keeps(void **state)
{
	size_t n, more;
	struct buf b;
	char *p;

	(void)state;
	buf_init(&b, 65536);
	assert_null(b.p);
	assert_true(str_eq(buf_str(&b), STR_NONE));
	fill(&b);
	assert_int_equal(buf_err(&b), 0);
	assert_memory_equal(b.p, "cslicetext18446744073709551615<0>cslice", 39);
	n = b.n;
	buf_drop(&b, 33);
	assert_memory_equal(b.p, "cslice", 6);
	assert_int_equal(b.n, n - 33);
	buf_drop(&b, b.n);
	buf_drop(&b, 0);
	assert_int_equal(b.n, 0);
	buf_addu(&b, 0);
	assert_true(str_eq(buf_str(&b), STR("0")));
	p = buf_detach(&b, &more);
	assert_int_equal(more, 1);
	assert_int_equal(p[0], '0');
	free(p);
	assert_null(b.p);
	assert_null(buf_detach(&b, &more));
	assert_int_equal(more, 0);
	buf_drop(&b, 0);
	buf_release(&b);
}

/* Whichever allocation fails: the buffer says so and keeps what it had,
    which begins like the whole. */
static void
survives_every_failing_allocation(void **state)
{
	struct buf whole, b;
	unsigned which, all;

	(void)state;
	buf_init(&whole, 65536);
	fail_allocation(0);
	fill(&whole);
	all = allocations;
	assert_true(all > 3);
	for (which = 1; which <= all; which++) {
		buf_init(&b, 65536);
		fail_allocation(which);
		fill(&b);
		row_assert(buf_err(&b) == -ERR_NOMEM, "allocation %u", which);
		row_assert(b.n < whole.n, "allocation %u", which);
		row_assert(str_starts(buf_str(&whole), buf_str(&b)), "allocation %u", which);
		row_assert(buf_room(&b, 1) == NULL, "allocation %u: sticky", which);
		fail_allocation(0);
		buf_clear(&b);
		fill(&b);
		row_assert(str_eq(buf_str(&b), buf_str(&whole)), "allocation %u: usable again",
		    which);
		buf_release(&b);
	}
	buf_release(&whole);
}

/* Whatever the ceiling: no byte above it, and exactly the first additions that fit. */
static void
stops_at_every_ceiling(void **state)
{
	static const char *const parts[] = { "a", "bc", "def" };
	size_t max, i, want;
	struct buf b;

	(void)state;
	for (max = 0; max < 8; max++) {
		buf_init(&b, max);
		for (i = want = 0; i < COUNT(parts) && want + strlen(parts[i]) <= max; i++)
			want += strlen(parts[i]);
		for (i = 0; i < COUNT(parts); i++)
			buf_addz(&b, parts[i]);
		row_assert(b.n == want, "ceiling %zu", max);
		row_assert(buf_err(&b) == (max < 6 ? -ERR_TOOBIG : 0), "ceiling %zu", max);
		buf_addz(&b, max < 6 ? "" : "too long");
		row_assert(buf_err(&b) == -ERR_TOOBIG, "ceiling %zu", max);
		buf_addc(&b, 'x');
		row_assert(b.n == want && b.size <= max, "ceiling %zu: sticky", max);
		buf_release(&b);
		row_assert(b.max == max && buf_err(&b) == 0, "ceiling %zu: usable again", max);
	}
}

/* printf output that ends exactly at the ceiling fits, short or long. */
static void
formats_to_the_ceiling(void **state)
{
	static const int lengths[] = { 1, 255, 256, 511, 512, 513, 4000 };
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(lengths); i++) {
		buf_init(&b, (size_t)lengths[i]);
		buf_addf(&b, "%0*d", lengths[i], 1);
		row_assert(buf_err(&b) == 0 && b.n == (uint32_t)lengths[i], "%d", lengths[i]);
		row_assert(b.p[b.n - 1] == '1', "%d", lengths[i]);
		buf_release(&b);
		buf_init(&b, (size_t)lengths[i]);
		buf_addf(&b, "%0*d", lengths[i] + 1, 1);
		row_assert(buf_err(&b) == -ERR_TOOBIG && b.n == 0, "%d and one", lengths[i]);
		buf_release(&b);
	}
}

static void
gives_room(void **state)
{
	struct buf b;
	char *p;

	(void)state;
	buf_init(&b, 1000);
	assert_null(buf_room(&b, 0));
	assert_int_equal(buf_err(&b), 0);
	p = buf_room(&b, 1000);
	assert_non_null(p);
	memset(p, 'x', 1000);
	buf_grew(&b, 600);
	assert_int_equal(b.n, 600);
	assert_null(buf_room(&b, 0));
	assert_non_null(buf_room(&b, 400));
	assert_null(buf_room(&b, 401));
	assert_int_equal(buf_err(&b), -ERR_TOOBIG);
	buf_release(&b);
}

/* ---- log */

/* Logs into a pipe; what came out is in line[], NUL-terminated. */
static char line[4096];

static size_t
logged(enum log_level most, enum log_level level, const struct log_field *fields)
{
	int fds[2];
	ssize_t n;

	assert_int_equal(pipe(fds), 0);
	log_init(most, fds[1]);
	log_put(level, "happened", fields);
	close(fds[1]);
	n = read(fds[0], line, sizeof line - 1);
	close(fds[0]);
	log_init(LOG_INFO, STDERR_FILENO);
	assert_true(n >= 0);
	line[n] = '\0';
	return (size_t)n;
}

static const struct { const char *why; struct str in; const char *want; } escapes[] = {
	{ "plain", S("a b=c"), "\"a b=c\"" },
	{ "nothing", S(""), "\"\"" },
	{ "quote, to forge a pair", S("x\" level=\"error"), "\"x\\\" level=\\\"error\"" },
	{ "backslash", S("x\\"), "\"x\\\\\"" },
	{ "line ends, to forge a line", S("a\r\nb\nc"), "\"a\\x0d\\x0ab\\x0ac\"" },
	{ "other controls", S("\0\x1b\x1f\x7f"), "\"\\x00\\x1b\\x1f\\x7f\"" },
	{ "UTF-8", S("\xc3\xa4\xe2\x82\xac"), "\"\xc3\xa4\xe2\x82\xac\"" },
	{ "C1 controls", S("\xc2\x9b\xc2\x80\xc2\xa0"), "\"\\xc2\\x9b\\xc2\\x80\xc2\xa0\"" },
	{ "a C1 control before text", S("\xc2\x9bx"), "\"\\xc2\\x9bx\"" },
	{ "the same byte in other characters", S("\x9b\xe2\x82\x9b"), "\"\\x9b\xe2\x82\x9b\"" },
	{ "a cut one", S("\xc2"), "\"\\xc2\"" },
	{ "no UTF-8: overlong, a surrogate, beyond", S("\xc0\x80\xe0\x9f\xbf\xed\xa0\x80\xf4\x90\x80\x80"),
	    "\"\\xc0\\x80\\xe0\\x9f\\xbf\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80\"" },
	{ "the last of each length", S("\xdf\xbf\xef\xbf\xbf\xf4\x8f\xbf\xbf"),
	    "\"\xdf\xbf\xef\xbf\xbf\xf4\x8f\xbf\xbf\"" },
};

static void
escapes_values(void **state)
{
	char want[256];
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(escapes); i++) {
		struct str in = tight(escapes[i].in);

		n = logged(LOG_INFO, LOG_WARN, (struct log_field[]){ LOG_INT("n", -7),
		    LOG_STR("v", in), LOG_Z("z", "end"), { .key = NULL } });
		loosen(in);
		snprintf(want, sizeof want, " level=warn event=\"happened\" n=-7 v=%s z=\"end\"\n",
		    escapes[i].want);
		row_assert(n == strlen(line), "%s", escapes[i].why);
		row_assert(str_ends(str_from(line), str_from(want)), "%s: %s", escapes[i].why,
		    line);
		row_assert(strchr(line, '\n') == line + n - 1, "%s", escapes[i].why);
	}
	assert_memory_equal(line, "time=2", 6);
	assert_int_equal(line[5 + 19], '.');
	assert_memory_equal(line + 5 + 23, "Z level=", 8);
}

static void
cuts_long_records(void **state)
{
	struct log_field fields[] = { LOG_Z("v", line + 2000), LOG_Z("w", "x"), { .key = NULL } };
	char text[1200];
	size_t n, len;

	(void)state;
	for (len = 960; len < sizeof text; len++) {
		memset(text, len % 2 ? 'v' : '\n', sizeof text);
		fields[0].text = str_make(text, len);
		n = logged(LOG_INFO, LOG_INFO, fields);
		row_assert(n <= 1024 && n > 1000, "%zu bytes: %zu", len, n);
		row_assert(strchr(line, '\n') == line + n - 1, "%zu bytes", len);
	}
}

static void
needs_no_memory(void **state)
{
	struct log_field fields[] = { LOG_Z("v", "x"), { .key = NULL } };

	(void)state;
	fail_allocation(1);
	assert_true(logged(LOG_INFO, LOG_INFO, fields) > 0);
	fail_allocation(0);
}

/* As JSON it is what a JSON parser reads, whatever is in it and however long. */
static void
writes_json(void **state)
{
	static const struct { const char *why; struct str in; const char *want; } rows[] = {
		{ "plain", S("a b=c/"), "\"a b=c/\"" },
		{ "quote and backslash", S("x\",\"y\":\\"), "\"x\\\",\\\"y\\\":\\\\\"" },
		{ "controls", S("\0\r\n\x7f\xc2\x9b"), "\"\\u0000\\u000d\\u000a\\u007f\\u009b\"" },
		{ "UTF-8", S("\xc3\xa4\xf0\x9f\x98\x80"), "\"\xc3\xa4\xf0\x9f\x98\x80\"" },
		{ "no UTF-8", S("\xc3 \xff"), "\"\xef\xbf\xbd \xef\xbf\xbd\"" },
	};
	char want[256], text[1200];
	struct log_field fields[] = { LOG_Z("v", ""), LOG_INT("n", -7), { .key = NULL } };
	size_t i, n, len;

	(void)state;
	log_use(LOG_JSON);
	for (i = 0; i < COUNT(rows); i++) {
		struct str in = tight(rows[i].in);

		fields[0].text = in;
		n = logged(LOG_INFO, LOG_WARN, fields);
		loosen(in);
		snprintf(want, sizeof want, "Z\",\"level\":\"warn\",\"event\":\"happened\",\"v\":%s,\"n\":-7}\n",
		    rows[i].want);
		row_assert(str_ends(str_from(line), str_from(want)), "%s: %s", rows[i].why, line);
		row_assert(n == strlen(line) && memcmp(line, "{\"time\":\"2", 10) == 0, "%s: %s", rows[i].why, line);
	}
	for (len = 860; len < sizeof text; len++) {
		bool cut;

		memset(text, len % 2 ? 'v' : '\n', sizeof text);
		fields[0].text = str_make(text, len);
		n = logged(LOG_INFO, LOG_INFO, fields);
		cut = str_ends(str_from(line), STR("\",\"cut\":true}\n"));
		row_assert(cut || str_ends(str_from(line), STR("\",\"n\":-7}\n")), "%zu bytes: %s", len, line);
		row_assert(n <= 1024, "%zu bytes: %zu", len, n);
	}
	log_use(LOG_LOGFMT);
}

/* A name is the same each time, and in the record of what is about it, and only there. */
static void
names_requests(void **state)
{
	const struct log_field none = { .key = NULL };
	char name[LOG_NAME_MAX], other[LOG_NAME_MAX], want[64];

	(void)state;
	log_name(1, name);
	log_name(UINT64_MAX, other);
	assert_int_equal(strlen(name), 8);
	assert_int_equal(strlen(other), 27);
	assert_memory_equal(name, other, 7);
	assert_string_equal(name + 6, "-1");
	log_about(1);
	logged(LOG_INFO, LOG_INFO, &none);
	log_about(0);
	snprintf(want, sizeof want, " event=\"happened\" request=\"%s\"\n", name);
	assert_true(str_ends(str_from(line), str_from(want)));
	logged(LOG_INFO, LOG_INFO, &none);
	assert_null(strstr(line, "request="));
}

static void
keeps_to_the_level(void **state)
{
	static const char *const names[LOG__MAX] = { "error", "warn", "info", "debug" };
	const struct log_field none = { .key = NULL };
	int most, level;

	(void)state;
	for (most = 0; most < LOG__MAX; most++) {
		row_assert(log_level(str_from(names[most])) == most, "%s", names[most]);
		for (level = 0; level < LOG__MAX; level++)
			row_assert((logged(most, level, &none) > 0) == (level <= most), "%d %d",
			    most, level);
	}
	assert_int_equal(log_level(STR("loud")), -1);
	assert_int_equal(log_level(STR_NONE), -1);
}

static void
ignores_a_closed_log(void **state)
{
	(void)state;
	log_init(LOG_INFO, -1);
	LOG(LOG_INFO, "nobody reads this");
	LOG(LOG_INFO, "nor this", LOG_INT("n", 1));
	log_init(LOG_INFO, STDERR_FILENO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_keeps),
		cmocka_unit_test(survives_every_failing_allocation),
		cmocka_unit_test(stops_at_every_ceiling),
		cmocka_unit_test(formats_to_the_ceiling),
		cmocka_unit_test(gives_room),
		cmocka_unit_test(escapes_values),
		cmocka_unit_test(cuts_long_records),
		cmocka_unit_test(needs_no_memory),
		cmocka_unit_test(writes_json),
		cmocka_unit_test(names_requests),
		cmocka_unit_test(keeps_to_the_level),
		cmocka_unit_test(ignores_a_closed_log),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
