/* The FastCGI gate: what is too long, too slow or too much. */
#include "config.h"

#include "unit.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "gate-fcgi-private.h"
#include "records.h"
#include "stand.h"

#define REFUSED(why)	"out(1," why ") eof(1) end(1,complete) "
#define SHORT_MS	300	/* half of it is enough for a machine that is busy */
#define MANY		1000

static struct stand s;
static struct client c;

static void
start(bool tcp)
{
	stand_start(&s);
	s.conf.request_ms = SHORT_MS;
	s.conf.slow_ms = SHORT_MS;
	s.conf.max_body_bytes = 16777216;
	stand_run(&s, tcp);
	client_open(&c, &s);
}

static int
begin(void **state)
{
	(void)state;
	start(false);
	return 0;
}

static int
begin_tcp(void **state)
{
	(void)state;
	start(true);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	client_close(&c);
	stand_stop(&s);
	return 0;
}

static bool
hangs_up(void)
{
	client_listen(&c);
	return c.eof || c.reset;
}

static bool
says(const char *want)
{
	return strcmp(client_words(&c), want) == 0;
}

/* ---- too long ---- */

static const struct {
	const char *why, *records, *want;
} refusals[] = {
	{ "announced", "B1k P1:CONTENT_LENGTH=16777217 P1", REFUSED("toobig") },
	{ "beyond all numbers", "B1k P1:CONTENT_LENGTH=99999999999999999999 P1", REFUSED("bad") },
	{ "no number", "B1k P1:CONTENT_LENGTH=4x P1 S1:body", REFUSED("bad") },
	{ "longer than announced", "B1k P1:CONTENT_LENGTH=3 P1 S1:body", REFUSED("toobig") },
	{ "one variable", "B1k T4.1:\x01\xff\xff\xff\xffx", REFUSED("toobig") },
};

/* Answered at once, while the web server is still sending; then the connection ends politely. */
static void
refuses_before_the_end(void **state)
{
	struct client each;
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(refusals); i++) {
		client_open(&each, &s);
		client_send(&each, refusals[i].records);
		UNTIL(&s, strcmp(client_words(&each), refusals[i].want) == 0);
		UNTIL(&s, (client_listen(&each), each.eof));
		for (n = 0; n < 20; n++)
			client_send(&each, "S1:the-rest-of-it");
		client_send(&each, "S1");
		stand_pass(&s, 5);
		client_listen(&each);
		row_assert(!each.reset, "%s", refusals[i].why);
		client_close(&each);
	}
	assert_int_equal(s.taken, 0);
	assert_int_equal(s.refused, COUNT(refusals));
	UNTIL(&s, gate_fcgi_conns(s.gate) <= 1);
}

static void
put_body(struct buf *b, size_t n)
{
	char piece[32768];

	memset(piece, 'b', sizeof piece);
	for (; n > 0; n -= n < sizeof piece ? n : sizeof piece)
		record_put(b, 5, 1, str_make(piece, n < sizeof piece ? n : sizeof piece), 0);
}

/* All of the body is sent before anything is read, as some do: the answer is there all the same. */
static void
the_answer_survives_the_rest(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 2u << 20);
	records_put(&b, "B1 P1:CONTENT_LENGTH=999999999 P1", 0);
	put_body(&b, 900000);
	client_send_bytes(&c, buf_str(&b));
	stand_pass(&s, 20);
	UNTIL(&s, hangs_up());
	assert_false(c.reset);
	assert_true(says(REFUSED("toobig")));
	buf_release(&b);
}

static void
but_not_for_ever(void **state)
{
	struct buf b;
	int i;

	(void)state;
	buf_init(&b, 2u << 20);
	put_body(&b, 100000);
	client_send(&c, "B1 P1:CONTENT_LENGTH=999999999 P1");
	UNTIL(&s, hangs_up());
	for (i = 0; i < 400 && gate_fcgi_conns(s.gate) > 0; i++) {
		client_send_bytes(&c, buf_str(&b));
		stand_turn(&s);
	}
	assert_in_range(i, 160, 200);
	buf_release(&b);
}

