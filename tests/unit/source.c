/* source - see source.h. */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "source.h"

struct source
open_source(struct fake *at, const char *uri)
{
	struct source s = { .at = at, .uri = uri };

	s.down = fake_get(at, uri, NULL);
	assert_int_equal(fake_status(s.down), 200);
	assert_true(fake_event(s.down, "auth", 0, s.auth, sizeof s.auth));
	return s;
}

struct fake_conn *
post(const struct source *s, const char *json)
{
	char body[2048];

	snprintf(body, sizeof body, "%s@%s", s->auth, json);
	return fake_post(s->at, s->uri, body);
}

int
say(const struct source *s, const char *json)
{
	struct fake_conn *c = post(s, json);
	int status = fake_status(c);

	if (c->conn.over)
		fake_free(c);
	return status;
}

void
hear(const struct source *s, int nth, const char *want)
{
	char got[512];

	row_assert(fake_event(s->down, "", nth, got, sizeof got), "no message %d, wanted %s in:\n%s", nth,
	    want, fake_text(s->down));
	assert_string_equal(got, want);
}

void
hear_no_more(const struct source *s, int nth)
{
	char got[512];

	row_assert(!fake_event(s->down, "", nth, got, sizeof got), "one message too many: %s", got);
}

void
lose(struct source *s, char *id, size_t size)
{
	if (id != NULL)
		assert_true(fake_id(s->down, id, size));
	if (!s->down->conn.over)
		fake_gone(s->at, s->down);
}

void
resume(struct source *s, const char *id)
{
	fake_free(s->down);
	s->down = fake_get(s->at, s->uri, id);
	assert_int_equal(fake_status(s->down), 200);
}

void
leave(struct source *s)
{
	lose(s, NULL, 0);
	fake_free(s->down);
	s->down = NULL;
}
