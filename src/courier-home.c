/*
 * courier-home - a copy that was only unpacked: its program, settings and database are found beside it, and its
 * first request finds a place for the database (home.h).
 *
 * SIGPOST_KIT=on, which .htaccess of the kit sets, says that it is one.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "courier-private.h"
#include "courier.h"

#define ENV_MAX	512

extern char **environ;

/* Its files lie beside the program, wherever that is. false: the web server does not say where. */
static bool
name_beside(const char *variable, const char *name)
{
	const char *program = getenv("SCRIPT_FILENAME"), *slash = program == NULL ? NULL : strrchr(program, '/');
	char path[PATH_MAX];

	return slash != NULL && courier_join(path, sizeof path, program, (size_t)(slash - program) + 1, name) == 0 &&
	    setenv(variable, path, 1) == 0;
}

/* What tells sigpost that it is a CGI program is taken away: here it has a command line. */
static const char *const *
environment(void)
{
	static const char *envp[ENV_MAX + 1];
	char **var;
	size_t n = 0;

	for (var = environ; *var != NULL && n < ENV_MAX; var++)
		if (strncmp(*var, "GATEWAY_INTERFACE=", 18) != 0)
			envp[n++] = *var;
	return envp;
}

/* Waits for a program that finds a place for the database, or tells the client why there is none. */
static bool
find_home(void)
{
	static const char *const argv[] = { "sigpost", "home", NULL };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		courier_exec(argv, environment());
		courier_apologise();
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool
courier_at_home(void)
{
	const char *kit = getenv("SIGPOST_KIT"), *db = getenv("SIGPOST_DB");

	if (kit == NULL || strcmp(kit, "on") != 0)
		return true;
	name_beside("SIGPOST_BIN", "sigpost");
	if ((db != NULL && *db != '\0') || !name_beside("SIGPOST_CONFIG", "sigpost.conf"))
		return true;
	return access(getenv("SIGPOST_CONFIG"), F_OK) == 0 || find_home();
}
