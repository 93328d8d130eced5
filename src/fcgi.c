/*
 * fcgi - see fcgi.h. A record is classified once, at its header; the rows of kinds[] say what
 * happens to its content and at its end. Pairs and body bytes that lie whole in what was given
 * are handed on without a copy.
 */
#include "config.h"

#include <assert.h>
#include <fastcgi.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "fcgi-pair.h"
#include "fcgi.h"

enum phase { PHASE_IDLE, PHASE_VARS, PHASE_BODY, PHASE_TALK, PHASE_WHOLE, PHASE_REFUSED, PHASE_STOPPED };

enum kind {
	KIND_NONE,		/* a header is being read */
	KIND_SKIP,
	KIND_BEGIN,
	KIND_SECOND,		/* BEGIN_REQUEST while another request is open */
	KIND_NEXT,		/* the same with its id, after it was complete: wait */
	KIND_VARS, KIND_VARS_END,
	KIND_BODY, KIND_BODY_END,
	KIND_TALK, KIND_TALK_END,
	KIND_ABORT, KIND_VALUES, KIND_UNKNOWN,
	KIND__MAX
};

static uint16_t
get16(unsigned char b1, unsigned char b0)
{
	return (uint16_t)(b1 << 8 | b0);
}

/* ---- what the codec says by itself ---- */

static int
answer(struct fcgi *f, const struct fcgi_user *u, struct buf *records)
{
	int rc = buf_err(records);

	if (rc == 0)
		u->answer(f, buf_str(records));
	buf_release(records);
	return rc;
}

/* FCGI_END_REQUEST for the request that is just beginning; its flags say what comes then (5.1). */
static int
decline(struct fcgi *f, const struct fcgi_user *u, bool keep, void (*put)(struct buf *, uint16_t))
{
	struct buf b;
	int rc;

	buf_init(&b, FCGI_PUT_MAX);
	put(&b, f->record_id);
	rc = answer(f, u, &b);
	return rc == 0 && !keep ? -ERR_CLOSED : rc;
}

/* ---- content of records ---- */

static void
refuse(struct fcgi *f, const struct fcgi_user *u, int err)
{
	fcgi_skip(f);
	u->refused(f, err);
}

static int
take_begin(struct fcgi *f, const struct fcgi_user *u, struct str bytes)
{
	(void)u;
	memcpy(f->bytes + sizeof f->bytes - f->left - bytes.n, bytes.p, bytes.n);
	return 0;
}

static int
take_vars(struct fcgi *f, const struct fcgi_user *u, struct str bytes)
{
	struct str name, value;
	int rc = 0;

	while (rc == 0 && bytes.n > 0 && f->phase == PHASE_VARS) {
		rc = fcgi_pair_next(&f->vars, &bytes, f->room, &name, &value);
		if (rc <= 0)
			break;
		f->room -= (uint32_t)(name.n + value.n);
		rc = u->var(f, name, value);
		fcgi_pair_drop(&f->vars);
	}
	if (rc < 0)
		refuse(f, u, rc);
	return 0;
}

static int
take_body(struct fcgi *f, const struct fcgi_user *u, struct str bytes)
{
	int rc = f->phase == PHASE_BODY ? u->body(f, bytes) : 0;

	if (rc < 0)
		refuse(f, u, rc);
	return 0;
}

static unsigned int
asked_by(struct str name)
{
	if (str_eq(name, STR(FCGI_MAX_CONNS)))
		return FCGI_ASKED_CONNS;
	if (str_eq(name, STR(FCGI_MAX_REQS)))
		return FCGI_ASKED_REQS;
	return str_eq(name, STR(FCGI_MPXS_CONNS)) ? FCGI_ASKED_MPXS : 0;
}

/* Names we do not know are not answered, one asked twice is answered once (4.1). */
static int
take_values(struct fcgi *f, const struct fcgi_user *u, struct str bytes)
{
	struct str name, value;
	int rc;

	(void)u;
	while ((rc = fcgi_pair_next(&f->values, &bytes, FCGI_MAX_LENGTH, &name, &value)) > 0) {
		f->asked |= (uint8_t)asked_by(name);
		fcgi_pair_drop(&f->values);
	}
	return rc == -ERR_TOOBIG ? -ERR_BAD : rc;
}

/* ---- ends of records ---- */

static int
end_begin(struct fcgi *f, const struct fcgi_user *u)
{
	FCGI_BeginRequestBody b;

	memcpy(&b, f->bytes, sizeof b);
	f->id = f->record_id;
	f->keep = (b.flags & FCGI_KEEP_CONN) != 0;
	f->room = u->max_vars;
	if (get16(b.roleB1, b.roleB0) != FCGI_RESPONDER)
		return decline(f, u, f->keep, fcgi_put_unknown_role);
	f->phase = PHASE_VARS;
	if (u->begin(f) == 0)
		return 0;
	f->phase = PHASE_IDLE;
	return decline(f, u, f->keep, fcgi_put_overloaded);
}

