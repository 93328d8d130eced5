/*
 * hub-post - messages for mailboxes, and orders for other hubs, which are messages too.
 *
 * A message for a stream held here marks it dirty; any other rings the bell after COMMIT.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "err.h"
#include "hub-private.h"

#define ORDER_MS	10000	/* an order to a hub that is not carried out by then is void */

int
hub_order(struct hub *hub, int64_t to, enum msg_kind kind, int64_t a, int64_t b)
{
	struct msg_new m = { .box = -to, .kind = kind, .due = loop_real(hub->loop) + ORDER_MS };
	char body[64];
	int64_t seq;
	int rc;

	m.body = str_make(body, (size_t)snprintf(body, sizeof body, "%" PRId64 " %" PRId64, a, b));
	rc = store_msg_add(hub->store, &m, 0, &seq);
	if (rc < 0)
		return rc;
	hub->posted = seq;
	hub->ring = true;
	return 0;
}

int64_t
hub_due(struct hub *hub)
{
	return loop_real(hub->loop) + hub->conf->sigver_expire_ms;
}

/* Something came into a mailbox, whose stream here, if there is one, is s. */
static void
note(struct hub *hub, struct stream *s, int64_t seq)
{
	hub->posted = seq;
	if (s != NULL)
		hub_mark_dirty(hub, s);
	else
		hub->ring = true;
}

static int
put(struct hub *hub, const struct msg_new *m, int64_t taken)
{
	struct stream *s = hub_stream(hub, m->box);
	int64_t seq;
	int rc;

	if (s != NULL && s->opener == NULL && s->cursor > taken)
		taken = s->cursor;
	rc = store_msg_add(hub->store, m, taken, &seq);
	if (rc < 0)
		return rc;
	note(hub, s, seq);
	return 0;
}

int
hub_put(struct hub *hub, const struct msg_new *m)
{
	return put(hub, m, 0);
}

int
hub_post(struct hub *hub, int64_t box, int64_t src, struct str body)
{
	struct msg_new m = {
		.box = box, .src = src, .kind = MSG_DATA, .due = hub_due(hub), .body = body,
	};

	return put(hub, &m, 0);
}

int64_t
hub_position(struct hub *hub, const struct box *b)
{
	const struct stream *s = hub_stream(hub, b->id);

	return s != NULL && s->cursor > b->taken ? s->cursor : b->taken;
}

int
hub_requeue(struct hub *hub, int64_t seq, int64_t to)
{
	struct stream *s = hub_stream(hub, to);
	int64_t now_at;
	int rc = store_msg_requeue(hub->store, seq, to, &now_at);

	if (rc < 0)
		return rc;
	note(hub, s, now_at);
	return 0;
}

/* A goodbye fits into any quota. */
static int
say_last(struct hub *hub, int64_t box, struct str close)
{
	struct msg_new m = {
		.box = box, .kind = MSG_CLOSE, .due = hub_due(hub), .body = close,
	};

	return put(hub, &m, INT64_MAX);
}

int
hub_end(struct hub *hub, int64_t box, struct str close)
{
	int rc = say_last(hub, box, close);

	return rc < 0 ? rc : store_box_end(hub->store, box);
}

/* Nothing that is posted with a number is above this one. */
int
hub_retire(struct hub *hub, const struct box *b, struct str close)
{
	int rc = say_last(hub, b->id, close);

	if (rc == 0)
		rc = b->hub != 0 ? store_box_detach(hub->store, b->id, b->gen, loop_real(hub->loop)) :
		    store_box_touch(hub->store, b->id);
	if (rc == 0 || rc == -ERR_NOTFOUND)
		rc = store_box_accept(hub->store, b->id, INT64_MAX);
	return rc == -ERR_REPEATED ? 0 : rc;
}

bool
hub_retired(const struct box *b)
{
	return b->n == INT64_MAX;
}