/* After the answer the other side has a while to close. */
static void
nor_in_silence(void **state)
{
	int64_t from;

	(void)state;
	client_send(&c, "B1 P1:CONTENT_LENGTH=999999999 P1");
	UNTIL(&s, hangs_up());
	assert_int_equal(gate_fcgi_conns(s.gate), 1);
	from = stand_now();
	UNTIL(&s, gate_fcgi_conns(s.gate) == 0);
	assert_in_range(stand_now() - from, 1500, 4000);
}

static void
takes_the_longest_body(void **state)
{
	struct buf b;

	(void)state;
	s.gate->limit_ms[LINE_READING] = 60000;	/* a slow machine may take its time */
	buf_init(&b, 20u << 20);
	records_put(&b, "B1 P1:REQUEST_METHOD=POST&REQUEST_URI=/&CONTENT_LENGTH=16777216 P1", 0);
	put_body(&b, 16777216);
	records_put(&b, "S1", 0);
	client_send_bytes(&c, buf_str(&b));
	UNTIL(&s, hangs_up());
	assert_int_equal(s.taken, 1);
	assert_true(c.heard.n > 16777216);
	buf_release(&b);
}

static void
wrong_requests_are_refused_and_kept(void **state)
{
	(void)state;
	client_send(&c, "B1k P1:REQUEST_METHOD=GET&REQUEST_URI=no-slash P1 S1");
	UNTIL(&s, says(REFUSED("bad")));
	client_send(&c, "B1k P1:REQUEST_METHOD=POST&REQUEST_URI=/&CONTENT_LENGTH=5 P1 S1:body S1");
	UNTIL(&s, says(REFUSED("bad") REFUSED("bad")));
	client_send(&c, "B1k " GET);
	UNTIL(&s, says(REFUSED("bad") REFUSED("bad") GET_ANSWER));
}

/* ---- too slow: requests ---- */

/* A byte every few milliseconds: everybody else is served meanwhile, then it is cut. */
static void
who_dribbles_is_cut(void **state)
{
	struct client other;
	struct buf b;
	int64_t from = stand_now();
	int served = 0;
	size_t n = 0;

	(void)state;
	buf_init(&b, 4096);
	records_put(&b, "B1 P1:REQUEST_METHOD=GET&SOMETHING=LONG&AND=MORE&AND=MORE&AND=MORE", 200);
	for (; !hangs_up() && n < b.n; n++) {
		client_send_bytes(&c, str_make(b.p + n, 1));
		client_open(&other, &s);
		client_send(&other, "B1 " GET);
		UNTIL(&s, (client_listen(&other), other.eof));
		served += strcmp(client_words(&other), GET_ANSWER) == 0;
		client_close(&other);
	}
	assert_in_range(stand_now() - from, SHORT_MS, SHORT_MS + 1000);
	assert_int_equal(served, n);
	assert_true(served > 5);
	assert_int_equal(c.heard.n, 0);
	assert_int_equal(gate_fcgi_conns(s.gate), 0);
	buf_release(&b);
}

static void
a_slow_body_is_told(void **state)
{
	(void)state;
	client_send(&c, "B1k P1:REQUEST_METHOD=POST&CONTENT_LENGTH=4 P1 S1:bo");
	UNTIL(&s, hangs_up());
	assert_false(c.reset);
	assert_true(says(REFUSED("timeout")));
}

static void
silence_is_cut(void **state)
{
	int64_t from = stand_now();

	(void)state;
	UNTIL(&s, hangs_up());
	assert_in_range(stand_now() - from, SHORT_MS - 20, SHORT_MS + 1000);
}

