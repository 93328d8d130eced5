/* test-store-sqlite-file - which files are opened, which are refused and why; journals; epochs. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test-store-sqlite.h"

#define NOBODY 65534

static void
refused(struct store_conf conf, int err, const char *about)
{
	struct store *s;
	const char *why;

	fails(place_try(conf, &s, &why), err);
	if (strstr(why, about) == NULL)
		fail_msg("\"%s\" does not speak of \"%s\"", why, about);
}

static void
a_new_file_is_private(void **state)
{
	struct store *s = place_open(true);
	struct stat st;

	(void)state;
	assert_int_equal(stat(place.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(strlen(s->epoch), 16);
	store_close(s);
	assert_int_equal(place_file_size("-wal"), -1);
	assert_int_equal(place_file_size("-shm"), -1);
}

static void
without_create_nothing_is_made(void **state)
{
	struct store_conf conf = place_conf(true);
	struct store *s;

	(void)state;
	conf.create = false;
	refused(conf, ERR_NOTFOUND, "no database");
	assert_int_equal(place_file_size(""), -1);
	close(open(place.path, O_CREAT | O_WRONLY, 0600));
	refused(conf, ERR_NOTFOUND, "empty");
	assert_int_equal(place_file_size(""), 0);
	store_close(place_open(true));
	ok(place_try(conf, &s, NULL));
	store_close(s);
}

static void
an_empty_file_is_filled(void **state)
{
	(void)state;
	close(open(place.path, O_CREAT | O_WRONLY, 0600));
	store_close(place_open(true));
	assert_true(place_file_size("") > 0);
}

static void
other_peoples_files_are_refused_untouched(void **state)
{
	struct store_conf conf = place_conf(true);
	char garbage[8192], back[8192];
	FILE *f;

	(void)state;
	place_run("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1);");
	refused(conf, ERR_CORRUPT, "not a sigpost database");
	place_run("PRAGMA application_id = 12345;");
	refused(conf, ERR_CORRUPT, "not a sigpost database");
	assert_int_equal(place_file_size("-wal"), -1);

	memset(garbage, 'g', sizeof garbage);
	f = fopen(place.path, "w");
	assert_int_equal(fwrite(garbage, 1, sizeof garbage, f), sizeof garbage);
	fclose(f);
	refused(conf, ERR_CORRUPT, "damaged or no database");
	f = fopen(place.path, "r");
	assert_int_equal(fread(back, 1, sizeof back, f), sizeof back);
	fclose(f);
	assert_memory_equal(back, garbage, sizeof back);

	assert_int_equal(unlink(place.path), 0);
	assert_int_equal(mkdir(place.path, 0700), 0);
	refused(conf, ERR_IO, "not a plain file");
}

static void
a_newer_schema_is_refused(void **state)
{
	struct store *s = place_open(true);
	char text[64];
	int known;

	(void)state;
	sql_schema(&known);
	snprintf(text, sizeof text, "PRAGMA user_version = %d;", known + 1);
	assert_int_equal(store_tick(s, true), 0);
	place_run(text);
	assert_int_equal(store_tick(s, true), TICK_CHANGED | TICK_NEWER);
	assert_int_equal(store_tick(s, false), 0);
	assert_int_equal(store_tick(s, true), TICK_NEWER);
	store_close(s);
	refused(place_conf(true), ERR_VERSION, "newer sigpost");
}

static int64_t
asked(const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *q;
	int64_t v;

	assert_int_equal(sqlite3_open(place.path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	v = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	sqlite3_close(db);
	return v;
}

static void
an_older_schema_is_migrated(void **state)
{
	static const char *const steps[] = {
		"CREATE TABLE x (a); INSERT INTO x VALUES (1);",
		"ALTER TABLE x ADD COLUMN b; UPDATE x SET b = a + 1;",
		"CREATE TABLE y (c); INSERT INTO nowhere VALUES (1);",
	};
	sqlite3 *db;

	(void)state;
	assert_int_equal(sqlite3_open(place.path, &db), SQLITE_OK);
	assert_int_equal(sql_migrate(db, steps, 0, 1), SQLITE_OK);
	assert_int_equal(asked("PRAGMA user_version"), 1);
	assert_int_equal(asked("PRAGMA application_id"), SQL_MAGIC);
	assert_int_equal(sql_migrate(db, steps, 1, 2), SQLITE_OK);
	assert_int_equal(asked("PRAGMA user_version"), 2);
	assert_int_equal(asked("SELECT b FROM x"), 2);
	sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
	assert_int_not_equal(sql_migrate(db, steps, 2, 3), SQLITE_OK);
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	assert_int_equal(asked("PRAGMA user_version"), 2);
	assert_int_equal(asked("SELECT count(*) FROM sqlite_master WHERE name = 'y'"), 0);
	sqlite3_close(db);
}

/* Our mark, but of the version before the first: open brings it up to date. */
static void
open_migrates(void **state)
{
	struct store *s;
	int known;

	(void)state;
	sql_schema(&known);
	place_run("PRAGMA application_id = 1936287600; CREATE TABLE before (x);");
	assert_int_equal(SQL_MAGIC, 1936287600);
	s = place_open(true);
	store_close(s);
	assert_int_equal(asked("PRAGMA user_version"), known);
	assert_int_equal(asked("SELECT count(*) FROM msg"), 0);
}

