/*
 * sio - packets of Socket.IO. What stands before the payload is walked once, the payload checked once
 * by json.c; an event's arguments are counted in a second walk. No memory but the caller's buffer.
 */
#include "config.h"

#include <assert.h>

#include "err.h"
#include "sio.h"

static const struct { enum sio_no no; const char *text; } reasons[SIO_NO__MAX] = {
	{ SIO_OK, "it is a packet" },
	{ SIO_NO_TYPE, "the packet has no known type" },
	{ SIO_NO_PARTS, "the number of attachments is missing or too large" },
	{ SIO_NO_NAMESPACE, "the namespace is not printable UTF-8" },
	{ SIO_NO_ID, "the ack id is missing or too large" },
	{ SIO_NO_JSON, "the payload is not JSON" },
	{ SIO_NO_DEPTH, "the payload is nested too deep" },
	{ SIO_NO_PAYLOAD, "the payload is not what this type of packet has" },
	{ SIO_NO_NAME, "the event has no name" },
	{ SIO_NO_RESERVED, "the event's name is reserved" },
	{ SIO_NO_BINARY, "binary packets are not taken" },
};

const char *
sio_no_text(enum sio_no no)
{
	assert(no < SIO_NO__MAX);
	return reasons[no].text;
}

/* ---- reading ---- */

/* What each type may bring: bits 1 << enum json_kind, NOTHING for no payload at all. */
#define NOTHING		(1u << JSON__MAX)
#define OBJECT		(1u << JSON_OBJECT)
#define ARRAY		(1u << JSON_ARRAY)
#define STRING		(1u << JSON_STRING)

static const struct { enum sio_type type; unsigned kinds; bool binary, needs_id; } types[SIO__MAX] = {
	{ SIO_CONNECT, OBJECT | NOTHING, false, false },
	{ SIO_DISCONNECT, NOTHING, false, false },
	{ SIO_EVENT, ARRAY, false, false },
	{ SIO_ACK, ARRAY, false, true },
	{ SIO_ERROR, OBJECT | STRING | NOTHING, false, false },
	{ SIO_BINARY_EVENT, ARRAY, true, false },
	{ SIO_BINARY_ACK, ARRAY, true, true },
};

/* The functions take_* move *s behind what they took. */
static enum sio_no
take_type(struct str *s, struct sio_packet *out)
{
	if (s->n == 0 || s->p[0] < '0' || s->p[0] >= '0' + SIO__MAX)
		return SIO_NO_TYPE;
	out->type = (enum sio_type)(s->p[0] - '0');
	*s = str_skip(*s, 1);
	return SIO_OK;
}

static enum sio_no
take_parts(struct str *s, struct sio_packet *out)
{
	struct str number;
	uint64_t n;

	if (!types[out->type].binary)
		return SIO_OK;
	if (!str_cut(*s, '-', &number, s) || str_uint(number, SIO_PARTS_MAX, &n) < 0)
		return SIO_NO_PARTS;
	out->parts = (uint32_t)n;
	return SIO_OK;
}

static bool
printable(struct str s)
{
	size_t len;

	if (!str_printable(s))
		return false;
	while ((len = json_utf8(s)) > 0)
		s = str_skip(s, len);
	return s.n == 0;
}

static enum sio_no
take_namespace(int version, struct str *s, struct sio_packet *out)
{
	struct str nsp;

	if (!str_starts(*s, STR("/")))
		return SIO_OK;
	str_cut(*s, ',', &nsp, s);
	if (!printable(nsp))
		return SIO_NO_NAMESPACE;
	out->nsp = nsp;
	if (version == 3)
		str_cut(nsp, '?', &out->nsp, &out->query);
	return SIO_OK;
}

static enum sio_no
take_id(struct str *s, struct sio_packet *out)
{
	size_t n = 0;

	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
		n++;
	if (n == 0)
		return types[out->type].needs_id ? SIO_NO_ID : SIO_OK;
	if (str_uint(str_make(s->p, n), SIO_ID_MAX, &out->id) < 0)
		return SIO_NO_ID;
	out->has_id = true;
	*s = str_skip(*s, n);
	return SIO_OK;
}

