/*
 * hub-expiry - messages nobody took: their protocol is told once for each sender and receiver.
 *
 * The table is made when the first such message turns up in a sweep and gone when the sweep is; a
 * sweep looks at HUB_SWEEP_ROWS messages at most, so it never fills.
 */
#include "config.h"

#include <stdlib.h>

#include "hub-private.h"

#define SLOTS	4096	/* a power of two, twice HUB_SWEEP_ROWS */

struct told {
	int64_t	src, box;	/* src 0: free */
};

/* true: this pair was not there before. */
static bool
add(struct told *table, int64_t src, int64_t box)
{
	uint64_t at = ((uint64_t)src * 11400714819323198485ull) ^ ((uint64_t)box * 14029467366897019727ull);
	struct told *t = &table[at >> 32 & (SLOTS - 1)];

	while (t->src != 0 && (t->src != src || t->box != box))
		t = t + 1 < table + SLOTS ? t + 1 : table;
	if (t->src != 0)
		return false;
	*t = (struct told){ src, box };
	return true;
}

static int
on_expired(void *arg, const struct msg_row *m)
{
	struct expiry *x = arg;

	if (m->src == 0)
		return 0;
	if (m->kind == MSG_HANDSHAKE)
		x->hub->expired(x->hub, m);
	if (m->kind != MSG_TOLD && m->kind != MSG_OWED)
		return 0;
	if (x->told == NULL)
		x->told = calloc(SLOTS, sizeof *x->told);
	if (x->told != NULL && add(x->told, m->src, m->box))
		x->hub->expired(x->hub, m);
	return 0;
}

void
hub_expiry_begin(struct hub *hub, struct expiry *x, struct sweep *sw)
{
	*x = (struct expiry){ .hub = hub };
	if (hub->expired == NULL)
		return;
	sw->expired = on_expired;
	sw->arg = x;
}

void
hub_expiry_end(struct expiry *x)
{
	free(x->told);
}
