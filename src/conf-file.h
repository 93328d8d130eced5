/*
 * conf-file - a file of settings, one `name = value` a line.
 *
 * Blank lines, and what follows a # at the beginning of a line or behind a blank, say nothing. A value that
 * needs a blank at an end, or " #", stands in double quotes; nothing is escaped in them. A byte order mark
 * and CRs at line ends are skipped. What names and values mean is conf.h's to know.
 *
 * libc only and without allocation, for the courier reads it, too.
 */
#ifndef SIGPOST_CONF_FILE_H
#define SIGPOST_CONF_FILE_H

#include "str.h"

#define CONF_FILE_BYTES	65536	/* the longest file … */
#define CONF_FILE_LINE	4352	/* … and line, without its end: a name and a value of 4095 bytes fit */

/* The file in force if no option names one: SIGPOST_CONFIG, where "" means none; else sigpost.conf where
 * it was installed for. *must: it was named, so it has to be there. NULL: none. */
const char	*conf_file(bool *must);

/*
 * All bytes of a file into buf (CONF_FILE_BYTES + 1); good until the caller changes buf. -ERR_NOTFOUND: there is no
 * such file; -ERR_BAD: it cannot be read, is none, or is too long: *why has half a sentence (static buffer).
 */
int		 conf_file_read(const char *path, char *buf, struct str *out, const char **why);

struct conf_line {
	unsigned	 number;	/* from 1 */
	struct str	 name, value;	/* slices of the file */
};

/* The next line that says something. line->number is 0 before the first. 1: it is in *line; 0: there is none
 * any more; -ERR_BAD: *why says what is wrong with line->number. */
int		 conf_file_next(struct str *rest, struct conf_line *line, const char **why);

/* A relative path in a file is below that file's directory. Into out (size); -ERR_TOOBIG. */
int		 conf_file_beside(const char *file, struct str path, char *out, size_t size);

/* What the file in force says of `db`, made absolute as above. -ERR_NOTFOUND: nothing; -ERR_BAD: it cannot be
 * read. */
int		 conf_file_db(char *out, size_t size);

#endif
