/*
 * cmd-serve - `sigpost serve`: a lighttpd of its own before this program.
 *
 * cmd-serve.c is its life, cmd-serve-options.c what the command line says, cmd-serve-check.c
 * whether that can be done, cmd-serve-conf.c the
 * configuration that is written for lighttpd, cmd-serve-tls.c the look at certificates.
 */
#ifndef SIGPOST_CMD_SERVE_H
#define SIGPOST_CMD_SERVE_H

#include <limits.h>

#include "cmd.h"
#include "cmd-host.h"

#define SERVE_STREAM_FDS	24	/* descriptors lighttpd needs for ten streams (measured: 2 each, and some) */

struct serve {
	struct conf	 conf;		/* mount is a path without a slash at its end; "/": the root */
	/* What was said, or its default; strings are borrowed from the command line. */
	const char	*port, *host, *www, *procs;
	const char	*discovery;	/* "on", "off"; NULL: as the database has it */
	const char	*cert, *key, *ca;	/* absolute paths of PEM files; cert NULL: no TLS; ca NULL: none */
	const char	*http2;		/* "on", "off" */
	const char	*http_port;	/* where plain HTTP leads to TLS; NULL: nowhere */
	/* What was found. */
	int		 passed;		/* the listening socket of a service manager (systemd.h); negative: none */
	char		 self[PATH_MAX];	/* this program */
	char		 courier[PATH_MAX];	/* sigpost.cgi, for WebSockets; "": not needed, or not there */
	struct lighttpd	 lighttpd;
	char		 dir[64];	/* the run directory */
	char		 file[96];	/* the configuration in it */
	char		 chain[96];	/* there, with a ca: what is sent to clients */
	uint64_t	 fds;
};

/* One sentence on stderr; returns code. */
int	serve_fail(int code, const char *what, const char *why);

/*
 * The command line into s. CMD_OK and *done false: serve. *done true: all is done (--help), return what
 * this returned. CMD_USAGE after one sentence on stderr.
 */
int	serve_options(struct serve *s, int argc, char **argv, bool *done);

/* Whether all of that can be done; path is what --path said, or NULL. CMD_OK, or another code after one sentence. */
int	serve_check(struct serve *s, const char *path);

/* Writes the configuration to s->file. CMD_OK, or CMD_FAILED after one sentence. */
int	serve_configure(const struct serve *s);

/* Whether lighttpd will serve TLS with the files of s, under the configuration that was written; also before it is
 * told to read them again. An old certificate is a warning. CMD_OK, or another code after one sentence. */
int	serve_tls(const struct serve *s);

#endif
