/*
 * lat - latency at light load. Each pair sends opts.rate messages a second, the sides in turn, one
 * under way at a time; a message that was due while the last one had not arrived counts as late
 * and is left out.
 */
#include <inttypes.h>
#include <stdio.h>

#include "mode.h"
#include "opts.h"
#include "pairs.h"
#include "stat.h"
#include "sys.h"

#define IDLE_TURN 0.05	/* seconds, the longest wait */

struct clock {
	double due;	/* when the pair sends next */
	int side;	/* who sent last */
};

static struct clock *clocks;
static uint64_t late;
static bool measuring;

static void
on_message(struct peer *to, struct peer *from, const struct payload_mark *mark)
{
	(void)to;
	from->outstanding = 0;
	if (measuring)
		stat_sample(sys_now_ns() - mark->sent_ns);
}

static const struct peer_hooks hooks = { .message = on_message };

static enum payload_kind
kind(void)
{
	return opts.sdplat ? PAYLOAD_OFFER : PAYLOAD_CANDIDATE;
}

static void
start_clocks(double now)
{
	double interval = 1 / opts.rate;

	clocks = sys_alloc((size_t)opts.pairs, sizeof *clocks);
	for (int i = 0; i < opts.pairs; i++)
		clocks[i].due = now + interval * i / opts.pairs;
}

static void
send_turn(int pair)
{
	struct clock *clock = &clocks[pair];
	struct peer *peer;

	if (pairs_peer(pair, 0)->outstanding || pairs_peer(pair, 1)->outstanding) {
		late++;
		return;
	}
	clock->side ^= 1;
	peer = pairs_peer(pair, clock->side);
	peer->outstanding = 1;
	peer_send(peer, kind());
}

/* Sends what is due; returns when the next is. */
static double
send_due(double now)
{
	double next = now + IDLE_TURN;

	for (int i = 0; i < opts.pairs; i++) {
		if (clocks[i].due <= now) {
			clocks[i].due += 1 / opts.rate;
			if (clocks[i].due < now)
				clocks[i].due = now + 1 / opts.rate;
			send_turn(i);
		}
		if (clocks[i].due < next)
			next = clocks[i].due;
	}
	return next;
}

static void
talk(double seconds)
{
	double end = sys_now() + seconds, now, next;

	while ((now = sys_now()) <= end) {
		next = send_due(now);
		now = sys_now();
		peer_turn(next > now ? next - now : 0);
	}
}

static void
report(const struct stat_span *span)
{
	stat_open("lat");
	printf(",\"pairs\":%d,\"rate\":%.1f,\"payload\":%zu,\"late\":%" PRIu64 ",\"msgs\":%" PRIu64,
	    opts.pairs, opts.rate, payload_size(kind()), late, span->messages);
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
	start_clocks(sys_now());
	talk(opts.warm);
	measuring = true;
	late = 0;
	from = stat_take();
	talk(opts.secs);
	to = stat_take();
	span = stat_between(&from, &to);
	report(&span);
}

const struct mode mode_lat = { .name = "lat", .run = run };
