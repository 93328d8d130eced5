/*
 * test-hub-fails - a store that fails amid a request: what was answered, or opened, before it did.
 */
#include "config.h"

#include "unit.h"

#include "err.h"
#include "hub-private.h"
#include "peer.h"
#include "session.h"
#include "store-ops.h"

static struct fake f;
static struct store_ops failing;	/* those of f, but for some */

static int
setup(void **state)
{
	(void)state;
	fake_start(&f);
	fake_run(&f);
	failing = *f.hub.store->ops;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
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

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_answered_in_vain), T(test_opened_in_vain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
