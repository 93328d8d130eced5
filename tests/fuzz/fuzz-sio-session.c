/*
 * fuzz-sio-session - what a session of Engine.IO says, by POST or on a WebSocket, on a whole hub with a second
 * session that polls.
 *
 * An input is a version, "3" or "4", a way, and what is said:
 *	p	the body of a POST
 *	t	a text message on a WebSocket that is the session's from the start
 *	b	a binary one
 *	u	a text message on a WebSocket that has not gone over from polls yet
 * Whatever comes: a POST is answered "ok" or refused with a code of Engine.IO, a WebSocket goes on or is
 * closed with 1000 or 1008, the hub stays sane, whatever either session is told is packets, and nobody
 * receives a handshake from the second one's multiaddr. The hub is kept for some inputs, because a fresh one
 * costs a database.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eio.h"
#include "fake.h"
#include "frames.h"
#include "fuzz.h"
#include "proto-star.h"
#include "sio.h"
#include "ws.h"

#define FORGET_AFTER	50	/* inputs: no checkpoint is due by then, which requests would have to wait for */

struct talker {
	int		 version;
	char		 sid[64];
	struct fake_conn *down;		/* a poll, or a WebSocket */
};

static struct fake f;
static struct talker listener;
static int inputs;

/* ---- what is told ---- */

static void
check_handshake(struct str object)
{
	struct json_member m;
	struct handshake h;

	FUZZ_CHECK(json_value(object, &m) == 0 && handshake_read(&m, &h) == NULL);
	FUZZ_CHECK(!str_eq(handshake_from(&h), STR("/b")));
	handshake_release(&h);
}

static void
check_packet(int version, const struct eio_packet *p)
{
	struct json_member arg;
	struct sio_packet sio;

	FUZZ_CHECK(!p->binary && p->type != EIO_OPEN && p->type != EIO_UPGRADE);
	if (p->type != EIO_MESSAGE)
		return;
	FUZZ_CHECK(sio_read(version, p->data, &sio) == SIO_OK);
	if (sio.type != SIO_EVENT)
		return;
	FUZZ_CHECK(sio.args == 1 && sio_arg(&sio, 0, &arg) == 0);
	if (sio_event_is(&sio, "ws-handshake"))
		check_handshake(arg.value);
	else
		FUZZ_CHECK(sio_event_is(&sio, "ws-peer") || sio_event_is(&sio, "ss-error"));
}

/* The body of a poll that is over. */
static void
check_poll(const struct talker *t)
{
	const char *body = strstr(fake_text(t->down), "\r\n\r\n");
	struct eio_payload it;
	struct eio_packet p;
	int rc;

	FUZZ_CHECK(body != NULL);
	if (fake_status(t->down) == 400)	/* the session ended */
		return;
	FUZZ_CHECK(fake_status(t->down) == 200);
	FUZZ_CHECK(eio_payload(&it, t->version, str_from(body + 4)) == 0);
	while ((rc = eio_payload_next(&it, &p)) > 0)
		check_packet(t->version, &p);
	FUZZ_CHECK(rc == 0);
}

/* ---- sessions ---- */

static const char *
uri(const struct talker *t, const char *transport)
{
	static char text[256];

	snprintf(text, sizeof text, "/socket.io/?EIO=%d&transport=%s%s%s", t->version, transport,
	    t->sid[0] != '\0' ? "&sid=" : "", t->sid);
	return text;
}

static struct fake_conn *
post(const struct talker *t, const char *body)
{
	return fake_post(&f, uri(t, "polling"), body);
}

static void
say(const struct talker *t, const char *body)
{
	struct fake_conn *c = post(t, body);

	FUZZ_CHECK(fake_status(c) == 200);
	fake_free(c);
}

static struct talker
begin_polls(int version)
{
	struct talker t = { .version = version };
	struct fake_conn *c = fake_get(&f, uri(&t, "polling"), NULL);
	const char *sid = strstr(fake_text(c), "\"sid\":\"");

	FUZZ_CHECK(sid != NULL && sscanf(sid + 7, "%63[0-9a-f]", t.sid) == 1);
	fake_free(c);
	return t;
}

static void
let_go(struct talker *t)
{
	if (t->down != NULL && !t->down->conn.over)
		fake_gone(&f, t->down);
	fake_free(t->down);
	t->down = NULL;
}

/* The second session always has a poll open. */
static void
listen_on(void)
{
	int i;

	for (i = 0; i < 20 && (listener.down == NULL || listener.down->conn.over); i++) {
		if (listener.down != NULL)
			check_poll(&listener);
		fake_free(listener.down);
		listener.down = fake_get(&f, uri(&listener, "polling"), NULL);
	}
	FUZZ_CHECK(i < 20);
}

static void
stop(void)
{
	let_go(&listener);
	fake_stop(&f);
}

static void
begin(void)
{
	if (inputs > 1)
		stop();
	fake_start(&f);
	strcpy(f.conf.websocket, "on");
	f.conf.grace_ms = 500;
	fake_run(&f);
	listener = begin_polls(4);
	say(&listener, "42[\"ss-join\",\"/b\"]");
	listen_on();
	if (inputs == 1)
		atexit(stop);
}

/* ---- what is said ---- */

