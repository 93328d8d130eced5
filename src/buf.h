/*
 * buf - bytes that grow up to a ceiling.
 *
 * Every buffer is given its ceiling when it is made. Adding beyond it, or failing to
 * allocate, marks the buffer failed: later additions do nothing, what was added stays
 * readable, and the caller looks once, at the end (buf_err). An empty buffer owns no
 * memory.
 */
#ifndef SIGPOST_BUF_H
#define SIGPOST_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "str.h"

struct buf {
	char	*p;		/* NULL while empty and never grown */
	uint32_t n;		/* bytes in use */
	uint32_t size;		/* bytes allocated */
	uint32_t max;		/* ceiling in bytes */
	int	 err;		/* 0, -ERR_TOOBIG or -ERR_NOMEM; sticky */
};

void		buf_init(struct buf *b, size_t max);
void		buf_release(struct buf *b);	/* frees the bytes; b is empty and usable again */
void		buf_clear(struct buf *b);	/* keeps the memory, drops bytes and failure */
char		*buf_detach(struct buf *b, size_t *n);	/* hands the bytes over (free()); NULL if none */

int		buf_err(const struct buf *b);
struct str	buf_str(const struct buf *b);

void		buf_add(struct buf *b, const void *p, size_t n);
void		buf_addc(struct buf *b, char c);
void		buf_adds(struct buf *b, struct str s);
void		buf_addz(struct buf *b, const char *cstr);
void		buf_addu(struct buf *b, uint64_t v);			/* decimal */
void		buf_addf(struct buf *b, const char *fmt, ...)		/* printf; never a format from outside */
		    __attribute__((format(printf, 2, 3)));

/* Room for n more bytes: a pointer to write them to (then buf_grew), or NULL if failed. */
char		*buf_room(struct buf *b, size_t n);
void		buf_grew(struct buf *b, size_t n);

/* Drops the first n bytes. */
void		buf_drop(struct buf *b, size_t n);

#endif
