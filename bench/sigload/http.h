/*
 * http - reads HTTP/1.1 answers, byte stream in, calls of the connection's conn_ops out.
 *
 * What RFC 9112 section 6 allows a server to send is understood: Content-Length, chunked,
 * until the end of the connection, and 101, after which the bytes are WebSocket frames (ws.h).
 */
#ifndef SIGLOAD_HTTP_H
#define SIGLOAD_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;

enum http_state {
	HTTP_HEAD,		/* before or inside a head */
	HTTP_LENGTH,		/* `left` bytes of body to come */
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK_DATA,	/* `left` bytes of this chunk to come */
	HTTP_CHUNK_END,		/* the CRLF behind a chunk */
	HTTP_TRAILER,		/* after the last chunk */
	HTTP_UNTIL_CLOSE,	/* body ends with the connection */
	HTTP_FRAMES,		/* upgraded */
	HTTP_STATE__MAX
};

/* One answer being read. A zeroed struct waits for the first head. */
struct http {
	enum http_state state;
	int status;
	bool keep;		/* the connection outlives this answer */
	uint64_t left;
};

/*
 * Reads what came in; returns how many bytes were consumed, the rest has to be given again with
 * more behind it. Stops early when a callback closed the connection.
 */
size_t http_feed(struct conn *conn, const char *bytes, size_t len);

#endif
