/* handoff - see handoff.h. Allocates nothing, waits for nothing. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "err.h"
#include "handoff.h"

static const unsigned char magic[8] = { 'S', 'I', 'G', 'P', 'O', 'S', 'T', '\n' };

/* ---- the head ---- */

static void
put32(unsigned char *p, uint32_t v)
{
	p[0] = (unsigned char)(v >> 24);
	p[1] = (unsigned char)(v >> 16);
	p[2] = (unsigned char)(v >> 8);
	p[3] = (unsigned char)v;
}

static uint32_t
get32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void
handoff_head_make(unsigned char out[HANDOFF_HEAD], uint32_t length)
{
	memcpy(out, magic, sizeof magic);
	put32(out + 8, HANDOFF_VERSION);
	put32(out + 12, length);
}

int
handoff_head_read(const unsigned char *p, size_t n, uint32_t *length)
{
	if (memcmp(p, magic, n < sizeof magic ? n : sizeof magic) != 0)
		return -ERR_BAD;
	if (n < 12)
		return 0;
	if (get32(p + 8) != HANDOFF_VERSION)
		return -ERR_VERSION;
	if (n < HANDOFF_HEAD)
		return 0;
	*length = get32(p + 12);
	return 1;
}

/* ---- the variables ---- */

/* "HTTP_" stands for all names that begin so, "HTTPS" for itself. */
static const char *const wanted[] = {
	"HTTP_", "REQUEST_", "REMOTE_", "SERVER_", "SCRIPT_", "CONTENT_", "REDIRECT_", "PATH_INFO",
	"PATH_TRANSLATED", "QUERY_STRING", "GATEWAY_INTERFACE", "AUTH_TYPE", "HTTPS", "DOCUMENT_ROOT",
	"SIGPOST_MOUNT",
};

bool
handoff_wanted(const char *name, size_t n)
{
	size_t i, len;

	for (i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		len = strlen(wanted[i]);
		if (n < len || memcmp(name, wanted[i], len) != 0)
			continue;
		if (n == len || wanted[i][len - 1] == '_')
			return true;
	}
	return false;
}

size_t
handoff_pack(char *const *list, char *out, size_t size)
{
	size_t used = 0, whole = 0, n;
	const char *eq;

	for (; *list != NULL; list++) {
		eq = strchr(*list, '=');
		if (eq == NULL || !handoff_wanted(*list, (size_t)(eq - *list)))
			continue;
		n = (size_t)(eq - *list) + strlen(eq) + 1;
		whole += n;
		if (used + n > size)
			continue;
		memcpy(out + used, *list, n);
		used += n;
	}
	return whole;
}

int
handoff_next(const char **p, size_t *n, const char **name, size_t *name_n,
    const char **value, size_t *value_n)
{
	const char *end, *eq;

	if (*n == 0)
		return 0;
	end = memchr(*p, '\0', *n);
	eq = end == NULL ? NULL : memchr(*p, '=', (size_t)(end - *p));
	if (eq == NULL || eq == *p)
		return -ERR_BAD;
	*name = *p;
	*name_n = (size_t)(eq - *p);
	*value = eq + 1;
	*value_n = (size_t)(end - *value);
	*n -= (size_t)(end + 1 - *p);
	*p = end + 1;
	return 1;
}

/* ---- sockets ---- */

/* Room for two descriptors, aligned for a header. */
union control {
	struct cmsghdr	align;
	char		bytes[CMSG_SPACE(2 * sizeof(int))];
};

ssize_t
handoff_send(int fd, const void *p, size_t n, bool with_stdio)
{
	static const int stdio[2] = { STDIN_FILENO, STDOUT_FILENO };
	struct iovec iov = { (void *)(uintptr_t)p, n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control c;
	struct cmsghdr *h;

	if (with_stdio) {
		memset(&c, 0, sizeof c);
		m.msg_control = c.bytes;
		m.msg_controllen = CMSG_LEN(sizeof stdio);
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof stdio);
		memcpy(CMSG_DATA(h), stdio, sizeof stdio);
	}
	return sendmsg(fd, &m, MSG_NOSIGNAL);
}

static void
keep(int fds[2], int fd)
{
	int i;

	for (i = 0; i < 2; i++)
		if (fds[i] < 0) {
			fds[i] = fd;
			return;
		}
	close(fd);
}

static void
collect(struct msghdr *m, int fds[2])
{
	struct cmsghdr *h;
	size_t i, n;
	int fd;

	for (h = CMSG_FIRSTHDR(m); h != NULL; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		n = (h->cmsg_len - CMSG_LEN(0)) / sizeof fd;
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(h) + i * sizeof fd, sizeof fd);
			keep(fds, fd);
		}
	}
}

ssize_t
handoff_recv(int fd, void *p, size_t n, int fds[2], bool *cut)
{
	struct iovec iov = { p, n };
	union control c;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = c.bytes, .msg_controllen = sizeof c.bytes };
	ssize_t got;

	do
		got = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got >= 0) {
		*cut = *cut || (m.msg_flags & MSG_CTRUNC) != 0;
		collect(&m, fds);
	}
	return got;
}

bool
handoff_same_user(int fd)
{
#ifdef SO_PEERCRED
	struct ucred peer;
	socklen_t n = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && peer.uid == geteuid();
#else
	uid_t uid;
	gid_t gid;

	return getpeereid(fd, &uid, &gid) == 0 && uid == geteuid();
#endif
}

/* ---- the place ---- */

bool
handoff_same_file(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev &&
	    a.st_ino == b.st_ino;
}

/* A lock counts only on the file that has the name now. */
int
handoff_lock(const char *path)
{
	int rc, fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -ERR_IO;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		rc = errno == EWOULDBLOCK || errno == EINTR ? -ERR_CONFLICT : -ERR_IO;
	else
		rc = handoff_same_file(fd, path) ? fd : -ERR_CONFLICT;
	if (rc < 0)
		close(fd);
	return rc;
}

static int
bind_private(int fd, const struct sockaddr_un *a)
{
	mode_t mask = umask(0177);
	int rc = bind(fd, (const struct sockaddr *)a, sizeof *a);

	umask(mask);
	return rc;
}

int
handoff_listen(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof a.sun_path || (unlink(path) < 0 && errno != ENOENT))
		return -ERR_IO;
	memcpy(a.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -ERR_IO;
	if (bind_private(fd, &a) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	close(fd);
	return -ERR_IO;
}
