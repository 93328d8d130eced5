/*
 * What a stranger writes into X-Forwarded-For or Forwarded, before a proxy that is trusted adds whose request it
 * is: it is never anybody else's. With Forwarded it may count as the proxy's own, for a broken header. The
 * same bytes as a list of proxies are one, or are not.
 */
#include "config.h"

#include <string.h>

#include "addr.h"
#include "buf.h"
#include "err.h"
#include "fuzz.h"

#define LONGEST	4096

static bool
same(const struct addr *a, const struct addr *b)
{
	return str_eq(addr_subject(a), addr_subject(b)) && a->n == b->n;
}

static void
check_headers(const struct addr_list *proxies, struct str text)
{
	struct addr proxy, client, a;
	struct buf b;

	addr_parse(STR("10.0.0.1"), &proxy);
	addr_parse(STR("203.0.113.9"), &client);
	buf_init(&b, LONGEST + 64);
	buf_adds(&b, text);
	buf_adds(&b, STR(", 203.0.113.9"));
	a = addr_forwarded_for(proxies, &proxy, buf_str(&b));
	FUZZ_CHECK(same(&a, &client));
	a = addr_forwarded_for(proxies, &client, text);
	FUZZ_CHECK(same(&a, &client));
	buf_clear(&b);
	buf_adds(&b, text);
	buf_adds(&b, STR(", for=203.0.113.9"));
	a = addr_forwarded(proxies, &proxy, buf_str(&b));
	FUZZ_CHECK(same(&a, &client) || same(&a, &proxy));
	a = addr_forwarded(proxies, &proxy, text);
	FUZZ_CHECK(a.n == 4 || a.n == 16);
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_make((const char *)data, size < LONGEST ? size : LONGEST), wrong;
	struct addr_list list;
	struct addr a;
	int rc;

	addr_list_parse(STR("10.0.0.0/8 ::1"), &list, &wrong);
	check_headers(&list, text);
	rc = addr_list_parse(text, &list, &wrong);
	FUZZ_CHECK(rc == 0 || ((rc == -ERR_BAD || rc == -ERR_TOOBIG) && wrong.n > 0 && wrong.n <= text.n));
	rc = addr_parse_node(text, &a);
	FUZZ_CHECK((rc == 0) == (a.n != 0));
	if (addr_parse(text, &a) == 0)
		addr_list_has(&list, &a);
	return 0;
}
