/* Engine.IO: packets, payloads of both versions, what is written, and the handshake. */
#include "config.h"

#include "unit.h"

#include "eio.h"
#include "err.h"
#include "json.h"

#define PAIR "\xf0\x9f\x98\x80"	/* U+1F600: 4 bytes, 2 code units */
#define EURO "\xe2\x82\xac"	/* 3 bytes, 1 code unit */

static void
reads_packets(void **state)
{
	static const struct {
		const char *why;
		int version;
		struct str in;
		int rc;
		enum eio_type type;
		bool binary;
		struct str data;
	} rows[] = {
		{ "open", 4, S("0{}"), 0, EIO_OPEN, false, S("{}") },
		{ "close", 3, S("1"), 0, EIO_CLOSE, false, S("") },
		{ "ping", 4, S("2"), 0, EIO_PING, false, S("") },
		{ "probe", 4, S("2probe"), 0, EIO_PING, false, S("probe") },
		{ "pong", 3, S("3probe"), 0, EIO_PONG, false, S("probe") },
		{ "message", 4, S("42[\"a\"]"), 0, EIO_MESSAGE, false, S("2[\"a\"]") },
		{ "upgrade", 4, S("5"), 0, EIO_UPGRADE, false, S("") },
		{ "noop", 3, S("6"), 0, EIO_NOOP, false, S("") },
		{ "UTF-8", 3, S("4" EURO PAIR), 0, EIO_MESSAGE, false, S(EURO PAIR) },
		{ "a NUL", 4, S("4a\0b"), 0, EIO_MESSAGE, false, S("a\0b") },
		{ "a separator in a frame", 4, S("4\x1e"), 0, EIO_MESSAGE, false, S("\x1e") },
		{ "base64, version 4", 4, S("b4AQ="), 0, EIO_MESSAGE, true, S("4AQ=") },
		{ "base64, version 3", 3, S("b4AQ="), 0, EIO_MESSAGE, true, S("AQ=") },
		{ "base64, version 3, other type", 3, S("b2AQ="), 0, EIO_PING, true, S("AQ=") },
		{ "no base64, version 4", 4, S("b"), 0, EIO_MESSAGE, true, S("") },
		{ "no base64, version 3", 3, S("b4"), 0, EIO_MESSAGE, true, S("") },
		{ "base64 without a type", 3, S("b"), -ERR_BAD, 0, false, S("") },
		{ "base64 of no type", 3, S("bAQ="), -ERR_BAD, 0, false, S("") },
		{ "base64 twice", 3, S("bb4"), -ERR_BAD, 0, false, S("") },
		{ "nothing", 4, S(""), -ERR_BAD, 0, false, S("") },
		{ "one above the last", 4, S("7"), -ERR_BAD, 0, false, S("") },
		{ "one below the first", 3, S("/"), -ERR_BAD, 0, false, S("") },
		{ "a letter", 3, S("a"), -ERR_BAD, 0, false, S("") },
		{ "the byte of a type", 3, S("\x04"), -ERR_BAD, 0, false, S("") },
		{ "blank before", 4, S(" 2"), -ERR_BAD, 0, false, S("") },
		{ "byte order mark", 4, S("\xef\xbb\xbf" "2"), -ERR_BAD, 0, false, S("") },
		{ "no UTF-8", 4, S("4\xff"), -ERR_BAD, 0, false, S("") },
		{ "UTF-8 cut short", 3, S("4\xe2\x82"), -ERR_BAD, 0, false, S("") },
		{ "a surrogate", 4, S("4\xed\xa0\x80"), -ERR_BAD, 0, false, S("") },
	};
	struct eio_packet p;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct str in = tight(rows[i].in);

		row_assert(eio_packet_read(rows[i].version, in, &p) == rows[i].rc, "%s", rows[i].why);
		if (rows[i].rc == 0) {
			row_assert(p.type == rows[i].type, "%s: %d", rows[i].why, (int)p.type);
			row_assert(p.binary == rows[i].binary, "%s", rows[i].why);
			row_assert(str_eq(p.data, rows[i].data), "%s: %.*s", rows[i].why, (int)p.data.n,
			    p.data.p);
		}
		loosen(in);
	}
}

/* A payload as lines: the packets with b before what is binary, then what the end was. */
static void
describe(int version, struct str body, struct buf *out)
{
	struct eio_payload it;
	struct eio_packet p;
	int rc = eio_payload(&it, version, body);

	buf_clear(out);
	while (rc >= 0 && (rc = eio_payload_next(&it, &p)) > 0) {
		buf_addf(out, "%s%d", p.binary ? "b" : "", (int)p.type);
		buf_adds(out, p.data);
		buf_addc(out, '\n');
	}
	buf_addz(out, err_name(rc));
	if (rc == -ERR_BAD && it.rest.n > 0)
		assert_int_equal(eio_payload_next(&it, &p), -ERR_BAD);	/* and stays so */
}

