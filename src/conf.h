/*
 * conf - the settings in force, read once at start, constant afterwards.
 *
 * conf.def has one row a setting; the row says what it takes. The stronger source wins, in whatever order
 * they are read: default, file, environment (SIGPOST_NAME), command line (--name VALUE or --name=VALUE). A value
 * that does not fit is an error with a sentence, never silently bent, also where a stronger source has another.
 */
#ifndef SIGPOST_CONF_H
#define SIGPOST_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "str.h"

#define CONF_STR_MAX 4096

struct conf {
#define CONF_INT(name, def, least, most, help)	int64_t name;
#define CONF_TIME(name, def, least, most, help)	int64_t name;
#define CONF_SIZE(name, def, least, most, help)	int64_t name;
#define CONF_SWITCH(name, def, help)		int64_t name;
#define CONF_STR(name, def, help)		char name[CONF_STR_MAX];
#define CONF_CHOICE(name, def, words, help)	char name[CONF_STR_MAX];
#include "conf.def"
#undef CONF_INT
#undef CONF_TIME
#undef CONF_SIZE
#undef CONF_SWITCH
#undef CONF_STR
#undef CONF_CHOICE
};

enum conf_source { CONF_DEFAULT, CONF_FILE, CONF_ENVIRONMENT, CONF_COMMAND_LINE, CONF_SOURCE__MAX };

enum conf_type {
	CONF_IS_COUNT,		/* a whole number */
	CONF_IS_TIME,		/* milliseconds, or with ms, s, m, h or d behind it */
	CONF_IS_SIZE,		/* bytes, or with k, M or G (of 1024) behind it */
	CONF_IS_SWITCH,		/* on or off */
	CONF_IS_TEXT,		/* at most CONF_STR_MAX - 1 bytes without control characters */
	CONF_IS_CHOICE		/* one of the words of its row */
};

struct conf_row {
	const char	*name;
	enum conf_type	 type;
	bool		 is_int;	/* the member is an int64_t: all but text and choice */
	size_t		 offset;	/* of the member in struct conf */
	int64_t		 def, least, most;	/* is_int */
	const char	*text;		/* default otherwise */
	const char	*words;		/* CONF_IS_CHOICE: what may be chosen, a blank between */
	const char	*help;
};

extern const struct conf_row	conf_rows[];
extern const size_t		conf_count;

void	conf_init(struct conf *c);	/* defaults */

/* Sets one by its name ("max_body_bytes" or "max-body-bytes"). -ERR_NOTFOUND: no such setting;
 * -ERR_BAD: *why has one sentence (static buffer, good until the next call). */
int	conf_set(struct conf *c, struct str name, struct str value, enum conf_source from, const char **why);

/* The same for what stands in a line of the file. *before: the line in which it was set already (then
 * -ERR_CONFLICT), else 0. */
int	conf_set_line(struct conf *c, struct str name, struct str value, unsigned line, unsigned *before,
	    const char **why);

/* Every SIGPOST_ variable that names a setting. */
int	conf_env(struct conf *c, char *const *environ_list, const char **why);

/* "SIGPOST_HOLD_MS=…" -> "hold_ms", whether or not there is such a setting. false: it is no variable of ours. */
#define CONF_NAME_MAX 64
bool	conf_env_name(struct str variable, char name[CONF_NAME_MAX], struct str *value);

/* NULL: there is no such setting. */
const struct conf_row	*conf_find(struct str name);

/* What is in force, as text that conf_set takes; into out (CONF_STR_MAX). And where it came from. */
void			 conf_show(const struct conf *c, const struct conf_row *row, char *out);
enum conf_source	 conf_from(const struct conf_row *row);
const char		*conf_source_name(enum conf_source s);
unsigned		 conf_line_of(const struct conf_row *row);	/* from CONF_FILE */

/* Settings that contradict each other (min above max), texts that are none; -ERR_BAD and *why. */
int	conf_check(const struct conf *c, const char **why);

/* ---- the file (conf-read.c) ---- */

/*
 * The settings of a file; path NULL: of the one in force (conf-file.h), if there is one; "": of none. -ERR_BAD: *why
 * has one sentence with file and line (static buffer).
 */
int		 conf_read(struct conf *c, const char *path, const char **why);
const char	*conf_read_from(void);	/* the file that conf_read took, as it was named; "": none */

/* Where a value came from: "default", "environment", "command line", or "FILE:LINE". */
void		 conf_origin(const struct conf_row *row, char *out, size_t size);

/* "there is no such setting", and what was perhaps meant (static buffer). */
const char	*conf_unknown(struct str name);

/* ---- values (conf-value.c) ---- */

#define CONF_VALUE_MAX 32	/* a number with its unit */

/* A value as its row has it. -ERR_BAD: *why has one sentence that begins with the name (static buffer),
 * nothing was changed. Row is_int: into *number; else checked only. */
int	conf_value(const struct conf_row *row, struct str value, int64_t *number, const char **why);

/* A number as one would write it: 25000 of a time is "25s". */
void	conf_value_show(enum conf_type type, int64_t v, char out[CONF_VALUE_MAX]);

#endif
