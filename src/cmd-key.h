/*
 * cmd-key - what the files of `sigpost key` tell each other.
 *
 *	cmd-key.c	the verbs and the command line
 *	cmd-key-value.c	what is said of a key: limits, times, origins
 *	cmd-key-show.c	tables for people, JSON for programs
 */
#ifndef SIGPOST_CMD_KEY_H
#define SIGPOST_CMD_KEY_H

#include "store.h"

struct key_wish {		/* what the command line says; NULL: nothing */
	const char	*name, *new_name;
	const char	*discovery, *peers, *rate, *burst, *origins, *expires, *keep;
	bool		 json, force;
};

/* ---- cmd-key-value.c ---- */

/* NULL and *k changed as the options say; or what is wrong: a sentence without a full stop. now: CLOCK_REALTIME ms. */
const char	*key_apply(const struct key_wish *w, int64_t now, struct realm_key *k);

/* "30d": so many milliseconds (s, m, h, d, w). NULL, or what is wrong. */
const char	*key_duration(const char *text, int64_t *ms);

/* ---- cmd-key-show.c ---- */

#define KEY_TIME	32	/* bytes of "2027-01-31T00:00:00Z" */
void		 key_time(int64_t ms, char out[KEY_TIME]);
const char	*key_state(const struct realm_key *k, int64_t now);	/* "on", "off", "expired" */

int	key_show_list(struct store *s, int64_t now, bool json);		/* 0, -err */
/* old: the key it was rotated from; NULL: none. */
void	key_show_one(const struct realm_key *k, int64_t now, bool json, const char *old);

#endif
