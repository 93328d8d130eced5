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
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "buf.h"
#include "cmd.h"
#include "cmd-host.h"
#include "err.h"
#include "json.h"

#define CONF_FILE_MAX	65536
#define STREAM_FDS	24	/* descriptors lighttpd needs for ten streams (measured: 2 each, and some) */

struct serve {
	struct conf	 conf;
	const char	*port, *host, *www, *procs;
	char		 self[4096];	/* this program */
	char		 courier[PATH_MAX];	/* sigpost.cgi, for WebSockets; "": not needed, or not there */
	struct lighttpd	 lighttpd;
	char		 dir[64];	/* the run directory */
	char		 file[96];	/* the configuration in it */
	uint64_t	 fds;
};

static int
fail(const char *what, const char *why)
{
	fprintf(stderr, "sigpost serve: %s: %s\n", what, why);
	return CMD_FAILED;
}

/* ---- the configuration ---- */

/* A lighttpd string: no quote, backslash or control character gets in. */
static int
add_string(struct buf *b, struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] == '"' || s.p[i] == '\\' || (unsigned char)s.p[i] < 0x20)
			return -ERR_BAD;
	buf_addc(b, '"');
	buf_adds(b, s);
	buf_addc(b, '"');
	return 0;
}

static int
add_setting(struct buf *b, const char *name, struct str value)
{
	int rc;

	buf_addf(b, "%s = ", name);
	rc = add_string(b, value);
	buf_addc(b, '\n');
	return rc;
}

/* What was set for us is set for the backend: every setting, by its environment name. */
static int
add_environment(struct buf *b, const struct conf *c)
{
	char value[CONF_STR_MAX], *p, name[80];
	size_t i;
	int rc = 0;

	for (i = 0; i < conf_count && rc == 0; i++) {
		if (conf_from(&conf_rows[i]) == CONF_DEFAULT)
			continue;
		snprintf(name, sizeof name, "SIGPOST_%s", conf_rows[i].name);
		for (p = name; *p != '\0'; p++)
			if (*p >= 'a' && *p <= 'z')
				*p = (char)(*p - 32);
		conf_show(c, &conf_rows[i], value);
		buf_addf(b, "\t\t\"%s\" => ", name);
		rc = add_string(b, str_from(value));
		buf_addz(b, ",\n");
	}
	return rc;
}

/* Where FastCGI passes no WebSocket on, the courier takes those requests, for the same hub. */
static int
add_websockets(struct buf *b, const struct serve *s)
{
	static char program[PATH_MAX + 1];
	int rc;

	snprintf(program, sizeof program, "%s/", s->courier);
	buf_addz(b, "$REQUEST_HEADER[\"Upgrade\"] =~ \"(?i)^websocket$\" {\n"
	    "cgi.assign = ( \".cgi\" => \"\" )\ncgi.upgrade = \"enable\"\n"
	    "server.stream-response-body = 2\n"	/* what a client does not read is not written to disk */
	    "alias.url = ( \"/\" => ");
	rc = add_string(b, str_from(program));
	buf_addz(b, " )\nsetenv.add-environment = (\n\t\t\"SIGPOST_BIN\" => ");
	if (rc == 0)
		rc = add_string(b, str_from(s->self));
	buf_addz(b, ",\n");
	if (rc == 0)
		rc = add_environment(b, &s->conf);
	buf_addz(b, "\t)\n} else {\n");
	return rc;
}

