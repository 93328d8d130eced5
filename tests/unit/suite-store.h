/*
 * suite-store - what every store engine must do (src/store.h), as cmocka tests.
 *
 * An engine's test program says how to open a fresh store and further connections to it;
 * suite_store() then adds its tests to the program's list.
 */
#ifndef SIGPOST_SUITE_STORE_H
#define SIGPOST_SUITE_STORE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "err.h"
#include "store.h"

#define T0	1700000000000LL		/* when every test begins */
#define HOUR	3600000LL
#define AWAY_MS	30000

struct suite_engine {
	const char	*name;		/* comes before the names of the tests */
	/* An empty store. conf->path, create and wal are the engine's business. */
	struct store	*(*fresh)(const struct suite_engine *e, const struct store_conf *conf);
	/* Another connection to the last fresh one, with the same limits. */
	struct store	*(*again)(const struct suite_engine *e);
	/* Checks and closes (NULL: nothing). */
	void		(*done)(const struct suite_engine *e, struct store *s);
	/* Removes what the last fresh one left. */
	void		(*clean)(const struct suite_engine *e);
	bool		 wal;
};

struct suite {			/* *state of a test */
	const struct suite_engine *e;
	struct store	*a, *b;	/* b is NULL until suite_second() */
};

/* Appends the suite's tests for e to list (room for max); returns how many. */
size_t	suite_store(const struct suite_engine *e, struct CMUnitTest *list, size_t max);

/* ---- for the tests ---- */

#define ok(call)		suite_want((call), 0, #call, __FILE__, __LINE__)
#define fails(call, err)	suite_want((call), -(err), #call, __FILE__, __LINE__)

void	suite_want(int got, int want, const char *call, const char *file, int line);

/* a again, empty, with other limits (0: the usual ones) */
void	suite_limits(struct suite *t, uint32_t rows, uint32_t bytes);
struct store	*suite_second(struct suite *t);

/* A box in realm "r" whose token and handle are made of n. Inside a turn. */
int64_t	suite_box(struct store *s, int n);
const unsigned char	*suite_hash(int n);	/* 32 bytes; good until the next but three */
struct box	suite_look(struct store *s, int64_t id);

/* Adds a row of n bytes that is due at `due`, taken 0; its seq. Inside a turn. */
int64_t	suite_put(struct store *s, int64_t box, int64_t due, size_t n);
/* How many rows the box has, and the seq of the first in *first (may be NULL). */
int	suite_rows(struct store *s, int64_t box, int64_t *first);

/* A turn that sweeps at now and mono (boot "b1", 1000 rows); sw gets the answers. */
void	suite_sweep(struct store *s, int64_t now, int64_t mono, struct sweep *sw);

/* The same where time passes as it should: mono runs along with now, 1000 at T0. */
struct sweep	suite_sweep_at(struct store *s, int64_t now);

extern const struct CMUnitTest suite_turn_tests[], suite_box_tests[], suite_msg_tests[],
    suite_time_tests[],
    suite_clock_tests[], suite_key_tests[], suite_owed_tests[], suite_seq_tests[], suite_read_tests[],
    suite_claim_tests[];

#endif
