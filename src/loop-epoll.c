/*
 * loop-epoll - descriptors of a Linux process: one epoll set. libuv, which has the timers, signals, file
 * watches and workers, is one descriptor in it and called when it has something to do.
 *
 * libuv's own uv_poll_t is 160 bytes a descriptor and tries each out with two system calls; with
 * thousands of idle streams that is a third of their memory. The other way round, our set in
 * libuv's, each turn would cost one more epoll_wait.
 */
#include "config.h"

#include "err.h"
#include "loop.h"

#ifdef LOOP_EPOLL
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BATCH 128	/* events a call; what is left comes in the next turn */

static const struct { int loop; uint32_t epoll; } names[] = {
	{ LOOP_READ, EPOLLIN }, { LOOP_WRITE, EPOLLOUT }, { LOOP_HANGUP, EPOLLRDHUP },
};

static uint32_t
to_epoll(int events)
{
	uint32_t e = 0;
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		if ((events & names[i].loop) != 0)
			e |= names[i].epoll;
	return e;
}

static int
from_epoll(uint32_t e)
{
	int events = 0;
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		if ((e & names[i].epoll) != 0)
			events |= names[i].loop;
	return events;
}

/* An error or a complete hang-up wakes whoever watches for anything: reading or writing tells. */
static void
call(struct loop_fd *io, uint32_t e)
{
	int events = from_epoll(e) & io->events;

	if ((e & EPOLLERR) != 0 && (io->events & LOOP_GONE) == 0) {
		loop_fd_watch(io->loop, io, 0);
		events = LOOP_HANGUP;
	} else if ((e & (EPOLLERR | EPOLLHUP)) != 0)
		events |= io->events;
	if (events != 0)
		io->ready(io, events);
}

static void
call_all(struct loop *l, struct epoll_event *batch, int n)
{
	int i;

	l->batch = batch;
	l->batched = n;
	for (i = 0; i < n; i++)
		if (batch[i].data.ptr == l)
			l->uv_due = true;
		else if (batch[i].data.ptr != NULL)
			call(batch[i].data.ptr, batch[i].events);
	l->batch = NULL;
	l->batched = 0;
}

/* ---- sleeping ---- */

/* In milliseconds; -1: until something happens. Without a handle libuv would not sleep at all. */
static int
how_long(struct loop *l)
{
	if (!list_empty(&l->later))
		return 0;
	return uv_loop_alive(&l->uv) ? uv_backend_timeout(&l->uv) : -1;
}

static void
wait_for(struct loop *l, int ms)
{
	struct epoll_event batch[BATCH];
	int n = epoll_wait(l->epoll, batch, BATCH, ms);

	uv_update_time(&l->uv);
	call_all(l, batch, n > 0 ? n : 0);
	if (uv_loop_alive(&l->uv) && uv_backend_timeout(&l->uv) == 0)
		l->uv_due = true;
}

static void
once(struct loop *l, bool sleep)
{
	if (l->uv_due) {
		l->uv_due = false;
		uv_run(&l->uv, UV_RUN_NOWAIT);
	}
	loop_turn(l);
	wait_for(l, sleep && !l->stopped ? how_long(l) : 0);
}

void
loop_run(struct loop *l)
{
	for (l->stopped = false; !l->stopped;)
		once(l, true);
	loop_turn(l);
}

void
loop_stop(struct loop *l)
{
	l->stopped = true;
}

void
loop_poll(struct loop *l)
{
	l->uv_due = true;
	once(l, false);
	loop_turn(l);
}

int
loop_descriptor(struct loop *l)
{
	return l->epoll;
}

/* ---- life ---- */

int
loop_fds_init(struct loop *l)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = l };

	l->uv_due = true;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0 || epoll_ctl(l->epoll, EPOLL_CTL_ADD, uv_backend_fd(&l->uv), &e) < 0)
		return -ERR_IO;
	return 0;
}

void
loop_fds_turn(struct loop *l)
{
	struct loop_fd *io, *next;

	for (io = l->closing, l->closing = NULL; io != NULL; io = next) {
		next = io->next;
		if (io->closed != NULL)
			io->closed(io);
	}
}

void
loop_fds_release(struct loop *l)
{
	loop_fds_turn(l);
	close(l->epoll);
}

/* ---- a descriptor ---- */

void
loop_fd_init(struct loop_fd *io, int fd, void (*ready)(struct loop_fd *, int))
{
	*io = (struct loop_fd){ .fd = fd, .ready = ready };
}

static int
learn(struct loop *l, struct loop_fd *io, struct epoll_event *e)
{
	int flags = fcntl(io->fd, F_GETFL);

	if (flags < 0 || ((flags & O_NONBLOCK) == 0 && fcntl(io->fd, F_SETFL, flags | O_NONBLOCK) < 0))
		return -ERR_IO;
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, io->fd, e) < 0)
		return -ERR_IO;
	io->loop = l;
	io->known = true;
	return 0;
}

int
loop_fd_watch(struct loop *l, struct loop_fd *io, int events)
{
	struct epoll_event e = { .events = to_epoll(events), .data.ptr = io };
	int rc = 0;

	if (io->events == events || io->fd < 0)
		return 0;
	if (!io->known)
		rc = learn(l, io, &e);
	else if (events == 0)		/* an epoll set reports errors of all that is in it */
		epoll_ctl(l->epoll, EPOLL_CTL_DEL, io->fd, &e);
	else if (epoll_ctl(l->epoll, io->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, io->fd, &e) < 0)
		rc = -ERR_IO;
	if (rc == 0)
		io->events = events;
	return rc;
}

/* Events of this descriptor that were fetched already must not reach memory that is gone. */
static void
forget(struct loop *l, const struct loop_fd *io)
{
	int i;

	for (i = 0; i < l->batched; i++)
		if (l->batch[i].data.ptr == io)
			l->batch[i].data.ptr = NULL;
}

void
loop_fd_close(struct loop_fd *io, void (*closed)(struct loop_fd *))
{
	struct epoll_event none = { 0 };
	struct loop *l = io->loop;	/* NULL while the loop does not know it */
	int fd = io->fd;

	if (fd < 0)
		return;
	io->fd = -1;
	io->closed = closed;
	if (!io->known) {
		close(fd);
		if (closed != NULL)
			closed(io);
		return;
	}
	if (io->events != 0)		/* it may be open in another process: close does not take it out */
		epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, &none);
	close(fd);
	forget(l, io);
	io->next = l->closing;
	l->closing = io;
}

#endif
