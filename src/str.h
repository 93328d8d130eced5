/*
 * str - a borrowed slice of somebody else's bytes.
 *
 * A struct str owns nothing, is not NUL-terminated and may hold any byte. It is
 * passed by value and is good for as long as the bytes it points into are.
 */
#ifndef SIGPOST_STR_H
#define SIGPOST_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
	const char	*p;
	size_t		 n;
};

#define STR(lit)	((struct str){ (lit), sizeof(lit) - 1 })
#define STR_NONE	((struct str){ NULL, 0 })

static inline struct str
str_make(const char *p, size_t n)
{
	return (struct str){ p, n };
}

struct str	str_from(const char *cstr);	/* NULL reads as empty */

bool		str_eq(struct str a, struct str b);
bool		str_eqcase(struct str a, struct str b);		/* ASCII case folded */
bool		str_starts(struct str s, struct str prefix);
bool		str_ends(struct str s, struct str suffix);

/* Without its first n bytes; empty if it has no more. */
static inline struct str
str_skip(struct str s, size_t n)
{
	if (n > s.n)
		n = s.n;
	return n == 0 ? s : str_make(s.p + n, s.n - n);
}

struct str	str_trim(struct str s);				/* no SP, HTAB, CR, LF at either end */

/* Cuts at the first `c`: *head gets what is before it, *tail what is after. false: no `c` in s,
 * then *head is all of s and *tail empty. head or tail may be &s. */
bool		str_cut(struct str s, char c, struct str *head, struct str *tail);

/* Decimal, digits only, no sign, no blank, at most `max`. 0 or -ERR_BAD; *out unchanged then. */
int		str_uint(struct str s, uint64_t max, uint64_t *out);

/* true if no byte is below 0x20 or 0x7f */
bool		str_printable(struct str s);

/* Lower-case hexadecimal of n bytes into out[2n + 1], NUL-terminated, and back (exactly n bytes,
 * either case; -ERR_BAD for anything else). */
void		str_hex(const unsigned char *in, size_t n, char *out);
int		str_unhex(struct str s, unsigned char *out, size_t n);

/* Copies to a NUL-terminated buffer of `size`; -ERR_TOOBIG (and "") if it does not fit or holds a NUL. */
int		str_copy(struct str s, char *out, size_t size);

#endif
