/*
 * proto-sigver-b - generation B: key, joinkey, offer, answer.
 *
 * Its POSTs are always answered 200; what is wrong comes as `event: close` with WebSocket's own
 * codes. A source speaks B once it used one of B's members; then anything else is wrong too.
 */
#include "config.h"

#include <string.h>

#include "err.h"
#include "proto-sigver.h"

#define KEYS		"sigver/key"		/* realm of B's keys */
#define UNSUPPORTED	1003			/* not JSON */
#define BAD_FORMAT	1007			/* another object */
#define POLICY		1008			/* all that depends on who did what before */

static int	say_key(struct talk *, const struct json_member *);
static int	say_joinkey(struct talk *, const struct json_member *);
static int	say_offer(struct talk *, const struct json_member *);
static int	say_answer(struct talk *, const struct json_member *);

static const struct { const char *member; int (*say)(struct talk *, const struct json_member *); } rows[] = {
	{ "key", say_key },
	{ "joinkey", say_joinkey },
	{ "offer", say_offer },
	{ "answer", say_answer },
};

static int
with_key(struct talk *t, const struct json_member *m, int (*fn)(struct talk *, struct str))
{
	struct buf key;
	const char *wrong;
	int rc;

	buf_init(&key, NAME_BYTES_MAX);
	wrong = sigver_key(m->value, m->kind, &key);
	rc = wrong != NULL ? sigver_close(t, POLICY, wrong) : fn(t, buf_str(&key));
	buf_release(&key);
	return rc;
}

/* ---- key ---- */

static int
take_key(struct talk *t, struct str key)
{
	struct box holder;
	int rc = store_claim_holder(t->hub->store, KEYS, key, &holder);

	if (rc == 0 && holder.id != t->me.id) {
		rc = hub_contest(t->hub, &t->r->contest[0], &holder);
		if (rc == 0)
			rc = hub_end(t->hub, holder.id,
			    STR("{\"code\":1008,\"reason\":\"Another source has the key now\"}"));
		if (rc == -ERR_CONFLICT)
			return sigver_close(t, POLICY, "The key already exists");
	}
	if (rc < 0 && rc != -ERR_NOTFOUND)
		return rc;
	return store_claim_add(t->hub->store, KEYS, key, t->me.id, true);
}

static int
say_key(struct talk *t, const struct json_member *m)
{
	return with_key(t, m, take_key);
}

/* ---- joinkey ---- */

static int
join_key(struct talk *t, struct str key)
{
	struct box opener;
	int64_t n;
	int rc = store_claim_holder(t->hub->store, KEYS, key, &opener);

	if (rc == -ERR_NOTFOUND)
		return sigver_close(t, POLICY, "The key does not exist");
	if (rc == 0)
		rc = store_link_between(t->hub->store, opener.id, t->me.id, &n);
	if (rc == -ERR_NOTFOUND)
		rc = store_link_add(t->hub->store, opener.id, t->me.id, &n);
	return rc < 0 ? rc : hub_post(t->hub, t->me.id, t->me.id, STR("{\"reachable\":\"true\"}"));
}

static int
say_joinkey(struct talk *t, const struct json_member *m)
{
	return with_key(t, m, join_key);
}

/* ---- offer, answer ---- */

static int
say_offer(struct talk *t, const struct json_member *m)
{
	int64_t owner, n;
	int rc = store_link_last(t->hub->store, t->me.id, &owner, &n);

	if (rc == -ERR_NOTFOUND)
		return sigver_close(t, POLICY, "Joinkey request has not been sent");
	if (rc == 0 && owner != 0)
		rc = sigver_relay(t, owner, "{\"offer\":", m->value);
	if (rc == -ERR_NOTFOUND || (rc == 0 && owner == 0))
		return sigver_close(t, POLICY, "The key does not exist");
	return rc;
}

struct reply_to_all {
	struct talk		 *t;
	const struct json_member *m;
	int			  rc;
};

/* One who has left, or whose mailbox is full, is passed over. */
static int
answer_one(void *arg, int64_t n, int64_t other)
{
	struct reply_to_all *all = arg;
	int rc = sigver_relay(all->t, other, "{\"answer\":", all->m->value);

	(void)n;
	if (rc < 0 && rc != -ERR_NOTFOUND && rc != -ERR_QUOTA)
		all->rc = rc;
	return all->rc < 0;
}

static int
say_answer(struct talk *t, const struct json_member *m)
{
	struct reply_to_all all = { t, m, 0 };
	int rc = store_claim_any(t->hub->store, KEYS, t->me.id);

	if (rc == -ERR_NOTFOUND)
		return sigver_close(t, POLICY, "Key request has not been sent");
	if (rc == 0)
		rc = store_link_waiting(t->hub->store, t->me.id, answer_one, &all);
	if (rc == 0)
		rc = all.rc;
	return rc < 0 ? rc : store_link_settle(t->hub->store, t->me.id);
}

/* ---- shape ---- */

static int
row_of(const struct talk *t)
{
	size_t i;

	for (i = 0; t->count == 1 && i < sizeof rows / sizeof rows[0]; i++)
		if (json_name_is(&t->m[0], rows[i].member))
			return (int)i;
	return -1;
}

/* What a source did before tells its generation where the message does not. */
static bool
spoke_b(struct talk *t)
{
	int64_t owner, n;

	if (store_claim_any(t->hub->store, KEYS, t->me.id) == 0)
		return true;
	return store_link_last(t->hub->store, t->me.id, &owner, &n) == 0 && owner != 0 &&
	    store_claim_any(t->hub->store, KEYS, owner) == 0;
}

static bool
spoken_by_d(const struct talk *t)
{
	return (t->count == 1 && (json_name_is(&t->m[0], "open") || json_name_is(&t->m[0], "join") ||
	    json_name_is(&t->m[0], "data"))) || t->count == 2;
}

bool
sigver_is_b(struct talk *t)
{
	if (t->dialect->opened)
		return false;
	if (t->parsed == 0 && row_of(t) >= 0)
		return true;
	if (t->parsed == 0 && spoken_by_d(t))
		return false;
	return spoke_b(t);
}

int
sigver_talk_b(struct talk *t)
{
	int row = t->parsed == 0 ? row_of(t) : -1;

	if (t->parsed == -ERR_BAD)
		return sigver_close(t, UNSUPPORTED, "Server accepts only JSON");
	if (row < 0)
		return sigver_close(t, BAD_FORMAT, "Unsupported message format");
	return rows[row].say(t, &t->m[0]);
}
