/*
 * peers - what it costs that each of many learns who the others are. So many (the last of opts.steps) join
 * and stay; until opts.warm after that each is told who is there already, which is measured apart. Then
 * opts.secs are measured and divided by the ticks of TICK seconds in them.
 *
 * A server that falls over is a result: who did not join, or has gone meanwhile, is counted.
 */
#include <stdio.h>

#include "mode.h"
#include "opts.h"
#include "peer.h"
#include "stat.h"
#include "sys.h"

#define TICK 10.0	/* seconds; what webrtc-star's server tells it tells so often */
#define PATIENCE 30.0	/* seconds without a word from the server while they join … */
#define JOIN_MOST 60.0	/* … and with some */

static int started, joined, gone;

static void
on_ready(struct peer *peer)
{
	(void)peer;
	joined++;
}

static void
on_failed(struct peer *peer)
{
	gone++;
	peer_end(peer);
}

static void
ignore(struct peer *to, struct peer *from, const struct payload_mark *mark)
{
	(void)to;
	(void)from;
	(void)mark;
}

static const struct peer_hooks hooks = {
	.ready = on_ready, .failed = on_failed, .message = ignore,
};

/* Returns the seconds it took. Who has not joined by then does not. */
static double
join_all(int target)
{
	double from = sys_now(), heard = from;
	uint64_t before;

	while (joined < target && gone < target && sys_now() - heard < PATIENCE &&
	    sys_now() - from < JOIN_MOST) {
		while (started < target && started - joined - gone < opts.conc)
			peer_open(peer_new(started++, 0));
		before = stat_count.received;
		peer_turn(0.02);
		if (stat_count.received != before)
			heard = sys_now();
	}
	return sys_now() - from;
}

static void
stay(double seconds)
{
	double end = sys_now() + seconds;

	while (sys_now() < end)
		peer_turn(0.02);
}

static void
report(int target, double joining, const struct stat_span *first, const struct stat_span *span)
{
	double ticks = span->seconds / TICK;

	stat_open("peers");
	printf(",\"n\":%d,\"joined\":%d,\"gone\":%d,\"join_s\":%.1f,\"first_cpu_s\":%.2f,\"first_mb\":%.1f", target, joined, gone, joining,
	    first->server, (double)first->received / 1e6);
	printf(",\"events_per_tick\":%.0f,\"kb_per_tick\":%.1f,\"cpu_ms_per_tick\":%.1f", (double)span->messages / ticks,
	    (double)span->received / 1000 / ticks, span->server * 1000 / ticks);
	stat_print_cpu(span);
	stat_print_errors();
	stat_close();
}

static void
run(void)
{
	int target = opts.steps.streams[opts.steps.count - 1];
	struct stat_snap begin, from, to;
	struct stat_span first, span;
	double joining;

	peer_init(target, &hooks);
	begin = stat_take();
	joining = join_all(target);
	stay(opts.warm);
	from = stat_take();
	first = stat_between(&begin, &from);
	stay(opts.secs);
	to = stat_take();
	span = stat_between(&from, &to);
	report(target, joining, &first, &span);
}

const struct mode mode_peers = { .name = "peers", .run = run };