static int
end_second(struct fcgi *f, const struct fcgi_user *u)
{
	return decline(f, u, true, fcgi_put_cant_mpx);
}

static int
end_vars(struct fcgi *f, const struct fcgi_user *u)
{
	int rc;

	if (f->vars != NULL)
		return -ERR_BAD;
	f->phase = PHASE_BODY;
	rc = u->vars(f);
	if (rc < 0)
		refuse(f, u, rc);
	else if (rc == FCGI_TALKS) {
		f->phase = PHASE_TALK;
		u->whole(f);
	}
	return 0;
}

static int
end_body(struct fcgi *f, const struct fcgi_user *u)
{
	f->phase = PHASE_WHOLE;
	u->whole(f);
	return 0;
}

static int
take_talk(struct fcgi *f, const struct fcgi_user *u, struct str bytes)
{
	if (f->phase == PHASE_TALK)
		u->heard(f, bytes);
	return 0;
}

static int
end_talk(struct fcgi *f, const struct fcgi_user *u)
{
	if (f->phase != PHASE_TALK)
		return 0;
	f->phase = PHASE_WHOLE;
	u->heard(f, STR_NONE);
	return 0;
}

static int
end_abort(struct fcgi *f, const struct fcgi_user *u)
{
	if (f->phase != PHASE_IDLE)	/* answered while the record was on its way */
		u->abort(f);
	return 0;
}

static int
end_unknown(struct fcgi *f, const struct fcgi_user *u)
{
	struct buf b;

	buf_init(&b, FCGI_PUT_MAX);
	fcgi_put_unknown_type(&b, f->bytes[1]);
	return answer(f, u, &b);
}

static int
end_values(struct fcgi *f, const struct fcgi_user *u)
{
	unsigned int asked = f->asked;
	struct buf b;

	f->asked = 0;
	if (f->values != NULL)
		return -ERR_BAD;
	buf_init(&b, FCGI_PUT_MAX);
	fcgi_put_values(&b, asked, u->max_conns);
	return answer(f, u, &b);
}

/* ---- records (3.3) ---- */

static const struct {
	int	(*content)(struct fcgi *, const struct fcgi_user *, struct str bytes);
	int	(*end)(struct fcgi *, const struct fcgi_user *);
} kinds[KIND__MAX] = {
	[KIND_SKIP]	= { NULL, NULL },
	[KIND_BEGIN]	= { take_begin, end_begin },
	[KIND_SECOND]	= { NULL, end_second },
	[KIND_VARS]	= { take_vars, NULL },
	[KIND_VARS_END]	= { NULL, end_vars },
	[KIND_BODY]	= { take_body, NULL },
	[KIND_BODY_END]	= { NULL, end_body },
	[KIND_TALK]	= { take_talk, NULL },
	[KIND_TALK_END]	= { NULL, end_talk },
	[KIND_ABORT]	= { NULL, end_abort },
	[KIND_VALUES]	= { take_values, end_values },
	[KIND_UNKNOWN]	= { NULL, end_unknown },
};

/* KIND_NONE: not allowed now. */
static enum kind
begin_kind(const struct fcgi *f)
{
	if (f->record_id == FCGI_NULL_REQUEST_ID || f->left != sizeof(FCGI_BeginRequestBody))
		return KIND_NONE;
	if (f->phase == PHASE_IDLE)
		return KIND_BEGIN;
	if (f->record_id != f->id)
		return KIND_SECOND;
	if (f->phase == PHASE_WHOLE)
		return KIND_NEXT;
	return f->phase == PHASE_REFUSED ? KIND_SKIP : KIND_NONE;
}

static enum kind
stream_kind(const struct fcgi *f, enum phase phase, enum kind kind)
{
	if (f->phase == PHASE_REFUSED)
		return KIND_SKIP;
	if (f->phase != phase)
		return KIND_NONE;
	return f->left > 0 ? kind : kind + 1;
}

static enum kind
classify(const struct fcgi *f, unsigned char type)
{
	if (type == FCGI_BEGIN_REQUEST)
		return begin_kind(f);
	if (f->record_id == FCGI_NULL_REQUEST_ID)
		return type == FCGI_GET_VALUES ? KIND_VALUES : KIND_UNKNOWN;
	if (f->phase == PHASE_IDLE || f->record_id != f->id)
		return KIND_SKIP;
	switch (type) {
	case FCGI_PARAMS:
		return stream_kind(f, PHASE_VARS, KIND_VARS);
	case FCGI_STDIN:
		if (f->phase == PHASE_TALK)
			return f->left > 0 ? KIND_TALK : KIND_TALK_END;
		return stream_kind(f, PHASE_BODY, KIND_BODY);
	case FCGI_ABORT_REQUEST:
		return KIND_ABORT;
	default:
		return KIND_NONE;
	}
}

