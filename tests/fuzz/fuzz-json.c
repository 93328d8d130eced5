/*
 * The JSON scanner against json-c (strict, UTF-8 validated): what we take, json-c takes, and
 * reads the same out of it; what json-c takes and we do not is one of the things it is known to
 * be lax about, or too deep.
 */
#include "config.h"

#include <iconv.h>
#include <stdbool.h>
#include <string.h>

#include <json-c/json.h>

#include "err.h"
#include "fuzz.h"
#include "json.h"

#define MEMBERS 16

static struct json_object *
oracle(struct str s, bool *taken)
{
	struct json_tokener *tok = json_tokener_new_ex(1000);
	struct json_object *o;
	char *copy = calloc(1, s.n + 1);

	FUZZ_CHECK(tok != NULL && copy != NULL);
	if (s.n > 0)
		memcpy(copy, s.p, s.n);
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(tok, copy, (int)s.n + 1);
	*taken = json_tokener_get_error(tok) == json_tokener_success &&
	    json_tokener_get_parse_end(tok) >= s.n;
	json_tokener_free(tok);
	free(copy);
	return o;
}

/* Recursion is fine here: json-c's depth is limited. */
static int
depth_of(struct json_object *o)
{
	int d, most = 0;
	size_t i;

	if (json_object_is_type(o, json_type_array)) {
		for (i = 0; i < json_object_array_length(o); i++)
			if ((d = depth_of(json_object_array_get_idx(o, i))) > most)
				most = d;
		return most + 1;
	}
	if (!json_object_is_type(o, json_type_object))
		return 0;
	json_object_object_foreach(o, key, v) {
		(void)key;
		if ((d = depth_of(v)) > most)
			most = d;
	}
	return most + 1;
}

static bool
is_utf8(struct str s)
{
	static iconv_t cd;
	char *in = (char *)(uintptr_t)s.p, *out = malloc(4 * s.n + 4), *to = out;
	size_t n = s.n, room = 4 * s.n + 4;

	if (cd == NULL)
		cd = iconv_open("UTF-32LE", "UTF-8");
	FUZZ_CHECK(cd != (iconv_t)-1 && out != NULL);
	iconv(cd, NULL, NULL, NULL, NULL);
	iconv(cd, &in, &n, &to, &room);
	free(out);
	return n == 0;
}

static bool
digit_at(struct str s, size_t i)
{
	return i < s.n && s.p[i] >= '0' && s.p[i] <= '9';
}

/* At a byte outside strings: NaN, Infinity, a name in single quotes, a zero before other digits
 * (json-c refuses it at the beginning only), a point without digits at either side. */
static bool
lax_token(struct str s, size_t i)
{
	switch (s.p[i]) {
	case 'N':
	case 'I':
	case '\'':
		return true;
	case '0':
		return digit_at(s, i + 1) && (i == 0 || (!digit_at(s, i - 1) && s.p[i - 1] != '.'));
	case '.':
		return i == 0 || !digit_at(s, i - 1) || !digit_at(s, i + 1);
	default:
		return false;
	}
}

/* What json-c lets pass although it is strict: those tokens, control characters in strings, and
 * bytes that are nearly UTF-8. */
static bool
json_c_is_lax_about(struct str s)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (quoted ? (unsigned char)s.p[i] < 0x20 : lax_token(s, i))
			return true;
		if (s.p[i] == '"')
			quoted = !quoted;
		else if (quoted && s.p[i] == '\\')
			i++;
	}
	return !is_utf8(s);
}

static enum json_kind
kind_of(struct json_object *o)
{
	static const enum json_kind kinds[] = {
		[json_type_null] = JSON_NULL, [json_type_boolean] = JSON_BOOL,
		[json_type_double] = JSON_NUMBER, [json_type_int] = JSON_NUMBER,
		[json_type_object] = JSON_OBJECT, [json_type_array] = JSON_ARRAY,
		[json_type_string] = JSON_STRING,
	};

	return kinds[json_object_get_type(o)];
}

static bool
has_surrogate(struct str s)
{
	return s.n > 0 && (memmem(s.p, s.n, "\xed\xa0", 2) != NULL || !is_utf8(s));
}

/* json-c puts U+FFFD where half a pair is. */
static void
same_string(struct str value, struct json_object *o)
{
	struct buf text, quoted, again;
	size_t units = 0;

	buf_init(&text, 1 << 20);
	buf_init(&quoted, 1 << 20);
	buf_init(&again, 1 << 20);
	FUZZ_CHECK(json_text(value, &text) == 0);
	FUZZ_CHECK(json_units(value, &units) == 0 && units <= text.n);
	if (!has_surrogate(buf_str(&text)))
		FUZZ_CHECK(str_eq(buf_str(&text),
		    str_make(json_object_get_string(o), (size_t)json_object_get_string_len(o))));
	json_quote(&quoted, buf_str(&text));
	FUZZ_CHECK(json_text(buf_str(&quoted), &again) == 0);
	FUZZ_CHECK(str_eq(buf_str(&text), buf_str(&again)));
	buf_release(&text);
	buf_release(&quoted);
	buf_release(&again);
}

