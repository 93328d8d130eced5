/*
 * route - the tables of all protocols, in order; the first row that fits serves.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "conn.h"
#include "err.h"
#include "log.h"
#include "origin.h"
#include "proto.h"
#include "reply.h"
#include "route.h"
#include "upgrade.h"

/* ---- the root: what PeerJS's server says, or the pages ---- */

static int
serve_index(struct hub *hub, struct req *r)
{
	(void)hub;
	reply_send(r, 200, "application/json", STR("{\"name\":\"PeerJS Server\",\"description\":"
	    "\"A server side element to broker connections between PeerJS clients.\","
	    "\"website\":\"https://peerjs.com/\"}"), NULL);
	return 0;
}

static int
serve_pages(struct hub *hub, struct req *r)
{
	struct buf b;

	(void)hub;
	buf_init(&b, 1024);
	buf_adds(&b, STR("Location: "));
	buf_adds(&b, r->mount);
	buf_adds(&b, STR("/www/\r\nVary: Accept\r\n"));
	buf_addc(&b, '\0');
	if (buf_err(&b) == 0)
		reply_send(r, 302, NULL, STR_NONE, b.p);
	else
		reply_problem(r, -ERR_TOOBIG, NULL);
	buf_release(&b);
	return 0;
}

static const struct route root_routes[] = {
	{ "/", 1 << M_GET | 1 << M_HEAD, "text/html", 0, serve_pages, NULL, NULL },
	{ "/", 1 << M_GET | 1 << M_HEAD, NULL, 0, serve_index, NULL, NULL },
	{ .path = NULL },
};
static const struct proto proto_root = { .name = "root", .routes = root_routes };

static const struct proto *const protos[] = { &proto_sigver, &proto_peerjs, &proto_star, &proto_sio, &proto_health,
	&proto_root };

/* ---- matching ---- */

