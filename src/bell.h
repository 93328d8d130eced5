/*
 * bell - the file beside the database that is written after a commit others should see.
 *
 * One byte at offset 0 a ring. Every process watches the file, rings included of its own.
 * The file is made when it is missing, also when it is deleted while watched. Where no watch
 * is to be had (inotify instances are limited) bell_works is false and the caller looks more
 * often by itself.
 */
#ifndef SIGPOST_BELL_H
#define SIGPOST_BELL_H

#include <stdbool.h>

#include "loop.h"

struct bell {
	struct loop	*loop;
	uv_fs_event_t	 watch;
	char		*path;
	int		 fd;		/* -1: not open */
	bool		 works;
	bool		 armed;
	bool		 lost;		/* the file went away: make it anew at the next ring or look */
	void		(*heard)(void *arg);
	void		*arg;
};

int	bell_init(struct bell *b, struct loop *l, const char *db_path, void (*heard)(void *), void *arg);
void	bell_release(struct bell *b);
void	bell_ring(struct bell *b);
/* Makes and watches the file again if it was lost. Called now and then. */
void	bell_look(struct bell *b);

#endif
