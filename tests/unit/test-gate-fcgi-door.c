/*
 * The FastCGI gate: its listening socket, no descriptors left, stopping. Linked with
 * --wrap=accept4.
 */
#include "config.h"

#include "unit.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "gate-fcgi-private.h"
#include "log.h"
#include "records.h"
#include "stand.h"

static int accepts;

int	__real_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags);
int	__wrap_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags);

int
__wrap_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
	accepts++;
	return __real_accept4(fd, a, n, flags);
}

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

static void
open_stream(const char *records)
{
	client_send(&c, records);
	UNTIL(&s, says("out(1,head) "));
	assert_non_null(s.stream);
}

/* ---- the door ---- */

/* Who comes alone is not asked for company; of many the first is, and then all are taken at once, with
 * one call in vain. */
static void
a_crowd_is_taken_at_once(void **state)
{
	struct client crowd[20];
	int i, n = (int)(sizeof crowd / sizeof crowd[0]);

	(void)state;
	UNTIL(&s, gate_fcgi_conns(s.gate) == 1);
	stand_pass(&s, 10);
	for (i = 0; i < n; i++)
		client_open(&crowd[i], &s);
	accepts = 0;
	stand_turn(&s);
	assert_int_equal(accepts, 1);
	s.gate->knocked = stand_now() + 1000;	/* however long it takes to come here */
	stand_turn(&s);
	assert_int_equal(accepts, n + 1);
	UNTIL(&s, (int)gate_fcgi_conns(s.gate) == n + 1);
	for (i = 0; i < n; i++)
		client_close(&crowd[i]);
}

static void
knows_a_listening_socket(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_false(gate_fcgi_is_listening(pair[0]));
	assert_false(gate_fcgi_is_listening(-1));
	assert_int_equal(pipe(pair), 0);	/* (the first two stay open until the end) */
	assert_false(gate_fcgi_is_listening(pair[0]));
	assert_true(gate_fcgi_is_listening(s.gate->door.fd));
}

static void
no_event_waits_for_another(void **state)
{
	int yes = 0;
	socklen_t size = sizeof yes;
	struct line *l;

	(void)state;
	open_stream("B1 " STREAM);
	l = (struct line *)s.stream;
	assert_int_equal(getsockopt(l->io.fd, IPPROTO_TCP, TCP_NODELAY, &yes, &size), 0);
	assert_int_equal(yes, 1);
}

static void
stops(void **state)
{
	struct client idle, late;

	(void)state;
	client_open(&idle, &s);
	client_send(&idle, "B1k " GET);
	UNTIL(&s, strcmp(client_words(&idle), GET_ANSWER) == 0);
	open_stream("B1k " STREAM);
	gate_fcgi_stop(s.gate);
	UNTIL(&s, (client_listen(&idle), idle.eof));
	late.fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_true(connect(late.fd, (struct sockaddr *)s.address, s.address_size) < 0);
	close(late.fd);
	stand_push(&s, STR("still"));
	UNTIL(&s, says("out(1,head) out(1,still) "));
	stand_end(&s);
	UNTIL(&s, hangs_up());		/* although it was to be kept */
	assert_int_equal(gate_fcgi_conns(s.gate), 0);
	client_close(&idle);
}

/* A request that has come over a kept connection and was not read when it stops is answered all the same. */
static void
answers_what_has_come(void **state)
{
	struct client kept;

	(void)state;
	client_open(&kept, &s);
	client_send(&kept, "B1k " GET);
	UNTIL(&s, strcmp(client_words(&kept), GET_ANSWER) == 0);
	client_send(&kept, "B1k " GET);
	gate_fcgi_stop(s.gate);
	UNTIL(&s, (client_listen(&kept), kept.eof));
	assert_string_equal(client_words(&kept), GET_ANSWER GET_ANSWER);
	UNTIL(&s, gate_fcgi_conns(s.gate) == 0);
	client_close(&kept);
}

/* Whatever is open when it is freed is cut, its users are told, nothing leaks. */
static void
frees_what_is_open(void **state)
{
	static const char *const rows[] = {
		"", "B1", "B1 P1:A=B T4.1:\x05", "B1 P1 S1:x", "B1k " GET, "B1k " HOLD,
		"B1k " HOLD " B1 " GET, "B1 " STREAM,
		"B1 P1:REQUEST_METHOD=GET&REQUEST_URI=/big?700000 P1 S1",
		"B1 P1:REQUEST_METHOD=POST&REQUEST_URI=/&CONTENT_LENGTH=999999999 P1 S1:x",
	};
	struct client each[COUNT(rows)];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		client_open(&each[i], &s);
		client_send(&each[i], rows[i]);
	}
	UNTIL(&s, s.taken == 5 && s.refused == 1);
	stand_pass(&s, 5);
	end(NULL);
	assert_int_equal(s.gone, 3);
	for (i = 0; i < COUNT(rows); i++) {
		client_listen(&each[i]);
		assert_true(each[i].eof || each[i].reset);
		client_close(&each[i]);
	}
	begin(NULL);
}

/* ---- fd 0 ---- */

static void
fd_0_stays_open(void **state)
{
	int saved = dup(0), fd = s.gate->door.fd;
	struct gate_fcgi *g;

	(void)state;
	assert_int_equal(dup2(fd, 0), 0);
	g = gate_fcgi_new(&s.hub, 0);
	assert_non_null(g);
	gate_fcgi_free(g);
	stand_turn(&s);
	assert_true(gate_fcgi_is_listening(0));
	if (saved >= 0)
		dup2(saved, 0);
	close(saved);
}

/* ---- too many ---- */

/* No descriptor is left: the one who waits is served when there is one, and it is logged once. */
static void
waits_for_descriptors(void **state)
{
	struct rlimit before, now;
	struct client late;
	int log[2], most;
	char text[4096];
	ssize_t n;

	(void)state;
	client_send(&c, "B1k " GET);
	UNTIL(&s, says(GET_ANSWER));
	assert_int_equal(pipe2(log, O_NONBLOCK | O_CLOEXEC), 0);
	log_init(LOG_ERROR, log[1]);
	client_open(&late, &s);
	client_send(&late, "B1 " GET);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	most = dup(0);
	close(most);
	now = before;
	now.rlim_cur = (rlim_t)most;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	accepts = 0;
	UNTIL(&s, accepts >= 3);	/* it tries again … */
	stand_pass(&s, 50);
	assert_in_range(accepts, 3, 10);	/* … and does not spin */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(s.taken, 1);
	UNTIL(&s, strcmp(client_words(&late), GET_ANSWER) == 0);
	client_close(&late);
	n = read(log[0], text, sizeof text - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "cannot accept"));
	assert_null(strstr(strstr(text, "cannot accept") + 1, "cannot accept"));
	log_init(LOG_ERROR, STDERR_FILENO);
	close(log[0]);
	close(log[1]);
}

#define TEST(f)		cmocka_unit_test_setup_teardown(f, begin, end)
#define TEST_TCP(f)	{ #f " (TCP)", f, begin_tcp, end, NULL }

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(knows_a_listening_socket),
		TEST(a_crowd_is_taken_at_once),
		TEST_TCP(no_event_waits_for_another),
		TEST(stops),
		TEST(answers_what_has_come),
		TEST(frees_what_is_open),
		TEST(fd_0_stays_open),
		TEST(waits_for_descriptors),
	};

	return cmocka_run_group_tests_name("gate-fcgi door", tests, NULL, NULL);
}
