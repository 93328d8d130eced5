/*
 * hub-socket - WebSockets: what a client says on one becomes a request of its own.
 *
 * A WebSocket is a stream whose exchange is heard, too. Each message is served like the body of a
 * POST: in the turn, undone alone, parked while the store is busy, waiting for a verdict. Its
 * answer, if it has one, is frames, and they leave when the turn is committed. Messages of one
 * WebSocket keep their order: while one is parked or waits, those behind it wait here, and
 * nothing more is read.
 *
 * Its end: whoever sends a close frame waits for that of the other side, we for CLOSE_MS.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "hub-private.h"
#include "log.h"
#include "proto.h"

#define CLOSE_MS	1000
#define PIECE		4096	/* bytes read between two looks at what can be served: a message may have six … */
#define BEHIND_MAX	1024	/* … and takes over a kilobyte; so many may wait for one that waits */

/* One message on its way: the exchange its request has, and the WebSocket it came on. */
struct said {
	struct conn	 conn;		/* first: gate.h */
	struct list	 link;		/* socket->said */
	struct socket	*socket;	/* NULL: gone */
	struct req	*req;		/* not yet handed over */
};

/* ---- the exchange of a message ---- */

static void
wrap(struct conn *c, struct buf *out, struct str bytes)
{
	(void)c;
	buf_adds(out, bytes);
}

static void
tail(struct conn *c, struct buf *out)
{
	(void)c, (void)out;
}

static void
wait_room(struct conn *c, bool room)
{
	(void)c, (void)room;
}

static bool
is_close(const char *p)
{
	return ((unsigned char)*p & 0x0f) == WS_CLOSE;
}

/* Frames for the client: all at once, they were made at once. */
static ssize_t
pass_on(struct conn *c, const char *p, size_t n)
{
	struct said *d = (struct said *)(void *)c;
	struct socket *sk = d->socket;

	if (sk == NULL || sk->stream.ended)
		return (ssize_t)n;
	conn_add(sk->stream.conn, str_make(p, n));
	if (is_close(p))
		hub_socket_closing(sk);
	else
		conn_flush(sk->stream.conn);
	return (ssize_t)n;
}

static void
said_done(struct conn *c, bool whole)
{
	struct said *d = (struct said *)(void *)c;
	struct socket *sk = d->socket;

	list_del(&d->link);
	conn_release(c);
	if (sk != NULL && sk->next_box != 0) {
		if (whole)
			hub_received(sk);
		sk->next_box = 0;
	}
	if (sk != NULL && sk->serving == d) {
		sk->serving = NULL;
		loop_later(sk->stream.hub->loop, &sk->later);
	}
	free(d);
}

static const struct gate gate_said = {
	.name = "websocket", .wrap = wrap, .tail = tail, .write = pass_on, .wait = wait_room, .done = said_done,
};

/* ---- a message becomes a request ---- */

/* The request is served, or parked, or waits for a verdict: then those behind it wait, too. So they do for
 * a turn that gives the WebSocket its box. */
static void
serve(struct hub *hub, struct socket *sk, struct said *d)
{
	struct req *r = d->req;

	d->req = NULL;
	if (sk != NULL) {
		r->box = sk->stream.box;
		r->gen = sk->stream.gen;
		sk->serving = d;
	}
	hub_take(hub, r);
	if (sk != NULL && sk->serving == d && d->conn.finished && sk->next_box == 0)
		sk->serving = NULL;
}

static struct said *
said_new(struct socket *sk, enum ws_opcode opcode, struct str data)
{
	struct said *d = calloc(1, sizeof *d);
	struct hub *hub = sk->stream.hub;

	if (d == NULL)
		return NULL;
	d->req = req_said(&sk->address, data);
	if (d->req == NULL) {
		free(d);
		return NULL;
	}
	conn_init(&d->conn, &gate_said, 2 * STREAM_HIGH + (size_t)hub->conf->max_body_bytes);
	d->req->conn = &d->conn;
	d->req->route = sk->route;
	d->req->binary = opcode == WS_BINARY;
	d->req->goodbye = opcode == WS_CLOSE;
	d->req->box = sk->stream.box;
	d->req->gen = sk->stream.gen;
	d->req->who = sk->who;
	d->socket = sk;
	list_init(&d->link);
	list_add(&sk->said, &d->link);
	return d;
}

