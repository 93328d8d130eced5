/*
 * json - one pass over the bytes, no table, no memory. What is open is one bit a level (object or
 * array), which is where the depth of 32 comes from. The functions that hand out slices check the
 * whole text first and then walk it again with the same scanner, so they cost two passes.
 */
#include "config.h"

#include <assert.h>
#include <string.h>

#include "err.h"
#include "json.h"

/* A place in a text. The functions that scan move p past what they took. */
struct scan {
	const unsigned char	*p, *end;
	uint32_t		 objects;	/* bit 0: the innermost container is an object */
	unsigned		 depth;
};

_Static_assert(JSON_DEPTH <= 32, "one bit of scan.objects a level");

static unsigned deepest = JSON_DEPTH;

void
json_limit(unsigned depth)
{
	assert(depth >= 1 && depth <= JSON_DEPTH);
	deepest = depth;
}

#define MORE 1	/* from begin and finish: another value must follow */

static struct scan
over(struct str s)
{
	const unsigned char *p = (const unsigned char *)(s.n > 0 ? s.p : "");

	return (struct scan){ .p = p, .end = p + s.n };
}

static struct str
from(const unsigned char *start, const unsigned char *end)
{
	return str_make((const char *)start, (size_t)(end - start));
}

/* The next byte; 0 at the end (a NUL is nowhere allowed, so the two need not differ). */
static unsigned char
peek(const struct scan *c)
{
	return c->p < c->end ? *c->p : 0;
}

static bool
take(struct scan *c, char byte)
{
	if (c->p == c->end || *c->p != (unsigned char)byte)
		return false;
	c->p++;
	return true;
}

static void
blanks(struct scan *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
		c->p++;
}

size_t
json_utf8(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	unsigned char least = 0x80, most = 0xbf;
	size_t i, len;

	if (s.n == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] < 0xc2 || p[0] > 0xf4 || len > s.n)
		return 0;
	if (p[0] == 0xe0)
		least = 0xa0;		/* less would be overlong */
	else if (p[0] == 0xed)
		most = 0x9f;		/* more would be a surrogate */
	else if (p[0] == 0xf0)
		least = 0x90;		/* overlong again */
	else if (p[0] == 0xf4)
		most = 0x8f;		/* above U+10FFFF */
	for (i = 1; i < len; i++, least = 0x80, most = 0xbf)
		if (p[i] < least || p[i] > most)
			return 0;
	return len;
}

/* After the backslash. */
static int
escape(struct scan *c)
{
	unsigned char unit[2];

	if (take(c, 'u')) {
		if (c->end - c->p < 4 || str_unhex(from(c->p, c->p + 4), unit, 2) < 0)
			return -ERR_BAD;
		c->p += 4;
		return 0;
	}
	if (peek(c) == 0 || strchr("\"\\/bfnrt", peek(c)) == NULL)
		return -ERR_BAD;
	c->p++;
	return 0;
}

#define EACH(byte)	((byte) * 0x0101010101010101ull)

/* Nothing but plain ASCII in these eight bytes: no control character, quote, backslash, no high bit.
 * (x - 1) & ~x & 0x80 tells a zero byte; a borrow only ever comes from a lower byte that is one.) */
static bool
plain_eight(const unsigned char *p)
{
	uint64_t x, quote, slash;

	memcpy(&x, p, sizeof x);
	quote = x ^ EACH('"');
	slash = x ^ EACH('\\');
	return (((x - EACH(0x20)) | x | ((quote - EACH(1)) & ~quote) | ((slash - EACH(1)) & ~slash)) & EACH(0x80)) == 0;
}

