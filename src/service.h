/*
 * service - a process that serves: settings, loop, hub, its gates, signals, the end.
 *
 * SIGTERM, SIGINT and SIGUSR1 (what FastCGI managers send) drain: streams end for now, their
 * clients come back to whoever is next; then the loop stops.
 */
#ifndef SIGPOST_SERVICE_H
#define SIGPOST_SERVICE_H

#include "conf.h"
#include "gate-cgi.h"
#include "gate-fcgi.h"
#include "hub.h"

#define SERVICE_SIGNALS	3

struct service {
	struct loop	 loop;
	struct hub	 hub;
	struct gate_fcgi *fcgi;		/* NULL: none */
	struct gate_cgi	*cgi;		/* NULL: none */
	uv_signal_t	 signals[SERVICE_SIGNALS];
	struct loop_timer second;	/* calls each_second */
	void		(*each_second)(struct service *s);
	struct loop_timer watchdog;	/* says that the loop turns (systemd.h) */
	struct loop_timer leaving;	/* after the drain: until the last answers are out */
	int64_t		 leave_by;	/* loop_mono */
};

/* Settings from the file and the environment into *c; makes them sane, sets up the log. 0, or -ERR_BAD after
 * one line on stderr. */
int	service_conf(struct conf *c);

/* The log, as the settings have it, to stderr. */
void	service_log(const struct conf *c);

/* Opens the database and the loop; no gate yet. 0, or -err after a log line. */
int	service_start(struct service *s, const struct conf *c);

/* Until a signal, or service_leave. Then closes everything. */
void	service_run(struct service *s);

/* From now on calls fn once a second. */
void	service_each_second(struct service *s, void (*fn)(struct service *s));

/* All of it for FastCGI on a listening socket, with the CGI door beside it; a service manager is told when
 * it is ready (systemd.h). Returns when it has ended, or -err after a log line. */
int	service_fcgi(struct service *s, const struct conf *c, int fd);

/* Drains and ends, as a signal would. */
void	service_leave(struct service *s);

#endif