static int
open_record(struct fcgi *f)
{
	FCGI_Header h;
	enum kind kind;

	memcpy(&h, f->bytes, sizeof h);
	if (h.version != FCGI_VERSION_1)
		return -ERR_BAD;
	f->record_id = get16(h.requestIdB1, h.requestIdB0);
	f->left = get16(h.contentLengthB1, h.contentLengthB0);
	f->padding = h.paddingLength;
	kind = classify(f, h.type);
	if (kind == KIND_NONE)
		return -ERR_BAD;
	if (kind != KIND_NEXT)
		f->kind = (uint8_t)kind;
	return 0;
}

static int
close_record(struct fcgi *f, const struct fcgi_user *u)
{
	enum kind kind = f->kind;

	f->kind = KIND_NONE;
	f->have = 0;
	if (f->phase == PHASE_STOPPED || kinds[kind].end == NULL)
		return 0;
	return kinds[kind].end(f, u);
}

/* Bytes for the header; none are needed while paused. */
static int
eat_header(struct fcgi *f, struct str bytes, size_t *used)
{
	*used = sizeof f->bytes - f->have;
	if (*used > bytes.n)
		*used = bytes.n;
	if (*used == 0)
		return 0;
	memcpy(f->bytes + f->have, bytes.p, *used);
	f->have += (uint8_t)*used;
	return f->have == sizeof f->bytes ? open_record(f) : 0;
}

static int
eat_content(struct fcgi *f, const struct fcgi_user *u, struct str bytes, size_t *used)
{
	*used = bytes.n < f->left ? bytes.n : f->left;
	f->left -= (uint16_t)*used;
	if (kinds[f->kind].content == NULL)
		return 0;
	return kinds[f->kind].content(f, u, str_make(bytes.p, *used));
}

static int
eat_padding(struct fcgi *f, struct str bytes, size_t *used)
{
	*used = bytes.n < f->padding ? bytes.n : f->padding;
	f->padding -= (uint8_t)*used;
	return 0;
}

/* Some bytes of one record; *used is 0 if it is paused. */
static int
eat_some(struct fcgi *f, const struct fcgi_user *u, struct str bytes, size_t *used)
{
	int rc;

	if (f->kind == KIND_NONE)
		rc = eat_header(f, bytes, used);
	else if (f->left > 0)
		rc = eat_content(f, u, bytes, used);
	else
		rc = eat_padding(f, bytes, used);
	if (rc == 0 && f->kind != KIND_NONE && f->left == 0 && f->padding == 0)
		rc = close_record(f, u);
	return rc;
}

ssize_t
fcgi_eat(struct fcgi *f, const struct fcgi_user *user, const char *p, size_t n)
{
	struct str rest = str_make(p, n);
	size_t used = 1;
	int rc;

	while (rest.n > 0 && used > 0) {
		if (f->phase == PHASE_STOPPED)
			return (ssize_t)n;
		rc = eat_some(f, user, rest, &used);
		if (rc < 0)
			return rc;
		rest = str_skip(rest, used);
	}
	return (ssize_t)(n - rest.n);
}

/* ---- life ---- */

void
fcgi_init(struct fcgi *f)
{
	*f = (struct fcgi){ .phase = PHASE_IDLE };
}

void
fcgi_release(struct fcgi *f)
{
	fcgi_pair_drop(&f->vars);
	fcgi_pair_drop(&f->values);
	f->phase = PHASE_STOPPED;
}

void
fcgi_next(struct fcgi *f)
{
	bool paused = fcgi_paused(f);
	int rc = 0;

	assert(f->phase == PHASE_TALK || f->phase == PHASE_WHOLE || f->phase == PHASE_REFUSED);
	f->phase = PHASE_IDLE;
	if (paused)
		rc = open_record(f);
	assert(rc == 0);
	(void)rc;
}

void
fcgi_skip(struct fcgi *f)
{
	fcgi_pair_drop(&f->vars);
	f->phase = PHASE_REFUSED;
}

bool
fcgi_idle(const struct fcgi *f)
{
	return f->phase == PHASE_IDLE && f->kind == KIND_NONE && f->have == 0;
}

bool
fcgi_paused(const struct fcgi *f)
{
	return f->phase == PHASE_WHOLE && f->kind == KIND_NONE && f->have == sizeof f->bytes;
}

bool
fcgi_whole(const struct fcgi *f)
{
	return f->phase == PHASE_WHOLE;
}

bool
fcgi_in_body(const struct fcgi *f)
{
	return f->phase == PHASE_BODY;
}
