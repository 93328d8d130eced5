/*
 * couriers - children that run the courier as a web server starts it, under the environment of this process.
 */
#ifndef SIGPOST_TESTS_COURIERS_H
#define SIGPOST_TESTS_COURIERS_H

#include <sys/types.h>

#define PATIENCE_MS	10000	/* after which they are ended */

struct child {
	pid_t	pid;
	int	out;		/* its fd 1 */
};

struct child	start(void);

/* How it ended: 0 done, 1 alone, -1 killed. text (of 64): what came out of its fd 1. */
int		finish(struct child *c, char *text);

#define assert_ends(c, how, said) \
	do { \
		char text_[64]; \
		assert_int_equal(finish(c, text_), how); \
		assert_string_equal(text_, said); \
	} while (0)

#endif
