/* Settings: every row of conf.def at its edges, the environment, what contradicts. */
#include "config.h"

#include "unit.h"

#include <inttypes.h>
#include <stdio.h>

#include "conf.h"
#include "err.h"
#include "log.h"

static struct conf c;
static char text[CONF_STR_MAX + 1];
static const char *why;

#define VAR(text) ((char[]){ text })

static const char *
shown(const struct conf_row *row)
{
	static char out[CONF_STR_MAX];

	conf_show(&c, row, out);
	return out;
}

static int
set(const char *name, const char *value)
{
	why = NULL;
	return conf_set(&c, str_from(name), str_from(value), CONF_COMMAND_LINE, &why);
}

static const struct conf_row *
row_of(const char *name)
{
	size_t i;

	for (i = 0; i < conf_count; i++)
		if (strcmp(conf_rows[i].name, name) == 0)
			return &conf_rows[i];
	fail_msg("no row %s", name);
	return NULL;
}

static void
defaults_are_in_range(void **state)
{
	size_t i, k;

	(void)state;
	conf_init(&c);
	assert_int_equal(conf_check(&c, &why), 0);
	for (i = 0; i < conf_count; i++) {
		const struct conf_row *row = &conf_rows[i];

		row_assert(conf_from(row) == CONF_DEFAULT, "%s", row->name);
		row_assert(row->help[0] != '\0', "%s", row->name);
		row_assert((row->type == CONF_IS_TIME) == str_ends(str_from(row->name), STR("_ms")), "%s", row->name);
		row_assert((row->type == CONF_IS_SIZE) == str_ends(str_from(row->name), STR("_bytes")), "%s", row->name);
		row_assert(row->name[strspn(row->name, "abcdefghijklmnopqrstuvwxyz_")] == '\0',
		    "%s", row->name);
		for (k = 0; k < i; k++)
			row_assert(strcmp(conf_rows[k].name, row->name) != 0, "%s", row->name);
		if (row->is_int) {
			row_assert(0 <= row->least && row->least <= row->def &&
			    row->def <= row->most,
			    "%s", row->name);
			snprintf(text, sizeof text, "%" PRId64, row->def);
			row_assert(strcmp(shown(row), text) == 0, "%s", row->name);
		} else
			row_assert(strcmp(shown(row), row->text) == 0, "%s", row->name);
		/* what is shown can be given */
		memcpy(text, shown(row), CONF_STR_MAX);
		row_assert(set(row->name, text) == 0, "%s", row->name);
		row_assert(conf_from(row) == CONF_COMMAND_LINE, "%s", row->name);
	}
	conf_init(&c);
	assert_int_equal(conf_from(&conf_rows[0]), CONF_DEFAULT);
}

/* value as text, which may be one below 0 or one above INT64_MAX */
static const char *
decimal(int64_t v, int more)
{
	static char out[32];

	if (v == INT64_MAX && more > 0)
		return "9223372036854775808";
	snprintf(out, sizeof out, "%" PRId64, v + more);
	return out;
}

/* A number as a sentence of its row has it. */
static const char *
written(const struct conf_row *row, int64_t v)
{
	static char out[CONF_VALUE_MAX];

	conf_value_show(row->type, v, out);
	return out;
}

static void
numbers_at_their_edges(void **state)
{
	static const char *const bad[] = { "", " 1", "1 ", "+1", "1.0", "1e3", "0x10", "1x", "s", "k",
	    "10 s", "1ss", "1kB", "1S", "99999999999d", "99999999999G", "9223372036854775807s",
	    "\xd9\xa1" };
	size_t i, k;

	(void)state;
	for (i = 0; i < conf_count; i++) {
		const struct conf_row *row = &conf_rows[i];

		if (!row->is_int || row->type == CONF_IS_SWITCH)
			continue;
		conf_init(&c);
		row_assert(set(row->name, decimal(row->least, 0)) == 0, "%s at least", row->name);
		row_assert(strcmp(shown(row), decimal(row->least, 0)) == 0, "%s", row->name);
		row_assert(set(row->name, decimal(row->most, 0)) == 0, "%s at most", row->name);
		row_assert(strcmp(shown(row), decimal(row->most, 0)) == 0, "%s", row->name);

		conf_init(&c);
		row_assert(set(row->name, decimal(row->least, -1)) == -ERR_BAD, "%s least-1",
		    row->name);
		row_assert(why != NULL && strstr(why, row->name) != NULL, "%s", row->name);
		row_assert(strstr(why, written(row, row->least)) != NULL, "%s: %s", row->name, why);
		row_assert(set(row->name, decimal(row->most, 1)) == -ERR_BAD, "%s most+1",
		    row->name);
		row_assert(row->most == INT64_MAX || strstr(why, written(row, row->most)) != NULL,
		    "%s: %s", row->name, why);
		for (k = 0; k < COUNT(bad); k++)
			row_assert(set(row->name, bad[k]) == -ERR_BAD, "%s=%s", row->name, bad[k]);
		row_assert(strcmp(shown(row), decimal(row->def, 0)) == 0, "%s: unchanged",
		    row->name);
		row_assert(conf_from(row) == CONF_DEFAULT, "%s: unchanged", row->name);
	}
}

