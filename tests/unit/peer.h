/*
 * peer - a PeerJS client on a fake hub: its stream down, what it says and hears.
 */
#ifndef SIGPOST_TESTS_PEER_H
#define SIGPOST_TESTS_PEER_H

#include "fake.h"

#define OPEN_TEXT "{\"type\":\"OPEN\"}"

/* "/peerjs?key=peerjs&id=ID&token=TOKEN" and what follows; good until the next but three. */
const char	*peer_uri(const char *id, const char *token, const char *more);

struct fake_conn *peer_stream(struct fake *at, const char *id, const char *token);	/* has said OPEN */

/* The nth message (from 0) is this; no nth message. */
void	peer_hears(struct fake_conn *down, int nth, const char *want);
void	peer_hears_no_more(struct fake_conn *down, int nth);

/* The body of the answer; good until the next. *status may be NULL. */
const char	*peer_says(struct fake *at, const char *id, const char *token, const char *body, int *status);
/* The same, with a status to expect and what must stand in the answer. */
void	peer_told(struct fake *at, const char *id, const char *token, const char *body, int status, const char *part);

void	peer_gone(struct fake *at, struct fake_conn *down);	/* the client leaves; frees */

#endif
