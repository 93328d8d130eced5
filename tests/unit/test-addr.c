/* Addresses: their text, lists of proxies, and whose request it is, whatever strangers write into the headers. */
#include "config.h"

#include "unit.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "addr.h"
#include "err.h"

static const char *
shown(const struct addr *a)
{
	static char text[INET6_ADDRSTRLEN];

	if (a->n == 0)
		return "none";
	return inet_ntop(a->n == 4 ? AF_INET : AF_INET6, a->bytes, text, sizeof text);
}

static void
addresses(void **state)
{
	static const struct { struct str in; const char *want, *node; } rows[] = {
		{ S("192.0.2.1"), "192.0.2.1", "192.0.2.1" },
		{ S("2001:db8::1"), "2001:db8::1", "2001:db8::1" },
		{ S("::ffff:192.0.2.1"), "192.0.2.1", "192.0.2.1" },
		{ S("::FFFF:c000:201"), "192.0.2.1", "192.0.2.1" },
		{ S("fe80::1%eth0"), "fe80::1", "fe80::1" },
		{ S("192.0.2.1:80"), "none", "192.0.2.1" },
		{ S("[2001:db8::1]"), "none", "2001:db8::1" },
		{ S("[2001:db8::1]:443"), "none", "2001:db8::1" },
		{ S("[::ffff:192.0.2.1]:1"), "none", "192.0.2.1" },
		{ S(" 192.0.2.1\t"), "none", "192.0.2.1" },
		{ S("[192.0.2.1]"), "none", "none" },
		{ S("[2001:db8::1]443"), "none", "none" },
		{ S("[2001:db8::1]:"), "none", "none" },
		{ S("[2001:db8::1]:65536"), "none", "none" },
		{ S("[2001:db8::1"), "none", "none" },
		{ S("192.0.2.1:65536"), "none", "none" },
		{ S("192.0.2.1:http"), "none", "none" },
		{ S("host:80"), "none", "none" },
		{ S("192.0.2"), "none", "none" },
		{ S("192.0.2.256"), "none", "none" },
		{ S("192.0.2.1\0"), "none", "none" },
		{ S("2001:db8::1::2"), "none", "none" },
		{ S("unknown"), "none", "none" },
		{ S("_hidden"), "none", "none" },
		{ S(""), "none", "none" },
		{ S("["), "none", "none" },
		{ S(":"), "none", "none" },
		{ S("%"), "none", "none" },
		{ S("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"), "none", "none" },
	};
	struct addr a;
	struct str in;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		in = tight(rows[i].in);
		rc = addr_parse(in, &a);
		row_assert(strcmp(shown(&a), rows[i].want) == 0, "%s: %s", rows[i].in.p, shown(&a));
		row_assert((rc == 0) == (a.n != 0), "%s", rows[i].in.p);
		rc = addr_parse_node(in, &a);
		row_assert(strcmp(shown(&a), rows[i].node) == 0, "node %s: %s", rows[i].in.p, shown(&a));
		row_assert((rc == 0) == (a.n != 0), "%s", rows[i].in.p);
		loosen(in);
	}
}

static void
a_household_is_one(void **state)
{
	static const struct { const char *a, *b; bool same; } rows[] = {
		{ "2001:db8:0:1::1", "2001:db8:0:1:ffff::", true },
		{ "2001:db8:0:1::1", "2001:db8:0:2::1", false },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "192.0.2.1", "::ffff:192.0.2.1", true },
		{ "192.0.2.1", "c000:201::", false },
	};
	struct addr a, b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(addr_parse(str_from(rows[i].a), &a), 0);
		assert_int_equal(addr_parse(str_from(rows[i].b), &b), 0);
		row_assert(str_eq(addr_subject(&a), addr_subject(&b)) == rows[i].same, "%s %s", rows[i].a, rows[i].b);
	}
}

