/* stream - rendering only; costs no memory beyond the struct while it is silent. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "err.h"
#include "stream.h"

#define RENDER_MAX	(32u * 1024 * 1024)	/* one event with its data lines; bodies are smaller */

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

/* What was rendered goes to the exchange as one piece. */
static int
queue(struct stream *s, struct buf *b)
{
	int rc = buf_err(b);

	if (rc == 0)
		rc = conn_add(s->conn, buf_str(b));
	buf_release(b);
	return rc;
}

int
stream_open(struct stream *s, uint32_t retry_ms, struct str cursor)
{
	struct buf b;

	buf_init(&b, RENDER_MAX);
	s->wire->open(&s->state, &b, retry_ms, cursor);
	return queue(s, &b);
}

int
stream_event(struct stream *s, const struct wire_event *e)
{
	struct buf b;

	buf_init(&b, RENDER_MAX);
	s->wire->event(&s->state, &b, e);
	return queue(s, &b);
}

int
stream_beat(struct stream *s)
{
	struct buf b;

	buf_init(&b, RENDER_MAX);
	s->wire->beat(&s->state, &b);
	return queue(s, &b);
}

int
stream_end(struct stream *s, const struct wire_end *end)
{
	struct buf b;
	int rc;

	s->ended = true;
	buf_init(&b, RENDER_MAX);
	s->wire->end(&s->state, &b, end);
	rc = queue(s, &b);
	conn_finish(s->conn);
	return rc;
}

bool
stream_full(const struct stream *s)
{
	return s->conn->blocked || conn_pending(s->conn) >= STREAM_HIGH;
}
