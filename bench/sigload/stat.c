/* stat - see stat.h. Samples are kept whole (4 bytes each) and sorted once, at the end. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapter.h"
#include "opts.h"
#include "proc.h"
#include "stat.h"
#include "sys.h"

struct stat_count stat_count;

static uint32_t *samples;
static size_t sample_count, sample_room;

struct stat_snap
stat_take(void)
{
	struct stat_snap snap = { .count = stat_count };

	proc_cpu(&opts.roots, &snap.server_user, &snap.server_system);
	snap.self = proc_self_cpu();
	snap.machine = proc_machine_cpu();
	snap.time = sys_now();
	return snap;
}

struct stat_span
stat_between(const struct stat_snap *from, const struct stat_snap *to)
{
	struct stat_span span = {
		.seconds = to->time - from->time,
		.server_user = to->server_user - from->server_user,
		.server_system = to->server_system - from->server_system,
		.self = to->self - from->self,
		.machine = to->machine - from->machine,
		.messages = to->count.messages - from->count.messages,
		.bytes = to->count.bytes - from->count.bytes,
		.answers = to->count.answers - from->count.answers,
		.connections = to->count.connections - from->count.connections,
		.received = to->count.received - from->count.received,
	};

	span.server = span.server_user + span.server_system;
	return span;
}

void
stat_sample(uint64_t nanoseconds)
{
	if (sample_count == sample_room) {
		sample_room = sample_room ? sample_room * 2 : 65536;
		samples = sys_resize(samples, sample_room * sizeof *samples);
	}
	samples[sample_count++] = nanoseconds > UINT32_MAX ? UINT32_MAX : (uint32_t)nanoseconds;
}

static int
ascending(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return a < b ? -1 : a > b;
}

void
stat_forget(void)
{
	sample_count = 0;
}

void
stat_sort(void)
{
	if (sample_count)
		qsort(samples, sample_count, sizeof *samples, ascending);
}

double
stat_percentile(double q)
{
	size_t at = (size_t)(q * (double)sample_count);

	if (sample_count == 0)
		return 0;
	return samples[at < sample_count ? at : sample_count - 1] / 1e6;
}

void
stat_open(const char *mode)
{
	printf("{\"label\":\"%s\",\"adapter\":\"%s\",\"mode\":\"%s\"", opts.label,
	    opts.adapter->name, mode);
}

void
stat_print_samples(void)
{
	stat_sort();
	printf(",\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"samples\":%zu",
	    stat_percentile(.5), stat_percentile(.9), stat_percentile(.99), stat_percentile(1),
	    sample_count);
}

void
stat_print_cpu(const struct stat_span *span)
{
	double wall = span->seconds;

	printf(",\"secs\":%.3f,\"srv_cpu_s\":%.2f,\"srv_user_s\":%.2f,\"srv_sys_s\":%.2f", wall,
	    span->server, span->server_user, span->server_system);
	printf(",\"srv_cpu_share\":%.3f,\"gen_cpu_share\":%.3f,\"other_cpu\":%.3f",
	    span->server / wall, span->self / wall,
	    (span->machine - span->server - span->self) / wall);
}

void
stat_print_errors(void)
{
	printf(",\"errors\":%" PRIu64 ",\"fails\":%" PRIu64 ",\"disorder\":%" PRIu64
	    ",\"short\":%" PRIu64, stat_count.errors, stat_count.fails, stat_count.disorder,
	    stat_count.truncated);
}

void
stat_close(void)
{
	printf("}\n");
	fflush(stdout);
}

double
stat_ratio(double amount, double per)
{
	return per > 0 ? amount / per : 0;
}
