/*
 * cmd-check-store - the database, the directory it lies in and the files beside it.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/inotify.h>
#endif

#include "cmd-check.h"
#include "cmd-db.h"
#include "err.h"
#include "fs.h"
#include "handoff.h"
#include "rate.h"

#define BELL_SUFFIX	".bell"
#define ROOM_FAIL	1048576	/* bytes free; a database has 100 kB before anything is in it */
#define ROOM_WARN	67108864
#define SHOWN_MODE(st)	((unsigned)((st).st_mode & 07777))

/* The path of a file beside the database; false: too long for any file to be there. */
static bool
beside(const struct check *k, const char *suffix, char out[PATH_MAX])
{
	return (size_t)snprintf(out, PATH_MAX, "%s%s", k->conf.db, suffix) < PATH_MAX;
}

/* ---- the directory ---- */

static bool
one_of(const char *name, size_t n, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strlen(*list) == n && memcmp(*list, name, n) == 0)
			return true;
	return false;
}

/* What web servers serve from, by its usual names. */
bool
check_looks_served(const char *path)
{
	static const char *const usual[] = {
		"htdocs", "html", "public_html", "httpdocs", "www", "wwwroot", "webroot", "public",
		"cgi-bin", NULL,
	};
	size_t n;

	for (; *path != '\0'; path += n) {
		path += *path == '/';
		n = strcspn(path, "/");
		if (one_of(path, n, usual))
			return true;
	}
	return false;
}

static bool
below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return n > 0 && strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0' || dir[n - 1] == '/');
}

/* Web servers tell their programs what they serve, and so does who runs this for them. */
static bool
in_document_root(const char *path)
{
	static char root[PATH_MAX];
	const char *told = getenv("DOCUMENT_ROOT");

	return told != NULL && told[0] != '\0' && realpath(told, root) != NULL && below(path, root);
}

static void
judge_place(struct check *k)
{
	static char real[PATH_MAX];

	if (realpath(k->dir, real) == NULL)
		return;
	if (below(real, "/tmp") || below(real, "/var/tmp") || below(real, "/dev/shm"))
		check_warn(k, "directory", "Name a directory that lasts with --db or SIGPOST_DB",
		    "%s is emptied from time to time, or when the machine starts", real);
	if (in_document_root(real))
		check_fail(k, "directory", "Name a place outside of it with --db or SIGPOST_DB",
		    "%s is below DOCUMENT_ROOT, where anybody may fetch the database", real);
	else if (check_looks_served(real))
		check_warn(k, "directory",
		    "Name a place outside of what the web server serves with --db or SIGPOST_DB",
		    "%s looks like a place web servers serve files from", real);
}

static void
judge_owner(struct check *k, const struct stat *st)
{
	static const char *const servers[] = {
		"www-data", "apache", "httpd", "nginx", "lighttpd", "http", "wwwrun", "www", "_www",
		"nobody", NULL,
	};
	const struct passwd *owner = getpwuid(st->st_uid);

	if (k->dir_usable && st->st_uid != geteuid() && geteuid() != 0)
		check_warn(k, "directory", "Serve as the user it belongs to",
		    "%s belongs to uid %u, this is uid %u", k->dir, (unsigned)st->st_uid,
		    (unsigned)geteuid());
	if (owner != NULL && one_of(owner->pw_name, strlen(owner->pw_name), servers))
		check_warn(k, "directory",
		    "If programs of other people run as that user too, run sigpost as a user of "
		    "its own", "%s belongs to %s, the web server's own user", k->dir,
		    owner->pw_name);
}

static void
judge_mode(struct check *k, const struct stat *st)
{
	if ((st->st_mode & 077) != 0)
		check_warn(k, "directory", "Close it with chmod 700",
		    "%s is open to other users (mode %o)", k->dir, SHOWN_MODE(*st));
	else
		check_ok(k, "directory", "%s can be written (mode %o)", k->dir, SHOWN_MODE(*st));
}

static void
closed_directory(struct check *k, const struct stat *st)
{
	if (errno == EROFS)
		check_fail(k, "directory", "Mount it for writing, or name another place with --db or SIGPOST_DB",
		    "%s is on a file system that is mounted for reading only", k->dir);
	else
		check_fail(k, "directory",
		    "Run this as the user that will serve, or give the directory to that user with "
		    "chown", "%s cannot be written by uid %u (mode %o)", k->dir,
		    (unsigned)geteuid(), SHOWN_MODE(*st));
}

