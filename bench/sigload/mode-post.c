/*
 * post - what a POST costs. Every caller posts one candidate to its callee, and the next as soon as
 * the server has answered; the callee has its event stream open. Samples are the time from sending
 * a POST to its answer. At the end the run waits for what has not arrived yet, and what never does
 * is `lost`. With a silent adapter (adapter.h) nothing is expected to arrive.
 */
#include <inttypes.h>
#include <stdio.h>

#include "adapter.h"
#include "mode.h"
#include "opts.h"
#include "pairs.h"
#include "stat.h"
#include "sys.h"

#define PATIENCE 10.0	/* seconds for the last messages to arrive */

static bool measuring, stopping;
static uint64_t sent;

static void
post(struct peer *peer)
{
	if (stopping || peer->side == 0)
		return;
	sent++;
	peer->outstanding = 1;
	peer->started_ns = sys_now_ns();
	peer_send(peer, PAYLOAD_CANDIDATE);
}

/* Answers to what the adapter posted on its own, before the run began, are none of ours. */
static void
on_posted(struct peer *peer)
{
	if (!peer->outstanding)
		return;
	peer->outstanding = 0;
	if (measuring)
		stat_sample(sys_now_ns() - peer->started_ns);
	post(peer);
}

static void
on_message(struct peer *to, struct peer *from, const struct payload_mark *mark)
{
	(void)to;
	(void)from;
	(void)mark;
}

static const struct peer_hooks hooks = { .message = on_message, .posted = on_posted };

/* Waits for everything that was sent; returns how much is missing. */
static uint64_t
drain(void)
{
	double end = sys_now() + PATIENCE;

	stopping = true;
	if (opts.adapter->silent)
		return 0;
	while (stat_count.messages < sent && sys_now() < end)
		peer_turn(0.02);
	return sent - stat_count.messages;
}

static void
report(const struct stat_span *span, uint64_t lost)
{
	double posts = (double)span->answers;

	stat_open("post");
	printf(",\"pairs\":%d,\"payload\":%zu,\"posts\":%" PRIu64 ",\"events\":%" PRIu64
	    ",\"lost\":%" PRIu64, opts.pairs, payload_size(PAYLOAD_CANDIDATE), span->answers,
	    span->messages, lost);
	printf(",\"posts_per_s\":%.0f,\"posts_per_cpu_s\":%.0f,\"cpu_us_per_post\":%.2f",
	    posts / span->seconds, stat_ratio(posts, span->server),
	    stat_ratio(span->server * 1e6, posts));
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

	if (opts.adapter->post_path == NULL)
		sys_die(SYS_EXIT_USAGE, "%s posts nothing", opts.adapter->name);
	pairs_open(&hooks);
	pairs_each(post);
	pairs_run(opts.warm);
	measuring = true;
	from = stat_take();
	pairs_run(opts.secs);
	to = stat_take();
	span = stat_between(&from, &to);
	report(&span, drain());
}

const struct mode mode_post = { .name = "post", .run = run };
