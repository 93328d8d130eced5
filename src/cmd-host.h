/* cmd-host - what is installed around this program: lighttpd, and the courier. */
#ifndef SIGPOST_CMD_HOST_H
#define SIGPOST_CMD_HOST_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "str.h"

enum lighttpd_way {		/* how a WebSocket gets through to us (docs/web-servers.md) */
	LIGHTTPD_NONE,		/* not at all */
	LIGHTTPD_CGI,		/* by CGI, with cgi.upgrade: from 1.4.46 on */
	LIGHTTPD_FASTCGI	/* by FastCGI, too, with "upgrade": from 1.4.74 on */
};

struct lighttpd {
	const char	*path;		/* as for execlp; NULL: there is none */
	char		 version[32];	/* "1.4.69"; "": it did not say */
	int		 last;		/* of 1.4.last; 0: it did not say */
	enum lighttpd_way way;
};

/*
 * Runs a program (as execvp) without a terminal, with an input of at most a pipe's size (4096 bytes). said gets what it
 * wrote, at most size - 1 bytes of it. false: it could not be run, or was not content.
 */
bool	host_run(const char *path, const char *const *args, struct str input, char *said, size_t size);

/* Looks for it in PATH and in the sbin directories, and asks for its version. */
void	host_lighttpd(struct lighttpd *l);

/* Whether it can load mod_openssl, which `sigpost serve` uses for TLS. */
bool	host_lighttpd_tls(const struct lighttpd *l);

/* sigpost.cgi: beside us, as in a build directory, or where `make install` puts it. false: not there. */
bool	host_courier(char out[PATH_MAX]);

#endif
