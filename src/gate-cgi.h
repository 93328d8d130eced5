/*
 * gate-cgi - requests that a CGI child hands over, and the CGI child that works alone.
 *
 * gate_cgi_new opens the door at <db>.hub (door.h): couriers (courier.h) knock there and pass
 * a whole request with its descriptors (handoff.h). What is not ours to serve, for lack of
 * room or of a common version, is refused before it is accepted, and its courier does it
 * alone. From the accept byte on the request is ours; then the body is read from the passed
 * fd 0, and the answer leaves as plain CGI (RFC 3875, 6) on the passed fd 1.
 *
 * A courier or a body that is not complete after conf->request_ms is cut.
 *
 * gate_cgi_alone serves the one request of this process itself: its environment, fd 0 as
 * body, fd 1 as sink.
 */
#ifndef SIGPOST_GATE_CGI_H
#define SIGPOST_GATE_CGI_H

#include "hub.h"

struct gate_cgi;

/* Listens at <db>.hub, now or as soon as the lock is free. founded: the listening socket and the
 * lock are inherited (listen_fd, lock_fd) from the courier that started this process; otherwise
 * both are -1. Ignores SIGPIPE in this process. NULL: out of memory. */
struct gate_cgi	*gate_cgi_new(struct hub *hub, int listen_fd, int lock_fd);

/* Accepts no more and gives socket and lock up to whoever comes next; open exchanges go on. A
 * courier that was not yet answered sees its connection end, and finds or founds the next hub. */
void		 gate_cgi_stop(struct gate_cgi *g);
/* Cuts what is still open; the memory goes when the loop has closed the handles. */
void		 gate_cgi_free(struct gate_cgi *g);
uint32_t	 gate_cgi_conns(const struct gate_cgi *g);	/* exchanges under way */
bool		 gate_cgi_listening(const struct gate_cgi *g);

/* A gate without a door, for the one request of a CGI child: from environ_list, fd 0 and fd 1; both
 * numbers are /dev/null afterwards. done(arg), at the earliest before this returns, when its answer
 * is out or its client gone. NULL: out of memory, done is not called. */
struct gate_cgi	*gate_cgi_alone(struct hub *hub, char *const *environ_list,
		    void (*done)(void *arg), void *arg);

#endif
