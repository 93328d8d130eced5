/* What one address may do: requests and sessions at n and n + 1, who counts as one, what the client is told. */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "fake.h"
#include "log.h"
#include "peer.h"
#include "socket.h"

static struct fake f, g;

static int
start(void **state)
{
	(void)state;
	fake_start(&f);
	f.conf.address_requests = 2;
	f.conf.address_burst = 3;
	f.conf.address_sessions = 2;
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	fake_stop(&f);
	return 0;
}

/* GET of uri from an address, with the header a proxy adds, or NULL. */
static struct fake_conn *
get_from(const char *uri, const char *addr, const char *forwarded, const char *accept)
{
	char remote[64], xff[128], type[64];
	const char *extra[4] = { remote, NULL, NULL, NULL };
	int n = 1;

	snprintf(remote, sizeof remote, "REMOTE_ADDR=%s", addr);
	snprintf(xff, sizeof xff, "HTTP_X_FORWARDED_FOR=%s", forwarded != NULL ? forwarded : "");
	snprintf(type, sizeof type, "HTTP_ACCEPT=%s", accept != NULL ? accept : "");
	if (forwarded != NULL)
		extra[n++] = xff;
	if (accept != NULL)
		extra[n++] = type;
	return fake_request(&f, "GET", uri, NULL, extra);
}

static void
leave(struct fake_conn *c)
{
	if (!c->conn.over)
		fake_gone(&f, c);
	fake_free(c);
}

static int
status_from(const char *addr, const char *forwarded)
{
	struct fake_conn *c = get_from("/health", addr, forwarded, NULL);
	int status;

	fake_turn(&f);
	status = fake_status(c);
	fake_free(c);
	return status;
}

/* ---- requests ---- */

static void
requests_at_the_limit_and_over(void **state)
{
	struct fake_conn *c;
	int i;

	(void)state;
	fake_run(&f);
	for (i = 0; i < 3; i++)
		assert_int_equal(status_from("192.0.2.1", NULL), 200);
	c = get_from("/nowhere", "192.0.2.1", NULL, NULL);
	fake_turn(&f);
	assert_int_equal(fake_status(c), 429);
	assert_non_null(strstr(fake_text(c), "\r\nRetry-After: 1\r\n"));
	assert_non_null(strstr(fake_text(c), "\r\nAccess-Control-Expose-Headers: Retry-After\r\n"));
	assert_non_null(strstr(fake_text(c), "application/problem+json"));
	assert_non_null(strstr(fake_text(c), "address_requests is 2, address_burst 3: one address may"));
	fake_free(c);
	assert_int_equal(status_from("192.0.2.2", NULL), 200);
	fake_pass(&f, 490);
	assert_int_equal(status_from("192.0.2.1", NULL), 429);
	fake_pass(&f, 10);
	assert_int_equal(status_from("192.0.2.1", NULL), 200);
	assert_int_equal(status_from("192.0.2.1", NULL), 429);
}

static void
none_is_any_number(void **state)
{
	int i;

	(void)state;
	f.conf.address_requests = 0;
	fake_run(&f);
	for (i = 0; i < 50; i++)
		assert_int_equal(status_from("192.0.2.1", NULL), 200);
}

