/*
 * json-value - what the strings and numbers of a checked text stand for, and the way back. A
 * string is walked code point by code point, a number computed digit by digit; one pass over the
 * value after json_check's, and no memory but the caller's buffer.
 */
#include "config.h"

#include <string.h>

#include "err.h"
#include "json.h"

/* Half of a surrogate pair: 0xd800 the first, 0xdc00 the second. */
static bool
half(uint32_t unit, uint32_t which)
{
	return (unit & 0xfc00) == which;
}

/* The code unit if s begins with "\uXXXX", else 0 (which is neither half of anything). */
static uint32_t
unit_at(struct str s)
{
	unsigned char bytes[2];

	if (s.n < 6 || s.p[0] != '\\' || s.p[1] != 'u' ||
	    str_unhex(str_make(s.p + 2, 4), bytes, 2) < 0)
		return 0;
	return (uint32_t)bytes[0] << 8 | bytes[1];
}

/* At a "\u": one code point, of both halves if a pair stands there. */
static uint32_t
take_units(struct str *s)
{
	uint32_t first = unit_at(*s), second;

	*s = str_skip(*s, 6);
	if (!half(first, 0xd800))
		return first;
	second = unit_at(*s);
	if (!half(second, 0xdc00))
		return first;
	*s = str_skip(*s, 6);
	return 0x10000 + ((first - 0xd800) << 10 | (second - 0xdc00));
}

static uint32_t
take_escape(struct str *s)
{
	char c = s->n > 1 ? s->p[1] : '\\';

	if (c == 'u')
		return take_units(s);
	*s = str_skip(*s, 2);
	switch (c) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return (unsigned char)c;
	}
}

/* Takes the next code point off the inside of a string, which has at least one byte. */
static uint32_t
take_point(struct str *s)
{
	static const unsigned char mask[] = { 0xff, 0x7f, 0x1f, 0x0f, 0x07 };
	size_t i, len = json_utf8(*s);
	uint32_t cp;

	if (s->p[0] == '\\')
		return take_escape(s);
	if (len == 0)
		len = 1;
	cp = (unsigned char)s->p[0] & mask[len];
	for (i = 1; i < len; i++)
		cp = cp << 6 | ((unsigned char)s->p[i] & 0x3f);
	*s = str_skip(*s, len);
	return cp;
}

/* UTF-8, surrogates included; returns the length. */
static size_t
encode(uint32_t cp, char out[4])
{
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t i, len = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;

	for (i = len - 1; i > 0; i--, cp >>= 6)
		out[i] = (char)(0x80 | (cp & 0x3f));
	out[0] = (char)(lead[len] | cp);
	return len;
}

bool
json_name_is(const struct json_member *m, const char *name)
{
	struct str rest = m->name, wanted = str_from(name), one;
	char utf8[4];

	while (rest.n > 0) {
		one = str_make(utf8, encode(take_point(&rest), utf8));
		if (!str_starts(wanted, one))
			return false;
		wanted = str_skip(wanted, one.n);
	}
	return wanted.n == 0;
}

const struct json_member *
json_find(const struct json_member *m, size_t count, const char *name)
{
	const struct json_member *found = NULL;
	size_t i;

	for (i = 0; i < count; i++)
		if (json_name_is(&m[i], name))
			found = &m[i];
	return found;
}

bool
json_plain(struct str s)
{
	size_t n;

	if (!str_printable(s))
		return false;
	for (; s.n > 0; s = str_skip(s, n)) {
		n = json_utf8(s);
		if (n == 0)
			return false;
	}
	return true;
}

/* What is between the quotes of a JSON string. */
static int
inside(struct str value, struct str *out)
{
	if (value.n < 2 || value.p[0] != '"' || value.p[value.n - 1] != '"' ||
	    json_check(value) < 0)
		return -ERR_TYPE;
	*out = str_make(value.p + 1, value.n - 2);
	return 0;
}

int
json_text(struct str value, struct buf *out)
{
	struct str rest;
	char utf8[4];
	int rc = inside(value, &rest);

	if (rc < 0)
		return rc;
	while (rest.n > 0)
		buf_add(out, utf8, encode(take_point(&rest), utf8));
	return buf_err(out);
}

int
json_units(struct str value, size_t *units)
{
	struct str rest;
	size_t n = 0;
	int rc = inside(value, &rest);

	if (rc < 0)
		return rc;
	while (rest.n > 0)
		n += take_point(&rest) < 0x10000 ? 1 : 2;
	*units = n;
	return 0;
}

/* A number taken apart. */
struct decimal {
	bool		minus;
	struct str	digits;	/* before the exponent, a '.' maybe among them */
	int64_t		places;	/* how many of them stand before the decimal point */
};

