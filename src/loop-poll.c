/* loop-poll - descriptors through libuv's uv_poll_t, where there is no epoll. */
#include "config.h"

#include <unistd.h>

#include "err.h"
#include "loop.h"

#ifndef LOOP_EPOLL

static void
on_idle(uv_idle_t *h)
{
	(void)h;
}

static void
run_turn(struct loop *l)
{
	loop_turn(l);
	if (list_empty(&l->later))
		uv_idle_stop(&l->idle);
	else
		uv_idle_start(&l->idle, on_idle);
}

static void
on_before(uv_prepare_t *h)
{
	run_turn(h->data);
}

static void
on_after(uv_check_t *h)
{
	run_turn(h->data);
}

int
loop_fds_init(struct loop *l)
{
	uv_prepare_init(&l->uv, &l->before);
	uv_check_init(&l->uv, &l->after);
	uv_idle_init(&l->uv, &l->idle);
	l->before.data = l->after.data = l;
	uv_prepare_start(&l->before, on_before);
	uv_check_start(&l->after, on_after);
	uv_unref((uv_handle_t *)&l->before);
	uv_unref((uv_handle_t *)&l->after);
	return 0;
}

void
loop_fds_turn(struct loop *l)
{
	(void)l;
}

void
loop_fds_release(struct loop *l)
{
	uv_close((uv_handle_t *)&l->before, NULL);
	uv_close((uv_handle_t *)&l->after, NULL);
	uv_close((uv_handle_t *)&l->idle, NULL);
}

void
loop_run(struct loop *l)
{
	uv_run(&l->uv, UV_RUN_DEFAULT);
}

void
loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

void
loop_poll(struct loop *l)
{
	uv_run(&l->uv, UV_RUN_NOWAIT);
}

int
loop_descriptor(struct loop *l)
{
	return uv_backend_fd(&l->uv);
}

static void
on_ready(uv_poll_t *h, int status, int events)
{
	struct loop_fd *io = h->data;

	if (status < 0)
		io->events = 0;	/* libuv has stopped the watch */
	io->ready(io, status < 0 ? LOOP_HANGUP : events);
}

void
loop_fd_init(struct loop_fd *io, int fd, void (*ready)(struct loop_fd *, int))
{
	io->fd = fd;
	io->ready = ready;
	io->closed = NULL;
	io->events = 0;
	io->known = false;
}

int
loop_fd_watch(struct loop *l, struct loop_fd *io, int events)
{
	if (io->events == events || io->fd < 0)
		return 0;
	if (!io->known) {
		if (uv_poll_init(&l->uv, &io->poll, io->fd) != 0)
			return -ERR_IO;
		io->poll.data = io;
		io->known = true;
	}
	io->events = events;
	if (events == 0)
		return uv_poll_stop(&io->poll) == 0 ? 0 : -ERR_IO;
	return uv_poll_start(&io->poll, events, on_ready) == 0 ? 0 : -ERR_IO;
}

static void
on_fd_closed(uv_handle_t *h)
{
	struct loop_fd *io = h->data;

	if (io->closed != NULL)
		io->closed(io);
}

void
loop_fd_close(struct loop_fd *io, void (*closed)(struct loop_fd *))
{
	int fd = io->fd;

	if (fd < 0)
		return;
	io->fd = -1;
	io->closed = closed;
	if (io->known) {
		uv_poll_stop(&io->poll);
		uv_close((uv_handle_t *)&io->poll, on_fd_closed);
	}
	close(fd);
	if (!io->known && closed != NULL)
		closed(io);
}

#endif
