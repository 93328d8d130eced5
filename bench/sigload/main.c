/*
 * sigload - a load generator for WebRTC signalling servers.
 *
 * One thread, one process, one run, one line of JSON. `sigload MODE ...` measures; the verbs pids,
 * cpu and mem look at a server's processes while something else makes the load; floor measures the
 * machine.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "conn.h"
#include "floor.h"
#include "mode.h"
#include "opts.h"
#include "payload.h"
#include "proc.h"
#include "sys.h"

static void
print_pids(int argc, char **argv)
{
	int pids[PROC_TREE_MAX], count;

	opts_read_roots(argc, argv);
	count = proc_tree(&opts.roots, pids, PROC_TREE_MAX);
	for (int i = 0; i < count; i++)
		printf("%d\n", pids[i]);
}

static void
print_cpu(int argc, char **argv)
{
	double user, system;

	opts_read_roots(argc, argv);
	proc_cpu(&opts.roots, &user, &system);
	printf("%.2f %.2f %.2f\n", user + system, user, system);
}

static void
print_mem(int argc, char **argv)
{
	struct proc_mem mem;

	opts_read_roots(argc, argv);
	mem = proc_mem(&opts.roots);
	printf("rss_kb %.0f pss_kb %.0f procs %d fds %d\n", mem.rss_kb, mem.pss_kb, mem.processes,
	    mem.descriptors);
}

static void
measure_floor(int argc, char **argv)
{
	floor_run(argc > 0 ? sys_real(argv[0]) : 3);
}

static const struct verb {
	const char *name;
	void (*run)(int argc, char **argv);
} verbs[] = {
	{ "pids", print_pids },
	{ "cpu", print_cpu },
	{ "mem", print_mem },
	{ "floor", measure_floor },
};

static void
measure(int argc, char **argv)
{
	opts_read(argc, argv);
	payload_init((size_t)opts.sdp, (size_t)opts.cand);
	conn_init(opts.host, opts.port, opts.srcips);
	opts.mode->run();
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		opts_usage();
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		if (strcmp(verbs[i].name, argv[1]) == 0) {
			verbs[i].run(argc - 2, argv + 2);
			return 0;
		}
	}
	measure(argc - 1, argv + 1);
	return 0;
}
