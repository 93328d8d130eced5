/* What a service manager passes and hears: the socket at descriptor 3, words by datagram. */
#include "config.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "err.h"
#include "log.h"
#include "systemd.h"

static char me[24], other[24];

/* ---- the socket ---- */

enum thing { NOTHING, LISTENING, NOT_LISTENING, DATAGRAM, A_FILE };

static int
make(enum thing what)
{
	struct sockaddr_un any = { .sun_family = AF_UNIX };
	int fd;

	if (what == NOTHING)
		return -1;
	if (what == A_FILE)
		return open("/dev/null", O_RDONLY);
	fd = socket(AF_UNIX, what == DATAGRAM ? SOCK_DGRAM : SOCK_STREAM, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof any.sun_family), 0);	/* a name of the kernel's */
	if (what == LISTENING)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* Puts it at descriptor 3, where what was there comes back to by put_back. */
static int
put(enum thing what)
{
	int fd, saved = fcntl(SYSTEMD_FD, F_DUPFD_CLOEXEC, 10);

	close(SYSTEMD_FD);
	fd = make(what);
	if (fd >= 0 && fd != SYSTEMD_FD) {
		assert_int_equal(dup2(fd, SYSTEMD_FD), SYSTEMD_FD);
		close(fd);
	}
	return saved;
}

static void
put_back(int saved)
{
	close(SYSTEMD_FD);
	if (saved >= 0) {
		dup2(saved, SYSTEMD_FD);
		close(saved);
	}
}

static void
set(const char *name, const char *value)
{
	if (value != NULL)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

static void
test_socket(void **state)
{
	static const struct {
		const char *why, *pid, *fds;
		enum thing thing;
		int want;
	} rows[] = {
		{ "one listening socket", me, "1", LISTENING, SYSTEMD_FD },
		{ "nothing is said", NULL, NULL, LISTENING, -ERR_NOTFOUND },
		{ "for nobody", NULL, "1", LISTENING, -ERR_NOTFOUND },
		{ "for another process", other, "1", LISTENING, -ERR_NOTFOUND },
		{ "for no process", "", "1", LISTENING, -ERR_NOTFOUND },
		{ "for somebody with a name", "me", "1", LISTENING, -ERR_NOTFOUND },
		{ "none", me, "0", LISTENING, -ERR_BAD },
		{ "two", me, "2", LISTENING, -ERR_BAD },
		{ "less than none", me, "-1", LISTENING, -ERR_BAD },
		{ "more than there are numbers", me, "18446744073709551617", LISTENING, -ERR_BAD },
		{ "no number", me, "one", LISTENING, -ERR_BAD },
		{ "a number and something", me, "1 ", LISTENING, -ERR_BAD },
		{ "an empty number", me, "", LISTENING, -ERR_BAD },
		{ "nothing is there", me, "1", NOTHING, -ERR_BAD },
		{ "a file is there", me, "1", A_FILE, -ERR_BAD },
		{ "a connection, as with Accept=yes", me, "1", NOT_LISTENING, -ERR_BAD },
		{ "a socket for datagrams", me, "1", DATAGRAM, -ERR_BAD },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const char *why = NULL;
		int saved = put(rows[i].thing), got, flags;

		set("LISTEN_PID", rows[i].pid);
		set("LISTEN_FDS", rows[i].fds);
		got = systemd_socket(&why);
		flags = fcntl(SYSTEMD_FD, F_GETFD);
		put_back(saved);
		row_assert(got == rows[i].want, "%s: %d", rows[i].why, got);
		row_assert((why != NULL) == (got == -ERR_BAD), "%s", rows[i].why);
		row_assert(got < 0 || (flags & FD_CLOEXEC) != 0, "%s", rows[i].why);
		row_assert(got == -ERR_NOTFOUND || getenv("LISTEN_FDS") == NULL, "%s", rows[i].why);
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
}

/* What was taken can be given to the next program. */
static void
test_pass(void **state)
{
	const char *why;
	int saved = put(LISTENING), flags;

	(void)state;
	set("LISTEN_PID", me);
	set("LISTEN_FDS", "1");
	assert_int_equal(systemd_socket(&why), SYSTEMD_FD);
	systemd_pass();
	flags = fcntl(SYSTEMD_FD, F_GETFD);
	assert_int_equal(systemd_socket(&why), SYSTEMD_FD);
	put_back(saved);
	assert_int_equal(flags & FD_CLOEXEC, 0);
}

/* ---- words ---- */

/* Who listens at `name`, as NOTIFY_SOCKET says it. */
static int
listener(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	size_t n = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	assert_true(n <= sizeof at.sun_path);
	memcpy(at.sun_path, name, n);
	if (name[0] == '@')
		at.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&at,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (name[0] == '/'))), 0);
	return fd;
}

static void
hears(int fd, const char *want)
{
	char got[64] = "";
	ssize_t n = recv(fd, got, sizeof got - 1, 0);

	if (want == NULL)
		row_assert(n < 0 && errno == EAGAIN, "%s was heard", got);
	else
		row_assert(n == (ssize_t)strlen(want) && strcmp(got, want) == 0, "%s, not %s", got, want);
}

