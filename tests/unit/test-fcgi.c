/*
 * The FastCGI codec: records in, what it says in words out. Everything is fed whole, byte by byte
 * and cut in two at every offset, with and without padding, and must say the same.
 */
#include "config.h"

#include "unit.h"

#include "err.h"
#include "records.h"
#include "transcript.h"

#define VARS 64
#define BYTES_MAX (8u << 20)

/* ---- everything it says ---- */

#define REQUEST		"B1k P1:A=B P1 S1:body S1"
#define READ		"begin(1,keep) A=B vars body(body) whole "

static const struct {
	const char *why, *records, *want;
} rows[] = {
	{ "a request", "B1 P1:A=B&LONG_NAME=v P1 S1:body S1",
	    "begin(1) A=B LONG_NAME=v vars body(body) whole " },
	{ "kept", REQUEST, READ },
	{ "no variables, no body", "B1 P1 S1", "begin(1) vars whole " },
	{ "another id", "B513 P513:A=B P513 S513:b S513", "begin(513) A=B vars body(b) whole " },
	{ "the greatest id", "B65535 P65535 S65535", "begin(65535) vars whole " },
	{ "several records of each", "B1 P1:A=B P1:C=D&E=F P1 S1:one S1:two S1",
	    "begin(1) A=B C=D E=F vars body(onetwo) whole " },
	{ "empty names and values", "B1 P1:A=&=B&= P1 S1", "begin(1) A= =B = vars whole " },
	{ "a body with bytes of all kinds", "B1 P1 S1:\x01\x02\xff S1",
	    "begin(1) vars body(\x01\x02\xff) whole " },

	{ "two requests, the second waits", REQUEST " " REQUEST, READ "paused " READ },
	{ "three requests", REQUEST " " REQUEST " B1 P1 S1",
	    READ "paused " READ "paused begin(1) vars whole " },
	{ "another id while one is open", "B1 B2 P1:A=B P2:X=Y P1 S1",
	    "begin(1) end(2,cant-mpx) A=B vars whole " },
	{ "the same in the body", "B1 P1 S1:a B2k P2 S2 S1:b S1",
	    "begin(1) vars body(a) end(2,cant-mpx) body(b) whole " },
	{ "the same when it is whole", "B1k P1 S1 B2",
	    "begin(1,keep) vars whole end(2,cant-mpx) " },

	{ "authorizer", "B1kr2 P1:A=B P1 " REQUEST, "end(1,unknown-role) " READ },
	{ "filter", "B1kr3 P1 S1", "end(1,unknown-role) " },
	{ "a role that is none", "B1kr257", "end(1,unknown-role) " },
	{ "no role that will be answered again", "B1r2 P1:A=B",
	    "end(1,unknown-role) error(closed) " },

	{ "values", "V0:FCGI_MAX_CONNS&FCGI_MAX_REQS&FCGI_MPXS_CONNS",
	    "values(FCGI_MAX_CONNS=7&FCGI_MAX_REQS=7&FCGI_MPXS_CONNS=0) " },
	{ "one value, twice", "V0:FCGI_MAX_REQS&FCGI_MAX_REQS", "values(FCGI_MAX_REQS=7) " },
	{ "values with values", "V0:FCGI_MPXS_CONNS=1&FCGI_MAX_CONN=1",
	    "values(FCGI_MPXS_CONNS=0) " },
	{ "no value", "V0", "values() " },
	{ "values we do not have", "V0:FCGI_&X&FCGI_MAX_CONNSS", "values() " },
	{ "values one after the other", "V0:FCGI_MAX_REQS V0",
	    "values(FCGI_MAX_REQS=7) values() " },
	{ "values meanwhile", "B1 P1:A=B V0:FCGI_MAX_REQS P1 S1:a V0 S1:b S1",
	    "begin(1) A=B values(FCGI_MAX_REQS=7) vars body(a) values() body(b) whole " },
	{ "values, cut off", "T9.0:\x0e", "error(bad) " },
	{ "values, one too long", "T9.0:\x01\x01x", "error(bad) " },

	{ "an unknown type", "T77.0:text", "unknown(77) " },
	{ "the last unknown type", "T255.0", "unknown(255) " },
	{ "a known type that is none of management", "T5.0:text T2.0", "unknown(5) unknown(2) " },
	{ "an unknown type meanwhile", "B1 T77.0 P1 S1", "begin(1) unknown(77) vars whole " },

	{ "records of nobody", "P1:A=B S1:b A1 T77.1:x T9.1:x P2 " REQUEST, READ },
	{ "records of others", "B1k P2:X=Y P1:A=B S2:x P1 A2 S1:body T77.2:x S1 P2", READ },
	{ "more of a request that is over", REQUEST " " REQUEST " P2 S2 A2", READ "paused " READ },

	{ "aborted at once", "B1 A1", "begin(1) abort " },
	{ "aborted in the body", "B1 P1 S1:a A1", "begin(1) vars body(a) abort " },
	{ "aborted while it is answered", "B1 P1 S1 A1", "begin(1) vars whole abort " },

	{ "the body before the variables", "B1 S1:b", "begin(1) error(bad) " },
	{ "the end of the body before the variables", "B1 S1", "begin(1) error(bad) " },
	{ "the body among the variables", "B1 P1:A=B S1:b", "begin(1) A=B error(bad) " },
	{ "variables after their end", "B1 P1 P1:A=B", "begin(1) vars error(bad) " },
	{ "a second end of variables", "B1 P1 P1", "begin(1) vars error(bad) " },
	{ "more body after its end", "B1 P1 S1 S1:b", "begin(1) vars whole error(bad) " },
	{ "a second end of the body", "B1 P1 S1 S1", "begin(1) vars whole error(bad) " },
	{ "variables after the body", "B1 P1 S1 P1", "begin(1) vars whole error(bad) " },
	{ "the same request begins twice", "B1 B1", "begin(1) error(bad) " },
	{ "and twice in its body", "B1 P1 S1:a B1", "begin(1) vars body(a) error(bad) " },
	{ "data of a filter", "B1 P1 T8.1:x", "begin(1) vars error(bad) " },
	{ "what only we may send", "B1 T6.1:x", "begin(1) error(bad) " },
	{ "an end from outside", "B1 T3.1:12345678", "begin(1) error(bad) " },
	{ "values for a request", "B1 T9.1", "begin(1) error(bad) " },
	{ "an unknown type for a request", "B1 T77.1", "begin(1) error(bad) " },
	{ "type 0", "B1 T0.1", "begin(1) error(bad) " },

	{ "request 0", "B0", "error(bad) " },
	{ "a beginning without flags", "T1.1:12", "error(bad) " },
	{ "an empty beginning", "T1.1", "error(bad) " },
	{ "a long beginning", "T1.1:123456789", "error(bad) " },
	{ "version 2", "B1 !", "error(bad) " },
	{ "version 2 later", "B1 P1 S1:a ! S1", "begin(1) vars error(bad) " },
	{ "version 2 of management", "V0 !", "error(bad) " },
	{ "version 2 of others", "B1 P7 !", "begin(1) error(bad) " },

	{ "variables end in a length", "B1 T4.1:\x05 P1", "begin(1) error(bad) " },
	{ "variables end in a name", "B1 T4.1:\x05\x05NA P1", "begin(1) error(bad) " },
	{ "variables end before a value", "B1 T4.1:\x01\x01X P1", "begin(1) error(bad) " },
};

