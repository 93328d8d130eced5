/*
 * eio - packets and payloads of Engine.IO. A body is walked once for its UTF-8, then handed out
 * packet by packet; version 3 walks each packet once more to count its code units. No memory but the
 * caller's buffer.
 */
#include "config.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "eio.h"
#include "err.h"
#include "json.h"

#define SEPARATOR	'\x1e'	/* version 4, between two packets */

/* The length of the character s begins with, 0 if it is not UTF-8. */
static size_t
character(struct str s)
{
	return s.n > 0 && (unsigned char)s.p[0] < 0x80 ? 1 : json_utf8(s);
}

static bool
is_utf8(struct str s)
{
	size_t len;

	while ((len = character(s)) > 0)
		s = str_skip(s, len);
	return s.n == 0;
}

/* How many code units UTF-16 has for a character of len bytes in UTF-8. */
static size_t
units_of(size_t len)
{
	return len == 4 ? 2 : 1;
}

/* ---- reading ---- */

static int
read_type(struct str text, enum eio_type *out)
{
	if (text.n == 0 || text.p[0] < '0' || text.p[0] >= '0' + EIO__MAX)
		return -ERR_BAD;
	*out = (enum eio_type)(text.p[0] - '0');
	return 0;
}

/* Of text that is UTF-8. */
static int
read_packet(int version, struct str text, struct eio_packet *out)
{
	*out = (struct eio_packet){ .type = EIO_MESSAGE };
	if (str_starts(text, STR("b"))) {
		out->binary = true;
		text = str_skip(text, 1);
		if (version == 4) {
			out->data = text;
			return 0;
		}
	}
	out->data = str_skip(text, 1);
	return read_type(text, &out->type);
}

int
eio_packet_read(int version, struct str text, struct eio_packet *out)
{
	assert(version == 3 || version == 4);
	return is_utf8(text) ? read_packet(version, text, out) : -ERR_BAD;
}

/* Version 3 marks each packet of a binary payload with one of these bytes; one of text begins with a
 * digit. */
static bool
is_binary(int version, struct str body)
{
	return version == 3 && body.n > 0 && (body.p[0] == 0 || body.p[0] == 1);
}

int
eio_payload(struct eio_payload *it, int version, struct str body)
{
	assert(version == 3 || version == 4);
	*it = (struct eio_payload){ .version = version };
	if (is_binary(version, body))
		return -ERR_TYPE;
	if (body.n == 0 || !is_utf8(body))
		return -ERR_BAD;
	it->rest = body;
	it->more = true;
	return 0;
}

/* Cuts off so many code units. -ERR_BAD: s has less, or they end inside a surrogate pair. */
static int
cut_units(struct str s, uint64_t units, struct str *head, struct str *tail)
{
	struct str rest = s;
	size_t len;

	while (units > 0) {
		len = character(rest);
		if (len == 0 || units < units_of(len))
			return -ERR_BAD;
		units -= units_of(len);
		rest = str_skip(rest, len);
	}
	*head = str_make(s.p, s.n - rest.n);
	*tail = rest;
	return 0;
}

static int
next_by_length(struct eio_payload *it, struct eio_packet *out)
{
	struct str length, text, rest;
	uint64_t units;

	while (it->rest.n > 0) {
		if (!str_cut(it->rest, ':', &length, &rest) || str_uint(length, rest.n, &units) < 0 ||
		    cut_units(rest, units, &text, &rest) < 0)
			return -ERR_BAD;
		if (text.n > 0 && read_packet(it->version, text, out) < 0)
			return -ERR_BAD;
		it->rest = rest;
		if (text.n > 0)
			return 1;
	}
	return 0;
}

static int
next_by_separator(struct eio_payload *it, struct eio_packet *out)
{
	struct str text, rest;
	bool more;

	if (!it->more)
		return 0;
	more = str_cut(it->rest, SEPARATOR, &text, &rest);
	if (read_packet(it->version, text, out) < 0)
		return -ERR_BAD;
	it->rest = rest;
	it->more = more;
	return 1;
}

int
eio_payload_next(struct eio_payload *it, struct eio_packet *out)
{
	return it->version == 3 ? next_by_length(it, out) : next_by_separator(it, out);
}

int
eio_payload_check(int version, struct str body, size_t *count)
{
	struct eio_payload it;
	struct eio_packet p;
	size_t n = 0;
	int rc = eio_payload(&it, version, body);

	*count = 0;
	if (rc < 0)
		return rc;
	while ((rc = eio_payload_next(&it, &p)) > 0)
		n++;
	if (rc == 0)
		*count = n;
	return rc;
}

