/*
 * gate-fcgi - see gate-fcgi.h: the door, states, life.
 *
 * A line is one connection. It is in exactly one state, and on the list of that state in the
 * order in which it entered; a state may be limited in time, so one timer that looks at the
 * heads of the lists is enough for all lines.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "err.h"
#include "gate-fcgi-private.h"
#include "log.h"

#define ACCEPT_MOST	64	/* connections at once … */
#define CROWD_MS	1	/* … if the last one came so short a time ago */
#define STARVED_MS	100	/* no descriptors left: accept nothing for this long */
#define LINGER_MS	2000	/* who was answered early may send on for this long */

/* ---- states and time ---- */

static void
arm(struct gate_fcgi *g, int64_t due)
{
	int64_t ms = due - loop_mono(g->loop);

	if (g->due != 0 && g->due <= due)
		return;
	g->due = due;
	loop_timer_start(&g->sweep, ms > 0 ? (uint64_t)ms : 1, 0);
}

void
gate_fcgi_enter(struct line *l, enum line_state state)
{
	struct gate_fcgi *g = l->gate;

	list_del(&l->link);
	list_add(&g->lines[state], &l->link);
	l->state = (uint8_t)state;
	l->since = loop_mono(g->loop);
	if (g->limit_ms[state] > 0)
		arm(g, l->since + g->limit_ms[state]);
}

void
gate_fcgi_soon(struct gate_fcgi *g)
{
	loop_later(g->loop, &g->soon);
}

/* ---- timers ---- */

/* The turn is over: answers that could leave have left. */
static void
on_soon(struct loop_later *t)
{
	struct gate_fcgi *g = LIST_OF(t, struct gate_fcgi, soon);
	struct list now, *link;

	list_init(&now);
	list_move(&now, &g->lines[LINE_AGAIN]);
	while ((link = list_pop(&now)) != NULL)
		line_again(LIST_OF(link, struct line, link));
	while (!list_empty(&g->lines[LINE_TAKEN]))
		line_taken(LIST_OF(g->lines[LINE_TAKEN].next, struct line, link));
}

/* Ends what was in a state for too long; the list is in the order of time. */
static void
sweep(struct gate_fcgi *g, enum line_state state, int64_t now)
{
	struct line *first;

	while (!list_empty(&g->lines[state])) {
		first = LIST_OF(g->lines[state].next, struct line, link);
		if (first->since + g->limit_ms[state] > now) {
			arm(g, first->since + g->limit_ms[state]);
			return;
		}
		line_overdue(first);
	}
}

static void
on_sweep(struct loop_timer *t)
{
	struct gate_fcgi *g = LIST_OF(t, struct gate_fcgi, sweep);
	int i;

	g->due = 0;
	for (i = 0; i < LINE__MAX; i++)
		if (g->limit_ms[i] > 0)
			sweep(g, (enum line_state)i, loop_mono(g->loop));
}

/* ---- the door ---- */

static void
starve(struct gate_fcgi *g, int error)
{
	if (!g->hungry)
		LOG(LOG_ERROR, "fastcgi: cannot accept", LOG_Z("error", strerror(error)),
		    LOG_INT("connections", g->conns));
	g->hungry = true;
	loop_fd_watch(g->loop, &g->door, 0);
	loop_timer_start(&g->starved, STARVED_MS, 0);
}

static void
on_starved(struct loop_timer *t)
{
	struct gate_fcgi *g = LIST_OF(t, struct gate_fcgi, starved);

	if (loop_fd_watch(g->loop, &g->door, LOOP_READ) < 0)
		loop_timer_start(&g->starved, STARVED_MS, 0);
}

/* At light load there is just one, and asking for another costs as much as taking it. Who waits
 * nevertheless is seen in the next turn. */
static int
how_many(struct gate_fcgi *g)
{
	int64_t now = loop_mono(g->loop), since = now - g->knocked;

	g->knocked = now;
	return since <= CROWD_MS ? ACCEPT_MOST : 1;
}

static void
on_door(struct loop_fd *io, int events)
{
	struct gate_fcgi *g = LIST_OF(io, struct gate_fcgi, door);
	int fd, i, most = how_many(g);

	(void)events;
	for (i = 0; i < most && !g->stopping; i++) {
		fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			g->hungry = false;
			line_open(g, fd);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			starve(g, errno);
			return;
		}
	}
}

