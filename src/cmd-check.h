/*
 * cmd-check - what `sigpost check` looks at.
 *
 * A checker looks at one thing and says what it found: one row a finding, each ok, warn (it
 * works, but …) or fail (it does not), and for these two the sentence that mends it. One
 * checker is one function here and one row in cmd-check.c.
 *
 * Checkers change nothing: they make no file, and open what is there as cmd-db.h says.
 */
#ifndef SIGPOST_CMD_CHECK_H
#define SIGPOST_CMD_CHECK_H

#include <stdbool.h>

#include "conf.h"

enum check_level { CHECK_OK, CHECK_WARN, CHECK_FAIL, CHECK__MAX };

struct json_object;

struct check {
	struct conf		 conf;
	char			 dir[CONF_STR_MAX];	/* of the database, as the settings name it */
	const char		*www;			/* directory of the pages */
	struct json_object	*rows;			/* collects for --json; NULL: printed as they come */
	bool			 dir_usable;		/* set by check_directory */
	bool			 failed;		/* some row is fail */
};

/* One row. what: printf; no full stop. mend: one sentence without full stop, NULL for ok. */
void	check_say(struct check *k, enum check_level level, const char *about, const char *mend,
	    const char *what, ...) __attribute__((format(printf, 5, 6)));

/* cmd-check-store.c */
void	check_directory(struct check *k);
void	check_database(struct check *k);	/* and its journal */
void	check_bell(struct check *k);
void	check_hub(struct check *k);

/* cmd-check-host.c */
void	check_courier(struct check *k);
void	check_pages(struct check *k);
void	check_descriptors(struct check *k);
void	check_lighttpd(struct check *k);

#endif
