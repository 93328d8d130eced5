/* proc - see proc.h. Costs one pass over /proc a call, so nobody calls it while it matters. */
#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proc.h"

#define MACHINE_MAX 32768	/* processes looked at */

struct process {
	int pid, parent;
	unsigned long user, system;	/* clock ticks, reaped children included */
};

/* Fields 4 and 14 to 17 of proc(5)'s stat, which follow a name that may hold anything. */
static bool
parse(const char *line, struct process *process)
{
	unsigned long user, system;
	long child_user, child_system;
	const char *rest = strrchr(line, ')');

	if (rest == NULL)
		return false;
	if (sscanf(rest + 2, "%*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld",
	    &process->parent, &user, &system, &child_user, &child_system) != 5)
		return false;
	process->user = user + (unsigned long)child_user;
	process->system = system + (unsigned long)child_system;
	return true;
}

/* False when the process is gone. */
static bool
look(int pid, struct process *process)
{
	char path[64], line[1024];
	FILE *file;
	size_t len;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (file == NULL)
		return false;
	len = fread(line, 1, sizeof line - 1, file);
	fclose(file);
	line[len] = '\0';
	process->pid = pid;
	return parse(line, process);
}

static int
look_all(struct process *all, int max)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	if (dir == NULL)
		return 0;
	while (count < max && (entry = readdir(dir)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]))
			count += look((int)strtol(entry->d_name, NULL, 10), &all[count]);
	closedir(dir);
	return count;
}

/* Appends a pid that is not there yet; returns the new count. */
static int
add(int *pids, int count, int max, int pid)
{
	if (count == max)
		return count;
	for (int i = 0; i < count; i++)
		if (pids[i] == pid)
			return count;
	pids[count] = pid;
	return count + 1;
}

int
proc_tree(const struct proc_roots *roots, int *pids, int max)
{
	static struct process all[MACHINE_MAX];
	int machine = look_all(all, MACHINE_MAX), count = 0;

	for (int i = 0; i < roots->count; i++)
		count = add(pids, count, max, roots->pids[i]);
	for (int i = 0; i < count; i++)
		for (int j = 0; j < machine; j++)
			if (all[j].parent == pids[i])
				count = add(pids, count, max, all[j].pid);
	return count;
}

void
proc_cpu(const struct proc_roots *roots, double *user, double *system)
{
	int pids[PROC_TREE_MAX], count = proc_tree(roots, pids, PROC_TREE_MAX);
	double ticks = (double)sysconf(_SC_CLK_TCK);
	struct process process;

	*user = *system = 0;
	for (int i = 0; i < count; i++) {
		if (!look(pids[i], &process))
			continue;
		*user += (double)process.user / ticks;
		*system += (double)process.system / ticks;
	}
}

/* The number behind `name` in a /proc file of "Name: number kB" lines; 0 when there is none. */
static double
read_kb(int pid, const char *file_name, const char *name)
{
	char path[64], line[256];
	double value = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/%s", pid, file_name);
	file = fopen(path, "r");
	if (file == NULL)
		return 0;
	while (fgets(line, sizeof line, file))
		if (strncmp(line, name, strlen(name)) == 0)
			value += strtod(line + strlen(name), NULL);
	fclose(file);
	return value;
}

static int
count_descriptors(int pid)
{
	char path[64];
	int count = -2;		/* "." and ".." */
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%d/fd", pid);
	dir = opendir(path);
	if (dir == NULL)
		return 0;
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

struct proc_mem
proc_mem(const struct proc_roots *roots)
{
	int pids[PROC_TREE_MAX];
	struct proc_mem mem = { .processes = proc_tree(roots, pids, PROC_TREE_MAX) };

	for (int i = 0; i < mem.processes; i++) {
		mem.rss_kb += read_kb(pids[i], "status", "VmRSS:");
		mem.pss_kb += read_kb(pids[i], "smaps_rollup", "Pss:");
		mem.descriptors += count_descriptors(pids[i]);
	}
	return mem;
}

double
proc_self_cpu(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	    (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* user, nice, system, irq, softirq, steal of proc(5)'s stat: all that is not idle or waiting. */
double
proc_machine_cpu(void)
{
	unsigned long part[6] = { 0 }, sum = 0;
	FILE *file = fopen("/proc/stat", "r");
	int got;

	if (file == NULL)
		return 0;
	got = fscanf(file, "cpu %lu %lu %lu %*u %*u %lu %lu %lu", &part[0], &part[1], &part[2],
	    &part[3], &part[4], &part[5]);
	fclose(file);
	for (int i = 0; i < got; i++)
		sum += part[i];
	return (double)sum / (double)sysconf(_SC_CLK_TCK);
}
