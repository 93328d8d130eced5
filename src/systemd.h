/*
 * systemd - what a service manager hands over and wants to hear, by systemd's protocols and without
 * its library: a listening socket (sd_listen_fds(3)), readiness and signs of life (sd_notify(3)).
 *
 * All of it comes by the environment, and any other manager may do the same.
 */
#ifndef SIGPOST_SYSTEMD_H
#define SIGPOST_SYSTEMD_H

#include <stdint.h>

#define SYSTEMD_FD	3	/* the first descriptor that is passed (SD_LISTEN_FDS_START) */

/*
 * The listening socket that was passed to this process; from now on close-on-exec, and the variables
 * that named it are gone. -ERR_NOTFOUND: none was, or LISTEN_PID names another process.
 * -ERR_BAD: what was passed is no such thing, and *why says what is wrong with it.
 */
int	systemd_socket(const char **why);

/* Passes descriptor 3 on, likewise, to the program that this process is about to become. */
void	systemd_pass(void);

/*
 * Says a word, e.g. "READY=1", to who listens at NOTIFY_SOCKET, a path or, after '@', an abstract
 * name; to nobody where that is not set. What cannot be said is logged and lost. Waits for room
 * 100 ms at most.
 */
void	systemd_notify(const char *word);

/* "STOPPING=1", if this is the main process of its service (SYSTEMD_EXEC_PID): of one among several
 * the manager would take it for the end of all. */
void	systemd_stopping(void);

/* How often to say "WATCHDOG=1", in ms: half the time after which a process that is silent is killed
 * (WATCHDOG_USEC). 0: never, since nobody waits for it, or for another process (WATCHDOG_PID). */
uint64_t systemd_watchdog_ms(void);

#endif
