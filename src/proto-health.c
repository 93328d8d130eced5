/*
 * proto-health - GET /health: is this server well, told to monitors and to the status page.
 *
 * Well is who can write: a turn is begun for each request, and committed before the answer leaves. That is
 * not tried for longer than PATIENCE_MS while the store is busy. What is told is read from few rows.
 * No id, no token and no path is told, for anybody may ask; the setting `health` says how much.
 */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "err.h"
#include "fs.h"
#include "hub.h"
#include "proto.h"
#include "reply.h"
#include "upgrade.h"

#define PATIENCE_MS	1000	/* for a store that is busy */
#define LOST_MS		10000	/* so long after a turn was lost one is not well */
#define ANSWER_MAX	2048

static const char *
sentence(int err)
{
	switch (-err) {
	case ERR_BUSY: return "The database stays busy: another program keeps it locked, or its disk is slow.";
	case ERR_FULL: return "The disk or the database is full.";
	case ERR_NOTFOUND: return "The database cannot be opened; the log says why.";
	default: return "The database cannot be read or written; the log says more.";
	}
}

/* 0: the store takes what is written, and *p is read. */
static int
look(struct hub *hub, struct store_pulse *p)
{
	int rc;

	if (hub->store == NULL)
		return -ERR_NOTFOUND;
	if (hub->lost != 0 && loop_mono(hub->loop) - hub->lost_at < LOST_MS)
		return hub->lost;
	rc = hub_begin(hub);
	if (rc == 0)
		rc = store_pulse(hub->store, p);
	if (rc == -ERR_FULL || rc == -ERR_IO)
		hub_abandon(hub, rc);
	return rc;
}

static void
add_process(struct buf *b, const struct hub *hub, const struct req *r)
{
	bool cgi = strcmp(r->conn->gate->name, "cgi") == 0;

	buf_addf(b, ",\"gate\":\"%s\",\"websocket\":\"%s\"", cgi ? "cgi" : "fastcgi",
	    hub->upgraded ? "yes" : upgrade_forecast(hub->conf, r));
	buf_addf(b, ",\"authorization\":%s", req_authorized(r) ? "true" : "false");
	buf_addf(b, ",\"process\":{\"alone\":%s,\"uptime_s\":%" PRId64 ",\"streams\":%" PRIu32 ",\"max_streams\":%" PRId64 "}",
	    hub->alone ? "true" : "false", (loop_mono(hub->loop) - hub->started) / 1000, hub->streams,
	    hub->conf->max_streams);
}

static void
add_store(struct buf *b, const struct hub *hub, const struct store_pulse *p)
{
	const char *remote = fs_remote(hub->conf->db);

	buf_addf(b, ",\"store\":{\"journal\":\"%s\",\"schema\":%d", p->journal, p->schema);
	if (remote != NULL)
		buf_addf(b, ",\"file_system\":\"%s\"", remote);
	buf_addc(b, '}');
	buf_addf(b, ",\"peers\":{\"peerjs\":%" PRId64 ",\"star\":%" PRId64 "}", p->peerjs, p->star);
	buf_addf(b, ",\"messages\":{\"waiting\":%" PRId64 ",\"total\":%" PRId64 "}", p->waiting, p->last_seq);
}

static void
add_ways(struct buf *b, const struct conf *conf)
{
	buf_addz(b, ",\"protocols\":[\"peerjs\",\"sigver\",\"webrtc-star\",\"socket.io\"]"
	    ",\"transports\":[\"sse\",\"poll\",\"xhr\"");
	buf_addz(b, strcmp(conf->websocket, "off") == 0 ? "]" : ",\"websocket\"]");
}

static void
answer(struct hub *hub, struct req *r, int err, const struct store_pulse *p)
{
	struct buf b;

	buf_init(&b, ANSWER_MAX);
	buf_addf(&b, "{\"status\":\"%s\"", err == 0 ? "pass" : "fail");
	buf_addz(&b, ",\"version\":\"" PACKAGE_VERSION "\"");
	if (strcmp(hub->conf->health, "full") == 0) {
		if (err != 0)
			buf_addf(&b, ",\"output\":\"%s\"", sentence(err));
		add_process(&b, hub, r);
		if (err == 0)
			add_store(&b, hub, p);
		add_ways(&b, hub->conf);
	}
	buf_addz(&b, "}\n");
	reply_send(r, err == 0 ? 200 : 503, "application/json", buf_str(&b), NULL);
	buf_release(&b);
}

/* It is served again meanwhile, as one that waits for a verdict: parked, it would wait with all others. */
static bool
patient(struct hub *hub, struct req *r)
{
	int64_t now = loop_mono(hub->loop);

	if (r->contest[0].since == 0)
		r->contest[0].since = now;
	return now - r->contest[0].since < PATIENCE_MS;
}

static int
serve(struct hub *hub, struct req *r)
{
	struct store_pulse p;
	int rc;

	if (strcmp(hub->conf->health, "off") == 0)
		return -ERR_NOTFOUND;
	rc = look(hub, &p);
	if (rc == -ERR_BUSY && patient(hub, r))
		return -ERR_WAIT;
	answer(hub, r, rc, &p);
	return 0;
}

static const struct route routes[] = {
	{ "/health", 1 << M_GET | 1 << M_HEAD, NULL, 0, serve, NULL, NULL },
	{ .path = NULL },
};

const struct proto proto_health = { .name = "health", .routes = routes };
