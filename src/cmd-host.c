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

/* ---- lighttpd ---- */

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

static void
become(const struct pipes *p, const char *path, const char *const *args)
{
	int null = open("/dev/null", O_WRONLY);

	dup2(p->in[0], STDIN_FILENO);
	dup2(p->out[1], STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	execvp(path, (char *const *)(uintptr_t)args);
	_exit(127);
}

/* Runs it with an input that a pipe holds; the first words it says. false: it cannot be run, or was not content. */
static bool
ask(const char *path, const char *const *args, struct str input, char *line, size_t size)
{
	struct pipes p = { { -1, -1 }, { -1, -1 } };
	int status = 0;
	ssize_t n = 0;
	pid_t pid;

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
	if (pid > 0) {
		n = read(p.out[0], line, size - 1);
		waitpid(pid, &status, 0);
	}
	close_all(&p);
	line[n > 0 ? n : 0] = '\0';
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

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
	char line[256];
	size_t i;

	memset(l, 0, sizeof *l);
	for (i = 0; i < sizeof places / sizeof places[0] && l->path == NULL; i++)
		if (ask(places[i], args, STR(""), line, sizeof line))
			l->path = places[i];
	if (l->path != NULL)
		read_version(l, str_from(line));
}

bool
host_lighttpd_tls(const struct lighttpd *l)
{
	static const char *const args[] = { "lighttpd", "-tt", "-f", "-", NULL };
	char line[256];

	return l->path != NULL && ask(l->path, args,
	    STR("server.document-root = \"/\"\nserver.modules = ( \"mod_openssl\" )\n"), line, sizeof line);
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
