/*
 * cmd-check-conf - the settings: what is in force, where it came from, and what is allowed but hardly meant.
 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd-check.h"

#define IDLE_MS		60000	/* after this Apache, nginx and lighttpd cut a silent connection, unless told otherwise */
#define SMALL_DB	1048576

extern char **environ;

void
check_settings(struct check *k)
{
	static char value[CONF_STR_MAX], origin[CONF_STR_MAX];
	size_t i;

	for (i = 0; i < conf_count; i++) {
		conf_show(&k->conf, &conf_rows[i], value);
		conf_origin(&conf_rows[i], origin, sizeof origin);
		check_ok(k, "setting", "%s = %s (%s)", conf_rows[i].name, value, origin);
	}
}

/* ---- variables that are none ---- */

/* Read by programs of sigpost, but no settings. */
static bool
known(const char *name)
{
	static const char *const others[] = { "config", "bin", "alone" };
	size_t i;

	for (i = 0; i < sizeof others / sizeof others[0]; i++)
		if (strcmp(name, others[i]) == 0)
			return true;
	return conf_find(str_from(name)) != NULL;
}

void
check_variables(struct check *k)
{
	char name[CONF_NAME_MAX];
	struct str variable, value;
	char *const *var;

	for (var = environ; *var != NULL; var++) {
		if (!conf_env_name(str_from(*var), name, &value) || known(name) || !str_printable(str_from(name)))
			continue;
		str_cut(str_from(*var), '=', &variable, &value);
		check_warn(k, "environment", "Mend or remove the variable: it counts for nothing", "%.*s: %s",
		    (int)variable.n, variable.p, conf_unknown(str_from(name)));
	}
}

/* ---- the file ---- */

void
check_file(struct check *k)
{
	static char real[PATH_MAX];
	const char *path = conf_read_from();
	struct stat st;

	if (path[0] == '\0' || stat(path, &st) < 0) {
		check_ok(k, "file", "no file of settings is read");
		return;
	}
	if (S_ISREG(st.st_mode) && (st.st_mode & 022) != 0)
		check_warn(k, "file", "Let nobody else change it: chmod go-w",
		    "%s can be written by other users (mode %o)", path, (unsigned)(st.st_mode & 07777));
	else
		check_ok(k, "file", "%s is read", path);
	if (realpath(path, real) != NULL && check_looks_served(real))
		check_warn(k, "file", "Keep it outside of what the web server serves",
		    "%s looks like a place web servers serve files from", real);
}

/* ---- what is hardly meant ---- */

static const char *
shown(enum conf_type type, int64_t v)
{
	static char out[2][CONF_VALUE_MAX];
	static int turn;

	turn = !turn;
	conf_value_show(type, v, out[turn]);
	return out[turn];
}

/* Warns that one time is not below another. */
static void
not_below(struct check *k, const char *name, int64_t ms, int64_t bound, const char *mend, const char *because)
{
	if (ms >= bound)
		check_warn(k, "sense", mend, "%s is %s: %s", name, shown(CONF_IS_TIME, ms), because);
}

static void
check_times(struct check *k)
{
	const struct conf *c = &k->conf;

	not_below(k, "heartbeat_max_ms", c->heartbeat_max_ms, IDLE_MS,
	    "Set heartbeat_max_ms to 25s, or raise the time-outs of every web server and proxy on the way",
	    "web servers usually cut a connection that was silent for 60s");
	not_below(k, "hold_ms", c->hold_ms, IDLE_MS,
	    "Set hold_ms to 25s, or raise the time-outs of every web server and proxy on the way",
	    "web servers usually cut a request that was silent for 60s");
	not_below(k, "heartbeat_max_ms", c->heartbeat_max_ms, c->lifetime_ms,
	    "Raise lifetime_ms; an hour is usual", "streams end before that, by lifetime_ms");
	not_below(k, "retry_max_ms", c->retry_max_ms, c->away_ms,
	    "Raise away_ms above retry_max_ms", "a client that lost its stream is gone, by away_ms, before it comes back");
	not_below(k, "retry_max_ms", c->retry_max_ms, c->peerjs_expire_ms,
	    "Raise peerjs_expire_ms above retry_max_ms",
	    "messages for a client that lost its stream expire, by peerjs_expire_ms, before it comes back");
}

static void
check_amounts(struct check *k)
{
	const struct conf *c = &k->conf;

	if (c->max_pending_bytes < c->max_body_bytes)
		check_warn(k, "sense", "Raise max_pending_bytes, or lower max_body_bytes",
		    "max_pending_bytes is %s, less than one body may have (max_body_bytes)",
		    shown(CONF_IS_SIZE, c->max_pending_bytes));
	if (c->max_db_bytes > 0 && c->max_db_bytes < SMALL_DB)
		check_warn(k, "sense", "Give max_db_bytes some megabytes, or 0 for no ceiling",
		    "max_db_bytes is %s: the database is full before much is in it",
		    shown(CONF_IS_SIZE, c->max_db_bytes));
}

void
check_sense(struct check *k)
{
	check_times(k);
	check_amounts(k);
	if (strcmp(k->conf.log_level, "debug") == 0)
		check_note(k, "sense", "log_level is debug: the log gets a line for each request");
}

/* ---- a file of all settings ---- */

/* As a file of settings has it: quoted where it needs to be. */
static void
print_value(const struct conf *c, const struct conf_row *row)
{
	static char value[CONF_STR_MAX];
	size_t n;

	conf_show(c, row, value);
	n = strlen(value);
	if (row->is_int)
		conf_value_show(row->type, strtoll(value, NULL, 10), value);
	if (n == 0 || value[0] == ' ' || value[n - 1] == ' ' || strchr(value, '#') != NULL)
		printf("\"%s\"\n", value);
	else
		printf("%s\n", value);
}

static void
print_range(const struct conf_row *row)
{
	struct str rest = str_from(row->words), word;

	if (row->type == CONF_IS_SWITCH)
		printf("# (on, off)\n");
	else if (row->is_int && row->most == INT64_MAX)
		printf("# (from %s)\n", shown(row->type, row->least));
	else if (row->is_int)
		printf("# (%s … %s)\n", shown(row->type, row->least), shown(row->type, row->most));
	else if (row->type == CONF_IS_CHOICE) {
		printf("# (");
		while (str_cut(rest, ' ', &word, &rest))
			printf("%.*s, ", (int)word.n, word.p);
		printf("%.*s)\n", (int)word.n, word.p);
	}
}

void
check_print_config(const struct conf *c)
{
	size_t i;

	printf("# Settings of sigpost, all of them, with their defaults: take the # away from what you change.\n"
	    "# A time has ms, s, m, h or d behind it, a size k, M or G. sigpost(8) says where this file is looked for;\n"
	    "# sigpost check says what is in force.\n");
	for (i = 0; i < conf_count; i++) {
		const struct conf_row *row = &conf_rows[i];

		printf("\n# %s\n", row->help);
		print_range(row);
		printf("%s%s = ", conf_from(row) == CONF_DEFAULT ? "#" : "", row->name);
		print_value(c, row);
	}
}
