/*
 * cmd-serve - everything on one port: a private run directory, a lighttpd configuration in it,
 * lighttpd in the foreground with this program as its FastCGI backend.
 *
 * lighttpd runs in a process group of its own and is always ended with SIGTERM: on the SIGINT of
 * a terminal it would wait for open streams to finish. Should this process die without a word,
 * the kernel ends lighttpd (Linux), and lighttpd its backends.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "cmd-db.h"
#include "cmd-serve.h"
#include "err.h"
#include "systemd.h"

int
serve_fail(int code, const char *what, const char *why)
{
	fprintf(stderr, "sigpost serve: %s: %s\n", what, why);
	return code;
}

static int
fail(const char *what, const char *why)
{
	return serve_fail(CMD_FAILED, what, why);
}

/* ---- before lighttpd ---- */

/* max_streams with lighttpd's need for descriptors, as far as the hard limit goes. */
static void
raise_descriptors(struct serve *s)
{
	struct rlimit r;
	rlim_t want = (rlim_t)s->conf.max_streams * SERVE_STREAM_FDS / 10 + 256;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return;
	if (want > r.rlim_max)
		want = r.rlim_max;
	if (r.rlim_cur < want) {
		r.rlim_cur = want;
		setrlimit(RLIMIT_NOFILE, &r);
	}
	s->fds = want;
}

static int
prepare(struct serve *s)
{
	char db[CONF_STR_MAX], *base;
	ssize_t n = readlink("/proc/self/exe", s->self, sizeof s->self - 1);
	const char *tmp = getenv("TMPDIR");

	if (n <= 0)
		return fail("/proc/self/exe", "cannot find my own path");
	s->self[n] = '\0';
	if (s->conf.db[0] != '/') {
		base = realpath(".", NULL);
		if (base == NULL || snprintf(db, sizeof db, "%s/%s", base, s->conf.db) >= (int)sizeof db)
			return fail(s->conf.db, "this path is too long");
		free(base);
		conf_set(&s->conf, STR("db"), str_from(db), CONF_COMMAND_LINE, &(const char *){ NULL });
	}
	snprintf(db, sizeof db, "%s", s->conf.db);
	base = strrchr(db, '/');
	*base = '\0';
	if (mkdir(db, 0700) < 0 && errno != EEXIST)
		return fail(db, strerror(errno));
	if ((size_t)snprintf(s->dir, sizeof s->dir, "%s/sigpost-XXXXXX", tmp != NULL ? tmp : "/tmp") >= sizeof s->dir ||
	    mkdtemp(s->dir) == NULL)
		return fail("the run directory", strerror(errno));
	snprintf(s->file, sizeof s->file, "%s/lighttpd.conf", s->dir);
	snprintf(s->chain, sizeof s->chain, "%s/chain.pem", s->dir);
	return 0;
}

static void
clean_up(const struct serve *s)
{
	char path[128];

	unlink(s->file);
	unlink(s->chain);
	snprintf(path, sizeof path, "%s/fcgi-0", s->dir);
	unlink(path);
	if (rmdir(s->dir) < 0)
		fprintf(stderr, "sigpost serve: %s stays behind: %s\n", s->dir, strerror(errno));
}

/* ---- lighttpd ---- */

static volatile sig_atomic_t ended, reload;

static void
on_signal(int number)
{
	if (number == SIGUSR1)
		reload = 1;
	else if (number != SIGCHLD)
		ended = number;
}

/* lighttpd takes a new certificate only by beginning anew, at the same sockets; streams end within two seconds, and
 * their clients come back. */
static void
renew(const struct serve *s, pid_t pid)
{
	if (s->cert == NULL)
		return;
	if (serve_tls(s) == CMD_OK)
		kill(pid, SIGUSR1);
	else
		fprintf(stderr, "sigpost serve: the certificate in use stays\n");
}

static pid_t
start(const struct serve *s, pid_t parent, const sigset_t *open)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	setpgid(0, 0);
	sigprocmask(SIG_SETMASK, open, NULL);
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
#endif
	if (s->passed >= 0)
		systemd_pass();
	execlp(s->lighttpd.path, "lighttpd", "-D", "-f", s->file, (char *)NULL);
	fprintf(stderr, "sigpost serve: lighttpd: %s\n", strerror(errno));
	_exit(127);
}

