/*
 * hub-turn - begin, commit, release what was held.
 *
 * Nothing here sleeps: a busy store is tried again by a timer of 1 to 2 ms (libuv's clock has no
 * finer grain), and meanwhile no answer of the turn leaves.
 */
#include "config.h"

#include <assert.h>

#include "err.h"
#include "hub-private.h"
#include "log.h"
#include "proto.h"
#include "reply.h"

#define STALLED_MS	20	/* between two tries while the WAL is being restarted */

/* ---- begin ---- */

void
hub_retry_soon(struct hub *hub)
{
	if (!loop_timer_active(&hub->retry))
		loop_timer_start(&hub->retry, hub->stalled ? STALLED_MS : 1 + loop_jitter(2), 0);
}

/* Rows of others come before ours: to be asked before anything is written. */
static void
notice(struct hub *hub)
{
	if ((store_tick(hub->store, false) & TICK_CHANGED) != 0)
		hub->look = hub->keys.look = true;
}

int
hub_begin(struct hub *hub)
{
	int rc;

	if (hub->store == NULL)
		return -ERR_IO;
	if (hub->in_turn && !hub->stuck)
		return 0;
	if (hub->stuck || hub->stalled || (!list_empty(&hub->parked) && !hub->unparking))
		return -ERR_BUSY;
	rc = store_begin(hub->store, loop_real(hub->loop));
	if (rc < 0) {
		if (rc == -ERR_BUSY)
			hub_retry_soon(hub);
		else
			LOG(LOG_ERROR, "cannot begin a turn", LOG_Z("error", err_name(rc)));
		return rc;
	}
	hub->in_turn = true;
	hub->turns++;
	hub->id_begun = hub->id;
	hub->posted = 0;
	notice(hub);
	return 0;
}

int
hub_mark(struct hub *hub)
{
	hub->id_marked = hub->id;
	hub->posted_marked = hub->posted;
	return store_mark(hub->store);
}

void
hub_undo(struct hub *hub)
{
	int rc = store_undo(hub->store);

	hub->id = hub->id_marked;
	hub->posted = hub->posted_marked;
	if (rc == 0)
		notice(hub);
	else if (rc == -ERR_BUSY)
		hub->in_turn = false;	/* nothing else was in it */
	else
		hub_abandon(hub, rc);
}

/* ---- release ---- */

/* A request is over, or its stream begins. Its path may hold a token, so it is the route that is told; no status
 * is where there is no head (a message), or not yet (a poll of Socket.IO). */
static void
tell(const struct hub *hub, const struct req *r)
{
	const struct log_field fields[] = {
		LOG_Z("method", req_method(r)), LOG_Z("route", r->route != NULL ? r->route->path : "none"),
		LOG_INT("ms", loop_mono(hub->loop) - r->began),
		{ .key = r->status != 0 ? "status" : NULL, .is_int = 1, .num = r->status }, { .key = NULL },
	};
	uint64_t before = log_about(r->id);

	log_put(LOG_DEBUG, r->spoken ? "message" : "request", fields);
	log_about(before);
}

/* As many as there are requests: nothing is made of them that nobody reads. */
static void
let_know(const struct hub *hub, const struct req *r)
{
	if (log_wants(LOG_DEBUG))
		tell(hub, r);
}

/* Streams opened in the turn may say something now. */
static void
release_streams(struct hub *hub)
{
	struct list *l, *next;
	struct req *r;
	struct stream *s;

	for (l = hub->held.next; l != &hub->held; l = next) {
		next = l->next;
		r = LIST_OF(l, struct req, parked);
		s = hub_opening(r);
		if (s == NULL)
			continue;
		hub_opened(hub, s);
		let_know(hub, r);
		req_free(r);
	}
}

static void
release_one(const struct hub *hub, struct req *r)
{
	struct conn *c = r->conn;

	c->user = NULL;
	let_know(hub, r);
	req_free(r);
	conn_flush(c);
}

static void
fail_one(struct hub *hub, struct req *r, int err)
{
	hub_retract(hub, r);
	reply_problem(r, err, NULL);
	r->conn->user = NULL;
	conn_flush(r->conn);
	let_know(hub, r);
	req_free(r);
}

static void
release(struct hub *hub, int err)
{
	struct list *l;
	struct req *r;

	while ((l = list_pop(&hub->held)) != NULL) {
		r = LIST_OF(l, struct req, parked);
		if (err == 0)
			release_one(hub, r);
		else
			fail_one(hub, r, err);
	}
}

void
hub_abandon(struct hub *hub, int err)
{
	if (hub->in_turn) {
		store_rollback(hub->store);
		hub->id = hub->id_begun;
		hub->lost = err;
		hub->lost_at = loop_mono(hub->loop);
	}
	hub->in_turn = hub->stuck = hub->ring = false;
	hub->look = true;	/* what we believe may be wrong: read it again */
	hub_settled(hub, false);
	release(hub, err);
}

/* ---- commit ---- */

static void
committed(struct hub *hub)
{
	hub->in_turn = hub->stuck = false;
	if (!hub->look && hub->posted > hub->seen)
		hub->seen = hub->posted;
	if (hub->ring)
		bell_ring(&hub->bell);
	hub->ring = false;
	hub_settled(hub, true);
	hub_check_upkeep(hub);
}

/* COMMIT was busy: try again, for a while. */
static bool
stick(struct hub *hub)
{
	int64_t now = loop_mono(hub->loop);

	if (!hub->stuck)
		hub->stuck_since = now;
	hub->stuck = true;
	if (now - hub->stuck_since > HUB_BUSY_MS)
		return false;
	hub_retry_soon(hub);
	return true;
}

/* false: the turn is still open, no answer may leave. */
static bool
commit(struct hub *hub)
{
	int rc;

	if (hub->stuck && loop_timer_active(&hub->retry))
		return false;
	if (!hub->stuck)
		hub_settle(hub);
	rc = store_commit(hub->store);
	if (rc == 0) {
		committed(hub);
		return true;
	}
	if (rc == -ERR_BUSY && stick(hub))
		return false;
	LOG(LOG_ERROR, "a turn was lost", LOG_Z("error", err_name(rc)));
	hub_abandon(hub, rc);
	return true;
}

/* ---- the turn ---- */

/* The turn is committed. Receivers come before senders: an answer may wait for an event, not the
 * other way. */
static void
let_go(struct hub *hub)
{
	if (hub->store != NULL) {
		release_streams(hub);
		hub_deliver(hub);
	}
	release(hub, 0);
}

void
hub_on_retry(struct loop_timer *t)
{
	struct hub *hub = LIST_OF(t, struct hub, retry);

	if (hub->stuck) {
		if (!commit(hub))
			return;
		let_go(hub);	/* before a new turn adds to what is held */
	}
	hub_unpark(hub);
}

void
hub_turn(struct hub *hub)
{
	hub->served = 0;
	if (hub->store != NULL && !hub->in_turn && (!list_empty(&hub->leaving) || hub_save_due(hub)))
		hub_begin(hub);
	if (hub->in_turn && !commit(hub))
		return;
	let_go(hub);
	hub_check_drained(hub);
}
