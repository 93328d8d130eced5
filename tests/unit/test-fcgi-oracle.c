/*
 * The same bytes through libfcgi and through our codec: same variables, same body. Only for what
 * libfcgi reads correctly: whole requests, without padding on BEGIN_REQUEST and the empty PARAMS.
 */
#include "config.h"

#include "unit.h"

#include <fastcgi.h>
#include <fcgiapp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fcgi-pair.h"
#include "fcgi.h"
#include "list.h"
#include "records.h"

#define BYTES_MAX (8u << 20)
#define VARS_MAX (1u << 20)

/* What both report: NAME=value, a newline after each, and behind an empty line the body. */
struct reading {
	struct fcgi	 fcgi;
	struct buf	 text;
	bool		 whole;
};

/* ---- ours ---- */

static struct reading *
of(struct fcgi *f)
{
	return LIST_OF(f, struct reading, fcgi);
}

static int
on_begin(struct fcgi *f)
{
	(void)f;
	return 0;
}

static int
on_var(struct fcgi *f, struct str name, struct str value)
{
	buf_adds(&of(f)->text, name);
	buf_addc(&of(f)->text, '=');
	buf_adds(&of(f)->text, value);
	buf_addc(&of(f)->text, '\n');
	return 0;
}

static int
on_vars(struct fcgi *f)
{
	buf_addc(&of(f)->text, '\n');
	return 0;
}

static int
on_body(struct fcgi *f, struct str bytes)
{
	buf_adds(&of(f)->text, bytes);
	return 0;
}

static void
on_whole(struct fcgi *f)
{
	of(f)->whole = true;
}

static const struct fcgi_user user = {
	.max_vars = VARS_MAX, .begin = on_begin, .var = on_var, .vars = on_vars,
	.body = on_body, .whole = on_whole,
};

static void
read_ours(struct reading *r, struct str bytes, size_t piece)
{
	struct str one;

	*r = (struct reading){ .whole = false };
	fcgi_init(&r->fcgi);
	buf_init(&r->text, BYTES_MAX);
	while (bytes.n > 0) {
		one = str_make(bytes.p, piece < bytes.n ? piece : bytes.n);
		assert_int_equal(fcgi_eat(&r->fcgi, &user, one.p, one.n), one.n);
		bytes = str_skip(bytes, one.n);
	}
	fcgi_release(&r->fcgi);
}

/* ---- libfcgi's ---- */

