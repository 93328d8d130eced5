/*
 * Engine.IO and Socket.IO as the released parsers have them: vectors-eio and vectors-sio hold what
 * they said (tests/reference/vectors.mjs, which says what is in a line), and we say the same. Where a
 * kind ends in ! we refuse what they take; in ? we may.
 *
 *	test-sio-oracle [FILE...]
 */
#include "config.h"

#include "unit.h"

#include <stdio.h>

#include "eio.h"
#include "err.h"
#include "json.h"
#include "sio.h"

#define WORDS 16
#define MAX 65536

struct line {
	const char	*file;
	unsigned	 number;
	struct str	 kind;
	struct str	 rule;		/* the ! or ? behind it, if any */
	int64_t		 version;
	struct str	 text;		/* decoded, as all strings; null is empty */
	struct str	 word[WORDS];	/* what follows */
	size_t		 words;
	struct buf	 bytes;		/* all of these */
};

#define line_assert(l, fact) \
	row_assert(fact, "%s:%u: %.*s", (l)->file, (l)->number, (int)(l)->text.n, (l)->text.p)

/* A value: of a string its text, of null nothing. The buffer does not move: it has room for all. */
static struct str
value_of(struct line *l, const struct json_member *m)
{
	size_t at = l->bytes.n;

	if (m->kind == JSON_NULL)
		return STR_NONE;
	if (m->kind == JSON_STRING)
		assert_int_equal(json_text(m->value, &l->bytes), 0);
	else
		buf_adds(&l->bytes, m->value);
	return str_skip(buf_str(&l->bytes), at);
}

static void
take_apart(struct line *l, struct str text)
{
	struct json_iter it;
	struct json_member m;

	buf_clear(&l->bytes);
	assert_non_null(buf_room(&l->bytes, text.n));
	assert_int_equal(json_array(text, &it), 0);
	assert_true(json_next(&it, &m));
	l->kind = value_of(l, &m);
	l->rule = str_skip(l->kind, l->kind.n - 1);
	if (str_eq(l->rule, STR("!")) || str_eq(l->rule, STR("?")))
		l->kind.n--;
	else
		l->rule = STR_NONE;
	assert_true(json_next(&it, &m));
	assert_int_equal(json_int(m.value, 0, 9, &l->version), 0);
	assert_true(json_next(&it, &m));
	l->text = value_of(l, &m);
	for (l->words = 0; json_next(&it, &m); l->words++) {
		assert_true(l->words < WORDS);
		l->word[l->words] = value_of(l, &m);
	}
}

static bool
is_error(struct str word)
{
	return str_eq(word, STR("error"));
}

/* What we say to a line whose answer is theirs, or may be our refusal. */
static void
judge(const struct line *l, bool same, bool refused)
{
	if (str_eq(l->rule, STR("!")))
		line_assert(l, refused);
	else if (str_eq(l->rule, STR("?")))
		line_assert(l, same || refused);
	else
		line_assert(l, same);
}

/* ---- Engine.IO ---- */

static bool
same_packet(const struct eio_packet *p, struct str word)
{
	if (p->binary)
		return word.n == 2 && word.p[0] == 'b' && word.p[1] - '0' == (int)p->type;
	return word.n > 0 && word.p[0] - '0' == (int)p->type && str_eq(p->data, str_skip(word, 1));
}

static void
on_payload(const struct line *l)
{
	struct eio_payload it;
	struct eio_packet p;
	bool same = true;
	size_t i = 0;
	int rc = eio_payload(&it, (int)l->version, l->text);

	while (rc == 0 && (rc = eio_payload_next(&it, &p)) > 0) {
		same = same && i < l->words && same_packet(&p, l->word[i]);
		i++;
		rc = 0;
	}
	if (rc == 0)
		same = same && i == l->words;
	else
		same = same && i + 1 == l->words && is_error(l->word[i]);
	judge(l, same, rc < 0);
}

static void
on_packet(const struct line *l)
{
	struct eio_packet p;
	int rc = eio_packet_read((int)l->version, l->text, &p);

	judge(l, rc == 0 ? same_packet(&p, l->word[0]) : is_error(l->word[0]), rc < 0);
}

static void
on_write(const struct line *l)
{
	struct buf b;
	size_t i;

	buf_init(&b, MAX);
	for (i = 0; i < l->words; i++)
		eio_payload_put(&b, (int)l->version, i == 0, (enum eio_type)(l->word[i].p[0] - '0'),
		    str_skip(l->word[i], 1));
	line_assert(l, str_eq(buf_str(&b), l->text));
	buf_release(&b);
}

static void
on_code(const struct line *l)
{
	struct buf b;

	buf_init(&b, MAX);
	eio_code_put(&b, (enum eio_code)l->version);	/* it stands there */
	line_assert(l, str_eq(buf_str(&b), l->text));
	buf_release(&b);
}

