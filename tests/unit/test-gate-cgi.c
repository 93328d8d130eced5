/* What comes in through the CGI gate: whole requests, their bodies, their variables. */
#include "config.h"

#include "cgi-stage.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>


/* ---- whole requests ---- */

static void
get_over_pipes(void **state)
{
	struct courier c;

	(void)state;
	with_pipes(&c, GET);
	send_all(&c);
	assert_int_equal(verdict(&c), HANDOFF_ACCEPTED);
	assert_answer(&c, "");
	assert_int_equal(gate_cgi_conns(gate), 0);
	end(&c);
}

static void
get_over_a_socket(void **state)
{
	struct courier c;

	(void)state;
	with_socket(&c, GET);
	send_all(&c);
	assert_int_equal(verdict(&c), HANDOFF_ACCEPTED);
	assert_answer(&c, "");
	end(&c);
}

static void
answer_into_a_file(void **state)
{
	char path[64], text[64] = "";
	struct courier c;
	int fd;

	(void)state;
	snprintf(path, sizeof path, "%s/out", stage_dir);
	with_pipes(&c, POST "3");
	close(c.give[1]);
	c.give[1] = open(path, O_RDWR | O_CREAT, 0600);
	fd = dup(c.give[1]);
	send_all(&c);
	assert_int_equal(verdict(&c), HANDOFF_ACCEPTED);
	assert_int_equal(write(c.in, "abc", 3), 3);
	until(seen.taken == 1 && gate_cgi_conns(gate) == 0);
	assert_true(pread(fd, text, sizeof text, 0) > 0);
	assert_string_equal(text, "Status: 200 OK\r\n\r\nabc");
	close(fd);
	unlink(path);
	end(&c);
}

static void
message_split_at_every_offset(void **state)
{
	struct courier c;
	size_t at;

	(void)state;
	with_pipes(&c, GET);
	for (at = 1; at < c.n; at++) {
		send_some(&c, at);
		step();
		step();
		assert_int_equal(peek(&c), -1);
		send_all(&c);
		assert_int_equal(verdict(&c), HANDOFF_ACCEPTED);
		assert_answer(&c, "");
		end(&c);
		with_pipes(&c, GET);
	}
	close(c.give[0]);
	close(c.give[1]);
	end(&c);
}

static void
message_byte_by_byte(void **state)
{
	struct courier c;

	(void)state;
	with_pipes(&c, GET);
	while (c.sent < c.n) {
		assert_int_equal(peek(&c), -1);
		send_some(&c, 1);
		step();
	}
	assert_int_equal(verdict(&c), HANDOFF_ACCEPTED);
	assert_answer(&c, "");
	end(&c);
}

static void
longest_message(void **state)
{
	static char vars[HANDOFF_VARS_MAX + 1];
	struct courier c;
	int n;

	(void)state;
	n = snprintf(vars, sizeof vars, GET " HTTP_LONG=");
	memset(vars + n, 'x', sizeof vars - (size_t)n - 1);
	vars[HANDOFF_VARS_MAX - 1] = '\0';
	with_pipes(&c, vars);
	assert_int_equal(c.n, HANDOFF_HEAD + HANDOFF_VARS_MAX);
	send_all(&c);
	assert_int_equal(verdict(&c), HANDOFF_ACCEPTED);
	assert_answer(&c, "");
	end(&c);
}

/* ---- the body ---- */

static void
body_comes_after_the_word(void **state)
{
	struct courier c;
	int i;

	(void)state;
	with_pipes(&c, POST "10");
	send_all(&c);
	assert_int_equal(verdict(&c), HANDOFF_ACCEPTED);
	for (i = 0; i < 10; i++) {
		assert_int_equal(seen.taken, 0);
		assert_int_equal(write(c.in, "0123456789" + i, 1), 1);
		step();
		step();
	}
	assert_answer(&c, "0123456789");
	end(&c);
}

static void
body_is_there_already(void **state)
{
	struct courier c;

	(void)state;
	with_pipes(&c, POST "5");
	assert_int_equal(write(c.in, "helloand more", 13), 13);
	send_all(&c);
	assert_answer(&c, "hello");
	end(&c);
}

