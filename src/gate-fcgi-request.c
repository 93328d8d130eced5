/*
 * gate-fcgi-request - the parts of a request on a FastCGI connection, as the codec calls back.
 */
#include "config.h"

#include "err.h"
#include "gate-fcgi-private.h"
#include "route.h"
#include "upgrade.h"

#define QUEUE_SLACK	(4 * STREAM_HIGH)	/* of an answer, beyond two bodies */

static struct line *
line_of(struct fcgi *f)
{
	return LIST_OF(f, struct line, fcgi);
}

static int
on_begin(struct fcgi *f)
{
	struct line *l = line_of(f);
	const struct conf *conf = l->gate->hub->conf;

	l->req = req_new((size_t)conf->max_vars_bytes, (size_t)conf->max_body_bytes);
	if (l->req == NULL)
		return -ERR_NOMEM;
	l->req->conn = &l->conn;
	conn_init(&l->conn, &line_verbs, QUEUE_SLACK + 2 * (size_t)conf->max_body_bytes);
	return 0;
}

static int
on_var(struct fcgi *f, struct str name, struct str value)
{
	return req_var(line_of(f)->req, name, value);
}

static int
on_vars(struct fcgi *f)
{
	struct line *l = line_of(f);
	int64_t length;
	int rc = req_length(l->req, &length);

	if (rc < 0 || length > 0 || !req_upgrades(l->req) || !upgrade_passes(l->gate->hub->conf, l->req))
		return rc;
	l->deaf = true;
	return FCGI_TALKS;
}

/* Before somebody wants to hear it nothing is told: the client has to wait for our 101. The end of what comes with
 * a request that is none for a WebSocket here is no talk, either. */
static void
on_heard(struct fcgi *f, struct str bytes)
{
	struct line *l = line_of(f);

	if (l->heard && bytes.n > 0)
		conn_heard(&l->conn, bytes);
	else if (l->heard || bytes.n > 0)
		line_cut(l);
}

static int
on_body(struct fcgi *f, struct str bytes)
{
	return req_body(line_of(f)->req, bytes);
}

static struct req *
detach(struct line *l)
{
	struct req *r = l->req;

	l->req = NULL;
	line_hand_over(l);
	return r;
}

static void
on_whole(struct fcgi *f)
{
	struct line *l = line_of(f);
	struct hub *hub = l->gate->hub;
	struct req *r = detach(l);
	int rc = req_ready(r, hub->conf->mount);

	if (rc < 0)
		route_refuse(hub, r, rc);
	else
		hub_take(hub, r);
}

static void
on_refused(struct fcgi *f, int err)
{
	struct line *l = line_of(f);

	route_refuse(l->gate->hub, detach(l), err);
}

static void
on_abort(struct fcgi *f)
{
	line_cut(line_of(f));
}

/* Between the records of an answer, never inside one: a slow line may have sent half of one. */
static void
on_answer(struct fcgi *f, struct str records)
{
	struct line *l = line_of(f);

	if (l->state == LINE_SLOW)
		buf_adds(&l->conn.out, records);
	else if (line_put(l, records.p, records.n) != (ssize_t)records.n)
		line_cut(l);
}

const struct fcgi_user line_user = {
	.begin = on_begin, .var = on_var, .vars = on_vars, .body = on_body,
	.heard = on_heard, .whole = on_whole, .refused = on_refused, .abort = on_abort, .answer = on_answer,
};
