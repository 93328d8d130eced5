/*
 * hub - life, requests, drain. See hub.h for how the parts work together.
 *
 * Costs: an idle hub wakes four times a second to look at one number.
 */
#include "config.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "err.h"
#include "hub-private.h"
#include "log.h"
#include "reply.h"

/* ---- requests ---- */

/* The other side left while its request was held, parked or waiting. */
static void
request_gone(struct conn *c)
{
	req_free(c->data);
}

static const struct conn_user request_user = { .room = NULL, .gone = request_gone };

static void
serve(struct hub *hub, struct req *r)
{
	if (hub->served == 0)
		hub->began = uv_hrtime();
	hub->serve(hub, r);
	if ((++hub->served >= HUB_TURN_REQUESTS || uv_hrtime() - hub->began > HUB_TURN_MS * 1000000ull) && !hub->amid)
		hub_turn(hub);
}

static void
adopt(struct req *r)
{
	r->conn->user = &request_user;
	r->conn->data = r;
}

void
hub_take(struct hub *hub, struct req *r)
{
	adopt(r);
	hub->idle_since = loop_mono(hub->loop);
	serve(hub, r);
}

void
hub_retract(struct hub *hub, struct req *r)
{
	struct stream *s = hub_opening(r);

	if (s != NULL)
		hub_unopen(hub, s);
	conn_retract(r->conn);
}

void
hub_hold(struct hub *hub, struct req *r)
{
	if (r->conn->user == NULL)	/* refused before it came to be served */
		adopt(r);
	list_add(&hub->held, &r->parked);
}

void
hub_refuse(struct hub *hub, struct req *r, int err)
{
	reply_problem(r, err, NULL);
	hub_hold(hub, r);
}

void
hub_park(struct hub *hub, struct req *r)
{
	if (r->busy_since == 0)
		r->busy_since = loop_mono(hub->loop);
	list_add(&hub->parked, &r->parked);
	hub_retry_soon(hub);
}

static void
refuse_overdue(struct hub *hub)
{
	struct req *r;

	while (!list_empty(&hub->parked)) {
		r = LIST_OF(hub->parked.next, struct req, parked);
		if (loop_mono(hub->loop) - r->busy_since <= HUB_BUSY_MS)
			return;
		list_del(&r->parked);
		hub_refuse(hub, r, -ERR_BUSY);
	}
}

/* In order; what finds the store busy again goes back to the same list. */
void
hub_unpark(struct hub *hub)
{
	struct list again;
	struct list *l;

	refuse_overdue(hub);
	if (list_empty(&hub->parked))
		return;
	hub->unparking = true;
	if (hub_begin(hub) == -ERR_BUSY)
		hub_retry_soon(hub);
	else {
		list_init(&again);
		list_move(&again, &hub->parked);
		while ((l = list_pop(&again)) != NULL)
			serve(hub, LIST_OF(l, struct req, parked));
	}
	hub->unparking = false;
}

void
hub_wait(struct hub *hub, struct req *r)
{
	int i;

	if (hub->draining) {
		hub_refuse(hub, r, -ERR_LEAVING);
		return;
	}
	for (i = 0; i < REQ_CONTESTS; i++)
		hub_ask(hub, &r->contest[i]);
	r->busy_since = 0;
	r->again = loop_mono(hub->loop) + HUB_WAIT_MS;
	list_add(&hub->waiting, &r->parked);
	if (!loop_timer_active(&hub->claims))
		loop_timer_start(&hub->claims, HUB_WAIT_MS, HUB_WAIT_MS);
}

/* In the order in which they are due, and not so many at once that others notice. */
void
hub_serve_again(struct hub *hub)
{
	struct req *r;
	int left = HUB_TURN_REQUESTS;

	while (!list_empty(&hub->waiting) && left-- > 0) {
		r = LIST_OF(hub->waiting.next, struct req, parked);
		if (r->again > loop_mono(hub->loop))
			return;
		list_del(&r->parked);
		serve(hub, r);
	}
}

static void
free_spoken(struct list *from)
{
	struct list *l, *next;
	struct req *r;

	for (l = from->next; l != from; l = next) {
		next = l->next;
		r = LIST_OF(l, struct req, parked);
		if (!r->spoken)
			continue;
		list_del(&r->parked);
		conn_abort(r->conn);
		req_free(r);
	}
}

