/* sys - see sys.h. The only place that calls exit() for a failure. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sys.h"

uint64_t
sys_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SYS_NS + (uint64_t)now.tv_nsec;
}

double
sys_now(void)
{
	return (double)sys_now_ns() / 1e9;
}

void *
sys_alloc(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (memory == NULL)
		sys_die(SYS_EXIT_FAILED, "out of memory");
	return memory;
}

void *
sys_resize(void *memory, size_t size)
{
	memory = realloc(memory, size);
	if (memory == NULL)
		sys_die(SYS_EXIT_FAILED, "out of memory");
	return memory;
}

int
sys_integer(const char *text)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < 0 || value > INT_MAX)
		sys_die(SYS_EXIT_USAGE, "%s: a whole number is wanted", text);
	return (int)value;
}

double
sys_real(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= 0))
		sys_die(SYS_EXIT_USAGE, "%s: a number is wanted", text);
	return value;
}

void
sys_die(enum sys_exit code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("sigload: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(code);
}
