/*
 * proto-sigver - the channel: GET makes or resumes a source, POST speaks for it.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "err.h"
#include "proto-key.h"
#include "proto-sigver.h"
#include "reply.h"
#include "token.h"
#include "upgrade.h"

#define USE_AUTH	"sigver auth"
#define USE_HANDLE	"sigver handle"

static const struct dialect generation_d = { "sigver", "sigver/open", false };
static const struct dialect generation_e = { "sigver/opened", "sigver/opened", true };

/* ---- GET: a stream for a source ---- */

static int
new_source(struct hub *hub, struct req *r, const struct dialect *d, struct hub_open *o)
{
	unsigned char auth[TOKEN_SIZE], handle[TOKEN_SIZE], auth_hash[HASH_SIZE], handle_hash[HASH_SIZE];
	char text[TOKEN_TEXT];
	int rc;

	token_make(auth);
	token_make(handle);
	token_text(auth, text);
	token_hash(hub->store, USE_AUTH, str_from(text), auth_hash);
	token_hash(hub->store, USE_HANDLE, str_make((const char *)handle, HANDLE_SIZE), handle_hash);
	rc = store_box_add(hub->store, d->realm, auth_hash, handle_hash, &o->box);
	if (rc < 0)
		return rc;
	o->handle = handle;
	o->hello_name = STR("auth");
	o->hello_data = str_from(text);
	return hub_open(hub, r, o);
}

static int
open_source(struct hub *hub, struct req *r, const struct dialect *d, struct hub_open *o)
{
	unsigned char hash[HASH_SIZE];
	char from[CURSOR_MAX], to[CURSOR_MAX];
	struct cursor at;
	struct box b;
	int rc;

	if (cursor_parse(r->last_event_id, &at) < 0 || !at.has_handle)
		return new_source(hub, r, d, o);
	token_hash(hub->store, USE_HANDLE, str_make((const char *)at.handle, HANDLE_SIZE), hash);
	rc = store_box_by_handle(hub->store, d->realm, hash, &b);
	if (rc == 0 && hub_resumable(hub, &b, at.seq)) {
		o->handle = at.handle;
		return hub_resume(hub, r, &b, &at, o);
	}
	if (rc < 0 && rc != -ERR_NOTFOUND)
		return rc;
	if (strcmp(at.epoch, hub->store->epoch) != 0) {
		o->gap_from = cursor_render(at.epoch, at.seq, from);
		o->gap_to = cursor_render(hub->store->epoch, 0, to);
	}
	return new_source(hub, r, d, o);
}

static int
serve_get(struct hub *hub, struct req *r, const struct dialect *d)
{
	struct hub_open o = { .wire = &wire_sse };
	char transport[16];
	int rc = req_query(r, "transport", transport, sizeof transport);

	if (r->duplex && upgrade_check(r) < 0)
		return 0;
	if (r->duplex && (rc == -ERR_NOTFOUND || strcmp(transport, "websocket") == 0))
		o.wire = &wire_ws;
	else if (rc == 0 && strcmp(transport, "poll") == 0)
		o.wire = &wire_poll;
	else if (rc != -ERR_NOTFOUND && strcmp(transport, "sse") != 0) {
		reply_problem(r, -ERR_BAD, "transport is sse, poll or, with an upgrade, websocket");
		return 0;
	}
	if (req_number(r, "order", 0, &o.order) == -ERR_BAD) {
		reply_problem(r, -ERR_BAD, "order is a whole number");
		return 0;
	}
	rc = str_eq(r->last_event_id, WIRE_FINAL_ID) ? -ERR_REPEATED : open_source(hub, r, d, &o);
	if (rc != -ERR_REPEATED)
		return rc;
	reply_send(r, 204, NULL, STR_NONE, NULL);
	return 0;
}

/* ---- POST: <auth>@<json> ---- */

