/* ws - see ws.h. Base64 and SHA-1 are nettle's, frames that come in are wslay's. */
#include "config.h"

#include <assert.h>
#include <string.h>

#include <nettle/base64.h>
#include <nettle/sha1.h>
#ifdef WITH_WEBSOCKET
#include <wslay/wslay.h>
#endif

#include "err.h"
#include "json.h"
#include "ws.h"

#define GUID	STR("258EAFA5-E914-47DA-95CA-C5AB0DC85B11")	/* RFC 6455, 1.3 */
#define KEY_BYTES	16
#define KEY_TEXT	24

/* ---- the handshake ---- */

static bool
is_key(struct str key)
{
	struct base64_decode_ctx ctx;
	uint8_t bytes[BASE64_DECODE_LENGTH(KEY_TEXT)];
	size_t n = sizeof bytes;

	if (key.n != KEY_TEXT)
		return false;
	base64_decode_init(&ctx);
	return base64_decode_update(&ctx, &n, bytes, key.n, key.p) && base64_decode_final(&ctx) && n == KEY_BYTES;
}

int
ws_accept(struct str key, char out[WS_ACCEPT_SIZE])
{
	uint8_t digest[SHA1_DIGEST_SIZE];
	struct sha1_ctx sha;

	if (!is_key(key))
		return -ERR_BAD;
	sha1_init(&sha);
	sha1_update(&sha, key.n, (const uint8_t *)key.p);
	sha1_update(&sha, GUID.n, (const uint8_t *)GUID.p);
	sha1_digest(&sha, sizeof digest, digest);
	base64_encode_raw(out, sizeof digest, digest);
	out[WS_ACCEPT_SIZE - 1] = '\0';
	return 0;
}

/* ---- out ---- */

/* 5.2: seven bits of length, or a mark and two or eight bytes of it. */
static void
put_length(struct buf *out, size_t n)
{
	int shift;

	if (n < 126) {
		buf_addc(out, (char)n);
		return;
	}
	buf_addc(out, n <= UINT16_MAX ? 126 : 127);
	for (shift = n <= UINT16_MAX ? 8 : 56; shift >= 0; shift -= 8)
		buf_addc(out, (char)((uint64_t)n >> shift & 0xff));
}

void
ws_put(struct buf *out, enum ws_opcode opcode, struct str payload)
{
	assert(opcode < WS_CLOSE || payload.n <= 125);
	buf_addc(out, (char)(0x80 | (int)opcode));
	put_length(out, payload.n);
	buf_adds(out, payload);
}

void
ws_put_close(struct buf *out, int code, struct str reason)
{
	char payload[2 + WS_REASON_MAX];

	if (reason.n > WS_REASON_MAX) {
		reason.n = WS_REASON_MAX;
		while (reason.n > 0 && ((unsigned char)reason.p[reason.n] & 0xc0) == 0x80)
			reason.n--;
	}
	payload[0] = (char)(code >> 8);
	payload[1] = (char)(code & 0xff);
	if (reason.n > 0)
		memcpy(payload + 2, reason.p, reason.n);
	ws_put(out, WS_CLOSE, str_make(payload, 2 + reason.n));
}

/* ---- in ---- */

#ifdef WITH_WEBSOCKET

struct ws_meal {		/* one call of ws_eat */
	struct ws_in	*in;
	struct str	 left;
	ws_message_fn	*fn;
	void		*arg;
	struct buf	*out;
	bool		 refused;	/* nothing that comes counts any more */
	enum ws_code	 bad;		/* … and wslay does not know why; 0: it does */
};

/*
 * How much wslay may have at once: a byte of a head, so that it never reads beyond a frame; two bytes of a
 * close frame, because it looks for UTF-8 from the third of each piece on, wherever that is cut.
 */
static size_t
portion(const struct ws_in *in, size_t n)
{
	uint64_t most = in->given >= in->framed ? 1 : in->close ? 2 : in->framed - in->given;

	return n < most ? n : (size_t)most;
}

