/*
 * home-ask - the web server is asked for files it must not give out.
 *
 * Which port and scheme clients use is not known for certain: what CGI says of it follows the header Host, and a
 * server in front may give out files itself. So each door is tried: the port that was named, 80, and 443 by the
 * program curl. One counts if the kit's icon comes through it; a server that answers 404 to everything proves
 * nothing. What counts must refuse both files, and the door the request is said to have come by must count.
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
#define ANSWER_MAX	8192	/* a head, and the icon */
#define CONTROL		"www/icon.svg"

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

/* -1: it does not let us in. The patience holds for connect, too. */
static int
dial_to(const struct sockaddr *to, socklen_t size)
{
	struct timeval patience = { ASK_MS / 1000, 0 };
	int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (connect(fd, to, size) == 0)
		return fd;
	close(fd);
	return -1;
}

static int
dial(const char *address, uint16_t port)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	if (inet_pton(AF_INET, address, &four.sin_addr) == 1)
		return dial_to((struct sockaddr *)&four, sizeof four);
	if (inet_pton(AF_INET6, address, &six.sin6_addr) == 1)
		return dial_to((struct sockaddr *)&six, sizeof six);
	return -1;
}

/* ---- one request ---- */

struct answer {
	int	 status;	/* 0: none came */
	char	 text[ANSWER_MAX + 1];
	char	*body;		/* in text */
};

static void
read_all(int fd, struct answer *a)
{
	size_t n = 0;
	ssize_t got;

	while (n < ANSWER_MAX && (got = read(fd, a->text + n, ANSWER_MAX - n)) > 0)
		n += (size_t)got;
	a->text[n] = '\0';
}

/* Three digits and no more; 0: there are none. */
static int
status_of(const char *text, size_t n)
{
	uint64_t status;

	return n >= 3 && str_uint(str_make(text, 3), 999, &status) == 0 ? (int)status : 0;
}

static void
ask_plain(const struct home_site *s, uint16_t port, const char *path, struct answer *a)
{
	char request[PATH_MAX + 512];
	int fd = dial(s->address, port), len;

	a->status = 0;
	a->text[0] = '\0';
	if (fd < 0)
		return;
	len = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n", path, s->host);
	if (send(fd, request, (size_t)len, MSG_NOSIGNAL) == len)
		read_all(fd, a);
	close(fd);
	if (strncmp(a->text, "HTTP/1.", 7) == 0 && strlen(a->text) > 9)
		a->status = status_of(a->text + 9, strlen(a->text + 9));
	a->body = strstr(a->text, "\r\n\r\n");
	a->body = a->body == NULL ? a->text + strlen(a->text) : a->body + 4;
}

/* The body, and behind it the status. */
static void
ask_curl(const struct home_site *s, const char *path, struct answer *a)
{
	char url[PATH_MAX + 300], *last;
	const char *const argv[] = { "curl", "-q", "-k", "-s", "-m", "5", "-w", "\n%{http_code}", url, NULL };
	int out[2];
	pid_t pid;

	a->status = 0;
	a->text[0] = '\0';
	a->body = a->text;
	snprintf(url, sizeof url, "https://%s%s", s->host, path);
	if (pipe(out) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		close(out[1]);
		execvp("curl", (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(out[1]);
	if (pid > 0)
		read_all(out[0], a);
	close(out[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	last = strrchr(a->text, '\n');
	if (last != NULL) {
		a->status = status_of(last + 1, strlen(last + 1));
		*last = '\0';
	}
}

/* ---- a door ---- */

#define BY_CURL 0	/* instead of a port */

static void
ask(const struct home_site *s, uint16_t port, const char *path, struct answer *a)
{
	if (port == BY_CURL)
		ask_curl(s, path, a);
	else
		ask_plain(s, port, path, a);
}

/* Whether this very folder is behind it. */
static bool
counts(const struct home *h, const struct home_site *s, uint16_t port)
{
	static struct answer a;
	static char here[ANSWER_MAX + 1];
	char path[PATH_MAX + 64];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof path, "%s/" CONTROL, h->kit);
	f = fopen(path, "re");
	if (f != NULL) {
		n = fread(here, 1, ANSWER_MAX, f);
		fclose(f);
	}
	here[n] = '\0';
	snprintf(path, sizeof path, "%s" CONTROL, s->folder);
	ask(s, port, path, &a);
	return n > 0 && a.status == 200 && strcmp(a.body, here) == 0;
}

static bool
refuses(const struct home_site *s, uint16_t port, const char *name)
{
	static struct answer a;
	char path[PATH_MAX + 64];

	snprintf(path, sizeof path, "%s%s", s->folder, name);
	ask(s, port, path, &a);
	return a.status == 403 || a.status == 404;
}

/* ---- the verdict ---- */

static int
unknown(struct home *h)
{
	return fail(h, "The web server could not be asked whether it keeps the database's directory to itself. Name a "
	    "directory outside of what is served in .htaccess: SetEnv SIGPOST_DB /path/of/it/sigpost.db");
}

static bool
usable(const struct home_site *s)
{
	return s->address != NULL && is_host(s->host) && s->folder != NULL && str_printable(str_from(s->folder)) &&
	    strchr(s->folder, ' ') == NULL;
}

int
home_refused(struct home *h, const struct home_site *s)
{
	char canary[PATH_MAX + sizeof HOME_CANARY];
	uint64_t named = 0;
	uint16_t doors[] = { 0, 80, BY_CURL };
	bool came = false, open;
	size_t i;

	if (!usable(s) || s->proxied || str_uint(str_from(s->port), 65535, &named) < 0 || named == 0)
		return unknown(h);
	doors[0] = s->tls ? 80 : (uint16_t)named;
	snprintf(canary, sizeof canary, "%s/" HOME_CANARY, last(h->place));
	for (i = 0; i < sizeof doors / sizeof doors[0]; i++) {
		open = counts(h, s, doors[i]);
		came = came || (open && (s->tls ? doors[i] == BY_CURL : i == 0));
		if (open && (!refuses(s, doors[i], canary) || !refuses(s, doors[i], HOME_CONF_NEW)))
			return fail(h, "The web server gives out files that .htaccess denies, so nothing is private here. Name "
			    "a directory outside of what is served: SetEnv SIGPOST_DB /path/of/it/sigpost.db");
	}
	return came ? 0 : unknown(h);
}
