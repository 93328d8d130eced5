/*
 * tput - how much can be relayed. Every peer keeps opts.window messages under way, in the mix of a
 * handshake: an offer or answer, then half of opts.ncand candidates, and again.
 */
#include <inttypes.h>
#include <stdio.h>

#include "mode.h"
#include "opts.h"
#include "pairs.h"
#include "stat.h"
#include "sys.h"

static bool measuring;

static uint32_t
cycle(void)
{
	return (uint32_t)opts.ncand / 2 + 1;
}

static enum payload_kind
next_kind(const struct peer *peer)
{
	if (peer->seq % cycle())
		return PAYLOAD_CANDIDATE;
	return peer->side ? PAYLOAD_OFFER : PAYLOAD_ANSWER;
}

static void
pump(struct peer *peer)
{
	while (peer->outstanding < opts.window) {
		peer->outstanding++;
		peer_send(peer, next_kind(peer));
	}
}

static void
on_message(struct peer *to, struct peer *from, const struct payload_mark *mark)
{
	(void)to;
	from->outstanding--;
	if (measuring)
		stat_sample(sys_now_ns() - mark->sent_ns);
	pump(from);
}

static const struct peer_hooks hooks = { .message = on_message };

/* Spreads the long messages in time: everybody starts at another place of the mix. */
static void
stagger(struct peer *peer)
{
	peer->seq = ((uint32_t)peer->pair * 2 + (uint32_t)peer->side) % cycle();
	peer->other->expected_seq = peer->seq;
}

static void
report(const struct stat_span *span)
{
	double messages = (double)span->messages;

	stat_open("tput");
	printf(",\"pairs\":%d,\"window\":%d,\"batch\":%d,\"posts\":%" PRIu64, opts.pairs,
	    opts.window, opts.batch, span->answers);
	printf(",\"msg_per_s\":%.0f,\"msg_per_cpu_s\":%.0f,\"MB_per_s\":%.2f",
	    messages / span->seconds, stat_ratio(messages, span->server),
	    (double)span->bytes / span->seconds / 1e6);
	stat_print_samples();
	stat_print_cpu(span);
	stat_print_errors();
	stat_close();
}

static void
run(void)
{
	struct stat_snap from, to;
	struct stat_span span;

	pairs_open(&hooks);
	pairs_each(stagger);
	pairs_each(pump);
	pairs_run(opts.warm);
	measuring = true;
	from = stat_take();
	pairs_run(opts.secs);
	to = stat_take();
	span = stat_between(&from, &to);
	report(&span);
}

const struct mode mode_tput = { .name = "tput", .run = run };
