/*
 * hub-settle - what a turn stores for streams: that they left, and how far they were written.
 *
 * A stream whose exchange is over is freed here, once its leave is committed.
 */
#include "config.h"

#include "err.h"
#include "hub-private.h"

#define SAVE_MS		(HUB_SAVE_MS / 2)
#define SAVE_ROWS	512	/* taken, and their positions are stored earlier: what is to be dropped is little */
#define SAVE_BATCH	256	/* streams */

bool
hub_save_due(struct hub *hub)
{
	return !list_empty(&hub->unsaved) && (hub->unsaved_rows >= SAVE_ROWS ||
	    loop_mono(hub->loop) - hub->unsaved_since >= SAVE_MS);
}

static void
settle_leave(struct hub *hub, struct stream *s)
{
	int64_t until = loop_real(hub->loop);

	list_add(&hub->left, &s->queue);
	if (s->box == 0)
		return;
	if (s->wire->once)
		until += hub->conf->hold_ms + hub->conf->grace_ms;
	store_box_taken(hub->store, s->box, s->cursor);
	store_box_detach(hub->store, s->box, s->gen, until);
}

static void
save_some(struct hub *hub)
{
	struct taken list[SAVE_BATCH];
	struct stream *s;
	size_t n;

	for (n = 0; n < SAVE_BATCH && !list_empty(&hub->unsaved); n++) {
		s = LIST_OF(hub->unsaved.next, struct stream, save);
		list_del(&s->save);
		list_add(&hub->saving, &s->save);
		list[n] = (struct taken){ s->box, s->cursor };
	}
	store_boxes_taken(hub->store, list, n);
}

void
hub_settle(struct hub *hub)
{
	struct list *l;

	while ((l = list_pop(&hub->leaving)) != NULL)
		settle_leave(hub, LIST_OF(l, struct stream, queue));
	if (!hub_save_due(hub))
		return;
	while (!list_empty(&hub->unsaved))
		save_some(hub);
	hub->unsaved_rows = 0;
}

/* A stream opened in a turn that failed never was, also if its client has left since. */
static void
forget_opened(struct hub *hub)
{
	struct list *l, *next;
	struct stream *s;

	for (l = hub->leaving.next; l != &hub->leaving; l = next) {
		next = l->next;
		s = LIST_OF(l, struct stream, queue);
		if (s->turn == hub->turns)
			hub_free_stream(hub, s);
	}
}

/* The answer of a poll that waited for its leave to be stored. */
static void
let_out(struct stream *s)
{
	struct conn *c = s->conn;

	s->conn = NULL;
	if (c == NULL)
		return;
	c->user = NULL;
	conn_flush(c);
}

/* What was stored in a turn that failed is stored again in the next. */
void
hub_settled(struct hub *hub, bool done)
{
	struct list *l;

	if (!done) {
		list_move(&hub->leaving, &hub->left);
		list_move(&hub->unsaved, &hub->saving);
		forget_opened(hub);
		return;
	}
	while (list_pop(&hub->saving) != NULL)
		;
	while ((l = list_pop(&hub->left)) != NULL) {
		let_out(LIST_OF(l, struct stream, queue));
		hub_free_stream(hub, LIST_OF(l, struct stream, queue));
	}
}

void
hub_forget_left(struct hub *hub)
{
	list_move(&hub->left, &hub->leaving);
	hub_settled(hub, true);
}
