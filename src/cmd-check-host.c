/*
 * cmd-check-host - what is installed around the database: programs, pages, limits, lighttpd.
 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cmd-check.h"

#define BASE_FDS	64	/* of a process besides its streams */

/* ---- the courier ---- */

/* The directory of this program; false: not known. */
static bool
own_directory(char out[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
	char *slash;

	if (n <= 0)
		return false;
	out[n] = '\0';
	slash = strrchr(out, '/');
	if (slash != NULL)
		*slash = '\0';
	return slash != NULL;
}

static bool
lies_in(const char *dir, char out[PATH_MAX])
{
	return (size_t)snprintf(out, PATH_MAX, "%s/sigpost.cgi", dir) < PATH_MAX &&
	    access(out, F_OK) == 0;
}

/* Beside us, as in a build directory, or where `make install` puts it. */
static bool
find_courier(char out[PATH_MAX])
{
	static char dir[PATH_MAX];

	return (own_directory(dir) && lies_in(dir, out)) || lies_in(SIGPOST_CGIDIR, out);
}

void
check_courier(struct check *k)
{
	static char path[PATH_MAX];

	if (!find_courier(path))
		check_warn(k, "courier", "Only plain CGI needs it; make install puts it there",
		    "%s/sigpost.cgi is not there", SIGPOST_CGIDIR);
	else if (access(path, X_OK) < 0)
		check_fail(k, "courier", "Let it be executed: chmod 755", "%s is not executable",
		    path);
	else
		check_ok(k, "courier", "%s", path);
}

/* ---- the pages ---- */

void
check_pages(struct check *k)
{
	static const char *const files[] = { "index.html", "sigver.mjs" };
	static char path[PATH_MAX];
	size_t i;

	for (i = 0; i < sizeof files / sizeof files[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", k->www, files[i]);
		if (access(path, R_OK) < 0) {
			check_warn(k, "pages",
			    "Only the page and its modules need it; name its directory with --www, "
			    "or run make install", "%s cannot be read", path);
			return;
		}
	}
	check_ok(k, "pages", "%s", k->www);
}

/* ---- descriptors ---- */

void
check_descriptors(struct check *k)
{
	struct rlimit r;
	rlim_t need = (rlim_t)k->conf.max_streams + BASE_FDS;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return;
	if (r.rlim_max < need)
		check_warn(k, "descriptors",
		    "Raise the hard limit (ulimit -Hn, LimitNOFILE=), or lower max_streams",
		    "max_streams is %lld, but a process may open %llu files at most",
		    (long long)k->conf.max_streams, (unsigned long long)r.rlim_max);
	else
		check_ok(k, "descriptors", "max_streams is %lld, a process may open %llu files",
		    (long long)k->conf.max_streams, (unsigned long long)r.rlim_max);
}

/* ---- lighttpd ---- */

/* "lighttpd/1.4.69 (ssl) …": its last number, or 0. Text goes to out. */
static int
lighttpd_version(char *out, size_t size)
{
	FILE *f = popen("PATH=\"$PATH:/usr/sbin:/usr/local/sbin\" lighttpd -v 2>/dev/null", "r");
	int last = 0;

	out[0] = '\0';
	if (f == NULL)
		return 0;
	if (fgets(out, (int)size, f) == NULL || sscanf(out, "lighttpd/1.4.%d", &last) != 1)
		last = 0;
	out[strcspn(out, " \n")] = '\0';
	pclose(f);
	return last;
}

void
check_lighttpd(struct check *k)
{
	char text[128];
	int last = lighttpd_version(text, sizeof text);

	if (text[0] == '\0')
		check_warn(k, "lighttpd",
		    "Only sigpost serve needs it: install the package lighttpd",
		    "it is not installed");
	else if (last < 40)
		check_warn(k, "lighttpd", "Event streams need 1.4.40: upgrade it, or use long poll",
		    "%s holds answers back until they are whole", text);
	else if (last < 74)
		check_ok(k, "lighttpd",
		    "%s: event streams by FastCGI and CGI; WebSocket could pass by cgi.upgrade "
		    "only, by FastCGI from 1.4.74 on", text);
	else
		check_ok(k, "lighttpd",
		    "%s: event streams by FastCGI and CGI; WebSocket could pass by both", text);
}
