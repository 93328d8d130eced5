/*
 * store-ops - what an engine fills in: the verbs of store.h, which says what each of them does.
 *
 * Whoever uses a store includes store.h.
 */
#ifndef SIGPOST_STORE_OPS_H
#define SIGPOST_STORE_OPS_H

#include <stdbool.h>
#include <stdint.h>

#include "str.h"

struct box;
struct claim;
struct msg_new;
struct msg_row;
struct realm_key;
struct store;
struct store_pulse;
struct store_stat;
struct sweep;
struct taken;

/* Return 0 to go on, 1 to stop here (not an error). */
typedef int	msg_fn(void *arg, const struct msg_row *m);
typedef int	work_fn(void *arg, int64_t seq, int64_t box);
typedef int	link_fn(void *arg, int64_t n, int64_t other);
typedef int	claim_fn(void *arg, const struct claim *c);
typedef int	key_fn(void *arg, const struct realm_key *k);

struct store_ops {
	void	(*close)(struct store *);

	/* turns */
	int	(*begin)(struct store *, int64_t now);
	int	(*commit)(struct store *);
	void	(*rollback)(struct store *);
	int	(*mark)(struct store *);
	int	(*release)(struct store *);	/* keeps what came since the mark */
	int	(*undo)(struct store *);	/* takes it back */
	int	(*read_begin)(struct store *, int64_t now);
	void	(*read_end)(struct store *);

	/* mailboxes */
	int	(*box_add)(struct store *, const char *realm, const unsigned char *token,
		    const unsigned char *handle, int64_t *id);
	int	(*box_by_token)(struct store *, const char *realm, const unsigned char *token, struct box *);
	int	(*box_by_handle)(struct store *, const char *realm, const unsigned char *handle, struct box *);
	int	(*box_get)(struct store *, int64_t id, struct box *);
	int	(*box_attach)(struct store *, int64_t id, int64_t hub, int64_t *gen);
	int	(*box_detach)(struct store *, int64_t id, int64_t gen, int64_t until);
	int	(*box_end)(struct store *, int64_t id);
	int	(*box_taken)(struct store *, const struct taken *list, size_t n);
	int	(*box_ack)(struct store *, int64_t id, int64_t seq);
	int	(*box_accept)(struct store *, int64_t id, int64_t n);
	int	(*box_touch)(struct store *, int64_t id);
	int	(*box_longest_away)(struct store *, const char *realm, int64_t since, int64_t *id);

	/* names */
	int	(*claim_add)(struct store *, const char *realm, struct str name, int64_t box, bool alone);
	int	(*claim_holder)(struct store *, const char *realm, struct str name, struct box *);
	int	(*claim_has)(struct store *, const char *realm, struct str name, int64_t box);
	int	(*claim_any)(struct store *, const char *realm, int64_t box);
	int	(*claim_names)(struct store *, const char *realm, claim_fn *, void *arg);
	int	(*claim_drop)(struct store *, const char *realm, struct str name, int64_t box);
	int	(*claim_count)(struct store *, const char *realm, int64_t box, int64_t *n);
	int	(*claim_total)(struct store *, const char *realm, int64_t *n);

	/* API keys */
	int	(*key_get)(struct store *, struct str name, struct realm_key *);
	int	(*key_set)(struct store *, struct str name, bool discovery);
	int	(*key_put)(struct store *, const struct realm_key *);
	int	(*key_drop)(struct store *, struct str name);
	int	(*key_version)(struct store *, int64_t *v);
	int	(*key_list)(struct store *, key_fn *, void *arg);

	/* links */
	int	(*link_add)(struct store *, int64_t owner, int64_t other, int64_t *n);
	int	(*link_find)(struct store *, int64_t owner, int64_t n, int64_t *other);
	int	(*link_last)(struct store *, int64_t other, int64_t *owner, int64_t *n);
	int	(*link_between)(struct store *, int64_t owner, int64_t other, int64_t *n);
	int	(*link_waiting)(struct store *, int64_t owner, link_fn *, void *arg);
	int	(*link_settle)(struct store *, int64_t owner);

	/* messages */
	int	(*msg_add)(struct store *, const struct msg_new *, int64_t taken, int64_t *seq);
	int	(*msg_read)(struct store *, int64_t box, int64_t after, msg_fn *, void *arg);
	int	(*msg_work)(struct store *, int64_t after, uint32_t max, work_fn *, void *arg);
	int	(*msg_last)(struct store *, int64_t *seq);
	int	(*msg_drop)(struct store *, int64_t seq);
	int	(*msg_move)(struct store *, int64_t from, int64_t to, int64_t after, int kind);
	int	(*msg_requeue)(struct store *, int64_t seq, int64_t to, int64_t *now_at);
	int	(*msg_owed)(struct store *, int64_t src, int64_t *rows, int64_t *bytes);

	/* hubs */
	int	(*hub_enter)(struct store *, int64_t *hub);
	int	(*hub_renew)(struct store *, int64_t hub);
	int	(*hub_leave)(struct store *, int64_t hub);
	int	(*hub_alive)(struct store *, int64_t hub);

	/* time and upkeep */
	int	(*sweep)(struct store *, struct sweep *);
	int	(*tick)(struct store *, bool look_at_file);
	bool	(*upkeep_due)(struct store *, bool *stall);
	int	(*upkeep)(struct store *, bool restart);
	int	(*stat)(struct store *, int64_t now, struct store_stat *);
	int	(*pulse)(struct store *, struct store_pulse *);
};

#endif
