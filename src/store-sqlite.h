/*
 * store-sqlite - inside of the SQLite engine (store.h is its face).
 *
 * One connection, used by one thread. Statements are prepared when first wanted and kept.
 * The pattern is always: get one by name, bind by name, step, and be sure it is reset:
 *
 *	sqlite3_stmt *q = lite_get(l, SQL_BOX_GEN);
 *	lite_int(q, ":id", id);
 *	err = lite_row(l, q);		or lite_step() in a loop, or lite_run()
 *
 * lite_step() resets when it returns 0 or an error, so only who leaves at a row calls
 * lite_done(). What is bound is borrowed until the reset. lite_get() gives NULL on
 * failure; binding to NULL does nothing and stepping it returns the error, so nobody needs to
 * look in between.
 *
 * A turn that met -ERR_FULL, -ERR_IO or worse is lost: SQLite may have rolled it back by
 * itself, and whatever came next would be committed alone. So from then on every statement
 * of the turn answers the same error, until store_rollback().
 */
#ifndef SIGPOST_STORE_SQLITE_H
#define SIGPOST_STORE_SQLITE_H

#include <assert.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/types.h>

#include "err.h"
#include "sql.h"
#include "store.h"

#define LITE_PAGE		4096
#define LITE_OPEN_WAIT_MS	5000	/* open alone waits for a lock, so long … */
#define LITE_OPEN_STEP_MS	10	/* … looking this often */
#define LITE_UPKEEP_WAIT_MS	1000	/* upkeep waits for readers this long */
#define LITE_RESTART_WAIT_MS	20	/* a WAL is restarted early only if nobody is in the way so long */
#define LITE_FRAME		(LITE_PAGE + 24)	/* bytes of a page in the WAL */
#define LITE_WAL_DUE		(4LL << 20)	/* bytes of WAL that call for a checkpoint */
#define LITE_WAL_RESTART	(16LL << 20)	/* bytes at which it is restarted when little is left … */
#define LITE_WAL_REST		(256LL << 10)	/* … namely this … */
#define LITE_WAL_PASSES		4		/* … which is tried so often */
#define LITE_WAL_STALL		(32LL << 20)	/* bytes at which turns wait for a restart */
#define LITE_LINK_MAX		2147483647LL	/* greatest number of a link */
#define LITE_SWEEP_MS		1000	/* one sweep in so long */
#define LITE_JUMP_MS		5000	/* a wall clock that moved more has jumped */
#define LITE_SOON_MS		120000	/* a poll's `until` is never further ahead */
#define LITE_STRETCH		256	/* rows a sweep looks at in one go */
#define LITE_QUOTA_SLOTS	64	/* power of two */
#define LITE_FRESH_MAX		262144	/* bytes of a turn that are remembered, at most */

/* What msg_room said about a box in this turn, kept up by msg_add. Good while turn == l->turns. */
struct lite_quota {
	int64_t	 turn;
	int64_t	 box;
	int64_t	 taken;		/* the position it was asked for */
	int64_t	 rows;
	int64_t	 bytes;
	int64_t	 base;		/* above it only rows in l->fresh wait; -1: others, too */
	uint32_t first, last;	/* of these, plus one; 0: none */
};

/* Rows added in the turn that has just been committed (store-sqlite-fresh.c). */
struct lite_fresh {
	char	*bytes;
	size_t	 n, size;
	bool	 good;		/* committed, and nothing has happened since … */
	int64_t	 now;		/* … of that turn */
};

