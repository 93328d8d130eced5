/*
 * rate-file - the file beside the database that the tables of rate.h are mapped from.
 *
 * A new file is zeros and thereby two empty tables, so whoever opens it can make it and nobody waits: its
 * size is reserved (a hole that cannot be filled later would kill who writes to it), and its first word set. One
 * of another version or size is not changed but unlinked: others may have it mapped. They notice by
 * rate_look.
 *
 * The locks are of fcntl: they go with the process, however it dies. They also go when it closes any other
 * descriptor of that file, so nobody else opens it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "rate.h"

#define MAGIC	UINT64_C(0x7369677261746531)	/* "sigrate1": its last digit is the version of the tables */
#define SIZE	((off_t)sizeof(struct rate_map))

_Static_assert(sizeof(struct rate_map) % 4096 == 0, "whole pages");

/* ---- open ---- */

static const char *
reason(int err)
{
	static char text[96];
	const char *what = err == EACCES || err == EPERM || err == EROFS ? "it may not be written" :
	    err == ENOSPC || err == EDQUOT ? "the disk is full" :
	    err == ENODEV || err == EINVAL || err == EOPNOTSUPP ? "this file system cannot share memory" : strerror(err);

	snprintf(text, sizeof text, "%s", what);
	return text;
}

/* 0: it has its size. -ERR_VERSION: it has another one. */
static int
reserve(int fd)
{
	struct stat st;
	int err;

	if (fstat(fd, &st) < 0)
		return -ERR_IO;
	if (S_ISREG(st.st_mode) && st.st_size == SIZE)
		return 0;
	if (!S_ISREG(st.st_mode) || st.st_size != 0)
		return -ERR_VERSION;
	err = posix_fallocate(fd, 0, SIZE);
	errno = err;
	return err == 0 ? 0 : -ERR_IO;
}

/* looks: what is in it does not matter, and nothing is written. */
static int
map_file(struct rate *r, int fd, bool looks)
{
	void *p = mmap(NULL, (size_t)SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct rate_map *map = p;
	uint64_t fresh = 0;

	if (p == MAP_FAILED)
		return -ERR_IO;
	if (!looks && !atomic_compare_exchange_strong(&map->head[0], &fresh, MAGIC) && fresh != MAGIC) {
		munmap(p, (size_t)SIZE);
		return -ERR_VERSION;
	}
	r->map = map;
	r->fd = fd;
	r->why = NULL;
	return 0;
}

static int
open_file(struct rate *r)
{
	int fd = open(r->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc, err;

	if (fd < 0)
		return -ERR_IO;
	rc = reserve(fd);
	if (rc == 0)
		rc = map_file(r, fd, false);
	if (rc < 0) {
		err = errno;
		close(fd);
		errno = err;
	}
	return rc;
}

static int
map_own(struct rate *r)
{
	void *p = mmap(NULL, (size_t)SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -ERR_NOMEM;
	r->map = p;
	r->fd = -1;
	return 0;
}

static int
map_anew(struct rate *r)
{
	int rc = open_file(r);

	if (rc == -ERR_VERSION && unlink(r->path) == 0)
		rc = open_file(r);
	if (rc == 0)
		return 0;
	r->why = rc == -ERR_VERSION ? "it is of another version and cannot be replaced" : reason(errno);
	return map_own(r);
}

static void
unmap(struct rate *r)
{
	if (r->map != NULL)
		munmap(r->map, (size_t)SIZE);
	if (r->fd >= 0)
		close(r->fd);
	r->map = NULL;
	r->fd = -1;
	r->owner = 0;
}

int
rate_init(struct rate *r, const char *db)
{
	size_t size = strlen(db) + sizeof RATE_SUFFIX;
	int rc;

	*r = (struct rate){ .fd = -1, .path = malloc(size) };
	if (r->path == NULL)
		return -ERR_NOMEM;
	snprintf(r->path, size, "%s" RATE_SUFFIX, db);
	rc = map_anew(r);
	if (rc < 0) {
		free(r->path);
		r->path = NULL;
	}
	return rc;
}

const char *
rate_problem(const char *db)
{
	char path[4096 + sizeof RATE_SUFFIX];
	struct rate r = { .fd = -1, .path = path };
	int fd, rc;

	snprintf(path, sizeof path, "%s" RATE_SUFFIX, db);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? NULL : reason(errno);
	rc = map_file(&r, fd, true);
	if (rc < 0)
		close(fd);
	unmap(&r);
	return rc == -ERR_IO ? reason(errno) : NULL;
}

void
rate_release(struct rate *r)
{
	if (r->path == NULL)
		return;
	unmap(r);
	free(r->path);
	r->path = NULL;
}

static bool
still_there(const struct rate *r)
{
	struct stat ours, there;

	return fstat(r->fd, &ours) == 0 && lstat(r->path, &there) == 0 && ours.st_dev == there.st_dev &&
	    ours.st_ino == there.st_ino && there.st_size == SIZE && atomic_load(&r->map->head[0]) == MAGIC;
}

/* What is not shared stays so: a process that serves from two tables in turn would count for nobody. */
bool
rate_look(struct rate *r)
{
	struct rate old = *r;

	if (r->fd < 0 || still_there(r))
		return false;
	if (map_anew(r) < 0) {
		*r = old;
		return false;
	}
	r->owner = 0;
	unmap(&old);
	return true;
}

/* ---- owners ---- */

static bool
lock_byte(int fd, int command, unsigned owner, struct flock *l)
{
	*l = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)owner, .l_len = 1 };
	return fcntl(fd, command, l) == 0;
}

bool
rate_owner_dead(const struct rate *r, unsigned owner)
{
	struct flock l;

	return r->fd < 0 || owner == 0 || (lock_byte(r->fd, F_GETLK, owner, &l) && l.l_type == F_UNLCK);
}

/* What somebody who is dead left under that number. */
static void
clear(struct rate *r, unsigned owner)
{
	size_t i;

	for (i = 0; i < RATE_SESSIONS; i++)
		if ((atomic_load_explicit(&r->map->sessions[i], memory_order_relaxed) >> 32 & 0xff) == owner)
			atomic_store_explicit(&r->map->sessions[i], 0, memory_order_relaxed);
}

void
rate_recount(struct rate *r)
{
	if (r->owner != 0)
		clear(r, r->owner);
}

unsigned
rate_own(struct rate *r)
{
	struct flock l;
	unsigned owner;

	if (r->fd < 0)
		return 1;
	for (owner = 1; owner <= RATE_OWNERS; owner++)
		if (lock_byte(r->fd, F_SETLK, owner, &l)) {
			clear(r, owner);
			return owner;
		}
	return 0;
}
