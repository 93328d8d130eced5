/*
 * wire-ws - WebSocket: each message a text frame, a ping now and then, a close frame at the end.
 *
 * Named events have no place here: clients written for a WebSocket know none. The end of a
 * mailbox, {code, reason}, becomes the close frame; an end for now is 1012, upon which a
 * client comes again.
 */
#include "config.h"

#include "json.h"
#include "wire.h"
#include "ws.h"

#define CLOSE_MEMBERS	2
#define CLOSE_TEXT	512	/* bytes of a reason, before the frame's own limit */

static void
ws_wire_open(struct wire_state *w, struct buf *out, uint32_t retry_ms, struct str cursor)
{
	(void)w, (void)out, (void)retry_ms, (void)cursor;
}

static void
ws_wire_event(struct wire_state *w, struct buf *out, const struct wire_event *e)
{
	(void)w;
	if (e->name.n == 0)
		ws_put(out, WS_TEXT, e->data);
}

static void
ws_wire_beat(struct wire_state *w, struct buf *out)
{
	(void)w;
	ws_put(out, WS_PING, STR_NONE);
}

/* {"code":4001,"reason":"…"}, in any order; what is not there is 1000 and nothing. */
static void
put_close(struct buf *out, struct str data)
{
	struct json_member m[CLOSE_MEMBERS];
	struct buf reason;
	size_t count = 0, i;
	uint64_t code = WS_NORMAL;

	buf_init(&reason, CLOSE_TEXT);
	if (json_members(data, m, CLOSE_MEMBERS, &count) < 0)
		count = 0;
	for (i = 0; i < count; i++) {
		if (json_name_is(&m[i], "code"))
			str_uint(m[i].value, 4999, &code);
		else if (json_name_is(&m[i], "reason") && m[i].kind == JSON_STRING)
			json_text(m[i].value, &reason);
	}
	ws_put_close(out, (int)code, buf_str(&reason));
	buf_release(&reason);
}

static void
ws_wire_end(struct wire_state *w, struct buf *out, const struct wire_end *end)
{
	(void)w;
	if (end->final && end->name.n == 0 && end->data.n > 0)
		ws_put(out, WS_TEXT, end->data);
	if (!end->final)
		ws_put_close(out, WS_RESTART, STR("come again"));
	else
		put_close(out, end->name.n > 0 ? end->data : STR_NONE);
}

const struct wire wire_ws = {
	.name = "websocket",
	.type = NULL,
	.once = false,
	.duplex = true,
	.open = ws_wire_open,
	.event = ws_wire_event,
	.beat = ws_wire_beat,
	.end = ws_wire_end,
};