/* The WAL grows to 4 MB before it is written back, and to 32 MB at most. */
static void
judge_room(struct check *k)
{
	struct statvfs fs;
	unsigned long long room;

	if (statvfs(k->dir, &fs) < 0)
		return;
	room = (unsigned long long)fs.f_bavail * fs.f_frsize;
	if (room < ROOM_FAIL)
		check_fail(k, "disk", "Free some, or name a place on another disk with --db or SIGPOST_DB",
		    "%llu bytes are free for %s: next to nothing can be stored", room, k->dir);
	else if (room < ROOM_WARN)
		check_warn(k, "disk", "Free some", "%llu MB are free for %s", room >> 20, k->dir);
	else
		check_ok(k, "disk", "more than 64 MB are free for %s", k->dir);
}

static void
missing_directory(struct check *k)
{
	const char *why = strerror(errno);

	if (errno == ENOENT)
		check_fail(k, "directory", "Run sigpost init, as the user that will serve",
		    "%s: %s", k->dir, why);
	else
		check_fail(k, "directory",
		    "Run this as the user that will serve, or name another place with --db or "
		    "SIGPOST_DB", "%s: %s", k->dir, why);
}

void
check_directory(struct check *k)
{
	struct stat st;

	if (stat(k->dir, &st) < 0) {
		missing_directory(k);
		return;
	}
	if (!S_ISDIR(st.st_mode)) {
		check_fail(k, "directory", "Name another place with --db or SIGPOST_DB",
		    "%s is not a directory", k->dir);
		return;
	}
	k->dir_usable = faccessat(AT_FDCWD, k->dir, W_OK | X_OK, AT_EACCESS) == 0;
	if (k->dir_usable)
		judge_mode(k, &st);
	else
		closed_directory(k, &st);
	if (k->dir_usable)
		judge_room(k);
	judge_owner(k, &st);
	judge_place(k);
}

/* ---- the database ---- */

static const char *
mend_database(int err)
{
	switch (-err) {
	case ERR_VERSION:
		return "Install that version, or name another database with --db or SIGPOST_DB";
	case ERR_CORRUPT:
		return "Name another path with --db or SIGPOST_DB, or put a backup in its place";
	case ERR_BUSY:
		return "See which process has it open, with fuser";
	case ERR_FULL:
		return "Free some space";
	default:
		return "Look at the permissions of the file and at its file system";
	}
}

static void
judge_journal(struct check *k, const struct store_stat *st)
{
	const char *fs = fs_remote(k->dir);
	bool wal = strcmp(st->journal, "wal") == 0;

	if (wal)
		check_ok(k, "journal", "WAL");
	else if (strcmp(k->conf.journal, "rollback") == 0)
		check_ok(k, "journal", "rollback (%s), as journal = rollback says", st->journal);
	else if (fs != NULL)
		check_warn(k, "journal", "Put the database on a local disk",
		    "rollback (%s): %s is on %s, where WAL does not work; writing is slower",
		    st->journal, k->dir, fs);
	else
		check_warn(k, "journal",
		    "Start a server on it, which turns WAL on; if this stays, the file system "
		    "cannot do it", "rollback (%s), though WAL is wanted", st->journal);
}

static void
describe_database(struct check *k, struct store *s)
{
	struct store_stat st;
	int rc = cmd_db_stat(s, &st);

	if (rc < 0) {
		check_fail(k, "database", mend_database(rc),
		    "%s was opened, but reading it failed (%s)", k->conf.db, err_name(rc));
		return;
	}
	check_ok(k, "database", "%s opens (schema %d, %lld bytes)", k->conf.db, st.schema,
	    (long long)st.db_bytes);
	judge_journal(k, &st);
}

static void
look_for_key(struct check *k, struct store *s)
{
	const char *name = k->conf.peerjs_key;
	struct realm_key found;

	if (name[0] != '\0' && store_key_get(s, str_from(name), &found) == -ERR_NOTFOUND)
		check_warn(k, "key", "Make it with sigpost key add, or let peerjs_key name one that sigpost key list shows",
		    "peerjs_key is %s, but there is no such key: no PeerJS client gets in", name);
}

void
check_database(struct check *k)
{
	const char *why = NULL;
	struct store *s;
	int rc;

	if (!k->dir_usable)
		return;
	rc = cmd_db_open(&k->conf, false, &s, &why);
	if (rc == -ERR_NOTFOUND)
		check_warn(k, "database",
		    "Run sigpost init, or let the server make it when it first starts",
		    "%s is not there yet", k->conf.db);
	else if (rc < 0)
		check_fail(k, "database", mend_database(rc), "%s", why);
	else {
		describe_database(k, s);
		look_for_key(k, s);
		store_close(s);
	}
}

/* ---- the bell ---- */

