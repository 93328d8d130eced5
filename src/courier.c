/*
 * courier - see courier.h. Runs once a request, so the ordinary way allocates nothing and
 * touches no stdio; all that is dear is on the way to a new hub. Everything beside the
 * database is named relative to its directory: sun_path ends at 107 bytes.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "conf-file.h"
#include "courier-private.h"
#include "courier.h"
#include "err.h"
#include "handoff.h"

#define FOUND_TRIES	2	/* hubs that start and die at once are not founded for ever */
#define NAP_MS		5
#define HUB_LISTEN_FD	3
#define HUB_LOCK_FD	4
#define HUB_READY_FD	5
#define ENV_MAX		64	/* variables a hub is started with */
#define LOG_SUFFIX	".hub.log"

extern char **environ;

static const char	*base;		/* the database's name in its directory */
static char		 message[HANDOFF_HEAD + HANDOFF_VARS_MAX];

/* ---- small things ---- */

int
courier_join(char *out, size_t size, const char *a, size_t n, const char *b)
{
	size_t m = strlen(b);

	if (n + m >= size)
		return -1;
	memmove(out, a, n);
	memcpy(out + n, b, m + 1);
	return 0;
}

/* The name of a file beside the database. */
static int
beside(char *out, size_t size, const char *suffix)
{
	return courier_join(out, size, base, strlen(base), suffix);
}

static long long
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
nap(void)
{
	struct timespec t = { 0, NAP_MS * 1000000L };

	nanosleep(&t, NULL);
}

static bool
wait_for(int fd, short events)
{
	struct pollfd p = { fd, events, 0 };
	int rc;

	do
		rc = poll(&p, 1, COURIER_WAIT_MS);
	while (rc < 0 && errno == EINTR);
	return rc > 0;
}

/* ---- the database ---- */

/* What conf.h says of it, of the environment, the file and the default; NULL: the file is not to be read. */
static const char *
database(void)
{
	static char found[PATH_MAX];
	const char *db = getenv("SIGPOST_DB");
	int rc;

	if (db != NULL && *db != '\0')
		return db;
	if (found[0] != '\0')
		return found;
	rc = conf_file_db(found, sizeof found);
	if (rc == -ERR_NOTFOUND)
		rc = courier_join(found, sizeof found, SIGPOST_LOCALSTATEDIR, strlen(SIGPOST_LOCALSTATEDIR),
		    "/lib/sigpost/sigpost.db");
	return rc < 0 ? NULL : found;
}

static int
enter(void)
{
	const char *db = database(), *slash;
	char dir[PATH_MAX];

	if (db == NULL)
		return -1;
	slash = strrchr(db, '/');
	base = slash == NULL ? db : slash + 1;
	if (slash == NULL)
		return 0;
	if (courier_join(dir, sizeof dir, db, (size_t)(slash - db), slash == db ? "/" : "") < 0)
		return -1;
	return chdir(dir);
}

/* For programs that take over from here: a relative SIGPOST_DB meant another directory. */
static void
name_database(void)
{
	char path[PATH_MAX], name[NAME_MAX + 2] = "/";

	if (database()[0] == '/' || getcwd(path, sizeof path) == NULL)
		return;
	if (courier_join(name, sizeof name, "/", 1, base) == 0 &&
	    courier_join(path, sizeof path, path, strlen(path), name) == 0)
		setenv("SIGPOST_DB", path, 1);
}

/* ---- handing over ---- */

enum visit {
	VISIT_DONE,
	VISIT_NOBODY,	/* nobody listens, or it died on us */
	VISIT_LATER,	/* its queue is full */
	VISIT_NEVER	/* a hub that is not for us */
};

static int
hub_address(struct sockaddr_un *a)
{
	memset(a, 0, sizeof *a);
	a->sun_family = AF_UNIX;
	return beside(a->sun_path, sizeof a->sun_path, HANDOFF_SUFFIX);
}

static enum visit
dial(int *out)
{
	struct sockaddr_un a;
	int fd;

	if (hub_address(&a) < 0)
		return VISIT_NEVER;
	*out = fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd <= STDERR_FILENO)	/* none, or we were started without fd 0 or 1 */
		return VISIT_NEVER;
	if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
		return VISIT_DONE;
	if (errno == ENOENT || errno == ECONNREFUSED)
		return VISIT_NOBODY;
	return errno == EAGAIN || errno == EINTR ? VISIT_LATER : VISIT_NEVER;
}

