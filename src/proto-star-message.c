/* proto-star-message - what a handshake says; nothing but its two multiaddrs and `answer` is looked at. */
#include "config.h"

#include <assert.h>

#include "err.h"
#include "proto-star.h"

#define UNAVAILABLE STR(",\"err\":\"peer is not available\"}")

static bool
read_addr(const struct json_member *m, struct buf *out)
{
	return m != NULL && m->kind == JSON_STRING && json_text(m->value, out) == 0 && out->n > 0;
}

const char *
handshake_read(const struct json_member *object, struct handshake *h)
{
	struct json_member m[STAR_MEMBERS];
	const struct json_member *answer;
	size_t count;
	int rc = json_members_of(object, m, STAR_MEMBERS, &count);

	buf_init(&h->src, NAME_BYTES_MAX);
	buf_init(&h->dst, NAME_BYTES_MAX);
	if (rc < 0)
		return rc == -ERR_TOOBIG ? "the handshake has too many members" : "the handshake is not a JSON object";
	if (!read_addr(json_find(m, count, "srcMultiaddr"), &h->src))
		return "srcMultiaddr is not a multiaddr";
	if (!read_addr(json_find(m, count, "dstMultiaddr"), &h->dst))
		return "dstMultiaddr is not a multiaddr";
	answer = json_find(m, count, "answer");
	h->answer = answer != NULL && str_eq(answer->value, STR("true"));
	return NULL;
}

void
handshake_release(struct handshake *h)
{
	buf_release(&h->src);
	buf_release(&h->dst);
}

struct str
handshake_from(const struct handshake *h)
{
	return buf_str(h->answer ? &h->dst : &h->src);
}

struct str
handshake_to(const struct handshake *h)
{
	return buf_str(h->answer ? &h->src : &h->dst);
}

void
handshake_copy(struct buf *out, struct str object, bool returned)
{
	assert(object.n > 2);		/* it has two members */
	if (returned)
		object.n--;
	json_copy(out, object);
	if (returned)
		buf_adds(out, UNAVAILABLE);
}
