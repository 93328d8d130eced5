/* node - see node.h. */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "node.h"

const char *
node_uri(const char *addr, const char *token, const char *more)
{
	static char slots[4][8192];
	static int at;
	char *uri = slots[at++ % 4];

	snprintf(uri, sizeof slots[0], "/star?addr=%s%s%s%s", addr, token != NULL ? "&token=" : "",
	    token != NULL ? token : "", more);
	return uri;
}

struct fake_conn *
node_stream(struct fake *at, const char *addr, const char *token)
{
	struct fake_conn *c = fake_get(at, node_uri(addr, token, ""), NULL);
	char got[4096];

	row_assert(fake_status(c) == 200 && fake_event(c, "joined", 0, got, sizeof got), "%s: %s", addr, fake_text(c));
	return c;
}

void
node_hears(struct fake_conn *down, int nth, const char *want)
{
	char got[4096];

	row_assert(fake_event(down, "ws-handshake", nth, got, sizeof got), "no handshake %d, wanted %s in:\n%s", nth,
	    want, fake_text(down));
	assert_string_equal(got, want);
}

void
node_hears_no_more(struct fake_conn *down, int nth)
{
	char got[4096];

	row_assert(!fake_event(down, "ws-handshake", nth, got, sizeof got), "one handshake too many: %s", got);
}

void
node_told(struct fake *at, const char *addr, const char *token, const char *body, int status, const char *part)
{
	struct fake_conn *c = fake_post(at, node_uri(addr, token, ""), body);

	row_assert(fake_status(c) == status && strstr(fake_text(c), part) != NULL,
	    "%.300s: wanted %d and %s, got %.600s", body, status, part, fake_text(c));
	fake_free(c);
}

void
node_gone(struct fake *at, struct fake_conn *down)
{
	if (!down->conn.over)
		fake_gone(at, down);
	fake_free(down);
}
