/* Wires and cursors: whatever bytes come in, one event stays one event and one poll stays JSON. */
#include "config.h"

#include "unit.h"

#include <json-c/json.h>
#include <stdio.h>

#include "err.h"
#include "frames.h"
#include "stream.h"
#include "wire.h"

static char *
finish(struct buf *b)
{
	buf_addc(b, '\0');
	assert_int_equal(buf_err(b), 0);
	return b->p;
}

/* ---- SSE ---- */

static void
test_sse_event(void **state)
{
	static const struct { const char *why; struct str id, name, data; const char *want; } rows[] = {
		{ "a message", S("e-1"), S(""), S("{\"a\":1}"), "id: e-1\ndata: {\"a\":1}\n\n" },
		{ "no id", S(""), S("auth"), S("t"), "event: auth\ndata: t\n\n" },
		{ "LF starts a line", S(""), S(""), S("a\nb"), "data: a\ndata: b\n\n" },
		{ "CR starts a line", S(""), S(""), S("a\rb"), "data: a\ndata: b\n\n" },
		{ "CRLF starts one line", S(""), S(""), S("a\r\nb"), "data: a\ndata: b\n\n" },
		{ "LFCR starts two", S(""), S(""), S("a\n\rb"), "data: a\ndata: \ndata: b\n\n" },
		{ "a forged event", S(""), S(""), S("x\n\nevent: close\ndata: y"),
		    "data: x\ndata: \ndata: event: close\ndata: data: y\n\n" },
		{ "empty data", S(""), S(""), S(""), "data: \n\n" },
		{ "line feed last", S(""), S(""), S("a\n"), "data: a\ndata: \n\n" },
	};
	struct wire_state w = { 0 };
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct wire_event e = { .id = rows[i].id, .name = rows[i].name, .data = rows[i].data };

		buf_init(&b, 4096);
		wire_sse.event(&w, &b, &e);
		row_assert(strcmp(finish(&b), rows[i].want) == 0, "%s: %s", rows[i].why, b.p);
		buf_release(&b);
	}
}

static void
test_sse_ends(void **state)
{
	struct wire_end end = { .final = true, .name = STR("close"), .data = STR("{}") };
	struct wire_state w = { 0 };
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	wire_sse.open(&w, &b, 700, STR("h.e-1"));
	wire_sse.beat(&w, &b);
	wire_sse.end(&w, &b, &end);
	assert_string_equal(finish(&b), ": ok\nretry: 700\nid: h.e-1\n\n:\n\n"
	    "retry: 86400000\nevent: close\nid: final\ndata: {}\n\n");
	buf_release(&b);
	end.final = false;
	wire_sse.end(&w, &b, &end);
	assert_int_equal(b.n, 0);
	buf_release(&b);
}

/* ---- poll ---- */

static void
say(struct wire_state *w, struct buf *b, const char *name, const char *data, bool json)
{
	struct wire_event e = { .name = str_from(name), .data = str_from(data), .json = json };

	wire_poll.event(w, b, &e);
}

static void
poll_is(struct buf *b, const char *want)
{
	struct json_object *o;

	assert_string_equal(finish(b), want);
	o = json_tokener_parse(b->p);
	assert_non_null(o);
	json_object_put(o);
	buf_release(b);
}

static void
test_poll(void **state)
{
	struct wire_end pause = { .cursor = STR("h.e-2") };
	struct wire_end final = { .final = true, .name = STR("close"), .data = STR("{\"code\":1}") };
	struct wire_state w = { 0 };
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	wire_poll.end(&w, &b, &pause);
	poll_is(&b, "{\"messages\":[],\"cursor\":\"h.e-2\"}\n");

	w.phase = 0;
	wire_poll.beat(&w, &b);
	say(&w, &b, "gap", "{\"from\":\"a\",\"to\":\"b\"}", true);
	say(&w, &b, "auth", "quote\"d", false);
	say(&w, &b, "", "[1]", true);
	say(&w, &b, "", "2", true);
	wire_poll.end(&w, &b, &pause);
	poll_is(&b, " {\"gap\":{\"from\":\"a\",\"to\":\"b\"},\"auth\":\"quote\\\"d\",\"messages\":[[1],2],\"cursor\":\"h.e-2\"}\n");

	w.phase = 0;
	say(&w, &b, "", "1", true);
	wire_poll.end(&w, &b, &final);
	poll_is(&b, "{\"messages\":[1],\"cursor\":\"final\",\"final\":true,\"event\":\"close\",\"data\":{\"code\":1}}\n");
}