/* It may want what somebody holds: then it is looked into whether he is there. */
static void
wait_for(const struct fake_conn *c, const bool *served)
{
	int i;

	for (i = 0; i < 300 && !*served && !c->conn.over; i++) {
		fake_pass(&f, 10);
		listen_on();
	}
	FUZZ_CHECK(i < 300);
}

static void
by_post(int version, const char *body)
{
	struct talker t = begin_polls(version);
	struct fake_conn *c = post(&t, body);
	const char *answer;

	wait_for(c, &c->conn.over);
	answer = strstr(fake_text(c), "\r\n\r\n");
	FUZZ_CHECK(answer != NULL);
	if (fake_status(c) == 200)
		FUZZ_CHECK(strcmp(answer + 4, "ok") == 0);
	else if (fake_status(c) == 400)
		FUZZ_CHECK(strcmp(answer + 4, "{\"code\":3,\"message\":\"Bad request\"}") == 0);
	else
		FUZZ_CHECK(fake_status(c) == 413);
	fake_free(c);
	t.down = fake_get(&f, uri(&t, "polling"), NULL);
	if (t.down->conn.over)
		check_poll(&t);
	let_go(&t);
	fake_free(post(&t, version == 4 ? "41" : "2:41"));	/* what it joined is free again */
}

/* ---- on a WebSocket ---- */

static struct fake_conn *
open_websocket(const struct talker *t)
{
	static const char *const handshake[] = {
		"HTTP_UPGRADE=websocket", "HTTP_SEC_WEBSOCKET_VERSION=13",
		"HTTP_SEC_WEBSOCKET_KEY=dGhlIHNhbXBsZSBub25jZQ==", NULL,
	};
	struct fake_conn *c = fake_request(&f, "GET", uri(t, "websocket"), NULL, handshake);

	FUZZ_CHECK(fake_status(c) == 101);
	return c;
}

static void
send_frame(struct fake_conn *c, int first, struct str payload)
{
	struct buf b;

	buf_init(&b, payload.n + 16);
	frame_put(&b, first, payload);
	fake_says(&f, c, buf_str(&b));
	buf_release(&b);
}

/* Cuts off the first frame: its first byte, or -1. */
static int
cut_frame(struct str *rest, struct str *payload)
{
	const unsigned char *p = (const unsigned char *)rest->p;
	size_t n, head = 2;

	if (rest->n == 0)
		return -1;
	FUZZ_CHECK(rest->n >= 2 && p[1] < 127);
	n = p[1];
	if (n == 126) {
		n = (size_t)p[2] << 8 | p[3];
		head = 4;
	}
	FUZZ_CHECK(rest->n >= head + n);
	*payload = str_make(rest->p + head, n);
	*rest = str_skip(*rest, head + n);
	return p[0];
}

static void
check_frames(const struct talker *t)
{
	const char *end = strstr(fake_text(t->down), "\r\n\r\n") + 4;
	struct str rest = str_make(end, t->down->read.n - (size_t)(end - t->down->read.p)), payload;
	struct eio_packet p;
	int first, code;

	while ((first = cut_frame(&rest, &payload)) >= 0) {
		if (first == (FIN | WS_TEXT)) {
			FUZZ_CHECK(eio_packet_read(t->version, payload, &p) == 0);
			if (p.type != EIO_OPEN)
				check_packet(t->version, &p);
		} else if (first == (FIN | WS_CLOSE)) {
			code = (unsigned char)payload.p[0] << 8 | (unsigned char)payload.p[1];
			FUZZ_CHECK((code == WS_NORMAL || code == WS_POLICY || code == 1007) && rest.n == 0);
		} else
			FUZZ_CHECK(first == (FIN | WS_PING));
	}
}

static void
by_websocket(struct talker *t, int opcode, struct str payload)
{
	t->down = open_websocket(t);
	fake_turn(&f);
	send_frame(t->down, FIN | opcode, payload);
	fake_turn(&f);
	wait_for(t->down, &t->down->hears);
	check_frames(t);
	if (!t->down->conn.over && t->down->hears)
		send_frame(t->down, FIN | WS_CLOSE, STR("\x03\xe8"));	/* 1000: what it joined is free again */
	let_go(t);
}

static void
before_upgrade(int version, struct str payload)
{
	struct talker t = begin_polls(version);

	by_websocket(&t, WS_TEXT, payload);
	fake_free(post(&t, version == 4 ? "41" : "2:41"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct talker t = { .version = size > 0 ? data[0] - '0' : 0 };
	struct str said;
	char *body;

	if (size < 2 || size > 60000 || (t.version != 3 && t.version != 4))
		return 0;
	if (inputs++ % FORGET_AFTER == 0)
		begin();
	body = malloc(size - 1);
	FUZZ_CHECK(body != NULL);
	memcpy(body, data + 2, size - 2);
	body[size - 2] = '\0';
	said = str_make(body, size - 2);
	if (data[1] == 'p' && strlen(body) == said.n)	/* the fake takes C strings */
		by_post(t.version, body);
	else if (data[1] == 't' || data[1] == 'b')
		by_websocket(&t, data[1] == 't' ? WS_TEXT : WS_BINARY, said);
	else if (data[1] == 'u')
		before_upgrade(t.version, said);
	listen_on();
	free(body);
	return 0;
}
