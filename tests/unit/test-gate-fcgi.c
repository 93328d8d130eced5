/*
 * The FastCGI gate: requests through real sockets, kept connections, streams, departures, and what
 * each costs in system calls. Linked with --wrap=accept4,recv,send.
 */
#include "config.h"

#include "unit.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "conn.h"
#include "gate-fcgi-private.h"
#include "records.h"
#include "stand.h"

#define POST		"P1:REQUEST_METHOD=POST&REQUEST_URI=/b&CONTENT_LENGTH=4 P1 S1:body S1"
#define POST_ANSWER	"out(1,POST) out(1, ) out(1,/b) out(1, ) out(1,body) " \
			"eof(1) end(1,complete) "
#define NOW		"P1:REQUEST_METHOD=GET&REQUEST_URI=/now P1 S1"
#define NOW_ANSWER	"out(1,GET) out(1, ) out(1,/now) eof(1) end(1,complete) "

/* ---- system calls ---- */

static struct { int accepts, recvs, sends, epoll_ctls; } calls;

int	__real_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags);
int	__wrap_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags);
ssize_t	__real_recv(int fd, void *p, size_t n, int flags);
ssize_t	__wrap_recv(int fd, void *p, size_t n, int flags);
ssize_t	__real_send(int fd, const void *p, size_t n, int flags);
ssize_t	__wrap_send(int fd, const void *p, size_t n, int flags);

int
__wrap_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
	calls.accepts++;
	return __real_accept4(fd, a, n, flags);
}

ssize_t
__wrap_recv(int fd, void *p, size_t n, int flags)
{
	calls.recvs++;
	return __real_recv(fd, p, n, flags);
}

ssize_t
__wrap_send(int fd, const void *p, size_t n, int flags)
{
	calls.sends++;
	return __real_send(fd, p, n, flags);
}

/* libuv's, too */
int
epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	calls.epoll_ctls++;
	return (int)syscall(SYS_epoll_ctl, epfd, op, fd, event);
}

