/*
 * idle - what a stream costs that nobody speaks on. For each of opts.steps so many streams are
 * opened and held; memory is what the server's processes have grown by since before the first,
 * and the same of a part of them, opts.part. "conn" figures are those of opening.
 */
#include <inttypes.h>
#include <stdio.h>

#include "adapter.h"
#include "mode.h"
#include "opts.h"
#include "peer.h"
#include "stat.h"
#include "sys.h"

#define PATIENCE 15.0	/* seconds without progress */
#define FAILURES_MAX 100
#define STEP_HOLD 2.0	/* seconds to hold before the next step; the last holds opts.hold */

struct memory {
	struct proc_mem all, part;
};

static struct peer **peers;
static int started, ready, failed;

/* Heartbeats are spread evenly: peer after peer, so many a second. */
static struct {
	double sent_until;
	int next;
	uint64_t count;
} beat;

static void
on_ready(struct peer *peer)
{
	ready++;
	link_rest(peer);
}

/* The server may say "opened" before it answers the POST that asked for it. */
static void
on_posted(struct peer *peer)
{
	if (peer->ready)
		link_rest(peer);
}

static void
on_failed(struct peer *peer)
{
	(void)peer;
	failed++;
}

static void
ignore(struct peer *to, struct peer *from, const struct payload_mark *mark)
{
	(void)to;
	(void)from;
	(void)mark;
}

static const struct peer_hooks hooks = {
	.ready = on_ready, .failed = on_failed, .message = ignore, .posted = on_posted,
};

static void
start_some(int target)
{
	while (started < target && started - ready - failed < opts.conc) {
		peers[started] = peer_new(started, 0);
		peer_open(peers[started++]);
	}
}

/* Opens streams until `target` are there; false when the server takes no more. */
static bool
fill(int target)
{
	double progress = sys_now();
	int before;

	while (ready < target) {
		start_some(target);
		before = ready;
		peer_turn(0.02);
		if (ready != before)
			progress = sys_now();
		if (sys_now() - progress < PATIENCE && failed <= FAILURES_MAX)
			continue;
		fprintf(stderr, "idle: stuck at %d/%d (failed %d)\n", ready, target, failed);
		return false;
	}
	return true;
}

static void
send_due(double now)
{
	int due = (int)((now - beat.sent_until) * started / opts.heartbeat);
	struct peer *peer;

	if (due <= 0)
		return;
	beat.sent_until += due * opts.heartbeat / started;
	while (due--) {
		peer = peers[beat.next++ % started];
		if (!peer->ready || peer->link.down == NULL)
			continue;
		opts.adapter->heartbeat(peer);
		beat.count++;
	}
}

static void
hold(double seconds)
{
	double from = sys_now(), now;

	beat.sent_until = from;
	beat.count = 0;
	do {
		peer_turn(0.01);
		now = sys_now();
		if (opts.heartbeat > 0 && opts.adapter->heartbeat)
			send_due(now);
	} while (now - from < seconds);
}

static void
take_memory(struct memory *memory)
{
	memory->all = proc_mem(&opts.roots);
	memory->part = proc_mem(&opts.part);
}

static void
report_step(const struct stat_span *opening, int opened, const struct memory *before)
{
	struct memory now;
	struct proc_mem mem;

	take_memory(&now);
	mem = now.all;

	printf("{\"n\":%d,\"conn_per_s\":%.0f,\"conn_cpu_ms\":%.3f,\"rss_kb\":%.0f,\"pss_kb\":%.0f",
	    ready, opened / opening->seconds, stat_ratio(opening->server * 1000, opened),
	    mem.rss_kb, mem.pss_kb);
	printf(",\"rss_per_stream_kb\":%.3f,\"pss_per_stream_kb\":%.3f,\"procs\":%d,\"fds\":%d",
	    stat_ratio(mem.rss_kb - before->all.rss_kb, ready),
	    stat_ratio(mem.pss_kb - before->all.pss_kb, ready), mem.processes, mem.descriptors);
	printf(",\"part_rss_per_stream_kb\":%.3f",
	    stat_ratio(now.part.rss_kb - before->part.rss_kb, ready));
}

static void
report_hold(const struct stat_span *opening, const struct stat_span *holding)
{
	printf(",\"hold_s\":%.1f,\"hold_cpu_share\":%.4f,\"heartbeats\":%" PRIu64
	    ",\"gen_cpu_share\":%.3f}", holding->seconds, holding->server / holding->seconds,
	    beat.count, opening->self / opening->seconds);
	fflush(stdout);
}

/* One step; false when it did not get all its streams. */
static bool
step(int target, double hold_seconds, const struct memory *before)
{
	struct stat_snap start = stat_take(), filled, end;
	struct stat_span opening, holding;
	int first = ready;
	bool complete = fill(target);

	filled = stat_take();
	hold(hold_seconds);
	end = stat_take();
	opening = stat_between(&start, &filled);
	holding = stat_between(&filled, &end);
	report_step(&opening, ready - first, before);
	report_hold(&opening, &holding);
	return complete;
}

static void
run(void)
{
	struct memory before;
	int last = opts.steps.count - 1, most = opts.steps.streams[last];
	bool complete = true;

	take_memory(&before);
	peer_init(most, &hooks);
	peers = sys_alloc((size_t)most, sizeof *peers);
	stat_open("idle");
	printf(",\"rss0_kb\":%.0f,\"pss0_kb\":%.0f,\"steps\":[", before.all.rss_kb, before.all.pss_kb);
	for (int i = 0; i <= last && complete; i++) {
		if (i)
			printf(",");
		complete = step(opts.steps.streams[i], i == last ? opts.hold : STEP_HOLD, &before);
	}
	printf("]");
	stat_print_errors();
	stat_close();
}

const struct mode mode_idle = { .name = "idle", .run = run };
