/* Where couriers and hubs meet: the lock and the socket beside the database. */
#include "config.h"

#include "unit.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "err.h"
#include "handoff.h"

static char dir[] = "/tmp/test-handoff-XXXXXX";

static const char *
in_dir(const char *name)
{
	static char path[2][256];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
	return path[turn];
}

static int
make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL;
}

static int
remove_dir(void **state)
{
	(void)state;
	unlink(in_dir("lock"));
	unlink(in_dir("socket"));
	return rmdir(dir);
}

static void
one_at_a_time_has_the_lock(void **state)
{
	const char *path = in_dir("lock");
	int first = handoff_lock(path), second;
	struct stat st;

	(void)state;
	assert_true(first >= 0);
	assert_int_equal(handoff_lock(path), -ERR_CONFLICT);
	assert_int_equal(fstat(first, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	close(first);
	second = handoff_lock(path);
	assert_true(second >= 0);
	assert_true(handoff_same_file(second, path));
	unlink(path);
	assert_false(handoff_same_file(second, path));
	first = handoff_lock(path);	/* a new file: the old lock is on nothing */
	assert_true(first >= 0);
	assert_false(handoff_same_file(second, path));
	close(first);
	close(second);
}

static void
lock_follows_no_link_and_needs_its_directory(void **state)
{
	(void)state;
	unlink(in_dir("lock"));
	assert_int_equal(symlink("elsewhere", in_dir("lock")), 0);
	assert_int_equal(handoff_lock(in_dir("lock")), -ERR_IO);
	unlink(in_dir("lock"));
	assert_int_equal(handoff_lock(in_dir("no/such/lock")), -ERR_IO);
}

static bool
answers(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), rc;

	memcpy(a.sun_path, path, strlen(path));
	rc = connect(fd, (struct sockaddr *)&a, sizeof a);
	close(fd);
	return rc == 0;
}

static void
listening_takes_the_place_of_what_was_there(void **state)
{
	const char *path = in_dir("socket");
	struct stat st;
	int fd = handoff_listen(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(answers(path));
	close(fd);
	assert_false(answers(path));	/* stale */
	fd = handoff_listen(path);
	assert_true(fd >= 0);
	assert_true(answers(path));
	close(fd);
}

static void
listening_where_it_cannot(void **state)
{
	char name[128];

	(void)state;
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	assert_int_equal(handoff_listen(name), -ERR_IO);
	assert_int_equal(handoff_listen(in_dir("no/such/socket")), -ERR_IO);
	assert_int_equal(handoff_listen(dir), -ERR_IO);		/* a directory is in the way */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_at_a_time_has_the_lock),
		cmocka_unit_test(lock_follows_no_link_and_needs_its_directory),
		cmocka_unit_test(listening_takes_the_place_of_what_was_there),
		cmocka_unit_test(listening_where_it_cannot),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
