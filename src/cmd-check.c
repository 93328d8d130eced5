/*
 * sigpost check - says what is wrong with a set-up, and the sentence that mends it.
 *
 * Run it as the user, and with the settings, that the program will serve with: what it finds
 * is true for them. It changes nothing.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "cmd-check.h"
#include "cmd-db.h"
#include "cmd.h"
#include "err.h"
#include "http.h"

#define WHAT_MAX 12288	/* two paths fit */

struct row {
	const char	*level, *about, *mend;	/* mend NULL: ok, note */
	char		 what[WHAT_MAX];
};

static void
collect(struct json_object *rows, const struct row *row)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "level", json_object_new_string(row->level));
	json_object_object_add(o, "about", json_object_new_string(row->about));
	json_object_object_add(o, "what", json_object_new_string(row->what));
	if (row->mend != NULL)
		json_object_object_add(o, "mend", json_object_new_string(row->mend));
	json_object_array_add(rows, o);
}

static void
say(struct check *k, struct row *row, const char *what, va_list ap)
{
	vsnprintf(row->what, sizeof row->what, what, ap);
	if (k->rows != NULL)
		collect(k->rows, row);
	else if (row->mend == NULL)
		printf("%-5s %-12s %s\n", row->level, row->about, row->what);
	else
		printf("%-5s %-12s %s. %s\n", row->level, row->about, row->what, row->mend);
}

void
check_ok(struct check *k, const char *about, const char *what, ...)
{
	struct row row = { .level = "ok", .about = about };
	va_list ap;

	va_start(ap, what);
	say(k, &row, what, ap);
	va_end(ap);
}

void
check_note(struct check *k, const char *about, const char *what, ...)
{
	struct row row = { .level = "note", .about = about };
	va_list ap;

	va_start(ap, what);
	say(k, &row, what, ap);
	va_end(ap);
}

void
check_warn(struct check *k, const char *about, const char *mend, const char *what, ...)
{
	struct row row = { .level = "warn", .about = about, .mend = mend };
	va_list ap;

	va_start(ap, what);
	say(k, &row, what, ap);
	va_end(ap);
}

void
check_fail(struct check *k, const char *about, const char *mend, const char *what, ...)
{
	struct row row = { .level = "fail", .about = about, .mend = mend };
	va_list ap;

	va_start(ap, what);
	say(k, &row, what, ap);
	va_end(ap);
	k->failed = true;
}

static void (*const checkers[])(struct check *k) = {
	check_settings, check_variables, check_file, check_sense, check_directory, check_database, check_bell, check_limits, check_hub,
	check_courier, check_pages, check_descriptors, check_lighttpd,
};

static void
print_json(struct check *k)
{
	struct json_object *all = json_object_new_object();

	json_object_object_add(all, "ok", json_object_new_boolean(!k->failed));
	json_object_object_add(all, "findings", k->rows);
	printf("%s\n", json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY |
	    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
}

/* The address among the arguments, which is taken out of them; NULL: there is none. */
static const char *
take_url(int *argc, char **argv)
{
	const char *found = NULL;
	int i, n = 0;

	for (i = 0; i < *argc; i++)
		if (found == NULL && i > 0 && (strncmp(argv[i], "http://", 7) == 0 || strncmp(argv[i], "https://", 8) == 0))
			found = argv[i];
		else
			argv[n++] = argv[i];
	argv[n] = NULL;
	*argc = n;
	return found;
}

/* idle: --idle; NULL: not given. */
static int
ask_web(struct check *k, const char *text, const char *idle)
{
	const struct conf_row row = { .name = "--idle", .type = CONF_IS_TIME, .is_int = true, .def = 65000, .least = 1000,
	    .most = 3600000 };
	struct http_url url;
	int64_t idle_ms = 0;
	const char *why;

	if (idle != NULL && conf_value(&row, str_from(idle), &idle_ms, &why) < 0) {
		fprintf(stderr, "sigpost check: %s\n", why);
		return CMD_USAGE;
	}
	if (http_url(&url, text, &why) < 0) {
		fprintf(stderr, "sigpost check: %s: %s\n", text, why);
		return CMD_USAGE;
	}
	check_url(k, &url, text, idle_ms);
	return CMD_OK;
}

static void
ask_all(struct check *k)
{
	size_t i;

	cmd_db_directory(&k->conf, k->dir);
	for (i = 0; i < sizeof checkers / sizeof checkers[0]; i++)
		checkers[i](k);
}

int
cmd_check(int argc, char **argv)
{
	static struct check k = { .www = SIGPOST_WWWDIR };
	bool json = false, example = false;
	const char *idle = NULL;
	const struct cmd_option own[] = {
		{ "json", NULL, &json }, { "print-config", NULL, &example }, { "www", &k.www, NULL },
		{ "idle", &idle, NULL }, { NULL, NULL, NULL },
	};
	const char *url = take_url(&argc, argv);
	int rc = CMD_OK;

	if (cmd_settings(&k.conf, argc, argv, own) != 0)
		return CMD_USAGE;
	if (example) {
		check_print_config(&k.conf);
		return CMD_OK;
	}
	if (json)
		k.rows = json_object_new_array();
	if (url != NULL)
		rc = ask_web(&k, url, idle);
	else
		ask_all(&k);
	if (json && rc == CMD_OK)
		print_json(&k);
	return rc != CMD_OK ? rc : k.failed ? CMD_FAILED : CMD_OK;
}
