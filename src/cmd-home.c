/*
 * cmd-home - for couriers: the first request of a copy that was only unpacked finds a place for the database.
 *
 * Its standard output is the client's: what is wrong is told there, as an answer. Two first requests at once find
 * one place, for the second waits at the lock.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "cmd.h"
#include "err.h"
#include "home.h"
#include "log.h"

static int
fail(const char *why)
{
	LOG(LOG_ERROR, "no place for the database", LOG_Z("why", why));
	printf("Status: 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nCache-Control: no-store\r\n"
	    "Access-Control-Allow-Origin: *\r\nRetry-After: 60\r\n\r\n"
	    "{\"type\":\"about:blank\",\"title\":\"No place for the database\",\"status\":503,\"detail\":\"%s\"}\n", why);
	return CMD_FAILED;
}

/* Up to its last slash. NULL: it has none. */
static const char *
directory(const char *path, char out[PATH_MAX])
{
	const char *slash = path == NULL ? NULL : strrchr(path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - path) + 1;

	if (n == 0 || n >= PATH_MAX)
		return NULL;
	memcpy(out, path, n);
	out[n] = '\0';
	return out;
}

/* Somebody stands in front, and may give out files that the web server here does not. */
static bool
proxied(void)
{
	static const char *const signs[] = { "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO",
	    "HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP" };
	size_t i;

	for (i = 0; i < sizeof signs / sizeof signs[0]; i++)
		if (getenv(signs[i]) != NULL)
			return true;
	return false;
}

static int
find(struct home *h)
{
	char folder[PATH_MAX];
	const char *tls = getenv("HTTPS");
	struct home_site s = {
		.address = getenv("SERVER_ADDR"), .port = getenv("SERVER_PORT"), .host = getenv("HTTP_HOST"),
		.tls = tls != NULL && strcmp(tls, "off") != 0 && tls[0] != '\0',
		.folder = directory(getenv("SCRIPT_NAME"), folder), .proxied = proxied(),
	};
	int rc = home_make(h, getenv("HOME"));

	if (rc == 0)
		rc = home_note(h);
	if (rc == 0 && h->inside)
		rc = home_refused(h, &s);
	if (rc == 0)
		rc = home_keep(h);
	if (rc < 0)
		home_unmake(h);
	return rc;
}

int
cmd_home(int argc, char **argv)
{
	static struct home h;
	char kit[PATH_MAX], conf[PATH_MAX + sizeof HOME_CONF];
	int fd;

	(void)argc;
	(void)argv;
	if (directory(getenv("SCRIPT_FILENAME"), kit) == NULL ||
	    home_init(&h, kit, getenv("DOCUMENT_ROOT")) < 0)
		return fail("The web server does not say where the program is (SCRIPT_FILENAME). Name a place in .htaccess: "
		    "SetEnv SIGPOST_DB /path/of/a/private/directory/sigpost.db");
	fd = open(kit, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return fail("The program's directory cannot be read.");
	snprintf(conf, sizeof conf, "%s" HOME_CONF, kit);
	if (access(conf, F_OK) == 0)
		return CMD_OK;	/* somebody was faster */
	return find(&h) < 0 ? fail(h.why) : CMD_OK;
}
