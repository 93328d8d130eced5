/* Limits of several processes: one file, whoever dies, whatever is in it. */
#include "config.h"

#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rate.h"

#define SECOND	1000000
#define T0	(INT64_C(1000) * SECOND)
#define CHILDREN 6
#define TICK_US	1
#define AT_ONCE	300000	/* so many that what gets lost early is taken once more */

static const struct rate_limit thousand = { 1000, 100 };	/* a thousand a second, a hundred at once */
static const struct rate_limit second_tick = { 2 * TICK_US, AT_ONCE };

static _Atomic int64_t *clock_us;	/* shared with children */

static char dir[] = "/tmp/sigpost-rate-XXXXXX";
static char db[64], file[64];

static int
make_place(void **state)
{
	(void)state;
	strcpy(dir + sizeof dir - 7, "XXXXXX");
	assert_non_null(mkdtemp(dir));
	clock_us = mmap(NULL, sizeof *clock_us, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(clock_us, MAP_FAILED);
	atomic_store(clock_us, T0);
	snprintf(db, sizeof db, "%s/s.db", dir);
	snprintf(file, sizeof file, "%s/s.db.rate", dir);
	return 0;
}

static int
remove_place(void **state)
{
	(void)state;
	munmap(clock_us, sizeof *clock_us);
	chmod(dir, 0700);
	unlink(file);
	rmdir(dir);
	return 0;
}

/* A clock of our own for all processes: it goes on by TICK_US each time it is read, however loaded the machine is. */
static int64_t
tick(void)
{
	return atomic_fetch_add(clock_us, TICK_US) + TICK_US;
}

static void
open_shared(struct rate *r)
{
	assert_int_equal(rate_init(r, db), 0);
	assert_null(r->why);
}

/* ---- children ---- */

struct child {
	pid_t pid;
	int say, hear;		/* a byte each way */
};

static void
child_tell(struct child *c, char byte)
{
	assert_int_equal(write(c->say, &byte, 1), 1);
}

static char
child_ask(struct child *c)
{
	char byte = '\0';

	assert_int_equal(read(c->hear, &byte, 1), 1);
	return byte;
}

/* One session of key 7 for each '+', of at most 4; answers y or n. '-' gives one back. Until the pipe ends. */
static void
child_sessions(int in, int out)
{
	struct rate r;
	char c;

	if (rate_init(&r, db) < 0)
		_exit(1);
	while (read(in, &c, 1) == 1) {
		if (c == '+')
			c = rate_enter(&r, 7, 4) ? 'y' : 'n';
		else
			rate_leave(&r, 7);
		if (write(out, &c, 1) != 1)
			_exit(1);
	}
	_exit(0);
}

static struct child
child_start(void (*fn)(int in, int out))
{
	struct child c;
	int to[2], from[2];

	assert_int_equal(pipe2(to, O_CLOEXEC), 0);
	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	c.pid = fork();
	assert_true(c.pid >= 0);
	if (c.pid == 0) {
		close(to[1]);
		close(from[0]);
		fn(to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	c.say = to[1];
	c.hear = from[0];
	return c;
}

static void
child_kill(struct child *c)
{
	kill(c->pid, SIGKILL);
	close(c->say);
	close(c->hear);
	waitpid(c->pid, NULL, 0);
}

/* ---- buckets ---- */

/* Takes what it can for as long as it may; says how much. */
static void
child_hammer(int in, int out)
{
	struct rate r;
	int64_t until = 0;
	uint32_t got = 0;

	if (rate_init(&r, db) < 0 || read(in, &until, sizeof until) != sizeof until)
		_exit(1);
	for (;;) {
		int64_t now = tick();

		if (now > until)
			break;
		if (rate_take(&r, 7, &second_tick, 1, now) == 0)
			got++;
	}
	_exit(write(out, &got, sizeof got) == sizeof got ? 0 : 1);
}

/*
 * Exactly what one process would get: AT_ONCE, and one each second tick. Less by a few is right, too: who is
 * interrupted between reading the clock and taking comes too late. Never by more than a second: so long the clock goes.
 */
static void
many_processes_share_a_bucket(void **state)
{
	const int64_t until = T0 + SECOND;
	const uint32_t right = AT_ONCE + SECOND / (2 * TICK_US);
	struct child c[CHILDREN];
	uint32_t got, sum = 0;
	struct rate r;
	int i;

	(void)state;
	open_shared(&r);
	for (i = 0; i < CHILDREN; i++)
		c[i] = child_start(child_hammer);
	for (i = 0; i < CHILDREN; i++)
		assert_int_equal(write(c[i].say, &until, sizeof until), sizeof until);
	for (i = 0; i < CHILDREN; i++) {
		assert_int_equal(read(c[i].hear, &got, sizeof got), sizeof got);
		sum += got;
		child_kill(&c[i]);
	}
	row_assert(sum >= right - 100 && sum <= right, "%u taken, %u are right", sum, right);
	rate_release(&r);
}

/* Nothing stands still, and what they left is a bucket as any other. */
static void
killed_amid_it(void **state)
{
	const int64_t until = INT64_MAX;
	struct child c[CHILDREN];
	struct rate r;
	int64_t now;
	int i;

	(void)state;
	open_shared(&r);
	for (i = 0; i < CHILDREN; i++) {
		c[i] = child_start(child_hammer);
		assert_int_equal(write(c[i].say, &until, sizeof until), sizeof until);
	}
	usleep(50000);
	for (i = 0; i < CHILDREN; i++)
		child_kill(&c[i]);
	now = tick() + SECOND;
	assert_int_equal(rate_take(&r, 7, &second_tick, AT_ONCE, now), 0);
	assert_true(rate_take(&r, 7, &second_tick, AT_ONCE, now) > 0);
	rate_release(&r);
}

/* ---- sessions ---- */

static void
sessions_hold_for_all(void **state)
{
	struct child a, b;
	struct rate r;
	int i;

	(void)state;
	a = child_start(child_sessions);
	b = child_start(child_sessions);
	for (i = 0; i < 4; i++) {
		child_tell(i % 2 ? &a : &b, '+');
		assert_int_equal(child_ask(i % 2 ? &a : &b), 'y');
	}
	child_tell(&a, '+');
	assert_int_equal(child_ask(&a), 'n');
	open_shared(&r);
	assert_int_equal(rate_sessions(&r, 7), 4);
	assert_false(rate_enter(&r, 7, 4));
	assert_true(rate_enter(&r, 7, 5));
	rate_leave(&r, 7);
	child_tell(&b, '-');
	assert_int_equal(child_ask(&b), '-');
	child_tell(&a, '+');
	assert_int_equal(child_ask(&a), 'y');
	child_kill(&a);
	child_kill(&b);
	rate_release(&r);
}

static void
who_is_killed_has_none(void **state)
{
	struct child a, b;
	int i;

	(void)state;
	a = child_start(child_sessions);
	for (i = 0; i < 4; i++) {
		child_tell(&a, '+');
		assert_int_equal(child_ask(&a), 'y');
	}
	b = child_start(child_sessions);
	child_tell(&b, '+');
	assert_int_equal(child_ask(&b), 'n');
	child_kill(&a);
	for (i = 0; i < 5; i++) {
		child_tell(&b, '+');
		assert_int_equal(child_ask(&b), i < 4 ? 'y' : 'n');
	}
	child_kill(&b);
	a = child_start(child_sessions);	/* who has b's number next has not b's sessions */
	child_tell(&a, '+');
	assert_int_equal(child_ask(&a), 'y');
	child_kill(&a);
}

/* ---- the file ---- */

static void
write_file(const void *p, size_t n, off_t at)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, at), n);
	close(fd);
}

