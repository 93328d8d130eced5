/*
 * Socket.IO: whatever is taken lies inside the text, has the payload that its type has and, as
 * json-c reads it, as many arguments; written again it is read as the same. What is refused is
 * refused for a reason that holds.
 *
 * Input: a byte whose last bit is the version (0: 3, 1: 4), then a packet.
 */
#include "config.h"

#include <stdbool.h>
#include <string.h>

#include <json-c/json.h>

#include "err.h"
#include "fuzz.h"
#include "sio.h"

#define SIZE_MOST 65536

static bool
inside(struct str part, struct str whole)
{
	return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static struct json_object *
oracle(struct str s)
{
	struct json_tokener *tok = json_tokener_new_ex(1000);
	struct json_object *o;

	FUZZ_CHECK(tok != NULL);
	o = json_tokener_parse_ex(tok, s.p, (int)s.n);
	FUZZ_CHECK(json_tokener_get_error(tok) == json_tokener_success);
	json_tokener_free(tok);
	return o;
}

/* ---- what was taken ---- */

static void
check_head(int version, struct str text, const struct sio_packet *p)
{
	FUZZ_CHECK((int)p->type == text.p[0] - '0');
	FUZZ_CHECK(p->nsp.n > 0 && p->nsp.p[0] == '/' && str_printable(p->nsp));
	FUZZ_CHECK(p->nsp.n == 1 || inside(p->nsp, text));
	FUZZ_CHECK(memchr(p->nsp.p, ',', p->nsp.n) == NULL);
	FUZZ_CHECK(inside(p->query, text) && (version == 3 || p->query.n == 0));
	FUZZ_CHECK(p->id <= SIO_ID_MAX && (p->has_id || p->id == 0));
	FUZZ_CHECK(inside(p->payload.value, text));
	FUZZ_CHECK(p->payload.value.n == 0 || json_check(p->payload.value) == 0);
}

static void
check_event(const struct sio_packet *p)
{
	struct json_object *o = oracle(p->payload.value);
	struct json_member m;
	size_t i;

	FUZZ_CHECK(json_object_is_type(o, json_type_array));
	FUZZ_CHECK(json_object_array_length(o) == p->args + 1);
	FUZZ_CHECK(json_object_is_type(json_object_array_get_idx(o, 0), json_type_string));
	json_object_put(o);
	for (i = 0; i < p->args; i++)
		FUZZ_CHECK(sio_arg(p, i, &m) == 0 && inside(m.value, p->payload.value) &&
		    json_check(m.value) == 0);
	FUZZ_CHECK(sio_arg(p, i, &m) == -ERR_NOTFOUND);
	FUZZ_CHECK(!sio_event_is(p, "connect") && !sio_event_is(p, "disconnect"));
}

static void
check_kind(const struct sio_packet *p)
{
	bool none = p->payload.value.n == 0;
	enum json_kind kind = p->payload.kind;

	switch (p->type) {
	case SIO_CONNECT:
		FUZZ_CHECK(none || kind == JSON_OBJECT);
		return;
	case SIO_DISCONNECT:
		FUZZ_CHECK(none);
		return;
	case SIO_EVENT:
		check_event(p);
		return;
	case SIO_ACK:
		FUZZ_CHECK(!none && kind == JSON_ARRAY && p->has_id);
		return;
	case SIO_ERROR:
		FUZZ_CHECK(none || kind == JSON_OBJECT || kind == JSON_STRING);
		return;
	default:
		FUZZ_CHECK(!"binary is never taken");
	}
}

/* ---- written again ---- */

static void
write_event(const struct sio_packet *p, struct buf *out)
{
	struct buf name;
	struct json_member m;
	struct str json = STR_NONE;

	buf_init(&name, SIZE_MOST);
	FUZZ_CHECK(json_text(p->event.value, &name) == 0);
	if (sio_arg(p, 0, &m) == 0)
		json = m.value;
	sio_event_put(out, p->nsp, buf_str(&name), json);
	buf_release(&name);
}

static void
write_again(int version, const struct sio_packet *p, struct buf *out)
{
	struct str args = p->payload.value;

	switch (p->type) {
	case SIO_CONNECT:
		sio_connect_put(out, version, p->nsp, args);
		return;
	case SIO_DISCONNECT:
		sio_disconnect_put(out, p->nsp);
		return;
	case SIO_EVENT:
		write_event(p, out);
		return;
	case SIO_ACK:
		sio_ack_put(out, p->nsp, p->id, str_make(args.p + 1, args.n - 2));
		return;
	default:
		sio_refusal_put(out, version, p->nsp, args);
	}
}

static bool
same_name(const struct sio_packet *a, const struct sio_packet *b)
{
	struct buf one, other;
	bool same;

	buf_init(&one, SIZE_MOST);
	buf_init(&other, SIZE_MOST);
	json_text(a->event.value, &one);
	json_text(b->event.value, &other);
	same = str_eq(buf_str(&one), buf_str(&other));
	buf_release(&one);
	buf_release(&other);
	return same;
}

static void
same_again(int version, const struct sio_packet *p)
{
	struct sio_packet again;
	struct json_member was = { .kind = JSON_NULL }, is = { .kind = JSON_NULL };
	struct buf b;

	buf_init(&b, 8 * SIZE_MOST);
	write_again(version, p, &b);
	FUZZ_CHECK(buf_err(&b) == 0);
	FUZZ_CHECK(sio_read(version, buf_str(&b), &again) == SIO_OK);
	FUZZ_CHECK(again.type == p->type && str_eq(again.nsp, p->nsp));
	if (p->type == SIO_ACK)
		FUZZ_CHECK(again.id == p->id && str_eq(again.payload.value, p->payload.value));
	if (p->type == SIO_EVENT) {
		FUZZ_CHECK(same_name(p, &again) && again.args == (p->args > 0 ? 1 : 0));
		FUZZ_CHECK(sio_arg(p, 0, &was) == sio_arg(&again, 0, &is) && str_eq(was.value, is.value));
	}
	buf_release(&b);
}

/* ---- what was refused ---- */

static void
check_refusal(enum sio_no no, struct str text, const struct sio_packet *p)
{
	FUZZ_CHECK(no < SIO_NO__MAX && sio_no_text(no)[0] != '\0');
	FUZZ_CHECK(p->args == 0 || no == SIO_NO_RESERVED);
	switch (no) {
	case SIO_NO_TYPE:
		FUZZ_CHECK(text.n == 0 || text.p[0] < '0' || text.p[0] > '6');
		return;
	case SIO_NO_PARTS:
		FUZZ_CHECK(text.p[0] == '5' || text.p[0] == '6');
		return;
	case SIO_NO_NAME:
	case SIO_NO_RESERVED:
		FUZZ_CHECK(p->type == SIO_EVENT && p->payload.kind == JSON_ARRAY);
		return;
	case SIO_NO_BINARY:
		FUZZ_CHECK(p->type >= SIO_BINARY_EVENT && p->payload.kind == JSON_ARRAY);
		FUZZ_CHECK(p->parts <= SIO_PARTS_MAX && inside(p->payload.value, text));
		return;
	default:
		FUZZ_CHECK(p->payload.value.n == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sio_packet p;
	struct str text;
	enum sio_no no;
	int version;

	if (size == 0 || size > SIZE_MOST)
		return 0;
	version = data[0] % 2 == 0 ? 3 : 4;
	text = str_make((const char *)data + 1, size - 1);
	no = sio_read(version, text, &p);
	if (no != SIO_OK) {
		check_refusal(no, text, &p);
		return 0;
	}
	check_head(version, text, &p);
	check_kind(&p);
	same_again(version, &p);
	return 0;
}