/* Most of a message is the inside of strings, and most of that is plain ASCII. */
static void
skip_plain(struct scan *c)
{
	const unsigned char *p = c->p;

	while (c->end - p >= 8 && plain_eight(p))
		p += 8;
	while (p < c->end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
		p++;
	c->p = p;
}

static int
string(struct scan *c)
{
	size_t len;

	if (!take(c, '"'))
		return -ERR_BAD;
	for (;;) {
		skip_plain(c);
		if (c->p == c->end || *c->p < 0x20)
			return -ERR_BAD;
		if (take(c, '"'))
			return 0;
		if (take(c, '\\')) {
			if (escape(c) < 0)
				return -ERR_BAD;
			continue;
		}
		len = json_utf8(from(c->p, c->end));
		if (len == 0)
			return -ERR_BAD;
		c->p += len;
	}
}

static int
digits(struct scan *c)
{
	const unsigned char *from = c->p;

	while (peek(c) >= '0' && peek(c) <= '9')
		c->p++;
	return c->p > from ? 0 : -ERR_BAD;
}

static int
number(struct scan *c)
{
	take(c, '-');
	if (!take(c, '0') && digits(c) < 0)
		return -ERR_BAD;
	if (take(c, '.') && digits(c) < 0)
		return -ERR_BAD;
	if (!take(c, 'e') && !take(c, 'E'))
		return 0;
	if (!take(c, '+'))
		take(c, '-');
	return digits(c);
}

static int
literal(struct scan *c, struct str word)
{
	if ((size_t)(c->end - c->p) < word.n || memcmp(c->p, word.p, word.n) != 0)
		return -ERR_BAD;
	c->p += word.n;
	return 0;
}

/* A member up to its value. */
static int
name(struct scan *c)
{
	blanks(c);
	if (string(c) < 0)
		return -ERR_BAD;
	blanks(c);
	return take(c, ':') ? MORE : -ERR_BAD;
}

/* At a '{' or '['. An empty container is left to finish, which closes it like any other. */
static int
enter(struct scan *c, bool object)
{
	if (c->depth >= deepest)
		return -ERR_TOOBIG;
	c->depth++;
	c->objects = c->objects << 1 | object;
	c->p++;
	blanks(c);
	if (peek(c) == (object ? '}' : ']'))
		return 0;
	return object ? name(c) : MORE;
}

/* A value: all of it (0), or as far as the first one inside it (MORE). */
static int
begin(struct scan *c)
{
	blanks(c);
	switch (peek(c)) {
	case '{':
		return enter(c, true);
	case '[':
		return enter(c, false);
	case '"':
		return string(c);
	case 't':
		return literal(c, STR("true"));
	case 'f':
		return literal(c, STR("false"));
	case 'n':
		return literal(c, STR("null"));
	default:
		return number(c);
	}
}

/* After a value: closes what ends here. MORE: a comma came first. */
static int
finish(struct scan *c)
{
	while (c->depth > 0) {
		bool object = c->objects & 1;

		blanks(c);
		if (take(c, ','))
			return object ? name(c) : MORE;
		if (!take(c, object ? '}' : ']'))
			return -ERR_BAD;
		c->objects >>= 1;
		c->depth--;
	}
	return 0;
}

/* One whole value with the blanks before it. */
static int
value(struct scan *c)
{
	int rc;

	do {
		rc = begin(c);
		if (rc == 0)
			rc = finish(c);
	} while (rc == MORE);
	return rc;
}

int
json_check(struct str text)
{
	struct scan c = over(text);
	int rc = value(&c);

	if (rc < 0)
		return rc;
	blanks(&c);
	return c.p == c.end ? 0 : -ERR_BAD;
}

static enum json_kind
kind_of(unsigned char first)
{
	switch (first) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
	case 'f':
		return JSON_BOOL;
	case 'n':
		return JSON_NULL;
	default:
		return JSON_NUMBER;
	}
}

int
json_value(struct str text, struct json_member *m)
{
	struct scan c = over(text);
	int rc = json_check(text);

	*m = (struct json_member){ .name = STR_NONE };
	if (rc < 0)
		return rc;
	blanks(&c);
	m->kind = kind_of(peek(&c));
	m->value = str_trim(from(c.p, c.end));
	return 0;
}

/* The next element of a checked container, in an object with its name; false at its end. */
static bool
next(struct scan *c, bool object, struct json_member *m)
{
	const unsigned char *start;

	*m = (struct json_member){ .name = STR_NONE };
	blanks(c);
	take(c, ',');
	blanks(c);
	if (object && peek(c) == '"') {
		start = c->p + 1;
		string(c);
		m->name = from(start, c->p - 1);
		blanks(c);
		take(c, ':');
		blanks(c);
	}
	start = c->p;
	m->kind = kind_of(peek(c));
	if (value(c) < 0)
		return false;
	m->value = from(start, c->p);
	return true;
}

/* Checks the text and stands behind the bracket it opens with. */
static int
enter_checked(struct str text, enum json_kind kind, struct scan *c)
{
	int rc = json_check(text);

	if (rc < 0)
		return rc;
	*c = over(text);
	blanks(c);
	if (kind_of(peek(c)) != kind)
		return -ERR_TYPE;
	c->p++;
	return 0;
}

static int
list_members(struct scan *c, struct json_member *out, size_t max, size_t *count)
{
	struct json_member m;

	for (; next(c, true, &m); ++*count)
		if (*count < max)
			out[*count] = m;
	return *count > max ? -ERR_TOOBIG : 0;
}

int
json_members(struct str text, struct json_member *out, size_t max, size_t *count)
{
	struct scan c;
	int rc;

	*count = 0;
	rc = enter_checked(text, JSON_OBJECT, &c);
	return rc < 0 ? rc : list_members(&c, out, max, count);
}

int
json_members_of(const struct json_member *m, struct json_member *out, size_t max, size_t *count)
{
	struct scan c = over(str_skip(m->value, 1));

	*count = 0;
	return m->kind != JSON_OBJECT ? -ERR_TYPE : list_members(&c, out, max, count);
}

int
json_array(struct str text, struct json_iter *it)
{
	struct scan c;
	int rc = enter_checked(text, JSON_ARRAY, &c);

	it->rest = rc < 0 ? STR_NONE : from(c.p, c.end);
	return rc;
}

int
json_elements_of(const struct json_member *m, struct json_iter *it)
{
	bool is = m->kind == JSON_ARRAY;

	it->rest = is ? str_skip(m->value, 1) : STR_NONE;
	return is ? 0 : -ERR_TYPE;
}

bool
json_next(struct json_iter *it, struct json_member *m)
{
	struct scan c = over(it->rest);
	bool more = next(&c, false, m);

	it->rest = more ? from(c.p, c.end) : STR_NONE;
	return more;
}
