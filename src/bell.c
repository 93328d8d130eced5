/* bell - libuv's file watch on <db>.bell; one pwrite a ring. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bell.h"
#include "err.h"
#include "log.h"

static void
on_event(uv_fs_event_t *h, const char *name, int events, int status)
{
	struct bell *b = h->data;

	(void)name;
	if (status < 0 || (events & UV_RENAME) != 0)	/* deleted or moved: the watch is on nothing */
		b->lost = true;
	b->heard(b->arg);
}

static void
close_file(struct bell *b)
{
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
}

/* The file first, the watch on it second; the caller looks once afterwards. */
static void
arm(struct bell *b)
{
	close_file(b);
	if (b->armed)
		uv_fs_event_stop(&b->watch);
	b->armed = false;
	b->fd = open(b->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (b->fd < 0)
		return;
	b->armed = uv_fs_event_start(&b->watch, on_event, b->path, 0) == 0;
	b->works = b->armed;
	b->lost = false;
}

int
bell_init(struct bell *b, struct loop *l, const char *db_path, void (*heard)(void *), void *arg)
{
	size_t size = strlen(db_path) + sizeof ".bell";

	*b = (struct bell){ .loop = l, .fd = -1, .heard = heard, .arg = arg };
	b->path = malloc(size);
	if (b->path == NULL)
		return -ERR_NOMEM;
	snprintf(b->path, size, "%s.bell", db_path);
	uv_fs_event_init(&l->uv, &b->watch);
	b->watch.data = b;
	arm(b);
	if (!b->works)
		LOG(LOG_WARN, "no file watch: looking for work by the clock", LOG_Z("file", b->path));
	return 0;
}

void
bell_release(struct bell *b)
{
	close_file(b);
	uv_close((uv_handle_t *)&b->watch, NULL);
	free(b->path);
	b->path = NULL;
}

void
bell_look(struct bell *b)
{
	struct stat st;

	/* its event is only a change of its links while somebody still has it open */
	if (!b->lost && b->fd >= 0 && fstat(b->fd, &st) == 0 && st.st_nlink > 0)
		return;
	arm(b);
	b->heard(b->arg);
}

void
bell_ring(struct bell *b)
{
	ssize_t ignored;

	if (b->lost || b->fd < 0) {
		arm(b);
		b->heard(b->arg);
	}
	if (b->fd < 0)
		return;
	ignored = pwrite(b->fd, "!", 1, 0);
	(void)ignored;
}
