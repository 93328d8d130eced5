/*
 * hub-claim - names in dispute: is the holder alive?
 *
 * No web server reports reliably that a client has left, but a write finds out: a stream that
 * took two heartbeats 100 ms apart and is still there is proven; a WebSocket answers them; a poll without
 * beats is ended and comes again, here or elsewhere. A stream of another process is proven by that process:
 * an order goes to its control mailbox (the mailbox -hub), the verdict comes back the same way. Orders
 * are messages like any other; the bell carries them.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include "err.h"
#include "hub-private.h"
#include "log.h"

#define ASK_AGAIN_MS	150	/* a poll may just have been between two requests */

struct proof {
	struct list	link;		/* hub->proofs */
	int64_t		box;
	int64_t		asker;		/* hub to tell; 0: us */
	int64_t		began;		/* loop_mono of the first heartbeat */
	int64_t		due;		/* loop_mono of the next step */
	int		beats;		/* heartbeats written */
	int64_t		asked;		/* gen of a poll that was ended: its client comes again until due; 0: none */
	int64_t		proven;		/* loop_mono; 0: not yet */
};

static struct proof *
find(struct hub *hub, int64_t box, int64_t asker)
{
	struct list *l;
	struct proof *p;

	for (l = hub->proofs.next; l != &hub->proofs; l = l->next) {
		p = LIST_OF(l, struct proof, link);
		if (p->box == box && p->asker == asker)
			return p;
	}
	return NULL;
}

static struct proof *
add(struct hub *hub, int64_t box, int64_t asker)
{
	struct proof *p = calloc(1, sizeof *p);

	if (p == NULL)
		return NULL;
	p->box = box;
	p->asker = asker;
	list_add(&hub->proofs, &p->link);
	if (!loop_timer_active(&hub->claims))
		loop_timer_start(&hub->claims, HUB_WAIT_MS, HUB_WAIT_MS);
	return p;
}

static void
drop(struct proof *p)
{
	list_del(&p->link);
	free(p);
}

void
hub_claims_release(struct hub *hub)
{
	while (!list_empty(&hub->proofs))
		drop(LIST_OF(hub->proofs.next, struct proof, link));
}

/* ---- proving a stream of ours ---- */

static bool
proven_lately(struct hub *hub, const struct stream *s)
{
	return s->proven != 0 && stream_age(s, loop_mono(hub->loop)) - s->proven < HUB_PROVEN_MS;
}

static void
beat(struct hub *hub, struct proof *p, struct stream *s)
{
	if (s->pacing)		/* it must be written for the proof: after its pause */
		return;
	if (s->wire->whole) {
		p->began = loop_mono(hub->loop);
		p->due = p->began + hub->conf->grace_ms;
		p->asked = s->gen;
		hub_pause_stream(hub, s);
		return;
	}
	if (p->beats++ == 0)
		p->began = loop_mono(hub->loop);
	p->due = loop_mono(hub->loop) + HUB_PROOF_GAP_MS;
	hub_beat(hub, s);
}

/* Took what was written, as far as can be told; of a WebSocket: answered it, the last heartbeat at the
 * latest. What came in the millisecond of the first may be older than it. */
static bool
took(const struct proof *p, struct stream *s)
{
	const struct socket *sk = hub_socket(s);

	return !s->conn->blocked && (sk == NULL || sk->heard > stream_age(s, p->began));
}

/* To whatever process. */
static bool
came_again(struct hub *hub, const struct proof *p)
{
	struct box b;

	return store_box_get(hub->store, p->box, &b) == 0 && b.gen > p->asked;
}

/* true: the proof is done with. */
static bool
tell(struct hub *hub, struct proof *p)
{
	if (p->asker != 0)
		return hub_begin(hub) == 0 && hub_order(hub, p->asker, MSG_PROVEN, p->box, 0) == 0;
	p->proven = loop_mono(hub->loop);
	return false;
}

static bool
step(struct hub *hub, struct proof *p)
{
	struct stream *s = hub_stream(hub, p->box);
	int64_t now = loop_mono(hub->loop);

	if (p->proven != 0)
		return now - p->proven >= HUB_PROVEN_MS;
	if (p->asked != 0)
		return came_again(hub, p) ? tell(hub, p) : now >= p->due;
	if (s == NULL || s->opener != NULL)
		return true;
	if (now < p->due)
		return false;
	if (p->beats < 2) {
		beat(hub, p, s);
		return false;
	}
	if (!took(p, s))
		return true;
	s->proven = stream_age(s, now);
	return tell(hub, p);
}

