/*
 * proto-peerjs-message - what a message says, of one that comes and of one that goes.
 */
#include "config.h"

#include <assert.h>

#include "err.h"
#include "json.h"
#include "proto-peerjs.h"

#define MEMBERS		16	/* of a message; all but type, dst and payload are dropped */

static const struct { enum peer_type type; const char *name; bool waits, needs_dst; } types[T__MAX] = {
	{ T_OFFER, "OFFER", true, true },
	{ T_ANSWER, "ANSWER", true, true },
	{ T_CANDIDATE, "CANDIDATE", true, true },
	{ T_LEAVE, "LEAVE", false, false },
	{ T_EXPIRE, "EXPIRE", false, true },
	{ T_HEARTBEAT, "HEARTBEAT", false, false },
};

const char *
peer_type_name(enum peer_type type)
{
	return types[type].name;
}

static bool
is_type(struct str value, const char *name)
{
	struct json_member m = { .name = str_make(value.p + 1, value.n - 2) };

	return json_name_is(&m, name);
}

static enum peer_type
type_of(const struct json_member *m)
{
	int i;

	if (m == NULL || m->kind != JSON_STRING)
		return T__MAX;
	for (i = 0; i < T__MAX; i++)
		if (is_type(m->value, types[i].name))
			return (enum peer_type)i;
	return T__MAX;
}

const char *
peer_read_message(const struct json_member *text, struct peer_message *out)
{
	struct json_member m[MEMBERS];
	const struct json_member *dst, *payload;
	size_t count;
	int rc = json_members_of(text, m, MEMBERS, &count);

	if (rc < 0)
		return rc == -ERR_TOOBIG ? "the message has too many members" : "the message is not a JSON object";
	out->type = type_of(json_find(m, count, "type"));
	if (out->type == T__MAX)
		return "type is OFFER, ANSWER, CANDIDATE, LEAVE, EXPIRE or HEARTBEAT";
	dst = json_find(m, count, "dst");
	payload = json_find(m, count, "payload");
	if (dst != NULL && dst->kind == JSON_NULL)
		dst = NULL;
	if (dst != NULL && dst->kind != JSON_STRING)
		return "dst is not a string";
	if (dst == NULL && types[out->type].needs_dst)
		return "dst is missing: whom is it for?";
	out->waits = types[out->type].waits;
	out->dst = dst != NULL ? dst->value : STR_NONE;
	out->payload = payload != NULL ? payload->value : STR_NONE;
	return NULL;
}

/* One that is counted (proto-post.h) is stored as such. */
static bool
counted(const struct req *r)
{
	char text[8];

	return !r->spoken && req_query(r, "n", text, sizeof text) != -ERR_NOTFOUND;
}

bool
peer_only_beats(const struct req *r)
{
	struct json_member text;
	struct peer_message m;

	return !counted(r) && r->body.n <= 64 && json_value(r->body, &text) == 0 && peer_read_message(&text, &m) == NULL &&
	    m.type == T_HEARTBEAT;
}

/* To its sender, from the peer that did not take it. */
void
peer_expired(struct hub *hub, const struct msg_row *m)
{
	struct json_member part[4];
	const struct json_member *src, *dst;
	size_t count;
	struct box sender;
	struct buf b;

	if (store_box_get(hub->store, m->src, &sender) != 0 || sender.state != BOX_LIVE ||
	    !str_starts(str_from(sender.realm), STR(KEY_REALM)) ||
	    json_members(m->body, part, 4, &count) != 0)
		return;
	src = json_find(part, count, "src");
	dst = json_find(part, count, "dst");
	assert(src != NULL && dst != NULL);
	buf_init(&b, 16 * PEERJS_WORD);
	buf_adds(&b, STR("{\"type\":\"EXPIRE\",\"src\":"));
	buf_adds(&b, dst->value);
	buf_adds(&b, STR(",\"dst\":"));
	buf_adds(&b, src->value);
	buf_addc(&b, '}');
	if (buf_err(&b) == 0)
		hub_put(hub, &(struct msg_new){ .box = sender.id, .kind = MSG_DATA, .body = buf_str(&b),
		    .due = loop_real(hub->loop) + hub->conf->peerjs_expire_ms });
	buf_release(&b);
}
