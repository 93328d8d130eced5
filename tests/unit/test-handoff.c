/*
 * What couriers and hubs say to each other: the head at every length, the block of variables,
 * descriptors that travel. Where they meet: test-handoff-place.
 */
#include "config.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf.h"
#include "err.h"
#include "handoff.h"

/* ---- the head ---- */

/* The transcript of version 1: a hub and a courier of different builds must agree on it. */
static const unsigned char head_v1[HANDOFF_HEAD] = {
	'S', 'I', 'G', 'P', 'O', 'S', 'T', '\n', 0, 0, 0, 1, 0x00, 0x00, 0x12, 0x34,
};

static void
head_is_as_written_down(void **state)
{
	unsigned char head[HANDOFF_HEAD];
	uint32_t length = 0;

	(void)state;
	handoff_head_make(head, 0x1234);
	assert_memory_equal(head, head_v1, sizeof head);
	assert_int_equal(handoff_head_read(head_v1, sizeof head_v1, &length), 1);
	assert_int_equal(length, 0x1234);
}

static void
head_needs_all_its_bytes(void **state)
{
	size_t n;

	(void)state;
	for (n = 0; n < HANDOFF_HEAD; n++) {
		struct str part = tight(str_make((const char *)head_v1, n));
		uint32_t length = 7;

		assert_int_equal(handoff_head_read((const unsigned char *)part.p, n, &length), 0);
		assert_int_equal(length, 7);
		loosen(part);
	}
}

/* want: from `from` bytes on the head is refused; before, more is awaited. */
static const struct { const char *why; size_t at; unsigned char put; size_t from; int want; }
    bad[] = {
	{ "first byte of the magic", 0, 's', 1, -ERR_BAD },
	{ "last byte of the magic", 7, '\r', 8, -ERR_BAD },
	{ "a later version", 11, 2, 12, -ERR_VERSION },
	{ "a much later version", 8, 0x80, 12, -ERR_VERSION },
	{ "version 0", 11, 0, 12, -ERR_VERSION },
};

static void
bad_heads_are_refused_at_once(void **state)
{
	unsigned char head[HANDOFF_HEAD];
	uint32_t length;
	size_t i, n;
	int want;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		memcpy(head, head_v1, sizeof head);
		head[bad[i].at] = bad[i].put;
		for (n = 0; n <= HANDOFF_HEAD; n++) {
			want = n < bad[i].from ? 0 : bad[i].want;
			row_assert(handoff_head_read(head, n, &length) == want, "%s, %zu bytes",
			    bad[i].why, n);
		}
	}
}

/* ---- the variables ---- */

static const struct { const char *name; bool want; } names[] = {
	{ "REQUEST_METHOD", true }, { "REQUEST_URI", true }, { "SCRIPT_NAME", true },
	{ "CONTENT_LENGTH", true }, { "CONTENT_TYPE", true }, { "HTTP_ACCEPT", true },
	{ "HTTP_LAST_EVENT_ID", true }, { "HTTP_ORIGIN", true }, { "REMOTE_ADDR", true },
	{ "QUERY_STRING", true }, { "PATH_INFO", true }, { "HTTPS", true }, { "SERVER_NAME", true },
	{ "GATEWAY_INTERFACE", true }, { "REDIRECT_STATUS", true }, { "AUTH_TYPE", true },
	{ "PATH", false }, { "PATH_INFOX", false }, { "HTTP", false }, { "HTTPSX", false },
	{ "LD_PRELOAD", false }, { "SIGPOST_DB", false }, { "HOME", false }, { "", false },
	{ "XHTTP_ACCEPT", false },
};

static void
names_that_travel(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(names); i++) {
		struct str name = tight(str_from(names[i].name));

		row_assert(handoff_wanted(name.p, name.n) == names[i].want, "%s", names[i].name);
		loosen(name);
	}
}

static char *environment[] = {
	(char *)(uintptr_t)"PATH=/bin", (char *)(uintptr_t)"REQUEST_METHOD=GET",
	(char *)(uintptr_t)"no equals sign", (char *)(uintptr_t)"HTTP_X=a=b",
	(char *)(uintptr_t)"HTTP_EMPTY=", (char *)(uintptr_t)"=nameless", NULL,
};
static const char block[] = "REQUEST_METHOD=GET\0HTTP_X=a=b\0HTTP_EMPTY=";

