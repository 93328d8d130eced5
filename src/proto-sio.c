/*
 * proto-sio - Engine.IO at /socket.io and /socket.io-next: sessions, polls, WebSockets.
 *
 * The order in which a request is looked at, and the codes it is refused with, are the released
 * servers' (eio.h). JSONP is refused as a bad request.
 */
#include "config.h"

#include <string.h>

#include "conn.h"
#include "err.h"
#include "proto-sio.h"
#include "proto-star.h"
#include "reply.h"
#include "sio.h"
#include "token.h"
#include "upgrade.h"
#include "ws.h"

#define USE_SID		"engine.io sid"
#define PING_TIMEOUT_MS	20000	/* of the released servers */
#define OPEN_MAX	512	/* bytes of the first packets */
#define SESSION_ENDED	"the session has ended"
#define PROBED_MS	1000	/* how much later than the noop the answer to a probe may arrive */

static const struct {
	const char	*realm;
	const struct wire *poll, *websocket, *sse, *json;
} versions[] = {
	[3] = { "sio3", &wire_sio3_poll, &wire_sio3_ws, &wire_sio3_sse, &wire_sio3_json },
	[4] = { "sio4", &wire_sio4_poll, &wire_sio4_ws, &wire_sio4_sse, &wire_sio4_json },
};

/* ---- refusals ---- */

/* A WebSocket that breaks the rules is closed. */
static int
hang_up(struct req *r, const char *reason)
{
	struct buf b;

	buf_init(&b, OPEN_MAX);
	ws_put_close(&b, WS_POLICY, str_from(reason));
	conn_add(r->conn, buf_str(&b));
	conn_finish(r->conn);
	buf_release(&b);
	return 0;
}

/* On a WebSocket all that can be wrong with the address by now is that its session has ended. */
static int
refuse(struct req *r, enum eio_code code)
{
	struct buf b;

	if (r->spoken)
		return hang_up(r, SESSION_ENDED);
	buf_init(&b, OPEN_MAX);
	eio_code_put(&b, code);
	reply_send(r, eio_code_status(code), "application/json", buf_str(&b), NULL);
	buf_release(&b);
	return 0;
}

static int
done(struct req *r)
{
	reply_send(r, 200, "text/html", STR("ok"), NULL);
	return 0;
}

/* ---- whose session ---- */

/* The session the request names: 0, -ERR_NOTFOUND (also if it names none: *named). */
static int
find(struct session *s, bool *named)
{
	int rc;

	s->realm = versions[s->version].realm;
	*named = sio_name(s);
	if (!*named)
		return -ERR_NOTFOUND;
	token_hash(s->hub->store, USE_SID, str_from(s->sid), s->hash);
	rc = store_box_by_token(s->hub->store, s->realm, s->hash, &s->box);
	if (rc == 0 && (s->box.state != BOX_LIVE || hub_retired(&s->box) || !token_same(s->hash, s->box.token)))
		rc = -ERR_NOTFOUND;
	return rc;
}

/* ---- a new session ---- */

static uint32_t
ping_interval(const struct conf *c)
{
	return (uint32_t)(c->hold_ms > c->heartbeat_max_ms ? c->hold_ms : c->heartbeat_max_ms);
}

/* A client tries the other transport if it is told to, and stays if that fails; nginx and Apache never
 * let it through. */
static bool
may_upgrade(const struct hub *hub, const struct req *r)
{
	if (strcmp(hub->conf->websocket, "auto") != 0)
		return strcmp(hub->conf->websocket, "on") == 0;
	return str_starts(req_software(r), STR("lighttpd/"));
}

static void
put_open(struct buf *out, const struct session *s, bool websocket)
{
	const struct conf *c = s->hub->conf;
	struct eio_open o = {
		.sid = str_from(s->sid), .websocket = websocket,
		.ping_interval_ms = ping_interval(c), .ping_timeout_ms = PING_TIMEOUT_MS,
		.max_payload = s->version == 4 ? (uint32_t)c->max_body_bytes : 0,
	};

	eio_open_put(out, &o);
}

static int
new_session(struct session *s, unsigned char token[TOKEN_SIZE])
{
	token_make(token);
	token_text(token, s->sid);
	token_hash(s->hub->store, USE_SID, str_from(s->sid), s->hash);
	return store_box_add(s->hub->store, versions[s->version].realm, s->hash, NULL, &s->box.id);
}