static void
text_is(struct buf *b, const char *want)
{
	assert_string_equal(finish(b), want);
	buf_release(b);
}

/* An end without a name is an ordinary message, the last one. */
static void
test_refusals(void **state)
{
	const struct wire_end no = { .final = true, .data = STR("{\"type\":\"ERROR\"}") };
	struct wire_state w = { 0 };
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	wire_poll.end(&w, &b, &no);
	poll_is(&b, "{\"messages\":[{\"type\":\"ERROR\"}],\"cursor\":\"final\",\"final\":true}\n");
	wire_sse.end(&w, &b, &no);
	text_is(&b, "retry: 86400000\nid: final\ndata: {\"type\":\"ERROR\"}\n\n");
	wire_xhr.end(&w, &b, &no);
	text_is(&b, "{\"type\":\"ERROR\"}\n{\"type\":\"HTTP-ERROR\"}\n");
}

/* ---- PeerJS's old stream ---- */

static void
test_xhr(void **state)
{
	const struct wire_event gap = { .name = STR("gap"), .data = STR("{}"), .json = true };
	const struct wire_event message = { .data = STR("{\"type\":\"OPEN\"}"), .json = true };
	const struct wire_end over = { .final = true, .name = STR("superseded"), .data = STR("{}") };
	struct wire_state w = { 0 };
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 4096);
	wire_xhr.open(&w, &b, 1000, STR("e-1"));
	assert_int_equal(b.n, 2049);
	for (i = 0; i < 2048; i++)
		assert_int_equal(b.p[i], '0');
	assert_int_equal(b.p[2048], '\n');
	buf_clear(&b);
	wire_xhr.event(&w, &b, &gap);
	wire_xhr.event(&w, &b, &message);
	wire_xhr.beat(&w, &b);
	wire_xhr.end(&w, &b, &over);
	text_is(&b, "{\"type\":\"OPEN\"}\n{\"type\":\"NOP\"}\n");
}

/* ---- WebSocket ---- */

static void
frames_are(struct buf *b, const char *want)
{
	struct buf words;

	buf_init(&words, 4096);
	frames_tell(&words, buf_str(b));
	buf_addc(&words, '\0');
	assert_string_equal(words.p, want);
	buf_release(&words);
	buf_release(b);
}

static void
test_ws(void **state)
{
	const struct wire_event message = { .id = STR("e-1"), .data = STR("{\"type\":\"OPEN\"}"), .json = true };
	const struct wire_event named = { .name = STR("gap"), .data = STR("{}"), .json = true };
	struct wire_state w = { 0 };
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	wire_ws.open(&w, &b, 1000, STR("e-1"));
	assert_int_equal(b.n, 0);
	wire_ws.event(&w, &b, &named);
	wire_ws.event(&w, &b, &message);
	wire_ws.beat(&w, &b);
	frames_are(&b, "text({\"type\":\"OPEN\"}) ping() ");
}

static void
test_ws_ends(void **state)
{
	static const struct { const char *why; struct wire_end end; const char *want; } rows[] = {
		{ "for now", { .final = false, .cursor = S("e-1") }, "close(1012 come again) " },
		{ "for good", { .final = true }, "close(1000) " },
		{ "with a last message", { .final = true, .data = S("{\"type\":\"ERROR\"}") },
		    "text({\"type\":\"ERROR\"}) close(1000) " },
		{ "with code and reason", { .final = true, .name = S("close"), .data = S("{\"code\":4001,\"reason\":\"K: \\u00e9\"}") },
		    "close(4001 K: \xc3\xa9) " },
		{ "in another order", { .final = true, .name = S("close"), .data = S("{\"reason\":\"r\",\"code\":4000}") },
		    "close(4000 r) " },
		{ "with a reason alone", { .final = true, .name = S("superseded"), .data = S("{\"reason\":\"r\"}") },
		    "close(1000 r) " },
		{ "with nonsense", { .final = true, .name = S("close"), .data = S("[]") }, "close(1000) " },
		{ "with a code that is none", { .final = true, .name = S("close"), .data = S("{\"code\":\"x\",\"reason\":7}") },
		    "close(1000) " },
	};
	struct wire_state w = { 0 };
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		print_message("# %s\n", rows[i].why);
		buf_init(&b, 4096);
		wire_ws.end(&w, &b, &rows[i].end);
		frames_are(&b, rows[i].want);
	}
}

