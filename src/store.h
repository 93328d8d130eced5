/*
 * store - what outlives a process: mailboxes, claims, links, messages.
 *
 * An interface with one engine today (store-sqlite.c). The same suite
 * (tests/unit/suite-store.c) runs against every engine.
 *
 * Words
 *   box	a mailbox: one receiver and its identity. Its id is never used twice.
 *   realm	the name space of names and tokens ("sigver", "sigver/opened", …).
 *   claim	a box holds a name in a realm, alone or together with others.
 *   link	a numbered correspondence: the box `other` is number n to the box `owner`.
 *   hub	a process that holds streams; it keeps a lease (HUB_LEASE_MS).
 *   seq	position of a message in the whole store: rises, never used twice.
 *   key	an API key: peers with this key meet in the realm "peer/KEY".
 *   taken	the last seq of a box that some stream wrote out.
 *   due	CLOCK_REALTIME milliseconds after which a message not taken expires.
 *
 * Turns. Everything that writes needs store_begin() first; nothing is visible to other
 * processes before store_commit(). Inside a turn each request is a mark: store_undo() takes
 * back what came after store_mark(). Reading works in and out of a turn; outside, several
 * reads may be put between store_read_begin() and store_read_end(), which is cheaper.
 *
 * Time. The store never asks a clock: `now` (CLOCK_REALTIME) and `mono` (CLOCK_MONOTONIC),
 * both in milliseconds, come from the caller, who reads them once a turn. store_begin()
 * takes `now` for the whole turn.
 *
 * Errors. 0 or -enum err. -ERR_BUSY: another process has the lock, nothing happened, try
 * again later (never slept for inside). -ERR_FULL, -ERR_IO: this turn is lost; the caller
 * MUST call store_rollback(). -ERR_NOTFOUND and -ERR_CONFLICT are answers, not failures.
 *
 * One store belongs to one thread. store_upkeep() alone may run on another one.
 */
#ifndef SIGPOST_STORE_H
#define SIGPOST_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "store-data.h"
#include "store-ops.h"
#include "str.h"

struct store {			/* the first member of every engine's struct */
	const struct store_ops	*ops;
	char			 epoch[17];		/* 16 hex digits, made with the file */
	unsigned char		 secret[HASH_SIZE];	/* keys the token hashes of this database */
};

/*
 * Opens (and with conf->create makes) the database. *why gets, on failure, one sentence
 * without a full stop that says what is wrong and what mends it (static or owned by the
 * engine until the next open). -ERR_NOTFOUND: no file and create is false; -ERR_VERSION:
 * made by a newer sigpost; -ERR_CORRUPT: not a sigpost database; -ERR_BUSY after 5 s (the
 * one call that may wait); -ERR_IO, -ERR_FULL.
 * Migrations go forward, inside one transaction. The epoch is random; it is made with the
 * schema, and made anew when the file turns out to be a copy (its inode is not the recorded
 * one), so that a restored backup cannot reuse a cursor.
 */
int	store_sqlite_open(const struct store_conf *conf, struct store **out, const char **why);

/* Closes and frees; a clean close leaves no -wal behind if nobody else has the file open. */
static inline void	store_close(struct store *s) { if (s != NULL) s->ops->close(s); }

/* ---- turns ---- */

/* BEGIN IMMEDIATE. -ERR_BUSY: try later. MUST NOT be called inside a turn. */
static inline int store_begin(struct store *s, int64_t now) { return s->ops->begin(s, now); }

/* COMMIT. -ERR_BUSY (rollback journal only): the turn is still open, call commit again later.
 * Any other error: nothing of the turn happened and it is over. */
static inline int store_commit(struct store *s) { return s->ops->commit(s); }
static inline void store_rollback(struct store *s) { s->ops->rollback(s); }

/* Undo may take the whole turn back and begin it anew where nothing had been written before the mark:
 * others may have committed in between (store_tick tells), and -ERR_BUSY means that the turn is over. After
 * any other error it is lost. */
static inline int store_mark(struct store *s) { return s->ops->mark(s); }
static inline int store_release(struct store *s) { return s->ops->release(s); }
static inline int store_undo(struct store *s) { return s->ops->undo(s); }

/* Several reads at one moment, each of the state the one before it saw or a later one; may be skipped.
 * If that is the moment (`now`) of the last turn here, the state may be that right after its commit. */