/* n bytes of a name: `head`, and then x. */
static const char *
long_name(char *out, const char *head, size_t n)
{
	memset(out, 'x', n);
	memcpy(out, head, strlen(head));
	out[n] = '\0';
	return out;
}

static void
test_notify(void **state)
{
	char path[64], abstract[64], longest[128];
	const char *names[3];
	size_t i;

	(void)state;
	snprintf(path, sizeof path, "/tmp/sigpost-notify-%s", me);
	snprintf(abstract, sizeof abstract, "@sigpost-notify-%s", me);
	names[0] = path;
	names[1] = abstract;
	names[2] = long_name(longest, abstract, sizeof ((struct sockaddr_un *)0)->sun_path);
	for (i = 0; i < COUNT(names); i++) {
		int fd = listener(names[i]);

		set("NOTIFY_SOCKET", names[i]);
		systemd_notify("READY=1");
		hears(fd, "READY=1");
		hears(fd, NULL);
		close(fd);
	}
	unlink(path);
	unsetenv("NOTIFY_SOCKET");
}

/* Whether a word to `name` leaves a line in the log. */
static bool
complains(const char *name)
{
	char said[4096] = "";
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	log_init(LOG_INFO, ends[1]);
	set("NOTIFY_SOCKET", name);
	systemd_notify("READY=1");
	unsetenv("NOTIFY_SOCKET");
	log_init(LOG_INFO, STDERR_FILENO);
	close(ends[1]);
	assert_true(read(ends[0], said, sizeof said - 1) >= 0);
	close(ends[0]);
	return strstr(said, "not told") != NULL;
}

static void
test_nobody_listens(void **state)
{
	char name[256];

	(void)state;
	assert_false(complains(NULL));
	assert_false(complains(""));
	assert_true(complains("/"));
	assert_true(complains("@"));
	assert_true(complains("relative"));
	assert_true(complains("vsock:2:1234"));
	assert_true(complains("/nonexistent/notify"));
	assert_true(complains("@sigpost-nobody"));
	assert_true(complains(long_name(name, "/tmp/", 107)));
	assert_true(complains(long_name(name, "/tmp/", 108)));
	assert_true(complains(long_name(name, "@", 109)));
	assert_true(complains(long_name(name, "/tmp/", 255)));
}

/* Who does not read keeps us for a moment only. */
static void
test_nobody_reads(void **state)
{
	char name[64];
	int fd, i;

	(void)state;
	snprintf(name, sizeof name, "@sigpost-full-%s", me);
	fd = listener(name);
	set("NOTIFY_SOCKET", name);
	for (i = 0; i < 10000; i++) {
		systemd_notify("WATCHDOG=1");
		if (complains(name))
			break;
		set("NOTIFY_SOCKET", name);
	}
	assert_true(i < 10000);
	unsetenv("NOTIFY_SOCKET");
	close(fd);
}

static void
test_stopping(void **state)
{
	static const struct {
		const char *why, *pid, *want;
	} rows[] = {
		{ "the main process", me, "STOPPING=1" },
		{ "one of several", other, NULL },
		{ "nobody says which one", NULL, NULL },
	};
	char name[64];
	size_t i;
	int fd;

	(void)state;
	snprintf(name, sizeof name, "@sigpost-stopping-%s", me);
	fd = listener(name);
	set("NOTIFY_SOCKET", name);
	for (i = 0; i < COUNT(rows); i++) {
		set("SYSTEMD_EXEC_PID", rows[i].pid);
		systemd_stopping();
		hears(fd, rows[i].want);
	}
	unsetenv("SYSTEMD_EXEC_PID");
	unsetenv("NOTIFY_SOCKET");
	close(fd);
}

static void
test_watchdog(void **state)
{
	static const struct {
		const char *why, *us, *pid;
		uint64_t want;
	} rows[] = {
		{ "not wanted", NULL, NULL, 0 },
		{ "30 s", "30000000", NULL, 15000 },
		{ "30 s of this process", "30000000", me, 15000 },
		{ "of another one", "30000000", other, 0 },
		{ "of a process that is none", "30000000", "x", 0 },
		{ "very short", "1", NULL, 1 },
		{ "4 ms", "4000", NULL, 2 },
		{ "nothing", "0", NULL, 0 },
		{ "no number", "30s", NULL, 0 },
		{ "less than nothing", "-1", NULL, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		set("WATCHDOG_USEC", rows[i].us);
		set("WATCHDOG_PID", rows[i].pid);
		row_assert(systemd_watchdog_ms() == rows[i].want, "%s", rows[i].why);
	}
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_socket), cmocka_unit_test(test_pass), cmocka_unit_test(test_notify), cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_nobody_reads), cmocka_unit_test(test_stopping), cmocka_unit_test(test_watchdog),
	};

	snprintf(me, sizeof me, "%ld", (long)getpid());
	snprintf(other, sizeof other, "%ld", (long)getppid());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