/* ---- Socket.IO ---- */

static bool
same_read(const struct line *l, enum sio_no no, const struct sio_packet *p)
{
	char type[2] = { (char)('0' + p->type), '\0' };
	uint64_t id = 0;

	if (no == SIO_NO_BINARY || no != SIO_OK)
		return str_eq(l->word[0], no == SIO_NO_BINARY ? STR("binary") : STR("error"));
	if (l->words != 4 || !str_eq(l->word[0], str_from(type)) || !str_eq(l->word[1], p->nsp))
		return false;
	if (p->has_id != (l->word[2].n > 0) || (p->has_id && str_uint(l->word[2], SIO_ID_MAX, &id) < 0))
		return false;
	/* theirs is JSON.stringify's: lines whose rule is ? are written otherwise */
	return id == p->id && (str_eq(p->payload.value, l->word[3]) ||
	    (str_eq(l->rule, STR("?")) && p->payload.value.n > 0 && l->word[3].n > 0));
}

static void
on_read(const struct line *l)
{
	struct sio_packet p;
	enum sio_no no = sio_read((int)l->version, l->text, &p);

	judge(l, same_read(l, no, &p), no != SIO_OK && no != SIO_NO_BINARY);
}

static void
put_json(struct buf *out, const struct line *l, size_t i)
{
	if (l->words > i)
		json_quote(out, l->word[i]);
}

/* The lines that say what is written: namespace, then the rest. */
static void
on_put(const struct line *l)
{
	int version = (int)l->version;
	struct str nsp = l->word[0], word = l->words > 1 ? l->word[1] : STR_NONE;
	struct buf b, json;
	uint64_t id = 0;

	buf_init(&b, MAX);
	buf_init(&json, MAX);
	put_json(&json, l, 2);
	if (str_eq(l->kind, STR("connect")))
		sio_connect_put(&b, version, nsp, word);
	else if (str_eq(l->kind, STR("disconnect")))
		sio_disconnect_put(&b, nsp);
	else if (str_eq(l->kind, STR("refusal")))
		sio_refusal_put(&b, version, nsp, word);
	else if (str_eq(l->kind, STR("event")))
		sio_event_put(&b, nsp, word, buf_str(&json));
	else if (str_uint(word, SIO_ID_MAX, &id) == 0)
		sio_ack_put(&b, nsp, id, buf_str(&json));
	line_assert(l, str_eq(buf_str(&b), l->text));
	if (str_eq(l->kind, STR("event")) && l->words > 2) {
		buf_clear(&b);
		sio_event_put_text(&b, nsp, word, l->word[2]);
		line_assert(l, str_eq(buf_str(&b), l->text));
	}
	buf_release(&json);
	buf_release(&b);
}

/* ---- files ---- */

static const struct { const char *kind; void (*ask)(const struct line *); } kinds[] = {
	{ "payload", on_payload }, { "packet", on_packet }, { "write", on_write }, { "code", on_code },
	{ "read", on_read }, { "connect", on_put }, { "disconnect", on_put }, { "refusal", on_put },
	{ "event", on_put }, { "ack", on_put },
};

static void
ask(struct line *l, struct str text)
{
	size_t i;

	take_apart(l, text);
	for (i = 0; i < COUNT(kinds); i++)
		if (str_eq(l->kind, str_from(kinds[i].kind))) {
			kinds[i].ask(l);
			return;
		}
	line_assert(l, !"a kind we know");
}

static void
ask_file(const char *path)
{
	struct line l = { .file = path };
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;
	ssize_t n;

	row_assert(f != NULL, "%s", path);
	buf_init(&l.bytes, MAX);
	while ((n = getline(&text, &size, f)) > 0) {
		l.number++;
		ask(&l, str_make(text, (size_t)n));
	}
	print_message("# %s: %u lines\n", path, l.number);
	assert_true(l.number > 50);
	free(text);
	fclose(f);
	buf_release(&l.bytes);
}

static char **files;

static void
says_what_they_say(void **state)
{
	const char *srcdir = getenv("srcdir");
	static const char *const names[] = { "vectors-eio", "vectors-sio" };
	char path[4096];
	size_t i;

	(void)state;
	for (i = 0; files[i] != NULL; i++)
		ask_file(files[i]);
	for (i = 0; files[0] == NULL && i < COUNT(names); i++) {
		snprintf(path, sizeof path, "%s/tests/unit/%s", srcdir != NULL ? srcdir : ".", names[i]);
		ask_file(path);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_they_say),
	};

	files = argv + (argc > 0 ? 1 : 0);
	return cmocka_run_group_tests_name("sio-oracle", tests, NULL, NULL);
}
