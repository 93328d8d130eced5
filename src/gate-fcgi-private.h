/*
 * gate-fcgi-private - what the files of the FastCGI gate tell each other.
 *
 *	gate-fcgi.c		the listening socket, states and their limits in time, life
 *	gate-fcgi-line.c	one connection: reading, handing over, answering, its end
 *	gate-fcgi-request.c	the parts of a request on it
 */
#ifndef SIGPOST_GATE_FCGI_PRIVATE_H
#define SIGPOST_GATE_FCGI_PRIVATE_H

#include "conn.h"
#include "fcgi.h"
#include "gate-fcgi.h"

enum line_state {
	LINE_READING,		/* a request is on its way, or nothing came yet */
	LINE_IDLE,		/* kept for the next request */
	LINE_TAKEN,		/* handed to the hub in this turn; the loop does not know it */
	LINE_AGAIN,		/* answered; the next request is in rest */
	LINE_OPEN,		/* being answered; watched for the departure of the client */
	LINE_SLOW,		/* the same, and what is queued is not taken */
	LINE_LINGER,		/* answered early; what is still sent is thrown away */
	LINE_DEAD,		/* the memory goes when the loop lets it go */
	LINE__MAX
};

struct gate_fcgi {
	struct hub	*hub;
	struct loop	*loop;			/* the hub's; it outlives the hub */
	struct loop_fd	 door;			/* the listening socket */
	struct loop_timer sweep, starved;
	struct loop_later soon;
	struct list	 lines[LINE__MAX];
	int64_t		 limit_ms[LINE__MAX];	/* in a state; 0: for ever */
	int64_t		 due;			/* loop_mono of the sweep; 0: none */
	int64_t		 knocked;		/* loop_mono when somebody came last */
	struct fcgi_user user;			/* line_user with our ceilings */
	uint32_t	 conns;			/* lines that are not LINE_DEAD */
	uint32_t	 handles;		/* what must be closed before this may be freed */
	bool		 stopping;		/* accept no more, keep no connection */
	bool		 hungry;		/* accepting fails; it was logged */
};

struct rest {
	size_t		 n;
	char		 bytes[];
};

struct line {
	struct conn	 conn;		/* first: the exchange of the open request */
	struct loop_fd	 io;
	struct fcgi	 fcgi;
	struct list	 link;
	struct gate_fcgi *gate;
	struct req	*req;		/* being read */
	struct rest	*rest;		/* bytes after the open request, while paused */
	int64_t		 since;		/* loop_mono; when it entered its state */
	uint32_t	 thrown;	/* bytes, while lingering */
	uint8_t		 state;
	bool		 deaf;		/* nobody wants to hear what the client sends after its request */
	bool		 heard;		/* somebody did */
	bool		 busy;		/* its bytes are being read: it must not go */
};

/* gate-fcgi.c */
void	gate_fcgi_enter(struct line *l, enum line_state state);
void	gate_fcgi_soon(struct gate_fcgi *g);	/* looks at TAKEN and AGAIN when the turn is over */
void	gate_fcgi_unref(struct gate_fcgi *g);	/* one of its handles is closed */

/* gate-fcgi-line.c: the line may be gone when one of these returns. */
void	line_open(struct gate_fcgi *g, int fd);	/* a new connection; takes fd */
void	line_taken(struct line *l);		/* it was TAKEN and the turn is over */
void	line_again(struct line *l);		/* it was AGAIN and the turn is over */
void	line_overdue(struct line *l);		/* it was in its state for as long as is allowed */
void	line_cut(struct line *l);		/* whatever it is doing: the other side left */

void	line_hand_over(struct line *l);		/* the hub gets its request now */
ssize_t	line_put(struct line *l, const char *p, size_t n);	/* as send(2); 0: no room, -ERR_CLOSED */

extern const struct gate line_verbs;

/* gate-fcgi-request.c: callbacks; the ceilings are to be set. */
extern const struct fcgi_user line_user;

#endif