static void
same_number(struct str value, struct json_object *o)
{
	int64_t n;
	bool is_int = json_int(value, INT64_MIN, INT64_MAX, &n) == 0;

	if (!json_object_is_type(o, json_type_int))
		return;
	/* json-c holds what lies outside 64 bits as the nearest it has, and has unsigned, too */
	if (is_int)
		FUZZ_CHECK(json_object_get_int64(o) == n);
	else
		FUZZ_CHECK(json_object_get_int64(o) == INT64_MAX ||
		    json_object_get_int64(o) == INT64_MIN);
}

static void
same_value(const struct json_member *m, struct json_object *o)
{
	int64_t n;
	size_t units;

	FUZZ_CHECK(m->kind == kind_of(o));
	FUZZ_CHECK(json_check(m->value) == 0);
	if (m->kind == JSON_STRING)
		same_string(m->value, o);
	else
		FUZZ_CHECK(json_units(m->value, &units) == -ERR_TYPE);
	if (m->kind == JSON_NUMBER)
		same_number(m->value, o);
	else
		FUZZ_CHECK(json_int(m->value, INT64_MIN, INT64_MAX, &n) == -ERR_BAD);
}

/* The name as a C string into out; false if json-c cannot hold it: a NUL ends its names, and
 * half a pair becomes U+FFFD there, so two of its names may be one. */
static bool
plain_name(const struct json_member *m, struct buf *out)
{
	struct buf quoted;
	bool plain;

	buf_init(&quoted, 1 << 20);
	buf_addf(&quoted, "\"%.*s\"", (int)m->name.n, m->name.p);
	buf_clear(out);
	FUZZ_CHECK(json_text(buf_str(&quoted), out) == 0);
	plain = !has_surrogate(buf_str(out)) && (out->n == 0 || memchr(out->p, '\0',
	    out->n) == NULL);
	buf_addc(out, '\0');
	FUZZ_CHECK(!plain || json_name_is(m, out->p));
	buf_release(&quoted);
	return plain;
}

static bool
last_of_its_name(const struct json_member *m, size_t i, size_t count, const char *name)
{
	for (i++; i < count; i++)
		if (json_name_is(&m[i], name))
			return false;
	return true;
}

static void
same_values(const struct json_member *m, size_t count, struct json_object *o)
{
	struct json_object *v;
	struct buf name;
	bool plain = true;
	size_t i;

	buf_init(&name, 1 << 20);
	for (i = 0; i < count; i++)
		plain = plain_name(&m[i], &name) && plain;
	for (i = 0; plain && i < count; i++) {
		plain_name(&m[i], &name);
		if (!last_of_its_name(m, i, count, name.p))
			continue;
		FUZZ_CHECK(json_object_object_get_ex(o, name.p, &v));
		same_value(&m[i], v);
	}
	buf_release(&name);
}

static void
same_members(struct str text, struct json_object *o)
{
	struct json_member m[MEMBERS];
	size_t count;
	int rc = json_members(text, m, MEMBERS, &count);

	if (!json_object_is_type(o, json_type_object)) {
		FUZZ_CHECK(rc == -ERR_TYPE && count == 0);
		return;
	}
	FUZZ_CHECK(rc == (count > MEMBERS ? -ERR_TOOBIG : 0));
	FUZZ_CHECK(count >= (size_t)json_object_object_length(o));
	if (rc == 0)
		same_values(m, count, o);
}

static void
same_elements(struct str text, struct json_object *o)
{
	struct json_member m;
	struct json_iter it;
	size_t n = 0;
	int rc = json_array(text, &it);

	if (!json_object_is_type(o, json_type_array)) {
		FUZZ_CHECK(rc == -ERR_TYPE);
		return;
	}
	FUZZ_CHECK(rc == 0);
	for (; json_next(&it, &m); n++)
		same_value(&m, json_object_array_get_idx(o, n));
	FUZZ_CHECK(n == json_object_array_length(o));
}

/* On one line it is the same to json-c. */
static void
same_copy(struct str text, struct json_object *o)
{
	struct json_object *again;
	struct buf b;
	bool taken;

	buf_init(&b, 1 << 20);
	json_copy(&b, text);
	FUZZ_CHECK(b.n == 0 || (memchr(b.p, '\n', b.n) == NULL && memchr(b.p, '\r', b.n) == NULL));
	again = oracle(buf_str(&b), &taken);
	FUZZ_CHECK(taken && json_object_equal(o, again));
	json_object_put(again);
	buf_release(&b);
}

/* Whatever the bytes are, quoted they are JSON. */
static void
quotes(struct str text)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	json_quote(&b, text);
	FUZZ_CHECK(buf_err(&b) == 0 && json_check(buf_str(&b)) == 0);
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_make((const char *)data, size);
	struct json_member m;
	struct json_iter it;
	struct json_object *o;
	bool taken;
	size_t count;
	int rc;

	if (size > 65536)
		return 0;
	o = oracle(text, &taken);
	rc = json_check(text);
	if (rc == 0) {
		FUZZ_CHECK(taken && depth_of(o) <= JSON_DEPTH);
		same_members(text, o);
		same_elements(text, o);
		same_copy(text, o);
	} else {
		FUZZ_CHECK(json_members(text, &m, 1, &count) == rc && count == 0);
		FUZZ_CHECK(json_array(text, &it) == rc && !json_next(&it, &m));
		FUZZ_CHECK(!taken || (rc == -ERR_TOOBIG ? depth_of(o) > JSON_DEPTH :
		    json_c_is_lax_about(text)));
	}
	quotes(text);
	json_object_put(o);
	return 0;
}
