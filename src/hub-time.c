/*
 * hub-time - what the clock starts: the tick, heartbeats, lease, sweep, checkpoints, a replaced file.
 */
#include "config.h"

#include <string.h>

#include "err.h"
#include "hub-private.h"
#include "log.h"

#define LOOK_MS		1000	/* between two looks at the file, two sweeps, two tries to open */
#define SWEEP_AFTER_MS	5000	/* sweeps go on this long after the last deadline may have passed */

/* ---- the store file ---- */

int
hub_store_open(struct hub *hub, const char **why)
{
	const struct conf *c = hub->conf;
	struct store_conf sc = {
		.path = c->db,
		.create = true,
		.wal = strcmp(c->journal, "auto") == 0,
		.max_bytes = c->max_db_bytes,
		.max_pending = (uint32_t)c->max_pending,
		.max_pending_bytes = (uint32_t)c->max_pending_bytes,
		.away_ms = (uint32_t)c->away_ms,
	};
	int rc = store_sqlite_open(&sc, &hub->store, why);

	if (rc < 0) {
		hub->store = NULL;
		return rc;
	}
	hub_limit_secret(hub);
	hub->id = hub->orders = 0;
	hub->opened = hub->swept = loop_mono(hub->loop);
	rc = store_msg_last(hub->store, &hub->seen);
	if (rc == 0)
		rc = hub_keys_read(hub);
	if (rc < 0) {
		store_close(hub->store);
		hub->store = NULL;
	}
	return rc;
}

/* Streams of a store that is gone cannot be resumed in it: their clients come back and are told. */
static void
close_store(struct hub *hub)
{
	if (hub->store == NULL)
		return;
	if (hub->in_turn)
		hub_abandon(hub, -ERR_IO);
	hub_each_stream(hub, hub_pause_stream);
	hub_each_stream(hub, hub_cut_stream);
	hub_forget_left(hub);
	hub_forget_spoken(hub);
	hub_claims_release(hub);	/* they name boxes of that store */
	hub_roster_clear(hub);
	store_close(hub->store);
	hub->store = NULL;
}

static void
reopen(struct hub *hub)
{
	const char *why = "";

	if (hub->upkeep_on)	/* its worker still uses the store */
		return;
	close_store(hub);
	if (hub_store_open(hub, &why) < 0) {
		LOG(LOG_ERROR, "cannot open the database", LOG_Z("why", why));
		hub->opened = loop_mono(hub->loop);
		return;
	}
	hub->reopen = false;
	hub->look = true;
	LOG(LOG_INFO, "the database was opened anew", LOG_Z("epoch", hub->store->epoch));
}

static void
check_file(struct hub *hub, int64_t now)
{
	bool file = now - hub->looked >= LOOK_MS;
	int bits = store_tick(hub->store, file);

	if (file) {
		hub->looked = now;
		hub_limit_look(hub);
	}
	if (bits < 0 && bits != -ERR_BUSY)
		bits = TICK_REPLACED;
	if (bits < 0)
		return;
	if ((bits & TICK_CHANGED) != 0)
		hub->look = hub->keys.look = true;
	if ((bits & TICK_REPLACED) != 0 && !hub->reopen) {
		LOG(LOG_WARN, "the database file was replaced or deleted");
		hub->reopen = true;
	}
	if ((bits & TICK_NEWER) != 0 && !hub->draining) {
		LOG(LOG_WARN, "a newer sigpost has the database: leaving");
		if (hub->leave != NULL)
			hub->leave(hub);
		else
			hub_drain(hub);
	}
}

/* ---- lease ---- */

static void
attach_again(struct hub *hub, struct stream *s)
{
	struct box b;
	int rc;

	if (s->conn == NULL || s->opener != NULL || s->box == 0)
		return;
	rc = store_box_get(hub->store, s->box, &b);
	if (rc == -ERR_NOTFOUND)
		hub_pause_stream(hub, s);	/* its client comes back, and is told */
	else if (rc == 0 && b.gen > s->gen)
		hub_supersede(hub, s->box, b.gen);
	else if (rc == 0)
		store_box_attach(hub->store, s->box, hub->id, &s->gen);
	s->late = true;
}

int
hub_enter_again(struct hub *hub)
{
	int rc;

	LOG(LOG_WARN, "the lease was lost: entering again", LOG_INT("hub", hub->id));
	hub->id = hub->orders = 0;
	rc = hub_enter(hub);
	if (rc == 0)
		hub_each_stream(hub, attach_again);
	return rc;
}

/* A lease that was lost (this process slept too long) is taken anew, with the boxes nobody took. */
static void
renew(struct hub *hub, int64_t now)
{
	if (hub->id == 0 || now - hub->renewed < HUB_RENEW_MS || hub_begin(hub) < 0)
		return;
	hub->renewed = now;
	if (store_hub_renew(hub->store, hub->id) == -ERR_NOTFOUND)
		hub_enter_again(hub);
}

/* ---- sweep ---- */

/* An empty, idle store needs none: everything in it has gone by then. */
static bool
worth_sweeping(const struct hub *hub, int64_t now)
{
	const struct conf *c = hub->conf;
	int64_t longest = c->away_ms > c->sigver_expire_ms ? c->away_ms : c->sigver_expire_ms;

	longest += c->hold_ms + c->grace_ms;	/* a poll is present for that long */
	return hub->streams > 0 || now - hub->idle_since <= longest + TAKEN_KEEP_MS + SWEEP_AFTER_MS ||
	    now - hub->opened <= LOOK_MS * 2;
}

