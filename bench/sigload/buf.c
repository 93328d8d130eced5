/* buf - see buf.h. Capacity doubles, so appending costs amortised constant time. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "sys.h"

void
buf_reserve(struct buf *buf, size_t room)
{
	if (buf->len + room <= buf->cap)
		return;
	buf->cap = (buf->len + room) * 2;
	buf->data = sys_resize(buf->data, buf->cap);
}

void
buf_add(struct buf *buf, const void *bytes, size_t len)
{
	if (len == 0)
		return;
	buf_reserve(buf, len);
	memcpy(buf->data + buf->len, bytes, len);
	buf->len += len;
}

void
buf_fill(struct buf *buf, char byte, size_t count)
{
	if (count == 0)
		return;
	buf_reserve(buf, count);
	memset(buf->data + buf->len, byte, count);
	buf->len += count;
}

/* Formats behind the contents as far as there is room; the length it wants, without the NUL. */
__attribute__((format(printf, 2, 0)))
static size_t
format_into(struct buf *buf, const char *format, va_list args)
{
	int len = vsnprintf(buf->data ? buf->data + buf->len : NULL, buf->cap - buf->len, format,
	    args);

	return len > 0 ? (size_t)len : 0;
}

void
buf_addf(struct buf *buf, const char *format, ...)
{
	va_list args, again;
	size_t len;

	va_start(args, format);
	va_copy(again, args);
	len = format_into(buf, format, args);
	if (len >= buf->cap - buf->len) {
		buf_reserve(buf, len + 1);
		format_into(buf, format, again);
	}
	va_end(again);
	va_end(args);
	buf->len += len;
}

void
buf_drop(struct buf *buf, size_t len)
{
	buf->len -= len;
	memmove(buf->data, buf->data + len, buf->len);
}

void
buf_release(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ 0 };
}
