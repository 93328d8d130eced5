/* proto-post - see proto-post.h. */
#include "config.h"

#include "err.h"
#include "proto-post.h"
#include "reply.h"

#define ANSWER_MAX	(16u * 1024 * 1024)

static void
add_result(struct buf *b, const struct verdict *v)
{
	if (v->result != NULL) {
		buf_addf(b, "{\"result\":\"%s\"}", v->result);
		return;
	}
	buf_addf(b, "{\"result\":\"refused\",\"status\":%d,\"reason\":", err_status(v->err));
	json_quote(b, str_from(v->reason));
	buf_addc(b, '}');
}

static int
answer_one(struct post *p, const struct verdict *v)
{
	struct buf b;

	if (v->result == NULL) {
		reply_problem(p->r, v->err, v->reason);
		return 0;
	}
	buf_init(&b, 256);
	add_result(&b, v);
	buf_addc(&b, '\n');
	reply_send(p->r, 200, "application/json", buf_str(&b), NULL);
	buf_release(&b);
	return 0;
}

static struct verdict
take(struct post *p, const struct json_member *message)
{
	if (message->value.n > (uint64_t)p->hub->conf->max_message_bytes)
		return post_refuse(-ERR_TOOBIG, "the message is longer than max_message_bytes");
	return p->take(p, message);
}

static int
take_one(struct post *p, const struct json_member *message)
{
	struct verdict v = take(p, message);

	p->kept = v.result != NULL;
	return p->err < 0 ? p->err : answer_one(p, &v);
}

static int
take_each(struct post *p, struct json_iter *it, struct buf *answer)
{
	int64_t left = p->hub->conf->max_batch;
	struct json_member m;
	struct verdict v;

	buf_addc(answer, '[');
	while (p->err == 0 && json_next(it, &m)) {
		if (left-- == 0)
			return -ERR_BATCH;
		v = take(p, &m);
		p->kept = p->kept || v.result != NULL;
		if (answer->n > 1)
			buf_addc(answer, ',');
		add_result(answer, &v);
	}
	buf_adds(answer, STR("]\n"));
	return p->err != 0 ? p->err : buf_err(answer);
}

static int
take_many(struct post *p, struct json_iter *it)
{
	struct buf answer;
	int rc;

	buf_init(&answer, ANSWER_MAX);
	rc = take_each(p, it, &answer);
	if (rc == 0)
		reply_send(p->r, 200, "application/json", buf_str(&answer), NULL);
	buf_release(&answer);
	return rc;
}

/* Each of as many as were sent; how many of them had been accepted is not known any more. */
static int
answer_repeated(struct post *p)
{
	const struct verdict v = post_say("repeated");
	struct json_iter it;
	struct json_member m;
	struct buf b;

	if (json_array(p->r->body, &it) < 0)
		return answer_one(p, &v);
	buf_init(&b, ANSWER_MAX);
	buf_addc(&b, '[');
	while (json_next(&it, &m)) {
		if (b.n > 1)
			buf_addc(&b, ',');
		add_result(&b, &v);
	}
	buf_adds(&b, STR("]\n"));
	reply_send(p->r, 200, "application/json", buf_str(&b), NULL);
	buf_release(&b);
	return 0;
}

static int
take_all(struct post *p)
{
	struct json_member text;
	struct json_iter it;
	int rc = json_value(p->r->body, &text);

	if (rc == 0)
		return json_elements_of(&text, &it) == 0 ? take_many(p, &it) : take_one(p, &text);
	reply_problem(p->r, -ERR_BAD, rc == -ERR_TOOBIG ? "The JSON is nested too deep." :
	    "The body is not JSON: send one message, or an array of them.");
	return 0;
}

int
post_serve(struct post *p)
{
	int64_t n = 0;
	int rc;

	if (!p->r->spoken && req_number(p->r, "n", 1, &n) == -ERR_BAD) {
		reply_problem(p->r, -ERR_BAD, "n is a whole number from 1, rising with each request of a token");
		return 0;
	}
	if (n > 0 && n <= p->from->n)
		return answer_repeated(p);
	rc = take_all(p);
	if (rc == 0 && n > 0 && p->kept)
		rc = store_box_accept(p->hub->store, p->from->id, n);
	return rc;
}