static void
body_on_the_socket_of_the_answer(void **state)
{
	struct courier c;

	(void)state;
	with_socket(&c, POST "5");
	send_all(&c);
	assert_int_equal(verdict(&c), HANDOFF_ACCEPTED);
	assert_int_equal(write(c.in, "hel", 3), 3);
	step();
	assert_int_equal(write(c.in, "lo", 2), 2);
	shutdown(c.in, SHUT_WR);	/* mod_cgid does, and stays */
	assert_answer(&c, "hello");
	end(&c);
}

static void
body_in_a_file(void **state)
{
	char path[64];
	struct courier c;

	(void)state;
	snprintf(path, sizeof path, "%s/body", stage_dir);
	with_pipes(&c, POST "200000");
	close(c.give[0]);
	c.give[0] = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(ftruncate(c.give[0], 200000), 0);
	unlink(path);
	send_all(&c);
	assert_int_equal(verdict(&c), HANDOFF_ACCEPTED);
	fcntl(c.out, F_SETFL, O_NONBLOCK);
	until(seen.taken == 1);
	read_all(&c);
	end(&c);
}

static void
body_at_the_ceiling_through_a_pipe(void **state)
{
	static char part[4096];
	struct courier c;
	char vars[96];
	size_t put = 0;
	ssize_t n;

	(void)state;
	snprintf(vars, sizeof vars, POST "%d", (int)conf.max_body_bytes);
	with_pipes(&c, vars);
	send_all(&c);
	assert_int_equal(verdict(&c), HANDOFF_ACCEPTED);
	fcntl(c.in, F_SETFL, O_WRONLY | O_NONBLOCK);
	while (put < (size_t)conf.max_body_bytes) {
		n = write(c.in, part, sizeof part);
		put += n > 0 ? (size_t)n : 0;
		step();
	}
	fcntl(c.out, F_SETFL, O_NONBLOCK);
	until(seen.taken == 1);
	read_all(&c);
	end(&c);
}

/* in: what fd 0 gives before it ends; NULL: it is /dev/null. */
static const struct { const char *why, *vars, *in, *want; } bodies[] = {
	{ "shorter than announced", POST "10", "123", "Status: 200 OK\r\n\r\nrefused bad" },
	{ "announced, but nothing there", POST "1", NULL, "Status: 200 OK\r\n\r\nrefused bad" },
	{ "announced as none", POST "0", "123", "Status: 200 OK\r\n\r\n" },
	{ "not announced", POST, "123", "Status: 200 OK\r\n\r\nrefused length" },
	{ "a length that is no number", POST "1x", "1", "Status: 200 OK\r\n\r\nrefused bad" },
	{ "a length below zero", POST "-1", "1", "Status: 200 OK\r\n\r\nrefused bad" },
	{ "a length over the ceiling", POST "262145", "1", "Status: 200 OK\r\n\r\nrefused toobig" },
	{ "no method", "REQUEST_URI=/echo", "", "Status: 200 OK\r\n\r\nrefused bad" },
	{ "no address", "REQUEST_METHOD=GET", "", "Status: 200 OK\r\n\r\nrefused bad" },
	{ "no variables", "", "", "Status: 200 OK\r\n\r\nrefused bad" },
	{ "a variable without a name", "=x", "", "Status: 200 OK\r\n\r\nrefused bad" },
	{ "a variable without a value", "REQUEST_METHOD", "", "Status: 200 OK\r\n\r\nrefused bad" },
};

static void
bodies_that_are_not_as_announced(void **state)
{
	struct courier c;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bodies); i++) {
		with_pipes(&c, bodies[i].vars);
		if (bodies[i].in == NULL) {
			close(c.give[0]);
			c.give[0] = open("/dev/null", O_RDONLY);
		} else if (write(c.in, bodies[i].in, strlen(bodies[i].in)) < 0)
			fail();
		hang_up_body(&c);
		send_all(&c);
		row_assert(verdict(&c) == HANDOFF_ACCEPTED, "%s", bodies[i].why);
		row_assert(strcmp(read_all(&c), bodies[i].want) == 0, "%s", bodies[i].why);
		end(&c);
	}
}

