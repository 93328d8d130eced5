/*
 * fake - a hub on a real store with a clock that stands still and connections made of memory.
 *
 * fake_start makes a private directory, a database in it and a hub; fake_get and fake_post hand
 * requests in as a gate would; fake_turn runs the loop once without sleeping; fake_pass lets
 * time pass. Output of an exchange is what a client would have read.
 */
#ifndef SIGPOST_TESTS_FAKE_H
#define SIGPOST_TESTS_FAKE_H

#include "conf.h"
#include "conn.h"
#include "hub.h"
#include "loop.h"

struct fake_conn {
	struct conn	 conn;
	struct buf	 read;		/* by the client */
	size_t		 room;		/* bytes the client still takes */
	bool		 done, whole;	/* the gate was told */
	bool		 hears;		/* what the client says after an upgrade is wanted */
};

struct fake {
	struct loop	 loop;
	struct hub	 hub;
	struct conf	 conf;
	char		 dir[64];
	int64_t		 real, mono;
	size_t		 first_room;	/* bytes a new client takes; 0: all it is given */
};

void	fake_start(struct fake *f);	/* settings and directory; f->conf may be changed now */
void	fake_run(struct fake *f);	/* the hub */
void	fake_stop(struct fake *f);
/* A second hub on the same database and clock: another process, as far as the store can tell. */
void	fake_join(struct fake *f, const struct fake *first);

void	fake_turn(struct fake *f);
void	fake_pass(struct fake *f, int64_t ms);	/* in small steps, with turns */

/* The conn stays with the caller: fake_free. extra: "NAME=value" variables, NULL-terminated, or NULL. */
struct fake_conn *fake_request(struct fake *f, const char *method, const char *uri, const char *body,
		    const char *const *extra);
struct fake_conn *fake_get(struct fake *f, const char *uri, const char *last_event_id);
struct fake_conn *fake_post(struct fake *f, const char *uri, const char *body);
void	fake_room(struct fake *f, struct fake_conn *c, size_t room);	/* the client takes more */
void	fake_says(struct fake *f, struct fake_conn *c, struct str bytes);	/* after an upgrade; it is wanted */
void	fake_gone(struct fake *f, struct fake_conn *c);		/* the client leaves */
void	fake_free(struct fake_conn *c);

const char *fake_text(struct fake_conn *c);	/* all it read, NUL-terminated */
int	fake_status(struct fake_conn *c);	/* of its head; 0: none yet */
/* The data of the nth event (from 0) of this name ("" for messages) into out; false: no such event. */
bool	fake_event(struct fake_conn *c, const char *name, int nth, char *out, size_t size);
/* The last id line into out; false: none. */
bool	fake_id(struct fake_conn *c, char *out, size_t size);

#endif