/* The next request on a kept connection has its own time, from its first byte. */
static void
each_request_has_its_own_time(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		buf_clear(&c.heard);
		client_send(&c, "B1k");
		stand_pass(&s, SHORT_MS / 2);
		client_send(&c, GET);
		UNTIL(&s, says(GET_ANSWER));
		stand_pass(&s, SHORT_MS / 2);
	}
	client_send(&c, "B1k");
	UNTIL(&s, hangs_up());
}

/* What follows a request begins the time of the next. */
static void
a_beginning_is_not_idle(void **state)
{
	(void)state;
	client_send(&c, "B1k " GET);
	client_send_bytes(&c, STR("\1\1\0"));
	UNTIL(&s, says(GET_ANSWER));
	UNTIL(&s, hangs_up());
}

static void
who_only_asked_is_kept(void **state)
{
	(void)state;
	client_send(&c, "V0");
	UNTIL(&s, says("values() "));
	stand_pass(&s, 3 * SHORT_MS);
	client_send(&c, "B1 " GET);
	UNTIL(&s, hangs_up());
	assert_true(says("values() " GET_ANSWER));
}

static void
many_idle_connections_are_kept(void **state)
{
	static struct client many[MANY];
	struct rlimit files = { 4096, 4096 };
	int i;

	(void)state;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0) {
		print_message("# skipped: needs 4096 descriptors\n");
		return;
	}
	for (i = 0; i < MANY; i++) {
		client_open(&many[i], &s);
		client_send(&many[i], "B1k " GET);
		if (i % 50 == 0)
			stand_turn(&s);
	}
	UNTIL(&s, s.taken == MANY);
	UNTIL(&s, gate_fcgi_conns(s.gate) == MANY);	/* c was cut: it never said a word */
	stand_pass(&s, 3 * SHORT_MS);
	assert_int_equal(gate_fcgi_conns(s.gate), MANY);
	for (i = 0; i < MANY; i++)
		client_send(&many[i], "B1 " GET);
	UNTIL(&s, s.taken == 2 * MANY);
	UNTIL(&s, gate_fcgi_conns(s.gate) == 0);
	for (i = 0; i < MANY; i++) {
		assert_string_equal(client_words(&many[i]), GET_ANSWER GET_ANSWER);
		assert_true(many[i].eof);
		client_close(&many[i]);
	}
}

/* ---- too slow: readers ---- */

static void
fill_stream(void)
{
	char piece[8192];
	int i;

	memset(piece, 'x', sizeof piece);
	for (i = 0; i < 4000 && !s.stream->blocked; i++)
		stand_push(&s, str_make(piece, sizeof piece));
	assert_true(s.stream->blocked);
}

static void
tells_of_room(void **state)
{
	(void)state;
	client_send(&c, "B1k " STREAM);
	UNTIL(&s, s.stream != NULL);
	fill_stream();
	stand_turn(&s);
	assert_int_equal(s.rooms, 0);
	UNTIL(&s, (client_listen(&c), s.rooms == 1));
	assert_false(s.stream->blocked);
	stand_pass(&s, 2 * SHORT_MS);		/* a silent stream has all the time */
	stand_push(&s, STR("more"));
	stand_end(&s);
	UNTIL(&s, strstr(client_words(&c), "out(1,more) eof(1) end(1,complete) ") != NULL);
	assert_null(strstr(client_words(&c), "cut"));
	buf_clear(&c.heard);
	client_send(&c, "B1 " GET);
	UNTIL(&s, says(GET_ANSWER));
}

static void
who_reads_nothing_is_cut(void **state)
{
	int64_t from;

	(void)state;
	client_send(&c, "B1 " STREAM);
	UNTIL(&s, s.stream != NULL);
	fill_stream();
	from = stand_now();
	UNTIL(&s, s.gone == 1);
	assert_in_range(stand_now() - from, SHORT_MS - 20, SHORT_MS + 1000);
	assert_int_equal(gate_fcgi_conns(s.gate), 0);
}

