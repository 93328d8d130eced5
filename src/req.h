/*
 * req - one request, the same whichever gate it came through.
 *
 * A gate makes it (req_new), gives it each CGI variable (req_var) and the body (req_body),
 * then says req_ready, which normalises: method, path below the mount, query, the headers
 * somebody here reads. Variables nobody reads are not kept. All slices point into the
 * request's own memory and are good until req_free.
 *
 * Ceilings: max_vars for the bytes of all variables together, max_body for the body, both
 * enforced before anything is stored.
 */
#ifndef SIGPOST_REQ_H
#define SIGPOST_REQ_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "buf.h"
#include "list.h"
#include "str.h"

enum method { M_GET, M_HEAD, M_POST, M_OPTIONS, M_OTHER, M__MAX };

struct conn;
struct rate;
struct route;

enum req_bar {			/* why a request is not served for its API key (hub_key_enter) */
	BAR_NONE,		/* it is */
	BAR_UNKNOWN,		/* there is no such key */
	BAR_OFF,
	BAR_EXPIRED,
	BAR_REMOVED,		/* while a stream of it was open */
	BAR__MAX
};

struct req_address {		/* where a WebSocket was opened; of one piece of memory */
	struct str	 path, query;
};

struct contest {		/* a name that somebody else holds (hub_contest), from one try to the next */
	int64_t		 rival;		/* the box whose name is wanted … */
	int64_t		 since;		/* … since then (loop_mono) */
	int64_t		 again;		/* loop_mono; not before, for a proof that the holder is alive … */
	int64_t		 box;		/* … this one (0: nothing to ask) … */
	int64_t		 hub;		/* … of the hub that has its stream */
};

#define REQ_CONTESTS	4

/* Whether the page that makes the request may (the origins of its API key, or the setting). */
enum req_pages {
	PAGES_ALL,		/* anybody's may */
	PAGES_LISTED,		/* some may, and this is one of them, or no page at all */
	PAGES_FOREIGN		/* some may, and this is none of them */
};

struct req {
	enum method	 method;
	struct str	 path;		/* below the mount, begins with '/', as the client wrote it, no query */
	struct str	 query;		/* after the '?', raw */
	struct str	 mount;		/* what was taken off in front of path; "" at the root */
	struct str	 accept, content_type, content_encoding, origin, host, last_event_id;
	struct str	 ask_method, ask_headers;	/* Access-Control-Request-* */
	struct str	 remote_addr;
	struct str	 body;
	int64_t		 length;	/* CONTENT_LENGTH; -1: none was given */

	/* for whoever holds it meanwhile */
	struct conn	*conn;
	uint64_t	 id;		/* in the log (log_name); 0: none yet */
	int64_t		 began;		/* loop_mono, with the id */
	int		 status;	/* of its answer; 0: none yet, or it was said on a WebSocket */
	struct list	 parked;	/* the hub's list while it waits */
	int64_t		 again;		/* loop_mono of the next one */
	int64_t		 busy_since;	/* loop_mono since when it is parked; 0: it is not */
	struct contest	 contest[REQ_CONTESTS];	/* for names it wants; who wants one has the first */
	bool		 duplex;	/* it asks for a WebSocket, and one gets through (upgrade_passes) */
	bool		 credentials;	/* the route allows them: CORS echoes the Origin */
	enum req_pages	 pages;
	int64_t		 key;		/* the number of the API key it is of; 0: none */
	enum req_bar	 bar;
	uint32_t	 spent, paid;	/* messages that counted to its rate: in this serving, in all of them */
	const struct route *route;	/* the row that serves it; NULL: none yet */

	/* limits of its address */
	uint64_t	 who;		/* the key of whoever it is from (hub_admit); 0: not known yet */
	bool		 admitted;	/* it was counted */
	uint32_t	 retry_after;	/* seconds, for an answer that says so; 0: the usual ones */
	struct rate	*session;	/* it counts there as a session of `who`; NULL: it does not */

