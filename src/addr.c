/* addr - addresses, prefixes and X-Forwarded-For; see addr.h. Nothing is allocated, nothing resolved. */
#include "config.h"

#include <arpa/inet.h>
#include <string.h>

#include "addr.h"
#include "err.h"

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static void
normalize(struct addr *a)
{
	if (a->n != 16 || memcmp(a->bytes, mapped, sizeof mapped) != 0)
		return;
	memmove(a->bytes, a->bytes + 12, 4);
	memset(a->bytes + 4, 0, 12);
	a->n = 4;
}

int
addr_parse(struct str text, struct addr *a)
{
	char z[INET6_ADDRSTRLEN];
	struct str zone;
	bool six = memchr(text.n > 0 ? text.p : "", ':', text.n) != NULL;

	memset(a, 0, sizeof *a);
	if (six)
		str_cut(text, '%', &text, &zone);
	if (str_copy(text, z, sizeof z) < 0 || inet_pton(six ? AF_INET6 : AF_INET, z, a->bytes) != 1)
		return -ERR_BAD;
	a->n = six ? 16 : 4;
	normalize(a);
	return 0;
}

static bool
is_port(struct str s)
{
	uint64_t port;

	return str_uint(s, 65535, &port) == 0;
}

static int
parse_brackets(struct str text, struct addr *a)
{
	struct str inside, after;

	if (!str_cut(str_skip(text, 1), ']', &inside, &after) || memchr(inside.p, ':', inside.n) == NULL)
		return -ERR_BAD;
	if (after.n > 0 && (after.p[0] != ':' || !is_port(str_skip(after, 1))))
		return -ERR_BAD;
	return addr_parse(inside, a);
}

int
addr_parse_node(struct str text, struct addr *a)
{
	struct str host, port;

	text = str_trim(text);
	memset(a, 0, sizeof *a);
	if (text.n > 0 && text.p[0] == '[')
		return parse_brackets(text, a);
	if (str_cut(text, ':', &host, &port) && is_port(port))
		return memchr(host.p, '.', host.n) != NULL ? addr_parse(host, a) : -ERR_BAD;
	return addr_parse(text, a);
}

struct str
addr_subject(const struct addr *a)
{
	return str_make((const char *)a->bytes, a->n == 16 ? 8 : a->n);
}

/* ---- lists ---- */

static bool
bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	return memcmp(a, b, whole) == 0 && (rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0);
}

/* As it was meant: "::ffff:10.0.0.0/104" is 10.0.0.0/8. */
static int
parse_prefix(struct str text, struct addr *a, uint8_t *bits)
{
	static const uint8_t zeros[16];
	struct str address, length;
	bool six, has = str_cut(text, '/', &address, &length);
	uint64_t n;

	if (addr_parse(address, a) < 0)
		return -ERR_BAD;
	six = memchr(address.p, ':', address.n) != NULL;
	n = six ? 128 : 32;
	if (has && str_uint(length, n, &n) < 0)
		return -ERR_BAD;
	if (six && a->n == 4) {
		if (n < 96)
			return -ERR_BAD;
		n -= 96;
	}
	*bits = (uint8_t)n;
	for (; n < (uint64_t)a->n * 8; n++)
		if ((a->bytes[n / 8] & 0x80 >> n % 8) != 0)
			return -ERR_BAD;
	return memcmp(zeros, a->bytes + a->n, 16u - a->n) == 0 ? 0 : -ERR_BAD;
}

static int
add_entry(struct addr_list *list, struct str entry)
{
	int rc;

	if (str_eq(entry, STR("unix"))) {
		list->unix_sockets = true;
		return 0;
	}
	if (list->n == ADDR_LIST_MAX)
		return -ERR_TOOBIG;
	rc = parse_prefix(entry, &list->rows[list->n].addr, &list->rows[list->n].bits);
	if (rc == 0)
		list->n++;
	return rc;
}

static bool
separates(char c)
{
	return c == ' ' || c == ',' || c == '\t';
}

int
addr_list_parse(struct str text, struct addr_list *list, struct str *wrong)
{
	size_t n;
	int rc;

	memset(list, 0, sizeof *list);
	*wrong = STR_NONE;
	while (text.n > 0) {
		for (n = 0; n < text.n && !separates(text.p[n]); n++)
			;
		rc = n > 0 ? add_entry(list, str_make(text.p, n)) : 0;
		if (rc < 0) {
			*wrong = str_make(text.p, n);
			return rc;
		}
		text = str_skip(text, n + 1);
	}
	return 0;
}

