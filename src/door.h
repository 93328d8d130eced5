/*
 * door - the socket beside the database, <db>.hub, at which couriers knock.
 *
 * Of all processes on a database one at a time has it: whoever holds the exclusive lock on
 * <db>.hub.lock, which lives as long as its descriptor. A door that did not get the lock, or
 * finds that somebody removed or replaced its files, tries again every DOOR_KEEP_MS.
 */
#ifndef SIGPOST_DOOR_H
#define SIGPOST_DOOR_H

#include <stdbool.h>
#include <sys/stat.h>

#include "loop.h"

#define DOOR_KEEP_MS	1000
#define DOOR_BATCH	64	/* connections accepted before others have their turn */

struct door {
	struct loop	*loop;
	struct loop_fd	 listening;	/* fd -1: not ours at the moment */
	struct loop_timer keep;
	char		*path;		/* of the socket */
	char		*lock_path;
	int		 dir;		/* of the database, if path goes through it; -1 */
	int		 lock;		/* -1: not held */
	int		 spare;		/* given up to refuse somebody when no descriptor is left */
	ino_t		 inode;		/* of path */
	bool		 closing;	/* the loop still has the last socket */
	bool		 shut;		/* no more tries */
	bool		 released;	/* the loop has let go of keep */
	void		(*closed)(struct door *d);
	void		(*knock)(void *arg, int fd);	/* a connection of our own user; owns fd */
	void		*arg;
};

/* listen_fd, lock_fd: both inherited, or both -1. -ERR_NOMEM; not to get the lock is no error. */
int	door_init(struct door *d, struct loop *l, const char *db, int listen_fd, int lock_fd,
	    void (*knock)(void *arg, int fd), void *arg);

bool	door_open(const struct door *d);

/* Gives socket and lock up, for good: who was not accepted yet sees its connection end. */
void	door_shut(struct door *d);

/* Shuts; calls closed once the loop has let go of d, which may then be freed. */
void	door_release(struct door *d, void (*closed)(struct door *d));

#endif