static int
add_backend(struct buf *b, const struct serve *s)
{
	char path[128];
	int rc = 0;

	buf_addz(b, "$HTTP[\"url\"] !~ \"^/www/\" {\n");
	if (s->courier[0] != '\0')
		rc = add_websockets(b, s);
	buf_addz(b, "fastcgi.server = ( \"/\" => ((\n\t\"bin-path\" => ");
	if (rc == 0)
		rc = add_string(b, str_from(s->self));
	snprintf(path, sizeof path, "%s/fcgi", s->dir);
	buf_addz(b, ",\n\t\"socket\" => ");
	if (rc == 0)
		rc = add_string(b, str_from(path));
	buf_addf(b, ",\n\t\"check-local\" => \"disable\",\n\t\"max-procs\" => %s,\n"
	    "\t\"tcp-fin-propagate\" => \"enable\",\n\t\"bin-environment\" => (\n", s->procs);
	if (rc == 0)
		rc = add_environment(b, &s->conf);
	buf_addz(b, "\t),\n");
	if (s->lighttpd.way == LIGHTTPD_FASTCGI)
		buf_addz(b, "\t\"upgrade\" => \"enable\",\n");
	buf_addz(b, s->courier[0] != '\0' ? ")) )\n}\n}\n" : ")) )\n}\n");
	return rc;
}

static const char *const fixed =
    "server.modules = ( \"mod_alias\", \"mod_setenv\", \"mod_fastcgi\", \"mod_cgi\" )\n"
    "server.stream-response-body = 1\n"	/* an event leaves when it comes */
    "server.max-keep-alive-requests = 1000000\n"
    "server.max-keep-alive-idle = 30\n"
    "server.feature-flags = ( \"server.graceful-shutdown-timeout\" => 2 )\n"
    "index-file.names = ( \"index.html\" )\n"
    "mimetype.assign = ( \".html\" => \"text/html; charset=utf-8\", \".css\" => \"text/css; charset=utf-8\",\n"
    "\t\".mjs\" => \"text/javascript; charset=utf-8\", \".js\" => \"text/javascript; charset=utf-8\",\n"
    "\t\".ts\" => \"text/plain; charset=utf-8\", \".svg\" => \"image/svg+xml\", \".png\" => \"image/png\",\n"
    "\t\".json\" => \"application/json\", \".webmanifest\" => \"application/manifest+json\" )\n"
    "$HTTP[\"url\"] =~ \"^/www/\" {\n"
    "\tsetenv.add-response-header = ( \"Cache-Control\" => \"no-cache\", \"X-Content-Type-Options\" => \"nosniff\",\n"
    "\t\t\"Content-Security-Policy\" => \"default-src 'self'; connect-src 'self'; frame-ancestors 'self'; "
    "base-uri 'none'; form-action 'self'\",\n"
    "\t\t\"Referrer-Policy\" => \"no-referrer\" )\n"
    "}\n";

static int
write_configuration(const struct serve *s, struct buf *b)
{
	char www[4200];
	int rc;

	buf_addf(b, "server.port = %s\n", s->port);
	rc = add_setting(b, "server.bind", str_from(s->host));
	if (rc == 0)
		rc = add_setting(b, "server.document-root", str_from(s->dir));
	buf_addf(b, "server.max-fds = %llu\nserver.max-connections = %llu\n",
	    (unsigned long long)s->fds, (unsigned long long)(s->fds * 10 / STREAM_FDS));
	buf_addz(b, fixed);
	snprintf(www, sizeof www, "%s/", s->www);
	buf_addz(b, "alias.url = ( \"/www/\" => ");
	if (rc == 0)
		rc = add_string(b, str_from(www));
	buf_addz(b, " )\n");
	if (rc == 0)
		rc = add_backend(b, s);
	return rc < 0 ? rc : buf_err(b);
}

static int
save(const struct serve *s)
{
	struct buf b;
	FILE *f;
	int rc;

	buf_init(&b, CONF_FILE_MAX);
	rc = write_configuration(s, &b);
	if (rc == 0) {
		f = fopen(s->file, "we");
		if (f == NULL || fwrite(b.p, 1, b.n, f) != b.n)
			rc = -ERR_IO;
		if (f != NULL && fclose(f) != 0)
			rc = -ERR_IO;
	}
	buf_release(&b);
	return rc;
}

/* ---- before lighttpd ---- */