static inline int store_read_begin(struct store *s, int64_t now) { return s->ops->read_begin(s, now); }
static inline void store_read_end(struct store *s) { s->ops->read_end(s); }

/* ---- mailboxes ---- */

/* A new box, live, away as of `now` of the turn. handle may be NULL. -ERR_CONFLICT: the token or
 * handle exists in that realm. */
static inline int
store_box_add(struct store *s, const char *realm, const unsigned char token[HASH_SIZE],
    const unsigned char *handle, int64_t *id)
{
	return s->ops->box_add(s, realm, token, handle, id);
}

/* Found boxes may be BOX_ENDED; the caller looks. -ERR_NOTFOUND. */
static inline int
store_box_by_token(struct store *s, const char *realm, const unsigned char token[HASH_SIZE], struct box *b)
{
	return s->ops->box_by_token(s, realm, token, b);
}

static inline int
store_box_by_handle(struct store *s, const char *realm, const unsigned char handle[HASH_SIZE], struct box *b)
{
	return s->ops->box_by_handle(s, realm, handle, b);
}

static inline int
store_box_get(struct store *s, int64_t id, struct box *b)
{
	return s->ops->box_get(s, id, b);
}

/* A stream at `hub` receives for the box from now on. *gen: newer than any before. */
static inline int
store_box_attach(struct store *s, int64_t id, int64_t hub, int64_t *gen)
{
	return s->ops->box_attach(s, id, hub, gen);
}

/* That stream (that gen) is over. `until`: present until then (a poll comes back), or now.
 * -ERR_NOTFOUND (harmless): a newer stream holds the box, or it is gone. */
static inline int
store_box_detach(struct store *s, int64_t id, int64_t gen, int64_t until)
{
	return s->ops->box_detach(s, id, gen, until);
}

/* The box is BOX_ENDED: its claims and links (as owner and as other) go at once, and its token, so
 * that a new box may have it (without a handle of its own it is found by that token as its handle); what waits in it may still be read; the sweep deletes it when it is
 * away_ms without a stream. */
static inline int store_box_end(struct store *s, int64_t id) { return s->ops->box_end(s, id); }

/* Streams wrote everything up to these positions. Never goes back. Drops taken rows beyond TAKEN_KEEP_*
 * (raising `dropped`), cheaply if many are given at once. -ERR_NOTFOUND: one of the boxes is gone,
 * the others are done. */
static inline int
store_boxes_taken(struct store *s, const struct taken *list, size_t n)
{
	return s->ops->box_taken(s, list, n);
}

static inline int
store_box_taken(struct store *s, int64_t id, int64_t seq)
{
	const struct taken one = { id, seq };

	return s->ops->box_taken(s, &one, 1);
}

/* The receiver has everything up to seq: those rows are deleted, taken is at least seq. */
static inline int store_box_ack(struct store *s, int64_t id, int64_t seq) { return s->ops->box_ack(s, id, seq); }

/* 0: n is above the greatest accepted and is now the greatest. -ERR_REPEATED otherwise. */
static inline int store_box_accept(struct store *s, int64_t id, int64_t n) { return s->ops->box_accept(s, id, n); }

/* A box without a stream is away as of now, not earlier: away_ms begins anew. -ERR_NOTFOUND: it has
 * a stream, or there is none. */
static inline int store_box_touch(struct store *s, int64_t id) { return s->ops->box_touch(s, id); }

/* The live box of a realm that is away for longest, since `since` at the latest; -ERR_NOTFOUND. Looks at
 * BOX_LOOK_MAX boxes that are away, of any realm, and no more. */
static inline int
store_box_longest_away(struct store *s, const char *realm, int64_t since, int64_t *id)
{
	return s->ops->box_longest_away(s, realm, since, id);
}

/* ---- names ---- */

/* 0: box now holds (or held already) the name. alone: -ERR_CONFLICT if any other live box does. */
static inline int
store_claim_add(struct store *s, const char *realm, struct str name, int64_t box, bool alone)
{
	return s->ops->claim_add(s, realm, name, box, alone);
}

/* Of the boxes holding the name the one that claimed it first among those present; if none is
 * present, the first of all. -ERR_NOTFOUND.
 * Costs the same for one holder and for thousands of holders of which the oldest is present. */
static inline int
store_claim_holder(struct store *s, const char *realm, struct str name, struct box *b)
{
	return s->ops->claim_holder(s, realm, name, b);
}

