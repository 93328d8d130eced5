/*
 * wire-sio - Engine.IO 3 and 4 with Socket.IO in it: a poll's payload, or a WebSocket's frames.
 *
 * An ordinary message is an Engine.IO packet as it stands ("40{…}", "3"); a named event becomes the
 * Socket.IO event of that name with its data as the only argument. In version 4 the heartbeat is
 * the server's ping, in version 3 the client's. A poll that ends with nothing to say says ping, or noop.
 */
#include "config.h"

#include "eio.h"
#include "sio.h"
#include "wire.h"
#include "ws.h"

#define TYPE	"text/plain; charset=UTF-8"
#define FRAME_MAX	(32u * 1024 * 1024)

enum phase { NOTHING, SOME };

static void
nothing_to_open(struct wire_state *w, struct buf *out, uint32_t retry_ms, struct str cursor)
{
	(void)w, (void)out, (void)retry_ms, (void)cursor;
}

/* The words of one event inside an Engine.IO message, or a packet without its type. */
static void
put_event(struct buf *out, const struct wire_event *e)
{
	if (e->json)
		sio_event_put(out, STR_NONE, e->name, e->data);
	else
		sio_event_put_text(out, STR_NONE, e->name, e->data);
}

/* A gap is nothing Socket.IO has a word for. */
static bool
is_untold(const struct wire_event *e)
{
	return str_eq(e->name, STR("gap"));
}

/* ---- polls ---- */

static void
poll_event(struct wire_state *w, struct buf *out, const struct wire_event *e, int version)
{
	struct eio_packet p;
	size_t at;

	if (is_untold(e) || (e->name.n == 0 && eio_packet_read(version, e->data, &p) < 0))
		return;
	at = eio_payload_begin(out, version, w->phase == NOTHING, e->name.n == 0 ? p.type : EIO_MESSAGE);
	if (e->name.n == 0)
		buf_adds(out, p.data);
	else
		put_event(out, e);
	eio_payload_end(out, version, at);
	w->phase = SOME;
}

static void
poll_end(struct wire_state *w, struct buf *out, const struct wire_end *end, int version)
{
	enum eio_type last = end->final ? EIO_CLOSE : version == 4 ? EIO_PING : EIO_NOOP;

	if (w->phase == NOTHING || end->final || (end->beat && version == 4))
		eio_payload_put(out, version, w->phase == NOTHING, last, STR_NONE);
}

/* Nothing was said: the whole answer says no. */
static void
poll_refuse(struct buf *out)
{
	buf_addf(out, "Status: %d Bad Request\r\nContent-Type: application/json\r\n"
	    "Access-Control-Allow-Origin: *\r\nCache-Control: no-store\r\n\r\n", eio_code_status(EIO_BAD_REQUEST));
	eio_code_put(out, EIO_BAD_REQUEST);
}

static void
poll_beat(struct wire_state *w, struct buf *out)
{
	(void)w, (void)out;	/* a payload has no room for it; see `whole` */
}

static void
poll3_event(struct wire_state *w, struct buf *out, const struct wire_event *e)
{
	poll_event(w, out, e, 3);
}

static void
poll3_end(struct wire_state *w, struct buf *out, const struct wire_end *end)
{
	poll_end(w, out, end, 3);
}

static void
poll4_event(struct wire_state *w, struct buf *out, const struct wire_event *e)
{
	poll_event(w, out, e, 4);
}

static void
poll4_end(struct wire_state *w, struct buf *out, const struct wire_end *end)
{
	poll_end(w, out, end, 4);
}

/* ---- WebSockets ---- */

static void
ws_event(struct wire_state *w, struct buf *out, const struct wire_event *e)
{
	struct buf frame;

	(void)w;
	if (is_untold(e))
		return;
	if (e->name.n == 0) {
		ws_put(out, WS_TEXT, e->data);
		return;
	}
	buf_init(&frame, FRAME_MAX);
	eio_packet_put(&frame, EIO_MESSAGE, STR_NONE);
	put_event(&frame, e);
	if (buf_err(&frame) == 0)
		ws_put(out, WS_TEXT, buf_str(&frame));
	buf_release(&frame);
}

static void
ws3_beat(struct wire_state *w, struct buf *out)
{
	(void)w;
	ws_put(out, WS_PING, STR_NONE);
}

static void
ws4_beat(struct wire_state *w, struct buf *out)
{
	(void)w;
	ws_put(out, WS_TEXT, STR("2"));
}

static void
ws_end(struct wire_state *w, struct buf *out, const struct wire_end *end)
{
	(void)w;
	if (end->final)
		ws_put(out, WS_TEXT, STR("1"));
	ws_put_close(out, end->final ? WS_NORMAL : WS_RESTART, STR_NONE);
}

/* ---- the rows ---- */

const struct wire wire_sio3_poll = {
	.name = "Engine.IO 3 polling", .type = TYPE, .once = true, .whole = true,
	.open = nothing_to_open, .event = poll3_event, .beat = poll_beat, .end = poll3_end, .refuse = poll_refuse,
};
const struct wire wire_sio4_poll = {
	.name = "Engine.IO 4 polling", .type = TYPE, .once = true, .whole = true,
	.open = nothing_to_open, .event = poll4_event, .beat = poll_beat, .end = poll4_end, .refuse = poll_refuse,
};
const struct wire wire_sio3_ws = {
	.name = "Engine.IO 3 websocket", .duplex = true,
	.open = nothing_to_open, .event = ws_event, .beat = ws3_beat, .end = ws_end,
};
const struct wire wire_sio4_ws = {
	.name = "Engine.IO 4 websocket", .duplex = true,
	.open = nothing_to_open, .event = ws_event, .beat = ws4_beat, .end = ws_end,
};
