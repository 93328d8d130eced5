/*
 * gate-fcgi - FastCGI connections in the hub's loop.
 *
 * Owns the listening socket and every connection accepted on it; turns records into requests
 * (fcgi.h) and hands each whole one to hub_take. See docs/design.md for why libfcgi does not
 * read these sockets.
 *
 * Limits. A request that is not whole request_ms after its first byte is dropped; if its body
 * is on its way, it is answered 408. What is over a ceiling is answered at once; then the rest is
 * read and thrown away for a while, so that the answer arrives. An answer of which nothing is
 * taken for slow_ms is cut. A connection kept between requests has no limit.
 */
#ifndef SIGPOST_GATE_FCGI_H
#define SIGPOST_GATE_FCGI_H

#include "hub.h"

struct gate_fcgi;

/* listen_fd: a listening socket (Unix or TCP); it is made non-blocking. Not closed by us if it is
 * fd 0. NULL: out of memory. */
struct gate_fcgi	*gate_fcgi_new(struct hub *hub, int listen_fd);

/* Accepts no more and closes kept connections between requests; open exchanges go on. */
void			 gate_fcgi_stop(struct gate_fcgi *g);

/* Cuts what is still open and frees, once the loop has closed the handles (keep the loop running
 * or call loop_release afterwards). The hub may be released already. */
void			 gate_fcgi_free(struct gate_fcgi *g);

/* Connections open now (tests, stat). */
uint32_t		 gate_fcgi_conns(const struct gate_fcgi *g);

/* true if fd is a listening socket (SO_ACCEPTCONN) */
bool			 gate_fcgi_is_listening(int fd);

#endif
