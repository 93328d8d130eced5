/*
 * loop - descriptors, timers, now: the one event loop of a process (libuv below).
 *
 * A turn is one round of the loop: ready descriptors and due timers are called, then the
 * turn function, once, before the loop sleeps again. All callbacks run on the loop's thread.
 *
 * Time: loop_real and loop_mono are read once a turn, so everything in a turn happens at
 * one moment. Tests put a clock of their own (loop_set_clock).
 */
#ifndef SIGPOST_LOOP_H
#define SIGPOST_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "list.h"

struct loop;
struct epoll_event;

/* ---- the loop ---- */

struct loop_clock {		/* both in milliseconds */
	int64_t	(*real)(void *arg);	/* CLOCK_REALTIME */
	int64_t	(*mono)(void *arg);	/* CLOCK_MONOTONIC */
	void	*arg;
};

struct loop {
	uv_loop_t	 uv;
	void		(*turn)(void *arg);
	void		*arg;
	struct loop_clock clock;
	int64_t		 real, mono;
	bool		 fresh;		/* real and mono were read in this turn */
	struct list	 later;		/* struct loop_later */
#ifdef LOOP_EPOLL
	int		 epoll;		/* all descriptors, and libuv's own set of others */
	bool		 uv_due;	/* libuv has something to do */
	bool		 stopped;
	struct epoll_event *batch;	/* being called; entries of closed descriptors are emptied */
	int		 batched;
	struct loop_fd	*closing;
#else
	uv_prepare_t	 before;	/* after timers, before sleeping */
	uv_check_t	 after;		/* after descriptors */
	uv_idle_t	 idle;		/* does not sleep: something is to be done later */
#endif
};

/* Between loop.c and what waits for descriptors. */
int	loop_fds_init(struct loop *l);
void	loop_fds_turn(struct loop *l);		/* at the end of each turn */
void	loop_fds_release(struct loop *l);
void	loop_turn(struct loop *l);		/* before it sleeps */

int	loop_init(struct loop *l, void (*turn)(void *arg), void *arg);	/* -ERR_NOMEM, -ERR_IO */
void	loop_release(struct loop *l);	/* everything in it MUST be closed; asserts that (a leak check) */
void	loop_run(struct loop *l);	/* until loop_stop or nothing is left to wait for */
void	loop_stop(struct loop *l);
void	loop_poll(struct loop *l);	/* one turn without sleeping (tests) */
int	loop_descriptor(struct loop *l);	/* readable when a descriptor is ready (tests) */
void	loop_set_clock(struct loop *l, const struct loop_clock *clock);
int64_t	loop_real(struct loop *l);
int64_t	loop_mono(struct loop *l);

/* ---- a descriptor ---- */

#define LOOP_READ	UV_READABLE
#define LOOP_WRITE	UV_WRITABLE
#define LOOP_HANGUP	UV_DISCONNECT
#define LOOP_GONE	UV_PRIORITIZED	/* an error, or both directions are closed; not a half-close */

/*
 * Watches nothing until loop_fd_watch, so a descriptor that is read and written at once costs
 * the loop nothing; the first watch makes it non-blocking. ready() gets the events, or
 * LOOP_HANGUP for an error on the descriptor (then the watch is over); it may close it.
 *
 * Two implementations: loop-epoll.c (Linux; 48 bytes a descriptor) and loop-poll.c (libuv's
 * uv_poll_t everywhere else; 192 bytes).
 */
struct loop_fd {
#ifdef LOOP_EPOLL
	union {
		struct loop	*loop;	/* once known */
		struct loop_fd	*next;	/* once closed: to be told at the end of the turn */
	};
#else
	uv_poll_t	 poll;
#endif
	void		(*ready)(struct loop_fd *io, int events);
	void		(*closed)(struct loop_fd *io);
	int		 fd;		/* -1 once closed */
	uint8_t		 events;	/* watched now; thousands of these lie about, so it is small */
	bool		 known;		/* the loop has it */
};

void	loop_fd_init(struct loop_fd *io, int fd, void (*ready)(struct loop_fd *, int));
int	loop_fd_watch(struct loop *l, struct loop_fd *io, int events);	/* 0 events: stop */
/* Closes the descriptor now; calls closed() later, when the memory may go (at once if the loop
 * never knew it). */
void	loop_fd_close(struct loop_fd *io, void (*closed)(struct loop_fd *));

/* ---- later ---- */

/* Called once, when the turn is over and before the loop sleeps; another turn follows. */
struct loop_later {
	struct list	 link;
	void		(*fn)(struct loop_later *t);
};

void	loop_later_init(struct loop_later *t, void (*fn)(struct loop_later *));
void	loop_later(struct loop *l, struct loop_later *t);	/* twice is once */
void	loop_later_cancel(struct loop_later *t);

/* ---- a timer ---- */

struct loop_timer {
	uv_timer_t	 timer;
	void		(*fire)(struct loop_timer *t);
	void		(*closed)(struct loop_timer *t);
};

void	loop_timer_init(struct loop *l, struct loop_timer *t, void (*fire)(struct loop_timer *));
void	loop_timer_start(struct loop_timer *t, uint64_t ms, uint64_t repeat_ms);	/* restarts */
void	loop_timer_stop(struct loop_timer *t);
bool	loop_timer_active(const struct loop_timer *t);
void	loop_timer_close(struct loop_timer *t, void (*closed)(struct loop_timer *));	/* closed may be NULL */

/* A random number below n (n > 0), for jitter; not for secrets. */
uint32_t loop_jitter(uint32_t n);

#endif
