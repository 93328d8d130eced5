/* Layer 0: error codes, slices, links. What allocates is in test-buf.c. */
#include "config.h"

#include "unit.h"

#include <errno.h>
#include <limits.h>

#include "err.h"
#include "list.h"

/* ---- err */

static void
every_error_has_its_row(void **state)
{
	int i, k;

	(void)state;
	for (i = 0; i < ERR__MAX; i++) {
		const struct err_row *row = err_row(i);

		row_assert((int)row->err == i, "row %d", i);
		row_assert(row->name != NULL && row->name[0] != '\0', "row %d", i);
		row_assert(row->title != NULL && row->title[0] != '\0', "%s", row->name);
		row_assert(row->title[strlen(row->title) - 1] != '.', "%s", row->name);
		row_assert(strcmp(err_reason(row->status), "Status") != 0, "%s", row->name);
		for (k = 0; k < i; k++)
			row_assert(strcmp(row->name, err_name(k)) != 0, "%s", row->name);
	}
}

static void
errors_read_both_ways(void **state)
{
	static const struct { const char *why; int in; enum err want; } rows[] = {
		{ "none", 0, ERR_NONE }, { "returned", -ERR_QUOTA, ERR_QUOTA },
		{ "named", ERR_QUOTA, ERR_QUOTA }, { "the last", -(ERR__MAX - 1), ERR_INTERNAL },
		{ "one beyond", ERR__MAX, ERR_INTERNAL }, { "an errno", -ENOTCONN, ERR_INTERNAL },
		{ "largest", INT_MAX, ERR_INTERNAL }, { "smallest", INT_MIN, ERR_INTERNAL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		row_assert(err_row(rows[i].in)->err == rows[i].want, "%s", rows[i].why);
	assert_int_equal(err_status(-ERR_QUOTA), 429);
	assert_string_equal(err_name(-ERR_QUOTA), "quota");
	assert_string_equal(err_reason(404), "Not Found");
	assert_string_equal(err_reason(573), "Transmit Before Join");
	assert_string_equal(err_reason(799), "Status");
}

/* ---- str */

static void
compares_slices(void **state)
{
	static const struct {
		const char *why;
		struct str a, b;
		bool eq, eqcase, starts, ends;
	} rows[] = {
		{ "same", S("abc"), S("abc"), 1, 1, 1, 1 },
		{ "both empty", S(""), { NULL, 0 }, 1, 1, 1, 1 },
		{ "with empty", S("abc"), { NULL, 0 }, 0, 0, 1, 1 },
		{ "empty with", { NULL, 0 }, S("abc"), 0, 0, 0, 0 },
		{ "case", S("aBc"), S("AbC"), 0, 1, 0, 0 },
		{ "case of the first and the last", S("AZaz"), S("azAZ"), 0, 1, 0, 0 },
		{ "case of letters only", S("a["), S("a{"), 0, 0, 0, 0 },
		{ "no case outside ASCII", S("\xc3\xa4"), S("\xc3\x84"), 0, 0, 0, 0 },
		{ "beginning", S("abcd"), S("ab"), 0, 0, 1, 0 },
		{ "end", S("abcd"), S("cd"), 0, 0, 0, 1 },
		{ "longer", S("ab"), S("abc"), 0, 0, 0, 0 },
		{ "NUL inside, same", S("a\0b"), S("a\0b"), 1, 1, 1, 1 },
		{ "NUL inside, other", S("a\0b"), S("a\0c"), 0, 0, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_assert(str_eq(rows[i].a, rows[i].b) == rows[i].eq, "%s", rows[i].why);
		row_assert(str_eqcase(rows[i].a, rows[i].b) == rows[i].eqcase, "%s", rows[i].why);
		row_assert(str_starts(rows[i].a, rows[i].b) == rows[i].starts, "%s", rows[i].why);
		row_assert(str_ends(rows[i].a, rows[i].b) == rows[i].ends, "%s", rows[i].why);
	}
	assert_true(str_eq(str_from("abc"), STR("abc")));
	assert_true(str_eq(str_from(NULL), STR_NONE));
}

static void
cuts_and_trims(void **state)
{
	static const struct {
		const char *why;
		struct str in;
		bool found;
		struct str head, tail;
	} cuts[] = {
		{ "once", S("a=b"), true, S("a"), S("b") },
		{ "twice", S("a=b=c"), true, S("a"), S("b=c") },
		{ "first", S("=b"), true, S(""), S("b") },
		{ "last", S("a="), true, S("a"), S("") },
		{ "never", S("ab"), false, S("ab"), S("") },
		{ "nothing", { NULL, 0 }, false, S(""), S("") },
	};
	static const struct { struct str in, want; } trims[] = {
		{ S(" \t\r\na b\n\r\t "), S("a b") }, { S(" \t"), S("") }, { S(""), S("") },
		{ S("\va"), S("\va") }, { { NULL, 0 }, S("") },
	};
	struct str head, tail;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cuts); i++) {
		row_assert(str_cut(cuts[i].in, '=', &head, &tail) == cuts[i].found, "%s",
		    cuts[i].why);
		row_assert(str_eq(head, cuts[i].head) && str_eq(tail, cuts[i].tail), "%s",
		    cuts[i].why);
		tail = cuts[i].in;
		str_cut(tail, '=', &head, &tail);
		row_assert(str_eq(tail, cuts[i].tail), "%s, in place", cuts[i].why);
		head = cuts[i].in;
		str_cut(head, '=', &head, &tail);
		row_assert(str_eq(head, cuts[i].head), "%s, in place", cuts[i].why);
	}
	for (i = 0; i < COUNT(trims); i++)
		row_assert(str_eq(str_trim(trims[i].in), trims[i].want), "trim %zu", i);
	assert_true(str_eq(str_skip(STR("abc"), 2), STR("c")));
	assert_true(str_eq(str_skip(STR("abc"), 4), STR("")));
	assert_true(str_eq(str_skip(STR_NONE, 1), STR_NONE));
}

static void
reads_decimals(void **state)
{
	static const struct {
		const char *why;
		struct str in;
		uint64_t max;
		int rc;
		uint64_t want;
	} rows[] = {
		{ "zero", S("0"), 9, 0, 0 },
		{ "zeros first", S("007"), 7, 0, 7 },
		{ "at most", S("255"), 255, 0, 255 },
		{ "above", S("256"), 255, -ERR_BAD, 0 },
		{ "another digit", S("2550"), 255, -ERR_BAD, 0 },
		{ "zero at most", S("1"), 0, -ERR_BAD, 0 },
		{ "digit above most", S("7"), 5, -ERR_BAD, 0 },
		{ "the largest", S("18446744073709551615"), UINT64_MAX, 0, UINT64_MAX },
		{ "beyond the largest", S("18446744073709551616"), UINT64_MAX, -ERR_BAD, 0 },
		{ "ten times that", S("184467440737095516150"), UINT64_MAX, -ERR_BAD, 0 },
		{ "minus", S("-1"), 9, -ERR_BAD, 0 }, { "plus", S("+1"), 9, -ERR_BAD, 0 },
		{ "blank", S(" 1"), 9, -ERR_BAD, 0 }, { "letter", S("1a"), 99, -ERR_BAD, 0 },
		{ "NUL", S("1\0"), 99, -ERR_BAD, 0 }, { "nothing", S(""), 9, -ERR_BAD, 0 },
	};
	uint64_t got;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		got = 4711;
		row_assert(str_uint(rows[i].in, rows[i].max, &got) == rows[i].rc, "%s",
		    rows[i].why);
		row_assert(got == (rows[i].rc < 0 ? 4711 : rows[i].want), "%s", rows[i].why);
	}
}

