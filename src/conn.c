/* conn - see conn.h. A flush is one write call; what is left waits with an offset. */
#include "config.h"

#include <assert.h>

#include "conn.h"
#include "err.h"

void
conn_init(struct conn *c, const struct gate *gate, size_t max_out)
{
	*c = (struct conn){ .gate = gate };
	buf_init(&c->out, max_out);
}

void
conn_release(struct conn *c)
{
	buf_release(&c->out);
	c->over = true;
}

int
conn_add(struct conn *c, struct str bytes)
{
	assert(!c->finished);
	if (c->over)
		return -ERR_CLOSED;
	if (bytes.n > 0)
		c->gate->wrap(c, &c->out, bytes);
	return buf_err(&c->out);
}

void
conn_finish(struct conn *c)
{
	if (c->over || c->finished)
		return;
	c->finished = true;
	c->gate->tail(c, &c->out);
}

void
conn_retract(struct conn *c)
{
	assert(!c->touched);
	buf_clear(&c->out);
	c->off = 0;
	c->finished = false;
}

size_t
conn_pending(const struct conn *c)
{
	return c->out.n - c->off;
}

static void
over(struct conn *c, bool whole)
{
	c->over = true;
	c->user = NULL;
	buf_release(&c->out);
	c->off = 0;
	c->gate->done(c, whole);
}

static void
tell(struct conn *c)
{
	const struct conn_user *user = c->user;

	c->over = true;
	if (user != NULL && user->gone != NULL)
		user->gone(c);
}

void
conn_abort(struct conn *c)
{
	if (!c->over)
		over(c, false);
}

void
conn_gone(struct conn *c)
{
	if (c->over)
		return;
	tell(c);
	over(c, false);
}

static void
block(struct conn *c, bool yes)
{
	if (c->blocked == yes)
		return;
	c->blocked = yes;
	c->gate->wait(c, yes);
}

/* Everything is written: a short answer is over, a stream keeps no memory while it is silent. */
static void
drained(struct conn *c)
{
	buf_release(&c->out);
	c->off = 0;
	block(c, false);
	if (!c->finished)
		return;
	tell(c);
	over(c, true);
}

void
conn_flush(struct conn *c)
{
	ssize_t n;

	if (c->over)
		return;
	if (buf_err(&c->out) != 0) {	/* a response with a hole in it must not look whole */
		conn_gone(c);
		return;
	}
	if (conn_pending(c) == 0) {
		if (c->finished)
			drained(c);
		return;
	}
	n = c->gate->write(c, c->out.p + c->off, conn_pending(c));
	if (n < 0) {
		conn_gone(c);
		return;
	}
	c->touched = c->touched || n > 0;
	c->off += (uint32_t)n;
	if (conn_pending(c) == 0)
		drained(c);
	else
		block(c, true);
}

void
conn_hear(struct conn *c, bool yes)
{
	if (!c->over)
		c->gate->hear(c, yes);
}

void
conn_heard(struct conn *c, struct str bytes)
{
	if (!c->over && c->user != NULL && c->user->heard != NULL)
		c->user->heard(c, bytes);
}

void
conn_room(struct conn *c)
{
	const struct conn_user *user = c->user;

	if (c->over || !c->blocked)
		return;
	conn_flush(c);
	if (!c->over && !c->blocked && user != NULL && user->room != NULL)
		user->room(c);
}
