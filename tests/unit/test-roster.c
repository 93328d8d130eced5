/* test-roster - who is joined, told to those who joined: what, to whom, how much, and when. */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "err.h"
#include "hub-private.h"
#include "node.h"
#include "route.h"

#define TICK	10000
#define MANY	900		/* names whose events fill a stream */

static struct fake f;

static int
setup(void **state)
{
	(void)state;
	fake_start(&f);
	f.conf.star_addrs = 1000;
	f.conf.heartbeat_min_ms = f.conf.heartbeat_max_ms = 600000;
	fake_run(&f);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fake_stop(&f);
	return 0;
}

/* ---- words ---- */

/* Every name it was told since the last time, a blank after each; good until the next. *n: how many. */
static const char *
told(struct fake_conn *c, int *n)
{
	static char out[1 << 18];
	char name[4096];
	size_t at = 0;

	out[0] = '\0';
	for (*n = 0; fake_event(c, "ws-peer", *n, name, sizeof name); ++*n)
		at += (size_t)snprintf(out + at, sizeof out - at, "%.*s ", (int)strlen(name) - 2, name + 1);
	buf_clear(&c->read);
	buf_adds(&c->read, STR("\r\n\r\n"));
	return out;
}

static void
is_told(struct fake_conn *c, const char *want)
{
	int n;

	assert_string_equal(told(c, &n), want);
}

static int
count(struct fake_conn *c)
{
	int n;

	told(c, &n);
	return n;
}

/* Some time after which what is soon has been. */
static void
soon(void)
{
	fake_pass(&f, 100);
}

/* The peer joins n more: /PREFIX000 and so on, with so many digits. */
static void
join_many(const char *addr, const char *prefix, int n, int digits)
{
	char *body = malloc(1 << 18);
	size_t at = 0;
	int i;

	assert_non_null(body);
	f.conf.max_batch = n;
	for (i = 0; i < n; i++)
		at += (size_t)snprintf(body + at, (1 << 18) - at, "%c{\"event\":\"ss-join\",\"data\":\"/%s%0*d\"}",
		    i == 0 ? '[' : ',', prefix, digits, i);
	memcpy(body + at, "]", 2);
	node_told(&f, addr, "t", body, 200, "joined");
	free(body);
}

/* ---- who is told what ---- */

static void
test_both_ways(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t"), *b, *c;

	(void)state;
	soon();
	is_told(a, "");			/* not of itself */
	b = node_stream(&f, "/b", "t");
	is_told(b, "/a ");		/* at once */
	soon();
	is_told(a, "/b ");
	is_told(b, "");
	c = node_stream(&f, "/c", "t");
	is_told(c, "/a /b ");
	soon();
	is_told(a, "/c ");
	is_told(b, "/c ");
	is_told(c, "");
	fake_pass(&f, TICK);
	is_told(a, "/b /c ");		/* the slice is all of them */
	is_told(b, "/a /c ");
	is_told(c, "/a /b ");
	node_gone(&f, a);
	node_gone(&f, b);
	fake_pass(&f, TICK);
	is_told(c, "");			/* nobody else is present */
	node_gone(&f, c);
}

/* An event: its name, its data in JSON, no id. */
static void
test_event(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a%22%5c%c3%a4", "t"), *b;

	(void)state;
	soon();
	b = node_stream(&f, "/b", "t");
	assert_non_null(strstr(fake_text(b), "\n\nevent: ws-peer\ndata: \"/a\\\"\\\\\xc3\xa4\"\n\n"));
	node_gone(&f, a);
	node_gone(&f, b);
}

/* One that has several is told of none of them; one that left is told nothing, and no more of. */
static void
test_several_and_none(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t"), *b = node_stream(&f, "/b", "t");

	(void)state;
	join_many("/a", "x", 3, 1);
	soon();
	told(b, &(int){ 0 });
	is_told(a, "/b ");
	fake_pass(&f, TICK);
	is_told(b, "/a /x0 /x1 /x2 ");
	is_told(a, "/b ");
	node_told(&f, "/a", "t", "[" EVENT("ss-leave", "/a") "," EVENT("ss-leave", "/x2") "]", 200, "left");
	fake_pass(&f, TICK);
	is_told(b, "/x0 /x1 ");
	is_told(a, "/b ");
	node_told(&f, "/b", "t", "[" EVENT("ss-join", "/b2") "," EVENT("ss-leave", "/b") "," EVENT("ss-leave", "/b2") "]", 200, "left");
	fake_pass(&f, TICK);
	is_told(a, "");
	node_gone(&f, a);
	node_gone(&f, b);
}

