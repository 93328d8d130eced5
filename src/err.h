/*
 * err - one list of everything that can go wrong.
 *
 * Functions return 0 or a negative enum err (`return -ERR_QUOTA`). One table
 * (err.c) gives each its name, the HTTP status it becomes and a title for the
 * problem document (RFC 9457); nobody else chooses a status for an error.
 */
#ifndef SIGPOST_ERR_H
#define SIGPOST_ERR_H

enum err {
	ERR_NONE = 0,
	ERR_BAD,	/* the input does not follow the grammar */
	ERR_AUTH,	/* unknown or wrong token */
	ERR_FORBIDDEN,	/* known, but not allowed */
	ERR_NOTFOUND,	/* no such path, mailbox, key */
	ERR_METHOD,	/* path known, method not */
	ERR_CONFLICT,	/* somebody else holds it */
	ERR_LENGTH,	/* a body without a length */
	ERR_TOOBIG,	/* over a size ceiling */
	ERR_TYPE,	/* a media type we do not take */
	ERR_BATCH,	/* too many messages in one request */
	ERR_QUOTA,	/* over a quota; what was accepted stays */
	ERR_RATE,	/* too many requests from one address */
	ERR_CROWD,	/* too many sessions of one address */
	ERR_MESSAGES,	/* over the rate of an API key */
	ERR_STREAMS,	/* no stream to spare, but polls */
	ERR_REPEATED,	/* `n` not above the greatest accepted */
	ERR_SILENT,	/* no answer is the answer (hub_leave_open) */
	ERR_WAIT,	/* the verdict on a claim is not in yet */
	ERR_BUSY,	/* the store is locked by another process */
	ERR_FULL,	/* the disk or the database is full */
	ERR_IO,		/* the store could not read or write */
	ERR_VERSION,	/* a database or peer of another version */
	ERR_CORRUPT,	/* not a sigpost database */
	ERR_CLOSED,	/* the other side is gone */
	ERR_LEAVING,	/* this process is ending */
	ERR_TIMEOUT,	/* it took too long */
	ERR_NOMEM,
	ERR_INTERNAL,
	ERR__MAX
};

struct err_row {
	enum err	 err;
	const char	*name;		/* for logs: "quota" */
	int		 status;	/* HTTP status */
	const char	*title;		/* one human sentence, no full stop */
};

/* err: an enum err, positive or negative; anything else reads as ERR_INTERNAL. Never NULL. */
const struct err_row	*err_row(int err);
const char		*err_name(int err);
int			 err_status(int err);

/* The reason phrase of an HTTP status ("Not Found"); "Status" for one we do not know. */
const char		*err_reason(int status);

#endif