/* A block that is too long is announced and not sent. */
static size_t
write_message(void)
{
	size_t n = handoff_pack(environ, message + HANDOFF_HEAD, HANDOFF_VARS_MAX);

	handoff_head_make((unsigned char *)message, n > UINT32_MAX ? UINT32_MAX : (uint32_t)n);
	return HANDOFF_HEAD + (n > HANDOFF_VARS_MAX ? 0 : n);
}

/* A hub that answers early and closes is no error here: its answer is still to be read. */
static bool
deliver(int fd)
{
	size_t n = write_message(), at = 0;
	ssize_t sent;

	while (at < n) {
		sent = handoff_send(fd, message + at, n - at, at == 0);
		if (sent >= 0)
			at += (size_t)sent;
		else if (errno == EPIPE || errno == ECONNRESET)
			break;
		else if (errno != EINTR && (errno != EAGAIN || !wait_for(fd, POLLOUT)))
			return false;
	}
	return true;
}

/*
 * Once nobody waits for the answer it must not be given: after SHUT_RD the hub's send fails,
 * and what was sent before is still here to be read.
 */
static enum visit
hear(int fd)
{
	bool late = !wait_for(fd, POLLIN);
	char answer = 0;
	ssize_t n;

	if (late)
		shutdown(fd, SHUT_RD);
	do
		n = recv(fd, &answer, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		return answer == HANDOFF_ACCEPTED ? VISIT_DONE : VISIT_NEVER;
	return late ? VISIT_NEVER : VISIT_NOBODY;
}

static enum visit
visit(void)
{
	int fd = -1;
	enum visit v = dial(&fd);

	if (v == VISIT_DONE)
		v = handoff_same_user(fd) && deliver(fd) ? hear(fd) : VISIT_NEVER;
	if (fd >= 0)
		close(fd);
	return v;
}

/* ---- founding ---- */

enum found {
	FOUND_READY,
	FOUND_LOST,	/* somebody else is at it */
	FOUND_NEVER
};

static void
close_from(int least)
{
	long fd, most;

#ifdef HAVE_CLOSE_RANGE
	if (close_range((unsigned int)least, UINT_MAX, 0) == 0)
		return;
#endif
	most = sysconf(_SC_OPEN_MAX);
	for (fd = least; fd < most && fd < 65536; fd++)
		close((int)fd);
}

static int
open_log(void)
{
	char name[NAME_MAX + 1];
	struct stat st;
	int fd;

	if (beside(name, sizeof name, LOG_SUFFIX) < 0)
		return -1;
	fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > COURIER_LOG_MAX && ftruncate(fd, 0) < 0)
		return -1;
	return fd;
}

/* The descriptors a hub has: nothing of the web server's is left open in it. false: what was the
 * client's may still be in their place. */
static bool
set_descriptors(int listening, int lock, int ready)
{
	const int high = 16;	/* out of the way of all they are moved to */
	int nothing = open("/dev/null", O_RDWR), log = open_log();

	listening = fcntl(listening, F_DUPFD, high);
	lock = fcntl(lock, F_DUPFD, high);
	ready = fcntl(ready, F_DUPFD, high);
	if (dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0 ||
	    dup2(log < 0 ? nothing : log, STDERR_FILENO) < 0 ||
	    dup2(listening, HUB_LISTEN_FD) < 0 || dup2(lock, HUB_LOCK_FD) < 0 ||
	    dup2(ready, HUB_READY_FD) < 0)
		return false;
	close_from(HUB_READY_FD + 1);
	return true;
}

