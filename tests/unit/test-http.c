/* The client of `sigpost check`: addresses, and answers fed whole, byte by byte and split at every offset. */
#include "config.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "err.h"
#include "http.h"

static void
reads_addresses(void **state)
{
	static const struct { const char *text; bool tls; const char *host, *port, *path; } rows[] = {
		{ "http://h", false, "h", "80", "" }, { "http://h/", false, "h", "80", "" },
		{ "https://h", true, "h", "443", "" }, { "http://h:8/a/b//", false, "h", "8", "/a/b" },
		{ "https://h:65535/a", true, "h", "65535", "/a" }, { "http://[::1]", false, "::1", "80", "" },
		{ "http://[::1]:9/x.cgi/", false, "::1", "9", "/x.cgi" },
	};
	static const char *const bad[] = { "", "h", "ftp://h", "http://", "http:///a", "http://:80", "http://h:", "http://h:0",
	    "http://h:65536", "http://h:8x", "http://[::1", "http://[::1]x", "http://u@h", "http://h/?q", "http://h/#f",
	    "http://h/ x", "http://h/\r\nX: y", "http://h/\xc3\xa4", "http://[]" };
	char text[HTTP_PATH_MAX + 16];
	struct http_url u;
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_assert(http_url(&u, rows[i].text, &why) == 0, "%s", rows[i].text);
		row_assert(u.tls == rows[i].tls && strcmp(u.host, rows[i].host) == 0 && strcmp(u.port, rows[i].port) == 0 &&
		    strcmp(u.path, rows[i].path) == 0, "%s: %s %s %s", rows[i].text, u.host, u.port, u.path);
	}
	for (i = 0; i < COUNT(bad); i++) {
		why = NULL;
		row_assert(http_url(&u, bad[i], &why) == -ERR_BAD && why != NULL, "%s", bad[i]);
	}
	memset(text, 'x', sizeof text);
	memcpy(text, "http://h/", 9);
	text[8 + HTTP_PATH_MAX - 1] = '\0';
	assert_int_equal(http_url(&u, text, &why), 0);
	text[8 + HTTP_PATH_MAX - 1] = 'x';
	text[8 + HTTP_PATH_MAX] = '\0';
	assert_int_equal(http_url(&u, text, &why), -ERR_BAD);
}

#define BYTES(lit) lit, sizeof(lit) - 1
static const struct {
	const char	*why, *bytes;
	size_t		 n;
	int		 head, status;	/* of http_head */
	int		 rc;		/* of the last http_more */
	const char	*body;
} answers[] = {
	{ "a length", BYTES("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"), 0, 200, 0, "abc" },
	{ "no body", BYTES("HTTP/1.1 204 No\r\n\r\n"), 0, 204, 0, "" },
	{ "an empty one", BYTES("HTTP/1.0 404 No\r\ncontent-length: 0\r\n\r\n"), 0, 404, 0, "" },
	{ "to the end", BYTES("HTTP/1.1 200 OK\r\n\r\nabc"), 0, 200, 0, "abc" },
	{ "chunks", BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10;x=y\r\n0123456789abcdef\r\n0\r\n\r\n"), 0,
	    200, 0, "abc0123456789abcdef" },
	{ "100 before it", BYTES("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"), 0, 200, 0, "a" },
	{ "a WebSocket", BYTES("HTTP/1.1 101 Go\r\n\r\n\x81\x01x"), 0, 101, -ERR_CLOSED, "\x81\x01x" },
	{ "a body that is cut", BYTES("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc"), 0, 200, -ERR_CLOSED, "abc" },
	{ "a chunk that is cut", BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabc"), 0, 200, -ERR_CLOSED, "abc" },
	{ "a chunk of no size", BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc"), 0, 200, -ERR_BAD, "" },
	{ "a chunk of a negative size", BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc"), 0, 200, -ERR_BAD, "" },
	{ "a chunk of an endless size", BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc"), 0, 200,
	    -ERR_BAD, "" },
	{ "a length that is none", BYTES("HTTP/1.1 200 OK\r\nContent-Length: 3x\r\n\r\nabc"), -ERR_BAD, 200, 0, "" },
	{ "another protocol", BYTES("SSH-2.0-x\r\n\r\n"), -ERR_BAD, 0, 0, "" },
	{ "a status that is none", BYTES("HTTP/1.1 2x0 OK\r\n\r\n"), -ERR_BAD, 0, 0, "" },
	{ "half a head", BYTES("HTTP/1.1 200 OK\r\nX: y\r\n"), -ERR_CLOSED, 0, 0, "" },
	{ "nothing", BYTES(""), -ERR_CLOSED, 0, 0, "" },
};

/* What came of it; a pause is no end. */
static void
read_all(struct http *h, bool *more, int *head, int *rc)
{
	if (*head == -ERR_TIMEOUT)
		*head = http_head(h, 0);
	while (*head == 0 && (*rc == -ERR_TIMEOUT || *rc > 0)) {
		*rc = http_more(h, 0);
		if (*rc == -ERR_TIMEOUT && *more)
			return;
	}
}

static void
reads_answers(void **state)
{
	size_t i, at, step;

	(void)state;
	for (i = 0; i < COUNT(answers); i++)
		for (step = 0; step <= answers[i].n + 1; step++) {
			size_t n = answers[i].n, first = step <= n ? step : 1;
			int pair[2], head = -ERR_TIMEOUT, rc = -ERR_TIMEOUT;
			bool more = true;
			struct http h;

			assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
			http_init(&h);
			h.fd = pair[0];
			for (at = 0; at < n; at += first, first = step <= n ? n : 1) {
				size_t part = first < n - at ? first : n - at;

				assert_int_equal(write(pair[1], answers[i].bytes + at, part), part);
				read_all(&h, &more, &head, &rc);
				first = part;
			}
			close(pair[1]);
			more = false;
			read_all(&h, &more, &head, &rc);
			row_assert(head == answers[i].head && h.status == answers[i].status, "%s, %zu: %d %d", answers[i].why, step,
			    head, h.status);
			row_assert(head < 0 || rc == answers[i].rc, "%s, %zu: %d", answers[i].why, step, rc);
			row_assert(h.body.n == strlen(answers[i].body) && (h.body.n == 0 || memcmp(h.body.p, answers[i].body,
			    h.body.n) == 0), "%s, %zu", answers[i].why, step);
			http_close(&h);
		}
}

static void
finds_headers(void **state)
{
	struct http h;
	int times;

	(void)state;
	http_init(&h);
	buf_addz(&h.head, "HTTP/1.1 200 X: no\r\nX: \t one \r\nx-y: z\r\nx:two\r\nno colon\r\n");
	assert_true(str_eq(http_header(&h, "x", &times), STR("one")));
	assert_int_equal(times, 2);
	assert_true(str_eq(http_header(&h, "X-Y", &times), STR("z")));
	assert_int_equal(http_header(&h, "HTTP/1.1 200 X", &times).n, 0);
	assert_int_equal(times, 0);
	http_close(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_addresses),
		cmocka_unit_test(reads_answers),
		cmocka_unit_test(finds_headers),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
