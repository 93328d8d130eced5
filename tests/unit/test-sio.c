/* Socket.IO: packets read, why they are refused, events and their arguments, packets written. */
#include "config.h"

#include "unit.h"

#include "err.h"
#include "sio.h"

/* A packet in one line: type, attachments, namespace, ?query, #id, payload, what is empty left out;
 * then event and arguments of an event. */
static void
describe(const struct sio_packet *p, struct buf *out)
{
	struct json_member m;
	size_t i;

	buf_clear(out);
	buf_addf(out, "%d", (int)p->type);
	if (p->parts > 0)
		buf_addf(out, " %u-", (unsigned)p->parts);
	buf_addc(out, ' ');
	buf_adds(out, p->nsp);
	if (p->query.n > 0) {
		buf_addc(out, '?');
		buf_adds(out, p->query);
	}
	if (p->has_id)
		buf_addf(out, " #%llu", (unsigned long long)p->id);
	if (p->type != SIO_EVENT && p->payload.value.n > 0) {
		buf_addc(out, ' ');
		buf_adds(out, p->payload.value);
	}
	if (p->type == SIO_EVENT) {
		buf_addc(out, ' ');
		json_text(p->event.value, out);
		buf_addc(out, ':');
	}
	for (i = 0; sio_arg(p, i, &m) == 0; i++) {
		buf_addc(out, ' ');
		buf_adds(out, m.value);
	}
	assert_int_equal(i, p->args);
}

static void
reads_packets(void **state)
{
	static const struct { const char *why; int version; struct str in; const char *want; } rows[] = {
		{ "connect", 4, S("0"), "0 /" },
		{ "connect with auth", 4, S("0{\"token\":\"1\"}"), "0 / {\"token\":\"1\"}" },
		{ "connect elsewhere", 4, S("0/chat,"), "0 /chat" },
		{ "without the comma", 3, S("0/chat"), "0 /chat" },
		{ "the root by name", 4, S("0/,"), "0 /" },
		{ "with auth", 4, S("0/chat,{}"), "0 /chat {}" },
		{ "a query, version 3", 3, S("0/chat?a=1&b=2,"), "0 /chat?a=1&b=2" },
		{ "no query in version 4", 4, S("0/chat?a=1,"), "0 /chat?a=1" },
		{ "an empty query", 3, S("0/chat?,"), "0 /chat" },
		{ "a query of the root", 3, S("0/?a=1,"), "0 /?a=1" },
		{ "disconnect", 4, S("1"), "1 /" },
		{ "disconnect elsewhere", 4, S("1/chat,"), "1 /chat" },
		{ "event", 4, S("2[\"ss-join\",\"/ip4/1\"]"), "2 / ss-join: \"/ip4/1\"" },
		{ "no argument", 3, S("2[\"x\"]"), "2 / x:" },
		{ "many, as they were written", 4, S("2[\"x\", {\"a\" : 1.0} ,null,\t[1,[2]],\"\\u0061\", -0e1]"),
		    "2 / x: {\"a\" : 1.0} null [1,[2]] \"\\u0061\" -0e1" },
		{ "a name with escapes", 4, S("2[\"\\u0061\\n\xc3\xa4\"]"), "2 / a\n\xc3\xa4:" },
		{ "an empty name", 4, S("2[\"\"]"), "2 / :" },
		{ "with an ack id", 4, S("20[\"x\"]"), "2 / #0 x:" },
		{ "of many digits", 4, S("29007199254740991[\"x\"]"), "2 / #9007199254740991 x:" },
		{ "with leading zeros", 4, S("2007[\"x\"]"), "2 / #7 x:" },
		{ "elsewhere", 4, S("2/chat,12[\"x\",1]"), "2 /chat #12 x: 1" },
		{ "a namespace of UTF-8", 4, S("2/\xc3\xa4,[\"x\"]"), "2 /\xc3\xa4 x:" },
		{ "blanks behind", 4, S("2[\"x\"] \n"), "2 / x:" },
		{ "ack", 4, S("30[]"), "3 / #0 []" },
		{ "ack with arguments", 4, S("3/chat,7[1,\"a\"]"), "3 /chat #7 [1,\"a\"]" },
		{ "error", 4, S("4{\"message\":\"no\"}"), "4 / {\"message\":\"no\"}" },
		{ "error of version 3", 3, S("4/a,\"no\""), "4 /a \"no\"" },
		{ "error without a word", 3, S("4"), "4 /" },
	};
	struct sio_packet p;
	struct buf b;
	size_t i;
	enum sio_no no;

	(void)state;
	buf_init(&b, 4096);
	for (i = 0; i < COUNT(rows); i++) {
		struct str in = tight(rows[i].in);

		no = sio_read(rows[i].version, in, &p);
		row_assert(no == SIO_OK, "%s: %s", rows[i].why, sio_no_text(no));
		describe(&p, &b);
		row_assert(str_eq(buf_str(&b), str_from(rows[i].want)), "%s: %.*s", rows[i].why, (int)b.n,
		    b.p);
		loosen(in);
	}
	buf_release(&b);
}

