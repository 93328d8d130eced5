/*
 * mode - what is measured in one run.
 *
 * A mode opens peers, lets them talk and prints one JSON object. A new one is a file mode-X.c and
 * a row in mode.c.
 */
#ifndef SIGLOAD_MODE_H
#define SIGLOAD_MODE_H

#include <stdbool.h>

struct mode {
	const char *name;
	void (*run)(void);
	bool caller_first;	/* the callee says nothing before it has heard the caller */
};

/* One a file mode-X.c; each file says what it does. */
extern const struct mode mode_idle, mode_lat, mode_tput, mode_hs, mode_post, mode_peers;

/* All of them, NULL at the end. */
extern const struct mode *const modes[];

/* NULL when there is none of that name. */
const struct mode *mode_find(const char *name);

#endif