static struct buf
bytes_of(const char *records, unsigned int padding)
{
	struct buf b;

	buf_init(&b, BYTES_MAX);
	records_put(&b, records, padding);
	return b;
}

static void
assert_words(struct str bytes, size_t first, size_t then, const char *why, const char *want)
{
	struct transcript t;

	transcript_init(&t, VARS);
	transcript_hear_in(&t, bytes, first, then);
	row_assert(strcmp(transcript_words(&t), want) == 0, "%s, cut after %zu: %s", why, first,
	    transcript_words(&t));
	transcript_release(&t);
}

static void
says(unsigned int padding)
{
	struct buf b;
	size_t i, cut;

	for (i = 0; i < COUNT(rows); i++) {
		b = bytes_of(rows[i].records, padding);
		assert_words(buf_str(&b), 1, 1, rows[i].why, rows[i].want);
		for (cut = 1; cut <= b.n; cut++)
			assert_words(buf_str(&b), cut, b.n, rows[i].why, rows[i].want);
		buf_release(&b);
	}
}

static void
says_the_same_however_it_is_cut(void **state)
{
	(void)state;
	says(0);
}

static void
padding_changes_nothing(void **state)
{
	(void)state;
	says(1);
	says(7);
	says(255);
}

/* What is cut off is the beginning of what would have been said, and is never taken for whole. */
static void
a_cut_off_request_is_not_whole(void **state)
{
	struct transcript t;
	const char *words;
	struct buf b = bytes_of("B1 P1:A=B P1 S1:body S1", 3);
	size_t n;

	(void)state;
	for (n = 0; n < b.n; n++) {
		transcript_init(&t, VARS);
		transcript_hear_in(&t, str_make(b.p, n), n, n);
		words = transcript_words(&t);
		row_assert(strstr(words, "whole") == NULL, "%zu: %s", n, words);
		row_assert(strstr(words, "error") == NULL, "%zu: %s", n, words);
		assert_int_equal(fcgi_idle(&t.fcgi), n == 0);
		transcript_release(&t);
	}
	buf_release(&b);
}