static const struct { const char *why; struct str in; enum sio_no want; } refusals[] = {
	{ "nothing", S(""), SIO_NO_TYPE },
	{ "one above the last", S("7"), SIO_NO_TYPE },
	{ "one below the first", S("/"), SIO_NO_TYPE },
	{ "a letter", S("a"), SIO_NO_TYPE },
	{ "binary", S("51-[\"x\",{\"_placeholder\":true,\"num\":0}]"), SIO_NO_BINARY },
	{ "binary elsewhere", S("52-/chat,7[\"x\"]"), SIO_NO_BINARY },
	{ "binary with nothing to follow", S("50-[\"x\"]"), SIO_NO_BINARY },
	{ "binary ack", S("61-3[{\"_placeholder\":true,\"num\":0}]"), SIO_NO_BINARY },
	{ "as many as there may be", S("51000000-[\"x\"]"), SIO_NO_BINARY },
	{ "one more", S("51000001-[\"x\"]"), SIO_NO_PARTS },
	{ "2^64 + 1", S("518446744073709551617-[\"x\"]"), SIO_NO_PARTS },
	{ "no number", S("5-[\"x\"]"), SIO_NO_PARTS },
	{ "no hyphen", S("51[\"x\"]"), SIO_NO_PARTS },
	{ "no digits", S("5x-[\"x\"]"), SIO_NO_PARTS },
	{ "nothing at all", S("5"), SIO_NO_PARTS },
	{ "binary without payload", S("51-"), SIO_NO_PAYLOAD },
	{ "binary of an object", S("51-{}"), SIO_NO_PAYLOAD },
	{ "binary ack without an id", S("61-[]"), SIO_NO_ID },
	{ "control character", S("0/a\n,"), SIO_NO_NAMESPACE },
	{ "separator of payloads", S("0/a\x1e,"), SIO_NO_NAMESPACE },
	{ "NUL", S("0/\0,"), SIO_NO_NAMESPACE },
	{ "not UTF-8", S("0/\xff,"), SIO_NO_NAMESPACE },
	{ "UTF-8 cut short", S("0/\xe2\x82,"), SIO_NO_NAMESPACE },
	{ "cut short by the end", S("0/\xe2\x82"), SIO_NO_NAMESPACE },
	{ "id one too large", S("29007199254740992[\"x\"]"), SIO_NO_ID },
	{ "id of 2^64 + 1", S("218446744073709551617[\"x\"]"), SIO_NO_ID },
	{ "ack id too large", S("39007199254740992[]"), SIO_NO_ID },
	{ "ack without an id", S("3[]"), SIO_NO_ID },
	{ "negative id", S("2-1[\"x\"]"), SIO_NO_JSON },
	{ "event without payload", S("2"), SIO_NO_PAYLOAD },
	{ "only an id", S("212"), SIO_NO_PAYLOAD },
	{ "only a namespace", S("2/chat,"), SIO_NO_PAYLOAD },
	{ "no comma behind the namespace", S("2/chat[\"x\"]"), SIO_NO_PAYLOAD },
	{ "only blanks", S("2 "), SIO_NO_JSON },
	{ "a blank in front", S("2 [\"x\"]"), SIO_NO_JSON },
	{ "a blank behind the id", S("21 [\"x\"]"), SIO_NO_JSON },
	{ "cut short", S("2[\"x\""), SIO_NO_JSON },
	{ "something behind", S("2[\"x\"]x"), SIO_NO_JSON },
	{ "NUL behind", S("2[\"x\"]\0"), SIO_NO_JSON },
	{ "not UTF-8 in it", S("2[\"\xff\"]"), SIO_NO_JSON },
	{ "of an object", S("2{}"), SIO_NO_PAYLOAD },
	{ "of a string", S("2\"x\""), SIO_NO_PAYLOAD },
	{ "of null", S("2null"), SIO_NO_PAYLOAD },
	{ "no name", S("2[]"), SIO_NO_NAME },
	{ "a number as name", S("2[1]"), SIO_NO_NAME },
	{ "null as name", S("2[null,\"x\"]"), SIO_NO_NAME },
	{ "a list as name", S("2[[\"x\"]]"), SIO_NO_NAME },
	{ "connect", S("2[\"connect\"]"), SIO_NO_RESERVED },
	{ "connect_error", S("2[\"connect_error\",1]"), SIO_NO_RESERVED },
	{ "disconnect", S("2[\"disconnect\"]"), SIO_NO_RESERVED },
	{ "disconnecting", S("2[\"disconnecting\"]"), SIO_NO_RESERVED },
	{ "newListener", S("2[\"newListener\"]"), SIO_NO_RESERVED },
	{ "removeListener", S("2[\"removeListener\"]"), SIO_NO_RESERVED },
	{ "with escapes", S("2[\"\\u0063onnect\"]"), SIO_NO_RESERVED },
	{ "other case", S("2[\"Connect\"]"), SIO_OK },
	{ "longer", S("2[\"connected\"]"), SIO_OK },
	{ "connect of a list", S("0[]"), SIO_NO_PAYLOAD },
	{ "connect of null", S("0null"), SIO_NO_PAYLOAD },
	{ "connect of no JSON", S("0x"), SIO_NO_JSON },
	{ "disconnect of something", S("1{}"), SIO_NO_PAYLOAD },
	{ "disconnect of no JSON", S("1x"), SIO_NO_JSON },
	{ "ack of an object", S("31{}"), SIO_NO_PAYLOAD },
	{ "ack without payload", S("31"), SIO_NO_PAYLOAD },
	{ "error of a list", S("4[]"), SIO_NO_PAYLOAD },
	{ "error of null", S("4null"), SIO_NO_PAYLOAD },
};

