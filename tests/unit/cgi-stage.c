/* cgi-stage - see cgi-stage.h. */
#include "config.h"

#include "cgi-stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "err.h"
#include "log.h"
#include "route.h"

char		 stage_dir[] = "/tmp/test-gate-cgi-XXXXXX";
struct loop	 stage_loop;
struct hub	 hub;
struct conf	 conf;
struct gate_cgi	*gate;
struct seen	 seen;

/* ---- the fake hub ---- */

static void
stream_gone(struct conn *c)
{
	assert_ptr_equal(c, seen.conn);
	seen.conn = NULL;
	seen.gone++;
}

static void
stream_room(struct conn *c)
{
	(void)c;
	seen.room++;
}

static const struct conn_user stream_user = { .room = stream_room, .gone = stream_gone };

static void
answer(struct req *r, struct str text)
{
	conn_add(r->conn, STR("Status: 200 OK\r\n\r\n"));
	conn_add(r->conn, text);
	conn_finish(r->conn);
	seen.answered[seen.answers++] = r->conn;
}

void
hub_take(struct hub *h, struct req *r)
{
	assert_ptr_equal(h, &hub);
	seen.taken++;
	if (str_eq(r->path, STR("/stream"))) {
		seen.conn = r->conn;
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
	seen.refused++;
	snprintf(text, sizeof text, "refused %s", err_name(err));
	answer(r, str_from(text));
	req_free(r);
}

/* Answers leave at the end of a turn, as in the hub. */
void
stage_turn(void *arg)
{
	int i;

	(void)arg;
	seen.turns++;
	for (i = 0; i < seen.answers; i++)
		conn_flush(seen.answered[i]);
	seen.answers = 0;
}

/* ---- time ---- */

int64_t
mono(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
step(void)
{
	struct pollfd p = { loop_descriptor(&stage_loop), POLLIN, 0 };

	loop_poll(&stage_loop);
	poll(&p, 1, 2);
}

void
pass(int64_t ms)
{
	int64_t end = mono() + ms;

	while (mono() < end)
		step();
}

/* ---- set-up ---- */

int
stage_start(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof seen);
	log_init(LOG_ERROR, STDERR_FILENO);
	conf_init(&conf);
	conf.address_requests = 0;	/* there is no hub to count them */
	snprintf(conf.db, sizeof conf.db, "%s/t.db", stage_dir);
	if (loop_init(&stage_loop, stage_turn, NULL) != 0)
		return -1;
	hub = (struct hub){ .loop = &stage_loop, .conf = &conf };
	gate = gate_cgi_new(&hub, -1, -1);
	return gate == NULL;
}

int
stage_stop(void **state)
{
	(void)state;
	if (gate != NULL)
		gate_cgi_free(gate);
	gate = NULL;
	loop_release(&stage_loop);
	return 0;
}

int
stage_make_dir(void **state)
{
	(void)state;
	return mkdtemp(stage_dir) == NULL;
}

int
stage_remove_dir(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof path, "%s/t.db.hub.lock", stage_dir);
	unlink(path);
	return rmdir(stage_dir);
}

const char *
beside(const char *suffix)
{
	static char path[CONF_STR_MAX + 16];

	snprintf(path, sizeof path, "%s%s", conf.db, suffix);
	return path;
}

int
lowest_fd(void)
{
	int fd = dup(STDIN_FILENO);

	close(fd);
	return fd;
}

struct rlimit
leave_fds(int n)
{
	struct rlimit was, few;

	getrlimit(RLIMIT_NOFILE, &was);
	few = was;
	few.rlim_cur = (rlim_t)(lowest_fd() + n);
	setrlimit(RLIMIT_NOFILE, &few);
	return was;
}

/* ---- couriers ---- */

int
knock(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(a.sun_path, sizeof a.sun_path, "%s/t.db.hub", stage_dir);
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

void
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

void
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

void
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

void
send_all(struct courier *c)
{
	send_some(c, c->n - c->sent);
}

int
peek(struct courier *c)
{
	char byte;
	ssize_t n = recv(c->s, &byte, 1, MSG_PEEK);

	if (n < 0 && errno == EAGAIN)
		return -1;
	return n == 1 ? byte : 0;
}

int
verdict(struct courier *c)
{
	until(peek(c) != -1);
	return peek(c);
}

const char *
read_all(struct courier *c)
{
	static char text[1 << 20];
	size_t n = 0;
	ssize_t got = -1;

	fcntl(c->out, F_SETFL, O_NONBLOCK);
	until((got = read(c->out, text + n, sizeof text - n - 1)) == 0 ||
	    (got > 0 && (n += (size_t)got) == 0));
	text[n] = '\0';
	return text;
}

void
end(struct courier *c)
{
	close(c->s);
	close(c->out);
	if (c->in >= 0)
		close(c->in);
}

void
hang_up_body(struct courier *c)
{
	close(c->in);
	c->in = -1;
}

void
open_stream(struct courier *c, bool socket)
{
	if (socket)
		with_socket(c, STREAM);
	else
		with_pipes(c, STREAM);
	send_all(c);
	assert_int_equal(verdict(c), HANDOFF_ACCEPTED);
	assert_non_null(seen.conn);
}