/* Which of these share a limit of three with 192.0.2.1, or 2001:db8::1, behind the proxies 10.0.0.0/8. */
static void
who_counts_as_one(void **state)
{
	static const struct { const char *why, *a, *a_for, *b, *b_for; bool one; } rows[] = {
		{ "the same", "192.0.2.1", NULL, "192.0.2.1", NULL, true },
		{ "another", "192.0.2.11", NULL, "192.0.2.3", NULL, false },
		{ "the same as IPv6", "192.0.2.4", NULL, "::ffff:192.0.2.4", NULL, true },
		{ "a household", "2001:db8::1", NULL, "2001:db8::2:0:0:0", NULL, true },
		{ "another household", "2001:db8:0:7::1", NULL, "2001:db8:0:8::1", NULL, false },
		{ "who claims to come from elsewhere", "192.0.2.5", NULL, "192.0.2.5", "1.1.1.1", true },
		{ "through a proxy", "192.0.2.6", NULL, "10.0.0.1", "192.0.2.6", true },
		{ "two through one proxy", "10.0.0.1", "192.0.2.7", "10.0.0.1", "192.0.2.8", false },
		{ "a stranger's word before that of the proxy", "10.0.0.1", "1.1.1.1, 192.0.2.9", "10.0.0.2", "2.2.2.2, 192.0.2.9", true },
		{ "without an address", "", NULL, "", "192.0.2.10", true },
	};
	size_t i;
	int n;

	(void)state;
	strcpy(f.conf.trusted_proxies, "10.0.0.0/8");
	fake_run(&f);
	for (i = 0; i < COUNT(rows); i++) {
		for (n = 0; n < 3; n++)
			row_assert(status_from(rows[i].a, rows[i].a_for) == 200, "%s", rows[i].why);
		row_assert(status_from(rows[i].b, rows[i].b_for) == (rows[i].one ? 429 : 200), "%s", rows[i].why);
	}
}

/* EventSource would give up at any other status. */
static void
an_event_source_is_told_when_to_come_again(void **state)
{
	struct fake_conn *c;
	int i;

	(void)state;
	fake_run(&f);
	for (i = 0; i < 3; i++)
		assert_int_equal(status_from("192.0.2.1", NULL), 200);
	c = get_from("/sigver", "192.0.2.1", NULL, "text/event-stream");
	fake_turn(&f);
	assert_int_equal(fake_status(c), 200);
	assert_non_null(strstr(fake_text(c), "\r\n\r\nretry: 1"));
	assert_true(c->done);
	assert_int_equal(f.hub.streams, 0);
	fake_free(c);
}

/* Two processes with one file. */
static void
processes_count_together(void **state)
{
	(void)state;
	fake_run(&f);
	fake_join(&g, &f);
	assert_int_equal(status_from("192.0.2.1", NULL), 200);
	assert_int_equal(status_from("192.0.2.1", NULL), 200);
	assert_int_equal(rate_take(&g.hub.rate, rate_key(&g.hub.rate, 'a', STR("\xc0\0\2\1")), &g.hub.address_limit, 1,
	    f.mono * 1000), 0);
	assert_int_equal(status_from("192.0.2.1", NULL), 429);
	fake_stop(&g);
}

/* ---- sessions ---- */

static void
sessions_at_the_limit_and_over(void **state)
{
	struct fake_conn *c[5];
	int i;

	(void)state;
	f.conf.address_requests = 0;
	fake_run(&f);
	for (i = 0; i < 3; i++)
		c[i] = get_from("/sigver", "192.0.2.1", NULL, NULL);
	c[3] = get_from("/sigver", "192.0.2.2", NULL, NULL);
	c[4] = get_from("/sigver", "192.0.2.1", NULL, "text/event-stream");
	for (i = 0; i < 4; i++)
		row_assert(fake_status(c[i]) == (i == 2 ? 429 : 200), "%d", i);
	assert_non_null(strstr(fake_text(c[2]), "address_sessions is 2: one address may"));
	assert_non_null(strstr(fake_text(c[2]), "\r\nRetry-After: 10\r\n"));
	assert_int_equal(fake_status(c[4]), 200);
	assert_non_null(strstr(fake_text(c[4]), "\r\n\r\nretry: 1"));
	assert_true(c[4]->done);
	assert_int_equal(f.hub.streams, 3);
	leave(c[0]);
	leave(c[2]);
	c[0] = get_from("/sigver", "192.0.2.1", NULL, NULL);
	c[2] = get_from("/sigver", "192.0.2.1", NULL, NULL);
	assert_int_equal(fake_status(c[0]), 200);
	assert_int_equal(fake_status(c[2]), 429);
	for (i = 0; i < 5; i++)
		leave(c[i]);
}

