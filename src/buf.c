/* buf - growth doubles, from 256 bytes or what is asked for at once; amortised one copy a byte. */
#include "config.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "err.h"

#define BUF_FIRST 256

void
buf_init(struct buf *b, size_t max)
{
	assert(max <= UINT32_MAX);
	*b = (struct buf){ .max = (uint32_t)max };
}

void
buf_release(struct buf *b)
{
	free(b->p);
	buf_init(b, b->max);
}

void
buf_clear(struct buf *b)
{
	b->n = 0;
	b->err = 0;
}

char *
buf_detach(struct buf *b, size_t *n)
{
	char *p = b->p;

	*n = b->n;
	buf_init(b, b->max);
	return p;
}

int
buf_err(const struct buf *b)
{
	return b->err;
}

struct str
buf_str(const struct buf *b)
{
	return str_make(b->p, b->n);
}

static int
fail(struct buf *b, enum err err)
{
	b->err = -(int)err;
	return b->err;
}

static int
grow(struct buf *b, size_t n)
{
	size_t want, size;
	char *p;

	if (b->err != 0)
		return b->err;
	if (n > b->max - b->n)
		return fail(b, ERR_TOOBIG);
	want = b->n + n;
	if (want <= b->size)
		return 0;
	for (size = b->size > 0 ? b->size : want > BUF_FIRST ? want : BUF_FIRST; size < want; size *= 2)
		;
	if (size > b->max)
		size = b->max;
	p = realloc(b->p, size);
	if (p == NULL)
		return fail(b, ERR_NOMEM);
	b->p = p;
	b->size = (uint32_t)size;
	return 0;
}

char *
buf_room(struct buf *b, size_t n)
{
	return n > 0 && grow(b, n) == 0 ? b->p + b->n : NULL;
}

void
buf_grew(struct buf *b, size_t n)
{
	assert(n <= b->size - b->n);
	b->n += (uint32_t)n;
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	char *to = buf_room(b, n);

	if (to == NULL)
		return;
	memcpy(to, p, n);
	buf_grew(b, n);
}

void
buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_adds(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.n);
}

void
buf_addz(struct buf *b, const char *cstr)
{
	buf_adds(b, str_from(cstr));
}

void
buf_addu(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t at = sizeof digits;

	do
		digits[--at] = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	buf_add(b, digits + at, sizeof digits - at);
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	char line[512], *whole;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof line) {
		buf_add(b, line, (size_t)n);
		return;
	}
	/* rare; a copy, because the NUL at its end may not fit below the ceiling */
	va_start(ap, fmt);
	n = vasprintf(&whole, fmt, ap);
	va_end(ap);
	if (n < 0) {
		fail(b, ERR_NOMEM);
		return;
	}
	buf_add(b, whole, (size_t)n);
	free(whole);
}

void
buf_drop(struct buf *b, size_t n)
{
	assert(n <= b->n);
	if (n == 0)
		return;
	memmove(b->p, b->p + n, b->n - n);
	b->n -= (uint32_t)n;
}
