/*
 * The CGI gate in a real loop, with couriers of our own making and a fake hub behind it that
 * answers by path: /echo with the body, /stream with a head and nothing more. A request that
 * the gate refuses is answered with "refused NAME".
 */
#include "config.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conn.h"
#include "err.h"
#include "gate-cgi.h"
#include "handoff.h"
#include "route.h"

#define PATIENCE_MS	5000
#define MESSAGE_MAX	(HANDOFF_HEAD + HANDOFF_VARS_MAX + 64)

static char		 dir[] = "/tmp/test-gate-cgi-XXXXXX";
static struct loop	 loop;
static struct hub	 hub;
static struct conf	 conf;
static struct gate_cgi	*gate;

/* ---- the fake hub ---- */

static struct {
	struct conn	*conn;		/* of the stream */
	int		 taken, refused, gone, room, turns;
	struct conn	*answered[64];
	int		 answers;
} fake;

static void
stream_gone(struct conn *c)
{
	assert_ptr_equal(c, fake.conn);
	fake.conn = NULL;
	fake.gone++;
}

static void
stream_room(struct conn *c)
{
	(void)c;
	fake.room++;
}

static const struct conn_user stream_user = { .room = stream_room, .gone = stream_gone };

static void
answer(struct req *r, struct str text)
{
	conn_add(r->conn, STR("Status: 200 OK\r\n\r\n"));
	conn_add(r->conn, text);
	conn_finish(r->conn);
	fake.answered[fake.answers++] = r->conn;
}

void
hub_take(struct hub *h, struct req *r)
{
	assert_ptr_equal(h, &hub);
	fake.taken++;
	if (str_eq(r->path, STR("/stream"))) {
		fake.conn = r->conn;
		r->conn->user = &stream_user;
		conn_add(r->conn, STR("Status: 200 OK\r\n\r\n"));
		conn_flush(r->conn);
	} else
		answer(r, r->body);
	req_free(r);
}

void
route_refuse(struct hub *h, struct req *r, int err)
{
	char text[64];

	(void)h;
	fake.refused++;
	snprintf(text, sizeof text, "refused %s", err_name(err));
	answer(r, str_from(text));
	req_free(r);
}

/* Answers leave at the end of a turn, as in the hub. */
static void
turn(void *arg)
{
	int i;

	(void)arg;
	fake.turns++;
	for (i = 0; i < fake.answers; i++)
		conn_flush(fake.answered[i]);
	fake.answers = 0;
}

/* ---- the loop ---- */

