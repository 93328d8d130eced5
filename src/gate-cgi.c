/*
 * gate-cgi - life, the clock, the request of a process that works alone. See gate-cgi.h, and
 * gate-cgi-private.h for how the files of the gate share the work.
 *
 * The clock runs only while something is new: SETTLE_MS later it is over, watched, or too late.
 */
#include "config.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "gate-cgi-private.h"
#include "handoff.h"

#define SETTLE_MS	20

int64_t
gate_cgi_now(const struct gate_cgi *g)
{
	return loop_mono(g->hub->loop);
}

void
gate_cgi_settle_soon(struct gate_cgi *g)
{
	if (!g->freed && !loop_timer_active(&g->settle))
		loop_timer_start(&g->settle, SETTLE_MS, 0);
}

/* ---- by the clock ---- */

static void
cut_overdue(struct gate_cgi *g)
{
	int64_t since = gate_cgi_now(g) - g->hub->conf->request_ms;
	struct arrival *a;
	struct intake *in;

	while (!list_empty(&g->arrivals)) {
		a = LIST_OF(g->arrivals.next, struct arrival, link);
		if (a->born > since)
			break;
		arrival_drop(a);
	}
	while (!list_empty(&g->intakes)) {
		in = LIST_OF(g->intakes.next, struct intake, link);
		if (in->born > since)
			break;
		intake_end(in, -ERR_TIMEOUT);
	}
}

static void
settle(struct gate_cgi *g)
{
	struct list old;
	struct list *l;

	list_init(&old);
	list_move(&old, &g->fresh);
	while ((l = list_pop(&old)) != NULL)
		exchange_settle(LIST_OF(l, struct exchange, link));
}

static void
on_settle(struct loop_timer *t)
{
	struct gate_cgi *g = LIST_OF(t, struct gate_cgi, settle);

	settle(g);
	cut_overdue(g);
	if (!list_empty(&g->arrivals) || !list_empty(&g->intakes) || !list_empty(&g->fresh))
		gate_cgi_settle_soon(g);
}

/* ---- life ---- */

static struct gate_cgi *
new_gate(struct hub *hub)
{
	struct gate_cgi *g = calloc(1, sizeof *g);
	struct rlimit fds;

	if (g == NULL)
		return NULL;
	g->hub = hub;
	list_init(&g->arrivals);
	list_init(&g->intakes);
	list_init(&g->fresh);
	list_init(&g->settled);
	loop_timer_init(hub->loop, &g->settle, on_settle);
	g->fd_limit = getrlimit(RLIMIT_NOFILE, &fds) == 0 && fds.rlim_cur < LONG_MAX ?
	    (long)fds.rlim_cur : LONG_MAX;
	signal(SIGPIPE, SIG_IGN);
	return g;
}

static void
closed_one(struct gate_cgi *g)
{
	if (--g->closing == 0)
		free(g);
}

static void
on_settle_closed(struct loop_timer *t)
{
	closed_one(LIST_OF(t, struct gate_cgi, settle));
}

static void
on_door_closed(struct door *d)
{
	closed_one(LIST_OF(d, struct gate_cgi, door));
}

static void
let_go(struct gate_cgi *g)
{
	g->freed = true;
	g->closing = g->alone ? 1 : 2;
	loop_timer_close(&g->settle, on_settle_closed);
	if (!g->alone)
		door_release(&g->door, on_door_closed);
}

struct gate_cgi *
gate_cgi_new(struct hub *hub, int listen_fd, int lock_fd)
{
	struct gate_cgi *g = new_gate(hub);

	if (g == NULL)
		return NULL;
	if (door_init(&g->door, hub->loop, hub->conf->db, listen_fd, lock_fd, arrival_new, g) == 0)
		return g;
	g->alone = true;	/* without a door */
	let_go(g);
	return NULL;
}

void
gate_cgi_stop(struct gate_cgi *g)
{
	struct list *l;

	if (g->alone)
		return;
	door_shut(&g->door);
	while ((l = g->arrivals.next) != &g->arrivals)
		arrival_drop(LIST_OF(l, struct arrival, link));
}

void
gate_cgi_free(struct gate_cgi *g)
{
	struct list *l;

	g->done = NULL;
	gate_cgi_stop(g);
	while ((l = g->intakes.next) != &g->intakes)
		intake_cut(LIST_OF(l, struct intake, link));
	list_move(&g->fresh, &g->settled);
	while ((l = g->fresh.next) != &g->fresh)
		conn_gone(&LIST_OF(l, struct exchange, link)->conn);
	assert(g->conns == 0);
	let_go(g);
}

uint32_t
gate_cgi_conns(const struct gate_cgi *g)
{
	return g->conns;
}

bool
gate_cgi_listening(const struct gate_cgi *g)
{
	return !g->alone && door_open(&g->door);
}

/* ---- alone ---- */

/* Moves a descriptor out of the way of whoever prints; /dev/null takes its place. */
static int
take_fd(int fd)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	int own = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (own < 0)	/* we were started without it */
		own = fcntl(nothing, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (nothing >= 0 && nothing != fd) {
		dup2(nothing, fd);
		close(nothing);
	}
	return own;
}

static int
fill_from(struct req *r, char *const *list)
{
	struct str name, value;
	int rc = 0;

	for (; rc == 0 && *list != NULL; list++)
		if (str_cut(str_from(*list), '=', &name, &value) && handoff_wanted(name.p, name.n))
			rc = req_var(r, name, value);
	return rc;
}

struct gate_cgi *
gate_cgi_alone(struct hub *hub, char *const *environ_list, void (*done)(void *arg), void *arg)
{
	struct req *r = req_new((size_t)hub->conf->max_vars_bytes, (size_t)hub->conf->max_body_bytes);
	struct gate_cgi *g = r == NULL ? NULL : new_gate(hub);
	struct exchange *x = NULL;
	struct stat st = { .st_mode = 0 };
	int in = take_fd(STDIN_FILENO), out = take_fd(STDOUT_FILENO);

	if (g != NULL) {
		g->alone = true;
		fstat(out, &st);
		x = exchange_new(g, out, st.st_mode);
	}
	if (x == NULL) {
		req_free(r);
		if (g != NULL)
			let_go(g);
		return NULL;
	}
	g->done = done;
	g->arg = arg;
	exchange_begin(x, r, in, fill_from(r, environ_list));
	return g;
}
