/* test-store-sqlite-old - databases that an earlier schema version left are as good as new ones. */
#include "config.h"

#include <stdio.h>

#include "test-store-sqlite.h"

/* Version 1 as it was used: message 4 was the last one and has gone, 1 was taken. */
static const char used_1[] =
    "INSERT INTO meta VALUES ('epoch', '00112233445566ff'), ('secret', zeroblob(32)), ('inode', 0), "
    "('swept', 1700000000000), ('mark', 2), ('judged', 1699999990000), ('judged_seq', 1);"
    "INSERT INTO box (realm, token, until, taken, kept, kept_bytes) VALUES "
    "('r', zeroblob(32), 1700000000000, 1, 1, 3);"
    "INSERT INTO msg (box, src, kind, due, size, body) VALUES "
    "(1, 7, 0, 1700000005000, 3, 'one'), (1, 7, 0, 1700000005000, 3, 'two'), "
    "(1, 7, 2, 1700000009000, 5, 'three'), (1, 7, 0, 1700000005000, 4, 'four');"
    "DELETE FROM msg WHERE seq = 4;";

static void
make_version(int version, const char *fill)
{
	const char *const *steps;
	sqlite3 *db;
	int known;

	steps = sql_schema(&known);
	assert_int_equal(sqlite3_open(place.path, &db), SQLITE_OK);
	assert_int_equal(sql_migrate(db, steps, 0, version), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, fill, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

struct seen {
	int	n;
	int64_t	seq[4], kind[4];
	size_t	size[4];
};

static int
see(void *arg, const struct msg_row *m)
{
	struct seen *seen = arg;

	seen->seq[seen->n] = m->seq;
	seen->kind[seen->n] = m->kind;
	seen->size[seen->n++] = m->body.n;
	return 0;
}

static void
messages_of_version_1_stay(void **state)
{
	struct seen seen = { 0 };
	struct store *s;
	struct box b;

	(void)state;
	make_version(1, used_1);
	s = place_open(true);
	ok(store_msg_read(s, 1, 0, see, &seen));
	assert_int_equal(seen.n, 3);
	assert_true(seen.seq[0] == 1 && seen.seq[1] == 2 && seen.seq[2] == 3);
	assert_true(seen.kind[2] == 2 && seen.size[2] == 5);
	ok(store_box_get(s, 1, &b));
	assert_int_equal(b.taken, 1);
	store_close(s);
}

static void
positions_of_version_1_are_not_given_again(void **state)
{
	int64_t last;
	struct store *s;

	(void)state;
	make_version(1, used_1);
	s = place_open(true);
	ok(store_msg_last(s, &last));
	assert_int_equal(last, 4);
	ok(store_begin(s, T0));
	assert_int_equal(suite_put(s, 1, T0, 1), 5);
	ok(store_commit(s));
	store_close(s);
}

/* Also those the sweeps of version 1 had done with. */
static void
messages_of_version_1_expire(void **state)
{
	struct store *s;

	(void)state;
	make_version(1, used_1);
	s = place_open(true);
	assert_int_equal(suite_sweep_at(s, T0 + 5001 + EXPIRY_SLACK_MS).messages, 1);
	assert_int_equal(suite_sweep_at(s, T0 + 9001 + EXPIRY_SLACK_MS).messages, 1);
	assert_int_equal(suite_rows(s, 1, NULL), 1);
	store_close(s);
}

/* Version 1 before its first message: nothing was ever given out. */
static void
an_empty_version_1_starts_at_1(void **state)
{
	struct store *s;
	int64_t last = -1;

	(void)state;
	make_version(1, "INSERT INTO meta VALUES ('epoch', '00112233445566ff'), ('secret', zeroblob(32)), "
	    "('inode', 0);");
	s = place_open(true);
	ok(store_msg_last(s, &last));
	assert_int_equal(last, 0);
	ok(store_begin(s, T0));
	assert_int_equal(suite_put(s, suite_box(s, 1), T0, 1), 1);
	ok(store_commit(s));
	store_close(s);
}

/* Version 4 as it was used: a peer under each of two keys, one with discovery, a multiaddr, and what waits. */
static const char used_4[] =
    "INSERT INTO meta VALUES ('epoch', '00112233445566ff'), ('secret', zeroblob(32)), ('inode', 0), ('swept', 1700000000000);"
    "INSERT INTO realm_key (name, discovery) VALUES ('club', 1), ('star', 0);"
    "INSERT INTO box (realm, token, until) VALUES ('peer/club', zeroblob(32), 1700000000000), "
    "('peer/peerjs', zeroblob(32), 1700000000000), ('star', zeroblob(32), 1700000000000);"
    "INSERT INTO claim (realm, name, box) VALUES ('peer/club', CAST('anna' AS BLOB), 1), "
    "('peer/peerjs', CAST('ben' AS BLOB), 2), ('star', CAST('/ip4/1' AS BLOB), 3);"
    "INSERT INTO msg (box, src, kind, due, size, body) VALUES (1, 2, 5, 1700000005000, 3, 'one');";

static void
keys_and_peers_of_version_4_stay(void **state)
{
	struct seen seen = { 0 };
	struct realm_key k;
	struct store *s;
	struct box b;
	int64_t n;

	(void)state;
	make_version(4, used_4);
	s = place_open(true);
	ok(store_key_get(s, STR("club"), &k));
	assert_true(k.enabled && k.discovery && k.peers == 1 && k.expires == 0 && k.max_peers == 0 && k.rate == 0);
	assert_string_equal(k.realm, "club");
	ok(store_key_get(s, STR("peerjs"), &k));
	assert_true(k.enabled && !k.discovery && k.peers == 1);
	ok(store_key_get(s, STR("star"), &k));	/* what an administrator wrote by hand could not be used */
	assert_string_equal(k.realm, "");
	ok(store_claim_holder(s, "peer/club", STR("anna"), &b));
	ok(store_msg_read(s, b.id, 0, see, &seen));
	assert_int_equal(seen.n, 1);
	ok(store_claim_total(s, STAR_REALM, &n));
	assert_int_equal(n, 1);
	ok(store_begin(s, T0));
	ok(store_box_end(s, 1));		/* it is counted still */
	ok(store_commit(s));
	ok(store_key_get(s, STR("club"), &k));
	assert_int_equal(k.peers, 0);
	store_close(s);
}

const struct CMUnitTest sqlite_old_tests[] = {
	cmocka_unit_test(messages_of_version_1_stay),
	cmocka_unit_test(positions_of_version_1_are_not_given_again),
	cmocka_unit_test(messages_of_version_1_expire),
	cmocka_unit_test(an_empty_version_1_starts_at_1),
	cmocka_unit_test(keys_and_peers_of_version_4_stay),
	{ NULL, NULL, NULL, NULL, NULL }
};