/* ---- around each test ---- */

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
begin_tcp(void **state)
{
	(void)state;
	stand_start(&s);
	stand_run(&s, true);
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
says(const char *want)
{
	return strcmp(client_words(&c), want) == 0;
}

static bool
hangs_up(void)
{
	client_listen(&c);
	return c.eof;
}

/* ---- requests ---- */

static void
answers_and_closes(void **state)
{
	(void)state;
	client_send(&c, "B1 " POST);
	UNTIL(&s, says(POST_ANSWER));
	UNTIL(&s, hangs_up());
	assert_false(c.reset);
	assert_int_equal(s.taken, 1);
	assert_int_equal(gate_fcgi_conns(s.gate), 0);
}

/* One accept, one recv, one send. The loop knows nothing. */
static void
a_short_request_is_four_calls(void **state)
{
	(void)state;
	client_send(&c, "B1 " POST);
	memset(&calls, 0, sizeof calls);
	while (s.taken == 0 || gate_fcgi_conns(s.gate) > 0)
		stand_turn(&s);
	assert_int_equal(calls.accepts, 1);
	assert_int_equal(calls.recvs, 1);
	assert_int_equal(calls.sends, 1);
	assert_int_equal(calls.epoll_ctls, 0);
	assert_true(says(POST_ANSWER));
}

/* From its second request on a kept connection needs recv and send only. */
static void
a_kept_request_is_two_calls(void **state)
{
	int i, taken;

	(void)state;
	client_send(&c, "B1k " GET);
	UNTIL(&s, says(GET_ANSWER));
	for (i = 0; i < 10; i++) {
		client_send(&c, "B1k " GET);
		memset(&calls, 0, sizeof calls);
		for (taken = s.taken; taken == s.taken; stand_turn(&s))
			;
		assert_int_equal(calls.recvs, 1);
		assert_int_equal(calls.sends, 1);
		assert_int_equal(calls.epoll_ctls, i == 0 ? calls.epoll_ctls : 0);
	}
	assert_int_equal(gate_fcgi_conns(s.gate), 1);
}

static void
comes_in_any_pieces(void **state)
{
	struct client each;
	struct buf b;
	size_t cut;

	(void)state;
	buf_init(&b, 4096);
	records_put(&b, "B1 " POST, 3);
	for (cut = 1; cut < b.n; cut++) {
		client_open(&each, &s);
		client_send_bytes(&each, str_make(b.p, cut));
		stand_turn(&s);
		stand_turn(&s);
		assert_int_equal(s.taken, cut - 1);
		client_send_bytes(&each, str_make(b.p + cut, b.n - cut));
		UNTIL(&s, strcmp(client_words(&each), POST_ANSWER) == 0);
		UNTIL(&s, (client_listen(&each), each.eof));
		client_close(&each);
	}
	buf_release(&b);
}

static void
keeps_the_connection(void **state)
{
	(void)state;
	client_send(&c, "B1k " GET);
	UNTIL(&s, says(GET_ANSWER));
	client_send(&c, "B1k " POST);
	UNTIL(&s, says(GET_ANSWER POST_ANSWER));
	client_send(&c, "B1 " GET);
	UNTIL(&s, says(GET_ANSWER POST_ANSWER GET_ANSWER));
	UNTIL(&s, hangs_up());
}

/* Nobody does this, anybody may: the next request before the answer. */
static void
takes_requests_that_follow_at_once(void **state)
{
	struct client each;
	struct buf b;
	size_t cut;

	(void)state;
	buf_init(&b, 4096);
	records_put(&b, "B1k " GET " B1k " POST " B1k " NOW " B1 " GET, 0);
	for (cut = 1; cut < b.n; cut++) {
		client_open(&each, &s);
		client_send_bytes(&each, str_make(b.p, cut));
		stand_turn(&s);
		client_send_bytes(&each, str_make(b.p + cut, b.n - cut));
		UNTIL(&s, (client_listen(&each), each.eof));
		assert_string_equal(client_words(&each),
		    GET_ANSWER POST_ANSWER NOW_ANSWER GET_ANSWER);
		client_close(&each);
	}
	buf_release(&b);
}

/* What follows waits while the first is not answered, and goes with the connection. */
static void
what_follows_waits(void **state)
{
	(void)state;
	client_send(&c, "B1k " HOLD " B1k " GET);
	UNTIL(&s, s.taken == 1);
	stand_pass(&s, 20);
	assert_int_equal(s.taken, 1);
	stand_answer(&s);
	UNTIL(&s, says("out(1,GET) out(1, ) out(1,/hold) eof(1) end(1,complete) " GET_ANSWER));
	client_send(&c, "B1k " HOLD " B1k " GET);
	UNTIL(&s, s.taken == 3);
	client_close(&c);
	UNTIL(&s, s.gone == 1);
	assert_int_equal(gate_fcgi_conns(s.gate), 0);
}

static void
what_follows_a_last_request_is_dropped(void **state)
{
	(void)state;
	client_send(&c, "B1 " GET " B1 " POST);
	UNTIL(&s, hangs_up() || c.reset);
	assert_true(says(GET_ANSWER));
	assert_int_equal(s.taken, 1);
}

static void
half_closed_is_enough_for_an_answer(void **state)
{
	(void)state;
	client_send(&c, "B1 " GET);
	shutdown(c.fd, SHUT_WR);
	UNTIL(&s, hangs_up());
	assert_true(says(GET_ANSWER));
}

/* ---- streams ---- */

static void
open_stream(const char *records)
{
	client_send(&c, records);
	UNTIL(&s, says("out(1,head) "));
	assert_non_null(s.stream);
}

static void
streams(void **state)
{
	(void)state;
	open_stream("B1k " STREAM);
	stand_push(&s, STR("one"));
	stand_push(&s, STR("two"));
	UNTIL(&s, says("out(1,head) out(1,one) out(1,two) "));
	stand_end(&s);
	UNTIL(&s, says("out(1,head) out(1,one) out(1,two) eof(1) end(1,complete) "));
	buf_clear(&c.heard);
	client_send(&c, "B1 " GET);
	UNTIL(&s, says(GET_ANSWER));
	assert_int_equal(s.gone, 0);
}

static void
an_idle_stream_is_small(void **state)
{
	(void)state;
	memset(&calls, 0, sizeof calls);
	open_stream("B1 " STREAM);
	UNTIL(&s, calls.epoll_ctls > 0);	/* (they are counted) */
	assert_true(sizeof(struct line) <= sizeof(struct loop_fd) + 152);
	assert_null(s.stream->out.p);
	assert_null(((struct line *)s.stream)->req);
	assert_null(((struct line *)s.stream)->fcgi.vars);
}

static void
a_closed_connection_ends_the_stream(void **state)
{
	(void)state;
	open_stream("B1 " STREAM);
	client_close(&c);
	UNTIL(&s, s.gone == 1);
	assert_int_equal(gate_fcgi_conns(s.gate), 0);
}

static void
a_half_closed_connection_ends_the_stream(void **state)
{
	(void)state;
	open_stream("B1k " STREAM);
	shutdown(c.fd, SHUT_WR);
	UNTIL(&s, s.gone == 1);
	UNTIL(&s, hangs_up());
	assert_true(says("out(1,head) eof(1) end(1,complete) "));	/* or a web server logs a crash */
}

static void
an_abort_ends_the_stream(void **state)
{
	(void)state;
	open_stream("B1k " STREAM);
	client_send(&c, "A2");
	stand_pass(&s, 10);
	assert_int_equal(s.gone, 0);
	client_send(&c, "A1");
	UNTIL(&s, s.gone == 1);
	UNTIL(&s, hangs_up());
}

static void
nonsense_ends_the_stream(void **state)
{
	(void)state;
	open_stream("B1k " STREAM);
	client_send(&c, "S1:more");
	UNTIL(&s, s.gone == 1);
	UNTIL(&s, hangs_up());
}

static void
a_held_request_is_told_of_a_departure(void **state)
{
	(void)state;
	client_send(&c, "B1 " HOLD);
	UNTIL(&s, s.taken == 1);
	client_close(&c);
	UNTIL(&s, s.gone == 1);
	assert_int_equal(gate_fcgi_conns(s.gate), 0);
}

static void
an_abort_ends_a_request_on_its_way(void **state)
{
	(void)state;
	client_send(&c, "B1k P1:REQUEST_METHOD=POST A1");
	UNTIL(&s, hangs_up());
	assert_int_equal(s.taken + s.refused + s.gone, 0);
	assert_int_equal(gate_fcgi_conns(s.gate), 0);
}

/* Ended by the hub: the connection is cut, so that nobody takes the answer for whole. */
static void
an_aborted_stream_is_cut(void **state)
{
	(void)state;
	open_stream("B1k " STREAM);
	conn_abort(s.stream);
	UNTIL(&s, hangs_up());
	assert_true(says("out(1,head) "));
	assert_int_equal(s.gone, 0);
}

/* ---- management ---- */

static void
answers_management(void **state)
{
	(void)state;
	client_send(&c, "V0:FCGI_MPXS_CONNS T77.0");
	UNTIL(&s, says("values(FCGI_MPXS_CONNS=0) unknown(77) "));
	client_send(&c, "B1k " GET);
	UNTIL(&s, says("values(FCGI_MPXS_CONNS=0) unknown(77) " GET_ANSWER));
	buf_clear(&c.heard);
	client_send(&c, "V0:FCGI_MAX_CONNS");
	UNTIL(&s, says("values(FCGI_MAX_CONNS=16000) "));
}

static void
one_request_at_a_time(void **state)
{
	(void)state;
	client_send(&c, "B1k P1:REQUEST_METHOD=GET B2 P2:A=B P2 S2 P1:REQUEST_URI=/stream P1 S1");
	UNTIL(&s, says("end(2,cant-mpx) out(1,head) "));
	client_send(&c, "B3k " GET);
	UNTIL(&s, says("end(2,cant-mpx) out(1,head) end(3,cant-mpx) ") || s.gone);
}

static void
other_roles_are_refused(void **state)
{
	(void)state;
	client_send(&c, "B1kr2 " GET " B1k " GET " B1r3 " GET);
	UNTIL(&s, hangs_up());
	assert_true(says("end(1,unknown-role) " GET_ANSWER "end(1,unknown-role) "));
	assert_false(c.reset);
	assert_int_equal(s.taken, 1);
}

/* Who left before it was told so. */
static void
nobody_is_refused_a_role(void **state)
{
	(void)state;
	client_send(&c, "B1r2 P1:A=B");
	client_close(&c);
	memset(&calls, 0, sizeof calls);
	UNTIL(&s, calls.sends > 0);
	stand_pass(&s, 5);
	assert_int_equal(gate_fcgi_conns(s.gate), 0);
}

static void
nonsense_is_closed(void **state)
{
	static const char *const rows[] = { "B1 !", "B0", "B1 S1:x", "B1 P1 P1", "T0.0 V0 !" };
	struct client each;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		client_open(&each, &s);
		client_send(&each, rows[i]);
		UNTIL(&s, (client_listen(&each), each.eof || each.reset));
		client_close(&each);
	}
	assert_int_equal(s.taken, 0);
	assert_int_equal(gate_fcgi_conns(s.gate), 1);	/* c */
}