static int
file_of(struct str bytes)
{
	int fd = memfd_create("request", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void
read_theirs(struct reading *r, struct str bytes)
{
	static char piece[8192];
	FCGX_Request q;
	char **var;
	int n;

	*r = (struct reading){ .whole = false };
	buf_init(&r->text, BYTES_MAX);
	assert_int_equal(FCGX_InitRequest(&q, -1, 0), 0);
	q.ipcFd = file_of(bytes);	/* as if it was accepted */
	q.keepConnection = 1;		/* or it would be closed now */
	assert_int_equal(FCGX_Accept_r(&q), 0);
	assert_string_equal(q.envp[0], "FCGI_ROLE=RESPONDER");	/* made up by the library */
	for (var = q.envp + 1; *var != NULL; var++) {
		buf_addz(&r->text, *var);
		buf_addc(&r->text, '\n');
	}
	buf_addc(&r->text, '\n');
	while ((n = FCGX_GetStr(piece, sizeof piece, q.in)) > 0)
		buf_add(&r->text, piece, (size_t)n);
	r->whole = FCGX_GetError(q.in) == 0;
	FCGX_Free(&q, 1);
}

static void
assert_same(struct str bytes, const char *why, size_t number)
{
	static const size_t pieces[] = { 1, 2, 3, 5, 8, 13, 100, 4096, BYTES_MAX };
	struct reading theirs, ours;
	size_t i;

	read_theirs(&theirs, bytes);
	row_assert(theirs.whole, "%s %zu: libfcgi does not take it", why, number);
	for (i = 0; i < COUNT(pieces); i++) {
		if (bytes.n > 20000 && pieces[i] < 100)
			continue;
		read_ours(&ours, bytes, pieces[i]);
		row_assert(ours.whole, "%s %zu: not whole", why, number);
		row_assert(str_eq(buf_str(&ours.text), buf_str(&theirs.text)),
		    "%s %zu, pieces of %zu", why, number, pieces[i]);
		buf_release(&ours.text);
	}
	buf_release(&theirs.text);
}

/* ---- requests ---- */

static const char *const requests[] = {
	"B1 P1:REQUEST_METHOD=GET&REQUEST_URI=/sigver&HTTP_ACCEPT=text/event-stream P1 S1",
	"B1k P1:REQUEST_METHOD=POST&CONTENT_LENGTH=4 P1 S1:body S1",
	"B1 P1 S1",
	"B300 P300:A=B P300 S300:x S300",
	"B1 P1:A=B P1:C=D P1:E=F P1 S1:one S1:two S1:three S1",
	"B1 P1:A=&B=C P1 S1",
	"B1 P1:A=B&A=C P1 S1",
	"B1 P1:A=B&=C P1 S1",
};

static void
reads_what_libfcgi_reads(void **state)
{
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, BYTES_MAX);
	for (i = 0; i < COUNT(requests); i++) {
		buf_clear(&b);
		records_put(&b, requests[i], 0);
		assert_same(buf_str(&b), requests[i], i);
	}
	buf_release(&b);
}

/* Padding where web servers put it: not on BEGIN_REQUEST and not on an empty record. */
static void
reads_padding_as_libfcgi_does(void **state)
{
	struct buf b;
	unsigned int padding;

	(void)state;
	buf_init(&b, BYTES_MAX);
	for (padding = 0; padding < 256; padding++) {
		buf_clear(&b);
		records_put(&b, "B1", 0);
		records_put(&b, "P1:A=B&C=D P1:E=F", padding);
		records_put(&b, "P1", 0);
		records_put(&b, "S1:some S1:body", padding);
		records_put(&b, "S1", 0);
		assert_same(buf_str(&b), "padding", padding);
	}
	buf_release(&b);
}

static uint32_t seed;

static size_t
draw(size_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (size_t)(seed >> 8) % below;
}

/* Mostly short, sometimes at an edge. */
static size_t
draw_length(void)
{
	static const size_t edges[] = { 0, 1, 126, 127, 128, 129, 255, 256, 4000, 20000 };

	return draw(3) > 0 ? draw(20) : edges[draw(COUNT(edges))];
}

static void
draw_text(struct buf *b, size_t n)
{
	while (n-- > 0)
		buf_addc(b, (char)('a' + draw(26)));
}

static void
draw_pairs(struct buf *out)
{
	struct buf name, value;
	size_t count;

	buf_init(&name, BYTES_MAX);
	buf_init(&value, BYTES_MAX);
	for (count = draw(12); count > 0; count--) {
		buf_clear(&name);
		buf_clear(&value);
		draw_text(&name, 1 + draw_length());
		draw_text(&value, draw_length());
		fcgi_pair_put(out, buf_str(&name), buf_str(&value));
	}
	buf_release(&name);
	buf_release(&value);
}

/* One stream in records of random sizes with random padding, then its end. */
static void
put_stream(struct buf *out, unsigned int type, struct str bytes)
{
	size_t most = 1 + draw(3) * 7 + draw(2) * draw(FCGI_MAX_LENGTH), n;

	while (bytes.n > 0) {
		n = 1 + draw(most);
		n = n < bytes.n ? n : bytes.n;
		record_put(out, type, 1, str_make(bytes.p, n),
		    draw(2) ? (unsigned int)draw(256) : 0);
		bytes = str_skip(bytes, n);
	}
	record_put(out, type, 1, STR_NONE, 0);
}

static void
reads_random_requests_as_libfcgi_does(void **state)
{
	struct buf b, pairs, body;
	size_t i;

	(void)state;
	buf_init(&b, BYTES_MAX);
	buf_init(&pairs, BYTES_MAX);
	buf_init(&body, BYTES_MAX);
	for (i = 0; i < 300; i++) {
		seed = (uint32_t)i;
		buf_clear(&b);
		buf_clear(&pairs);
		buf_clear(&body);
		draw_pairs(&pairs);
		draw_text(&body, draw(4) > 0 ? draw(100) : draw(100000));
		record_begin(&b, 1, FCGI_RESPONDER, (unsigned int)draw(2), 0);
		put_stream(&b, FCGI_PARAMS, buf_str(&pairs));
		put_stream(&b, FCGI_STDIN, buf_str(&body));
		assert_int_equal(buf_err(&b), 0);
		assert_same(buf_str(&b), "seed", i);
	}
	buf_release(&b);
	buf_release(&pairs);
	buf_release(&body);
}

static int
init_library(void **state)
{
	(void)state;
	return FCGX_Init();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_libfcgi_reads),
		cmocka_unit_test(reads_padding_as_libfcgi_does),
		cmocka_unit_test(reads_random_requests_as_libfcgi_does),
	};

	return cmocka_run_group_tests_name("fcgi and libfcgi", tests, init_library, NULL);
}
