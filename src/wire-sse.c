/*
 * wire-sse - Server-Sent Events (HTML standard, 9.2).
 *
 * Data never breaks out of its event: every CR, LF or CRLF starts a new "data:" line. Ids and
 * names are ours and carry no control character.
 */
#include "config.h"

#include <assert.h>
#include <string.h>

#include "wire.h"

static void
add_id(struct buf *out, struct str id)
{
	assert(str_printable(id));
	if (id.n == 0)
		return;
	buf_adds(out, STR("id: "));
	buf_adds(out, id);
	buf_addc(out, '\n');
}

static size_t
line_length(struct str s)
{
	const char *cr, *lf = s.n == 0 ? NULL : memchr(s.p, '\n', s.n);

	if (lf != NULL)
		s.n = (size_t)(lf - s.p);
	cr = s.n == 0 ? NULL : memchr(s.p, '\r', s.n);
	return cr != NULL ? (size_t)(cr - s.p) : s.n;
}

static void
add_data(struct buf *out, struct str data)
{
	size_t n;

	for (;;) {
		n = line_length(data);
		buf_adds(out, STR("data: "));
		buf_add(out, data.p, n);
		buf_addc(out, '\n');
		if (n == data.n)
			return;
		if (str_starts(str_skip(data, n), STR("\r\n")))
			n++;
		data = str_skip(data, n + 1);
	}
}

/* The comment makes web servers and proxies send the head. An id alone dispatches no event but
 * sets what the client names when it comes back. */
static void
sse_open(struct wire_state *w, struct buf *out, uint32_t retry_ms, struct str cursor)
{
	(void)w;
	buf_addf(out, ": ok\nretry: %u\n", retry_ms);
	add_id(out, cursor);
	buf_addc(out, '\n');
}

static void
sse_event(struct wire_state *w, struct buf *out, const struct wire_event *e)
{
	(void)w;
	assert(str_printable(e->name));
	if (e->name.n > 0) {
		buf_adds(out, STR("event: "));
		buf_adds(out, e->name);
		buf_addc(out, '\n');
	}
	add_id(out, e->id);
	add_data(out, e->data);
	buf_addc(out, '\n');
}

static void
sse_beat(struct wire_state *w, struct buf *out)
{
	(void)w;
	buf_adds(out, STR(":\n\n"));
}

static void
sse_end(struct wire_state *w, struct buf *out, const struct wire_end *end)
{
	struct wire_event e = { .id = WIRE_FINAL_ID, .name = end->name, .data = end->data, .json = true };

	if (!end->final)
		return;
	buf_addf(out, "retry: %d\n", WIRE_FINAL_RETRY_MS);
	if (end->data.n > 0)
		sse_event(w, out, &e);
	else {
		add_id(out, WIRE_FINAL_ID);
		buf_addc(out, '\n');
	}
}

const struct wire wire_sse = {
	.name = "sse",
	.type = "text/event-stream",
	.once = false,
	.open = sse_open,
	.event = sse_event,
	.beat = sse_beat,
	.end = sse_end,
};
