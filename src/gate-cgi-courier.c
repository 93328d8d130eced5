/*
 * gate-cgi-courier - what couriers bring, until a request is accepted.
 *
 * Usually all of it is there at the first look: one recvmsg, one send.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "err.h"
#include "gate-cgi-private.h"
#include "handoff.h"

#define FDS_LEFT	32	/* descriptors kept for the store and the rest of us */
#define READ_SIZE	8192	/* more than most have to say */

static void
free_arrival(struct loop_fd *io)
{
	struct arrival *a = LIST_OF(io, struct arrival, io);

	buf_release(&a->in);
	free(a);
}

void
arrival_drop(struct arrival *a)
{
	int i;

	for (i = 0; i < 2; i++)
		if (a->fds[i] >= 0)
			close(a->fds[i]);
	list_del(&a->link);
	loop_fd_close(&a->io, free_arrival);
}

/* false: it does not wait for us any more. */
static bool
say(struct arrival *a, enum handoff_answer answer)
{
	char byte = (char)answer;

	return send(a->io.fd, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

static void
refuse(struct arrival *a, enum handoff_answer answer)
{
	say(a, answer);
	arrival_drop(a);
}

/* What we can write to without being stopped by it. */
static bool
fits(const struct arrival *a, mode_t *kind)
{
	const struct gate_cgi *g = a->gate;
	struct stat st;

	if (a->cut || a->fds[0] < 0 || a->fds[1] < 0 || fstat(a->fds[1], &st) < 0)
		return false;
	*kind = st.st_mode;
	if (!S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode) && !S_ISREG(st.st_mode))
		return false;
	if (a->fds[1] >= g->fd_limit - FDS_LEFT)
		return false;
	return g->hub->streams < (uint64_t)g->hub->conf->max_streams;
}

static int
fill(struct req *r, struct str block, uint32_t announced)
{
	const char *name, *value;
	size_t name_n, value_n;
	int rc;

	if (announced > block.n)
		return -ERR_TOOBIG;
	while ((rc = handoff_next(&block.p, &block.n, &name, &name_n, &value, &value_n)) > 0) {
		rc = req_var(r, str_make(name, name_n), str_make(value, value_n));
		if (rc < 0)
			return rc;
	}
	return rc;
}

/*
 * The whole message is here. Nothing of the request is touched before the courier has our
 * word, and nothing done if it did not wait for it: then it does the request itself.
 */
static void
accept_request(struct arrival *a, uint32_t announced)
{
	struct gate_cgi *g = a->gate;
	const struct conf *conf = g->hub->conf;
	struct exchange *x = NULL;
	struct req *r = NULL;
	mode_t kind;
	int fd, err;

	if (!fits(a, &kind)) {
		refuse(a, HANDOFF_FULL);
		return;
	}
	r = req_new((size_t)conf->max_vars_bytes, (size_t)conf->max_body_bytes);
	if (r != NULL) {
		x = exchange_new(g, a->fds[1], kind);
		a->fds[1] = -1;
	}
	if (x == NULL) {
		req_free(r);
		refuse(a, HANDOFF_FULL);
		return;
	}
	err = fill(r, str_skip(buf_str(&a->in), HANDOFF_HEAD), announced);
	if (!say(a, HANDOFF_ACCEPTED)) {
		req_free(r);
		arrival_drop(a);
		conn_abort(&x->conn);
		return;
	}
	fd = a->fds[0];
	a->fds[0] = -1;
	arrival_drop(a);
	exchange_begin(x, r, fd, err);
}

/* 1: the message is whole; 0: more is to come. A block announced as too long is not sent. */
static int
whole(const struct arrival *a, uint32_t *length)
{
	int rc = handoff_head_read((const unsigned char *)a->in.p, a->in.n, length);

	if (rc <= 0 || *length > HANDOFF_VARS_MAX)
		return rc;
	if (a->in.n > HANDOFF_HEAD + *length)
		return -ERR_BAD;
	return a->in.n == HANDOFF_HEAD + *length;
}

/* Reads what is there. As whole(); -ERR_CLOSED. */
static int
listen_to(struct arrival *a, uint32_t *length)
{
	size_t want;
	ssize_t n;
	char *room;
	int rc;

	do {
		want = a->in.max - a->in.n < READ_SIZE ? a->in.max - a->in.n : READ_SIZE;
		room = buf_room(&a->in, want);
		if (room == NULL)
			return -ERR_NOMEM;
		n = handoff_recv(a->io.fd, room, want, a->fds, &a->cut);
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0)
			return -ERR_CLOSED;
		buf_grew(&a->in, (size_t)n);
		rc = whole(a, length);
	} while (rc == 0);
	return rc;
}

static void
on_courier(struct loop_fd *io, int events)
{
	struct arrival *a = LIST_OF(io, struct arrival, io);
	uint32_t length = 0;
	int rc = listen_to(a, &length);

	if (rc == 0 && (events & LOOP_HANGUP) != 0)
		rc = -ERR_CLOSED;
	if (rc == 0)
		rc = loop_fd_watch(a->gate->hub->loop, io, LOOP_READ);
	if (rc > 0)
		accept_request(a, length);
	else if (rc == -ERR_VERSION)
		refuse(a, HANDOFF_OTHER);
	else if (rc < 0)
		arrival_drop(a);
}

void
arrival_new(void *gate, int fd)
{
	struct gate_cgi *g = gate;
	struct arrival *a = calloc(1, sizeof *a);

	if (a == NULL) {
		close(fd);
		return;
	}
	*a = (struct arrival){ .gate = g, .born = gate_cgi_now(g), .fds = { -1, -1 } };
	buf_init(&a->in, HANDOFF_HEAD + HANDOFF_VARS_MAX + 1);
	loop_fd_init(&a->io, fd, on_courier);
	list_init(&a->link);
	list_add(&g->arrivals, &a->link);
	gate_cgi_settle_soon(g);
	on_courier(&a->io, LOOP_READ);
}
