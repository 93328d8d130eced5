/*
 * store-sqlite-open - finding, making, opening and closing the database file.
 *
 * The file is never opened besides SQLite: closing a second descriptor would drop the POSIX
 * locks of the whole process on it.
 * Waits, here alone, for at most LITE_OPEN_WAIT_MS.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fs.h"
#include "log.h"
#include "store-sqlite.h"

static char why_text[512];

int
lite_explain(const char **why, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why_text, sizeof why_text, fmt, ap);
	va_end(ap);
	*why = why_text;
	return err;
}

/* What SQLite said, for those who can act on it. */
static int
blame(struct lite *l, int err, const char **why)
{
	const char *path = l->conf.path;

	switch (-err) {
	case ERR_BUSY:
		return lite_explain(why, err,
		    "%s stayed locked by another process for 5 s, try again", path);
	case ERR_FULL:
		return lite_explain(why, err, "no space for %s, free some or raise its ceiling",
		    path);
	case ERR_CORRUPT:
		return lite_explain(why, err,
		    "%s is damaged or no database, move it away or restore a backup", path);
	case ERR_NOMEM:
		return lite_explain(why, err, "no memory to open %s", path);
	default:
		return lite_explain(why, err,
		    "%s cannot be used (%s), look at its permissions and its file system",
		    path, sqlite3_errmsg(l->db));
	}
}

/* ---- the file ---- */

