/*
 * proto-sio-talk - what a session says: packets of Engine.IO, Socket.IO in them, webrtc-star in that.
 *
 * An event that asks for it gets an ack, {"result":"joined"} and so on in the words of POST /star; one
 * that is refused is also told, as the event ss-error. What the released server ignores is ignored.
 */
#include "config.h"

#include "err.h"
#include "proto-sio.h"
#include "proto-star.h"
#include "sio.h"
#include "token.h"

#define WORDS_MAX	2048	/* bytes of a packet of ours */

/* ---- telling ---- */

int
sio_tell(struct session *s, struct str packet)
{
	struct msg_new m = {
		.box = s->box.id, .kind = MSG_DATA, .body = packet,
		.due = loop_real(s->hub->loop) + s->hub->conf->star_expire_ms,
	};
	int rc = hub_put(s->hub, &m);

	return rc == -ERR_QUOTA ? 0 : rc;
}

#define CLOSED STR("{\"code\":1000,\"reason\":\"closed\"}")

int
sio_end(struct session *s)
{
	return hub_end(s->hub, s->box.id, CLOSED);
}

int
sio_break_off(struct session *s)
{
	return hub_retire(s->hub, &s->box, CLOSED);
}

/* b holds a message; tells it and frees it. */
static int
tell(struct session *s, struct buf *b)
{
	int rc = buf_err(b);

	if (rc == 0)
		rc = sio_tell(s, buf_str(b));
	buf_release(b);
	return rc;
}

static void
begin(struct buf *b)
{
	buf_init(b, WORDS_MAX);
	eio_packet_put(b, EIO_MESSAGE, STR_NONE);
}

/* ---- what became of an event ---- */

static void
put_outcome(struct buf *out, const struct star_said *said)
{
	const char *word = star_word(said->result);

	buf_adds(out, STR("{\"result\":"));
	json_quote(out, str_from(word != NULL ? word : said->result == STAR_IGNORED ? "ignored" : "refused"));
	if (said->reason != NULL) {
		buf_adds(out, STR(",\"reason\":"));
		json_quote(out, str_from(said->reason));
	}
	buf_addc(out, '}');
}

static int
acknowledge(struct session *s, const struct sio_packet *p, const struct star_said *said)
{
	struct buf b, args;

	if (!p->has_id)
		return 0;
	buf_init(&args, WORDS_MAX);
	put_outcome(&args, said);
	begin(&b);
	sio_ack_put(&b, STR_NONE, p->id, buf_str(&args));
	buf_release(&args);
	return tell(s, &b);
}

static int
complain(struct session *s, struct str event, const char *reason)
{
	struct buf b, json;

	buf_init(&json, WORDS_MAX);
	buf_adds(&json, STR("{\"event\":"));
	buf_adds(&json, event);
	buf_adds(&json, STR(",\"reason\":"));
	json_quote(&json, str_from(reason));
	buf_addc(&json, '}');
	begin(&b);
	sio_event_put(&b, STR_NONE, STR("ss-error"), buf_str(&json));
	buf_release(&json);
	return tell(s, &b);
}

/* ---- events ---- */

typedef int	star_fn(struct star_peer *who, struct str addr, struct star_said *said);

/* null is what clients send that have no multiaddr yet. */
static int
with_addr(struct star_peer *who, const struct json_member *arg, star_fn *fn, struct star_said *said)
{
	struct buf addr;
	int rc;

	*said = (struct star_said){ STAR_IGNORED, -ERR_BAD, "its argument is not a multiaddr" };
	buf_init(&addr, NAME_BYTES_MAX);
	rc = json_text(arg->value, &addr);
	if (rc == -ERR_TOOBIG)
		*said = (struct star_said){ STAR_REFUSED, rc, "the multiaddr is too long" };
	rc = rc == 0 ? fn(who, buf_str(&addr), said) : 0;
	buf_release(&addr);
	return rc;
}

