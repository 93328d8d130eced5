/*
 * roster - of whom the streams of a fake hub are told, and peers with many names.
 */
#ifndef SIGPOST_TESTS_ROSTER_H
#define SIGPOST_TESTS_ROSTER_H

#include "node.h"

#define MANY	900		/* names whose events fill a stream */

/* Every name it was told since the last time, a blank after each; good until the next. *n: how many. */
const char	*roster_told(struct fake_conn *c, int *n);
void		 roster_is_told(struct fake_conn *c, const char *want);
int		 roster_count(struct fake_conn *c);

/* Some time after which what is soon has been. */
void		 roster_soon(struct fake *at);

/* The peer joins n more: /PREFIX000 and so on, with so many digits. */
void		 roster_join(struct fake *at, const char *addr, const char *prefix, int n, int digits);

#endif