bool
addr_list_has(const struct addr_list *list, const struct addr *a)
{
	size_t i;

	if (a->n == 0)
		return list->unix_sockets;
	for (i = 0; i < list->n; i++)
		if (list->rows[i].addr.n == a->n && bits_equal(list->rows[i].addr.bytes, a->bytes, list->rows[i].bits))
			return true;
	return false;
}

/* ---- X-Forwarded-For ---- */

/* Takes the last element off. */
static struct str
last_element(struct str *header)
{
	size_t n = header->n;
	struct str last;

	while (n > 0 && header->p[n - 1] != ',')
		n--;
	last = str_skip(*header, n);
	header->n = n > 0 ? n - 1 : 0;
	return last;
}

/* From the right, as far as those who wrote it are to be believed. */
struct addr
addr_forwarded_for(const struct addr_list *proxies, const struct addr *peer, struct str header)
{
	struct addr at = *peer, before;

	while (header.n > 0 && addr_list_has(proxies, &at)) {
		if (addr_parse_node(last_element(&header), &before) < 0)
			return at;
		at = before;
	}
	return at;
}

/* ---- Forwarded (RFC 7239, 4): elements by commas, pairs by semicolons, values may be in quotes ---- */

#define NODE_MAX	64	/* longer than any address with its port */

static bool
in_token(char c)
{
	return c > ' ' && c < 0x7f && strchr("\"(),/:;<=>?@[\\]{}", c) == NULL;
}

static struct str
take_token(struct str *rest)
{
	size_t n = 0;

	while (n < rest->n && in_token(rest->p[n]))
		n++;
	*rest = (struct str){ rest->p + n, rest->n - n };
	return str_make(rest->p - n, n);
}

/* A quoted-string (RFC 9110, 5.6.4), its escapes resolved; what is too long for an address is cut. */
static int
take_quoted(struct str *rest, char out[NODE_MAX], size_t *n)
{
	*n = 0;
	for (*rest = str_skip(*rest, 1); rest->n > 0 && rest->p[0] != '"'; *rest = str_skip(*rest, 1)) {
		if (rest->p[0] == '\\')
			*rest = str_skip(*rest, 1);
		if (rest->n == 0)
			return -ERR_BAD;
		if (*n < NODE_MAX)
			out[(*n)++] = rest->p[0];
	}
	if (rest->n == 0)
		return -ERR_BAD;
	*rest = str_skip(*rest, 1);
	return 0;
}

static int
take_value(struct str *rest, char out[NODE_MAX], size_t *n)
{
	struct str token;

	if (rest->n > 0 && rest->p[0] == '"')
		return take_quoted(rest, out, n);
	token = take_token(rest);
	*n = token.n < NODE_MAX ? token.n : NODE_MAX;
	if (*n == 0)
		return -ERR_BAD;
	memcpy(out, token.p, *n);
	return 0;
}

static void
skip_blanks(struct str *rest)
{
	while (rest->n > 0 && (rest->p[0] == ' ' || rest->p[0] == '\t'))
		*rest = str_skip(*rest, 1);
}

/* One element up to its comma; *a has no address if its "for" has none. -ERR_BAD: it breaks the grammar. */
static int
take_element(struct str *rest, struct addr *a)
{
	char text[NODE_MAX];
	struct str name;
	size_t n;

	memset(a, 0, sizeof *a);
	for (;;) {
		skip_blanks(rest);
		name = take_token(rest);
		if (name.n == 0 || rest->n == 0 || rest->p[0] != '=')
			return -ERR_BAD;
		*rest = str_skip(*rest, 1);
		if (take_value(rest, text, &n) < 0)
			return -ERR_BAD;
		if (str_eqcase(name, STR("for")) && n < NODE_MAX)
			addr_parse_node(str_make(text, n), a);
		skip_blanks(rest);
		if (rest->n == 0 || rest->p[0] == ',')
			return 0;
		if (rest->p[0] != ';')
			return -ERR_BAD;
		*rest = str_skip(*rest, 1);
	}
}

/*
 * Quotes can only be told from the left, so the answer is built up: an address that is no proxy is it, unless
 * another comes behind it. One broken element breaks all: with an open quote somebody could hide what the
 * proxy wrote behind it.
 */
struct addr
addr_forwarded(const struct addr_list *proxies, const struct addr *peer, struct str header)
{
	struct addr at = { .n = 0 }, a;

	if (!addr_list_has(proxies, peer))
		return *peer;
	while (header.n > 0) {
		if (take_element(&header, &a) < 0)
			return *peer;
		if (a.n == 0 || at.n == 0 || !addr_list_has(proxies, &a))
			at = a;
		header = str_skip(header, 1);
	}
	return at.n != 0 ? at : *peer;
}
