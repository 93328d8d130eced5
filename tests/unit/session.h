/*
 * session - a client of Engine.IO on a fake hub: opens a session by poll, polls, posts packets, goes over.
 */
#ifndef SIGPOST_TESTS_SESSION_H
#define SIGPOST_TESTS_SESSION_H

#include "fake.h"

#define SHAKE(src, dst, more) "{\"srcMultiaddr\":\"" src "\",\"dstMultiaddr\":\"" dst "\"" more "}"
#define EMIT_SHAKE(src, dst, more) "42[\"ss-handshake\"," SHAKE(src, dst, more) "]"
#define WS_SHAKE(src, dst, more) "42[\"ws-handshake\"," SHAKE(src, dst, more) "]"
#define BOTH "\x1e"		/* between two packets of version 4 */

struct session_of {
	int	version;
	char	sid[64];
};

/* A new one, connected to "/". */
struct session_of session_open(struct fake *at, int version);

/* Its address for a transport; good until the next but three. */
const char	*session_uri(const struct session_of *s, const char *transport);

struct fake_conn *session_poll(struct fake *at, const struct session_of *s);	/* a poll, answered or not */
/* One that is open, once nothing waits. */
struct fake_conn *session_waits(struct fake *at, const struct session_of *s);

/* The body of an answer that has come: status 200; then it is freed. Good until the next but three. */
const char	*session_body(struct fake_conn *poll);
/* The same of a poll made for it, which is answered at once. */
const char	*session_hears(struct fake *at, const struct session_of *s);

void	session_refused(struct fake_conn *answer, int code);	/* 400 and this code; frees */

/* A payload as it stands, taken with `ok`. */
void	session_says(struct fake *at, const struct session_of *s, const char *payload);
/* The same, but no answer has come yet. */
struct fake_conn *session_asks(struct fake *at, const struct session_of *s, const char *payload);

/* ss-join of version 4, and the result is this. */
void	session_joins(struct fake *at, const struct session_of *s, const char *addr, const char *result);

#endif
