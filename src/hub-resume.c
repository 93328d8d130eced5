/*
 * hub-resume - a stream that goes on at a cursor, and what is said of a cursor that lies too far back.
 */
#include "config.h"

#include <string.h>

#include "err.h"
#include "hub-private.h"

static int
look_for_close(void *arg, const struct msg_row *m)
{
	*(bool *)arg = m->kind == MSG_CLOSE;
	return 0;
}

bool
hub_resumable(struct hub *hub, const struct box *b, int64_t after)
{
	bool closes = false;

	if (b->state == BOX_LIVE)
		return true;
	return store_msg_read(hub->store, b->id, after, look_for_close, &closes) == 0 && closes;
}

int
hub_resume(struct hub *hub, struct req *r, const struct box *b, const struct cursor *at, struct hub_open *o)
{
	char from[CURSOR_MAX], to[CURSOR_MAX];
	bool other = strcmp(at->epoch, hub->store->epoch) != 0;
	int64_t last;
	int rc = store_msg_last(hub->store, &last);

	if (rc < 0)
		return rc;
	o->box = b->id;
	o->resume = true;
	if (other || at->seq > last || at->seq < b->dropped) {
		o->gap_from = cursor_render(at->epoch, at->seq, from);
		o->gap_to = cursor_render(hub->store->epoch, at->seq < b->dropped ? b->dropped : last, to);
	}
	if (!other && at->seq <= last) {
		o->after = at->seq;
		rc = store_box_ack(hub->store, b->id, at->seq);
	}
	return rc < 0 ? rc : hub_open(hub, r, o);
}