/* The next that was not handed over yet. */
static struct said *
next_said(const struct socket *sk)
{
	struct list *l;

	for (l = sk->said.next; l != &sk->said; l = l->next)
		if (LIST_OF(l, struct said, link)->req != NULL)
			return LIST_OF(l, struct said, link);
	return NULL;
}

/* Serves what waits, in order, until one has to wait itself. The WebSocket may be over afterwards. */
static void
serve_said(struct socket *sk)
{
	struct said *d;

	while (sk->serving == NULL && (d = next_said(sk)) != NULL)
		serve(sk->stream.hub, sk, d);
	if (next_said(sk) == NULL)
		sk->behind = 0;
}

/* ---- hearing ---- */

static void
on_message(void *arg, enum ws_opcode opcode, struct str data, int code)
{
	struct socket *sk = arg;

	(void)code;
	if (opcode == WS_PING || opcode == WS_PONG || sk->stream.ended || sk->failed)
		return;
	if (++sk->behind > BEHIND_MAX || said_new(sk, opcode, data) == NULL)
		sk->failed = true;
}

static void
finish(struct socket *sk)
{
	struct conn *c = sk->stream.conn;

	if (c->finished)
		return;
	sk->stream.ended = true;
	conn_finish(c);
	conn_flush(c);
}

/* Nothing is read from who has to wait, nor from who reads nothing. */
void
hub_socket_listen(struct socket *sk)
{
	struct conn *c = sk->stream.conn;
	bool deaf = sk->serving != NULL || (c != NULL && c->blocked);

	if (c == NULL || deaf == sk->deaf)
		return;
	sk->deaf = deaf;
	conn_hear(c, !deaf);
}

/* Pongs, and the close frame; who was sent one before gets no second. */
static void
answer(struct socket *sk, struct buf *out)
{
	if (out->n > 0 && sk->stream.conn != NULL && !sk->stream.ended) {
		conn_add(sk->stream.conn, buf_str(out));
		conn_flush(sk->stream.conn);
	}
	buf_release(out);
}

static int
eat(struct socket *sk, struct str bytes)
{
	struct hub *hub = sk->stream.hub;
	const struct conf *c = hub->conf;
	size_t most = (size_t)(c->max_message_bytes < c->max_body_bytes ? c->max_message_bytes : c->max_body_bytes);
	struct buf out;
	int rc;

	buf_init(&out, 2 * STREAM_HIGH);
	rc = ws_eat(&sk->in, bytes, most, on_message, sk, &out);
	hub->amid = rc < 0;
	serve_said(sk);
	hub->amid = false;
	if (sk->failed)
		ws_put_close(&out, WS_TRY_AGAIN, STR("too much at once"));
	answer(sk, &out);
	return rc;
}

void
hub_socket_heard(struct conn *c, struct str bytes)
{
	struct socket *sk = c->data;
	struct hub *hub = sk->stream.hub;
	int rc = 0;

	if (c->finished)
		return;
	sk->heard = stream_age(&sk->stream, loop_mono(hub->loop));
	sk->unheard = 0;
	hub->upgraded = true;
	sk->busy = true;
	for (; rc == 0 && !sk->failed && bytes.n > 0 && sk->stream.conn != NULL; bytes = str_skip(bytes, PIECE))
		rc = eat(sk, str_make(bytes.p, bytes.n < PIECE ? bytes.n : PIECE));
	if (sk->stream.conn != NULL && (rc < 0 || sk->failed))
		finish(sk);
	else
		hub_socket_listen(sk);
	sk->busy = false;
	if (sk->dead)
		hub_socket_free(sk);
}

static void
on_later(struct loop_later *t)
{
	struct socket *sk = LIST_OF(t, struct socket, later);

	sk->busy = true;
	serve_said(sk);
	hub_socket_listen(sk);
	sk->busy = false;
	if (sk->dead)
		hub_socket_free(sk);
}

/* ---- life ---- */