static void
block_is_what_is_wanted(void **state)
{
	char out[sizeof block];

	(void)state;
	assert_int_equal(handoff_pack(environment, out, sizeof out), sizeof block);
	assert_memory_equal(out, block, sizeof block);
}

/* Whatever room there is, the length is the whole one, and nothing is written beyond. */
static void
block_that_does_not_fit(void **state)
{
	size_t size;

	(void)state;
	for (size = 0; size < sizeof block; size++) {
		char *out = malloc(size > 0 ? size : 1);

		assert_int_equal(handoff_pack(environment, out, size), sizeof block);
		free(out);
	}
}

static void
block_is_read_back(void **state)
{
	static const char *const want[][2] = {
		{ "REQUEST_METHOD", "GET" }, { "HTTP_X", "a=b" }, { "HTTP_EMPTY", "" },
	};
	struct str whole = tight(str_make(block, sizeof block));
	const char *p = whole.p, *name, *value;
	size_t n = whole.n, name_n, value_n, i;

	(void)state;
	for (i = 0; i < COUNT(want); i++) {
		assert_int_equal(handoff_next(&p, &n, &name, &name_n, &value, &value_n), 1);
		assert_true(str_eq(str_make(name, name_n), str_from(want[i][0])));
		assert_true(str_eq(str_make(value, value_n), str_from(want[i][1])));
	}
	assert_int_equal(handoff_next(&p, &n, &name, &name_n, &value, &value_n), 0);
	loosen(whole);
}

/* A block is good only where it ends at a variable's NUL. */
static void
block_cut_at_every_offset(void **state)
{
	size_t at, n, name_n, value_n;
	const char *p, *name, *value;
	struct str part;
	bool good;
	int rc;

	(void)state;
	for (at = 0; at <= sizeof block; at++) {
		part = tight(str_make(block, at));
		p = part.p;
		n = part.n;
		do
			rc = handoff_next(&p, &n, &name, &name_n, &value, &value_n);
		while (rc > 0);
		good = at == 0 || block[at - 1] == '\0';
		row_assert(rc == (good ? 0 : -ERR_BAD), "cut at %zu", at);
		loosen(part);
	}
}

static const struct { const char *why; struct str in; } broken[] = {
	{ "no NUL", S("A=1") },
	{ "no equals sign", S("A\0") },
	{ "no name", S("=1\0") },
	{ "nothing but a NUL", S("\0") },
	{ "equals sign only in the next", S("A\0B=1\0") },
};

static void
broken_blocks(void **state)
{
	const char *name, *value;
	size_t name_n, value_n, i;

	(void)state;
	for (i = 0; i < COUNT(broken); i++) {
		struct str in = tight(broken[i].in);
		const char *p = in.p;
		size_t n = in.n;

		row_assert(handoff_next(&p, &n, &name, &name_n, &value, &value_n) == -ERR_BAD, "%s",
		    broken[i].why);
		loosen(in);
	}
}

/* The courier has no settings; its ceiling is the setting's default. */
static void
ceiling_is_the_default(void **state)
{
	static struct conf conf;

	(void)state;
	conf_init(&conf);
	assert_int_equal(conf.max_vars_bytes, HANDOFF_VARS_MAX);
}

/* ---- descriptors ---- */

