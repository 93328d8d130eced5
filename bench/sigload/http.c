/*
 * http - one small function a state, each consuming what it can and returning 0 for "more".
 * Body bytes are handed on where they lie; nothing is copied here.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conn.h"
#include "http.h"
#include "ws.h"

#define STATUS_AT 9	/* "HTTP/1.1 200" */

/* Value of a header inside a head that ends in CRLF CRLF, or NULL. */
static const char *
find(const char *head, size_t len, const char *name)
{
	size_t name_len = strlen(name);
	const char *end = head + len, *line = memchr(head, '\n', len);

	for (; line && line + 1 + name_len < end; line = memchr(line, '\n', (size_t)(end - line))) {
		line++;
		if (strncasecmp(line, name, name_len) || line[name_len] != ':')
			continue;
		line += name_len + 1;
		return line + strspn(line, " ");
	}
	return NULL;
}

static bool
says(const char *head, size_t len, const char *name, const char *value)
{
	const char *found = find(head, len, name);

	return found && strncasecmp(found, value, strlen(value)) == 0;
}

/* How the body of this answer is delimited (RFC 9112 section 6.3). */
static enum http_state
framing(struct http *http, const char *head, size_t len)
{
	const char *length;

	http->left = 0;
	if (http->status == 101)
		return HTTP_FRAMES;
	if (http->status == 204 || http->status == 304)
		return HTTP_LENGTH;
	if (says(head, len, "transfer-encoding", "chunked"))
		return HTTP_CHUNK_SIZE;
	length = find(head, len, "content-length");
	if (length) {
		http->left = strtoull(length, NULL, 10);
		return HTTP_LENGTH;
	}
	http->keep = false;
	return HTTP_UNTIL_CLOSE;
}

static void
finish(struct conn *conn)
{
	conn->http.state = HTTP_HEAD;
	if (conn->ops->done)
		conn->ops->done(conn);
}

static size_t
take_head(struct conn *conn, const char *bytes, size_t len)
{
	struct http *http = &conn->http;
	const char *end = memmem(bytes, len, "\r\n\r\n", 4);
	size_t head;

	if (end == NULL)
		return 0;
	head = (size_t)(end - bytes) + 4;
	http->status = head > STATUS_AT ? (int)strtol(bytes + STATUS_AT, NULL, 10) : 0;
	if (http->status == 100)
		return head;
	http->keep = !says(bytes, head, "connection", "close");
	http->state = framing(http, bytes, head);
	if (conn->ops->head)
		conn->ops->head(conn);
	if (!conn->dead && http->state == HTTP_LENGTH && http->left == 0)
		finish(conn);
	return head;
}

static size_t
take_body(struct conn *conn, const char *bytes, size_t len)
{
	struct http *http = &conn->http;
	size_t part = len < http->left ? len : (size_t)http->left;

	http->left -= part;
	if (conn->ops->body)
		conn->ops->body(conn, bytes, part);
	if (conn->dead || http->left)
		return part;
	if (http->state == HTTP_LENGTH)
		finish(conn);
	else
		http->state = HTTP_CHUNK_END;
	return part;
}

static size_t
take_chunk_size(struct conn *conn, const char *bytes, size_t len)
{
	const char *end = memchr(bytes, '\n', len);

	if (end == NULL)
		return 0;
	conn->http.left = strtoull(bytes, NULL, 16);
	conn->http.state = conn->http.left ? HTTP_CHUNK_DATA : HTTP_TRAILER;
	return (size_t)(end - bytes) + 1;
}

static size_t
take_chunk_end(struct conn *conn, const char *bytes, size_t len)
{
	(void)bytes;
	if (len < 2)
		return 0;
	conn->http.state = HTTP_CHUNK_SIZE;
	return 2;
}

static size_t
take_trailer(struct conn *conn, const char *bytes, size_t len)
{
	const char *end = memchr(bytes, '\n', len);

	if (end == NULL)
		return 0;
	if (end - bytes <= 1)
		finish(conn);
	return (size_t)(end - bytes) + 1;
}

static size_t
take_all(struct conn *conn, const char *bytes, size_t len)
{
	if (conn->ops->body)
		conn->ops->body(conn, bytes, len);
	return len;
}

static size_t (*const take[HTTP_STATE__MAX])(struct conn *, const char *, size_t) = {
	[HTTP_HEAD] = take_head,
	[HTTP_LENGTH] = take_body,
	[HTTP_CHUNK_SIZE] = take_chunk_size,
	[HTTP_CHUNK_DATA] = take_body,
	[HTTP_CHUNK_END] = take_chunk_end,
	[HTTP_TRAILER] = take_trailer,
	[HTTP_UNTIL_CLOSE] = take_all,
	[HTTP_FRAMES] = ws_feed,
};

size_t
http_feed(struct conn *conn, const char *bytes, size_t len)
{
	size_t used = 0, part;

	while (used < len && !conn->dead) {
		part = take[conn->http.state](conn, bytes + used, len - used);
		if (part == 0)
			break;
		used += part;
	}
	return used;
}