/* ---- what the callbacks say ---- */

static void
callbacks_can_refuse(void **state)
{
	static const struct {
		const char *why, *var;
		int begin, vars, body;
		const char *records, *want;
	} cases[] = {
		{ "begin", NULL, -ERR_NOMEM, 0, 0, "B1k P1:A=B P1 S1:b S1 A1 B2k",
		    "begin(1,keep) end(1,overloaded) begin(2,keep) end(2,overloaded) " },
		{ "begin, not kept", NULL, -ERR_NOMEM, 0, 0, "B1 P1",
		    "begin(1) end(1,overloaded) error(closed) " },
		{ "a variable", "C", 0, 0, 0, "B1 P1:A=B&C=D&E=F P1 S1:b S1",
		    "begin(1) A=B C=D refused(type) " },
		{ "the variables", NULL, 0, -ERR_LENGTH, 0, "B1 P1:A=B P1 S1:b S1",
		    "begin(1) A=B vars refused(length) " },
		{ "the body", NULL, 0, 0, -ERR_TOOBIG, "B1 P1 S1:b S1:b S1 S1",
		    "begin(1) vars refused(toobig) " },
	};
	struct transcript t;
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		b = bytes_of(cases[i].records, 2);
		transcript_init(&t, VARS);
		t.begin_fails = cases[i].begin;
		t.vars_fails = cases[i].vars;
		t.body_fails = cases[i].body;
		t.var_fails = cases[i].var;
		transcript_hear_in(&t, buf_str(&b), b.n, 1);
		row_assert(strcmp(transcript_words(&t), cases[i].want) == 0, "%s: %s", cases[i].why,
		    transcript_words(&t));
		transcript_release(&t);
		buf_release(&b);
	}
}