#ifdef __linux__
static void
judge_watch(struct check *k, int watch, const char *path)
{
	if (watch >= 0)
		check_ok(k, "bell", "%s can be watched", path);
	else if (errno == EMFILE)
		check_warn(k, "bell", "Raise fs.inotify.max_user_instances with sysctl",
		    "uid %u has no inotify instance left: processes look for messages every 20 ms "
		    "instead", (unsigned)geteuid());
	else
		check_warn(k, "bell",
		    "Raise fs.inotify.max_user_watches with sysctl, or look at the file system",
		    "%s cannot be watched (%s): processes look for messages every 20 ms instead",
		    path, strerror(errno));
}

/* Before there is a bell its directory stands for it. */
void
check_bell(struct check *k)
{
	static char path[PATH_MAX];
	int fd, watch;

	if (!k->dir_usable)
		return;
	if (!beside(k, BELL_SUFFIX, path) || access(path, F_OK) < 0)
		snprintf(path, sizeof path, "%s", k->dir);
	fd = watch = inotify_init1(IN_CLOEXEC);
	if (fd >= 0)
		watch = inotify_add_watch(fd, path, IN_MODIFY | IN_DELETE_SELF);
	judge_watch(k, watch, path);
	if (fd >= 0)
		close(fd);
}
#else
void
check_bell(struct check *k)
{
	check_ok(k, "bell", "files are watched by the system's own means");
}
#endif

/* ---- limits of addresses ---- */

void
check_limits(struct check *k)
{
	const char *why;

	if (!k->dir_usable)
		return;
	why = rate_problem(k->conf.db);
	if (why != NULL)
		check_warn(k, "limits", "Look at its permissions, or put the database on a local disk",
		    "each process counts the requests of an address for itself: %s%s: %s", k->conf.db, RATE_SUFFIX, why);
	else
		check_ok(k, "limits", "all processes count the requests of an address together");
}

/* ---- the hub ---- */

static bool
process_has(const char *pid, const struct stat *file)
{
	char path[PATH_MAX];
	struct dirent *d;
	struct stat st;
	bool found = false;
	DIR *fds;

	snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
	fds = opendir(path);
	if (fds == NULL)
		return false;
	while (!found && (d = readdir(fds)) != NULL)
		found = fstatat(dirfd(fds), d->d_name, &st, 0) == 0 && st.st_dev == file->st_dev &&
		    st.st_ino == file->st_ino;
	closedir(fds);
	return found;
}

/* The process that has a file open; 0: none that we may look into. (The lock itself names the
 * courier that took it, which has left.) */
static long
who_has(const struct stat *file)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;
	long pid = 0, own = getpid();

	while (proc != NULL && pid == 0 && (d = readdir(proc)) != NULL)
		if (strspn(d->d_name, "0123456789") == strlen(d->d_name) &&
		    strtol(d->d_name, NULL, 10) != own && process_has(d->d_name, file))
			pid = strtol(d->d_name, NULL, 10);
	if (proc != NULL)
		closedir(proc);
	return pid;
}

/* Asks for the lock as a founder would, and lets go of it at once. */
static bool
is_locked(int fd)
{
	return flock(fd, LOCK_SH | LOCK_NB) < 0;
}

static void
describe_hub(struct check *k, const struct stat *lock)
{
	static char path[PATH_MAX];
	long pid = who_has(lock);
	struct stat door;

	if (!beside(k, HANDOFF_SUFFIX, path) || stat(path, &door) < 0) {
		check_warn(k, "hub", "It makes its socket anew within a second; run this again",
		    "pid %ld has the lock, but %s%s is not there", pid, k->conf.db, HANDOFF_SUFFIX);
		return;
	}
	if (door.st_uid != geteuid() && geteuid() != 0)
		check_warn(k, "hub", "Let CGI programs and servers on one database run as one user",
		    "pid %ld serves couriers as uid %u and lets no other user in; this is uid %u",
		    pid, (unsigned)door.st_uid, (unsigned)geteuid());
	else
		check_ok(k, "hub", "pid %ld serves couriers as uid %u, this is uid %u", pid,
		    (unsigned)door.st_uid, (unsigned)geteuid());
}

void
check_hub(struct check *k)
{
	static char path[PATH_MAX];
	struct stat st;
	int fd;

	if (!k->dir_usable || !beside(k, HANDOFF_LOCK_SUFFIX, path))
		return;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && is_locked(fd) && fstat(fd, &st) == 0)
		describe_hub(k, &st);
	else
		check_ok(k, "hub", "none runs: the first CGI request, or a server, starts one");
	if (fd >= 0)
		close(fd);
}
