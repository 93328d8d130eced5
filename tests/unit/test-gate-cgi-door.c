/* What lasts: streams, the socket and its lock, and the child that works alone. */
#include "config.h"

#include "cgi-stage.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "err.h"

/* ---- streams ---- */

static void
client_leaves(void **state)
{
	struct courier c;
	int socket, settled;

	(void)state;
	for (socket = 0; socket < 2; socket++)
		for (settled = 0; settled < 2; settled++) {
			seen.gone = 0;
			open_stream(&c, socket);
			pass(settled ? 60 : 0);
			assert_int_equal(seen.gone, 0);
			end(&c);
			until(seen.gone == 1);
			assert_int_equal(gate_cgi_conns(gate), 0);
		}
}

/* mod_cgid shuts its writing side down once the body is passed on; only HUP and ERR mean gone. */
static void
half_closed_is_not_gone(void **state)
{
	struct courier c;
	int turns;

	(void)state;
	open_stream(&c, true);
	shutdown(c.out, SHUT_WR);
	pass(60);
	turns = seen.turns;
	pass(60);
	assert_in_range(seen.turns - turns, 0, 100);	/* and the loop sleeps */
	assert_int_equal(seen.gone, 0);
	conn_add(seen.conn, STR("still here"));
	conn_finish(seen.conn);
	conn_flush(seen.conn);
	assert_string_equal(read_all(&c), "Status: 200 OK\r\n\r\nstill here");
	end(&c);
}

static void
idle_stream_keeps_one_descriptor(void **state)
{
	struct courier c;
	int before, socket;

	(void)state;
	for (socket = 0; socket < 2; socket++) {
		before = lowest_fd();
		open_stream(&c, socket);
		pass(60);
		close(c.s);
		close(c.in);
		/* Ours were two, three or four numbers; the gate has one more than before. */
		assert_in_range(lowest_fd(), before, before + 3);
		c.s = knock();
		c.in = -1;
		end(&c);
		until(seen.conn == NULL);
	}
}

static void
slow_reader(void **state)
{
	enum { SIZE = 400000 };
	char *bytes = malloc(SIZE), part[7000];
	struct courier c;
	size_t got, i;
	int socket;
	ssize_t n;

	(void)state;
	for (i = 0; i < SIZE; i++)
		bytes[i] = (char)('a' + i % 26);
	for (socket = 0; socket < 2; socket++) {
		seen.room = 0;
		open_stream(&c, socket);
		assert_int_equal(read(c.out, part, sizeof part), 18);
		conn_add(seen.conn, str_make(bytes, SIZE));
		conn_flush(seen.conn);
		assert_true(conn_pending(seen.conn) > 0);
		pass(60);
		assert_true(conn_pending(seen.conn) > 0);
		assert_int_equal(seen.room, 0);
		fcntl(c.out, F_SETFL, O_NONBLOCK);
		for (got = 0; got < SIZE; got += (size_t)(n > 0 ? n : 0)) {
			n = read(c.out, part, sizeof part);
			if (n > 0)
				assert_memory_equal(part, bytes + got, n);
			step();
		}
		assert_int_equal(seen.room, 1);
		assert_int_equal(conn_pending(seen.conn), 0);
		seen.gone = 0;
		end(&c);
		until(seen.gone == 1);
	}
	free(bytes);
}

/* ---- the door ---- */

static void
stopping_gives_the_place_up(void **state)
{
	struct courier stream, queued;
	int lock;

	(void)state;
	open_stream(&stream, false);
	with_pipes(&queued, GET);
	assert_true(gate_cgi_listening(gate));
	gate_cgi_stop(gate);
	assert_false(gate_cgi_listening(gate));
	assert_int_equal(verdict(&queued), 0);
	assert_int_equal(access(beside(".hub"), F_OK), -1);
	lock = handoff_lock(beside(".hub.lock"));
	assert_true(lock >= 0);
	close(lock);
	conn_add(seen.conn, STR("goes on"));
	conn_finish(seen.conn);
	conn_flush(seen.conn);
	assert_string_equal(read_all(&stream), "Status: 200 OK\r\n\r\ngoes on");
	close(queued.give[0]);
	close(queued.give[1]);
	close(queued.in);
	close(queued.out);
	close(queued.s);
	end(&stream);
}

