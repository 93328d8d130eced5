/*
 * home-ask - the web server is asked for a file it must not give out.
 *
 * By plain HTTP at the address it was reached at; where that is by TLS only, by the program curl, if there is one.
 * What is not proven refused counts as given out.
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "err.h"
#include "home.h"
#include "str.h"

#define ASK_MS		5000
#define ANSWER_MAX	256	/* a status line */

static int
fail(struct home *h, const char *why)
{
	h->why = why;
	return -ERR_FORBIDDEN;
}

static const char *
last(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* A name of a host as it may stand in a request and in an argument: what a client sent. */
static bool
is_host(const char *s)
{
	return s != NULL && s[0] != '\0' && strlen(s) < 256 &&
	    strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]") == strlen(s);
}

/* ---- by a socket ---- */

static int
dial_v4(const char *address, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd;

	if (inet_pton(AF_INET, address, &a.sin_addr) != 1)
		return -1;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
dial_v6(const char *address, uint16_t port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd;

	if (inet_pton(AF_INET6, address, &a.sin6_addr) != 1)
		return -1;
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
dial(const char *address, uint16_t port)
{
	struct timeval patience = { ASK_MS / 1000, 0 };
	int fd = dial_v4(address, port);

	if (fd < 0)
		fd = dial_v6(address, port);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	}
	return fd;
}

/* The status of an answer; 0: none came. */
static int
status_of(const char *answer)
{
	return strncmp(answer, "HTTP/1.", 7) == 0 && strlen(answer) > 12 ? atoi(answer + 9) : 0;
}

static int
ask_plain(const struct home_site *s, const char *path)
{
	char request[PATH_MAX + 512], answer[ANSWER_MAX + 1] = "";
	uint64_t port = 0;
	size_t n = 0;
	ssize_t got;
	int fd, len;

	if (s->address == NULL || str_uint(str_from(s->port), 65535, &port) < 0)
		return 0;
	fd = dial(s->address, s->tls ? 80 : (uint16_t)port);
	if (fd < 0)
		return 0;
	len = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n", path, s->host);
	if (send(fd, request, (size_t)len, MSG_NOSIGNAL) == len)
		while (n < ANSWER_MAX && (got = recv(fd, answer + n, ANSWER_MAX - n, 0)) > 0)
			n += (size_t)got;
	close(fd);
	answer[n] = '\0';
	return status_of(answer);
}

/* ---- by curl ---- */

static int
ask_curl(const struct home_site *s, const char *path)
{
	char url[PATH_MAX + 300], answer[16] = "";
	const char *const argv[] = { "curl", "-q", "-k", "-s", "-o", "/dev/null", "-m", "5", "-w", "%{http_code}", url, NULL };
	int out[2], status = 0;
	pid_t pid;

	snprintf(url, sizeof url, "https://%s%s", s->host, path);
	if (pipe(out) < 0)
		return 0;
	pid = fork();
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		close(out[1]);
		execvp("curl", (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(out[1]);
	if (pid > 0 && read(out[0], answer, sizeof answer - 1) > 0)
		status = atoi(answer);
	close(out[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return status;
}

/* ---- the verdict ---- */

int
home_refused(struct home *h, const struct home_site *s)
{
	char path[PATH_MAX + 64];
	int status;

	if (!is_host(s->host) || s->folder == NULL || !str_printable(str_from(s->folder)) || strchr(s->folder, ' ') != NULL)
		return fail(h, "The web server could not be asked whether it keeps the database's directory to itself. Name a "
		    "directory outside of what is served in .htaccess: SetEnv SIGPOST_DB /path/of/it/sigpost.db");
	snprintf(path, sizeof path, "%s%s/" HOME_CANARY, s->folder, last(h->place));
	status = ask_plain(s, path);
	if (s->tls && status != 200 && (status < 400 || status >= 500))
		status = ask_curl(s, path);
	if (status == 403 || status == 404)
		return 0;
	return fail(h, status == 200 ?
	    "The web server gives out files from a directory that .htaccess denies, so nothing is private here. Name a "
	    "directory outside of what is served: SetEnv SIGPOST_DB /path/of/it/sigpost.db" :
	    "The web server did not say that it keeps the database's directory to itself. Name a directory outside of "
	    "what is served in .htaccess: SetEnv SIGPOST_DB /path/of/it/sigpost.db");
}