/* Who goes on from a cursor has the list already. */
static void
test_news_only(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t"), *b = node_stream(&f, "/b", "t"), *c;
	char id[128];

	(void)state;
	soon();
	assert_true(fake_id(b, id, sizeof id));
	node_gone(&f, b);
	b = fake_get(&f, node_uri("/b", "t", ""), id);
	soon();
	is_told(b, "");
	c = node_stream(&f, "/c", "t");
	soon();
	is_told(b, "/c ");
	fake_pass(&f, TICK);
	is_told(b, "/a /c ");
	node_gone(&f, b);
	b = node_stream(&f, "/b", "t");		/* a page that begins anew */
	is_told(b, "/a /c ");
	node_gone(&f, a);
	node_gone(&f, b);
	node_gone(&f, c);
}

/* Somebody who was away for a moment has not joined anew. */
static void
test_back_is_no_news(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t"), *b = node_stream(&f, "/b", "t"), *c;
	char id[128];

	(void)state;
	soon();
	assert_true(fake_id(b, id, sizeof id));
	node_gone(&f, b);
	c = node_stream(&f, "/c", "t");
	soon();
	b = fake_get(&f, node_uri("/b", "t", ""), id);
	told(a, &(int){ 0 });
	node_gone(&f, c);
	c = node_stream(&f, "/d", "t");
	soon();
	is_told(a, "/d ");
	node_gone(&f, a);
	node_gone(&f, b);
	node_gone(&f, c);
}

/* The list is older than the takeover: the new holder is in it under the mailbox of the old one. */
static void
test_not_of_itself_after_a_takeover(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t"), *b = node_stream(&f, "/b", "t"), *again;

	(void)state;
	f.conf.star_tick_ms = 60000;
	soon();
	node_gone(&f, a);
	again = fake_get(&f, node_uri("/a", "u", ""), NULL);
	fake_pass(&f, f.conf.grace_ms + 60);
	is_told(again, "/b ");
	node_gone(&f, again);
	node_gone(&f, b);
}

/* ---- how much ---- */

/* Fifty each tick, all in turn. */
static void
test_slices_go_round(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t"), *b = node_stream(&f, "/b", "t");
	char all[4096] = "";
	int i, n;

	(void)state;
	join_many("/a", "n", 118, 3);	/* 120 with /a and /b */
	fake_pass(&f, TICK);
	told(b, &n);
	for (i = 0; i < 12; i++) {
		fake_pass(&f, TICK);
		strcat(all, told(b, &n));
		row_assert(n == 49 || n == 50, "%d", n);	/* /b itself is in one of them */
		strcat(all, "| ");
		if (i % 5 == 4) {		/* 250: twice round, and ten */
			row_assert(strstr(all, "/n000 ") != NULL && strstr(all, "/n117 ") != NULL && strstr(all, "/a ") != NULL, "%s", all);
			all[0] = '\0';
		}
	}
	assert_null(strstr(all, "/b "));
	assert_int_equal(count(a) > 0, 1);
	node_gone(&f, a);
	node_gone(&f, b);
}

/* However many listen and are listened to, what each is told in a tick has a limit. */
static void
test_not_squared(void **state)
{
	struct fake_conn *c[200];
	char addr[32];
	size_t bytes = 0;
	int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		snprintf(addr, sizeof addr, "/n%04d", i);
		c[i] = node_stream(&f, addr, "t");
	}
	fake_pass(&f, 2 * TICK);
	for (i = 0; i < 200; i++)
		buf_clear(&c[i]->read);
	fake_pass(&f, TICK);
	for (i = 0; i < 200; i++)
		bytes += c[i]->read.n;
	assert_in_range(bytes, 200 * 49 * 31, 200 * 50 * 31);
	for (i = 0; i < 200; i++)
		node_gone(&f, c[i]);
}

/* How often it was told of each of /n000… since the last time: all exactly once. */
static void
each_once(struct fake_conn *c, int digits)
{
	static int times[MANY];
	const char *p;
	int i, n;

	memset(times, 0, sizeof times);
	for (p = told(c, &n); (p = strstr(p, "/n")) != NULL; p += 2 + digits)
		times[atoi(p + 2)]++;
	for (i = 0; i < MANY; i++)
		row_assert(times[i] == 1, "/n%d: %d times", i, times[i]);
}

