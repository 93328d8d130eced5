/*
 * sigver-sse - sigver over Server-Sent Events, generation E ("opened").
 *
 * GET gives an event `auth` with this source's token, and POST "<auth>@<json>" goes to the same
 * address. The callee opens a key of its own, the caller joins it. The callee learns the number
 * the server gave the caller from the first thing the caller says: a hello while the pair is being
 * opened, unless the mode lets the caller speak first anyway.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter.h"
#include "mode.h"
#include "opts.h"

#define HELLO "hello"

enum stage { WAITING, ACCEPTED };

static void
write_path(const struct peer *peer, char *path, size_t size)
{
	(void)peer;
	snprintf(path, size, "%s/", opts.base);
}

static void
open_peer(struct peer *peer)
{
	char path[256];

	write_path(peer, path, sizeof path);
	link_open_sse(peer, path);
}

/* Posts one message of this source. */
static void
say(struct peer *peer, const char *message)
{
	struct buf body = { 0 };

	buf_addf(&body, "%s@%s", peer->session, message);
	link_post(peer, body.data, body.len);
	buf_release(&body);
}

static void
introduce(struct peer *peer, const char *auth, size_t len)
{
	char message[128];

	if (len >= sizeof peer->session) {
		peer_fail(peer, "a longer auth than there is room for");
		return;
	}
	memcpy(peer->session, auth, len);
	peer->session[len] = '\0';
	snprintf(message, sizeof message, "{\"%s\":\"%s-%d\"}", peer->side ? "join" : "open",
	    opts.key, peer->pair);
	say(peer, message);
}

static void
accepted(struct peer *peer)
{
	peer->stage = ACCEPTED;
	if (peer->side == 0 || opts.mode->caller_first)
		peer_ready(peer);
	else
		say(peer, "{\"data\":\"" HELLO "\"}");
}

static bool
begins(const char *data, size_t len, const char *text)
{
	return len > strlen(text) && memcmp(data, text, strlen(text)) == 0;
}

static void
relayed(struct peer *peer, const char *data, size_t len)
{
	if (peer->side == 0 && peer->remote_id == 0 && begins(data, len, "{\"id\":"))
		peer->remote_id = strtol(data + 6, NULL, 10);
	if (len < 64 && memmem(data, len, "\"" HELLO "\"", sizeof HELLO + 1))
		peer_ready(peer->other);
	else
		peer_receive(peer, data, len);
}

static void
on_event(struct peer *peer, const char *name, const char *data, size_t len)
{
	if (strcmp(name, "auth") == 0)
		introduce(peer, data, len);
	else if (strcmp(name, "close") == 0)
		peer_fail(peer, "close event");
	else if (peer->stage == WAITING && begins(data, len, "{\"opened\":"))
		accepted(peer);
	else
		relayed(peer, data, len);
}

static void
send_payload(struct peer *peer, enum payload_kind kind, const char *payload, size_t len)
{
	static struct buf body;

	(void)kind;
	body.len = 0;
	if (peer->side)
		buf_addf(&body, "%s@{\"data\":%.*s}", peer->session, (int)len, payload);
	else
		buf_addf(&body, "%s@{\"id\":%ld,\"data\":%.*s}", peer->session, peer->remote_id,
		    (int)len, payload);
	link_post(peer, body.data, body.len);
}

const struct adapter adapter_sigver_sse = {
	.name = "sigver-sse",
	.open = open_peer,
	.send = send_payload,
	.close = link_close_http,
	.event = on_event,
	.post_path = write_path,
	.post_type = "text/plain;charset=UTF-8",
};
