/*
 * cmd-check-talk - two peers of PeerJS talk to each other through the web server: one has an event stream, the
 * other polls. Their ids are random, and they leave when all is said.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd-check-url.h"
#include "err.h"
#include "token.h"
#include "ws.h"

#define EVENT_MS	3000	/* for an event that is due */
#define PROMPT_MS	1000	/* what comes sooner was not held back */
#define HELD_MS		400	/* a poll that is open so long is held */
#define LONG_BODY	20000
#define SEEN_MAX	65536

struct peer {
	char	 at[300];	/* target of its requests */
	char	 id[64];
	char	 cursor[64];	/* "": none */
};

/* ---- peers ---- */

/* For a query: all but letters and digits as %XX. */
static void
encode(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text != '\0' && n + 4 <= size; text++)
		if ((*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z'))
			out[n++] = *text;
		else
			n += (size_t)snprintf(out + n, size - n, "%%%02x", (unsigned char)*text);
	out[n] = '\0';
}

static void
peer_init(const struct web *w, struct peer *p)
{
	unsigned char secret[TOKEN_SIZE];
	char text[TOKEN_TEXT], key[180];

	memset(p, 0, sizeof *p);
	token_make(secret);
	token_text(secret, text);
	encode(w->k->conf.peerjs_key[0] != '\0' ? w->k->conf.peerjs_key : "peerjs", key, sizeof key);
	snprintf(p->id, sizeof p->id, "check-%.16s", text);
	snprintf(p->at, sizeof p->at, "/peerjs?key=%s&id=%s&token=%s", key, p->id, text + 16);
}

/* A message of `n` bytes, not all of them ASCII, to another peer. */
static int
send_to(struct web *w, const struct peer *from, const struct peer *to, const char *word, size_t n)
{
	struct buf b;
	int rc;

	buf_init(&b, n + 1024);
	buf_addf(&b, "{\"type\":\"OFFER\",\"dst\":\"%s\",\"payload\":\"%s \xc3\xa4\xe2\x82\xac ", to->id, word);
	while (b.n < n)
		buf_addc(&b, 'x');
	buf_addz(&b, "\"}");
	rc = web_ask(w, "POST", from->at, "Content-Type: text/plain\r\n", buf_str(&b));
	buf_release(&b);
	return rc;
}

static void
leave(struct web *w, const struct peer *p)
{
	web_ask(w, "POST", p->at, "Content-Type: text/plain\r\n", STR("{\"type\":\"LEAVE\"}"));
}

/* ---- streams ---- */

static bool
has(const struct http *h, const char *what)
{
	return h->body.n > 0 && memmem(h->body.p, h->body.n, what, strlen(what)) != NULL;
}

/* Reads on until it has said this. Milliseconds it took, or < 0. */
static int64_t
wait_for(struct http *h, const char *what, int ms)
{
	int64_t began = http_now(), left = ms;

	while (!has(h, what)) {
		left = ms - (http_now() - began);
		if (left <= 0 || http_more(h, (int)left) <= 0)
			return -1;
	}
	return http_now() - began;
}

/* The last id before now. */
static void
note_cursor(struct peer *p, const struct http *h)
{
	struct str rest = buf_str(&h->body), line;

	while (rest.n > 0) {
		str_cut(rest, '\n', &line, &rest);
		if (str_starts(line, STR("id: ")))
			str_copy(str_trim(str_skip(line, 4)), p->cursor, sizeof p->cursor);
	}
}

/* 0: the head came, and says that it is a stream. */
static int
open_stream(struct web *w, struct http *h, const struct peer *p, const char *more)
{
	char headers[200];
	int rc = http_open(h, &w->url, WEB_MS);

	snprintf(headers, sizeof headers, "Accept: text/event-stream\r\nAccept-Encoding: gzip, deflate, br\r\n%s", more);
	if (rc == 0)
		rc = http_ask(h, &w->url, "GET", p->at, headers, STR_NONE);
	return rc == 0 ? http_head(h, EVENT_MS) : rc;
}

enum stream_is { STREAM_GOOD, STREAM_HELD, STREAM_REFUSED };

/* What stands between these two in what came; empty: nothing. */
static struct str
between(const struct http *h, const char *before, char after)
{
	const char *at = h->body.n == 0 ? NULL : memmem(h->body.p, h->body.n, before, strlen(before));
	struct str value = STR_NONE, rest;

	if (at != NULL) {
		at += strlen(before);
		str_cut(str_make(at, (size_t)(h->body.p + h->body.n - at)), after, &value, &rest);
	}
	return value;
}

static enum stream_is
refuse_stream(struct web *w, const struct http *h)
{
	struct str packed = http_header(h, "Content-Encoding", NULL);

	if (h->status != 200)
		check_fail(w->k, "stream", web_mend(w, WEB_FAILING), "an event stream is answered %d", h->status);
	else if (packed.n > 0)
		check_fail(w->k, "stream", web_mend(w, WEB_PACKED), "event streams are compressed (%s)", web_shown(packed));
	else
		check_fail(w->k, "stream", "Name a key the server has with --peerjs_key; sigpost key list shows them",
		    "the server lets no peer in: %s", web_shown(between(h, "\"msg\":\"", '"')));
	return STREAM_REFUSED;
}

static enum stream_is
judge_stream(struct web *w, struct http *h, int rc, int64_t began)
{
	int64_t ms;

	if (rc == 0 && (h->status != 200 || http_header(h, "Content-Encoding", NULL).n > 0))
		return refuse_stream(w, h);
	ms = rc == 0 && wait_for(h, "OPEN", EVENT_MS) >= 0 ? http_now() - began : -1;
	if (ms < 0 && has(h, "\"ERROR\""))
		return refuse_stream(w, h);
	if (ms < 0)
		check_fail(w->k, "stream", web_mend(w, WEB_HELD), "an event stream says nothing within 3s: it is held back");
	else if (ms > PROMPT_MS)
		check_warn(w->k, "stream", web_mend(w, WEB_HELD), "the first event of a stream takes %lldms", (long long)ms);
	else
		check_ok(w->k, "stream", "the first event comes after %lldms", (long long)ms);
	return ms < 0 ? STREAM_HELD : STREAM_GOOD;
}

/* ---- a message ---- */

/* A short one is said first: whether bodies get through at all is another question than how long they may be. */
static bool
check_post(struct web *w, const struct peer *from, const struct peer *to)
{
	int rc = send_to(w, from, to, "short", 0);

	if (rc == 0 && w->h.status == 200)
		rc = send_to(w, from, to, "long", LONG_BODY);
	if (rc < 0)
		check_fail(w->k, "post", web_mend(w, WEB_NO_BODY), "POST: %s", web_why(w, rc));
	else if (w->h.status == 429 || w->h.status == 503)
		check_warn(w->k, "post", "Try again when it is less busy", "POST is answered %d", w->h.status);
	else if (w->h.status != 200)
		check_fail(w->k, "post", web_mend(w, WEB_NO_BODY), "POST is answered %d: %s", w->h.status,
		    web_shown(buf_str(&w->h.body)));
	else
		check_ok(w->k, "post", "bodies get through, one of %d bytes too", LONG_BODY);
	return rc == 0 && w->h.status == 200;
}

static void
check_event(struct web *w, struct http *h)
{
	int64_t ms = wait_for(h, "xx\"}", EVENT_MS);

	if (ms < 0 || !has(h, "short \xc3\xa4\xe2\x82\xac"))
		check_fail(w->k, "event", web_mend(w, WEB_HELD), "a message does not come out of the stream within 3s");
	else if (ms > PROMPT_MS)
		check_warn(w->k, "event", web_mend(w, WEB_HELD), "a message takes %lldms through the stream", (long long)ms);
	else
		check_ok(w->k, "event", "a message comes out of the stream whole, %lldms after its POST was answered", (long long)ms);
}

/* ---- a broken stream ---- */

static void
check_resume(struct web *w, struct http *h, struct peer *p, const struct peer *other)
{
	char header[120];

	note_cursor(p, h);
	http_close(h);
	snprintf(header, sizeof header, "Last-Event-ID: %s\r\n", p->cursor);
	if (send_to(w, other, p, "meanwhile", 0) != 0 || open_stream(w, h, p, header) != 0) {
		check_warn(w->k, "resume", "Run this again", "a stream could not be opened a second time (%d)", h->status);
		return;
	}
	if (wait_for(h, "meanwhile", EVENT_MS) < 0 || has(h, "OPEN"))
		check_warn(w->k, "resume", web_mend(w, WEB_NO_ID), "a stream that broke does not go on where it was");
	else
		check_ok(w->k, "resume", "a stream that broke goes on where it was (Last-Event-ID gets through)");
}

/* ---- long poll ---- */

/* The first poll claims the id, and answers at once. */
static bool
poll_first(struct web *w, struct peer *p)
{
	char target[360];
	int rc;

	snprintf(target, sizeof target, "%s&transport=poll", p->at);
	rc = web_ask(w, "GET", target, "", STR_NONE);
	if (rc == 0 && w->h.status == 200) {
		str_copy(between(&w->h, "\"cursor\":\"", '"'), p->cursor, sizeof p->cursor);
		return true;
	}
	check_fail(w->k, "poll", web_mend(w, WEB_FAILING), "a long poll is answered %d", w->h.status);
	return false;
}

/* true: it was answered although there was nothing to say. Its head may come at once. */
static bool
answered(struct http *h)
{
	return h->status == 0 ? http_head(h, HELD_MS) == 0 && (h->ended || http_more(h, HELD_MS) >= 0) : h->ended;
}

static void
check_poll(struct web *w, struct peer *p, const struct peer *other)
{
	struct http h;
	char target[460];
	int64_t ms = -1;
	bool early = false;
	int rc;

	http_init(&h);
	snprintf(target, sizeof target, "%s&transport=poll&cursor=%s", p->at, p->cursor);
	rc = http_open(&h, &w->url, WEB_MS);
	if (rc == 0)
		rc = http_ask(&h, &w->url, "GET", target, "", STR_NONE);
	if (rc == 0)
		early = answered(&h);
	if (rc == 0 && !early && send_to(w, other, p, "polled", 0) == 0)
		ms = h.status != 0 || http_head(&h, EVENT_MS) == 0 ? wait_for(&h, "polled", EVENT_MS) : -1;
	if (early)
		check_warn(w->k, "poll", "Look at hold_ms there", "a long poll is answered at once, with nothing");
	else if (ms < 0)
		check_fail(w->k, "poll", web_mend(w, WEB_FAILING), "a message does not come out of a long poll within 3s");
	else
		check_ok(w->k, "poll", "a long poll is held, and answered when a message comes");
	http_close(&h);
}

void
web_check_talk(struct web *w)
{
	struct peer streams, polls;
	struct http h;
	int64_t began = http_now();
	enum stream_is it;

	peer_init(w, &streams);
	peer_init(w, &polls);
	http_init(&h);
	it = judge_stream(w, &h, open_stream(w, &h, &streams, ""), began);
	if (it != STREAM_REFUSED && poll_first(w, &polls)) {
		if (check_post(w, &polls, &streams) && it == STREAM_GOOD) {
			check_event(w, &h);
			check_resume(w, &h, &streams, &polls);
		}
		check_poll(w, &polls, &streams);
		leave(w, &polls);
		leave(w, &streams);
	}
	http_close(&h);
}

/* ---- WebSocket ---- */

void
web_check_socket(struct web *w)
{
	static const char headers[] = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: c2lncG9zdCBjaGVja3MhIQ==\r\n";
	char accept[WS_ACCEPT_SIZE], target[360];
	struct peer p;
	int rc = http_open(&w->h, &w->url, WEB_MS);

	peer_init(w, &p);
	snprintf(target, sizeof target, "%s&version=1.5.4", p.at);
	if (rc == 0)
		rc = http_ask(&w->h, &w->url, "GET", target, headers, STR_NONE);
	if (rc == 0)
		rc = http_head(&w->h, EVENT_MS);
	if (rc == 0 && w->h.status == 101 && ws_accept(STR("c2lncG9zdCBjaGVja3MhIQ=="), accept) == 0 &&
	    str_eq(http_header(&w->h, "Sec-WebSocket-Accept", NULL), str_from(accept)) && wait_for(&w->h, "OPEN", EVENT_MS) >= 0)
		check_ok(w->k, "websocket", "a WebSocket gets through");
	else if (rc == 0)
		check_note(w->k, "websocket", "a WebSocket does not get through: it is answered %d. %s", w->h.status,
		    web_mend(w, WEB_NO_SOCKET));
	else
		check_note(w->k, "websocket", "a WebSocket does not get through: there is no answer. %s", web_mend(w, WEB_NO_SOCKET));
	http_close(&w->h);
	leave(w, &p);
}

/* ---- silence ---- */

/* The first event counts as no heartbeat. */
void
web_check_idle(struct web *w)
{
	int64_t began = http_now(), until = began + w->idle_ms, lasted;
	struct peer p;
	int rc, beats = -1;

	peer_init(w, &p);
	rc = open_stream(w, &w->h, &p, "");
	while (rc == 0 && http_now() < until) {
		rc = http_more(&w->h, (int)(until - http_now()));
		beats += rc > 0;
		rc = rc > 0 || (rc == -ERR_TIMEOUT && http_now() >= until) ? 0 : rc == 0 ? -ERR_CLOSED : rc;
	}
	lasted = (http_now() - began) / 1000;
	if (rc < 0)
		check_fail(w->k, "idle", web_mend(w, WEB_CUT), "a silent stream was cut after %llds", (long long)lasted);
	else if (beats < 1)
		check_warn(w->k, "idle", "Try longer than heartbeat_max_ms there", "a stream lasted %llds, but no heartbeat came",
		    (long long)lasted);
	else
		check_ok(w->k, "idle", "a stream lasted %llds, with heartbeats", (long long)lasted);
	http_close(&w->h);
	leave(w, &p);
}
