/*
 * proto-sigver-talk - generations D and E: open, join, data, id and data.
 *
 * They differ in what is said, not in what is done; `struct dialect` tells which is spoken.
 */
#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "err.h"
#include "proto-sigver.h"
#include "reply.h"

enum wrong {
	WRONG_MESSAGE, WRONG_KEY, WRONG_KEY_EXISTS, WRONG_KEY_UNKNOWN, WRONG_OPENER_GONE,
	WRONG_BEFORE_OPEN, WRONG_BEFORE_JOIN, WRONG__MAX
};

/* code: of WebSocket's close frame; status: of D's POST over SSE. 0: this generation has none. */
static const struct { enum wrong wrong; const char *name; int d_code, d_status, e_code; } wrongs[WRONG__MAX] = {
	{ WRONG_MESSAGE, "MESSAGE_ERROR", 4000, 520, 4000 },
	{ WRONG_KEY, "KEY_ERROR", 4001, 521, 4001 },
	{ WRONG_KEY_EXISTS, "KEY_FOR_OPEN_EXISTS", 4010, 560, 0 },
	{ WRONG_KEY_UNKNOWN, "KEY_FOR_JOIN_UNKNOWN", 4011, 561, 0 },
	{ WRONG_OPENER_GONE, "OPENER_GONE", 4020, 570, 0 },
	{ WRONG_BEFORE_OPEN, "TRANSMIT_BEFORE_OPEN", 4022, 572, 4010 },
	{ WRONG_BEFORE_JOIN, "TRANSMIT_BEFORE_JOIN", 4023, 573, 4011 },
};

/* Errors end the source. */
static int
fail(struct talk *t, enum wrong w, const char *text)
{
	char reason[256];
	int rc;

	if (t->dialect->opened)
		snprintf(reason, sizeof reason, "%s=%d: %s", wrongs[w].name, wrongs[w].e_code, text);
	else
		snprintf(reason, sizeof reason, "%s: %s", wrongs[w].name, text);
	rc = sigver_close(t, t->dialect->opened ? wrongs[w].e_code : wrongs[w].d_code, reason);
	if (rc < 0 || t->dialect->opened)
		return rc;
	reply_problem_as(t->r, wrongs[w].d_status, err_reason(wrongs[w].d_status), reason);
	t->answered = true;
	return 0;
}

static int
tell(struct talk *t, const char *text)
{
	return hub_post(t->hub, t->me.id, t->me.id, str_from(text));
}

/* ---- open ---- */

/* The key of a holder that is gone passes on; should its stream still hang somewhere, it is told. */
static int
take_over(struct talk *t, const struct box *holder)
{
	return hub_end(t->hub, holder->id,
	    STR("{\"code\":4010,\"reason\":\"KEY_FOR_OPEN_EXISTS: another source has the key now\"}"));
}

static int
open_alone(struct talk *t, struct str key)
{
	struct box holder;
	int rc = store_claim_holder(t->hub->store, t->dialect->keys, key, &holder);

	if (rc == 0 && holder.id != t->me.id) {
		rc = hub_contest(t->hub, &t->r->contest[0], &holder);
		if (rc == 0)
			rc = take_over(t, &holder);
		if (rc == -ERR_CONFLICT) {
			rc = tell(t, "{\"isKeyOk\":false}");
			return rc < 0 ? rc : fail(t, WRONG_KEY_EXISTS, "The key has already been used for open");
		}
	}
	if (rc < 0 && rc != -ERR_NOTFOUND)
		return rc;
	rc = store_claim_add(t->hub->store, t->dialect->keys, key, t->me.id, true);
	return rc < 0 ? rc : tell(t, "{\"isKeyOk\":true}");
}

static int
open_shared(struct talk *t, struct str key)
{
	int rc = store_claim_add(t->hub->store, t->dialect->keys, key, t->me.id, false);

	return rc < 0 ? rc : tell(t, "{\"opened\":true}");
}

static int
open_key(struct talk *t, struct str key)
{
	return t->dialect->opened ? open_shared(t, key) : open_alone(t, key);
}

/* ---- join ---- */

/* 0: this source has joined that key before, and its opener still holds it. */
static int
joined_already(struct talk *t, struct str key)
{
	int64_t owner, n;
	int rc = store_link_last(t->hub->store, t->me.id, &owner, &n);

	if (rc < 0)
		return rc;
	return owner == 0 ? -ERR_NOTFOUND : store_claim_has(t->hub->store, t->dialect->keys, key, owner);
}

static int
join_opener(struct talk *t, const struct box *opener)
{
	int64_t n;
	int rc = store_link_add(t->hub->store, opener->id, t->me.id, &n);

	return rc < 0 ? rc : tell(t, t->dialect->opened ? "{\"opened\":false}" : "{\"isKeyOk\":true}");
}