static void
refuses_packets(void **state)
{
	struct sio_packet p;
	size_t i;
	int version;

	(void)state;
	for (i = 0; i < COUNT(refusals); i++) {
		struct str in = tight(refusals[i].in);

		for (version = 3; version <= 4; version++) {
			enum sio_no no = sio_read(version, in, &p);

			row_assert(no == refusals[i].want, "%s: %s", refusals[i].why, sio_no_text(no));
		}
		loosen(in);
	}
}

/* No part of a packet is one: cut anywhere it is refused, or says less. */
static void
refuses_packets_cut_short(void **state)
{
	static const struct str whole = S("2/chat,12[\"x\",{\"a\":\"\xe2\x82\xac\"}]");
	struct sio_packet p;
	size_t n;

	(void)state;
	for (n = 0; n < whole.n; n++) {
		struct str in = tight(str_make(whole.p, n));

		row_assert(sio_read(4, in, &p) != SIO_OK, "%zu", n);
		loosen(in);
	}
	assert_int_equal(sio_read(4, whole, &p), SIO_OK);
}

/* The event's array is a container, too. */
static void
nests_to_the_limit(void **state)
{
	struct sio_packet p;
	struct buf b;
	size_t deep, i;

	(void)state;
	buf_init(&b, 4096);
	for (deep = JSON_DEPTH; deep <= JSON_DEPTH + 1; deep++) {
		buf_clear(&b);
		buf_addz(&b, "2[\"x\",");
		for (i = 1; i < deep; i++)
			buf_addc(&b, '[');
		for (i = 0; i < deep; i++)
			buf_addc(&b, ']');
		assert_int_equal(sio_read(4, buf_str(&b), &p), deep <= JSON_DEPTH ? SIO_OK : SIO_NO_DEPTH);
	}
	buf_release(&b);
}

/* What a refused packet still says: who skips it knows how many attachments follow. */
static void
tells_of_binary(void **state)
{
	struct sio_packet p;

	(void)state;
	assert_int_equal(sio_read(4, STR("53-/chat,7[\"x\"]"), &p), SIO_NO_BINARY);
	assert_int_equal(p.type, SIO_BINARY_EVENT);
	assert_int_equal(p.parts, 3);
	assert_true(str_eq(p.nsp, STR("/chat")));
	assert_true(p.has_id && p.id == 7);
	assert_true(str_eq(p.payload.value, STR("[\"x\"]")));
	assert_int_equal(p.args, 0);
	assert_false(sio_event_is(&p, ""));
}

