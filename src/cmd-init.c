/*
 * sigpost init - makes the directory of the database, for this user only, and the database.
 *
 * A server makes its database by itself when the directory is there; this makes both before
 * one runs, as the right user, and says what is wrong where somebody can read it. What is
 * there already is left alone.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd-db.h"
#include "cmd.h"
#include "err.h"

static int
fail(const char *why)
{
	fprintf(stderr, "sigpost init: %s\n", why);
	return CMD_FAILED;
}

static int
fail_directory(const char *dir)
{
	fprintf(stderr, "sigpost init: %s: %s; make it by hand (mkdir -m 700), or name "
	    "another place with --db or SIGPOST_DB\n", dir, strerror(errno));
	return CMD_FAILED;
}

/* Those above the directory are for everybody to pass through. */
static int
make_parents(char *dir)
{
	char *slash;
	int rc;

	for (slash = strchr(dir + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		rc = mkdir(dir, 0755);
		*slash = '/';
		if (rc < 0 && errno != EEXIST)
			return -1;
	}
	return 0;
}

/* *made: it was not there. */
static int
make_directory(char *dir, bool *made)
{
	int rc = mkdir(dir, 0700);

	if (rc < 0 && errno == ENOENT && make_parents(dir) == 0)
		rc = mkdir(dir, 0700);
	if (rc < 0 && errno != EEXIST)
		return fail_directory(dir);
	*made = rc == 0;
	if (rc == 0)
		printf("made directory %s (mode 700)\n", dir);
	return 0;
}

/* Opens the database, says what it is, closes it. */
static int
say(const struct conf *c, bool make, const char **why)
{
	struct store *s;
	struct store_stat st;
	int rc = cmd_db_open(c, make, &s, why);

	if (rc < 0)
		return rc;
	rc = cmd_db_stat(s, &st);
	store_close(s);
	if (rc < 0)
		*why = "the database stayed locked or cannot be read, try again";
	else if (make)
		printf("made database %s (schema %d, journal %s)\n", c->db, st.schema, st.journal);
	else
		printf("database %s is there already (schema %d, journal %s): nothing changed\n",
		    c->db, st.schema, st.journal);
	return rc;
}

/* What was begun and could not be ended: there was no database before. */
static void
clear_away(const char *db, const char *dir, bool made)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	static char path[CONF_STR_MAX + 16];
	size_t i;

	for (i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
		snprintf(path, sizeof path, "%s%s", db, suffixes[i]);
		unlink(path);
	}
	if (made && rmdir(dir) == 0)
		printf("took directory %s away again\n", dir);
}

static void
mention_root(const char *dir)
{
	if (geteuid() == 0)
		fprintf(stderr, "sigpost init: this belongs to root; where sigpost runs as another "
		    "user, chown -R it: %s\n", dir);
}

int
cmd_init(int argc, char **argv)
{
	static struct conf c;
	static char dir[CONF_STR_MAX];
	const char *why = NULL;
	bool fresh, made = false;
	int rc;

	if (cmd_settings(&c, argc, argv, NULL) != 0)
		return CMD_USAGE;
	rc = say(&c, false, &why);
	if (rc != -ERR_NOTFOUND)
		return rc == 0 ? CMD_OK : fail(why);
	cmd_db_directory(&c, dir);
	if (make_directory(dir, &made) != 0)
		return CMD_FAILED;
	fresh = access(c.db, F_OK) < 0;	/* one that is empty is somebody's, too */
	rc = say(&c, true, &why);
	if (rc < 0 && fresh)
		clear_away(c.db, dir, made);
	if (rc < 0)
		return fail(why);
	mention_root(dir);
	return CMD_OK;
}
