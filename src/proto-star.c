/*
 * proto-star - the address /star: who calls, and the events of a POST.
 *
 * An event is an object with the name and argument it has in Socket.IO: {"event":"ss-join","data":"/ip4/…"}.
 */
#include "config.h"

#include <string.h>

#include "err.h"
#include "proto-key.h"
#include "proto-post.h"
#include "proto-star.h"
#include "reply.h"
#include "token.h"

#define USE_PEER	"star peer"
#define EVENT_MEMBERS	8	/* of an event; all but event and data are dropped */

/* ---- who ---- */

/* NULL, or what is wrong with addr, and *err. */
static const char *
read_addr(struct star_caller *c, int *err)
{
	struct star_said said;
	int rc = req_query(c->r, "addr", c->addr, sizeof c->addr);

	*err = rc == -ERR_TOOBIG ? rc : -ERR_BAD;
	if (rc == -ERR_NOTFOUND || (rc == 0 && c->addr[0] == '\0'))
		return "addr is missing: the multiaddr to join";
	if (rc < 0)
		return rc == -ERR_TOOBIG ? "the multiaddr is too long" : "addr cannot be a multiaddr";
	if (star_addr_good(c->peer.hub, str_from(c->addr), &said))
		return NULL;
	*err = said.err;
	return said.reason;
}

static bool
token_good(struct star_caller *c)
{
	int rc = req_query(c->r, "token", c->token, sizeof c->token);

	return rc == -ERR_NOTFOUND || (rc == 0 && c->token[0] != '\0' && json_plain(str_from(c->token)));
}

/* true, or the answer is given. */
static bool
read_caller(struct star_caller *c, struct hub *hub, struct req *r)
{
	const char *wrong;
	int err;

	c->peer.hub = hub;
	c->peer.r = r;
	c->peer.contest = r->contest;
	c->r = r;
	wrong = read_addr(c, &err);
	if (wrong == NULL && !token_good(c)) {
		err = -ERR_BAD;
		wrong = "token is 1 to 255 bytes of UTF-8 without control characters";
	}
	if (wrong != NULL)
		reply_problem(r, err, wrong);
	return wrong == NULL;
}

int
star_find(struct star_caller *c)
{
	char secret[sizeof c->addr + sizeof c->token];
	size_t addr = strlen(c->addr) + 1, token = strlen(c->token);
	struct box *b = &c->peer.box;
	int rc;

	memcpy(secret, c->addr, addr);
	memcpy(secret + addr, c->token, token);
	token_hash(c->peer.hub->store, USE_PEER, str_make(secret, addr + token), c->hash);
	rc = store_box_by_token(c->peer.hub->store, STAR_REALM, c->hash, b);
	if (rc == 0 && (b->state != BOX_LIVE || !token_same(c->hash, b->token)))
		rc = -ERR_NOTFOUND;
	if (rc < 0)
		b->id = 0;
	return rc;
}

/* ---- GET ---- */

static int
bad(struct req *r, const char *detail)
{
	reply_problem(r, -ERR_BAD, detail);
	return 0;
}

static int
nothing_more(struct req *r)
{
	reply_send(r, 204, NULL, STR_NONE, NULL);
	return 0;
}

static int
serve_stream(struct hub *hub, struct req *r)
{
	struct star_caller c = { .r = r };
	char text[CURSOR_MAX];
	struct str cursor = cursor_named(r, text);
	int64_t order;
	int rc;

	if (req_number(r, "order", 0, &order) == -ERR_BAD)
		return bad(r, "order is a whole number");
	if (str_eq(cursor, WIRE_FINAL_ID))
		return nothing_more(r);
	if (!read_caller(&c, hub, r))
		return 0;
	rc = star_open(&c, cursor, order);
	return rc == -ERR_REPEATED ? nothing_more(r) : rc;
}

/* ---- POST ---- */

struct talk {
	struct post		 post;
	struct star_caller	*c;
	bool			 gone;		/* the sender left its last multiaddr in this POST */
};

typedef int	multiaddr_fn(struct star_peer *who, struct str addr, struct star_said *said);

/* The argument of ss-join and ss-leave. */
static int
with_addr(struct star_peer *who, const struct json_member *data, multiaddr_fn *fn, struct star_said *said)
{
	struct buf addr;
	int rc;

	buf_init(&addr, NAME_BYTES_MAX);
	rc = json_text(data->value, &addr);
	if (rc == 0)
		rc = fn(who, buf_str(&addr), said);
	else {
		*said = (struct star_said){ STAR_REFUSED, rc == -ERR_TOOBIG ? rc : -ERR_BAD,
		    rc == -ERR_TOOBIG ? "the multiaddr is too long" : "data is not a multiaddr" };
		rc = 0;
	}
	buf_release(&addr);
	return rc;
}

