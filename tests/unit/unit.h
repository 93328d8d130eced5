/* unit - what every unit test includes first: cmocka, the headers it wants before it, and rows. */
#ifndef SIGPOST_UNIT_H
#define SIGPOST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "str.h"

/* A test that cannot run here says "# skipped: why" and returns: cmocka 1.1 writes its own skip()
 * as "not ok … # SKIP", which automake counts as a failure. */

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A struct str in a table. */
#define S(lit) { lit, sizeof(lit) - 1 }

/* An assertion about one row of a table: what it says is printed when it does not hold. */
#define row_assert(fact, ...) \
	do { \
		if (!(fact)) { \
			print_message("# " #fact "\n# "); \
			print_message(__VA_ARGS__); \
			print_message("\n"); \
			fail(); \
		} \
	} while (0)

/* A copy that ends where the text ends, so that a sanitizer sees one byte read too many. */
static inline struct str
tight(struct str s)
{
	char *p = malloc(s.n > 0 ? s.n : 1);

	assert_non_null(p);
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return str_make(p, s.n);
}

static inline void
loosen(struct str s)
{
	free((char *)(uintptr_t)s.p);
}

#endif
