/* socket - see socket.h. */
#include "config.h"

#include "unit.h"

#include "frames.h"
#include "peer.h"
#include "socket.h"
#include "ws.h"

struct fake_conn *
socket_ask(struct fake *at, const char *uri)
{
	static const char *const handshake[] = {
		"HTTP_UPGRADE=websocket", "HTTP_SEC_WEBSOCKET_VERSION=13",
		"HTTP_SEC_WEBSOCKET_KEY=dGhlIHNhbXBsZSBub25jZQ==", NULL,
	};

	return fake_request(at, "GET", uri, NULL, handshake);
}

struct fake_conn *
socket_open(struct fake *at, const char *uri)
{
	struct fake_conn *c = socket_ask(at, uri);
	const char *end = strstr(fake_text(c), "\r\n\r\n");
	size_t head;

	row_assert(fake_status(c) == 101 && end != NULL, "%s: %s", uri, fake_text(c));
	head = (size_t)(end - c->read.p) + 4;
	c->read.n -= head;
	memmove(c->read.p, c->read.p + head, c->read.n);
	return c;
}

struct fake_conn *
socket_peer(struct fake *at, const char *id, const char *token)
{
	struct fake_conn *c = socket_open(at, peer_uri(id, token, ""));

	socket_is_told(c, "text(" OPEN_TEXT ") ");
	assert_true(c->hears);
	return c;
}

void
socket_sends(struct fake *at, struct fake_conn *c, int first, struct str payload)
{
	struct buf b;

	buf_init(&b, payload.n + 16);
	frame_put(&b, first, payload);
	fake_says(at, c, buf_str(&b));
	buf_release(&b);
}

void
socket_says(struct fake *at, struct fake_conn *c, const char *text)
{
	socket_sends(at, c, FIN | WS_TEXT, str_from(text));
}

void
socket_closes(struct fake *at, struct fake_conn *c, int code)
{
	struct buf b;

	buf_init(&b, 16);
	frame_put_close(&b, code, STR_NONE);
	fake_says(at, c, buf_str(&b));
	buf_release(&b);
}

const char *
socket_told(struct fake_conn *c)
{
	static struct buf words;
	static char copy[1 << 16];

	buf_init(&words, sizeof copy);
	frames_tell(&words, buf_str(&c->read));
	buf_clear(&c->read);
	buf_addc(&words, '\0');
	assert_int_equal(buf_err(&words), 0);
	memcpy(copy, words.p, words.n);
	buf_release(&words);
	return copy;
}

void
socket_passes(struct fake *at, struct fake_conn *c, int64_t ms)
{
	for (; ms > 0; ms -= 10) {
		fake_pass(at, 10);
		if (!c->done && strstr(socket_told(c), "ping()") != NULL)
			socket_sends(at, c, FIN | WS_PONG, STR_NONE);
	}
}

void
socket_free(struct fake *at, struct fake_conn *c)
{
	if (!c->conn.over)
		fake_gone(at, c);
	fake_free(c);
}