static void
read_some(size_t most)
{
	static char piece[1u << 20];

	assert_true(recv(c.fd, piece, most, MSG_DONTWAIT) > 0);
}

/* A Unix socket is called writable only when three quarters of it are empty: what is taken before
 * is noticed, too. */
static void
who_reads_a_little_is_not(void **state)
{
	int64_t from = stand_now();

	(void)state;
	client_send(&c, "B1 P1:REQUEST_METHOD=GET&REQUEST_URI=/big?700000 P1 S1");
	UNTIL(&s, s.taken == 1);
	stand_pass(&s, SHORT_MS / 4);
	read_some(120000);
	UNTIL(&s, gate_fcgi_conns(s.gate) == 0);
	assert_in_range(stand_now() - from, 2 * SHORT_MS - 5, 2 * SHORT_MS + 1000);
}

static void
a_long_answer_is_whole(void **state)
{
	(void)state;
	client_send(&c, "B1 P1:REQUEST_METHOD=GET&REQUEST_URI=/big?8000000 P1 S1");
	UNTIL(&s, hangs_up());
	assert_false(c.reset);
	assert_true(c.heard.n > 8000000);
	assert_memory_equal(c.heard.p + c.heard.n - 16, "\1\3\0\1\0\x8\0\0\0\0\0\0\0\0\0", 16);
}

/* Answers to management go between the records of what is blocked. */
static void
management_goes_between(void **state)
{
	const char *words;

	(void)state;
	client_send(&c, "B1k " STREAM);
	UNTIL(&s, s.stream != NULL);
	fill_stream();
	client_send(&c, "B2 V0:FCGI_MPXS_CONNS");
	stand_turn(&s);
	stand_turn(&s);
	UNTIL(&s, (client_listen(&c), s.rooms == 1));
	words = client_words(&c);
	assert_non_null(strstr(words, "x) end(2,cant-mpx) values(FCGI_MPXS_CONNS=0) "));
	assert_null(strstr(words, "cut"));
}

/* Who asks without end and reads nothing is no web server. */
static void
management_is_not_queued(void **state)
{
	struct buf b;
	int i;

	(void)state;
	buf_init(&b, 1u << 20);
	for (i = 0; i < 1000; i++)
		records_put(&b, "V0:FCGI_MAX_CONNS&FCGI_MAX_REQS&FCGI_MPXS_CONNS", 0);
	for (i = 0; i < 100 && gate_fcgi_conns(s.gate) + (uint32_t)(i == 0) > 0; i++) {
		client_send_bytes(&c, buf_str(&b));
		stand_turn(&s);
	}
	assert_int_equal(gate_fcgi_conns(s.gate), 0);
	buf_release(&b);
}

#define TEST(f)		cmocka_unit_test_setup_teardown(f, begin, end)
#define TEST_TCP(f)	{ #f " (TCP)", f, begin_tcp, end, NULL }

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(refuses_before_the_end),
		TEST(the_answer_survives_the_rest), TEST_TCP(the_answer_survives_the_rest),
		TEST(but_not_for_ever),
		TEST(nor_in_silence),
		TEST(takes_the_longest_body),
		TEST(wrong_requests_are_refused_and_kept),
		TEST(who_dribbles_is_cut),
		TEST(a_slow_body_is_told), TEST_TCP(a_slow_body_is_told),
		TEST(silence_is_cut),
		TEST(each_request_has_its_own_time),
		TEST(a_beginning_is_not_idle),
		TEST(who_only_asked_is_kept),
		TEST(many_idle_connections_are_kept),
		TEST(tells_of_room), TEST_TCP(tells_of_room),
		TEST(who_reads_nothing_is_cut),
		TEST(who_reads_a_little_is_not),
		TEST(a_long_answer_is_whole), TEST_TCP(a_long_answer_is_whole),
		TEST(management_goes_between),
		TEST(management_is_not_queued),
	};

	return cmocka_run_group_tests_name("gate-fcgi limits", tests, NULL, NULL);
}
