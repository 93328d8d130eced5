/*
 * conf - the settings in force, read once at start, constant afterwards.
 *
 * conf.def has one row a setting. Later sources win: default, environment (SIGPOST_NAME),
 * command line (--name VALUE or --name=VALUE). A value out of range is an error with a
 * sentence, never silently bent.
 */
#ifndef SIGPOST_CONF_H
#define SIGPOST_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "str.h"

#define CONF_STR_MAX 4096

struct conf {
#define CONF_INT(name, def, least, most, help)	int64_t name;
#define CONF_STR(name, def, help)		char name[CONF_STR_MAX];
#include "conf.def"
#undef CONF_INT
#undef CONF_STR
};

enum conf_source { CONF_DEFAULT, CONF_ENVIRONMENT, CONF_COMMAND_LINE, CONF_SOURCE__MAX };

struct conf_row {
	const char	*name;
	bool		 is_int;
	size_t		 offset;	/* of the member in struct conf */
	int64_t		 def, least, most;	/* is_int */
	const char	*text;		/* default otherwise */
	const char	*help;
};

extern const struct conf_row	conf_rows[];
extern const size_t		conf_count;

void	conf_init(struct conf *c);	/* defaults */

/* Sets one by its name ("max_body_bytes" or "max-body-bytes"). -ERR_NOTFOUND: no such setting;
 * -ERR_BAD: *why has one sentence (static buffer, good until the next call). */
int	conf_set(struct conf *c, struct str name, struct str value, enum conf_source from, const char **why);

/* Every SIGPOST_ variable that names a setting. */
int	conf_env(struct conf *c, char *const *environ_list, const char **why);

/* What is in force, as text; into out (CONF_STR_MAX). And where it came from. */
void			 conf_show(const struct conf *c, const struct conf_row *row, char *out);
enum conf_source	 conf_from(const struct conf_row *row);
const char		*conf_source_name(enum conf_source s);

/* Settings that contradict each other (min above max), words that are none; -ERR_BAD and *why. */
int	conf_check(const struct conf *c, const char **why);

#endif