/* 0: this box holds this name / holds any name in the realm. -ERR_NOTFOUND. */
static inline int
store_claim_has(struct store *s, const char *realm, struct str name, int64_t box)
{
	return s->ops->claim_has(s, realm, name, box);
}
static inline int
store_claim_any(struct store *s, const char *realm, int64_t box)
{
	return s->ops->claim_any(s, realm, box);
}

/* Each name whose holder is present, in the order of the names' bytes. Inside a turn or a reading. */
static inline int
store_claim_names(struct store *s, const char *realm, claim_fn *fn, void *arg)
{
	return s->ops->claim_names(s, realm, fn, arg);
}

/* The box holds this name no more. -ERR_NOTFOUND: it did not. */
static inline int
store_claim_drop(struct store *s, const char *realm, struct str name, int64_t box)
{
	return s->ops->claim_drop(s, realm, name, box);
}

/* How many names this box holds in the realm; how many are held there by all boxes, present or away, if
 * that realm is counted (STAR_REALM; -ERR_NOTFOUND). The latter looks at one number. */
static inline int
store_claim_count(struct store *s, const char *realm, int64_t box, int64_t *n)
{
	return s->ops->claim_count(s, realm, box, n);
}
static inline int
store_claim_total(struct store *s, const char *realm, int64_t *n)
{
	return s->ops->claim_total(s, realm, n);
}

/* ---- API keys ---- */

/* -ERR_NOTFOUND. */
static inline int
store_key_get(struct store *s, struct str name, struct realm_key *k)
{
	return s->ops->key_get(s, name, k);
}

/* Makes it or changes it. -ERR_BAD: longer than a key's name can be. */
static inline int
store_key_set(struct store *s, struct str name, bool discovery)
{
	return s->ops->key_set(s, name, discovery);
}

/* The same for all that it allows. A new one has the realm k->realm, where that is not empty: then peers of both meet;
 * otherwise one of its own, nobody else's. id, created and peers are not looked at. */
static inline int store_key_put(struct store *s, const struct realm_key *k) { return s->ops->key_put(s, k); }

/* It is gone; if no other key has its realm, sweeps delete the mailboxes there. -ERR_NOTFOUND. -ERR_BAD: it stands
 * for a protocol. */
static inline int store_key_drop(struct store *s, struct str name) { return s->ops->key_drop(s, name); }

/* A number that rises with each change of what keys allow. */
static inline int store_key_version(struct store *s, int64_t *v) { return s->ops->key_version(s, v); }

/* Each key, by name. */
static inline int store_key_list(struct store *s, key_fn *fn, void *arg) { return s->ops->key_list(s, fn, arg); }

/* ---- links ---- */

/* Makes `other` known to `owner` as *n, 1 … 2147483647, never given twice by this store (until it
 * wraps); waiting. */
static inline int
store_link_add(struct store *s, int64_t owner, int64_t other, int64_t *n)
{
	return s->ops->link_add(s, owner, other, n);
}

/* Who is number n to owner; -ERR_NOTFOUND. */
static inline int
store_link_find(struct store *s, int64_t owner, int64_t n, int64_t *other)
{
	return s->ops->link_find(s, owner, n, other);
}

/* The newest link of `other`: to whom and as which number. The link outlives its owner:
 * -ERR_NOTFOUND: `other` never linked; *owner 0: it did, but that owner has ended. */
static inline int
store_link_last(struct store *s, int64_t other, int64_t *owner, int64_t *n)
{
	return s->ops->link_last(s, other, owner, n);
}

/* The newest number of `other` with `owner`; -ERR_NOTFOUND. */
static inline int
store_link_between(struct store *s, int64_t owner, int64_t other, int64_t *n)
{
	return s->ops->link_between(s, owner, other, n);
}

/* Each link of owner still waiting, oldest first; settle: none of them waits any more. */
static inline int
store_link_waiting(struct store *s, int64_t owner, link_fn *fn, void *arg)
{
	return s->ops->link_waiting(s, owner, fn, arg);
}
static inline int store_link_settle(struct store *s, int64_t owner) { return s->ops->link_settle(s, owner); }

/* ---- messages ---- */

/* Appends. `taken`: the position the caller knows (its own stream's), if greater than the stored
 * one; what is above it counts to the quota. -ERR_QUOTA: max_pending or max_pending_bytes would be
 * exceeded (control mailboxes have no quota); -ERR_NOTFOUND: no such box, or it has ended. */
