/*
 * proto-star-open - GET /star: joins a multiaddr and opens a stream.
 *
 * A peer here is a mailbox in STAR_REALM, found by the hash of multiaddr and token together. A client
 * that names no token gets one made; its cursors carry it, so that EventSource comes back with it.
 */
#include "config.h"

#include <string.h>

#include "err.h"
#include "proto-star.h"
#include "reply.h"
#include "token.h"

struct opening {
	struct hub_open	 o;
	struct cursor	 at;
	bool		 named;		/* the client named a cursor: at */
	bool		 made;		/* its token is one of ours … */
	unsigned char	 token[TOKEN_SIZE];	/* … this */
	struct buf	 hello;
};

/* ---- what it is told ---- */

static void
greet(struct star_caller *c, struct opening *op)
{
	buf_adds(&op->hello, STR("{\"addr\":"));
	json_quote(&op->hello, str_from(c->addr));
	if (op->made)
		buf_addf(&op->hello, ",\"token\":\"%s\"", c->token);
	buf_addc(&op->hello, '}');
	op->o.hello_name = STR("joined");
	op->o.hello_data = buf_str(&op->hello);
}

/* A multiaddr that is somebody else's is an end that EventSource understands. */
static int
decline(struct star_caller *c, const struct star_said *said)
{
	struct wire_end end = { .final = true, .name = STR("addr-taken"),
		.data = STR("{\"reason\":\"somebody else has joined this multiaddr\"}") };

	if (said->err == -ERR_CONFLICT)
		stream_decline(c->r, &wire_sse, &end);
	else
		reply_problem(c->r, said->err, said->reason);
	return 0;
}

/* ---- opening ---- */

static int
begin(struct star_caller *c, struct opening *op)
{
	int rc = hub_open(c->peer.hub, c->r, &op->o);

	if (rc == 0)
		hub_roster_listen(c->peer.hub, op->o.box, ROSTER_ALL);
	return rc;
}

/* It knows who was there before. */
static int
go_on(struct star_caller *c, struct opening *op)
{
	int rc = hub_resume(c->peer.hub, c->r, &c->peer.box, &op->at, &op->o);

	if (rc == 0)
		hub_roster_listen(c->peer.hub, op->o.box, ROSTER_NEWS);
	return rc;
}

/* A cursor of a mailbox that is gone: nobody knows any more what it has missed. */
static int
open_after_loss(struct star_caller *c, struct opening *op)
{
	struct hub *hub = c->peer.hub;
	char from[CURSOR_MAX], to[CURSOR_MAX];
	int64_t last = 0;
	int rc = store_msg_last(hub->store, &last);

	op->o.gap_from = cursor_render(op->at.epoch, op->at.seq, from);
	op->o.gap_to = cursor_render(hub->store->epoch, last, to);
	return rc < 0 ? rc : begin(c, op);
}

static int
open_new(struct star_caller *c, struct opening *op)
{
	struct hub *hub = c->peer.hub;
	struct str addr = str_from(c->addr);
	struct star_said said;
	struct box holder;
	int rc = star_ask(&c->peer, addr, &holder, &said);

	if (rc == 0 && said.result != STAR_JOINED)
		return decline(c, &said);
	if (rc == 0)
		rc = store_box_add(hub->store, STAR_REALM, c->hash, NULL, &c->peer.box.id);
	if (rc == 0)
		rc = star_have(&c->peer, addr, &holder, &said);
	if (rc < 0)
		return rc;
	op->o.box = c->peer.box.id;
	greet(c, op);
	return op->named ? open_after_loss(c, op) : begin(c, op);
}

/* It may have left this multiaddr, or lost it, and kept others: who names no cursor wants it again. */
static int
open_known(struct star_caller *c, struct opening *op)
{
	struct star_said said;
	int rc;

	if (op->named)
		return go_on(c, op);
	rc = star_join(&c->peer, str_from(c->addr), &said);
	if (rc < 0)
		return rc;
	if (said.result != STAR_JOINED)
		return decline(c, &said);
	op->o.box = c->peer.box.id;
	greet(c, op);
	return begin(c, op);
}

/* Who left, or lost its multiaddr to somebody else, and asks on is told so, and does not join again. */
static int
find_ended(struct star_caller *c, const struct cursor *at)
{
	struct hub *hub = c->peer.hub;
	struct box *b = &c->peer.box;
	int rc = store_box_by_handle(hub->store, STAR_REALM, c->hash, b);

	if (rc == 0 && (strcmp(at->epoch, hub->store->epoch) != 0 || !hub_resumable(hub, b, at->seq)))
		rc = -ERR_NOTFOUND;
	if (rc < 0)
		b->id = 0;
	return rc;
}

static int
open_any(struct star_caller *c, struct opening *op)
{
	int rc = star_find(c);

	if (rc == -ERR_NOTFOUND && op->named)
		rc = find_ended(c, &op->at);
	if (rc == 0)
		return open_known(c, op);
	return rc == -ERR_NOTFOUND ? open_new(c, op) : rc;
}

/* Who names no token has one of ours in its cursor, or gets a new one. */
static void
make_token(struct star_caller *c, struct opening *op)
{
	op->made = true;
	if (op->named && op->at.has_handle)
		memcpy(op->token, op->at.handle, TOKEN_SIZE);
	else
		token_make(op->token);
	token_text(op->token, c->token);
	op->o.handle = op->token;
}

int
star_open(struct star_caller *c, struct str cursor, int64_t order)
{
	struct opening op = { .o = { .wire = &wire_sse, .order = order } };
	int rc;

	op.named = cursor_parse(cursor, &op.at) == 0;
	if (c->token[0] == '\0')
		make_token(c, &op);
	buf_init(&op.hello, 8 * NAME_BYTES_MAX);
	rc = open_any(c, &op);
	buf_release(&op.hello);
	return rc;
}
