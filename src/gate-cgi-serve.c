/*
 * gate-cgi-serve - the body in, the answer out.
 *
 * An answer that is short never meets the event loop: its sink is watched only if it is still
 * there after a while, or does not take everything at once.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "err.h"
#include "gate-cgi-private.h"
#include "route.h"

#define BODY_SIZE	65536
#define EAR_SIZE	16384	/* at once of a client's talk: many small messages, and others wait */
#define THROW_AWAY_MAX	16777216	/* of a refused body */

static char scratch[BODY_SIZE];

/* ---- the way out ---- */

static void
wrap(struct conn *c, struct buf *out, struct str bytes)
{
	(void)c;
	buf_adds(out, bytes);
}

static void
tail(struct conn *c, struct buf *out)
{
	(void)c;
	(void)out;
}

static ssize_t
put(struct conn *c, const char *p, size_t n)
{
	struct exchange *x = (struct exchange *)(void *)c;
	ssize_t sent = x->is_socket ? send(x->out.fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL) :
	    write(x->out.fd, p, n);

	if (sent >= 0)
		return sent;
	return errno == EAGAIN || errno == EINTR ? 0 : -ERR_CLOSED;
}

/* A sink the loop cannot watch is a matter for the clock. */
static void
unsettle(struct exchange *x)
{
	list_del(&x->link);
	list_add(&x->gate->fresh, &x->link);
	gate_cgi_settle_soon(x->gate);
}

static void
watch(struct conn *c, bool room)
{
	struct exchange *x = (struct exchange *)(void *)c;

	if (loop_fd_watch(x->gate->hub->loop, &x->out, room ? LOOP_WRITE | LOOP_GONE : LOOP_GONE) < 0)
		unsettle(x);
}

static void
on_out_closed(struct loop_fd *io)
{
	struct exchange *x = LIST_OF(io, struct exchange, out);

	conn_release(&x->conn);
	free(x);
}

static void
check_done(struct gate_cgi *g)
{
	if (g->done != NULL && g->conns == 0 && list_empty(&g->intakes))
		g->done(g->arg);
}

static void
done(struct conn *c, bool whole)
{
	struct exchange *x = (struct exchange *)(void *)c;
	struct gate_cgi *g = x->gate;

	(void)whole;
	if (x->intake != NULL)
		intake_cut(x->intake);
	list_del(&x->link);
	g->conns--;
	loop_fd_close(&x->out, on_out_closed);
	check_done(g);
}

static void
hear(struct conn *c, bool yes)
{
	struct exchange *x = (struct exchange *)(void *)c;

	if (x->intake != NULL)
		loop_fd_watch(x->gate->hub->loop, &x->intake->io, yes ? LOOP_READ : 0);
}

static const struct gate gate_cgi = {
	.name = "cgi", .costly = true, .wrap = wrap, .tail = tail, .write = put, .wait = watch, .hear = hear, .done = done,
};

static void
on_out(struct loop_fd *io, int events)
{
	struct exchange *x = LIST_OF(io, struct exchange, out);

	if ((events & (LOOP_GONE | LOOP_HANGUP)) != 0)
		conn_gone(&x->conn);
	else if ((events & LOOP_WRITE) != 0)
		conn_room(&x->conn);
}

/* What may wait on an exchange: a stream's queue, and the message that went over its mark. */
static size_t
ceiling(const struct conf *conf)
{
	return 2 * STREAM_HIGH + 2 * (size_t)conf->max_body_bytes;
}

/* Owns fd from here on. */
struct exchange *
exchange_new(struct gate_cgi *g, int fd, mode_t kind)
{
	struct exchange *x = calloc(1, sizeof *x);

	if (x == NULL) {
		close(fd);
		return NULL;
	}
	conn_init(&x->conn, &gate_cgi, ceiling(g->hub->conf));
	x->gate = g;
	x->is_socket = S_ISSOCK(kind);
	if (S_ISFIFO(kind))
		fcntl(fd, F_SETFL, O_WRONLY | O_NONBLOCK);
	loop_fd_init(&x->out, fd, on_out);
	list_init(&x->link);
	list_add(&g->fresh, &x->link);
	g->conns++;
	return x;
}

/* From now on the loop tells when the other side leaves; of a file it cannot, and need not. */
void
exchange_settle(struct exchange *x)
{
	list_del(&x->link);
	list_add(&x->gate->settled, &x->link);
	if (!x->conn.blocked)
		loop_fd_watch(x->gate->hub->loop, &x->out, LOOP_GONE);
	else if (x->out.events == 0)
		conn_gone(&x->conn);
}

/* ---- the body ---- */

/* Everything is here, or will not come. x may be gone afterwards. Where a request is mounted is a
 * setting of the courier that brought it, not of this process. */
static void
serve(struct exchange *x, struct req *r, int err)
{
	struct hub *hub = x->gate->hub;

	gate_cgi_settle_soon(x->gate);
	r->conn = &x->conn;
	if (err == 0)
		err = req_ready(r, x->gate->alone ? hub->conf->mount : "auto");
	if (err == 0)
		hub_take(hub, r);
	else
		route_refuse(hub, r, err);
}

static void
free_intake(struct loop_fd *io)
{
	free(LIST_OF(io, struct intake, io));
}