#define TEST(f)		cmocka_unit_test_setup_teardown(f, begin, end)
#define TEST_TCP(f)	{ #f " (TCP)", f, begin_tcp, end, NULL }

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_and_closes), TEST_TCP(answers_and_closes),
		TEST(a_short_request_is_four_calls),
		TEST(a_kept_request_is_two_calls),
		TEST(comes_in_any_pieces), TEST_TCP(comes_in_any_pieces),
		TEST(keeps_the_connection), TEST_TCP(keeps_the_connection),
		TEST(takes_requests_that_follow_at_once),
		TEST_TCP(takes_requests_that_follow_at_once),
		TEST(what_follows_waits),
		TEST(what_follows_a_last_request_is_dropped),
		TEST(half_closed_is_enough_for_an_answer),
		TEST(streams), TEST_TCP(streams),
		TEST(an_idle_stream_is_small),
		TEST(a_closed_connection_ends_the_stream),
		TEST_TCP(a_closed_connection_ends_the_stream),
		TEST(a_half_closed_connection_ends_the_stream),
		TEST(an_abort_ends_the_stream),
		TEST(nonsense_ends_the_stream),
		TEST(a_held_request_is_told_of_a_departure),
		TEST(an_abort_ends_a_request_on_its_way),
		TEST(an_aborted_stream_is_cut),
		TEST(answers_management),
		TEST(one_request_at_a_time),
		TEST(other_roles_are_refused),
		TEST(nobody_is_refused_a_role),
		TEST(nonsense_is_closed),
	};

	return cmocka_run_group_tests_name("gate-fcgi", tests, NULL, NULL);
}
