/*
 * transcript - what the codec says of some bytes, in words, a space after each. For tests.
 *
 *	begin(1) begin(1,keep)	A=B	vars	body(text)	whole	refused(toobig)	abort
 *	paused (and then told to go on)	error(bad) (and nothing more is read)
 *
 * and its answers as records_tell words them. Bytes of the body that come in several pieces are
 * one word, so the transcript does not depend on how the bytes were cut up.
 */
#ifndef SIGPOST_TESTS_TRANSCRIPT_H
#define SIGPOST_TESTS_TRANSCRIPT_H

#include "buf.h"
#include "fcgi.h"

struct transcript {
	struct fcgi	 fcgi;
	struct fcgi_user user;
	struct buf	 words;
	bool		 at_once;	/* a whole request is answered in the callback */
	bool		 in_body, over;
	int		 begin_fails, vars_fails, body_fails;	/* what these callbacks return */
	const char	*var_fails;	/* the name of a variable that is refused; NULL: none */
};

void		transcript_init(struct transcript *t, uint32_t max_vars);
void		transcript_release(struct transcript *t);
void		transcript_hear(struct transcript *t, struct str bytes);
/* In pieces: one of `first` bytes, then each of `then`, each in a block of its own, so that a
 * sanitizer sees where it ends. */
void		transcript_hear_in(struct transcript *t, struct str bytes, size_t first,
		    size_t then);
const char	*transcript_words(struct transcript *t);	/* NUL-terminated */

#endif