static struct str
without_slash(struct str path)
{
	if (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	return path;
}

/* Segment by segment; a * in the pattern is any segment but an empty one. An empty one at the end counts as any other:
 * protocols tell by the path which key is asked for (proto->key), and must not tell another one than is served. */
static bool
path_fits(struct str path, struct str pattern)
{
	struct str have, want;
	bool more = true;

	while (more) {
		more = str_cut(path, '/', &have, &path);
		if (str_cut(pattern, '/', &want, &pattern) != more)
			return false;
		if (!str_eq(want, STR("*")) ? !str_eq(have, want) : have.n == 0)
			return false;
	}
	return true;
}

struct match {
	const struct route	*route;		/* NULL: none fits */
	const struct proto	*proto;		/* whose row fits; else whose path; NULL: none */
	unsigned		 methods;	/* of all rows of the path; 0: no such path */
	bool			 credentials;	/* some row of the path allows them */
};

static bool
fits(const struct route *row, const struct req *r)
{
	return (row->methods & 1u << r->method) != 0 &&
	    ((row->flags & ROUTE_UPGRADES) == 0 || r->duplex) &&
	    (row->accept == NULL || req_accepts(r, str_from(row->accept)));
}

static struct match
find(const struct req *r)
{
	struct match m = { .route = NULL };
	struct str path = without_slash(r->path);
	const struct route *row;
	size_t i;

	for (i = 0; i < sizeof protos / sizeof protos[0]; i++)
		for (row = protos[i]->routes; row->path != NULL; row++) {
			if (!path_fits(path, str_from(row->path)))
				continue;
			m.methods |= row->methods;
			m.credentials = m.credentials || (row->flags & ROUTE_CREDENTIALS) != 0;
			if (m.proto == NULL)
				m.proto = protos[i];
			if (m.route == NULL && fits(row, r)) {
				m.route = row;
				m.proto = protos[i];
			}
		}
	return m;
}

/* ---- answers of our own ---- */

static const char *
allow(unsigned methods)
{
	bool get = (methods & 1u << M_GET) != 0, post = (methods & 1u << M_POST) != 0;

	return get && post ? "Allow: GET, POST, OPTIONS\r\n" :
	    get ? "Allow: GET, OPTIONS\r\n" : "Allow: POST, OPTIONS\r\n";
}

static void
preflight(struct req *r)
{
	reply_send(r, 204, NULL, STR_NONE,
	    "Access-Control-Allow-Methods: GET, POST, OPTIONS\r\n"
	    "Access-Control-Allow-Headers: Content-Type, Last-Event-ID, Cache-Control\r\n"
	    "Access-Control-Max-Age: 86400\r\n");
}

static void
no_route(struct req *r, const struct match *m)
{
	struct str body = STR("{\"type\":\"about:blank\",\"title\":\"Method Not Allowed\",\"status\":405,"
	    "\"detail\":\"This address takes the methods in the Allow header.\"}\n");

	if (m->methods == 0)
		reply_problem(r, -ERR_NOTFOUND, "The API is at /, /peerjs, /KEY/id, /sigver and /star below this server's mount path.");
	else
		reply_send(r, 405, "application/problem+json", body, allow(m->methods));
}

/* What the sender can do about it; NULL where the title says all there is. */
static const char *
detail_of(int err)
{
	static const struct { int err; const char *detail; } details[] = {
		{ ERR_BAD, "The request is malformed or its body is shorter than its Content-Length." },
		{ ERR_LENGTH, "Send the body with its Content-Length." },
		{ ERR_TOOBIG, "The body or the headers are longer than this server takes." },
		{ ERR_TYPE, "Send the body without a Content-Encoding." },
		{ ERR_BATCH, "Nothing was accepted. Send fewer at once." },
		{ ERR_TIMEOUT, "The request was not complete in time." },
		{ ERR_QUOTA, "What was accepted is kept. Try again when some of it was taken." },
		{ ERR_FULL, "The disk or the database is full. What was accepted is kept." },
	};
	size_t i;

	for (i = 0; i < sizeof details / sizeof details[0]; i++)
		if (details[i].err == -err)
			return details[i].detail;
	return NULL;
}

/* ---- a row ---- */

/* The path itself may hold a token. */
static void
fail(struct req *r, int rc)
{
	if (err_status(rc) >= 500 && rc != -ERR_LEAVING)
		LOG(LOG_ERROR, "a request failed", LOG_Z("error", err_name(rc)), LOG_Z("route", r->route->path));
	reply_problem(r, rc, detail_of(rc));
}

/* EventSource gives up on any status but 200 (HTML standard, 9.2.2), but not on a stream that ends. */
static void
come_again(struct req *r, uint32_t ms, struct str event)
{
	char retry[32];

	snprintf(retry, sizeof retry, "retry: %" PRIu32 "\n\n", ms);
	reply_stream_head(r, "text/event-stream");
	conn_add(r->conn, event);
	conn_add(r->conn, str_from(retry));
	conn_finish(r->conn);
}

static bool
is_event_source(const struct req *r)
{
	return r->method == M_GET && req_accepts(r, STR("text/event-stream"));
}

/* ---- limits of an address ---- */

#define CROWD_S	10	/* when a session ends nobody knows */

/* Over address_requests or address_sessions. Those who are sent away together do not come back together. */
static void
too_many(struct hub *hub, struct req *r, int rc)
{
	const struct conf *c = hub->conf;
	char detail[192];

	if (rc == -ERR_CROWD)
		r->retry_after = CROWD_S;
	if (is_event_source(r)) {
		come_again(r, r->retry_after * 1000 + loop_jitter(r->retry_after * 1000), STR_NONE);
		return;
	}
	if (rc == -ERR_CROWD)
		snprintf(detail, sizeof detail, "address_sessions is %" PRId64
		    ": one address may have so many streams, polls and WebSockets open.", c->address_sessions);
	else
		snprintf(detail, sizeof detail, "address_requests is %" PRId64 ", address_burst %" PRId64
		    ": one address may make so many requests a second, and so many at once.",
		    c->address_requests, c->address_burst);
	reply_problem(r, rc, detail);
}

#define STREAMS_S	5	/* one ends when nobody knows */

/* Our own client polls for a while when it hears the event; others know no event of this name. */
static void
no_stream(struct req *r)
{
	r->retry_after = STREAMS_S;
	if (is_event_source(r))
		come_again(r, STREAMS_S * 1000 + loop_jitter(STREAMS_S * 1000), STR("event: poll\ndata: {}\n"));
	else
		reply_problem(r, -ERR_STREAMS, "CGI requests hold cgi_streams event streams open. Ask with transport=poll.");
}

/*
 * What was said on a WebSocket waits, and with it all that comes behind it, so its client is slowed down and
 * nothing is lost; unless the WebSocket is gone: then nobody is slowed down.
 */
static void
not_admitted(struct hub *hub, struct req *r, int rc)
{
	if (r->spoken && hub_heard(r)) {
		hub_wait(hub, r);
		return;
	}
	too_many(hub, r, rc);
	hub_hold(hub, r);
}

static void
finish(struct hub *hub, struct req *r, int rc)
{
	if (rc < 0)
		hub_retract(hub, r);
	if (rc == -ERR_WAIT) {
		hub_wait(hub, r);
		return;
	}
	if (rc == -ERR_SILENT) {
		hub_leave_open(hub, r);
		return;
	}
	if (rc == -ERR_LEAVING && is_event_source(r))
		come_again(r, 1000, STR_NONE);
	else if (rc == -ERR_CROWD)
		too_many(hub, r, rc);
	else if (rc == -ERR_STREAMS)
		no_stream(r);
	else if (rc < 0)
		fail(r, rc);
	hub_hold(hub, r);
}

/* Inside a turn each request has a mark of its own: an error takes back its writes alone. */
static void
serve_writing(struct hub *hub, struct req *r, const struct route *row)
{
	int rc = hub_begin(hub);

	if (rc == -ERR_BUSY) {
		hub_park(hub, r);
		return;
	}
	if (rc == 0)
		rc = hub_mark(hub);
	if (rc == 0) {
		rc = row->serve(hub, r);
		if (rc == -ERR_FULL || rc == -ERR_IO)
			hub_abandon(hub, rc);
		else if (rc < 0)
			hub_undo(hub);
		else
			store_release(hub->store);
	}
	finish(hub, r, rc);
}

/* A compressed body would only look like broken JSON. */
static bool
encoded(const struct req *r)
{
	return r->content_encoding.n > 0 && !str_eqcase(r->content_encoding, STR("identity"));
}

static void
serve_reading(struct hub *hub, struct req *r, const struct route *row)
{
	int rc = hub->store == NULL ? -ERR_IO : store_read_begin(hub->store, loop_real(hub->loop));

	if (rc == 0) {
		rc = row->serve(hub, r);
		store_read_end(hub->store);
	}
	if (rc == -ERR_BUSY)
		hub_park(hub, r);
	else
		finish(hub, r, rc);
}

static bool
writes(const struct req *r, const struct route *row)
{
	return (row->flags & ROUTE_WRITES) != 0 && (r->goodbye || row->light == NULL || !row->light(r));
}

/* What was said on a WebSocket is served by the row its opening names. */
static void
serve_spoken(struct hub *hub, struct req *r)
{
	const struct route *row = r->route->hears;

	if (writes(r, row))
		serve_writing(hub, r, row);
	else
		serve_reading(hub, r, row);
}

static void
serve_row(struct hub *hub, struct req *r, const struct route *row)
{
	r->route = row;
	if (r->method == M_POST && r->length < 0 && (row->flags & ROUTE_BODILESS) == 0)
		finish(hub, r, -ERR_LENGTH);
	else if (r->method == M_POST && encoded(r))
		finish(hub, r, -ERR_TYPE);
	else if (writes(r, row))
		serve_writing(hub, r, row);
	else if ((row->flags & ROUTE_READS) != 0)
		serve_reading(hub, r, row);
	else
		finish(hub, r, row->serve(hub, r));
}

/* ---- whose pages, which key ---- */

/* Whether the page comes from the host that it asks. */
static bool
own_page(const struct req *r)
{
	struct str scheme, host;

	return str_cut(r->origin, '/', &scheme, &host) && (str_eq(scheme, STR("https:")) || str_eq(scheme, STR("http:"))) &&
	    str_starts(host, STR("/")) && host.n > 1 && str_eqcase(str_skip(host, 1), r->host);
}

/* Programs send no Origin, and what they send could be believed no more than the rest. Our own pages may always. */
static enum req_pages
judge_page(struct str list, const struct req *r)
{
	if (origins_any(list))
		return PAGES_ALL;
	if (r->origin.n == 0 || own_page(r) || origins_allow(list, r->origin))
		return PAGES_LISTED;
	return PAGES_FOREIGN;
}

/* What names no key, or none there is, is its protocol's to refuse; the list is the server's then. */
static void
enter(struct hub *hub, struct req *r, const struct proto *proto)
{
	struct str list = str_from(hub->conf->origins);
	char name[KEY_MAX];

	r->key = 0;
	r->bar = BAR_NONE;
	if (proto != NULL && proto->key != NULL && proto->key(r, name) == 0)
		list = hub_key_enter(hub, r, str_from(name));
	r->pages = judge_page(list, r);
}

static bool
barred(const struct req *r, const struct proto *proto)
{
	return r->method != M_OPTIONS && proto != NULL && proto->barred != NULL && r->bar != BAR_NONE && r->bar != BAR_UNKNOWN;
}

static void
serve_match(struct hub *hub, struct req *r, const struct match *m)
{
	if (r->pages == PAGES_FOREIGN)
		reply_problem(r, -ERR_FORBIDDEN, r->key != 0 ? "Pages of this origin may not use this key." :
		    "Pages of this origin may not use this server.");
	else if (barred(r, m->proto))
		m->proto->barred(r);
	else if (m->route != NULL) {
		serve_row(hub, r, m->route);
		return;
	} else if (m->methods != 0 && r->method == M_OPTIONS)
		preflight(r);
	else
		no_route(r, m);
	hub_hold(hub, r);
}

static void
serve(struct hub *hub, struct req *r)
{
	struct match m;
	int rc = hub_admit(hub, r);

	r->spent = 0;
	if (rc < 0) {
		if (!r->spoken)
			enter(hub, r, NULL);
		not_admitted(hub, r, rc);
		return;
	}
	if (r->spoken) {
		serve_spoken(hub, r);
		return;
	}
	r->duplex = req_upgrades(r) && upgrade_passes(hub->conf, r);
	m = find(r);
	r->credentials = m.credentials;
	enter(hub, r, m.proto);
	serve_match(hub, r, &m);
}

/* From here on, what is logged is about this request. */
static void
begin(struct hub *hub, struct req *r)
{
	if (r->id == 0) {
		r->id = ++hub->requests;
		r->began = loop_mono(hub->loop);
	}
	log_about(r->id);
}

void
route_serve(struct hub *hub, struct req *r)
{
	begin(hub, r);
	serve(hub, r);
	log_about(0);
}

void
route_expired(struct hub *hub, const struct msg_row *m)
{
	size_t i;

	for (i = 0; i < sizeof protos / sizeof protos[0]; i++)
		if (protos[i]->expired != NULL)
			protos[i]->expired(hub, m);
}

void
route_refuse(struct hub *hub, struct req *r, int err)
{
	int rc = hub_admit(hub, r);

	begin(hub, r);
	enter(hub, r, NULL);
	if (rc < 0)
		too_many(hub, r, rc);
	else
		reply_problem(r, err, detail_of(err));
	hub_hold(hub, r);
	log_about(0);
}
