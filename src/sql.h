/*
 * sql - the statements of sql/store.sql and the schema of sql/schema.sql, compiled in.
 *
 * Statements are named by enum sql, scripts (several statements run together) by enum
 * sql_script. Nothing else in the program contains SQL. The rows come from sql/compile.awk.
 */
#ifndef SIGPOST_SQL_H
#define SIGPOST_SQL_H

#include <stddef.h>
#include <sqlite3.h>

#define SQL_MAGIC	0x73696770	/* "sigp": tells our files from other people's */

enum sql {
#define SQL(name, text_name, text, scan)	SQL_##name,
#define SQL_SCRIPT(name, text)
#define SQL_SCHEMA(version, text)
#include "sql.inc"
#undef SQL
#undef SQL_SCRIPT
	SQL__MAX
};

enum sql_script {
#define SQL(name, text_name, text, scan)
#define SQL_SCRIPT(name, text)			SQL_SCRIPT_##name,
#include "sql.inc"
#undef SQL
#undef SQL_SCRIPT
#undef SQL_SCHEMA
	SQL_SCRIPT__MAX
};

struct sql_row {
	const char	*name;		/* as in store.sql */
	const char	*text;
	const char	*scan;		/* why it may scan or sort; NULL: it must not */
};

const struct sql_row	*sql_row(enum sql id);
const char		*sql_script(enum sql_script id);

/* The steps of the schema: steps[n] leads from version n to n + 1; *versions is their number, the
 * version this program writes. */
const char *const	*sql_schema(int *versions);

/*
 * Takes a database from version `from` to `to`, inside the caller's transaction, and stamps it
 * (user_version, application_id). An SQLite result code; not SQLITE_OK: the caller rolls back.
 */
int	sql_migrate(sqlite3 *db, const char *const *steps, int from, int to);

/*
 * Asks EXPLAIN QUERY PLAN. 0, or -ERR_BAD if the statement scans a table or sorts without a reason
 * in the SQL, or -ERR_INTERNAL if it cannot be prepared. `plan` gets the offending line.
 */
int	sql_check(sqlite3 *db, const struct sql_row *row, char *plan, size_t size);

#endif
