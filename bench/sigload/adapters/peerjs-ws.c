/* peerjs-ws - the PeerJS server (npm peer); everything over one WebSocket. */
#include <stdio.h>
#include <string.h>

#include "adapter.h"
#include "opts.h"
#include "ws.h"

static void
open_peer(struct peer *peer)
{
	char path[256];

	snprintf(path, sizeof path, "%s/peerjs?key=%s&id=%s&token=%s&version=1.5.4", opts.base,
	    opts.key, peer->id, peer->token);
	link_open_ws(peer, path);
}

static void
on_frame(struct peer *peer, const char *data, size_t len)
{
	if (peer->ready)
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
	ws_send(peer->link.down, text.data, text.len);
}

static void
send_heartbeat(struct peer *peer)
{
	static const char text[] = "{\"type\":\"HEARTBEAT\"}";

	ws_send(peer->link.down, text, sizeof text - 1);
}

const struct adapter adapter_peerjs_ws = {
	.name = "peerjs-ws",
	.open = open_peer,
	.send = send_payload,
	.close = link_close_ws,
	.heartbeat = send_heartbeat,
	.frame = on_frame,
};