static int
look_for_file(const struct store_conf *conf, const char **why)
{
	struct stat st;

	if (stat(conf->path, &st) != 0 && errno != ENOENT)
		return lite_explain(why, -ERR_IO, "%s cannot be reached (%s), run this as the user that serves, or name "
		    "another path", conf->path, strerror(errno));
	if (stat(conf->path, &st) != 0)
		return lite_explain(why, -ERR_NOTFOUND, "there is no database at %s (%s), the server makes it when it "
		    "first starts", conf->path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return lite_explain(why, -ERR_IO, "%s is not a plain file, name another path",
		    conf->path);
	return 0;
}

static int
make_file(const struct store_conf *conf, const char **why)
{
	int fd = open(conf->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno == EEXIST)
		return 0;
	if (errno == ENOSPC || errno == EDQUOT)
		return lite_explain(why, -ERR_FULL, "no space to make %s, free some", conf->path);
	return lite_explain(why, -ERR_IO,
	    "cannot make %s (%s), make its directory writable for this user",
	    conf->path, strerror(errno));
}

/* SQLite keeps its journal beside the file. */
static int
look_at_directory(const char *path, const char **why)
{
	char *copy = strdup(path);
	int bad;

	if (copy == NULL)
		return lite_explain(why, -ERR_NOMEM, "no memory");
	bad = faccessat(AT_FDCWD, dirname(copy), W_OK | X_OK, AT_EACCESS);
	free(copy);
	if (bad != 0)
		return lite_explain(why, -ERR_IO,
		    "the directory of %s cannot be written (%s), and SQLite keeps "
		    "its journal there: make it writable for this user", path, strerror(errno));
	return 0;
}

/* The path leads to what SQLite has open, or somebody is renaming files just now. */
static int
remember_file(struct lite *l, const char **why)
{
	struct stat st;
	int moved = 0;

	sqlite3_file_control(l->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	if (moved || stat(l->conf.path, &st) != 0)
		return lite_explain(why, -ERR_IO, "%s was replaced while it was opened, try again",
		    l->conf.path);
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return 0;
}

static int
open_file(struct lite *l, const char **why)
{
	int rc;

	/* Counting memory costs a mutex an allocation; refused (harmless) once SQLite is in use. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	rc = sqlite3_open_v2(l->conf.path, &l->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
	    lite_vfs());
	if (l->db == NULL)
		return lite_explain(why, -ERR_NOMEM, "no memory");
	sqlite3_extended_result_codes(l->db, 1);
	sqlite3_busy_timeout(l->db, 0);
	if (rc != SQLITE_OK)
		return blame(l, lite_error(l, rc), why);
	if (sqlite3_db_readonly(l->db, "main") == 1)
		return lite_explain(why, -ERR_IO,
		    "%s cannot be written, give this user permission to", l->conf.path);
	return remember_file(l, why);
}

static int
set_up_patiently(struct lite *l, const char **why)
{
	const struct timespec step = { 0, LITE_OPEN_STEP_MS * 1000000L };
	int tries = LITE_OPEN_WAIT_MS / LITE_OPEN_STEP_MS;
	int err = lite_set_up(l, why);

	while (err == -ERR_BUSY && tries-- > 0) {
		nanosleep(&step, NULL);
		err = lite_set_up(l, why);
	}
	if (err != 0 && *why == NULL)
		blame(l, err, why);
	return err;
}

/* ---- the face ---- */

static int
note_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct lite *l = arg;

	(void)db;
	(void)name;
	atomic_store(&l->wal_bytes, (long long)pages * LITE_FRAME);
	if (atomic_load(&l->wal_done) > atomic_load(&l->wal_bytes))
		atomic_store(&l->wal_done, 0);
	return SQLITE_OK;
}

static struct lite *
make(const struct store_conf *conf)
{
	struct lite *l = calloc(1, sizeof *l);

	if (l == NULL)
		return NULL;
	l->base.ops = &lite_ops;
	l->quiet = true;
	l->conf = *conf;
	l->conf.path = strdup(conf->path);
	l->wal_due = LITE_WAL_DUE;
	l->wal_restart = LITE_WAL_RESTART;
	l->wal_stall = LITE_WAL_STALL;
	if (l->conf.path == NULL) {
		free(l);
		return NULL;
	}
	return l;
}

static void
close_file(struct lite *l)
{
	int i;

	for (i = 0; i < SQL__MAX; i++) {
		sqlite3_finalize(l->stmt[i]);
		l->stmt[i] = NULL;
	}
	sqlite3_close(l->db);
	l->db = NULL;
}

void
lite_close(struct store *s)
{
	struct lite *l = (struct lite *)s;

	lite_upkeep_end(l);
	close_file(l);
	lite_fresh_end(l);
	explicit_bzero(l->base.secret, sizeof l->base.secret);
	free((char *)(uintptr_t)l->conf.path);
	free(l);
}

static int
look_around(const struct store_conf *conf, const char **why)
{
	int err = conf->create ? 0 : look_for_file(conf, why);

	if (err == 0)
		err = look_at_directory(conf->path, why);
	if (err == 0 && conf->create)
		err = make_file(conf, why);
	return err != 0 ? err : look_for_file(conf, why);
}

/* WAL needs shared memory and locks that not every file system has: then try without. */
static int
open_and_set_up(struct lite *l, const char **why)
{
	int err = open_file(l, why);

	if (err != 0)
		return err;
	err = set_up_patiently(l, why);
	if (err != -ERR_IO)
		return err;
	LOG(LOG_WARN, "a WAL cannot be used, trying a rollback journal", LOG_Z("why", *why));
	close_file(l);
	*why = NULL;
	l->alone = true;
	err = open_file(l, why);
	return err != 0 ? err : set_up_patiently(l, why);
}

/* WAL may seem to work on a network file system, until two machines use it. */
static void
judge_file_system(struct lite *l)
{
	const char *remote = l->conf.wal ? fs_remote(l->conf.path) : NULL;

	if (remote == NULL)
		return;
	LOG(LOG_WARN, "no WAL on this file system, a rollback journal instead", LOG_Z("file_system", remote));
	l->conf.wal = false;
}

int
store_sqlite_open(const struct store_conf *conf, struct store **out, const char **why)
{
	struct lite *l;
	int err;

	*out = NULL;
	*why = NULL;
	err = look_around(conf, why);
	if (err != 0)
		return err;
	l = make(conf);
	if (l == NULL)
		return lite_explain(why, -ERR_NOMEM, "no memory");
	judge_file_system(l);
	err = open_and_set_up(l, why);
	if (err != 0) {
		lite_close(&l->base);
		return err;
	}
	sqlite3_wal_hook(l->db, note_wal, l);
	l->alone = l->quiet = false;
	*out = &l->base;
	return 0;
}
