/*
 * proto-star-pass - a multiaddr passes on: its holder is gone, and somebody else has joined it.
 *
 * Its mailbox may hold other multiaddrs and be read on, and the new one may have read further than
 * what waits; so what waits for this multiaddr, and nothing else, gets new positions there.
 */
#include "config.h"

#include "err.h"
#include "proto-star.h"

#define SOME	64	/* messages looked up before they are put elsewhere */

#define PASSED_ON STR("{\"reason\":\"the multiaddr passed on to another page\"}")

struct passing {
	struct str	addr;
	int64_t		seq[SOME];	/* of messages that are for it */
	int		n;
	int64_t		last;		/* looked at */
};

/* One that was returned is for its own sender, and has no src. */
static bool
concerns(const struct msg_row *m, struct str addr)
{
	struct handshake h;
	struct json_member object;
	bool is = m->kind == MSG_HANDSHAKE && json_value(m->body, &object) == 0;

	if (!is)
		return false;
	is = handshake_read(&object, &h) == NULL &&
	    str_eq(m->src == 0 ? handshake_from(&h) : handshake_to(&h), addr);
	handshake_release(&h);
	return is;
}

static int
on_row(void *arg, const struct msg_row *m)
{
	struct passing *p = arg;

	p->last = m->seq;
	if (concerns(m, p->addr))
		p->seq[p->n++] = m->seq;
	return p->n == SOME;
}

static int
put_elsewhere(struct hub *hub, const struct passing *p, int64_t to)
{
	int i, rc = 0;

	for (i = 0; i < p->n && rc == 0; i++)
		rc = hub_requeue(hub, p->seq[i], to);
	return rc;
}

static int
pass_messages(struct hub *hub, struct str addr, const struct box *from, int64_t to)
{
	struct passing p = { .addr = addr, .last = hub_position(hub, from) };
	int rc;

	do {
		p.n = 0;
		rc = store_msg_read(hub->store, from->id, p.last, on_row, &p);
		if (rc == 0)
			rc = put_elsewhere(hub, &p, to);
	} while (rc == 0 && p.n == SOME);
	return rc;
}

int
star_pass_on(struct hub *hub, struct str addr, const struct box *from, int64_t to)
{
	int rc = pass_messages(hub, addr, from, to);

	if (rc == 0)
		rc = store_claim_drop(hub->store, STAR_REALM, addr, from->id);
	if (rc == 0)
		rc = store_claim_any(hub->store, STAR_REALM, from->id);
	return rc == -ERR_NOTFOUND ? hub_end(hub, from->id, PASSED_ON) : rc;
}
