/*
 * gate-fcgi-line - one FastCGI connection.
 *
 * What a short request costs: accept4, recv, send and close. The loop hears of a line only if
 * something is left to wait for: more of the request, room for the answer, the departure of a
 * client whose answer takes longer than the turn, or the next request.
 *
 * Lines read through one shared buffer and keep none. A line's memory goes in on_closed,
 * nowhere else; while its bytes are being read (busy) even closing waits.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "err.h"
#include "gate-fcgi-private.h"
#include "log.h"

#define READ_BYTES	65536	/* at once, from one line */
#define LINGER_BYTES	16777216	/* who was answered early may send on for this much */
#define FAREWELL_MAX	64	/* bytes of the records that end an answer */

static char	room[READ_BYTES];

static bool
answering(const struct line *l)
{
	return l->state == LINE_TAKEN || l->state == LINE_OPEN || l->state == LINE_SLOW;
}

/* ---- the end of a line ---- */

static void
on_closed(struct loop_fd *io)
{
	struct line *l = LIST_OF(io, struct line, io);
	struct gate_fcgi *g = l->gate;

	list_del(&l->link);
	free(l);
	gate_fcgi_unref(g);
}

static void
bury(struct line *l)
{
	req_free(l->req);
	free(l->rest);
	conn_release(&l->conn);
	loop_fd_close(&l->io, on_closed);
}

static void
kill_line(struct line *l)
{
	assert(l->state != LINE_DEAD);
	gate_fcgi_enter(l, LINE_DEAD);
	l->gate->conns--;
	fcgi_release(&l->fcgi);
	if (!l->busy)
		bury(l);
}

/* A web server that half-closes because its client left takes a bare end of ours for a crash, and says so
 * in its log. Between two records the answer may be ended properly; who is gone altogether does
 * not hear it. */
static void
bid_farewell(struct line *l)
{
	struct buf end;
	ssize_t ignored;

	if (conn_pending(&l->conn) > 0 || l->io.fd < 0)
		return;
	buf_init(&end, FAREWELL_MAX);
	fcgi_put_end(&end, l->fcgi.id);
	if (buf_err(&end) == 0) {
		ignored = send(l->io.fd, end.p, end.n, MSG_DONTWAIT | MSG_NOSIGNAL);
		(void)ignored;
	}
	buf_release(&end);
}

void
line_cut(struct line *l)
{
	if (answering(l)) {
		bid_farewell(l);
		conn_gone(&l->conn);	/* leads to kill_line */
	}
	else if (l->state != LINE_DEAD)
		kill_line(l);
}

/* ---- waiting ---- */

static int
wanted(const struct line *l)
{
	int events = fcgi_paused(&l->fcgi) || l->deaf ? LOOP_HANGUP : LOOP_READ;

	return l->state == LINE_SLOW ? events | LOOP_WRITE : events;
}

static void
watch(struct line *l)
{
	if (loop_fd_watch(l->gate->loop, &l->io, wanted(l)) < 0)
		line_cut(l);
}

/* The hub has the request. If the answer does not leave in this turn, the line is watched. */
void
line_hand_over(struct line *l)
{
	gate_fcgi_enter(l, l->io.known ? LINE_OPEN : LINE_TAKEN);
	if (l->state == LINE_TAKEN)
		gate_fcgi_soon(l->gate);
}

/* Answered before all of the request was here: a close now could destroy the answer on its way. */
static void
linger(struct line *l)
{
	fcgi_release(&l->fcgi);
	conn_release(&l->conn);
	l->thrown = 0;
	if (shutdown(l->io.fd, SHUT_WR) < 0) {
		kill_line(l);
		return;
	}
	gate_fcgi_enter(l, LINE_LINGER);
	if (!l->busy)
		watch(l);
}

static void
keep(struct line *l)
{
	conn_release(&l->conn);
	fcgi_next(&l->fcgi);
	if (l->rest != NULL) {
		gate_fcgi_enter(l, LINE_AGAIN);
		gate_fcgi_soon(l->gate);
		return;
	}
	gate_fcgi_enter(l, fcgi_idle(&l->fcgi) ? LINE_IDLE : LINE_READING);
	if (!l->busy)
		watch(l);
}

/* ---- the verbs of an exchange ---- */

static void
wrap(struct conn *c, struct buf *out, struct str bytes)
{
	struct line *l = (struct line *)c;

	fcgi_put_stdout(out, l->fcgi.id, bytes);
}

static void
tail(struct conn *c, struct buf *out)
{
	struct line *l = (struct line *)c;

	fcgi_put_end(out, l->fcgi.id);
}

