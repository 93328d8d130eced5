/* origin - see origin.h. */
#include "config.h"

#include <string.h>

#include "origin.h"

/* The next word of a list, which gets shorter; empty: there is none. */
static struct str
word(struct str *list)
{
	struct str found;
	size_t n = 0;

	while (list->n > 0 && (list->p[0] == ' ' || list->p[0] == ','))
		*list = str_skip(*list, 1);
	while (n < list->n && list->p[n] != ' ' && list->p[n] != ',')
		n++;
	found = str_make(list->p, n);
	*list = str_skip(*list, n);
	return found;
}

bool
origin_listed(struct str list, struct str origin)
{
	struct str one;

	while ((one = word(&list)).n > 0)
		if (str_eq(one, STR("*")) || str_eqcase(one, origin))
			return true;
	return false;
}

static bool
cut_scheme(struct str *origin, struct str scheme)
{
	if (origin->n < scheme.n || !str_eqcase(str_make(origin->p, scheme.n), scheme))
		return false;
	*origin = str_skip(*origin, scheme.n);
	return true;
}

bool
origin_own(struct str origin, struct str host)
{
	if (!cut_scheme(&origin, STR("https://")) && !cut_scheme(&origin, STR("http://")))
		return false;
	return origin.n > 0 && str_eqcase(origin, host);
}

/* Extensions of browsers have schemes of their own, so any will do. */
static bool
is_origin(struct str s)
{
	static const char never[] = "/?#*@\\\"<>";
	size_t i, scheme = 0;

	if (str_eq(s, STR("*")) || str_eq(s, STR("null")))
		return true;
	while (scheme < s.n && s.p[scheme] != ':')
		scheme++;
	s = str_skip(s, scheme);
	if (scheme == 0 || !str_starts(s, STR("://")) || s.n == 3)
		return false;
	for (s = str_skip(s, 3), i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] >= 0x7f || strchr(never, s.p[i]) != NULL)
			return false;
	return true;
}

struct str
origin_wrong(struct str list)
{
	struct str one;

	while ((one = word(&list)).n > 0)
		if (!is_origin(one))
			return one;
	return STR_NONE;
}
