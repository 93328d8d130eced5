/*
 * The courier against hubs of our own making: in this process, and founded. The founded ones are
 * this program again (SIGPOST_BIN), started as `sigpost hub`; SIGPOST_TEST tells them what to do.
 */
#include "config.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "courier.h"
#include "couriers.h"
#include "handoff.h"

static char	dir[] = "/tmp/test-courier-XXXXXX";
static char	db[64];
static char	self[PATH_MAX];

static int64_t
mono(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static const char *
beside(const char *suffix)
{
	static char path[4][128];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof path[turn], "%s%s", db, suffix);
	return path[turn];
}

/* ---- hubs ---- */

/* Takes one whole message; false: the courier left, or it is none. */
static bool
take(int s, int fds[2])
{
	static char bytes[HANDOFF_HEAD + HANDOFF_VARS_MAX];
	uint32_t length = 0;
	bool cut = false;
	size_t n = 0;
	ssize_t got;

	while (n < HANDOFF_HEAD || n < HANDOFF_HEAD + length) {
		got = handoff_recv(s, bytes + n, sizeof bytes - n, fds, &cut);
		if (got <= 0)
			return false;
		n += (size_t)got;
		if (handoff_head_read((unsigned char *)bytes, n, &length) < 0)
			return false;
	}
	return !cut && fds[1] >= 0;
}

/* Serves one courier: the answer byte, and "served" where it was accepted. */
static void
serve_one(int listening, char answer)
{
	int s = accept(listening, NULL, NULL), fds[2] = { -1, -1 };

	if (take(s, fds) && answer != '\0') {
		send(s, &answer, 1, MSG_NOSIGNAL);
		if (answer == HANDOFF_ACCEPTED && write(fds[1], "served", 6) != 6)
			_exit(9);
	}
	close(s);
	close(fds[0]);
	close(fds[1]);
}

/* A founded hub has nothing else open, and only what it is told may be known to it. */
static bool
is_clean(void)
{
	int fd;

	for (fd = 6; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return false;
	return getenv("REQUEST_METHOD") == NULL && getenv("SIGPOST_DB") != NULL &&
	    getsid(0) != atoi(getenv("SIGPOST_TEST_SESSION")) && signal(SIGPIPE, SIG_DFL) == SIG_DFL;
}

static void
be_good_hub(bool clean)
{
	struct pollfd p = { 3, POLLIN, 0 };
	FILE *count = fopen(beside(".founded"), "a");

	if (count == NULL || fputc(clean ? '+' : '-', count) == EOF || fclose(count) != 0)
		_exit(9);
	if (write(5, "!", 1) < 0 && errno != EPIPE)
		_exit(9);
	close(5);
	while (poll(&p, 1, 400) > 0)
		serve_one(3, HANDOFF_ACCEPTED);
	unlink(beside(".hub"));
	_exit(0);
}

static int
be_hub(const char *mode)
{
	bool clean = is_clean();

	snprintf(db, sizeof db, "%s", getenv("SIGPOST_DB"));
	signal(SIGPIPE, SIG_IGN);
	if (strcmp(mode, "slow") == 0)
		poll(NULL, 0, 300);
	if (strcmp(mode, "dead") == 0)
		return 1;
	if (strcmp(mode, "short") == 0)
		return write(5, "!", 1) != 1;
	be_good_hub(clean);
	return 0;
}

static char
founded(int nth)
{
	char marks[64] = "";
	int fd = open(beside(".founded"), O_RDONLY);

	if (fd >= 0 && read(fd, marks, sizeof marks - 1) < 0)
		fail();
	close(fd);
	return marks[nth];
}

/* ---- set-up ---- */

static int
set_up(void **state)
{
	char session[16];

	(void)state;
	snprintf(db, sizeof db, "%s/t.db", dir);
	setenv("SIGPOST_DB", db, 1);
	setenv("SIGPOST_BIN", self, 1);
	setenv("SIGPOST_TEST", "good", 1);
	snprintf(session, sizeof session, "%d", (int)getsid(0));
	setenv("SIGPOST_TEST_SESSION", session, 1);
	setenv("REQUEST_METHOD", "GET", 1);
	return 0;
}

/* A founded hub holds the lock until it is gone. */
static int
tear_down(void **state)
{
	int64_t end = mono() + PATIENCE_MS;
	int lock;

	(void)state;
	while ((lock = handoff_lock(beside(".hub.lock"))) < 0 && mono() < end)
		poll(NULL, 0, 5);
	close(lock);
	unlink(beside(".founded"));
	unlink(beside(".hub"));
	unlink(beside(".hub.lock"));
	unlink(beside(".hub.log"));
	return lock < 0;
}

static int
make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL;
}

