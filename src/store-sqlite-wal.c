/*
 * store-sqlite-wal - the frames of a commit reach the WAL in one write.
 *
 * SQLite writes each changed page in two calls, a header of 24 bytes and the page. Measured: that is
 * half of what a commit costs. This VFS is SQLite's own with another xWrite for the WAL (a "shim",
 * sqlite.org/vfs.html, 2.2): frames are put together here and written when the one that ends the
 * transaction is complete, so whoever sees the commit in the WAL's index finds it in the file.
 *
 * A frame is kept back until the one that ends the transaction is there, which its header tells (file
 * format, 4.1: bytes 4 to 7 are not 0). Whatever is not recognized goes through at once, after
 * what was kept back, and so does reading; in particular the headers that SQLite writes once more
 * when a transaction had changed a page after it was in the WAL, for nothing would follow them.
 * A write that fails later than it was asked for fails the same transaction.
 */
#include "config.h"

#include <pthread.h>

#include "store-sqlite.h"

#define HEADER		24	/* bytes of a frame's header */
#define FIRST		32	/* offset of the first frame */
#define KEEP		(16 * (HEADER + LITE_PAGE))	/* bytes kept back at most */

enum part { PART_NONE, PART_HEADER, PART_LAST_HEADER };

struct wal {
	sqlite3_file	 base;
	sqlite3_int64	 at;		/* where in the file the bytes kept back belong */
	int		 n;		/* how many there are */
	enum part	 part;		/* what the last of them are */
	sqlite3_int64	 high;		/* end of what this transaction wrote; only what is above is new */
	char		*bytes;		/* KEEP of them, once wanted */
	sqlite3_file	*real;		/* behind this struct */
};

static sqlite3_vfs vfs, *unix_vfs;

static struct wal *
wal_of(sqlite3_file *f)
{
	return (struct wal *)f;
}

static int
flush(struct wal *w)
{
	int n = w->n;

	w->n = 0;
	w->part = PART_NONE;
	return n == 0 ? SQLITE_OK : w->real->pMethods->xWrite(w->real, w->bytes, n, w->at);
}

/* ---- writing ---- */

/* The bytes of a whole frame can be kept. */
static bool
has_room(struct wal *w)
{
	if (w->bytes == NULL)
		w->bytes = sqlite3_malloc(KEEP);
	return w->bytes != NULL && w->n + HEADER + LITE_PAGE <= KEEP;
}

static void
keep(struct wal *w, const void *p, int n, sqlite3_int64 at)
{
	if (w->n == 0)
		w->at = at;
	memcpy(w->bytes + w->n, p, (size_t)n);
	w->n += n;
}

static int
write_header(struct wal *w, const unsigned char *p, sqlite3_int64 at)
{
	int rc = has_room(w) ? SQLITE_OK : flush(w);

	if (rc != SQLITE_OK)
		return rc;
	if (!has_room(w))
		return w->real->pMethods->xWrite(w->real, p, HEADER, at);
	keep(w, p, HEADER, at);
	w->part = (p[4] | p[5] | p[6] | p[7]) == 0 ? PART_HEADER : PART_LAST_HEADER;
	return SQLITE_OK;
}

static int
write_page(struct wal *w, const void *p, int n, sqlite3_int64 at)
{
	bool last = w->part == PART_LAST_HEADER;

	keep(w, p, n, at);
	w->part = PART_NONE;
	return last ? flush(w) : SQLITE_OK;
}

static int
wal_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct wal *w = wal_of(f);
	bool follows = at >= w->high && (w->n == 0 || at == w->at + w->n);
	int rc;

	if (at + n > w->high)
		w->high = at + n;
	if (w->part != PART_NONE && follows && n == LITE_PAGE)
		return write_page(w, p, n, at);
	if (w->part == PART_NONE && follows && n == HEADER && at >= FIRST)
		return write_header(w, p, at);
	rc = flush(w);
	return rc != SQLITE_OK ? rc : w->real->pMethods->xWrite(w->real, p, n, at);
}

