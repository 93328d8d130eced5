/* test-store-sqlite - what the two parts of the SQLite engine's tests share. */
#ifndef SIGPOST_TEST_STORE_SQLITE_H
#define SIGPOST_TEST_STORE_SQLITE_H

#include "suite-store.h"
#include "store-sqlite.h"

/* A directory of its own for each test; path is of the database in it. */
struct place {
	char	dir[64], path[96];
};

extern struct place place;

int	place_make(void **state);
int	place_remove(void **state);

/* Opens place.path, making it; the limits are generous. */
struct store	*place_open(bool wal);
/* The same with a conf of one's own; *why may be NULL. */
int	place_try(struct store_conf conf, struct store **out, const char **why);
struct store_conf	place_conf(bool wal);

/* Runs SQL on place.path by a connection of its own. */
void	place_run(const char *sql);
int64_t	place_file_size(const char *suffix);	/* of path + suffix; -1: no such file */

extern const struct CMUnitTest sqlite_file_tests[], sqlite_engine_tests[], sqlite_wal_tests[],
    sqlite_old_tests[];

#endif