static ino_t
inode(void)
{
	struct stat st;

	assert_int_equal(lstat(file, &st), 0);
	return st.st_ino;
}

/* Valid words of processes there are not, times of all centuries. */
static void
garbage_is_harmless(void **state)
{
	static unsigned char noise[sizeof(struct rate_map)];
	uint64_t x = 88172645463325252;
	struct rate r;
	size_t i;

	(void)state;
	open_shared(&r);
	rate_release(&r);
	for (i = 0; i < sizeof noise; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		noise[i] = (unsigned char)x;
	}
	write_file(noise + 8, sizeof noise - 8, 8);
	open_shared(&r);
	for (i = 1; i <= 2000; i++) {
		uint64_t key = i * UINT64_C(0x9e3779b97f4a7c15);

		row_assert(rate_take(&r, key, &thousand, 1, T0) <= SECOND, "bucket %zu", i);
		row_assert(rate_enter(&r, key, 1), "session %zu", i);
	}
	rate_release(&r);
}

/* Among the rows of a process that lives: until it counts anew. */
static void
what_is_counted_wrong_is_counted_anew(void **state)
{
	struct rate r;
	size_t i;

	(void)state;
	open_shared(&r);
	assert_true(rate_enter(&r, 7, 2));
	for (i = 0; i < RATE_SESSIONS; i++)
		if (r.map->sessions[i] != 0)
			r.map->sessions[i] += 1000;
	assert_false(rate_enter(&r, 7, 2));
	rate_recount(&r);
	rate_enter_again(&r, 7);
	assert_int_equal(rate_sessions(&r, 7), 1);
	assert_true(rate_enter(&r, 7, 2));
	rate_release(&r);
}

