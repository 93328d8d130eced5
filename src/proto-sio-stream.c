/*
 * proto-sio-stream - transport=sse and transport=poll: what a WebSocket of Engine.IO would carry, without one.
 *
 * Ours beside the released servers' transports, for clients that insist on a WebSocket where there is none
 * (www/talk-sio.mjs). Each event of the stream, each string among the messages of a poll, is a packet as a
 * frame has it; the first is `open`. Stored ones have an id, and the next poll a cursor; both carry
 * the sid, so EventSource finds back by itself, and goes on after exactly what it has. What a
 * client says goes up by the POST of polls, with ?n= (rising) taken once.
 */
#include "config.h"

#include <string.h>

#include "err.h"
#include "proto-sio.h"
#include "reply.h"
#include "token.h"

bool
sio_name(struct session *s)
{
	char text[CURSOR_MAX];
	int rc = req_query(s->r, "sid", s->sid, sizeof s->sid);

	s->resumes = cursor_parse(cursor_named(s->r, text), &s->at) == 0;
	if (rc != -ERR_NOTFOUND)
		return true;
	if (!s->resumes || !s->at.has_handle)
		return false;
	token_text(s->at.handle, s->sid);
	return true;
}

int
sio_find_ended(struct session *s)
{
	int rc;

	if (!s->resumes || strcmp(s->at.epoch, s->hub->store->epoch) != 0)
		return -ERR_NOTFOUND;
	rc = store_box_by_handle(s->hub->store, s->realm, s->hash, &s->box);
	return rc == 0 && !hub_resumable(s->hub, &s->box, s->at.seq) ? -ERR_NOTFOUND : rc;
}

static int
go_on(struct session *s, struct hub_open *o)
{
	unsigned char handle[HANDLE_SIZE];
	int rc = str_unhex(str_from(s->sid), handle, HANDLE_SIZE);

	if (rc < 0)
		return rc;
	o->box = s->box.id;
	o->handle = handle;
	rc = s->resumes ? hub_resume(s->hub, s->r, &s->box, &s->at, o) : hub_open(s->hub, s->r, o);
	return rc < 0 ? rc : sio_listen(s);
}

static int
nothing_more(struct req *r)
{
	reply_send(r, 204, NULL, STR_NONE, NULL);
	return 0;
}

int
sio_stream(struct session *s, bool named, const struct wire *wire)
{
	struct hub_open o = { .wire = wire };
	char text[CURSOR_MAX];
	int rc;

	if (str_eq(cursor_named(s->r, text), WIRE_FINAL_ID))
		return nothing_more(s->r);
	if (req_number(s->r, "order", 0, &o.order) == -ERR_BAD)
		return -ERR_BAD;
	rc = named ? go_on(s, &o) : sio_open(s, &o);
	return rc == -ERR_REPEATED ? nothing_more(s->r) : rc;
}

/* ---- packets that write nothing ---- */

static bool
are_pongs(struct str body)
{
	struct eio_payload it;
	struct eio_packet p;
	int rc = eio_payload(&it, 4, body);

	while (rc == 0 && (rc = eio_payload_next(&it, &p)) > 0)
		rc = p.type == EIO_PONG ? 0 : -ERR_BAD;
	return rc == 0;
}

bool
sio_only_beats(const struct req *r)
{
	char text[8];
	struct str body = r->body;

	if (r->spoken)
		return r->box != 0 && !r->binary && (str_starts(body, STR("2")) || str_starts(body, STR("3")));
	return req_query(r, "EIO", text, sizeof text) == 0 && strcmp(text, "4") == 0 && are_pongs(body);
}
