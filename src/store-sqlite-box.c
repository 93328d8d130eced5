/* store-sqlite-box - mailboxes: every verb is one or two indexed statements. */
#include "config.h"

#include "store-sqlite.h"

void
lite_alive(struct lite *l, sqlite3_stmt *q)
{
	lite_int(q, ":now", l->now);
	lite_int(q, ":alive", l->now - HUB_LEASE_MS);
}

void
lite_read_box(sqlite3_stmt *q, struct box *b)
{
	struct str token;

	memset(b, 0, sizeof *b);
	b->id = sqlite3_column_int64(q, 0);
	str_copy(lite_column(q, 1), b->realm, sizeof b->realm);
	b->state = sqlite3_column_int(q, 2) == 0 ? BOX_LIVE : BOX_ENDED;
	b->hub = sqlite3_column_int64(q, 3);
	b->gen = sqlite3_column_int64(q, 4);
	b->until = sqlite3_column_int64(q, 5);
	b->taken = sqlite3_column_int64(q, 6);
	b->dropped = sqlite3_column_int64(q, 7);
	b->n = sqlite3_column_int64(q, 8);
	b->present = sqlite3_column_int(q, 9) != 0;
	token = lite_column(q, 10);
	if (token.n == HASH_SIZE)
		memcpy(b->token, token.p, HASH_SIZE);
}

static int
fetch(struct lite *l, sqlite3_stmt *q, struct box *b)
{
	int err;

	lite_alive(l, q);
	err = lite_row(l, q);
	if (err != 0)
		return err;
	lite_read_box(q, b);
	lite_done(q);
	return 0;
}

int
lite_box_add(struct store *s, const char *realm, const unsigned char *token,
    const unsigned char *handle, int64_t *id)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q;
	int err;

	if (strlen(realm) >= REALM_MAX)
		return -ERR_BAD;
	q = lite_get(l, SQL_BOX_ADD);
	lite_text(q, ":realm", realm);
	lite_blob(q, ":token", token, HASH_SIZE);
	lite_blob(q, ":handle", handle, HASH_SIZE);
	lite_int(q, ":now", l->now);
	err = lite_change(l, q);
	if (err != 0)
		return err == -ERR_NOTFOUND ? -ERR_CONFLICT : err;
	*id = sqlite3_last_insert_rowid(l->db);
	return 0;
}

int
lite_box_by_token(struct store *s, const char *realm, const unsigned char *token, struct box *b)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_BOX_BY_TOKEN);

	lite_text(q, ":realm", realm);
	lite_blob(q, ":token", token, HASH_SIZE);
	return fetch(l, q, b);
}

int
lite_box_by_handle(struct store *s, const char *realm, const unsigned char *handle, struct box *b)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_BOX_BY_HANDLE);

	lite_text(q, ":realm", realm);
	lite_blob(q, ":handle", handle, HASH_SIZE);
	return fetch(l, q, b);
}

int
lite_box_get(struct store *s, int64_t id, struct box *b)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_BOX_GET);

	lite_int(q, ":id", id);
	return fetch(l, q, b);
}

int
lite_box_attach(struct store *s, int64_t id, int64_t hub, int64_t *gen)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_BOX_ATTACH);
	int err;

	lite_int(q, ":id", id);
	lite_int(q, ":hub", hub);
	err = lite_change(l, q);
	if (err != 0)
		return err;
	q = lite_get(l, SQL_BOX_GEN);
	lite_int(q, ":id", id);
	return lite_number(l, q, gen);
}

int
lite_box_detach(struct store *s, int64_t id, int64_t gen, int64_t until)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_BOX_DETACH);

	lite_int(q, ":id", id);
	lite_int(q, ":gen", gen);
	lite_int(q, ":until", until);
	return lite_change(l, q);
}

int
lite_box_end(struct store *s, int64_t id)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q;
	int err = lite_id(l, SQL_BOX_END_BEFORE, ":id", id);

	if (err != 0)
		return err;
	q = lite_get(l, SQL_BOX_END);
	lite_int(q, ":id", id);
	err = lite_change(l, q);
	if (err == 0)
		err = lite_id(l, SQL_CLAIM_FORGET, ":box", id);
	if (err == 0)
		err = lite_id(l, SQL_LINK_ORPHAN, ":box", id);
	if (err == 0)
		err = lite_id(l, SQL_LINK_FORGET, ":box", id);
	lite_stale(l);
	return err;
}

int
lite_box_touch(struct store *s, int64_t id)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_BOX_TOUCH);

	lite_int(q, ":id", id);
	lite_int(q, ":now", l->now);
	return lite_change(l, q);
}

/* Ended ones are away, too, but their realm's names are not theirs any more. */
int
lite_box_longest_away(struct store *s, const char *realm, int64_t since, int64_t *id)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_BOX_LONGEST_AWAY);
	int got, left = BOX_LOOK_MAX;

	lite_int(q, ":limit", since);
	while ((got = lite_step(l, q)) == 1 && left-- > 0) {
		*id = sqlite3_column_int64(q, 0);
		if (sqlite3_column_int(q, 2) != 0 || !str_eq(lite_column(q, 1), str_from(realm)))
			continue;
		lite_done(q);
		return 0;
	}
	if (got == 1)
		lite_done(q);
	return got < 0 ? got : -ERR_NOTFOUND;
}

/* ---- repeated requests ---- */

static int
exists(struct lite *l, int64_t id)
{
	sqlite3_stmt *q = lite_get(l, SQL_BOX_EXISTS);

	lite_int(q, ":id", id);
	return lite_has(l, q);
}

int
lite_box_accept(struct store *s, int64_t id, int64_t n)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_BOX_ACCEPT);
	int err;

	lite_int(q, ":id", id);
	lite_int(q, ":n", n);
	err = lite_change(l, q);
	if (err != -ERR_NOTFOUND)
		return err;
	err = exists(l, id);
	return err == 0 ? -ERR_REPEATED : err;
}
