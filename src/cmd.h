/*
 * cmd - the command line: one file a verb, one row in main.c's table.
 *
 * Each gets the arguments from its verb on and returns the exit code: 0, 1 (it did not work,
 * one sentence on stderr says why), 2 (wrong usage).
 */
#ifndef SIGPOST_CMD_H
#define SIGPOST_CMD_H

#include "conf.h"

#define CMD_OK		0
#define CMD_FAILED	1
#define CMD_USAGE	2

int	cmd_serve(int argc, char **argv);
int	cmd_fcgi(int argc, char **argv);
int	cmd_init(int argc, char **argv);
int	cmd_check(int argc, char **argv);
int	cmd_stat(int argc, char **argv);
int	cmd_key(int argc, char **argv);
int	cmd_hub(int argc, char **argv);		/* for couriers: the hub they start */
int	cmd_home(int argc, char **argv);	/* for couriers: the first request finds a place for the database */

/* An option of the verb itself, or NULL-terminated rows of them; value NULL: a flag. */
struct cmd_option {
	const char	*name;		/* without "--" */
	const char	**value;	/* where its value goes; NULL for flags */
	bool		*flag;
};

/*
 * Settings from the file (--config FILE, or the one in force), the environment and the arguments
 * (--name VALUE, --name=VALUE), which may also name the verb's own options. 0, or CMD_USAGE after one line on stderr.
 */
int	cmd_settings(struct conf *c, int argc, char **argv, const struct cmd_option *own);

/* Why this is no name of an API key; NULL: it is one. */
const char	*cmd_key_unfit(const char *name);

#endif
