/*
 * cmd-db - the database as the verbs see it: looked at, not worked with.
 *
 * What is there is opened without being changed: its journal stays what it is, whatever the
 * settings say, and no file is made. (A schema of an older version is migrated by whoever
 * opens it, and a copied file gets a new epoch; both are the store's, not ours to prevent.)
 */
#ifndef SIGPOST_CMD_DB_H
#define SIGPOST_CMD_DB_H

#include "conf.h"
#include "store.h"

#define CMD_DB_WAIT_MS	2000	/* for a lock */

/* make: file and schema, if absent, as a server would make them. Errors and *why as
 * store_sqlite_open. */
int	cmd_db_open(const struct conf *c, bool make, struct store **out, const char **why);

/* store_stat as of now. -ERR_BUSY after CMD_DB_WAIT_MS. */
/* Begins a turn; waits for other processes as long as cmd_db_stat does. */
int	cmd_db_begin(struct store *s);
int	cmd_db_stat(struct store *s, struct store_stat *out);

/* The directory of the database, "." if its path names none; into out[CONF_STR_MAX]. */
void	cmd_db_directory(const struct conf *c, char *out);

#endif
