/*
 * sigpost stat - totals of the database, from a reading of it. One table of rows gives the
 * printed lines and the members of --json. Nothing here is a token, a name or a message.
 */
#include "config.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include <json-c/json.h>

#include "cmd-db.h"
#include "cmd.h"

static const struct row {
	const char	*name;
	size_t		 offset;	/* of an int64_t in struct store_stat */
	const char	*what;
} rows[] = {
	{ "hubs", offsetof(struct store_stat, hubs), "processes that hold streams" },
	{ "boxes", offsetof(struct store_stat, boxes), "mailboxes, one a source" },
	{ "present", offsetof(struct store_stat, present), "... of them with a stream or a poll" },
	{ "claims", offsetof(struct store_stat, claims), "keys held" },
	{ "links", offsetof(struct store_stat, links), "joinings known to an opener" },
	{ "messages", offsetof(struct store_stat, messages), "messages stored" },
	{ "message_bytes", offsetof(struct store_stat, message_bytes), "... their bytes" },
	{ "untaken", offsetof(struct store_stat, untaken), "... of them not taken by a stream" },
	{ "last_seq", offsetof(struct store_stat, last_seq), "position of the newest message" },
	{ "db_bytes", offsetof(struct store_stat, db_bytes), "size of the database" },
	{ "wal_bytes", offsetof(struct store_stat, wal_bytes), "size of its WAL" },
};
static const size_t row_count = sizeof rows / sizeof rows[0];

static int64_t
value(const struct store_stat *st, const struct row *row)
{
	return *(const int64_t *)(const void *)((const char *)st + row->offset);
}

static void
print(const struct conf *c, const struct store_stat *st)
{
	size_t i;

	printf("%-14s %s\n", "database", c->db);
	printf("%-14s %d\n", "schema", st->schema);
	printf("%-14s %s\n", "journal", st->journal);
	printf("%-14s %s\n", "epoch", st->epoch);
	for (i = 0; i < row_count; i++)
		printf("%-14s %12" PRId64 "  %s\n", rows[i].name, value(st, &rows[i]),
		    rows[i].what);
}

static int
print_json(const struct conf *c, const struct store_stat *st)
{
	struct json_object *o = json_object_new_object();
	size_t i;

	if (o == NULL)
		return CMD_FAILED;
	json_object_object_add(o, "database", json_object_new_string(c->db));
	json_object_object_add(o, "schema", json_object_new_int(st->schema));
	json_object_object_add(o, "journal", json_object_new_string(st->journal));
	json_object_object_add(o, "epoch", json_object_new_string(st->epoch));
	for (i = 0; i < row_count; i++)
		json_object_object_add(o, rows[i].name, json_object_new_int64(value(st, &rows[i])));
	printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
	    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	return CMD_OK;
}

int
cmd_stat(int argc, char **argv)
{
	static struct conf c;
	bool json = false;
	const struct cmd_option own[] = { { "json", NULL, &json }, { NULL, NULL, NULL } };
	const char *why = NULL;
	struct store *s = NULL;
	struct store_stat st;
	int rc;

	if (cmd_settings(&c, argc, argv, own) != 0)
		return CMD_USAGE;
	rc = cmd_db_open(&c, false, &s, &why);
	if (rc == 0)
		rc = cmd_db_stat(s, &st);
	store_close(s);
	if (rc < 0) {
		fprintf(stderr, "sigpost stat: %s\n", why != NULL ? why :
		    "the database stayed locked or cannot be read, try again");
		return CMD_FAILED;
	}
	if (json)
		return print_json(&c, &st);
	print(&c, &st);
	return CMD_OK;
}
