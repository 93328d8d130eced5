/* test-health - what GET /health says of a server that is well, of one that is not, and to whom how much. */
#include "config.h"

#include "unit.h"

#include <sqlite3.h>
#include <stdio.h>

#include <json-c/json.h>

#include "err.h"
#include "hub-private.h"
#include "peer.h"
#include "socket.h"
#include "store-ops.h"

static struct fake f;
static struct store_ops failing;	/* those of f, but for some */

static int
start(const char *journal)
{
	fake_start(&f);
	strcpy(f.conf.websocket, "on");
	strcpy(f.conf.journal, journal);
	fake_run(&f);
	failing = *f.hub.store->ops;
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	return start("auto");
}

static int
setup_rollback(void **state)
{
	(void)state;
	return start("rollback");
}

static int
teardown(void **state)
{
	(void)state;
	fake_stop(&f);
	return 0;
}

/* ---- an answer, and a member of it by its path, "store.schema" ---- */

static struct json_object *
health(int status)
{
	struct fake_conn *c = fake_get(&f, "/health", NULL);
	const char *body = strstr(fake_text(c), "\r\n\r\n");
	struct json_object *o;

	assert_int_equal(fake_status(c), status);
	assert_non_null(strstr(fake_text(c), "Content-Type: application/json\r\n"));
	assert_non_null(body);
	o = json_tokener_parse(body);
	assert_non_null(o);
	fake_free(c);
	return o;
}

static struct json_object *
member(struct json_object *o, const char *path)
{
	struct str rest = str_from(path), name;
	char text[32];

	while (rest.n > 0) {
		str_cut(rest, '.', &name, &rest);
		assert_int_equal(str_copy(name, text, sizeof text), 0);
		row_assert(json_object_object_get_ex(o, text, &o), "%s", path);
	}
	return o;
}

static void
says(struct json_object *o, const char *path, const char *want)
{
	row_assert(strcmp(json_object_get_string(member(o, path)), want) == 0, "%s is %s, not %s", path,
	    json_object_get_string(member(o, path)), want);
}

/* ---- well ---- */

static void
test_well(void **state)
{
	struct json_object *o = health(200);

	(void)state;
	says(o, "status", "pass");
	says(o, "version", PACKAGE_VERSION);
	says(o, "gate", "fastcgi");
	says(o, "websocket", "yes");
	says(o, "process.uptime_s", "0");
	says(o, "process.streams", "0");
	says(o, "process.max_streams", "16000");
	says(o, "store.journal", "wal");
	says(o, "peers", "{ \"peerjs\": 0, \"star\": 0 }");
	says(o, "messages", "{ \"waiting\": 0, \"total\": 0 }");
	says(o, "transports", "[ \"sse\", \"poll\", \"xhr\", \"websocket\" ]");
	assert_false(json_object_object_get_ex(o, "output", NULL));
	json_object_put(o);
}

/* It counts what is there. */
static void
test_counts(void **state)
{
	struct fake_conn *a = peer_stream(&f, "a", "ta"), *b = peer_stream(&f, "b", "tb"), *star;
	struct fake_conn *c = peer_stream(&f, "c", "tc");
	struct json_object *o;

	(void)state;
	star = fake_get(&f, "/star?addr=/x&token=t", NULL);
	peer_gone(&f, b);
	fake_turn(&f);
	peer_told(&f, "c", "tc", "{\"type\":\"CANDIDATE\",\"dst\":\"a\",\"payload\":1}", 200, "present");
	peer_told(&f, "a", "ta", "{\"type\":\"CANDIDATE\",\"dst\":\"b\",\"payload\":1}", 200, "queued");
	peer_told(&f, "a", "ta", "{\"type\":\"CANDIDATE\",\"dst\":\"nobody\",\"payload\":1}", 200, "queued");
	fake_pass(&f, 2500);
	o = health(200);
	says(o, "process.uptime_s", "2");
	says(o, "process.streams", "3");
	says(o, "peers.peerjs", "3");
	says(o, "peers.star", "1");
	says(o, "messages.total", "3");
	says(o, "messages.waiting", "2");	/* the one to a was taken */
	json_object_put(o);
	fake_gone(&f, star);
	fake_free(star);
	peer_gone(&f, a);
	peer_gone(&f, c);
}

static void
test_head(void **state)
{
	struct fake_conn *c = fake_request(&f, "HEAD", "/health/", NULL, NULL);
	char *body = strstr(fake_text(c), "\r\n\r\n");

	(void)state;
	assert_int_equal(fake_status(c), 200);
	assert_non_null(body);
	assert_string_equal(body, "\r\n\r\n");
	fake_free(c);
}

/* ---- how much ---- */

