/*
 * star-sio - the released webrtc-star server, Socket.IO 4 over one WebSocket, as socket.io-client speaks it
 * when it is told to use that transport alone: 0{…} is answered 40, 40{…} is followed by ss-join, 2 is a
 * ping. Joining has no answer, so it counts as soon as it is said.
 */
#include <stdio.h>
#include <string.h>

#include "adapter.h"
#include "opts.h"
#include "stat.h"
#include "ws.h"

static void
open_peer(struct peer *peer)
{
	char path[256];

	snprintf(path, sizeof path, "%s/socket.io/?EIO=4&transport=websocket", opts.base);
	link_open_ws(peer, path);
}

static void
join(struct peer *peer)
{
	char text[256];
	int len = snprintf(text, sizeof text, "42[\"ss-join\",\"" PAYLOAD_MULTIADDR "\"]", peer->id);

	ws_send(peer->link.down, text, (size_t)len);
	peer_ready(peer);
}

static bool
begins(const char *data, size_t len, const char *text)
{
	return len >= strlen(text) && memcmp(data, text, strlen(text)) == 0;
}

static void
on_frame(struct peer *peer, const char *data, size_t len)
{
	if (begins(data, len, "42[\"ws-peer\"")) {
		stat_count.messages++;
		stat_count.bytes += len;
	} else if (begins(data, len, "40"))
		join(peer);
	else if (begins(data, len, "0{"))
		ws_send(peer->link.down, "40", 2);
	else if (begins(data, len, "2"))
		ws_send(peer->link.down, "3", 1);
	else
		peer_fail(peer, "a packet nobody expects");
}

const struct adapter adapter_star_sio = {
	.name = "star-sio",
	.open = open_peer,
	.close = link_close_ws,
	.frame = on_frame,
};
