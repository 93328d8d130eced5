/*
 * reply - answers that are not streams: status, headers, a body.
 *
 * Queues on the request's exchange and finishes it. What was said on a WebSocket (req.spoken) gets no
 * such answer; an error with a status from 500 on closes it with 1013. Bytes from outside reach a header only as
 * the request's Origin, and only if it is printable and short.
 */
#ifndef SIGPOST_REPLY_H
#define SIGPOST_REPLY_H

#include "buf.h"
#include "req.h"

/* CORS lines of the response head: "*", or the Origin echoed where the route allows credentials or not all pages may;
 * none for a page that may not. */
void	reply_cors(struct buf *head, const struct req *r);

/* extra: header lines each ended by CRLF, or NULL. type NULL: no body. */
void	reply_send(struct req *r, int status, const char *type, struct str body, const char *extra);

/* A problem document (RFC 9457): status and title of the error, one sentence of detail or NULL.
 * Busy, full and quota answers carry Retry-After: r->retry_after seconds, or what is usual. */
void	reply_problem(struct req *r, int err, const char *detail);
/* The same with a status, title and detail of the protocol's own. */
void	reply_problem_as(struct req *r, int status, const char *title, const char *detail);

/* The head of an answer whose body is a stream. */
void	reply_stream_head(struct req *r, const char *type);

#endif
