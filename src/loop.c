/* loop - a thin coat over libuv: a turn function, timers, things for later, a clock read once a turn. */
#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "err.h"
#include "loop.h"

static int64_t
read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t
system_real(void *arg)
{
	(void)arg;
	return read_clock(CLOCK_REALTIME);
}

static int64_t
system_mono(void *arg)
{
	(void)arg;
	return read_clock(CLOCK_MONOTONIC);
}

static const struct loop_clock system_clock = { system_real, system_mono, NULL };

/* What is put off meanwhile comes in the next turn. */
static bool
run_later(struct loop *l)
{
	struct list now, *link;
	struct loop_later *t;

	if (list_empty(&l->later))
		return false;
	list_init(&now);
	list_move(&now, &l->later);
	while ((link = list_pop(&now)) != NULL) {
		t = LIST_OF(link, struct loop_later, link);
		t->fn(t);
	}
	return true;
}

void
loop_turn(struct loop *l)
{
	l->turn(l->arg);
	if (run_later(l))
		l->turn(l->arg);
	loop_fds_turn(l);
	l->fresh = false;
}

int
loop_init(struct loop *l, void (*turn)(void *arg), void *arg)
{
	*l = (struct loop){ .turn = turn, .arg = arg, .clock = system_clock };
	list_init(&l->later);
	if (uv_loop_init(&l->uv) != 0)
		return -ERR_IO;
	return loop_fds_init(l);
}

void
loop_release(struct loop *l)
{
	int rc;

	loop_fds_release(l);
	while (uv_run(&l->uv, UV_RUN_NOWAIT) != 0)
		loop_fds_turn(l);
	loop_fds_turn(l);
	rc = uv_loop_close(&l->uv);
	assert(rc == 0);
	(void)rc;
}

void
loop_set_clock(struct loop *l, const struct loop_clock *clock)
{
	l->clock = *clock;
	l->fresh = false;
}

static void
refresh(struct loop *l)
{
	if (l->fresh)
		return;
	l->real = l->clock.real(l->clock.arg);
	l->mono = l->clock.mono(l->clock.arg);
	l->fresh = true;
}

int64_t
loop_real(struct loop *l)
{
	refresh(l);
	return l->real;
}

int64_t
loop_mono(struct loop *l)
{
	refresh(l);
	return l->mono;
}

/* ---- later ---- */

void
loop_later_init(struct loop_later *t, void (*fn)(struct loop_later *))
{
	list_init(&t->link);
	t->fn = fn;
}

void
loop_later(struct loop *l, struct loop_later *t)
{
	if (list_empty(&t->link))
		list_add(&l->later, &t->link);
}

void
loop_later_cancel(struct loop_later *t)
{
	list_del(&t->link);
}

/* ---- a timer ---- */

static void
on_fire(uv_timer_t *h)
{
	struct loop_timer *t = h->data;

	t->fire(t);
}

void
loop_timer_init(struct loop *l, struct loop_timer *t, void (*fire)(struct loop_timer *))
{
	uv_timer_init(&l->uv, &t->timer);
	t->timer.data = t;
	t->fire = fire;
	t->closed = NULL;
}

void
loop_timer_start(struct loop_timer *t, uint64_t ms, uint64_t repeat_ms)
{
	uv_timer_start(&t->timer, on_fire, ms, repeat_ms);
}

void
loop_timer_stop(struct loop_timer *t)
{
	uv_timer_stop(&t->timer);
}

bool
loop_timer_active(const struct loop_timer *t)
{
	return uv_is_active((const uv_handle_t *)&t->timer) != 0;
}

static void
on_timer_closed(uv_handle_t *h)
{
	struct loop_timer *t = h->data;

	if (t->closed != NULL)
		t->closed(t);
}

void
loop_timer_close(struct loop_timer *t, void (*closed)(struct loop_timer *))
{
	t->closed = closed;
	uv_close((uv_handle_t *)&t->timer, on_timer_closed);
}

uint32_t
loop_jitter(uint32_t n)
{
	static uint64_t state;

	if (state == 0)
		state = (uint64_t)read_clock(CLOCK_REALTIME) * 2654435761u ^ (uint64_t)getpid() << 32;
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((state >> 33) % n);
}