static int
join(struct talk *t, const struct json_member *data, struct star_said *said)
{
	return with_addr(&t->c->peer, data, star_join, said);
}

/* Who has no multiaddr left has left. */
static int
leave(struct talk *t, const struct json_member *data, struct star_said *said)
{
	struct star_peer *who = &t->c->peer;
	int rc = with_addr(who, data, star_leave, said);

	if (rc < 0 || said->result != STAR_LEFT)
		return rc;
	rc = store_claim_any(who->hub->store, STAR_REALM, who->box.id);
	if (rc != -ERR_NOTFOUND)
		return rc;
	t->gone = true;
	return hub_end(who->hub, who->box.id, STR("{\"reason\":\"left\"}"));
}

static int
handshake(struct talk *t, const struct json_member *data, struct star_said *said)
{
	return star_handshake(&t->c->peer, data, said);
}

static const struct {
	const char	*name;
	int		(*fn)(struct talk *t, const struct json_member *data, struct star_said *said);
} events[] = {
	{ "ss-join", join },
	{ "ss-leave", leave },
	{ "ss-handshake", handshake },
};

static struct verdict
carry_out(struct talk *t, size_t i, const struct json_member *data)
{
	struct star_said said;
	int rc;

	if (t->gone)
		return post_refuse(-ERR_AUTH, "the sender has left");
	rc = events[i].fn(t, data, &said);
	if (rc < 0) {
		t->post.err = rc;
		return post_refuse(rc, "the store failed");
	}
	return star_word(said.result) != NULL ? post_say(star_word(said.result)) : post_refuse(said.err, said.reason);
}

/* The text of a JSON string, as if it were the name of a member. */
static bool
is_text(const struct json_member *m, const char *text)
{
	struct json_member name = { .name = str_make(m->value.p + 1, m->value.n - 2) };

	return json_name_is(&name, text);
}

static struct verdict
take(struct post *post, const struct json_member *message)
{
	struct talk *t = LIST_OF(post, struct talk, post);
	struct json_member m[EVENT_MEMBERS];
	const struct json_member *name, *data;
	size_t i, count;

	if (json_members_of(message, m, EVENT_MEMBERS, &count) < 0)
		return post_refuse(-ERR_BAD, "an event is an object with the members event and data");
	name = json_find(m, count, "event");
	data = json_find(m, count, "data");
	for (i = 0; i < sizeof events / sizeof events[0]; i++) {
		if (name == NULL || name->kind != JSON_STRING || !is_text(name, events[i].name))
			continue;
		return data != NULL ? carry_out(t, i, data) : post_refuse(-ERR_BAD, "data is missing");
	}
	return post_refuse(-ERR_BAD, "event is ss-join, ss-leave or ss-handshake");
}

/* Why a request that star_find did not find is nobody's. */
static int
unknown(struct star_caller *c)
{
	struct box holder;
	int rc = store_claim_holder(c->peer.hub->store, STAR_REALM, str_from(c->addr), &holder);

	if (rc < 0 && rc != -ERR_NOTFOUND)
		return rc;
	reply_problem(c->r, -ERR_AUTH, rc == 0 ? "this token is not that of who joined the multiaddr" :
	    "nobody has joined this multiaddr: open a stream first");
	return 0;
}

static int
serve_events(struct hub *hub, struct req *r)
{
	struct star_caller c = { .r = r };
	struct talk t = { .post = { .hub = hub, .r = r, .from = &c.peer.box, .take = take }, .c = &c };
	int rc;

	if (!read_caller(&c, hub, r))
		return 0;
	if (c.token[0] == '\0')
		return bad(r, "token is missing: that of the stream, which its event `joined` told if the server made it");
	rc = star_find(&c);
	if (rc == -ERR_NOTFOUND)
		return unknown(&c);
	return rc < 0 ? rc : post_serve(&t.post);
}

/* ---- the table ---- */

static const struct route routes[] = {
	{ "/star", 1 << M_GET, NULL, ROUTE_WRITES, serve_stream, NULL, NULL },
	{ "/star", 1 << M_POST, NULL, ROUTE_WRITES, serve_events, NULL, NULL },
	{ .path = NULL },
};

int
star_key(const struct req *r, char *out)
{
	(void)r;
	return str_copy(STR(KEY_STAR), out, KEY_MAX);
}

static int
barred(struct req *r)
{
	return r->method == M_POST ? key_refuse(r, KEY_STAR) : key_decline(r, KEY_STAR, &wire_sse);
}

const struct proto proto_star = { .name = "star", .key = star_key, .barred = barred, .routes = routes, .expired = star_expired };