static int
remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

/* ---- a hub that is there ---- */

static const struct { const char *why; char answer; int how; const char *said; } answers[] = {
	{ "accepted", HANDOFF_ACCEPTED, 0, "served" },
	{ "full", HANDOFF_FULL, 1, "" },
	{ "another version", HANDOFF_OTHER, 1, "" },
	{ "a word nobody knows", '?', 1, "" },
};

static void
a_hub_answers(void **state)
{
	int lock = handoff_lock(beside(".hub.lock")), listening = handoff_listen(beside(".hub"));
	struct child c;
	char text[64];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(answers); i++) {
		c = start();
		serve_one(listening, answers[i].answer);
		row_assert(finish(&c, text) == answers[i].how, "%s", answers[i].why);
		row_assert(strcmp(text, answers[i].said) == 0, "%s", answers[i].why);
	}
	assert_int_equal(founded(0), '\0');
	close(listening);
	close(lock);
}

/* The lock is held, so it lives: whoever was hung up on comes again. */
static void
hung_up_on_and_served_then(void **state)
{
	int lock = handoff_lock(beside(".hub.lock")), listening = handoff_listen(beside(".hub"));
	struct child c = start();

	(void)state;
	serve_one(listening, '\0');
	serve_one(listening, '\0');
	serve_one(listening, HANDOFF_ACCEPTED);
	assert_ends(&c, 0, "served");
	assert_int_equal(founded(0), '\0');
	close(listening);
	close(lock);
}

/* Between its lock and its socket somebody else founds. */
static void
somebody_else_founds(void **state)
{
	int lock = handoff_lock(beside(".hub.lock")), listening;
	struct child c = start();

	(void)state;
	poll(NULL, 0, 50);
	listening = handoff_listen(beside(".hub"));
	serve_one(listening, HANDOFF_ACCEPTED);
	assert_ends(&c, 0, "served");
	close(listening);
	close(lock);
}

static void
the_queue_is_full(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int lock = handoff_lock(beside(".hub.lock")), listening, waiting[2], i;
	struct child c;

	(void)state;
	listening = handoff_listen(beside(".hub"));
	assert_int_equal(listen(listening, 1), 0);
	snprintf(a.sun_path, sizeof a.sun_path, "%s", beside(".hub"));
	for (i = 0; i < 2; i++) {
		waiting[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		assert_int_equal(connect(waiting[i], (struct sockaddr *)&a, sizeof a), 0);
	}
	c = start();
	poll(NULL, 0, 50);
	for (i = 0; i < 2; i++) {
		shutdown(waiting[i], SHUT_RDWR);	/* the child has it, too */
		close(waiting[i]);
		serve_one(listening, HANDOFF_ACCEPTED);
	}
	serve_one(listening, HANDOFF_ACCEPTED);
	assert_ends(&c, 0, "served");
	close(listening);
	close(lock);
}

/* ---- founding ---- */

static void
nobody_is_there(void **state)
{
	struct child c = start();

	(void)state;
	assert_ends(&c, 0, "served");
	assert_int_equal(founded(0), '+');
	assert_int_equal(founded(1), '\0');
}

static void
a_socket_is_left_over(void **state)
{
	struct child c;

	(void)state;
	close(handoff_listen(beside(".hub")));
	c = start();
	assert_ends(&c, 0, "served");
	assert_int_equal(founded(0), '+');
}

static void
sixteen_found_at_once(void **state)
{
	struct child c[16];
	size_t i;

	(void)state;
	setenv("SIGPOST_TEST", "slow", 1);
	for (i = 0; i < COUNT(c); i++)
		c[i] = start();
	for (i = 0; i < COUNT(c); i++)
		assert_ends(&c[i], 0, "served");
	assert_int_equal(founded(0), '+');
	assert_int_equal(founded(1), '\0');
}

/* lighttpd sends SIGTERM to a child whose client leaves; the hub comes up all the same. */
static void
the_founder_is_killed(void **state)
{
	struct child founder, other;
	char text[64];

	(void)state;
	setenv("SIGPOST_TEST", "slow", 1);
	founder = start();
	while (access(beside(".hub"), F_OK) != 0)
		poll(NULL, 0, 1);
	poll(NULL, 0, 30);	/* it has forked by now, or has not: both are to be survived */
	other = start();
	kill(founder.pid, SIGTERM);
	assert_int_equal(finish(&founder, text), -1);
	assert_ends(&other, 0, "served");
	assert_int_equal(founded(1), '\0');
}

static void
hubs_that_come_to_nothing(void **state)
{
	static const char *const modes[] = { "dead", "short" };
	struct child c;
	int64_t begun;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(modes); i++) {
		setenv("SIGPOST_TEST", modes[i], 1);
		begun = mono();
		c = start();
		assert_ends(&c, 1, "");
		assert_in_range(mono() - begun, 0, COURIER_WAIT_MS - 1);
	}
}