/* Who comes back for his mailbox before the old stream was noticed to be dead. */
static void
a_stream_in_place_of_another_is_let_in(void **state)
{
	char cursor[128], line[160];
	const char *const extra[] = { "REMOTE_ADDR=192.0.2.1", line, NULL };
	struct fake_conn *a, *b, *again;

	(void)state;
	f.conf.address_requests = 0;
	fake_run(&f);
	a = get_from("/sigver", "192.0.2.1", NULL, NULL);
	b = get_from("/sigver", "192.0.2.1", NULL, NULL);
	assert_true(fake_id(a, cursor, sizeof cursor));
	snprintf(line, sizeof line, "HTTP_LAST_EVENT_ID=%s", cursor);
	again = fake_request(&f, "GET", "/sigver", NULL, extra);
	assert_int_equal(fake_status(again), 200);
	assert_int_equal(rate_sessions(&f.hub.rate, rate_key(&f.hub.rate, 'a', STR("\xc0\0\2\1"))), 2);
	leave(a);
	leave(b);
	leave(again);
	assert_int_equal(rate_sessions(&f.hub.rate, rate_key(&f.hub.rate, 'a', STR("\xc0\0\2\1"))), 0);
}

/* The file goes away: those that are open count on in the new one. */
static void
sessions_survive_the_file(void **state)
{
	struct fake_conn *a, *b, *c;

	(void)state;
	f.conf.address_requests = 0;
	fake_run(&f);
	a = get_from("/sigver", "192.0.2.1", NULL, NULL);
	b = get_from("/sigver", "192.0.2.1", NULL, NULL);
	assert_int_equal(remove(f.hub.rate.path), 0);
	log_init(LOG_ERROR, -1);
	fake_pass(&f, 2500);
	c = get_from("/sigver", "192.0.2.1", NULL, NULL);
	assert_int_equal(fake_status(c), 429);
	leave(a);
	leave(b);
	leave(c);
}

/* Once a minute all are counted anew, and are as many as before. */
static void
sessions_are_counted_anew(void **state)
{
	static const char *const upgrade[] = { "HTTP_UPGRADE=websocket", "HTTP_SEC_WEBSOCKET_KEY=dGhlIHNhbXBsZSBub25jZQ==",
		"REMOTE_ADDR=192.0.2.1", NULL };
	struct fake_conn *a, *b, *c;
	unsigned before;

	(void)state;
	f.conf.address_requests = 0;
	strcpy(f.conf.websocket, "off");
	fake_run(&f);
	a = get_from("/sigver", "192.0.2.1", NULL, NULL);
	b = fake_request(&f, "GET", "/peerjs?key=peerjs&id=a&token=t", NULL, upgrade);
	assert_int_equal(fake_status(b), 0);
	before = f.hub.rate_looks;
	fake_pass(&f, 70000);
	assert_true(f.hub.rate_looks / 64 > before / 64);
	c = get_from("/sigver", "192.0.2.1", NULL, NULL);
	assert_int_equal(fake_status(c), 429);
	leave(a);
	leave(c);
	c = get_from("/sigver", "192.0.2.1", NULL, NULL);
	assert_int_equal(fake_status(c), 200);
	leave(b);
	leave(c);
}

/* A WebSocket that gets no answer is a session, too: it is open for minutes. */
static void
what_gets_no_answer_is_a_session(void **state)
{
	static const char *const upgrade[] = { "HTTP_UPGRADE=websocket", "HTTP_SEC_WEBSOCKET_KEY=dGhlIHNhbXBsZSBub25jZQ==", NULL };
	struct fake_conn *c[3];
	int i;

	(void)state;
	f.conf.address_requests = 0;
	strcpy(f.conf.websocket, "off");
	fake_run(&f);
	for (i = 0; i < 3; i++)
		c[i] = fake_request(&f, "GET", "/peerjs?key=peerjs&id=a&token=t", NULL, upgrade);
	assert_int_equal(fake_status(c[0]), 0);
	assert_int_equal(fake_status(c[1]), 0);
	assert_int_equal(fake_status(c[2]), 429);
	leave(c[0]);
	leave(c[2]);
	c[0] = fake_request(&f, "GET", "/peerjs?key=peerjs&id=a&token=t", NULL, upgrade);
	assert_int_equal(fake_status(c[0]), 0);
	leave(c[0]);
	leave(c[1]);
}