static int64_t
mono(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

#define until(fact) \
	do { \
		int64_t until_ = mono() + PATIENCE_MS; \
		while (!(fact)) { \
			assert_true(mono() < until_); \
			step(); \
		} \
	} while (0)

static void
step(void)
{
	struct pollfd p = { uv_backend_fd(&loop.uv), POLLIN, 0 };

	loop_poll(&loop);
	poll(&p, 1, 2);
}

static void
pass(int64_t ms)
{
	int64_t end = mono() + ms;

	while (mono() < end)
		step();
}

/* ---- set-up ---- */

static int
start_with(const char *db)
{
	memset(&fake, 0, sizeof fake);
	conf_init(&conf);
	snprintf(conf.db, sizeof conf.db, "%s", db);
	if (loop_init(&loop, turn, NULL) != 0)
		return -1;
	hub = (struct hub){ .loop = &loop, .conf = &conf };
	gate = gate_cgi_new(&hub, -1, -1);
	return gate == NULL;
}

static int
start(void **state)
{
	char db[64];

	(void)state;
	snprintf(db, sizeof db, "%s/t.db", dir);
	return start_with(db);
}

static int
stop(void **state)
{
	(void)state;
	if (gate != NULL)
		gate_cgi_free(gate);
	gate = NULL;
	loop_release(&loop);
	return 0;
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
	char path[64];

	(void)state;
	snprintf(path, sizeof path, "%s/t.db.hub.lock", dir);
	unlink(path);
	return rmdir(dir);
}

static const char *
beside(const char *suffix)
{
	static char path[CONF_STR_MAX + 16];

	snprintf(path, sizeof path, "%s%s", conf.db, suffix);
	return path;
}

/* ---- couriers ---- */

struct courier {
	int	s;		/* to the hub */
	int	in, out;	/* our ends of its fd 0 and fd 1; in -1: closed */
	int	give[2];	/* the ends that travel */
	char	message[MESSAGE_MAX];
	size_t	n, sent;
};

static int
knock(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(a.sun_path, sizeof a.sun_path, "%s/t.db.hub", dir);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

/* vars: "NAME=value" separated by a blank. */
static void
write_vars(struct courier *c, const char *vars)
{
	size_t i, n = strlen(vars);

	for (i = 0; i < n; i++)
		c->message[HANDOFF_HEAD + i] = vars[i] == ' ' ? '\0' : vars[i];
	if (n > 0)
		c->message[HANDOFF_HEAD + n++] = '\0';
	handoff_head_make((unsigned char *)c->message, (uint32_t)n);
	c->n = HANDOFF_HEAD + n;
}

static void
fresh(struct courier *c, const char *vars)
{
	c->s = knock();
	c->sent = 0;
	write_vars(c, vars);
}

/* What lighttpd and mod_cgi give a child. */
static void
with_pipes(struct courier *c, const char *vars)
{
	int in[2], out[2];

	fresh(c, vars);
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	c->give[0] = in[0];
	c->in = in[1];
	c->give[1] = out[1];
	c->out = out[0];
}

/* What mod_cgid gives: one socket. */
static void
with_socket(struct courier *c, const char *vars)
{
	int s[2];

	fresh(c, vars);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	c->out = s[0];
	c->in = dup(s[0]);
	c->give[0] = s[1];
	c->give[1] = dup(s[1]);
}

/* Sends n more bytes; the first carry the descriptors, which are closed here, as by an exit. */
static void
send_some(struct courier *c, size_t n)
{
	struct iovec iov = { c->message + c->sent, n };
	union { struct cmsghdr h; char bytes[CMSG_SPACE(2 * sizeof(int))]; } u;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *h;
	size_t given = c->give[0] < 0 ? 0 : c->give[1] < 0 ? 1 : 2;

	if (n == 0)
		return;
	if (c->sent == 0 && given > 0) {
		memset(&u, 0, sizeof u);
		m.msg_control = u.bytes;
		m.msg_controllen = CMSG_LEN(given * sizeof(int));
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(given * sizeof(int));
		memcpy(CMSG_DATA(h), c->give, given * sizeof(int));
	}
	assert_int_equal(sendmsg(c->s, &m, MSG_NOSIGNAL), n);
	if (c->sent == 0) {
		close(c->give[0]);
		close(c->give[1]);
	}
	c->sent += n;
}

static void
send_all(struct courier *c)
{
	send_some(c, c->n - c->sent);
}

/* The hub's answer: a byte, 0 for a connection that ended without, -1 for none yet. */
static int
peek(struct courier *c)
{
	char byte;
	ssize_t n = recv(c->s, &byte, 1, MSG_PEEK);

	if (n < 0 && errno == EAGAIN)
		return -1;
	return n == 1 ? byte : 0;
}

static int
verdict(struct courier *c)
{
	until(peek(c) != -1);
	return peek(c);
}

/* All of the CGI answer, to its end. */
static const char *
read_all(struct courier *c)
{
	static char text[1 << 20];
	size_t n = 0;
	ssize_t got = -1;

	fcntl(c->out, F_SETFL, O_NONBLOCK);
	until((got = read(c->out, text + n, sizeof text - n - 1)) == 0 || (got > 0 && (n += (size_t)got) == 0));
	text[n] = '\0';
	return text;
}

static void
end(struct courier *c)
{
	close(c->s);
	close(c->out);
	if (c->in >= 0)
		close(c->in);
}

static void
hang_up_body(struct courier *c)
{
	close(c->in);
	c->in = -1;
}

#define POST	"REQUEST_METHOD=POST REQUEST_URI=/echo CONTENT_LENGTH="
#define GET	"REQUEST_METHOD=GET REQUEST_URI=/echo"
#define STREAM	"REQUEST_METHOD=GET REQUEST_URI=/stream"

#define assert_answer(c, text) assert_string_equal(read_all(c), "Status: 200 OK\r\n\r\n" text)

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
	snprintf(path, sizeof path, "%s/out", dir);
	with_pipes(&c, POST "3");
	close(c.give[1]);
	c.give[1] = open(path, O_RDWR | O_CREAT, 0600);
	fd = dup(c.give[1]);
	send_all(&c);
	assert_int_equal(verdict(&c), HANDOFF_ACCEPTED);
	assert_int_equal(write(c.in, "abc", 3), 3);
	until(fake.taken == 1 && gate_cgi_conns(gate) == 0);
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
		assert_int_equal(fake.taken, 0);
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
	snprintf(path, sizeof path, "%s/body", dir);
	with_pipes(&c, POST "200000");
	close(c.give[0]);
	c.give[0] = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(ftruncate(c.give[0], 200000), 0);
	unlink(path);
	send_all(&c);
	assert_int_equal(verdict(&c), HANDOFF_ACCEPTED);
	fcntl(c.out, F_SETFL, O_NONBLOCK);
	until(fake.taken == 1);
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
	until(fake.taken == 1);
	read_all(&c);
	end(&c);
}

/* in: what fd 0 gives before it ends; NULL: it is /dev/null. */
static const struct { const char *why, *vars, *in, *want; } bodies[] = {
	{ "shorter than announced", POST "10", "123", "Status: 200 OK\r\n\r\nrefused bad" },
	{ "announced, but nothing there", POST "1", NULL, "Status: 200 OK\r\n\r\nrefused bad" },
	{ "announced as none", POST "0", "123", "Status: 200 OK\r\n\r\n" },
	{ "not announced", POST, "123", "Status: 200 OK\r\n\r\n" },
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
	assert_int_equal(fake.refused, 0);
	assert_answer(&slow, "refused timeout");
	assert_in_range(mono() - begun, 150, 2000);
	end(&slow);
	end(&quick);
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
	assert_int_equal(fake.taken + fake.refused, 0);
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
	assert_int_equal(fake.taken + fake.refused, 0);
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
	assert_int_equal(fake.taken, 0);
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
	assert_int_equal(fake.taken, 0);
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

static int
lowest_fd(void)
{
	int fd = dup(STDIN_FILENO);

	close(fd);
	return fd;
}

static struct rlimit
leave_fds(int n)
{
	struct rlimit was, few;

	getrlimit(RLIMIT_NOFILE, &was);
	few = was;
	few.rlim_cur = (rlim_t)(lowest_fd() + n);
	setrlimit(RLIMIT_NOFILE, &few);
	return was;
}

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
		turns = fake.turns;
		pass(30);
		assert_in_range(fake.turns - turns, 0, 100);
		setrlimit(RLIMIT_NOFILE, &was);
		close(mine[0]);
		close(mine[1]);
		end(&c);
	}
	assert_int_equal(fake.taken, 0);
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
	assert_int_equal(fake.taken + fake.refused, 0);

	c.s = knock();
	end(&c);
	with_pipes(&c, GET);
	send_all(&c);
	shutdown(c.s, SHUT_RD);
	assert_string_equal(read_all(&c), "");
	assert_int_equal(fake.taken + fake.refused, 0);
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
		skip();
	}
	chmod(dir, 0755);
	chmod(beside(".hub"), 0666);
	pid = fork();
	if (pid == 0) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		snprintf(a.sun_path, sizeof a.sun_path, "%s/t.db.hub", dir);
		if (seteuid(65534) != 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0)
			_exit(1);
		_exit(recv(fd, &byte, 1, 0) == 0 ? 0 : 2);
	}
	until(waitpid(pid, &status, WNOHANG) == pid);
	assert_int_equal(status, 0);
	chmod(dir, 0700);
}