/* Signals are taken only inside sigsuspend, so none is missed between looking and waiting. */
static void
take_signals(sigset_t *open)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGUSR1 };
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t blocked;
	size_t i;

	sigemptyset(&blocked);
	for (i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		sigaddset(&blocked, numbers[i]);
	sigprocmask(SIG_BLOCK, &blocked, open);
	for (i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		sigaction(numbers[i], &sa, NULL);
}

static int
wait_for_end(const struct serve *s, pid_t pid, const sigset_t *open)
{
	bool told = false;
	int status;

	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (ended != 0 && !told) {
			told = true;
			kill(pid, SIGTERM);
		}
		if (reload != 0 && !told) {
			reload = 0;
			renew(s, pid);
		}
		sigsuspend(open);
	}
	if (told)
		return CMD_OK;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? CMD_OK : CMD_FAILED;
}

/* Browsers that have HTTP/2 open their WebSockets over it, and those are the courier's. */
static void
find_courier(struct serve *s)
{
	bool http2 = s->cert != NULL && strcmp(s->http2, "on") == 0;

	if (s->lighttpd.way == LIGHTTPD_NONE || host_courier(s->courier))
		return;
	s->courier[0] = '\0';
	if (!http2)
		return;
	s->http2 = "off";
	fprintf(stderr, "sigpost serve: HTTP/2 is off: sigpost.cgi is not there, which WebSockets need over it\n");
}

/* ---- the key ---- */

/* What is there already is left alone but for a discovery that was asked for. */
static int
settle_key(struct store *s, struct str name, const char *discovery)
{
	struct realm_key k;
	int rc = store_key_get(s, name, &k);
	bool there = rc == 0, wanted = discovery != NULL ? strcmp(discovery, "on") == 0 : there && k.discovery;

	if (rc < 0 && rc != -ERR_NOTFOUND)
		return rc;
	if (there && (!k.enabled || (k.expires != 0 && k.expires <= (int64_t)time(NULL) * 1000)))
		fprintf(stderr, "sigpost serve: warning: the API key %s is off or has expired, and lets nobody in\n", k.name);
	return there && k.discovery == wanted ? 0 : store_key_set(s, name, wanted);
}

/* The API key that was asked for, in the database, with its discovery. A database that cannot be used is told here,
 * by one sentence; lighttpd would start its backend again and again. */
static int
make_key(const struct serve *s)
{
	const char *name = s->conf.peerjs_key[0] != '\0' ? s->conf.peerjs_key : "peerjs", *why = NULL;
	struct store *store;
	int rc;

	rc = cmd_db_open(&s->conf, true, &store, &why);
	if (rc < 0)
		return fail("the database", why);
	if (s->conf.peerjs_key[0] == '\0' && s->discovery == NULL) {
		store_close(store);
		return CMD_OK;
	}
	rc = cmd_db_begin(store);
	if (rc == 0)
		rc = settle_key(store, str_from(name), s->discovery);
	if (rc == 0)
		rc = store_commit(store);
	else
		store_rollback(store);
	store_close(store);
	return rc == 0 ? CMD_OK : fail(s->conf.db, "the API key could not be written: the database stayed locked, or is full");
}

/* ---- all of it ---- */

/* The run directory has been made. */
static int
run(struct serve *s)
{
	sigset_t open;
	pid_t pid;
	bool six;
	int rc = serve_configure(s);

	if (rc == CMD_OK)
		rc = serve_tls(s);
	if (rc == CMD_OK)
		rc = make_key(s);
	if (rc != CMD_OK)
		return rc;
	six = strchr(s->host, ':') != NULL;
	fprintf(stderr, "sigpost: %s://%s%s%s:%s%s  database %s  configuration %s\n", s->cert != NULL ? "https" : "http",
	    six ? "[" : "", s->host, six ? "]" : "", s->port, s->conf.mount, s->conf.db, s->file);
	take_signals(&open);
	pid = start(s, getpid(), &open);
	return pid < 0 ? fail("fork", strerror(errno)) : wait_for_end(s, pid, &open);
}

int
cmd_serve(int argc, char **argv)
{
	static struct serve s = { .port = "9000", .host = "127.0.0.1", .www = SIGPOST_WWWDIR, .procs = "1", .http2 = "on" };
	bool done = false;
	int rc = serve_options(&s, argc, argv, &done);

	if (rc != CMD_OK || done)
		return rc;
	host_lighttpd(&s.lighttpd);
	if (s.lighttpd.path == NULL)
		return fail("lighttpd", "it is not installed; install the package lighttpd");
	if (s.cert != NULL && !host_lighttpd_tls(&s.lighttpd))
		return fail("TLS", "lighttpd has no mod_openssl; install the package lighttpd-mod-openssl");
	find_courier(&s);
	if (prepare(&s) != 0)
		return CMD_FAILED;
	raise_descriptors(&s);
	rc = run(&s);
	clean_up(&s);
	return rc;
}
