/*
 * proto-peerjs-talk - messages: from the body of a POST (proto-post.h) into the mailboxes they are for.
 */
#include "config.h"

#include <string.h>

#include "err.h"
#include "json.h"
#include "proto-peerjs.h"
#include "proto-post.h"

struct talk {			/* one POST */
	struct post	 post;
	struct peer	*p;
	struct buf	 me;		/* the sender's id in JSON */
	struct buf	 body;		/* of the message being relayed */
	struct str	 dst;		/* for whom the last one was, as it was written … */
	struct box	 to;		/* … its mailbox … */
	bool		 absent;	/* … that of an id nobody holds; to.id 0: there is none */
	bool		 gone;		/* the sender left in this POST */
};

/* The store's word on a message: a quota concerns it alone, anything else the request. */
static struct verdict
stored(struct talk *t, int rc, bool present)
{
	if (rc == 0)
		return post_say(present ? "present" : "queued");
	if (rc == -ERR_QUOTA)
		return post_refuse(-ERR_QUOTA, "too much waits for that peer already");
	if (rc == -ERR_NOTFOUND)
		return post_say("dropped");
	t->post.err = rc;
	return post_refuse(rc, "the store failed");
}

/* ---- whom it is for ---- */

/* Finds the mailbox of t->dst; with `wait` one for an id nobody holds. */
static int
look_up(struct talk *t, struct str id, bool wait)
{
	struct peer *p = t->p;
	int rc = store_claim_holder(p->hub->store, p->realm, id, &t->to);

	t->absent = rc == -ERR_NOTFOUND;
	if (t->absent)
		rc = peer_void(p, id, wait, &t->to);
	if (rc == -ERR_NOTFOUND) {
		t->to.id = 0;
		return 0;
	}
	return rc;
}

static int
find(struct talk *t, struct str dst, bool wait)
{
	char text[PEERJS_WORD];
	struct buf id;
	int rc;

	if (t->dst.n > 0 && str_eq(t->dst, dst) && (t->to.id != 0 || !wait))
		return 0;
	buf_init(&id, sizeof text - 1);
	rc = json_text(dst, &id);
	if (rc == 0 && (id.n == 0 || !str_printable(buf_str(&id))))
		rc = -ERR_BAD;
	if (rc == 0)
		rc = look_up(t, buf_str(&id), wait);
	buf_release(&id);
	t->dst = rc == 0 ? dst : STR_NONE;
	return rc;
}

/* ---- relaying ---- */

/* Exactly {type, src, dst, payload}; src is ours. */
static struct str
render(struct talk *t, const struct peer_message *m)
{
	struct buf *b = &t->body;

	buf_clear(b);
	buf_adds(b, STR("{\"type\":\""));
	buf_addz(b, peer_type_name(m->type));
	buf_adds(b, STR("\",\"src\":"));
	buf_adds(b, buf_str(&t->me));
	buf_adds(b, STR(",\"dst\":"));
	buf_adds(b, m->dst);
	if (m->payload.n > 0) {
		buf_adds(b, STR(",\"payload\":"));
		json_copy(b, m->payload);
	}
	buf_addc(b, '}');
	return buf_str(b);
}

static bool
owes_too_much(struct talk *t, size_t more, int *rc)
{
	const struct conf *c = t->p->hub->conf;
	int64_t rows = 0, bytes = 0;

	*rc = store_msg_owed(t->p->hub->store, t->p->box.id, &rows, &bytes);
	return rows + 1 > c->max_owed || bytes + (int64_t)more > c->max_owed_bytes;
}

/* A mailbox nobody holds is given up away_ms after it was made, unless somebody says it is wanted. */
static int
keep_void(struct talk *t)
{
	struct hub *hub = t->p->hub;

	if (t->to.until + hub->conf->away_ms / 2 > loop_real(hub->loop))
		return 0;
	t->to.until = loop_real(hub->loop);
	return store_box_touch(hub->store, t->to.id);
}

static struct verdict
put(struct talk *t, const struct peer_message *m)
{
	struct hub *hub = t->p->hub;
	struct msg_new new = {
		.box = t->to.id, .src = t->p->box.id,
		.kind = !m->waits ? MSG_DATA : t->absent ? MSG_OWED : MSG_TOLD,
		.due = loop_real(hub->loop) + hub->conf->peerjs_expire_ms,
		.body = render(t, m),
	};
	int rc = buf_err(&t->body);

	if (rc == 0 && t->absent && owes_too_much(t, new.body.n, &rc) && rc == 0)
		return post_refuse(-ERR_QUOTA, "too much of yours waits for peers that are not there");
	if (rc == 0 && t->absent)
		rc = keep_void(t);
	if (rc == 0)
		rc = hub_put(hub, &new);
	return stored(t, rc, t->to.present && !t->absent);
}

static struct verdict
relay(struct talk *t, const struct peer_message *m)
{
	int rc;

	if (str_eq(m->dst, buf_str(&t->me)))
		return post_refuse(-ERR_BAD, "dst is the sender itself");
	if (!hub_key_spend(t->p->hub, t->p->r, t->p->key_id))
		return post_refuse(-ERR_MESSAGES, "this key has had as many messages as its rate allows");
	rc = find(t, m->dst, m->waits);
	if (rc == -ERR_BAD || rc == -ERR_TOOBIG)
		return post_refuse(-ERR_BAD, "dst cannot be an id");
	if (rc < 0)
		return stored(t, rc, false);
	if (t->to.id == 0 || (t->absent && !m->waits))
		return post_say("dropped");
	return put(t, m);
}

static struct verdict
leave(struct talk *t)
{
	int rc = hub_end(t->p->hub, t->p->box.id, STR("{\"code\":1000,\"reason\":\"left\"}"));

	if (rc < 0)
		return stored(t, rc, false);
	t->gone = true;
	return post_say("left");
}

static struct verdict
take(struct post *post, const struct json_member *text)
{
	struct talk *t = LIST_OF(post, struct talk, post);
	struct peer_message m;
	const char *wrong = peer_read_message(text, &m);

	if (wrong != NULL)
		return post_refuse(-ERR_BAD, wrong);
	if (t->gone)
		return post_refuse(-ERR_AUTH, "the sender has left");
	if (m.type == T_HEARTBEAT)
		return post_say("heard");
	if (m.type == T_LEAVE && m.dst.n == 0)
		return leave(t);
	return relay(t, &m);
}

int
peer_talk(struct peer *p)
{
	struct talk t = {
		.post = { .hub = p->hub, .r = p->r, .from = &p->box, .take = take }, .p = p,
	};
	int rc;

	buf_init(&t.me, 6 * PEERJS_WORD + 2);
	buf_init(&t.body, p->r->body.n + 16 * PEERJS_WORD);
	json_quote(&t.me, str_from(p->id));
	rc = post_serve(&t.post);
	buf_release(&t.me);
	buf_release(&t.body);
	return rc;
}