static void
prove(struct hub *hub, int64_t box, int64_t asker)
{
	struct stream *s = hub_stream(hub, box);
	struct proof *p;

	if (s == NULL || s->opener != NULL || find(hub, box, asker) != NULL)
		return;
	p = add(hub, box, asker);
	if (p != NULL)
		beat(hub, p, s);
}

void
hub_on_claims(struct loop_timer *t)
{
	struct hub *hub = LIST_OF(t, struct hub, claims);
	struct list *l, *next;

	for (l = hub->proofs.next; l != &hub->proofs; l = next) {
		next = l->next;
		if (step(hub, LIST_OF(l, struct proof, link)))
			drop(LIST_OF(l, struct proof, link));
	}
	hub_serve_again(hub);
	if (list_empty(&hub->proofs) && list_empty(&hub->waiting))
		loop_timer_stop(&hub->claims);
}

/* ---- a contest ---- */

static bool
alive(struct hub *hub, int64_t box)
{
	struct stream *s = hub_stream(hub, box);
	struct proof *told = find(hub, box, 0);

	if (s != NULL && proven_lately(hub, s))
		return true;
	return told != NULL && told->proven != 0 &&
	    loop_mono(hub->loop) - told->proven < HUB_PROVEN_MS;
}

int
hub_contest(struct hub *hub, struct contest *c, const struct box *holder)
{
	int64_t now = loop_mono(hub->loop);

	if (holder->state == BOX_ENDED || hub_retired(holder))
		return 0;
	if (holder->present && alive(hub, holder->id))
		return -ERR_CONFLICT;
	if (c->rival != holder->id)	/* who took the name meanwhile has a grace of its own */
		*c = (struct contest){ .rival = holder->id, .since = now };
	if (now - c->since >= hub->conf->grace_ms)
		return 0;
	if (holder->present && holder->hub != 0 && now >= c->again) {
		c->again = now + ASK_AGAIN_MS;
		c->box = holder->id;
		c->hub = holder->hub;
	}
	return -ERR_WAIT;
}

/* After the request's own writes were taken back, so that the order stays. */
void
hub_ask(struct hub *hub, struct contest *c)
{
	int64_t box = c->box;
	int rc = 0;

	c->box = 0;
	if (box == 0)
		return;
	if (hub_stream(hub, box) != NULL) {
		prove(hub, box, 0);
		return;
	}
	rc = hub_begin(hub);
	if (rc == 0)
		rc = hub_enter(hub);
	if (rc == 0)
		rc = hub_order(hub, c->hub, MSG_PROVE, box, hub->id);
	if (rc < 0)
		c->again = 0;	/* at the next try */
}

/* ---- orders ---- */

static void
note_proven(struct hub *hub, int64_t box)
{
	struct proof *p = find(hub, box, 0);

	if (p == NULL)
		p = add(hub, box, 0);
	if (p != NULL)
		p->proven = loop_mono(hub->loop);
}

static int
read_order(struct str body, int64_t *a, int64_t *b)
{
	struct str left, right;
	uint64_t x, y;

	str_cut(body, ' ', &left, &right);
	if (str_uint(left, INT64_MAX, &x) < 0 || str_uint(right, INT64_MAX, &y) < 0)
		return -ERR_BAD;
	*a = (int64_t)x;
	*b = (int64_t)y;
	return 0;
}

/* Heartbeats may end streams, but only exchanges are touched here: no statement is in the way. */
static int
on_order(void *arg, const struct msg_row *m)
{
	struct hub *hub = arg;
	int64_t a, b;

	hub->orders = m->seq;
	if (read_order(m->body, &a, &b) < 0)
		return 0;
	if (m->kind == MSG_SUPERSEDE)
		hub_supersede(hub, a, b);
	else if (m->kind == MSG_PROVE)
		prove(hub, a, b);
	else if (m->kind == MSG_PROVEN)
		note_proven(hub, a);
	else if (m->kind == MSG_LISTEN && hub_stream(hub, a) != NULL)
		hub_roster_listen(hub, a, ROSTER_ALL_IF_NEW);
	return 0;
}

void
hub_carry_out(struct hub *hub)
{
	if (store_msg_read(hub->store, -hub->id, hub->orders, on_order, hub) < 0)
		hub->look = true;
}
