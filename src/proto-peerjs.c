/* proto-peerjs - the addresses of today: /peerjs for streams and messages, /KEY/id, /KEY/peers. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <uuid/uuid.h>

#include "err.h"
#include "json.h"
#include "proto-peerjs.h"
#include "reply.h"
#include "upgrade.h"

#define PEERS_MAX	(64u * 1024 * 1024)	/* bytes of the list of peers */

/* ---- GET /peerjs: a stream ---- */

/*
 * Clients up to 0.3 open a WebSocket beside their HTTP stream and give up when it fails, so theirs is
 * left without an answer. Later ones say their version and have nothing else: they are told.
 */
static int
no_upgrade(struct req *r)
{
	char text[32];

	if (req_query(r, "version", text, sizeof text) == -ERR_NOTFOUND &&
	    req_query(r, "transport", text, sizeof text) == -ERR_NOTFOUND)
		return -ERR_SILENT;
	reply_problem_as(r, 501, err_reason(501),
	    "There is no WebSocket behind this web server. Load www/sigpost.js before the PeerJS client.");
	return 0;
}

static const struct wire *
transport(const struct req *r)
{
	char text[16];
	int rc = req_query(r, "transport", text, sizeof text);

	if (r->duplex && (rc == -ERR_NOTFOUND || strcmp(text, "websocket") == 0))
		return &wire_ws;
	if (rc == -ERR_NOTFOUND || (rc == 0 && strcmp(text, "sse") == 0))
		return &wire_sse;
	return rc == 0 && strcmp(text, "poll") == 0 ? &wire_poll : NULL;
}

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
	struct peer p = { .hub = hub };
	char cursor[CURSOR_MAX];
	struct peer_open o = { .wire = transport(r), .cursor = cursor_named(r, cursor) };
	enum peerjs_no no;
	int rc;

	if (req_upgrades(r) && !r->duplex)
		return no_upgrade(r);
	if (r->duplex && upgrade_check(r) < 0)
		return 0;
	if (o.wire == NULL)
		return bad(r, "transport is sse, poll or, with an upgrade, websocket");
	if (req_number(r, "order", 0, &o.order) == -ERR_BAD)
		return bad(r, "order is a whole number");
	if (str_eq(o.cursor, WIRE_FINAL_ID))
		return nothing_more(r);
	no = peer_from_query(&p, hub, r);
	if (no != NO_REASON) {
		peerjs_no_stream(r, o.wire, no);
		return 0;
	}
	rc = peer_open(&p, &o);
	return rc == -ERR_REPEATED ? nothing_more(r) : rc;
}

/* ---- POST /peerjs: messages ---- */

static int
serve_messages(struct hub *hub, struct req *r)
{
	struct peer p = { .hub = hub };
	enum peerjs_no no = peer_from_query(&p, hub, r);
	int rc = no == NO_REASON ? peer_find(&p) : 0;

	if (rc == -ERR_NOTFOUND)
		no = NO_TOKEN;
	else if (rc < 0)
		return rc;
	if (no == NO_REASON)
		return peer_talk(&p);
	peerjs_no_problem(r, no);
	return 0;
}

/* The body of a POST, or what was said on a WebSocket. Its end, where it came as it should, frees the id
 * at once: a page that is loaded again gets it back. */
static int
serve_spoken(struct hub *hub, struct req *r)
{
	struct peer p = { .hub = hub };
	int rc = hub_speaker(hub, r, &p.box);

	if (rc == 0 && peer_from_query(&p, hub, r) == NO_REASON)
		return r->goodbye ? peer_goodbye(&p) : peer_talk(&p);
	if (rc < 0 && rc != -ERR_NOTFOUND)
		return rc;
	reply_send(r, 204, NULL, STR_NONE, NULL);	/* it has lost its id meanwhile: nobody speaks */
	return 0;
}

static const struct route spoken = {
	.flags = ROUTE_WRITES | ROUTE_READS, .serve = serve_spoken, .light = peer_only_beats,
};