/* ---- writing ---- */

void
eio_packet_put(struct buf *out, enum eio_type type, struct str data)
{
	assert(type < EIO__MAX);
	buf_addc(out, (char)('0' + type));
	buf_adds(out, data);
}

size_t
eio_payload_begin(struct buf *out, int version, bool first, enum eio_type type)
{
	size_t at;

	assert(version == 3 || version == 4);
	if (version == 4 && !first)
		buf_addc(out, SEPARATOR);
	at = out->n;
	eio_packet_put(out, type, STR_NONE);
	return at;
}

/* Of what is not UTF-8 each byte counts as one. */
static size_t
count_units(struct str s)
{
	size_t len, units = 0;

	for (; s.n > 0; s = str_skip(s, len)) {
		len = character(s);
		units += units_of(len);
		if (len == 0)
			len = 1;
	}
	return units;
}

static void
insert(struct buf *out, size_t at, struct str s)
{
	size_t behind = out->n - at;

	if (buf_room(out, s.n) == NULL)
		return;
	memmove(out->p + at + s.n, out->p + at, behind);
	memcpy(out->p + at, s.p, s.n);
	buf_grew(out, s.n);
}

void
eio_payload_end(struct buf *out, int version, size_t at)
{
	char digits[32];
	int n;

	if (version == 4 || buf_err(out) < 0)
		return;
	n = snprintf(digits, sizeof digits, "%zu:", count_units(str_skip(buf_str(out), at)));
	insert(out, at, str_make(digits, (size_t)n));
}

void
eio_payload_put(struct buf *out, int version, bool first, enum eio_type type, struct str data)
{
	size_t at = eio_payload_begin(out, version, first, type);

	buf_adds(out, data);
	eio_payload_end(out, version, at);
}

/* ---- the handshake ---- */

void
eio_open_put(struct buf *out, const struct eio_open *o)
{
	buf_addz(out, "{\"sid\":");
	json_quote(out, o->sid);
	buf_addz(out, o->websocket ? ",\"upgrades\":[\"websocket\"]" : ",\"upgrades\":[]");
	buf_addz(out, ",\"pingInterval\":");
	buf_addu(out, o->ping_interval_ms);
	buf_addz(out, ",\"pingTimeout\":");
	buf_addu(out, o->ping_timeout_ms);
	if (o->max_payload > 0) {
		buf_addz(out, ",\"maxPayload\":");
		buf_addu(out, o->max_payload);
	}
	buf_addc(out, '}');
}

int
eio_version(struct str value)
{
	if (value.n == 0 || str_eq(value, STR("3")))
		return 3;
	return str_eq(value, STR("4")) ? 4 : -ERR_VERSION;
}

static const struct { enum eio_transport transport; struct str name; } transports[EIO_TRANSPORT__MAX] = {
	{ EIO_POLLING, { "polling", 7 } },
	{ EIO_WEBSOCKET, { "websocket", 9 } },
	{ EIO_SSE, { "sse", 3 } },
	{ EIO_POLL, { "poll", 4 } },
};

int
eio_transport(struct str value, enum eio_transport *out)
{
	size_t i;

	for (i = 0; i < EIO_TRANSPORT__MAX; i++)
		if (str_eq(value, transports[i].name)) {
			*out = transports[i].transport;
			return 0;
		}
	return -ERR_NOTFOUND;
}

static const struct { enum eio_code code; int status; const char *message; } codes[EIO_CODE__MAX] = {
	{ EIO_NO_TRANSPORT, 400, "Transport unknown" },
	{ EIO_NO_SID, 400, "Session ID unknown" },
	{ EIO_BAD_METHOD, 400, "Bad handshake method" },
	{ EIO_BAD_REQUEST, 400, "Bad request" },
	{ EIO_FORBIDDEN, 403, "Forbidden" },
	{ EIO_BAD_VERSION, 400, "Unsupported protocol version" },
};

int
eio_code_status(enum eio_code code)
{
	assert(code < EIO_CODE__MAX);
	return codes[code].status;
}

void
eio_code_put(struct buf *out, enum eio_code code)
{
	assert(code < EIO_CODE__MAX);
	buf_addf(out, "{\"code\":%d,\"message\":\"%s\"}", (int)code, codes[code].message);
}
