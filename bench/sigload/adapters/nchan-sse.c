/* nchan-sse - nginx with nchan; EventSource on /sub/OWN-ID, POST to /pub/OTHER-ID. */
#include <stdio.h>

#include "adapter.h"
#include "opts.h"

static void
open_peer(struct peer *peer)
{
	char path[256];

	snprintf(path, sizeof path, "%s/sub/%s", opts.base, peer->id);
	link_open_sse(peer, path);
}

static void
write_path(const struct peer *peer, char *path, size_t size)
{
	snprintf(path, size, "%s/pub/%s", opts.base, peer->other->id);
}

static void
on_event(struct peer *peer, const char *name, const char *data, size_t len)
{
	(void)name;
	peer_receive(peer, data, len);
}

static void
send_payload(struct peer *peer, enum payload_kind kind, const char *payload, size_t len)
{
	static struct buf text;

	text.len = 0;
	buf_addf(&text, "{\"type\":\"%s\",\"src\":\"%s\",\"dst\":\"%s\",\"payload\":%.*s}",
	    payload_name(kind), peer->id, peer->other->id, (int)len, payload);
	link_post(peer, text.data, text.len);
}

const struct adapter adapter_nchan_sse = {
	.name = "nchan-sse",
	.open = open_peer,
	.send = send_payload,
	.close = link_close_http,
	.opened = peer_ready,
	.event = on_event,
	.post_path = write_path,
	.post_type = "application/json",
};