/* ---- everything else ---- */

static int
wal_close(sqlite3_file *f)
{
	struct wal *w = wal_of(f);

	sqlite3_free(w->bytes);
	return w->real->pMethods->xClose(w->real);
}

static int
wal_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	struct wal *w = wal_of(f);
	int rc = flush(w);

	return rc != SQLITE_OK ? rc : w->real->pMethods->xRead(w->real, p, n, at);
}

static int
wal_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct wal *w = wal_of(f);
	int rc = flush(w);

	return rc != SQLITE_OK ? rc : w->real->pMethods->xTruncate(w->real, size);
}

static int
wal_sync(sqlite3_file *f, int flags)
{
	struct wal *w = wal_of(f);
	int rc = flush(w);

	return rc != SQLITE_OK ? rc : w->real->pMethods->xSync(w->real, flags);
}

static int
wal_size(sqlite3_file *f, sqlite3_int64 *size)
{
	struct wal *w = wal_of(f);
	int rc = flush(w);

	return rc != SQLITE_OK ? rc : w->real->pMethods->xFileSize(w->real, size);
}

static int
wal_lock(sqlite3_file *f, int level)
{
	return wal_of(f)->real->pMethods->xLock(wal_of(f)->real, level);
}

static int
wal_unlock(sqlite3_file *f, int level)
{
	return wal_of(f)->real->pMethods->xUnlock(wal_of(f)->real, level);
}

static int
wal_reserved(sqlite3_file *f, int *yes)
{
	return wal_of(f)->real->pMethods->xCheckReservedLock(wal_of(f)->real, yes);
}

static int
wal_control(sqlite3_file *f, int op, void *arg)
{
	return wal_of(f)->real->pMethods->xFileControl(wal_of(f)->real, op, arg);
}

static int
wal_sector(sqlite3_file *f)
{
	return wal_of(f)->real->pMethods->xSectorSize(wal_of(f)->real);
}

static int
wal_device(sqlite3_file *f)
{
	return wal_of(f)->real->pMethods->xDeviceCharacteristics(wal_of(f)->real);
}

static const sqlite3_io_methods wal_methods = {
	.iVersion = 1, .xClose = wal_close, .xRead = wal_read, .xWrite = wal_write,
	.xTruncate = wal_truncate, .xSync = wal_sync, .xFileSize = wal_size, .xLock = wal_lock,
	.xUnlock = wal_unlock, .xCheckReservedLock = wal_reserved, .xFileControl = wal_control,
	.xSectorSize = wal_sector, .xDeviceCharacteristics = wal_device,
};

/* ---- transactions ---- */

void
lite_wal_begin(sqlite3 *db)
{
	sqlite3_file *f = NULL;

	sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &f);
	if (f != NULL && f->pMethods == &wal_methods)
		wal_of(f)->high = 0;
}

/* ---- opening ---- */

/* Anything but a WAL is SQLite's own file. pMethods set means that SQLite will close it. */
static int
open_any(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct wal *w = wal_of(f);
	int rc;

	(void)v;
	if ((flags & SQLITE_OPEN_WAL) == 0)
		return unix_vfs->xOpen(unix_vfs, name, f, flags, out);
	*w = (struct wal){ .real = (sqlite3_file *)(w + 1), .high = INT64_MAX };
	rc = unix_vfs->xOpen(unix_vfs, name, w->real, flags, out);
	if (w->real->pMethods != NULL)
		w->base.pMethods = &wal_methods;
	return rc;
}

/* All but the two members that are ours it inherits, with what they need (pAppData). */
static void
set_up(void)
{
	unix_vfs = sqlite3_vfs_find(NULL);
	if (unix_vfs == NULL)
		return;
	vfs = *unix_vfs;
	vfs.zName = "sigpost";
	vfs.szOsFile = (int)sizeof(struct wal) + unix_vfs->szOsFile;
	vfs.xOpen = open_any;
	sqlite3_vfs_register(&vfs, 0);
}

const char *
lite_vfs(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, set_up);
	return vfs.zName;
}
