/*
 * WebSocket frames: whatever comes, it says the same whether it comes whole, byte by byte, or split
 * anywhere, and each broken rule of RFC 6455 has its code.
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "err.h"
#include "frames.h"
#include "ws.h"

#define MAX	1000		/* bytes of a message */
#define LOTS	(1u << 24)
#define X30	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X120	X30 X30 X30 X30

/* ---- frames in ---- */

struct talk {
	struct ws_in	 in;
	struct buf	 words;		/* what came; then "| " and what is answered */
	struct buf	 out;
	int		 rc;
};

static void
on_message(void *arg, enum ws_opcode opcode, struct str data, int code)
{
	static const char *const names[] = {
		[WS_TEXT] = "text", [WS_BINARY] = "binary", [WS_CLOSE] = "close", [WS_PING] = "ping", [WS_PONG] = "pong",
	};
	struct talk *t = arg;

	buf_addf(&t->words, "%s(", names[opcode]);
	if (opcode == WS_CLOSE)
		buf_addf(&t->words, "%d%s", code, data.n > 0 ? " " : "");
	if (data.n <= 200)
		buf_adds(&t->words, data);
	else
		buf_addf(&t->words, "%zu bytes", data.n);
	buf_addz(&t->words, ") ");
}

static void
talk_init(struct talk *t)
{
	ws_in_init(&t->in);
	buf_init(&t->words, LOTS);
	buf_init(&t->out, LOTS);
	t->rc = 0;
}

static void
eat(struct talk *t, struct str bytes)
{
	struct str piece = tight(bytes);

	if (t->rc == 0)
		t->rc = ws_eat(&t->in, piece, MAX, on_message, t, &t->out);
	else
		assert_int_equal(ws_eat(&t->in, piece, MAX, on_message, t, &t->out), -ERR_CLOSED);
	loosen(piece);
}

/* In words, with the answers, and how it ended. */
static const char *
told(struct talk *t)
{
	buf_addz(&t->words, "| ");
	frames_tell(&t->words, buf_str(&t->out));
	if (t->rc != 0)
		buf_addf(&t->words, "%s", err_name(t->rc));
	buf_addc(&t->words, '\0');
	assert_int_equal(buf_err(&t->words), 0);
	return t->words.p;
}

static void
talk_release(struct talk *t)
{
	ws_in_release(&t->in);
	buf_release(&t->words);
	buf_release(&t->out);
}

/* Pieces of so many bytes, the first perhaps shorter, say what the row wants. */
static void
in_pieces(const char *why, struct str bytes, size_t first, size_t piece, const char *want)
{
	struct str all = bytes;
	struct talk t;
	size_t n;

	talk_init(&t);
	for (n = first; bytes.n > 0; n = piece) {
		if (n > bytes.n)
			n = bytes.n;
		eat(&t, str_make(bytes.p, n));
		bytes = str_skip(bytes, n);
	}
	told(&t);
	row_assert(strcmp(t.words.p, want) == 0, "%s (%zu, %zu of %zu): %s, wanted %s", why, first, piece, all.n,
	    t.words.p, want);
	assert_true(t.in.over == (t.rc != 0));
	talk_release(&t);
}

static void
in_all_ways(const char *why, struct buf *in, const char *want)
{
	struct str bytes = buf_str(in);
	size_t i;

	assert_int_equal(buf_err(in), 0);
	in_pieces(why, bytes, bytes.n, bytes.n, want);
	in_pieces(why, bytes, 1, 1, want);
	for (i = 1; i < bytes.n && i < 3000; i++)
		in_pieces(why, bytes, i, bytes.n, want);
	buf_release(in);
}

/* Frames as rows write them: each a first byte and a payload. */
struct row {
	const char	*why;
	struct { int first; struct str payload; } frames[6];
	const char	*want;
};

static void
check_rows(const struct row *row, size_t count)
{
	struct buf in;
	size_t i;

	for (; count-- > 0; row++) {
		buf_init(&in, LOTS);
		for (i = 0; i < COUNT(row->frames) && row->frames[i].first != 0; i++)
			frame_put(&in, row->frames[i].first, row->frames[i].payload);
		in_all_ways(row->why, &in, row->want);
	}
}

