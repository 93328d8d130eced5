/*
 * conf-read - settings from a file, and what was perhaps meant by a name that is none.
 */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "conf-file.h"
#include "err.h"

#define SENTENCE_MAX	(PATH_MAX + 1024)
#define NAME_MAX_SHOWN	40

static char sentence[SENTENCE_MAX];
static char in_force[PATH_MAX];

/* ---- names ---- */

static size_t
least_of(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* How many letters to add, to drop or to change (Levenshtein); b is a name of ours. */
static size_t
distance(struct str a, const char *b)
{
	size_t row[NAME_MAX_SHOWN + 1], n = strlen(b), i, k, left, above;

	if (n > NAME_MAX_SHOWN)
		return SIZE_MAX;
	for (k = 0; k <= n; k++)
		row[k] = k;
	for (i = 0; i < a.n; i++) {
		left = row[0];
		row[0] = i + 1;
		for (k = 0; k < n; k++) {
			above = row[k + 1];
			row[k + 1] = least_of(above + 1, row[k] + 1, left + (a.p[i] != b[k]));
			left = above;
		}
	}
	return row[n];
}

/* "hold" and "max_db" lack what our names end with. */
static bool
lacks_unit(struct str name, const char *row)
{
	struct str end = str_skip(str_from(row), name.n);

	return str_starts(str_from(row), name) && (str_eq(end, STR("_ms")) || str_eq(end, STR("_bytes")));
}

static const char *
nearest(struct str name)
{
	size_t i, d, best = name.n / 3 > 2 ? name.n / 3 + 1 : 3;
	const char *found = NULL;

	for (i = 0; i < conf_count; i++) {
		if (lacks_unit(name, conf_rows[i].name))
			return conf_rows[i].name;
		d = distance(name, conf_rows[i].name);
		if (d < best) {
			best = d;
			found = conf_rows[i].name;
		}
	}
	return found;
}

const char *
conf_unknown(struct str name)
{
	static char text[128];
	char plain[NAME_MAX_SHOWN + 1];
	const char *meant;
	size_t i;

	if (str_copy(name, plain, sizeof plain) < 0 || !str_printable(name))
		return "there is no such setting";
	for (i = 0; plain[i] != '\0'; i++)
		plain[i] = plain[i] == '-' ? '_' : plain[i] >= 'A' && plain[i] <= 'Z' ? (char)(plain[i] + 32) : plain[i];
	meant = nearest(str_from(plain));
	if (meant == NULL)
		return "there is no such setting";
	snprintf(text, sizeof text, "there is no such setting; did you mean %s?", meant);
	return text;
}

/* ---- the file ---- */

static int
complain(const char *path, unsigned line, const char *what, const char **why)
{
	if (line > 0)
		snprintf(sentence, sizeof sentence, "%s:%u: %s", path, line, what);
	else
		snprintf(sentence, sizeof sentence, "%s: %s", path, what);
	*why = sentence;
	return -ERR_BAD;
}

static int
take(struct conf *c, const char *path, const struct conf_line *line, const char **why)
{
	static char db[CONF_STR_MAX];
	char what[640];
	struct str value = line->value;
	const char *about = NULL;
	unsigned before = 0;
	int rc;

	if (str_eq(line->name, STR("db"))) {
		if (conf_file_beside(path, value, db, sizeof db) < 0)
			return complain(path, line->number, "the path of the database is too long", why);
		value = str_from(db);
	}
	rc = conf_set_line(c, line->name, value, line->number, &before, &about);
	if (rc == 0)
		return 0;
	if (before > 0)
		snprintf(what, sizeof what, "%.*s is set in line %u already", (int)line->name.n, line->name.p, before);
	else if (rc == -ERR_NOTFOUND && line->name.n <= NAME_MAX_SHOWN && str_printable(line->name))
		snprintf(what, sizeof what, "%.*s: %s", (int)line->name.n, line->name.p, about);
	else
		snprintf(what, sizeof what, "%s", about);
	return complain(path, line->number, what, why);
}

static int
take_all(struct conf *c, const char *path, struct str rest, const char **why)
{
	struct conf_line line = { .number = 0 };
	const char *about = NULL;
	int rc;

	while ((rc = conf_file_next(&rest, &line, &about)) > 0) {
		rc = take(c, path, &line, why);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? complain(path, line.number, about, why) : 0;
}

int
conf_read(struct conf *c, const char *path, const char **why)
{
	static char buf[CONF_FILE_BYTES + 1];
	const char *about = NULL;
	bool must = path != NULL;
	struct str all;
	int rc;

	in_force[0] = '\0';
	if (path == NULL) {
		path = conf_file(&must);
		if (path != NULL && path[0] != '/')
			return complain("SIGPOST_CONFIG", 0, "in the environment, the path of a file begins with /", why);
	}
	if (path == NULL || path[0] == '\0')
		return 0;
	if (str_copy(str_from(path), in_force, sizeof in_force) < 0)
		return complain("the file of settings", 0, "its path is too long", why);
	rc = conf_file_read(path, buf, &all, &about);
	if (rc == -ERR_NOTFOUND && !must) {
		in_force[0] = '\0';
		return 0;
	}
	return rc < 0 ? complain(path, 0, about, why) : take_all(c, path, all, why);
}

const char *
conf_read_from(void)
{
	return in_force;
}

void
conf_origin(const struct conf_row *row, char *out, size_t size)
{
	if (conf_from(row) == CONF_FILE)
		snprintf(out, size, "%s:%u", in_force, conf_line_of(row));
	else
		snprintf(out, size, "%s", conf_source_name(conf_from(row)));
}