static void
another_version_or_size_is_replaced(void **state)
{
	static const struct { const char *why; size_t n; const char *begin; } rows[] = {
		{ "another version", sizeof(struct rate_map), "2etargis" },
		{ "garbage", sizeof(struct rate_map), "garbage!" },
		{ "too small", 100, "1etargis" },
		{ "a byte too long", sizeof(struct rate_map) + 1, "1etargis" },
	};
	static char bytes[sizeof(struct rate_map) + 1];
	struct rate r;
	struct stat st;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		memcpy(bytes, rows[i].begin, 8);
		write_file(bytes, rows[i].n, 0);
		open_shared(&r);
		assert_int_equal(stat(file, &st), 0);
		row_assert(st.st_size == sizeof(struct rate_map), "%s: %lld", rows[i].why, (long long)st.st_size);
		assert_int_equal(st.st_mode & 0777, 0600);
		assert_int_equal(rate_take(&r, 7, &thousand, 100, T0), 0);
		rate_release(&r);
		unlink(file);
	}
}

static void
a_file_that_went_away_is_made_anew(void **state)
{
	struct rate r;
	ino_t before;

	(void)state;
	open_shared(&r);
	assert_true(rate_enter(&r, 7, 1));
	before = inode();
	assert_false(rate_look(&r));
	assert_int_equal(inode(), before);
	unlink(file);
	assert_true(rate_look(&r));
	inode();
	assert_false(rate_look(&r));
	assert_int_equal(rate_sessions(&r, 7), 0);
	rate_enter_again(&r, 7);
	assert_int_equal(rate_sessions(&r, 7), 1);
	write_file("garbage!", 8, 0);
	assert_true(rate_look(&r));
	assert_null(r.why);
	rate_release(&r);
}

/* No file to be had: limits of this process alone, and it says why. */
static void
without_a_file(void **state)
{
	struct rate r;

	(void)state;
	assert_null(rate_problem(db));
	assert_int_equal(mkdir(file, 0700), 0);		/* a directory in its place; root may write anywhere */
	assert_int_equal(rate_init(&r, db), 0);
	assert_non_null(r.why);
	assert_int_equal(rate_take(&r, 7, &thousand, 100, T0), 0);
	assert_true(rate_take(&r, 7, &thousand, 1, T0) > 0);
	assert_true(rate_enter(&r, 7, 1));
	assert_false(rate_enter(&r, 7, 1));
	assert_false(rate_look(&r));
	assert_string_equal(rate_problem(db), r.why);
	rate_release(&r);
	rmdir(file);
}

static void
a_link_is_not_followed(void **state)
{
	char target[64];
	struct rate r;

	(void)state;
	snprintf(target, sizeof target, "%s/target", dir);
	assert_int_equal(symlink(target, file), 0);
	assert_int_equal(rate_init(&r, db), 0);
	assert_non_null(r.why);
	assert_int_equal(access(target, F_OK), -1);
	rate_release(&r);
}

int
main(void)
{
#define ROW(f)	cmocka_unit_test_setup_teardown(f, make_place, remove_place)
	const struct CMUnitTest tests[] = {
		ROW(many_processes_share_a_bucket),
		ROW(killed_amid_it),
		ROW(sessions_hold_for_all),
		ROW(who_is_killed_has_none),
		ROW(garbage_is_harmless),
		ROW(what_is_counted_wrong_is_counted_anew),
		ROW(another_version_or_size_is_replaced),
		ROW(a_file_that_went_away_is_made_anew),
		ROW(without_a_file),
		ROW(a_link_is_not_followed),
	};

	return cmocka_run_group_tests_name("rate-file", tests, NULL, NULL);
}