/* Apache's mod_cgid writes the body to the socket it reads the answer from, all of it, first. */
static void
refused_body_is_read_to_its_end(void **state)
{
	static char part[4096];
	struct courier c;
	size_t put = 0;
	ssize_t n;

	(void)state;
	with_socket(&c, POST "400000");
	send_all(&c);
	assert_int_equal(verdict(&c), HANDOFF_ACCEPTED);
	fcntl(c.in, F_SETFL, O_NONBLOCK);
	until(put >= 400000 || ((n = write(c.in, part, sizeof part)) > 0 && (put += (size_t)n) == 0));
	shutdown(c.in, SHUT_WR);
	assert_answer(&c, "refused toobig");
	end(&c);
}

static void
refused_body_that_dribbles_is_left(void **state)
{
	struct courier c;

	(void)state;
	conf.request_ms = 150;
	with_socket(&c, POST "400000");
	send_all(&c);
	assert_int_equal(write(c.in, "x", 1), 1);
	assert_answer(&c, "refused toobig");	/* and an end, though none comes from us */
	end(&c);
}

static void
body_that_dribbles_is_cut(void **state)
{
	struct courier slow, quick;
	int64_t begun;

	(void)state;
	conf.request_ms = 150;
	with_pipes(&slow, POST "10");
	begun = mono();
	send_all(&slow);
	assert_int_equal(verdict(&slow), HANDOFF_ACCEPTED);
	assert_int_equal(write(slow.in, "123", 3), 3);
	with_pipes(&quick, GET);
	send_all(&quick);
	assert_answer(&quick, "");	/* meanwhile */
	assert_int_equal(seen.refused, 0);
	assert_answer(&slow, "refused timeout");
	assert_in_range(mono() - begun, 150, 2000);
	end(&slow);
	end(&quick);
}

/* A web server that gives a request up closes both ends, in whatever order we hear of it. */
static void
client_leaves_within_its_body(void **state)
{
	struct courier c, next;

	(void)state;
	with_pipes(&c, POST "10");
	send_all(&c);
	assert_int_equal(verdict(&c), HANDOFF_ACCEPTED);
	assert_int_equal(write(c.in, "123", 3), 3);
	pass(50);			/* the way out is watched by now */
	close(c.out);
	c.out = -1;
	until(gate_cgi_conns(gate) == 0);
	assert_true(write(c.in, "4", 1) < 0);
	with_pipes(&next, GET);
	send_all(&next);
	assert_answer(&next, "");
	assert_int_equal(seen.taken, 1);
	end(&c);
	end(&next);
}

/* ---- ceilings of the variables ---- */

static void
block_announced_as_too_long(void **state)
{
	struct courier c;

	(void)state;
	with_pipes(&c, "");
	handoff_head_make((unsigned char *)c.message, HANDOFF_VARS_MAX + 1);
	send_all(&c);
	assert_int_equal(verdict(&c), HANDOFF_ACCEPTED);
	assert_answer(&c, "refused toobig");
	end(&c);
}

static void
variables_over_the_setting(void **state)
{
	char vars[5000];
	struct courier c;
	int n;

	(void)state;
	conf.max_vars_bytes = 4096;
	n = snprintf(vars, sizeof vars, GET " HTTP_X=");
	memset(vars + n, 'x', 4096);
	vars[n + 4096] = '\0';
	with_pipes(&c, vars);
	send_all(&c);
	assert_int_equal(verdict(&c), HANDOFF_ACCEPTED);
	assert_answer(&c, "refused toobig");
	end(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_stage(get_over_pipes),
		with_stage(get_over_a_socket),
		with_stage(answer_into_a_file),
		with_stage(message_split_at_every_offset),
		with_stage(message_byte_by_byte),
		with_stage(longest_message),
		with_stage(body_comes_after_the_word),
		with_stage(body_is_there_already),
		with_stage(body_on_the_socket_of_the_answer),
		with_stage(body_in_a_file),
		with_stage(body_at_the_ceiling_through_a_pipe),
		with_stage(bodies_that_are_not_as_announced),
		with_stage(refused_body_is_read_to_its_end),
		with_stage(refused_body_that_dribbles_is_left),
		with_stage(body_that_dribbles_is_cut),
		with_stage(client_leaves_within_its_body),
		with_stage(block_announced_as_too_long),
		with_stage(variables_over_the_setting),
	};

	return cmocka_run_group_tests(tests, stage_make_dir, stage_remove_dir);
}