struct lite {
	struct store		 base;
	sqlite3			*db;
	sqlite3_stmt		*stmt[SQL__MAX];
	struct store_conf	 conf;		/* conf.path is owned */
	dev_t			 dev;		/* the open file */
	ino_t			 ino;
	int64_t			 now;		/* of the turn or the reading */
	int64_t			 turns;		/* counts what makes struct lite_quota stale */
	unsigned int		 version;	/* of the data; see lite_notice */
	bool			 changed;	/* others committed since the last tick */
	bool			 last_known;	/* last and given are good, inside a turn */
	int64_t			 last;		/* seq given out last */
	int64_t			 given;		/* what meta says of it */
	bool			 turn;		/* between begin and commit or rollback */
	bool			 wrote;		/* something, in this turn */
	int			 marks;		/* that stand for the beginning of the turn */
	int			 savepoints;	/* the other marks, later ones */
	bool			 reading;	/* between read_begin and read_end … */
	bool			 read_open;	/* … and SQLite knows of it */
	bool			 wal;
	char			 journal[16];	/* its mode, by SQLite's name */
	bool			 alone;		/* being opened where a WAL cannot be had */
	bool			 quiet;		/* being opened: *why tells, not the log */
	int			 lost;		/* the turn is lost with this error; 0 */
	int			 err;		/* why lite_get gave NULL */
	int64_t			 wal_due;	/* LITE_WAL_DUE, tests set less */
	int64_t			 wal_restart;
	int64_t			 wal_stall;
	atomic_llong		 wal_bytes;	/* after the last commit; 0: restarted */
	atomic_llong		 wal_done;	/* of these, already in the database */
	sqlite3			*keeper;	/* the connection of upkeep, on whichever thread that is */
	struct lite_fresh	 fresh;
	struct lite_quota	 quota[LITE_QUOTA_SLOTS];
};

extern const struct store_ops lite_ops;

/* ---- statements (store-sqlite.c) ---- */

sqlite3_stmt	*lite_get(struct lite *l, enum sql id);
int		lite_step(struct lite *l, sqlite3_stmt *q);	/* 1: a row, 0: no more, -err */
/* 0: at a row, lite_done() it; -ERR_NOTFOUND: there is none; -err */
int		lite_row(struct lite *l, sqlite3_stmt *q);
int		lite_has(struct lite *l, sqlite3_stmt *q);	/* as lite_row, but reset */
/* The first column; as lite_has. */
int		lite_number(struct lite *l, sqlite3_stmt *q, int64_t *v);
int		lite_run(struct lite *l, sqlite3_stmt *q);	/* to the end: 0 or -err */
/* As lite_run; -ERR_NOTFOUND if no row changed. */
int		lite_change(struct lite *l, sqlite3_stmt *q);
/* Gets it and runs it with one integer. */
int		lite_id(struct lite *l, enum sql id, const char *param, int64_t v);
/* What an SQLite result code means; marks the turn lost if it is. */
int		lite_error(struct lite *l, int rc);
void		lite_check_idle(struct lite *l);	/* --enable-debug: no statement is at a row */

static inline void
lite_done(sqlite3_stmt *q)
{
	sqlite3_reset(q);
}

/*
 * Binding by name. Looking the name up is a string comparison for each parameter; so each place in the
 * program that binds remembers where it found its own, for as long as no other statement was
 * prepared, since that may get the address of one that is gone.
 */
struct lite_spot {
	sqlite3_stmt	*q;
	unsigned int	 prepared;
	int		 at;
};

extern unsigned int lite_prepared;	/* statements, so far */

static inline int
lite_param(struct lite_spot *p, sqlite3_stmt *q, const char *name)
{
	if (p->q != q || p->prepared != lite_prepared)
		*p = (struct lite_spot){ q, lite_prepared, sqlite3_bind_parameter_index(q, name) };
	assert(p->at > 0);
#ifdef SIGPOST_DEBUG
	assert(strcmp(sqlite3_bind_parameter_name(q, p->at), name) == 0);
#endif
	return p->at;
}

static inline void
lite_bind_int(struct lite_spot *p, sqlite3_stmt *q, const char *name, int64_t v)
{
	if (q != NULL)
		sqlite3_bind_int64(q, lite_param(p, q, name), v);
}

static inline void
lite_bind_text(struct lite_spot *p, sqlite3_stmt *q, const char *name, const char *cstr)
{
	if (q != NULL)
		sqlite3_bind_text(q, lite_param(p, q, name), cstr, -1, SQLITE_STATIC);
}

static inline void
lite_bind_blob(struct lite_spot *at, sqlite3_stmt *q, const char *name, const void *p, size_t n)
{
	if (q != NULL)
		sqlite3_bind_blob64(q, lite_param(at, q, name), n == 0 ? "" : p, n, SQLITE_STATIC);
}

#define LITE_SPOT(bind, ...) \
	do { \
		static struct lite_spot spot_; \
		bind(&spot_, __VA_ARGS__); \
	} while (0)