static int
join_nobody(struct talk *t, struct str key)
{
	int rc;

	if (t->dialect->opened)
		return open_shared(t, key);
	rc = tell(t, "{\"isKeyOk\":false}");
	return rc < 0 ? rc : fail(t, WRONG_KEY_UNKNOWN, "Unknown key");
}

static int
join_key(struct talk *t, struct str key)
{
	struct box opener;
	int rc = joined_already(t, key);

	if (rc == 0)
		return tell(t, t->dialect->opened ? "{\"opened\":false}" : "{\"isKeyOk\":true}");
	if (rc == -ERR_NOTFOUND && t->dialect->opened)
		rc = store_claim_has(t->hub->store, t->dialect->keys, key, t->me.id);
	if (rc == 0)
		return tell(t, "{\"opened\":true}");
	if (rc == -ERR_NOTFOUND)
		rc = store_claim_holder(t->hub->store, t->dialect->keys, key, &opener);
	if (rc == 0)
		return join_opener(t, &opener);
	return rc == -ERR_NOTFOUND ? join_nobody(t, key) : rc;
}

/* ---- data ---- */

static int
opener_gone(struct talk *t)
{
	if (t->dialect->opened)
		return tell(t, "{\"unavailable\":-1}");
	return fail(t, WRONG_OPENER_GONE, "Opener is no longer available");
}

static int
to_opener(struct talk *t, struct str data)
{
	char prefix[48];
	int64_t owner, n;
	int rc = store_link_last(t->hub->store, t->me.id, &owner, &n);

	if (rc == -ERR_NOTFOUND)
		return fail(t, WRONG_BEFORE_JOIN, "Transmitting data before join");
	if (rc == 0 && owner == 0)
		return opener_gone(t);
	snprintf(prefix, sizeof prefix, "{\"id\":%" PRId64 ",\"data\":", n);
	if (rc == 0)
		rc = sigver_relay(t, owner, prefix, data);
	return rc == -ERR_NOTFOUND ? opener_gone(t) : rc;
}

static int
joining_gone(struct talk *t, int64_t n)
{
	char text[64];

	snprintf(text, sizeof text, t->dialect->opened ?
	    "{\"unavailable\":%" PRId64 "}" : "{\"id\":%" PRId64 ",\"unavailable\":\"true\"}", n);
	return tell(t, text);
}

static int
to_joining(struct talk *t, const struct json_member *id, struct str data)
{
	int64_t n, other;
	int rc = store_claim_any(t->hub->store, t->dialect->keys, t->me.id);

	if (id->kind != JSON_NUMBER)
		return fail(t, WRONG_MESSAGE, "The joining id is not a number");
	if (json_int(id->value, 1, SIGVER_ID_MAX, &n) < 0)
		return fail(t, WRONG_MESSAGE, "The joining id is not a whole number from 1 to 2147483647");
	if (rc == -ERR_NOTFOUND)
		return fail(t, WRONG_BEFORE_OPEN, "Transmitting data before open");
	if (rc == 0)
		rc = store_link_find(t->hub->store, t->me.id, n, &other);
	if (rc == 0)
		rc = sigver_relay(t, other, "{\"data\":", data);
	return rc == -ERR_NOTFOUND ? joining_gone(t, n) : rc;
}

/* ---- shapes ---- */

static const struct json_member *
member(const struct talk *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->count; i++)
		if (json_name_is(&t->m[i], name))
			return &t->m[i];
	return NULL;
}

static int
with_key(struct talk *t, const struct json_member *m, int (*fn)(struct talk *, struct str key))
{
	struct buf key;
	const char *wrong;
	int rc;

	buf_init(&key, NAME_BYTES_MAX);
	wrong = sigver_key(m->value, m->kind, &key);
	rc = wrong != NULL ? fail(t, WRONG_KEY, wrong) : fn(t, buf_str(&key));
	buf_release(&key);
	return rc;
}

static int
dispatch(struct talk *t)
{
	const struct json_member *id = member(t, "id"), *data = member(t, "data");

	if (t->count == 1 && member(t, "open") != NULL)
		return with_key(t, &t->m[0], open_key);
	if (t->count == 1 && member(t, "join") != NULL)
		return with_key(t, &t->m[0], join_key);
	if (t->count == 1 && data != NULL)
		return to_opener(t, data->value);
	if (t->count == 2 && id != NULL && data != NULL)
		return to_joining(t, id, data->value);
	return fail(t, WRONG_MESSAGE, "Unknown message");
}

int
sigver_talk(struct talk *t)
{
	if (t->parsed == -ERR_BAD)
		return fail(t, WRONG_MESSAGE, "The message is not a JSON string");
	if (t->parsed < 0)
		return fail(t, WRONG_MESSAGE, t->count == 0 && t->parsed == -ERR_TOOBIG ?
		    "The message is nested too deep" : "Unknown message");
	return dispatch(t);
}