static void
sweep(struct hub *hub, int64_t now)
{
	struct sweep sw = { .mono = now, .boot = hub->boot, .max_rows = HUB_SWEEP_ROWS };
	struct expiry x;
	int rc;

	if (now - hub->swept < LOOK_MS || !worth_sweeping(hub, now) || hub_begin(hub) < 0)
		return;
	hub->swept = now;
	hub_expiry_begin(hub, &x, &sw);
	rc = store_sweep(hub->store, &sw);
	hub_expiry_end(&x);
	if (rc < 0)
		return;
	if (sw.more)
		hub->swept = now - LOOK_MS;
	if (sw.shifted_ms != 0)
		LOG(LOG_WARN, "the wall clock jumped: deadlines were moved", LOG_INT("ms", sw.shifted_ms));
}

/* ---- checkpoints ---- */

static void
work(uv_work_t *w)
{
	struct hub *hub = LIST_OF(w, struct hub, upkeep);

	hub->upkeep_rc = store_upkeep(hub->store, hub->upkeep_restart);
}

static void
worked(uv_work_t *w, int status)
{
	struct hub *hub = LIST_OF(w, struct hub, upkeep);

	(void)status;
	hub->upkeep_on = false;
	if (!hub->upkeep_restart)
		return;
	if (hub->upkeep_rc < 0) {	/* the next tick tries again */
		LOG(LOG_WARN, "the WAL could not be restarted yet", LOG_Z("error", err_name(hub->upkeep_rc)));
		return;
	}
	hub->stalled = false;
	hub_retry_soon(hub);
}

void
hub_check_upkeep(struct hub *hub)
{
	bool stall = false;

	if (hub->store == NULL || hub->upkeep_on || !store_upkeep_due(hub->store, &stall))
		return;
	hub->stalled = stall;
	hub->upkeep_restart = stall;
	hub->upkeep_on = uv_queue_work(&hub->loop->uv, &hub->upkeep, work, worked) == 0;
}

/* ---- the tick ---- */

void
hub_on_tick(struct loop_timer *t)
{
	struct hub *hub = LIST_OF(t, struct hub, tick);
	int64_t now = loop_mono(hub->loop);

	bell_look(&hub->bell);
	if (hub->store != NULL)
		check_file(hub, now);
	if (hub->reopen && (hub->store != NULL || now - hub->opened >= LOOK_MS))
		reopen(hub);
	if (hub->store == NULL)
		return;
	hub_end_silent(hub, now);
	hub_end_closing(hub, now);
	hub_keys_tick(hub);
	renew(hub, now);
	sweep(hub, now);
	hub_check_upkeep(hub);
	if (!list_empty(&hub->parked))
		hub_retry_soon(hub);
}

/* ---- heartbeats ---- */

void
hub_schedule(struct hub *hub, struct stream *s)
{
	const struct conf *c = hub->conf;
	int64_t left = s->born + s->life_ms - loop_mono(hub->loop);
	int64_t ms = c->hold_ms;

	if (!s->wire->once)
		ms = c->heartbeat_min_ms +
		    loop_jitter((uint32_t)(c->heartbeat_max_ms - c->heartbeat_min_ms) + 1);
	if (left < ms)
		ms = left > 0 ? left : 0;
	list_del(&s->beat);
	list_add(&hub->wheel[(hub->slot + (uint32_t)(ms / hub->slot_ms) + 1) % HUB_SLOTS], &s->beat);
}

void
hub_beat(struct hub *hub, struct stream *s)
{
	if (s->pacing)		/* something was written just now: that serves as well */
		return;
	if (stream_beat(s) < 0) {
		hub_cut_stream(hub, s);
		return;
	}
	hub_pace(hub, s);
	conn_flush(s->conn);
}

/* A reader that takes a little now and then is slow, not stuck. */
static bool
stuck(struct hub *hub, struct stream *s, int64_t now)
{
	size_t pending = conn_pending(s->conn);

	if (!s->conn->blocked)
		return false;
	if (s->stuck == 0 || pending != s->stuck_at) {
		s->stuck = stream_age(s, now);
		s->stuck_at = (uint32_t)pending;
	}
	return stream_age(s, now) - s->stuck >= hub->conf->slow_ms;
}

static void
beat(struct hub *hub, struct stream *s)
{
	struct socket *sk = hub_socket(s);
	int64_t now = loop_mono(hub->loop);

	if (stuck(hub, s, now)) {
		LOG(LOG_INFO, "a slow reader was cut", LOG_INT("box", s->box), LOG_INT("ms", stream_age(s, now) - s->stuck));
		hub_cut_stream(hub, s);
		return;
	}
	if (!s->conn->blocked && (s->wire->once || now - s->born >= s->life_ms)) {
		hub_pause_stream(hub, s);
		return;
	}
	hub_schedule(hub, s);
	if (s->conn->blocked || s->ended || s->box == 0)
		return;
	if (sk != NULL && hub_socket_silent(sk)) {
		hub_cut_stream(hub, s);
		return;
	}
	hub_beat(hub, s);
	if (s->conn != NULL)
		stuck(hub, s, now);	/* begins to count */
}

void
hub_on_beat(struct loop_timer *t)
{
	struct hub *hub = LIST_OF(t, struct hub, beat);
	struct list due, *l;
	struct stream *s;

	hub->slot = (hub->slot + 1) % HUB_SLOTS;
	list_init(&due);
	list_move(&due, &hub->wheel[hub->slot]);
	while ((l = list_pop(&due)) != NULL) {
		s = LIST_OF(l, struct stream, beat);
		if (s->conn != NULL)
			beat(hub, s);
	}
	if (hub->streams == 0)
		loop_timer_stop(&hub->beat);
}
