/*
 * route - which handler a request belongs to: the tables of all protocols, in order.
 *
 * The dispatcher enforces the row (method, body, turn), answers preflights, HEAD, 404, 405,
 * 411, 413 and 415 by itself, and turns errors of handlers into problem documents.
 */
#ifndef SIGPOST_ROUTE_H
#define SIGPOST_ROUTE_H

#include "hub.h"
#include "req.h"

/* The hub's serve function. */
void	route_serve(struct hub *hub, struct req *r);

/* The hub's expired function: each protocol knows its own. */
void	route_expired(struct hub *hub, const struct msg_row *m);

/* A request that a gate could not complete: answers it with a problem document and gives it to
 * the hub to hold and free. err: from req_var, req_length, req_body, req_ready. */
void	route_refuse(struct hub *hub, struct req *r, int err);

#endif