struct socket *
hub_socket_new(const struct req *r)
{
	struct socket *sk = calloc(1, sizeof *sk + r->path.n + r->query.n);
	char *text;

	if (sk == NULL)
		return NULL;
	text = sk->text;
	memcpy(text, r->path.p, r->path.n);
	if (r->query.n > 0)
		memcpy(text + r->path.n, r->query.p, r->query.n);
	sk->address.path = str_make(text, r->path.n);
	sk->address.query = str_make(text + r->path.n, r->query.n);
	sk->route = r->route;
	sk->who = r->who;
	sk->deaf = true;
	ws_in_init(&sk->in);
	list_init(&sk->said);
	loop_later_init(&sk->later, on_later);
	return sk;
}

/* What was said before its end is still done, but not amid whatever ended it. */
static void
orphan_said(struct socket *sk)
{
	struct hub *hub = sk->stream.hub;
	struct said *d;
	struct list *l;

	while ((l = list_pop(&sk->said)) != NULL) {
		d = LIST_OF(l, struct said, link);
		d->socket = NULL;
		if (d->req == NULL)
			continue;
		d->req->box = sk->stream.box;
		d->req->gen = sk->stream.gen;
		list_add(&hub->orphans, &d->link);
		loop_later(hub->loop, &hub->adopt);
	}
}

void
hub_on_orphans(struct loop_later *t)
{
	struct hub *hub = LIST_OF(t, struct hub, adopt);
	struct list *l;

	while ((l = list_pop(&hub->orphans)) != NULL)
		serve(hub, NULL, LIST_OF(l, struct said, link));
}

void
hub_orphans_release(struct hub *hub)
{
	struct list *l;
	struct said *d;

	loop_later_cancel(&hub->adopt);
	while ((l = list_pop(&hub->orphans)) != NULL) {
		d = LIST_OF(l, struct said, link);
		req_free(d->req);
		conn_abort(&d->conn);
	}
}

void
hub_socket_gone(struct socket *sk)
{
	loop_later_cancel(&sk->later);
	sk->serving = NULL;
	if (sk->next_box != 0)
		hub_receive_and_go(sk);
	if ((sk->route->hears->flags & ROUTE_MORTAL) != 0)
		said_new(sk, WS_CLOSE, STR_NONE);	/* after another one it does nothing */
	orphan_said(sk);
	ws_in_release(&sk->in);
}

void
hub_socket_free(struct socket *sk)
{
	if (sk->busy)
		sk->dead = true;
	else
		free(sk);
}

/* ---- its end ---- */

void
hub_socket_closing(struct socket *sk)
{
	struct stream *s = &sk->stream;
	struct hub *hub = s->hub;

	s->ended = true;
	sk->closed_at = loop_mono(hub->loop);
	list_del(&s->beat);
	list_add(&hub->closing, &s->beat);
	conn_flush(s->conn);
}

void
hub_end_closing(struct hub *hub, int64_t now)
{
	struct socket *sk;

	while (!list_empty(&hub->closing)) {
		sk = LIST_OF(hub->closing.next, struct socket, stream.beat);
		if (now - sk->closed_at < CLOSE_MS)
			return;
		list_del(&sk->stream.beat);
		if (sk->stream.conn->blocked)
			hub_cut_stream(hub, &sk->stream);
		else
			finish(sk);
	}
}

struct socket *
hub_socket_of(const struct req *r)
{
	const struct said *d = (const struct said *)(const void *)r->conn;

	return r->spoken ? d->socket : NULL;
}

bool
hub_heard(const struct req *r)
{
	return hub_socket_of(r) != NULL;
}

int
hub_speaker(struct hub *hub, const struct req *r, struct box *b)
{
	const struct socket *sk = hub_socket_of(r);
	int64_t gen = sk != NULL ? sk->stream.gen : r->gen;	/* its lease may be another since it was said */
	int rc = store_box_get(hub->store, r->box, b);

	assert(r->spoken);
	return rc == 0 && (b->state != BOX_LIVE || b->gen > gen) ? -ERR_NOTFOUND : rc;
}

/* Whoever is not listened to cannot answer. */
bool
hub_socket_silent(struct socket *sk)
{
	return !sk->deaf && sk->unheard++ >= SOCKET_PINGS;
}
