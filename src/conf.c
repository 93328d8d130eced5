/* conf - the table of conf.def, made into rows, defaults and setters. */
#include "config.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "conf.h"
#include "err.h"
#include "origin.h"

const struct conf_row conf_rows[] = {
#define NUMBER(name, type, def, least, most, help) \
	{ #name, (type), true, offsetof(struct conf, name), (def), (least), (most), NULL, NULL, help },
#define CONF_INT(name, def, least, most, help)	NUMBER(name, CONF_IS_COUNT, def, least, most, help)
#define CONF_TIME(name, def, least, most, help)	NUMBER(name, CONF_IS_TIME, def, least, most, help)
#define CONF_SIZE(name, def, least, most, help)	NUMBER(name, CONF_IS_SIZE, def, least, most, help)
#define CONF_SWITCH(name, def, help)		NUMBER(name, CONF_IS_SWITCH, def, 0, 1, help)
#define CONF_STR(name, def, help) \
	{ #name, CONF_IS_TEXT, false, offsetof(struct conf, name), 0, 0, 0, (def), NULL, help },
#define CONF_CHOICE(name, def, words, help) \
	{ #name, CONF_IS_CHOICE, false, offsetof(struct conf, name), 0, 0, 0, (def), (words), help },
#include "conf.def"
#undef NUMBER
#undef CONF_INT
#undef CONF_TIME
#undef CONF_SIZE
#undef CONF_SWITCH
#undef CONF_STR
#undef CONF_CHOICE
};
const size_t conf_count = sizeof conf_rows / sizeof conf_rows[0];

static enum conf_source sources[sizeof conf_rows / sizeof conf_rows[0]];
static unsigned lines[sizeof conf_rows / sizeof conf_rows[0]];	/* of the file; 0: not in it */

static int64_t *
int_of(struct conf *c, const struct conf_row *row)
{
	return (int64_t *)(void *)((char *)c + row->offset);
}

static char *
text_of(struct conf *c, const struct conf_row *row)
{
	return (char *)c + row->offset;
}

void
conf_init(struct conf *c)
{
	size_t i;

	memset(c, 0, sizeof *c);
	for (i = 0; i < conf_count; i++) {
		const struct conf_row *row = &conf_rows[i];

		sources[i] = CONF_DEFAULT;
		lines[i] = 0;
		if (row->is_int)
			*int_of(c, row) = row->def;
		else
			snprintf(text_of(c, row), CONF_STR_MAX, "%s", row->text);
	}
}

static bool
same_name(const char *row, struct str name)
{
	size_t i;

	if (strlen(row) != name.n)
		return false;
	for (i = 0; i < name.n; i++)
		if (row[i] != (name.p[i] == '-' ? '_' : name.p[i]))
			return false;
	return true;
}

const struct conf_row *
conf_find(struct str name)
{
	size_t i;

	for (i = 0; i < conf_count; i++)
		if (same_name(conf_rows[i].name, name))
			return &conf_rows[i];
	return NULL;
}

static int
set(struct conf *c, const struct conf_row *row, struct str value, enum conf_source from, const char **why)
{
	enum conf_source *source = &sources[row - conf_rows];
	int64_t number;
	int rc = conf_value(row, value, &number, why);

	if (rc < 0 || *source > from)
		return rc;
	*source = from;
	if (!row->is_int)
		return str_copy(value, text_of(c, row), CONF_STR_MAX);
	*int_of(c, row) = number;
	return 0;
}

int
conf_set(struct conf *c, struct str name, struct str value, enum conf_source from, const char **why)
{
	const struct conf_row *row = conf_find(name);

	if (row != NULL)
		return set(c, row, value, from, why);
	*why = conf_unknown(name);
	return -ERR_NOTFOUND;
}

int
conf_set_line(struct conf *c, struct str name, struct str value, unsigned line, unsigned *before, const char **why)
{
	const struct conf_row *row = conf_find(name);

	*before = row != NULL ? lines[row - conf_rows] : 0;
	if (*before > 0)
		return -ERR_CONFLICT;
	if (row != NULL)
		lines[row - conf_rows] = line;
	return conf_set(c, name, value, CONF_FILE, why);
}

unsigned
conf_line_of(const struct conf_row *row)
{
	return lines[row - conf_rows];
}

bool
conf_env_name(struct str variable, char name[CONF_NAME_MAX], struct str *value)
{
	struct str var;
	size_t i;

	if (!str_cut(variable, '=', &var, value) || !str_starts(var, STR("SIGPOST_")) || var.n - 8 >= CONF_NAME_MAX)
		return false;
	for (i = 8; i < var.n; i++)
		name[i - 8] = var.p[i] >= 'A' && var.p[i] <= 'Z' ? (char)(var.p[i] + 32) : var.p[i];
	name[var.n - 8] = '\0';
	return true;
}

int
conf_env(struct conf *c, char *const *list, const char **why)
{
	char name[CONF_NAME_MAX];
	struct str value;
	int rc;

	for (; list != NULL && *list != NULL; list++) {
		if (!conf_env_name(str_from(*list), name, &value))
			continue;
		rc = conf_set(c, str_from(name), value, CONF_ENVIRONMENT, why);
		if (rc < 0 && rc != -ERR_NOTFOUND)
			return rc;
	}
	return 0;
}

void
conf_show(const struct conf *c, const struct conf_row *row, char *out)
{
	struct conf *any = (struct conf *)(uintptr_t)c;

	if (row->type == CONF_IS_SWITCH)
		conf_value_show(row->type, *int_of(any, row), out);
	else if (row->is_int)
		snprintf(out, CONF_STR_MAX, "%" PRId64, *int_of(any, row));
	else
		snprintf(out, CONF_STR_MAX, "%s", text_of(any, row));
}

enum conf_source
conf_from(const struct conf_row *row)
{
	return sources[row - conf_rows];
}

const char *
conf_source_name(enum conf_source s)
{
	static const char *const names[CONF_SOURCE__MAX] = {
		[CONF_DEFAULT] = "default",
		[CONF_FILE] = "file",
		[CONF_ENVIRONMENT] = "environment",
		[CONF_COMMAND_LINE] = "command line",
	};

	return names[s];
}

/* ---- what contradicts ---- */

static char sentence[CONF_STR_MAX];

static const char *
origin_of(const char *name, char out[CONF_STR_MAX / 3])
{
	conf_origin(conf_find(str_from(name)), out, CONF_STR_MAX / 3);
	return out;
}

/* "heartbeat_min_ms (environment) is above heartbeat_max_ms (default)" */
static int
above(const char *name, const char *other, const char **why)
{
	char from[2][CONF_STR_MAX / 3];

	snprintf(sentence, sizeof sentence, "%s (%s) is above %s (%s)", name, origin_of(name, from[0]), other,
	    origin_of(other, from[1]));
	*why = sentence;
	return -ERR_BAD;
}

static int
is_none(const char *name, const char *what, const char **why)
{
	char from[CONF_STR_MAX / 3];

	snprintf(sentence, sizeof sentence, "%s (%s) is %s", name, origin_of(name, from), what);
	*why = sentence;
	return -ERR_BAD;
}

static int
check_origins(const struct conf *c, const char **why)
{
	const char *wrong = origins_wrong(str_from(c->origins));
	char from[CONF_STR_MAX / 3];

	if (wrong == NULL)
		return 0;
	snprintf(sentence, sizeof sentence, "origins (%s): %s", origin_of("origins", from), wrong);
	*why = sentence;
	return -ERR_BAD;
}

static int
check_proxies(const struct conf *c, const char **why)
{
	struct addr_list list;
	struct str wrong;
	char what[256];
	int rc = addr_list_parse(str_from(c->trusted_proxies), &list, &wrong);

	if (rc == -ERR_TOOBIG)
		snprintf(what, sizeof what, "more than %d addresses", ADDR_LIST_MAX);
	else if (rc < 0)
		snprintf(what, sizeof what, "a list of addresses, prefixes such as 10.0.0.0/8, and unix; not %.*s",
		    wrong.n < 100 ? (int)wrong.n : 100, wrong.p);
	return rc < 0 ? is_none("trusted_proxies", what, why) : 0;
}

int
conf_check(const struct conf *c, const char **why)
{
	int rc;

	if (c->heartbeat_min_ms > c->heartbeat_max_ms)
		return above("heartbeat_min_ms", "heartbeat_max_ms", why);
	if (c->retry_min_ms > c->retry_max_ms)
		return above("retry_min_ms", "retry_max_ms", why);
	if (c->mount[0] != '/' && strcmp(c->mount, "auto") != 0)
		return is_none("mount", "auto or a path that begins with /", why);
	if (c->db[0] == '\0')
		return is_none("db", "the path of a file, not empty", why);
	rc = check_origins(c, why);
	return rc < 0 ? rc : check_proxies(c, why);
}