/* ---- Engine.IO's packets, as events and in polls ---- */

static const struct wire_event packet = { .id = S("h.e-1"), .data = S("40{\"sid\":\"x\"}"), .json = true };
static const struct wire_event handshake = { .id = S("h.e-2"), .name = S("ws-handshake"), .data = S("{\"a\":\n1}"), .json = true };
static const struct wire_event units = { .name = S("x"), .data = S("\"ä\U0001f600\""), .json = true };
static const struct wire_event text_event = { .name = S("x"), .data = S("\"\\\n") };
static const struct wire_event no_packet = { .data = S("x") };
static const struct wire_event gap_event = { .name = S("gap"), .data = S("{}"), .json = true };

/* The whole life of a stream; version 3 knows no ping of the server's. */
static void
test_sio_sse(void **state)
{
	static const struct { const struct wire *wire; const char *beat; } rows[] = {
		{ &wire_sio3_sse, ":\n\n" }, { &wire_sio4_sse, "data: 2\n\n" },
	};
	const struct wire_end over = { .final = true, .name = STR("close"), .data = STR("{\"code\":1}") };
	const struct wire_end pause = { .cursor = STR("h.e-2") };
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		const struct wire *wire = rows[i].wire;
		struct wire_state w = { 0 };

		assert_false(wire->once || wire->whole || wire->duplex);
		buf_init(&b, 4096);
		wire->open(&w, &b, 700, STR("h.e-0"));
		wire->event(&w, &b, &packet);
		wire->event(&w, &b, &gap_event);
		wire->event(&w, &b, &handshake);
		text_is(&b, ": ok\nretry: 700\nid: h.e-0\n\nid: h.e-1\ndata: 40{\"sid\":\"x\"}\n\n"
		    "event: gap\ndata: {}\n\nid: h.e-2\ndata: 42[\"ws-handshake\",{\"a\":\ndata: 1}]\n\n");
		wire->beat(&w, &b);
		text_is(&b, rows[i].beat);
		wire->end(&w, &b, &pause);
		assert_int_equal(b.n, 0);
		wire->end(&w, &b, &over);
		text_is(&b, "retry: 86400000\nid: final\ndata: 1\n\n");
	}
}

static void
sio_poll_is(const struct wire *wire, const struct wire_event *e, const struct wire_end *end, const char *want)
{
	struct wire_state w = { 0 };
	struct buf b;

	buf_init(&b, 4096);
	wire->open(&w, &b, 700, STR("h.e-0"));
	if (e != NULL)
		wire->event(&w, &b, e);
	wire->beat(&w, &b);
	wire->end(&w, &b, end);
	poll_is(&b, want);
}

static void
test_sio_polls(void **state)
{
	const struct wire_end over = { .final = true, .name = STR("close"), .data = STR("{\"code\":1}") };
	const struct wire_end pause = { .cursor = STR("h.e-2") };
	const struct wire_end due = { .cursor = STR("h.e-2"), .beat = true };
	static const struct wire *const both[] = { &wire_sio3_json, &wire_sio4_json };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(both); i++) {
		assert_true(both[i]->once && !both[i]->whole);
		sio_poll_is(both[i], &packet, &pause, "{\"messages\":[\"40{\\\"sid\\\":\\\"x\\\"}\" ],\"cursor\":\"h.e-2\"}\n");
		sio_poll_is(both[i], &handshake, &pause,
		    "{\"messages\":[\"42[\\\"ws-handshake\\\",{\\\"a\\\":\\n1}]\" ],\"cursor\":\"h.e-2\"}\n");
		sio_poll_is(both[i], &gap_event, &over, "{\"gap\":{}, \"messages\":[\"1\"],\"cursor\":\"final\",\"final\":true}\n");
	}
	sio_poll_is(&wire_sio3_json, NULL, &pause, " {\"messages\":[],\"cursor\":\"h.e-2\"}\n");
	sio_poll_is(&wire_sio3_json, &handshake, &due,
	    "{\"messages\":[\"42[\\\"ws-handshake\\\",{\\\"a\\\":\\n1}]\" ],\"cursor\":\"h.e-2\"}\n");
	sio_poll_is(&wire_sio4_json, NULL, &pause, " {\"messages\":[\"2\"],\"cursor\":\"h.e-2\"}\n");
	sio_poll_is(&wire_sio4_json, &packet, &due,
	    "{\"messages\":[\"40{\\\"sid\\\":\\\"x\\\"}\" ,\"2\"],\"cursor\":\"h.e-2\"}\n");
}

