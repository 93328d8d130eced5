/*
 * The FastCGI gate after an upgrade: what the client says comes on STDIN, as lighttpd sends it from 1.4.74 on,
 * and is heard by whoever wants it, when he wants it. Where no WebSocket gets through, nothing is.
 */
#include "config.h"

#include "unit.h"

#include "conn.h"
#include "stand.h"

#define KEY	"&HTTP_SEC_WEBSOCKET_KEY=dGhlIHNhbXBsZSBub25jZQ=="
#define UPGRADE	"P1:REQUEST_METHOD=GET&REQUEST_URI=/stream&HTTP_UPGRADE=websocket" KEY
#define LIGHTTPD(version) "&SERVER_SOFTWARE=lighttpd/" version " P1"

static struct stand s;
static struct client c;

static int
begin(void **state)
{
	(void)state;
	stand_start(&s);
	stand_run(&s, false);
	stand_turn(&s);
	client_open(&c, &s);
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
said(const char *want)
{
	return str_eq(buf_str(&s.talk), str_from(want));
}

static void
is_heard_when_wanted(void **state)
{
	(void)state;
	client_send(&c, "B1 " UPGRADE LIGHTTPD("1.4.79"));
	UNTIL(&s, s.stream != NULL);	/* without the end of STDIN */
	conn_hear(s.stream, true);
	client_send(&c, "S1:one");
	UNTIL(&s, said("one"));
	conn_hear(s.stream, false);
	client_send(&c, "S1:two");
	stand_pass(&s, 20);
	assert_true(said("one"));
	conn_hear(s.stream, true);
	UNTIL(&s, said("onetwo"));
	client_send(&c, "S1:three S1:four");
	UNTIL(&s, said("onetwothreefour"));
	stand_push(&s, STR("answer"));
	UNTIL(&s, strstr(client_words(&c), "answer") != NULL);
	assert_int_equal(s.taken, 1);
}

static void
its_end_is_a_departure(void **state)
{
	(void)state;
	client_send(&c, "B1 " UPGRADE LIGHTTPD("1.4.74"));
	UNTIL(&s, s.stream != NULL);
	conn_hear(s.stream, true);
	client_send(&c, "S1:one S1");
	UNTIL(&s, s.gone == 1);
	assert_true(said("one"));
	assert_null(s.stream);
}

/* Also while nobody wants to hear more: whoever was heard has said all he had to say. */
static void
its_end_comes_through(void **state)
{
	(void)state;
	client_send(&c, "B1 " UPGRADE LIGHTTPD("1.4.79"));
	UNTIL(&s, s.stream != NULL);
	s.sated = true;
	conn_hear(s.stream, true);
	client_send(&c, "S1:one S1");
	UNTIL(&s, s.gone == 1);
	assert_true(said("one"));
}

/* Before there is an answer there is nothing to talk to: its turn is not committed yet. */
static void
too_early(void **state)
{
	(void)state;
	client_send(&c, "B1 " UPGRADE LIGHTTPD("1.4.79") " S1:early");
	UNTIL(&s, s.gone == 1);
	assert_int_equal(s.talk.n, 0);
}

/* What another server sends for such a request is a request: it is served when STDIN has ended. */
static void
is_no_talk(const char *request)
{
	client_send(&c, request);
	stand_pass(&s, 20);
	assert_int_equal(s.taken, 0);
	client_send(&c, "S1");
	UNTIL(&s, s.stream != NULL);
	assert_int_equal(s.talk.n, 0);
}

static void
needs_lighttpd_1_4_74(void **state)
{
	(void)state;
	is_no_talk("B1 " UPGRADE LIGHTTPD("1.4.73"));
}

static void
needs_lighttpd(void **state)
{
	(void)state;
	is_no_talk("B1 " UPGRADE "&SERVER_SOFTWARE=nginx/1.22.1 P1");
}

static void
needs_the_header(void **state)
{
	(void)state;
	is_no_talk("B1 P1:REQUEST_METHOD=GET&REQUEST_URI=/stream" KEY LIGHTTPD("1.4.79"));
}

static void
may_be_switched_off(void **state)
{
	(void)state;
	strcpy(s.conf.websocket, "off");
	is_no_talk("B1 " UPGRADE LIGHTTPD("1.4.79"));
}

static void
may_be_switched_on(void **state)
{
	(void)state;
	strcpy(s.conf.websocket, "on");
	client_send(&c, "B1 " UPGRADE "&SERVER_SOFTWARE=another/1 P1");
	UNTIL(&s, s.stream != NULL);
	conn_hear(s.stream, true);
	client_send(&c, "S1:one");
	UNTIL(&s, said("one"));
}

#define TEST(f)		cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(is_heard_when_wanted),
		TEST(its_end_is_a_departure),
		TEST(its_end_comes_through),
		TEST(too_early),
		TEST(needs_lighttpd_1_4_74),
		TEST(needs_lighttpd),
		TEST(needs_the_header),
		TEST(may_be_switched_off),
		TEST(may_be_switched_on),
	};

	return cmocka_run_group_tests_name("gate-fcgi talk", tests, NULL, NULL);
}
