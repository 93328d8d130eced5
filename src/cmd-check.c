/*
 * sigpost check - says what is wrong with a set-up, and the sentence that mends it.
 *
 * Run it as the user, and with the settings, that the program will serve with: what it finds
 * is true for them. It changes nothing.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#include <json-c/json.h>

#include "cmd-check.h"
#include "cmd-db.h"
#include "cmd.h"

#define WHAT_MAX 8192	/* two paths fit */

static const char *const levels[CHECK__MAX] = {
	[CHECK_OK] = "ok", [CHECK_WARN] = "warn", [CHECK_FAIL] = "fail",
};

static void
collect(struct json_object *rows, const char *level, const char *about, const char *what, const char *mend)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "level", json_object_new_string(level));
	json_object_object_add(o, "about", json_object_new_string(about));
	json_object_object_add(o, "what", json_object_new_string(what));
	if (mend != NULL)
		json_object_object_add(o, "mend", json_object_new_string(mend));
	json_object_array_add(rows, o);
}

void
check_say(struct check *k, enum check_level level, const char *about, const char *mend,
    const char *what, ...)
{
	static char text[WHAT_MAX];
	va_list ap;

	va_start(ap, what);
	vsnprintf(text, sizeof text, what, ap);
	va_end(ap);
	k->failed = k->failed || level == CHECK_FAIL;
	if (k->rows != NULL)
		collect(k->rows, levels[level], about, text, mend);
	else
		printf("%-5s %-12s %s%s%s\n", levels[level], about, text, mend != NULL ? ". " : "",
		    mend != NULL ? mend : "");
}

static void
check_settings(struct check *k)
{
	static char value[CONF_STR_MAX];
	size_t i;

	for (i = 0; i < conf_count; i++) {
		conf_show(&k->conf, &conf_rows[i], value);
		check_say(k, CHECK_OK, "setting", NULL, "%s = %s (%s)", conf_rows[i].name, value,
		    conf_source_name(conf_from(&conf_rows[i])));
	}
}

static void (*const checkers[])(struct check *k) = {
	check_settings, check_directory, check_database, check_bell, check_hub,
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

int
cmd_check(int argc, char **argv)
{
	static struct check k = { .www = SIGPOST_WWWDIR };
	bool json = false;
	const struct cmd_option own[] = {
		{ "json", NULL, &json }, { "www", &k.www, NULL }, { NULL, NULL, NULL },
	};
	size_t i;

	if (cmd_settings(&k.conf, argc, argv, own) != 0)
		return CMD_USAGE;
	cmd_db_directory(&k.conf, k.dir);
	if (json)
		k.rows = json_object_new_array();
	for (i = 0; i < sizeof checkers / sizeof checkers[0]; i++)
		checkers[i](&k);
	if (json)
		print_json(&k);
	return k.failed ? CMD_FAILED : CMD_OK;
}
