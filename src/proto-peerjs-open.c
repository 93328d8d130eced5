/*
 * proto-peerjs-open - a stream for a peer.
 *
 * The same id and token go on: another stream of theirs is superseded. An id that somebody else holds
 * is contested (hub_contest): a page that was reloaded comes with a new token while its old
 * stream still seems to be open. Who gets the id inherits what its last holder had not taken, or
 * what was sent while there was none.
 */
#include "config.h"

#include <string.h>

#include "err.h"
#include "proto-peerjs.h"
#include "reply.h"

#define TWIN_MS	5000	/* after which they let go of the stream, if the WebSocket is open */
#define PASSED_ON STR("{\"code\":1000,\"reason\":\"the id passed on to another page\"}")

/* ---- claiming an id ---- */

/* What waits for the id goes with it. */
static int
inherit(struct peer *p, const struct box *holder)
{
	struct box v;
	int rc = 0;

	if (holder != NULL)
		rc = store_msg_move(p->hub->store, holder->id, p->box.id, hub_position(p->hub, holder), MSG_TOLD);
	if (rc == 0 && holder != NULL)
		rc = hub_end(p->hub, holder->id, PASSED_ON);
	if (rc == 0)
		rc = peer_void(p, str_from(p->id), false, &v);
	if (rc < 0)
		return rc == -ERR_NOTFOUND ? 0 : rc;
	rc = store_msg_move(p->hub->store, v.id, p->box.id, 0, MSG_TOLD);
	return rc < 0 ? rc : store_box_end(p->hub->store, v.id);
}

static int
claim(struct peer *p, const struct box *holder)
{
	int rc = store_box_add(p->hub->store, p->realm, p->hash, NULL, &p->box.id);

	if (rc == 0)
		rc = inherit(p, holder);
	if (rc == 0)
		rc = store_claim_add(p->hub->store, p->realm, str_from(p->id), p->box.id, true);
	return rc;
}

/* Who is away keeps its id as long as nobody else needs the room. */
static int
make_room(struct peer *p, const struct realm_key *k, enum peerjs_no *no)
{
	const struct conf *c = p->hub->conf;
	int64_t id;
	int rc;

	*no = NO_REASON;
	if (k->peers < (k->max_peers != 0 ? k->max_peers : c->max_peers))
		return 0;
	rc = store_box_longest_away(p->hub->store, p->realm, loop_real(p->hub->loop) - c->grace_ms, &id);
	if (rc == 0)
		return hub_end(p->hub, id, STR("{\"code\":1000,\"reason\":\"the server is full and it was away\"}"));
	*no = NO_ROOM;
	return rc == -ERR_NOTFOUND ? 0 : rc;
}

/* 0: p->box is a new mailbox that holds the id. *no: why not. */
static int
take_id(struct peer *p, enum peerjs_no *no)
{
	struct realm_key k;
	struct box holder;
	int rc = store_key_get(p->hub->store, str_from(p->key), &k);

	if (rc == -ERR_NOTFOUND) {
		*no = NO_KEY;
		return 0;
	}
	if (rc == 0)
		rc = store_claim_holder(p->hub->store, p->realm, str_from(p->id), &holder);
	if (rc == -ERR_NOTFOUND) {
		rc = make_room(p, &k, no);
		return rc == 0 && *no == NO_REASON ? claim(p, NULL) : rc;
	}
	if (rc == 0)
		rc = hub_contest(p->hub, &p->r->contest[0], &holder);
	if (rc == -ERR_CONFLICT) {
		*no = NO_TAKEN;
		return 0;
	}
	return rc < 0 ? rc : claim(p, &holder);
}

/* ---- opening ---- */