static const struct { const char *why; int version; struct str in; const char *want; } payloads[] = {
	{ "one", 3, S("1:2"), "2\nok" },
	{ "two", 3, S("1:26:4hello"), "2\n4hello\nok" },
	{ "colons in the data", 3, S("3:4::1:2"), "4::\n2\nok" },
	{ "digits in the data", 3, S("3:41:1:2"), "41:\n2\nok" },
	{ "code units, not bytes", 3, S("2:4" EURO "1:2"), "4" EURO "\n2\nok" },
	{ "pairs are two", 3, S("3:4" PAIR "1:2"), "4" PAIR "\n2\nok" },
	{ "inside a pair", 3, S("2:4" PAIR), "bad" },
	{ "inside the second pair", 3, S("4:4" PAIR PAIR), "bad" },
	{ "bytes instead of units", 3, S("4:4" EURO), "bad" },
	{ "bytes instead of units, and more to come", 3, S("4:4" EURO "1:2"), "4" EURO "1:\nbad" },
	{ "base64", 3, S("6:b4AQ==1:2"), "b4AQ==\n2\nok" },
	{ "a packet without code units", 3, S("0:1:2"), "2\nok" },
	{ "only such", 3, S("0:"), "ok" },
	{ "leading zeros", 3, S("001:2"), "2\nok" },
	{ "nothing", 3, S(""), "bad" },
	{ "no length", 3, S(":2"), "bad" },
	{ "no colon", 3, S("1"), "bad" },
	{ "nothing but a colon", 3, S(":"), "bad" },
	{ "signed", 3, S("+1:2"), "bad" },
	{ "negative", 3, S("-1:2"), "bad" },
	{ "hexadecimal", 3, S("0x1:2"), "bad" },
	{ "blank before", 3, S(" 1:2"), "bad" },
	{ "one too many", 3, S("2:2"), "bad" },
	{ "one too few", 3, S("1:26"), "2\nbad" },
	{ "2^32 + 1", 3, S("4294967297:2"), "bad" },
	{ "2^64 + 1", 3, S("18446744073709551617:2"), "bad" },
	{ "the second is wrong", 3, S("1:21:9"), "2\nbad" },
	{ "the second has no length", 3, S("1:2x"), "2\nbad" },
	{ "no UTF-8 behind", 3, S("1:22:4\xff"), "bad" },
	{ "separators are data", 3, S("3:2\x1e" "2"), "2\x1e" "2\nok" },
	{ "version 4's", 3, S("2\x1e" "2"), "bad" },
	{ "binary, text in it", 3, S("\0\x01\xff" "2"), "type" },
	{ "binary", 3, S("\x01\x03\xff\x04\x01\x02"), "type" },
	{ "nearly binary", 3, S("\x02\x01\xff" "2"), "bad" },

	{ "one", 4, S("2"), "2\nok" },
	{ "two", 4, S("2\x1e" "4hello"), "2\n4hello\nok" },
	{ "UTF-8", 4, S("4" EURO "\x1e" "4" PAIR), "4" EURO "\n4" PAIR "\nok" },
	{ "base64", 4, S("bAQ==\x1e" "2"), "b4AQ==\n2\nok" },
	{ "empty base64", 4, S("b\x1e" "2"), "b4\n2\nok" },
	{ "nothing", 4, S(""), "bad" },
	{ "a separator alone", 4, S("\x1e"), "bad" },
	{ "one before", 4, S("\x1e" "2"), "bad" },
	{ "one behind", 4, S("2\x1e"), "2\nbad" },
	{ "two between", 4, S("2\x1e\x1e" "2"), "2\nbad" },
	{ "the second is wrong", 4, S("2\x1e" "9"), "2\nbad" },
	{ "no UTF-8 behind", 4, S("2\x1e" "4\xff"), "bad" },
	{ "across a separator", 4, S("4\xe2\x1e" "\x82\xac"), "bad" },
	{ "version 3's", 4, S("1:2"), "1:2\nok" },
	{ "no binary in version 4", 4, S("\x01\x03\xff"), "bad" },
	{ "one line more", 4, S("2\n\x1e" "2"), "2\n\n2\nok" },
};

static void
reads_payloads(void **state)
{
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 4096);
	for (i = 0; i < COUNT(payloads); i++) {
		struct str in = tight(payloads[i].in);

		describe(payloads[i].version, in, &b);
		row_assert(str_eq(buf_str(&b), str_from(payloads[i].want)), "%d, %s: %.*s",
		    payloads[i].version, payloads[i].why, (int)b.n, b.p);
		loosen(in);
	}
	buf_release(&b);
}

