/*
 * proto-star-talk - join, leave, handshake, for whatever brings them.
 *
 * A multiaddr is its holder's until he leaves it, or is gone and somebody else wants it; nobody else may
 * send from it. A handshake for somebody who is away waits for him, and comes back to its sender
 * when it expires; one for a multiaddr nobody holds comes back at once.
 */
#include "config.h"

#include "err.h"
#include "proto-star.h"

static const struct { enum star_result result; const char *word; } words[STAR__MAX] = {
	{ STAR_JOINED, "joined" },
	{ STAR_LEFT, "left" },
	{ STAR_PRESENT, "present" },
	{ STAR_QUEUED, "queued" },
	{ STAR_RETURNED, "returned" },
	{ STAR_IGNORED, NULL },
	{ STAR_REFUSED, NULL },
};

const char *
star_word(enum star_result result)
{
	return words[result].word;
}

static int
say(struct star_said *said, enum star_result result)
{
	*said = (struct star_said){ result, 0, NULL };
	return 0;
}

static int
ignore(struct star_said *said, int err, const char *reason)
{
	*said = (struct star_said){ STAR_IGNORED, err, reason };
	return 0;
}

static int
refuse(struct star_said *said, int err, const char *reason)
{
	*said = (struct star_said){ STAR_REFUSED, err, reason };
	return 0;
}

bool
star_addr_good(const struct hub *hub, struct str addr, struct star_said *said)
{
	if (addr.n == 0 || addr.p[0] != '/')
		ignore(said, -ERR_BAD, "a multiaddr begins with a slash");
	else if ((int64_t)addr.n > hub->conf->star_addr_bytes)
		refuse(said, -ERR_TOOBIG, "the multiaddr is too long");
	else if (!json_plain(addr))
		ignore(said, -ERR_BAD, "a multiaddr is UTF-8 without control characters");
	else
		return true;
	return false;
}

/* ---- join ---- */

/* One for each multiaddr that is new, not for one that passes from one mailbox to another. */
static int
ask_room(struct star_peer *who, struct star_said *said)
{
	const struct key *k = hub_key(who->hub, STR(KEY_STAR));
	int64_t all, most = k != NULL && k->max_peers != 0 ? k->max_peers : who->hub->conf->max_peers;
	int rc = store_claim_total(who->hub->store, STAR_REALM, &all);

	if (rc == 0 && all >= most)
		refuse(said, -ERR_QUOTA, "this server has as many multiaddrs as it takes");
	return rc;
}

static int
ask_own_room(struct star_peer *who, struct star_said *said)
{
	int64_t own = 0;
	int rc = store_claim_count(who->hub->store, STAR_REALM, who->box.id, &own);

	if (rc == 0 && own >= who->hub->conf->star_addrs)
		refuse(said, -ERR_QUOTA, "this peer has joined as many multiaddrs as one may");
	return rc;
}

/* With this holder, as it stood when the request was served last, or a new one; NULL: too many are under way. */
static struct contest *
contest_with(struct star_peer *who, const struct box *holder)
{
	int i;

	for (i = 0; i < REQ_CONTESTS; i++)
		if (who->contest[i].rival == holder->id)
			break;
	if (i == REQ_CONTESTS)
		for (i = 0; i < REQ_CONTESTS && (who->met & 1u << i) != 0; i++)
			;
	if (i == REQ_CONTESTS)
		return NULL;
	who->met |= 1u << i;
	return &who->contest[i];
}

/* The verdicts on several holders come one after the other. */
static int
ask_holder(struct star_peer *who, const struct box *holder, struct star_said *said)
{
	struct contest *c = contest_with(who, holder);
	int rc;

	if (c == NULL)
		return refuse(said, -ERR_CONFLICT, "too many multiaddrs of this request had holders: join them one by one");
	rc = hub_contest(who->hub, c, holder);
	return rc == -ERR_CONFLICT ? refuse(said, rc, "somebody else has joined this multiaddr") : rc;
}

int
star_ask(struct star_peer *who, struct str addr, struct box *holder, struct star_said *said)
{
	int rc;

	say(said, STAR_JOINED);
	if (!star_addr_good(who->hub, addr, said))
		return 0;
	rc = store_claim_holder(who->hub->store, STAR_REALM, addr, holder);
	if (rc == 0 && holder->id == who->box.id)
		return 0;
	if (rc < 0 && rc != -ERR_NOTFOUND)
		return rc;
	if (rc == -ERR_NOTFOUND)
		holder->id = 0;
	rc = ask_own_room(who, said);
	if (rc < 0 || said->result == STAR_REFUSED)
		return rc;
	return holder->id == 0 ? ask_room(who, said) : ask_holder(who, holder, said);
}