/* A cursor of a mailbox that is gone: nobody knows any more what it has missed. */
static int
open_new(struct peer *p, struct hub_open *o, const struct cursor *at)
{
	char from[CURSOR_MAX], to[CURSOR_MAX];
	enum peerjs_no no = NO_REASON;
	int64_t last = 0;
	int rc = take_id(p, &no);

	if (rc < 0)
		return rc;
	if (no != NO_REASON) {
		peerjs_no_stream(p->r, o->wire, no);
		return 0;
	}
	o->box = p->box.id;
	if (at == NULL)
		return hub_open(p->hub, p->r, o);
	rc = store_msg_last(p->hub->store, &last);
	o->hello_data = STR_NONE;
	o->gap_from = cursor_render(at->epoch, at->seq, from);
	o->gap_to = cursor_render(p->hub->store->epoch, last, to);
	return rc < 0 ? rc : hub_open(p->hub, p->r, o);
}

static int
open_known(struct peer *p, struct hub_open *o, const struct cursor *at, bool quiet)
{
	if (at != NULL || quiet)
		o->hello_data = STR_NONE;
	if (at != NULL)
		return hub_resume(p->hub, p->r, &p->box, at, o);
	o->box = p->box.id;
	return hub_open(p->hub, p->r, o);
}

/*
 * Clients up to 0.3 begin on an HTTP stream and a WebSocket at once, take every OPEN for a beginning, and the
 * end of the WebSocket for the end. So there is one OPEN, on whichever comes first, and the WebSocket stays.
 */
static bool
began_on(struct peer *p, const struct wire *other)
{
	const struct stream *s = hub_stream(p->hub, p->box.id);

	return s != NULL && s->wire == other && s->greeted && stream_age(s, loop_mono(p->hub->loop)) < TWIN_MS;
}

static int
open_again(struct peer *p, struct hub_open *o, const struct peer_open *want)
{
	const struct wire_end nothing = { .final = true };

	if (want->wire == &wire_ws)
		return open_known(p, o, NULL, want->quiet || began_on(p, &wire_xhr));
	if (want->wire != &wire_xhr || want->quiet || !began_on(p, &wire_ws))
		return open_known(p, o, NULL, want->quiet);
	stream_decline(p->r, want->wire, &nothing);
	return 0;
}

/* Who left, or lost its id to somebody else, and asks on is told so, and does not claim it again. */
static int
find_ended(struct peer *p, const struct cursor *at)
{
	int rc = store_box_by_handle(p->hub->store, p->realm, p->hash, &p->box);

	if (rc == 0 && (strcmp(at->epoch, p->hub->store->epoch) != 0 || !hub_resumable(p->hub, &p->box, at->seq)))
		return -ERR_NOTFOUND;
	return rc;
}

int
peer_open(struct peer *p, const struct peer_open *want)
{
	struct hub_open o = {
		.wire = want->wire, .order = want->order, .hello_data = STR("{\"type\":\"OPEN\"}"),
	};
	struct cursor at;
	bool named = cursor_parse(want->cursor, &at) == 0 && !at.has_handle;
	int rc = peer_find(p);

	if (rc == -ERR_NOTFOUND && named)
		rc = find_ended(p, &at);
	if (rc == 0)
		return named ? open_known(p, &o, &at, want->quiet) : open_again(p, &o, want);
	return rc == -ERR_NOTFOUND ? open_new(p, &o, named ? &at : NULL) : rc;
}

/* ---- leaving ---- */

static int
on_waiting(void *arg, const struct msg_row *m)
{
	(void)m;
	*(bool *)arg = true;
	return 1;
}

/* What waits for the id stays for its next holder. */
static int
bequeath(struct peer *p)
{
	bool waits = false;
	struct box v;
	int64_t after = hub_position(p->hub, &p->box);
	int rc = store_msg_read(p->hub->store, p->box.id, after, on_waiting, &waits);

	if (rc < 0 || !waits)
		return rc;
	rc = peer_void(p, str_from(p->id), true, &v);
	return rc < 0 ? rc : store_msg_move(p->hub->store, p->box.id, v.id, after, MSG_OWED);
}

int
peer_goodbye(struct peer *p)
{
	int rc = bequeath(p);

	if (rc == 0)
		rc = hub_end(p->hub, p->box.id, STR("{\"code\":1000,\"reason\":\"left\"}"));
	if (rc == 0)
		reply_send(p->r, 204, NULL, STR_NONE, NULL);
	return rc;
}
