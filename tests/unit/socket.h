/*
 * socket - a client with a WebSocket on a fake hub: what it says, and in words what it has been told.
 */
#ifndef SIGPOST_TESTS_SOCKET_H
#define SIGPOST_TESTS_SOCKET_H

#include "fake.h"

/* The answer to a right handshake at this address, whatever it is. settings: `websocket` MUST be "on". */
struct fake_conn *socket_ask(struct fake *at, const char *uri);
/* The same, and it is a WebSocket. */
struct fake_conn *socket_open(struct fake *at, const char *uri);
struct fake_conn *socket_peer(struct fake *at, const char *id, const char *token);	/* of PeerJS; has said OPEN */

void	socket_says(struct fake *at, struct fake_conn *c, const char *text);	/* a text message */
void	socket_sends(struct fake *at, struct fake_conn *c, int first, struct str payload);	/* any frame */
void	socket_closes(struct fake *at, struct fake_conn *c, int code);

/* All it was told since the last time, in the words of frames.h; good until the next call. */
const char	*socket_told(struct fake_conn *c);
#define socket_is_told(c, want) assert_string_equal(socket_told(c), want)

/* Time passes, and every ping is answered at once. */
void	socket_passes(struct fake *at, struct fake_conn *c, int64_t ms);

void	socket_free(struct fake *at, struct fake_conn *c);	/* leaves, if it is still there */

#endif
