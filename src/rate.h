/*
 * rate - how often and how many at once: limits that hold for all processes on a database.
 *
 * One file beside the database, <db>.rate, is mapped by every process that serves. It holds two tables of
 * fixed size, each slot of which is one 64-bit word that is changed by compare-and-swap: no lock, no write to
 * the store, no wait. A process that is killed leaves no slot half written, and no content, garbage included,
 * does more harm than to let somebody through too early or to refuse somebody for a moment.
 *
 *	buckets		tokens, by key. A word has a part of the key and the time at which the bucket is full
 *			again (GCRA); a bucket that is full is a free slot.
 *	sessions	how many are open, by key and process. What a process had open counts for nothing once
 *			it is dead: each holds a lock on a byte of the file, which the kernel takes back.
 *
 * Keys are numbers made by a keyed hash (SipHash-2-4) of whatever is limited: the file holds no addresses. Where more
 * is limited at a time than the tables have room for, what is nearest to full is forgotten: too little is
 * refused then, never too much.
 *
 * Where the file cannot be made or mapped, the tables are this process's own (rate_why).
 * Times are CLOCK_MONOTONIC microseconds, which is one clock for all processes of a machine.
 */
#ifndef SIGPOST_RATE_H
#define SIGPOST_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "str.h"

#define RATE_SUFFIX	".rate"
#define RATE_SECRET	16	/* bytes */
#define RATE_COUNT_MAX	1000000	/* of rate_limit.burst */

struct rate_limit {
	uint64_t	 each_us;	/* a token every so many microseconds; at least 1 */
	uint32_t	 burst;		/* tokens of a full bucket; 1 to RATE_COUNT_MAX, burst * each_us < 2^42 */
};

struct rate_map;

struct rate {
	struct rate_map	*map;		/* never NULL between init and release */
	char		*path;
	const char	*why;		/* why the tables are not shared; NULL: they are */
	int		 fd;		/* -1: not shared */
	unsigned	 owner;		/* our number among those that hold sessions; 0: none yet */
	uint64_t	 secret[2];
};

/* Maps the file of the database at this path, making it if need be. -ERR_NOMEM: not even memory of our own is to be had. */
int	rate_init(struct rate *r, const char *db);
void	rate_release(struct rate *r);	/* what we had open counts no more; all zero is fine */

/* Looks, and makes nothing: why the file of this database could not be shared; NULL: it could, or is not there yet. Not for a
 * process that serves: its locks would go. */
const char *rate_problem(const char *db);

/* Keys are made with this from now on: the database's own, the same in all processes. */
void	rate_secret(struct rate *r, const unsigned char secret[RATE_SECRET]);

/* A key for these bytes: use tells kinds of things apart ('a', an address; 'k', an API key). Never 0. About 20 ns. */
uint64_t rate_key(const struct rate *r, char use, struct str bytes);

/* n tokens for key. 0: they were taken. Else none was; the microseconds after which they will be there. n above
 * the burst is taken for the burst. About 20 ns. */
int64_t	rate_take(struct rate *r, uint64_t key, const struct rate_limit *limit, uint32_t n, int64_t now);

/* One more session for key, unless all processes together have `most`. Each one that was let in MUST be
 * taken back with rate_leave, by the same process. */
bool	rate_enter(struct rate *r, uint64_t key, uint32_t most);
void	rate_leave(struct rate *r, uint64_t key);
/* How many all processes have, those that died not counted. */
uint32_t rate_sessions(struct rate *r, uint64_t key);
/* One more, whatever there is: one that was let in before, after rate_look has said so. */
void	rate_enter_again(struct rate *r, uint64_t key);

/*
 * Now and then: is the file at the path still the one that is mapped, and whole? If not, it is made and mapped
 * anew. true: our sessions are to be entered again, all of them.
 */
bool	rate_look(struct rate *r);

/* Now and then: forgets what this process has open, which is then to be entered again, all of it. So what was counted wrong
 * for whatever reason is so for a while only. About 0.1 ms. */
void	rate_recount(struct rate *r);

/* ---- between rate.c and rate-file.c ---- */

#define RATE_WAYS	8	/* slots a key may be in: one line of the processor's cache */
#define RATE_BUCKETS	65536
#define RATE_SESSIONS	131072
#define RATE_OWNERS	255

struct rate_map {
	_Atomic uint64_t head[512];	/* 4096 bytes: the first says what this is; the owners' locks are on it */
	_Atomic uint64_t buckets[RATE_BUCKETS];
	_Atomic uint64_t sessions[RATE_SESSIONS];
};

bool	rate_owner_dead(const struct rate *r, unsigned owner);
/* The smallest number nobody has, ours from now on, its old sessions cleared; 0: all are in use. */
unsigned rate_own(struct rate *r);

#endif