static int
join(struct star_peer *who, const struct json_member *arg, struct star_said *said)
{
	return with_addr(who, arg, star_join, said);
}

static int
leave(struct star_peer *who, const struct json_member *arg, struct star_said *said)
{
	return with_addr(who, arg, star_leave, said);
}

static const struct {
	const char	*name;
	int		(*fn)(struct star_peer *who, const struct json_member *arg, struct star_said *said);
} events[] = {
	{ "ss-join", join },
	{ "ss-leave", leave },
	{ "ss-handshake", star_handshake },
};

static int
do_event(struct session *s, const struct sio_packet *p, struct star_said *said)
{
	static const struct json_member nothing = { .kind = JSON_NULL, .value = { "null", 4 } };
	struct star_peer who = { .hub = s->hub, .r = s->r, .contest = s->r->contest, .box = s->box, .met = s->met };
	struct json_member arg = nothing;
	size_t i;
	int rc = 0;

	*said = (struct star_said){ STAR_IGNORED, -ERR_BAD, "there is no such event" };
	if (p->args > 0)
		sio_arg(p, 0, &arg);
	for (i = 0; i < sizeof events / sizeof events[0]; i++)
		if (sio_event_is(p, events[i].name))
			rc = events[i].fn(&who, &arg, said);
	s->met = who.met;
	return rc;
}

static int
take_event(struct session *s, const struct sio_packet *p)
{
	struct star_said said;
	int rc = do_event(s, p, &said);

	if (rc == 0 && said.result == STAR_REFUSED)
		rc = complain(s, p->event.value, said.reason);
	return rc < 0 ? rc : acknowledge(s, p, &said);
}

/* ---- Socket.IO ---- */

static int
take_connect(struct session *s, const struct sio_packet *p, bool here)
{
	unsigned char id[TOKEN_SIZE];
	char sid[TOKEN_TEXT];
	struct buf b;

	if (here && s->version == 3)	/* it was told so unasked */
		return 0;
	begin(&b);
	token_make(id);
	token_text(id, sid);
	if (here)
		sio_connect_put(&b, s->version, p->nsp, str_from(sid));
	else
		sio_refusal_put(&b, s->version, p->nsp, STR("Invalid namespace"));
	return tell(s, &b);
}

static int
take_message(struct session *s, struct str data, bool *ended)
{
	struct sio_packet p;
	enum sio_no no = sio_read(s->version, data, &p);
	bool here = no == SIO_OK && str_eq(p.nsp, STR("/"));

	if (no == SIO_NO_BINARY)
		return complain(s, STR("null"), "binary events are not taken here: send JSON");
	if (no != SIO_OK)
		return 0;
	if (p.type == SIO_CONNECT)
		return take_connect(s, &p, here);
	if (p.type == SIO_DISCONNECT && here) {
		*ended = true;
		return sio_end(s);
	}
	return p.type == SIO_EVENT && here ? take_event(s, &p) : 0;
}

/* ---- Engine.IO ---- */

const char *
sio_wrong(const struct session *s, const struct eio_packet *p)
{
	struct sio_packet sio;
	enum sio_no no;

	if (p->type == EIO_OPEN)
		return "only the server opens a session";
	if (p->binary || p->type != EIO_MESSAGE)
		return NULL;
	no = sio_read(s->version, p->data, &sio);
	return no == SIO_OK || no == SIO_NO_BINARY ? NULL : sio_no_text(no);
}

int
sio_take(struct session *s, const struct eio_packet *p, bool *ended)
{
	*ended = false;
	switch (p->type) {
	case EIO_PING:		/* version 3, by POST */
		return sio_tell(s, STR("3"));
	case EIO_CLOSE:		/* released clients say it, without a disconnect before it, when a poll has failed */
		*ended = true;
		return s->polls ? sio_break_off(s) : sio_end(s);
	case EIO_MESSAGE:	/* attachments follow an event that was refused */
		return p->binary ? 0 : take_message(s, p->data, ended);
	default:
		return 0;
	}
}
