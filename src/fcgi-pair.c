/* fcgi-pair - see fcgi-pair.h. A pair that lies whole in what came is not copied. */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>

#include "err.h"
#include "fcgi-pair.h"

#define HEAD_MAX	8		/* bytes of both lengths */

struct pair {
	size_t	 head, name, value;	/* bytes of the lengths, the name, the value */
};

/* ---- reading ---- */

/* One length at *at, which moves behind it; false: not all of it is there. */
static bool
measure_one(struct str bytes, size_t *at, size_t *length)
{
	const unsigned char *p = (const unsigned char *)bytes.p + *at;
	size_t n = bytes.n - *at;
	bool is_long = n > 0 && p[0] >= 128;

	if (n < (is_long ? 4 : 1))
		return false;
	*at += is_long ? 4 : 1;
	*length = p[0];
	if (is_long)
		*length = (size_t)(p[0] & 127) << 24 | (size_t)p[1] << 16 |
		    (size_t)p[2] << 8 | p[3];
	return true;
}

static bool
measure(struct str bytes, struct pair *m)
{
	m->head = 0;
	return measure_one(bytes, &m->head, &m->name) && measure_one(bytes, &m->head, &m->value);
}

static size_t
size_of(const struct pair *m)
{
	return m->head + m->name + m->value;
}

static bool
fits(const struct pair *m, size_t room)
{
	return m->name <= room && m->value <= room - m->name;
}

static int
cut_up(struct str bytes, const struct pair *m, struct str *name, struct str *value)
{
	*name = str_make(bytes.p + m->head, m->name);
	*value = str_make(bytes.p + m->head + m->name, m->value);
	return 1;
}

/* Moves at most n bytes from *bytes to b. */
static int
stash(struct buf *b, struct str *bytes, size_t n)
{
	if (n > bytes->n)
		n = bytes->n;
	buf_add(b, bytes->p, n);
	*bytes = str_skip(*bytes, n);
	return buf_err(b);
}

static int
begin_part(struct buf **part, struct str *bytes, size_t room)
{
	*part = malloc(sizeof **part);
	if (*part == NULL)
		return -ERR_NOMEM;
	buf_init(*part, HEAD_MAX + room);
	return stash(*part, bytes, bytes->n);
}

static int
resume_part(struct buf *b, struct str *bytes, size_t room, struct str *name, struct str *value)
{
	struct pair m;
	int rc = 0;

	while (rc == 0 && !measure(buf_str(b), &m)) {
		if (bytes->n == 0)
			return 0;
		rc = stash(b, bytes, 1);
	}
	if (rc == 0 && !fits(&m, room))
		rc = -ERR_TOOBIG;
	if (rc == 0)
		rc = stash(b, bytes, size_of(&m) - b->n);
	if (rc < 0 || b->n < size_of(&m))
		return rc;
	return cut_up(buf_str(b), &m, name, value);
}

int
fcgi_pair_next(struct buf **part, struct str *bytes, size_t room,
    struct str *name, struct str *value)
{
	struct str all = *bytes;
	struct pair m;
	bool measured;

	if (*part != NULL)
		return resume_part(*part, bytes, room, name, value);
	if (all.n == 0)
		return 0;
	measured = measure(all, &m);
	if (measured && !fits(&m, room))
		return -ERR_TOOBIG;
	if (!measured || size_of(&m) > all.n)
		return begin_part(part, bytes, room);
	*bytes = str_skip(all, size_of(&m));
	return cut_up(all, &m, name, value);
}

void
fcgi_pair_drop(struct buf **part)
{
	if (*part == NULL)
		return;
	buf_release(*part);
	free(*part);
	*part = NULL;
}

/* ---- writing ---- */

static void
put_length(struct buf *out, size_t n)
{
	if (n >= 128) {
		buf_addc(out, (char)(n >> 24 | 128));
		buf_addc(out, (char)(n >> 16));
		buf_addc(out, (char)(n >> 8));
	}
	buf_addc(out, (char)n);
}

void
fcgi_pair_put(struct buf *out, struct str name, struct str value)
{
	put_length(out, name.n);
	put_length(out, value.n);
	buf_adds(out, name);
	buf_adds(out, value);
}