int
sigver_close(struct talk *t, int code, const char *reason)
{
	struct buf b;
	int rc;

	buf_init(&b, 1024);
	buf_addf(&b, "{\"code\":%d,\"reason\":", code);
	json_quote(&b, str_from(reason));
	buf_addc(&b, '}');
	rc = buf_err(&b);
	if (rc == 0)
		rc = hub_end(t->hub, t->me.id, buf_str(&b));
	buf_release(&b);
	return rc;
}

int
sigver_relay(struct talk *t, int64_t box, const char *prefix, struct str value)
{
	struct buf b;
	int rc;

	buf_init(&b, value.n + 64);
	buf_addz(&b, prefix);
	json_copy(&b, value);
	buf_addc(&b, '}');
	rc = buf_err(&b);
	if (rc == 0)
		rc = hub_post(t->hub, box, t->me.id, buf_str(&b));
	buf_release(&b);
	return rc;
}

const char *
sigver_key(struct str value, enum json_kind kind, struct buf *out)
{
	size_t units;

	if (kind != JSON_STRING || json_units(value, &units) < 0)
		return "The key is not a string";
	if (units == 0)
		return "The key is an empty string";
	if (units > SIGVER_KEY_UNITS)
		return "The key length exceeds the limit of 512 characters";
	if (json_text(value, out) < 0)
		return "The key cannot be read";
	if (!str_printable(buf_str(out)))
		return "The key holds a control character";
	return NULL;
}

/* Generation D has a status of its own for this; E answers every POST with 200. */
static int
unknown_auth(struct req *r, const struct dialect *d)
{
	static const char reason[] =
	    "{\"code\":4021,\"reason\":\"AUTHENTICATION_ERROR=4021: Send message before authentication\"}\n";

	if (d->opened)
		reply_send(r, 200, "application/json", STR(reason), NULL);
	else
		reply_problem_as(r, 581, "Authentication Error",
		    "AUTHENTICATION_ERROR: the token before the @ is not that of a source at this address");
	return 0;
}

static int
answer(struct talk *t, int64_t n, const char *result)
{
	char body[64];
	int len;

	if (t->answered)
		return 0;
	if (n == 0) {
		reply_send(t->r, 200, NULL, STR_NONE, NULL);
		return 0;
	}
	len = snprintf(body, sizeof body, "{\"n\":%" PRId64 ",\"result\":\"%s\"}\n", n, result);
	reply_send(t->r, 200, "application/json", str_make(body, (size_t)len), NULL);
	return 0;
}

static int
speak(struct talk *t, int64_t n)
{
	const struct key *k = hub_key(t->hub, STR(KEY_SIGVER));
	int rc;

	if (!hub_key_spend(t->hub, t->r, k != NULL ? k->id : 0)) {
		reply_problem(t->r, -ERR_MESSAGES, "sigver has had as many messages as its rate allows");
		return 0;
	}
	rc = n == 0 ? 0 : store_box_accept(t->hub->store, t->me.id, n);
	if (rc == -ERR_REPEATED)
		return answer(t, n, "repeated");
	if (rc == 0)
		rc = sigver_is_b(t) ? sigver_talk_b(t) : sigver_talk(t);
	return rc < 0 ? rc : answer(t, n, "accepted");
}

/* A message on the source's own WebSocket, or its end: then the source ends, too. */
static int
serve_spoken(struct hub *hub, struct req *r, const struct dialect *d)
{
	struct talk t = { .hub = hub, .r = r, .dialect = d };
	int rc = hub_speaker(hub, r, &t.me);

	if (rc == 0 && r->goodbye)
		rc = hub_end(hub, t.me.id, STR("{\"code\":1000,\"reason\":\"closed\"}"));
	else if (rc == 0) {
		t.parsed = json_members(r->body, t.m, SIGVER_MEMBERS, &t.count);
		return speak(&t, 0);
	}
	if (rc < 0 && rc != -ERR_NOTFOUND)
		return rc;
	reply_send(r, 204, NULL, STR_NONE, NULL);
	return 0;
}

