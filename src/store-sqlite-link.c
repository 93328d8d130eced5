/* store-sqlite-link - who holds a name, and who is which number to whom. */
#include "config.h"

#include "store-sqlite.h"

/* ---- names ---- */

static sqlite3_stmt *
claim(struct lite *l, enum sql id, const char *realm, struct str name)
{
	sqlite3_stmt *q = lite_get(l, id);

	lite_text(q, ":realm", realm);
	lite_blob(q, ":name", name.p, name.n);
	return q;
}

int
lite_claim_has(struct store *s, const char *realm, struct str name, int64_t box)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = claim(l, SQL_CLAIM_HAS, realm, name);

	lite_int(q, ":box", box);
	return lite_has(l, q);
}

/* 0: nobody but box holds it. */
static int
taken_by_other(struct lite *l, const char *realm, struct str name, int64_t box)
{
	sqlite3_stmt *q = claim(l, SQL_CLAIM_OTHER, realm, name);
	int err;

	lite_int(q, ":box", box);
	err = lite_has(l, q);
	if (err == -ERR_NOTFOUND)
		return 0;
	return err == 0 ? -ERR_CONFLICT : err;
}

int
lite_claim_add(struct store *s, const char *realm, struct str name, int64_t box, bool alone)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q;
	int err;

	if (strlen(realm) >= REALM_MAX || name.n > NAME_BYTES_MAX)
		return -ERR_BAD;
	err = alone ? taken_by_other(l, realm, name, box) : 0;
	if (err != 0)
		return err;
	q = claim(l, SQL_CLAIM_ADD, realm, name);
	lite_int(q, ":box", box);
	err = lite_change(l, q);
	return err == -ERR_NOTFOUND ? lite_claim_has(s, realm, name, box) : err;
}

int
lite_claim_holder(struct store *s, const char *realm, struct str name, struct box *b)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = claim(l, SQL_CLAIM_HOLDERS, realm, name);
	struct box next;
	bool any = false;
	int got;

	lite_alive(l, q);
	while ((got = lite_step(l, q)) == 1) {
		lite_read_box(q, &next);
		if (!any || next.present)
			*b = next;
		any = true;
		if (next.present) {
			lite_done(q);
			return 0;
		}
	}
	if (got < 0)
		return got;
	return any ? 0 : -ERR_NOTFOUND;
}

int
lite_claim_any(struct store *s, const char *realm, int64_t box)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_CLAIM_ANY);

	lite_text(q, ":realm", realm);
	lite_int(q, ":box", box);
	return lite_has(l, q);
}

int
lite_claim_names(struct store *s, const char *realm, claim_fn *fn, void *arg)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_CLAIM_NAMES);
	struct claim c;
	int got;

	lite_text(q, ":realm", realm);
	lite_alive(l, q);
	while ((got = lite_step(l, q)) == 1) {
		c = (struct claim){ lite_column(q, 0), sqlite3_column_int64(q, 1), sqlite3_column_int64(q, 2) };
		if (fn(arg, &c) != 0) {
			lite_done(q);
			return 0;
		}
	}
	return got;
}

int
lite_claim_drop(struct store *s, const char *realm, struct str name, int64_t box)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = claim(l, SQL_CLAIM_DROP, realm, name);

	lite_int(q, ":box", box);
	return lite_change(l, q);
}

int
lite_claim_count(struct store *s, const char *realm, int64_t box, int64_t *n)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_CLAIM_COUNT);

	lite_text(q, ":realm", realm);
	lite_int(q, ":box", box);
	return lite_number(l, q, n);
}

int
lite_claim_total(struct store *s, const char *realm, int64_t *n)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_CLAIM_TOTAL);

	lite_text(q, ":realm", realm);
	return lite_number(l, q, n);
}

/* ---- links ---- */

static int64_t
number(int64_t id)
{
	return (id - 1) % LITE_LINK_MAX + 1;
}

int
lite_link_add(struct store *s, int64_t owner, int64_t other, int64_t *n)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_LINK_ADD);
	int err;

	lite_int(q, ":owner", owner);
	lite_int(q, ":other", other);
	err = lite_run(l, q);
	if (err == 0)
		*n = number(sqlite3_last_insert_rowid(l->db));
	return err;
}

static int
link_get(struct lite *l, int64_t id, int64_t owner, int64_t *other)
{
	sqlite3_stmt *q = lite_get(l, SQL_LINK_GET);

	lite_int(q, ":id", id);
	lite_int(q, ":owner", owner);
	return lite_number(l, q, other);
}

/* The id is n, unless the numbers have wrapped: then look at each lap, newest first. */
int
lite_link_find(struct store *s, int64_t owner, int64_t n, int64_t *other)
{
	struct lite *l = (struct lite *)s;
	int64_t last, id;
	int err;

	if (n < 1 || n > LITE_LINK_MAX || owner == 0)
		return -ERR_NOTFOUND;
	err = lite_number(l, lite_get(l, SQL_LINK_SEQUENCE), &last);
	if (err != 0 || last < n)	/* no row: no link was ever made */
		return err != 0 ? err : -ERR_NOTFOUND;
	err = -ERR_NOTFOUND;
	for (id = last - (last - n) % LITE_LINK_MAX; id > 0 &&
	    err == -ERR_NOTFOUND; id -= LITE_LINK_MAX)
		err = link_get(l, id, owner, other);
	return err;
}

int
lite_link_last(struct store *s, int64_t other, int64_t *owner, int64_t *n)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_LINK_LAST);
	int err;

	lite_int(q, ":other", other);
	err = lite_row(l, q);
	if (err != 0)
		return err;
	*owner = sqlite3_column_int64(q, 0);
	*n = number(sqlite3_column_int64(q, 1));
	lite_done(q);
	return 0;
}

int
lite_link_between(struct store *s, int64_t owner, int64_t other, int64_t *n)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_LINK_BETWEEN);
	int64_t id;
	int err;

	lite_int(q, ":owner", owner);
	lite_int(q, ":other", other);
	err = lite_number(l, q, &id);
	if (err == 0)
		*n = number(id);
	return err;
}

int
lite_link_waiting(struct store *s, int64_t owner, link_fn *fn, void *arg)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_LINK_WAITING);
	int got;

	lite_int(q, ":owner", owner);
	while ((got = lite_step(l, q)) == 1)
		if (fn(arg, number(sqlite3_column_int64(q, 0)), sqlite3_column_int64(q, 1)) != 0) {
			lite_done(q);
			return 0;
		}
	return got;
}

int
lite_link_settle(struct store *s, int64_t owner)
{
	return lite_id((struct lite *)s, SQL_LINK_SETTLE, ":owner", owner);
}