/* They name boxes by their numbers; others prove anew who they are. */
void
hub_forget_spoken(struct hub *hub)
{
	free_spoken(&hub->parked);
	free_spoken(&hub->waiting);
	hub_orphans_release(hub);
}

/* Of the request only what it takes to notice its departure is kept. */
void
hub_leave_open(struct hub *hub, struct req *r)
{
	if (hub->draining || !hub_limit_hold(hub, r)) {
		hub_refuse(hub, r, hub->draining ? -ERR_LEAVING : -ERR_CROWD);
		return;
	}
	buf_release(&r->vars);
	buf_release(&r->bytes);
	r->again = loop_mono(hub->loop) + HUB_SILENT_MS;
	list_add(&hub->silent, &r->parked);
}

void
hub_end_silent(struct hub *hub, int64_t until)
{
	struct req *r;

	while (!list_empty(&hub->silent)) {
		r = LIST_OF(hub->silent.next, struct req, parked);
		if (r->again > until)
			return;
		list_del(&r->parked);
		conn_abort(r->conn);
		req_free(r);
	}
}

static void
refuse_all(struct hub *hub, struct list *from)
{
	struct list *l;

	while ((l = list_pop(from)) != NULL)
		hub_refuse(hub, LIST_OF(l, struct req, parked), -ERR_LEAVING);
}

/* ---- life ---- */

static void
read_boot(char *out, size_t size)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, out, size - 1);

	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	if (n > 0 && out[n - 1] == '\n')
		out[n - 1] = '\0';
}

static void
heard(void *arg)
{
	struct hub *hub = arg;

	hub->look = true;
}

static void
on_drain(struct loop_timer *t)
{
	struct hub *hub = LIST_OF(t, struct hub, drain);

	LOG(LOG_WARN, "drain: time is over, cutting what is left", LOG_INT("streams", hub->streams));
	hub_each_stream(hub, hub_cut_stream);
	refuse_all(hub, &hub->parked);
	hub_abandon(hub, -ERR_LEAVING);
	if (hub->stopped != NULL)
		hub->stopped(hub);
}

static void
init_timers(struct hub *hub)
{
	struct loop *l = hub->loop;
	int64_t longest = hub->conf->heartbeat_max_ms;

	if (hub->conf->hold_ms > longest)
		longest = hub->conf->hold_ms;
	hub->slot_ms = (uint32_t)(longest / (HUB_SLOTS - 4)) + 1;
	loop_timer_init(l, &hub->tick, hub_on_tick);
	loop_timer_init(l, &hub->beat, hub_on_beat);
	loop_timer_init(l, &hub->retry, hub_on_retry);
	loop_timer_init(l, &hub->claims, hub_on_claims);
	loop_timer_init(l, &hub->drain, on_drain);
	loop_timer_init(l, &hub->pace, hub_on_pace);
	loop_timer_init(l, &hub->rounds, hub_on_rounds);
}

static void
init_lists(struct hub *hub)
{
	int i;

	list_init(&hub->held);
	list_init(&hub->parked);
	list_init(&hub->waiting);
	list_init(&hub->silent);
	list_init(&hub->dirty);
	list_init(&hub->unsaved);
	list_init(&hub->saving);
	list_init(&hub->leaving);
	list_init(&hub->left);
	list_init(&hub->proofs);
	list_init(&hub->pacing);
	list_init(&hub->closing);
	list_init(&hub->orphans);
	loop_later_init(&hub->adopt, hub_on_orphans);
	for (i = 0; i < HUB_SLOTS; i++)
		list_init(&hub->wheel[i]);
}

int
hub_init(struct hub *hub, struct loop *loop, const struct conf *conf, hub_serve_fn *fn, const char **why)
{
	int rc;

	*hub = (struct hub){ .loop = loop, .conf = conf, .serve = fn };
	init_lists(hub);
	*why = "out of memory";
	rc = hub_table_init(hub);
	if (rc < 0)
		return rc;
	rc = hub_roster_init(hub);
	if (rc < 0)
		goto out_table;
	rc = hub_store_open(hub, why);
	if (rc < 0)
		goto out_roster;
	rc = hub_limit_init(hub);	/* a file beside a database that could be opened */
	if (rc < 0)
		goto out_store;
	hub_limit_secret(hub);
	rc = bell_init(&hub->bell, loop, conf->db, heard, hub);
	if (rc < 0)
		goto out_limit;
	read_boot(hub->boot, sizeof hub->boot);
	init_timers(hub);
	hub->started = hub->idle_since = loop_mono(loop);
	hub->look = true;
	loop_timer_start(&hub->tick, 0, hub->bell.works ? HUB_TICK_MS : HUB_TICK_DEAF_MS);
	return 0;
out_limit:
	rate_release(&hub->rate);
out_store:
	hub_keys_release(hub);
	store_close(hub->store);
out_roster:
	free(hub->roster);
out_table:
	hub_table_release(hub);
	return rc;
}

