/* courier-private - what the files of the courier share. */
#ifndef SIGPOST_COURIER_PRIVATE_H
#define SIGPOST_COURIER_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

/* The first n bytes of a, then b, into out; a may be out. -1: they do not fit. */
int	courier_join(char *out, size_t size, const char *a, size_t n, const char *b);

/* Sets SIGPOST_BIN and SIGPOST_CONFIG of a copy that was only unpacked, and finds a place for its database if it has
 * none. false: there is none, and the client was told. */
bool	courier_at_home(void);

#endif
