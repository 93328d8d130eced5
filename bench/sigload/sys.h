/*
 * sys - time, memory and the end.
 *
 * A load generator serves one measurement and has nobody to hand an error to but the person who
 * started it. What makes a figure worthless therefore ends the process with a sentence on
 * stderr; nothing here ever returns a failure.
 */
#ifndef SIGLOAD_SYS_H
#define SIGLOAD_SYS_H

#include <stddef.h>
#include <stdint.h>

#define SYS_NS 1000000000ull	/* nanoseconds in a second */

enum sys_exit {
	SYS_EXIT_FAILED = 1,	/* the machine refused something */
	SYS_EXIT_USAGE = 2,	/* the command line makes no sense */
	SYS_EXIT_SERVER = 3,	/* the measured server did not get ready */
};

/* CLOCK_MONOTONIC, in nanoseconds and in seconds. */
uint64_t sys_now_ns(void);
double sys_now(void);

/* Zeroed memory, never NULL; the caller frees it. */
void *sys_alloc(size_t count, size_t size);

/* realloc that never fails. */
void *sys_resize(void *memory, size_t size);

/* Reads a whole number, or a decimal one, neither negative; anything else is a usage error. */
int sys_integer(const char *text);
double sys_real(const char *text);

/* Prints the sentence and exits. */
_Noreturn void sys_die(enum sys_exit code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
