/* WebSockets: what a handshake is answered, and frames out. Frames in: test-ws. */
#include "config.h"

#include "unit.h"

#include "err.h"
#include "frames.h"
#include "ws.h"

#define LOTS	(1u << 24)

/* ---- the handshake ---- */

static void
test_accept(void **state)
{
	static const struct { const char *why; struct str key; const char *want; } rows[] = {
		{ "RFC 6455, 1.3", S("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" },
		{ "other bytes", S("AQIDBAUGBwgJCgsMDQ4PEA=="), "C/0nmHhBztSRGR1CwL6Tf4ZjwpY=" },
		{ "nothing", S(""), NULL },
		{ "15 bytes", S("AQIDBAUGBwgJCgsMDQ4P"), NULL },
		{ "17 bytes", S("AQIDBAUGBwgJCgsMDQ4PEBE="), NULL },
		{ "not base64", S("!QIDBAUGBwgJCgsMDQ4PEA=="), NULL },
		{ "without its padding", S("AQIDBAUGBwgJCgsMDQ4PEA"), NULL },
		{ "one byte more", S("AQIDBAUGBwgJCgsMDQ4PEA==x"), NULL },
		{ "padding amid", S("AQIDBAUG==gJCgsMDQ4PEA=="), NULL },
	};
	char out[WS_ACCEPT_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct str key = tight(rows[i].key);
		int rc = ws_accept(key, out);

		row_assert(rc == (rows[i].want == NULL ? -ERR_BAD : 0), "%s: %d", rows[i].why, rc);
		if (rc == 0)
			row_assert(strcmp(out, rows[i].want) == 0, "%s: %s", rows[i].why, out);
		loosen(key);
	}
}

/* ---- frames out ---- */

static void
test_put(void **state)
{
	static const struct { size_t n; struct str head; } rows[] = {
		{ 0, S("\x81\x00") }, { 1, S("\x81\x01") }, { 125, S("\x81\x7d") },
		{ 126, S("\x81\x7e\x00\x7e") }, { 127, S("\x81\x7e\x00\x7f") }, { 65535, S("\x81\x7e\xff\xff") },
		{ 65536, S("\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00") },
	};
	static char payload[65536];
	struct buf b;
	size_t i;

	(void)state;
	memset(payload, 'x', sizeof payload);
	for (i = 0; i < COUNT(rows); i++) {
		buf_init(&b, LOTS);
		ws_put(&b, WS_TEXT, str_make(payload, rows[i].n));
		assert_int_equal(b.n, rows[i].head.n + rows[i].n);
		assert_memory_equal(b.p, rows[i].head.p, rows[i].head.n);
		buf_release(&b);
	}
	buf_init(&b, 10);
	ws_put(&b, WS_TEXT, str_make(payload, 9));
	assert_int_equal(buf_err(&b), -ERR_TOOBIG);
	buf_release(&b);
}

static void
closes_with(int code, struct str reason, const char *want)
{
	struct buf b, words;

	buf_init(&b, 200);
	buf_init(&words, 300);
	ws_put_close(&b, code, reason);
	frames_tell(&words, buf_str(&b));
	buf_addc(&words, '\0');
	assert_string_equal(words.p, want);
	assert_true(b.n <= 127);
	buf_release(&b);
	buf_release(&words);
}

#define X30	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X120	X30 X30 X30 X30

static void
test_put_close(void **state)
{
	(void)state;
	closes_with(1000, STR_NONE, "close(1000) ");
	closes_with(4999, STR("why"), "close(4999 why) ");
	closes_with(1000, STR(X120 "yyy"), "close(1000 " X120 "yyy) ");
	closes_with(1000, STR(X120 "yyyz"), "close(1000 " X120 "yyy) ");
	closes_with(1000, STR(X120 "\xe2\x82\xac"), "close(1000 " X120 "\xe2\x82\xac) ");
	closes_with(1000, STR(X120 "y\xe2\x82\xac"), "close(1000 " X120 "y) ");
	closes_with(1000, STR(X120 "yy\xf0\x9f\x99\x82"), "close(1000 " X120 "yy) ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accept), cmocka_unit_test(test_put), cmocka_unit_test(test_put_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
