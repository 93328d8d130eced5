/* records - see records.h. */
#include "config.h"

#include <assert.h>
#include <fastcgi.h>
#include <string.h>

#include "fcgi-pair.h"
#include "records.h"

#define CONTENT_MAX FCGI_MAX_LENGTH

static void
put16(struct buf *out, unsigned int n)
{
	buf_addc(out, (char)(n >> 8));
	buf_addc(out, (char)n);
}

void
record_put(struct buf *out, unsigned int type, unsigned int id, struct str content,
    unsigned int padding)
{
	assert(content.n <= CONTENT_MAX && padding <= 255);
	buf_addc(out, FCGI_VERSION_1);
	buf_addc(out, (char)type);
	put16(out, id);
	put16(out, (unsigned int)content.n);
	buf_addc(out, (char)padding);
	buf_addc(out, 0);
	buf_adds(out, content);
	while (padding-- > 0)
		buf_addc(out, '\x01');	/* looks like a header, in case it is taken for one */
}

void
record_begin(struct buf *out, unsigned int id, unsigned int role, unsigned int flags,
    unsigned int padding)
{
	struct buf b;

	buf_init(&b, sizeof(FCGI_BeginRequestBody));
	put16(&b, role);
	buf_addc(&b, (char)flags);
	buf_add(&b, "\0\0\0\0\0", 5);
	record_put(out, FCGI_BEGIN_REQUEST, id, buf_str(&b), padding);
	buf_release(&b);
}

/* ---- words ---- */

static unsigned int
number(struct str *word)
{
	unsigned int n = 0;

	while (word->n > 0 && word->p[0] >= '0' && word->p[0] <= '9') {
		n = 10 * n + (unsigned int)(word->p[0] - '0');
		*word = str_skip(*word, 1);
	}
	return n;
}

static bool
next_is(struct str *word, char c)
{
	if (word->n == 0 || word->p[0] != c)
		return false;
	*word = str_skip(*word, 1);
	return true;
}

static void
put_begin(struct buf *out, struct str word, unsigned int padding)
{
	unsigned int id = number(&word), flags = next_is(&word, 'k') ? FCGI_KEEP_CONN : 0;
	unsigned int role = next_is(&word, 'r') ? number(&word) : FCGI_RESPONDER;

	assert(word.n == 0);
	record_begin(out, id, role, flags, padding);
}

static void
put_pairs(struct buf *out, unsigned int type, unsigned int id, struct str text,
    unsigned int padding)
{
	struct str one, name, value;
	struct buf b;

	buf_init(&b, CONTENT_MAX);
	while (text.n > 0) {
		str_cut(text, '&', &one, &text);
		str_cut(one, '=', &name, &value);
		fcgi_pair_put(&b, name, value);
	}
	record_put(out, type, id, buf_str(&b), padding);
	buf_release(&b);
}

static void
put_other(struct buf *out, struct str word, unsigned int padding)
{
	unsigned int type = number(&word), id = next_is(&word, '.') ? number(&word) : 0;

	next_is(&word, ':');
	record_put(out, type, id, word, padding);
}

static void
put_word(struct buf *out, struct str word, unsigned int padding)
{
	struct str rest = str_skip(word, 1);
	unsigned int id;

	if (word.p[0] == 'B') {
		put_begin(out, rest, padding);
		return;
	}
	if (word.p[0] == 'T') {
		put_other(out, rest, padding);
		return;
	}
	id = number(&rest);
	next_is(&rest, ':');
	if (word.p[0] == 'P')
		put_pairs(out, FCGI_PARAMS, id, rest, padding);
	else if (word.p[0] == 'V')
		put_pairs(out, FCGI_GET_VALUES, id, rest, padding);
	else if (word.p[0] == 'S')
		record_put(out, FCGI_STDIN, id, rest, padding);
	else {
		assert(word.p[0] == 'A');
		record_put(out, FCGI_ABORT_REQUEST, id, rest, padding);
	}
}

void
records_put(struct buf *out, const char *words, unsigned int padding)
{
	struct str rest = str_from(words), word;
	size_t last = 0;

	while (rest.n > 0) {
		str_cut(rest, ' ', &word, &rest);
		if (str_eq(word, STR("!"))) {
			out->p[last] = FCGI_VERSION_1 + 1;
			continue;
		}
		last = out->n;
		put_word(out, word, padding);
	}
	assert(buf_err(out) == 0);
}

/* ---- what comes back ---- */

static void
tell_end(struct buf *words, unsigned int id, struct str content)
{
	static const char *const names[] = {
		[FCGI_REQUEST_COMPLETE] = "complete", [FCGI_CANT_MPX_CONN] = "cant-mpx",
		[FCGI_OVERLOADED] = "overloaded", [FCGI_UNKNOWN_ROLE] = "unknown-role",
	};

	assert(content.n == sizeof(FCGI_EndRequestBody) && content.p[4] < 4);
	assert(memcmp(content.p, "\0\0\0", 4) == 0);	/* the application's status */
	buf_addf(words, "end(%u,%s) ", id, names[(int)content.p[4]]);
}

static void
tell_values(struct buf *words, struct str content)
{
	struct str name, value;
	struct buf *part = NULL;
	const char *between = "";

	buf_addz(words, "values(");
	while (fcgi_pair_next(&part, &content, CONTENT_MAX, &name, &value) > 0) {
		buf_addf(words, "%s%.*s=%.*s", between, (int)name.n, name.p, (int)value.n, value.p);
		between = "&";
	}
	assert(part == NULL);
	buf_addz(words, ") ");
}

static void
tell_one(struct buf *words, unsigned int type, unsigned int id, struct str content)
{
	switch (type) {
	case FCGI_STDOUT:
		if (content.n == 0)
			buf_addf(words, "eof(%u) ", id);
		else
			buf_addf(words, "out(%u,%.*s) ", id, (int)content.n, content.p);
		break;
	case FCGI_END_REQUEST:
		tell_end(words, id, content);
		break;
	case FCGI_GET_VALUES_RESULT:
		assert(id == 0);
		tell_values(words, content);
		break;
	case FCGI_UNKNOWN_TYPE:
		assert(id == 0 && content.n == sizeof(FCGI_UnknownTypeBody));
		buf_addf(words, "unknown(%d) ", (unsigned char)content.p[0]);
		break;
	default:
		buf_addf(words, "type-%u ", type);
	}
}

void
records_tell(struct buf *words, struct str records)
{
	const unsigned char *h;
	size_t content, all;

	while (records.n >= FCGI_HEADER_LEN) {
		h = (const unsigned char *)records.p;
		content = (size_t)h[4] << 8 | h[5];
		all = FCGI_HEADER_LEN + content + h[6];
		if (all > records.n)
			break;
		assert(h[0] == FCGI_VERSION_1);
		tell_one(words, h[1], (unsigned int)h[2] << 8 | h[3],
		    str_make(records.p + FCGI_HEADER_LEN, content));
		records = str_skip(records, all);
	}
	if (records.n > 0)
		buf_addz(words, "cut ");
}
