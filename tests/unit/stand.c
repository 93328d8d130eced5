/* stand - see stand.h. */
#include "config.h"

#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "conn.h"
#include "err.h"
#include "log.h"
#include "records.h"
#include "route.h"
#include "stand.h"

#define HEARD_MAX (64u << 20)

int64_t
stand_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the hub ---- */

static struct stand *current;

static void
on_room(struct conn *c)
{
	(void)c;
	current->rooms++;
}

static void
on_stream_gone(struct conn *c)
{
	current->gone++;
	if (current->stream == c)
		current->stream = NULL;
}

static void
on_heard(struct conn *c, struct str bytes)
{
	buf_adds(&current->talk, bytes);
	if (current->sated)
		conn_hear(c, false);
}

static const struct conn_user streaming = { .room = on_room, .gone = on_stream_gone, .heard = on_heard };

static void
on_request_gone(struct conn *c)
{
	current->gone++;
	req_free(c->data);
}

static const struct conn_user waiting = { .gone = on_request_gone };

static void
put_answer(struct req *r)
{
	static const char *const methods[] = { "GET", "HEAD", "POST", "OPTIONS", "OTHER" };

	conn_add(r->conn, str_from(methods[r->method]));
	conn_add(r->conn, STR(" "));
	conn_add(r->conn, r->path);
	if (r->body.n > 0)
		conn_add(r->conn, STR(" "));
	conn_add(r->conn, r->body);
	conn_finish(r->conn);
}

static void
put_big(struct req *r)
{
	char piece[1000];
	uint64_t n = 0;

	str_uint(r->query, 1u << 30, &n);
	memset(piece, 'x', sizeof piece);
	for (; n > sizeof piece; n -= sizeof piece)
		conn_add(r->conn, str_make(piece, sizeof piece));
	conn_add(r->conn, str_make(piece, n));
	conn_finish(r->conn);
}

static void
open_stream(struct stand *s, struct req *r)
{
	conn_add(r->conn, STR("head"));
	r->conn->user = &streaming;
	s->stream = r->conn;
	req_free(r);
	conn_flush(s->stream);
}

static void
answer(struct stand *s, struct req *r)
{
	struct conn *c = r->conn;

	if (str_eq(r->path, STR("/stream"))) {
		open_stream(s, r);
		return;
	}
	if (str_starts(r->path, STR("/big")))
		put_big(r);
	else if (!c->finished)
		put_answer(r);
	c->user = NULL;
	req_free(r);
	conn_flush(c);
}

void
hub_take(struct hub *hub, struct req *r)
{
	struct stand *s = LIST_OF(hub, struct stand, hub);

	s->taken++;
	r->conn->user = &waiting;
	r->conn->data = r;
	if (str_eq(r->path, STR("/now")))
		answer(s, r);
	else
		list_add(str_eq(r->path, STR("/hold")) ? &s->kept : &s->held, &r->parked);
}

void
route_refuse(struct hub *hub, struct req *r, int err)
{
	struct stand *s = LIST_OF(hub, struct stand, hub);

	s->refused++;
	r->conn->user = &waiting;
	r->conn->data = r;
	conn_add(r->conn, str_from(err_name(err)));
	conn_finish(r->conn);
	list_add(&s->held, &r->parked);
}

static void
on_turn(void *arg)
{
	struct stand *s = arg;
	struct list *l;

	while ((l = list_pop(&s->held)) != NULL)
		answer(s, LIST_OF(l, struct req, parked));
}

void
stand_answer(struct stand *s)
{
	list_move(&s->held, &s->kept);
}

void
stand_push(struct stand *s, struct str bytes)
{
	assert_non_null(s->stream);
	conn_add(s->stream, bytes);
	conn_flush(s->stream);
}

void
stand_end(struct stand *s)
{
	struct conn *c = s->stream;

	assert_non_null(c);
	s->stream = NULL;
	c->user = NULL;
	conn_finish(c);
	conn_flush(c);
}

/* ---- life ---- */

