/*
 * proc - CPU and memory of a server, which is the whole tree of processes below the given ones.
 *
 * CPU includes children that have ended and were waited for, so CGI is counted. Everything is
 * read from /proc; CPU is exact to a clock tick (10 ms).
 */
#ifndef SIGLOAD_PROC_H
#define SIGLOAD_PROC_H

#define PROC_ROOTS_MAX 64
#define PROC_TREE_MAX 4096

struct proc_roots {
	int count;
	int pids[PROC_ROOTS_MAX];
};

/* Fills `pids` with the roots and all their descendants, each once; returns how many. */
int proc_tree(const struct proc_roots *roots, int *pids, int max);

/* CPU seconds of the tree. */
void proc_cpu(const struct proc_roots *roots, double *user, double *system);

struct proc_mem {
	double rss_kb, pss_kb;
	int processes, descriptors;
};
struct proc_mem proc_mem(const struct proc_roots *roots);

/* CPU seconds of this process, and of the whole machine since it was started. */
double proc_self_cpu(void);
double proc_machine_cpu(void);

#endif
