/* cmd - what the verbs share: reading settings and options. */
#include "config.h"

#include <stdio.h>
#include <unistd.h>

#include "cmd.h"
#include "err.h"
#include "log.h"

extern char **environ;

static int
complain(const char *what, const char *why)
{
	fprintf(stderr, "sigpost: %s: %s\n", what, why);
	return CMD_USAGE;
}

static const struct cmd_option *
find(const struct cmd_option *own, struct str name)
{
	for (; own != NULL && own->name != NULL; own++)
		if (str_eq(name, str_from(own->name)))
			return own;
	return NULL;
}

static const char *config;	/* --config; NULL: not given */

/* Takes one option and how many arguments it used; < 0: complained. */
static int
take(struct conf *c, char **argv, const struct cmd_option *own)
{
	struct str name, value;
	const struct cmd_option *o;
	const char *why = "it is not an option";
	bool inlined;

	if (!str_starts(str_from(argv[0]), STR("--")))
		return -complain(argv[0], why);
	inlined = str_cut(str_skip(str_from(argv[0]), 2), '=', &name, &value);
	o = find(own, name);
	if (o != NULL && o->flag != NULL) {
		*o->flag = true;
		return 1;
	}
	if (!inlined && argv[1] == NULL)
		return -complain(argv[0], "it needs a value");
	if (!inlined)
		value = str_from(argv[1]);
	if (str_eq(name, STR("config")))
		config = value.p;
	else if (o != NULL)
		*o->value = value.p;
	else if (conf_set(c, name, value, CONF_COMMAND_LINE, &why) < 0)
		return -complain(argv[0], why);
	return inlined ? 1 : 2;
}

int
cmd_settings(struct conf *c, int argc, char **argv, const struct cmd_option *own)
{
	const char *why;
	int i, used;

	log_init(LOG_ERROR, STDERR_FILENO);	/* people are told sentences; a verb that serves sets it as it should be */
	conf_init(c);
	config = NULL;
	for (i = 1; i < argc; i += used) {
		used = take(c, argv + i, own);
		if (used < 0)
			return CMD_USAGE;
	}
	if (conf_read(c, config, &why) < 0)
		return complain("settings", why);
	if (conf_env(c, environ, &why) < 0)
		return complain("environment", why);
	if (conf_check(c, &why) < 0)
		return complain("settings", why);
	return 0;
}