static void
make_pair(int s[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
}

static void
stdio_travels_with_the_first_byte(void **state)
{
	int s[2], fds[2] = { -1, -1 };
	struct stat want, got;
	bool cut = false;
	char bytes[8];
	int i;

	(void)state;
	make_pair(s);
	assert_int_equal(handoff_send(s[0], "ab", 2, true), 2);
	assert_int_equal(handoff_send(s[0], "cd", 2, false), 2);
	assert_int_equal(handoff_recv(s[1], bytes, 1, fds, &cut), 1);
	assert_false(cut);
	for (i = 0; i < 2; i++) {
		assert_true(fds[i] > 2);
		assert_int_equal(fstat(i, &want), 0);
		assert_int_equal(fstat(fds[i], &got), 0);
		assert_int_equal(want.st_ino, got.st_ino);
		assert_true((fcntl(fds[i], F_GETFD) & FD_CLOEXEC) != 0);
		close(fds[i]);
	}
	assert_int_equal(handoff_recv(s[1], bytes, sizeof bytes, fds, &cut), 3);
	assert_memory_equal(bytes, "bcd", 3);
	close(s[0]);
	assert_int_equal(handoff_recv(s[1], bytes, sizeof bytes, fds, &cut), 0);
	close(s[1]);
}

/* The lowest free descriptor: it is the same after a leakless operation. */
static int
lowest_fd(void)
{
	int fd = dup(STDIN_FILENO);

	close(fd);
	return fd;
}

static void
more_descriptors_are_closed(void **state)
{
	int s[2], fds[2] = { -1, -1 };
	bool cut = false;
	char byte;
	int before;

	(void)state;
	make_pair(s);
	handoff_send(s[0], "a", 1, true);
	handoff_send(s[0], "b", 1, true);
	assert_int_equal(handoff_recv(s[1], &byte, 1, fds, &cut), 1);
	before = lowest_fd();
	assert_int_equal(handoff_recv(s[1], &byte, 1, fds, &cut), 1);
	assert_int_equal(lowest_fd(), before);
	close(fds[0]);
	close(fds[1]);
	close(s[0]);
	close(s[1]);
}

static void
descriptors_that_do_not_fit(void **state)
{
	int s[2], fds[2] = { -1, -1 };
	struct rlimit was, few;
	bool cut = false;
	char byte;

	(void)state;
	make_pair(s);
	handoff_send(s[0], "a", 1, true);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few = was;
	few.rlim_cur = (rlim_t)lowest_fd() + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(handoff_recv(s[1], &byte, 1, fds, &cut), 1);
	setrlimit(RLIMIT_NOFILE, &was);
	assert_true(cut);
	assert_int_equal(fds[1], -1);
	close(fds[0]);
	close(s[0]);
	close(s[1]);
}

static void
sending_to_nobody_is_no_signal(void **state)
{
	int s[2];

	(void)state;
	make_pair(s);
	close(s[1]);
	assert_int_equal(handoff_send(s[0], "a", 1, true), -1);
	assert_int_equal(errno, EPIPE);
	close(s[0]);
}

static void
same_user(void **state)
{
	int s[2];

	(void)state;
	make_pair(s);
	assert_true(handoff_same_user(s[0]));
	close(s[0]);
	close(s[1]);
	assert_false(handoff_same_user(s[0]));
}

/* Credentials are those at connect(2), so a child of another user makes the difference. */
static void
another_user(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t n = sizeof a;
	int listening, fd;
	pid_t pid;

	(void)state;
	if (geteuid() != 0) {
		print_message("# skipped: needs root to become somebody else\n");
		return;
	}
	listening = socket(AF_UNIX, SOCK_STREAM, 0);	/* without a name: an abstract one is given */
	assert_int_equal(bind(listening, (struct sockaddr *)&a, sizeof a.sun_family), 0);
	assert_int_equal(getsockname(listening, (struct sockaddr *)&a, &n), 0);
	assert_int_equal(listen(listening, 1), 0);
	pid = fork();
	if (pid == 0) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		_exit(seteuid(65534) != 0 || connect(fd, (struct sockaddr *)&a, n) != 0);
	}
	fd = accept(listening, NULL, NULL);
	assert_false(handoff_same_user(fd));
	waitpid(pid, NULL, 0);
	close(fd);
	close(listening);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(head_is_as_written_down),
		cmocka_unit_test(head_needs_all_its_bytes),
		cmocka_unit_test(bad_heads_are_refused_at_once),
		cmocka_unit_test(names_that_travel),
		cmocka_unit_test(block_is_what_is_wanted),
		cmocka_unit_test(block_that_does_not_fit),
		cmocka_unit_test(block_is_read_back),
		cmocka_unit_test(block_cut_at_every_offset),
		cmocka_unit_test(broken_blocks),
		cmocka_unit_test(ceiling_is_the_default),
		cmocka_unit_test(stdio_travels_with_the_first_byte),
		cmocka_unit_test(more_descriptors_are_closed),
		cmocka_unit_test(descriptors_that_do_not_fit),
		cmocka_unit_test(sending_to_nobody_is_no_signal),
		cmocka_unit_test(same_user),
		cmocka_unit_test(another_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