static void
second_in_line_takes_over(void **state)
{
	struct gate_cgi *second = gate_cgi_new(&hub, -1, -1);
	struct courier c;

	(void)state;
	assert_false(gate_cgi_listening(second));
	pass(1200);
	assert_false(gate_cgi_listening(second));
	gate_cgi_stop(gate);
	until(gate_cgi_listening(second));
	with_pipes(&c, GET);
	send_all(&c);
	assert_int_equal(verdict(&c), HANDOFF_ACCEPTED);
	assert_answer(&c, "");
	end(&c);
	gate_cgi_free(second);
}

/* Somebody tidies up: rm t.db*. */
static void
removed_files_come_back(void **state)
{
	static const char *const suffixes[] = { ".hub", ".hub.lock" };
	struct courier c;
	struct stat st;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(suffixes); i++) {
		unlink(beside(suffixes[i]));
		until(stat(beside(suffixes[i]), &st) == 0 && gate_cgi_listening(gate) &&
		    stat(beside(".hub"), &st) == 0);
		with_pipes(&c, GET);
		send_all(&c);
		assert_int_equal(verdict(&c), HANDOFF_ACCEPTED);
		assert_answer(&c, "");
		end(&c);
	}
}

/* Another hub has the place now, by another lock file: its socket is not touched. */
static void
replaced_files_are_left_alone(void **state)
{
	struct stat was, is;
	int lock, listening;

	(void)state;
	unlink(beside(".hub.lock"));
	lock = handoff_lock(beside(".hub.lock"));
	assert_true(lock >= 0);
	listening = handoff_listen(beside(".hub"));
	assert_true(listening >= 0);
	assert_int_equal(stat(beside(".hub"), &was), 0);
	until(!gate_cgi_listening(gate));
	pass(1200);
	assert_false(gate_cgi_listening(gate));
	assert_int_equal(stat(beside(".hub"), &is), 0);
	assert_int_equal(was.st_ino, is.st_ino);
	close(listening);
	close(lock);
	until(gate_cgi_listening(gate));
}

static void
inherited_socket_and_lock(void **state)
{
	struct courier c;
	int lock, listening;

	(void)state;
	gate_cgi_free(gate);
	lock = handoff_lock(beside(".hub.lock"));
	listening = handoff_listen(beside(".hub"));
	with_pipes(&c, GET);
	send_all(&c);		/* before anybody accepts */
	gate = gate_cgi_new(&hub, listening, lock);
	assert_true(gate_cgi_listening(gate));
	assert_int_equal(verdict(&c), HANDOFF_ACCEPTED);
	assert_answer(&c, "");
	assert_int_equal(handoff_lock(beside(".hub.lock")), -ERR_CONFLICT);
	end(&c);
}