static void
drop_intake(struct intake *in)
{
	list_del(&in->link);
	loop_fd_close(&in->io, free_intake);
}

void
intake_end(struct intake *in, int err)
{
	struct gate_cgi *g = in->gate;
	struct exchange *x = in->x;
	struct req *r = in->r;

	if (x != NULL)
		x->intake = NULL;
	drop_intake(in);
	if (r != NULL)
		serve(x, r, err);
	else
		check_done(g);
}

void
intake_cut(struct intake *in)
{
	struct exchange *x = in->x;

	if (x != NULL)
		x->intake = NULL;
	req_free(in->r);
	drop_intake(in);
	if (x != NULL)
		conn_abort(&x->conn);
}

/* As read(2), through signals. */
static ssize_t
take_bytes(int fd, size_t most)
{
	ssize_t n;

	do
		n = read(fd, scratch, most < sizeof scratch ? most : sizeof scratch);
	while (n < 0 && errno == EINTR);
	return n;
}

/* 1: the body is complete (or ended early: req_ready will say so); 0: more is to come. */
static int
read_body(int fd, struct req *r)
{
	size_t left;
	ssize_t n;
	int rc;

	while ((left = (size_t)r->length - r->bytes.n) > 0) {
		n = take_bytes(fd, left);
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0)
			break;
		rc = req_body(r, str_make(scratch, (size_t)n));
		if (rc < 0)
			return rc;
	}
	return 1;
}

/* The same, a piece at a time: this is for the sender's good only. Of a file it is one piece, for
 * the loop does not watch files. */
static int
throw_away(int fd, uint32_t *left)
{
	ssize_t n = take_bytes(fd, *left);

	if (n > 0)
		*left -= (uint32_t)n;
	return n < 0 ? errno != EAGAIN : n == 0 || *left == 0;
}

static void
on_body(struct loop_fd *io, int events)
{
	struct intake *in = LIST_OF(io, struct intake, io);
	int rc = in->r != NULL ? read_body(io->fd, in->r) : throw_away(io->fd, &in->left);

	if (rc == 0 && (events & LOOP_HANGUP) != 0)	/* the watch is over */
		rc = 1;
	if (rc == 0)
		rc = loop_fd_watch(in->gate->hub->loop, io, LOOP_READ);
	if (rc != 0)
		intake_end(in, rc < 0 ? rc : 0);
}

/* The rest of the body comes when it comes. Owns fd. NULL: out of memory. */
static struct intake *
intake_new(struct gate_cgi *g, int fd)
{
	struct intake *in = calloc(1, sizeof *in);

	if (in == NULL) {
		close(fd);
		return NULL;
	}
	*in = (struct intake){ .gate = g, .born = gate_cgi_now(g), .left = THROW_AWAY_MAX };
	loop_fd_init(&in->io, fd, on_body);
	list_init(&in->link);
	list_add(&g->intakes, &in->link);
	gate_cgi_settle_soon(g);
	return in;
}

/* ---- after the request ---- */

static void
on_ear(struct loop_fd *io, int events)
{
	struct intake *in = LIST_OF(io, struct intake, io);
	ssize_t n = take_bytes(io->fd, EAR_SIZE);

	if (n > 0)
		conn_heard(&in->x->conn, str_make(scratch, (size_t)n));
	else if (n == 0 || errno != EAGAIN || (events & LOOP_HANGUP) != 0)
		conn_gone(&in->x->conn);
}

/* What comes on fd 0 of a request that asks for an upgrade is read once somebody wants to hear it. */
static void
lend_an_ear(struct exchange *x, int fd)
{
	struct intake *in = calloc(1, sizeof *in);

	if (in == NULL) {
		close(fd);
		return;
	}
	*in = (struct intake){ .gate = x->gate, .x = x };
	loop_fd_init(&in->io, fd, on_ear);
	list_init(&in->link);
	x->intake = in;
}

static void
refuse(struct exchange *x, struct req *r, int fd, int err)
{
	struct intake *in = intake_new(x->gate, fd);

	serve(x, r, err);
	if (in != NULL)
		on_body(&in->io, LOOP_READ);
}

static void
take_in(struct exchange *x, struct req *r, int fd)
{
	struct intake *in = intake_new(x->gate, fd);

	if (in == NULL) {
		serve(x, r, -ERR_NOMEM);
		return;
	}
	in->x = x;
	in->r = r;
	x->intake = in;
	on_body(&in->io, LOOP_READ);
}

static void
unblock(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* Web servers send the whole body before they read the answer, and some read none once we have
 * closed on them: what is refused is read to its end, too. */
void
exchange_begin(struct exchange *x, struct req *r, int fd, int err)
{
	int64_t length = -1;
	int rc = 1;

	if (err == 0)
		err = req_length(r, &length);
	if (err == 0 && length < 0 && req_brings_body(r))
		err = -ERR_LENGTH;
	if (err < 0 || length > 0)
		unblock(fd);
	if (err == 0 && length > 0)
		rc = read_body(fd, r);
	if (err < 0 || rc < 0)
		refuse(x, r, fd, err < 0 ? err : rc);
	else if (rc == 0)
		take_in(x, r, fd);
	else {
		if (req_upgrades(r))
			lend_an_ear(x, fd);
		else
			close(fd);
		serve(x, r, 0);
	}
}
