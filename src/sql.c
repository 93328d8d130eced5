/* sql - the compiled-in table, the way from one schema version to the next, the plan check. */
#include "config.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "err.h"
#include "sql.h"

static const struct sql_row rows[SQL__MAX] = {
#define SQL(name, text_name, text, scan)	[SQL_##name] = { text_name, text, scan },
#define SQL_SCRIPT(name, text)
#define SQL_SCHEMA(version, text)
#include "sql.inc"
#undef SQL
#undef SQL_SCRIPT
#undef SQL_SCHEMA
};

static const char *const scripts[SQL_SCRIPT__MAX] = {
#define SQL(name, text_name, text, scan)
#define SQL_SCRIPT(name, text)			[SQL_SCRIPT_##name] = text,
#define SQL_SCHEMA(version, text)
#include "sql.inc"
#undef SQL_SCRIPT
#undef SQL_SCHEMA
};

static const char *const schema[] = {
#define SQL_SCRIPT(name, text)
#define SQL_SCHEMA(version, text)		[(version) - 1] = text,
#include "sql.inc"
#undef SQL
#undef SQL_SCRIPT
#undef SQL_SCHEMA
};

const struct sql_row *
sql_row(enum sql id)
{
	assert(id < SQL__MAX);
	return &rows[id];
}

const char *
sql_script(enum sql_script id)
{
	assert(id < SQL_SCRIPT__MAX);
	return scripts[id];
}

const char *const *
sql_schema(int *versions)
{
	*versions = (int)(sizeof schema / sizeof schema[0]);
	return schema;
}

static int
stamp(sqlite3 *db, int version)
{
	char text[96];

	snprintf(text, sizeof text, "PRAGMA application_id = %d; PRAGMA user_version = %d;",
	    SQL_MAGIC, version);
	return sqlite3_exec(db, text, NULL, NULL, NULL);
}

int
sql_migrate(sqlite3 *db, const char *const *steps, int from, int to)
{
	int at, rc;

	for (at = from; at < to; at++) {
		rc = sqlite3_exec(db, steps[at], NULL, NULL, NULL);
		if (rc != SQLITE_OK)
			return rc;
	}
	return stamp(db, to);
}

static int
costly(const char *line)
{
	if (strcmp(line, "SCAN CONSTANT ROW") == 0)
		return 0;
	return strncmp(line, "SCAN ", 5) == 0 || strstr(line, "TEMP B-TREE") != NULL;
}

int
sql_check(sqlite3 *db, const struct sql_row *row, char *plan, size_t size)
{
	char text[2048];
	sqlite3_stmt *q;
	int err = 0;

	plan[0] = '\0';
	snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", row->text);
	if (sqlite3_prepare_v2(db, text, -1, &q, NULL) != SQLITE_OK) {
		snprintf(plan, size, "%s", sqlite3_errmsg(db));
		return -ERR_INTERNAL;
	}
	while (err == 0 && sqlite3_step(q) == SQLITE_ROW) {
		const char *line = (const char *)sqlite3_column_text(q, 3);

		if (line == NULL || !costly(line))
			continue;
		snprintf(plan, size, "%s", line);
		if (row->scan == NULL)
			err = -ERR_BAD;
	}
	sqlite3_finalize(q);
	return err;
}