/* A socket address ends at 107 bytes; the place is reached through its directory. */
static void
long_path(void **state)
{
	char deep[200], db[256], *cwd = getcwd(NULL, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct gate_cgi *far;
	int fd, n;

	(void)state;
	n = snprintf(deep, sizeof deep, "%s/", stage_dir);
	memset(deep + n, 'd', 120);
	deep[n + 120] = '\0';
	assert_int_equal(mkdir(deep, 0700), 0);
	snprintf(db, sizeof db, "%s/t.db", deep);
	snprintf(conf.db, sizeof conf.db, "%s", db);
	far = gate_cgi_new(&hub, -1, -1);
	assert_true(gate_cgi_listening(far));
	assert_int_equal(chdir(deep), 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(a.sun_path, sizeof a.sun_path, "t.db.hub");
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	close(fd);
	assert_int_equal(chdir(cwd), 0);
	free(cwd);
	gate_cgi_free(far);
	assert_int_equal(access(beside(".hub"), F_OK), -1);
	unlink(beside(".hub.lock"));
	rmdir(deep);
}

static void
freeing_cuts_everything(void **state)
{
	struct courier stream, body, mute;

	(void)state;
	open_stream(&stream, false);
	with_pipes(&body, POST "10");
	send_all(&body);
	assert_int_equal(verdict(&body), HANDOFF_ACCEPTED);
	with_pipes(&mute, GET);
	send_some(&mute, 5);
	step();
	gate_cgi_free(gate);
	gate = NULL;
	assert_int_equal(seen.gone, 1);
	assert_string_equal(read_all(&stream), "Status: 200 OK\r\n\r\n");
	assert_string_equal(read_all(&body), "");
	assert_int_equal(verdict(&mute), 0);
	end(&stream);
	end(&body);
	end(&mute);
}

/* ---- alone ---- */

static void
alone_done(void *arg)
{
	*(bool *)arg = true;
}

/* In a process of its own: our fd 0 and fd 1. */
static void
work_alone(const char *const *vars)
{
	struct gate_cgi *g;
	bool done = false;

	if (loop_init(&stage_loop, stage_turn, NULL) != 0)
		_exit(1);
	g = gate_cgi_alone(&hub, (char *const *)(uintptr_t)vars, alone_done, &done);
	if (g == NULL)
		_exit(2);
	printf("this must not reach the client\n");
	fflush(stdout);
	while (!done)
		step();
	gate_cgi_free(g);
	loop_release(&stage_loop);
	_exit(lowest_fd() > 3 ? 3 : 0);
}

static int
run_alone(const char *const *vars, const char *body, char *out, size_t size)
{
	int in[2], answer_pipe[2], status, fd;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(answer_pipe), 0);
	pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(answer_pipe[1], 1);
		for (fd = 3; fd < 256; fd++)
			close(fd);
		work_alone(vars);
	}
	close(in[0]);
	close(answer_pipe[1]);
	assert_int_equal(write(in[1], body, strlen(body)), strlen(body));
	close(in[1]);
	while ((got = read(answer_pipe[0], out + n, size - n - 1)) > 0)
		n += (size_t)got;
	out[n] = '\0';
	close(answer_pipe[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static const struct { const char *why; const char *vars[8]; const char *body, *want; } alone[] = {
	{ "a GET", { "PATH=/bin", "REQUEST_METHOD=GET", "REQUEST_URI=/echo", NULL }, "",
	    "Status: 200 OK\r\n\r\n" },
	{ "a POST", { "REQUEST_METHOD=POST", "REQUEST_URI=/echo", "CONTENT_LENGTH=5", NULL }, "hello",
	    "Status: 200 OK\r\n\r\nhello" },
	{ "a short body", { "REQUEST_METHOD=POST", "REQUEST_URI=/echo", "CONTENT_LENGTH=6", NULL },
	    "hello", "Status: 200 OK\r\n\r\nrefused bad" },
	{ "no variables", { NULL }, "", "Status: 200 OK\r\n\r\nrefused bad" },
};

static void
alone_with_its_request(void **state)
{
	char out[256];
	size_t i;
	int status;

	(void)state;
	for (i = 0; i < COUNT(alone); i++) {
		status = run_alone(alone[i].vars, alone[i].body, out, sizeof out);
		row_assert(status == 0, "%s: %d", alone[i].why, status);
		row_assert(strcmp(out, alone[i].want) == 0, "%s: %s", alone[i].why, out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_stage(client_leaves),
		with_stage(half_closed_is_not_gone),
		with_stage(idle_stream_keeps_one_descriptor),
		with_stage(slow_reader),
		with_stage(stopping_gives_the_place_up),
		with_stage(second_in_line_takes_over),
		with_stage(removed_files_come_back),
		with_stage(replaced_files_are_left_alone),
		with_stage(inherited_socket_and_lock),
		with_stage(long_path),
		with_stage(freeing_cuts_everything),
		with_stage(alone_with_its_request),
	};

	return cmocka_run_group_tests(tests, stage_make_dir, stage_remove_dir);
}
