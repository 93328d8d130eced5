/* session - see session.h. */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "session.h"

const char *
session_uri(const struct session_of *s, const char *transport)
{
	static char slots[4][256];
	static int at;
	char *uri = slots[at++ % 4];

	snprintf(uri, sizeof slots[0], "/socket.io/?EIO=%d&transport=%s%s%s", s->version, transport,
	    s->sid[0] != '\0' ? "&sid=" : "", s->sid);
	return uri;
}

struct fake_conn *
session_poll(struct fake *at, const struct session_of *s)
{
	return fake_get(at, session_uri(s, "polling"), NULL);
}

struct fake_conn *
session_waits(struct fake *at, const struct session_of *s)
{
	struct fake_conn *c = session_poll(at, s);
	int i;

	for (i = 0; i < 10 && c->conn.over; i++) {
		session_body(c);
		c = session_poll(at, s);
	}
	row_assert(!c->conn.over, "%s", fake_text(c));
	return c;
}

const char *
session_body(struct fake_conn *poll)
{
	static char slots[4][1 << 16];
	static int at;
	char *copy = slots[at++ % 4];
	const char *body = strstr(fake_text(poll), "\r\n\r\n");

	row_assert(fake_status(poll) == 200 && body != NULL && poll->conn.over, "%s", fake_text(poll));
	snprintf(copy, sizeof slots[0], "%s", body + 4);
	fake_free(poll);
	return copy;
}

const char *
session_hears(struct fake *at, const struct session_of *s)
{
	struct fake_conn *c = session_poll(at, s);

	row_assert(c->conn.over, "nothing waits for %s", s->sid);
	return session_body(c);
}

void
session_refused(struct fake_conn *answer, int code)
{
	char want[32];

	snprintf(want, sizeof want, "\r\n\r\n{\"code\":%d,", code);
	row_assert(fake_status(answer) == 400 && strstr(fake_text(answer), want) != NULL, "wanted %s, got %s", want,
	    fake_text(answer));
	fake_free(answer);
}

struct fake_conn *
session_asks(struct fake *at, const struct session_of *s, const char *payload)
{
	return fake_post(at, session_uri(s, "polling"), payload);
}

void
session_says(struct fake *at, const struct session_of *s, const char *payload)
{
	assert_string_equal(session_body(session_asks(at, s, payload)), "ok");
}

struct session_of
session_open(struct fake *at, int version)
{
	struct session_of s = { .version = version };
	const char *body = session_body(session_poll(at, &s));
	int got = sscanf(body, "%*[0-9:]{\"sid\":\"%63[0-9a-f]\"", s.sid);

	row_assert(got == 1, "%s", body);
	if (version == 3)
		return s;
	session_says(at, &s, "40");
	body = session_hears(at, &s);
	row_assert(strncmp(body, "40{\"sid\":\"", 10) == 0, "%s", body);
	return s;
}

void
session_joins(struct fake *at, const struct session_of *s, const char *addr, const char *result)
{
	char text[1024];

	snprintf(text, sizeof text, "421[\"ss-join\",\"%s\"]", addr);
	session_says(at, s, text);
	snprintf(text, sizeof text, "431[{\"result\":\"%s\"", result);
	row_assert(strstr(session_hears(at, s), text) != NULL, "%s of %s", text, addr);
}
