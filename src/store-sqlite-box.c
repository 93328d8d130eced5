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
	sqlite3_stmt *q = lite_get(l, SQL_BOX_END);
	int err;

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

/* ---- taken ---- */

struct kept {			/* of one box, while it is being changed */
	int64_t	id;
	int64_t	taken;
	int64_t	rows, bytes;	/* up to taken, still there */
	int64_t	dropped;	/* highest seq dropped now; 0: none */
};

static int
load_kept(struct lite *l, int64_t id, struct kept *k)
{
	sqlite3_stmt *q = lite_get(l, SQL_BOX_KEPT);
	int err;

	lite_int(q, ":id", id);
	err = lite_row(l, q);
	if (err != 0)
		return err;
	*k = (struct kept){ id, sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1),
	    sqlite3_column_int64(q, 2), 0 };
	lite_done(q);
	return 0;
}

static int
save_kept(struct lite *l, const struct kept *k)
{
	sqlite3_stmt *q = lite_get(l, SQL_BOX_KEEP);

	lite_int(q, ":id", k->id);
	lite_int(q, ":taken", k->taken);
	lite_int(q, ":kept", k->rows);
	lite_int(q, ":bytes", k->bytes);
	lite_int(q, ":dropped", k->dropped);
	lite_stale(l);
	return lite_run(l, q);
}

/* Adds (sign 1) or subtracts (-1) what lies above `after` up to seq. */
static int
count(struct lite *l, struct kept *k, int64_t after, int64_t seq, int sign)
{
	sqlite3_stmt *q = lite_get(l, SQL_MSG_BETWEEN);
	int err;

	lite_int(q, ":box", k->id);
	lite_int(q, ":after", after);
	lite_int(q, ":seq", seq);
	err = lite_row(l, q);
	if (err != 0)
		return err;
	k->rows += sign * sqlite3_column_int64(q, 0);
	k->bytes += sign * sqlite3_column_int64(q, 1);
	lite_done(q);
	return 0;
}

/* Never back, and never past what was given out: that would hide messages yet to come. */
static int
advance(struct lite *l, struct kept *k, int64_t seq)
{
	int64_t last, from = k->taken;
	int err;

	if (seq <= from)
		return 0;
	err = lite_last(l, &last);
	if (err != 0)
		return err;
	if (seq > last)
		seq = last;
	if (seq <= from)
		return 0;
	k->taken = seq;
	return count(l, k, from, seq, 1);
}

static int
delete_up_to(struct lite *l, int64_t id, int64_t seq)
{
	sqlite3_stmt *q = lite_get(l, SQL_MSG_ACK);
	int err = lite_give_no_more(l, seq);

	lite_int(q, ":box", id);
	lite_int(q, ":seq", seq);
	return err != 0 ? err : lite_run(l, q);
}

static bool
over(const struct kept *k)
{
	return k->rows > TAKEN_KEEP_ROWS || k->bytes > TAKEN_KEEP_BYTES;
}

/* Drops the oldest until the rest is within the limits. */
static int
trim(struct lite *l, struct kept *k)
{
	sqlite3_stmt *q = lite_get(l, SQL_MSG_OLDEST);
	int got = 0;

	lite_int(q, ":box", k->id);
	lite_int(q, ":seq", k->taken);
	while (over(k) && (got = lite_step(l, q)) == 1) {
		k->dropped = sqlite3_column_int64(q, 0);
		k->rows--;
		k->bytes -= sqlite3_column_int64(q, 1);
	}
	lite_done(q);
	if (got == 0 && over(k))	/* no row left to drop: the count was wrong */
		k->rows = k->bytes = 0;
	return got < 0 ? got : delete_up_to(l, k->id, k->dropped);
}

int
lite_box_taken(struct store *s, int64_t id, int64_t seq)
{
	struct lite *l = (struct lite *)s;
	struct kept k;
	int64_t was;
	int err = load_kept(l, id, &k);

	if (err != 0)
		return err;
	was = k.taken;
	err = advance(l, &k, seq);
	if (err == 0 && over(&k))
		err = trim(l, &k);
	return err != 0 || k.taken == was ? err : save_kept(l, &k);
}

int
lite_box_ack(struct store *s, int64_t id, int64_t seq)
{
	struct lite *l = (struct lite *)s;
	struct kept k;
	int err = load_kept(l, id, &k);

	if (err == 0)
		err = advance(l, &k, seq);
	if (err == 0)
		err = count(l, &k, 0, seq, -1);
	if (err == 0)
		err = delete_up_to(l, id, seq);
	return err != 0 ? err : save_kept(l, &k);
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