/* More than a stream takes at once: it goes on as there is room; what is stored comes in between. */
static void
test_goes_on_as_there_is_room(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t"), *b;

	(void)state;
	join_many("/a", "n", MANY, 200);
	fake_pass(&f, 5000);
	f.first_room = 1000;
	b = node_stream(&f, "/b", "t");
	f.first_room = 0;
	assert_in_range(conn_pending(&b->conn), STREAM_HIGH - 1000, STREAM_HIGH + 40000);
	node_told(&f, "/a", "t", SHAKE("/a", "/b", ""), 200, "present");
	node_hears_no_more(b, 0);
	while (b->conn.blocked)
		fake_room(&f, b, 5000);
	node_hears(b, 0, SHAKE_BODY("/a", "/b", ""));
	each_once(b, 200);
	node_gone(&f, a);
	node_gone(&f, b);
}

/* So does what is news, if there is much of it. */
static void
test_news_go_on_as_there_is_room(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t"), *b = node_stream(&f, "/b", "t");

	(void)state;
	fake_pass(&f, 500);
	told(b, &(int){ 0 });
	b->room = 1000;
	join_many("/a", "n", MANY, 200);
	soon();
	while (b->conn.blocked)
		fake_room(&f, b, 5000);
	each_once(b, 200);
	node_gone(&f, a);
	node_gone(&f, b);
}

/* The list changes while a stream is in the midst of it. */
static void
test_goes_on_in_another_list(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t"), *b;

	(void)state;
	join_many("/a", "n", MANY, 200);
	fake_pass(&f, 5000);
	f.first_room = 50000;
	b = node_stream(&f, "/b", "t");
	f.first_room = 0;
	join_many("/a", "m", 30, 3);		/* in front of where it is */
	soon();
	join_many("/a", "z", 30, 3);		/* and behind */
	fake_pass(&f, 5000);
	assert_true(b->conn.blocked);
	while (b->conn.blocked)
		fake_room(&f, b, 50000);
	assert_non_null(strstr(fake_text(b), "\"/z029\""));
	each_once(b, 200);
	node_gone(&f, a);
	node_gone(&f, b);
}

/* For who takes nothing it is not kept; messages are. */
static void
test_dropped_first(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t"), *b = node_stream(&f, "/b", "t");

	(void)state;
	fake_pass(&f, 500);
	told(b, &(int){ 0 });
	b->room = 0;
	node_told(&f, "/a", "t", SHAKE("/a", "/b", ",\"n\":1"), 200, "present");
	assert_true(b->conn.blocked);
	join_many("/a", "n", 100, 3);
	fake_pass(&f, TICK - 2000);
	node_told(&f, "/a", "t", SHAKE("/a", "/b", ",\"n\":2"), 200, "present");
	fake_room(&f, b, SIZE_MAX);
	node_hears(b, 1, SHAKE_BODY("/a", "/b", ",\"n\":2"));
	assert_int_equal(count(b), 0);
	fake_pass(&f, TICK);
	assert_int_equal(count(b), 49);		/* and itself */
	node_gone(&f, a);
	node_gone(&f, b);
}

/* ---- more than one process ---- */

static void
join_by(struct fake *at, const char *addr, const char *name)
{
	char body[128];

	snprintf(body, sizeof body, "{\"event\":\"ss-join\",\"data\":\"%s\"}", name);
	node_told(at, addr, "t", body, 200, "joined");
}

static void
pass_both(struct fake *other, int64_t ms)
{
	for (; ms > 0; ms -= 50) {
		fake_pass(&f, 50);
		fake_pass(other, 50);
	}
}

static void
test_two_processes(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t"), *b;
	struct fake other;

	(void)state;
	soon();
	fake_join(&other, &f);
	b = node_stream(&other, "/b", "t");
	pass_both(&other, 200);
	is_told(b, "/a ");		/* read when the first one joined there */
	is_told(a, "");
	pass_both(&other, TICK);
	is_told(a, "/b ");
	is_told(b, "/a ");
	join_by(&other, "/a", "/a2");	/* an event that came to the other process */
	pass_both(&other, TICK);
	is_told(a, "/b ");
	is_told(b, "/a2 /a /a2 ");	/* as news, and in its turn */
	node_gone(&f, a);
	node_gone(&other, b);
	fake_stop(&other);
}

/* ---- other wires ---- */