static void
test_brief(void **state)
{
	struct json_object *o;

	(void)state;
	strcpy(f.conf.health, "brief");
	o = health(200);
	assert_int_equal(json_object_object_length(o), 2);
	says(o, "status", "pass");
	says(o, "version", PACKAGE_VERSION);
	json_object_put(o);
	f.hub.lost = -ERR_FULL;
	f.hub.lost_at = f.mono;
	o = health(503);
	assert_int_equal(json_object_object_length(o), 2);
	says(o, "status", "fail");
	json_object_put(o);
}

static void
test_off(void **state)
{
	struct fake_conn *c;

	(void)state;
	strcpy(f.conf.health, "off");
	c = fake_get(&f, "/health", NULL);
	assert_int_equal(fake_status(c), 404);
	assert_null(strstr(fake_text(c), PACKAGE_VERSION));
	fake_free(c);
}

/* ---- not well ---- */

static void
is_ill(const char *why)
{
	struct json_object *o = health(503);

	says(o, "status", "fail");
	says(o, "output", why);
	says(o, "gate", "fastcgi");
	assert_false(json_object_object_get_ex(o, "store", NULL));
	json_object_put(o);
}

/* As while it cannot be opened again. */
static void
test_no_store(void **state)
{
	struct store *s = f.hub.store;

	(void)state;
	f.hub.store = NULL;
	is_ill("The database cannot be opened; the log says why.");
	f.hub.store = s;
}

/* Who has the lock for long makes it ill; for a moment, it only takes longer. */
static void
test_locked(void **state)
{
	struct fake_conn *c;
	sqlite3 *other;

	(void)state;
	assert_int_equal(sqlite3_open(f.conf.db, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	c = fake_get(&f, "/health", NULL);
	fake_pass(&f, 900);
	assert_int_equal(fake_status(c), 0);
	fake_pass(&f, 200);
	assert_int_equal(fake_status(c), 503);
	assert_non_null(strstr(fake_text(c), "\"output\":\"The database stays busy: "));
	fake_free(c);
	c = fake_get(&f, "/health", NULL);
	fake_pass(&f, 500);
	assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	fake_pass(&f, 100);
	assert_int_equal(fake_status(c), 200);
	fake_free(c);
	sqlite3_close(other);
}

static int
fill_up(struct store *s)
{
	s->ops->rollback(s);
	return -ERR_FULL;
}

/* What was lost is told for a while: until the next turn nobody knows whether there is room again. */
static void
test_lost(void **state)
{
	const struct store_ops *ops = f.hub.store->ops;
	struct fake_conn *a = peer_stream(&f, "a", "ta");

	(void)state;
	failing.commit = fill_up;
	f.hub.store->ops = &failing;
	peer_told(&f, "a", "ta", "{\"type\":\"CANDIDATE\",\"dst\":\"b\",\"payload\":1}", 507, "");
	f.hub.store->ops = ops;
	is_ill("The disk or the database is full.");
	fake_pass(&f, 9900);
	is_ill("The disk or the database is full.");
	fake_pass(&f, 200);
	json_object_put(health(200));
	peer_gone(&f, a);
}

static int
pulse_nothing(struct store *s, struct store_pulse *out)
{
	(void)s, (void)out;
	return -ERR_IO;
}

static void
test_unreadable(void **state)
{
	const struct store_ops *ops = f.hub.store->ops;

	(void)state;
	failing.pulse = pulse_nothing;
	f.hub.store->ops = &failing;
	is_ill("The database cannot be read or written; the log says more.");
	f.hub.store->ops = ops;
}

/* ---- WebSocket ---- */

/* Whoever has spoken on one has shown that they get through. */
static void
test_upgraded(void **state)
{
	struct fake_conn *c;
	struct json_object *o;

	(void)state;
	c = socket_peer(&f, "a", "ta");
	strcpy(f.conf.websocket, "auto");
	o = health(200);
	says(o, "websocket", "no");
	json_object_put(o);
	socket_says(&f, c, "{\"type\":\"HEARTBEAT\"}");
	o = health(200);
	says(o, "websocket", "yes");
	json_object_put(o);
	socket_free(&f, c);
	strcpy(f.conf.websocket, "off");
	o = health(200);
	says(o, "transports", "[ \"sse\", \"poll\", \"xhr\" ]");
	json_object_put(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_well, setup, teardown),
		cmocka_unit_test_setup_teardown(test_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_head, setup, teardown),
		cmocka_unit_test_setup_teardown(test_brief, setup, teardown),
		cmocka_unit_test_setup_teardown(test_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_store, setup, teardown),
		cmocka_unit_test_setup_teardown(test_locked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_locked, setup_rollback, teardown),
		cmocka_unit_test_setup_teardown(test_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unreadable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_upgraded, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