static void
compares_names(void **state)
{
	struct sio_packet p;
	struct json_member m = { .kind = JSON_NULL };

	(void)state;
	assert_int_equal(sio_read(4, STR("2[\"ss-\\u006aoin\",\"a\",2]"), &p), SIO_OK);
	assert_true(sio_event_is(&p, "ss-join"));
	assert_false(sio_event_is(&p, "ss-joi"));
	assert_false(sio_event_is(&p, "ss-leave"));
	assert_int_equal(p.args, 2);
	assert_int_equal(sio_arg(&p, 1, &m), 0);
	assert_int_equal(m.kind, JSON_NUMBER);
	assert_int_equal(sio_arg(&p, 2, &m), -ERR_NOTFOUND);
	assert_int_equal(sio_arg(&p, SIZE_MAX, &m), -ERR_NOTFOUND);

	assert_int_equal(sio_read(4, STR("0"), &p), SIO_OK);
	assert_false(sio_event_is(&p, ""));
	assert_int_equal(sio_arg(&p, 0, &m), -ERR_NOTFOUND);
	assert_int_equal(sio_read(4, STR("2[\"\"]"), &p), SIO_OK);
	assert_true(sio_event_is(&p, ""));
}

/* Every reason has its own text. */
static void
says_why_not(void **state)
{
	int i, k;

	(void)state;
	for (i = 0; i < SIO_NO__MAX; i++)
		for (k = 0; k < i; k++)
			assert_string_not_equal(sio_no_text((enum sio_no)i), sio_no_text((enum sio_no)k));
}

static void
wrote(struct buf *b, const char *want)
{
	row_assert(str_eq(buf_str(b), str_from(want)), "%.*s instead of %s", (int)b->n, b->p, want);
	buf_clear(b);
}

static void
writes_packets(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 256);
	sio_event_put(&b, STR("/"), STR("ws-peer"), STR("{\"a\" : 1}"));
	wrote(&b, "2[\"ws-peer\",{\"a\" : 1}]");
	sio_event_put(&b, STR_NONE, STR("\"\n"), STR_NONE);
	wrote(&b, "2[\"\\\"\\n\"]");
	sio_event_put_text(&b, STR("/chat"), STR("x"), STR("/ip4/\"\x1e"));
	wrote(&b, "2/chat,[\"x\",\"/ip4/\\\"\\u001e\"]");
	sio_event_put_text(&b, STR("/"), STR("x"), STR_NONE);
	wrote(&b, "2[\"x\",\"\"]");
	sio_ack_put(&b, STR("/"), 0, STR_NONE);
	wrote(&b, "30[]");
	sio_ack_put(&b, STR("/chat"), SIO_ID_MAX, STR("1,\"a\""));
	wrote(&b, "3/chat,9007199254740991[1,\"a\"]");
	sio_connect_put(&b, 4, STR("/"), STR("a\"b"));
	wrote(&b, "0{\"sid\":\"a\\\"b\"}");
	sio_connect_put(&b, 4, STR("/chat"), STR("ab"));
	wrote(&b, "0/chat,{\"sid\":\"ab\"}");
	sio_connect_put(&b, 3, STR("/"), STR("ab"));
	wrote(&b, "0");
	sio_connect_put(&b, 3, STR("/chat"), STR("ab"));
	wrote(&b, "0/chat,");
	sio_refusal_put(&b, 4, STR("/chat"), STR("Invalid namespace"));
	wrote(&b, "4/chat,{\"message\":\"Invalid namespace\"}");
	sio_refusal_put(&b, 3, STR("/chat"), STR("Invalid namespace"));
	wrote(&b, "4/chat,\"Invalid namespace\"");
	sio_disconnect_put(&b, STR("/"));
	wrote(&b, "1");
	sio_disconnect_put(&b, STR("/chat"));
	wrote(&b, "1/chat,");
	buf_release(&b);
}

static void
writes_to_the_ceiling(void **state)
{
	struct buf b;
	size_t max;

	(void)state;
	for (max = 12; max <= 13; max++) {
		buf_init(&b, max);
		sio_event_put(&b, STR("/"), STR("abc"), STR("[1]"));
		sio_disconnect_put(&b, STR("/"));
		assert_int_equal(buf_err(&b), max == 13 ? 0 : -ERR_TOOBIG);
		buf_release(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_packets),
		cmocka_unit_test(refuses_packets),
		cmocka_unit_test(refuses_packets_cut_short),
		cmocka_unit_test(nests_to_the_limit),
		cmocka_unit_test(tells_of_binary),
		cmocka_unit_test(compares_names),
		cmocka_unit_test(says_why_not),
		cmocka_unit_test(writes_packets),
		cmocka_unit_test(writes_to_the_ceiling),
	};

	return cmocka_run_group_tests_name("sio", tests, NULL, NULL);
}