#define lite_int(q, name, v)	LITE_SPOT(lite_bind_int, q, name, v)
#define lite_text(q, name, s)	LITE_SPOT(lite_bind_text, q, name, s)	/* NULL binds NULL */
/* p NULL and n > 0 binds NULL; n 0 binds an empty blob. */
#define lite_blob(q, name, p, n) LITE_SPOT(lite_bind_blob, q, name, p, n)

/* The slice is good until the next step. */
static inline struct str
lite_column(sqlite3_stmt *q, int i)
{
	const char *p = sqlite3_column_blob(q, i);

	return str_make(p, (size_t)sqlite3_column_bytes(q, i));
}

static inline void
lite_stale(struct lite *l)
{
	l->turns++;
}

/* ---- rows just committed (store-sqlite-fresh.c) ---- */

void	lite_fresh_begin(struct lite *l);	/* of a turn */
void	lite_fresh_end(struct lite *l);	/* frees its memory */
/* The row m was added to the box that `a` counts, as seq. */
void	lite_fresh_add(struct lite *l, struct lite_quota *a, const struct msg_new *m, int64_t seq);
/* true: everything in the box after that position is here. */
bool	lite_fresh_has(struct lite *l, const struct lite_quota *a, int64_t box, int64_t after);
void	lite_fresh_read(struct lite *l, const struct lite_quota *a, int64_t after, msg_fn *fn,
	    void *arg);

/* ---- meta (store-sqlite-schema.c) ---- */

int	lite_meta_get(struct lite *l, const char *name, int64_t *v);	/* absent: 0 and *v = 0 */
int	lite_meta_set(struct lite *l, const char *name, int64_t v);
/* Exactly n bytes; -ERR_CORRUPT. */
int	lite_meta_blob(struct lite *l, const char *name, void *p, size_t n);
/* Absent or too long: "". */
int	lite_meta_text(struct lite *l, const char *name, char *out, size_t size);
int	lite_meta_put(struct lite *l, const char *name, const void *p, size_t n);

/* ---- opening ---- */