int
star_have(struct star_peer *who, struct str addr, const struct box *holder, struct star_said *said)
{
	int rc = 0;

	say(said, STAR_JOINED);
	if (holder->id == who->box.id)
		return 0;
	if (holder->id != 0)
		rc = star_pass_on(who->hub, addr, holder, who->box.id);
	if (rc == 0)
		rc = store_claim_add(who->hub->store, STAR_REALM, addr, who->box.id, true);
	if (rc == 0)
		rc = hub_roster_joined(who->hub, &who->box, addr);
	return rc;
}

int
star_join(struct star_peer *who, struct str addr, struct star_said *said)
{
	struct box holder;
	int rc = star_ask(who, addr, &holder, said);

	return rc < 0 || said->result != STAR_JOINED ? rc : star_have(who, addr, &holder, said);
}

/* ---- leave ---- */

int
star_leave(struct star_peer *who, struct str addr, struct star_said *said)
{
	int rc;

	say(said, STAR_LEFT);
	if (!star_addr_good(who->hub, addr, said))
		return 0;
	rc = store_claim_drop(who->hub->store, STAR_REALM, addr, who->box.id);
	return rc == -ERR_NOTFOUND ? refuse(said, -ERR_FORBIDDEN, "the sender has not joined this multiaddr") : rc;
}

/* ---- handshake ---- */

static int
put(struct hub *hub, int64_t box, int64_t src, struct str object)
{
	struct msg_new m = {
		.box = box, .src = src, .kind = MSG_HANDSHAKE,
		.due = loop_real(hub->loop) + hub->conf->star_expire_ms,
	};
	struct buf b;
	int rc;

	buf_init(&b, object.n + 64);
	handshake_copy(&b, object, src == 0);
	rc = buf_err(&b);
	m.body = buf_str(&b);
	if (rc == 0)
		rc = hub_put(hub, &m);
	buf_release(&b);
	return rc;
}

static int
forward(struct star_peer *who, struct str addr, struct str object, struct star_said *said)
{
	struct hub *hub = who->hub;
	struct box to;
	int rc = store_claim_holder(hub->store, STAR_REALM, addr, &to);
	bool absent = rc == -ERR_NOTFOUND;

	if (rc < 0 && !absent)
		return rc;
	say(said, absent ? STAR_RETURNED : to.present ? STAR_PRESENT : STAR_QUEUED);
	rc = put(hub, absent ? who->box.id : to.id, absent ? 0 : who->box.id, object);
	if (rc == -ERR_QUOTA)
		return refuse(said, rc, absent ? "too much waits for the sender already" : "too much waits for that peer already");
	return rc;
}

static int
relay(struct star_peer *who, const struct handshake *h, struct str object, struct star_said *said)
{
	const struct key *k = hub_key(who->hub, STR(KEY_STAR));
	int rc = store_claim_has(who->hub->store, STAR_REALM, handshake_from(h), who->box.id);

	if (rc == 0 && k != NULL && !hub_key_spend(who->hub, who->r, k->id))
		return refuse(said, -ERR_MESSAGES, "webrtc-star has had as many messages as its rate allows");
	if (rc == -ERR_NOTFOUND)
		return refuse(said, -ERR_FORBIDDEN, h->answer ? "the sender of this answer has not joined dstMultiaddr" :
		    "the sender has not joined srcMultiaddr");
	return rc < 0 ? rc : forward(who, handshake_to(h), object, said);
}

int
star_handshake(struct star_peer *who, const struct json_member *object, struct star_said *said)
{
	struct handshake h;
	const char *wrong = handshake_read(object, &h);
	int rc = wrong != NULL ? ignore(said, -ERR_BAD, wrong) : relay(who, &h, object->value, said);

	handshake_release(&h);
	return rc;
}

void
star_expired(struct hub *hub, const struct msg_row *m)
{
	struct box sender;

	if (m->kind == MSG_HANDSHAKE && store_box_get(hub->store, m->src, &sender) == 0 && sender.state == BOX_LIVE)
		put(hub, sender.id, 0, m->body);
}
