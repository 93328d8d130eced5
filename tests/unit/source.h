/*
 * source - a sigver client on a fake hub: its stream down, its token, what it says and hears.
 *
 * `at` may be set to another hub to speak there; the stream stays where it was opened.
 */
#ifndef SIGPOST_TESTS_SOURCE_H
#define SIGPOST_TESTS_SOURCE_H

#include "fake.h"

#define D "/sigver"		/* generation D (and B) */
#define E "/sigver/opened"	/* generation E */

struct source {
	struct fake	*at;
	struct fake_conn *down;
	char		 auth[64];
	const char	*uri;
};

struct source open_source(struct fake *at, const char *uri);
struct fake_conn *post(const struct source *s, const char *json);	/* the caller frees it */
int	say(const struct source *s, const char *json);			/* the status; 0: none yet */
void	hear(const struct source *s, int nth, const char *want);
void	hear_no_more(const struct source *s, int nth);
/* Its stream is cut off; what it would name when it comes back goes into id (may be NULL). */
void	lose(struct source *s, char *id, size_t size);
void	resume(struct source *s, const char *id);	/* a new stream at s->at */
void	leave(struct source *s);			/* and forgets the stream */

#endif
