/* systemd - see systemd.h. Variables that make no sense are as good as none, but for those of a socket:
 * who passes one wants it served. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "err.h"
#include "log.h"
#include "systemd.h"

/* false: not set, or no number. */
static bool
number(const char *name, uint64_t *out)
{
	const char *text = getenv(name);

	return text != NULL && str_uint(str_from(text), INT64_MAX, out) == 0;
}

static bool
names_me(const char *name)
{
	uint64_t pid;

	return number(name, &pid) && pid == (uint64_t)getpid();
}

/* ---- the socket ---- */

static bool
is_listening_stream(int fd)
{
	int type = 0, yes = 0;
	socklen_t size = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM &&
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &size) == 0 && yes != 0;
}

static int
take(const char **why)
{
	uint64_t count;

	if (!number("LISTEN_FDS", &count) || count == 0)
		*why = "LISTEN_FDS is no number of sockets";
	else if (count > 1)
		*why = "LISTEN_FDS says more than one: a process serves one socket";
	else if (!is_listening_stream(SYSTEMD_FD))
		*why = "descriptor 3 is no listening stream socket (in a .socket unit: ListenStream= and Accept=no)";
	else if (fcntl(SYSTEMD_FD, F_SETFD, FD_CLOEXEC) < 0)
		*why = strerror(errno);
	else
		return SYSTEMD_FD;
	return -ERR_BAD;
}

int
systemd_socket(const char **why)
{
	int fd;

	if (getenv("LISTEN_FDS") == NULL || !names_me("LISTEN_PID"))
		return -ERR_NOTFOUND;
	fd = take(why);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return fd;
}

void
systemd_pass(void)
{
	char me[24];

	snprintf(me, sizeof me, "%ld", (long)getpid());
	if (fcntl(SYSTEMD_FD, F_SETFD, 0) == 0 && setenv("LISTEN_PID", me, 1) == 0)
		setenv("LISTEN_FDS", "1", 1);
}

/* ---- words ---- */

/* Where NOTIFY_SOCKET leads. Its length, or 0: nowhere. */
static socklen_t
address(const char *name, struct sockaddr_un *to)
{
	size_t n = strlen(name), room = sizeof to->sun_path;

	memset(to, 0, sizeof *to);
	to->sun_family = AF_UNIX;
	/* A path ends with a NUL; an abstract name begins with one, and ends where it ends. */
	if (n < 2 || (name[0] != '/' && name[0] != '@') || n > room || (name[0] == '/' && n == room))
		return 0;
	memcpy(to->sun_path, name, n);
	if (name[0] == '@')
		to->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (name[0] == '/'));
}

static int
say(const char *name, const char *word)
{
	struct timeval patience = { .tv_usec = 100000 };
	struct sockaddr_un to;
	socklen_t size = address(name, &to);
	int fd, rc;

	if (size == 0)
		return EINVAL;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	rc = sendto(fd, word, strlen(word), MSG_NOSIGNAL, (const struct sockaddr *)&to, size) < 0 ? errno : 0;
	close(fd);
	return rc;
}

void
systemd_notify(const char *word)
{
	const char *name = getenv("NOTIFY_SOCKET");
	int rc = name != NULL && name[0] != '\0' ? say(name, word) : 0;

	if (rc != 0)
		LOG(LOG_WARN, "systemd: not told", LOG_Z("word", word), LOG_Z("to", name), LOG_Z("why", strerror(rc)));
}

void
systemd_stopping(void)
{
	if (names_me("SYSTEMD_EXEC_PID"))
		systemd_notify("STOPPING=1");
}

uint64_t
systemd_watchdog_ms(void)
{
	uint64_t us;

	if (!number("WATCHDOG_USEC", &us) || us == 0 || (getenv("WATCHDOG_PID") != NULL && !names_me("WATCHDOG_PID")))
		return 0;
	return us < 4000 ? 1 : us / 2000;
}
