/*
 * test-hub-fails - a store that fails amid a request, or is another one, or has forgotten this process, while
 * somebody is amid something; and what the log says of it.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#include "err.h"
#include "hub-private.h"
#include "log.h"
#include "peer.h"
#include "session.h"
#include "socket.h"
#include "store-ops.h"

static struct fake f, g;		/* g: another process */
static struct store_ops failing;	/* those of f, but for some */

static int
setup(void **state)
{
	(void)state;
	fake_start(&f);
	strcpy(f.conf.websocket, "on");
	f.conf.grace_ms = 60000;
	fake_run(&f);
	failing = *f.hub.store->ops;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	if (g.hub.loop != NULL)
		fake_stop(&g);
	fake_stop(&f);
	return 0;
}

/* ---- after it was answered ---- */

static int
accept_nothing(struct store *s, int64_t id, int64_t n)
{
	(void)s, (void)id, (void)n;
	return -ERR_IO;
}

/* The answer is taken back with what was written. */
static void
test_answered_in_vain(void **state)
{
	const struct store_ops *ops = f.hub.store->ops;
	struct fake_conn *a = peer_stream(&f, "a", "ta"), *up;

	(void)state;
	failing.box_accept = accept_nothing;
	f.hub.store->ops = &failing;
	up = fake_post(&f, peer_uri("a", "ta", "&n=1"), "{\"type\":\"LEAVE\"}");
	f.hub.store->ops = ops;
	assert_int_equal(fake_status(up), err_status(-ERR_IO));
	assert_null(strstr(fake_text(up), "left"));
	assert_false(a->done);
	fake_free(up);
	peer_gone(&f, a);
}

static int
claim_nothing(struct store *s, const char *realm, int64_t box)
{
	(void)s, (void)realm, (void)box;
	return -ERR_IO;
}

/* So is a stream that was opened. */
static void
test_opened_in_vain(void **state)
{
	const struct store_ops *ops = f.hub.store->ops;
	struct session_of a = session_open(&f, 4);
	struct fake_conn *poll;

	(void)state;
	failing.claim_any = claim_nothing;
	f.hub.store->ops = &failing;
	poll = session_poll(&f, &a);
	f.hub.store->ops = ops;
	assert_int_equal(fake_status(poll), err_status(-ERR_IO));
	assert_true(poll->done);
	fake_free(poll);
	hub_assert_sane(&f.hub);
	assert_int_equal(f.hub.streams, 0);
	session_joins(&f, &a, "/a", "joined");
	poll = session_waits(&f, &a);
	fake_gone(&f, poll);
	fake_free(poll);
}

/* ---- the log ---- */

static int
find_nobody(struct store *s, const char *realm, const unsigned char *token, struct box *b)
{
	(void)s, (void)realm, (void)token, (void)b;
	return -ERR_IO;
}

/* The token of a client up to 0.3 stands in its path. */
static void
test_log_tells_no_token(void **state)
{
	const struct store_ops *ops = f.hub.store->ops;
	struct fake_conn *c;
	char line[2048];
	ssize_t n;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	log_init(LOG_ERROR, fds[1]);
	failing.box_by_token = find_nobody;
	f.hub.store->ops = &failing;
	c = fake_post(&f, "/peerjs/a/SECRET/offer", "{}");
	f.hub.store->ops = ops;
	log_init(LOG_ERROR, STDERR_FILENO);
	close(fds[1]);
	n = read(fds[0], line, sizeof line - 1);
	close(fds[0]);
	assert_true(n > 0);
	line[n] = '\0';
	assert_int_equal(fake_status(c), err_status(-ERR_IO));
	row_assert(strstr(line, "/offer") != NULL && strstr(line, "SECRET") == NULL, "%s", line);
	fake_free(c);
}

/* ---- while it waits for a verdict ---- */

/* Somebody has "k", and the WebSocket wants it. */
static struct fake_conn *
contender(struct fake_conn **holder)
{
	struct fake_conn *a = socket_open(&f, "/sigver");

	*holder = socket_open(&f, "/sigver");
	socket_says(&f, *holder, "{\"open\":\"k\"}");
	socket_is_told(*holder, "text({\"isKeyOk\":true}) ");
	socket_says(&f, a, "{\"open\":\"k\"}");
	fake_pass(&f, 100);
	socket_told(*holder);
	socket_is_told(a, "");
	assert_false(list_empty(&f.hub.waiting));
	return a;
}

/* Who spoke there has no box in the store that is now; another may have one of the same number. */
static void
test_replaced(void **state)
{
	struct fake_conn *holder, *a = contender(&holder);
	char name[CONF_STR_MAX + 8];

	(void)state;
	snprintf(name, sizeof name, "%s-wal", f.conf.db);
	unlink(name);
	unlink(f.conf.db);
	f.hub.looked = 0;
	hub_on_tick(&f.hub.tick);
	assert_true(a->done && holder->done);
	assert_true(list_empty(&f.hub.waiting) && list_empty(&f.hub.orphans));
	socket_free(&f, holder);
	socket_free(&f, a);
}

/* The process has a new lease, and its WebSockets go on. */
static void
test_lease_lost(void **state)
{
	struct fake_conn *holder, *a = contender(&holder);
	int64_t before = f.hub.id;

	(void)state;
	fake_join(&g, &f);
	fake_pass(&g, HUB_LEASE_MS + 3000);
	f.mono = g.mono;
	f.real = g.real;
	f.loop.fresh = false;
	hub_on_tick(&f.hub.tick);
	assert_int_not_equal(f.hub.id, before);
	fake_pass(&f, 100);
	socket_says(&f, holder, "{\"data\":\"I am here no more\"}");	/* breaks a rule */
	fake_pass(&f, 200);
	assert_non_null(strstr(socket_told(a), "text({\"isKeyOk\":true}) "));
	socket_free(&f, holder);
	socket_free(&f, a);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_answered_in_vain), T(test_opened_in_vain), T(test_log_tells_no_token), T(test_replaced), T(test_lease_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
