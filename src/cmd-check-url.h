/*
 * cmd-check-url - `sigpost check URL`: what a client finds behind a web server.
 *
 * cmd-check-url.c asks short questions, cmd-check-talk.c is two peers who talk to each other,
 * cmd-check-mend.c knows what mends what, by web server.
 */
#ifndef SIGPOST_CMD_CHECK_URL_H
#define SIGPOST_CMD_CHECK_URL_H

#include "cmd-check.h"
#include "http.h"

#define WEB_MS		5000	/* for an answer to a short question */
#define WEB_SHOWN	100	/* bytes of what a server says that are shown */

enum web_server { WEB_LIGHTTPD, WEB_NGINX, WEB_APACHE, WEB_LITESPEED, WEB_CLOUDFLARE, WEB_OTHER, WEB__MAX };

enum web_trouble {
	WEB_NOT_RUN,		/* the program itself is sent */
	WEB_FORBIDDEN,		/* 403 */
	WEB_MISSING,		/* 404 at the mount path */
	WEB_FAILING,		/* 500, 502, 503, 504 of the web server */
	WEB_BELOW,		/* what is below the mount path does not arrive */
	WEB_HELD,		/* an event stream comes late, or not at all */
	WEB_PACKED,		/* it is compressed */
	WEB_NO_BODY,		/* a POST loses its body */
	WEB_NO_ID,		/* Last-Event-ID is lost */
	WEB_NO_SOCKET,		/* no WebSocket */
	WEB_NO_PAGES,		/* www/ */
	WEB_TYPES,		/* .mjs is no JavaScript */
	WEB_CUT,		/* a silent connection */
	WEB_LOGS,		/* tokens in the access log */
	WEB_TROUBLE__MAX
};

struct web {
	struct check	*k;
	struct http_url	 url;
	const char	*text;		/* the same, as it was written, without a slash at its end */
	enum web_server	 server;
	struct http	 h;		/* the last answer */
	int64_t		 idle_ms;	/* look so long whether a silent stream lasts; 0: do not */
};

/* One request, its whole answer in w->h. 0 or -err (http_fetch). */
int		 web_ask(struct web *w, const char *method, const char *target, const char *headers, struct str body);

/* What is said of an error of web_ask, good until the next call. */
const char	*web_why(struct web *w, int rc);

/* Text of a server in printable ASCII, cut to WEB_SHOWN; static, two at a time. */
const char	*web_shown(struct str s);

/* cmd-check-mend.c */
enum web_server	 web_server_of(struct str software);
const char	*web_mend(const struct web *w, enum web_trouble t);

/* cmd-check-talk.c: each says what it found, and needs an API that answers. */
void		 web_check_talk(struct web *w);		/* stream, POST, cursor, long poll */
void		 web_check_socket(struct web *w);
void		 web_check_idle(struct web *w);

#endif