static void
texts_at_their_edges(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < conf_count; i++) {
		const struct conf_row *row = &conf_rows[i];

		if (row->type != CONF_IS_TEXT)
			continue;
		conf_init(&c);
		memset(text, 'x', sizeof text);
		text[CONF_STR_MAX - 1] = '\0';
		row_assert(set(row->name, text) == 0, "%s at most", row->name);
		row_assert(strcmp(shown(row), text) == 0, "%s", row->name);
		row_assert(set(row->name, "") == 0 && shown(row)[0] == '\0', "%s empty", row->name);

		conf_init(&c);
		text[CONF_STR_MAX - 1] = 'x';
		text[CONF_STR_MAX] = '\0';
		row_assert(set(row->name, text) == -ERR_BAD, "%s most+1", row->name);
		row_assert(why != NULL && strstr(why, row->name) != NULL, "%s", row->name);
		snprintf(text, sizeof text, "at most %d bytes", CONF_STR_MAX - 1);
		row_assert(strstr(why, text) != NULL, "%s: %s", row->name, why);
		row_assert(set(row->name, "a\nb") == -ERR_BAD, "%s, a control character",
		    row->name);
		row_assert(conf_set(&c, str_from(row->name), STR("a\0b"), CONF_COMMAND_LINE,
		    &why) == -ERR_BAD,
		    "%s, a NUL", row->name);
		row_assert(strcmp(shown(row), row->text) == 0, "%s: unchanged", row->name);
		row_assert(conf_from(row) == CONF_DEFAULT, "%s: unchanged", row->name);
	}
}

/* Each word of a row is taken and shown, nothing else is, and the sentence has them all. */
static void
words_of_their_rows(void **state)
{
	struct str rest, word;
	size_t i;

	(void)state;
	for (i = 0; i < conf_count; i++) {
		const struct conf_row *row = &conf_rows[i];

		if (row->type != CONF_IS_CHOICE)
			continue;
		conf_init(&c);
		row_assert(set(row->name, "none of them") == -ERR_BAD, "%s", row->name);
		row_assert(strncmp(why, row->name, strlen(row->name)) == 0, "%s: %s", row->name, why);
		snprintf(text, sizeof text, "%s", why);
		for (rest = str_from(row->words); rest.n > 0;) {
			char one[32];

			str_cut(rest, ' ', &word, &rest);
			row_assert(str_copy(word, one, sizeof one) == 0 && word.n > 0, "%s", row->name);
			row_assert(strstr(text, one) != NULL, "%s: %s", row->name, text);
			row_assert(strcmp(row->name, "log_level") != 0 || log_level(word) >= 0, "%s", one);
			row_assert(set(row->name, one) == 0 && strcmp(shown(row), one) == 0, "%s = %s", row->name, one);
			one[word.n - 1] = '\0';
			row_assert(set(row->name, one) == -ERR_BAD, "%s = %s", row->name, one);
		}
		row_assert(set(row->name, "") == -ERR_BAD, "%s, empty", row->name);
		row_assert(set(row->name, row->words) == -ERR_BAD, "%s, all of them", row->name);
	}
}

static void
says_what_is_taken(void **state)
{
	static const struct { const char *name, *value, *why; } rows[] = {
		{ "hold_ms", "10 s", "hold_ms takes a time such as 25s or 25000, from 10ms to 10m" },
		{ "hold_ms", "25k", "hold_ms takes a time such as 25s or 25000, from 10ms to 10m" },
		{ "grace_ms", "2h", "grace_ms takes a time such as 3s or 3000, from 0 to 1m" },
		{ "max_body_bytes", "4s", "max_body_bytes takes a size such as 256k or 262144, from 1k to 16M" },
		{ "max_db_bytes", "-1", "max_db_bytes takes a size such as 64M or 0, from 0 on" },
		{ "max_streams", "1k", "max_streams takes a whole number from 1 to 1000000" },
		{ "health", "on", "health is full, brief or off" },
		{ "journal", "wal", "journal is auto or rollback" },
		{ "log_level", "loud", "log_level is error, warn, info or debug" },
	};
	size_t i;

	(void)state;
	conf_init(&c);
	for (i = 0; i < COUNT(rows); i++) {
		row_assert(set(rows[i].name, rows[i].value) == -ERR_BAD, "%s", rows[i].name);
		row_assert(strcmp(why, rows[i].why) == 0, "%s", why);
	}
}