static void
hexadecimal_both_ways(void **state)
{
	static const struct str bad[] = {
		S("0g"), S("g0"), S("0"), S("000"), S(""), S("0 "), S("0\0"), S("0@"), S("0`"),
	};
	unsigned char bytes[256], back[256];
	char text[513];
	size_t i;

	(void)state;
	for (i = 0; i < 256; i++)
		bytes[i] = (unsigned char)i;
	str_hex(bytes, 256, text);
	assert_int_equal(strlen(text), 512);
	assert_memory_equal(text + 510, "ff", 3);
	assert_int_equal(str_unhex(str_from(text), back, 256), 0);
	assert_memory_equal(bytes, back, 256);
	assert_int_equal(str_unhex(STR("aFAf"), back, 2), 0);
	assert_memory_equal(back, "\xaf\xaf", 2);
	for (i = 0; i < COUNT(bad); i++)
		row_assert(str_unhex(bad[i], back, 1) == -ERR_BAD, "row %zu", i);
}

static void
copies_what_fits(void **state)
{
	char out[4];

	(void)state;
	assert_int_equal(str_copy(STR("abc"), out, sizeof out), 0);
	assert_string_equal(out, "abc");
	assert_int_equal(str_copy(STR("abcd"), out, sizeof out), -ERR_TOOBIG);
	assert_string_equal(out, "");
	assert_int_equal(str_copy(STR("a\0b"), out, sizeof out), -ERR_TOOBIG);
	assert_int_equal(str_copy(STR_NONE, out, sizeof out), 0);
	assert_string_equal(out, "");
}

