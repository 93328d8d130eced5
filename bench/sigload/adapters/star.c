/*
 * star - sigpost's own way of speaking webrtc-star (docs/star.md): joining is opening a stream. Who else is
 * there is told by events ws-peer, each a message here.
 */
#include <stdio.h>
#include <string.h>

#include "adapter.h"
#include "opts.h"
#include "stat.h"

static void
open_peer(struct peer *peer)
{
	char path[320];

	snprintf(path, sizeof path, "%s/star?addr=" PAYLOAD_MULTIADDR "&token=%s", opts.base, peer->id, peer->token);
	link_open_sse(peer, path);
}

static void
on_event(struct peer *peer, const char *name, const char *data, size_t len)
{
	(void)data;
	if (strcmp(name, "joined") == 0)
		peer_ready(peer);
	else if (strcmp(name, "ws-peer") != 0)
		peer_fail(peer, name);
	else {
		stat_count.messages++;
		stat_count.bytes += len;
	}
}

const struct adapter adapter_star = {
	.name = "star",
	.open = open_peer,
	.close = link_close_http,
	.event = on_event,
};
