/*
 * stat - what was counted and how it is printed.
 *
 * The result of a run is one JSON object on one line of stdout. A mode opens it (stat_open),
 * prints members of its own, has the shared groups printed and closes it.
 *
 * CPU figures cover the whole tree of server processes (proc.h); `other_cpu` is what anybody
 * else on the machine used, in cores: above 0.15 the run says little about wall-clock time.
 */
#ifndef SIGLOAD_STAT_H
#define SIGLOAD_STAT_H

#include <stdint.h>

/* Raised anywhere, printed by stat_print_errors (all but the last five). */
struct stat_count {
	uint64_t errors;	/* unexpected bytes or statuses */
	uint64_t fails;		/* peers that broke */
	uint64_t disorder;	/* messages out of order */
	uint64_t truncated;	/* messages shorter than they were sent; printed as "short" */
	uint64_t messages;	/* received by the right peer */
	uint64_t bytes;		/* their payloads */
	uint64_t answers;	/* POSTs answered 2xx */
	uint64_t connections;	/* opened */
	uint64_t received;	/* bytes of every kind */
};
extern struct stat_count stat_count;

/* Everything that runs on, at one moment. */
struct stat_snap {
	double time;				/* seconds, monotonic */
	double server_user, server_system;	/* CPU seconds of the server's tree */
	double self, machine;			/* CPU seconds of ours and of everybody */
	struct stat_count count;
};
struct stat_snap stat_take(void);

/* What happened from one moment to a later one. */
struct stat_span {
	double seconds, server_user, server_system, server, self, machine;
	uint64_t messages, bytes, answers, connections, received;
};
struct stat_span stat_between(const struct stat_snap *from, const struct stat_snap *to);

/* Samples are durations in nanoseconds; those above 4.29 s count as 4.29 s. */
void stat_sample(uint64_t nanoseconds);

/* Drops all samples taken so far; sorts them, which stat_percentile needs. */
void stat_forget(void);
void stat_sort(void);

/* Milliseconds not exceeded by the fraction `q` of all samples; 0 without samples. Sort first. */
double stat_percentile(double q);

void stat_open(const char *mode);
void stat_print_samples(void);
void stat_print_cpu(const struct stat_span *span);
void stat_print_errors(void);
void stat_close(void);

/* amount / per, or 0 where there is nothing to divide by. */
double stat_ratio(double amount, double per);

#endif