static enum sio_no
take_payload(struct str s, struct sio_packet *out)
{
	struct json_member m;
	int rc;

	if (s.n == 0)
		return types[out->type].kinds & NOTHING ? SIO_OK : SIO_NO_PAYLOAD;
	/* a blank in front is an id, 0, to the released parsers: nobody meant that */
	rc = str_trim(s).p == s.p ? json_value(s, &m) : -ERR_BAD;
	if (rc < 0)
		return rc == -ERR_TOOBIG ? SIO_NO_DEPTH : SIO_NO_JSON;
	if (!(types[out->type].kinds & 1u << m.kind))
		return SIO_NO_PAYLOAD;
	out->payload = m;
	return SIO_OK;
}

/* RESERVED_EVENTS of socket.io-parser 4 */
static bool
reserved(const struct sio_packet *p)
{
	static const char *const names[] = {
		"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
	};
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		if (sio_event_is(p, names[i]))
			return true;
	return false;
}

static enum sio_no
take_event(struct sio_packet *out)
{
	struct json_iter it;
	struct json_member m;

	if (out->type != SIO_EVENT)
		return types[out->type].binary ? SIO_NO_BINARY : SIO_OK;
	json_elements_of(&out->payload, &it);
	if (!json_next(&it, &m) || m.kind != JSON_STRING)
		return SIO_NO_NAME;
	out->event = m;
	out->event.name = str_make(m.value.p + 1, m.value.n - 2);	/* without its quotes */
	while (json_next(&it, &m))
		out->args++;
	return reserved(out) ? SIO_NO_RESERVED : SIO_OK;
}

enum sio_no
sio_read(int version, struct str text, struct sio_packet *out)
{
	enum sio_no no;

	*out = (struct sio_packet){ .nsp = STR("/") };
	if ((no = take_type(&text, out)) != SIO_OK || (no = take_parts(&text, out)) != SIO_OK ||
	    (no = take_namespace(version, &text, out)) != SIO_OK || (no = take_id(&text, out)) != SIO_OK ||
	    (no = take_payload(text, out)) != SIO_OK)
		return no;
	return take_event(out);
}

bool
sio_event_is(const struct sio_packet *p, const char *name)
{
	return p->event.value.n > 0 && json_name_is(&p->event, name);
}

int
sio_arg(const struct sio_packet *p, size_t i, struct json_member *out)
{
	struct json_iter it;

	if (i >= p->args)
		return -ERR_NOTFOUND;
	json_elements_of(&p->payload, &it);
	json_next(&it, out);	/* the name */
	do
		json_next(&it, out);
	while (i-- > 0);
	return 0;
}

/* ---- writing ---- */

static void
put_head(struct buf *out, enum sio_type type, struct str nsp)
{
	buf_addc(out, (char)('0' + type));
	if (nsp.n == 0 || str_eq(nsp, STR("/")))
		return;
	buf_adds(out, nsp);
	buf_addc(out, ',');
}

void
sio_event_put(struct buf *out, struct str nsp, struct str name, struct str json)
{
	put_head(out, SIO_EVENT, nsp);
	buf_addc(out, '[');
	json_quote(out, name);
	if (json.n > 0)
		buf_addc(out, ',');
	buf_adds(out, json);
	buf_addc(out, ']');
}

void
sio_event_put_text(struct buf *out, struct str nsp, struct str name, struct str text)
{
	put_head(out, SIO_EVENT, nsp);
	buf_addc(out, '[');
	json_quote(out, name);
	buf_addc(out, ',');
	json_quote(out, text);
	buf_addc(out, ']');
}

void
sio_ack_put(struct buf *out, struct str nsp, uint64_t id, struct str args)
{
	put_head(out, SIO_ACK, nsp);
	buf_addu(out, id);
	buf_addc(out, '[');
	buf_adds(out, args);
	buf_addc(out, ']');
}

void
sio_connect_put(struct buf *out, int version, struct str nsp, struct str sid)
{
	put_head(out, SIO_CONNECT, nsp);
	if (version == 3)
		return;
	buf_addz(out, "{\"sid\":");
	json_quote(out, sid);
	buf_addc(out, '}');
}

void
sio_refusal_put(struct buf *out, int version, struct str nsp, struct str message)
{
	put_head(out, SIO_ERROR, nsp);
	if (version == 4)
		buf_addz(out, "{\"message\":");
	json_quote(out, message);
	if (version == 4)
		buf_addc(out, '}');
}

void
sio_disconnect_put(struct buf *out, struct str nsp)
{
	put_head(out, SIO_DISCONNECT, nsp);
}
