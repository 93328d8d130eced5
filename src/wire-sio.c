/*
 * wire-sio - Engine.IO 3 and 4 with Socket.IO in it: a poll's payload, a WebSocket's frames; and, of our own,
 * what those frames say as events of a stream, or as strings in the JSON of a long poll.
 *
 * An ordinary message is an Engine.IO packet as it stands ("40{…}", "3"); a named event becomes the
 * Socket.IO event of that name with its data as the only argument. In version 4 the heartbeat is
 * the server's ping, in version 3 the client's. A poll that ends with nothing to say says ping, or noop.
 * A gap is nothing Socket.IO has a word for: our own two tell it beside the packets.
 */
#include "config.h"

#include "eio.h"
#include "json.h"
#include "sio.h"
#include "wire.h"
#include "ws.h"

#define TYPE	"text/plain; charset=UTF-8"
#define PACKET_MAX	(32u * 1024 * 1024)

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

static bool
is_untold(const struct wire_event *e)
{
	return str_eq(e->name, STR("gap"));
}

/* The words of a whole packet, made in b where they are not there already. */
static struct str
packet_of(struct buf *b, const struct wire_event *e)
{
	if (e->name.n == 0)
		return e->data;
	eio_packet_put(b, EIO_MESSAGE, STR_NONE);
	put_event(b, e);
	return buf_str(b);
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
	struct str packet;

	(void)w;
	if (is_untold(e))
		return;
	buf_init(&frame, PACKET_MAX);
	packet = packet_of(&frame, e);
	if (buf_err(&frame) == 0)
		ws_put(out, WS_TEXT, packet);
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

/* ---- event streams ---- */

static void
sse_event(struct wire_state *w, struct buf *out, const struct wire_event *e)
{
	struct wire_event packet = { .id = e->id };
	struct buf words;

	if (is_untold(e)) {
		wire_sse.event(w, out, e);
		return;
	}
	buf_init(&words, PACKET_MAX);
	packet.data = packet_of(&words, e);
	if (buf_err(&words) == 0)
		wire_sse.event(w, out, &packet);
	buf_release(&words);
}

static void
sse4_beat(struct wire_state *w, struct buf *out)
{
	const struct wire_event ping = { .data = STR("2") };

	wire_sse.event(w, out, &ping);
}

static void
sse_end(struct wire_state *w, struct buf *out, const struct wire_end *end)
{
	const struct wire_end last = { .final = end->final, .data = STR("1"), .cursor = end->cursor };

	wire_sse.end(w, out, &last);
}

static void
sse_open(struct wire_state *w, struct buf *out, uint32_t retry_ms, struct str cursor)
{
	wire_sse.open(w, out, retry_ms, cursor);
}

static void
sse3_beat(struct wire_state *w, struct buf *out)
{
	wire_sse.beat(w, out);
}

/* ---- long polls with a cursor ---- */

static void
say(struct wire_state *w, struct buf *out, struct str packet)
{
	struct wire_event e = { .json = true };
	struct buf text;

	buf_init(&text, PACKET_MAX);
	json_quote(&text, packet);
	e.data = buf_str(&text);
	if (buf_err(&text) == 0)
		wire_poll.event(w, out, &e);
	buf_release(&text);
}

static void
json_event(struct wire_state *w, struct buf *out, const struct wire_event *e)
{
	struct buf words;
	struct str packet;

	if (is_untold(e)) {
		wire_poll.event(w, out, e);
		return;
	}
	buf_init(&words, PACKET_MAX);
	packet = packet_of(&words, e);
	if (buf_err(&words) == 0)
		say(w, out, packet);
	buf_release(&words);
}

static void
json_end(struct wire_state *w, struct buf *out, const struct wire_end *end, int version)
{
	const struct wire_end last = { .final = end->final, .cursor = end->cursor };

	if (end->final)
		say(w, out, STR("1"));
	else if (version == 4 && (end->beat || w->phase == NOTHING))
		say(w, out, STR("2"));
	wire_poll.end(w, out, &last);
}

static void
json_open(struct wire_state *w, struct buf *out, uint32_t retry_ms, struct str cursor)
{
	wire_poll.open(w, out, retry_ms, cursor);
}

static void
json_beat(struct wire_state *w, struct buf *out)
{
	wire_poll.beat(w, out);
}

static void
json3_end(struct wire_state *w, struct buf *out, const struct wire_end *end)
{
	json_end(w, out, end, 3);
}

static void
json4_end(struct wire_state *w, struct buf *out, const struct wire_end *end)
{
	json_end(w, out, end, 4);
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
const struct wire wire_sio3_sse = {
	.name = "Engine.IO 3 sse", .type = "text/event-stream",
	.open = sse_open, .event = sse_event, .beat = sse3_beat, .end = sse_end,
};
const struct wire wire_sio4_sse = {
	.name = "Engine.IO 4 sse", .type = "text/event-stream",
	.open = sse_open, .event = sse_event, .beat = sse4_beat, .end = sse_end,
};
const struct wire wire_sio3_json = {
	.name = "Engine.IO 3 poll", .type = "application/json", .once = true,
	.open = json_open, .event = json_event, .beat = json_beat, .end = json3_end,
};
const struct wire wire_sio4_json = {
	.name = "Engine.IO 4 poll", .type = "application/json", .once = true,
	.open = json_open, .event = json_event, .beat = json_beat, .end = json4_end,
};