static int
open_poll(struct session *s)
{
	unsigned char token[TOKEN_SIZE];
	struct buf b, packet;
	int rc = new_session(s, token);

	if (rc < 0)
		return rc;
	buf_init(&b, 2 * OPEN_MAX);
	buf_init(&packet, OPEN_MAX);
	put_open(&packet, s, may_upgrade(s->hub, s->r));
	eio_payload_put(&b, s->version, true, EIO_OPEN, buf_str(&packet));
	if (s->version == 3)
		eio_payload_put(&b, s->version, false, EIO_MESSAGE, STR("0"));
	reply_send(s->r, 200, "text/plain; charset=UTF-8", buf_str(&b), NULL);
	buf_release(&packet);
	buf_release(&b);
	return 0;
}

int
sio_open(struct session *s, struct hub_open *o)
{
	unsigned char token[TOKEN_SIZE];
	struct buf packet;
	int rc = new_session(s, token);

	if (rc == 0 && s->version == 3)
		rc = sio_tell(s, STR("40"));
	if (rc < 0)
		return rc;
	buf_init(&packet, OPEN_MAX);
	buf_addc(&packet, '0');
	put_open(&packet, s, false);
	o->box = s->box.id;
	o->handle = token;
	o->hello_data = buf_str(&packet);
	rc = hub_open(s->hub, s->r, o);
	buf_release(&packet);
	return rc;
}

/* ---- GET ---- */

int
sio_listen(struct session *s)
{
	int rc = store_claim_any(s->hub->store, STAR_REALM, s->box.id);

	if (rc == 0)
		hub_roster_listen(s->hub, s->box.id, ROSTER_ALL_IF_NEW);
	return rc == -ERR_NOTFOUND ? 0 : rc;
}

/* Lets a poll go that is open: a noop, and as its data, which nobody looks at, when. */
static int
let_poll_go(struct session *s)
{
	struct buf b;
	int rc;

	buf_init(&b, OPEN_MAX);
	eio_packet_put(&b, EIO_NOOP, STR_NONE);
	buf_addu(&b, (uint64_t)loop_real(s->hub->loop));
	rc = sio_tell(s, buf_str(&b));
	buf_release(&b);
	return rc;
}

static int
look_for_noop(void *arg, const struct msg_row *m)
{
	uint64_t *at = arg;

	if (m->kind != MSG_DATA || !str_starts(m->body, STR("6")) || str_uint(str_skip(m->body, 1), INT64_MAX, at) < 0)
		*at = 0;
	return 1;
}

/* What it was last told is that noop. If it has overtaken the answer to the probe, the client polls on, but
 * will not go over, nor say anything, while that poll is open. */
static int
ask_probed(struct session *s, bool *probed)
{
	uint64_t at = 0;
	int rc = store_msg_read(s->hub->store, s->box.id, s->box.taken - 1, look_for_noop, &at);

	*probed = at != 0 && loop_real(s->hub->loop) - (int64_t)at < PROBED_MS;
	return rc;
}

static int
open_next_poll(struct session *s)
{
	struct hub_open o = { .wire = versions[s->version].poll, .box = s->box.id };
	bool probed;
	int rc = ask_probed(s, &probed);

	if (probed)
		o.hello_data = STR("6");
	if (rc == 0)
		rc = hub_open(s->hub, s->r, &o);
	return rc < 0 ? rc : sio_listen(s);
}

/* One poll at a time. Of two the older is told 400 by the end of the session, the younger at once; a
 * session that went over to a WebSocket has none at all. */
static int
poll(struct session *s)
{
	struct stream *other = hub_stream(s->hub, s->box.id);
	int rc = 0;

	if (other == NULL && s->box.hub == 0)
		return open_next_poll(s);
	if (other == NULL && store_hub_alive(s->hub->store, s->box.hub) == -ERR_NOTFOUND)
		return open_next_poll(s);
	if (other == NULL || !other->wire->duplex)
		rc = sio_break_off(s);
	return rc < 0 ? rc : refuse(s->r, EIO_BAD_REQUEST);
}

/* With a cursor, be it empty, it is a session's that had a WebSocket and lost it; otherwise one that goes over
 * from polls, once it has been probed. */
