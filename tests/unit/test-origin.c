/* Origins: who is listed, who is at home, what is no origin. */
#include "config.h"

#include "unit.h"

#include "origin.h"

static void
test_listed(void **state)
{
	static const struct { const char *list, *origin; bool want; } rows[] = {
		{ "https://a.example", "https://a.example", true },
		{ "https://a.example", "https://A.Example", true },
		{ "https://a.example", "http://a.example", false },
		{ "https://a.example", "https://a.example:8443", false },
		{ "https://a.example", "https://a.example.net", false },
		{ "https://a.example", "https://b.a.example", false },
		{ "https://a.example", "https://a.exampl", false },
		{ "https://a.example", "", false },
		{ " https://a.example,https://b.example  http://c:1 ,", "https://b.example", true },
		{ " https://a.example,https://b.example  http://c:1 ,", "http://c:1", true },
		{ " https://a.example,https://b.example  http://c:1 ,", "", false },
		{ "null", "null", true },
		{ "https://a.example", "null", false },
		{ "https://a.example *", "https://anybody.example", true },
		{ "", "https://a.example", false },
		{ " , ", "", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct str list = tight(str_from(rows[i].list)), origin = tight(str_from(rows[i].origin));

		row_assert(origin_listed(list, origin) == rows[i].want, "%s in \"%s\"", rows[i].origin, rows[i].list);
		free((char *)(uintptr_t)list.p);
		free((char *)(uintptr_t)origin.p);
	}
}

static void
test_own(void **state)
{
	static const struct { const char *origin, *host; bool want; } rows[] = {
		{ "https://a.example", "a.example", true },
		{ "http://a.example:9000", "A.example:9000", true },
		{ "http://[::1]:9000", "[::1]:9000", true },
		{ "http://a.example:9000", "a.example", false },
		{ "http://b.example", "a.example", false },
		{ "ftp://a.example", "a.example", false },
		{ "null", "null", false },
		{ "http://", "", false },
		{ "", "", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		row_assert(origin_own(str_from(rows[i].origin), str_from(rows[i].host)) == rows[i].want, "%s at %s",
		    rows[i].origin, rows[i].host);
}

static void
test_wrong(void **state)
{
	static const struct { const char *list, *want; } rows[] = {
		{ "", "" },
		{ "*", "" },
		{ "https://a.example, http://b:80 null moz-extension://1-2", "" },
		{ "https://a.example/", "https://a.example/" },
		{ "https://a.example a.example", "a.example" },
		{ "https://*.example", "https://*.example" },
		{ "https://", "https://" },
		{ "://a", "://a" },
		{ "https:/a", "https:/a" },
		{ "https://a\"b", "https://a\"b" },
		{ "https://\xc3\xa4.example", "https://\xc3\xa4.example" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		row_assert(str_eq(origin_wrong(str_from(rows[i].list)), str_from(rows[i].want)), "\"%s\"", rows[i].list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listed), cmocka_unit_test(test_own), cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
