/*
 * fcgi - FastCGI records, both ways: bytes in, requests out; answers in, bytes out.
 *
 * A pure codec on libfcgi's <fastcgi.h>: no descriptor, no clock. Rules: FastCGI
 * Specification 1.0 (section numbers below are its); where it leaves a choice, the choice
 * is written here.
 *
 * A struct fcgi reads one connection. Bytes are given to it as they come (fcgi_eat), in pieces
 * of any size; it calls back with the parts of one request at a time, in this order:
 *
 *	begin, var*, vars, body*, whole
 *
 * refused and abort may end that early. After whole or refused the request is open until
 * fcgi_next: a BEGIN_REQUEST of the same id meanwhile is the next request and pauses the
 * reader (fcgi_paused); one of another id is answered FCGI_CANT_MPX_CONN.
 *
 * Nothing is buffered but a record header and a name-value pair that arrived in part, this
 * one on the heap and only meanwhile. An idle connection costs the struct.
 */
#ifndef SIGPOST_FCGI_H
#define SIGPOST_FCGI_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "str.h"

struct fcgi {
	struct buf	*vars, *values;	/* a pair that arrived in part; NULL: none */
	unsigned char	 bytes[8];	/* header of a record, then the body of BEGIN_REQUEST */
	uint32_t	 room;		/* bytes of variables that are still allowed */
	uint16_t	 id;		/* of the open request */
	uint16_t	 record_id;	/* of the record being read */
	uint16_t	 left;		/* of its content */
	uint8_t		 padding;	/* left of it */
	uint8_t		 have;		/* of bytes, while a header is being read */
	uint8_t		 kind;		/* of the record being read; 0: its header */
	uint8_t		 phase;
	uint8_t		 asked;		/* by FCGI_GET_VALUES */
	bool		 keep;		/* FCGI_KEEP_CONN was set (5.1) */
};

/*
 * Who uses the codec. All slices are good for the call only. A callback MAY call fcgi_next and
 * fcgi_release; it MUST NOT free the struct fcgi or call fcgi_eat.
 */
#define FCGI_TALKS	1
struct fcgi_user {
	uint32_t max_vars;	/* bytes of names and values of a request, all together */
	uint32_t max_conns;	/* what FCGI_GET_VALUES is told (4.1) */

	/* A request begins. Not 0: it is answered FCGI_OVERLOADED and skipped. */
	int	(*begin)(struct fcgi *f);
	/* One variable; vars: that was the last; body: some of it. Below 0: refused gets it. vars may say
	 * FCGI_TALKS: the request has no body and is whole (that is called next), and what comes on STDIN
	 * is the client's talk, after an upgrade. */
	int	(*var)(struct fcgi *f, struct str name, struct str value);
	int	(*vars)(struct fcgi *f);
	int	(*body)(struct fcgi *f, struct str bytes);
	/* Some of the talk; no bytes: it is over. */
	void	(*heard)(struct fcgi *f, struct str bytes);
	/* The request is complete, with the padding of its last record. */
	void	(*whole)(struct fcgi *f);
	/* The request cannot be taken: what a callback returned, -ERR_TOOBIG (over max_vars, before
	 * a byte of that pair is stored) or -ERR_NOMEM. What is left of it is skipped. */
	void	(*refused)(struct fcgi *f, int err);
	/* FCGI_ABORT_REQUEST for the open request (5.4). */
	void	(*abort)(struct fcgi *f);
	/* Whole records to send at once, between those of the answer. */
	void	(*answer)(struct fcgi *f, struct str records);
};

void	fcgi_init(struct fcgi *f);
/* Forgets everything; what is given to it afterwards is thrown away. */
void	fcgi_release(struct fcgi *f);

/*
 * Reads n bytes. How many were used: less than n only if it is paused. -ERR_BAD: the other side
 * does not follow the protocol (version, order, lengths); -ERR_NOMEM; -ERR_CLOSED: what had to be
 * said was said, and FCGI_KEEP_CONN is not set. After an error the connection MUST be closed.
 */
ssize_t	fcgi_eat(struct fcgi *f, const struct fcgi_user *user, const char *p, size_t n);

/* The open request was answered: ready for the next. */
void	fcgi_next(struct fcgi *f);
/* The open request will be answered before it is complete: skips what is left of it. */
void	fcgi_skip(struct fcgi *f);

bool	fcgi_idle(const struct fcgi *f);	/* no request is open and no record has begun */
bool	fcgi_paused(const struct fcgi *f);	/* until fcgi_next */
bool	fcgi_whole(const struct fcgi *f);	/* a complete request is open */
bool	fcgi_in_body(const struct fcgi *f);	/* all variables are here, the body is not */

/* ---- writers: whole records appended to out (failing as buf does) ---- */

/* FCGI_STDOUT records (5.3); nothing for no bytes. */
void	fcgi_put_stdout(struct buf *out, uint16_t id, struct str bytes);

/* The end of FCGI_STDOUT, and FCGI_END_REQUEST with FCGI_REQUEST_COMPLETE (5.5). */
void	fcgi_put_end(struct buf *out, uint16_t id);

/* What the codec answers by itself, at most FCGI_PUT_MAX bytes each. FCGI_END_REQUEST that refuses
 * (5.5): */
#define FCGI_PUT_MAX	256
void	fcgi_put_cant_mpx(struct buf *out, uint16_t id);
void	fcgi_put_overloaded(struct buf *out, uint16_t id);
void	fcgi_put_unknown_role(struct buf *out, uint16_t id);
/* FCGI_UNKNOWN_TYPE (4.2) */
void	fcgi_put_unknown_type(struct buf *out, unsigned char type);
/* FCGI_GET_VALUES_RESULT (4.1) with what was asked of the three names the protocol has. */
#define FCGI_ASKED_CONNS	1u
#define FCGI_ASKED_REQS		2u
#define FCGI_ASKED_MPXS		4u
void	fcgi_put_values(struct buf *out, unsigned int asked, uint32_t max_conns);

#endif
