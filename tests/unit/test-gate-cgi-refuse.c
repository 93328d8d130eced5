/* What the CGI gate does not accept, or only for a while: it is still the courier's then. */
#include "config.h"

#include "cgi-stage.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>


/* ---- what is not accepted ---- */

static void
another_version(void **state)
{
	struct courier c;

	(void)state;
	with_pipes(&c, GET);
	c.message[11] = HANDOFF_VERSION + 1;
	send_all(&c);
	assert_int_equal(verdict(&c), HANDOFF_OTHER);
	assert_string_equal(read_all(&c), "");
	assert_int_equal(seen.taken + seen.refused, 0);
	end(&c);
}

static void
not_a_courier(void **state)
{
	struct courier c;

	(void)state;
	with_pipes(&c, GET);
	memcpy(c.message, "GET / HTTP/1.0\r\n", HANDOFF_HEAD);
	send_all(&c);
	assert_int_equal(verdict(&c), 0);
	end(&c);

	with_pipes(&c, GET);
	c.message[c.n++] = 'x';		/* more than announced */
	send_all(&c);
	assert_int_equal(verdict(&c), 0);
	assert_int_equal(seen.taken + seen.refused, 0);
	end(&c);
}

static void
without_descriptors(void **state)
{
	struct courier c;
	int missing;

	(void)state;
	for (missing = 0; missing < 2; missing++) {
		with_pipes(&c, GET);
		close(c.give[1]);
		c.give[1] = -1;
		if (missing == 0)
			close(c.give[0]);
		c.give[0] = missing == 0 ? -1 : c.give[0];
		send_all(&c);
		assert_int_equal(verdict(&c), HANDOFF_FULL);
		end(&c);
	}
	assert_int_equal(seen.taken, 0);
}

/* Nothing that could stop us when we write to it. */
static void
sinks_of_other_kinds(void **state)
{
	struct courier c;

	(void)state;
	with_pipes(&c, GET);
	close(c.give[1]);
	c.give[1] = open("/dev/null", O_WRONLY);
	send_all(&c);
	assert_int_equal(verdict(&c), HANDOFF_FULL);
	end(&c);
}

static void
full_of_streams(void **state)
{
	struct courier c;
	char body[8];
	int mine;

	(void)state;
	hub.streams = (uint32_t)conf.max_streams;
	with_pipes(&c, POST "3");
	assert_int_equal(write(c.in, "abc", 3), 3);
	mine = dup(c.give[0]);
	send_all(&c);
	assert_int_equal(verdict(&c), HANDOFF_FULL);
	assert_int_equal(seen.taken, 0);
	assert_int_equal(read(mine, body, sizeof body), 3);	/* the body is still the courier's */
	close(mine);
	end(&c);

	hub.streams--;
	with_pipes(&c, GET);
	send_all(&c);
	assert_int_equal(verdict(&c), HANDOFF_ACCEPTED);
	assert_answer(&c, "");
	end(&c);
}

/* ---- few descriptors ---- */

/* n descriptors are left for the gate: none, one for the connection, one that travels. */
static void
descriptors_are_short(void **state)
{
	struct rlimit was;
	struct courier c;
	int n, turns, mine[2];

	(void)state;
	for (n = 0; n < 3; n++) {
		with_pipes(&c, GET);
		mine[0] = dup(c.give[0]);	/* sending closes these two */
		mine[1] = dup(c.give[1]);
		was = leave_fds(n - 2);
		send_all(&c);
		assert_int_equal(verdict(&c), HANDOFF_FULL);
		turns = seen.turns;
		pass(30);
		assert_in_range(seen.turns - turns, 0, 100);
		setrlimit(RLIMIT_NOFILE, &was);
		close(mine[0]);
		close(mine[1]);
		end(&c);
	}
	assert_int_equal(seen.taken, 0);
}

/* All fits, but little is left for the store and the rest. */
static void
descriptors_are_kept_back(void **state)
{
	struct rlimit was;
	struct courier c;

	(void)state;
	gate_cgi_free(gate);
	was = leave_fds(24);
	gate = gate_cgi_new(&hub, -1, -1);
	with_pipes(&c, GET);
	send_all(&c);
	assert_int_equal(verdict(&c), HANDOFF_FULL);
	setrlimit(RLIMIT_NOFILE, &was);
	end(&c);
}

/* ---- couriers that do not behave ---- */

static void
silent_courier_is_cut(void **state)
{
	struct courier mute, half;

	(void)state;
	conf.request_ms = 150;
	with_pipes(&mute, GET);
	with_pipes(&half, GET);
	send_some(&half, HANDOFF_HEAD + 3);
	assert_int_equal(verdict(&mute), 0);
	assert_int_equal(verdict(&half), 0);
	assert_string_equal(read_all(&half), "");
	close(mute.give[0]);
	close(mute.give[1]);
	end(&mute);
	end(&half);
}

static void
courier_leaves_half_way(void **state)
{
	struct courier c;

	(void)state;
	with_pipes(&c, GET);
	send_some(&c, 20);
	step();
	close(c.s);
	assert_string_equal(read_all(&c), "");
	c.s = knock();
	end(&c);
}

/* It gave up waiting and does the request itself: doing it here, too, would do it twice. */
static void
courier_does_not_wait_for_the_word(void **state)
{
	struct courier c;

	(void)state;
	with_pipes(&c, GET);
	send_all(&c);
	close(c.s);
	assert_string_equal(read_all(&c), "");
	assert_int_equal(seen.taken + seen.refused, 0);

	c.s = knock();
	end(&c);
	with_pipes(&c, GET);
	send_all(&c);
	shutdown(c.s, SHUT_RD);
	assert_string_equal(read_all(&c), "");
	assert_int_equal(seen.taken + seen.refused, 0);
	end(&c);
}

static void
another_user(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	pid_t pid;
	char byte;
	int fd, status;

	(void)state;
	if (geteuid() != 0) {
		print_message("# skipped: needs root to become somebody else\n");
		return;
	}
	chmod(stage_dir, 0755);
	chmod(beside(".hub"), 0666);
	pid = fork();
	if (pid == 0) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		snprintf(a.sun_path, sizeof a.sun_path, "%s/t.db.hub", stage_dir);
		if (seteuid(65534) != 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0)
			_exit(1);
		_exit(recv(fd, &byte, 1, 0) == 0 ? 0 : 2);
	}
	until(waitpid(pid, &status, WNOHANG) == pid);
	assert_int_equal(status, 0);
	chmod(stage_dir, 0700);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_stage(another_version),
		with_stage(not_a_courier),
		with_stage(without_descriptors),
		with_stage(sinks_of_other_kinds),
		with_stage(full_of_streams),
		with_stage(descriptors_are_short),
		with_stage(descriptors_are_kept_back),
		with_stage(silent_courier_is_cut),
		with_stage(courier_leaves_half_way),
		with_stage(courier_does_not_wait_for_the_word),
		with_stage(another_user),
	};

	return cmocka_run_group_tests(tests, stage_make_dir, stage_remove_dir);
}