static int64_t session;		/* a mailbox of another realm */

/* GET /poll?addr: a poll for the mailbox that holds it. GET /session: a stream for `session`, which is made. */
static void
serve_other(struct hub *hub, struct req *r)
{
	static const unsigned char hash[HASH_SIZE] = { 1 };
	struct hub_open o = { .wire = str_eq(r->path, STR("/poll")) ? &wire_poll : &wire_sse };
	char addr[64];
	struct box b;

	if (str_eq(r->path, STR("/star"))) {
		route_serve(hub, r);
		return;
	}
	assert_int_equal(hub_begin(hub), 0);
	if (o.wire == &wire_sse)
		assert_int_equal(store_box_add(hub->store, "sio4", hash, NULL, &session), 0);
	else {
		assert_int_equal(req_query(r, "addr", addr, sizeof addr), 0);
		assert_int_equal(store_claim_holder(hub->store, STAR_REALM, str_from(addr), &b), 0);
	}
	o.box = o.wire == &wire_sse ? session : b.id;
	assert_int_equal(hub_open(hub, r, &o), 0);
	if (o.wire == &wire_poll)
		hub_roster_listen(hub, b.id, ROSTER_ALL_IF_NEW);
	hub_hold(hub, r);
}

/* A stream that is open already is told from when its mailbox joins, by whatever process, until it has left. */
static void
test_session_joins_and_leaves(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t"), *s;
	struct fake other;

	(void)state;
	f.hub.serve = serve_other;
	s = fake_get(&f, "/session", NULL);
	fake_join(&other, &f);
	fake_pass(&f, TICK);
	is_told(s, "");
	assert_int_equal(hub_begin(&other.hub), 0);
	assert_int_equal(store_claim_add(other.hub.store, STAR_REALM, STR("/s"), session, true), 0);
	fake_turn(&other);
	pass_both(&other, TICK);
	is_told(s, "/a ");
	is_told(a, "/s ");
	assert_int_equal(hub_begin(&f.hub), 0);
	assert_int_equal(store_claim_drop(f.hub.store, STAR_REALM, STR("/s"), session), 0);
	pass_both(&other, TICK);
	told(s, &(int){ 0 });
	pass_both(&other, TICK);
	is_told(s, "");
	node_gone(&f, a);
	node_gone(&f, s);
	fake_stop(&other);
}

/* A poll ends with what it was told; the next one goes on behind it, and waits. */
static void
test_polls(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t"), *b = node_stream(&f, "/b", "t"), *c;
	int polls, names = 0;
	const char *p;

	(void)state;
	f.hub.serve = serve_other;
	join_many("/a", "n", MANY, 200);
	fake_pass(&f, 5000);
	node_gone(&f, b);
	hub_roster_clear(&f.hub);
	for (polls = 0; ; polls++) {
		c = fake_get(&f, "/poll?addr=/b", NULL);
		fake_pass(&f, 50);
		if (!c->conn.over)
			break;
		p = strstr(fake_text(c), "{\"ws-peer\":");
		row_assert(p != NULL && strchr(p + 1, '{') == NULL, "%.300s", fake_text(c));
		for (p = fake_text(c); (p = strstr(p, "\"ws-peer\":\"/")) != NULL; p++)
			names++;
		fake_free(c);
	}
	assert_int_equal(names, MANY + 1);
	assert_int_equal(polls, 3);		/* of a stream's measure each */
	node_gone(&f, c);
	node_gone(&f, a);
}

/* ---- nobody ---- */

static void
test_costs_nothing_unused(void **state)
{
	struct fake_conn *a;

	(void)state;
	fake_pass(&f, 1000);
	assert_false(loop_timer_active(&f.hub.rounds));
	a = node_stream(&f, "/a", "t");
	assert_true(loop_timer_active(&f.hub.rounds));
	node_gone(&f, a);
	fake_pass(&f, 4 * TICK);
	assert_false(loop_timer_active(&f.hub.rounds));
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_both_ways), T(test_event), T(test_several_and_none), T(test_news_only), T(test_back_is_no_news),
		T(test_not_of_itself_after_a_takeover), T(test_slices_go_round), T(test_not_squared),
		T(test_goes_on_as_there_is_room), T(test_news_go_on_as_there_is_room), T(test_goes_on_in_another_list), T(test_dropped_first),
		T(test_two_processes), T(test_session_joins_and_leaves), T(test_polls), T(test_costs_nothing_unused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
