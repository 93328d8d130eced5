/*
 * buf - bytes that grow.
 *
 * A zeroed struct buf is an empty buffer. It has no ceiling: what the generator keeps is what
 * it sends itself and what a server of ours answers.
 */
#ifndef SIGLOAD_BUF_H
#define SIGLOAD_BUF_H

#include <stddef.h>

struct buf {
	char *data;
	size_t len, cap;
};

/* Makes room for `room` more bytes behind data + len. */
void buf_reserve(struct buf *buf, size_t room);

void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_fill(struct buf *buf, char byte, size_t count);
void buf_addf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Forgets the first `len` bytes. */
void buf_drop(struct buf *buf, size_t len);

/* Frees the contents; the buffer is empty and usable. */
void buf_release(struct buf *buf);

#endif