/* ---- a message ---- */

static int
say(const char *token, const char *text)
{
	char body[256];
	struct fake_conn *c;
	int status;

	snprintf(body, sizeof body, "%s@%s", token, text);
	c = fake_post(&f, "/sigver", body);
	status = fake_status(c);
	fake_free(c);
	return status;
}

static void
the_longest_message_of_sigver(void **state)
{
	struct fake_conn *c;
	char token[64];

	(void)state;
	f.conf.address_requests = 0;
	f.conf.max_message_bytes = 12;
	fake_run(&f);
	c = get_from("/sigver", "192.0.2.1", NULL, NULL);
	assert_true(fake_event(c, "auth", 0, token, sizeof token));
	assert_int_equal(say(token, "{\"open\":\"ab\"}"), 413);
	assert_int_equal(say(token, "{\"open\":\"a\"}"), 200);
	leave(c);
}

/* ---- WebSockets ---- */

static int
heard(struct fake_conn *down)
{
	char text[512];
	int n = 0;

	while (fake_event(down, "", n, text, sizeof text))
		n++;
	return n;
}

/* One has room, the others wait their turn; all arrive, in order. */
static void
a_websocket_is_slowed_down(void **state)
{
	struct fake_conn *down, *up;
	char text[512];
	int i;

	(void)state;
	strcpy(f.conf.websocket, "on");
	f.conf.address_burst = 3;
	fake_run(&f);
	down = peer_stream(&f, "b", "tb");
	up = socket_peer(&f, "a", "ta");
	for (i = 0; i < 5; i++) {
		snprintf(text, sizeof text, "{\"type\":\"OFFER\",\"dst\":\"b\",\"payload\":\"number %d\"}", i);
		if (i == 0 || up->hears)
			socket_says(&f, up, text);
	}
	fake_pass(&f, 20);
	assert_int_equal(heard(down), 2);	/* OPEN, and one */
	fake_pass(&f, 600);
	assert_int_equal(heard(down), 3);
	assert_true(up->hears);
	socket_says(&f, up, "{\"type\":\"OFFER\",\"dst\":\"b\",\"payload\":\"last\"}");
	fake_pass(&f, 600);
	assert_int_equal(heard(down), 4);
	assert_true(fake_event(down, "", 3, text, sizeof text));
	assert_non_null(strstr(text, "\"last\""));
	socket_free(&f, up);
	peer_gone(&f, down);
}

/* Nobody is slowed down any more: what is over the limit is not kept. */
static void
what_a_gone_websocket_said_is_not_kept(void **state)
{
	struct fake_conn *down, *up;

	(void)state;
	strcpy(f.conf.websocket, "on");
	fake_run(&f);
	down = peer_stream(&f, "b", "tb");
	up = socket_peer(&f, "a", "ta");
	socket_says(&f, up, "{\"type\":\"OFFER\",\"dst\":\"b\",\"payload\":\"first\"}");
	socket_says(&f, up, "{\"type\":\"OFFER\",\"dst\":\"b\",\"payload\":\"second\"}");
	socket_free(&f, up);
	fake_pass(&f, 1200);
	assert_int_equal(heard(down), 2);
	assert_true(list_empty(&f.hub.waiting));
	peer_gone(&f, down);
}

int
main(void)
{
#define ROW(name)	cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		ROW(requests_at_the_limit_and_over),
		ROW(none_is_any_number),
		ROW(who_counts_as_one),
		ROW(an_event_source_is_told_when_to_come_again),
		ROW(processes_count_together),
		ROW(sessions_at_the_limit_and_over),
		ROW(a_stream_in_place_of_another_is_let_in),
		ROW(sessions_survive_the_file),
		ROW(sessions_are_counted_anew),
		ROW(what_gets_no_answer_is_a_session),
		ROW(the_longest_message_of_sigver),
		ROW(a_websocket_is_slowed_down),
		ROW(what_a_gone_websocket_said_is_not_kept),
	};

	return cmocka_run_group_tests_name("hub-limit", tests, NULL, NULL);
}
