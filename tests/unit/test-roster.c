/*
 * test-roster - who is joined, told to those who joined: what, to whom, how much, and when. By several
 * processes, and other wires: test-roster-wide.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "err.h"
#include "hub-private.h"
#include "roster.h"

#define TICK	10000

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

/* ---- who is told what ---- */

static void
test_both_ways(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a", "t"), *b, *c;

	(void)state;
	roster_soon(&f);
	roster_is_told(a, "");			/* not of itself */
	b = node_stream(&f, "/b", "t");
	roster_is_told(b, "/a ");		/* at once */
	roster_soon(&f);
	roster_is_told(a, "/b ");
	roster_is_told(b, "");
	c = node_stream(&f, "/c", "t");
	roster_is_told(c, "/a /b ");
	roster_soon(&f);
	roster_is_told(a, "/c ");
	roster_is_told(b, "/c ");
	roster_is_told(c, "");
	fake_pass(&f, TICK);
	roster_is_told(a, "/b /c ");		/* the slice is all of them */
	roster_is_told(b, "/a /c ");
	roster_is_told(c, "/a /b ");
	node_gone(&f, a);
	node_gone(&f, b);
	fake_pass(&f, TICK);
	roster_is_told(c, "");			/* nobody else is present */
	node_gone(&f, c);
}

/* An event: its name, its data in JSON, no id. */
static void
test_event(void **state)
{
	struct fake_conn *a = node_stream(&f, "/a%22%5c%c3%a4", "t"), *b;

	(void)state;
	roster_soon(&f);
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
	roster_join(&f, "/a", "x", 3, 1);
	roster_soon(&f);
	roster_told(b, &(int){ 0 });
	roster_is_told(a, "/b ");
	fake_pass(&f, TICK);
	roster_is_told(b, "/a /x0 /x1 /x2 ");
	roster_is_told(a, "/b ");
	node_told(&f, "/a", "t", "[" EVENT("ss-leave", "/a") "," EVENT("ss-leave", "/x2") "]", 200, "left");
	fake_pass(&f, TICK);
	roster_is_told(b, "/x0 /x1 ");
	roster_is_told(a, "/b ");
	node_told(&f, "/b", "t", "[" EVENT("ss-join", "/b2") "," EVENT("ss-leave", "/b") "," EVENT("ss-leave", "/b2") "]", 200, "left");
	fake_pass(&f, TICK);
	roster_is_told(a, "");
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
	roster_soon(&f);
	assert_true(fake_id(b, id, sizeof id));
	node_gone(&f, b);
	b = fake_get(&f, node_uri("/b", "t", ""), id);
	roster_soon(&f);
	roster_is_told(b, "");
	c = node_stream(&f, "/c", "t");
	roster_soon(&f);
	roster_is_told(b, "/c ");
	fake_pass(&f, TICK);
	roster_is_told(b, "/a /c ");
	node_gone(&f, b);
	b = node_stream(&f, "/b", "t");		/* a page that begins anew */
	roster_is_told(b, "/a /c ");
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
	roster_soon(&f);
	assert_true(fake_id(b, id, sizeof id));
	node_gone(&f, b);
	c = node_stream(&f, "/c", "t");
	roster_soon(&f);
	b = fake_get(&f, node_uri("/b", "t", ""), id);
	roster_told(a, &(int){ 0 });
	node_gone(&f, c);
	c = node_stream(&f, "/d", "t");
	roster_soon(&f);
	roster_is_told(a, "/d ");
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
	roster_soon(&f);
	node_gone(&f, a);
	again = fake_get(&f, node_uri("/a", "u", ""), NULL);
	fake_pass(&f, f.conf.grace_ms + 60);
	roster_is_told(again, "/b ");
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
	roster_join(&f, "/a", "n", 118, 3);	/* 120 with /a and /b */
	fake_pass(&f, TICK);
	roster_told(b, &n);
	for (i = 0; i < 12; i++) {
		fake_pass(&f, TICK);
		strcat(all, roster_told(b, &n));
		row_assert(n == 49 || n == 50, "%d", n);	/* /b itself is in one of them */
		strcat(all, "| ");
		if (i % 5 == 4) {		/* 250: twice round, and ten */
			row_assert(strstr(all, "/n000 ") != NULL && strstr(all, "/n117 ") != NULL && strstr(all, "/a ") != NULL, "%s", all);
			all[0] = '\0';
		}
	}
	assert_null(strstr(all, "/b "));
	assert_int_equal(roster_count(a) > 0, 1);
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
	for (p = roster_told(c, &n); (p = strstr(p, "/n")) != NULL; p += 2 + digits)
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
	roster_join(&f, "/a", "n", MANY, 200);
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
	roster_told(b, &(int){ 0 });
	b->room = 1000;
	roster_join(&f, "/a", "n", MANY, 200);
	roster_soon(&f);
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
	roster_join(&f, "/a", "n", MANY, 200);
	fake_pass(&f, 5000);
	f.first_room = 50000;
	b = node_stream(&f, "/b", "t");
	f.first_room = 0;
	roster_join(&f, "/a", "m", 30, 3);		/* in front of where it is */
	roster_soon(&f);
	roster_join(&f, "/a", "z", 30, 3);		/* and behind */
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
	roster_told(b, &(int){ 0 });
	b->room = 0;
	node_told(&f, "/a", "t", SHAKE("/a", "/b", ",\"n\":1"), 200, "present");
	assert_true(b->conn.blocked);
	roster_join(&f, "/a", "n", 100, 3);
	fake_pass(&f, TICK - 2000);
	node_told(&f, "/a", "t", SHAKE("/a", "/b", ",\"n\":2"), 200, "present");
	fake_room(&f, b, SIZE_MAX);
	node_hears(b, 1, SHAKE_BODY("/a", "/b", ",\"n\":2"));
	assert_int_equal(roster_count(b), 0);
	fake_pass(&f, TICK);
	assert_int_equal(roster_count(b), 49);		/* and itself */
	node_gone(&f, a);
	node_gone(&f, b);
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
		T(test_costs_nothing_unused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