static bool
gets_no_upgrade(const struct req *r)
{
	return req_upgrades(r) && !r->duplex;
}

/* ---- GET /KEY/id, /KEY/peers ---- */

/* NULL: the answer is given. */
static const struct key *
key_of(struct hub *hub, struct req *r)
{
	const struct key *k;
	char name[KEY_MAX];
	enum peerjs_no no = req_segment(r, 0, name, sizeof name) == 0 ? peerjs_key(hub, str_from(name), &k) : NO_KEY;

	if (no == NO_REASON)
		return k;
	peerjs_no_problem(r, no);
	return NULL;
}

static int
serve_id(struct hub *hub, struct req *r)
{
	char id[UUID_STR_LEN];
	uuid_t random;

	if (key_of(hub, r) == NULL)
		return 0;
	uuid_generate_random(random);
	uuid_unparse_lower(random, id);
	reply_send(r, 200, "text/plain", str_from(id), NULL);
	return 0;
}

static int
on_name(void *arg, const struct claim *c)
{
	struct buf *b = arg;

	if (b->n > 1)
		buf_addc(b, ',');
	json_quote(b, c->name);
	return 0;
}

static int
serve_peers(struct hub *hub, struct req *r)
{
	char realm[REALM_MAX];
	const struct key *k = key_of(hub, r);
	struct buf b;
	int rc;

	if (k == NULL)
		return 0;
	if (!k->discovery) {
		reply_problem(r, -ERR_AUTH, "Discovery is off for this key: sigpost key set KEY --discovery on");
		return 0;
	}
	snprintf(realm, sizeof realm, KEY_REALM "%s", k->realm);
	buf_init(&b, PEERS_MAX);
	buf_addc(&b, '[');
	rc = store_claim_names(hub->store, realm, on_name, &b);
	buf_addc(&b, ']');
	if (rc == 0)
		rc = buf_err(&b);
	if (rc == 0)
		reply_send(r, 200, "application/json", buf_str(&b), NULL);
	buf_release(&b);
	return rc;
}

/* ---- the table ---- */

/* The first segment of a path is a key, but that of /peerjs, whose query names it. */
static int
named_key(const struct req *r, char *out)
{
	if (str_eq(r->path, STR("/peerjs")) || str_eq(r->path, STR("/peerjs/")))
		return req_query(r, "key", out, KEY_MAX);
	return req_segment(r, 0, out, KEY_MAX);
}

static const struct route routes[] = {
	{ "/peerjs", 1 << M_GET, NULL, ROUTE_WRITES | ROUTE_READS, serve_stream, gets_no_upgrade, &spoken },
	{ "/peerjs", 1 << M_POST, NULL, ROUTE_WRITES | ROUTE_READS, serve_messages, peer_only_beats, NULL },
	{ "/*/id", 1 << M_GET, NULL, ROUTE_READS, serve_id, NULL, NULL },
	{ "/*/peers", 1 << M_GET, NULL, ROUTE_READS, serve_peers, NULL, NULL },
	{ "/*/*/*/id", 1 << M_POST, NULL, ROUTE_WRITES | ROUTE_BODILESS, peer_old_stream, NULL, NULL },
	{ "/*/*/*/offer", 1 << M_POST, NULL, ROUTE_WRITES, peer_old_message, NULL, NULL },
	{ "/*/*/*/answer", 1 << M_POST, NULL, ROUTE_WRITES, peer_old_message, NULL, NULL },
	{ "/*/*/*/candidate", 1 << M_POST, NULL, ROUTE_WRITES, peer_old_message, NULL, NULL },
	{ "/*/*/*/leave", 1 << M_POST, NULL, ROUTE_WRITES, peer_old_message, NULL, NULL },
	{ .path = NULL },
};

const struct proto proto_peerjs = { .name = "peerjs", .key = named_key, .routes = routes, .expired = peer_expired };