/* eio_payload_check says what going through it says. */
static void
checks_payloads(void **state)
{
	struct buf b;
	size_t i, count, lines, at;

	(void)state;
	buf_init(&b, 4096);
	for (i = 0; i < COUNT(payloads); i++) {
		const char *want = payloads[i].want, *end = strrchr(want, '\n');
		int rc = eio_payload_check(payloads[i].version, payloads[i].in, &count);

		end = end == NULL ? want : end + 1;
		row_assert(strcmp(err_name(rc), end) == 0, "%s", payloads[i].why);
		row_assert(rc == 0 || count == 0, "%s: %zu", payloads[i].why, count);
		if (rc < 0 || memchr(payloads[i].in.p, '\n', payloads[i].in.n) != NULL)
			continue;
		for (lines = at = 0; want[at] != '\0'; at++)
			lines += want[at] == '\n';
		row_assert(count == lines, "%s: %zu", payloads[i].why, count);
	}
	buf_release(&b);
}

/* How many packets the first n bytes of each are; 0: they are no payload. */
static const struct { int version; struct str whole; size_t packets[19]; } cut_short[] = {
	{ 3, S("1:23:4" PAIR "4:4" EURO "cd"), { [3] = 1, [10] = 2, [18] = 3 } },
	{ 4, S("2\x1e" "4" PAIR "\x1e" "6"), { [1] = 1, [3] = 2, [7] = 2, [9] = 3 } },
};

static void
reads_payloads_cut_short(void **state)
{
	size_t i, n, count;

	(void)state;
	for (i = 0; i < COUNT(cut_short); i++)
		for (n = 0; n <= cut_short[i].whole.n; n++) {
			struct str cut = tight(str_make(cut_short[i].whole.p, n));
			int rc = eio_payload_check(cut_short[i].version, cut, &count);

			row_assert(count == cut_short[i].packets[n], "%d, %zu: %zu", cut_short[i].version, n,
			    count);
			row_assert(rc == (count > 0 ? 0 : -ERR_BAD), "%d, %zu", cut_short[i].version, n);
			loosen(cut);
		}
}

/* It MUST not be written, but if it is, that ends, too. */
static void
writes_what_is_no_utf8(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 64);
	eio_payload_put(&b, 3, true, EIO_MESSAGE, STR("\xff" EURO "\xe2\x82"));
	assert_true(str_eq(buf_str(&b), STR("5:4\xff" EURO "\xe2\x82")));
	buf_release(&b);
}

static void
writes_packets(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 64);
	eio_packet_put(&b, EIO_NOOP, STR_NONE);
	eio_packet_put(&b, EIO_PONG, STR("probe"));
	assert_true(str_eq(buf_str(&b), STR("63probe")));
	buf_release(&b);
}

static void
writes_payloads(void **state)
{
	static const struct { int version; struct str want; } rows[] = {
		{ 3, S("x1:22:4" EURO "3:4" PAIR "11:40123456789") },
		{ 4, S("x2\x1e" "4" EURO "\x1e" "4" PAIR "\x1e" "40123456789") },
	};
	struct buf b;
	size_t i, at;

	(void)state;
	buf_init(&b, 256);
	for (i = 0; i < COUNT(rows); i++) {
		int version = rows[i].version;

		buf_clear(&b);
		buf_addc(&b, 'x');	/* whatever was there before stays */
		eio_payload_put(&b, version, true, EIO_PING, STR_NONE);
		eio_payload_put(&b, version, false, EIO_MESSAGE, STR(EURO));
		at = eio_payload_begin(&b, version, false, EIO_MESSAGE);
		buf_addz(&b, PAIR);
		eio_payload_end(&b, version, at);
		at = eio_payload_begin(&b, version, false, EIO_MESSAGE);
		buf_addz(&b, "01234");
		buf_addz(&b, "56789");
		eio_payload_end(&b, version, at);
		row_assert(str_eq(buf_str(&b), rows[i].want), "%d: %.*s", version, (int)b.n, b.p);
	}
	buf_release(&b);
}

/* n and n + 1: what fits is whole, what does not fails as buf does. */
static void
writes_to_the_ceiling(void **state)
{
	static const size_t sizes[] = { 3 + 1, 1 + 1 + 1 };	/* "1:2" and one to come, "2" U+001E "2" */
	struct buf b;
	size_t max;

	(void)state;
	for (max = 0; max <= sizes[0] + 2; max++) {
		buf_init(&b, max);
		eio_payload_put(&b, 3, true, EIO_PING, STR_NONE);
		assert_int_equal(buf_err(&b), max >= 3 ? 0 : -ERR_TOOBIG);
		eio_payload_put(&b, 3, false, EIO_PING, STR_NONE);
		assert_int_equal(buf_err(&b), max >= 6 ? 0 : -ERR_TOOBIG);
		assert_true(b.n <= max);
		buf_release(&b);
	}
	for (max = 0; max <= sizes[1] + 1; max++) {
		buf_init(&b, max);
		eio_payload_put(&b, 4, true, EIO_PING, STR_NONE);
		eio_payload_put(&b, 4, false, EIO_PING, STR_NONE);
		assert_int_equal(buf_err(&b), max >= sizes[1] ? 0 : -ERR_TOOBIG);
		buf_release(&b);
	}
}

