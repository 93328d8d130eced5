/* home - see home.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "home.h"
#include "str.h"

#define NAME	".sigpost-"

static int
fail(struct home *h, const char *why)
{
	h->why = why;
	return -ERR_FORBIDDEN;
}

static bool
resolve(const char *path, char out[PATH_MAX])
{
	struct stat st;

	return path != NULL && path[0] == '/' && realpath(path, out) != NULL && stat(out, &st) == 0 && S_ISDIR(st.st_mode);
}

int
home_init(struct home *h, const char *kit, const char *root)
{
	memset(h, 0, sizeof *h);
	if (!resolve(kit, h->kit))
		return -ERR_BAD;
	if (!resolve(root, h->root))
		h->root[0] = '\0';
	return 0;
}

/* ---- where ---- */

static bool
below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return n > 0 && strncmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/' || n == 1);
}

/* Ours alone to write: in a directory of somebody else, or of everybody, what is made can be moved away. */
static bool
is_ours(const char *dir)
{
	struct stat st;

	return stat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 022) == 0 &&
	    access(dir, W_OK | X_OK) == 0;
}

/* The same directory gets the same name, so that it is found again. FNV-1a, 64 bits. */
static void
name_for(const char *kit, char out[32])
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *kit != '\0'; kit++)
		hash = (hash ^ (unsigned char)*kit) * 0x100000001b3u;
	snprintf(out, 32, NAME "%016llx", (unsigned long long)hash);
}

static bool
join(char out[PATH_MAX], const char *dir, const char *name)
{
	int n = snprintf(out, PATH_MAX, "%s/%s", strcmp(dir, "/") == 0 ? "" : dir, name);

	return n > 0 && n < PATH_MAX;
}

/* A directory of ours that nobody else enters; one that is there already will do if it is just that. */
static bool
make_private(const char *path)
{
	struct stat st;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return false;
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 077) == 0;
}

static bool
write_file(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX];
	size_t n = strlen(text);
	int fd;
	bool ok;

	if (!join(path, dir, name))
		return false;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST;
	ok = write(fd, text, n) == (ssize_t)n;
	return close(fd) == 0 && ok;
}

/* Apache 2.4, and 2.2; another server has to be asked (home_refused). The web server itself must be able to read it. */
static bool
deny(const char *place)
{
	char path[PATH_MAX];

	return write_file(place, ".htaccess",
	    "<IfModule mod_authz_core.c>\nRequire all denied\n</IfModule>\n"
	    "<IfModule !mod_authz_core.c>\nOrder allow,deny\nDeny from all\n</IfModule>\n") &&
	    join(path, place, ".htaccess") && chmod(path, 0644) == 0;
}

static bool
try_outside(struct home *h, const char *dir)
{
	char name[32];

	name_for(h->kit, name);
	return is_ours(dir) && !below(dir, h->root) && join(h->place, dir, name) && make_private(h->place) &&
	    deny(h->place);
}

/* From the top: what lies next to the document root may be served for another domain. */
static bool
above(struct home *h)
{
	char dir[PATH_MAX];
	size_t i;

	for (i = 1; h->root[i] != '\0'; i++) {
		if (h->root[i] != '/')
			continue;
		memcpy(dir, h->root, i);
		dir[i] = '\0';
		if (try_outside(h, dir))
			return true;
	}
	return false;
}

static bool
outside(struct home *h, const char *home)
{
	char dir[PATH_MAX];

	if (h->root[0] == '\0')		/* what is outside is not known */
		return false;
	return (resolve(home, dir) && strcmp(dir, "/") != 0 && try_outside(h, dir)) || above(h);
}

static bool
inside(struct home *h)
{
	unsigned char bytes[16];
	char name[sizeof NAME + 2 * sizeof bytes] = NAME;

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		return false;
	str_hex(bytes, sizeof bytes, name + sizeof NAME - 1);
	h->inside = true;
	return join(h->place, h->kit, name) && make_private(h->place) && deny(h->place) &&
	    write_file(h->place, HOME_CANARY, "canary\n");
}

int
home_make(struct home *h, const char *home)
{
	if (outside(h, home) || inside(h))
		return 0;
	return fail(h, "No directory was found in which a database can be kept. Make one that only the web server's "
	    "programs may enter, and name it in .htaccess: SetEnv SIGPOST_DB /path/of/it/sigpost.db");
}

void
home_unmake(const struct home *h)
{
	static const char *const names[] = { HOME_CANARY, ".htaccess" };
	char path[PATH_MAX];
	size_t i;

	for (i = 0; h->inside && i < sizeof names / sizeof names[0]; i++)
		if (join(path, h->place, names[i]))
			unlink(path);
	if (h->inside)
		rmdir(h->place);
	if (join(path, h->kit, HOME_CONF_NEW))
		unlink(path);
}

/* ---- written down ---- */

static const char *const not_kept = "The program's directory cannot be written, so the place of the database cannot be "
    "kept. Name it in .htaccess: SetEnv SIGPOST_DB /path/of/a/private/directory/sigpost.db";

int
home_note(struct home *h)
{
	static char text[PATH_MAX + 256];
	char path[PATH_MAX];

	snprintf(text, sizeof text, "# Written by the first request. Delete it, and the next one finds a place anew.\n"
	    "db = \"%s/sigpost.db\"\n", h->place);
	if (strpbrk(h->place, "\"\n\r") != NULL || !join(path, h->kit, HOME_CONF_NEW))
		return fail(h, not_kept);
	unlink(path);
	return write_file(h->kit, HOME_CONF_NEW, text) ? 0 : fail(h, not_kept);
}

int
home_keep(struct home *h)
{
	char from[PATH_MAX], to[PATH_MAX];

	if (!join(from, h->kit, HOME_CONF_NEW) || !join(to, h->kit, HOME_CONF) || rename(from, to) < 0)
		return fail(h, not_kept);
	return 0;
}