static void
lists(void **state)
{
	static const struct { const char *list, *addr; bool has; } rows[] = {
		{ "127.0.0.1", "127.0.0.1", true },
		{ "127.0.0.1", "127.0.0.2", false },
		{ "127.0.0.1", "::ffff:127.0.0.1", true },
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.128.0.0/9", "10.128.0.0", true },
		{ "10.128.0.0/9", "10.127.255.255", false },
		{ "0.0.0.0/0", "203.0.113.1", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "2001:db8::/32", "2001:db8:ffff::1", true },
		{ "2001:db8::/32", "2001:db9::1", false },
		{ "::1/128", "::1", true },
		{ "::ffff:10.0.0.0/104", "10.1.2.3", true },
		{ "::1, 127.0.0.1 unix", "127.0.0.1", true },
		{ "::1, 127.0.0.1 unix", "", true },
		{ "::1,127.0.0.1", "", false },
		{ "", "127.0.0.1", false },
	};
	struct addr_list list;
	struct str wrong;
	struct addr a;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		assert_int_equal(addr_list_parse(str_from(rows[i].list), &list, &wrong), 0);
		addr_parse(str_from(rows[i].addr), &a);
		row_assert(addr_list_has(&list, &a) == rows[i].has, "%s in %s", rows[i].addr, rows[i].list);
	}
}

static void
wrong_lists(void **state)
{
	static const struct { const char *list, *wrong; } rows[] = {
		{ "127.0.0.1 localhost", "localhost" },
		{ "10.0.0.1/8", "10.0.0.1/8" },
		{ "10.0.0.0/33", "10.0.0.0/33" },
		{ "10.0.0.0/", "10.0.0.0/" },
		{ "::/129", "::/129" },
		{ "::ffff:10.0.0.0/95", "::ffff:10.0.0.0/95" },
		{ "2001:db8::1/64,::1", "2001:db8::1/64" },
		{ "127.0.0.1:80", "127.0.0.1:80" },
	};
	char many[ADDR_LIST_MAX * 8 + 16] = "";
	struct addr_list list;
	struct str wrong;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_assert(addr_list_parse(str_from(rows[i].list), &list, &wrong) == -ERR_BAD, "%s", rows[i].list);
		row_assert(str_eq(wrong, str_from(rows[i].wrong)), "%.*s", (int)wrong.n, wrong.p);
	}
	for (i = 0; i < ADDR_LIST_MAX; i++)
		strcat(many, "1.1.1.1 ");
	assert_int_equal(addr_list_parse(str_from(many), &list, &wrong), 0);
	strcat(many, "2.2.2.2");
	assert_int_equal(addr_list_parse(str_from(many), &list, &wrong), -ERR_TOOBIG);
	assert_true(str_eq(wrong, STR("2.2.2.2")));
}

