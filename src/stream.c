/* stream - rendering only; a silent stream costs no memory beyond its struct. */
#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "err.h"
#include "reply.h"
#include "req.h"
#include "stream.h"
#include "upgrade.h"

#define SCRATCH_KEEP	65536
#define DECLINE_RETRY_MS 1000	/* for who does not understand the end that follows */
#define RENDER_MAX	(32u * 1024 * 1024)	/* one event with its data lines; bodies are smaller */

struct str
cursor_render(const char *epoch, int64_t seq, char *out)
{
	return str_make(out, (size_t)snprintf(out, CURSOR_MAX, "%s-%" PRId64, epoch, seq));
}

struct str
stream_cursor(const struct stream *s, const char *epoch, int64_t seq, char *out)
{
	size_t n = 0;

	if (s->handled) {
		str_hex(s->handle, HANDLE_SIZE, out);
		out[2 * HANDLE_SIZE] = '.';
		n = 2 * HANDLE_SIZE + 1;
	}
	n += (size_t)snprintf(out + n, CURSOR_MAX - n, "%s-%" PRId64, epoch, seq);
	return str_make(out, n);
}

static bool
hexadecimal(struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (strchr("0123456789abcdef", s.p[i]) == NULL || s.p[i] == '\0')
			return false;
	return s.n > 0;
}

int
cursor_parse(struct str text, struct cursor *out)
{
	struct str head, tail, epoch, seq;
	uint64_t v;

	memset(out, 0, sizeof *out);
	out->has_handle = str_cut(text, '.', &head, &tail);
	if (out->has_handle && str_unhex(head, out->handle, HANDLE_SIZE) < 0)
		return -ERR_BAD;
	if (!str_cut(out->has_handle ? tail : text, '-', &epoch, &seq))
		return -ERR_BAD;
	if (!hexadecimal(epoch) || str_copy(epoch, out->epoch, sizeof out->epoch) < 0)
		return -ERR_BAD;
	if (str_uint(seq, INT64_MAX, &v) < 0)
		return -ERR_BAD;
	out->seq = (int64_t)v;
	return 0;
}

struct str
cursor_named(const struct req *r, char text[CURSOR_MAX])
{
	if (r->last_event_id.n > 0)
		return r->last_event_id;
	if (req_query(r, "cursor", text, CURSOR_MAX) == 0 || req_query(r, "last_event_id", text, CURSOR_MAX) == 0)
		return str_from(text);
	return STR_NONE;
}

/* ---- rendering ---- */

/* Where everything is rendered before it goes to its exchange as one piece; kept while it is
 * small, since streams are rendered one after the other on one thread. */
static struct buf scratch = { .max = RENDER_MAX };

static struct buf *
blank(void)
{
	if (scratch.size > SCRATCH_KEEP)
		buf_release(&scratch);
	buf_clear(&scratch);
	return &scratch;
}

static int
queue(struct stream *s)
{
	int rc = buf_err(&scratch);

	return rc == 0 ? conn_add(s->conn, buf_str(&scratch)) : rc;
}

int
stream_open(struct stream *s, uint32_t retry_ms, struct str cursor)
{
	s->wire->open(&s->state, blank(), retry_ms, cursor);
	return queue(s);
}

int
stream_event(struct stream *s, const struct wire_event *e)
{
	s->wire->event(&s->state, blank(), e);
	return queue(s);
}

int
stream_gap(struct stream *s, struct str from, struct str to)
{
	struct wire_event e = { .name = STR("gap"), .json = true };
	char data[2 * CURSOR_MAX + 32];
	int n;

	n = snprintf(data, sizeof data, "{\"from\":\"%.*s\",\"to\":\"%.*s\"}",
	    (int)from.n, from.p, (int)to.n, to.p);
	assert(n > 0 && (size_t)n < sizeof data);
	e.data = str_make(data, (size_t)n);
	return stream_event(s, &e);
}

int
stream_beat(struct stream *s)
{
	s->wire->beat(&s->state, blank());
	return queue(s);
}

int
stream_end(struct stream *s, const struct wire_end *end)
{
	int rc;

	s->ended = true;
	if (end->final && s->wire->refuse != NULL && s->state.phase == 0) {
		conn_retract(s->conn);	/* it is whole: not even the head has left */
		s->wire->refuse(blank());
	} else
		s->wire->end(&s->state, blank(), end);
	rc = queue(s);
	if (!s->wire->duplex)	/* a WebSocket waits for the client's goodbye */
		conn_finish(s->conn);
	return rc;
}

void
stream_head(struct req *r, const struct wire *wire)
{
	if (wire->duplex)
		upgrade_head(r);
	else
		reply_stream_head(r, wire->type);
}

void
stream_decline(struct req *r, const struct wire *wire, const struct wire_end *end)
{
	struct wire_state w = { 0 };

	assert(end->final);
	stream_head(r, wire);
	wire->open(&w, blank(), DECLINE_RETRY_MS, STR_NONE);
	wire->end(&w, &scratch, end);
	if (buf_err(&scratch) == 0)
		conn_add(r->conn, buf_str(&scratch));
	conn_finish(r->conn);
}

bool
stream_full(const struct stream *s)
{
	return s->conn->blocked || conn_pending(s->conn) >= STREAM_HIGH;
}
