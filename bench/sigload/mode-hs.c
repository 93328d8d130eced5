/*
 * hs - whole handshakes, opts.conc at a time. Two peers connect; the caller sends an offer and its
 * candidates, the callee an answer and its own; when both have everything, both leave, and another
 * pair takes their place. Samples are whole handshakes, from the first connect on.
 */
#include <inttypes.h>
#include <stdio.h>

#include "mode.h"
#include "opts.h"
#include "peer.h"
#include "stat.h"
#include "sys.h"

#define PATIENCE (10 * SYS_NS)	/* for one handshake */
#define CHECK_EVERY 0.5		/* seconds between looks at the clock of each */
#define SHOWN 5
#define SPACING 16		/* pair numbers in use are at most this many times conc apart */

static struct peer **slots;	/* callees; NULL: free */
static int next_pair;
static uint64_t done, failed;
static bool measuring;

static void
start(int slot)
{
	struct peer *callee = peer_new_pair(next_pair++);

	callee->started_ns = callee->other->started_ns = sys_now_ns();
	callee->outstanding = callee->other->outstanding = slot;
	slots[slot] = callee;
	peer_open(callee);
}

static void
end(struct peer *peer)
{
	slots[peer->outstanding] = NULL;
	peer_end(peer->other);
	peer_end(peer);
}

static void
fail(struct peer *peer)
{
	failed++;
	end(peer);
}

static void
send_candidates(struct peer *peer)
{
	for (int i = 0; i < opts.ncand; i++)
		peer_send(peer, PAYLOAD_CANDIDATE);
}

static void
on_ready(struct peer *peer)
{
	if (peer->side == 0) {
		peer_open(peer->other);
		return;
	}
	peer_send(peer, PAYLOAD_OFFER);
	send_candidates(peer);
}

static bool
complete(const struct peer *peer)
{
	return peer->got_sdp && peer->got_candidates >= opts.ncand;
}

static void
on_message(struct peer *to, struct peer *from, const struct payload_mark *mark)
{
	if (mark->kind == PAYLOAD_CANDIDATE)
		to->got_candidates++;
	else
		to->got_sdp++;
	if (mark->kind == PAYLOAD_OFFER) {
		peer_send(to, PAYLOAD_ANSWER);
		send_candidates(to);
	}
	if (!complete(to) || !complete(from))
		return;
	done++;
	if (measuring)
		stat_sample(sys_now_ns() - to->started_ns);
	end(to);
}

static const struct peer_hooks hooks = {
	.ready = on_ready, .failed = fail, .message = on_message,
};

static void
check(uint64_t now)
{
	struct peer *callee;

	for (int i = 0; i < opts.conc; i++) {
		callee = slots[i];
		if (callee == NULL || now - callee->started_ns < PATIENCE)
			continue;
		if (failed < SHOWN)
			fprintf(stderr, "hs timeout sdp %d/%d cand %d/%d\n", callee->got_sdp,
			    callee->other->got_sdp, callee->got_candidates,
			    callee->other->got_candidates);
		fail(callee);
	}
}

/* Keeps all slots busy for so many seconds. */
static void
shake(double seconds)
{
	double from = sys_now(), checked = from, now;

	do {
		for (int i = 0; i < opts.conc; i++)
			if (slots[i] == NULL)
				start(i);
		peer_turn(0.01);
		now = sys_now();
		if (now - checked > CHECK_EVERY) {
			checked = now;
			check(sys_now_ns());
		}
	} while (now - from <= seconds);
}

static void
report(const struct stat_span *span, uint64_t handshakes)
{
	double count = (double)handshakes;

	stat_open("hs");
	printf(",\"conc\":%d,\"batch\":%d,\"hs_per_s\":%.1f,\"cpu_ms_per_hs\":%.3f", opts.conc,
	    opts.batch, count / span->seconds, stat_ratio(span->server * 1000, count));
	printf(",\"hs_fail\":%" PRIu64 ",\"msgs\":%" PRIu64 ",\"posts\":%" PRIu64
	    ",\"conns_per_hs\":%.2f", failed, span->messages, span->answers,
	    stat_ratio((double)span->connections, count));
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
	uint64_t before;

	peer_init(SPACING * opts.conc, &hooks);
	slots = sys_alloc((size_t)opts.conc, sizeof *slots);
	shake(opts.warm);
	measuring = true;
	before = done;
	from = stat_take();
	shake(opts.secs);
	to = stat_take();
	span = stat_between(&from, &to);
	report(&span, done - before);
}

const struct mode mode_hs = { .name = "hs", .run = run, .caller_first = true };