static void
knows_the_printable(void **state)
{
	int c;

	(void)state;
	assert_true(str_printable(STR_NONE));
	for (c = 0; c < 256; c++) {
		char text[3] = { 'a', (char)c, 'b' };

		row_assert(str_printable(str_make(text, 3)) == (c >= 0x20 && c != 0x7f), "0x%02x",
		    c);
	}
}

/* ---- list */

struct thing {
	int		 name;
	struct list	 link;
};

static void
expect_ring(struct list *head, const char *want)
{
	struct list *l = head->next, *back = head;

	for (; *want != '\0'; want++, l = l->next) {
		assert_ptr_not_equal(l, head);
		assert_ptr_equal(l->prev, back);
		assert_int_equal(LIST_OF(l, struct thing, link)->name, *want);
		back = l;
	}
	assert_ptr_equal(l, head);
	assert_ptr_equal(head->prev, back);
}

static void
links_and_unlinks(void **state)
{
	struct thing a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c' };
	struct list one, two;

	(void)state;
	list_init(&one);
	list_init(&two);
	list_init(&a.link);
	assert_true(list_empty(&one));
	assert_null(list_pop(&one));
	list_move(&one, &two);
	expect_ring(&one, "");
	list_add(&one, &a.link);
	list_add(&one, &b.link);
	list_add(&one, &c.link);
	expect_ring(&one, "abc");
	list_del(&b.link);
	list_del(&b.link);
	expect_ring(&one, "ac");
	assert_true(list_empty(&b.link));
	list_add(&two, &b.link);
	list_move(&two, &one);
	expect_ring(&two, "bac");
	expect_ring(&one, "");
	list_move(&one, &two);
	expect_ring(&one, "bac");
	assert_ptr_equal(list_pop(&one), &b.link);
	expect_ring(&one, "ac");
	assert_true(list_empty(&b.link));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_error_has_its_row),
		cmocka_unit_test(errors_read_both_ways),
		cmocka_unit_test(compares_slices),
		cmocka_unit_test(cuts_and_trims),
		cmocka_unit_test(reads_decimals),
		cmocka_unit_test(hexadecimal_both_ways),
		cmocka_unit_test(copies_what_fits),
		cmocka_unit_test(knows_the_printable),
		cmocka_unit_test(links_and_unlinks),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