static inline int
store_msg_add(struct store *s, const struct msg_new *m, int64_t taken, int64_t *seq)
{
	return s->ops->msg_add(s, m, taken, seq);
}

/* The box's rows with seq > after, in order, until fn says stop. */
static inline int
store_msg_read(struct store *s, int64_t box, int64_t after, msg_fn *fn, void *arg)
{
	return s->ops->msg_read(s, box, after, fn, arg);
}

/* (seq, box) of every row with seq > after, in order, at most max. One query, reads no body. */
static inline int
store_msg_work(struct store *s, int64_t after, uint32_t max, work_fn *fn, void *arg)
{
	return s->ops->msg_work(s, after, max, fn, arg);
}

/* The last seq given out (0: none yet), whether or not that row still exists. */
static inline int store_msg_last(struct store *s, int64_t *seq) { return s->ops->msg_last(s, seq); }

/* Deletes one row; no gap is noted (control messages). */
static inline int store_msg_drop(struct store *s, int64_t seq) { return s->ops->msg_drop(s, seq); }

/* What lies above `after` in one mailbox goes to another, in order; those of MSG_KIND_OWED become
 * `kind`. None of them may have been taken. */
static inline int
store_msg_move(struct store *s, int64_t from, int64_t to, int64_t after, int kind)
{
	return s->ops->msg_move(s, from, to, after, kind);
}

/* One row, which must not have been taken, gets a position behind all others, and another mailbox: whoever
 * reads there, however far, has yet to read it. Counts to no quota. -ERR_NOTFOUND: no such row. */
static inline int
store_msg_requeue(struct store *s, int64_t seq, int64_t to, int64_t *now_at)
{
	return s->ops->msg_requeue(s, seq, to, now_at);
}

/* How much of MSG_KIND_OWED this sender's box has in other mailboxes. */
static inline int
store_msg_owed(struct store *s, int64_t src, int64_t *rows, int64_t *bytes)
{
	return s->ops->msg_owed(s, src, rows, bytes);
}

/* ---- hubs ---- */

static inline int store_hub_enter(struct store *s, int64_t *hub) { return s->ops->hub_enter(s, hub); }
/* -ERR_NOTFOUND: the lease was lost (silent too long and swept): enter again and attach anew. */
static inline int store_hub_renew(struct store *s, int64_t hub) { return s->ops->hub_renew(s, hub); }
/* Its boxes are away from now on. */
static inline int store_hub_leave(struct store *s, int64_t hub) { return s->ops->hub_leave(s, hub); }
/* 0 or -ERR_NOTFOUND */
static inline int store_hub_alive(struct store *s, int64_t hub) { return s->ops->hub_alive(s, hub); }

/* ---- time and upkeep ---- */

/*
 * Inside a turn. A compare-and-set elects one caller a second; the elected one: shifts all
 * deadlines if the wall clock jumped more than 5 s against mono since the last sweep of any
 * process of this boot; takes the boxes of silent hubs away and forgets those hubs; expires
 * messages not taken (due + EXPIRY_SLACK_MS < now; box.dropped is raised); deletes taken ones
 * after TAKEN_KEEP_MS; ends live boxes that are away for away_ms and deletes ended ones.
 */
static inline int store_sweep(struct store *s, struct sweep *sw) { return s->ops->sweep(s, sw); }

/* Bits of enum store_tick, or -err. look_at_file: also compare the open file with the path and
 * look at the schema version (once a second is enough). */
static inline int store_tick(struct store *s, bool look_at_file) { return s->ops->tick(s, look_at_file); }

/* true: a checkpoint is due (4 MB of WAL). *stall: do not begin a turn before an upkeep with
 * restart is through (32 MB). Cheap: looks at a number. */
static inline bool store_upkeep_due(struct store *s, bool *stall) { return s->ops->upkeep_due(s, stall); }
/* The checkpoint itself, on a connection of its own; meant for a worker thread; may take long and
 * sleep. restart: waits for readers so that the WAL starts over. Touches nothing else of *s. */
static inline int store_upkeep(struct store *s, bool restart) { return s->ops->upkeep(s, restart); }

static inline int
store_stat(struct store *s, int64_t now, struct store_stat *out)
{
	return s->ops->stat(s, now, out);
}

/* Inside a turn or a reading. */
static inline int store_pulse(struct store *s, struct store_pulse *out) { return s->ops->pulse(s, out); }

#endif
