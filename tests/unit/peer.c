/* peer - see peer.h. */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "peer.h"

const char *
peer_uri(const char *id, const char *token, const char *more)
{
	static char slots[4][2048];
	static int at;
	char *uri = slots[at++ % 4];

	snprintf(uri, sizeof slots[0], "/peerjs?key=peerjs&id=%s&token=%s%s", id, token, more);
	return uri;
}

struct fake_conn *
peer_stream(struct fake *at, const char *id, const char *token)
{
	struct fake_conn *c = fake_get(at, peer_uri(id, token, ""), NULL);

	assert_int_equal(fake_status(c), 200);
	peer_hears(c, 0, OPEN_TEXT);
	return c;
}

void
peer_hears(struct fake_conn *down, int nth, const char *want)
{
	char got[4096];

	row_assert(fake_event(down, "", nth, got, sizeof got), "no message %d, wanted %s in:\n%s", nth, want,
	    fake_text(down));
	assert_string_equal(got, want);
}

void
peer_hears_no_more(struct fake_conn *down, int nth)
{
	char got[4096];

	row_assert(!fake_event(down, "", nth, got, sizeof got), "one message too many: %s", got);
}

const char *
peer_says(struct fake *at, const char *id, const char *token, const char *body, int *status)
{
	static char answer[1 << 17];
	struct fake_conn *c = fake_post(at, peer_uri(id, token, ""), body);
	const char *head = strstr(fake_text(c), "\r\n\r\n");

	if (status != NULL)
		*status = fake_status(c);
	snprintf(answer, sizeof answer, "%s", head != NULL ? head + 4 : "");
	fake_free(c);
	return answer;
}

void
peer_told(struct fake *at, const char *id, const char *token, const char *body, int status, const char *part)
{
	int got;
	const char *answer = peer_says(at, id, token, body, &got);

	row_assert(got == status && strstr(answer, part) != NULL, "%.200s: wanted %d and %s, got %d and %.300s",
	    body, status, part, got, answer);
}

void
peer_gone(struct fake *at, struct fake_conn *down)
{
	if (!down->conn.over)
		fake_gone(at, down);
	fake_free(down);
}
