/*
 * sse - reads an event stream (WHATWG HTML, "Server-sent events"), bytes in, events out.
 *
 * Only what a signalling client needs: `data` and `event`. Other fields and comments are
 * skipped.
 */
#ifndef SIGLOAD_SSE_H
#define SIGLOAD_SSE_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

struct sse {
	struct buf line, data;
	char event[16];		/* name of the event being read; "" is the default one */
};

/*
 * Called for each event, with its name and data (borrowed). It may release the struct sse; it
 * then MUST return false, and reading stops.
 */
typedef bool sse_event(void *arg, const char *event, const char *data, size_t len);

void sse_feed(struct sse *sse, const char *bytes, size_t len, sse_event *call, void *arg);

void sse_release(struct sse *sse);

#endif