static void
free_requests(struct list *from)
{
	struct list *l;
	struct req *r;

	while ((l = list_pop(from)) != NULL) {
		r = LIST_OF(l, struct req, parked);
		conn_abort(r->conn);
		req_free(r);
	}
}

/* The lease ends with us; who has our boxes next need not wait for it to run out. */
static void
leave_store(struct hub *hub)
{
	if (hub->store == NULL)
		return;
	if (hub_begin(hub) == 0) {
		hub_settle(hub);
		if (hub->id != 0)
			store_hub_leave(hub->store, hub->id);
		hub->ring = true;
		hub_turn(hub);
	}
	if (hub->in_turn)
		hub_abandon(hub, -ERR_BUSY);
}

void
hub_release(struct hub *hub)
{
	hub_each_stream(hub, hub_cut_stream);
	hub_orphans_release(hub);
	free_requests(&hub->parked);
	free_requests(&hub->waiting);
	free_requests(&hub->silent);
	leave_store(hub);
	hub_forget_left(hub);
	free_requests(&hub->held);
	hub_claims_release(hub);
	loop_timer_close(&hub->tick, NULL);
	loop_timer_close(&hub->beat, NULL);
	loop_timer_close(&hub->retry, NULL);
	loop_timer_close(&hub->claims, NULL);
	loop_timer_close(&hub->drain, NULL);
	loop_timer_close(&hub->pace, NULL);
	hub_roster_release(hub);
	loop_timer_close(&hub->rounds, NULL);
	bell_release(&hub->bell);
	hub_keys_release(hub);
	while (hub->upkeep_on)
		uv_run(&hub->loop->uv, UV_RUN_ONCE);
	hub_table_release(hub);
	rate_release(&hub->rate);
	store_close(hub->store);
	hub->store = NULL;
}

bool
hub_idle(const struct hub *hub)
{
	return hub->streams == 0 && !hub->in_turn && list_empty(&hub->held) &&
	    list_empty(&hub->parked) && list_empty(&hub->waiting) && list_empty(&hub->orphans) && list_empty(&hub->leaving);
}

void
hub_check_drained(struct hub *hub)
{
	if (!hub->draining || !hub_idle(hub) || !loop_timer_active(&hub->drain))
		return;
	loop_timer_stop(&hub->drain);
	if (hub->stopped != NULL)
		hub->stopped(hub);
}

void
hub_drain(struct hub *hub)
{
	if (hub->draining)
		return;
	hub->draining = true;
	LOG(LOG_INFO, "draining", LOG_INT("streams", hub->streams));
	loop_timer_start(&hub->drain, (uint64_t)hub->conf->drain_ms, 0);
	hub_each_stream(hub, hub_pause_stream);
	refuse_all(hub, &hub->waiting);
	hub_end_silent(hub, INT64_MAX);
}

/* ---- for tests ---- */

static void
assert_stream(struct hub *hub, struct stream *s)
{
	assert(s->hub == hub && (s->box > 0 || s->wire->duplex) && (s->gen > 0) == (s->box > 0));
	assert(s->conn == NULL || s->conn->data == s);
	assert(s->conn != NULL || !list_empty(&s->queue));	/* its leave is on its way */
	assert(s->opener == NULL || hub->in_turn);
	(void)hub;
}

void
hub_assert_sane(struct hub *hub)
{
	uint32_t n = 0, i;
	struct list *l;

	for (i = 0; i < hub->buckets; i++)
		for (l = hub->table[i].next; l != &hub->table[i]; l = l->next)
			n++;
	assert(n == hub->streams);
	assert(hub->in_turn || list_empty(&hub->left));
	assert(hub->in_turn || list_empty(&hub->held));
	assert(!hub->stuck || hub->in_turn);
	assert(hub->store != NULL || !hub->in_turn);
	hub_each_stream(hub, assert_stream);
}
