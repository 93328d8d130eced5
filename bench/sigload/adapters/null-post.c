/*
 * null-post - a program that reads a POST and answers nothing, which is the floor under every
 * server. Body, headers and connections are those of sigver-sse; --url names the program itself.
 */
#include <stdio.h>

#include "adapter.h"
#include "opts.h"

#define AUTH "0123456789abcdef0123456789abcdef"	/* as long as a token of ours */

static void
write_path(const struct peer *peer, char *path, size_t size)
{
	(void)peer;
	snprintf(path, size, "%s", opts.base);
}

static void
send_payload(struct peer *peer, enum payload_kind kind, const char *payload, size_t len)
{
	static struct buf body;

	(void)kind;
	body.len = 0;
	buf_addf(&body, AUTH "@{\"data\":%.*s}", (int)len, payload);
	link_post(peer, body.data, body.len);
}

const struct adapter adapter_null_post = {
	.name = "null-post",
	.open = peer_ready,
	.send = send_payload,
	.close = link_close_http,
	.post_path = write_path,
	.post_type = "text/plain;charset=UTF-8",
	.silent = true,
};