/* ---- Engine.IO as it was released ---- */

/* The whole life of a poll: events, a gap that is not told, a beat that is none, an end. */
static void
test_sio_payloads(void **state)
{
	static const struct {
		const char *why; const struct wire *wire; const struct wire_event *e[2]; struct wire_end end; const char *want;
	} rows[] = {
		{ "nothing, 3", &wire_sio3_poll, { NULL }, { .final = false }, "1:6" },
		{ "nothing, 4", &wire_sio4_poll, { NULL }, { .final = false }, "2" },
		{ "nothing, a beat is due, 3", &wire_sio3_poll, { NULL }, { .beat = true }, "1:6" },
		{ "nothing, a beat is due, 4", &wire_sio4_poll, { NULL }, { .beat = true }, "2" },
		{ "a packet, 3", &wire_sio3_poll, { &packet }, { .final = false }, "13:40{\"sid\":\"x\"}" },
		{ "a packet, 4", &wire_sio4_poll, { &packet }, { .final = false }, "40{\"sid\":\"x\"}" },
		{ "code units, 3", &wire_sio3_poll, { &units }, { .final = false }, "13:42[\"x\",\"ä\U0001f600\"]" },
		{ "two, a beat is due, 3", &wire_sio3_poll, { &packet, &handshake }, { .beat = true },
		    "13:40{\"sid\":\"x\"}27:42[\"ws-handshake\",{\"a\":\n1}]" },
		{ "two, a beat is due, 4", &wire_sio4_poll, { &packet, &handshake }, { .beat = true },
		    "40{\"sid\":\"x\"}\x1e" "42[\"ws-handshake\",{\"a\":\n1}]\x1e" "2" },
		{ "text, 3", &wire_sio3_poll, { &text_event }, { .final = false }, "16:42[\"x\",\"\\\"\\\\\\n\"]" },
		{ "text, 4", &wire_sio4_poll, { &text_event }, { .final = false }, "42[\"x\",\"\\\"\\\\\\n\"]" },
		{ "the last, 3", &wire_sio3_poll, { &packet }, { .final = true }, "13:40{\"sid\":\"x\"}1:1" },
		{ "the last, 4", &wire_sio4_poll, { &packet }, { .final = true }, "40{\"sid\":\"x\"}\x1e" "1" },
		{ "what is no packet, 4", &wire_sio4_poll, { &no_packet }, { .final = false }, "2" },
	};
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct wire_state w = { 0 };
		struct buf b;

		print_message("# %s\n", rows[i].why);
		assert_true(rows[i].wire->once && rows[i].wire->whole && !rows[i].wire->duplex);
		buf_init(&b, 4096);
		rows[i].wire->open(&w, &b, 700, STR("e-0"));
		for (n = 0; n < 2 && rows[i].e[n] != NULL; n++) {
			rows[i].wire->event(&w, &b, &gap_event);
			rows[i].wire->event(&w, &b, rows[i].e[n]);
			rows[i].wire->beat(&w, &b);
		}
		rows[i].wire->end(&w, &b, &rows[i].end);
		text_is(&b, rows[i].want);
	}
}

/* A poll that is over without a word: the answer as a whole. */
static void
test_sio_refusal(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	wire_sio3_poll.refuse(&b);
	text_is(&b, "Status: 400 Bad Request\r\nContent-Type: application/json\r\nAccess-Control-Allow-Origin: *\r\n"
	    "Cache-Control: no-store\r\n\r\n{\"code\":3,\"message\":\"Bad request\"}");
	assert_ptr_equal(wire_sio4_poll.refuse, wire_sio3_poll.refuse);
}

