/*
 * door - see door.h. A socket address ends at 107 bytes, so a longer name is reached through
 * a descriptor of its directory. Costs two stat(2) a second.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "door.h"
#include "err.h"
#include "handoff.h"
#include "list.h"
#include "log.h"

/* ---- names ---- */

static char *
with_suffix(const char *head, const char *tail, const char *suffix)
{
	size_t size = strlen(head) + strlen(tail) + strlen(suffix) + 1;
	char *out = malloc(size);

	if (out != NULL)
		snprintf(out, size, "%s%s%s", head, tail, suffix);
	return out;
}

/* "/proc/self/fd/9/name.hub" */
static char *
short_name(struct door *d, const char *db)
{
	const char *name = strrchr(db, '/');
	char via[64], *dir;

	if (name == NULL)
		return NULL;
	dir = strndup(db, (size_t)(name - db) + 1);
	if (dir == NULL)
		return NULL;
	d->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	snprintf(via, sizeof via, "/proc/self/fd/%d", d->dir);
	return with_suffix(via, name, HANDOFF_SUFFIX);
}

static int
make_names(struct door *d, const char *db)
{
	struct sockaddr_un a;

	d->lock_path = with_suffix(db, "", HANDOFF_LOCK_SUFFIX);
	d->path = with_suffix(db, "", HANDOFF_SUFFIX);
	if (d->path != NULL && strlen(d->path) >= sizeof a.sun_path) {
		free(d->path);
		d->path = short_name(d, db);
	}
	return d->path == NULL || d->lock_path == NULL ? -ERR_NOMEM : 0;
}

/* ---- visitors ---- */

static void
admit(struct door *d, int fd)
{
	if (handoff_same_user(fd))
		d->knock(d->arg, fd);
	else
		close(fd);
}

/* No descriptor is left: without this the loop would spin on a socket it cannot empty. */
static bool
turn_away(struct door *d)
{
	static const char full = HANDOFF_FULL;
	int fd;

	if (d->spare < 0)
		return false;
	close(d->spare);
	fd = accept4(d->listening.fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0) {
		send(fd, &full, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		close(fd);
	}
	d->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return fd >= 0;
}

static void
on_knock(struct loop_fd *io, int events)
{
	struct door *d = LIST_OF(io, struct door, listening);
	int i, fd;

	(void)events;
	for (i = 0; i < DOOR_BATCH && door_open(d); i++) {
		fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			admit(d, fd);
		else if ((errno != EMFILE && errno != ENFILE) || !turn_away(d))
			return;
	}
}

/* ---- having it ---- */

static void
take(struct door *d, int listening, int lock)
{
	struct stat st;

	fcntl(listening, F_SETFD, FD_CLOEXEC);
	fcntl(lock, F_SETFD, FD_CLOEXEC);
	d->lock = lock;
	d->inode = stat(d->path, &st) == 0 ? st.st_ino : 0;
	loop_fd_init(&d->listening, listening, on_knock);
	if (loop_fd_watch(d->loop, &d->listening, LOOP_READ) < 0)
		LOG(LOG_ERROR, "cannot watch the hub's socket", LOG_Z("path", d->path));
}

static void
try(struct door *d)
{
	int listening, lock = handoff_lock(d->lock_path);

	if (lock < 0)
		return;
	listening = handoff_listen(d->path);
	if (listening >= 0)
		take(d, listening, lock);
	else
		close(lock);
}

static void
check_closed(struct door *d)
{
	if (d->released && !d->closing)
		d->closed(d);
}

static void
on_listening_closed(struct loop_fd *io)
{
	struct door *d = LIST_OF(io, struct door, listening);

	d->closing = false;
	check_closed(d);
}

static bool
still_ours(const struct door *d)
{
	struct stat st;

	return handoff_same_file(d->lock, d->lock_path) && stat(d->path, &st) == 0 &&
	    st.st_ino == d->inode;
}

static void
give_up(struct door *d)
{
	if (!door_open(d))
		return;
	if (still_ours(d))
		unlink(d->path);
	d->closing = true;
	loop_fd_close(&d->listening, on_listening_closed);
	close(d->lock);
	d->lock = -1;
}

static void
on_keep(struct loop_timer *t)
{
	struct door *d = LIST_OF(t, struct door, keep);

	if (door_open(d) && !still_ours(d)) {
		LOG(LOG_WARN, "the hub's socket or lock was removed", LOG_Z("path", d->path));
		give_up(d);
	}
	if (!door_open(d) && !d->closing)
		try(d);
}

/* ---- life ---- */

int
door_init(struct door *d, struct loop *l, const char *db, int listen_fd, int lock_fd,
    void (*knock)(void *arg, int fd), void *arg)
{
	*d = (struct door){ .loop = l, .dir = -1, .lock = -1, .knock = knock, .arg = arg };
	loop_fd_init(&d->listening, -1, on_knock);
	if (make_names(d, db) < 0) {
		free(d->path);
		free(d->lock_path);
		return -ERR_NOMEM;
	}
	d->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	loop_timer_init(l, &d->keep, on_keep);
	loop_timer_start(&d->keep, DOOR_KEEP_MS, DOOR_KEEP_MS);
	if (listen_fd >= 0 && lock_fd >= 0)
		take(d, listen_fd, lock_fd);
	else
		try(d);
	return 0;
}

bool
door_open(const struct door *d)
{
	return d->listening.fd >= 0;
}

void
door_shut(struct door *d)
{
	if (d->shut)
		return;
	d->shut = true;
	loop_timer_stop(&d->keep);
	give_up(d);
}

static void
on_keep_closed(struct loop_timer *t)
{
	struct door *d = LIST_OF(t, struct door, keep);

	d->released = true;
	check_closed(d);
}

void
door_release(struct door *d, void (*closed)(struct door *d))
{
	door_shut(d);
	if (d->dir >= 0)
		close(d->dir);
	if (d->spare >= 0)
		close(d->spare);
	free(d->path);
	free(d->lock_path);
	d->path = d->lock_path = NULL;
	d->closed = closed;
	loop_timer_close(&d->keep, on_keep_closed);
}
