/* roster - see roster.h. */
#include "config.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "roster.h"

const char *
roster_told(struct fake_conn *c, int *n)
{
	static char out[1 << 18];
	char name[4096];
	size_t at = 0;

	out[0] = '\0';
	for (*n = 0; fake_event(c, "ws-peer", *n, name, sizeof name); ++*n)
		at += (size_t)snprintf(out + at, sizeof out - at, "%.*s ", (int)strlen(name) - 2, name + 1);
	buf_clear(&c->read);
	buf_adds(&c->read, STR("\r\n\r\n"));
	return out;
}

void
roster_is_told(struct fake_conn *c, const char *want)
{
	int n;

	assert_string_equal(roster_told(c, &n), want);
}

int
roster_count(struct fake_conn *c)
{
	int n;

	roster_told(c, &n);
	return n;
}

void
roster_soon(struct fake *at)
{
	fake_pass(at, 100);
}

void
roster_join(struct fake *at, const char *addr, const char *prefix, int n, int digits)
{
	char *body = malloc(1 << 18);
	size_t used = 0;
	int i;

	assert_non_null(body);
	at->conf.max_batch = n;
	for (i = 0; i < n; i++)
		used += (size_t)snprintf(body + used, (1 << 18) - used, "%c{\"event\":\"ss-join\",\"data\":\"/%s%0*d\"}",
		    i == 0 ? '[' : ',', prefix, digits, i);
	memcpy(body + used, "]", 2);
	node_told(at, addr, "t", body, 200, "joined");
	free(body);
}