/* What follows the 'e'. Above any text's length it makes no difference how much. */
static int64_t
exponent(struct str s)
{
	bool minus = str_starts(s, STR("-"));
	int64_t v = 0;
	size_t i;

	for (i = minus || str_starts(s, STR("+")) ? 1 : 0; i < s.n && v < INT64_MAX / 100; i++)
		v = v * 10 + (s.p[i] - '0');
	return minus ? -v : v;
}

static int
take_apart(struct str value, struct decimal *d)
{
	struct str power, before, after;

	d->minus = str_starts(value, STR("-"));
	value = str_skip(value, d->minus ? 1 : 0);
	if (value.n == 0 || value.p[0] < '0' || value.p[0] > '9' ||
	    value.p[value.n - 1] < '0' || value.p[value.n - 1] > '9' || json_check(value) < 0)
		return -ERR_BAD;
	if (!str_cut(value, 'e', &d->digits, &power))
		str_cut(value, 'E', &d->digits, &power);
	str_cut(d->digits, '.', &before, &after);
	d->places = (int64_t)before.n + exponent(power);
	return 0;
}

/* 10 v + digit; false if that is above 2^63. */
static bool
shift(uint64_t *v, unsigned digit)
{
	if (*v > ((uint64_t)INT64_MAX + 1 - digit) / 10)
		return false;
	*v = *v * 10 + digit;
	return true;
}

/* The magnitude, which must be whole and at most 2^63. */
static int
magnitude(const struct decimal *d, uint64_t *out)
{
	int64_t place = 0;
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < d->digits.n; i++) {
		char c = d->digits.p[i];

		if (c == '.')
			continue;
		if (place < d->places ? !shift(&v, (unsigned)(c - '0')) : c != '0')
			return -ERR_BAD;
		place++;
	}
	for (; v > 0 && place < d->places; place++)
		if (!shift(&v, 0))
			return -ERR_BAD;
	*out = v;
	return 0;
}

int
json_int(struct str value, int64_t min, int64_t max, int64_t *out)
{
	struct decimal d;
	uint64_t v;
	int64_t n;

	if (take_apart(value, &d) < 0 || magnitude(&d, &v) < 0)
		return -ERR_BAD;
	if (v > INT64_MAX && !d.minus)
		return -ERR_BAD;
	/* INT64_MIN has no positive twin */
	n = v > INT64_MAX ? INT64_MIN : d.minus ? -(int64_t)v : (int64_t)v;
	if (n < min || n > max)
		return -ERR_BAD;
	*out = n;
	return 0;
}

void
json_copy(struct buf *out, struct str value)
{
	size_t i, start = 0;

	if (memchr(value.p, '\n', value.n) == NULL && memchr(value.p, '\r', value.n) == NULL) {
		buf_adds(out, value);
		return;
	}
	/* none of them is inside a string: that would not have passed */
	for (i = 0; i < value.n; i++) {
		if (value.p[i] != '\r' && value.p[i] != '\n')
			continue;
		buf_add(out, value.p + start, i - start);
		start = i + 1;
	}
	buf_add(out, value.p + start, value.n - start);
}

static void
quote_ascii(struct buf *out, unsigned char c)
{
	static const char names[0x20] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
	};

	if (c == '"' || c == '\\')
		buf_addf(out, "\\%c", c);
	else if (c >= 0x20)
		buf_addc(out, (char)c);
	else if (names[c] != '\0')
		buf_addf(out, "\\%c", names[c]);
	else
		buf_addf(out, "\\u%04x", c);
}

/* A surrogate as json_text writes it, ed a0..bf 80..bf; 0 if s does not begin with one. */
static unsigned
surrogate_at(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	if (s.n < 3 || p[0] != 0xed || p[1] < 0xa0 || p[1] > 0xbf || (p[2] & 0xc0) != 0x80)
		return 0;
	return 0xd000u | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
}

void
json_quote(struct buf *out, struct str text)
{
	size_t len;

	buf_addc(out, '"');
	for (; text.n > 0; text = str_skip(text, len)) {
		unsigned surrogate = surrogate_at(text);

		len = json_utf8(text);
		if (len == 1)
			quote_ascii(out, (unsigned char)text.p[0]);
		else if (len > 1)
			buf_add(out, text.p, len);
		else if (surrogate != 0) {
			len = 3;
			buf_addf(out, "\\u%04x", surrogate);
		} else {
			len = 1;
			buf_addz(out, "\xef\xbf\xbd");
		}
	}
	buf_addc(out, '"');
}