static const struct {
	const char *why, *peer, *xff, *forwarded, *want;
} requests[] = {
	{ "nobody forwards", "203.0.113.9", "", "", "203.0.113.9" },
	{ "a stranger says something", "203.0.113.9", "1.1.1.1", "for=1.1.1.1", "203.0.113.9" },
	{ "a proxy says nothing", "10.0.0.1", "", "", "10.0.0.1" },
	{ "one proxy", "10.0.0.1", "203.0.113.9", "for=203.0.113.9", "203.0.113.9" },
	{ "a stranger wrote the beginning", "10.0.0.1", "1.1.1.1, 203.0.113.9", "for=1.1.1.1, for=203.0.113.9", "203.0.113.9" },
	{ "… as if it were a proxy", "10.0.0.1", "10.0.0.2, 203.0.113.9", "for=10.0.0.2,for=203.0.113.9", "203.0.113.9" },
	{ "two proxies", "10.0.0.1", "203.0.113.9, 10.0.0.2", "for=203.0.113.9, for=10.0.0.2", "203.0.113.9" },
	{ "… and a stranger's word", "10.0.0.1", "1.1.1.1,203.0.113.9,10.0.0.2", "for=1.1.1.1, for=203.0.113.9, for=10.0.0.2", "203.0.113.9" },
	{ "only proxies", "10.0.0.1", "10.0.0.3, 10.0.0.2", "for=10.0.0.3, for=10.0.0.2", "10.0.0.3" },
	{ "IPv6 with a port", "10.0.0.1", "[2001:db8::9]:4711", "For=\"[2001:db8::9]:4711\"", "2001:db8::9" },
	{ "IPv6, bare", "10.0.0.1", "2001:db8::9", "for=\"[2001:db8::9]\"", "2001:db8::9" },
	{ "IPv4 with a port", "10.0.0.1", "203.0.113.9:80", "for=\"203.0.113.9:80\"", "203.0.113.9" },
	{ "IPv4 in IPv6", "10.0.0.1", "::ffff:203.0.113.9", "for=\"[::ffff:203.0.113.9]\"", "203.0.113.9" },
	{ "more pairs", "10.0.0.1", "203.0.113.9", "proto=https;for=203.0.113.9;by=\"a;b,c\"", "203.0.113.9" },
	{ "the proxy does not know", "10.0.0.1", "1.1.1.1, unknown", "for=1.1.1.1, for=unknown", "10.0.0.1" },
	{ "… or does not tell", "10.0.0.1", "1.1.1.1, _x", "for=1.1.1.1, for=_x", "10.0.0.1" },
	{ "the second does not know", "10.0.0.1", "unknown, 10.0.0.2", "for=unknown, for=10.0.0.2", "10.0.0.2" },
	{ "no for at all", "10.0.0.1", "1.1.1.1, ", "for=1.1.1.1, proto=http", "10.0.0.1" },
	{ "garbage", "10.0.0.1", "1.1.1.1, <script>", "for=1.1.1.1, <script>", "10.0.0.1" },
	{ "garbage from outside", "10.0.0.1", "<\",, , 203.0.113.9", "x=\"<,,\", for=203.0.113.9", "203.0.113.9" },
	{ "a comma last", "10.0.0.1", "203.0.113.9,", "for=203.0.113.9;", "10.0.0.1" },
	{ "a quote left open hides nothing", "10.0.0.1", "", "for=1.1.1.1;x=\"a, for=203.0.113.9", "10.0.0.1" },
	{ "… not even one that is closed later", "10.0.0.1", "", "for=1.1.1.1;x=\"a, for=\"[2001:db8::9]\"", "10.0.0.1" },
	{ "an escape at the end", "10.0.0.1", "", "for=\"1.1.1.1\\", "10.0.0.1" },
	{ "escapes", "10.0.0.1", "203.0.113.9", "for=\"203.0.\\113.9\"", "203.0.113.9" },
	{ "twice in one element: the last", "10.0.0.1", "203.0.113.9", "for=1.1.1.1;for=203.0.113.9", "203.0.113.9" },
	{ "by a unix socket", "", "203.0.113.9", "for=203.0.113.9", "203.0.113.9" },
	{ "by a unix socket, alone", "", "", "", "none" },
};

static void
whose_request(void **state)
{
	struct addr_list proxies;
	struct addr peer, a;
	struct str wrong, in;
	size_t i;

	(void)state;
	assert_int_equal(addr_list_parse(STR("10.0.0.0/8 unix"), &proxies, &wrong), 0);
	for (i = 0; i < COUNT(requests); i++) {
		addr_parse(str_from(requests[i].peer), &peer);
		in = tight(str_from(requests[i].xff));
		a = addr_forwarded_for(&proxies, &peer, in);
		if (requests[i].xff[0] != '\0' || requests[i].forwarded[0] == '\0')
			row_assert(strcmp(shown(&a), requests[i].want) == 0, "%s: %s", requests[i].why, shown(&a));
		loosen(in);
		in = tight(str_from(requests[i].forwarded));
		a = addr_forwarded(&proxies, &peer, in);
		row_assert(strcmp(shown(&a), requests[i].want) == 0, "%s, RFC 7239: %s", requests[i].why, shown(&a));
		loosen(in);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(a_household_is_one),
		cmocka_unit_test(lists),
		cmocka_unit_test(wrong_lists),
		cmocka_unit_test(whose_request),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