/* ---- life ---- */

/* fd 0 stays open for whoever gave it to us. Connections inherit TCP_NODELAY: events are small and
 * must not wait for each other's ACK. */
static int
own_listener(int fd)
{
	int flags, yes = 1;

	if (fd == 0)
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return -ERR_NOMEM;
	flags = fcntl(fd, F_GETFL);
	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);	/* not a Unix socket */
	return fd;
}

static void
init_states(struct gate_fcgi *g)
{
	const struct conf *conf = g->hub->conf;
	int i;

	for (i = 0; i < LINE__MAX; i++)
		list_init(&g->lines[i]);
	g->limit_ms[LINE_READING] = conf->request_ms;
	g->limit_ms[LINE_SLOW] = conf->slow_ms;
	g->limit_ms[LINE_LINGER] = LINGER_MS;
	g->user = line_user;
	g->user.max_vars = (uint32_t)conf->max_vars_bytes;
	g->user.max_conns = (uint32_t)conf->max_streams;
}

struct gate_fcgi *
gate_fcgi_new(struct hub *hub, int listen_fd)
{
	struct gate_fcgi *g = calloc(1, sizeof *g);
	int fd = g != NULL ? own_listener(listen_fd) : -1;

	if (fd < 0) {
		free(g);
		return NULL;
	}
	g->hub = hub;
	g->loop = hub->loop;
	g->handles = 3;		/* the door and two timers */
	init_states(g);
	loop_timer_init(hub->loop, &g->sweep, on_sweep);
	loop_later_init(&g->soon, on_soon);
	loop_timer_init(hub->loop, &g->starved, on_starved);
	loop_fd_init(&g->door, fd, on_door);
	if (loop_fd_watch(hub->loop, &g->door, LOOP_READ) < 0)
		starve(g, errno);
	return g;
}

void
gate_fcgi_unref(struct gate_fcgi *g)
{
	if (--g->handles == 0)
		free(g);
}

static void
on_door_closed(struct loop_fd *io)
{
	gate_fcgi_unref(LIST_OF(io, struct gate_fcgi, door));
}

static void
cut_all(struct gate_fcgi *g, enum line_state state)
{
	while (!list_empty(&g->lines[state]))
		line_cut(LIST_OF(g->lines[state].next, struct line, link));
}

/* Nothing has come that this process has not read yet. */
static bool
silent(const struct line *l)
{
	char byte;

	return recv(l->io.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

/* A request that is on its way already would be lost: a web server cannot know whether it was read, and tells
 * its client 502. It is answered, and its connection not kept. */
static void
cut_silent(struct gate_fcgi *g)
{
	struct list *link, *next;

	for (link = g->lines[LINE_IDLE].next; link != &g->lines[LINE_IDLE]; link = next) {
		next = link->next;
		if (silent(LIST_OF(link, struct line, link)))
			line_cut(LIST_OF(link, struct line, link));
	}
}

void
gate_fcgi_stop(struct gate_fcgi *g)
{
	if (g->stopping)
		return;
	g->stopping = true;
	loop_timer_stop(&g->starved);
	loop_fd_close(&g->door, on_door_closed);
	cut_silent(g);
}

static void
on_sweep_closed(struct loop_timer *t)
{
	gate_fcgi_unref(LIST_OF(t, struct gate_fcgi, sweep));
}

static void
on_starved_closed(struct loop_timer *t)
{
	gate_fcgi_unref(LIST_OF(t, struct gate_fcgi, starved));
}

void
gate_fcgi_free(struct gate_fcgi *g)
{
	int i;

	gate_fcgi_stop(g);
	for (i = 0; i < LINE_DEAD; i++)
		cut_all(g, (enum line_state)i);
	loop_timer_close(&g->sweep, on_sweep_closed);
	loop_later_cancel(&g->soon);
	loop_timer_close(&g->starved, on_starved_closed);
}

uint32_t
gate_fcgi_conns(const struct gate_fcgi *g)
{
	return g->conns;
}

bool
gate_fcgi_is_listening(int fd)
{
	socklen_t size = sizeof(int);
	int yes = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &size) == 0 && yes != 0;
}
