/*
 * peer - see peer.h. A message names its sender by pair and side; a direct-mapped table finds it,
 * which is exact as long as live pair numbers are consecutive.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "adapter.h"
#include "conn.h"
#include "opts.h"
#include "peer.h"
#include "stat.h"
#include "sys.h"

#define FAILURES_SHOWN 5

static const struct peer_hooks *hooks;
static struct peer **table;
static uint32_t table_mask;
static uint32_t run_id;		/* keeps ids of two runs apart */
static struct peer *over;

void
peer_init(int pairs, const struct peer_hooks *mode_hooks)
{
	uint32_t size = 1;

	while (size < 4u * (uint32_t)pairs)
		size *= 2;
	table = sys_alloc(size, sizeof *table);
	table_mask = size - 1;
	hooks = mode_hooks;
	run_id = (uint32_t)getpid() ^ (uint32_t)(sys_now_ns() >> 20);
}

static struct peer **
slot(uint32_t pair, int side)
{
	return &table[(pair * 2 + (uint32_t)side) & table_mask];
}

static struct peer *
find(uint32_t pair, int side)
{
	struct peer *peer = *slot(pair, side);

	return peer && peer->pair == (int)pair && peer->side == side ? peer : NULL;
}

struct peer *
peer_new(int pair, int side)
{
	struct peer *peer = sys_alloc(1, sizeof *peer);

	peer->pair = pair;
	peer->side = side;
	peer->other = peer;
	snprintf(peer->id, sizeof peer->id, "lg%08x-%08x-%d-aaaaaaaaaaaaaaa", run_id,
	    (unsigned)pair, side);
	snprintf(peer->token, sizeof peer->token, "t%07x%d", (unsigned)pair & 0xfffffff, side);
	*slot((uint32_t)pair, side) = peer;
	return peer;
}

struct peer *
peer_new_pair(int pair)
{
	struct peer *callee = peer_new(pair, 0), *caller = peer_new(pair, 1);

	callee->other = caller;
	caller->other = callee;
	return callee;
}

void
peer_open(struct peer *peer)
{
	opts.adapter->open(peer);
}

void
peer_send(struct peer *peer, enum payload_kind kind)
{
	struct payload_mark mark = {
		.kind = kind, .pair = (uint32_t)peer->pair, .side = peer->side,
		.seq = peer->seq++, .sent_ns = sys_now_ns(),
	};

	opts.adapter->send(peer, kind, payload_stamp(&mark), payload_size(kind));
}

void
peer_end(struct peer *peer)
{
	struct peer **place = slot((uint32_t)peer->pair, peer->side);

	if (*place == peer)
		*place = NULL;
	opts.adapter->close(peer);
	peer->over = true;
	peer->next_over = over;
	over = peer;
}

static void
reap(void)
{
	struct peer *peer;

	while ((peer = over) != NULL) {
		over = peer->next_over;
		free(peer);
	}
}

void
peer_turn(double seconds)
{
	link_flush_held();
	conn_poll(seconds);
	link_flush_held();
	reap();
}

void
peer_ready(struct peer *peer)
{
	if (peer->ready)
		return;
	peer->ready = true;
	if (hooks->ready)
		hooks->ready(peer);
}

void
peer_fail(struct peer *peer, const char *why)
{
	if (peer->over)
		return;
	if (stat_count.fails++ < FAILURES_SHOWN)
		fprintf(stderr, "peer %s: %s\n", peer->id, why);
	if (hooks->failed)
		hooks->failed(peer);
}

/* Books one message and tells the mode. */
static void
deliver(struct peer *to, struct peer *from, const struct payload_mark *mark)
{
	stat_count.messages++;
	stat_count.bytes += payload_size(mark->kind);
	if (to->expected_seq != mark->seq)
		stat_count.disorder++;
	to->expected_seq = mark->seq + 1;
	hooks->message(to, from, mark);
}

void
peer_receive(struct peer *peer, const char *bytes, size_t len)
{
	const char *end = bytes + len;
	struct payload_mark mark;
	struct peer *from;

	while (!peer->over && (bytes = payload_find(bytes, end, &mark)) != NULL) {
		if (len < payload_size(mark.kind))
			stat_count.truncated++;
		from = find(mark.pair, mark.side);
		if (from && from->other == peer)
			deliver(peer, from, &mark);
		else
			stat_count.errors++;
	}
}

void
peer_posted(struct peer *peer)
{
	if (hooks->posted)
		hooks->posted(peer);
}
