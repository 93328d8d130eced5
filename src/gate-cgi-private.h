/*
 * gate-cgi-private - what the files of the CGI gate tell each other.
 *
 *	gate-cgi.c		life, the clock, the request of a process that works alone
 *	gate-cgi-courier.c	couriers: until a request is accepted
 *	gate-cgi-serve.c	the body in, the answer out
 *
 * A request goes through three structs: an arrival while the courier speaks, an intake while
 * the body is read, an exchange until the answer is out. The first two are gone when a stream
 * is open.
 */
#ifndef SIGPOST_GATE_CGI_PRIVATE_H
#define SIGPOST_GATE_CGI_PRIVATE_H

#include <sys/stat.h>

#include "conn.h"
#include "door.h"
#include "gate-cgi.h"

struct gate_cgi {
	struct hub	*hub;
	struct door	 door;
	struct loop_timer settle;
	struct list	 arrivals, intakes;	/* by age */
	struct list	 fresh, settled;	/* exchanges: not watched, or all is in order */
	uint32_t	 conns;
	uint32_t	 closing;		/* handles the loop still has, once freed */
	long		 fd_limit;
	bool		 alone;			/* there is no door */
	bool		 freed;
	void		(*done)(void *arg);	/* alone: nothing is left to do */
	void		*arg;
};

/* A courier that speaks. */
struct arrival {
	struct list	 link;
	struct gate_cgi	*gate;
	struct loop_fd	 io;
	struct buf	 in;
	int64_t		 born;		/* loop_mono */
	int		 fds[2];	/* its fd 0 and fd 1; -1: did not come, or given on */
	bool		 cut;		/* some descriptor did not fit into this process */
};

/* The way out of one request. */
struct exchange {
	struct conn	 conn;		/* first: gate.h */
	struct list	 link;
	struct gate_cgi	*gate;
	struct loop_fd	 out;
	struct intake	*intake;	/* while its body is read; goes with it */
	bool		 is_socket;
};

/* A body that is being read; r NULL: to be thrown away, so that whoever sends it can listen. Of an
 * upgrade: what comes after the request, for as long as its exchange lasts. */
struct intake {
	struct list	 link;
	struct gate_cgi	*gate;
	struct exchange	*x;
	struct req	*r;
	struct loop_fd	 io;
	uint32_t	 left;		/* to be thrown away at most */
	int64_t		 born;		/* loop_mono */
};

/* gate-cgi.c */
int64_t		 gate_cgi_now(const struct gate_cgi *g);	/* loop_mono */
void		 gate_cgi_settle_soon(struct gate_cgi *g);	/* there is something for the clock */

/* gate-cgi-courier.c */
void		 arrival_new(void *gate, int fd);	/* door.h: knock */
void		 arrival_drop(struct arrival *a);

/* gate-cgi-serve.c */
/* NULL: out of memory. Owns fd, whose st_mode is kind, in any case. */
struct exchange	*exchange_new(struct gate_cgi *g, int fd, mode_t kind);
void		 exchange_settle(struct exchange *x);	/* it lasts: watch for its end */
/* Reads the body of r, if it has one, from fd and gives r to the hub; err: refuses it at once. Owns
 * r and fd. x may be gone afterwards. */
void		 exchange_begin(struct exchange *x, struct req *r, int fd, int err);
void		 intake_end(struct intake *in, int err);	/* as far as it came; err: refused */
void		 intake_cut(struct intake *in);			/* without an answer */

#endif
