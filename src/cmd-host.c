/* cmd-host - see cmd-host.h. */
#include "config.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd-host.h"
#include "str.h"
#include "upgrade.h"

/* ---- programs ---- */

struct pipes {
	int	in[2], out[2];	/* what it reads, what it says; [0] is the end to read from */
};

static void
close_all(struct pipes *p)
{
	int *fds[] = { &p->in[0], &p->in[1], &p->out[0], &p->out[1] };
	size_t i;

	for (i = 0; i < 4; i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
}

/* Without a terminal: OpenSSL would ask it for what it lacks. */
static void
become(const struct pipes *p, const char *path, const char *const *args)
{
	setsid();
	dup2(p->in[0], STDIN_FILENO);
	dup2(p->out[1], STDOUT_FILENO);
	dup2(p->out[1], STDERR_FILENO);
	execvp(path, (char *const *)(uintptr_t)args);
	_exit(127);
}

static void
read_all(int fd, char *said, size_t size)
{
	size_t n = 0;
	ssize_t got;

	while (n < size - 1 && (got = read(fd, said + n, size - 1 - n)) > 0)
		n += (size_t)got;
	said[n] = '\0';
}

bool
host_run(const char *path, const char *const *args, struct str input, char *said, size_t size)
{
	struct pipes p = { { -1, -1 }, { -1, -1 } };
	int status = 0;
	pid_t pid;

	said[0] = '\0';
	if (pipe2(p.in, O_CLOEXEC) < 0 || pipe2(p.out, O_CLOEXEC) < 0 ||
	    write(p.in[1], input.p, input.n) != (ssize_t)input.n) {
		close_all(&p);
		return false;
	}
	pid = fork();
	if (pid == 0)
		become(&p, path, args);
	close(p.in[1]);
	close(p.out[1]);
	p.in[1] = p.out[1] = -1;
	if (pid > 0)
		read_all(p.out[0], said, size);
	close_all(&p);
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- lighttpd ---- */

/* "lighttpd/1.4.69 (ssl) - …" */
static void
read_version(struct lighttpd *l, struct str line)
{
	struct str name, rest, version;
	int64_t n = upgrade_lighttpd(line);

	str_cut(line, '/', &name, &rest);
	str_cut(rest, ' ', &version, &rest);
	if (n == 0 || str_copy(version, l->version, sizeof l->version) < 0)
		return;
	l->last = (int)(n % 1000);
	l->way = n >= UPGRADE_FASTCGI_SINCE ? LIGHTTPD_FASTCGI : n >= UPGRADE_CGI_SINCE ? LIGHTTPD_CGI : LIGHTTPD_NONE;
}

void
host_lighttpd(struct lighttpd *l)
{
	static const char *const places[] = { "lighttpd", "/usr/sbin/lighttpd", "/usr/local/sbin/lighttpd" };
	static const char *const args[] = { "lighttpd", "-v", NULL };
	char line[1024];
	size_t i;

	memset(l, 0, sizeof *l);
	for (i = 0; i < sizeof places / sizeof places[0] && l->path == NULL; i++)
		if (host_run(places[i], args, STR(""), line, sizeof line))
			l->path = places[i];
	if (l->path != NULL)
		read_version(l, str_from(line));
}

bool
host_lighttpd_tls(const struct lighttpd *l)
{
	static const char *const args[] = { "lighttpd", "-tt", "-f", "-", NULL };
	char said[1024];

	return l->path != NULL && host_run(l->path, args,
	    STR("server.document-root = \"/\"\nserver.modules = ( \"mod_openssl\" )\n"), said, sizeof said);
}

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

bool
host_courier(char out[PATH_MAX])
{
	static char dir[PATH_MAX];

	return (own_directory(dir) && lies_in(dir, out)) || lies_in(SIGPOST_CGIDIR, out);
}
