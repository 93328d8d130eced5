/* ws - see ws.h. The mask is applied eight bytes at a time. */
#include <string.h>

#include "conn.h"
#include "stat.h"
#include "ws.h"

#define PAYLOAD_MAX 65535u	/* the largest length of a two-byte length field */

enum ws_opcode { OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

static const struct conn_ops orphan_ops;	/* no callback: the conversation is over */

static uint32_t
next_key(void)
{
	static uint32_t key = 0x9e3779b9;

	key = key * 1664525u + 1013904223u;
	return key;
}

static void
mask(char *out, const char *in, size_t len, uint32_t key)
{
	uint64_t wide = key | (uint64_t)key << 32, word;
	size_t i = 0;

	for (; i + 8 <= len; i += 8) {
		memcpy(&word, in + i, 8);
		word ^= wide;
		memcpy(out + i, &word, 8);
	}
	for (; i < len; i++)
		out[i] = (char)(in[i] ^ ((char *)&key)[i & 3]);
}

/* Writes the header behind `out`, the masking bit set; returns its length. */
static size_t
put_header(char *out, enum ws_opcode opcode, size_t len)
{
	out[0] = (char)(0x80 | opcode);
	if (len < 126) {
		out[1] = (char)(0x80 | len);
		return 2;
	}
	out[1] = (char)(0x80 | 126);
	out[2] = (char)(len >> 8);
	out[3] = (char)len;
	return 4;
}

static void
send_frame(struct conn *conn, enum ws_opcode opcode, const char *bytes, size_t len)
{
	static char frame[PAYLOAD_MAX + 8];
	uint32_t key = next_key();
	size_t at;

	if (len > PAYLOAD_MAX) {
		stat_count.errors++;
		return;
	}
	at = put_header(frame, opcode, len);
	memcpy(frame + at, &key, sizeof key);
	at += sizeof key;
	mask(frame + at, bytes, len, key);
	conn_write(conn, frame, at + len);
}

void
ws_send(struct conn *conn, const char *text, size_t len)
{
	if (conn)
		send_frame(conn, OP_TEXT, text, len);
}

void
ws_close(struct conn *conn)
{
	if (conn == NULL || conn->dead)
		return;
	conn_orphan(conn, &orphan_ops);
	if (conn->http.state == HTTP_FRAMES)
		send_frame(conn, OP_CLOSE, "\x03\xe8", 2);
	else
		conn_close(conn);
}

/* Length of the header, with the payload's length in *payload; 0 while it is incomplete. */
static size_t
get_header(const unsigned char *bytes, size_t len, uint64_t *payload)
{
	size_t extra;

	if (len < 2)
		return 0;
	*payload = bytes[1] & 127;
	extra = *payload == 126 ? 2 : *payload == 127 ? 8 : 0;
	if (len < 2 + extra)
		return 0;
	if (extra)
		*payload = 0;
	for (size_t i = 0; i < extra; i++)
		*payload = *payload << 8 | bytes[2 + i];
	return 2 + extra;
}

static void
dispatch(struct conn *conn, int opcode, const char *payload, size_t len)
{
	switch (opcode) {
	case OP_TEXT:
	case OP_BINARY:
		if (conn->ops->frame)
			conn->ops->frame(conn, payload, len);
		break;
	case OP_PING:
		send_frame(conn, OP_PONG, payload, len);
		break;
	case OP_CLOSE:
		conn_end(conn);
		break;
	case OP_PONG:
		break;
	default:
		stat_count.errors++;
	}
}

size_t
ws_feed(struct conn *conn, const char *bytes, size_t len)
{
	uint64_t payload;
	size_t header = get_header((const unsigned char *)bytes, len, &payload);

	if (header == 0 || len - header < payload)
		return 0;
	dispatch(conn, bytes[0] & 15, bytes + header, (size_t)payload);
	return header + (size_t)payload;
}
