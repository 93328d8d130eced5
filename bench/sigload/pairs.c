/* pairs - see pairs.h. */
#include "opts.h"
#include "pairs.h"
#include "sys.h"

#define PATIENCE 20.0	/* seconds for all to be ready */

static struct peer **callees;
static int started, ready;	/* peers; a caller starts when its callee is ready */
static struct peer_hooks hooks;

static void
on_ready(struct peer *peer)
{
	ready++;
	if (peer->side == 1)
		return;
	started++;
	peer_open(peer->other);
}

static int
start_some(int next)
{
	for (; next < opts.pairs && started - ready < opts.conc; next++) {
		callees[next] = peer_new_pair(next);
		started++;
		peer_open(callees[next]);
	}
	return next;
}

void
pairs_open(const struct peer_hooks *mode_hooks)
{
	double from = sys_now();
	int next = 0;

	hooks = *mode_hooks;
	hooks.ready = on_ready;
	peer_init(opts.pairs, &hooks);
	callees = sys_alloc((size_t)opts.pairs, sizeof *callees);
	while (ready < 2 * opts.pairs) {
		next = start_some(next);
		peer_turn(0.02);
		if (sys_now() - from > PATIENCE)
			sys_die(SYS_EXIT_SERVER, "pairs: only %d of %d peers ready", ready,
			    2 * opts.pairs);
	}
}

struct peer *
pairs_peer(int pair, int side)
{
	return side ? callees[pair]->other : callees[pair];
}

void
pairs_each(void (*call)(struct peer *))
{
	for (int pair = 0; pair < opts.pairs; pair++) {
		call(callees[pair]);
		call(callees[pair]->other);
	}
}

void
pairs_run(double seconds)
{
	double from = sys_now();

	do
		peer_turn(0.01);
	while (sys_now() - from < seconds);
}