static int
websocket(struct session *s, bool named)
{
	const struct hub_open o = { .wire = versions[s->version].websocket };
	const struct stream *old = named ? hub_stream(s->hub, s->box.id) : NULL;
	char text[CURSOR_MAX];
	bool back = named && req_query(s->r, "cursor", text, sizeof text) != -ERR_NOTFOUND;

	if (!s->r->duplex || (old != NULL && old->wire->duplex && !back))
		return refuse(s->r, EIO_BAD_REQUEST);
	if (upgrade_check(s->r) < 0)
		return 0;
	return named && !back ? hub_open(s->hub, s->r, &o) : sio_stream(s, named, o.wire);
}

struct question {
	struct session	 s;
	enum eio_transport transport;
	bool		 named;		/* a sid */
};

static bool
is_ours(enum eio_transport transport)
{
	return transport == EIO_SSE || transport == EIO_POLL;
}

/* 0; or -ERR_BAD and the request is answered; or an error of the store. */
static int
ask(struct question *q, struct hub *hub, struct req *r)
{
	char text[16];
	int rc, version;

	q->s.hub = hub;
	q->s.r = r;
	if (req_query(r, "transport", text, sizeof text) < 0 || eio_transport(str_from(text), &q->transport) < 0)
		return refuse(r, EIO_NO_TRANSPORT), -ERR_BAD;
	q->s.polls = q->transport == EIO_POLLING && !r->spoken;
	version = req_query(r, "EIO", text, sizeof text) == -ERR_TOOBIG ? -ERR_VERSION : eio_version(str_from(text));
	q->s.version = version < 0 ? 4 : version;
	rc = find(&q->s, &q->named);
	if (rc == -ERR_NOTFOUND && q->named && r->method == M_GET && is_ours(q->transport))
		rc = sio_find_ended(&q->s);
	if (rc < 0 && rc != -ERR_NOTFOUND)
		return rc;
	if (q->named && rc < 0)
		return refuse(r, EIO_NO_SID), -ERR_BAD;
	if (!q->named && r->method != M_GET && !r->spoken)
		return refuse(r, EIO_BAD_METHOD), -ERR_BAD;
	if (!q->named && !r->spoken && q->transport == EIO_WEBSOCKET && !req_upgrades(r))
		return refuse(r, EIO_BAD_REQUEST), -ERR_BAD;
	if (version < 0)
		return refuse(r, EIO_BAD_VERSION), -ERR_BAD;
	if (req_query(r, "j", text, sizeof text) != -ERR_NOTFOUND)
		return refuse(r, EIO_BAD_REQUEST), -ERR_BAD;
	return 0;
}

static int
serve_get(struct hub *hub, struct req *r)
{
	struct question q;
	int rc = ask(&q, hub, r);

	if (rc < 0)
		return rc == -ERR_BAD ? 0 : rc;
	if (q.transport == EIO_WEBSOCKET)
		return websocket(&q.s, q.named);
	if (is_ours(q.transport))
		return sio_stream(&q.s, q.named, q.transport == EIO_SSE ? versions[q.s.version].sse : versions[q.s.version].json);
	return q.named ? poll(&q.s) : open_poll(&q.s);
}

/* ---- POST ---- */

/* All of it, or nothing. */
static bool
sound(const struct session *s, struct str body)
{
	struct eio_payload it;
	struct eio_packet p;
	size_t count;
	int rc;

	if (eio_payload_check(s->version, body, &count) < 0 || (int64_t)count > s->hub->conf->max_batch)
		return false;
	for (rc = eio_payload(&it, s->version, body); rc == 0 && eio_payload_next(&it, &p) > 0; )
		if (p.data.n > (uint64_t)s->hub->conf->max_message_bytes || sio_wrong(s, &p) != NULL)
			return false;
	return true;
}

static int
serve_post(struct hub *hub, struct req *r)
{
	struct question q;
	struct eio_payload it;
	struct eio_packet p;
	bool ended = false;
	int64_t n;
	int rc = ask(&q, hub, r);

	if (rc < 0)
		return rc == -ERR_BAD ? 0 : rc;
	if (q.transport == EIO_WEBSOCKET || !sound(&q.s, r->body) || req_number(r, "n", 1, &n) == -ERR_BAD)
		return refuse(r, EIO_BAD_REQUEST);
	if (n > 0 && n <= q.s.box.n)	/* it was taken before */
		return done(r);
	rc = eio_payload(&it, q.s.version, r->body);
	while (rc == 0 && !ended && eio_payload_next(&it, &p) > 0)
		rc = sio_take(&q.s, &p, &ended);
	if (rc == 0 && n > 0 && !ended && !sio_only_beats(r))
		rc = store_box_accept(hub->store, q.s.box.id, n);
	return rc < 0 ? rc : done(r);
}