static void
test_sio_websockets(void **state)
{
	static const struct { const struct wire *wire; const char *beat; } rows[] = {
		{ &wire_sio3_ws, "ping() " }, { &wire_sio4_ws, "text(2) " },
	};
	const struct wire_end pause = { .final = false }, over = { .final = true, .name = STR("close"), .data = STR("{}") };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		struct wire_state w = { 0 };
		struct buf b;

		assert_true(rows[i].wire->duplex && !rows[i].wire->once);
		buf_init(&b, 4096);
		rows[i].wire->open(&w, &b, 700, STR("e-0"));
		rows[i].wire->event(&w, &b, &packet);
		rows[i].wire->event(&w, &b, &gap_event);
		rows[i].wire->event(&w, &b, &handshake);
		frames_are(&b, "text(40{\"sid\":\"x\"}) text(42[\"ws-handshake\",{\"a\":\n1}]) ");
		buf_init(&b, 4096);
		rows[i].wire->beat(&w, &b);
		frames_are(&b, rows[i].beat);
		buf_init(&b, 4096);
		rows[i].wire->end(&w, &b, &pause);
		frames_are(&b, "close(1012) ");
		buf_init(&b, 4096);
		rows[i].wire->end(&w, &b, &over);
		frames_are(&b, "text(1) close(1000) ");
	}
}

/* ---- cursors ---- */

#define HANDLE "00112233445566778899aabbccddeeff"

static void
test_cursor_parse(void **state)
{
	static const struct { const char *why, *in; int want; bool handle; int64_t seq; } rows[] = {
		{ "with a handle", HANDLE ".0123456789abcdef-7", 0, true, 7 },
		{ "without", "0123456789abcdef-0", 0, false, 0 },
		{ "greatest", "ab-9223372036854775807", 0, false, INT64_MAX },
		{ "one more", "ab-9223372036854775808", -ERR_BAD, false, 0 },
		{ "negative", "ab--1", -ERR_BAD, false, 0 },
		{ "no sequence", "ab-", -ERR_BAD, false, 0 },
		{ "no epoch", "-1", -ERR_BAD, false, 0 },
		{ "epoch of 17", "0123456789abcdef0-1", -ERR_BAD, false, 0 },
		{ "epoch not hexadecimal", "xyz-1", -ERR_BAD, false, 0 },
		{ "short handle", "0011.ab-1", -ERR_BAD, false, 0 },
		{ "handle not hexadecimal", "zz112233445566778899aabbccddeeff.ab-1", -ERR_BAD, false, 0 },
		{ "nothing", "", -ERR_BAD, false, 0 },
		{ "a number", "12", -ERR_BAD, false, 0 },
		{ "blank behind", "ab-1 ", -ERR_BAD, false, 0 },
	};
	struct cursor c;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		row_assert(cursor_parse(str_from(rows[i].in), &c) == rows[i].want, "%s", rows[i].why);
		if (rows[i].want == 0)
			row_assert(c.has_handle == rows[i].handle && c.seq == rows[i].seq, "%s", rows[i].why);
	}
}

static void
test_cursor_round_trip(void **state)
{
	struct stream s = { .handled = true, .handle = { 1, 2, 0xff } };
	char text[CURSOR_MAX];
	struct cursor c;

	(void)state;
	assert_int_equal(cursor_parse(stream_cursor(&s, "fedcba9876543210", INT64_MAX, text), &c), 0);
	assert_true(c.has_handle);
	assert_memory_equal(c.handle, s.handle, HANDLE_SIZE);
	assert_string_equal(c.epoch, "fedcba9876543210");
	assert_int_equal(c.seq, INT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sse_event), cmocka_unit_test(test_sse_ends), cmocka_unit_test(test_poll),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_xhr),
		cmocka_unit_test(test_ws), cmocka_unit_test(test_ws_ends),
		cmocka_unit_test(test_sio_sse), cmocka_unit_test(test_sio_polls), cmocka_unit_test(test_sio_payloads), cmocka_unit_test(test_sio_refusal),
		cmocka_unit_test(test_sio_websockets),
		cmocka_unit_test(test_cursor_parse), cmocka_unit_test(test_cursor_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
