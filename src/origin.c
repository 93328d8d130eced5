/* origin - see origin.h. An entry is taken apart each time it is compared: lists are short. */
#include "config.h"

#include <string.h>

#include "err.h"
#include "origin.h"

#define WILD	STR("*.")

struct entry {
	struct str	head;	/* "https://" */
	struct str	host;	/* "example.org:8080"; of a wildcard ".example.org" */
	bool		wild;
};

static bool
all_of(struct str s, const char *chars)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || strchr(chars, s.p[i]) == NULL)
			return false;
	return true;
}

#define LOWER	"abcdefghijklmnopqrstuvwxyz"
#define DIGITS	"0123456789"

/* ---- one entry ---- */

static const char *
scheme_wrong(struct str scheme)
{
	if (scheme.n == 0 || !all_of(str_make(scheme.p, 1), LOWER) || !all_of(scheme, LOWER DIGITS "+-."))
		return "an origin begins with a scheme in lower case, as in https://example.org";
	return NULL;
}

static const char *
labels_wrong(struct str name)
{
	struct str label;
	bool more = true;

	while (more) {
		more = str_cut(name, '.', &label, &name);
		if (label.n == 0 || label.n > 63 || !all_of(label, LOWER DIGITS "-_"))
			return "the host of an origin is a name in lower case (xn--… for other letters), without a path";
	}
	return NULL;
}

static const char *
port_wrong(struct str scheme, struct str port)
{
	uint64_t n;

	if (str_uint(port, 65535, &n) < 0 || n == 0 || port.p[0] == '0')
		return "the port of an origin is a number from 1 to 65535";
	if ((str_eq(scheme, STR("https")) && n == 443) || (str_eq(scheme, STR("http")) && n == 80))
		return "browsers leave out the ports 80 of http and 443 of https: leave it out here, too";
	return NULL;
}

/* Up to the colon before the port, if there is one. */
static bool
cut_port(struct str all, struct str *host, struct str *port)
{
	size_t i = 0;

	while (i < all.n && (all.p[i] != ':' || (all.p[0] == '[' && memchr(all.p, ']', i) == NULL)))
		i++;
	*host = str_make(all.p, i);
	*port = str_skip(all, i + (i < all.n));
	return i < all.n;
}

static const char *
host_wrong(struct str host, bool wild)
{
	if (host.n > 2 && host.p[0] == '[' && !wild)
		return host.p[host.n - 1] == ']' && all_of(str_make(host.p + 1, host.n - 2), "abcdef" DIGITS ":.") ? NULL :
		    "an IPv6 address stands in brackets, in lower case";
	if (wild && memchr(host.p, '.', host.n) == NULL)
		return "a wildcard needs two labels behind it at least: https://*.example.org";
	return labels_wrong(host);
}

/* Where scheme and host part; false: nowhere. */
static bool
take_apart(struct str text, struct entry *e)
{
	size_t i;

	for (i = 0; i + 3 <= text.n; i++)
		if (memcmp(text.p + i, "://", 3) == 0)
			break;
	if (i + 3 > text.n)
		return false;
	e->head = str_make(text.p, i + 3);
	e->host = str_skip(text, i + 3);
	e->wild = str_starts(e->host, WILD);
	if (e->wild)
		e->host = str_skip(e->host, 1);
	return true;
}

static const char *
entry_wrong(struct str text)
{
	struct entry e;
	struct str scheme, host, port;
	const char *why;
	bool has_port;

	if (str_eq(text, STR("null")))
		return "null is what every file and sandboxed frame says: it can be allowed by * alone";
	if (str_eq(text, STR("*")))
		return "* stands alone: it is every origin";
	if (!take_apart(text, &e))
		return "an origin has a scheme and a host, as in https://example.org";
	scheme = str_make(e.head.p, e.head.n - 3);
	has_port = cut_port(e.wild ? str_skip(e.host, 1) : e.host, &host, &port);
	why = scheme_wrong(scheme);
	if (why == NULL)
		why = host.n == 0 ? "an origin has a host, as in https://example.org" : host_wrong(host, e.wild);
	return why == NULL && has_port ? port_wrong(scheme, port) : why;
}

const char *
origins_wrong(struct str list)
{
	struct str text;
	const char *why = NULL;
	bool more = true;
	int n;

	if (origins_any(list))
		return NULL;
	for (n = 0; more && why == NULL; n++) {
		more = str_cut(list, ',', &text, &list);
		why = str_trim(text).n == 0 ? "an origin is missing between two commas" : entry_wrong(str_trim(text));
		if (n == ORIGINS_MAX)
			return "a list has 64 origins at most";
	}
	return why;
}

/* ---- asking ---- */

bool
origins_any(struct str list)
{
	return str_eq(list, STR("*"));
}

/* What stands for the star: one or more labels, and nothing that ends a host. */
static bool
below(const struct entry *e, struct str origin)
{
	struct str host = str_skip(origin, e->head.n);

	if (!str_starts(origin, e->head) || host.n <= e->host.n || !str_ends(host, e->host))
		return false;
	return labels_wrong(str_make(host.p, host.n - e->host.n)) == NULL;
}

static bool
is_it(struct str text, struct str origin)
{
	struct entry e;

	if (entry_wrong(text) != NULL || !take_apart(text, &e))
		return false;
	return e.wild ? below(&e, origin) : str_eq(text, origin);
}

bool
origins_allow(struct str list, struct str origin)
{
	struct str text;
	bool more = true;

	if (origins_any(list))
		return true;
	while (more) {
		more = str_cut(list, ',', &text, &list);
		if (is_it(str_trim(text), origin))
			return true;
	}
	return false;
}