static int
check_options(struct serve *s)
{
	static char www[PATH_MAX];
	uint64_t port, procs;

	if (str_uint(str_from(s->port), 65535, &port) < 0 || port == 0)
		return fail(s->port, "a port is a number from 1 to 65535");
	if (str_uint(str_from(s->procs), 64, &procs) < 0 || procs == 0)
		return fail(s->procs, "the number of backend processes is from 1 to 64");
	if (access(s->www, R_OK | X_OK) < 0 || realpath(s->www, www) == NULL)
		return fail(s->www, "this directory of pages cannot be read; name it with --www");
	s->www = www;	/* lighttpd would look for it below the document root */
	return 0;
}

/* What asks for no mount is mounted at the root, for the courier as for FastCGI. */
static void
settle_mount(struct conf *c)
{
	const char *why;

	if (strcmp(c->mount, "auto") == 0)
		conf_set(c, STR("mount"), STR("/"), CONF_COMMAND_LINE, &why);
}

/* max_streams with lighttpd's need for descriptors, as far as the hard limit goes. */
static void
raise_descriptors(struct serve *s)
{
	struct rlimit r;
	rlim_t want = (rlim_t)s->conf.max_streams * STREAM_FDS / 10 + 256;

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
	return 0;
}

static void
clean_up(const struct serve *s)
{
	char path[128];

	unlink(s->file);
	snprintf(path, sizeof path, "%s/fcgi-0", s->dir);
	unlink(path);
	if (rmdir(s->dir) < 0)
		fprintf(stderr, "sigpost serve: %s stays behind: %s\n", s->dir, strerror(errno));
}

/* ---- lighttpd ---- */

static volatile sig_atomic_t ended;

static void
on_signal(int number)
{
	if (number != SIGCHLD)
		ended = number;
}

static pid_t
start(const struct serve *s, pid_t parent)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	setpgid(0, 0);
#ifdef __linux__
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
#endif
	execlp(s->lighttpd.path, "lighttpd", "-D", "-f", s->file, (char *)NULL);
	fprintf(stderr, "sigpost serve: lighttpd: %s\n", strerror(errno));
	_exit(127);
}

/* Signals are taken only inside sigsuspend, so none is missed between looking and waiting. */
static int
wait_for_end(pid_t pid)
{
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t open, blocked;
	bool told = false;
	int status;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGHUP);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, &open);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sigaction(SIGCHLD, &sa, NULL);
	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (ended != 0 && !told) {
			told = true;
			kill(pid, SIGTERM);
		}
		sigsuspend(&open);
	}
	if (told)
		return CMD_OK;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? CMD_OK : CMD_FAILED;
}

int
cmd_serve(int argc, char **argv)
{
	static struct serve s = { .port = "9000", .host = "127.0.0.1", .www = SIGPOST_WWWDIR, .procs = "1" };
	const struct cmd_option own[] = {
		{ "port", &s.port, NULL }, { "host", &s.host, NULL },
		{ "www", &s.www, NULL }, { "procs", &s.procs, NULL },
		{ NULL, NULL, NULL },
	};
	pid_t pid;
	int rc;

	if (cmd_settings(&s.conf, argc, argv, own) != 0)
		return CMD_USAGE;
	settle_mount(&s.conf);
	host_lighttpd(&s.lighttpd);
	if (s.lighttpd.path == NULL)
		return fail("lighttpd", "it is not installed; install the package lighttpd");
	if (s.lighttpd.way == LIGHTTPD_CGI && !host_courier(s.courier))
		s.courier[0] = '\0';
	if (check_options(&s) != 0 || prepare(&s) != 0)
		return CMD_FAILED;
	raise_descriptors(&s);
	rc = save(&s);
	if (rc < 0) {
		clean_up(&s);
		return fail("the configuration", "a path or setting holds a quote, a backslash or a control character");
	}
	fprintf(stderr, "sigpost: http://%s:%s/  database %s  configuration %s\n", s.host, s.port, s.conf.db, s.file);
	pid = start(&s, getpid());
	rc = pid < 0 ? fail("fork", strerror(errno)) : wait_for_end(pid);
	clean_up(&s);
	return rc;
}
