/*
 * proto-post - a POST of messages, one or an array of them, and an answer that says what became of each.
 *
 * The answer to an array is an array in its order; to a single message one result, or, if it is refused, a
 * problem document. A message that is refused writes nothing and stops nothing. With ?n= (a whole
 * number, rising with each request of a sender) a request is carried out once; one all of which
 * was refused may be repeated under the same n.
 */
#ifndef SIGPOST_PROTO_POST_H
#define SIGPOST_PROTO_POST_H

#include "hub.h"
#include "json.h"

struct verdict {		/* on one message */
	const char	*result;	/* "present", …; NULL: it is refused … */
	int		 err;		/* … -enum err, which has its status … */
	const char	*reason;	/* … and a sentence without a full stop */
};

struct post {
	struct hub		*hub;
	struct req		*r;
	const struct box	*from;		/* the sender's */
	/* Carries one message out. May set err (the store failed, or -ERR_WAIT): then all is taken back. */
	struct verdict		(*take)(struct post *p, const struct json_member *message);
	int			 err;		/* 0 at first */
	bool			 kept;		/* something was not refused; false at first */
};

static inline struct verdict
post_say(const char *result)
{
	return (struct verdict){ result, 0, NULL };
}

static inline struct verdict
post_refuse(int err, const char *reason)
{
	return (struct verdict){ NULL, err, reason };
}

/* Answers p->r, and returns as serve of a route does. */
int	post_serve(struct post *p);

#endif
