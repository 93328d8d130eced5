/* test-origin - which web origins are in a list, and what is no list. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "origin.h"
#include "unit.h"

static void
lists_that_are_none(void **state)
{
	static const struct { const char *list, *why; } rows[] = {
		{ "", "missing" }, { "https://a,", "missing" }, { ",https://a", "missing" }, { "https://a,,https://b", "missing" },
		{ "null", "null" }, { "*,https://a", "alone" }, { "https://a, *", "alone" },
		{ "example.org", "scheme and a host" }, { "://a", "begins with a scheme" }, { "HTTPS://a", "begins with a scheme" },
		{ "1://a", "begins with a scheme" }, { "ht tp://a", "begins with a scheme" },
		{ "https://", "has a host" }, { "https://:80", "has a host" },
		{ "https://Example.org", "lower case" }, { "https://a/", "path" }, { "https://a/b", "path" }, { "https://a..b", "name" },
		{ "https://a.", "name" }, { "https://u@a", "name" }, { "https://a b", "name" }, { "https://m\xc3\xbc.de", "xn--" },
		{ "https://a?b", "name" }, { "https://*", "name" }, { "https://a.*.b", "name" }, { "https://*.*.b", "name" },
		{ "https://*.org", "two labels" }, { "https://*.", "has a host" }, { "https://*.[::1]", "two labels" },
		{ "https://a:", "port" }, { "https://a:0", "port" }, { "https://a:65536", "port" }, { "https://a:080", "port" },
		{ "https://a:*", "port" }, { "https://a:8080/", "port" }, { "https://a:443", "leave out" }, { "http://a:80", "leave out" },
		{ "http://[::1", "brackets" }, { "http://[::G]", "brackets" }, { "http://[::1]x", "brackets" },
	};
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		why = origins_wrong(str_from(rows[i].list));
		if (why == NULL || strstr(why, rows[i].why) == NULL)
			fail_msg("%s: %s", rows[i].list, why != NULL ? why : "taken");
	}
}

static void
lists(void **state)
{
	static const char *const rows[] = {
		"*", "https://a", "https://example.org", "http://localhost:8080", "https://a:80", "http://a:443", "https://a:65535",
		"http://127.0.0.1:9000", "http://[::1]:9000", "http://[fe80::1.2.3.4]", "https://*.example.org",
		"https://*.example.org:8443", "https://a, https://b ,https://c", "chrome-extension://abcdef", "https://xn--mller-kva.de",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (origins_wrong(str_from(rows[i])) != NULL)
			fail_msg("%s: %s", rows[i], origins_wrong(str_from(rows[i])));
}

static void
what_is_in_a_list(void **state)
{
	static const struct { const char *list, *origin; bool in; } rows[] = {
		{ "*", "null", true }, { "*", "https://a", true },
		{ "https://a", "https://a", true }, { "https://a", "http://a", false }, { "https://a", "https://a:8443", false },
		{ "https://a", "https://ab", false }, { "https://a", "null", false }, { "https://a", "", false },
		{ "https://a", "https://A", false }, { "https://a", "https://a/", false },
		{ "https://a, https://b", "https://b", true }, { "https://a,https://b", "https://a,https://b", false },
		{ "null", "null", false }, { "https://a/", "https://a/", false },	/* no list */
		{ "https://*.b.c", "https://x.b.c", true }, { "https://*.b.c", "https://x.y.b.c", true },
		{ "https://*.b.c", "https://b.c", false }, { "https://*.b.c", "https://.b.c", false },
		{ "https://*.b.c", "https://xb.c", false }, { "https://*.b.c", "http://x.b.c", false },
		{ "https://*.b.c", "https://x.b.c:81", false }, { "https://*.b.c:81", "https://x.b.c:81", true },
		{ "https://*.b.c", "https://evil.org/x.b.c", false }, { "https://*.b.c", "https://evil.org:1.b.c", false },
		{ "https://*.b.c", "https://u@x.b.c", false }, { "https://*.b.c", "https://x.b.c.d", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (origins_allow(str_from(rows[i].list), str_from(rows[i].origin)) != rows[i].in)
			fail_msg("%s, %s", rows[i].list, rows[i].origin);
}

static void
as_many_as_may_be(void **state)
{
	char list[ORIGINS_MAX * 16 + 16] = "https://a0";
	size_t i;

	(void)state;
	for (i = 1; i < ORIGINS_MAX; i++)
		sprintf(list + strlen(list), ",https://a%zu", i);
	assert_null(origins_wrong(str_from(list)));
	assert_true(origins_allow(str_from(list), STR("https://a63")));
	strcat(list, ",https://a64");
	assert_non_null(strstr(origins_wrong(str_from(list)), "64"));
}

static void
a_label_has_63_bytes(void **state)
{
	char text[80] = "https://";

	(void)state;
	memset(text + 8, 'a', 63);
	assert_null(origins_wrong(str_from(text)));
	text[71] = 'a';
	assert_non_null(origins_wrong(str_from(text)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_that_are_none),
		cmocka_unit_test(lists),
		cmocka_unit_test(what_is_in_a_list),
		cmocka_unit_test(as_many_as_may_be),
		cmocka_unit_test(a_label_has_63_bytes),
	};

	return cmocka_run_group_tests_name("origin", tests, NULL, NULL);
}