static void
copy_file(const char *from, const char *to)
{
	char command[256];

	snprintf(command, sizeof command, "cp %s %s", from, to);
	assert_int_equal(system(command), 0);
}

static void
a_copy_gets_a_new_epoch(void **state)
{
	struct store *s = place_open(true);
	struct store_conf conf = place_conf(true);
	char copy[sizeof place.path + 8], epoch[17];
	unsigned char secret[HASH_SIZE];

	(void)state;
	memcpy(epoch, s->epoch, sizeof epoch);
	memcpy(secret, s->secret, sizeof secret);
	store_close(s);
	s = place_open(true);
	assert_string_equal(s->epoch, epoch);
	store_close(s);
	snprintf(copy, sizeof copy, "%s.copy", place.path);
	copy_file(place.path, copy);
	conf.path = copy;
	ok(place_try(conf, &s, NULL));
	assert_string_not_equal(s->epoch, epoch);
	assert_memory_equal(s->secret, secret, HASH_SIZE);
	memcpy(epoch, s->epoch, sizeof epoch);
	store_close(s);
	ok(place_try(conf, &s, NULL));
	assert_string_equal(s->epoch, epoch);
	store_close(s);
}

static void
fresh_files_differ(void **state)
{
	struct store *s = place_open(true);
	unsigned char secret[HASH_SIZE];
	char epoch[17];

	(void)state;
	memcpy(epoch, s->epoch, sizeof epoch);
	memcpy(secret, s->secret, sizeof secret);
	store_close(s);
	assert_int_equal(unlink(place.path), 0);
	s = place_open(true);
	assert_string_not_equal(s->epoch, epoch);
	assert_memory_not_equal(s->secret, secret, HASH_SIZE);
	store_close(s);
}

static void
a_damaged_secret_is_refused(void **state)
{
	(void)state;
	store_close(place_open(true));
	place_run("UPDATE meta SET value = x'00' WHERE name = 'secret';");
	refused(place_conf(true), ERR_CORRUPT, "damaged");
	place_run("DELETE FROM meta WHERE name = 'epoch';");
	refused(place_conf(true), ERR_CORRUPT, "damaged");
}

struct opened {
	int	err;
	char	epoch[17];
};

static void
open_in_child(int from, int to)
{
	struct store_conf conf = place_conf(true);
	struct opened o = { 0 };
	struct store *s;
	const char *why;
	char go;

	if (read(from, &go, 1) != 0)
		_exit(1);
	o.err = store_sqlite_open(&conf, &s, &why);
	if (o.err == 0) {
		memcpy(o.epoch, s->epoch, sizeof o.epoch);
		store_close(s);
	}
	_exit(write(to, &o, sizeof o) == sizeof o ? 0 : 1);
}

/* All wait for the same pipe to close, then find no file. */
static void
many_may_open_a_new_file_at_once(void **state)
{
	int gate[2], answers[2], i, status;
	struct opened first, o;

	(void)state;
	assert_int_equal(pipe(gate), 0);
	assert_int_equal(pipe(answers), 0);
	for (i = 0; i < 8; i++)
		if (fork() == 0) {
			close(gate[1]);
			open_in_child(gate[0], answers[1]);
		}
	close(gate[0]);
	close(gate[1]);
	for (i = 0; i < 8; i++) {
		assert_int_equal(read(answers[0], &o, sizeof o), sizeof o);
		assert_int_equal(wait(&status) > 0 ? status : -1, 0);
		ok(o.err);
		if (i == 0)
			first = o;
		assert_string_equal(o.epoch, first.epoch);
	}
	close(answers[0]);
	close(answers[1]);
}

/* The shared memory of a WAL cannot be made here. */
static void
forbid_wal(void)
{
	char shm[sizeof place.path + 8];

	snprintf(shm, sizeof shm, "%s-shm", place.path);
	assert_int_equal(symlink("nowhere/shm", shm), 0);
}