ssize_t
line_put(struct line *l, const char *p, size_t n)
{
	ssize_t k = send(l->io.fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (k >= 0)
		return k;
	return errno == EAGAIN || errno == EINTR ? 0 : -ERR_CLOSED;
}

static ssize_t
write_some(struct conn *c, const char *p, size_t n)
{
	struct line *l = (struct line *)c;
	ssize_t k = line_put(l, p, n);

	if (k > 0 && l->state == LINE_SLOW)
		gate_fcgi_enter(l, LINE_SLOW);	/* time begins anew */
	return k;
}

static void
wait_room(struct conn *c, bool yes)
{
	struct line *l = (struct line *)c;

	if (!yes && c->finished)
		return;			/* done follows */
	gate_fcgi_enter(l, yes ? LINE_SLOW : LINE_OPEN);
	if (loop_fd_watch(l->gate->loop, &l->io, wanted(l)) == 0)
		return;
	gate_fcgi_enter(l, LINE_TAKEN);	/* tried again, or cut, when nobody is amid it */
	gate_fcgi_soon(l->gate);
}

static void
hear_client(struct conn *c, bool yes)
{
	struct line *l = (struct line *)c;

	l->deaf = !yes;
	l->heard = l->heard || yes;
	if (l->state != LINE_TAKEN && !l->busy)
		watch(l);
}

static void
done(struct conn *c, bool whole)
{
	struct line *l = (struct line *)c;

	l->deaf = l->heard = false;
	if (!whole)
		kill_line(l);
	else if (!fcgi_whole(&l->fcgi))
		linger(l);
	else if (l->fcgi.keep && !l->gate->stopping)
		keep(l);
	else
		kill_line(l);
}

const struct gate line_verbs = {
	.name = "fcgi", .wrap = wrap, .tail = tail, .write = write_some,
	.wait = wait_room, .hear = hear_client, .done = done,
};

/* ---- reading ---- */

static void
keep_rest(struct line *l, const char *p, size_t n)
{
	assert(l->rest == NULL);
	l->rest = malloc(sizeof *l->rest + n);
	if (l->rest == NULL) {
		line_cut(l);
		return;
	}
	l->rest->n = n;
	memcpy(l->rest->bytes, p, n);
}

static void
misread(struct line *l, int err)
{
	if (err == -ERR_CLOSED) {
		linger(l);
		return;
	}
	LOG(LOG_WARN, "fastcgi: connection closed", LOG_Z("error", err_name(err)));
	line_cut(l);
}

/* What is to be waited for after some bytes were read. */
static void
settle(struct line *l)
{
	bool idle = fcgi_idle(&l->fcgi);

	if (l->state == LINE_READING && idle)
		gate_fcgi_enter(l, LINE_IDLE);
	else if (l->state == LINE_IDLE && !idle)
		gate_fcgi_enter(l, LINE_READING);
	if (l->state != LINE_TAKEN && l->state != LINE_AGAIN)
		watch(l);
}

static void
feed(struct line *l, const char *p, size_t n)
{
	ssize_t k = 1;

	l->busy = true;
	while (n > 0 && k > 0) {
		k = fcgi_eat(&l->fcgi, &l->gate->user, p, n);
		p += k > 0 ? k : 0;
		n -= k > 0 ? (size_t)k : 0;
	}
	if (k < 0 && l->state != LINE_DEAD)
		misread(l, (int)k);
	else if (k == 0)
		keep_rest(l, p, n);
	l->busy = false;
	if (l->state == LINE_DEAD)
		bury(l);
	else
		settle(l);
}

static void
throw_away(struct line *l, size_t n)
{
	l->thrown += (uint32_t)n;
	if (l->thrown > LINGER_BYTES)
		kill_line(l);
}

static void
hear(struct line *l)
{
	ssize_t n = recv(l->io.fd, room, sizeof room, MSG_DONTWAIT);

	if (n > 0 && l->state == LINE_LINGER)
		throw_away(l, (size_t)n);
	else if (n > 0)
		feed(l, room, (size_t)n);
	else if (n < 0 && (errno == EAGAIN || errno == EINTR))
		watch(l);
	else
		line_cut(l);
}

static void
on_ready(struct loop_fd *io, int events)
{
	struct line *l = LIST_OF(io, struct line, io);

	if ((events & LOOP_WRITE) != 0)
		conn_room(&l->conn);
	if (l->state == LINE_DEAD)
		return;
	if ((events & LOOP_HANGUP) != 0)
		line_cut(l);
	else if ((events & LOOP_READ) != 0)
		hear(l);
}

/* ---- what the gate asks for ---- */

void
line_again(struct line *l)
{
	struct rest *rest = l->rest;

	l->rest = NULL;
	gate_fcgi_enter(l, LINE_READING);
	feed(l, rest->bytes, rest->n);
	free(rest);
}

void
line_taken(struct line *l)
{
	gate_fcgi_enter(l, l->conn.blocked ? LINE_SLOW : LINE_OPEN);
	watch(l);
}

/* A Unix socket is called writable only when most of it is empty: whoever takes a little at a
 * time gets it looked at here. */
static bool
takes_some(struct line *l)
{
	size_t before = conn_pending(&l->conn);

	conn_room(&l->conn);
	return l->state != LINE_SLOW || conn_pending(&l->conn) < before;
}

/* A body that takes too long is told so: behind it may be somebody with a slow line. */
void
line_overdue(struct line *l)
{
	if (l->state == LINE_SLOW && takes_some(l))
		return;
	if (l->state == LINE_READING && fcgi_in_body(&l->fcgi)) {
		fcgi_skip(&l->fcgi);
		line_user.refused(&l->fcgi, -ERR_TIMEOUT);
	} else {
		line_cut(l);
	}
}

void
line_open(struct gate_fcgi *g, int fd)
{
	struct line *l = calloc(1, sizeof *l);

	if (l == NULL) {
		close(fd);
		return;
	}
	l->gate = g;
	g->conns++;
	g->handles++;
	list_init(&l->link);
	fcgi_init(&l->fcgi);
	loop_fd_init(&l->io, fd, on_ready);
	gate_fcgi_enter(l, LINE_READING);
	hear(l);
}