/* ---- what is said on a WebSocket ---- */

/* Answered at once, without the mailbox; the answer to a probe lets the poll go that is still open, for
 * its client waits for it before it goes over. */
static int
answer_ping(struct session *s, const struct eio_packet *p)
{
	struct buf words, b;
	int rc = 0;

	buf_init(&words, OPEN_MAX);
	buf_init(&b, 2 * OPEN_MAX);
	eio_packet_put(&words, EIO_PONG, p->data);
	ws_put(&b, WS_TEXT, buf_str(&words));
	if (buf_err(&words) == 0 && buf_err(&b) == 0)
		conn_add(s->r->conn, buf_str(&b));
	buf_release(&words);
	buf_release(&b);
	if (s->r->box == 0)
		rc = let_poll_go(s);
	if (rc == 0)
		conn_finish(s->r->conn);
	return rc;
}

static int
go_over(struct session *s)
{
	int rc = sio_listen(s);

	if (rc == 0)
		rc = hub_receive(s->hub, s->r, s->box.id);
	return rc < 0 && rc != -ERR_NOTFOUND ? rc : done(s->r);
}

static int
hear(struct session *s)
{
	struct eio_packet p;
	const char *wrong;
	bool ended;
	int rc;

	if (s->r->binary)	/* an attachment of an event that was refused */
		return done(s->r);
	if (eio_packet_read(s->version, s->r->body, &p) < 0)
		return hang_up(s->r, "this is no packet of Engine.IO");
	if (p.type == EIO_PING)
		return answer_ping(s, &p);
	if (p.type == EIO_UPGRADE && s->r->box == 0)
		return go_over(s);
	wrong = s->r->box == 0 && p.type != EIO_CLOSE ? "the session has not gone over yet" : sio_wrong(s, &p);
	if (wrong != NULL)
		return hang_up(s->r, wrong);
	rc = sio_take(s, &p, &ended);
	return rc < 0 ? rc : done(s->r);
}

/* Who speaks: the session of the WebSocket; before it has gone over, that of the sid. */
static int
serve_spoken(struct hub *hub, struct req *r)
{
	struct question q;
	int rc = r->box != 0 ? 0 : ask(&q, hub, r);
	char text[16];

	if (r->box != 0) {
		req_query(r, "EIO", text, sizeof text);
		q.s = (struct session){ .hub = hub, .r = r, .version = eio_version(str_from(text)) };
		rc = hub_speaker(hub, r, &q.s.box);
	}
	if (rc == -ERR_NOTFOUND)
		return hang_up(r, SESSION_ENDED);
	if (rc < 0)
		return rc == -ERR_BAD ? 0 : rc;
	if (!r->goodbye)
		return hear(&q.s);
	rc = r->box != 0 ? sio_end(&q.s) : 0;
	return rc < 0 ? rc : done(r);
}

/* ---- the table ---- */

#define SESSION	(ROUTE_WRITES | ROUTE_CREDENTIALS)

static const struct route spoken = {
	.flags = ROUTE_WRITES | ROUTE_READS, .serve = serve_spoken, .light = sio_only_beats,
};

static const struct route routes[] = {
	{ "/socket.io", 1 << M_GET, NULL, SESSION, serve_get, NULL, &spoken },
	{ "/socket.io", 1 << M_POST, NULL, SESSION | ROUTE_READS, serve_post, sio_only_beats, NULL },
	{ "/socket.io-next", 1 << M_GET, NULL, SESSION, serve_get, NULL, &spoken },
	{ "/socket.io-next", 1 << M_POST, NULL, SESSION | ROUTE_READS, serve_post, sio_only_beats, NULL },
	{ .path = NULL },
};

static int
barred(struct req *r)
{
	return refuse(r, EIO_FORBIDDEN);
}

const struct proto proto_sio = { .name = "socket.io", .key = star_key, .barred = barred, .routes = routes };