/* Puts a sentence into *why and returns err. */
int	lite_explain(const char **why, int err, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
/* Recognizes the file that is open, chooses its journal, writes or migrates the schema, loads epoch
 * and secret. -ERR_BUSY: may be called again. *why is set where SQLite's own words do not tell. */
int	lite_set_up(struct lite *l, const char **why);
/* The VFS of the connection that writes (store-sqlite-wal.c); NULL: SQLite's own will do. */
const char	*lite_vfs(void);
/* A transaction that writes has begun: nothing of it is in the WAL. */
void	lite_wal_begin(sqlite3 *db);

/* ---- shared between the parts ---- */

void	lite_read_box(sqlite3_stmt *q, struct box *b);		/* a row with box columns */
void	lite_read_msg(sqlite3_stmt *q, struct msg_row *m);	/* a row with message columns */
void	lite_alive(struct lite *l, sqlite3_stmt *q);			/* binds :alive and :now */
/* The last seq given out; 0: none yet. */
int	lite_last(struct lite *l, int64_t *seq);
/* Rows up to seq may be deleted now: if the last one is among them, it is written down. */
int	lite_give_no_more(struct lite *l, int64_t seq);
void	lite_upkeep_end(struct lite *l);
/* Deletes all messages from seq first to last. */
int	lite_drop_range(struct lite *l, int64_t first, int64_t last);
/* Looks whether others have committed: l->changed, and what was known of the store is forgotten. To be
 * called when SQLite has just begun to read. */
void	lite_notice(struct lite *l);
/* Enters messages since *mark into stretches, and judges those that are due. */
int	lite_sweep_messages(struct lite *l, struct sweep *sw, int64_t *mark, int64_t *room);

/* Deletes up to `room` rows of a mailbox (room < 0: all); *left is what is left of room. */
int	lite_empty(struct lite *l, int64_t box, int64_t room, int64_t *left);

/* Takes up to `room` boxes from the hub (room < 0: all) and, when none is left, forgets it with its
 * control mailbox. *left: what is left of room. */
int	lite_hub_end(struct lite *l, int64_t hub, int64_t room, int64_t *left);

/* ---- verbs, as in store.h ---- */

void	lite_close(struct store *s);
int	lite_box_add(struct store *s, const char *realm, const unsigned char *token,
	    const unsigned char *handle, int64_t *id);
int	lite_box_by_token(struct store *s, const char *realm, const unsigned char *token,
	    struct box *b);
int	lite_box_by_handle(struct store *s, const char *realm, const unsigned char *handle,
	    struct box *b);
int	lite_box_get(struct store *s, int64_t id, struct box *b);
int	lite_box_attach(struct store *s, int64_t id, int64_t hub, int64_t *gen);
int	lite_box_detach(struct store *s, int64_t id, int64_t gen, int64_t until);
int	lite_box_end(struct store *s, int64_t id);
int	lite_box_taken(struct store *s, const struct taken *list, size_t n);
int	lite_box_ack(struct store *s, int64_t id, int64_t seq);
int	lite_box_accept(struct store *s, int64_t id, int64_t n);
int	lite_claim_add(struct store *s, const char *realm, struct str name, int64_t box,
	    bool alone);
int	lite_claim_holder(struct store *s, const char *realm, struct str name, struct box *b);
int	lite_claim_has(struct store *s, const char *realm, struct str name, int64_t box);
int	lite_claim_any(struct store *s, const char *realm, int64_t box);
int	lite_claim_names(struct store *s, const char *realm, claim_fn *fn, void *arg);
int	lite_claim_drop(struct store *s, const char *realm, struct str name, int64_t box);
int	lite_claim_count(struct store *s, const char *realm, int64_t box, int64_t *n);
int	lite_claim_total(struct store *s, const char *realm, int64_t *n);
int	lite_box_longest_away(struct store *s, const char *realm, int64_t since, int64_t *id);
int	lite_box_touch(struct store *s, int64_t id);
int	lite_key_get(struct store *s, struct str name, struct realm_key *k);
int	lite_key_set(struct store *s, struct str name, bool discovery);
int	lite_key_put(struct store *s, const struct realm_key *k);
int	lite_key_drop(struct store *s, struct str name);
int	lite_key_version(struct store *s, int64_t *v);
/* The next mailbox of a realm that is gone; -ERR_NOTFOUND: there is none left. For sweeps. */
int	lite_gone_box(struct lite *l, int64_t *id);
int	lite_key_list(struct store *s, key_fn *fn, void *arg);
int	lite_msg_move(struct store *s, int64_t from, int64_t to, int64_t after, int kind);
int	lite_msg_requeue(struct store *s, int64_t seq, int64_t to, int64_t *now_at);
int	lite_msg_owed(struct store *s, int64_t src, int64_t *rows, int64_t *bytes);
int	lite_link_add(struct store *s, int64_t owner, int64_t other, int64_t *n);
int	lite_link_find(struct store *s, int64_t owner, int64_t n, int64_t *other);
int	lite_link_last(struct store *s, int64_t other, int64_t *owner, int64_t *n);
int	lite_link_between(struct store *s, int64_t owner, int64_t other, int64_t *n);
int	lite_link_waiting(struct store *s, int64_t owner, link_fn *fn, void *arg);
int	lite_link_settle(struct store *s, int64_t owner);
int	lite_msg_add(struct store *s, const struct msg_new *m, int64_t taken, int64_t *seq);
int	lite_msg_read(struct store *s, int64_t box, int64_t after, msg_fn *fn, void *arg);
int	lite_msg_work(struct store *s, int64_t after, uint32_t max, work_fn *fn, void *arg);
int	lite_msg_last(struct store *s, int64_t *seq);
int	lite_msg_drop(struct store *s, int64_t seq);
int	lite_hub_enter(struct store *s, int64_t *hub);
int	lite_hub_renew(struct store *s, int64_t hub);
int	lite_hub_leave(struct store *s, int64_t hub);
int	lite_hub_alive(struct store *s, int64_t hub);
int	lite_sweep(struct store *s, struct sweep *sw);
int	lite_tick(struct store *s, bool look_at_file);
bool	lite_upkeep_due(struct store *s, bool *stall);
int	lite_upkeep(struct store *s, bool at_once);
int	lite_stat(struct store *s, int64_t now, struct store_stat *out);
int	lite_pulse(struct store *s, struct store_pulse *out);

#endif
