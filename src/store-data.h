/*
 * store-data - what goes into a store and comes out of it; store.h has the words, and what is done with them.
 *
 * Whoever uses a store includes store.h.
 */
#ifndef SIGPOST_STORE_DATA_H
#define SIGPOST_STORE_DATA_H

#include <stdbool.h>
#include <stdint.h>

#include "store-ops.h"
#include "str.h"

#define HASH_SIZE	32	/* HMAC-SHA-256 */
#define REALM_MAX	64	/* bytes, with the NUL */
#define NAME_BYTES_MAX	2048	/* longest name of a claim (512 UTF-16 units fit) */
#define HUB_RENEW_MS	2000	/* a hub renews its lease this often */
#define HUB_LEASE_MS	6000	/* silent for longer: its boxes are away */
#define TAKEN_KEEP_MS	60000	/* a taken, unacknowledged message is kept this long */
#define TAKEN_KEEP_ROWS	256	/* … and at most this many a box, oldest out first … */
#define TAKEN_KEEP_BYTES (1024 * 1024)	/* … and at most these bytes */
#define EXPIRY_SLACK_MS	1500	/* expiry judges only rows this far past their due */
#define KEY_REALM	"peer/"	/* and the key's name: its realm */
#define KEY_VOID_REALM	"void/"	/* likewise, of messages for peers who are not there */
#define STAR_REALM	"star"	/* its names are counted (store_claim_total) */
#define KEY_MAX		(REALM_MAX - (int)sizeof KEY_REALM + 1)	/* bytes of a key's name, with the NUL */
#define KEY_ORIGINS	2048	/* bytes of a key's list of origins, with the NUL */
#define KEY_SIGVER	"sigver"	/* keys that stand for a protocol, not for peers */
#define KEY_STAR	"star"
#define BOX_LOOK_MAX	1000	/* rows store_box_longest_away looks at */
#define PULSE_LOOK	1000	/* messages store_pulse looks at */
#define MSG_KIND_OWED	6	/* for a receiver that is not there: see store_msg_owed */

struct store;

struct store_conf {
	const char	*path;		/* of the database file */
	bool		 create;	/* make the file and schema if absent */
	bool		 wal;		/* try WAL first; false: rollback journal */
	int64_t		 max_bytes;	/* ceiling of the database file; 0: none */
	uint32_t	 max_pending;	/* messages waiting (not taken) in one box */
	uint32_t	 max_pending_bytes;
	uint32_t	 away_ms;	/* a box with no stream for this long ends */
};

enum box_state {
	BOX_LIVE,		/* may receive and send */
	BOX_ENDED		/* says goodbye: what waits may still be read, nothing new is taken */
};

struct box {
	int64_t		 id;
	char		 realm[REALM_MAX];
	enum box_state	 state;
	int64_t		 hub;		/* the hub that holds its stream; 0: none */
	int64_t		 gen;		/* counts attachments: a newer one supersedes */
	int64_t		 until;		/* hub == 0: present until then (polls), away since then */
	int64_t		 taken;
	int64_t		 dropped;	/* highest unacknowledged seq that was dropped; 0: none */
	int64_t		 n;		/* greatest accepted n of repeated POSTs */
	bool		 present;	/* has a stream at a hub whose lease holds, or until > now */
	unsigned char	 token[HASH_SIZE];	/* hashed */
};

struct realm_key {
	int64_t		 id;		/* never used twice */
	char		 name[KEY_MAX];
	char		 realm[KEY_MAX];	/* after KEY_REALM; "": the key of a protocol (KEY_SIGVER, KEY_STAR) */
	bool		 enabled;
	bool		 discovery;	/* who is there may be listed */
	int64_t		 expires;	/* CLOCK_REALTIME ms; 0: never */
	int64_t		 max_peers;	/* names in its realm; 0: the setting of that name */
	int64_t		 rate, rate_ms;	/* so many messages in so many ms; rate 0: no limit … */
	int64_t		 burst;		/* … and so many at once */
	char		 origins[KEY_ORIGINS];	/* a list (origin.h); "": the setting of that name */
	int64_t		 created;	/* CLOCK_REALTIME ms; 0: not known */
	int64_t		 peers;		/* names claimed in its realm, present or away */
};

struct claim {			/* borrowed for the call */
	struct str	 name;
	int64_t		 id;		/* greater than those of all claims there are when it is made */
	int64_t		 box;
};

struct taken {
	int64_t		 box, seq;
};

struct msg_new {
	int64_t		 box;		/* receiver; negative: the control mailbox of hub -box */
	int64_t		 src;		/* sender's box, 0 for none */
	int		 kind;		/* the protocol's; returned as it came */
	int64_t		 due;		/* must be >= now */
	struct str	 body;
};

struct msg_row {		/* borrowed for the call */
	int64_t		 seq;
	int64_t		 box;
	int64_t		 src;
	int		 kind;
	struct str	 body;
};

enum store_tick {		/* bits */
	TICK_CHANGED	= 1,	/* another process committed since the last tick */
	TICK_REPLACED	= 2,	/* the file at the path is not the one that is open, or is gone */
	TICK_NEWER	= 4	/* the schema was migrated past what this program knows */
};

struct store_stat {		/* what `sigpost stat` shows; counts and bytes */
	int64_t	boxes, present, claims, links, messages, message_bytes, untaken, hubs;
	int64_t	db_bytes, wal_bytes, last_seq;
	char	journal[16];	/* "wal", "delete", … */
	char	epoch[17];
	int	schema;
};

struct store_pulse {		/* how it is, told from few rows: for whoever asks often */
	int64_t	peerjs, star;	/* ids claimed under all keys; multiaddrs joined; present or away */
	int64_t	waiting;	/* messages not taken, among the first PULSE_LOOK of those stored */
	int64_t	last_seq;
	char	journal[16];	/* as in store_stat */
	int	schema;
};

struct sweep {			/* in and out of store_sweep */
	int64_t	 mono;		/* in */
	const char *boot;	/* in: identifies this boot; mono is comparable only within one */
	uint32_t max_rows;	/* in: at most so many rows a step */
	msg_fn	*expired;	/* in: each message that expired untaken, before it is deleted; may be NULL */
	void	*arg;
	bool	 elected;	/* out: this call did the work */
	bool	 more;		/* out: max_rows was reached; call again soon */
	uint32_t messages, boxes;	/* out: deleted */
	int64_t	 shifted_ms;	/* out: the wall clock had jumped by this; all deadlines were moved */
};

#endif
