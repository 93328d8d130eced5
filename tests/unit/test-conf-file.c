/* The file of settings: its grammar, its edges, and what is said of a file that is none. */
#include "config.h"

#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "conf-file.h"
#include "err.h"

static char dir[64] = "/tmp/sigpost-conf-XXXXXX", path[128];
static struct conf c;
static const char *why;

static void
write_file(const char *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static int
read_conf(const char *bytes, size_t n)
{
	write_file(bytes, n);
	conf_init(&c);
	why = NULL;
	return conf_read(&c, path, &why);
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
takes_values(void **state)
{
	static const struct { const char *why, *text, *name, *is; } rows[] = {
		{ "plain", "hold_ms = 10s\n", "hold_ms", "10000" },
		{ "no blanks, no end of line", "hold_ms=10s", "hold_ms", "10000" },
		{ "tabs, CR", "\thold_ms\t=\t10s\t\r\n", "hold_ms", "10000" },
		{ "a hyphen", "hold-ms = 11\n", "hold_ms", "11" },
		{ "a byte order mark", "\xef\xbb\xbfhold_ms = 12\n", "hold_ms", "12" },
		{ "a comment before", "# x = y\n\n  # z\nhold_ms = 13", "hold_ms", "13" },
		{ "a comment behind", "hold_ms = 14 # why\n", "hold_ms", "14" },
		{ "a # in a value", "mount = /a#b\n", "mount", "/a#b" },
		{ "quotes", "mount = \"/a # b\" # why\n", "mount", "/a # b" },
		{ "blanks in quotes", "peerjs_key = \" a \"\n", "peerjs_key", " a " },
		{ "an = in a value", "mount = /a=b\n", "mount", "/a=b" },
		{ "nothing", "peerjs_key =\n", "peerjs_key", "" },
		{ "nothing in quotes", "peerjs_key = \"\"\n", "peerjs_key", "" },
		{ "only a comment", "peerjs_key = # x\n", "peerjs_key", "" },
		{ "another script", "peerjs_key = \xd9\xa1\n", "peerjs_key", "\xd9\xa1" },
		{ "an empty file", "", "hold_ms", "25000" },
	};
	char shown[CONF_STR_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_assert(read_conf(rows[i].text, strlen(rows[i].text)) == 0, "%s: %s", rows[i].why, why);
		conf_show(&c, row_of(rows[i].name), shown);
		row_assert(strcmp(shown, rows[i].is) == 0, "%s: %s", rows[i].why, shown);
	}
}

static void
says_file_and_line(void **state)
{
	static const struct { const char *text; size_t n; const char *why; } rows[] = {
#define ROW(text, why) { text, sizeof(text) - 1, why }
		ROW("\n# x\nhold_ms = 10 s\n", "3: hold_ms takes a time such as 25s or 25000, from 10ms to 10m"),
		ROW("hold_ms = 10s\nmax_stream = 7", "2: max_stream: there is no such setting; did you mean max_streams?"),
		ROW("hold = 7", "1: hold: there is no such setting; did you mean hold_ms?"),
		ROW("heartbeat_max = 7s", "1: heartbeat_max: there is no such setting; did you mean heartbeat_max_ms?"),
		ROW("Hold_MS = 7", "1: Hold_MS: there is no such setting; did you mean hold_ms?"),
		ROW("colour = 7", "1: colour: there is no such setting"),
		ROW("a\033[1mb = 7", "1: there is no such setting"),
		ROW("hold_ms = 7s\n\nhold-ms = 8s", "3: hold-ms is set in line 1 already"),
		ROW("[sigpost]\n", "1: a line is \"name = value\", a comment that begins with #, or empty"),
		ROW("= 7\n", "1: a line is \"name = value\", a comment that begins with #, or empty"),
		ROW("mount = \"/a\n", "1: the quote is not closed"),
		ROW("mount = \"/a\" b\n", "1: nothing but a comment may follow the closing quote"),
		ROW("mount = /a\0b\n", "1: there is a NUL byte; settings are text"),
		ROW("mount = /a\033b\n", "1: mount takes a text of at most 4095 bytes without control characters"),
		ROW("health = no\n", "1: health is full, brief or off"),
#undef ROW
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_assert(read_conf(rows[i].text, rows[i].n) == -ERR_BAD, "%s", rows[i].text);
		row_assert(strncmp(why, path, strlen(path)) == 0 && why[strlen(path)] == ':', "%s", why);
		row_assert(strcmp(why + strlen(path) + 1, rows[i].why) == 0, "%s", why);
	}
}

/* A line of n bytes in a file of `size`, all of it comment. */
static int
read_sized(size_t n, size_t size)
{
	static char text[CONF_FILE_BYTES + 2];

	memset(text, '\n', size);
	memset(text, '#', n);
	return read_conf(text, size);
}

static void
has_edges(void **state)
{
	(void)state;
	assert_int_equal(read_sized(CONF_FILE_LINE, CONF_FILE_LINE + 1), 0);
	assert_int_equal(read_sized(CONF_FILE_LINE, CONF_FILE_LINE), 0);
	assert_int_equal(read_sized(CONF_FILE_LINE + 1, CONF_FILE_LINE + 2), -ERR_BAD);
	assert_non_null(strstr(why, ":1: the line is longer than 4352 bytes"));
	assert_int_equal(read_sized(1, CONF_FILE_BYTES), 0);
	assert_int_equal(read_sized(1, CONF_FILE_BYTES + 1), -ERR_BAD);
	assert_non_null(strstr(why, ": a file of settings has at most 65536 bytes"));
}

static void
stays_below_stronger_sources(void **state)
{
	char *const env[] = { (char[]){ "SIGPOST_GRACE_MS=2s" }, NULL };
	char *const none[] = { NULL };
	const char text[] = "hold_ms = 1s\ngrace_ms = 1s\naway_ms = 1s\n";
	char origin[256];

	(void)state;
	write_file(text, sizeof text - 1);
	conf_init(&c);
	assert_int_equal(conf_set(&c, STR("hold_ms"), STR("3s"), CONF_COMMAND_LINE, &why), 0);
	assert_int_equal(conf_env(&c, env, &why), 0);
	assert_int_equal(conf_read(&c, path, &why), 0);
	assert_int_equal(conf_env(&c, none, &why), 0);
	assert_int_equal(c.hold_ms, 3000);
	assert_int_equal(c.grace_ms, 2000);
	assert_int_equal(c.away_ms, 1000);
	assert_string_equal(conf_read_from(), path);
	conf_origin(row_of("hold_ms"), origin, sizeof origin);
	assert_string_equal(origin, "command line");
	conf_origin(row_of("grace_ms"), origin, sizeof origin);
	assert_string_equal(origin, "environment");
	conf_origin(row_of("slow_ms"), origin, sizeof origin);
	assert_string_equal(origin, "default");
	conf_origin(row_of("away_ms"), origin, sizeof origin);
	assert_int_equal(strncmp(origin, path, strlen(path)), 0);
	assert_string_equal(origin + strlen(path), ":3");
}

static void
finds_its_file(void **state)
{
	char sibling[160], db[256];

	(void)state;
	snprintf(sibling, sizeof sibling, "%s/d/x.db", dir);
	write_file("db = d/x.db\n", 12);
	setenv("SIGPOST_CONFIG", path, 1);
	conf_init(&c);
	assert_int_equal(conf_read(&c, NULL, &why), 0);
	assert_string_equal(c.db, sibling);	/* below the directory of the file, wherever we are */
	assert_int_equal(conf_file_db(db, sizeof db), 0);
	assert_string_equal(db, sibling);
	assert_int_equal(conf_file_db(db, strlen(sibling)), -ERR_BAD);

	write_file("db = /x.db\n", 11);
	assert_int_equal(conf_file_db(db, sizeof db), 0);
	assert_string_equal(db, "/x.db");
	write_file("mount = /\n", 10);
	assert_int_equal(conf_file_db(db, sizeof db), -ERR_NOTFOUND);

	setenv("SIGPOST_CONFIG", "", 1);
	conf_init(&c);
	assert_int_equal(conf_read(&c, NULL, &why), 0);
	assert_string_equal(conf_read_from(), "");
	assert_int_equal(conf_file_db(db, sizeof db), -ERR_NOTFOUND);

	setenv("SIGPOST_CONFIG", "sigpost.conf", 1);
	assert_int_equal(conf_read(&c, NULL, &why), -ERR_BAD);
	assert_string_equal(why, "SIGPOST_CONFIG: in the environment, the path of a file begins with /");
	assert_int_equal(conf_file_db(db, sizeof db), -ERR_BAD);

	snprintf(sibling, sizeof sibling, "%s/nowhere", dir);
	setenv("SIGPOST_CONFIG", sibling, 1);
	assert_int_equal(conf_read(&c, NULL, &why), -ERR_BAD);
	assert_non_null(strstr(why, "/nowhere: there is no such file"));
	assert_int_equal(conf_file_db(db, sizeof db), -ERR_BAD);

	setenv("SIGPOST_CONFIG", dir, 1);
	assert_int_equal(conf_read(&c, NULL, &why), -ERR_BAD);
	assert_non_null(strstr(why, ": this is a directory, not a file of settings"));

	setenv("SIGPOST_CONFIG", "/dev/null", 1);
	assert_int_equal(conf_read(&c, NULL, &why), 0);
	unsetenv("SIGPOST_CONFIG");	/* the installed one, if it is there */
	assert_int_equal(conf_read(&c, "", &why), 0);
}

static void
waits_for_no_writer(void **state)
{
	char fifo[160];

	(void)state;
	snprintf(fifo, sizeof fifo, "%s/fifo", dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(conf_read(&c, fifo, &why), -ERR_BAD);
	assert_non_null(strstr(why, ": this is no file of settings"));
	unlink(fifo);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_values),
		cmocka_unit_test(says_file_and_line),
		cmocka_unit_test(has_edges),
		cmocka_unit_test(stays_below_stronger_sources),
		cmocka_unit_test(finds_its_file),
		cmocka_unit_test(waits_for_no_writer),
	};
	int rc;

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(path, sizeof path, "%s/sigpost.conf", dir);
	rc = cmocka_run_group_tests_name("conf file", tests, NULL, NULL);
	unlink(path);
	rmdir(dir);
	return rc;
}
