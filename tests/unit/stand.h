/*
 * stand - the FastCGI gate in a real loop, with real sockets and a hub that only answers.
 *
 * The hub here is hub_take and route_refuse of stand.c. What it does with a request is in its path:
 *
 *	/hold		nothing, until stand_answer
 *	/now		answers before hub_take returns
 *	/stream		sends a head and stays (stand_push, stand_end)
 *	/big?N		answers N bytes when the turn ends
 *	any other	answers when the turn ends
 *
 * An answer is "METHOD path body". A refusal is the name of its error.
 */
#ifndef SIGPOST_TESTS_STAND_H
#define SIGPOST_TESTS_STAND_H

#include "buf.h"
#include "conf.h"
#include "gate-fcgi.h"
#include "hub.h"
#include "list.h"
#include "loop.h"

/* The rest of a request after its BEGIN_REQUEST, in words of records.h, and the answer. */
#define GET		"P1:REQUEST_METHOD=GET&REQUEST_URI=/a P1 S1"
#define GET_ANSWER	"out(1,GET) out(1, ) out(1,/a) eof(1) end(1,complete) "
#define STREAM		"P1:REQUEST_METHOD=GET&REQUEST_URI=/stream P1 S1"
#define HOLD		"P1:REQUEST_METHOD=GET&REQUEST_URI=/hold P1 S1"

struct stand {
	struct loop	 loop;
	struct hub	 hub;
	struct conf	 conf;
	struct gate_fcgi *gate;
	struct list	 held, kept;	/* requests: to be answered when the turn ends; /hold */
	struct conn	*stream;	/* the last that was opened; NULL once it is gone */
	struct buf	 talk;		/* what its client said after an upgrade (conn_hear) */
	bool		 sated;		/* what is heard once is enough */
	int		 taken, refused, gone, rooms;
	char		 path[108];
	struct sockaddr_storage *address;
	unsigned int	 address_size;
};

void	stand_start(struct stand *s);		/* settings; they may be changed now */
void	stand_run(struct stand *s, bool tcp);	/* the gate */
void	stand_stop(struct stand *s);
void	stand_turn(struct stand *s);		/* one round of the loop; at most a millisecond */

void	stand_answer(struct stand *s);		/* everything on hold */
void	stand_push(struct stand *s, struct str bytes);
void	stand_end(struct stand *s);

int64_t	stand_now(void);			/* CLOCK_MONOTONIC, milliseconds */

/* Turns until a fact holds, for at most ten seconds. */
#define UNTIL(s, fact) \
	do { \
		int64_t until_ = stand_now() + 10000; \
		while (!(fact)) { \
			if (stand_now() > until_) \
				fail_msg("in vain: %s", #fact); \
			stand_turn(s); \
		} \
	} while (0)

/* Turns for so long; for what must not happen. */
void	stand_pass(struct stand *s, int64_t ms);

/* ---- a web server ---- */

struct client {
	struct stand	*stand;
	int		 fd;
	struct buf	 heard;
	struct buf	 words;
	bool		 eof, reset;
};

void		client_open(struct client *c, struct stand *s);
void		client_close(struct client *c);
void		client_send(struct client *c, const char *records);	/* words of records.h */
void		client_send_bytes(struct client *c, struct str bytes);	/* turns while it is full */
const char	*client_words(struct client *c);	/* reads; words of records_tell */
void		client_listen(struct client *c);	/* reads what is there */

#endif
