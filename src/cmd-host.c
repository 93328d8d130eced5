/* cmd-host - see cmd-host.h. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd-host.h"
#include "str.h"
#include "upgrade.h"

/* ---- lighttpd ---- */

/* The first words of `lighttpd -v`; false: it cannot be run. */
static bool
ask(const char *path, char *line, size_t size)
{
	int pipes[2], status = 0;
	ssize_t n = 0;
	pid_t pid;

	if (pipe(pipes) < 0)
		return false;
	pid = fork();
	if (pid == 0) {
		dup2(pipes[1], STDOUT_FILENO);
		execlp(path, "lighttpd", "-v", (char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	if (pid > 0) {
		n = read(pipes[0], line, size - 1);
		waitpid(pid, &status, 0);
	}
	close(pipes[0]);
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
	char line[256];
	size_t i;

	memset(l, 0, sizeof *l);
	for (i = 0; i < sizeof places / sizeof places[0] && l->path == NULL; i++)
		if (ask(places[i], line, sizeof line))
			l->path = places[i];
	if (l->path != NULL)
		read_version(l, str_from(line));
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
