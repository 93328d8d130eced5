/*
 * http-open - addresses and connections. https goes through `openssl s_client`: we speak to it by a
 * socket pair, and what it says of its failure comes by a pipe.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "err.h"
#include "http.h"

#define NO_OPENSSL	127	/* exit code */

/* ---- addresses ---- */

static int
bad(const char *what, const char **why)
{
	*why = what;
	return -ERR_BAD;
}

/* "host", "host:port", "[::1]:port" */
static int
take_host(struct http_url *u, struct str s, const char **why)
{
	struct str host, port;
	bool named;
	uint64_t n;

	if (str_starts(s, STR("["))) {
		if (!str_cut(str_skip(s, 1), ']', &host, &port) || (port.n > 0 && port.p[0] != ':'))
			return bad("an address of IPv6 stands in brackets", why);
		named = port.n > 0;
		port = str_skip(port, 1);
	} else
		named = str_cut(s, ':', &host, &port);
	if (!named)
		port = u->tls ? STR("443") : STR("80");
	if (host.n == 0 || str_copy(host, u->host, sizeof u->host) < 0)
		return bad("it names no host", why);
	if (str_uint(port, 65535, &n) < 0 || n == 0 || str_copy(port, u->port, sizeof u->port) < 0)
		return bad("its port is a number from 1 to 65535", why);
	return 0;
}

int
http_url(struct http_url *u, const char *text, const char **why)
{
	struct str s = str_from(text), host, path;
	size_t i;

	memset(u, 0, sizeof *u);
	u->tls = str_starts(s, STR("https://"));
	if (!u->tls && !str_starts(s, STR("http://")))
		return bad("an address begins with http:// or https://", why);
	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= 0x20 || (unsigned char)s.p[i] >= 0x7f || strchr("?#@\\\"<>", s.p[i]) != NULL)
			return bad("name the address of the API alone, without a query, a user or characters to be encoded", why);
	s = str_skip(s, u->tls ? 8 : 7);
	i = s.n;
	if (str_cut(s, '/', &host, &path))
		path = str_make(host.p + host.n, i - host.n);
	while (path.n > 0 && path.p[path.n - 1] == '/')
		path.n--;
	if (str_copy(path, u->path, sizeof u->path) < 0)
		return bad("its path is too long", why);
	return take_host(u, host, why);
}

/* ---- plain ---- */

/* true: connected within ms */
static bool
dial(int fd, const struct addrinfo *a, int ms)
{
	struct pollfd p = { fd, POLLOUT, 0 };
	int error = 0;
	socklen_t size = sizeof error;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	if (connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
		if (errno != EINPROGRESS)
			return false;
		if (poll(&p, 1, ms) <= 0) {
			errno = ETIMEDOUT;
			return false;
		}
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
		errno = error;
	}
	fcntl(fd, F_SETFL, 0);
	return error == 0;
}

static int
open_plain(struct http *h, const struct http_url *u, int ms)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *all, *a;
	int rc = getaddrinfo(u->host, u->port, &hints, &all);

	if (rc != 0) {
		snprintf(h->why, sizeof h->why, "%s", gai_strerror(rc));
		return -ERR_CLOSED;
	}
	for (a = all; a != NULL && h->fd < 0; a = a->ai_next) {
		h->fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (h->fd >= 0 && !dial(h->fd, a, ms)) {
			snprintf(h->why, sizeof h->why, "%s", strerror(errno));
			close(h->fd);
			h->fd = -1;
		}
	}
	freeaddrinfo(all);
	return h->fd < 0 ? -ERR_CLOSED : 0;
}

/* ---- TLS ---- */

static void
become_openssl(const struct http_url *u, int talk, int words)
{
	char where[300];
	unsigned char address[16];
	bool six = inet_pton(AF_INET6, u->host, address) == 1, number = six || inet_pton(AF_INET, u->host, address) == 1;

	snprintf(where, sizeof where, six ? "[%s]:%s" : "%s:%s", u->host, u->port);
	dup2(talk, STDIN_FILENO);
	dup2(talk, STDOUT_FILENO);
	dup2(words, STDERR_FILENO);
	signal(SIGPIPE, SIG_DFL);
	if (number)
		execlp("openssl", "openssl", "s_client", "-quiet", "-verify_quiet", "-verify_return_error", "-connect", where,
		    "-verify_ip", u->host, (char *)NULL);
	else
		execlp("openssl", "openssl", "s_client", "-quiet", "-verify_quiet", "-verify_return_error", "-connect", where,
		    "-servername", u->host, "-verify_hostname", u->host, (char *)NULL);
	_exit(NO_OPENSSL);
}

static int
open_tls(struct http *h, const struct http_url *u)
{
	int talk[2], words[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, talk) < 0)
		return -ERR_CLOSED;
	if (pipe2(words, O_CLOEXEC) < 0) {
		close(talk[0]);
		close(talk[1]);
		return -ERR_CLOSED;
	}
	h->helper = fork();
	if (h->helper == 0)
		become_openssl(u, talk[1], words[1]);
	close(talk[1]);
	close(words[1]);
	h->fd = talk[0];
	h->words = words[0];
	return h->helper < 0 ? -ERR_CLOSED : 0;
}

int
http_open(struct http *h, const struct http_url *u, int ms)
{
	http_close(h);
	return u->tls ? open_tls(h, u) : open_plain(h, u, ms);
}

/* ---- the end ---- */

/* "405762CFA57F0000:error:8000006F:system library:BIO_connect:Connection refused:…" is a reason behind five colons,
 * "verify error:num=20:unable to get local issuer certificate" tells all by itself. */
static struct str
reason_in(struct str line)
{
	struct str rest = line, field = line;
	int i;

	if (memmem(line.p, line.n, ":error:", 7) == NULL)
		return line;
	for (i = 0; i < 6; i++)
		str_cut(rest, ':', &field, &rest);
	return field.n > 0 ? field : line;
}

/* The first words of openssl that say something. */
static void
hear_words(struct http *h)
{
	static const char *const telling[] = { "verify error:", ":error:", "errno=", "unknown option", "getaddrinfo" };
	struct buf b;
	struct str rest, line;
	char *room;
	ssize_t n;
	size_t i;

	buf_init(&b, 16384);
	while ((room = buf_room(&b, 1024)) != NULL && (n = read(h->words, room, 1024)) > 0)
		buf_grew(&b, (size_t)n);
	for (rest = buf_str(&b); rest.n > 0 && h->why[0] == '\0';) {
		str_cut(rest, '\n', &line, &rest);
		for (i = 0; i < sizeof telling / sizeof telling[0] && line.n > 0; i++)
			if (memmem(line.p, line.n, telling[i], strlen(telling[i])) != NULL) {
				line = reason_in(line);
				snprintf(h->why, sizeof h->why, "openssl says: %.*s", (int)(line.n < 200 ? line.n : 200), line.p);
				break;
			}
	}
	buf_release(&b);
}

static void
end_helper(struct http *h)
{
	int status = 0;

	kill(h->helper, SIGTERM);
	hear_words(h);
	waitpid(h->helper, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_OPENSSL)
		snprintf(h->why, sizeof h->why, "openssl is not installed, which https is spoken with");
	h->helper = 0;
}

void
http_close(struct http *h)
{
	char *p;

	h->why[0] = '\0';
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
	if (h->helper > 0)
		end_helper(h);
	if (h->words >= 0)
		close(h->words);
	h->words = -1;
	for (p = h->why; *p != '\0'; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
	buf_release(&h->in);
	buf_release(&h->head);
	buf_release(&h->body);
	h->talks = h->ended = false;
	h->status = 0;
}
