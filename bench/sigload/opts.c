/* opts - see opts.h. One row an option; a new one is a row and a member. */
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "adapter.h"
#include "mode.h"
#include "opts.h"
#include "sys.h"

struct opts opts = {
	.host = "127.0.0.1", .port = 9000, .steps = { .count = 1, .streams = { 1000 } },
	.pairs = 50, .window = 6, .conc = 64, .batch = 1, .srcips = 32, .sdp = 2000, .cand = 200, .ncand = 10,
	.rate = 10, .secs = 8, .warm = 2, .hold = 2, .key = "peerjs",
};

static void
set_integer(void *member, const char *value)
{
	*(int *)member = sys_integer(value);
}

static void
set_real(void *member, const char *value)
{
	*(double *)member = sys_real(value);
}

static void
set_text(void *member, const char *value)
{
	*(const char **)member = value;
}

static void
set_flag(void *member, const char *value)
{
	(void)value;
	*(int *)member = 1;
}

/* Splits "1,2,3"; returns how many. */
static int
split(const char *list, int *numbers, int max)
{
	char *end;
	int count = 0;

	for (;; list = end + 1) {
		if (count == max)
			sys_die(SYS_EXIT_USAGE, "too many numbers in a list, at most %d", max);
		numbers[count++] = (int)strtol(list, &end, 10);
		if (end == list || (*end && *end != ','))
			sys_die(SYS_EXIT_USAGE, "%s: a list of numbers is wanted", list);
		if (*end == '\0')
			return count;
	}
}

static void
set_roots(void *member, const char *value)
{
	struct proc_roots *roots = member;

	roots->count = split(value, roots->pids, PROC_ROOTS_MAX);
}

static void
set_steps(void *member, const char *value)
{
	struct opts_steps *steps = member;

	steps->count = split(value, steps->streams, OPTS_STEPS_MAX);
}

static void
set_adapter(void *member, const char *value)
{
	*(const struct adapter **)member = adapter_find(value);
}

static void
set_url(void *member, const char *value)
{
	struct opts *all = member;
	size_t len;

	all->base[0] = '\0';
	if (sscanf(value, "http://%63[^:/]:%d%127s", all->host, &all->port, all->base) < 2)
		sys_die(SYS_EXIT_USAGE, "%s: http://ADDRESS:PORT[/base] is wanted", value);
	len = strlen(all->base);
	if (len && all->base[len - 1] == '/')
		all->base[len - 1] = '\0';
}

static const struct option {
	const char *name, *argument;
	void (*set)(void *member, const char *value);
	size_t member;
} options[] = {
	{ "--adapter", "NAME", set_adapter, offsetof(struct opts, adapter) },
	{ "--url", "http://ADDRESS:PORT[/base]", set_url, 0 },
	{ "--pid", "ROOT[,ROOT]", set_roots, offsetof(struct opts, roots) },
	{ "--part", "ROOT[,ROOT]", set_roots, offsetof(struct opts, part) },
	{ "--n", "STREAMS[,STREAMS]", set_steps, offsetof(struct opts, steps) },
	{ "--pairs", "N", set_integer, offsetof(struct opts, pairs) },
	{ "--window", "N", set_integer, offsetof(struct opts, window) },
	{ "--conc", "N", set_integer, offsetof(struct opts, conc) },
	{ "--batch", "N", set_integer, offsetof(struct opts, batch) },
	{ "--srcips", "N", set_integer, offsetof(struct opts, srcips) },
	{ "--sdp", "BYTES", set_integer, offsetof(struct opts, sdp) },
	{ "--cand", "BYTES", set_integer, offsetof(struct opts, cand) },
	{ "--ncand", "N", set_integer, offsetof(struct opts, ncand) },
	{ "--sdplat", NULL, set_flag, offsetof(struct opts, sdplat) },
	{ "--rate", "HZ", set_real, offsetof(struct opts, rate) },
	{ "--secs", "S", set_real, offsetof(struct opts, secs) },
	{ "--warm", "S", set_real, offsetof(struct opts, warm) },
	{ "--hold", "S", set_real, offsetof(struct opts, hold) },
	{ "--heartbeat", "S", set_real, offsetof(struct opts, heartbeat) },
	{ "--label", "TEXT", set_text, offsetof(struct opts, label) },
	{ "--key", "TEXT", set_text, offsetof(struct opts, key) },
};
#define OPTIONS (sizeof options / sizeof options[0])

void
opts_usage(void)
{
	fprintf(stderr, "usage: sigload MODE --adapter NAME --url http://ADDRESS:PORT[/base]"
	    " --pid ROOT[,ROOT] [options]\n"
	    "       sigload pids|cpu|mem ROOT...\n"
	    "       sigload floor [SECONDS]\nmodes:");
	for (const struct mode *const *mode = modes; *mode; mode++)
		fprintf(stderr, " %s", (*mode)->name);
	fprintf(stderr, "\nadapters:");
	for (const struct adapter *const *adapter = adapters; *adapter; adapter++)
		fprintf(stderr, " %s", (*adapter)->name);
	fprintf(stderr, "\noptions:");
	for (size_t i = 0; i < OPTIONS; i++)
		fprintf(stderr, " %s%s%s", options[i].name, options[i].argument ? " " : "",
		    options[i].argument ? options[i].argument : "");
	fprintf(stderr, "\n");
	exit(SYS_EXIT_USAGE);
}

static const struct option *
find(const char *name)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	opts_usage();
}

void
opts_read(int argc, char **argv)
{
	const struct option *option;

	opts.mode = mode_find(argv[0]);
	for (int i = 1; i < argc; i++) {
		option = find(argv[i]);
		if (option->argument && ++i == argc)
			opts_usage();
		option->set((char *)&opts + option->member, argv[i]);
	}
	if (opts.mode == NULL || opts.adapter == NULL)
		opts_usage();
	if (opts.label == NULL)
		opts.label = opts.adapter->name;
}

void
opts_read_roots(int argc, char **argv)
{
	if (argc > PROC_ROOTS_MAX)
		opts_usage();
	for (opts.roots.count = 0; opts.roots.count < argc; opts.roots.count++)
		opts.roots.pids[opts.roots.count] = sys_integer(argv[opts.roots.count]);
}
