/* http - see http.h: what is said and read. http-open.c makes the connections. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "err.h"
#include "http.h"

#define LINE_MAX_BYTES 64	/* of a chunk's size */

int64_t
http_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
http_init(struct http *h)
{
	memset(h, 0, sizeof *h);
	h->fd = h->words = -1;
	buf_init(&h->in, HTTP_BODY_MAX);
	buf_init(&h->head, HTTP_HEAD_MAX);
	buf_init(&h->body, HTTP_BODY_MAX);
}

/* ---- bytes ---- */

static int
send_all(struct http *h, struct str s)
{
	ssize_t n;

	while (s.n > 0) {
		n = write(h->fd, s.p, s.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -ERR_CLOSED;
		s = str_skip(s, (size_t)n);
	}
	return 0;
}

/* One read into h->in. 0; -ERR_TIMEOUT; -ERR_CLOSED; -ERR_TOOBIG. */
static int
pull(struct http *h, int64_t until)
{
	struct pollfd p = { h->fd, POLLIN, 0 };
	int64_t left = until - http_now();
	char *room = buf_room(&h->in, 4096);
	ssize_t n;
	int rc;

	if (room == NULL)
		return buf_err(&h->in);
	rc = poll(&p, 1, left > 0 ? (int)left : 0);
	if (rc < 0 && errno == EINTR)
		return 0;
	if (rc <= 0)
		return -ERR_TIMEOUT;
	n = read(h->fd, room, 4096);
	if (n <= 0)
		return -ERR_CLOSED;
	buf_grew(&h->in, (size_t)n);
	return 0;
}

/* ---- the request ---- */

int
http_ask(struct http *h, const struct http_url *u, const char *method, const char *target, const char *headers,
    struct str body)
{
	bool six = strchr(u->host, ':') != NULL;
	struct buf b;
	int rc;

	buf_init(&b, HTTP_HEAD_MAX + HTTP_BODY_MAX);
	buf_addf(&b, "%s %s%s HTTP/1.1\r\nHost: %s%s%s:%s\r\nUser-Agent: sigpost-check/" PACKAGE_VERSION "\r\n", method,
	    u->path, target, six ? "[" : "", u->host, six ? "]" : "", u->port);
	if (strstr(headers, "Connection:") == NULL)
		buf_addz(&b, "Connection: close\r\n");
	if (body.n > 0)
		buf_addf(&b, "Content-Length: %zu\r\n", body.n);
	buf_addz(&b, headers);
	buf_addz(&b, "\r\n");
	buf_adds(&b, body);
	rc = buf_err(&b) < 0 ? buf_err(&b) : send_all(h, buf_str(&b));
	buf_release(&b);
	return rc;
}

/* ---- the head ---- */

struct str
http_header(const struct http *h, const char *name, int *times)
{
	struct str rest = buf_str(&h->head), line, key, value, found = STR_NONE;
	int n = 0;

	str_cut(rest, '\n', &line, &rest);
	while (rest.n > 0) {
		str_cut(rest, '\n', &line, &rest);
		if (!str_cut(line, ':', &key, &value) || !str_eqcase(key, str_from(name)))
			continue;
		if (n++ == 0)
			found = str_trim(value);
	}
	if (times != NULL)
		*times = n;
	return found;
}

/* Where the head ends in what came; 0: not yet. */
static size_t
head_end(struct str s)
{
	const char *at = s.n < 4 ? NULL : memmem(s.p, s.n, "\r\n\r\n", 4);

	return at == NULL ? 0 : (size_t)(at - s.p) + 4;
}

static int
read_status(struct http *h)
{
	struct str line = buf_str(&h->head), version, rest;
	uint64_t status;

	str_cut(line, '\n', &line, &rest);
	if (!str_starts(line, STR("HTTP/1.")) || !str_cut(line, ' ', &version, &line))
		return -ERR_BAD;
	line.n = line.n < 3 ? line.n : 3;
	if (str_uint(line, 999, &status) < 0 || status < 100)
		return -ERR_BAD;
	h->status = (int)status;
	return 0;
}

static int
read_framing(struct http *h, bool bodiless)
{
	struct str length = http_header(h, "Content-Length", NULL);
	uint64_t n = 0;

	h->talks = h->status == 101;
	if (str_eqcase(http_header(h, "Transfer-Encoding", NULL), STR("chunked")))
		h->how = HTTP_CHUNKED;
	else if (length.n > 0 || bodiless)
		h->how = HTTP_LENGTH;
	else
		h->how = HTTP_TO_THE_END;
	if (length.n > 0 && str_uint(length, INT64_MAX, &n) < 0)
		return -ERR_BAD;
	h->left = (int64_t)n;
	h->ended = bodiless || (h->how == HTTP_LENGTH && n == 0);
	return 0;
}

int
http_head(struct http *h, int ms)
{
	int64_t until = http_now() + ms;
	size_t end;
	int rc = 0;

	do {
		buf_clear(&h->head);
		while (rc == 0 && (end = head_end(buf_str(&h->in))) == 0)
			rc = h->in.n > HTTP_HEAD_MAX ? -ERR_BAD : pull(h, until);
		if (rc < 0)
			return rc;
		buf_add(&h->head, h->in.p, end - 2);
		buf_drop(&h->in, end);
		rc = buf_err(&h->head) < 0 ? -ERR_BAD : read_status(h);
		if (rc < 0)
			return rc;
	} while (h->status < 200 && h->status != 101);	/* 100 and its like are no answers */
	return read_framing(h, h->status == 204 || h->status == 304);
}

/* ---- the body ---- */

static void
take(struct http *h, size_t most)
{
	size_t n = h->in.n < most ? h->in.n : most;

	buf_add(&h->body, h->in.p, n);
	buf_drop(&h->in, n);
	h->left -= (int64_t)n;
}

/* The size of the next chunk, with the line end of the one before. 1: there is one; 0: its line is not whole. */
static int
next_chunk(struct http *h)
{
	struct str s = buf_str(&h->in), line, rest;
	char digits[17];
	char *end;

	if (str_starts(s, STR("\r\n")) && h->body.n > 0)
		s = str_skip(s, 2);
	if (!str_cut(s, '\n', &line, &rest))
		return s.n > LINE_MAX_BYTES ? -ERR_BAD : 0;
	line = str_trim(line);
	str_cut(line, ';', &line, &s);
	if (line.n == 0 || line.n > 15 || str_copy(line, digits, sizeof digits) < 0)
		return -ERR_BAD;
	h->left = strtoll(digits, &end, 16);
	if (*end != '\0' || h->left < 0)
		return -ERR_BAD;
	buf_drop(&h->in, h->in.n - rest.n);
	h->ended = h->left == 0;
	return 1;
}

/* As much as is there. */
static int
decode(struct http *h)
{
	int rc = 1;

	if (h->how == HTTP_TO_THE_END || h->talks)
		take(h, h->in.n);
	else if (h->how == HTTP_LENGTH) {
		take(h, (size_t)h->left);
		h->ended = h->left == 0;
	} else
		while (rc > 0 && !h->ended && h->in.n > 0) {
			if (h->left == 0)
				rc = next_chunk(h);
			else
				take(h, (size_t)h->left);
		}
	return rc < 0 ? rc : buf_err(&h->body);
}

int
http_more(struct http *h, int ms)
{
	int64_t until = http_now() + ms;
	size_t before = h->body.n;
	int rc = decode(h);

	while (rc == 0 && h->body.n == before && !h->ended) {
		rc = pull(h, until);
		if (rc == -ERR_CLOSED && h->how == HTTP_TO_THE_END && !h->talks) {
			h->ended = true;
			return 0;
		}
		if (rc == 0)
			rc = decode(h);
	}
	return rc < 0 ? rc : h->body.n > before;
}

int
http_fetch(struct http *h, const struct http_url *u, const char *method, const char *target, const char *headers,
    struct str body, int ms)
{
	int64_t until = http_now() + ms;
	int rc = http_open(h, u, ms);

	if (rc == 0)
		rc = http_ask(h, u, method, target, headers, body);
	if (rc == 0)
		rc = http_head(h, (int)(until - http_now()));
	while (rc == 0 && !h->ended) {
		rc = http_more(h, (int)(until - http_now()));
		rc = rc > 0 ? 0 : rc;
	}
	return rc;
}