/* ---- streams ---- */

static void
open_stream(struct courier *c, bool socket)
{
	if (socket)
		with_socket(c, STREAM);
	else
		with_pipes(c, STREAM);
	send_all(c);
	assert_int_equal(verdict(c), HANDOFF_ACCEPTED);
	assert_non_null(fake.conn);
}

static void
client_leaves(void **state)
{
	struct courier c;
	int socket, settled;

	(void)state;
	for (socket = 0; socket < 2; socket++)
		for (settled = 0; settled < 2; settled++) {
			fake.gone = 0;
			open_stream(&c, socket);
			pass(settled ? 60 : 0);
			assert_int_equal(fake.gone, 0);
			end(&c);
			until(fake.gone == 1);
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
	turns = fake.turns;
	pass(60);
	assert_in_range(fake.turns - turns, 0, 100);	/* and the loop sleeps */
	assert_int_equal(fake.gone, 0);
	conn_add(fake.conn, STR("still here"));
	conn_finish(fake.conn);
	conn_flush(fake.conn);
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
		until(fake.conn == NULL);
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
		fake.room = 0;
		open_stream(&c, socket);
		assert_int_equal(read(c.out, part, sizeof part), 18);
		conn_add(fake.conn, str_make(bytes, SIZE));
		conn_flush(fake.conn);
		assert_true(conn_pending(fake.conn) > 0);
		pass(60);
		assert_true(conn_pending(fake.conn) > 0);
		assert_int_equal(fake.room, 0);
		fcntl(c.out, F_SETFL, O_NONBLOCK);
		for (got = 0; got < SIZE; got += (size_t)(n > 0 ? n : 0)) {
			n = read(c.out, part, sizeof part);
			if (n > 0)
				assert_memory_equal(part, bytes + got, n);
			step();
		}
		assert_int_equal(fake.room, 1);
		assert_int_equal(conn_pending(fake.conn), 0);
		fake.gone = 0;
		end(&c);
		until(fake.gone == 1);
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
	conn_add(fake.conn, STR("goes on"));
	conn_finish(fake.conn);
	conn_flush(fake.conn);
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
	n = snprintf(deep, sizeof deep, "%s/", dir);
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
	assert_int_equal(fake.gone, 1);
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

	if (loop_init(&loop, turn, NULL) != 0)
		_exit(1);
	g = gate_cgi_alone(&hub, (char *const *)(uintptr_t)vars, alone_done, &done);
	if (g == NULL)
		_exit(2);
	printf("this must not reach the client\n");
	fflush(stdout);
	while (!done)
		step();
	gate_cgi_free(g);
	loop_release(&loop);
	_exit(lowest_fd() > 3 ? 3 : 0);
}

static int
run_alone(const char *const *vars, const char *body, char *out, size_t size)
{
	int in[2], answer_pipe[2], status;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(answer_pipe), 0);
	pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(answer_pipe[1], 1);
		close_range(3, ~0u, 0);
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

#define with_gate(test) cmocka_unit_test_setup_teardown(test, start, stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_gate(get_over_pipes),
		with_gate(get_over_a_socket),
		with_gate(answer_into_a_file),
		with_gate(message_split_at_every_offset),
		with_gate(message_byte_by_byte),
		with_gate(longest_message),
		with_gate(body_comes_after_the_word),
		with_gate(body_is_there_already),
		with_gate(body_on_the_socket_of_the_answer),
		with_gate(body_in_a_file),
		with_gate(body_at_the_ceiling_through_a_pipe),
		with_gate(bodies_that_are_not_as_announced),
		with_gate(body_that_dribbles_is_cut),
		with_gate(block_announced_as_too_long),
		with_gate(variables_over_the_setting),
		with_gate(another_version),
		with_gate(not_a_courier),
		with_gate(without_descriptors),
		with_gate(sinks_of_other_kinds),
		with_gate(full_of_streams),
		with_gate(descriptors_are_short),
		with_gate(descriptors_are_kept_back),
		with_gate(silent_courier_is_cut),
		with_gate(courier_leaves_half_way),
		with_gate(courier_does_not_wait_for_the_word),
		with_gate(another_user),
		with_gate(client_leaves),
		with_gate(half_closed_is_not_gone),
		with_gate(idle_stream_keeps_one_descriptor),
		with_gate(slow_reader),
		with_gate(stopping_gives_the_place_up),
		with_gate(second_in_line_takes_over),
		with_gate(removed_files_come_back),
		with_gate(replaced_files_are_left_alone),
		with_gate(inherited_socket_and_lock),
		with_gate(long_path),
		with_gate(freeing_cuts_everything),
		with_gate(alone_with_its_request),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