static void
takes_units(void **state)
{
	static const struct { const char *name, *value; int64_t is; const char *shown; } rows[] = {
		{ "hold_ms", "500ms", 500, "500ms" }, { "hold_ms", "10s", 10000, "10s" },
		{ "hold_ms", "10m", 600000, "10m" }, { "hold_ms", "61s", 61000, "61s" },
		{ "lifetime_ms", "2h", 7200000, "2h" }, { "lifetime_ms", "1d", 86400000, "1d" },
		{ "lifetime_ms", "24h", 86400000, "1d" }, { "grace_ms", "0s", 0, "0" },
		{ "max_body_bytes", "256k", 262144, "256k" }, { "max_body_bytes", "256K", 262144, "256k" },
		{ "max_body_bytes", "4M", 4194304, "4M" }, { "max_body_bytes", "4m", 4194304, "4M" },
		{ "max_body_bytes", "1500", 1500, "1500" }, { "max_db_bytes", "2G", 2147483648, "2G" },
		{ "max_db_bytes", "8589934591G", 9223372035781033984, "8589934591G" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const struct conf_row *row = row_of(rows[i].name);
		char all[CONF_VALUE_MAX];

		conf_init(&c);
		row_assert(set(rows[i].name, rows[i].value) == 0, "%s = %s: %s", rows[i].name, rows[i].value, why);
		row_assert(strcmp(shown(row), decimal(rows[i].is, 0)) == 0, "%s = %s", rows[i].value, shown(row));
		conf_value_show(row->type, rows[i].is, all);
		row_assert(strcmp(all, rows[i].shown) == 0, "%s is shown as %s", rows[i].value, all);
	}
	conf_init(&c);
	assert_int_equal(set("max_db_bytes", "8589934592G"), -ERR_BAD);
	assert_int_equal(set("hold_ms", "11m"), -ERR_BAD);
	assert_int_equal(set("lifetime_ms", "99ms"), -ERR_BAD);
	assert_int_equal(c.max_db_bytes, 0);
}

/* No row needs one yet that this would be seen at. */
static void
takes_switches(void **state)
{
	const struct conf_row row = { .name = "x", .type = CONF_IS_SWITCH, .is_int = true, .most = 1 };
	static const char *const bad[] = { "", "1", "0", "yes", "true", "On", "onn", "of" };
	char out[CONF_VALUE_MAX];
	int64_t v = 7;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		row_assert(conf_value(&row, str_from(bad[i]), &v, &why) == -ERR_BAD && v == 7, "%s", bad[i]);
	assert_string_equal(why, "x is on or off");
	assert_int_equal(conf_value(&row, STR("on"), &v, &why), 0);
	assert_int_equal(v, 1);
	conf_value_show(CONF_IS_SWITCH, v, out);
	assert_string_equal(out, "on");
	assert_int_equal(conf_value(&row, STR("off"), &v, &why), 0);
	assert_int_equal(v, 0);
	conf_value_show(CONF_IS_SWITCH, v, out);
	assert_string_equal(out, "off");
}

static void
names_with_either_stroke(void **state)
{
	static const struct { const char *name; int rc; } rows[] = {
		{ "max_body_bytes", 0 }, { "max-body-bytes", 0 }, { "max-body_bytes", 0 },
		{ "max_body_byte", -ERR_NOTFOUND }, { "max_body_bytess", -ERR_NOTFOUND },
		{ "MAX_BODY_BYTES", -ERR_NOTFOUND }, { "", -ERR_NOTFOUND }, { "nothing",
		    -ERR_NOTFOUND },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		conf_init(&c);
		row_assert(set(rows[i].name, "4096") == rows[i].rc, "%s", rows[i].name);
		row_assert(c.max_body_bytes == (rows[i].rc == 0 ? 4096 : 262144), "%s",
		    rows[i].name);
		row_assert((why != NULL) == (rows[i].rc < 0), "%s", rows[i].name);
	}
}

static void
reads_the_environment(void **state)
{
	char *const good[] = {
		VAR("SIGPOST_MAX_STREAMS=7"), VAR("PATH=/bin"), VAR("SIGPOST_MOUNT=/a=b"),
		VAR("SIGPOST_NOTHING=1"), VAR("XSIGPOST_HOLD_MS=20"), VAR("SIGPOST"), VAR("="),
		    VAR(""),
		VAR("SIGPOST_"), VAR("SIGPOST_=1"), VAR("SIGPOST_HOLD_MS"),
		VAR("SIGPOST_A_NAME_LONGER_THAN_ANY_SETTING_THERE_COULD_EVER_BE_AND_LONGER=1"), NULL,
	};
	char *const bad[] = { VAR("SIGPOST_HOLD_MS=20"), VAR("SIGPOST_MAX_STREAMS=0"), NULL };
	char *const none[] = { NULL };

	(void)state;
	conf_init(&c);
	assert_int_equal(conf_env(&c, good, &why), 0);
	assert_int_equal(c.max_streams, 7);
	assert_string_equal(c.mount, "/a=b");
	assert_int_equal(c.hold_ms, 25000);
	assert_int_equal(conf_from(row_of("max_streams")), CONF_ENVIRONMENT);
	assert_int_equal(conf_from(row_of("hold_ms")), CONF_DEFAULT);

	assert_int_equal(set("max-streams", "8"), 0);
	assert_int_equal(c.max_streams, 8);
	assert_int_equal(conf_from(row_of("max_streams")), CONF_COMMAND_LINE);

	conf_init(&c);
	why = NULL;
	assert_int_equal(conf_env(&c, bad, &why), -ERR_BAD);
	assert_non_null(strstr(why, "max_streams"));
	assert_int_equal(c.max_streams, 16000);

	conf_init(&c);
	assert_int_equal(conf_env(&c, none, &why), 0);
	assert_int_equal(conf_env(&c, NULL, &why), 0);
}

static void
finds_contradictions(void **state)
{
	static const struct { const char *set[2][2]; const char *why; } rows[] = {
		{ { { "heartbeat_min_ms", "300" }, { "heartbeat_max_ms", "300" } }, NULL },
		{ { { "heartbeat_min_ms", "301" }, { "heartbeat_max_ms", "300" } },
		    "heartbeat_min_ms" },
		{ { { "retry_min_ms", "70" }, { "retry_max_ms", "70" } }, NULL },
		{ { { "retry_min_ms", "71" }, { "retry_max_ms", "70" } }, "retry_min_ms" },
		{ { { "journal", "rollback" } }, NULL },
		{ { { "journal", "auto" } }, NULL },
		{ { { "mount", "auto" } }, NULL },
		{ { { "trusted_proxies", "127.0.0.1, ::1 10.0.0.0/8 unix" } }, NULL },
		{ { { "trusted_proxies", "127.0.0.1 localhost" } }, "trusted_proxies" },
		{ { { "mount", "/" } }, NULL },
		{ { { "mount", "/a/b/" } }, NULL },
		{ { { "mount", "a" } }, "mount" },
		{ { { "mount", "" } }, "mount" },
		{ { { "log_level", "debug" } }, NULL },
		{ { { "log_level", "error" } }, NULL },
		{ { { "db", "x.db" } }, NULL },
		{ { { "db", "" } }, "db" },
		{ { { "origins", "https://a.org, https://*.b.org:81" } }, NULL },
		{ { { "origins", "a.org" } }, "origins (command line): an origin has a scheme" },
		{ { { "origins", "" } }, "origins" },
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const char *about = rows[i].set[0][0];

		conf_init(&c);
		for (k = 0; k < 2 && rows[i].set[k][0] != NULL; k++)
			row_assert(set(rows[i].set[k][0], rows[i].set[k][1]) == 0, "%s", about);
		row_assert(conf_check(&c, &why) == (rows[i].why == NULL ? 0 : -ERR_BAD), "%s=%s",
		    about,
		    rows[i].set[0][1]);
		if (rows[i].why != NULL)
			row_assert(strncmp(why, rows[i].why, strlen(rows[i].why)) == 0, "%s: %s",
			    about, why);
	}
}

static void
names_its_sources(void **state)
{
	(void)state;
	assert_string_equal(conf_source_name(CONF_DEFAULT), "default");
	assert_string_equal(conf_source_name(CONF_ENVIRONMENT), "environment");
	assert_string_equal(conf_source_name(CONF_COMMAND_LINE), "command line");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_in_range),
		cmocka_unit_test(numbers_at_their_edges),
		cmocka_unit_test(texts_at_their_edges),
		cmocka_unit_test(words_of_their_rows),
		cmocka_unit_test(says_what_is_taken),
		cmocka_unit_test(takes_units),
		cmocka_unit_test(takes_switches),
		cmocka_unit_test(names_with_either_stroke),
		cmocka_unit_test(reads_the_environment),
		cmocka_unit_test(finds_contradictions),
		cmocka_unit_test(names_its_sources),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
