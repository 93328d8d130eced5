/*
 * conf-value - what each type of setting takes, and the sentence for what it does not.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "err.h"

#define ABOUT_MAX 640

static char sentence[ABOUT_MAX];

/* ---- units, the largest last ---- */

struct unit {
	const char	*name;
	int64_t		 factor;
};

static const struct unit times[] = {
	{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }, { NULL, 0 },
};
static const struct unit sizes[] = {
	{ "", 1 }, { "k", 1024 }, { "M", 1048576 }, { "G", 1073741824 }, { NULL, 0 },
};
static const struct unit none[] = { { "", 1 }, { NULL, 0 } };

static const struct unit *
units_of(enum conf_type type)
{
	return type == CONF_IS_TIME ? times : type == CONF_IS_SIZE ? sizes : none;
}

/* What stands behind the digits; no unit is the smallest. Sizes are written 4m and 4M. 0: there is none. */
static int64_t
factor_of(enum conf_type type, struct str name)
{
	const struct unit *u;

	if (name.n == 0)
		return 1;
	for (u = units_of(type); u->name != NULL; u++)
		if (type == CONF_IS_SIZE ? str_eqcase(name, str_from(u->name)) : str_eq(name, str_from(u->name)))
			return u->factor;
	return 0;
}

void
conf_value_show(enum conf_type type, int64_t v, char out[CONF_VALUE_MAX])
{
	const struct unit *u = units_of(type), *best = u;

	if (type == CONF_IS_SWITCH) {
		snprintf(out, CONF_VALUE_MAX, "%s", v != 0 ? "on" : "off");
		return;
	}
	for (; v != 0 && u->name != NULL; u++)
		if (v % u->factor == 0)
			best = u;
	snprintf(out, CONF_VALUE_MAX, "%" PRId64 "%s", v / best->factor, v != 0 ? best->name : "");
}

/* ---- numbers ---- */

static int
refuse_number(const struct conf_row *row, const char **why)
{
	char usual[CONF_VALUE_MAX], least[CONF_VALUE_MAX], greatest[CONF_VALUE_MAX], most[CONF_VALUE_MAX + 4] = " on";
	const char *what = row->type == CONF_IS_TIME ? "a time" : row->type == CONF_IS_SIZE ? "a size" : NULL;

	conf_value_show(row->type, row->def != 0 ? row->def : 67108864, usual);
	conf_value_show(row->type, row->least, least);
	if (row->most < INT64_MAX) {
		conf_value_show(row->type, row->most, greatest);
		snprintf(most, sizeof most, " to %s", greatest);
	}
	if (what == NULL)
		snprintf(sentence, sizeof sentence, "%s takes a whole number from %s%s", row->name, least, most);
	else
		snprintf(sentence, sizeof sentence, "%s takes %s such as %s or %" PRId64 ", from %s%s", row->name, what,
		    usual, row->def, least, most);
	*why = sentence;
	return -ERR_BAD;
}

static int
take_number(const struct conf_row *row, struct str value, int64_t *number, const char **why)
{
	size_t digits = 0;
	uint64_t v;
	int64_t factor;

	while (digits < value.n && value.p[digits] >= '0' && value.p[digits] <= '9')
		digits++;
	factor = factor_of(row->type, str_skip(value, digits));
	if (factor == 0 || str_uint(str_make(value.p, digits), (uint64_t)(row->most / factor), &v) < 0 ||
	    (int64_t)v * factor < row->least)
		return refuse_number(row, why);
	*number = (int64_t)v * factor;
	return 0;
}

/* ---- words ---- */

static int
take_switch(const struct conf_row *row, struct str value, int64_t *number, const char **why)
{
	if (str_eq(value, STR("on")) || str_eq(value, STR("off"))) {
		*number = value.n == 2;
		return 0;
	}
	snprintf(sentence, sizeof sentence, "%s is on or off", row->name);
	*why = sentence;
	return -ERR_BAD;
}

/* "full brief off" as "full, brief or off" */
static int
refuse_word(const struct conf_row *row, const char **why)
{
	struct str rest = str_from(row->words), word;
	size_t n = (size_t)snprintf(sentence, sizeof sentence, "%s is ", row->name);

	while (rest.n > 0 && n < sizeof sentence) {
		bool first = rest.p == row->words;

		str_cut(rest, ' ', &word, &rest);
		n += (size_t)snprintf(sentence + n, sizeof sentence - n, "%s%.*s",
		    first ? "" : rest.n > 0 ? ", " : " or ", (int)word.n, word.p);
	}
	*why = sentence;
	return -ERR_BAD;
}

static int
take_word(const struct conf_row *row, struct str value, const char **why)
{
	struct str rest = str_from(row->words), word;

	while (rest.n > 0) {
		str_cut(rest, ' ', &word, &rest);
		if (str_eq(word, value))
			return 0;
	}
	return refuse_word(row, why);
}

static int
take_text(const struct conf_row *row, struct str value, const char **why)
{
	if (str_printable(value) && value.n < CONF_STR_MAX)
		return 0;
	snprintf(sentence, sizeof sentence, "%s takes a text of at most %d bytes without control characters",
	    row->name, CONF_STR_MAX - 1);
	*why = sentence;
	return -ERR_BAD;
}

int
conf_value(const struct conf_row *row, struct str value, int64_t *number, const char **why)
{
	switch (row->type) {
	case CONF_IS_SWITCH:
		return take_switch(row, value, number, why);
	case CONF_IS_CHOICE:
		return take_word(row, value, why);
	case CONF_IS_TEXT:
		return take_text(row, value, why);
	default:
		return take_number(row, value, number, why);
	}
}