static int
serve_post(struct hub *hub, struct req *r, const struct dialect *d)
{
	struct talk t = { .hub = hub, .r = r, .dialect = d };
	unsigned char hash[HASH_SIZE];
	struct str auth, text;
	int64_t n;	/* which of several tries of one message this is */
	int rc;

	if (req_number(r, "n", 1, &n) == -ERR_BAD) {
		reply_problem(r, -ERR_BAD, "n is a whole number from 1, rising with each message of a source");
		return 0;
	}
	if (!str_cut(r->body, '@', &auth, &text))
		return unknown_auth(r, d);
	token_hash(hub->store, USE_AUTH, auth, hash);
	rc = store_box_by_token(hub->store, d->realm, hash, &t.me);
	if (rc == -ERR_NOTFOUND || (rc == 0 && (t.me.state != BOX_LIVE || !token_same(hash, t.me.token))))
		return unknown_auth(r, d);
	if (rc < 0)
		return rc;
	if (text.n > (uint64_t)hub->conf->max_message_bytes) {
		reply_problem(r, -ERR_TOOBIG, "The message is longer than max_message_bytes.");
		return 0;
	}
	t.parsed = json_members(text, t.m, SIGVER_MEMBERS, &t.count);
	return speak(&t, n);
}

/* ---- the table ---- */

static int
get_d(struct hub *hub, struct req *r)
{
	return serve_get(hub, r, &generation_d);
}

static int
post_d(struct hub *hub, struct req *r)
{
	return serve_post(hub, r, &generation_d);
}

static int
get_e(struct hub *hub, struct req *r)
{
	return serve_get(hub, r, &generation_e);
}

static int
post_e(struct hub *hub, struct req *r)
{
	return serve_post(hub, r, &generation_e);
}

static int
spoken_d(struct hub *hub, struct req *r)
{
	return serve_spoken(hub, r, &generation_d);
}

static int
spoken_e(struct hub *hub, struct req *r)
{
	return serve_spoken(hub, r, &generation_e);
}

#define CHANNEL	(ROUTE_WRITES | ROUTE_CREDENTIALS)

static const struct route says_d = { .flags = ROUTE_WRITES | ROUTE_MORTAL, .serve = spoken_d };
static const struct route says_e = { .flags = ROUTE_WRITES | ROUTE_MORTAL, .serve = spoken_e };

static const struct route routes[] = {
	{ "/sigver/opened", 1 << M_GET, NULL, CHANNEL, get_e, NULL, &says_e },
	{ "/sigver/opened", 1 << M_POST, NULL, CHANNEL, post_e, NULL, NULL },
	{ "/sigver", 1 << M_GET, NULL, CHANNEL, get_d, NULL, &says_d },
	{ "/sigver", 1 << M_POST, NULL, CHANNEL, post_d, NULL, NULL },
	{ "/", 1 << M_GET, NULL, CHANNEL | ROUTE_UPGRADES, get_d, NULL, &says_d },
	{ "/", 1 << M_GET, "text/event-stream", CHANNEL, get_d, NULL, &says_d },
	{ "/", 1 << M_POST, NULL, CHANNEL, post_d, NULL, NULL },
	{ .path = NULL },
};

/* ---- its key ---- */

static int
key_of(const struct req *r, char *out)
{
	(void)r;
	return str_copy(STR(KEY_SIGVER), out, KEY_MAX);
}

static int
barred(struct req *r)
{
	char transport[16];

	if (r->method == M_POST)
		return key_refuse(r, KEY_SIGVER);
	if (r->duplex)
		return upgrade_check(r) < 0 ? 0 : key_decline(r, KEY_SIGVER, &wire_ws);
	req_query(r, "transport", transport, sizeof transport);
	return key_decline(r, KEY_SIGVER, strcmp(transport, "poll") == 0 ? &wire_poll : &wire_sse);
}

const struct proto proto_sigver = { .name = "sigver", .key = key_of, .barred = barred, .routes = routes };
