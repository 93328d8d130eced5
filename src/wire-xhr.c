/*
 * wire-xhr - the streaming transport of PeerJS up to 0.3: one JSON message a line.
 *
 * Those clients look at responseText at each readystatechange and take one line of it at most, never
 * two; a line that comes in three pieces they lose, an empty one stops them for ever. So every line
 * leaves in one write and none sooner than pace_ms after the one before; the filler (a message
 * of a type they ignore) lets a client that saw two lines at once take the second.
 */
#include "config.h"

#include "wire.h"

#define PADDING		2048	/* zeros in the first line: browsers show nothing before 1 kB is there */
#define FILLER		STR("{\"type\":\"NOP\"}\n")
#define REFUSAL		STR("{\"type\":\"HTTP-ERROR\"}\n")

static void
xhr_open(struct wire_state *w, struct buf *out, uint32_t retry_ms, struct str cursor)
{
	int i;

	(void)w, (void)retry_ms, (void)cursor;
	for (i = 0; i < PADDING / 8; i++)
		buf_adds(out, STR("00000000"));
	buf_addc(out, '\n');
}

/* A gap is nothing these clients have words for; they see the message that comes next. */
static void
xhr_event(struct wire_state *w, struct buf *out, const struct wire_event *e)
{
	(void)w;
	if (e->name.n > 0)
		return;
	buf_adds(out, e->data);
	buf_addc(out, '\n');
}

static void
xhr_beat(struct wire_state *w, struct buf *out)
{
	(void)w;
	buf_adds(out, FILLER);
}

/* An ordinary message at the end is a refusal. A stream that was taken over just ends. */
static void
xhr_end(struct wire_state *w, struct buf *out, const struct wire_end *end)
{
	struct wire_event e = { .data = end->data, .json = true };

	if (!end->final || end->name.n > 0 || end->data.n == 0)
		return;
	xhr_event(w, out, &e);
	buf_adds(out, REFUSAL);
}

const struct wire wire_xhr = {
	.name = "xhr",
	.type = "application/octet-stream",
	.once = false,
	.pace_ms = 60,
	.open = xhr_open,
	.event = xhr_event,
	.beat = xhr_beat,
	.end = xhr_end,
};
