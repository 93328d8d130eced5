/* proto-peerjs-who - key, id and token: are they good, and whose are they? */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "err.h"
#include "json.h"
#include "proto-peerjs.h"
#include "reply.h"
#include "token.h"

#define USE_PEER	"peerjs peer"
#define USE_VOID	"peerjs void"

/* ---- words ---- */

/* What req_query or req_segment said of a word, and the word. */
static enum peerjs_no
judge(int rc, const char *text, enum peerjs_no no)
{
	if (rc == -ERR_NOTFOUND || (rc == 0 && text[0] == '\0'))
		return NO_WORDS;
	return rc == 0 && json_plain(str_from(text)) ? NO_REASON : no;
}

enum peerjs_no
peerjs_key(struct hub *hub, struct str name, const struct key **k)
{
	struct str only = str_from(hub->conf->peerjs_key);

	if (only.n > 0 && !str_eq(name, only))
		return NO_KEY;
	*k = hub_key(hub, name);
	if (*k == NULL || (*k)->realm[0] == '\0')	/* or one that is no realm of peers */
		return NO_KEY;
	switch (hub_key_bar(hub, *k)) {
	case BAR_OFF: return NO_KEY_OFF;
	case BAR_EXPIRED: return NO_KEY_EXPIRED;
	default: return NO_REASON;
	}
}

static enum peerjs_no
prepare(struct peer *p)
{
	char secret[2 * PEERJS_WORD];
	const struct key *k;
	enum peerjs_no no = peerjs_key(p->hub, str_from(p->key), &k);
	int n = snprintf(secret, sizeof secret, "%s%c%s", p->id, '\0', p->token);

	if (n < 0 || (size_t)n >= sizeof secret)
		return NO_TOKEN;
	if (no != NO_REASON)
		return no;
	p->key_id = k->id;
	snprintf(p->realm, sizeof p->realm, KEY_REALM "%s", k->realm);
	token_hash(p->hub->store, USE_PEER, str_make(secret, (size_t)n), p->hash);
	return NO_REASON;
}

static enum peerjs_no
judge_all(struct peer *p, int key, int id, int token)
{
	enum peerjs_no no[] = {
		judge(key, p->key, NO_KEY), judge(id, p->id, NO_ID), judge(token, p->token, NO_TOKEN),
	};
	size_t i;

	for (i = 0; i < 3; i++)		/* what is missing is said first */
		if (no[i] == NO_WORDS)
			return NO_WORDS;
	for (i = 0; i < 3; i++)
		if (no[i] != NO_REASON)
			return no[i];
	return prepare(p);
}

enum peerjs_no
peer_from_query(struct peer *p, struct hub *hub, struct req *r)
{
	p->hub = hub;
	p->r = r;
	return judge_all(p, req_query(r, "key", p->key, sizeof p->key),
	    req_query(r, "id", p->id, sizeof p->id), req_query(r, "token", p->token, sizeof p->token));
}

enum peerjs_no
peer_from_path(struct peer *p, struct hub *hub, struct req *r)
{
	p->hub = hub;
	p->r = r;
	return judge_all(p, req_segment(r, 0, p->key, sizeof p->key),
	    req_segment(r, 1, p->id, sizeof p->id), req_segment(r, 2, p->token, sizeof p->token));
}

/* ---- whose ---- */

int
peer_find(struct peer *p)
{
	int rc = store_box_by_token(p->hub->store, p->realm, p->hash, &p->box);

	if (rc == 0 && (p->box.state != BOX_LIVE || !token_same(p->hash, p->box.token)))
		return -ERR_NOTFOUND;
	return rc;
}

int
peer_void(struct peer *p, struct str id, bool add, struct box *b)
{
	unsigned char hash[HASH_SIZE];
	char realm[REALM_MAX];
	int64_t made;
	int rc;

	snprintf(realm, sizeof realm, KEY_VOID_REALM "%s", p->realm + sizeof KEY_REALM - 1);
	token_hash(p->hub->store, USE_VOID, id, hash);
	rc = store_box_by_token(p->hub->store, realm, hash, b);
	if (rc != -ERR_NOTFOUND || !add)
		return rc;
	rc = store_box_add(p->hub->store, realm, hash, NULL, &made);
	return rc < 0 ? rc : store_box_get(p->hub->store, made, b);
}

/* ---- no ---- */

static const struct { enum peerjs_no no; int status; const char *text; } reasons[NO__MAX] = {
	{ NO_REASON, 200, "" },
	{ NO_WORDS, 400, "No id, token, or key supplied to websocket server" },
	{ NO_KEY, 401, "Invalid key provided" },
	{ NO_KEY_OFF, 403, "This key is turned off" },
	{ NO_KEY_EXPIRED, 403, "This key has expired" },
	{ NO_ID, 400, "Invalid id provided" },
	{ NO_TOKEN, 401, "Invalid token provided" },
	{ NO_ROOM, 503, "Server has reached its concurrent user limit" },
	{ NO_TAKEN, 409, "ID is taken" },
};

const char *
peerjs_no_text(enum peerjs_no no)
{
	return reasons[no].text;
}

int
peerjs_no_status(enum peerjs_no no)
{
	return reasons[no].status;
}

void
peerjs_no_stream(struct req *r, const struct wire *wire, enum peerjs_no no)
{
	struct wire_end end = { .final = true };
	char data[160];
	int n = snprintf(data, sizeof data, "{\"type\":\"%s\",\"payload\":{\"msg\":\"%s\"}}",
	    no == NO_TAKEN ? "ID-TAKEN" : "ERROR", peerjs_no_text(no));

	end.data = str_make(data, (size_t)n);
	stream_decline(r, wire, &end);
}

void
peerjs_no_problem(struct req *r, enum peerjs_no no)
{
	int status = peerjs_no_status(no);

	reply_problem_as(r, status, err_reason(status), peerjs_no_text(no));
}
