/*
 * cmd-serve-check - whether what `sigpost serve` was told can be done, before anything is: a path, ports and
 * an address, files and directories, a key. Paths become absolute, for lighttpd is elsewhere.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd-serve.h"
#include "err.h"
#include "systemd.h"

static int
complain(const char *what, const char *why)
{
	return serve_fail(CMD_USAGE, what, why);
}

/* "/myapp/" as "/myapp". What asks for no mount is mounted at the root, for the courier as for FastCGI. */
static int
settle_mount(struct conf *c, const char *path)
{
	static char mount[CONF_STR_MAX];
	const char *why, *p;
	size_t n;

	if (str_copy(str_from(path != NULL ? path : c->mount), mount, sizeof mount) < 0)
		return complain("--path", "it is too long");
	if (path == NULL && strcmp(mount, "auto") == 0)
		str_copy(STR("/"), mount, sizeof mount);
	for (n = strlen(mount); n > 1 && mount[n - 1] == '/'; n--)
		mount[n - 1] = '\0';
	for (p = mount; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("/-_.~", *p) == NULL)
			break;
	if (mount[0] != '/' || *p != '\0' || strstr(mount, "//") != NULL || strstr(mount, "/.") != NULL)
		return complain(mount, "a path begins with / and is made of letters, digits and - _ . ~ /, as in /myapp");
	conf_set(c, STR("mount"), str_from(mount), CONF_COMMAND_LINE, &why);
	return CMD_OK;
}

static int
check_port(const char *text)
{
	uint64_t n;

	if (str_uint(str_from(text), 65535, &n) < 0 || n == 0)
		return complain(text, "a port is a number from 1 to 65535");
	return CMD_OK;
}

static int
check_numbers(const struct serve *s)
{
	uint64_t n;

	if (str_uint(str_from(s->procs), 64, &n) < 0 || n == 0)
		return complain(s->procs, "the number of backend processes is from 1 to 64");
	if (s->http_port != NULL && s->cert == NULL)
		return complain("--http-port", "it leads to TLS; name a certificate with --tls-cert");
	if (s->http_port != NULL && strcmp(s->http_port, s->port) == 0)
		return complain("--http-port", "it is another port than --port");
	return CMD_OK;
}

/* lighttpd takes a socket that was passed for the one it would open, if that is the same. */
static int
check_passed(const struct serve *s, const struct addrinfo *at, const char *what)
{
	struct sockaddr_storage is;
	socklen_t size = sizeof is;

	if (getsockname(s->passed, (struct sockaddr *)&is, &size) == 0 && size == at->ai_addrlen &&
	    memcmp(&is, at->ai_addr, size) == 0)
		return CMD_OK;
	return serve_fail(CMD_FAILED, what, "the socket that was passed is at another address; name that with --host and --port");
}

static int
check_bind(const struct addrinfo *at, const char *what)
{
	int code = CMD_OK, yes = 1, fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return CMD_OK;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 || bind(fd, at->ai_addr, at->ai_addrlen) < 0)
		code = serve_fail(CMD_FAILED, what, errno == EACCES ? "only root may listen below port 1024; name another "
		    "with --port" : strerror(errno));
	close(fd);
	return code;
}

/* lighttpd would take long to say it, and not say which option. A name may have many addresses: the first. */
static int
check_address(const struct serve *s, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *found;
	char what[300];
	int rc;

	if (check_port(port) != CMD_OK)
		return CMD_USAGE;
	snprintf(what, sizeof what, "port %s on %s", port, s->host);
	rc = getaddrinfo(s->host, port, &hints, &found);
	if (rc != 0)
		return complain(s->host, "this is no address or name of this machine; name one with --host");
	rc = s->passed >= 0 && port == s->port ? check_passed(s, found, what) : check_bind(found, what);
	freeaddrinfo(found);
	return rc;
}

static int
check_www(struct serve *s)
{
	static char www[PATH_MAX];

	if (access(s->www, R_OK | X_OK) < 0 || realpath(s->www, www) == NULL)
		return complain(s->www, "this directory of pages cannot be read; name it with --www");
	s->www = www;	/* lighttpd would look for it below the document root */
	return CMD_OK;
}

/* lighttpd reads them again when we are elsewhere. */
static int
absolute(const char **path, char out[PATH_MAX])
{
	if (*path == NULL)
		return CMD_OK;
	if (realpath(*path, out) == NULL)
		return complain(*path, strerror(errno));
	*path = out;
	return CMD_OK;
}

static int
check_files(struct serve *s)
{
	static char cert[PATH_MAX], key[PATH_MAX], ca[PATH_MAX];

	if (s->cert == NULL && (s->key != NULL || s->ca != NULL))
		return complain(s->key != NULL ? "--tls-key" : "--tls-ca", "it goes with a certificate; name that with --tls-cert");
	if (absolute(&s->cert, cert) != CMD_OK || absolute(&s->key, key) != CMD_OK || absolute(&s->ca, ca) != CMD_OK)
		return CMD_USAGE;
	if (s->key == NULL)
		s->key = s->cert;
	return CMD_OK;
}

static int
check_key(const struct serve *s)
{
	const char *key = s->conf.peerjs_key, *why = key[0] != '\0' ? cmd_key_unfit(key) : NULL;

	return why != NULL ? complain(key, why) : CMD_OK;
}

static int
find_passed(struct serve *s)
{
	const char *why;

	s->passed = systemd_socket(&why);
	return s->passed == -ERR_BAD ? serve_fail(CMD_FAILED, "the socket that was passed", why) : CMD_OK;
}

int
serve_check(struct serve *s, const char *path)
{
	int rc = settle_mount(&s->conf, path);

	if (rc == CMD_OK)
		rc = find_passed(s);
	if (rc == CMD_OK)
		rc = check_numbers(s);
	if (rc == CMD_OK)
		rc = check_address(s, s->port);
	if (rc == CMD_OK && s->http_port != NULL)
		rc = check_address(s, s->http_port);
	if (rc == CMD_OK)
		rc = check_key(s);
	if (rc == CMD_OK)
		rc = check_files(s);
	return rc == CMD_OK ? check_www(s) : rc;
}
