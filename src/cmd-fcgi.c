/*
 * cmd-fcgi - FastCGI on a socket of its own: --listen PATH, --listen PORT or --listen HOST:PORT; or on
 * one that a service manager passed (systemd.h).
 *
 * libfcgi opens the socket. It ends the process where it cannot, with a message of its own, and
 * takes a path away from whoever listens there, so what can be known is checked first. A port
 * without a host is on 127.0.0.1: FastCGI has no authentication.
 */
#include "config.h"

#include <fcgiapp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd.h"
#include "err.h"
#include "log.h"
#include "service.h"
#include "systemd.h"

#define BACKLOG 1024

static int
fail(const char *what, const char *why)
{
	fprintf(stderr, "sigpost fcgi: %s: %s\n", what, why);
	return CMD_FAILED;
}

/* true: somebody answers at this path */
static bool
in_use(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool answered;

	if (fd < 0)
		return false;
	str_copy(str_from(path), to.sun_path, sizeof to.sun_path);
	answered = connect(fd, (const struct sockaddr *)&to, sizeof to) == 0;
	close(fd);
	return answered;
}

static int
check_path(const char *path)
{
	struct sockaddr_un to;
	struct stat st;

	if (strlen(path) >= sizeof to.sun_path)
		return fail(path, "the path of a socket has at most 107 bytes");
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return fail(path, "there is something else than a socket");
	if (in_use(path))
		return fail(path, "another process serves there");
	return CMD_OK;
}

/* HOST:PORT as libfcgi wants it, into out; CMD_USAGE for anything else. */
static int
check_port(const char *text, char *out, size_t size)
{
	struct str host, port;
	uint64_t n;

	if (!str_cut(str_from(text), ':', &host, &port)) {
		port = host;
		host = STR_NONE;
	}
	if (host.n == 0)
		host = STR("127.0.0.1");
	if (str_uint(port, 65535, &n) < 0 || n == 0 || host.n > 200) {
		fprintf(stderr, "sigpost fcgi: %s: --listen takes a path that begins with / or ., a port, or "
		    "HOST:PORT\n", text);
		return CMD_USAGE;
	}
	snprintf(out, size, "%.*s:%u", (int)host.n, host.p, (unsigned)n);
	return CMD_OK;
}

/* Only this user and its group may speak to the socket: whoever can is believed every variable. */
static int
open_socket(const char *address)
{
	mode_t old = umask(0117);
	int fd = FCGX_OpenSocket(address, BACKLOG);

	umask(old);
	return fd;
}

/* Descriptor of the socket at `where`, or -CMD_… after a line on stderr. */
static int
listen_at(const char *where, bool path)
{
	char address[256];
	int fd, rc = path ? check_path(where) : check_port(where, address, sizeof address);

	if (rc != CMD_OK)
		return -rc;
	fd = open_socket(path ? where : address);
	return fd < 0 ? -fail(where, "cannot listen there") : fd;
}

/* The same of one that was passed. */
static int
listen_passed(void)
{
	const char *why = NULL;
	int fd = systemd_socket(&why);

	if (fd >= 0)
		return fd;
	if (fd == -ERR_BAD)
		return -fail("the socket that was passed", why);
	fprintf(stderr, "sigpost fcgi: --listen is missing: a path, a port, or HOST:PORT; and no socket was passed "
	    "(LISTEN_FDS, as by a .socket unit of systemd)\n");
	return -CMD_USAGE;
}

int
cmd_fcgi(int argc, char **argv)
{
	static struct conf conf;
	static struct service service;
	const char *where = NULL;
	const struct cmd_option own[] = { { "listen", &where, NULL }, { NULL, NULL, NULL } };
	bool path;
	int fd, rc;

	if (cmd_settings(&conf, argc, argv, own) != 0)
		return CMD_USAGE;
	path = where != NULL && (where[0] == '/' || where[0] == '.');
	fd = where != NULL ? listen_at(where, path) : listen_passed();
	if (fd < 0)
		return -fd;
	service_log(&conf);
	rc = service_fcgi(&service, &conf, fd) < 0 ? CMD_FAILED : CMD_OK;
	if (path)
		unlink(where);
	return rc;
}