/* What web servers ignore or block would stay so in the hub. */
static void
reset_signals(void)
{
	static const int usual[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGCHLD, SIGALRM,
	    SIGUSR1, SIGUSR2 };
	sigset_t none;
	size_t i;

	for (i = 0; i < sizeof usual / sizeof usual[0]; i++)
		signal(usual[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool
kept(const char *var)
{
	static const char *const keep[] = { "SIGPOST_", "LD_LIBRARY_PATH=", "TMPDIR=", "TZ=" };
	size_t i;

	for (i = 0; i < sizeof keep / sizeof keep[0]; i++)
		if (strncmp(var, keep[i], strlen(keep[i])) == 0)
			return true;
	return false;
}

static void
become_hub(int listening, int lock, int ready)
{
	static const char *const argv[] = { "sigpost", "hub", "--listen-fd", "3", "--lock-fd", "4",
	    "--ready-fd", "5", NULL };
	static const char *envp[ENV_MAX + 1];
	char **var;
	size_t n = 0;

	for (var = environ; *var != NULL && n < ENV_MAX; var++)
		if (kept(*var))
			envp[n++] = *var;
	reset_signals();
	umask(077);
	if (set_descriptors(listening, lock, ready))
		courier_exec(argv, envp);
	_exit(127);
}

/* Forks twice, so that the hub is nobody's child and in a session of its own: signals that web
 * servers send to their children do not reach it. */
static bool
spawn_hub(int listening, int lock, int ready)
{
	pid_t pid = fork();

	if (pid == 0) {
		setsid();
		pid = fork();
		if (pid == 0)
			become_hub(listening, lock, ready);
		_exit(pid < 0);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return pid > 0;
}

static enum found
start_hub(int listening, int lock)
{
	int ready[2];
	char byte;
	bool up;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return FOUND_NEVER;
	up = spawn_hub(listening, lock, ready[1]);
	close(ready[1]);
	close(listening);	/* or its queue would outlive the hub in us */
	close(lock);
	up = up && wait_for(ready[0], POLLIN) && read(ready[0], &byte, 1) == 1;
	close(ready[0]);
	return up ? FOUND_READY : FOUND_NEVER;
}

static enum found
found(void)
{
	char socket_name[NAME_MAX + 1], lock_name[NAME_MAX + 1];
	int lock, listening;

	if (beside(lock_name, sizeof lock_name, HANDOFF_LOCK_SUFFIX) < 0 ||
	    beside(socket_name, sizeof socket_name, HANDOFF_SUFFIX) < 0)
		return FOUND_NEVER;
	lock = handoff_lock(lock_name);
	if (lock < 0)
		return lock == -ERR_CONFLICT ? FOUND_LOST : FOUND_NEVER;
	name_database();
	listening = handoff_listen(socket_name);
	if (listening >= 0)
		return start_hub(listening, lock);
	close(lock);
	return FOUND_NEVER;
}

/* ---- all of it ---- */

/* What to do after a visit that came to nothing; false: give up. */
static bool
again(enum visit v, int *founded)
{
	enum found f = FOUND_LOST;

	if (v == VISIT_NEVER)
		return false;
	if (v == VISIT_NOBODY)
		f = *founded < FOUND_TRIES ? found() : FOUND_NEVER;
	if (f == FOUND_LOST)
		nap();
	*founded += f == FOUND_READY;
	return f != FOUND_NEVER;
}

enum courier_end
courier_run(void)
{
	long long until = 0;
	int founded = 0;
	enum visit v;

	if (!courier_at_home())
		return COURIER_DONE;
	if (enter() < 0)
		return COURIER_ALONE;
	while ((v = visit()) != VISIT_DONE) {
		if (until == 0)
			until = now_ms() + COURIER_WAIT_MS;
		if (!again(v, &founded) || now_ms() >= until) {
			name_database();
			return COURIER_ALONE;
		}
	}
	return COURIER_DONE;
}

/* Where files came by FTP, programs may have come as files: what belongs to us is made a program. */
static void
replace(const char *path, const char *const *argv, const char *const *envp)
{
	char *const *a = (char *const *)(uintptr_t)argv, *const *e = (char *const *)(uintptr_t)envp;

	execve(path, a, e);
	if (errno == EACCES && getenv("SIGPOST_KIT") != NULL && chmod(path, 0755) == 0)
		execve(path, a, e);
}

void
courier_exec(const char *const *argv, const char *const *envp)
{
	const char *elsewhere = getenv("SIGPOST_BIN");
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path);

	while (n > 0 && path[n - 1] != '/')
		n--;
	if (n > 0 && courier_join(path, sizeof path, path, (size_t)n, "sigpost") == 0)
		replace(path, argv, envp);
	if (elsewhere != NULL)
		replace(elsewhere, argv, envp);
	replace(SIGPOST_BINDIR "/sigpost", argv, envp);
}

void
courier_apologise(void)
{
	static const char answer[] =
	    "Status: 503 Service Unavailable\r\n"
	    "Content-Type: application/problem+json\r\n"
	    "Cache-Control: no-store\r\n"
	    "Access-Control-Allow-Origin: *\r\n"
	    "Retry-After: 5\r\n"
	    "\r\n"
	    "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
	    "\"detail\":\"The program sigpost could not be started\"}\n";
	ssize_t ignored = write(STDOUT_FILENO, answer, sizeof answer - 1);

	(void)ignored;
}