static void
where_no_wal_is_there_is_a_rollback_journal(void **state)
{
	struct store *s, *other;
	int64_t id;

	(void)state;
	forbid_wal();
	s = place_open(true);
	assert_string_equal(((struct lite *)s)->journal, "truncate");
	other = place_open(true);
	ok(store_begin(s, T0));
	id = suite_box(s, 1);
	ok(store_commit(s));
	assert_int_equal(suite_look(other, id).id, id);
	store_close(other);
	store_close(s);
}

/* As when the file was moved to another file system. */
static void
a_wal_is_left_where_there_can_be_none(void **state)
{
	struct store *s = place_open(true);
	int64_t id;

	(void)state;
	ok(store_begin(s, T0));
	id = suite_box(s, 1);
	ok(store_commit(s));
	store_close(s);
	forbid_wal();
	s = place_open(true);
	assert_string_equal(((struct lite *)s)->journal, "truncate");
	assert_int_equal(suite_look(s, id).id, id);
	store_close(s);
}

static void
the_journal_follows_the_configuration(void **state)
{
	struct store *s = place_open(true), *other;

	(void)state;
	assert_string_equal(((struct lite *)s)->journal, "wal");
	other = place_open(false);
	assert_string_equal(((struct lite *)other)->journal, "wal");
	store_close(other);
	store_close(s);
	s = place_open(false);
	assert_string_equal(((struct lite *)s)->journal, "truncate");
	store_close(s);
	s = place_open(true);
	assert_string_equal(((struct lite *)s)->journal, "wal");
	store_close(s);
}

/* Root may write anywhere, so be somebody else for a while. */
static void
a_read_only_directory_is_explained(void **state)
{
	(void)state;
	store_close(place_open(true));
	assert_int_equal(chmod(place.path, 0666), 0);
	assert_int_equal(chmod(place.dir, 0555), 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(NOBODY), 0);
	refused(place_conf(true), ERR_IO, "the directory of");
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(place.dir, 0777), 0);
	assert_int_equal(chmod(place.path, 0444), 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(NOBODY), 0);
	refused(place_conf(true), ERR_IO, "cannot be written");
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
}

static void
a_missing_directory_is_explained(void **state)
{
	struct store_conf conf = place_conf(true);
	char path[sizeof place.path + 8];

	(void)state;
	snprintf(path, sizeof path, "%s/no/db", place.dir);
	conf.path = path;
	refused(conf, ERR_IO, "directory");
	conf.create = false;
	refused(conf, ERR_NOTFOUND, "no database");
}

/* The one call that waits: somebody holds the file, for longer than it is willing to. */
static void
open_gives_up_on_a_locked_file(void **state)
{
	sqlite3 *db;

	(void)state;
	assert_int_equal(sqlite3_open(place.path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	refused(place_conf(true), ERR_BUSY, "locked");
	sqlite3_close(db);
	store_close(place_open(true));
}

static void
a_replaced_file_is_noticed(void **state)
{
	struct store *s = place_open(true);
	char moved[sizeof place.path + 8];

	(void)state;
	snprintf(moved, sizeof moved, "%s.old", place.path);
	assert_int_equal(store_tick(s, true), 0);
	assert_int_equal(rename(place.path, moved), 0);
	assert_int_equal(store_tick(s, true), TICK_REPLACED);
	copy_file(moved, place.path);
	assert_int_equal(store_tick(s, true), TICK_REPLACED);
	assert_int_equal(rename(moved, place.path), 0);
	assert_int_equal(store_tick(s, true), 0);
	assert_int_equal(unlink(place.path), 0);
	assert_int_equal(store_tick(s, true), TICK_REPLACED);
	store_close(s);
}

const struct CMUnitTest sqlite_file_tests[] = {
	cmocka_unit_test(a_new_file_is_private),
	cmocka_unit_test(without_create_nothing_is_made),
	cmocka_unit_test(an_empty_file_is_filled),
	cmocka_unit_test(other_peoples_files_are_refused_untouched),
	cmocka_unit_test(a_newer_schema_is_refused),
	cmocka_unit_test(an_older_schema_is_migrated),
	cmocka_unit_test(open_migrates),
	cmocka_unit_test(a_copy_gets_a_new_epoch),
	cmocka_unit_test(fresh_files_differ),
	cmocka_unit_test(a_damaged_secret_is_refused),
	cmocka_unit_test(many_may_open_a_new_file_at_once),
	cmocka_unit_test(where_no_wal_is_there_is_a_rollback_journal),
	cmocka_unit_test(a_wal_is_left_where_there_can_be_none),
	cmocka_unit_test(the_journal_follows_the_configuration),
	cmocka_unit_test(a_read_only_directory_is_explained),
	cmocka_unit_test(a_missing_directory_is_explained),
	cmocka_unit_test(open_gives_up_on_a_locked_file),
	cmocka_unit_test(a_replaced_file_is_noticed),
	{ NULL, NULL, NULL, NULL, NULL }
};
