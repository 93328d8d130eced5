/*
 * proto-peerjs-talk - messages: from the body of a POST into the mailboxes they are for, and an
 * answer that says what became of each.
 *
 * A message that is refused writes nothing and stops nothing. A request all of which was refused
 * may be repeated under the same n.
 */
#include "config.h"

#include <string.h>

#include "err.h"
#include "json.h"
#include "proto-peerjs.h"
#include "reply.h"

#define ANSWER_MAX	(16u * 1024 * 1024)

enum result { R_PRESENT, R_QUEUED, R_DROPPED, R_HEARD, R_LEFT, R_REPEATED, R_REFUSED, R__MAX };

static const struct { enum result result; const char *text; } results[R__MAX] = {
	{ R_PRESENT, "{\"result\":\"present\"}" },
	{ R_QUEUED, "{\"result\":\"queued\"}" },
	{ R_DROPPED, "{\"result\":\"dropped\"}" },
	{ R_HEARD, "{\"result\":\"heard\"}" },
	{ R_LEFT, "{\"result\":\"left\"}" },
	{ R_REPEATED, "{\"result\":\"repeated\"}" },
	{ R_REFUSED, NULL },
};

struct verdict {
	enum result	result;
	int		err;		/* R_REFUSED: enum err … */
	const char	*reason;	/* … and a sentence */
};

struct talk {			/* one POST */
	struct peer	*p;
	struct buf	 me;		/* the sender's id in JSON */
	struct buf	 body;		/* of the message being relayed */
	struct str	 dst;		/* for whom the last one was, as it was written … */
	struct box	 to;		/* … its mailbox … */
	bool		 absent;	/* … that of an id nobody holds; to.id 0: there is none */
	bool		 gone;		/* the sender left in this POST */
	bool		 kept;		/* something was not refused */
	int		 err;		/* the store failed: all is taken back */
};

static struct verdict
say(enum result result)
{
	return (struct verdict){ result, 0, NULL };
}

static struct verdict
refuse(int err, const char *reason)
{
	return (struct verdict){ R_REFUSED, err, reason };
}

/* The store's word on a message: a quota concerns it alone, anything else the request. */
static struct verdict
stored(struct talk *t, int rc, bool present)
{
	if (rc == 0)
		return say(present ? R_PRESENT : R_QUEUED);
	if (rc == -ERR_QUOTA)
		return refuse(-ERR_QUOTA, "too much waits for that peer already");
	if (rc == -ERR_NOTFOUND)
		return say(R_DROPPED);
	t->err = rc;
	return refuse(rc, "the store failed");
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
		return refuse(-ERR_QUOTA, "too much of yours waits for peers that are not there");
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
		return refuse(-ERR_BAD, "dst is the sender itself");
	rc = find(t, m->dst, m->waits);
	if (rc == -ERR_BAD || rc == -ERR_TOOBIG)
		return refuse(-ERR_BAD, "dst cannot be an id");
	if (rc < 0)
		return stored(t, rc, false);
	if (t->to.id == 0 || (t->absent && !m->waits))
		return say(R_DROPPED);
	return put(t, m);
}

static struct verdict
leave(struct talk *t)
{
	int rc = hub_end(t->p->hub, t->p->box.id, STR("{\"code\":1000,\"reason\":\"left\"}"));

	if (rc < 0)
		return stored(t, rc, false);
	t->gone = true;
	return say(R_LEFT);
}

static struct verdict
take(struct talk *t, const struct json_member *text)
{
	struct peer_message m;
	const char *wrong = peer_read_message(text, &m);

	if (wrong != NULL)
		return refuse(-ERR_BAD, wrong);
	if (t->gone)
		return refuse(-ERR_AUTH, "the sender has left");
	if (m.type == T_HEARTBEAT)
		return say(R_HEARD);
	if (m.type == T_LEAVE && m.dst.n == 0)
		return leave(t);
	return relay(t, &m);
}

/* ---- answering ---- */

