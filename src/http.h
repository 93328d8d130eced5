/*
 * http - a client of HTTP/1.1 for `sigpost check`: one connection a request, answers read as they come.
 *
 * It blocks, never longer than it is told. Times are in ms. https is spoken through `openssl s_client`, a
 * process of its own, which also judges the certificate: nothing of sigpost needs a TLS library for the
 * one verb that asks. What a server says is kept up to HTTP_HEAD_MAX and HTTP_BODY_MAX, and is never trusted.
 */
#ifndef SIGPOST_HTTP_H
#define SIGPOST_HTTP_H

#include <sys/types.h>

#include "buf.h"

#define HTTP_HEAD_MAX	16384
#define HTTP_BODY_MAX	262144
#define HTTP_PATH_MAX	1024
#define HTTP_WHY_MAX	256

struct http_url {
	bool	 tls;
	char	 host[256], port[6];
	char	 path[HTTP_PATH_MAX];	/* without a slash at its end: "" is the root */
};

/* "http://host:port/path", no user, query or fragment. -ERR_BAD: *why has half a sentence. */
int	http_url(struct http_url *u, const char *text, const char **why);

enum http_body { HTTP_LENGTH, HTTP_CHUNKED, HTTP_TO_THE_END };

struct http {
	int		 fd;		/* -1: closed */
	pid_t		 helper;	/* openssl; 0: none … */
	int		 words;		/* … and what it says of its failure; -1 */
	bool		 talks;		/* 101: what follows is no body */
	int		 status;
	enum http_body	 how;
	int64_t		 left;		/* of the body, or of the chunk */
	bool		 ended;		/* the body is whole */
	struct buf	 in;		/* not decoded yet */
	struct buf	 head;		/* with its status line, without the empty line */
	struct buf	 body;		/* so far */
	char		 why[HTTP_WHY_MAX];	/* why it could not be opened; printable ASCII */
};

int64_t	http_now(void);			/* CLOCK_MONOTONIC, ms */

void	http_init(struct http *h);	/* before anything else … */
void	http_close(struct http *h);	/* … and at the end, however it ended; usable again */

/* Connects. -ERR_CLOSED: h->why says why not. */
int	http_open(struct http *h, const struct http_url *u, int ms);

/* Sends a request for u's path and `target`. headers: whole lines with CRLF, or "". A body is sent with its length
 * if there is one. -ERR_CLOSED. */
int	http_ask(struct http *h, const struct http_url *u, const char *method, const char *target,
	    const char *headers, struct str body);

/* Reads the head. -ERR_TIMEOUT; -ERR_CLOSED: there was none; -ERR_BAD: it is no HTTP/1. */
int	http_head(struct http *h, int ms);

/* Waits for more of the body. 1: h->body has more; 0: it was whole already; -ERR_TIMEOUT, -ERR_CLOSED,
 * -ERR_TOOBIG, -ERR_BAD. */
int	http_more(struct http *h, int ms);

/* All of that: the whole answer, at most ms. */
int	http_fetch(struct http *h, const struct http_url *u, const char *method, const char *target,
	    const char *headers, struct str body, int ms);

/* The value of the first header of this name; empty: it is not there. *times (may be NULL): how often it is. */
struct str	http_header(const struct http *h, const char *name, int *times);

#endif
