/*
 * ws - the client's side of WebSocket framing (RFC 6455 section 5), whole frames only.
 *
 * Frames go out masked with a key from a cheap generator: the server has to unmask them as it
 * would a browser's, and the generator stays cheap. Pings are answered here.
 */
#ifndef SIGLOAD_WS_H
#define SIGLOAD_WS_H

#include <stddef.h>

struct conn;

/* Sends one text frame. A NULL connection is ignored. */
void ws_send(struct conn *conn, const char *text, size_t len);

/* Says goodbye (close code 1000) and forgets the owner; the server ends the connection. */
void ws_close(struct conn *conn);

/* Reads one frame; returns the bytes it took, 0 while it is incomplete. */
size_t ws_feed(struct conn *conn, const char *bytes, size_t len);

#endif
