/*
 * cmd-check - what `sigpost check` looks at.
 *
 * A checker looks at one thing and says what it found: one row a finding, each ok, note (good to know),
 * warn (it works, but …) or fail (it does not), and for these two the sentence that mends it. One
 * checker is one function here and one row in cmd-check.c.
 *
 * Checkers change nothing: they make no file, and open what is there as cmd-db.h says.
 */
#ifndef SIGPOST_CMD_CHECK_H
#define SIGPOST_CMD_CHECK_H

#include <stdbool.h>

#include "conf.h"

struct json_object;

struct check {
	struct conf	 conf;
	char		 dir[CONF_STR_MAX];	/* of the database, as the settings name it */
	const char	*www;			/* directory of the pages */
	struct json_object *rows;		/* of --json; NULL: printed as they come */
	bool		 dir_usable;		/* set by check_directory */
	bool		 failed;		/* some row is fail */
};

/* One row each. what: printf; no full stop. mend: one sentence without full stop. */
void	check_ok(struct check *k, const char *about, const char *what, ...)
	    __attribute__((format(printf, 3, 4)));
void	check_note(struct check *k, const char *about, const char *what, ...)
	    __attribute__((format(printf, 3, 4)));
void	check_warn(struct check *k, const char *about, const char *mend, const char *what, ...)
	    __attribute__((format(printf, 4, 5)));
void	check_fail(struct check *k, const char *about, const char *mend, const char *what, ...)
	    __attribute__((format(printf, 4, 5)));

/* cmd-check-conf.c */
void	check_settings(struct check *k);	/* what is in force */
void	check_variables(struct check *k);	/* of the environment */
void	check_file(struct check *k);		/* who may write the file of settings */
void	check_sense(struct check *k);		/* what fits its row, but not the rest of the world */
void	check_print_config(const struct conf *c);	/* a file of all settings, defaults commented out */

/* cmd-check-url.c. idle_ms: look so long whether a silent stream lasts; 0: do not. */
struct http_url;
void	check_url(struct check *k, const struct http_url *url, const char *text, int64_t idle_ms);

/* cmd-check-store.c */
bool	check_looks_served(const char *path);	/* below a directory web servers serve from, by its name */
void	check_directory(struct check *k);
void	check_database(struct check *k);	/* and its journal */
void	check_bell(struct check *k);
void	check_limits(struct check *k);
void	check_hub(struct check *k);

/* cmd-check-host.c */
void	check_courier(struct check *k);
void	check_pages(struct check *k);
void	check_descriptors(struct check *k);
void	check_lighttpd(struct check *k);

#endif