static void
no_program(void **state)
{
	struct child c;

	(void)state;
	setenv("SIGPOST_BIN", "/no/such/program", 1);
	c = start();
	assert_ends(&c, 1, "");
}

/* ---- where no hub can be ---- */

static void
no_place(void **state)
{
	char name[200], path[256];
	struct child c;

	(void)state;
	snprintf(path, sizeof path, "%s/no/such/t.db", dir);
	setenv("SIGPOST_DB", path, 1);
	c = start();
	assert_ends(&c, 1, "");

	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	snprintf(path, sizeof path, "%s/%.120s", dir, name);
	setenv("SIGPOST_DB", path, 1);
	c = start();
	assert_ends(&c, 1, "");
}

static void
another_user(void **state)
{
	int lock = handoff_lock(beside(".hub.lock")), listening;
	struct child c;

	(void)state;
	if (geteuid() != 0) {
		print_message("# skipped: needs root to become somebody else\n");
		close(lock);
		return;
	}
	assert_int_equal(seteuid(65534), 0);
	listening = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(seteuid(0), 0);
	close(listening);
	listening = handoff_listen(beside(".hub"));
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(listen(listening, 5), 0);	/* credentials are those of now */
	assert_int_equal(seteuid(0), 0);
	c = start();
	assert_ends(&c, 1, "");
	close(listening);
	close(lock);
}

/* A relative name is made absolute for whoever does the work, from where we were started. */
static void
relative_name(void **state)
{
	char want[128], *cwd = getcwd(NULL, 0);
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(chdir("/tmp"), 0);
	setenv("SIGPOST_DB", strrchr(dir, '/') + 1, 1);		/* a directory: nothing can be opened */
	setenv("SIGPOST_BIN", "/no/such/program", 1);
	snprintf(want, sizeof want, "%s", dir);
	pid = fork();
	if (pid == 0)
		_exit(courier_run() != COURIER_ALONE || strcmp(getenv("SIGPOST_DB"), want) != 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	snprintf(want, sizeof want, "%s.hub", dir);
	unlink(want);
	snprintf(want, sizeof want, "%s.hub.lock", dir);
	unlink(want);
	snprintf(want, sizeof want, "%s.hub.log", dir);
	unlink(want);
	assert_int_equal(chdir(cwd), 0);
	free(cwd);
}

#define with_place(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		with_place(a_hub_answers),
		with_place(hung_up_on_and_served_then),
		with_place(somebody_else_founds),
		with_place(the_queue_is_full),
		with_place(nobody_is_there),
		with_place(a_socket_is_left_over),
		with_place(sixteen_found_at_once),
		with_place(the_founder_is_killed),
		with_place(hubs_that_come_to_nothing),
		with_place(no_program),
		with_place(no_place),
		with_place(another_user),
		with_place(relative_name),
	};

	if (argc > 1 && strcmp(argv[1], "hub") == 0)
		return be_hub(getenv("SIGPOST_TEST"));
	if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
		return 77;
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