static void
add_result(struct buf *b, const struct verdict *v)
{
	if (v->result != R_REFUSED) {
		buf_addz(b, results[v->result].text);
		return;
	}
	buf_addf(b, "{\"result\":\"refused\",\"status\":%d,\"reason\":", err_status(v->err));
	json_quote(b, str_from(v->reason));
	buf_addc(b, '}');
}

static int
answer_one(struct talk *t, const struct verdict *v)
{
	struct buf b;

	if (v->result == R_REFUSED) {
		reply_problem(t->p->r, v->err, v->reason);
		return 0;
	}
	buf_init(&b, 256);
	add_result(&b, v);
	buf_addc(&b, '\n');
	reply_send(t->p->r, 200, "application/json", buf_str(&b), NULL);
	buf_release(&b);
	return 0;
}

static int
talk_one(struct talk *t, const struct json_member *text)
{
	struct verdict v = take(t, text);

	t->kept = v.result != R_REFUSED;
	return t->err < 0 ? t->err : answer_one(t, &v);
}

static int
talk_each(struct talk *t, struct json_iter *it, struct buf *answer)
{
	int64_t left = t->p->hub->conf->max_batch;
	struct json_member m;
	struct verdict v;

	buf_addc(answer, '[');
	while (t->err == 0 && json_next(it, &m)) {
		if (left-- == 0)
			return -ERR_BATCH;
		v = take(t, &m);
		t->kept = t->kept || v.result != R_REFUSED;
		if (answer->n > 1)
			buf_addc(answer, ',');
		add_result(answer, &v);
	}
	buf_adds(answer, STR("]\n"));
	return t->err != 0 ? t->err : buf_err(answer);
}

static int
talk_many(struct talk *t, struct json_iter *it)
{
	struct buf answer;
	int rc;

	buf_init(&answer, ANSWER_MAX);
	rc = talk_each(t, it, &answer);
	if (rc == 0)
		reply_send(t->p->r, 200, "application/json", buf_str(&answer), NULL);
	buf_release(&answer);
	return rc;
}

/* Each of as many as were sent; how many of them had been accepted is not known any more. */
static int
answer_repeated(struct talk *t)
{
	const struct verdict v = say(R_REPEATED);
	struct json_iter it;
	struct json_member m;
	struct buf b;

	if (json_array(t->p->r->body, &it) < 0)
		return answer_one(t, &v);
	buf_init(&b, ANSWER_MAX);
	buf_addc(&b, '[');
	while (json_next(&it, &m)) {
		if (b.n > 1)
			buf_addc(&b, ',');
		add_result(&b, &v);
	}
	buf_adds(&b, STR("]\n"));
	reply_send(t->p->r, 200, "application/json", buf_str(&b), NULL);
	buf_release(&b);
	return 0;
}

static int
speak(struct talk *t)
{
	struct json_member text;
	struct json_iter it;
	int rc = json_value(t->p->r->body, &text);

	if (rc == 0)
		return json_elements_of(&text, &it) == 0 ? talk_many(t, &it) : talk_one(t, &text);
	reply_problem(t->p->r, -ERR_BAD, rc == -ERR_TOOBIG ? "The JSON is nested too deep." :
	    "The body is not JSON: send one message, or an array of them.");
	return 0;
}

int
peer_talk(struct peer *p)
{
	struct talk t = { .p = p };
	int64_t n = 0;
	int rc;

	if (!p->r->spoken && req_number(p->r, "n", 1, &n) == -ERR_BAD) {
		reply_problem(p->r, -ERR_BAD, "n is a whole number from 1, rising with each request of a token");
		return 0;
	}
	if (n > 0 && n <= p->box.n)
		return answer_repeated(&t);
	buf_init(&t.me, 6 * PEERJS_WORD + 2);
	buf_init(&t.body, p->r->body.n + 16 * PEERJS_WORD);
	json_quote(&t.me, str_from(p->id));
	rc = speak(&t);
	buf_release(&t.me);
	buf_release(&t.body);
	if (rc == 0 && n > 0 && t.kept)
		rc = store_box_accept(p->hub->store, p->box.id, n);
	return rc;
}
