/* store-sqlite-key - API keys: a few rows; servers read them all when one has changed. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <uuid/uuid.h>

#include "store-sqlite.h"

_Static_assert(UUID_STR_LEN <= KEY_MAX, "a realm takes a UUID");

static void
read_key(sqlite3_stmt *q, struct realm_key *k)
{
	*k = (struct realm_key){ .id = sqlite3_column_int64(q, 0) };
	str_copy(lite_column(q, 1), k->name, sizeof k->name);
	str_copy(lite_column(q, 2), k->realm, sizeof k->realm);
	k->enabled = sqlite3_column_int(q, 3) != 0;
	k->discovery = sqlite3_column_int(q, 4) != 0;
	k->expires = sqlite3_column_int64(q, 5);
	k->max_peers = sqlite3_column_int64(q, 6);
	k->rate = sqlite3_column_int64(q, 7);
	k->rate_ms = sqlite3_column_int64(q, 8);
	k->burst = sqlite3_column_int64(q, 9);
	str_copy(lite_column(q, 10), k->origins, sizeof k->origins);
	k->created = sqlite3_column_int64(q, 11);
	k->peers = sqlite3_column_int64(q, 12);
}

int
lite_key_get(struct store *s, struct str name, struct realm_key *k)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_KEY_GET);
	char text[KEY_MAX];
	int err;

	if (str_copy(name, text, sizeof text) < 0)
		return -ERR_NOTFOUND;
	lite_text(q, ":name", text);
	err = lite_row(l, q);
	if (err != 0)
		return err;
	read_key(q, k);
	lite_done(q);
	return 0;
}

int
lite_key_list(struct store *s, key_fn *fn, void *arg)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_KEY_LIST);
	struct realm_key k;
	int got;

	while ((got = lite_step(l, q)) == 1) {
		read_key(q, &k);
		if (fn(arg, &k) != 0) {
			lite_done(q);
			return 0;
		}
	}
	return got;
}

int
lite_key_version(struct store *s, int64_t *v)
{
	return lite_meta_get((struct lite *)s, "keys", v);
}

/* ---- making and changing ---- */

/* 0: a key leads there, or one did and not all of its mailboxes are deleted. */
static int
realm_used(struct lite *l, const char *realm)
{
	sqlite3_stmt *q = lite_get(l, SQL_KEY_REALM);
	int err;

	lite_text(q, ":realm", realm);
	err = lite_has(l, q);
	if (err != -ERR_NOTFOUND)
		return err;
	q = lite_get(l, SQL_GONE_HAS);
	lite_text(q, ":realm", realm);
	return lite_has(l, q);
}

/* Its name, where that is free: whoever looks into the database understands it. */
static int
choose_realm(struct lite *l, const char *name, char realm[KEY_MAX])
{
	uuid_t random;
	int err;

	str_copy(str_from(name), realm, KEY_MAX);
	err = realm_used(l, realm);
	if (err != 0)
		return err == -ERR_NOTFOUND ? 0 : err;
	uuid_generate_random(random);
	uuid_unparse_lower(random, realm);
	return 0;
}

/* 0: it is there now, or was there before. */
static int
make(struct lite *l, const char *name, const char *realm)
{
	struct realm_key old;
	char chosen[KEY_MAX];
	sqlite3_stmt *q;
	int err = lite_key_get(&l->base, str_from(name), &old);

	if (err != -ERR_NOTFOUND)
		return err;
	err = realm[0] != '\0' ? str_copy(str_from(realm), chosen, sizeof chosen) : choose_realm(l, name, chosen);
	if (err < 0)
		return err;
	q = lite_get(l, SQL_KEY_ADD);
	lite_text(q, ":name", name);
	lite_text(q, ":realm", chosen);
	lite_int(q, ":now", l->now);
	return lite_run(l, q);
}

int
lite_key_set(struct store *s, struct str name, bool discovery)
{
	struct lite *l = (struct lite *)s;
	char text[KEY_MAX];
	sqlite3_stmt *q;
	int err;

	if (name.n == 0 || str_copy(name, text, sizeof text) < 0)
		return -ERR_BAD;
	err = make(l, text, "");
	if (err != 0)
		return err;
	q = lite_get(l, SQL_KEY_DISCOVERY);
	lite_text(q, ":name", text);
	lite_int(q, ":discovery", discovery);
	return lite_run(l, q);
}

int
lite_key_put(struct store *s, const struct realm_key *k)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q;
	int err = k->name[0] == '\0' ? -ERR_BAD : make(l, k->name, k->realm);

	if (err != 0)
		return err;
	q = lite_get(l, SQL_KEY_CHANGE);
	lite_text(q, ":name", k->name);
	lite_int(q, ":enabled", k->enabled);
	lite_int(q, ":discovery", k->discovery);
	lite_int(q, ":expires", k->expires);
	lite_int(q, ":max_peers", k->max_peers);
	lite_int(q, ":rate", k->rate);
	lite_int(q, ":rate_ms", k->rate_ms);
	lite_int(q, ":burst", k->burst);
	lite_text(q, ":origins", k->origins);
	return lite_run(l, q);
}

/* ---- removing ---- */

int
lite_key_drop(struct store *s, struct str name)
{
	struct lite *l = (struct lite *)s;
	struct realm_key k;
	sqlite3_stmt *q;
	int err = lite_key_get(s, name, &k);

	if (err == 0 && k.realm[0] == '\0')
		err = -ERR_BAD;
	if (err != 0)
		return err;
	q = lite_get(l, SQL_KEY_DROP);
	lite_text(q, ":name", k.name);
	err = lite_run(l, q);
	if (err == 0)
		err = realm_used(l, k.realm);
	if (err != -ERR_NOTFOUND)
		return err;
	q = lite_get(l, SQL_GONE_ADD);
	lite_text(q, ":realm", k.realm);
	return lite_run(l, q);
}

static int
next_box(struct lite *l, const char *prefix, const char *realm, int64_t *id)
{
	sqlite3_stmt *q = lite_get(l, SQL_GONE_BOX);
	char text[REALM_MAX];

	snprintf(text, sizeof text, "%s%s", prefix, realm);
	lite_text(q, ":realm", text);
	return lite_number(l, q, id);
}

int
lite_gone_box(struct lite *l, int64_t *id)
{
	char realm[KEY_MAX];
	sqlite3_stmt *q;
	int err;

	for (;;) {
		q = lite_get(l, SQL_GONE_FIRST);
		err = lite_row(l, q);
		if (err != 0)
			return err;
		str_copy(lite_column(q, 0), realm, sizeof realm);
		lite_done(q);
		err = next_box(l, KEY_REALM, realm, id);
		if (err == -ERR_NOTFOUND)
			err = next_box(l, KEY_VOID_REALM, realm, id);
		if (err != -ERR_NOTFOUND)
			return err;
		q = lite_get(l, SQL_GONE_DONE);
		lite_text(q, ":realm", realm);
		err = lite_run(l, q);
		if (err != 0)
			return err;
	}
}