static ssize_t
on_recv(wslay_event_context_ptr ctx, uint8_t *p, size_t n, int flags, void *user)
{
	struct ws_in *in = user;
	struct str *left = &in->meal->left;

	(void)flags;
	if (left->n == 0) {
		wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	n = portion(in, n < left->n ? n : left->n);
	memcpy(p, left->p, n);
	*left = str_skip(*left, n);
	in->given += n;
	return (ssize_t)n;
}

static ssize_t
on_send(wslay_event_context_ptr ctx, const uint8_t *p, size_t n, int flags, void *user)
{
	struct ws_in *in = user;

	(void)ctx, (void)flags;
	buf_add(in->meal->out, p, n);
	return (ssize_t)n;
}

/* How many bytes the frame has on the wire: its head, a mask, its payload. */
static uint64_t
wire_length(uint64_t payload)
{
	return 2 + (payload < 126 ? 0 : payload <= UINT16_MAX ? 2 : 8) + 4 + payload;
}

static void
refuse(struct ws_in *in, enum ws_code code, const char *reason)
{
	in->meal->refused = true;
	wslay_event_queue_close(in->ctx, (uint16_t)code, (const uint8_t *)reason, strlen(reason));
	wslay_event_shutdown_read(in->ctx);
}

static void
on_frame(wslay_event_context_ptr ctx, const struct wslay_event_on_frame_recv_start_arg *f, void *user)
{
	struct ws_in *in = user;

	(void)ctx;
	in->framed += wire_length(f->payload_length);
	in->close = f->opcode == WS_CLOSE;
	if (f->opcode == WS_CLOSE && f->payload_length == 1)	/* wslay takes it for one without a code */
		refuse(in, WS_PROTOCOL, "A code has two bytes");
	if (wslay_is_ctrl_frame(f->opcode))
		return;
	in->fragments++;
	if (in->fragments > WS_FRAGMENTS_MAX)
		refuse(in, WS_TOO_BIG, "The message comes in too many frames");
}

static bool
is_text(struct str s)
{
	size_t n;

	for (; s.n > 0; s = str_skip(s, n)) {
		n = json_utf8(s);
		if (n == 0)
			return false;
	}
	return true;
}

static void
on_close(struct ws_in *in, struct str data, int code)
{
	struct ws_meal *meal = in->meal;
	struct str reason = str_skip(data, 2);

	if (is_text(reason))
		meal->fn(meal->arg, WS_CLOSE, reason, code != 0 ? code : WS_NO_CODE);
	else
		meal->bad = WS_BAD_DATA;
}

/* A pong leaves at once, or a close frame would come before it. */
static void
on_message(wslay_event_context_ptr ctx, const struct wslay_event_on_msg_recv_arg *m, void *user)
{
	struct ws_in *in = user;
	struct str data = str_make((const char *)m->msg, m->msg_length);

	if (in->meal->refused)
		return;
	if (!wslay_is_ctrl_frame(m->opcode))
		in->fragments = 0;
	if (m->opcode == WS_PING)
		wslay_event_send(ctx);
	if (m->opcode == WS_CLOSE)
		on_close(in, data, m->status_code);
	else
		in->meal->fn(in->meal->arg, (enum ws_opcode)m->opcode, data, 0);
}

static const struct wslay_event_callbacks callbacks = {
	.recv_callback = on_recv, .send_callback = on_send,
	.on_frame_recv_start_callback = on_frame, .on_msg_recv_callback = on_message,
};

void
ws_in_init(struct ws_in *in)
{
	*in = (struct ws_in){ .ctx = NULL };
}

void
ws_in_release(struct ws_in *in)
{
	if (in->ctx != NULL)
		wslay_event_context_free(in->ctx);
	in->ctx = NULL;
	in->given = in->framed = 0;
	in->fragments = 0;
}

static int
begin(struct ws_in *in, size_t max_message)
{
	if (in->ctx != NULL)
		return 0;
	if (wslay_event_context_server_init(&in->ctx, &callbacks, in) < 0) {
		in->ctx = NULL;
		return -ERR_NOMEM;
	}
	wslay_event_config_set_max_recv_msg_length(in->ctx, max_message);
	return 0;
}

/* Nothing that came is incomplete. */
static bool
idle(const struct ws_in *in)
{
	return in->given == in->framed && in->fragments == 0;
}

/* As long as there is something to read: wslay stops amid a head. */
static int
recv_all(struct ws_in *in)
{
	int rc;

	do
		rc = wslay_event_recv(in->ctx);
	while (rc == 0 && in->meal->left.n > 0 && wslay_event_get_read_enabled(in->ctx));
	return rc;
}

/* wslay names no code where the head of a frame is wrong in itself. What it has queued is not sent then. */
static int
digest(struct ws_in *in, struct ws_meal *meal)
{
	int rc = recv_all(in);

	if (rc < 0 && rc != WSLAY_ERR_NOMEM)
		meal->bad = WS_PROTOCOL;
	if (meal->bad != 0)
		ws_put_close(meal->out, meal->bad, STR_NONE);
	else if (rc == 0)
		rc = wslay_event_send(in->ctx);
	if (buf_err(meal->out) < 0)
		return buf_err(meal->out);
	return meal->bad != 0 ? -ERR_CLOSED : rc < 0 ? -ERR_NOMEM : 0;
}

int
ws_eat(struct ws_in *in, struct str bytes, size_t max_message, ws_message_fn *fn, void *arg, struct buf *out)
{
	struct ws_meal meal = { .in = in, .left = bytes, .fn = fn, .arg = arg, .out = out };
	int rc;

	if (in->over)
		return -ERR_CLOSED;
	rc = begin(in, max_message);
	if (rc < 0)
		return rc;
	in->meal = &meal;
	rc = digest(in, &meal);
	in->over = rc < 0 || wslay_event_get_close_received(in->ctx) || wslay_event_get_close_sent(in->ctx);
	in->meal = NULL;
	if (in->over || idle(in))
		ws_in_release(in);
	return rc == 0 && in->over ? -ERR_CLOSED : rc;
}

#else	/* upgrade_passes() lets none through */

void
ws_in_init(struct ws_in *in)
{
	*in = (struct ws_in){ .over = true };
}

void
ws_in_release(struct ws_in *in)
{
	(void)in;
}

int
ws_eat(struct ws_in *in, struct str bytes, size_t max_message, ws_message_fn *fn, void *arg, struct buf *out)
{
	(void)in;
	(void)bytes;
	(void)max_message;
	(void)fn;
	(void)arg;
	(void)out;
	return -ERR_CLOSED;
}
#endif