#define TXT	(FIN | WS_TEXT)
#define MORE	0x100		/* a continuation that is not the last; the bit above is lost */
#define LAST	FIN		/* … that is */
#define EURO	"\xe2\x82\xac"

static void
test_messages(void **state)
{
	static const struct row rows[] = {
		{ "a message", {{ TXT, S("{}") }}, "text({}) | " },
		{ "an empty one", {{ TXT, S("") }}, "text() | " },
		{ "binary", {{ FIN | WS_BINARY, S("\xff") }}, "binary(\xff) | " },
		{ "two", {{ TXT, S("a") }, { TXT, S("b") }}, "text(a) text(b) | " },
		{ "126 bytes", {{ TXT, S(X120 "yyyyyy") }}, "text(" X120 "yyyyyy) | " },
		{ "a ping", {{ FIN | WS_PING, S("p") }}, "ping(p) | pong(p) " },
		{ "an empty ping", {{ FIN | WS_PING, S("") }}, "ping() | pong() " },
		{ "two pings", {{ FIN | WS_PING, S("1") }, { FIN | WS_PING, S("2") }}, "ping(1) ping(2) | pong(1) pong(2) " },
		{ "a pong", {{ FIN | WS_PONG, S("p") }}, "pong(p) | " },
		{ "a message after a ping", {{ FIN | WS_PING, S("p") }, { TXT, S("a") }}, "ping(p) text(a) | pong(p) " },
		{ "fragments", {{ WS_TEXT, S("a") }, { MORE, S("b") }, { LAST, S("c") }}, "text(abc) | " },
		{ "empty fragments", {{ WS_TEXT, S("") }, { MORE, S("") }, { LAST, S("") }}, "text() | " },
		{ "a message after fragments", {{ WS_TEXT, S("a") }, { LAST, S("b") }, { TXT, S("c") }}, "text(ab) text(c) | " },
		{ "control frames amid", {{ WS_TEXT, S("a") }, { FIN | WS_PING, S("p") }, { FIN | WS_PONG, S("q") },
		    { LAST, S("b") }}, "ping(p) pong(q) text(ab) | pong(p) " },
		{ "a character across fragments", {{ WS_TEXT, S("\xe2") }, { MORE, S("\x82") }, { LAST, S("\xac") }},
		    "text(" EURO ") | " },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
test_broken_rules(void **state)
{
	static const struct row rows[] = {
		{ "a reserved bit", {{ TXT, S("a") }, { 0x40 | TXT, S("b") }, { TXT, S("c") }}, "text(a) | close(1002) closed" },
		{ "another", {{ 0x20 | TXT, S("") }}, "| close(1002) closed" },
		{ "a third, of a ping", {{ 0x10 | FIN | WS_PING, S("") }}, "| close(1002) closed" },
		{ "a reserved opcode", {{ FIN | 3, S("") }}, "| close(1002) closed" },
		{ "a reserved control opcode", {{ FIN | 11, S("") }}, "| close(1002) closed" },
		{ "a continuation of nothing", {{ LAST, S("a") }}, "| close(1002) closed" },
		{ "a message amid fragments", {{ WS_TEXT, S("a") }, { TXT, S("b") }}, "| close(1002) closed" },
		{ "a ping in fragments", {{ WS_PING, S("") }}, "| close(1002) closed" },
		{ "a close frame in fragments", {{ WS_CLOSE, S("") }}, "| close(1002) closed" },
		{ "that, after a good one", {{ FIN | WS_PING, S("p") }, { WS_PING, S("") }}, "ping(p) | pong(p) close(1002) closed" },
		{ "a ping of 126 bytes", {{ FIN | WS_PING, S(X120 "yyyyyy") }}, "| close(1002) closed" },
		{ "no UTF-8", {{ TXT, S("\xff") }, { TXT, S("a") }}, "| close(1007) closed" },
		{ "a surrogate", {{ TXT, S("\xed\xa0\x80") }}, "| close(1007) closed" },
		{ "too long a form", {{ TXT, S("\xc0\xaf") }}, "| close(1007) closed" },
		{ "half a character", {{ TXT, S("\xe2\x82") }}, "| close(1007) closed" },
		{ "no UTF-8 in a fragment", {{ WS_TEXT, S("a") }, { LAST, S("\xff") }}, "| close(1007) closed" },
		{ "half a character at the end", {{ WS_TEXT, S("a") }, { LAST, S("\xe2\x82") }}, "| close(1007) closed" },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void
test_not_shortest(void **state)
{
	static const struct { const char *why; struct str bytes; } rows[] = {
		{ "two bytes for 125", S("\x81\xfe\x00\x7d") },
		{ "eight bytes for 65535", S("\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff") },
		{ "the topmost bit", S("\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00") },
	};
	struct buf in;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		buf_init(&in, 100);
		buf_adds(&in, rows[i].bytes);
		in_all_ways(rows[i].why, &in, "| close(1002) closed");
	}
}

static void
test_unmasked(void **state)
{
	struct buf in;

	(void)state;
	buf_init(&in, 100);
	buf_adds(&in, STR("\x81\x02{}"));
	in_all_ways("a frame without a mask", &in, "| close(1002) closed");
	buf_init(&in, 100);
	buf_adds(&in, STR("GET / HTTP/1.1\r\n\r\n"));
	in_all_ways("another protocol", &in, "| close(1002) closed");
}

/* ---- the end ---- */

static void
closed_by(int code, struct str reason, const char *want)
{
	struct buf in;

	buf_init(&in, LOTS);
	frame_put(&in, TXT, STR("a"));
	frame_put_close(&in, code, reason);
	frame_put(&in, TXT, STR("b"));
	in_all_ways("a close frame", &in, want);
}

static void
test_close(void **state)
{
	static const int good[] = { 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999 };
	static const int bad[] = { 0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535 };
	char want[200];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++) {
		snprintf(want, sizeof want, "text(a) close(%d why) | close(%d why) closed", good[i], good[i]);
		closed_by(good[i], STR("why"), want);
	}
	for (i = 0; i < COUNT(bad); i++)
		closed_by(bad[i], STR("why"), "text(a) | close(1002) closed");
	closed_by(1000, STR_NONE, "text(a) close(1000) | close(1000) closed");
	closed_by(1000, STR("\xff"), "text(a) | close(1007) closed");
	closed_by(1000, STR("x\xe2\x82"), "text(a) | close(1007) closed");
	closed_by(999, STR("\xff"), "text(a) | close(1002) closed");
	closed_by(1000, STR("price: " EURO EURO), "text(a) close(1000 price: " EURO EURO ") | close(1000 price: " EURO EURO ") closed");
	closed_by(1000, STR(X120 "yyy"), "text(a) close(1000 " X120 "yyy) | close(1000 " X120 "yyy) closed");
	closed_by(1000, STR(X120 "yyyy"), "text(a) | close(1002) closed");
}

static void
test_close_without_code(void **state)
{
	static const struct row rows[] = {
		{ "no code", {{ TXT, S("a") }, { FIN | WS_CLOSE, S("") }, { TXT, S("b") }}, "text(a) close(1005) | close() closed" },
		{ "half a code", {{ TXT, S("a") }, { FIN | WS_CLOSE, S("x") }, { TXT, S("b") }},
		    "text(a) | close(1002 A code has two bytes) closed" },
		{ "amid fragments", {{ WS_TEXT, S("a") }, { FIN | WS_CLOSE, S("") }, { LAST, S("b") }},
		    "close(1005) | close() closed" },
		{ "half a code after a ping", {{ FIN | WS_PING, S("p") }, { FIN | WS_CLOSE, S("x") }},
		    "ping(p) | pong(p) close(1002 A code has two bytes) closed" },
		{ "after a ping", {{ FIN | WS_PING, S("p") }, { FIN | WS_CLOSE, S("") }}, "ping(p) close(1005) | pong(p) close() closed" },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

/* ---- limits ---- */

/* A message of so many bytes, in frames of at most `frame`. */
static void
put_long(struct buf *in, size_t bytes, size_t frame)
{
	static char payload[2 * MAX];
	int first = WS_TEXT;
	size_t n;

	memset(payload, 'x', sizeof payload);
	do {
		n = bytes < frame ? bytes : frame;
		bytes -= n;
		frame_put(in, first | (bytes == 0 ? FIN : 0), str_make(payload, n));
		first = 0;
	} while (bytes > 0);
}

static void
test_longest_message(void **state)
{
	static const size_t frames[] = { 2 * MAX, 333, 1 };
	struct buf in;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(frames); i++) {
		buf_init(&in, LOTS);
		put_long(&in, MAX, frames[i]);
		frame_put(&in, TXT, STR("after"));
		in_all_ways("the longest message", &in, "text(1000 bytes) text(after) | ");
		buf_init(&in, LOTS);
		put_long(&in, MAX + 1, frames[i]);
		frame_put(&in, TXT, STR("after"));
		in_all_ways("one byte more", &in, "| close(1009) closed");
	}
	buf_init(&in, LOTS);
	buf_adds(&in, STR("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\1\2\3\4x"));
	in_all_ways("a length that is only announced", &in, "| close(1009) closed");
}

static void
fragments(size_t n, const char *want)
{
	struct str bytes;
	struct buf in;
	size_t i;

	buf_init(&in, LOTS);
	frame_put(&in, FIN | WS_PING, STR_NONE);	/* counts for nothing */
	for (i = 0; i < n; i++)
		frame_put(&in, (i == 0 ? WS_TEXT : 0) | (i == n - 1 ? FIN : 0), i == 0 ? STR("a") : STR_NONE);
	frame_put(&in, TXT, STR("after"));
	bytes = buf_str(&in);
	in_pieces("fragments", bytes, bytes.n, bytes.n, want);
	in_pieces("fragments", bytes, 1, 1, want);
	buf_release(&in);
}

static void
test_most_fragments(void **state)
{
	(void)state;
	fragments(WS_FRAGMENTS_MAX, "ping() text(a) text(after) | pong() ");
	fragments(WS_FRAGMENTS_MAX + 1, "ping() | pong() close(1009 The message comes in too many frames) closed");
}

/* What waits costs nothing. */
static void
test_idle_costs_nothing(void **state)
{
	struct buf in;
	struct talk t;
	size_t i;

	(void)state;
	talk_init(&t);
	buf_init(&in, 1000);
	frame_put(&in, TXT, STR("one"));
	frame_put(&in, WS_TEXT, STR("two"));
	frame_put(&in, FIN | WS_PING, STR_NONE);
	frame_put(&in, LAST, STR("three"));
	for (i = 0; i < in.n; i++) {
		bool whole = i == 0 || i == 9;

		assert_true((t.in.ctx == NULL) == whole);
		eat(&t, str_make(in.p + i, 1));
	}
	assert_null(t.in.ctx);
	eat(&t, STR_NONE);
	assert_null(t.in.ctx);
	assert_string_equal(told(&t), "text(one) ping() text(twothree) | pong() ");
	buf_release(&in);
	talk_release(&t);
}

/* Given up amid a message; and answers for which there is no room. */
static void
test_cut_short(void **state)
{
	struct buf in;
	struct talk t;

	(void)state;
	talk_init(&t);
	buf_init(&in, 1000);
	frame_put(&in, WS_TEXT, STR("begun"));
	eat(&t, buf_str(&in));
	assert_non_null(t.in.ctx);
	talk_release(&t);

	talk_init(&t);
	buf_release(&t.out);
	buf_init(&t.out, 10);
	buf_release(&in);
	buf_init(&in, 1000);
	frame_put(&in, FIN | WS_PING, STR("0123456789"));
	eat(&t, buf_str(&in));
	assert_int_equal(t.rc, -ERR_TOOBIG);
	assert_true(t.in.over);
	buf_release(&in);
	talk_release(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages), cmocka_unit_test(test_broken_rules), cmocka_unit_test(test_not_shortest),
		cmocka_unit_test(test_unmasked), cmocka_unit_test(test_close), cmocka_unit_test(test_close_without_code),
		cmocka_unit_test(test_longest_message), cmocka_unit_test(test_most_fragments),
		cmocka_unit_test(test_idle_costs_nothing), cmocka_unit_test(test_cut_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
