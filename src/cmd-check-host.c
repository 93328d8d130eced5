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
#include "cmd-host.h"

#define BASE_FDS	64	/* of a process besides its streams */

/* ---- the courier ---- */

void
check_courier(struct check *k)
{
	static char path[PATH_MAX];

	if (!host_courier(path))
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

static void
check_tls(struct check *k, const struct lighttpd *l)
{
	if (host_lighttpd_tls(l))
		check_ok(k, "lighttpd-tls", "mod_openssl is there: sigpost serve --tls-cert works");
	else
		check_warn(k, "lighttpd-tls", "Only sigpost serve --tls-cert needs it: install the package lighttpd-mod-openssl",
		    "lighttpd has no mod_openssl");
}

void
check_lighttpd(struct check *k)
{
	static const char *const ways[] = {
		[LIGHTTPD_NONE] = "WebSocket does not pass",
		[LIGHTTPD_CGI] = "WebSocket by CGI with cgi.upgrade, by FastCGI from 1.4.74 on",
		[LIGHTTPD_FASTCGI] = "WebSocket by FastCGI with \"upgrade\", and by CGI with cgi.upgrade",
	};
	struct lighttpd l;

	host_lighttpd(&l);
	if (l.path == NULL)
		check_warn(k, "lighttpd",
		    "Only sigpost serve needs it: install the package lighttpd",
		    "it is not installed");
	else if (l.last < 40)
		check_warn(k, "lighttpd", "Event streams need 1.4.40: upgrade it, or use long poll",
		    "lighttpd %s holds answers back until they are whole", l.version);
	else
		check_ok(k, "lighttpd", "lighttpd %s: event streams by FastCGI and CGI; %s", l.version, ways[l.way]);
	if (l.path != NULL)
		check_tls(k, &l);
}
