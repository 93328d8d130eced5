/*
 * fcgi-pair - one name-value pair as FastCGI writes it (Specification 1.0, 3.4): two lengths
 * of one byte (below 128) or four (the highest bit set), the name, the value.
 */
#ifndef SIGPOST_FCGI_PAIR_H
#define SIGPOST_FCGI_PAIR_H

#include "buf.h"
#include "str.h"

/*
 * The next pair of a stream that comes in pieces. *bytes is what came; what was used of it is
 * taken off. *part holds what came before and was not a whole pair; NULL at first.
 *
 * 1: a pair; the slices are good until fcgi_pair_drop(part), which MUST follow. 0: there is no
 * whole pair in *bytes, all of it is used. -ERR_TOOBIG: name and value are longer than room
 * together; seen as soon as their lengths are there. -ERR_NOMEM.
 */
int		fcgi_pair_next(struct buf **part, struct str *bytes, size_t room,
		    struct str *name, struct str *value);
void		fcgi_pair_drop(struct buf **part);

/* Appends a pair. */
void		fcgi_pair_put(struct buf *out, struct str name, struct str value);

#endif
