/*
 * proto-peerjs-old - HTTP streaming as PeerJS up to 0.3 does it.
 *
 * POST /KEY/ID/TOKEN/id?i=N opens a stream, and every 25 s another one with i one higher, upon whose
 * head the client drops the old one. i=0 is a client that begins (or begins again: reconnect())
 * and wants OPEN; a higher one goes on where the one before it was.
 */
#include "config.h"

#include "err.h"
#include "proto-peerjs.h"
#include "reply.h"

static bool
begins(const struct req *r)
{
	int64_t i;

	return req_number(r, "i", 1, &i) < 0;
}

int
peer_old_stream(struct hub *hub, struct req *r)
{
	struct peer p = { .hub = hub };
	enum peerjs_no no = peer_from_path(&p, hub, r);
	struct peer_open o = { .wire = &wire_xhr, .quiet = !begins(r) };

	if (no == NO_REASON)
		return peer_open(&p, &o);
	peerjs_no_stream(r, &wire_xhr, no);
	return 0;
}

static int
refuse(struct req *r, enum peerjs_no no)
{
	reply_send(r, peerjs_no_status(no), "text/plain", str_from(peerjs_no_text(no)), NULL);
	return 0;
}

int
peer_old_message(struct hub *hub, struct req *r)
{
	struct peer p = { .hub = hub };
	enum peerjs_no no = peer_from_path(&p, hub, r);
	int rc;

	if (no != NO_REASON)
		return refuse(r, no);
	rc = peer_find(&p);
	if (rc == -ERR_NOTFOUND)
		return refuse(r, NO_TOKEN);
	return rc < 0 ? rc : peer_talk(&p);
}
