/*
 * courier - the CGI child's way to have its request done by somebody else.
 *
 * A CGI child hands its request to the hub that listens beside the database (handoff.h) and is
 * done; where there is none it founds one. Neither argv nor the body is ever read here: what
 * a URL could put into argv (RFC 3875, 4.4) reaches nobody, and fd 0 is passed on untouched.
 *
 * Founding: whoever gets the exclusive lock on <db>.hub.lock binds and listens on <db>.hub,
 * leaves that socket to a process of its own session (`sigpost hub`), which holds the lock
 * for as long as it lives, waits for its ready byte and then goes in like everybody else.
 * Whoever does not get the lock comes again in a moment: it finds a socket that listens.
 *
 * libc only, one thread. Ordinary cost: seven system calls.
 */
#ifndef SIGPOST_COURIER_H
#define SIGPOST_COURIER_H

#define COURIER_WAIT_MS	5000	/* for a hub to start, and for its answer */
#define COURIER_LOG_MAX	1048576	/* bytes of <db>.hub.log after which a new hub starts it afresh */

enum courier_end {
	COURIER_DONE,	/* the request is a hub's now: exit */
	COURIER_ALONE	/* no hub is to be had: do the work in this process, or exec one that does */
};

/* The request of this process: its environment, fd 0 and fd 1. Changes the working directory to
 * the database's. Before COURIER_ALONE, SIGPOST_DB in the environment is made absolute. */
enum courier_end	courier_run(void);

/* Replaces this process by `sigpost` with these arguments and environment: beside our own program,
 * else SIGPOST_BIN (a path), else where it was installed. Returns if there is none. */
void			courier_exec(const char *const *argv, const char *const *envp);

/* Answers with a problem document: 503, from this process. */
void			courier_apologise(void);

#endif
