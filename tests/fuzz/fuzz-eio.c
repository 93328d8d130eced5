/*
 * Engine.IO: packets and payloads against a reading of the same bytes as JavaScript has them, in
 * UTF-16 (iconv), by the rules of engine.io-parser but for what eio.h says is stricter; and what is
 * read, written again, is read as the same.
 *
 * Input: a byte whose last bit is the version (0: 3, 1: 4), then a payload.
 */
#include "config.h"

#include <iconv.h>
#include <stdbool.h>
#include <string.h>

#include "eio.h"
#include "err.h"
#include "fuzz.h"

#define SIZE_MOST 65536

/* ---- the other reading ---- */

/* A text in UTF-16; `at` is where the reader is. */
struct units {
	uint16_t	*p;
	size_t		 n, at;
};

static bool
to_units(struct str s, struct units *out)
{
	static iconv_t cd;
	char *in = (char *)(uintptr_t)s.p, *to;
	size_t n = s.n, room = 2 * s.n + 2;

	if (cd == NULL)
		cd = iconv_open("UTF-16LE", "UTF-8");
	out->p = malloc(room);
	FUZZ_CHECK(cd != (iconv_t)-1 && out->p != NULL);
	to = (char *)out->p;
	iconv(cd, NULL, NULL, NULL, NULL);
	iconv(cd, &in, &n, &to, &room);
	out->n = (size_t)(to - (char *)out->p) / 2;
	out->at = 0;
	return n == 0;
}

/* A packet of n units: "", or what is wrong. Its type in *type. */
static const char *
look_at(const struct units *u, int version, size_t n, int *type)
{
	size_t at = u->at;

	*type = EIO_MESSAGE;
	if (n > 0 && u->p[at] == 'b') {
		if (version == 4)
			return "";
		at++;
		n--;
	}
	if (n == 0 || u->p[at] < '0' || u->p[at] > '6')
		return "no packet";
	*type = u->p[at] - '0';
	return "";
}

/* The next packet's length in units, the reader at its beginning; -1: the rest is wrong. */
static long
next_length(struct units *u, int version)
{
	size_t end, length = 0, digits = u->at;

	if (version == 4) {
		for (end = u->at; end < u->n && u->p[end] != 0x1e; )
			end++;
		return (long)(end - u->at);
	}
	for (; u->at < u->n && u->p[u->at] != ':'; u->at++) {
		if (u->p[u->at] < '0' || u->p[u->at] > '9')
			return -1;
		if (length <= SIZE_MOST)
			length = length * 10 + (u->p[u->at] - '0');
	}
	if (u->at == u->n || u->at == digits)
		return -1;
	u->at++;
	if (length > u->n - u->at)
		return -1;
	end = u->at + length;
	/* substr() would cut a pair in two; we do not */
	return end > 0 && end < u->n && length > 0 && (u->p[end - 1] & 0xfc00) == 0xd800 ? -1 : (long)length;
}

/* ---- ours against it ---- */

static size_t
units_in(struct str s)
{
	struct units u;

	FUZZ_CHECK(to_units(s, &u));
	free(u.p);
	return u.n;
}

static void
inside(struct str part, struct str whole)
{
	FUZZ_CHECK(part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

/* The length of the packet in units, with all that stands before its data. */
static size_t
length_of(const struct eio_packet *p, int version)
{
	return units_in(p->data) + (p->binary ? 1 : 0) + (p->binary && version == 4 ? 0 : 1);
}

static int
same_packets(struct eio_payload *it, struct units *u, int version, struct str body, size_t *count)
{
	struct eio_packet p;
	long length;
	int type, rc;

	for (;;) {
		length = u->at == u->n && version == 3 ? -2 : next_length(u, version);
		if (length == 0 && version == 3)
			continue;
		rc = eio_payload_next(it, &p);
		if (length == -2)
			FUZZ_CHECK(rc == 0);
		else if (length == -1 || look_at(u, version, (size_t)length, &type)[0] != '\0')
			FUZZ_CHECK(rc == -ERR_BAD && eio_payload_next(it, &p) == -ERR_BAD);
		if (rc <= 0)
			return rc;
		FUZZ_CHECK((int)p.type == type && length_of(&p, version) == (size_t)length);
		inside(p.data, body);
		++*count;
		u->at += (size_t)length;
		if (version == 4 && u->at++ == u->n) {
			FUZZ_CHECK(eio_payload_next(it, &p) == 0);
			return 0;
		}
	}
}

static void
same_payload(int version, struct str body)
{
	struct eio_payload it;
	struct units u;
	size_t count = 0, checked;
	bool text = to_units(body, &u);
	int rc = eio_payload(&it, version, body);

	if (version == 3 && body.n > 0 && (body.p[0] == 0 || body.p[0] == 1))
		FUZZ_CHECK(rc == -ERR_TYPE);
	else if (!text || body.n == 0)
		FUZZ_CHECK(rc == -ERR_BAD);
	else
		FUZZ_CHECK(rc == 0);
	if (rc == 0)
		rc = same_packets(&it, &u, version, body, &count);
	FUZZ_CHECK(eio_payload_check(version, body, &checked) == rc && checked == (rc == 0 ? count : 0));
	free(u.p);
}

/* ---- written again ---- */

/* Every packet that is text, as a payload. */
static size_t
write_again(int version, struct str body, struct buf *out)
{
	struct eio_payload it;
	struct eio_packet p;
	size_t count = 0;
	int rc = eio_payload(&it, version, body);

	for (; rc == 0 && eio_payload_next(&it, &p) > 0; )
		if (!p.binary)
			eio_payload_put(out, version, count++ == 0, p.type, p.data);
	return count;
}

static void
same_again(int version, struct str body)
{
	struct buf once, twice;
	size_t count, checked;

	buf_init(&once, 8 * SIZE_MOST);
	buf_init(&twice, 8 * SIZE_MOST);
	count = write_again(version, body, &once);
	FUZZ_CHECK(buf_err(&once) == 0);
	if (count > 0)
		FUZZ_CHECK(eio_payload_check(version, buf_str(&once), &checked) == 0 && checked == count);
	FUZZ_CHECK(write_again(version, buf_str(&once), &twice) == count);
	FUZZ_CHECK(str_eq(buf_str(&once), buf_str(&twice)));
	buf_release(&once);
	buf_release(&twice);
}

/* One packet is a payload of one (version 4, if no separator is in it). */
static void
same_frame(struct str text)
{
	struct eio_packet p;
	struct buf b;
	size_t count;
	int rc = eio_packet_read(4, text, &p);

	if (text.n == 0 || memchr(text.p, 0x1e, text.n) == NULL)
		FUZZ_CHECK(eio_payload_check(4, text, &count) == rc);
	if (rc < 0 || p.binary)
		return;
	buf_init(&b, 2 * SIZE_MOST);
	eio_packet_put(&b, p.type, p.data);
	FUZZ_CHECK(str_eq(buf_str(&b), text));
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str body;
	int version;

	if (size == 0 || size > SIZE_MOST)
		return 0;
	version = data[0] % 2 == 0 ? 3 : 4;
	body = str_make((const char *)data + 1, size - 1);
	same_payload(version, body);
	same_again(version, body);
	same_frame(body);
	return 0;
}