static void
writes_what_opens(void **state)
{
	static const struct { struct eio_open in; const char *want; } rows[] = {
		{ { S("lv_VI97HAXpY6yYWAAAC"), true, 25000, 20000, 1000000 },
		    "{\"sid\":\"lv_VI97HAXpY6yYWAAAC\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,"
		    "\"pingTimeout\":20000,\"maxPayload\":1000000}" },
		{ { S("\"\\"), false, 1, UINT32_MAX, 0 },
		    "{\"sid\":\"\\\"\\\\\",\"upgrades\":[],\"pingInterval\":1,\"pingTimeout\":4294967295}" },
	};
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 512);
	for (i = 0; i < COUNT(rows); i++) {
		buf_clear(&b);
		eio_open_put(&b, &rows[i].in);
		row_assert(str_eq(buf_str(&b), str_from(rows[i].want)), "%.*s", (int)b.n, b.p);
		assert_int_equal(json_check(buf_str(&b)), 0);
	}
	buf_release(&b);
}

static void
reads_the_query(void **state)
{
	static const struct { struct str value; int want; } versions[] = {
		{ S("3"), 3 }, { S("4"), 4 }, { S(""), 3 }, { S("2"), -ERR_VERSION }, { S("5"), -ERR_VERSION },
		{ S("04"), -ERR_VERSION }, { S("4 "), -ERR_VERSION }, { S("34"), -ERR_VERSION },
	};
	static const struct { struct str value; int want; enum eio_transport transport; } transports[] = {
		{ S("polling"), 0, EIO_POLLING }, { S("websocket"), 0, EIO_WEBSOCKET },
		{ S("webtransport"), -ERR_NOTFOUND, 0 }, { S(""), -ERR_NOTFOUND, 0 },
		{ S("Polling"), -ERR_NOTFOUND, 0 }, { S("polling2"), -ERR_NOTFOUND, 0 },
		{ S("pollin"), -ERR_NOTFOUND, 0 }, { S("sse"), 0, EIO_SSE }, { S("poll"), 0, EIO_POLL },
	};
	enum eio_transport t;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(versions); i++)
		row_assert(eio_version(versions[i].value) == versions[i].want, "%s", versions[i].value.p);
	for (i = 0; i < COUNT(transports); i++) {
		t = EIO_TRANSPORT__MAX;
		row_assert(eio_transport(transports[i].value, &t) == transports[i].want, "%s",
		    transports[i].value.p);
		if (transports[i].want == 0)
			row_assert(t == transports[i].transport, "%s", transports[i].value.p);
	}
}

/* As engine.io 6 has them. */
static void
writes_codes(void **state)
{
	static const struct { int status; const char *want; } rows[] = {
		{ 400, "{\"code\":0,\"message\":\"Transport unknown\"}" },
		{ 400, "{\"code\":1,\"message\":\"Session ID unknown\"}" },
		{ 400, "{\"code\":2,\"message\":\"Bad handshake method\"}" },
		{ 400, "{\"code\":3,\"message\":\"Bad request\"}" },
		{ 403, "{\"code\":4,\"message\":\"Forbidden\"}" },
		{ 400, "{\"code\":5,\"message\":\"Unsupported protocol version\"}" },
	};
	struct buf b;
	size_t i;

	(void)state;
	assert_int_equal(COUNT(rows), EIO_CODE__MAX);
	buf_init(&b, 128);
	for (i = 0; i < COUNT(rows); i++) {
		buf_clear(&b);
		eio_code_put(&b, (enum eio_code)i);
		row_assert(str_eq(buf_str(&b), str_from(rows[i].want)), "%.*s", (int)b.n, b.p);
		assert_int_equal(eio_code_status((enum eio_code)i), rows[i].status);
	}
	buf_release(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_packets),
		cmocka_unit_test(reads_payloads),
		cmocka_unit_test(checks_payloads),
		cmocka_unit_test(reads_payloads_cut_short),
		cmocka_unit_test(writes_packets),
		cmocka_unit_test(writes_what_is_no_utf8),
		cmocka_unit_test(writes_payloads),
		cmocka_unit_test(writes_to_the_ceiling),
		cmocka_unit_test(writes_what_opens),
		cmocka_unit_test(reads_the_query),
		cmocka_unit_test(writes_codes),
	};

	return cmocka_run_group_tests_name("eio", tests, NULL, NULL);
}
