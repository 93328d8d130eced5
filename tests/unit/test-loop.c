/* test-loop - turns, timers, workers and descriptors of one loop, whoever of them wakes it. */
#include "config.h"

#include "unit.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loop.h"

static struct loop l;
static char order[64];		/* what was called: t(urn), l(ater), d(escriptor), T(imer), w(orker) */
static int turns_left;		/* the loop stops after so many */

static void
called(char what)
{
	size_t n = strlen(order);

	if (n + 1 < sizeof order)
		order[n] = what;
}

static void
on_turn(void *arg)
{
	(void)arg;
	called('t');
	if (turns_left > 0 && --turns_left == 0)
		loop_stop(&l);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct loop_timer never;		/* libuv does nothing where it has nothing to wait for */

static void
not_now(struct loop_timer *t)
{
	(void)t;
	fail();
}

static int
begin(void **state)
{
	(void)state;
	memset(order, 0, sizeof order);
	turns_left = 0;
	if (loop_init(&l, on_turn, NULL) < 0)
		return -1;
	loop_timer_init(&l, &never, not_now);
	loop_timer_start(&never, 3600000, 0);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	loop_timer_close(&never, NULL);
	loop_release(&l);
	return 0;
}

/* ---- later ---- */

static struct loop_later later;
static int agains;

static void
on_later(struct loop_later *t)
{
	called('l');
	if (agains-- > 0)
		loop_later(&l, t);
}

static void
later_is_after_the_turn(void **state)
{
	(void)state;
	loop_poll(&l);
	memset(order, 0, sizeof order);
	loop_later_init(&later, on_later);
	agains = 0;
	loop_later(&l, &later);
	loop_later(&l, &later);
	loop_poll(&l);
	assert_int_equal(strncmp(order, "tltt", 4), 0);
	assert_null(strchr(order + 2, 'l'));
}

/* It does not sleep meanwhile, though nothing else happens. */
static void
later_again_and_again(void **state)
{
	(void)state;
	loop_later_init(&later, on_later);
	agains = 5;
	loop_later(&l, &later);
	turns_left = 12;
	loop_run(&l);
	assert_int_equal(agains, -1);
}

static void
later_is_called_off(void **state)
{
	(void)state;
	loop_later_init(&later, on_later);
	loop_later(&l, &later);
	loop_later_cancel(&later);
	loop_poll(&l);
	assert_null(strchr(order, 'l'));
}

/* ---- timers ---- */

static struct loop_timer timer, ticker;
static int64_t fired;

static void
on_fire(struct loop_timer *t)
{
	(void)t;
	called('T');
	fired = now_ms();
	loop_stop(&l);
}

static void
close_timers(void)
{
	loop_timer_close(&timer, NULL);
	loop_timer_close(&ticker, NULL);
}

static void
make_timers(void (*tick)(struct loop_timer *))
{
	loop_timer_init(&l, &timer, on_fire);
	loop_timer_init(&l, &ticker, tick);
}

static void
a_timer_wakes_it(void **state)
{
	int64_t start = now_ms();

	(void)state;
	make_timers(on_fire);
	loop_timer_start(&timer, 30, 0);
	loop_run(&l);
	assert_in_range(fired - start, 29, 5000);
	close_timers();
}

/* ---- descriptors ---- */

static int ends[2];
static struct loop_fd io;
static int left;

/* Busy for a while with descriptors alone; then the timer is set. */
static void
on_readable(struct loop_fd *f, int events)
{
	char c;

	assert_int_equal(events & LOOP_READ, LOOP_READ);
	called('d');
	assert_int_equal(read(f->fd, &c, 1), 1);
	usleep(2000);
	if (--left > 0)
		assert_int_equal(write(ends[1], "x", 1), 1);
	else {
		fired = now_ms();
		loop_timer_start(&timer, 25, 0);
	}
}

static void
a_timer_counts_from_when_it_is_set(void **state)
{
	int64_t set;

	(void)state;
	make_timers(on_fire);
	assert_int_equal(pipe(ends), 0);
	loop_fd_init(&io, ends[0], on_readable);
	assert_int_equal(loop_fd_watch(&l, &io, LOOP_READ), 0);
	left = 30;
	assert_int_equal(write(ends[1], "x", 1), 1);
	fired = 0;
	while (fired == 0)
		loop_poll(&l);
	set = fired;
	loop_run(&l);
	assert_in_range(fired - set, 20, 5000);
	loop_fd_close(&io, NULL);
	close(ends[1]);
	close_timers();
}

static struct loop_fd both[2];
static int pipes[2][2];

static void
close_the_other(struct loop_fd *f, int events)
{
	(void)events;
	called('d');
	loop_fd_close(f == &both[0] ? &both[1] : &both[0], NULL);
	loop_fd_close(f, NULL);
}

/* Both are ready at once: who is closed by the first is not called. */
static void
a_closed_descriptor_is_not_called(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		assert_int_equal(pipe(pipes[i]), 0);
		loop_fd_init(&both[i], pipes[i][0], close_the_other);
		assert_int_equal(loop_fd_watch(&l, &both[i], LOOP_READ), 0);
		assert_int_equal(write(pipes[i][1], "x", 1), 1);
	}
	for (i = 0; i < 3; i++)
		loop_poll(&l);
	assert_non_null(strchr(order, 'd'));
	assert_null(strchr(strchr(order, 'd') + 1, 'd'));
	for (i = 0; i < 2; i++)
		close(pipes[i][1]);
}

/* ---- libuv's own ---- */

static void
sleep_a_little(uv_work_t *w)
{
	(void)w;
	usleep(20000);
}

static void
on_work_done(uv_work_t *w, int status)
{
	(void)w;
	assert_int_equal(status, 0);
	called('w');
	loop_stop(&l);
}

static void
a_worker_wakes_it(void **state)
{
	static uv_work_t work;

	(void)state;
	assert_int_equal(uv_queue_work(&l.uv, &work, sleep_a_little, on_work_done), 0);
	loop_run(&l);
	assert_non_null(strchr(order, 'w'));
}

static int starts;

static void
on_tick(struct loop_timer *t)
{
	static uv_work_t work;

	(void)t;
	if (starts++ == 0)
		assert_int_equal(uv_queue_work(&l.uv, &work, sleep_a_little, on_work_done), 0);
}

static void
a_worker_started_by_a_timer_wakes_it(void **state)
{
	(void)state;
	make_timers(on_tick);
	starts = 0;
	loop_timer_start(&ticker, 1, 3600000);
	loop_run(&l);
	assert_int_equal(starts, 1);
	assert_non_null(strchr(order, 'w'));
	close_timers();
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		T(later_is_after_the_turn), T(later_again_and_again), T(later_is_called_off),
		T(a_timer_wakes_it), T(a_timer_counts_from_when_it_is_set),
		T(a_closed_descriptor_is_not_called), T(a_worker_wakes_it),
		T(a_worker_started_by_a_timer_wakes_it),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