/* An answer that is out before the callback returns: nothing is ever paused. */
static void
answered_at_once(void **state)
{
	struct buf b = bytes_of(REQUEST " " REQUEST " S1:late P1 A1 B2 P2 S2", 5);
	struct transcript t;
	size_t cut;

	(void)state;
	for (cut = 1; cut <= b.n; cut++) {
		transcript_init(&t, VARS);
		t.at_once = true;
		transcript_hear_in(&t, buf_str(&b), cut, cut);
		assert_string_equal(transcript_words(&t), READ READ "begin(2) vars whole ");
		assert_true(fcgi_idle(&t.fcgi));
		transcript_release(&t);
	}
	buf_release(&b);
}

/* Who answers early says so; the rest is skipped. After its release nothing is heard. */
static void
skips_and_stops(void **state)
{
	struct transcript t;
	struct buf b = bytes_of("B1k P1:A=B P1 S1:body", 0);
	struct buf rest = bytes_of("S1:more S1 V0 B1 P9", 0);

	(void)state;
	transcript_init(&t, VARS);
	transcript_hear(&t, buf_str(&b));
	assert_true(fcgi_in_body(&t.fcgi));
	fcgi_skip(&t.fcgi);
	transcript_hear(&t, buf_str(&rest));
	assert_string_equal(transcript_words(&t), "begin(1,keep) A=B vars body(body) values() ");
	assert_false(fcgi_whole(&t.fcgi));
	fcgi_release(&t.fcgi);
	transcript_hear(&t, buf_str(&rest));
	assert_string_equal(transcript_words(&t), "begin(1,keep) A=B vars body(body) values() ");
	transcript_release(&t);
	buf_release(&b);
	buf_release(&rest);
}

/* An abort that is on its way while the answer leaves aborts nothing any more. */
static void
a_late_abort_is_none(void **state)
{
	struct transcript t;
	struct buf b = bytes_of("B1k P1 S1 A1", 3), next = bytes_of("B1 P1 S1", 0);

	(void)state;
	transcript_init(&t, VARS);
	transcript_hear(&t, str_make(b.p, b.n - 1));
	assert_true(fcgi_whole(&t.fcgi));
	fcgi_next(&t.fcgi);
	assert_false(fcgi_idle(&t.fcgi));
	transcript_hear(&t, str_make(b.p + b.n - 1, 1));
	assert_true(fcgi_idle(&t.fcgi));
	transcript_hear(&t, buf_str(&next));
	assert_string_equal(transcript_words(&t), "begin(1,keep) vars whole begin(1) vars whole ");
	transcript_release(&t);
	buf_release(&b);
	buf_release(&next);
}

/* Values with 40 names, which is more than some can take. */
static void
answers_many_values(void **state)
{
	struct transcript t;
	struct buf words, b;
	int i;

	(void)state;
	buf_init(&words, 4096);
	buf_addz(&words, "V0:FCGI_MAX_CONNS");
	for (i = 0; i < 38; i++)
		buf_addf(&words, "&FCGI_SOMETHING_%d=value", i);
	buf_addz(&words, "&FCGI_MPXS_CONNS");
	buf_addc(&words, '\0');
	b = bytes_of(words.p, 0);
	for (i = 1; i <= (int)b.n; i++) {
		transcript_init(&t, VARS);
		transcript_hear_in(&t, buf_str(&b), (size_t)i, (size_t)i);
		assert_string_equal(transcript_words(&t),
		    "values(FCGI_MAX_CONNS=7&FCGI_MPXS_CONNS=0) ");
		assert_null(t.fcgi.values);
		transcript_release(&t);
	}
	buf_release(&b);
	buf_release(&words);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_the_same_however_it_is_cut),
		cmocka_unit_test(padding_changes_nothing),
		cmocka_unit_test(a_cut_off_request_is_not_whole),
		cmocka_unit_test(callbacks_can_refuse),
		cmocka_unit_test(answered_at_once),
		cmocka_unit_test(skips_and_stops),
		cmocka_unit_test(a_late_abort_is_none),
		cmocka_unit_test(answers_many_values),
	};

	return cmocka_run_group_tests_name("fcgi", tests, NULL, NULL);
}