void
stand_start(struct stand *s)
{
	memset(s, 0, sizeof *s);
	conf_init(&s->conf);
	s->conf.address_requests = 0;	/* there is no hub to count them */
	list_init(&s->held);
	list_init(&s->kept);
	buf_init(&s->talk, 4096);
	log_init(LOG_ERROR, STDERR_FILENO);
	current = s;
}

static int
listen_unix(struct stand *s)
{
	struct sockaddr_un *a = (struct sockaddr_un *)s->address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(s->path, sizeof s->path, "/tmp/sigpost-stand-%d.sock", getpid());
	unlink(s->path);
	a->sun_family = AF_UNIX;
	memcpy(a->sun_path, s->path, sizeof s->path);
	s->address_size = sizeof *a;
	assert_int_equal(bind(fd, (struct sockaddr *)a, sizeof *a), 0);
	return fd;
}

static int
listen_tcp(struct stand *s)
{
	struct sockaddr_in *a = (struct sockaddr_in *)s->address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a->sin_family = AF_INET;
	a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->address_size = sizeof *a;
	assert_int_equal(bind(fd, (struct sockaddr *)a, sizeof *a), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)a, &s->address_size), 0);
	return fd;
}

void
stand_run(struct stand *s, bool tcp)
{
	int fd;

	s->address = calloc(1, sizeof *s->address);
	assert_non_null(s->address);
	fd = tcp ? listen_tcp(s) : listen_unix(s);
	assert_int_equal(listen(fd, 1024), 0);
	assert_int_equal(loop_init(&s->loop, on_turn, s), 0);
	s->hub.loop = &s->loop;
	s->hub.conf = &s->conf;
	s->gate = gate_fcgi_new(&s->hub, fd);
	assert_non_null(s->gate);
}

void
stand_stop(struct stand *s)
{
	on_turn(s);
	s->hub.loop = NULL;	/* the hub may be gone before its gate */
	gate_fcgi_free(s->gate);
	loop_release(&s->loop);
	free(s->address);
	buf_release(&s->talk);
	if (s->path[0] != '\0')
		unlink(s->path);
}

void
stand_turn(struct stand *s)
{
	struct pollfd p = { loop_descriptor(&s->loop), POLLIN, 0 };

	loop_poll(&s->loop);
	poll(&p, 1, 1);
}

void
stand_pass(struct stand *s, int64_t ms)
{
	int64_t until = stand_now() + ms;

	while (stand_now() < until)
		stand_turn(s);
}

/* ---- a web server ---- */

void
client_open(struct client *c, struct stand *s)
{
	*c = (struct client){ .stand = s };
	buf_init(&c->heard, HEARD_MAX);
	buf_init(&c->words, HEARD_MAX);
	c->fd = socket(s->address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(c->fd >= 0);
	assert_int_equal(connect(c->fd, (struct sockaddr *)s->address, s->address_size), 0);
}

void
client_close(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	buf_release(&c->heard);
	buf_release(&c->words);
}

void
client_send_bytes(struct client *c, struct str bytes)
{
	ssize_t n;

	while (bytes.n > 0) {
		n = send(c->fd, bytes.p, bytes.n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			return;		/* the other side closed, which tests see otherwise */
		if (n < 0)
			stand_turn(c->stand);
		else
			bytes = str_skip(bytes, (size_t)n);
	}
}

void
client_send(struct client *c, const char *records)
{
	struct buf b;

	buf_init(&b, HEARD_MAX);
	records_put(&b, records, 0);
	client_send_bytes(c, buf_str(&b));
	buf_release(&b);
}

void
client_listen(struct client *c)
{
	char piece[65536];
	ssize_t n;

	while ((n = recv(c->fd, piece, sizeof piece, MSG_DONTWAIT)) > 0)
		buf_add(&c->heard, piece, (size_t)n);
	c->eof = c->eof || n == 0;
	c->reset = c->reset || (n < 0 && errno != EAGAIN);
}

const char *
client_words(struct client *c)
{
	client_listen(c);
	buf_clear(&c->words);
	records_tell(&c->words, buf_str(&c->heard));
	buf_addc(&c->words, '\0');
	return c->words.p;
}
