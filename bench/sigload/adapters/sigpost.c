/*
 * sigpost - this project's own way of speaking PeerJS (docs/peerjs.md): an event stream down, one
 * message or an array of them up, both at one address.
 */
#include <stdio.h>
#include <string.h>

#include "adapter.h"
#include "opts.h"
#include "stat.h"

static void
write_path(const struct peer *peer, char *path, size_t size)
{
	snprintf(path, size, "%s/peerjs?key=%s&id=%s&token=%s", opts.base, opts.key, peer->id,
	    peer->token);
}

static void
open_peer(struct peer *peer)
{
	char path[256];

	write_path(peer, path, sizeof path);
	link_open_sse(peer, path);
}

/* The first event is OPEN or says why not. A named one is an end, or a gap, which none expects. */
static void
on_event(struct peer *peer, const char *name, const char *data, size_t len)
{
	if (*name)
		peer_fail(peer, name);
	else if (peer->ready)
		peer_receive(peer, data, len);
	else if (memmem(data, len, "\"OPEN\"", 6))
		peer_ready(peer);
	else
		peer_fail(peer, "not OPEN");
}

static void
send_payload(struct peer *peer, enum payload_kind kind, const char *payload, size_t len)
{
	static struct buf text;

	text.len = 0;
	buf_addf(&text, "{\"type\":\"%s\",\"payload\":%.*s,\"dst\":\"%s\"}", payload_name(kind),
	    (int)len, payload, peer->other->id);
	link_post(peer, text.data, text.len);
}

static void
send_heartbeat(struct peer *peer)
{
	static const char text[] = "{\"type\":\"HEARTBEAT\"}";

	link_post(peer, text, sizeof text - 1);
}

/* An array is answered 200 whatever became of its messages. */
static void
on_answer(struct peer *peer, const char *bytes, size_t len)
{
	(void)peer;
	if (memmem(bytes, len, "\"refused\"", 9))
		stat_count.errors++;
}

const struct adapter adapter_sigpost = {
	.name = "sigpost",
	.open = open_peer,
	.send = send_payload,
	.close = link_close_http,
	.heartbeat = send_heartbeat,
	.event = on_event,
	.post_path = write_path,
	.post_type = "application/json",
	.post_array = true,
	.answer = on_answer,
};
