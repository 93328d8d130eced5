/* test-roster-wide - who is joined, told by several processes, to mailboxes of other realms, and to polls. */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "hub-private.h"
#include "roster.h"
#include "route.h"

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
	roster_soon(&f);
	fake_join(&other, &f);
	b = node_stream(&other, "/b", "t");
	pass_both(&other, 200);
	roster_is_told(b, "/a ");		/* read when the first one joined there */
	roster_is_told(a, "");
	pass_both(&other, TICK);
	roster_is_told(a, "/b ");
	roster_is_told(b, "/a ");
	join_by(&other, "/a", "/a2");	/* an event that came to the other process */
	pass_both(&other, TICK);
	roster_is_told(a, "/b ");
	roster_is_told(b, "/a2 /a /a2 ");	/* as news, and in its turn */
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
	roster_is_told(s, "");
	assert_int_equal(hub_begin(&other.hub), 0);
	assert_int_equal(store_claim_add(other.hub.store, STAR_REALM, STR("/s"), session, true), 0);
	fake_turn(&other);
	pass_both(&other, TICK);
	roster_is_told(s, "/a ");
	roster_is_told(a, "/s ");
	assert_int_equal(hub_begin(&f.hub), 0);
	assert_int_equal(store_claim_drop(f.hub.store, STAR_REALM, STR("/s"), session), 0);
	pass_both(&other, TICK);
	roster_told(s, &(int){ 0 });
	pass_both(&other, TICK);
	roster_is_told(s, "");
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
	roster_join(&f, "/a", "n", MANY, 200);
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

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_two_processes), T(test_session_joins_and_leaves), T(test_polls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