	/* what came on a WebSocket */
	bool		 spoken;	/* it did: an answer has no head, and no bytes but frames */
	bool		 goodbye;	/* spoken: the client closed it; there is no body */
	bool		 binary;	/* spoken: a binary message */
	int64_t		 box, gen;	/* spoken: the mailbox its stream receives for, and which of its streams that
					 * is; 0: it has none */

	/* private */
	struct buf	 vars;
	struct buf	 bytes;
	uint32_t	 at[24];	/* offset + 1 of each wanted variable in vars */
	uint32_t	 len[24];
	uint32_t	 max_vars, seen;
};

struct req	*req_new(size_t max_vars, size_t max_body);	/* NULL: out of memory */
void		 req_free(struct req *r);			/* NULL is fine */

/* -ERR_TOOBIG: over max_vars; -ERR_NOMEM. A repeated name: the last one wins. */
int		 req_var(struct req *r, struct str name, struct str value);

/* After the last variable: the announced body length, or -1 if none was given. -ERR_BAD: not a
 * number; -ERR_TOOBIG: over max_body. */
int		 req_length(struct req *r, int64_t *length);

/* Body bytes as they come. -ERR_TOOBIG: over max_body or over CONTENT_LENGTH; -ERR_NOMEM. */
int		 req_body(struct req *r, struct str bytes);

/* "GET", …, for the log; "other" for one that is none of ours. */
const char	*req_method(const struct req *r);

/* true for a method that comes with a body, announced or not. Good before req_ready. */
bool		 req_brings_body(const struct req *r);

/* Everything is here. mount: conf.mount; the variable SIGPOST_MOUNT of the request goes before it. -ERR_BAD: no REQUEST_URI or method, a NUL or control
 * character in the URI, or a body shorter than its length; -ERR_NOTFOUND: not below the mount. */
int		 req_ready(struct req *r, const char *mount);

/* The decoded value (%XX and '+') of the first `name` in the query into out[size], NUL-terminated.
 * -ERR_NOTFOUND; -ERR_BAD: bad escape, a NUL; -ERR_TOOBIG; out is "" then. */
int		 req_query(const struct req *r, const char *name, char *out, size_t size);

/* The same for a whole number from `least` on. 0 and *v; -ERR_NOTFOUND and *v 0; -ERR_BAD. */
int		 req_number(const struct req *r, const char *name, int64_t least, int64_t *v);

/* The i-th segment of the path (from 0), its %XX decoded, as req_query does it. -ERR_NOTFOUND: there are
 * fewer. */
int		 req_segment(const struct req *r, int i, char *out, size_t size);

/* true for a request that wants to become a WebSocket (RFC 6455, 4.1). Good before req_ready. */
bool		 req_upgrades(const struct req *r);
/* Of such a request: the header Upgrade came, and says so (not every web server hands it on); the other
 * headers of the handshake, and SERVER_SOFTWARE. Empty: not given. */
bool		 req_names_upgrade(const struct req *r);
struct str	 req_ws_key(const struct req *r);
struct str	 req_ws_version(const struct req *r);
struct str	 req_software(const struct req *r);

/*
 * What was said on a WebSocket as a request of its own: POST, to the address the WebSocket was opened
 * at, with the message as its body. `of` gives path and query; all is copied. NULL: out of memory.
 */
struct req	*req_said(const struct req_address *of, struct str body);

/* The header Authorization came; not every web server hands it on. What it says is not looked at. */
bool		 req_authorized(const struct req *r);

/* Whose request it is (addr.h), by Forwarded (standard) or X-Forwarded-For. Good before req_ready. */
struct addr	 req_subject(const struct req *r, const struct addr_list *proxies, bool standard);

/* true if the Accept header names this media type (no q-values: "a;q=0.5" counts) */
bool		 req_accepts(const struct req *r, struct str type);

/* The media type of the body without parameters, e.g. "text/plain"; empty if not given. */
struct str	 req_media_type(const struct req *r);

#endif
